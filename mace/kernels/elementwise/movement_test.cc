// Cast, gather, copy, pad and transpose kernels on every instruction set.
#include "mace/kernels/elementwise/movement.h"

#include <cfloat>

#include "mace/kernels/elementwise/elementwise.h"
#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

class MovementTest : public testing::TestWithParam<Isa> {
 protected:
  const ElementwiseKernels& kernels() const { return *KernelsOf(GetParam()).elementwise; }
  Random random_{4321};
};
INSTANTIATE_TEST_SUITE_P(Isa, MovementTest, testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

template <typename From, typename To>
std::vector<To> RunCast(KernelFunction kernel, DType from, DType to, const std::vector<From>& values,
                        Random& random) {
  CastParams params;
  params.from = from;
  params.to = to;
  params.count = static_cast<int64_t>(values.size());
  EXPECT_TRUE(PrepareCast(&params).ok());
  Guarded<From> in(values);
  Guarded<To> out(params.count);
  RunTiles(kernel, &params, {in.data(), out.data()}, params.tile_count, 0, random);
  return std::vector<To>(out.data(), out.data() + out.size());
}

template <typename To>
void ExpectSaturates(KernelFunction kernel, DType from, const std::vector<float>& values, Random& random) {
  std::vector<To> got;
  if (from == DType::kF32) {
    got = RunCast<float, To>(kernel, DType::kF32, DTypeOf<To>(), values, random);
  } else {
    got = RunCast<double, To>(kernel, DType::kF64, DTypeOf<To>(),
                              std::vector<double>(values.begin(), values.end()), random);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    To expected = 0;
    const double value = std::trunc(static_cast<double>(values[i]));
    if (value >= std::ldexp(1.0, std::numeric_limits<To>::digits)) {
      expected = std::numeric_limits<To>::max();
    } else if (value <= static_cast<double>(std::numeric_limits<To>::min())) {
      expected = std::numeric_limits<To>::min();
    } else if (!std::isnan(value)) {
      expected = static_cast<To>(value);
    }
    ASSERT_EQ(got[i], expected) << values[i] << " to " << NameOf(DTypeOf<To>());
  }
}

TEST_P(MovementTest, CastFloatToIntegers) {
  std::vector<float> values = {0.0f,    -0.0f,  0.9f,   -0.9f,    127.0f,    128.0f, -128.5f,
                               -129.0f, 255.9f, 256.0f, 1e6f,     3e9f,      5e9f,   -3e9f,
                               9.3e18f, 2e19f,  -1e19f, INFINITY, -INFINITY, NAN,    2147483648.0f};
  for (int i = 0; i < 77; ++i) values.push_back(static_cast<float>(Pick(random_, -70000, 70000)) * 0.37f);
  for (DType from : {DType::kF32, DType::kF64}) {
    ExpectSaturates<int8_t>(kernels().cast, from, values, random_);
    ExpectSaturates<uint8_t>(kernels().cast, from, values, random_);
    ExpectSaturates<int16_t>(kernels().cast, from, values, random_);
    ExpectSaturates<uint16_t>(kernels().cast, from, values, random_);
    ExpectSaturates<int32_t>(kernels().cast, from, values, random_);
    ExpectSaturates<uint32_t>(kernels().cast, from, values, random_);
    ExpectSaturates<int64_t>(kernels().cast, from, values, random_);
    ExpectSaturates<uint64_t>(kernels().cast, from, values, random_);
  }
  const auto flags = RunCast<float, uint8_t>(kernels().cast, DType::kF32, DType::kBool, values, random_);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(flags[i], values[i] != 0.0f ? 1 : 0);
}

template <typename From, typename To>
void ExpectConverts(KernelFunction kernel, Random& random) {
  std::vector<From> values = {0, 1, std::numeric_limits<From>::max(), std::numeric_limits<From>::min()};
  for (int i = 0; i < 300; ++i) values.push_back(static_cast<From>(random()));
  const auto got = RunCast<From, To>(kernel, DTypeOf<From>(), DTypeOf<To>(), values, random);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(got[i], static_cast<To>(values[i])) << +values[i];
}

TEST_P(MovementTest, CastIntegers) {
  ExpectConverts<int64_t, int32_t>(kernels().cast, random_);
  ExpectConverts<int32_t, int64_t>(kernels().cast, random_);
  ExpectConverts<int64_t, float>(kernels().cast, random_);
  ExpectConverts<int32_t, float>(kernels().cast, random_);
  ExpectConverts<uint8_t, float>(kernels().cast, random_);
  ExpectConverts<int8_t, float>(kernels().cast, random_);
  ExpectConverts<uint16_t, float>(kernels().cast, random_);
  ExpectConverts<uint64_t, float>(kernels().cast, random_);
  ExpectConverts<int64_t, int8_t>(kernels().cast, random_);
  ExpectConverts<uint8_t, int64_t>(kernels().cast, random_);
  ExpectConverts<uint64_t, int16_t>(kernels().cast, random_);
  ExpectConverts<int32_t, double>(kernels().cast, random_);
  ExpectConverts<uint64_t, double>(kernels().cast, random_);
  ExpectConverts<int8_t, uint32_t>(kernels().cast, random_);
  ExpectConverts<float, float>(kernels().cast, random_);
}

TEST_P(MovementTest, CastHalf) {
  // 1.5, -2, 65504, the least denormal, infinity.
  const std::vector<uint16_t> halves = {0x3e00, 0xc000, 0x7bff, 0x0001, 0x7c00, 0x0000, 0x8000};
  const std::vector<double> values = {1.5, -2.0, 65504.0, std::ldexp(1.0, -24), INFINITY, 0.0, -0.0};
  const auto floats = RunCast<uint16_t, float>(kernels().cast, DType::kF16, DType::kF32, halves, random_);
  const auto doubles = RunCast<uint16_t, double>(kernels().cast, DType::kF16, DType::kF64, halves, random_);
  const auto integers = RunCast<uint16_t, int64_t>(kernels().cast, DType::kF16, DType::kI64, halves, random_);
  for (size_t i = 0; i < halves.size(); ++i) {
    EXPECT_EQ(floats[i], values[i]);
    EXPECT_EQ(doubles[i], values[i]);
  }
  EXPECT_EQ(integers, (std::vector<int64_t>{1, -2, 65504, 0, INT64_MAX, 0, 0}));
  EXPECT_EQ((RunCast<float, uint16_t>(kernels().cast, DType::kF32, DType::kF16, floats, random_)), halves);
  EXPECT_EQ((RunCast<double, uint16_t>(kernels().cast, DType::kF64, DType::kF16, doubles, random_)), halves);
  EXPECT_EQ((RunCast<int64_t, uint16_t>(kernels().cast, DType::kI64, DType::kF16, {1, -2, 65504}, random_)),
            (std::vector<uint16_t>{0x3c00, 0xc000, 0x7bff}));
}

TEST_P(MovementTest, CastBrainFloat) {
  // 1.5, -2, the largest, the least denormal, infinity, zeros.
  const std::vector<uint16_t> brains = {0x3fc0, 0xc000, 0x7f7f, 0x0001, 0x7f80, 0x0000, 0x8000};
  const std::vector<double> values = {1.5, -2.0, std::ldexp(255.0, 120), std::ldexp(1.0, -133), INFINITY,
                                      0.0, -0.0};
  const auto floats = RunCast<uint16_t, float>(kernels().cast, DType::kBF16, DType::kF32, brains, random_);
  const auto doubles = RunCast<uint16_t, double>(kernels().cast, DType::kBF16, DType::kF64, brains, random_);
  const auto halves = RunCast<uint16_t, uint16_t>(kernels().cast, DType::kBF16, DType::kF16, brains, random_);
  for (size_t i = 0; i < brains.size(); ++i) {
    EXPECT_EQ(floats[i], values[i]);
    EXPECT_EQ(doubles[i], values[i]);
  }
  EXPECT_EQ(halves, (std::vector<uint16_t>{0x3e00, 0xc000, 0x7c00, 0, 0x7c00, 0, 0x8000}));
  EXPECT_EQ((RunCast<float, uint16_t>(kernels().cast, DType::kF32, DType::kBF16, floats, random_)), brains);
  EXPECT_EQ((RunCast<double, uint16_t>(kernels().cast, DType::kF64, DType::kBF16, doubles, random_)), brains);
  // Halves of the last place go to the even neighbour; what is above the largest becomes infinity.
  const std::vector<float> between = {1 + std::ldexp(1.0f, -8), 1 + std::ldexp(3.0f, -8), FLT_MAX, -NAN};
  const auto rounded = RunCast<float, uint16_t>(kernels().cast, DType::kF32, DType::kBF16, between, random_);
  EXPECT_EQ(rounded, (std::vector<uint16_t>{0x3f80, 0x3f82, 0x7f80, 0xffc0}));
}

template <typename Index>
void TestGather(KernelFunction kernel, Random& random, bool with_bad_index) {
  for (int round = 0; round < 20; ++round) {
    GatherParams params;
    params.index_type = DTypeOf<Index>();
    params.outer = Pick(random, 0, 3);
    params.axis_size = Pick(random, 1, 7);
    params.index_count = Pick(random, 0, 9);
    params.block_bytes = round == 0 ? 70000 : Pick(random, 1, 40);
    ASSERT_TRUE(PrepareGather(&params).ok());
    Guarded<uint8_t> data(params.outer * params.axis_size * params.block_bytes);
    for (int64_t i = 0; i < data.size(); ++i) data[i] = static_cast<uint8_t>(random());
    Guarded<Index> indices(params.index_count);
    bool has_bad = false;
    for (int64_t i = 0; i < params.index_count; ++i) {
      indices[i] = static_cast<Index>(Pick(random, -params.axis_size, params.axis_size - 1));
      if (with_bad_index && Pick(random, 0, 4) == 0) {
        const Index bad[] = {static_cast<Index>(params.axis_size), static_cast<Index>(-params.axis_size - 1),
                             std::numeric_limits<Index>::max(), std::numeric_limits<Index>::min()};
        indices[i] = bad[Pick(random, 0, 3)];
        has_bad = params.outer > 0;
      }
    }
    Guarded<uint8_t> out(params.outer * params.index_count * params.block_bytes);
    Guarded<int32_t> error(1);
    RunTiles(kernel, &params, {data.data(), indices.data(), out.data(), error.data()}, params.tile_count, 0,
             random);
    EXPECT_EQ(error[0], has_bad && params.tile_count > 0 ? 1 : 0);
    for (int64_t o = 0; o < params.outer; ++o) {
      for (int64_t i = 0; i < params.index_count; ++i) {
        for (int64_t b = 0; b < params.block_bytes; ++b) {
          int64_t index = indices[i];
          if (index < 0) index += params.axis_size;
          const bool inside = index >= 0 && index < params.axis_size;
          const uint8_t expected = inside ? data[(o * params.axis_size + index) * params.block_bytes + b] : 0;
          ASSERT_EQ(out[(o * params.index_count + i) * params.block_bytes + b], expected);
        }
      }
    }
    // The error operand is optional.
    RunTiles(kernel, &params, {data.data(), indices.data(), out.data(), nullptr}, params.tile_count, 0,
             random);
  }
}

TEST_P(MovementTest, Gather) {
  TestGather<int32_t>(kernels().gather, random_, false);
  TestGather<int64_t>(kernels().gather, random_, false);
  TestGather<int32_t>(kernels().gather, random_, true);
  TestGather<int64_t>(kernels().gather, random_, true);
}

Shape RandomShape(Random& random, int64_t largest) {
  Shape shape;
  const int64_t rank = Pick(random, 0, 5);
  for (int64_t i = 0; i < rank; ++i) shape.Push(Pick(random, 0, 12) == 0 ? 0 : Pick(random, 1, largest));
  return shape;
}

// The index of element `flat` of a dense tensor.
std::vector<int64_t> IndexOf(const Shape& shape, int64_t flat) {
  std::vector<int64_t> index(static_cast<size_t>(shape.rank));
  for (int i = shape.rank - 1; i >= 0; --i) {
    index[static_cast<size_t>(i)] = flat % shape.dims[i];
    flat /= shape.dims[i];
  }
  return index;
}

template <typename T>
void Fill(Guarded<T>& data, Random& random) {
  uint8_t* bytes = reinterpret_cast<uint8_t*>(data.data());
  for (size_t i = 0; i < static_cast<size_t>(data.size()) * sizeof(T); ++i)
    bytes[i] = static_cast<uint8_t>(random());
}

// Slices with positive and negative steps into a part of a larger tensor, as slice, concat and split do.
template <typename T>
void TestCopy(KernelFunction kernel, Random& random) {
  for (int round = 0; round < 60; ++round) {
    CopyParams params;
    params.element_bytes = sizeof(T);
    params.dims = RandomShape(random, 7);
    if (round == 0) params.dims = Shape({2, 40000});
    Shape source = params.dims;
    Shape target = params.dims;
    int64_t steps[kMaxRank] = {};
    int64_t starts[kMaxRank] = {};
    int64_t places[kMaxRank] = {};
    for (int i = 0; i < params.dims.rank; ++i) {
      steps[i] = Pick(random, 0, 3) == 0 ? Pick(random, 2, 3) : 1;
      if (Pick(random, 0, 4) == 0) steps[i] = -steps[i];
      const int64_t span = std::max<int64_t>(params.dims.dims[i] - 1, 0) * std::abs(steps[i]);
      const int64_t lead = Pick(random, 0, 2);
      source.dims[i] = span + 1 + lead;
      starts[i] = steps[i] > 0 ? lead : lead + span;
      places[i] = Pick(random, 0, 2);
      target.dims[i] += places[i];
    }
    DenseStrides(source, params.input_strides);
    DenseStrides(target, params.output_strides);
    int64_t input_strides[kMaxRank] = {};
    for (int i = 0; i < params.dims.rank; ++i) {
      params.input_offset += starts[i] * params.input_strides[i];
      params.output_offset += places[i] * params.output_strides[i];
      params.input_strides[i] *= steps[i];
      input_strides[i] = params.input_strides[i];
    }
    const CopyParams given = params;
    ASSERT_TRUE(PrepareCopy(&params).ok());
    Guarded<T> in(source.ElementCount());
    Fill(in, random);
    Guarded<T> out(target.ElementCount());
    std::vector<T> expected(static_cast<size_t>(out.size()));
    Fill(out, random);
    if (!expected.empty()) std::memcpy(expected.data(), out.data(), expected.size() * sizeof(T));
    for (int64_t i = 0; i < given.dims.ElementCount(); ++i) {
      int64_t from = given.input_offset;
      int64_t to = given.output_offset;
      const std::vector<int64_t> index = IndexOf(given.dims, i);
      for (size_t d = 0; d < index.size(); ++d) {
        from += index[d] * input_strides[d];
        to += index[d] * given.output_strides[d];
      }
      expected[static_cast<size_t>(to)] = in[from];
    }
    RunTiles(kernel, &params, {in.data(), out.data()}, params.tile_count, 0, random);
    if (!expected.empty()) {
      ASSERT_EQ(std::memcmp(expected.data(), out.data(), expected.size() * sizeof(T)), 0) << round;
    }
  }
}

struct Sixteen {
  uint64_t a, b;
};

TEST_P(MovementTest, Copy) {
  TestCopy<uint8_t>(kernels().copy, random_);
  TestCopy<uint16_t>(kernels().copy, random_);
  TestCopy<uint32_t>(kernels().copy, random_);
  TestCopy<uint64_t>(kernels().copy, random_);
  TestCopy<Sixteen>(kernels().copy, random_);
}

template <typename T>
void TestPad(KernelFunction kernel, PadKind kind, Random& random) {
  for (int round = 0; round < 50; ++round) {
    PadParams params;
    params.kind = kind;
    params.element_bytes = sizeof(T);
    params.input = RandomShape(random, 6);
    if (round == 0) params.input = Shape({3, 30000});
    for (int i = 0; i < params.input.rank; ++i) {
      int64_t most = 4;
      if (kind == PadKind::kReflect) most = std::min<int64_t>(4, params.input.dims[i] - 1);
      if (kind == PadKind::kSymmetric) most = std::min<int64_t>(4, params.input.dims[i]);
      if (kind == PadKind::kEdge && params.input.dims[i] == 0) most = 0;
      if (Pick(random, 0, 2) == 0 || most <= 0) continue;
      params.begin[i] = Pick(random, params.input.dims[i] > 3 ? -1 : 0, most);
      params.end[i] = Pick(random, params.input.dims[i] > 3 ? -1 : 0, most);
    }
    const T value = static_cast<T>(0x5a5a5a5a5a5a5a5a);
    std::memcpy(params.value, &value, sizeof(T));
    const Status status = PreparePad(&params);
    ASSERT_TRUE(status.ok()) << status.message();
    Guarded<T> in(params.input.ElementCount());
    Fill(in, random);
    Guarded<T> out(params.output.ElementCount());
    RunTiles(kernel, &params, {in.data(), out.data()}, params.tile_count, 0, random);
    for (int64_t i = 0; i < out.size(); ++i) {
      const std::vector<int64_t> index = IndexOf(params.output, i);
      int64_t from = 0;
      bool inside = true;
      for (int d = 0; d < params.input.rank; ++d) {
        const int64_t size = params.input.dims[d];
        int64_t source = index[static_cast<size_t>(d)] - params.begin[d];
        if (kind == PadKind::kEdge) source = std::min(std::max<int64_t>(source, 0), size - 1);
        if (kind == PadKind::kSymmetric && source < 0) source = -1 - source;
        if (kind == PadKind::kSymmetric && source >= size) source = 2 * size - 1 - source;
        if (kind == PadKind::kReflect && source < 0) source = -source;
        if (kind == PadKind::kReflect && source >= size) source = 2 * (size - 1) - source;
        inside = inside && source >= 0 && source < size;
        from = from * size + source;
      }
      ASSERT_EQ(out[i], inside ? in[from] : value) << round;
    }
  }
}

TEST_P(MovementTest, Pad) {
  for (PadKind kind : {PadKind::kConstant, PadKind::kEdge, PadKind::kReflect, PadKind::kSymmetric}) {
    TestPad<uint8_t>(kernels().pad, kind, random_);
    TestPad<uint32_t>(kernels().pad, kind, random_);
    TestPad<uint64_t>(kernels().pad, kind, random_);
  }
  PadParams params;
  params.kind = PadKind::kReflect;
  params.input = Shape({3});
  params.begin[0] = 3;
  EXPECT_EQ(PreparePad(&params).code(), StatusCode::kInvalidArgument);
  params.kind = PadKind::kConstant;
  params.begin[0] = -4;
  EXPECT_EQ(PreparePad(&params).code(), StatusCode::kInvalidArgument);
}

template <typename T>
void ExpectTransposes(KernelFunction kernel, const Shape& shape, const std::vector<int32_t>& perm,
                      Random& random) {
  TransposeParams params;
  params.input = shape;
  params.element_bytes = sizeof(T);
  std::copy(perm.begin(), perm.end(), params.perm);
  ASSERT_TRUE(PrepareTranspose(&params).ok());
  Guarded<T> in(shape.ElementCount());
  Fill(in, random);
  Guarded<T> out(shape.ElementCount());
  RunTiles(kernel, &params, {in.data(), out.data()}, params.tile_count, 0, random);
  Shape output = shape;
  for (size_t d = 0; d < perm.size(); ++d) output.dims[d] = shape.dims[perm[d]];
  int64_t strides[kMaxRank] = {};
  DenseStrides(shape, strides);
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t from = 0;
    const std::vector<int64_t> index = IndexOf(output, i);
    for (size_t d = 0; d < perm.size(); ++d) from += index[d] * strides[perm[d]];
    ASSERT_EQ(out[i], in[from]);
  }
}

