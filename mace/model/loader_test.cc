#include "mace/model/loader.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mace/model/mace_generated.h"
#include "mace/model/metadata.h"
#include "mace/model/testing.h"
#include "mace/model/writer.h"

namespace mace {
namespace {

using testing::AlignedBytes;
using testing::FindTestDefinition;
using testing::GuardedImage;
using ::testing::HasSubstr;
using testing::MakeTestGraph;
using testing::RepairHashes;

const WriteOptions kWriteOptions = {.find_definition = FindTestDefinition};

std::vector<uint8_t> Written(const Graph& graph) {
  std::vector<uint8_t> bytes;
  const Status status = WriteModel(graph, kWriteOptions, &bytes);
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

Status Load(std::span<const uint8_t> bytes, bool verify_full, Graph* graph,
            OpFinder find_definition = FindTestDefinition) {
  return LoadModel(bytes, {.verify_full = verify_full, .find_definition = find_definition}, graph);
}

Status LoadCopy(std::span<const uint8_t> bytes, bool verify_full,
                OpFinder find_definition = FindTestDefinition) {
  const AlignedBytes copy(bytes);
  Graph graph;
  return Load(copy.span(), verify_full, &graph, find_definition);
}

SegmentRecord* FindRecord(std::vector<uint8_t>& bytes, SegmentKind kind) {
  auto* header = reinterpret_cast<FileHeader*>(bytes.data());
  auto* table = reinterpret_cast<SegmentRecord*>(bytes.data() + sizeof(FileHeader));
  for (uint32_t i = 0; i < header->segment_count; ++i) {
    if (table[i].kind == static_cast<uint32_t>(kind)) return &table[i];
  }
  return nullptr;
}

// The graph table of a file, to be changed in place.
file::Graph* MutableGraph(std::vector<uint8_t>& bytes) {
  const SegmentRecord* record = FindRecord(bytes, SegmentKind::kGraph);
  const auto* model = flatbuffers::GetRoot<file::Model>(bytes.data() + record->offset);
  return const_cast<file::Graph*>(model->graphs()->Get(0));
}

template <typename T, typename V>
T* MutableRecord(const V* vector, size_t index) {
  return reinterpret_cast<T*>(const_cast<uint8_t*>(vector->Data())) + index;
}

TEST(LoaderTest, RoundTripKeepsEverything) {
  const Graph graph = MakeTestGraph();
  const AlignedBytes bytes(Written(graph));
  for (bool verify_full : {false, true}) {
    Graph loaded;
    const Status status = Load(bytes.span(), verify_full, &loaded);
    ASSERT_TRUE(status.ok()) << status.message();
    testing::ExpectSameGraph(graph, loaded, FindTestDefinition);
  }
}

TEST(LoaderTest, NegativeZeroAndListsSurvive) {
  const AlignedBytes bytes(Written(MakeTestGraph()));
  Graph loaded;
  ASSERT_TRUE(Load(bytes.span(), true, &loaded).ok());
  const auto& attributes = loaded.nodes[0].attributes.as<testing::EveryKindAttributes>();
  EXPECT_TRUE(std::signbit(attributes.number));
  EXPECT_EQ(attributes.integer, INT64_MIN);
  EXPECT_EQ(attributes.integers, (IntList{1, -2, 3, -4, INT64_MAX, 6, 7, 8}));
  EXPECT_TRUE(attributes.numbers.empty());
  EXPECT_EQ(attributes.mode, testing::TestMode::kThird);
}

TEST(LoaderTest, ConstantsAreAlignedViewsOfTheBytes) {
  const AlignedBytes bytes(Written(MakeTestGraph()));
  Graph loaded;
  ASSERT_TRUE(Load(bytes.span(), false, &loaded).ok());
  for (const Constant& constant : loaded.constants) {
    EXPECT_EQ(constant.owned.size(), 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(constant.view.data) % 64, 0u);
    const auto* data = constant.view.as<uint8_t>();
    EXPECT_GE(data, bytes.span().data());
    EXPECT_LE(data + constant.view.bytes(), bytes.span().data() + bytes.span().size());
  }
  // weights and same have equal bytes.
  EXPECT_EQ(loaded.constants[0].view.data, loaded.constants[1].view.data);
}

TEST(LoaderTest, EmptyGraph) {
  const AlignedBytes bytes(Written(Graph()));
  Graph loaded;
  const Status status = Load(bytes.span(), true, &loaded);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(loaded.nodes.empty());
}

TEST(LoaderTest, UnalignedBytesAreRefused) {
  const std::vector<uint8_t> bytes = Written(MakeTestGraph());
  auto buffer = Buffer::Allocate(bytes.size() + 8);
  ASSERT_TRUE(buffer.ok());
  std::memcpy(buffer->data() + 8, bytes.data(), bytes.size());
  Graph graph;
  EXPECT_EQ(Load({buffer->data() + 8, bytes.size()}, false, &graph).code(), StatusCode::kInvalidArgument);
}

TEST(LoaderTest, EveryFlippedBitIsAnErrorWithVerifyFull) {
  AlignedBytes bytes(Written(MakeTestGraph()));
  for (size_t i = 0; i < bytes.span().size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      bytes.writable()[i] ^= static_cast<uint8_t>(1 << bit);
      Graph graph;
      EXPECT_FALSE(Load(bytes.span(), true, &graph).ok()) << "byte " << i << ", bit " << bit;
      bytes.writable()[i] ^= static_cast<uint8_t>(1 << bit);
    }
  }
  Graph graph;
  EXPECT_TRUE(Load(bytes.span(), true, &graph).ok());
}

TEST(LoaderTest, EveryChangedByteOfGraphNamesAndMetadataIsAnErrorAlways) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  const uint64_t weights = FindRecord(bytes, SegmentKind::kWeights)->offset;
  AlignedBytes copy(bytes);
  for (size_t i = 0; i < bytes.size(); ++i) {
    copy.writable()[i] ^= 0xff;
    Graph graph;
    const bool ok = Load(copy.span(), false, &graph).ok();
    if (i < weights) {
      EXPECT_FALSE(ok) << i;
    }
    copy.writable()[i] ^= 0xff;
  }
}

// Bytes changed behind the hashes' back: an error or a graph, never a crash; what loads can be written.
TEST(LoaderTest, ChangedBytesWithRepairedHashesNeverCrash) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  int loaded_count = 0;
  int refused_count = 0;
  for (size_t i = 0; i < original.size(); ++i) {
    for (uint8_t change : {0x01, 0x80, 0xff, 0x10}) {
      std::vector<uint8_t> bytes = original;
      bytes[i] ^= change;
      RepairHashes(bytes);
      const GuardedImage guarded(bytes);
      Graph graph;
      if (Load(guarded.span(), true, &graph).ok()) {
        ++loaded_count;
        EXPECT_FALSE(Written(graph).empty());
      } else {
        ++refused_count;
      }
    }
  }
  EXPECT_GT(loaded_count, 100);
  EXPECT_GT(refused_count, 1000);
}

