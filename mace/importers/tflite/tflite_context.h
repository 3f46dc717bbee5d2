// What the converters of single operators work with: the operator being converted, the value that each tensor
// holds at this point, and functions that append nodes. Converters throw ImportError.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_CONTEXT_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_CONTEXT_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "mace/graph/graph.h"
#include "mace/importers/import_error.h"
#include "mace/importers/importer.h"
#include "mace/importers/tflite/tflite_file.h"
#include "mace/importers/tflite/tflite_variables.h"

namespace mace::importers::tflite {

// Fused activations.
enum class Activation : int8_t { kNone = 0, kRelu = 1, kReluMinus1To1 = 2, kRelu6 = 3, kTanh = 4 };

class TfliteCut;

class TfliteContext {
 public:
  TfliteContext(const TfliteFile& file, Graph* graph, ImportReport* report);
  // Of a subgraph that `outside` calls. Its operators go into `graph`, where `scope` has the variables.
  TfliteContext(const TfliteFile& file, Graph* graph, VariableScope* scope, const TfliteContext& outside);

  // ---- the operator being converted
  void Begin(int operator_index) {
    operator_ = operator_index;
    refusals_.clear();
  }
  // The operator only moves elements: from here on it sees its complex64 tensors as 64-bit integers.
  void MoveComplexAsWords(bool moves) { complex_as_words_ = moves; }
  // Notes that the operator has something which is not supported; its conversion may go on, to find more.
  void Refuse(std::string what) { refusals_.push_back(std::move(what)); }
  // The operator is expressed in another way than it is written (docs/design/27-importers.md).
  void Repaired(const std::string& reason, const std::string& action);
  ImportReport& report() const { return report_; }
  int operator_index() const { return operator_; }
  const std::vector<std::string>& refusals() const { return refusals_; }
  // Values of the types that the file declares, for what the operator would have written: a file that is
  // refused is read to its end, so that everything that is not supported can be told at once.
  void BindDeclaredOutputs();
  // A subgraph whose operators stand in another one's graph: its names begin with the prefix there.
  void SetPrefix(const std::string& prefix) { prefix_ = prefix; }
  std::string Named(std::string_view name) const;
  // What the operator's nodes are called.
  std::string NodeName() const;
  int32_t number() const { return file_.OperatorNumber(operator_); }
  int input_count() const;
  bool HasInput(int i) const;
  int InputTensor(int i) const;  // throws where it is absent
  int OutputTensor(int i) const;
  // The value of input i; kNone for an absent one (Input: throws).
  ValueId Input(int i);
  ValueId OptionalInput(int i) { return HasInput(i) ? Input(i) : kNone; }
  // The options table of the expected kind, or null.
  template <typename Options>
  const Options* OptionalOptions() const {
    return file_.operation(operator_).options_as<Options>();
  }
  template <typename Options>
  const Options& RequiredOptions() const {
    const Options* options = OptionalOptions<Options>();
    if (options == nullptr) throw ImportError(StatusCode::kDataLoss, "its options are missing");
    return *options;
  }

  // The same of newer operators, which keep theirs in another place.
  template <typename Options>
  const Options& RequiredOptions2() const {
    const Options* options = file_.operation(operator_).options2_as<Options>();
    if (options == nullptr) throw ImportError(StatusCode::kDataLoss, "its options are missing");
    return *options;
  }

