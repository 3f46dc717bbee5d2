// OpDefinition: all that the rest of MACE knows of an operator: one constant per operator, written in
// mace/ops/<family>/<operator>.cc and listed in ops.def (docs/adding_an_operator.md).
#ifndef MACE_GRAPH_OP_DEFINITION_H_
#define MACE_GRAPH_OP_DEFINITION_H_

#include <cstdint>
#include <initializer_list>

#include "mace/core/memory.h"
#include "mace/core/result.h"
#include "mace/core/status.h"
#include "mace/core/tensor_view.h"
#include "mace/graph/attributes.h"
#include "mace/graph/graph.h"

namespace mace {

// What a shape rule sees and sets. The same rule serves the importers (dimensions may be symbols or unknown)
// and the planner (all concrete, and small integer inputs known).
class InferContext {
 public:
  InferContext(const Graph& graph, const Node& node) : graph_(graph), node_(node) {}
  const Graph& graph() const { return graph_; }
  int input_count() const { return static_cast<int>(node_.inputs.size()); }
  int output_count() const { return static_cast<int>(node_.outputs.size()); }
  bool has_input(int i) const { return i < input_count() && node_.inputs[i] != kNone; }
  bool has_output(int i) const { return i < output_count() && node_.outputs[i] != kNone; }
  // Dtype and shape of an input that is present. Its rank is known: rules are not run otherwise.
  const TensorType& input(int i) const { return input_types_[i]; }
  // The input's elements where they are known now (a constant, or computed from shapes), else null.
  const TensorView* known(int i) const {
    return known_ != nullptr && i < input_count() ? known_[i] : nullptr;
  }
  // The known elements of an integer tensor (int64 or int32, rank 0 or 1) as a list. False where they are not
  // known, are more than 8, or of another type.
  bool KnownInts(int i, IntList* list) const;
  template <typename A>
  const A& attributes() const {
    return node_.attributes.as<A>();
  }
  const Quantization* input_quantization(int i) const {
    return has_input(i) ? graph_.QuantizationOf(node_.inputs[i]) : nullptr;
  }
  const Quantization* output_quantization(int i) const {
    return has_output(i) ? graph_.QuantizationOf(node_.outputs[i]) : nullptr;
  }
  // What the graph says of the output's dtype so far; kInvalid where nothing. For the few operators whose
  // output dtype is a choice of the file (integer softmax: i8 -> i8 or i16).
  DType declared_output_dtype(int i) const {
    return has_output(i) ? graph_.values[node_.outputs[i]].type.dtype : DType::kInvalid;
  }

  // Sets dtype and shape of output i (ignored where the output is absent). The quantization belongs to the
  // value and is not touched.
  void SetOutput(int i, DType dtype, const Shape& shape) {
    if (i < kMaxOutputs) {
      outputs_[i].dtype = dtype;
      outputs_[i].shape = shape;
    }
  }
  const TensorType& output(int i) const { return outputs_[i]; }

  static constexpr int kMaxOutputs = 64;
  // Filled by whoever runs the rule: arrays of input_count() entries; known_ may be null (nothing is known).
  const TensorType* input_types_ = nullptr;
  const TensorView* const* known_ = nullptr;

 private:
  const Graph& graph_;
  const Node& node_;
  TensorType outputs_[kMaxOutputs];
};

// What a reference kernel sees: concrete, contiguous tensors. Outputs have the inferred type and are the
// kernel's to fill. Inputs and outputs never overlap. The reference is the specification of the operator:
// plain C++ that a student can read.
struct ReferenceContext {
  const Graph& graph;
  const Node& node;
  const TensorView* inputs;  // of absent inputs: dtype kInvalid
  TensorView* outputs;       // of absent outputs: dtype kInvalid
  int input_count;
  int output_count;