TEST(LoaderTest, EveryTruncationIsAnError) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  for (size_t size = 0; size < original.size(); ++size) {
    std::vector<uint8_t> bytes(original.begin(), original.begin() + static_cast<ptrdiff_t>(size));
    const GuardedImage guarded(bytes);
    Graph graph;
    const Status status = Load(guarded.span(), false, &graph);
    EXPECT_EQ(status.code(), StatusCode::kDataLoss) << size;
    if (size >= 8) {
      EXPECT_THAT(status.message(), HasSubstr("truncated")) << size;
    }
    // With the recorded size made to fit, what is missing is still noticed.
    RepairHashes(bytes);
    EXPECT_FALSE(LoadCopy(bytes, false).ok()) << size;
  }
}

TEST(LoaderTest, BytesBehindTheEndAreAnError) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  bytes.push_back(0);
  EXPECT_THAT(LoadCopy(bytes, false).message(), HasSubstr("behind its end"));
}

TEST(LoaderTest, OtherFilesAreNamed) {
  const std::string png =
      "\x89PNG\r\n\x1a\n and more bytes, enough for a header of 64 bytes, here they are ...";
  EXPECT_THAT(LoadCopy({reinterpret_cast<const uint8_t*>(png.data()), png.size()}, false).message(),
              HasSubstr("not a .mace file"));
  std::vector<uint8_t> text_mode = Written(MakeTestGraph());
  text_mode.erase(text_mode.begin() + 4);
  EXPECT_THAT(LoadCopy(text_mode, false).message(), HasSubstr("text mode"));
  EXPECT_THAT(LoadCopy({}, false).message(), HasSubstr("empty"));
  Graph nothing;
  const uint8_t byte[128] = {};
  for (size_t offset : {0, 1}) {  // one of them is not aligned
    EXPECT_THAT(LoadModel({byte + offset, 0}, {}, &nothing).message(), HasSubstr("empty"));
  }
}

