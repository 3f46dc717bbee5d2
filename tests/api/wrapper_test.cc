// mace.h, with the example of its head.
#include <gtest/gtest.h>

#include <cmath>

#include "mace/mace.h"
#include "tests/api/test_models.h"

namespace {

std::vector<float> g_printed;
void Print(float score) { g_printed.push_back(score); }
int Fail(const char* message) {
  ADD_FAILURE() << message;
  return 1;
}

int Example(const char* path) {
  auto runtime = mace::Runtime::Create({.num_threads = 2});
  if (!runtime.ok()) return Fail(runtime.status().message());
  auto model = mace::Model::LoadFile(*runtime, path);
  if (!model.ok()) return Fail(model.status().message());
  auto session = model->NewSession();
  std::vector<float> pixels(4);
  mace::Tensor input = mace::Tensor::Of<float>(pixels, {1, 4});
  auto outputs = session->Run({&input, 1});  // the session's buffers, until its next run
  if (!outputs.ok()) return Fail(outputs.status().message());
  for (float score : (*outputs)[0].elements<float>()) Print(score);
  return 0;
}

TEST(Wrapper, Example) {
  const std::vector<uint8_t> bytes = mace_test::AffineModel();
  const std::string path = ::testing::TempDir() + "wrapper_example.mace";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  ASSERT_NE(file, nullptr);
  ASSERT_EQ(std::fwrite(bytes.data(), 1, bytes.size(), file), bytes.size());
  std::fclose(file);
  EXPECT_EQ(Example(path.c_str()), 0);
  EXPECT_EQ(g_printed, (std::vector<float>{1, 1, 1, 1}));
  std::remove(path.c_str());
}

TEST(Wrapper, InfosBuffersAndErrors) {
  const std::vector<uint8_t> bytes = mace_test::AffineModel();
  mace::Runtime runtime = mace::Runtime::Create().value();
  mace::Model model = mace::Model::LoadMemory(runtime, bytes, {.verify_full = true}).value();
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.inputs()[0].name, "x");
  EXPECT_EQ(model.inputs()[0].shape, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ(model.inputs()[0].dim_names, (std::vector<std::string>{"batch", ""}));
  mace::Session session = model.NewSession().value();
  std::vector<float> x = {1, 2, 3, 4}, y(4);
  const mace::Tensor input = mace::Tensor::Of<float>(x, {1, 4});
  EXPECT_EQ(session.Prepare({&input, 1}).value()[0].byte_size, 16u);
  mace::Tensor output = mace::Tensor::Into<float>(y);
  mace::ThrowIfError(session.Run({&input, 1}, {&output, 1}, {.profile = true}));
  EXPECT_EQ(y, (std::vector<float>{3, 5, 7, 9}));
  EXPECT_NE(session.ExplainJson().value().find("\"steps\""), std::string::npos);
  EXPECT_NE(session.ProfileJson().value().find("nanoseconds"), std::string::npos);
  EXPECT_TRUE(session.ResetState().ok());

  const mace::Tensor wrong = mace::Tensor::Of<float>(x, {4, 1});
  auto result = session.Run({&wrong, 1});
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), MACE_INVALID_ARGUMENT);
  EXPECT_THROW(session.Run({&wrong, 1}).value(), mace::Error);
}

}  // namespace
