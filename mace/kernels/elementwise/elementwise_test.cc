// Unary, chain, binary and where kernels on every instruction set, against plain loops in double.
#include "mace/kernels/elementwise/elementwise.h"

#include <functional>

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

constexpr double kInfinity = INFINITY;

class ElementwiseTest : public testing::TestWithParam<Isa> {
 protected:
  const ElementwiseKernels& kernels() const { return *KernelsOf(GetParam()).elementwise; }
  Random random_{1234};
};
INSTANTIATE_TEST_SUITE_P(Isa, ElementwiseTest, testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

double Sigmoid(double x) { return 1.0 / (1.0 + std::exp(-x)); }
double Clip(double x, double low, double high) {
  return std::isnan(x) ? x : std::min(std::max(x, low), high);
}

struct UnaryCase {
  UnaryOp op;
  float a, b;
  std::function<double(double)> reference;
};

std::vector<UnaryCase> UnaryCases() {
  return {
      {UnaryOp::kRelu, 0, 0, [](double x) { return Clip(x, 0, kInfinity); }},
      {UnaryOp::kClip, -0.5f, 1.25f, [](double x) { return Clip(x, -0.5, 1.25); }},
      {UnaryOp::kLeakyRelu, 0.25f, 0, [](double x) { return x < 0 ? 0.25 * x : x; }},
      {UnaryOp::kSigmoid, 0, 0, Sigmoid},
      {UnaryOp::kTanh, 0, 0, [](double x) { return std::tanh(x); }},
      {UnaryOp::kHardSigmoid, 0.25f, 0.5f, [](double x) { return Clip(0.25 * x + 0.5, 0, 1); }},
      {UnaryOp::kHardSwish, 0, 0, [](double x) { return x * Clip(x / 6 + 0.5, 0, 1); }},
      {UnaryOp::kSilu, 0, 0, [](double x) { return x * Sigmoid(x); }},
      {UnaryOp::kGelu, 0, 0, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
      {UnaryOp::kErf, 0, 0, [](double x) { return std::erf(x); }},
      {UnaryOp::kExp, 0, 0, [](double x) { return std::exp(x); }},
      {UnaryOp::kLog, 0, 0, [](double x) { return std::log(x); }},
      {UnaryOp::kSqrt, 0, 0, [](double x) { return std::sqrt(x); }},
      {UnaryOp::kRsqrt, 0, 0, [](double x) { return 1 / std::sqrt(x); }},
      {UnaryOp::kReciprocal, 0, 0, [](double x) { return 1 / x; }},
      {UnaryOp::kNeg, 0, 0, [](double x) { return -x; }},
      {UnaryOp::kAbs, 0, 0, [](double x) { return std::fabs(x); }},
      {UnaryOp::kFloor, 0, 0, [](double x) { return std::floor(x); }},
      {UnaryOp::kCeil, 0, 0, [](double x) { return std::ceil(x); }},
      {UnaryOp::kRound, 0, 0, [](double x) { return std::nearbyint(x); }},
      {UnaryOp::kGeluTanh, 0, 0,
       [](double x) { return x * Sigmoid(2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)); }},
      {UnaryOp::kSoftplus, 0, 0,
       [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }},
      {UnaryOp::kMish, 0, 0, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }},
  };
}

std::vector<float> Inputs(Random& random, int64_t count) {
  std::vector<float> values = RandomFloats(random, count);
  for (float& value : values) value *= 6.0f;
  if (count > 3) {
    for (const float special : {NAN, INFINITY, -INFINITY, 1e-40f, -1e-40f, -0.0f}) {
      values[static_cast<size_t>(Pick(random, 0, count - 1))] = special;
    }
    values[static_cast<size_t>(Pick(random, 0, count - 1))] = 2.5f;
    values[static_cast<size_t>(Pick(random, 0, count - 1))] = 0.0f;
  }
  return values;
}