TEST(LoaderTest, NewerMajorVersionIsRefusedNewerMinorIsRead) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  reinterpret_cast<FileHeader*>(bytes.data())->minor = 9;
  RepairHashes(bytes);
  EXPECT_TRUE(LoadCopy(bytes, true).ok());
  reinterpret_cast<FileHeader*>(bytes.data())->major = 2;
  RepairHashes(bytes);
  const Status status = LoadCopy(bytes, true);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("format 2.9"));
}

TEST(LoaderTest, UnknownRequiredFeatureIsRefused) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  reinterpret_cast<FileHeader*>(bytes.data())->required_features = 4;
  RepairHashes(bytes);
  EXPECT_EQ(LoadCopy(bytes, false).code(), StatusCode::kUnsupported);
}

// The names segment turned into a kind that nobody knows.
TEST(LoaderTest, UnknownOptionalSegmentIsSkippedRequiredIsRefusedByName) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  SegmentRecord* record = FindRecord(bytes, SegmentKind::kNames);
  record->kind = 4711;
  std::memcpy(record->name, "hologram", 9);
  RepairHashes(bytes);
  const AlignedBytes copy(bytes);
  Graph graph;
  Status status = Load(copy.span(), true, &graph);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(graph.values[0].name.empty());
  EXPECT_EQ(graph.nodes.size(), 3u);

  // Its bytes are covered by verify=full all the same.
  std::vector<uint8_t> damaged = bytes;
  damaged[record->offset] ^= 1;
  EXPECT_TRUE(LoadCopy(damaged, false).ok());
  EXPECT_EQ(LoadCopy(damaged, true).code(), StatusCode::kDataLoss);

  record->flags |= kSegmentRequired;
  RepairHashes(bytes);
  status = LoadCopy(bytes, false);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("hologram"));
  EXPECT_THAT(status.message(), HasSubstr("4711"));
}

TEST(LoaderTest, SealedAndTargetedSegmentsAreNotTakenForPlainOnes) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  std::vector<uint8_t> bytes = original;
  FindRecord(bytes, SegmentKind::kGraph)->flags |= kSegmentSealed;
  RepairHashes(bytes);
  EXPECT_EQ(LoadCopy(bytes, false).code(), StatusCode::kUnsupported);
  bytes = original;
  std::memcpy(FindRecord(bytes, SegmentKind::kWeights)->target, "moon", 5);
  RepairHashes(bytes);
  EXPECT_THAT(LoadCopy(bytes, false).message(), HasSubstr("moon"));
}

TEST(LoaderTest, SegmentsTwiceOverlappingOrMissingAreRefused) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  std::vector<uint8_t> bytes = original;
  FindRecord(bytes, SegmentKind::kNames)->kind = static_cast<uint32_t>(SegmentKind::kGraph);
  RepairHashes(bytes);
  EXPECT_EQ(LoadCopy(bytes, false).code(), StatusCode::kDataLoss);
  bytes = original;
  FindRecord(bytes, SegmentKind::kNames)->offset -= 64;
  RepairHashes(bytes);
  EXPECT_EQ(LoadCopy(bytes, false).code(), StatusCode::kDataLoss);
  bytes = original;
  FindRecord(bytes, SegmentKind::kWeights)->offset = ~uint64_t{0} - 63;
  RepairHashes(bytes);
  EXPECT_EQ(LoadCopy(bytes, false).code(), StatusCode::kDataLoss);
  bytes = original;
  SegmentRecord* graph = FindRecord(bytes, SegmentKind::kGraph);
  graph->kind = 4711;
  graph->flags = 0;
  RepairHashes(bytes);
  EXPECT_THAT(LoadCopy(bytes, false).message(), HasSubstr("no graph"));
}

// What a newer MACE wrote is listed all at once, with nodes, operators and fields by name.
const OpDefinition* FindOlderDefinition(OpId op) {
  static constexpr OpDefinition kOlder = [] {
    OpDefinition definition = testing::kEveryKindDefinition;
    definition.version = 2;
    return definition;
  }();
  return op == testing::kEveryKindOp ? &kOlder : nullptr;
}

TEST(LoaderTest, NewerOperatorsAreListedAllAtOnce) {
  const Status status = LoadCopy(Written(MakeTestGraph()), false, FindOlderDefinition);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("node 'second' is operator number 60001"));
  EXPECT_THAT(status.message(), HasSubstr("node 'c' is EveryKind of version 3, this build knows up to 2"));
}