  bool has_input(int i) const { return i < input_count && inputs[i].dtype != DType::kInvalid; }
  bool has_output(int i) const { return i < output_count && outputs[i].dtype != DType::kInvalid; }
  template <typename A>
  const A& attributes() const {
    return node.attributes.as<A>();
  }
  const Quantization* input_quantization(int i) const {
    return i < input_count ? graph.QuantizationOf(node.inputs[i]) : nullptr;
  }
  const Quantization* output_quantization(int i) const {
    return i < output_count ? graph.QuantizationOf(node.outputs[i]) : nullptr;
  }
};

// Where the kernel of a data-sized operator gets memory for its outputs from.
class OutputAllocator {
 public:
  // Output `i` (present) with this type, once per output; zero elements are allowed. The bytes are not
  // initialised and belong to the caller of the kernel. An error where the size is absurd or no memory is
  // left.
  virtual Result<TensorView> Allocate(int i, DType dtype, const Shape& shape) = 0;

 protected:
  ~OutputAllocator() = default;
};

// What the kernel of a data-sized operator sees: inputs as a reference kernel does, outputs to be allocated.
struct DynamicContext {
  const Graph& graph;
  const Node& node;
  const TensorView* inputs;  // of absent inputs: dtype kInvalid
  int input_count;
  int output_count;
  OutputAllocator* outputs;
  const class CustomOperators* custom = nullptr;  // what the application registered; null: nothing

  bool has_input(int i) const { return i < input_count && inputs[i].dtype != DType::kInvalid; }
  bool has_output(int i) const { return i < output_count && node.outputs[i] != kNone; }
  template <typename A>
  const A& attributes() const {
    return node.attributes.as<A>();
  }
};

enum OpFlags : uint32_t {
  kOpNone = 0,
  kOpElementwise =
      1u << 0,  // unary or broadcast binary: output element depends on the same (broadcast) elements only
  kOpView = 1u << 1,   // output 0 is input 0 with another shape: same bytes in the same order
  kOpCheap = 1u << 2,  // the reference kernel takes time in proportion to the bytes of its operands (shape
                       // arithmetic): evaluated while planning where its inputs are known and small
  kOpShapeOnly = 1u << 3,     // reads the shape of input 0, not its elements (Shape)
  kOpNarrowFloats = 1u << 4,  // takes float16 and bfloat16 as they are (it only moves elements, or says how
                              // it computes them). Importers put Casts to float32 and back around others
  kOpControl = 1u << 5,       // owns subgraphs, which the runtime and EvaluateGraph run: If, Loop
  kOpRandom = 1u << 6,        // gives other elements in each run: never computed before one
};

struct OpDefinition {
  const char* name = nullptr;  // as in ops.def
  uint16_t version = 1;        // the newest version this build knows
  int16_t min_inputs = 1;
  int16_t max_inputs = 1;  // kMaxNodeInputs is written as -1
  int16_t min_outputs = 1;
  int16_t max_outputs = 1;
  uint32_t flags = kOpNone;
  // Bit i: the shape rule reads the elements of input i (a Reshape's shape, a Slice's bounds). Where such an
  // input is computed at run time, the nodes in front of it run first, and the plan of the rest is made for
  // what they gave (docs/design/25-control-flow.md). kAllContent: every input.
  uint32_t content_inputs = 0;
  AttributeInfo attributes = AttributeInfoOf<NoAttributes>();
  // Checks the inputs' dtypes, ranks and attributes and sets the outputs. Messages say what was expected; the
  // caller adds the node's name.
  Status (*infer)(InferContext& context) = nullptr;
  // Allocation (rare) through Vector and Buffer only.
  Status (*reference)(const ReferenceContext& context) = nullptr;
  // In place of `reference`, for operators whose output sizes depend on the elements of their inputs in a way
  // that only computing tells (NonZero, Unique): the shape rule leaves those dimensions unknown whatever it
  // knows, this kernel allocates the outputs. Checks what it reads, as a reference kernel does.
  Status (*evaluate)(const DynamicContext& context) = nullptr;
};

inline constexpr uint32_t kAllContent = ~0u;
constexpr uint32_t ContentInputs(std::initializer_list<int> inputs) {
  uint32_t mask = 0;
  for (int input : inputs) mask |= 1u << input;
  return mask;
}

// The definition, or null for a number that names no operator of this build.
const OpDefinition* FindOpDefinition(OpId op);
const OpDefinition* FindOpDefinition(std::string_view name);

}  // namespace mace

#endif  // MACE_GRAPH_OP_DEFINITION_H_
