#include "mace/model/writer.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "mace/model/attribute_codec.h"
#include "mace/model/format.h"
#include "mace/model/hash.h"
#include "mace/model/mace_generated.h"

namespace mace {
namespace {

using Bytes = std::span<const uint8_t>;

uint64_t AlignUp(uint64_t offset, uint64_t alignment) {
  return (offset + alignment - 1) / alignment * alignment;
}

// The weights segment, with equal constants stored once.
class WeightsWriter {
 public:
  // The offset of these bytes.
  uint64_t Add(Bytes bytes) {
    if (bytes.empty()) return 0;
    const uint64_t hash = Hash64(bytes);
    const auto [first, last] = places_.equal_range(hash);
    for (auto place = first; place != last; ++place) {
      const Bytes stored = place->second.bytes;
      if (std::ranges::equal(stored, bytes)) return place->second.offset;
    }
    const uint64_t offset = AlignUp(size_, kConstantAlignment);
    places_.emplace(hash, Place{bytes, offset});
    order_.push_back({bytes, offset});
    size_ = offset + bytes.size();
    return offset;
  }
  uint64_t size() const { return size_; }
  // `target` has size() zero bytes.
  void CopyTo(uint8_t* target) const {
    for (const Place& place : order_)
      std::memcpy(target + place.offset, place.bytes.data(), place.bytes.size());
  }

