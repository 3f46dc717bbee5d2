// Files with subgraphs and unknown ranks: round trips, and bytes that come from anyone.
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mace/model/loader.h"
#include "mace/model/mace_generated.h"
#include "mace/model/testing.h"
#include "mace/model/writer.h"
#include "mace/ops/control/control_testing.h"

namespace mace {
namespace {

using testing::AlignedBytes;
using testing::GuardedImage;
using ::testing::HasSubstr;
using testing::RepairHashes;

Graph ControlGraph() {
  Graph graph;
  ops::BuildControlGraph(&graph);
  return graph;
}

std::vector<uint8_t> Written(const Graph& graph, bool keep_inner_names = true) {
  std::vector<uint8_t> bytes;
  const Status status = WriteModel(graph, {.keep_inner_names = keep_inner_names}, &bytes);
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

Status LoadCopy(std::span<const uint8_t> bytes, Graph* graph) {
  const GuardedImage guarded(bytes);
  return LoadModel(guarded.span(), {.verify_full = true}, graph);
}

TEST(SubgraphFileTest, RoundTripKeepsEverything) {
  const Graph graph = ControlGraph();
  const AlignedBytes bytes(Written(graph));
  EXPECT_EQ(reinterpret_cast<const FileHeader*>(bytes.span().data())->minor, 2);
  Graph loaded;
  const Status status = LoadModel(bytes.span(), {.verify_full = true}, &loaded);
  ASSERT_TRUE(status.ok()) << status.message();
  testing::ExpectSameGraph(graph, loaded, &FindOpDefinition);
  EXPECT_EQ(Written(loaded), Written(graph));
}

TEST(SubgraphFileTest, InnerNamesCanBeLeftOut) {
  const AlignedBytes bytes(Written(ControlGraph(), /*keep_inner_names=*/false));
  Graph loaded;
  ASSERT_TRUE(LoadModel(bytes.span(), {.verify_full = true}, &loaded).ok());
  EXPECT_EQ(loaded.values[loaded.inputs[2]].name.view(), "x");
  EXPECT_EQ(loaded.symbols[0].name.view(), "batch");
  const Graph& branch = *loaded.subgraphs[1];
  EXPECT_TRUE(branch.name.empty());
  EXPECT_TRUE(branch.nodes[0].name.empty());
  for (const Value& value : branch.values) EXPECT_TRUE(value.name.empty());
}

TEST(SubgraphFileTest, EqualConstantsOfAllGraphsAreStoredOnce) {
  Graph graph = ControlGraph();
  const std::vector<float> large(1000, 0.5f);
  const size_t before = Written(graph).size();
  // Constants that nothing reads are kept by the writer.
  for (Graph* place : {&graph, graph.subgraphs[0].get(), graph.subgraphs[1]->subgraphs[0].get()}) {
    testing::AddTestConstant<float>(place, "", {1000}, large);
  }
  EXPECT_LT(Written(graph).size(), before + 4000 + 600);
}

TEST(SubgraphFileTest, UnknownRankNeedsTheNewVersionToo) {
  Graph graph;
  ops::GraphBuilder main(&graph);
  main.Output(main.Node(OpId::kRelu, "relu", {main.Input("x", DType::kF32, Shape::OfUnknownRank())}));
  ASSERT_TRUE(InferGraphTypes(&graph).ok());
  const AlignedBytes bytes(Written(graph));
  EXPECT_EQ(reinterpret_cast<const FileHeader*>(bytes.span().data())->minor, 2);
  Graph loaded;
  ASSERT_TRUE(LoadModel(bytes.span(), {}, &loaded).ok());
  testing::ExpectSameGraph(graph, loaded, &FindOpDefinition);
}

TEST(SubgraphFileTest, EveryFlippedBitIsAnErrorWithVerifyFull) {
  AlignedBytes bytes(Written(ControlGraph()));
  for (size_t i = 0; i < bytes.span().size(); ++i) {
    for (int bit = 0; bit < 8; bit += 3) {
      bytes.writable()[i] ^= static_cast<uint8_t>(1 << bit);
      Graph graph;
      EXPECT_FALSE(LoadModel(bytes.span(), {.verify_full = true}, &graph).ok()) << i << ", " << bit;
      bytes.writable()[i] ^= static_cast<uint8_t>(1 << bit);
    }
  }
}

// Bytes changed behind the hashes' back: an error or a graph, never a crash; what loads can be written,
// dumped, evaluated or refused.
TEST(SubgraphFileTest, ChangedBytesWithRepairedHashesNeverCrash) {
  const std::vector<uint8_t> original = Written(ControlGraph());
  int loaded_count = 0, refused_count = 0;
  for (size_t i = 0; i < original.size(); ++i) {
    for (uint8_t change : {0x01, 0xff}) {
      std::vector<uint8_t> bytes = original;
      bytes[i] ^= change;
      RepairHashes(bytes);
      const GuardedImage guarded(bytes);
      Graph graph;
      if (!LoadModel(guarded.span(), {.verify_full = true}, &graph).ok()) {
        ++refused_count;
        continue;
      }
      ++loaded_count;
      EXPECT_FALSE(Written(graph).empty());
      String text;
      EXPECT_TRUE(DumpGraph(graph, &FindOpDefinition, &text).ok());
      (void)InferGraphTypes(&graph);
      bool flag = false;
      int64_t times = 2;
      float x[6] = {};
      Vector<EvaluatedTensor> fetches;
      const TensorView feeds[] = {
          {&flag, DType::kBool, {}}, {&times, DType::kI64, {}}, {x, DType::kF32, {2, 3}}};
      (void)EvaluateGraph(graph, feeds, {}, &fetches);
    }
  }
  EXPECT_GT(loaded_count, 100);
  EXPECT_GT(refused_count, 500);
}

// A file whose graph segment is this FlatBuffer.
std::vector<uint8_t> FileOf(const flatbuffers::FlatBufferBuilder& builder) {
  const size_t begin = sizeof(FileHeader) + sizeof(SegmentRecord);
  std::vector<uint8_t> bytes(begin + builder.GetSize(), 0);
  auto* header = reinterpret_cast<FileHeader*>(bytes.data());
  std::memcpy(header->magic, kFileMagic, sizeof(kFileMagic));
  header->major = kFormatMajor;
  header->segment_count = 1;
  auto* record = reinterpret_cast<SegmentRecord*>(bytes.data() + sizeof(FileHeader));
  record->kind = static_cast<uint32_t>(SegmentKind::kGraph);
  record->offset = begin;
  record->size = builder.GetSize();
  std::memcpy(bytes.data() + begin, builder.GetBufferPointer(), builder.GetSize());
  RepairHashes(bytes);
  return bytes;
}

// Empty graphs with these numbers of subgraphs.
std::string MessageFor(const std::vector<uint32_t>& subgraph_counts) {
  flatbuffers::FlatBufferBuilder builder;
  std::vector<flatbuffers::Offset<file::Graph>> graphs;
  for (uint32_t count : subgraph_counts) {
    file::GraphBuilder graph(builder);
    graph.add_subgraph_count(count);
    graphs.push_back(graph.Finish());
  }
  builder.Finish(file::CreateModel(builder, builder.CreateVector(graphs)));
  Graph graph;
  return LoadCopy(FileOf(builder), &graph).message();
}

TEST(SubgraphFileTest, CountsOfSubgraphsMustFit) {
  EXPECT_THAT(MessageFor({0, 0}), HasSubstr("nobody's subgraph"));
  EXPECT_THAT(MessageFor({1, 0, 0}), HasSubstr("nobody's subgraph"));
  EXPECT_THAT(MessageFor({2, 0}), HasSubstr("missing"));
  EXPECT_THAT(MessageFor({1, 1}), HasSubstr("missing"));
  EXPECT_THAT(MessageFor({0xffffffffu}), HasSubstr("missing"));
  EXPECT_THAT(MessageFor({1, 0}), HasSubstr("belongs to no node"));  // the verifier's turn
  EXPECT_THAT(MessageFor(std::vector<uint32_t>(17, 1)), HasSubstr("more than 16 deep"));
  std::vector<uint32_t> many(kMaxSubgraphs + 2, 0);
  many[0] = kMaxSubgraphs + 1;
  EXPECT_THAT(MessageFor(many), HasSubstr("subgraphs, more than the limit"));
}

// One table, referred to many times: a few bytes would become thousands of graphs.
TEST(SubgraphFileTest, SharedRecordsAreRefused) {
  flatbuffers::FlatBufferBuilder builder;
  const std::vector<file::ValueRecord> values(10000, file::ValueRecord(1, 0, 0, -1, -1));
  const auto vector = builder.CreateVectorOfStructs(values);
  file::GraphBuilder leaf_builder(builder);
  leaf_builder.add_values(vector);
  const auto leaf = leaf_builder.Finish();
  file::GraphBuilder main_builder(builder);
  main_builder.add_subgraph_count(5000);
  std::vector<flatbuffers::Offset<file::Graph>> graphs = {main_builder.Finish()};
  graphs.insert(graphs.end(), 5000, leaf);
  builder.Finish(file::CreateModel(builder, builder.CreateVector(graphs)));
  Graph graph;
  EXPECT_THAT(LoadCopy(FileOf(builder), &graph).message(), HasSubstr("share their records"));
}

}  // namespace
}  // namespace mace
