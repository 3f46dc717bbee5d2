#include "mace/model/loader.h"

#include <cstdarg>
#include <cstdio>
#include <memory>
#include <utility>

#include "mace/model/attribute_codec.h"
#include "mace/model/container.h"
#include "mace/model/graph_tables.h"
#include "mace/model/metadata.h"

namespace mace {
namespace {

using Bytes = std::span<const uint8_t>;

// The first `count` elements of `pool`, which loses them. Counts have been checked against the pools.
template <typename T>
std::span<const T> Take(std::span<const T>* pool, size_t count) {
  const std::span<const T> taken = pool->first(count);
  *pool = pool->subspan(count);
  return taken;
}

// Collects what this build cannot run, so that one message lists all of it.
class UnsupportedList {
 public:
  Status Add(const char* format, ...) __attribute__((format(printf, 2, 3))) {
    if (++count_ > kListed) return Status::Ok();
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    return text_.AppendFormat("%s%s", count_ == 1 ? "" : "; ", line);
  }
  Status ToStatus() const {
    if (count_ == 0) return Status::Ok();
    if (count_ <= kListed) return Unsupported("the file needs a newer MACE: %s", text_.c_str());
    return Unsupported("the file needs a newer MACE: %s; and %lld more", text_.c_str(),
                       static_cast<long long>(count_ - kListed));
  }

 private:
  static constexpr int64_t kListed = 20;
  int64_t count_ = 0;
  String text_;
};

// What the graphs of one file are made with.
struct BuildState {
  Bytes weights;
  const LoadOptions& options;
  size_t symbols;  // of the main graph
  std::span<const uint8_t> name_text;
  std::span<const uint32_t> name_lengths;
  UnsupportedList unsupported;
};

class GraphBuilder {
 public:
  GraphBuilder(const GraphTables& tables, BuildState* state, Graph* graph)
      : tables_(tables),
        state_(*state),
        weights_(state->weights),
        options_(state->options),
        unsupported_(state->unsupported),
        graph_(*graph) {}

  Status Build() {
    MACE_RETURN_IF_ERROR(SetName(&graph_.name));
    MACE_RETURN_IF_ERROR(AddValues());
    MACE_RETURN_IF_ERROR(AddConstants());
    MACE_RETURN_IF_ERROR(AddNodes());
    MACE_RETURN_IF_ERROR(AddQuantizations());
    MACE_RETURN_IF_ERROR(AddSymbols());
    MACE_RETURN_IF_ERROR(AddStates());
    MACE_RETURN_IF_ERROR(graph_.inputs.Assign(tables_.inputs.data(), tables_.inputs.size()));
    return graph_.outputs.Assign(tables_.outputs.data(), tables_.outputs.size());
  }

 private:
  Status SetName(String* name);
  Status TakeShape(int rank, Shape* shape);
  Status AddValues();
  Status AddConstants();
  Status CheckConstant(const file::ConstantRecord& record, const TensorView& view, size_t index) const;
  Status AddNodes();
  Status AddNode(const file::NodeRecord& record, NodeId id);
  Status SetProducers(NodeId id);
  void SkipAttributeValues(std::span<const file::AttributeRecord> attributes);
  Status SetAttributes(const file::NodeRecord& record, NodeId id);
  Status SetAttribute(const OpDefinition& definition, const file::AttributeRecord& record, NodeId id);
  Status AddQuantizations();
  Status AddSymbols();
  Status AddStates();

  // "node 'name'", by the first output where it has no name, or "node 17".
  struct NodeText {
    char text[160];
  };
  NodeText TextOf(NodeId id) const {
    NodeText text;
    const char* name = graph_.LabelOf(graph_.nodes[id]);
    if (name[0] == '\0') {
      std::snprintf(text.text, sizeof(text.text), "node %d", id);
    } else {
      std::snprintf(text.text, sizeof(text.text), "node '%.120s'", name);
    }
    return text;
  }

