// Tensors in other files: read where they lie, and refused where a model reaches for what is not its own.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"

namespace mace::importers::onnx {
namespace {

using ::testing::HasSubstr;

class OnnxExternalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "mace_external_XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    std::filesystem::create_directories(root_ / "model/parts");
    Write("secret", {1, 2, 3, 4});
    Write("model/weights", {0.5f, 1, 2, 3, 4, 5});
    Write("model/parts/more", {7, 8});
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::vector<float>& elements) {
    std::ofstream(root_ / name, std::ios::binary)
        .write(reinterpret_cast<const char*>(elements.data()),
               static_cast<std::streamsize>(elements.size() * sizeof(float)));
  }

  static std::string ModelOf(const std::vector<std::string>& tensors) {
    TestModel model;
    model.Input("x", {1});
    std::string last = "x";
    for (size_t i = 0; i < tensors.size(); ++i) {
      const std::string next = "y" + std::to_string(i);
      model.Tensor(tensors[i]).Node("Add", {last, "w" + std::to_string(i)}, {next});
      last = next;
    }
    return model.Output(last).Build();
  }
  static std::string TensorAt(const std::string& location, const std::string& offset = "",
                              const std::string& length = "", const std::vector<int64_t>& dims = {2}) {
    return ExternalTensor("w0", kFloatType, dims, location, offset, length);
  }

  Status Import(const std::string& bytes, std::optional<std::string> folder, Graph* graph) const {
    ImportOptions options;
    options.folder = std::move(folder);
    ImportReport report;
    return ImportOnnx(AsBytes(bytes), options, graph, &report);
  }
  std::vector<float> Weights(const std::string& tensor) const {
    Graph graph;
    const Status status = Import(ModelOf({tensor}), root_ / "model", &graph);
    EXPECT_TRUE(status.ok()) << status.message();
    for (const Value& value : graph.values) {
      if (value.constant == kNone) continue;
      const TensorView& view = graph.constants[value.constant].view;
      return {view.as<float>(), view.as<float>() + view.elements()};
    }
    return {};
  }
  std::string Refusal(const std::string& tensor) const {
    Graph graph;
    const Status status = Import(ModelOf({tensor}), root_ / "model", &graph);
    EXPECT_FALSE(status.ok());
    EXPECT_THAT(status.message(), HasSubstr("'w0'"));
    return status.message();
  }

  std::filesystem::path root_;
};

TEST_F(OnnxExternalTest, TensorsAreReadFromInsideTheFolder) {
  EXPECT_EQ(Weights(TensorAt("weights", "4", "8")), (std::vector<float>{1, 2}));
  EXPECT_EQ(Weights(TensorAt("./weights")), (std::vector<float>{0.5f, 1}));
  EXPECT_EQ(Weights(TensorAt("parts/more")), (std::vector<float>{7, 8}));
  EXPECT_EQ(Weights(TensorAt("parts//more")), (std::vector<float>{7, 8}));
  EXPECT_EQ(Weights(TensorAt("weights", "24", "0", {0})), std::vector<float>());
}

TEST_F(OnnxExternalTest, PathsThatLeaveTheFolderAreRefused) {
  EXPECT_THAT(Refusal(TensorAt("../secret")), HasSubstr("leads out of the model's folder"));
  EXPECT_THAT(Refusal(TensorAt("parts/../../secret")), HasSubstr("leads out of the model's folder"));
  EXPECT_THAT(Refusal(TensorAt("parts/..")), HasSubstr("leads out of the model's folder"));
  EXPECT_THAT(Refusal(TensorAt((root_ / "model/weights").string())), HasSubstr("no relative path"));
  EXPECT_THAT(Refusal(TensorAt(std::string("weights\0x", 9))), HasSubstr("zero byte"));
  EXPECT_THAT(Refusal(TensorAt("")), HasSubstr("the location is empty"));
  std::filesystem::create_symlink("../secret", root_ / "model/link");
  EXPECT_THAT(Refusal(TensorAt("link")), HasSubstr("'link' is a symbolic link"));
  std::filesystem::create_symlink("weights", root_ / "model/inner_link");
  EXPECT_THAT(Refusal(TensorAt("inner_link")), HasSubstr("'inner_link' is a symbolic link"));
  std::filesystem::create_symlink("..", root_ / "model/up");
  EXPECT_THAT(Refusal(TensorAt("up/secret")), HasSubstr("'up' is a symbolic link"));
}

TEST_F(OnnxExternalTest, OnlyRegularFilesAreRead) {
  ASSERT_EQ(mkfifo((root_ / "model/fifo").c_str(), 0600), 0);
  EXPECT_THAT(Refusal(TensorAt("fifo")), HasSubstr("not a regular file"));
  EXPECT_THAT(Refusal(TensorAt("parts")), HasSubstr("not a regular file"));
  EXPECT_THAT(Refusal(TensorAt("parts/")), HasSubstr("not a regular file"));
  EXPECT_THAT(Refusal(TensorAt("weights/x")), HasSubstr("Not a directory"));
  EXPECT_THAT(Refusal(TensorAt("nowhere")), HasSubstr("No such file"));
}

TEST_F(OnnxExternalTest, RangesMustLieInTheFile) {
  EXPECT_THAT(Refusal(TensorAt("weights", "20")), HasSubstr("it ends after 24 bytes"));
  EXPECT_THAT(Refusal(TensorAt("weights", "9223372036854775807")), HasSubstr("it ends after 24 bytes"));
  EXPECT_THAT(Refusal(TensorAt("weights", "-4")), HasSubstr("the offset '-4' is impossible"));
  EXPECT_THAT(Refusal(TensorAt("weights", "4x")), HasSubstr("the offset '4x' is impossible"));
  EXPECT_THAT(Refusal(TensorAt("weights", "99999999999999999999")), HasSubstr("is impossible"));
  EXPECT_THAT(Refusal(TensorAt("weights", "0", "12")), HasSubstr("its dimensions ask for 8 bytes"));
  EXPECT_THAT(Refusal(TensorAt("weights", "0", "-8")), HasSubstr("its dimensions ask for 8 bytes"));
}

TEST_F(OnnxExternalTest, WithoutAFolderThereIsNothingToReadFrom) {
  Graph graph;
  const Status status = Import(ModelOf({TensorAt("weights")}), std::nullopt, &graph);
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("came as bytes"));
}

TEST_F(OnnxExternalTest, AFileMustNotBeAskedForMoreThanItHas) {
  const int64_t bytes = int64_t{1} << 30;
  const int file = open((root_ / "model/sparse").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(ftruncate(file, bytes), 0);
  close(file);
  std::vector<std::string> tensors;
  for (int i = 0; i < 100; ++i) {
    tensors.push_back(ExternalTensor("w" + std::to_string(i), kFloatType, {bytes / 4}, "sparse"));
  }
  Graph graph;
  const Status status = Import(ModelOf(tensors), root_ / "model", &graph);
  EXPECT_EQ(status.code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(status.message(),
              HasSubstr("107374182400 bytes of the file 'sparse', which has only 1073741824"));
  EXPECT_TRUE(graph.constants.empty());
}

}  // namespace
}  // namespace mace::importers::onnx