TEST_P(ElementwiseTest, Unary) {
  for (const UnaryCase& c : UnaryCases()) {
    for (int64_t columns : {0, 1, 2, 3, 5, 7, 15, 16, 33, 70, 17001}) {
      for (int64_t rows : {1, 3}) {
        if (columns > 1000 && rows > 1) continue;
        UnaryParams params;
        params.op = c.op;
        params.a = c.a;
        params.b = c.b;
        params.rows = rows;
        params.columns = columns;
        params.input_stride = columns + Pick(random_, 0, 2);
        params.output_stride = columns + Pick(random_, 0, 2);
        const UnaryParams given = params;
        ASSERT_TRUE(PrepareUnary(&params).ok());
        // The last row has no gap behind it: nothing there may be touched.
        Guarded<float> in(Inputs(random_, (rows - 1) * given.input_stride + columns));
        Guarded<float> out((rows - 1) * given.output_stride + columns);
        for (int64_t i = 0; i < out.size(); ++i) out[i] = -77.0f;
        RunTiles(kernels().unary_f32, &params, {in.data(), out.data()}, params.tile_count, 0, random_);
        for (int64_t r = 0; r < rows; ++r) {
          for (int64_t i = 0; i < columns; ++i) {
            // To single precision: 1 / 1e-40 is infinite there.
            const auto expected =
                static_cast<double>(static_cast<float>(c.reference(in[r * given.input_stride + i])));
            ASSERT_TRUE(IsNear(out[r * given.output_stride + i], expected, 1e-6 + 4e-7 * std::fabs(expected)))
                << "op " << static_cast<int>(c.op) << " of " << in[r * given.input_stride + i];
          }
          for (int64_t i = columns; r + 1 < rows && i < given.output_stride; ++i) {
            ASSERT_EQ(out[r * given.output_stride + i], -77.0f) << "the gap between rows was written";
          }
        }
      }
    }
  }
}

// Small results too: relative to themselves.
TEST_P(ElementwiseTest, GeluKeepsItsDigitsBelowZero) {
  constexpr int64_t kCount = 4001;
  UnaryParams params;
  params.op = UnaryOp::kGelu;
  params.rows = 1;
  params.columns = params.input_stride = params.output_stride = kCount;
  ASSERT_TRUE(PrepareUnary(&params).ok());
  Guarded<float> in(kCount);
  Guarded<float> out(kCount);
  for (int64_t i = 0; i < kCount; ++i) in[i] = -5.5f + 11.0f * static_cast<float>(i) / (kCount - 1);
  RunTiles(kernels().unary_f32, &params, {in.data(), out.data()}, params.tile_count, 0, random_);
  for (int64_t i = 0; i < kCount; ++i) {
    const double x = in[i];
    const double expected = 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    ASSERT_LE(std::fabs(out[i] - expected), 3e-6 * std::fabs(expected)) << x;
  }
}

double PostOpReference(const PostOp& op, double v, double t) {
  switch (op.kind) {
    case PostOpKind::kClip:
      return Clip(v, op.a, op.b);
    case PostOpKind::kRelu:
      return Clip(v, 0, kInfinity);
    case PostOpKind::kLeakyRelu:
      return v < 0 ? op.a * v : v;
    case PostOpKind::kSigmoid:
      return Sigmoid(v);
    case PostOpKind::kTanh:
      return std::tanh(v);
    case PostOpKind::kHardSigmoid:
      return Clip(op.a * v + op.b, 0, 1);
    case PostOpKind::kHardSwish:
      return v * Clip(v / 6 + 0.5, 0, 1);
    case PostOpKind::kSilu:
      return v * Sigmoid(v);
    case PostOpKind::kGelu:
      return 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)));
    case PostOpKind::kErf:
      return std::erf(v);
    case PostOpKind::kAddScalar:
      return v + op.a;
    case PostOpKind::kMulScalar:
      return v * op.a;
    case PostOpKind::kDivScalar:
      return v / op.a;
    case PostOpKind::kAdd:
      return v + t;
    case PostOpKind::kSub:
      return v - t;
    case PostOpKind::kReverseSub:
      return t - v;
    case PostOpKind::kMul:
      return v * t;
    case PostOpKind::kPRelu:
      return v < 0 ? t * v : v;
  }
  return 0;
}

