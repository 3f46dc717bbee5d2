// VerifyGraph: what everything behind it may rely on (graph.h).
#include <cmath>

#include "mace/graph/control_nodes.h"
#include "mace/graph/graph.h"
#include "mace/graph/op_definition.h"

namespace mace {

namespace {

bool InRange(int64_t index, size_t count) { return index >= 0 && static_cast<size_t>(index) < count; }

// The integers that a quantized element of `dtype` can hold; false where the type is not one.
bool StoredRange(DType dtype, int64_t* low, int64_t* high) {
  if (!IsInteger(dtype)) return false;
  const bool is_unsigned = dtype == DType::kU2 || dtype == DType::kU4 || dtype == DType::kU8 ||
                           dtype == DType::kU16 || dtype == DType::kU32 || dtype == DType::kU64;
  const int bits = BitsOf(dtype) < 33 ? BitsOf(dtype) : 33;  // zero points are int32
  *low = is_unsigned ? 0 : -(int64_t{1} << (bits - 1));
  *high = is_unsigned ? (int64_t{1} << bits) - 1 : (int64_t{1} << (bits - 1)) - 1;
  return true;
}

// Who defines each value, filled while walking the graph.
enum Definition : uint8_t { kUndefined = 0, kInput, kConstant, kStateRead, kProduced };

// What all graphs of a model share while they are verified.
struct Scope {
  OpFinder find;
  size_t symbols;      // of the outermost graph
  int64_t graphs = 0;  // seen so far below the outermost one
};

class Verifier {
 public:
  // `depth` is 1 for the outermost graph.
  Verifier(const Graph& graph, int depth, Scope* scope)
      : graph_(graph), depth_(depth), scope_(*scope), find_(scope->find) {}

  Status Run() {
    MACE_RETURN_IF_ERROR(CheckSubgraphs());
    if (graph_.nodes.size() > static_cast<size_t>(kMaxNodes) ||
        graph_.values.size() > static_cast<size_t>(kMaxValues)) {
      return ResourceExhausted("the graph has %zu nodes and %zu values; the limits are %lld and %lld",
                               graph_.nodes.size(), graph_.values.size(), static_cast<long long>(kMaxNodes),
                               static_cast<long long>(kMaxValues));
    }
    if (graph_.inputs.size() > static_cast<size_t>(kMaxGraphEdges) ||
        graph_.outputs.size() > static_cast<size_t>(kMaxGraphEdges)) {
      return ResourceExhausted("the graph has %zu inputs and %zu outputs; the limit of each is %lld",
                               graph_.inputs.size(), graph_.outputs.size(),
                               static_cast<long long>(kMaxGraphEdges));
    }
    MACE_RETURN_IF_ERROR(defined_.Resize(graph_.values.size()));
    MACE_RETURN_IF_ERROR(CheckSymbols());
    MACE_RETURN_IF_ERROR(CheckQuantizations());
    MACE_RETURN_IF_ERROR(CheckConstants());
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      Status status = CheckValue(static_cast<ValueId>(i));
      if (!status.ok()) return std::move(status).WithPrefix("value %zu '%s'", i, NameOfValue(i));
    }
    MACE_RETURN_IF_ERROR(CheckInputs());
    for (size_t i = 0; i < graph_.states.size(); ++i) {
      Status status = CheckState(graph_.states[i]);
      if (!status.ok()) {
        return std::move(status).WithPrefix("state %zu '%s'", i, graph_.states[i].name.c_str());
      }
    }
    for (size_t i = 0; i < graph_.nodes.size(); ++i) {
      Status status = CheckNode(static_cast<NodeId>(i));
      if (!status.ok()) {
        return std::move(status).WithPrefix("node %zu '%s'", i, graph_.LabelOf(graph_.nodes[i]));
      }
    }
    MACE_RETURN_IF_ERROR(CheckOwners());
    return CheckResults();
  }