 private:
  struct Place {
    Bytes bytes;
    uint64_t offset;
  };
  std::unordered_multimap<uint64_t, Place> places_;
  std::vector<Place> order_;
  uint64_t size_ = 0;
};

// The records of mace.fbs, filled from a graph that has passed VerifyGraph.
struct Records {
  std::vector<file::NodeRecord> nodes;
  std::vector<int32_t> operands;
  std::vector<file::AttributeRecord> attributes;
  std::vector<int64_t> attribute_ints;
  std::vector<float> attribute_floats;
  std::vector<file::ValueRecord> values;
  std::vector<file::ConstantRecord> constants;
  std::vector<int64_t> dims;
  std::vector<file::QuantizationRecord> quantizations;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  std::vector<file::SymbolRecord> symbols;
  std::vector<file::StateRecord> states;
};

// The fields that differ from their defaults, in ascending order of their ids. Returns their number.
uint32_t AddAttributes(const AttributeInfo& info, const AttributeStorage& attributes, Records* records) {
  AttributeStorage defaults;
  info.construct(defaults.bytes);
  std::vector<const FieldInfo*> fields;
  for (int32_t i = 0; i < info.field_count; ++i) fields.push_back(&info.fields[i]);
  std::ranges::sort(fields, {}, [](const FieldInfo* field) { return field->id; });
  uint32_t count = 0;
  for (const FieldInfo* field : fields) {
    EncodedField value;
    EncodedField default_value;
    EncodeField(*field, attributes, &value);
    EncodeField(*field, defaults, &default_value);
    if (SameEncoding(value, default_value)) continue;
    records->attribute_ints.insert(records->attribute_ints.end(), value.ints.begin(), value.ints.end());
    records->attribute_floats.insert(records->attribute_floats.end(), value.floats.begin(),
                                     value.floats.end());
    records->attributes.emplace_back(field->id, static_cast<uint8_t>(value.kind),
                                     static_cast<uint8_t>(value.ints.size() + value.floats.size()));
    ++count;
  }
  return count;
}

void AddNodes(const Graph& graph, OpFinder find_definition, Records* records) {
  for (const Node& node : graph.nodes) {
    records->operands.insert(records->operands.end(), node.inputs.begin(), node.inputs.end());
    records->operands.insert(records->operands.end(), node.outputs.begin(), node.outputs.end());
    const uint32_t attribute_count =
        AddAttributes(find_definition(node.op)->attributes, node.attributes, records);
    records->nodes.emplace_back(static_cast<uint16_t>(node.op), node.version, attribute_count,
                                static_cast<uint32_t>(node.inputs.size()),
                                static_cast<uint32_t>(node.outputs.size()));
  }
}

void AddShape(const Shape& shape, Records* records) {
  records->dims.insert(records->dims.end(), shape.span().begin(), shape.span().end());
}

void AddValuesAndConstants(const Graph& graph, WeightsWriter* weights, Records* records) {
  for (const Value& value : graph.values) {
    const Shape& shape = value.type.shape;
    const uint8_t rank = shape.HasRank() ? static_cast<uint8_t>(shape.rank) : kUnknownRankCode;
    records->values.emplace_back(static_cast<uint8_t>(value.type.dtype), rank, 0, value.constant,
                                 value.type.quantization);
    AddShape(value.type.shape, records);
  }
  for (const Constant& constant : graph.constants) {
    const TensorView& view = constant.view;
    const Bytes bytes(view.as<uint8_t>(), static_cast<size_t>(view.bytes()));
    records->constants.emplace_back(weights->Add(bytes), bytes.size(), static_cast<uint8_t>(view.dtype),
                                    static_cast<uint8_t>(view.shape.rank), 0, 0);
    AddShape(view.shape, records);
  }
}

void AddRest(const Graph& graph, Records* records) {
  for (const Quantization& quantization : graph.quantizations) {
    records->quantizations.emplace_back(static_cast<uint32_t>(quantization.scales.size()), quantization.axis,
                                        quantization.block_size);
    records->scales.insert(records->scales.end(), quantization.scales.begin(), quantization.scales.end());
    records->zero_points.insert(records->zero_points.end(), quantization.zero_points.begin(),
                                quantization.zero_points.end());
  }
  for (const Symbol& symbol : graph.symbols) records->symbols.emplace_back(symbol.minimum, symbol.maximum);
  for (const State& state : graph.states) {
    records->states.emplace_back(state.read, state.write, state.initial, state.capacity_axis);
  }
}

std::vector<uint8_t> Finished(const flatbuffers::FlatBufferBuilder& builder) {
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

flatbuffers::Offset<file::Graph> AddGraph(const Graph& graph, const Records& records,
                                          flatbuffers::FlatBufferBuilder& builder) {
  const auto nodes = builder.CreateVectorOfStructs(records.nodes);
  const auto operands = builder.CreateVector(records.operands);
  const auto attributes = builder.CreateVectorOfStructs(records.attributes);
  const auto attribute_ints = builder.CreateVector(records.attribute_ints);
  const auto attribute_floats = builder.CreateVector(records.attribute_floats);
  const auto values = builder.CreateVectorOfStructs(records.values);
  const auto constants = builder.CreateVectorOfStructs(records.constants);
  const auto dims = builder.CreateVector(records.dims);
  const auto quantizations = builder.CreateVectorOfStructs(records.quantizations);
  const auto scales = builder.CreateVector(records.scales);
  const auto zero_points = builder.CreateVector(records.zero_points);
  const auto symbols = builder.CreateVectorOfStructs(records.symbols);
  const auto inputs = builder.CreateVector(graph.inputs.data(), graph.inputs.size());
  const auto outputs = builder.CreateVector(graph.outputs.data(), graph.outputs.size());
  const auto states = builder.CreateVectorOfStructs(records.states);
  return file::CreateGraph(builder, nodes, operands, attributes, attribute_ints, attribute_floats, values,
                           constants, dims, quantizations, scales, zero_points, symbols, inputs, outputs,
                           states, static_cast<uint32_t>(graph.subgraphs.size()));
}

// Subgraphs of subgraphs too, each behind the graph that owns it.
void ListGraphs(const Graph& graph, std::vector<const Graph*>* graphs) {
  graphs->push_back(&graph);
  for (const auto& subgraph : graph.subgraphs) ListGraphs(*subgraph, graphs);
}

std::vector<uint8_t> GraphSegment(const std::vector<const Graph*>& graphs, OpFinder find_definition,
                                  WeightsWriter* weights) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<file::Graph>> offsets;
  for (const Graph* graph : graphs) {
    Records records;
    AddNodes(*graph, find_definition, &records);
    AddValuesAndConstants(*graph, weights, &records);
    AddRest(*graph, &records);
    offsets.push_back(AddGraph(*graph, records, builder));
  }
  builder.Finish(file::CreateModel(builder, builder.CreateVector(offsets)));
  return Finished(builder);
}

// What a writer says of the names of one graph.
struct NameList {
  std::string text;
  std::vector<uint32_t> lengths;