  GraphTables tables_;  // pools shrink as they are taken
  BuildState& state_;
  const Bytes weights_;
  const LoadOptions& options_;
  UnsupportedList& unsupported_;
  Graph& graph_;
};

Status GraphBuilder::SetName(String* name) {
  if (state_.name_lengths.empty()) return Status::Ok();
  const uint32_t length = Take(&state_.name_lengths, 1)[0];
  if (length == 0) return Status::Ok();
  const Bytes text = Take(&state_.name_text, length);
  return name->Assign({reinterpret_cast<const char*>(text.data()), text.size()});
}

Status GraphBuilder::TakeShape(int rank, Shape* shape) {
  for (int64_t dim : Take(&tables_.dims, static_cast<size_t>(rank))) {
    if (dim < kUnknownDim && -2 - dim >= static_cast<int64_t>(state_.symbols)) {
      return DataLoss("the graph of the .mace file is damaged: a dimension refers to symbol %lld of %zu",
                      static_cast<long long>(-2 - dim), state_.symbols);
    }
    if (!shape->Push(dim)) return Internal("a rank above the limit was let through");
  }
  return Status::Ok();
}

Status GraphBuilder::AddValues() {
  MACE_RETURN_IF_ERROR(graph_.values.Resize(tables_.values.size()));
  for (size_t i = 0; i < tables_.values.size(); ++i) {
    const file::ValueRecord& record = tables_.values[i];
    Value& value = graph_.values[i];
    MACE_RETURN_IF_ERROR(SetName(&value.name));
    if (record.dtype() >= kDTypeCount) {
      return Unsupported("value %zu ('%.120s') has element type %d, which this build does not know", i,
                         value.name.c_str(), record.dtype());
    }
    value.type.dtype = static_cast<DType>(record.dtype());
    value.type.quantization = record.quantization();
    value.constant = record.constant();
    if (record.rank() == kUnknownRankCode) {
      value.type.shape = Shape::OfUnknownRank();
      continue;
    }
    MACE_RETURN_IF_ERROR(TakeShape(record.rank(), &value.type.shape));
  }
  return Status::Ok();
}

Status GraphBuilder::CheckConstant(const file::ConstantRecord& record, const TensorView& view,
                                   size_t index) const {
  const int64_t bytes = view.bytes();
  if (bytes < 0 || static_cast<uint64_t>(bytes) != record.size()) {
    return DataLoss("constant %zu of the .mace file is damaged: %s %s does not take %llu bytes", index,
                    NameOf(view.dtype), ShapeText(view.shape).text,
                    static_cast<unsigned long long>(record.size()));
  }
  if (record.offset() % kConstantAlignment != 0 || record.offset() > weights_.size() ||
      record.size() > weights_.size() - record.offset()) {
    return DataLoss("constant %zu of the .mace file lies outside the weights (offset %llu, %llu bytes)",
                    index, static_cast<unsigned long long>(record.offset()),
                    static_cast<unsigned long long>(record.size()));
  }
  if (view.dtype == DType::kBool) {  // a C++ bool of another value is undefined behaviour
    for (uint8_t byte : weights_.subspan(record.offset(), record.size())) {
      if (byte > 1) return DataLoss("bool constant %zu of the .mace file holds the byte %d", index, byte);
    }
  }
  return Status::Ok();
}

Status GraphBuilder::AddConstants() {
  MACE_RETURN_IF_ERROR(graph_.constants.Resize(tables_.constants.size()));
  for (size_t i = 0; i < tables_.constants.size(); ++i) {
    const file::ConstantRecord& record = tables_.constants[i];
    TensorView& view = graph_.constants[i].view;
    view.dtype = record.dtype() < kDTypeCount ? static_cast<DType>(record.dtype()) : DType::kInvalid;
    MACE_RETURN_IF_ERROR(TakeShape(record.rank(), &view.shape));
    MACE_RETURN_IF_ERROR(CheckConstant(record, view, i));
    // Nobody writes through the view of a constant.
    view.data = const_cast<uint8_t*>(weights_.data()) + record.offset();
  }
  return Status::Ok();
}

Status GraphBuilder::AddNodes() {
  MACE_RETURN_IF_ERROR(graph_.nodes.Resize(tables_.nodes.size()));
  for (size_t i = 0; i < tables_.nodes.size(); ++i) {
    const auto id = static_cast<NodeId>(i);
    MACE_RETURN_IF_ERROR(AddNode(tables_.nodes[i], id));
    MACE_RETURN_IF_ERROR(SetProducers(id));
    MACE_RETURN_IF_ERROR(SetAttributes(tables_.nodes[i], id));
  }
  return Status::Ok();
}

Status GraphBuilder::AddNode(const file::NodeRecord& record, NodeId id) {
  Node& node = graph_.nodes[id];
  MACE_RETURN_IF_ERROR(SetName(&node.name));
  node.op = static_cast<OpId>(record.op());
  node.version = record.version();
  const std::span<const int32_t> inputs = Take(&tables_.operands, record.input_count());
  const std::span<const int32_t> outputs = Take(&tables_.operands, record.output_count());
  MACE_RETURN_IF_ERROR(node.inputs.Assign(inputs.data(), inputs.size()));
  return node.outputs.Assign(outputs.data(), outputs.size());
}

Status GraphBuilder::SetProducers(NodeId id) {
  for (ValueId output : graph_.nodes[id].outputs) {
    if (output == kNone) continue;
    if (output < 0 || static_cast<size_t>(output) >= graph_.values.size()) {
      return DataLoss("%s of the .mace file has output value %d of %zu", TextOf(id).text, output,
                      graph_.values.size());
    }
    if (graph_.values[output].producer != kNone) {
      return DataLoss("%s of the .mace file has output value %d, which another output already is",
                      TextOf(id).text, output);
    }
    graph_.values[output].producer = id;
  }
  return Status::Ok();
}

void GraphBuilder::SkipAttributeValues(std::span<const file::AttributeRecord> attributes) {
  for (const file::AttributeRecord& attribute : attributes) {
    if (HoldsInts(static_cast<EncodedKind>(attribute.kind()))) {
      Take(&tables_.attribute_ints, attribute.count());
    } else {
      Take(&tables_.attribute_floats, attribute.count());
    }
  }
}

Status GraphBuilder::SetAttributes(const file::NodeRecord& record, NodeId id) {
  Node& node = graph_.nodes[id];
  const std::span<const file::AttributeRecord> attributes =
      Take(&tables_.attributes, record.attribute_count());
  const OpDefinition* definition = options_.find_definition(node.op);
  if (definition == nullptr) {
    SkipAttributeValues(attributes);
    return unsupported_.Add("%s is operator number %d, which this build does not know", TextOf(id).text,
                            record.op());
  }
  if (node.version == 0) return DataLoss("%s (%s) has version 0", TextOf(id).text, definition->name);
  if (node.version > definition->version) {
    SkipAttributeValues(attributes);
    return unsupported_.Add("%s is %s of version %d, this build knows up to %d", TextOf(id).text,
                            definition->name, node.version, definition->version);
  }
  definition->attributes.construct(node.attributes.bytes);
  int last_field = -1;
  for (const file::AttributeRecord& attribute : attributes) {
    if (attribute.field() <= last_field) {
      return DataLoss("%s (%s): the fields of the .mace file are not in order", TextOf(id).text,
                      definition->name);
    }
    last_field = attribute.field();
    MACE_RETURN_IF_ERROR(SetAttribute(*definition, attribute, id));
  }
  return VerifyAttributes(definition->attributes, node.attributes)
      .WithPrefix("%s (%s)", TextOf(id).text, definition->name);
}

Status GraphBuilder::SetAttribute(const OpDefinition& definition, const file::AttributeRecord& record,
                                  NodeId id) {
  EncodedField encoded;
  encoded.kind = static_cast<EncodedKind>(record.kind());
  if (HoldsInts(encoded.kind)) {
    encoded.ints = Take(&tables_.attribute_ints, record.count());
  } else {
    encoded.floats = Take(&tables_.attribute_floats, record.count());
  }
  const AttributeInfo& info = definition.attributes;
  for (int32_t i = 0; i < info.field_count; ++i) {
    if (info.fields[i].id != record.field()) continue;
    return DecodeField(info.fields[i], encoded, &graph_.nodes[id].attributes)
        .WithPrefix("%s (%s), field '%s'", TextOf(id).text, definition.name, info.fields[i].name);
  }
  return unsupported_.Add("%s is %s with field number %d, which this build does not know", TextOf(id).text,
                          definition.name, record.field());
}

Status GraphBuilder::AddQuantizations() {
  MACE_RETURN_IF_ERROR(graph_.quantizations.Resize(tables_.quantizations.size()));
  for (size_t i = 0; i < tables_.quantizations.size(); ++i) {
    const file::QuantizationRecord& record = tables_.quantizations[i];
    Quantization& quantization = graph_.quantizations[i];
    const auto scales = Take(&tables_.scales, record.scale_count());
    const auto zero_points = Take(&tables_.zero_points, record.scale_count());
    MACE_RETURN_IF_ERROR(quantization.scales.Assign(scales.data(), scales.size()));
    MACE_RETURN_IF_ERROR(quantization.zero_points.Assign(zero_points.data(), zero_points.size()));
    quantization.axis = record.axis();
    quantization.block_size = record.block_size();
  }
  return Status::Ok();
}

Status GraphBuilder::AddSymbols() {
  MACE_RETURN_IF_ERROR(graph_.symbols.Resize(tables_.symbols.size()));
  for (size_t i = 0; i < tables_.symbols.size(); ++i) {
    Symbol& symbol = graph_.symbols[i];
    MACE_RETURN_IF_ERROR(SetName(&symbol.name));
    symbol.minimum = tables_.symbols[i].minimum();
    symbol.maximum = tables_.symbols[i].maximum();
    if (symbol.minimum < 0 || symbol.maximum < kUnknownDim ||
        (symbol.maximum != kUnknownDim && symbol.maximum < symbol.minimum)) {
      return DataLoss("symbol %zu of the .mace file has the range %lld .. %lld", i,
                      static_cast<long long>(symbol.minimum), static_cast<long long>(symbol.maximum));
    }
  }
  return Status::Ok();
}

Status GraphBuilder::AddStates() {
  MACE_RETURN_IF_ERROR(graph_.states.Resize(tables_.states.size()));
  for (size_t i = 0; i < tables_.states.size(); ++i) {
    const file::StateRecord& record = tables_.states[i];
    State& state = graph_.states[i];
    MACE_RETURN_IF_ERROR(SetName(&state.name));
    state.read = record.read();
    state.write = record.write();
    state.initial = record.initial();
    state.capacity_axis = record.capacity_axis();
  }
  return Status::Ok();
}

Status ReadTables(const Container& container, ModelTables* tables) {
  const Segment* graph = container.Find(SegmentKind::kGraph);
  if (graph == nullptr) return DataLoss("the .mace file has no graph segment");
  MACE_RETURN_IF_ERROR(ReadGraphTables(graph->bytes, tables));
  const Segment* names = container.Find(SegmentKind::kNames);
  return names == nullptr ? Status::Ok() : ReadNames(names->bytes, tables);
}

// The graph at `*next`, and its subgraphs behind it. CheckNesting has bounded the depth.
Status BuildGraphs(const ModelTables& tables, size_t* next, BuildState* state, Graph* graph) {
  const GraphTables& own = tables.graphs[(*next)++];
  MACE_RETURN_IF_ERROR(GraphBuilder(own, state, graph).Build());
  MACE_RETURN_IF_ERROR(graph->subgraphs.Resize(own.subgraph_count));
  for (std::unique_ptr<Graph>& subgraph : graph->subgraphs) {
    MACE_ASSIGN_OR_RETURN(subgraph, MakeUnique<Graph>());
    MACE_RETURN_IF_ERROR(BuildGraphs(tables, next, state, subgraph.get()));
  }
  return Status::Ok();
}

}  // namespace

Status LoadModel(Bytes bytes, const LoadOptions& options, Graph* graph) {
  // No bytes have no alignment: that there are none is what to say.
  if (!bytes.empty() && reinterpret_cast<uintptr_t>(bytes.data()) % kModelAlignment != 0) {
    return InvalidArgument("the bytes of a .mace model must be aligned to %llu",
                           static_cast<unsigned long long>(kModelAlignment));
  }
  Container container;
  MACE_RETURN_IF_ERROR(ParseContainer(bytes, options.verify_full, &container));
  ModelTables tables;
  MACE_RETURN_IF_ERROR(ReadTables(container, &tables));
  const Segment* weights = container.Find(SegmentKind::kWeights);
  BuildState state = {.weights = weights == nullptr ? Bytes() : weights->bytes,
                      .options = options,
                      .symbols = tables.graphs[0].symbols.size(),
                      .name_text = tables.name_text,
                      .name_lengths = tables.name_lengths,
                      .unsupported = {}};
  Graph loaded;
  size_t next = 0;
  MACE_RETURN_IF_ERROR(BuildGraphs(tables, &next, &state, &loaded));
  MACE_RETURN_IF_ERROR(state.unsupported.ToStatus());
  if (const Segment* metadata = container.Find(SegmentKind::kMetadata); metadata != nullptr) {
    MACE_RETURN_IF_ERROR(ReadMetadata(metadata->bytes, &loaded.metadata));
  }
  MACE_RETURN_IF_ERROR(VerifyGraph(loaded, options.find_definition));
  *graph = std::move(loaded);
  return Status::Ok();
}

}  // namespace mace