TEST(LoaderTest, UnknownFieldIsRefusedByName) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  const file::Graph* graph = MutableGraph(bytes);
  auto* last = MutableRecord<file::AttributeRecord>(graph->attributes(), 7);  // of the first node: id 70
  ASSERT_EQ(last->field(), 70);
  *last = file::AttributeRecord(99, last->kind(), last->count());
  RepairHashes(bytes);
  const Status status = LoadCopy(bytes, false);
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_THAT(status.message(), HasSubstr("node 'first' is EveryKind with field number 99"));
}

TEST(LoaderTest, FieldValuesOutsideTheirTypeAreRefused) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  // attribute_ints of the first node: integer, small_integer, flag, dtype, 8 integers, mode.
  const struct {
    size_t index;
    int64_t value;
    const char* field;
  } kCases[] = {{1, int64_t{1} << 31, "small_integer"},
                {2, 2, "flag"},
                {2, -1, "flag"},
                {3, kDTypeCount, "dtype"},
                {3, 0, "dtype"},
                {12, 3, "mode"},
                {12, -1, "mode"}};
  for (const auto& test_case : kCases) {
    std::vector<uint8_t> bytes = original;
    const file::Graph* graph = MutableGraph(bytes);
    *MutableRecord<int64_t>(graph->attribute_ints(), test_case.index) = test_case.value;
    RepairHashes(bytes);
    const Status status = LoadCopy(bytes, false);
    EXPECT_FALSE(status.ok()) << test_case.field;
    EXPECT_THAT(status.message(), HasSubstr(test_case.field));
    EXPECT_THAT(status.message(), HasSubstr("node 'first'"));
  }
}

TEST(LoaderTest, CountsThatBytesDoNotBackAreRefused) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  const auto refused = [&](auto change) {
    std::vector<uint8_t> bytes = original;
    change(MutableGraph(bytes));
    RepairHashes(bytes);
    return !LoadCopy(bytes, false).ok();
  };
  EXPECT_TRUE(refused([](const file::Graph* graph) {
    *MutableRecord<file::NodeRecord>(graph->nodes(), 1) = file::NodeRecord(60001, 1, 0, 0xffffffffu, 1);
  }));
  EXPECT_TRUE(refused([](const file::Graph* graph) {
    *MutableRecord<file::NodeRecord>(graph->nodes(), 1) = file::NodeRecord(60001, 1, 0xffffffffu, 2, 1);
  }));
  EXPECT_TRUE(refused([](const file::Graph* graph) {
    *MutableRecord<file::QuantizationRecord>(graph->quantizations(), 0) =
        file::QuantizationRecord(0x7fffffffu, 0, 0);
  }));
  EXPECT_TRUE(refused([](const file::Graph* graph) {
    *MutableRecord<file::ConstantRecord>(graph->constants(), 0) =
        file::ConstantRecord(~uint64_t{0} - 63, 64, 1, 1, 0, 0);
  }));
  EXPECT_TRUE(refused([](const file::Graph* graph) {
    *MutableRecord<file::ConstantRecord>(graph->constants(), 0) = file::ConstantRecord(4, 64, 1, 1, 0, 0);
  }));
  // A product that does not fit in 64 bits.
  EXPECT_TRUE(refused([](const file::Graph* graph) {
    for (unsigned i = 0; i < graph->dims()->size(); ++i) {
      *MutableRecord<int64_t>(graph->dims(), i) = INT64_MAX;
    }
  }));
}

// What docs/file_format.md promises: the records of a node and of the value it produces are the smallest file
// that makes the largest structures.
TEST(LoaderTest, MemoryIsASmallMultipleOfTheRecords) {
  EXPECT_LE(sizeof(Node) + sizeof(Value), 25 * (sizeof(file::NodeRecord) + sizeof(file::ValueRecord)));
  EXPECT_LE(sizeof(Value), 25 * sizeof(file::ValueRecord));
  EXPECT_LE(sizeof(Constant), 25 * sizeof(file::ConstantRecord));
  EXPECT_LE(sizeof(Quantization), 25 * sizeof(file::QuantizationRecord));
  EXPECT_LE(sizeof(Symbol), 25 * sizeof(file::SymbolRecord));
  EXPECT_LE(sizeof(State), 25 * sizeof(file::StateRecord));
  EXPECT_LE(sizeof(MetadataEntry), 25 * 2 * sizeof(uint32_t));
}

const file::Metadata* MetadataOf(std::vector<uint8_t>& bytes) {
  const SegmentRecord* record = FindRecord(bytes, SegmentKind::kMetadata);
  return flatbuffers::GetRoot<file::Metadata>(bytes.data() + record->offset);
}