  void Add(const String& name, bool kept) {
    if (kept) text += name.view();
    lengths.push_back(kept ? static_cast<uint32_t>(name.size()) : 0);
  }
};

// Of a graph whose inputs and outputs the caller sees: the main one.
void AddNames(const Graph& graph, bool keep_inner_names, bool is_main, NameList* names) {
  std::vector<bool> keep(graph.values.size(), keep_inner_names);
  std::vector<bool> keep_symbol(graph.symbols.size(), keep_inner_names);
  const auto keep_symbols = [&](ValueId value) {
    const Shape& shape = graph.values[value].type.shape;
    for (int i = 0; i < shape.rank; ++i) {
      if (IsSymbolDim(shape[i])) keep_symbol[static_cast<size_t>(SymbolOf(shape[i]))] = true;
    }
  };
  for (const Vector<ValueId>* edges : {&graph.inputs, &graph.outputs}) {
    if (!is_main) break;
    for (ValueId edge : *edges) {
      keep[edge] = true;
      keep_symbols(edge);
    }
  }
  for (const State& state : graph.states) keep_symbols(state.read);
  names->Add(graph.name, keep_inner_names);
  for (size_t i = 0; i < graph.values.size(); ++i) names->Add(graph.values[i].name, keep[i]);
  for (const Node& node : graph.nodes) names->Add(node.name, keep_inner_names);
  for (size_t i = 0; i < graph.symbols.size(); ++i) names->Add(graph.symbols[i].name, keep_symbol[i]);
  for (const State& state : graph.states) names->Add(state.name, true);
}

std::vector<uint8_t> NamesSegment(const std::vector<const Graph*>& graphs, bool keep_inner_names) {
  NameList names;
  for (const Graph* graph : graphs) AddNames(*graph, keep_inner_names, graph == graphs[0], &names);
  flatbuffers::FlatBufferBuilder builder;
  const auto text_vector =
      builder.CreateVector(reinterpret_cast<const uint8_t*>(names.text.data()), names.text.size());
  const auto lengths_vector = builder.CreateVector(names.lengths);
  builder.Finish(file::CreateNames(builder, text_vector, lengths_vector));
  return Finished(builder);
}

Status MetadataSegment(const Graph& graph, std::vector<uint8_t>* segment) {
  if (graph.metadata.size() > kMaxMetadata) {
    return ResourceExhausted("%zu entries of metadata, the limit is %zu", graph.metadata.size(),
                             kMaxMetadata);
  }
  std::string text;
  std::vector<uint32_t> lengths;
  std::unordered_set<std::string_view> keys;
  for (const MetadataEntry& entry : graph.metadata) {
    const std::string_view key = entry.key.view();
    if (key.empty() || !keys.insert(key).second) {
      return InvalidArgument("metadata: the key '%.120s' is %s", entry.key.c_str(),
                             key.empty() ? "empty" : "there twice");
    }
    for (const std::string_view part : {key, entry.value.view()}) {
      if (part.find('\0') != part.npos)
        return InvalidArgument("metadata '%.120s': a zero byte", entry.key.c_str());
      if (text.size() + part.size() >= FLATBUFFERS_MAX_BUFFER_SIZE / 2) {
        return Unsupported("the metadata take 1 GiB or more");
      }
      text += part;
      lengths.push_back(static_cast<uint32_t>(part.size()));
    }
  }
  flatbuffers::FlatBufferBuilder builder;
  const auto text_vector = builder.CreateVector(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  const auto lengths_vector = builder.CreateVector(lengths);
  builder.Finish(file::CreateMetadata(builder, text_vector, lengths_vector));
  *segment = Finished(builder);
  return Status::Ok();
}

struct PendingSegment {
  SegmentKind kind;
  const char* name;
  uint32_t flags;
  uint64_t size;
  const uint8_t* bytes;  // null: the weights
  uint64_t offset = 0;
};

// Header and table; the segments' bytes stand in `bytes` already.
void WriteHeader(const std::vector<PendingSegment>& segments, uint16_t minor, std::vector<uint8_t>* bytes) {
  std::vector<SegmentRecord> table;
  for (const PendingSegment& segment : segments) {
    SegmentRecord record = {};
    record.kind = static_cast<uint32_t>(segment.kind);
    record.flags = segment.flags;
    record.offset = segment.offset;
    record.size = segment.size;
    record.hash = Hash64(Bytes(*bytes).subspan(segment.offset, segment.size));
    std::memcpy(record.name, segment.name, std::strlen(segment.name));
    table.push_back(record);
  }
  const Bytes table_bytes(reinterpret_cast<const uint8_t*>(table.data()),
                          table.size() * sizeof(SegmentRecord));
  FileHeader header = {};
  std::memcpy(header.magic, kFileMagic, sizeof(kFileMagic));
  header.major = kFormatMajor;
  header.minor = minor;
  header.segment_count = static_cast<uint32_t>(table.size());
  header.file_size = bytes->size();
  header.hash = Hash64(table_bytes,
                       Hash64(Bytes(reinterpret_cast<const uint8_t*>(&header), offsetof(FileHeader, hash))));
  std::memcpy(bytes->data(), &header, sizeof(header));
  std::memcpy(bytes->data() + sizeof(header), table_bytes.data(), table_bytes.size());
}

Status CheckSegmentSizes(const Graph& graph, const std::vector<uint8_t>& graph_segment,
                         const std::vector<uint8_t>& names_segment) {
  if (graph_segment.size() >= FLATBUFFERS_MAX_BUFFER_SIZE ||
      names_segment.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return Unsupported("the graph '%s' without its weights takes 2 GiB or more", graph.name.c_str());
  }
  return Status::Ok();
}

// The oldest version that has everything in the file: metadata came with 1.1, subgraphs and unknown ranks
// with 1.2.
uint16_t OldestMinor(const Graph& graph) {
  const bool open_ranks = std::any_of(graph.values.begin(), graph.values.end(),
                                      [](const Value& value) { return !value.type.shape.HasRank(); });
  if (open_ranks || !graph.subgraphs.empty()) return 2;
  return graph.metadata.empty() ? 0 : 1;
}

Status Write(const Graph& graph, const WriteOptions& options, std::vector<uint8_t>* bytes) {
  MACE_RETURN_IF_ERROR(VerifyGraph(graph, options.find_definition));
  WeightsWriter weights;
  std::vector<const Graph*> graphs;
  ListGraphs(graph, &graphs);
  const std::vector<uint8_t> graph_segment = GraphSegment(graphs, options.find_definition, &weights);
  const std::vector<uint8_t> names_segment = NamesSegment(graphs, options.keep_inner_names);
  std::vector<uint8_t> metadata_segment;
  MACE_RETURN_IF_ERROR(MetadataSegment(graph, &metadata_segment));
  MACE_RETURN_IF_ERROR(CheckSegmentSizes(graph, graph_segment, names_segment));

  std::vector<PendingSegment> segments = {
      {SegmentKind::kGraph, "graph", kSegmentRequired, graph_segment.size(), graph_segment.data()},
      {SegmentKind::kNames, "names", 0, names_segment.size(), names_segment.data()}};
  if (!graph.metadata.empty()) {
    segments.push_back(
        {SegmentKind::kMetadata, "metadata", 0, metadata_segment.size(), metadata_segment.data()});
  }
  if (weights.size() > 0) {
    segments.push_back({SegmentKind::kWeights, "weights", kSegmentRequired, weights.size(), nullptr});
  }
  uint64_t end = sizeof(FileHeader) + segments.size() * sizeof(SegmentRecord);
  for (PendingSegment& segment : segments) {
    segment.offset = AlignUp(end, kSegmentAlignment);
    end = segment.offset + segment.size;
  }
  std::vector<uint8_t> file(end, 0);
  for (const PendingSegment& segment : segments) {
    if (segment.bytes == nullptr) {
      weights.CopyTo(file.data() + segment.offset);
    } else {
      std::memcpy(file.data() + segment.offset, segment.bytes, segment.size);
    }
  }
  WriteHeader(segments, OldestMinor(graph), &file);
  bytes->swap(file);
  return Status::Ok();
}

}  // namespace

Status WriteModel(const Graph& graph, const WriteOptions& options, std::vector<uint8_t>* bytes) {
  try {
    return Write(graph, options, bytes);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::exception& error) {
    return Internal("writing the graph '%s' failed: %s", graph.name.c_str(), error.what());
  }
}

}  // namespace mace
