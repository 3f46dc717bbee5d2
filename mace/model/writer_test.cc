#include "mace/model/writer.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "mace/model/loader.h"
#include "mace/model/testing.h"

namespace mace {
namespace {

using testing::FindTestDefinition;
using ::testing::HasSubstr;

std::vector<uint8_t> Written(const Graph& graph, bool keep_inner_names = true) {
  std::vector<uint8_t> bytes;
  const Status status = WriteModel(
      graph, {.keep_inner_names = keep_inner_names, .find_definition = FindTestDefinition}, &bytes);
  EXPECT_TRUE(status.ok()) << status.message();
  return bytes;
}

bool Contains(const std::vector<uint8_t>& bytes, std::string_view text) {
  return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()).find(text) !=
         std::string_view::npos;
}

TEST(WriterTest, TheSameGraphGivesTheSameBytes) {
  EXPECT_EQ(Written(testing::MakeTestGraph()), Written(testing::MakeTestGraph()));
}

TEST(WriterTest, WritingWhatWasLoadedGivesTheSameBytes) {
  const std::vector<uint8_t> bytes = Written(testing::MakeTestGraph());
  const testing::AlignedBytes copy(bytes);
  Graph loaded;
  ASSERT_TRUE(LoadModel(copy.span(), {.find_definition = FindTestDefinition}, &loaded).ok());
  EXPECT_EQ(Written(loaded), bytes);
}

TEST(WriterTest, EqualConstantsAreStoredOnce) {
  const auto size_with = [](int copies) {
    Graph graph;
    std::vector<float> data(4096, 1.5f);
    for (int i = 0; i < copies; ++i) testing::AddTestConstant<float>(&graph, "", {4096}, data);
    return Written(graph).size();
  };
  EXPECT_GT(size_with(1), 16384u);
  EXPECT_LT(size_with(10), size_with(1) + 1024);
}

TEST(WriterTest, InnerNamesCanBeLeftOut) {
  Graph graph = testing::MakeTestGraph();
  ASSERT_TRUE(graph.nodes[1].name.Assign("secret layer").ok());
  ASSERT_TRUE(graph.values[graph.nodes[1].outputs[0]].name.Assign("secret value").ok());
  EXPECT_TRUE(Contains(Written(graph), "secret layer"));
  const std::vector<uint8_t> bytes = Written(graph, /*keep_inner_names=*/false);
  EXPECT_FALSE(Contains(bytes, "secret"));
  const testing::AlignedBytes copy(bytes);
  Graph loaded;
  ASSERT_TRUE(LoadModel(copy.span(), {.find_definition = FindTestDefinition}, &loaded).ok());
  EXPECT_EQ(loaded.values[loaded.inputs[0]].name.view(), "x");
  EXPECT_EQ(loaded.values[loaded.outputs[0]].name.view(), "a");
  EXPECT_EQ(loaded.states[1].name.view(), "cache");
  EXPECT_EQ(loaded.symbols[1].name.view(), "length");
  EXPECT_TRUE(loaded.nodes[0].name.empty());
  EXPECT_TRUE(loaded.name.empty());
}

TEST(WriterTest, SymbolsThatOnlyInnerValuesHaveAreInnerNames) {
  Graph graph;
  const int64_t batch = SymbolDim(*graph.FindOrAddSymbol("batch"));
  const int64_t inner = SymbolDim(*graph.FindOrAddSymbol("secret size"));
  const ValueId x = testing::AddTestValue(&graph, "x", DType::kF32, {batch});
  const ValueId a = testing::AddTestValue(&graph, "a", DType::kF32, {inner});
  const ValueId y = testing::AddTestValue(&graph, "y", DType::kF32, {batch});
  testing::AddTestNode(&graph, testing::kPlainOp, "first", {x}, {a});
  testing::AddTestNode(&graph, testing::kPlainOp, "second", {a}, {y});
  ASSERT_TRUE(graph.inputs.PushBack(x).ok());
  ASSERT_TRUE(graph.outputs.PushBack(y).ok());
  EXPECT_TRUE(Contains(Written(graph), "secret size"));
  EXPECT_FALSE(Contains(Written(graph, /*keep_inner_names=*/false), "secret size"));
  EXPECT_TRUE(Contains(Written(graph, /*keep_inner_names=*/false), "batch"));
  ASSERT_TRUE(graph.outputs.PushBack(a).ok());
  EXPECT_TRUE(Contains(Written(graph, /*keep_inner_names=*/false), "secret size"));
}

TEST(WriterTest, BrokenGraphIsRefused) {
  Graph graph = testing::MakeTestGraph();
  graph.nodes[1].inputs[0] = 4000;
  std::vector<uint8_t> bytes = {1, 2, 3};
  EXPECT_FALSE(WriteModel(graph, {.find_definition = FindTestDefinition}, &bytes).ok());
  EXPECT_EQ(bytes.size(), 3u);
}

class WriteFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "mace_writer_test_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Content(const std::string& name) {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  size_t FileCount() {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  Status Write(const std::string& name, std::string_view text) {
    return WriteFileAtomically((folder_ / name).string(),
                               {reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  }
  std::filesystem::path folder_;
};

TEST_F(WriteFileTest, WritesAndReplaces) {
  ASSERT_TRUE(Write("a", "first").ok());
  EXPECT_EQ(Content("a"), "first");
  ASSERT_EQ(chmod((folder_ / "a").c_str(), 0640), 0);
  ASSERT_TRUE(Write("a", "").ok());
  EXPECT_EQ(Content("a"), "");
  struct stat information;
  ASSERT_EQ(stat((folder_ / "a").c_str(), &information), 0);
  EXPECT_EQ(information.st_mode & 0777, 0640u);
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(WriteFileTest, FollowsSymbolicLinks) {
  ASSERT_TRUE(Write("a", "first").ok());
  std::filesystem::create_symlink(folder_ / "a", folder_ / "link");
  ASSERT_TRUE(Write("link", "second").ok());
  EXPECT_EQ(Content("a"), "second");
  EXPECT_TRUE(std::filesystem::is_symlink(folder_ / "link"));
}

TEST_F(WriteFileTest, NamesWhatIsWrong) {
  Status status = Write("missing/a", "x");
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("missing/a"));
  EXPECT_THAT(status.message(), HasSubstr("No such file"));
  std::filesystem::create_directory(folder_ / "folder");
  EXPECT_THAT(Write("folder", "x").message(), HasSubstr("a directory"));
  EXPECT_FALSE(WriteFileAtomically("/dev/null", {}).ok());
}

// A limit on the file size stands for a full disk: write fails in the middle.
TEST_F(WriteFileTest, AFailedWriteLeavesTheOldFileAndNothingElse) {
  ASSERT_TRUE(Write("a", "first").ok());
  struct rlimit previous;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &previous), 0);
  auto* const previous_handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small = {1024, previous.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Status status = Write("a", std::string(100000, 'x'));
  const Status other = Write("b", std::string(100000, 'x'));
  setrlimit(RLIMIT_FSIZE, &previous);
  std::signal(SIGXFSZ, previous_handler);
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), HasSubstr("cannot write"));
  EXPECT_FALSE(other.ok());
  EXPECT_EQ(Content("a"), "first");
  EXPECT_EQ(FileCount(), 1u);
}

}  // namespace
}  // namespace mace