 private:
  // First of all: what the nodes' checks read of their bodies is then in order.
  Status CheckSubgraphs() {
    if (depth_ > kMaxGraphDepth) {
      return ResourceExhausted("subgraphs are nested more than %d deep", kMaxGraphDepth);
    }
    if (depth_ > 1 && (!graph_.states.empty() || !graph_.metadata.empty() || !graph_.symbols.empty())) {
      return InvalidArgument("a subgraph has states, metadata or symbols");
    }
    for (size_t i = 0; i < graph_.subgraphs.size(); ++i) {
      if (++scope_.graphs > kMaxSubgraphs) {
        return ResourceExhausted("the model has more than %lld subgraphs",
                                 static_cast<long long>(kMaxSubgraphs));
      }
      if (graph_.subgraphs[i] == nullptr) return InvalidArgument("subgraph %zu does not exist", i);
      const Graph& subgraph = *graph_.subgraphs[i];
      Status status = Verifier(subgraph, depth_ + 1, &scope_).Run();
      if (!status.ok()) return std::move(status).WithPrefix("subgraph %zu '%s'", i, subgraph.name.c_str());
    }
    return owned_.Resize(graph_.subgraphs.size());
  }

  Status CheckOwners() const {
    for (size_t i = 0; i < owned_.size(); ++i) {
      if (owned_[i] == 0) return InvalidArgument("subgraph %zu belongs to no node", i);
    }
    return Status::Ok();
  }

  DType DTypeOf(const Graph& graph, ValueId value) const {
    return value == kNone ? DType::kInvalid : graph.values[value].type.dtype;
  }
  // Where both are known.
  static bool Differ(DType a, DType b) { return a != DType::kInvalid && b != DType::kInvalid && a != b; }

  // Of a node whose inputs and outputs have been checked.
  Status CheckControlNode(const Node& node) {
    MACE_RETURN_IF_ERROR(CheckBodies(graph_, node));
    const Bodies bodies = BodiesOf(node);
    const int offset = BodyInputOffset(node);
    for (int32_t index : bodies) {
      if (owned_[index]++ != 0) return InvalidArgument("subgraph %d belongs to two nodes", index);
      const Graph& body = *graph_.subgraphs[index];
      for (size_t i = 0; i < body.inputs.size(); ++i) {
        const DType given = DTypeOf(graph_, node.inputs[i + offset]);
        const DType taken = DTypeOf(body, body.inputs[i]);
        if (Differ(given, taken)) {
          return InvalidArgument("input %zu is %s, its subgraph takes %s", i + offset, NameOf(given),
                                 NameOf(taken));
        }
      }
      // In front of the outputs a loop's body has the condition.
      const size_t first = node.op == OpId::kLoop ? 1 : 0;
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        const DType given = DTypeOf(body, body.outputs[i + first]);
        if (Differ(given, DTypeOf(graph_, node.outputs[i]))) {
          return InvalidArgument("output %zu is %s, its subgraph gives %s", i,
                                 NameOf(DTypeOf(graph_, node.outputs[i])), NameOf(given));
        }
      }
      if (node.op != OpId::kLoop) continue;
      const int32_t carried = node.attributes.as<ops::LoopAttributes>().carried_count;
      for (int32_t i = 0; i < carried + 1; ++i) {  // the condition and what is carried
        if (Differ(DTypeOf(body, body.inputs[i + 1]), DTypeOf(body, body.outputs[i]))) {
          return InvalidArgument("output %d of the subgraph has another element type than the input", i);
        }
      }
    }
    return Status::Ok();
  }

  const char* NameOfValue(size_t value) const { return graph_.values[value].name.c_str(); }

  Status CheckSymbols() {
    for (const Symbol& symbol : graph_.symbols) {
      if (symbol.minimum < 0 || symbol.maximum < kUnknownDim ||
          (symbol.maximum != kUnknownDim && symbol.maximum < symbol.minimum)) {
        return InvalidArgument("symbol '%s' has the impossible range [%lld, %lld]", symbol.name.c_str(),
                               static_cast<long long>(symbol.minimum),
                               static_cast<long long>(symbol.maximum));
      }
    }
    return Status::Ok();
  }