TEST_P(MovementTest, Transpose) {
  for (int round = 0; round < 60; ++round) {
    const Shape shape = RandomShape(random_, round % 4 == 0 ? 17 : 6);
    if (shape.ElementCount() > 100000) continue;
    std::vector<int32_t> perm(static_cast<size_t>(shape.rank));
    for (size_t i = 0; i < perm.size(); ++i) perm[i] = static_cast<int32_t>(i);
    std::shuffle(perm.begin(), perm.end(), random_);
    ExpectTransposes<uint8_t>(kernels().transpose, shape, perm, random_);
    ExpectTransposes<uint16_t>(kernels().transpose, shape, perm, random_);
    ExpectTransposes<uint32_t>(kernels().transpose, shape, perm, random_);
    ExpectTransposes<uint64_t>(kernels().transpose, shape, perm, random_);
  }
  ExpectTransposes<uint32_t>(kernels().transpose, Shape({1, 3, 61, 67}), {0, 2, 3, 1}, random_);
  ExpectTransposes<uint32_t>(kernels().transpose, Shape({2, 61, 67, 3}), {0, 3, 1, 2}, random_);
  ExpectTransposes<uint32_t>(kernels().transpose, Shape({131, 75}), {1, 0}, random_);
  ExpectTransposes<uint8_t>(kernels().transpose, Shape({131, 75}), {1, 0}, random_);
  ExpectTransposes<uint32_t>(kernels().transpose, Shape({1, 19, 4, 32}), {0, 2, 1, 3}, random_);
  TransposeParams params;
  params.input = Shape({2, 2});
  params.perm[0] = params.perm[1] = 1;
  EXPECT_FALSE(PrepareTranspose(&params).ok());
}

}  // namespace
}  // namespace mace::kernels
