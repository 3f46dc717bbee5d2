// mace/public/mace.h: programs of the original. What engines do is compared with mace.h.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <fstream>
#include <thread>

#include "mace/public/mace.h"
#include "tests/api/test_models.h"

namespace {

using mace::CreateMaceEngineFromFile;
using mace::CreateMaceEngineFromMemory;
using mace::MaceEngine;
using mace::MaceEngineConfig;
using mace::MaceStatus;
using mace::MaceTensor;
using Names = std::vector<std::string>;
using Tensors = std::map<std::string, MaceTensor>;

template <typename T>
std::shared_ptr<T> BufferOf(const std::vector<T>& values) {
  std::shared_ptr<T> buffer(new T[values.size()], std::default_delete<T[]>());
  std::copy(values.begin(), values.end(), buffer.get());
  return buffer;
}
template <typename T>
std::vector<T> Values(const MaceTensor& tensor) {
  size_t count = 1;
  for (int64_t dim : tensor.shape()) count *= static_cast<size_t>(dim);
  const std::shared_ptr<T> data = tensor.data<T>();
  return {data.get(), data.get() + count};
}

class PublicHeader : public ::testing::Test {
 protected:
  MaceStatus Create(std::vector<uint8_t> bytes, const Names& inputs = {"x"}, const Names& outputs = {"y"},
                    bool fake_warmup = false) {
    bytes_ = std::move(bytes);
    return CreateMaceEngineFromMemory(bytes_.data(), bytes_.size(), inputs, outputs, config_, &engine_,
                                      nullptr, nullptr, fake_warmup);
  }
  void ExpectError(const MaceStatus& status, MaceStatus::Code code, const std::string& part) {
    EXPECT_EQ(status.code(), code) << status.information();
    EXPECT_NE(status.information().find(part), std::string::npos) << status.information();
  }

  std::vector<uint8_t> bytes_;
  MaceEngineConfig config_;
  std::shared_ptr<MaceEngine> engine_;
};

TEST_F(PublicHeader, RunsAsMaceHDoes) {
  ASSERT_EQ(Create(mace_test::NetworkModel()), MaceStatus::MACE_SUCCESS);
  std::vector<float> x(243);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 29 % 97) / 97.0f;
  mace::Runtime runtime = mace::Runtime::Create().value();
  mace::Model model = mace::Model::LoadMemory(runtime, bytes_).value();
  mace::Session session = model.NewSession().value();
  const mace::Tensor feed = mace::Tensor::Of<float>(x, {1, 9, 9, 3});
  const std::span<float> wanted = session.Run({&feed, 1}).value()[0].elements<float>();

