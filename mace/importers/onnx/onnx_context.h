// What the converters of single ONNX operators work with: the node being converted, the values known by name,
// and functions that append nodes to the graph. Converters throw ImportError; ImportOnnx turns it into a
// Status.
#ifndef MACE_IMPORTERS_ONNX_ONNX_CONTEXT_H_
#define MACE_IMPORTERS_ONNX_ONNX_CONTEXT_H_

#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "mace/graph/graph.h"
#include "mace/importers/import_error.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_external.h"
#include "mace/importers/onnx/onnx_proto.h"
#include "mace/importers/problems.h"

namespace mace::importers::onnx {

// For messages: a view as a NUL-terminated string.
inline std::string Text(std::string_view view) { return std::string(view.substr(0, 200)); }

// A node that calls one of the model's own functions, as the nodes of that function see it.
struct FunctionCall {
  const std::vector<OpsetImport>* opsets = nullptr;
  std::unordered_map<std::string_view, const Attribute*> attributes;  // given, or the function's default
  std::unordered_set<std::string_view> absent;                        // inputs that the caller leaves out
  std::string prefix;                                                 // of the names of nodes and values
};

// The node being converted: typed access to its attributes, which remembers what was asked for.
class OnnxNode {
 public:
  // `call`: what the node is expanded for; null outside of functions.
  explicit OnnxNode(const NodeProto& proto, const FunctionCall* call = nullptr);

  std::string_view name() const { return proto_.name; }
  std::string_view op_type() const { return proto_.op_type; }
  std::string_view domain() const { return proto_.domain; }
  int input_count() const { return static_cast<int>(proto_.inputs.size()); }
  int output_count() const { return static_cast<int>(proto_.outputs.size()); }
  bool HasInput(int i) const {
    return i < input_count() && !proto_.inputs[i].empty() &&
           (call_ == nullptr || !call_->absent.contains(proto_.inputs[i]));
  }
  bool HasOutput(int i) const { return i < output_count() && !proto_.outputs[i].empty(); }
  std::string_view InputName(int i) const { return proto_.inputs[i]; }
  std::string_view OutputName(int i) const { return proto_.outputs[i]; }

  bool Has(std::string_view attribute) { return Find(attribute) != nullptr; }
  int64_t Int(std::string_view attribute, int64_t missing);
  float Float(std::string_view attribute, float missing);
  std::string String(std::string_view attribute, std::string_view missing);
  // At most 8 integers (every list of ONNX is one of axes); nullopt where the attribute is missing.
  std::optional<IntList> Ints(std::string_view attribute);
  // Any number of them: sizes of parts, pads of all sides, a constant's elements.
  std::optional<std::vector<int64_t>> LongInts(std::string_view attribute);
  std::vector<float> Floats(std::string_view attribute);
  std::vector<std::string> Strings(std::string_view attribute);
  const Tensor* TensorOf(std::string_view attribute);
  const SparseTensor* SparseOf(std::string_view attribute);
  const GraphProto& GraphOf(std::string_view attribute);  // an error where it is missing
  // The attribute itself, for who hands it on; null where it is missing.
  const Attribute* Find(std::string_view attribute);
  // The attribute changes nothing here.
  void Ignore(std::string_view attribute) { Find(attribute); }
  // kUnsupported unless the integer attribute is missing or `supported`.
  void RequireInt(std::string_view attribute, int64_t supported);
  // Attributes that nobody asked for.
  std::vector<std::string_view> Unused() const;

 private:
  struct Given {
    std::string_view name;
    const Attribute* attribute;  // of the caller, where the node's own refers to that
    bool used = false;
  };
  const NodeProto& proto_;
  const FunctionCall* call_;
  std::vector<Given> given_;
};

// What all graphs of one import share.
struct ImportWork {
  ImportWork(const ModelProto& model, size_t file_bytes, ExternalData* external, Graph* outermost,
             ImportReport* report);