  Status CheckQuantizations() {
    for (size_t i = 0; i < graph_.quantizations.size(); ++i) {
      const Quantization& quantization = graph_.quantizations[i];
      if (quantization.scales.empty() || quantization.scales.size() != quantization.zero_points.size()) {
        return InvalidArgument("quantization %zu has %zu scales and %zu zero points", i,
                               quantization.scales.size(), quantization.zero_points.size());
      }
      for (float scale : quantization.scales) {
        if (!std::isfinite(scale) || scale <= 0) {
          return InvalidArgument("quantization %zu has the scale %g", i, static_cast<double>(scale));
        }
      }
      if (quantization.block_size < 0 || quantization.axis < kNone || quantization.axis >= kMaxRank) {
        return InvalidArgument("quantization %zu has axis %d, block size %d", i, quantization.axis,
                               quantization.block_size);
      }
      if ((quantization.scales.size() > 1 || quantization.block_size > 0) && quantization.axis == kNone) {
        return InvalidArgument("quantization %zu has several scales but no axis", i);
      }
    }
    return Status::Ok();
  }

  Status CheckConstants() {
    for (size_t i = 0; i < graph_.constants.size(); ++i) {
      const Constant& constant = graph_.constants[i];
      if (constant.view.shape.rank < 0 || constant.view.shape.rank > kMaxRank || constant.view.bytes() < 0) {
        return InvalidArgument("constant %zu has no valid type", i);
      }
      if (constant.view.bytes() > 0 && constant.view.data == nullptr) {
        return InvalidArgument("constant %zu has no data", i);
      }
      if (constant.owned.size() > 0 && (constant.view.data != constant.owned.data() ||
                                        static_cast<size_t>(constant.view.bytes()) > constant.owned.size())) {
        return InvalidArgument("constant %zu does not fit into its buffer", i);
      }
    }
    return Status::Ok();
  }

  Status CheckValueQuantization(const TensorType& type) {
    if (type.quantization == kNone) return Status::Ok();
    const Quantization& quantization = graph_.quantizations[type.quantization];
    int64_t low = 0, high = 0;
    if (!StoredRange(type.dtype, &low, &high)) {
      return InvalidArgument("an element type %s cannot be quantized", NameOf(type.dtype));
    }
    for (int32_t zero_point : quantization.zero_points) {
      if (zero_point < low || zero_point > high) {
        return InvalidArgument("zero point %d is outside %s", zero_point, NameOf(type.dtype));
      }
    }
    if (quantization.axis == kNone) return Status::Ok();
    if (!type.shape.HasRank()) return InvalidArgument("a quantization by axis of a tensor of unknown rank");
    if (quantization.axis >= type.shape.rank) {
      return InvalidArgument("quantization axis %d of a tensor of rank %d", quantization.axis,
                             type.shape.rank);
    }
    if (quantization.scales.size() == 1 && quantization.block_size == 0) return Status::Ok();
    int64_t expected = type.shape[quantization.axis];
    if (quantization.block_size > 0) {
      if (!type.shape.IsConcrete()) return InvalidArgument("a block-quantized tensor has an open shape");
      const int64_t blocks = expected / quantization.block_size + (expected % quantization.block_size != 0);
      Shape scales_shape = type.shape;
      scales_shape[quantization.axis] = blocks;
      expected = scales_shape.ElementCount();
    }
    if (expected < 0 || static_cast<size_t>(expected) != quantization.scales.size()) {
      return InvalidArgument("%zu scales for the shape %s", quantization.scales.size(),
                             ShapeText(type.shape).text);
    }
    return Status::Ok();
  }

