// mace.h: what its options and results become. (Its example is run by header_examples_test.cc.)
#include <gtest/gtest.h>

#include "mace/mace.h"
#include "tests/api/test_models.h"

namespace {

TEST(Wrapper, InfosBuffersAndErrors) {
  const std::vector<uint8_t> bytes = mace_test::AffineModel();
  mace::Runtime runtime = mace::Runtime::Create().value();
  mace::Model model = mace::Model::LoadMemory(runtime, bytes, {.verify_full = true}).value();
  ASSERT_EQ(model.inputs().size(), 1u);
  EXPECT_EQ(model.inputs()[0].name, "x");
  EXPECT_EQ(model.inputs()[0].shape, (std::vector<int64_t>{-1, 4}));
  EXPECT_EQ(model.inputs()[0].dim_names, (std::vector<std::string>{"batch", ""}));
  using Entries = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(model.metadata(), (Entries{{"author", "a test"}, {"empty", ""}}));
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

TEST(Wrapper, MeasuresTheMachine) {
  mace::Runtime runtime = mace::Runtime::Create({.num_threads = 1}).value();
  const mace::Capability capability = runtime.Measure().value();
  EXPECT_GT(capability.float32_milliseconds, 0.01f);
  EXPECT_GT(capability.int8_milliseconds, 0.01f);
  mace::Runtime small = mace::Runtime::Create({.num_threads = 1, .memory_limit = 1000}).value();
  EXPECT_EQ(small.Measure().status().code(), MACE_RESOURCE_EXHAUSTED);
}

TEST(Wrapper, OptionsReachTheLibrary) {
  const std::vector<uint8_t> bytes = mace_test::AffineModel();
  mace::Runtime runtime = mace::Runtime::Create({.num_threads = 1, .memory_limit = 100000}).value();
  const auto exact = mace::Model::LoadMemory(runtime, bytes, {.numerics = MACE_NUMERICS_EXACT});
  EXPECT_EQ(exact.status().code(), MACE_UNSUPPORTED);
  EXPECT_NE(std::string(exact.status().message()).find("exact"), std::string::npos)
      << exact.status().message();

  mace::Model model = mace::Model::LoadMemory(runtime, bytes, {.low_memory = true}).value();
  mace::Session session = model.NewSession().value();
  std::vector<float> x(4 * 100000, 1);
  const mace::Tensor small = mace::Tensor::Of<float>(std::span(x).first(4), {1, 4});
  EXPECT_TRUE(session.Run({&small, 1}).ok());
  const mace::Tensor large = mace::Tensor::Of<float>(x, {100000, 4});
  EXPECT_EQ(session.Run({&large, 1}).status().code(), MACE_RESOURCE_EXHAUSTED);

  EXPECT_EQ(session.Run({&small, 1}, {.priority = 1}).status().code(), MACE_UNSUPPORTED) << "reserved";
  int32_t cancel = 1;
  EXPECT_EQ(session.Run({&small, 1}, {.cancel = &cancel}).status().code(), MACE_CANCELLED);
  EXPECT_EQ(session.Run({&small, 1}, {.timeout_ns = 1}).status().code(), MACE_DEADLINE_EXCEEDED);
}

}  // namespace