TEST(LoaderTest, MetadataThatDoNotFitAreRefused) {
  const std::vector<uint8_t> original = Written(MakeTestGraph());
  const auto loaded = [&](auto change) {
    std::vector<uint8_t> bytes = original;
    change(MetadataOf(bytes));
    RepairHashes(bytes);
    const GuardedImage guarded(bytes);
    Graph graph;
    return Load(guarded.span(), false, &graph);
  };
  // The lengths are 6, 12 ("labels"), 5, 0 ("empty").
  const auto set_length = [&](unsigned i, uint32_t length) {
    return loaded(
        [=](const file::Metadata* metadata) { *MutableRecord<uint32_t>(metadata->lengths(), i) = length; });
  };
  ASSERT_TRUE(set_length(1, 12).ok());
  EXPECT_THAT(set_length(1, 13).message(), HasSubstr("do not fit"));
  EXPECT_THAT(set_length(3, 0xffffffffu).message(), HasSubstr("do not fit"));
  EXPECT_THAT(loaded([](const file::Metadata* metadata) {
                *MutableRecord<uint32_t>(metadata->lengths(), 0) = 0;
                *MutableRecord<uint32_t>(metadata->lengths(), 1) = 18;
              }).message(),
              HasSubstr("entry 0 of the .mace file's metadata has no key"));
  EXPECT_THAT(loaded([](const file::Metadata* metadata) {
                *MutableRecord<uint8_t>(metadata->text(), 8) = 0;
              }).message(),
              HasSubstr("zero byte"));
  // An odd count: the vector's own length.
  EXPECT_THAT(loaded([](const file::Metadata* metadata) {
                MutableRecord<uint32_t>(metadata->lengths(), 0)[-1] = 3;
              }).message(),
              HasSubstr("do not fit"));
}

TEST(LoaderTest, MetadataAreBounded) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<uint8_t> text(kMaxMetadata + 1, 'k');
  std::vector<uint32_t> lengths;
  for (size_t i = 0; i < text.size(); ++i) lengths.insert(lengths.end(), {1, 0});
  const auto text_vector = builder.CreateVector(text);
  const auto lengths_vector = builder.CreateVector(lengths);
  builder.Finish(file::CreateMetadata(builder, text_vector, lengths_vector));
  Vector<MetadataEntry> metadata;
  const AlignedBytes bytes({builder.GetBufferPointer(), builder.GetSize()});
  EXPECT_EQ(ReadMetadata(bytes.span(), &metadata).code(), StatusCode::kResourceExhausted);
}

// Comparing all keys of a hostile file would take long: who looks one up takes the first.
TEST(LoaderTest, KeysMayRepeatInAFileButAreNotWritten) {
  Graph graph = MakeTestGraph();
  ASSERT_TRUE(graph.SetMetadata("labelz", "1").ok());
  std::vector<uint8_t> bytes = Written(graph);
  const auto* metadata = MetadataOf(bytes);
  auto* text = MutableRecord<uint8_t>(metadata->text(), 0);
  ASSERT_EQ(text[6 + 12 + 5 + 5], 'z');
  text[6 + 12 + 5 + 5] = 's';
  RepairHashes(bytes);
  const AlignedBytes copy(bytes);
  Graph loaded;
  ASSERT_TRUE(Load(copy.span(), true, &loaded).ok());
  ASSERT_EQ(loaded.metadata.size(), 3u);
  EXPECT_EQ(loaded.metadata[0].value.view(), "cat\ndog\nfish");
  EXPECT_EQ(loaded.metadata[2].key.view(), "labels");
  std::vector<uint8_t> again;
  EXPECT_THAT(WriteModel(loaded, kWriteOptions, &again).message(), HasSubstr("'labels' is there twice"));
}

TEST(LoaderTest, BoolConstantsHoldZeroOrOne) {
  Graph graph;
  testing::AddTestConstant<uint8_t>(&graph, "flags", {2}, {1, 0}, DType::kBool);
  std::vector<uint8_t> bytes = Written(graph);
  bytes[FindRecord(bytes, SegmentKind::kWeights)->offset] = 2;
  RepairHashes(bytes);
  EXPECT_EQ(LoadCopy(bytes, true).code(), StatusCode::kDataLoss);
}

TEST(LoaderTest, FailureLeavesTheGraphUntouched) {
  std::vector<uint8_t> bytes = Written(MakeTestGraph());
  Graph graph = MakeTestGraph();
  bytes.pop_back();
  const AlignedBytes copy(bytes);
  EXPECT_FALSE(Load(copy.span(), true, &graph).ok());
  testing::ExpectSameGraph(MakeTestGraph(), graph, FindTestDefinition);
}

}  // namespace
}  // namespace mace