  const ModelProto& model;
  ExternalData& external;
  Graph& outermost;  // the symbols are its
  ImportReport& report;
  std::map<std::tuple<std::string_view, std::string_view, std::string_view>, const FunctionProto*> functions;
  std::vector<const FunctionProto*> calls;  // being expanded, the outermost first
  std::span<const std::string> brought;     // names of operators that the application brings
  int64_t node_allowance = 2 * kMaxNodeInputs;
  int64_t inner_allowance = 2 * kMaxNodeInputs;  // nodes in functions and in subgraphs converted again
  int64_t fold_allowance = int64_t{16} << 20;    // bytes; beyond it nodes stay for the pass that folds
  int64_t copy_allowance;                        // bytes
  int64_t subgraphs = 0;
  bool has_float8 = false;  // some values are 8-bit floats, kept as float32 (float8.h)
};

// A named constant of the file.
struct Initializer {
  const Tensor* dense = nullptr;
  const SparseTensor* sparse = nullptr;
};

// The names that one graph of the file defines, or one expanded function.
struct Names {
  std::unordered_map<std::string_view, Initializer> initializers;
  std::unordered_map<std::string_view, ValueId> values;
  std::unordered_set<std::string_view> read;
  const GraphProto* proto = nullptr;
  std::optional<std::unordered_map<std::string_view, const ValueInfo*>> declared;  // of proto, on demand
  Names* around = nullptr;  // seen from here, too, and of the same Graph
  bool is_function = false;
  const FunctionCall* call = nullptr;  // of the function around the names, which may be further out
};

// A sequence, or an optional value, as far as the importer follows what it holds (convert_sequence.cc).
struct Sequence {
  // One tensor, or a stack: the elements of its axis 0, in order.
  struct Part {
    ValueId value;
    bool is_stack;
  };
  std::vector<Part> parts = {};
  bool is_none = false;   // an optional value without a value
  int32_t grows = kNone;  // the carried value of the loop around that the parts stand behind
};

// One graph that is being built, and the names that are seen in it.
class OnnxContext {
 public:
  // `outside`: of the graph around this one, whose names are seen from here; null for the outermost.
  OnnxContext(ImportWork* work, Graph* graph, OnnxContext* outside);

  Graph& graph() { return graph_; }
  ImportWork& work() { return work_; }
  Names& names() { return *names_; }
  // The version of an operator set that the file, or the function around, imports; 0 where it does not.
  int64_t OpsetOf(std::string_view domain) const;
  const std::vector<OpsetImport>& opsets() const;
  // The model's function that the node calls, or null.
  const FunctionProto* FunctionOf(const NodeProto& node) const;
  // Whether the application brings the node's operator.
  bool IsBrought(const NodeProto& node) const;
  // What the file says of the value `name` of the scope being converted, or null.
  const ValueInfo* Declared(std::string_view name);
  // The opset that the file imports for the domain of the node being converted.
  int64_t opset() const { return opset_; }
  // What messages call it.
  const std::string& label() const { return label_; }
  void Begin(const OnnxNode& node, int64_t opset);
  void Warn(std::string message);
  // The node being converted is expressed in another way than it is written: why, and how
  // (docs/design/27-importers.md says what is one).
  void Repaired(const std::string& reason, const std::string& action) {
    AddRepair(label_, reason, action, &work_.report);
  }
  ImportReport& report() const { return work_.report; }
  // For a node of the file that becomes `count` nodes: of those there may be no more than a real file has.
  void SpendNodes(int64_t count);
  // For constants and scales that are stored once more in another form: a small file must not ask for much.
  void SpendCopy(int64_t bytes);
  // For nodes that the file has once and that become nodes many times.
  void SpendInner(size_t nodes);

  // Whether a node that is converted, the graph's outputs or a cut read the value of this name: an output
  // that nobody reads need not be supported.
  void MarkRead(std::string_view name) { names_->read.insert(name); }
  bool IsRead(std::string_view name) const { return names_->read.contains(name); }

  // Initialisers become constants when they are first used.
  void AddInitializers(const GraphProto& graph);
  bool IsInitializer(std::string_view name) const { return names_->initializers.contains(name); }
  void Bind(std::string_view name, ValueId value);
  // Gives `value` one more name: it is the caller's, or an operand.
  void BindOperand(std::string_view name, ValueId value);
  bool IsBound(std::string_view name) const { return names_->values.contains(name); }
  // Whether ValueOf finds something.
  bool Sees(std::string_view name) const;
  // The value of a name that is seen here. Of the graphs around, values are captured and constants copied.
  ValueId ValueOf(std::string_view name);
  // ... where it may also be a sequence: those are no values of the graph, but numbers below kNone.
  ValueId AnyValueOf(std::string_view name);
  static bool IsSequence(ValueId value) { return value < kNone; }
  const Sequence& SequenceOf(ValueId value) const {
    return sequences_[static_cast<size_t>(kNone - 1 - value)];
  }
  ValueId AddSequence(Sequence sequence);
  // A value of the graph around, as this one sees it.
  ValueId Capture(ValueId outer);
  struct Captured {
    ValueId outer;  // of the graph around
    ValueId inner;
  };
  const std::vector<Captured>& captured() const { return captured_; }
  // From here on `name` is some new value of this type: for looking at nodes whose inputs are not known,
  // because something before them failed.
  void Assume(std::string_view name, const TensorType& type) {
    names_->values.insert_or_assign(name, Unwrap(graph_.AddValue("", type)));
  }
  // The ONNX type of 8-bit floats that a constant had in the file, 0 where it is none.
  int32_t Float8Of(ValueId constant) const {
    const auto found = float8_.find(constant);
    return found == float8_.end() ? 0 : found->second;
  }
  // A constant of the tensor's elements; checks everything about it.
  ValueId AddTensor(const Tensor& tensor, std::string_view name);
  ValueId AddSparse(const SparseTensor& sparse, std::string_view name);