TEST_P(ElementwiseTest, ChainOfPostOps) {
  constexpr int kKinds = static_cast<int>(PostOpKind::kPRelu) + 1;
  for (int round = 0; round < 150; ++round) {
    const int64_t rows = Pick(random_, 1, 4);
    const int64_t columns = round % 10 == 0 ? Pick(random_, 1000, 3000) : Pick(random_, 1, 40);
    ChainParams params;
    params.rows = rows;
    params.columns = columns;
    params.input_stride = columns + Pick(random_, 0, 1);
    params.output_stride = columns + Pick(random_, 0, 1);
    params.post_ops.count = round == 0 ? 0 : static_cast<int32_t>(Pick(random_, 1, 4));
    for (int i = 0; i < params.post_ops.count; ++i) {
      PostOp& op = params.post_ops.ops[i];
      op.kind = static_cast<PostOpKind>((round * 3 + i) % kKinds);
      op.a = -0.75f;
      op.b = 0.5f;
      op.operand = static_cast<int32_t>(2 + Pick(random_, 0, 1));
      op.row_stride = op.operand == 2 ? columns : 0;  // a whole tensor, or a value per channel
    }
    const ChainParams given = params;
    ASSERT_TRUE(PrepareChain(&params).ok());
    Guarded<float> in(Inputs(random_, (rows - 1) * given.input_stride + columns));
    Guarded<float> out((rows - 1) * given.output_stride + columns);
    Guarded<float> whole(RandomFloats(random_, rows * columns));
    Guarded<float> channels(RandomFloats(random_, columns));
    RunTiles(kernels().chain_f32, &params, {in.data(), out.data(), whole.data(), channels.data()},
             params.tile_count, 0, random_);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < columns; ++i) {
        double v = in[r * given.input_stride + i];
        for (int k = 0; k < given.post_ops.count; ++k) {
          const PostOp& op = given.post_ops.ops[k];
          v = PostOpReference(op, v, op.operand == 2 ? whole[r * columns + i] : channels[i]);
        }
        ASSERT_TRUE(IsNear(out[r * given.output_stride + i], v, 4e-6 + 1e-6 * std::fabs(v))) << round;
      }
    }
  }
}

TEST_P(ElementwiseTest, InPlace) {
  UnaryParams params;
  params.op = UnaryOp::kNeg;
  params.columns = 1003;
  ASSERT_TRUE(PrepareUnary(&params).ok());
  const std::vector<float> values = RandomFloats(random_, 1003);
  Guarded<float> data(values);
  RunTiles(kernels().unary_f32, &params, {data.data(), data.data()}, params.tile_count, 0, random_);
  for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(data[static_cast<int64_t>(i)], -values[i]);
}

// The dense offset of the element of `shape` that an output index reads.
int64_t BroadcastOffset(const Shape& shape, const Shape& output, int64_t flat) {
  int64_t offset = 0;
  int64_t stride = 1;
  for (int i = 0; i < output.rank; ++i) {
    const int64_t dim = output.dims[output.rank - 1 - i];
    const int64_t index = flat % dim;
    flat /= dim;
    if (i >= shape.rank) continue;
    const int64_t own = shape.dims[shape.rank - 1 - i];
    if (own != 1) offset += index * stride;
    stride *= own;
  }
  return offset;
}

Shape RandomOutput(Random& random) {
  Shape shape;
  const int64_t rank = Pick(random, 0, 5);
  for (int64_t i = 0; i < rank; ++i)
    shape.Push(Pick(random, 0, 9) == 0 ? Pick(random, 0, 30) : Pick(random, 1, 6));
  return shape;
}

// A shape that broadcasts to `output`: some dimensions 1, maybe fewer in front.
Shape RandomOperand(Random& random, const Shape& output) {
  Shape shape;
  const int64_t skip = Pick(random, 0, 3) == 0 ? Pick(random, 0, output.rank) : 0;
  for (int i = static_cast<int>(skip); i < output.rank; ++i)
    shape.Push(Pick(random, 0, 2) == 0 ? 1 : output.dims[i]);
  return shape;
}

template <typename T>
struct BinaryCase {
  BinaryOp op;
  std::function<double(double, double)> reference;
};

double PropagateMax(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::max(a, b); }
double PropagateMin(double a, double b) { return std::isnan(a) || std::isnan(b) ? NAN : std::min(a, b); }

