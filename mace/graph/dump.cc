// DumpGraph: the text form of a graph, for people and golden tests.
#include "mace/graph/control_nodes.h"
#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"

namespace mace {

namespace {

class Dumper {
 public:
  // `depth` is 1 for the outermost graph, whose symbols are those of its subgraphs.
  Dumper(const Graph& graph, const Graph& outermost, int depth, OpFinder find_definition, String* text)
      : graph_(graph), outermost_(outermost), depth_(depth), find_(find_definition), text_(text) {}

  Status Run() {
    MACE_RETURN_IF_ERROR(Indent());
    MACE_RETURN_IF_ERROR(text_->AppendFormat("graph '%s'\n", graph_.name.c_str()));
    for (ValueId input : graph_.inputs) MACE_RETURN_IF_ERROR(Line("input", input));
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      if (graph_.values[i].constant != kNone) MACE_RETURN_IF_ERROR(Line("constant", static_cast<ValueId>(i)));
    }
    for (const State& state : graph_.states) {
      MACE_RETURN_IF_ERROR(Indent());
      MACE_RETURN_IF_ERROR(text_->AppendFormat("state '%s': read ", state.name.c_str()));
      MACE_RETURN_IF_ERROR(TypedValue(state.read));
      MACE_RETURN_IF_ERROR(text_->AppendFormat(", write %%%d, initial %s\n", state.write,
                                               state.initial == kNone ? "zeros" : "constant"));
    }
    for (const Node& node : graph_.nodes) MACE_RETURN_IF_ERROR(DumpNode(node));
    for (ValueId output : graph_.outputs) MACE_RETURN_IF_ERROR(Line("output", output));
    return Status::Ok();
  }

 private:
  Status Indent() {
    for (int i = 1; i < depth_; ++i) MACE_RETURN_IF_ERROR(text_->Append("    "));
    return Status::Ok();
  }

  Status Line(const char* keyword, ValueId value) {
    MACE_RETURN_IF_ERROR(Indent());
    MACE_RETURN_IF_ERROR(text_->AppendFormat("%s ", keyword));
    MACE_RETURN_IF_ERROR(TypedValue(value));
    return text_->Append("\n");
  }

  // "%3 'name': float32[1, batch, 8] quantized(...)"
  Status TypedValue(ValueId id) {
    if (id == kNone) return text_->Append("none");
    const Value& value = graph_.values[id];
    MACE_RETURN_IF_ERROR(text_->AppendFormat("%%%d", id));
    if (!value.name.empty()) MACE_RETURN_IF_ERROR(text_->AppendFormat(" '%s'", value.name.c_str()));
    MACE_RETURN_IF_ERROR(text_->AppendFormat(": %s[", NameOf(value.type.dtype)));
    const Shape& shape = value.type.shape;
    if (!shape.HasRank()) MACE_RETURN_IF_ERROR(text_->Append("..."));
    for (int i = 0; i < shape.rank; ++i) {
      if (i > 0) MACE_RETURN_IF_ERROR(text_->Append(", "));
      if (shape[i] >= 0) {
        MACE_RETURN_IF_ERROR(text_->AppendFormat("%lld", static_cast<long long>(shape[i])));
      } else if (IsSymbolDim(shape[i]) && static_cast<uint64_t>(-2 - shape[i]) < outermost_.symbols.size()) {
        MACE_RETURN_IF_ERROR(text_->Append(outermost_.symbols[SymbolOf(shape[i])].name.view()));
      } else {
        MACE_RETURN_IF_ERROR(text_->Append("?"));
      }
    }
    MACE_RETURN_IF_ERROR(text_->Append("]"));
    const Quantization* quantization = graph_.QuantizationOf(id);
    if (quantization == nullptr) return Status::Ok();
    MACE_RETURN_IF_ERROR(text_->AppendFormat(" quantized(scale %.9g, zero point %d",
                                             static_cast<double>(quantization->scales[0]),
                                             quantization->zero_points[0]));
    if (quantization->scales.size() > 1) {
      MACE_RETURN_IF_ERROR(
          text_->AppendFormat(", %zu along axis %d", quantization->scales.size(), quantization->axis));
    }
    if (quantization->block_size > 0) {
      MACE_RETURN_IF_ERROR(text_->AppendFormat(", blocks of %d", quantization->block_size));
    }
    return text_->Append(")");
  }

  Status DumpNode(const Node& node) {
    MACE_RETURN_IF_ERROR(Indent());
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (i > 0) MACE_RETURN_IF_ERROR(text_->Append(", "));
      MACE_RETURN_IF_ERROR(TypedValue(node.outputs[i]));
    }
    const OpDefinition* definition = find_(node.op);
    if (definition == nullptr) {
      MACE_RETURN_IF_ERROR(text_->AppendFormat(" = operator %d(", static_cast<int>(node.op)));
    } else {
      MACE_RETURN_IF_ERROR(text_->AppendFormat(" = %s(", definition->name));
    }
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (i > 0) MACE_RETURN_IF_ERROR(text_->Append(", "));
      if (node.inputs[i] == kNone) {
        MACE_RETURN_IF_ERROR(text_->Append("none"));
      } else {
        MACE_RETURN_IF_ERROR(text_->AppendFormat("%%%d", node.inputs[i]));
      }
    }
    MACE_RETURN_IF_ERROR(text_->Append(")"));
    if (definition != nullptr && definition->attributes.field_count > 0) {
      MACE_RETURN_IF_ERROR(text_->Append(" {"));
      MACE_RETURN_IF_ERROR(DumpAttributes(definition->attributes, node.attributes, text_));
      MACE_RETURN_IF_ERROR(text_->Append("}"));
    }
    if (!node.name.empty()) MACE_RETURN_IF_ERROR(text_->AppendFormat("  # %s", node.name.c_str()));
    MACE_RETURN_IF_ERROR(text_->Append("\n"));
    const Bodies bodies = BodiesOf(node);
    if (bodies.count == 0 || depth_ >= kMaxGraphDepth || !CheckBodies(graph_, node).ok()) return Status::Ok();
    for (int32_t index : bodies) {
      MACE_RETURN_IF_ERROR(Dumper(*graph_.subgraphs[index], outermost_, depth_ + 1, find_, text_).Run());
    }
    return Status::Ok();
  }

  const Graph& graph_;
  const Graph& outermost_;
  const int depth_;
  OpFinder find_;
  String* text_;
};

}  // namespace

Status DumpGraph(const Graph& graph, OpFinder find_definition, String* text) {
  return Dumper(graph, graph, 1, find_definition, text).Run();
}

}  // namespace mace