  Status CheckValue(ValueId id) {
    const Value& value = graph_.values[id];
    const Shape& shape = value.type.shape;
    if (shape.rank < kUnknownRank || shape.rank > kMaxRank) return InvalidArgument("rank %d", shape.rank);
    for (int i = 0; i < shape.rank; ++i) {
      if (IsSymbolDim(shape[i]) && static_cast<uint64_t>(-2 - shape[i]) >= scope_.symbols) {
        return InvalidArgument("dimension %d is a symbol that does not exist", i);
      }
    }
    // Only what a node produces may be untyped: its type follows by inference.
    if (!IsValid(value.type.dtype) && (value.type.dtype != DType::kInvalid || value.producer == kNone)) {
      return InvalidArgument("has no element type");
    }
    if (value.type.quantization != kNone && !InRange(value.type.quantization, graph_.quantizations.size())) {
      return InvalidArgument("quantization %d does not exist", value.type.quantization);
    }
    if (value.type.dtype != DType::kInvalid) MACE_RETURN_IF_ERROR(CheckValueQuantization(value.type));
    if (value.producer != kNone && !InRange(value.producer, graph_.nodes.size())) {
      return InvalidArgument("producer %d does not exist", value.producer);
    }
    if (value.constant == kNone) return Status::Ok();
    if (!InRange(value.constant, graph_.constants.size())) {
      return InvalidArgument("constant %d does not exist", value.constant);
    }
    const TensorView& view = graph_.constants[value.constant].view;
    if (view.dtype != value.type.dtype || !(view.shape == shape)) {
      return InvalidArgument("is %s%s, but its constant is %s%s", NameOf(value.type.dtype),
                             ShapeText(shape).text, NameOf(view.dtype), ShapeText(view.shape).text);
    }
    if (value.producer != kNone) return InvalidArgument("is a constant and the result of a node");
    defined_[id] = kConstant;
    return Status::Ok();
  }

  Status CheckInputs() {
    for (ValueId input : graph_.inputs) {
      if (!InRange(input, graph_.values.size()))
        return InvalidArgument("input value %d does not exist", input);
      if (defined_[input] != kUndefined || graph_.values[input].producer != kNone) {
        return InvalidArgument("input '%s' is defined twice", NameOfValue(input));
      }
      defined_[input] = kInput;
    }
    return Status::Ok();
  }

  Status CheckState(const State& state) {
    if (!InRange(state.read, graph_.values.size()) || !InRange(state.write, graph_.values.size())) {
      return InvalidArgument("reads value %d and writes value %d", state.read, state.write);
    }
    // An input may be a state too: feeding it is then optional.
    if ((defined_[state.read] != kUndefined && defined_[state.read] != kInput) ||
        graph_.values[state.read].producer != kNone) {
      return InvalidArgument("value '%s' is defined twice", NameOfValue(state.read));
    }
    defined_[state.read] = kStateRead;
    const TensorType& read = graph_.values[state.read].type;
    const TensorType& write = graph_.values[state.write].type;
    if (!read.shape.HasRank()) return InvalidArgument("has no known rank");
    if (write.dtype != DType::kInvalid &&
        (read.dtype != write.dtype || !ShapesAgree(read.shape, write.shape))) {
      return InvalidArgument("reads %s%s but writes %s%s", NameOf(read.dtype), ShapeText(read.shape).text,
                             NameOf(write.dtype), ShapeText(write.shape).text);
    }
    if (state.capacity_axis != kNone && !InRange(state.capacity_axis, read.shape.rank)) {
      return InvalidArgument("capacity axis %d of rank %d", state.capacity_axis, read.shape.rank);
    }
    if (state.initial == kNone) return Status::Ok();
    if (!InRange(state.initial, graph_.constants.size())) {
      return InvalidArgument("initial constant %d does not exist", state.initial);
    }
    const TensorView& initial = graph_.constants[state.initial].view;
    if (initial.dtype != read.dtype || !ShapesAgree(initial.shape, read.shape)) {
      return InvalidArgument("reads %s%s but begins as %s%s", NameOf(read.dtype), ShapeText(read.shape).text,
                             NameOf(initial.dtype), ShapeText(initial.shape).text);
    }
    return Status::Ok();
  }