bool IsComparison(BinaryOp op) { return op >= BinaryOp::kEqual; }

template <typename T>
std::vector<BinaryCase<T>> BinaryCases() {
  const bool is_float = std::is_same_v<T, float>;
  return {
      {BinaryOp::kAdd, [](double a, double b) { return a + b; }},
      {BinaryOp::kSub, [](double a, double b) { return a - b; }},
      {BinaryOp::kMul, [](double a, double b) { return a * b; }},
      {BinaryOp::kDiv,
       [=](double a, double b) { return is_float ? a / b : (b == 0 ? 0 : std::trunc(a / b)); }},
      {BinaryOp::kMax, PropagateMax},
      {BinaryOp::kMin, PropagateMin},
      {BinaryOp::kPow,
       [=](double a, double b) {
         if (!is_float && b < 0 && a == 0) return 0.0;
         return is_float ? std::pow(a, b) : std::trunc(std::pow(a, b));
       }},
      {BinaryOp::kPRelu, [](double a, double b) { return a < 0 ? a * b : a; }},
      {BinaryOp::kEqual, [](double a, double b) { return a == b ? 1.0 : 0.0; }},
      {BinaryOp::kLess, [](double a, double b) { return a < b ? 1.0 : 0.0; }},
      {BinaryOp::kGreater, [](double a, double b) { return a > b ? 1.0 : 0.0; }},
      {BinaryOp::kLessOrEqual, [](double a, double b) { return a <= b ? 1.0 : 0.0; }},
      {BinaryOp::kGreaterOrEqual, [](double a, double b) { return a >= b ? 1.0 : 0.0; }},
  };
}

template <typename T>
std::vector<T> SmallNumbers(Random& random, int64_t count) {
  std::vector<T> values(static_cast<size_t>(count));
  for (T& value : values) {
    const int64_t n = Pick(random, -9, 9);
    value = static_cast<T>(std::is_same_v<T, float> ? static_cast<double>(n) * 0.25 : static_cast<double>(n));
    if (std::is_same_v<T, float> && Pick(random, 0, 30) == 0) value = static_cast<T>(NAN);
  }
  return values;
}

template <>
std::vector<int32_t> SmallNumbers<int32_t>(Random& random, int64_t count) {
  std::vector<int32_t> values(static_cast<size_t>(count));
  for (int32_t& value : values) value = static_cast<int32_t>(Pick(random, -9, 9));
  return values;
}
template <>
std::vector<int64_t> SmallNumbers<int64_t>(Random& random, int64_t count) {
  std::vector<int64_t> values(static_cast<size_t>(count));
  for (int64_t& value : values) value = Pick(random, -9, 9);
  return values;
}

template <typename T>
void TestBinary(KernelFunction kernel, Random& random) {
  for (const BinaryCase<T>& c : BinaryCases<T>()) {
    for (int round = 0; round < 60; ++round) {
      BinaryParams params;
      params.op = c.op;
      Shape target = RandomOutput(random);
      if (round == 0) target = Shape({2, 16411});  // more than one tile, cut within rows
      params.a = round == 0 ? target : RandomOperand(random, target);
      params.b = RandomOperand(random, target);
      ASSERT_TRUE(PrepareBinary(&params).ok());
      const int64_t count = params.output.ElementCount();
      Guarded<T> a(SmallNumbers<T>(random, params.a.ElementCount()));
      Guarded<T> b(SmallNumbers<T>(random, params.b.ElementCount()));
      Guarded<T> out(IsComparison(c.op) ? 0 : count);
      Guarded<uint8_t> flags(IsComparison(c.op) ? count : 0);
      void* result = IsComparison(c.op) ? static_cast<void*>(flags.data()) : out.data();
      RunTiles(kernel, &params, {a.data(), b.data(), result}, params.tile_count, 0, random);
      for (int64_t i = 0; i < count; ++i) {
        const T left = a[BroadcastOffset(params.a, params.output, i)];
        const T right = b[BroadcastOffset(params.b, params.output, i)];
        const double expected = c.reference(static_cast<double>(left), static_cast<double>(right));
        const double got = IsComparison(c.op) ? static_cast<double>(flags[i]) : static_cast<double>(out[i]);
        ASSERT_TRUE(IsNear(got, expected, 1e-6 * std::fabs(expected)))
            << "op " << static_cast<int>(c.op) << "(" << left << ", " << right << ")";
      }
    }
  }
}