  const Tensors inputs = {{"x", MaceTensor({1, 9, 9, 3}, BufferOf(x))}};
  Tensors outputs = {{"y", MaceTensor({1, 5}, BufferOf(std::vector<float>(5)))}};
  mace::RunMetadata metadata;
  ASSERT_EQ(engine_->Run(inputs, &outputs, &metadata), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(Values<float>(outputs["y"]), std::vector<float>(wanted.begin(), wanted.end()));

  ASSERT_GE(metadata.op_stats.size(), 4u);
  const mace::OperatorStats& first = metadata.op_stats[0];
  EXPECT_EQ(first.operator_name, "conv");
  EXPECT_EQ(first.type, "Conv2d");
  EXPECT_EQ(first.output_shape, (std::vector<std::vector<int64_t>>{{1, 5, 5, 8}}));
  EXPECT_EQ(first.args.strides, (std::vector<int>{2, 2}));
  EXPECT_EQ(first.args.paddings, (std::vector<int>{2, 2}));
  EXPECT_EQ(first.args.kernels, (std::vector<int64_t>{8, 3, 3, 3}));
  EXPECT_EQ(first.args.dilations, (std::vector<int>{1, 1}));
  int64_t end = 0;
  for (const mace::OperatorStats& op : metadata.op_stats) {
    EXPECT_EQ(op.stats.start_micros, end);
    EXPECT_GE(op.stats.end_micros, end);
    end = op.stats.end_micros;
    const bool has_window = !op.args.strides.empty() || !op.args.kernels.empty();
    EXPECT_EQ(has_window, op.type == "Conv2d") << op.type;
  }
  EXPECT_EQ(engine_->GetRuntimeTypes(), std::set<mace::RuntimeType>{mace::RT_CPU});
}

// The shape in the other layout, on either side.
TEST_F(PublicHeader, LayoutsAreThoseOfTheTensors) {
  ASSERT_EQ(Create(mace_test::PictureModel()), MaceStatus::MACE_SUCCESS);
  std::vector<float> nchw(24), nhwc;
  for (size_t i = 0; i < 24; ++i) nchw[i] = static_cast<float>(i);
  for (size_t pixel = 0; pixel < 12; ++pixel) {
    for (size_t channel = 0; channel < 2; ++channel) nhwc.push_back(nchw[channel * 12 + pixel]);
  }
  const auto doubled = [](std::vector<float> values) {
    for (float& value : values) value *= 2;
    return values;
  };
  const auto run = [&](const MaceTensor& input, MaceTensor output) {
    Tensors outputs = {{"y", std::move(output)}};
    const MaceStatus status = engine_->Run({{"x", input}}, &outputs);
    EXPECT_EQ(status, MaceStatus::MACE_SUCCESS) << status.information();
    return outputs["y"];
  };
  const auto empty = [] { return BufferOf(std::vector<float>(24)); };
  using mace::DataFormat;
  const MaceTensor last({1, 3, 4, 2}, BufferOf(nhwc));
  const MaceTensor first({1, 2, 3, 4}, BufferOf(nchw), DataFormat::NCHW);
  EXPECT_EQ(Values<float>(run(last, MaceTensor({1, 3, 4, 2}, empty()))), doubled(nhwc));
  EXPECT_EQ(Values<float>(run(last, MaceTensor({1, 2, 3, 4}, empty(), DataFormat::NCHW))), doubled(nchw));
  EXPECT_EQ(Values<float>(run(first, MaceTensor({1, 3, 4, 2}, empty()))), doubled(nhwc));
  EXPECT_EQ(Values<float>(run(first, MaceTensor({1, 2, 3, 4}, empty(), DataFormat::NONE))), doubled(nchw));
  // The shape decides, not the word, where it is the model's.
  EXPECT_EQ(Values<float>(run(MaceTensor({1, 2, 3, 4}, BufferOf(nchw)), MaceTensor({1, 2, 3, 4}, empty()))),
            doubled(nchw));
  Tensors outputs = {{"y", MaceTensor({1, 3, 4, 2}, empty())}};
  const MaceTensor kept({1, 3, 4, 2}, BufferOf(nhwc), DataFormat::NONE);
  ExpectError(engine_->Run({{"x", kept}}, &outputs), MaceStatus::MACE_INVALID_ARGS,
              "input 'x': the model expects [1, 2, 3, 4], the tensor has [1, 3, 4, 2]");
}

TEST_F(PublicHeader, TheOutputsShapeIsTheRealOne) {
  ASSERT_EQ(Create(mace_test::AffineModel()), MaceStatus::MACE_SUCCESS);
  const Tensors inputs = {{"x", MaceTensor({2, 4}, BufferOf<float>({0, 1, 2, 3, 4, 5, 6, 7}))}};
  Tensors outputs = {{"y", MaceTensor({5, 4}, BufferOf(std::vector<float>(20)))}};
  for (int run = 0; run < 2; ++run) {
    ASSERT_EQ(engine_->Run(inputs, &outputs), MaceStatus::MACE_SUCCESS);
    EXPECT_EQ(outputs["y"].shape(), (std::vector<int64_t>{2, 4}));
    EXPECT_EQ(Values<float>(outputs["y"]), (std::vector<float>{1, 3, 5, 7, 9, 11, 13, 15}));
  }
  // The buffer still has room for 20: its shape says only what the last run gave.
  const Tensors more = {{"x", MaceTensor({5, 4}, BufferOf(std::vector<float>(20, 1)))}};
  ASSERT_EQ(engine_->Run(more, &outputs), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(outputs["y"].shape(), (std::vector<int64_t>{5, 4}));
  const Tensors most = {{"x", MaceTensor({6, 4}, BufferOf(std::vector<float>(24, 5)))}};
  ExpectError(engine_->Run(most, &outputs), MaceStatus::MACE_INVALID_ARGS,
              "output 'y' is [6, 4], 24 elements; the buffer has room for 20");
  EXPECT_EQ(Values<float>(outputs["y"]), std::vector<float>(20, 3)) << "as before";
  Tensors none;
  EXPECT_EQ(engine_->Run(inputs, &none), MaceStatus::MACE_SUCCESS) << "no result is wanted";
}

TEST_F(PublicHeader, ElementTypes) {
  ASSERT_EQ(Create(mace_test::HalfModel()), MaceStatus::MACE_SUCCESS);
  const std::vector<float> values = {0, 1, -2, 0.5f, 65504, 3};
  const std::vector<float> transposed = {0, 0.5f, 1, 65504, -2, 3};
  std::vector<uint16_t> halves, brains, transposed_halves;
  for (float value : values) halves.push_back(mace::layout::FloatToHalf(value));
  for (float value : values) brains.push_back(mace::layout::FloatToBfloat16(value));
  for (float value : transposed) transposed_halves.push_back(mace::layout::FloatToHalf(value));
  Tensors outputs = {{"y", MaceTensor({3, 2}, BufferOf(std::vector<float>(6)))}};
  ASSERT_EQ(engine_->Run({{"x", MaceTensor({2, 3}, BufferOf(values))}}, &outputs), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(Values<float>(outputs["y"]), transposed);
  for (const auto type : {mace::IDT_HALF, mace::IDT_FLOAT16}) {
    const MaceTensor x({2, 3}, BufferOf(halves), mace::DataFormat::NONE, type);
    outputs["y"] = MaceTensor({3, 2}, BufferOf(std::vector<uint16_t>(6)), mace::DataFormat::NONE, type);
    ASSERT_EQ(engine_->Run({{"x", x}}, &outputs), MaceStatus::MACE_SUCCESS);
    EXPECT_EQ(Values<uint16_t>(outputs["y"]), transposed_halves);
  }
  const MaceTensor brain({2, 3}, BufferOf(brains), mace::DataFormat::NONE, mace::IDT_BFLOAT16);
  outputs["y"] = MaceTensor({3, 2}, BufferOf(std::vector<float>(6)));
  ASSERT_EQ(engine_->Run({{"x", brain}}, &outputs), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(Values<float>(outputs["y"])[4], -2);

  // int64 inside, int32 and narrower outside.
  ASSERT_EQ(Create(mace_test::EdgesModel(), {"x"}, {"twice", "constant"}), MaceStatus::MACE_SUCCESS);
  using mace::DataFormat;
  const MaceTensor ints({1, 3}, BufferOf<int32_t>({-7, 0, 1 << 20}), DataFormat::NONE, mace::IDT_INT32);
  outputs = {
      {"twice", MaceTensor({1, 3}, BufferOf(std::vector<int32_t>(3)), DataFormat::NONE, mace::IDT_INT32)},
      {"constant", MaceTensor({2}, BufferOf(std::vector<float>(2)))}};
  ASSERT_EQ(engine_->Run({{"x", ints}}, &outputs), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(Values<int32_t>(outputs["twice"]), (std::vector<int32_t>{-14, 0, 1 << 21}));
  EXPECT_EQ(Values<float>(outputs["constant"]), (std::vector<float>{5, 6}));
  const MaceTensor bytes({1, 3}, BufferOf<int8_t>({-7, 0, 100}), DataFormat::NONE, mace::IDT_INT8);
  outputs.at("twice") =
      MaceTensor({1, 3}, BufferOf(std::vector<int16_t>(3)), DataFormat::NONE, mace::IDT_INT16);
  ASSERT_EQ(engine_->Run({{"x", bytes}}, &outputs), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(Values<int16_t>(outputs["twice"]), (std::vector<int16_t>{-14, 0, 200}));
  outputs.at("twice") =
      MaceTensor({1, 3}, BufferOf(std::vector<uint8_t>(3)), DataFormat::NONE, mace::IDT_UINT8);
  ExpectError(engine_->Run({{"x", bytes}}, &outputs), MaceStatus::MACE_INVALID_ARGS,
              "element 0 is out of the range");
  ExpectError(engine_->Run({{"x", MaceTensor({1, 3}, BufferOf(std::vector<float>(3)))}}, &outputs),
              MaceStatus::MACE_INVALID_ARGS, "input 'x': the tensor holds floats, the model's integers");

  ASSERT_EQ(Create(mace_test::QuantizedModel(), {"x"}, {"y"}), MaceStatus::MACE_SUCCESS);
  const MaceTensor quantized({4}, BufferOf<uint8_t>({0, 127, 128, 255}), DataFormat::NONE, mace::IDT_UINT8);
  outputs = {{"y", MaceTensor({4}, BufferOf(std::vector<uint8_t>(4)), DataFormat::NONE, mace::IDT_UINT8)}};
  ASSERT_EQ(engine_->Run({{"x", quantized}}, &outputs), MaceStatus::MACE_SUCCESS);
  EXPECT_EQ(Values<uint8_t>(outputs["y"]), (std::vector<uint8_t>{128, 128, 128, 255}));
}

TEST_F(PublicHeader, WrongArgumentsAreStatuses) {
  ExpectError(Create(mace_test::AffineModel(), {"z"}), MaceStatus::MACE_INVALID_ARGS,
              "the model has no input 'z'; it has: x");
  ExpectError(Create(mace_test::AffineModel(), {"x"}, {"z"}), MaceStatus::MACE_INVALID_ARGS, "no output 'z'");
  ExpectError(Create(mace_test::AffineModel(), {}), MaceStatus::MACE_INVALID_ARGS, "input 'x' is missing");
  ExpectError(Create({1, 2, 3}), MaceStatus::MACE_RUNTIME_ERROR, "");
  ExpectError(CreateMaceEngineFromFile("no_such.mace", {"x"}, {"y"}, config_, &engine_),
              MaceStatus::MACE_INVALID_ARGS, "no_such.mace");
  ExpectError(CreateMaceEngineFromFile("no_such.mace", {"x"}, {"y"}, config_, nullptr),
              MaceStatus::MACE_INVALID_ARGS, "null");
  ExpectError(CreateMaceEngineFromMemory(nullptr, 8, {"x"}, {"y"}, config_, &engine_),
              MaceStatus::MACE_INVALID_ARGS, "null");
  EXPECT_EQ(engine_, nullptr);
  MaceEngine without_model(config_);
  Tensors outputs;
  ExpectError(without_model.Run({}, &outputs), MaceStatus::MACE_RUNTIME_ERROR, "no model");

  ASSERT_EQ(Create(mace_test::AffineModel()), MaceStatus::MACE_SUCCESS);
  const auto four = [] { return BufferOf(std::vector<float>(4)); };
  const MaceTensor good({1, 4}, four());
  outputs = {{"y", MaceTensor({1, 4}, four())}};
  const auto invalid = [&](const Tensors& inputs, const std::string& part) {
    ExpectError(engine_->Run(inputs, &outputs), MaceStatus::MACE_INVALID_ARGS, part);
  };
  invalid({}, "input 'x' is missing");
  invalid({{"x", good}, {"z", good}}, "no input 'z'");
  invalid({{"x", MaceTensor({1, 5}, four())}}, "the model expects [?, 4], the tensor has [1, 5]");
  invalid({{"x", MaceTensor({-1, 4}, four())}}, "there is no shape");
  invalid({{"x", MaceTensor({INT64_MAX, 4}, four())}}, "there is no shape");
  invalid({{"x", MaceTensor({1, 4}, nullptr)}}, "has no data");
  invalid({{"x", MaceTensor()}}, "has no data");
  invalid({{"x", MaceTensor({1, 4}, four(), mace::DataFormat::NHWC, mace::IDT_INVALID)}}, "no element type");
  const MaceTensor on_gpu({1, 4}, four(), mace::DataFormat::NHWC, mace::IDT_FLOAT, mace::GPU_BUFFER);
  ExpectError(engine_->Run({{"x", on_gpu}}, &outputs), MaceStatus::MACE_UNSUPPORTED, "OpenCL");
  ExpectError(engine_->Run({{"x", good}}, nullptr), MaceStatus::MACE_INVALID_ARGS, "outputs is null");
  outputs = {{"z", good}};
  invalid({{"x", good}}, "no output 'z'");
  outputs = {{"y", MaceTensor({1, 4}, nullptr)}};
  invalid({{"x", good}}, "output 'y' has no data");
  outputs = {{"y", MaceTensor({1, 4}, four())}};
  EXPECT_EQ(engine_->Run({{"x", good}}, &outputs), MaceStatus::MACE_SUCCESS) << "the engine still works";
}

TEST_F(PublicHeader, FilesTutorsAndReleasing) {
  const std::string path = ::testing::TempDir() + "/public_header_test.mace";
  bytes_ = mace_test::DeepModel(2);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes_.data()), static_cast<std::streamsize>(bytes_.size()));
  std::shared_ptr<MaceEngine> tutor, pupil;
  ASSERT_EQ(CreateMaceEngineFromFile(path, {"x"}, {}, config_, &tutor), MaceStatus::MACE_SUCCESS);
  bool unused = true;
  ASSERT_EQ(CreateMaceEngineFromMemory(bytes_.data(), bytes_.size(), {"x"}, {}, config_, &pupil, &unused,
                                       tutor.get(), true),
            MaceStatus::MACE_SUCCESS);
  EXPECT_FALSE(unused) << "the engine reads the caller's bytes";
  tutor.reset();  // what they share lives on
  const std::string output = "relu1";
  const Tensors inputs = {{"x", MaceTensor({1, 64}, BufferOf(std::vector<float>(64, 2)))}};
  Tensors outputs = {{output, MaceTensor({1, 64}, BufferOf(std::vector<float>(64)))}};
  for (int run = 0; run < 3; ++run) {
    const MaceStatus status = pupil->Run(inputs, &outputs);
    ASSERT_EQ(status, MaceStatus::MACE_SUCCESS) << status.information();
    EXPECT_EQ(Values<float>(outputs[output]), std::vector<float>(64, 2));
    EXPECT_EQ(pupil->ReleaseIntermediateBuffer(), MaceStatus::MACE_SUCCESS);
  }
  std::remove(path.c_str());
}

TEST_F(PublicHeader, OneEngineFromSeveralThreads) {
  ASSERT_EQ(config_.SetCPUThreadPolicy(2, mace::AFFINITY_NONE), MaceStatus::MACE_SUCCESS);
  ASSERT_EQ(Create(mace_test::AffineModel()), MaceStatus::MACE_SUCCESS);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int run = 0; run < 50; ++run) {
        const auto value = static_cast<float>(t * 100 + run);
        const Tensors inputs = {{"x", MaceTensor({1, 4}, BufferOf(std::vector<float>(4, value)))}};
        Tensors outputs = {{"y", MaceTensor({1, 4}, BufferOf(std::vector<float>(4)))}};
        wrong += engine_->Run(inputs, &outputs) != MaceStatus::MACE_SUCCESS;
        wrong += Values<float>(outputs["y"]) != std::vector<float>(4, 2 * value + 1);
        if (run % 10 == 0) wrong += engine_->ReleaseIntermediateBuffer() != MaceStatus::MACE_SUCCESS;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
