#include "mace/importers/states.h"

#include <string>
#include <utility>

namespace mace::importers {
namespace {

// Position in `list` of the value called `name`; -1 where there is none.
int FindByName(const Graph& graph, const Vector<ValueId>& list, const std::string& name) {
  for (size_t i = 0; i < list.size(); ++i) {
    if (graph.values[list[i]].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string NamesOf(const Graph& graph, const Vector<ValueId>& list) {
  std::string names;
  for (size_t i = 0; i < list.size() && i < 20; ++i) {
    names += (i == 0 ? "'" : ", '") + std::string(graph.values[list[i]].name.view()) + "'";
  }
  return names.empty() ? "none" : names;
}

}  // namespace

bool HasState(const Graph& graph, ValueId read, ValueId write) {
  for (const State& state : graph.states) {
    if (state.read == read || state.write == write) return true;
  }
  return false;
}

Status AddState(Graph* graph, ValueId read, ValueId write) {
  State state;
  MACE_RETURN_IF_ERROR(state.name.Assign(graph->values[read].name.view()));
  state.read = read;
  state.write = write;
  return graph->states.PushBack(std::move(state));
}

Status DeclareStates(const ImportOptions& options, Graph* graph) {
  for (const auto& [output, input] : options.states) {
    const int from = FindByName(*graph, graph->outputs, output);
    if (from < 0) {
      return NotFound("state %s:%s: no output is called '%s' (outputs: %s)", output.c_str(), input.c_str(),
                      output.c_str(), NamesOf(*graph, graph->outputs).c_str());
    }
    const int to = FindByName(*graph, graph->inputs, input);
    if (to < 0) {
      return NotFound("state %s:%s: no input is called '%s' (inputs: %s)", output.c_str(), input.c_str(),
                      input.c_str(), NamesOf(*graph, graph->inputs).c_str());
    }
    const ValueId write = graph->outputs[static_cast<size_t>(from)];
    const ValueId read = graph->inputs[static_cast<size_t>(to)];
    if (HasState(*graph, read, write)) {
      return InvalidArgument("state %s:%s: '%s' or '%s' is named twice", output.c_str(), input.c_str(),
                             output.c_str(), input.c_str());
    }
    const TensorType& read_type = graph->values[read].type;
    const TensorType& write_type = graph->values[write].type;
    bool agree = read_type.dtype == write_type.dtype && read_type.shape.rank == write_type.shape.rank;
    for (int i = 0; agree && i < read_type.shape.rank; ++i) {
      const int64_t a = read_type.shape[i], b = write_type.shape[i];
      agree = a == b || a < 0 || b < 0;
    }
    if (!agree) {
      return InvalidArgument("state %s:%s: the output is %s%s, the input %s%s", output.c_str(), input.c_str(),
                             NameOf(write_type.dtype), ShapeText(write_type.shape).text,
                             NameOf(read_type.dtype), ShapeText(read_type.shape).text);
    }
    MACE_RETURN_IF_ERROR(AddState(graph, read, write));
  }
  return Status::Ok();
}

}  // namespace mace::importers