  // ---- values
  // The value that `tensor` holds now: constants and variables come into being when first asked for.
  ValueId ValueOf(int tensor);
  // Copies: the next new value moves the originals.
  TensorType TypeOf(ValueId value) const { return graph_.values[value].type; }
  Shape ShapeOf(ValueId value) const { return graph_.values[value].type.shape; }
  DType DTypeOf(ValueId value) const { return graph_.values[value].type.dtype; }
  bool IsInteger(ValueId value) const { return mace::IsInteger(DTypeOf(value)); }
  // The elements of a constant i32 or i64 tensor of at most 64 elements; throws kUnsupported where the tensor
  // is computed at run time. `what` names the operand.
  std::vector<int64_t> ConstantInts(ValueId value, const char* what) const;
  ValueId AddInts(std::span<const int64_t> elements);
  ValueId AddFloats(std::span<const float> elements);
  ValueId AddBytes(std::span<const uint8_t> bytes);
  // A sparse constant `tensor` with its zeros, called `name`, of this type (tflite_densify.cc).
  ValueId AddDense(int tensor, const TensorType& type, std::string_view name);
  // The value with its axes permuted; constants, and constants behind one Cast or Dequantize, without a node.
  ValueId Transposed(ValueId value, const IntList& perm);
  // A quantized constant as f32 values; anything else as it is. For weights of float layers.
  ValueId AsFloat(ValueId value);

  // ---- nodes
  // A node whose outputs' types are given (If, Loop); its attributes are the caller's to set.
  NodeId EmitControl(OpId op, std::span<const ValueId> inputs, std::span<const TensorType> types,
                     std::vector<ValueId>* ids);
  // The type that the file gives to the operator's output i: dtype, shape as far as it is known,
  // quantization.
  TensorType OutputType(int i);
  // Appends a node of one output called `name` ("" for a value inside one operator). Of `type` the dtype must
  // be what the shape rule says, kInvalid: whatever it says; the shape fills what the rule leaves open.
  template <typename Attributes>
  ValueId Emit(OpId op, std::initializer_list<ValueId> inputs, const Attributes& attributes,
               const TensorType& type, std::string_view name = {}) {
    return EmitNode(op, {inputs.begin(), inputs.size()}, &attributes, BytesOfAttributes<Attributes>(),
                    {&type, 1}, {&name, 1})[0];
  }
  // The same for any number of outputs. float16 and bfloat16 get Casts to float32 and back around operators
  // that do not take them.
  std::vector<ValueId> EmitNode(OpId op, std::span<const ValueId> inputs, const void* attributes,
                                size_t attribute_bytes, std::span<const TensorType> types,
                                std::span<const std::string_view> names);
  // A node inside one operator whose type is what the shape rule says; `like` has its quantization. Small
  // arithmetic on constants is done at once: what follows from shapes is known while the model is read.
  template <typename Attributes>
  ValueId EmitInner(OpId op, std::initializer_list<ValueId> inputs, const Attributes& attributes,
                    ValueId like = kNone) {
    return EmitInner(op, std::span<const ValueId>(inputs.begin(), inputs.size()), &attributes,
                     BytesOfAttributes<Attributes>(), like);
  }
  ValueId EmitInner(OpId op, std::span<const ValueId> inputs, const void* attributes, size_t attribute_bytes,
                    ValueId like = kNone);
  ValueId EmitInner(OpId op, std::initializer_list<ValueId> inputs) {
    return EmitInner(op, inputs, NoAttributes{});
  }
  // Emits a node whose result is the operator's output 0 behind the fused activation.
  template <typename Attributes>
  void EmitOutput(OpId op, std::initializer_list<ValueId> inputs, const Attributes& attributes,
                  int8_t activation = 0) {
    EmitOutput(op, std::span<const ValueId>(inputs.begin(), inputs.size()), &attributes,
               BytesOfAttributes<Attributes>(), activation);
  }
  void EmitOutput(OpId op, std::span<const ValueId> inputs, const void* attributes, size_t attribute_bytes,
                  int8_t activation);
  // From here on the operator's output i is `value`.
  void BindOutput(int i, ValueId value);
  // From here on the variable `tensor`, read before, holds `value`.
  void WriteVariable(int tensor, ValueId value);

