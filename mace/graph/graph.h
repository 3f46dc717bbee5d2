// The IR (docs/design/05-ir.md): a graph in SSA form. Values have a dtype, a shape and, where they are
// quantized, scales and zero points; nodes have one attribute struct. Nodes stand in topological order. Host
// code builds and rewrites it, the loader builds it from a .mace file, the runtime reads it. Growth returns a
// Status. Not thread-safe while written.
#ifndef MACE_GRAPH_GRAPH_H_
#define MACE_GRAPH_GRAPH_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "mace/core/dtype.h"
#include "mace/core/memory.h"
#include "mace/core/result.h"
#include "mace/core/shape.h"
#include "mace/core/string.h"
#include "mace/core/tensor_view.h"
#include "mace/core/vector.h"
#include "mace/graph/attributes.h"
#include "mace/graph/op_id.h"

namespace mace {

using ValueId = int32_t;
using NodeId = int32_t;
inline constexpr int32_t kNone = -1;  // an absent value, constant, node, quantization

// real = scale * (stored - zero_point). One scale: per tensor. More: per index of `axis` (per channel), or,
// where block_size > 0, per block of that many consecutive elements along `axis`.
struct Quantization {
  Vector<float> scales;
  Vector<int32_t> zero_points;  // as many as scales
  int32_t axis = kNone;
  int32_t block_size = 0;
};

struct TensorType {
  DType dtype = DType::kInvalid;
  Shape shape;                   // dimensions may be symbols or unknown; the rank too (Shape::OfUnknownRank)
  int32_t quantization = kNone;  // index into Graph::quantizations
};

struct Value {
  String name;  // may be empty
  TensorType type;
  int32_t constant = kNone;  // index into Graph::constants
  NodeId producer =
      kNone;  // the node that writes it; kNone for inputs, constants and the read values of states
};

struct Node {
  OpId op = OpId::kInvalid;
  uint16_t version = 1;
  String name;              // may be empty
  Vector<ValueId> inputs;   // kNone for an absent optional input
  Vector<ValueId> outputs;  // kNone for an absent optional output
  AttributeStorage attributes;
};

// Bytes of a constant: owned, or a view of a mapped file that outlives the graph.
struct Constant {
  TensorView view;
  Buffer owned;
};

struct Symbol {
  String name;
  int64_t minimum = 0;
  int64_t maximum = kUnknownDim;  // kUnknownDim: no upper limit
};

// What a session keeps between runs (docs/design/08-state.md): before a run `read` holds the state, after it
// the state becomes what the run left in `write`. Same dtype and shape. `read` may also be a graph input, and
// `write` a graph output: feeding that input is then optional; what is fed replaces the state for that run.
struct State {
  String name;
  ValueId read = kNone;           // produced by no node; no constant
  ValueId write = kNone;          // any value of the graph
  int32_t initial = kNone;        // index into constants; kNone: zeros (of the zero point, where quantized)
  int32_t capacity_axis = kNone;  // the axis that may grow (KV caches); kNone: fixed size
};

// A text about the model that no computation needs: labels, an author, what an exporter left.
struct MetadataEntry {
  String key;
  String value;
};

struct Graph {
  String name;
  Vector<Value> values;
  Vector<Node> nodes;
  Vector<Constant> constants;
  Vector<Quantization> quantizations;
  Vector<Symbol> symbols;
  Vector<ValueId> inputs;
  Vector<ValueId> outputs;
  Vector<State> states;
  Vector<MetadataEntry> metadata;  // keys differ, unless a file repeats one: then the first counts
  // The bodies of If and Loop nodes, which name them by index (docs/design/25-control-flow.md). Each belongs
  // to exactly one node. A subgraph sees nothing of the graph around it: what it captures is an input of the
  // node and of the subgraph. It has constants of its own, no states, no metadata and no symbols: symbol dims
  // in it are those of the outermost graph.
  Vector<std::unique_ptr<Graph>> subgraphs;

  Graph() = default;
  Graph(Graph&&) = default;
  Graph& operator=(Graph&&) = default;

  // Each appends and returns the new index.
  Result<ValueId> AddValue(std::string_view name, const TensorType& type);
  // Copies `data` (view.data) where `copy`, else refers to it.
  Result<ValueId> AddConstant(std::string_view name, const TensorView& data, bool copy);
  // A constant of uninitialised, owned bytes to be filled through constants[values[id].constant].view.data.
  Result<ValueId> AddUninitializedConstant(std::string_view name, DType dtype, const Shape& shape);
  Result<int32_t> AddQuantization(std::span<const float> scales, std::span<const int32_t> zero_points,
                                  int32_t axis);
  Result<int32_t> FindOrAddSymbol(std::string_view name);
  // The value of `key`, where there is one replaced. At most kMaxMetadata keys; none empty, no zero bytes.
  Status SetMetadata(std::string_view key, std::string_view value);
  // Appends a node with default attributes (set them through nodes[id].attributes.as<...>()) and makes it the
  // producer of its outputs.
  Result<NodeId> AddNode(OpId op, std::string_view name, std::span<const ValueId> inputs,
                         std::span<const ValueId> outputs);

  // Null unless `value` (may be kNone) is a constant.
  const TensorView* ConstantOf(ValueId value) const {
    if (value == kNone || values[value].constant == kNone) return nullptr;
    return &constants[values[value].constant].view;
  }
  // What messages call `node`: its name, or that of the first output with one where it has none; may be
  // empty.
  const char* LabelOf(const Node& node) const {
    if (!node.name.empty()) return node.name.c_str();
    for (ValueId output : node.outputs) {
      const bool exists = output >= 0 && static_cast<size_t>(output) < values.size();
      if (exists && !values[output].name.empty()) return values[output].name.c_str();
    }
    return "";
  }
  const Quantization* QuantizationOf(ValueId value) const {
    if (value == kNone || values[value].type.quantization == kNone) return nullptr;
    return &quantizations[values[value].type.quantization];
  }
};

// Bounds that hold for every graph, whatever its source. A file that asks for more is refused.
inline constexpr int64_t kMaxNodes = 1 << 20;
inline constexpr int64_t kMaxValues = 1 << 22;
inline constexpr int64_t kMaxNodeInputs = 1 << 16;
inline constexpr int kMaxGraphDepth = 16;  // subgraphs inside subgraphs; the outermost graph is at depth 1
inline constexpr int64_t kMaxSubgraphs = 1 << 14;   // of a model, at all depths
inline constexpr size_t kMaxMetadata = 4096;        // entries
inline constexpr int64_t kMaxGraphEdges = 1 << 12;  // inputs, and outputs, of a whole graph

// The structural rules that everything behind it may rely on: indices in range, SSA (each value produced at
// most once), topological order, operand counts, attribute ranges, constants whose byte count fits their
// type, states whose two sides agree, quantizations of legal size with finite positive scales. Does not run
// shape rules. Names node and value.
using OpFinder = const struct OpDefinition* (*)(OpId op);  // FindOpDefinition of op_definition.h; graph/
                                                           // knows no operator itself
Status VerifyGraph(const Graph& graph, OpFinder find_definition);

// A text form for people and for golden tests: one line a node.
Status DumpGraph(const Graph& graph, OpFinder find_definition, String* text);

}  // namespace mace

#endif  // MACE_GRAPH_GRAPH_H_