TEST_P(ElementwiseTest, BinaryFloat) { TestBinary<float>(kernels().binary_f32, random_); }
TEST_P(ElementwiseTest, BinaryInt32) { TestBinary<int32_t>(kernels().binary_i32, random_); }
TEST_P(ElementwiseTest, BinaryInt64) { TestBinary<int64_t>(kernels().binary_i64, random_); }

TEST_P(ElementwiseTest, IntegerExtremes) {
  BinaryParams params;
  params.a = params.b = Shape({3});
  const int64_t a[] = {INT64_MIN, INT64_MIN, 7};
  const int64_t b[] = {-1, 1, 0};
  int64_t out[3] = {};
  void* operands[] = {const_cast<int64_t*>(a), const_cast<int64_t*>(b), out};
  const auto run = [&](BinaryOp op) {
    params.op = op;
    ASSERT_TRUE(PrepareBinary(&params).ok());
    kernels().binary_i64({&params, operands, nullptr}, 0, params.tile_count);
  };
  run(BinaryOp::kDiv);
  EXPECT_EQ(out[0], INT64_MIN);
  EXPECT_EQ(out[1], INT64_MIN);
  EXPECT_EQ(out[2], 0);
  run(BinaryOp::kAdd);
  EXPECT_EQ(out[0], INT64_MAX);
  run(BinaryOp::kMul);
  EXPECT_EQ(out[0], INT64_MIN);
}

TEST_P(ElementwiseTest, BroadcastErrors) {
  BinaryParams params;
  params.a = Shape({2, 3});
  params.b = Shape({2, 4});
  EXPECT_EQ(PrepareBinary(&params).code(), StatusCode::kInvalidArgument);
  params.a = Shape({0});
  params.b = Shape({1});
  ASSERT_TRUE(PrepareBinary(&params).ok());
  EXPECT_EQ(params.tile_count, 0);
  EXPECT_EQ(params.output, Shape({0}));
}

template <typename T>
void TestWhere(KernelFunction kernel, Random& random) {
  for (int round = 0; round < 40; ++round) {
    const Shape target = RandomOutput(random);
    WhereParams params;
    params.condition = RandomOperand(random, target);
    params.if_true = RandomOperand(random, target);
    params.if_false = RandomOperand(random, target);
    params.element_bytes = sizeof(T);
    ASSERT_TRUE(PrepareWhere(&params).ok());
    Guarded<uint8_t> condition(params.condition.ElementCount());
    Guarded<T> yes(params.if_true.ElementCount());
    Guarded<T> no(params.if_false.ElementCount());
    for (int64_t i = 0; i < condition.size(); ++i) condition[i] = static_cast<uint8_t>(Pick(random, 0, 1));
    for (int64_t i = 0; i < yes.size(); ++i) yes[i] = static_cast<T>(random());
    for (int64_t i = 0; i < no.size(); ++i) no[i] = static_cast<T>(random());
    Guarded<T> out(params.output.ElementCount());
    RunTiles(kernel, &params, {condition.data(), yes.data(), no.data(), out.data()}, params.tile_count, 0,
             random);
    for (int64_t i = 0; i < out.size(); ++i) {
      const T expected = condition[BroadcastOffset(params.condition, params.output, i)]
                             ? yes[BroadcastOffset(params.if_true, params.output, i)]
                             : no[BroadcastOffset(params.if_false, params.output, i)];
      ASSERT_EQ(out[i], expected);
    }
  }
}

TEST_P(ElementwiseTest, Where) {
  TestWhere<uint8_t>(kernels().where, random_);
  TestWhere<uint16_t>(kernels().where, random_);
  TestWhere<uint32_t>(kernels().where, random_);
  TestWhere<uint64_t>(kernels().where, random_);
}

}  // namespace
}  // namespace mace::kernels