  // Equal ranks, and no two constants that differ, as far as they are known.
  static bool ShapesAgree(const Shape& a, const Shape& b) {
    if (!a.HasRank() || !b.HasRank()) return true;
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
      if (a[i] >= 0 && b[i] >= 0 && a[i] != b[i]) return false;
    }
    return true;
  }

  Status CheckNode(NodeId id) {
    const Node& node = graph_.nodes[id];
    const OpDefinition* definition = find_(node.op);
    if (definition == nullptr) {
      return Unsupported("operator %d is not known to this build", static_cast<int>(node.op));
    }
    if (node.version < 1 || node.version > definition->version) {
      return Unsupported("%s version %d; this build knows versions up to %d", definition->name, node.version,
                         definition->version);
    }
    const auto inputs = static_cast<int64_t>(node.inputs.size());
    const auto outputs = static_cast<int64_t>(node.outputs.size());
    const int64_t max_inputs = definition->max_inputs < 0 ? kMaxNodeInputs : definition->max_inputs;
    const int64_t max_outputs =
        definition->max_outputs < 0 ? InferContext::kMaxOutputs : definition->max_outputs;
    if (inputs < definition->min_inputs || inputs > max_inputs) {
      return InvalidArgument("%s has %lld inputs, expected %d to %lld", definition->name,
                             static_cast<long long>(inputs), definition->min_inputs,
                             static_cast<long long>(max_inputs));
    }
    if (outputs < definition->min_outputs || outputs > max_outputs) {
      return InvalidArgument("%s has %lld outputs, expected %d to %lld", definition->name,
                             static_cast<long long>(outputs), definition->min_outputs,
                             static_cast<long long>(max_outputs));
    }
    MACE_RETURN_IF_ERROR(VerifyAttributes(definition->attributes, node.attributes));
    for (int64_t i = 0; i < inputs; ++i) {
      MACE_RETURN_IF_ERROR(CheckNodeInput(*definition, i, node.inputs[i]));
    }
    int64_t present = 0;
    for (ValueId output : node.outputs) {
      if (output == kNone) continue;
      if (!InRange(output, graph_.values.size()))
        return InvalidArgument("output value %d does not exist", output);
      if (defined_[output] != kUndefined) {
        return InvalidArgument("output '%s' is defined twice", NameOfValue(output));
      }
      if (graph_.values[output].producer != id) {
        return InvalidArgument("output '%s' names another producer", NameOfValue(output));
      }
      defined_[output] = kProduced;
      ++present;
    }
    if (present == 0) return InvalidArgument("%s has no output", definition->name);
    return (definition->flags & kOpControl) != 0 ? CheckControlNode(node) : Status::Ok();
  }

  Status CheckNodeInput(const OpDefinition& definition, int64_t index, ValueId input) {
    if (input == kNone) {
      if (index >= definition.min_inputs && definition.max_inputs >= 0) return Status::Ok();
      return InvalidArgument("%s lacks input %lld", definition.name, static_cast<long long>(index));
    }
    if (!InRange(input, graph_.values.size())) {
      return InvalidArgument("input value %d does not exist", input);
    }
    if (defined_[input] == kUndefined) {
      return InvalidArgument("input '%s' (value %d) is not defined before the node", NameOfValue(input),
                             input);
    }
    return Status::Ok();
  }

  Status CheckResults() {
    for (size_t i = 0; i < graph_.values.size(); ++i) {
      if (graph_.values[i].producer != kNone && defined_[i] != kProduced) {
        return InvalidArgument("value %zu '%s' names a producer that does not produce it", i, NameOfValue(i));
      }
    }
    for (ValueId output : graph_.outputs) {
      if (!InRange(output, graph_.values.size()) || defined_[output] == kUndefined) {
        return InvalidArgument("output value %d is not defined", output);
      }
    }
    for (const State& state : graph_.states) {
      if (defined_[state.write] == kUndefined) {
        return InvalidArgument("state '%s' is written from value %d, which is not defined",
                               state.name.c_str(), state.write);
      }
    }
    return Status::Ok();
  }

  const Graph& graph_;
  const int depth_;
  Scope& scope_;
  OpFinder find_;
  Vector<uint8_t> defined_;
  Vector<uint8_t> owned_;  // of subgraphs: by how many nodes, one at most
};

}  // namespace

Status VerifyGraph(const Graph& graph, OpFinder find_definition) {
  Scope scope = {.find = find_definition, .symbols = graph.symbols.size()};
  return Verifier(graph, 1, &scope).Run();
}

}  // namespace mace