  // The value of input i, or kNone where it is absent (`Input`: an error instead).
  ValueId OptionalInput(const OnnxNode& node, int i);
  ValueId Input(const OnnxNode& node, int i);
  ValueId AnyInput(const OnnxNode& node, int i);  // may be a sequence

  const TensorType& TypeOf(ValueId value) const { return graph_.values[value].type; }
  int RankOf(ValueId value) const { return TypeOf(value).shape.rank; }
  bool IsConstant(ValueId value) const { return graph_.ConstantOf(value) != nullptr; }
  // The integers of a constant input; throws kUnsupported where it is computed at run time.
  IntList ConstantInts(ValueId value, const char* what) const;
  int NormalizedAxis(int64_t axis, int rank) const;
  // What an operator that reads `value` fixes of its dimensions (kUnknownDim: nothing). Exporters give
  // unrelated dimensions of several inputs one symbol ("batch" for every axis 0), which onnxruntime never
  // compares: where `value` is an input of the graph, an open dimension becomes what the operator demands.
  void RefineInput(ValueId value, const Shape& demanded);

  // ONNX's integers are bare numbers; a scale belongs to the node that quantizes or dequantizes them, and
  // here to the type of a value. So a value never changes its type once a node reads or writes it: whoever
  // reads its bytes with another scale, or with none, reads a copy (an Identity, a view at run time) of that
  // type.
  ValueId WithQuantization(ValueId value, int32_t quantization);
  // As if a node had read `value`: somebody else relies on its type.
  void KeepType(ValueId value) { read_.insert(value); }

  // Appends a node with the given attributes and one output, infers the output's type, and folds it where it
  // is a small computation on constants. The first output of the node being converted carries its name.
  // The operator computes with the stored integers: it reads quantized values without their scale.
  // Operators without kOpNarrowFloats get float16 and bfloat16 as float32. Where the first float among their
  // inputs is such a one, their float32 outputs become that type again (docs/design/25-control-flow.md).
  // So do integers of 4 and 2 bits, which are bytes to all but views and conversions.
  template <typename A>
  ValueId Emit(OpId op, std::initializer_list<ValueId> inputs, const A& attributes) {
    return EmitMany(op, std::span<const ValueId>(inputs.begin(), inputs.size()), attributes, 1)[0];
  }
  ValueId Emit(OpId op, std::initializer_list<ValueId> inputs) { return Emit(op, inputs, NoAttributes{}); }
  template <typename A>
  std::vector<ValueId> EmitMany(OpId op, std::span<const ValueId> inputs, const A& attributes, int outputs) {
    const std::vector<ValueId> bare = Bare(op, inputs);
    return EmitTyped(op, bare, attributes, outputs, kNone);
  }
  // For operators that only move elements of their first `moved` inputs: where these have one and the same
  // scale for all elements, the outputs have it too.
  template <typename A>
  std::vector<ValueId> EmitMoved(OpId op, std::span<const ValueId> inputs, int moved, const A& attributes,
                                 int outputs) {
    const int32_t quantization = SharedQuantization(inputs.first(static_cast<size_t>(moved)));
    if (quantization == kNone) return EmitMany(op, inputs, attributes, outputs);
    return EmitTyped(op, inputs, attributes, outputs, quantization);
  }
  template <typename A>
  ValueId EmitMoved(OpId op, std::initializer_list<ValueId> inputs, const A& attributes) {
    return EmitMoved(op, std::span<const ValueId>(inputs.begin(), inputs.size()), 1, attributes, 1)[0];
  }
  // For operators that compute with the real numbers that quantized inputs stand for; the output carries
  // `quantization` (kNone: none).
  template <typename A>
  ValueId EmitQuantized(OpId op, std::initializer_list<ValueId> inputs, const A& attributes,
                        int32_t quantization) {
    return EmitTyped(op, std::span<const ValueId>(inputs.begin(), inputs.size()), attributes, 1,
                     quantization)[0];
  }

  // A copy of `value` under the name of a graph output, never folded.
  ValueId EmitOutput(std::string_view name, ValueId value);
  // An If or Loop, whose outputs have the given types. Its attributes are the caller's to set.
  NodeId EmitControl(OpId op, std::span<const ValueId> inputs, std::span<const TensorType> types,
                     std::vector<ValueId>* ids);