  // ---- variables and subgraphs (tflite_variables.cc)
  // The variable whose handle `tensor` is; throws where it is none.
  int32_t VariableOf(int tensor) const;
  bool IsHandle(int tensor) const { return handles_[static_cast<size_t>(tensor)] != kNone; }
  // From here on `tensor`, an input of this subgraph or an output of the operator, holds this.
  void Bind(int tensor, const Operand& operand);
  Operand OperandOf(int tensor);
  ValueId ReadVariable(int32_t variable);
  void AssignVariable(int32_t variable, ValueId value) { scope_->values[variable] = value; }
  // Tells the states what the variables hold at the end of a run.
  void FinishVariables();
  VariableScope& scope() { return *scope_; }
  SubgraphWork& work() { return *work_; }
  bool is_whole_model() const { return scope_ == &own_scope_; }  // not a subgraph that another one calls
  bool is_outermost() const { return scope_->is_outermost; }

  // ---- the edges of the graph
  // From here on inputs and outputs are called as in the signature, where it names them.
  void UseSignature(std::string_view key);
  // Gives each input and output the name that it will have; what AddInputs begins with where nobody asked.
  void NameEdges();
  const std::vector<std::string>& input_names() const { return input_names_; }
  const std::vector<std::string>& output_names() const { return output_names_; }
  void AddInputs(const TfliteCut& cut);
  void AddOutputs();

  const TfliteFile& file() const { return file_; }
  Graph& graph() { return graph_; }
  void Warn(std::string message);
  void WarnOnce(const std::string& message);
  // Charges memory that a damaged file could ask for without paying for it in bytes of its own.
  void Spend(int64_t bytes);

 private:
  // Computes the last node, which gives `value`, where its inputs are small constants.
  void FoldLast(ValueId value);
  std::vector<ValueId> EmitWide(OpId op, std::span<const ValueId> inputs, DType narrow,
                                const void* attributes, size_t attribute_bytes,
                                std::span<const TensorType> types, std::span<const std::string_view> names);
  template <typename Attributes>
  static constexpr size_t BytesOfAttributes() {
    return std::is_empty_v<Attributes> ? 0 : sizeof(Attributes);
  }
  // A name for each input or output (`kind`) of the graph. Bounds their count: symbols are searched for.
  std::vector<std::string> EdgeNamesOf(std::span<const int32_t> tensors, const char* kind);
  bool IsWords(int tensor) const { return complex_as_words_ && file_.IsComplex(tensor); }
  std::string EdgeName(int tensor, bool is_input) const;
  void WarnOfComplexEdge(int tensor, const std::string& name);
  ValueId AddVariable(int tensor);
  ValueId AddConstantTensor(int tensor);
  ValueId AddUnpacked(int tensor, const TensorType& type);  // of 4-bit elements
  TensorType TypeOfTensor(int tensor);
  int32_t QuantizationOfTensor(int tensor, DType dtype);
  void WarnOfNonFinite(int tensor, const TensorView& view);
  bool NeedsClamp(Activation activation, const TensorType& type, float* low, float* high) const;

  const TfliteFile& file_;
  Graph& graph_;
  ImportReport& report_;
  const file::SignatureRecord* signature_ = nullptr;
  std::string prefix_;
  int operator_ = 0;
  bool complex_as_words_ = false;
  int64_t fold_allowance_ = int64_t{4} << 20;
  std::shared_ptr<SubgraphWork> work_;
  VariableScope own_scope_;
  VariableScope* scope_ = &own_scope_;
  std::vector<ValueId> values_;         // of each tensor now; kNone: not yet
  std::vector<int32_t> states_;         // of each tensor: index into graph.states, or kNone
  std::vector<int32_t> quantizations_;  // of each tensor: index into graph.quantizations, or kNone
  std::vector<std::string> input_names_;
  std::vector<std::string> output_names_;
  std::vector<int32_t> handles_;       // of each tensor: index into the variables, or kNone
  std::vector<std::string> refusals_;  // of this operator
};

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_CONTEXT_H_