  // Constants and constant weights behind a Cast or Dequantize are permuted (reshaped) in place of a node.
  ValueId Transpose(ValueId value, const IntList& perm);
  ValueId Reshape(ValueId value, const IntList& shape);
  // For operators that demand a rank: `value` itself where its rank is known (the shape rule complains of
  // another) or this one is not, else a view of it that has this one. Data of another rank are an error then.
  ValueId WithRank(ValueId value, int rank);
  ValueId ToNhwc(ValueId value) { return Transpose(value, {0, 2, 3, 1}); }
  ValueId ToNchw(ValueId value) { return Transpose(value, {0, 3, 1, 2}); }
  ValueId Unsqueeze(ValueId value, const IntList& axes);
  ValueId Squeeze(ValueId value, const IntList& axes);
  ValueId Int64s(std::span<const int64_t> elements);
  ValueId Int64s(const IntList& list) { return Int64s({list.values, static_cast<size_t>(list.count)}); }
  ValueId Int64(int64_t element);  // rank 0
  ValueId Bool(bool element);
  ValueId Float(double element, DType dtype = DType::kF32);  // rank 0
  ValueId Cast(ValueId value, DType to);                     // `value` itself where it has that type
  // A float16 or bfloat16 value as float32 (what was rounded to it, where an Emit did that), one of 4 or 2
  // bits as bytes. Others are passed on.
  ValueId Widened(ValueId value);
  // A float32 value as `narrow` (float16 or bfloat16; other types are cast), remembered as its wide form.
  ValueId Narrowed(ValueId value, DType narrow);

 private:
  friend class NameScope;
  ValueId FindValue(std::string_view name);
  ValueId CaptureSequence(const Sequence& outer);
  const Initializer* FindInitializer(std::string_view name) const;
  ValueId AddInitializer(const Initializer& initializer, std::string_view name);

  template <typename A>
  std::vector<ValueId> EmitTyped(OpId op, std::span<const ValueId> inputs, const A& attributes, int outputs,
                                 int32_t quantization) {
    std::vector<ValueId> ids;
    std::vector<ValueId> operands(inputs.begin(), inputs.end());
    const DType narrow = WidenOperands(op, &operands);
    const NodeId id = AppendNode(op, operands, outputs, &ids);
    graph_.nodes[id].attributes.as<A>() = attributes;
    for (ValueId output : ids) graph_.values[output].type.quantization = quantization;
    FinishNode(id);
    NarrowResults(narrow, &ids);
    return ids;
  }
  // The type that wide results become again; a type that has no wide one: they stay what they are.
  DType WidenOperands(OpId op, std::vector<ValueId>* operands);
  void NarrowResults(DType narrow, std::vector<ValueId>* results);
  std::vector<ValueId> Bare(OpId op, std::span<const ValueId> inputs);
  // The scale that all of these share, kNone where there is none, or one per channel.
  int32_t SharedQuantization(std::span<const ValueId> values) const;
  NodeId AppendNode(OpId op, std::span<const ValueId> inputs, int outputs, std::vector<ValueId>* ids);
  void InferTypes(NodeId id);
  void FinishNode(NodeId id);
  void WarnOfComputedNan(const Node& node);
  ValueId AddFloat8(const onnx::Tensor& tensor, std::string_view name, const std::string& text);
  // Repeats the Cast or Dequantize above the constant `chain` above `constant`.
  ValueId RepeatChain(ValueId chain, ValueId constant);

  ImportWork& work_;
  Graph& graph_;
  OnnxContext* outside_;
  Names own_names_;  // of the graph itself
  Names* names_ = &own_names_;
  std::vector<Captured> captured_;
  std::unordered_map<ValueId, ValueId> captured_values_;  // by the value outside
  std::vector<Sequence> sequences_;
  std::unordered_map<ValueId, int32_t> float8_;  // constants that had these types in the file
  int64_t opset_ = 0;
  // Constants in another order of axes, by (constant, its quantization, permutation): weights that many nodes
  // share stay shared.
  std::map<std::tuple<ValueId, int32_t, std::vector<int64_t>>, ValueId> transposed_;
  std::unordered_map<ValueId, ValueId> wide_;  // narrow values to their wide forms (Widened)
  std::string node_name_;
  std::string label_;                 // what messages call the node: its name, or that of its first output
  std::unordered_set<ValueId> read_;  // by a node
};

// Names of a function, or of a branch that is converted in place, for as long as the object lives.
class NameScope {
 public:
  // `call`: of the function; null for a branch, which sees the names around it.
  NameScope(OnnxContext* context, const FunctionCall* call);
  ~NameScope() { context_.names_ = before_; }
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  OnnxContext& context_;
  Names* before_;
  Names names_;
};

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_CONTEXT_H_
