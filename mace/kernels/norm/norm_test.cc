// Softmax, layer normalization and reductions on every instruction set, against loops in double.
#include "mace/kernels/norm/norm.h"

#include "mace/kernels/kernel_test_support.h"

namespace mace::kernels {
namespace {

class NormTest : public testing::TestWithParam<Isa> {
 protected:
  const NormKernels& kernels() const { return *KernelsOf(GetParam()).norm; }
  Random random_{99};
};
INSTANTIATE_TEST_SUITE_P(Isa, NormTest, testing::ValuesIn(TestIsas()),
                         [](const auto& info) { return NameOf(info.param); });

std::vector<float> Scaled(std::vector<float> values, float scale, float shift) {
  for (float& value : values) value = value * scale + shift;
  return values;
}

TEST_P(NormTest, Softmax) {
  for (int64_t axis : {1, 2, 3, 7, 8, 16, 31, 100, 1001}) {
    for (int64_t inner : {1, 2, 5, 16, 37}) {
      if (axis * inner > 5000) continue;
      SoftmaxParams params;
      params.outer = Pick(random_, 1, 5);
      params.axis = axis;
      params.inner = inner;
      ASSERT_TRUE(PrepareSoftmax(&params).ok());
      // Large numbers: without the subtraction of the maximum they overflow.
      Guarded<float> in(Scaled(RandomFloats(random_, params.outer * axis * inner), 30.0f, 100.0f));
      Guarded<float> out(in.size());
      RunTiles(kernels().softmax_f32, &params, {in.data(), out.data()}, params.tile_count, 0, random_);
      for (int64_t o = 0; o < params.outer; ++o) {
        for (int64_t c = 0; c < inner; ++c) {
          const auto at = [&](int64_t i) { return (o * axis + i) * inner + c; };
          double most = -INFINITY;
          double sum = 0;
          for (int64_t i = 0; i < axis; ++i) most = std::max(most, static_cast<double>(in[at(i)]));
          for (int64_t i = 0; i < axis; ++i) sum += std::exp(in[at(i)] - most);
          for (int64_t i = 0; i < axis; ++i) {
            const double expected = std::exp(in[at(i)] - most) / sum;
            ASSERT_TRUE(IsNear(out[at(i)], expected, 2e-6 * expected + 1e-37)) << axis << " " << inner;
          }
        }
      }
    }
  }
}

TEST_P(NormTest, SoftmaxOfSpecialValues) {
  SoftmaxParams params;
  params.outer = 3;
  params.axis = 19;
  ASSERT_TRUE(PrepareSoftmax(&params).ok());
  Guarded<float> data(RandomFloats(random_, 57));
  data[3] = NAN;
  data[19 + 18] = -INFINITY;
  data[38] = -INFINITY;
  RunTiles(kernels().softmax_f32, &params, {data.data(), data.data()}, params.tile_count, 0,
           random_);  // in place
  double sum = 0;
  for (int64_t i = 0; i < 19; ++i) EXPECT_TRUE(std::isnan(data[i])) << i;
  for (int64_t i = 19; i < 38; ++i) sum += data[i];
  EXPECT_NEAR(sum, 1.0, 1e-6);
  EXPECT_EQ(data[19 + 18], 0.0f);
  EXPECT_EQ(data[38], 0.0f);
  params.outer = 0;
  ASSERT_TRUE(PrepareSoftmax(&params).ok());
  EXPECT_EQ(params.tile_count, 0);
}

TEST_P(NormTest, GroupNorm) {
  for (const auto& [groups, group_channels] :
       {std::pair<int64_t, int64_t>{1, 1}, {1, 70}, {3, 5}, {8, 4}, {33, 1}, {2, 32}, {70, 3}, {5, 17}}) {
    for (int mask = 0; mask < 4; ++mask) {
      GroupNormParams params;
      params.samples = Pick(random_, 1, 3);
      params.rows = Pick(random_, 1, 150);
      params.groups = groups;
      params.group_channels = group_channels;
      params.epsilon = 1e-3f;
      const int64_t channels = groups * group_channels, rows = params.samples * params.rows;
      params.input_stride = channels + Pick(random_, 0, 2);
      params.output_stride = channels + Pick(random_, 0, 2);
      ASSERT_TRUE(PrepareGroupNorm(&params).ok());
      Guarded<float> in(
          Scaled(RandomFloats(random_, (rows - 1) * params.input_stride + channels), 2.0f, 10.0f));
      Guarded<float> scale(RandomFloats(random_, channels)), bias(RandomFloats(random_, channels));
      Guarded<float> out((rows - 1) * params.output_stride + channels);
      RunTiles(kernels().group_norm_f32, &params,
               {in.data(), mask & 1 ? scale.data() : nullptr, mask & 2 ? bias.data() : nullptr, out.data()},
               params.tile_count, 0, random_);
      for (int64_t s = 0; s < params.samples; ++s) {
        for (int64_t g = 0; g < groups; ++g) {
          const auto at = [&](int64_t row, int64_t c) -> double {
            return in[(s * params.rows + row) * params.input_stride + g * group_channels + c];
          };
          const auto count = static_cast<double>(params.rows * group_channels);
          double mean = 0, variance = 0;
          for (int64_t i = 0; i < params.rows * group_channels; ++i)
            mean += at(i / group_channels, i % group_channels) / count;
          for (int64_t i = 0; i < params.rows * group_channels; ++i)
            variance += std::pow(at(i / group_channels, i % group_channels) - mean, 2) / count;
          for (int64_t i = 0; i < params.rows * group_channels; ++i) {
            const int64_t row = i / group_channels, c = g * group_channels + i % group_channels;
            double expected = (at(row, i % group_channels) - mean) / std::sqrt(variance + 1e-3);
            if (mask & 1) expected *= scale[c];
            if (mask & 2) expected += bias[c];
            const double bound = 4e-6 / std::sqrt(variance + 1e-3) + 4e-6;
            ASSERT_TRUE(IsNear(out[(s * params.rows + row) * params.output_stride + c], expected, bound))
                << groups << " " << group_channels;
          }
        }
      }
    }
  }
}

TEST_P(NormTest, LayerNorm) {
  for (int64_t columns : {1, 2, 3, 5, 8, 15, 16, 17, 33, 384, 1000}) {
    for (int mask = 0; mask < 8; ++mask) {
      LayerNormParams params;
      params.root_mean_square = (mask & 4) != 0;
      params.rows = Pick(random_, 1, 6);
      params.columns = columns;
      params.input_stride = columns + Pick(random_, 0, 2);
      params.output_stride = columns + Pick(random_, 0, 2);
      params.epsilon = 1e-3f;
      ASSERT_TRUE(PrepareLayerNorm(&params).ok());
      Guarded<float> in(
          Scaled(RandomFloats(random_, (params.rows - 1) * params.input_stride + columns), 2.0f, 10.0f));
      Guarded<float> scale(RandomFloats(random_, columns));
      Guarded<float> bias(RandomFloats(random_, columns));
      Guarded<float> out((params.rows - 1) * params.output_stride + columns);
      RunTiles(kernels().layer_norm_f32, &params,
               {in.data(), mask & 1 ? scale.data() : nullptr, mask & 2 ? bias.data() : nullptr, out.data()},
               params.tile_count, 0, random_);
      for (int64_t r = 0; r < params.rows; ++r) {
        const float* row = in.data() + r * params.input_stride;
        double mean = 0;
        double variance = 0;
        for (int64_t i = 0; i < columns && !params.root_mean_square; ++i) {
          mean += row[i] / static_cast<double>(columns);
        }
        for (int64_t i = 0; i < columns; ++i)
          variance += (row[i] - mean) * (row[i] - mean) / static_cast<double>(columns);
        for (int64_t i = 0; i < columns; ++i) {
          double expected = (row[i] - mean) / std::sqrt(variance + 1e-3);
          if (mask & 1) expected *= scale[i];
          if (mask & 2) expected += bias[i];
          // A mean of about 10 in float is off by some 1e-6; small deviations magnify it by 1 /
          // sqrt(epsilon).
          const double bound = 4e-6 / std::sqrt(variance + 1e-3) + 4e-6;
          ASSERT_TRUE(IsNear(out[r * params.output_stride + i], expected, bound)) << columns;
        }
      }
    }
  }
}

double Reference(ReduceOp op, const std::vector<double>& values) {
  double sum = 0, squares = 0, product = 1, most = -INFINITY, least = INFINITY;
  bool has_nan = false;
  for (double value : values) {
    sum += value;
    squares += value * value;
    product *= value;
    most = std::max(most, value);
    least = std::min(least, value);
    has_nan = has_nan || std::isnan(value);
  }
  switch (op) {
    case ReduceOp::kSum:
      return sum;
    case ReduceOp::kMean:
      return sum / static_cast<double>(values.size());
    case ReduceOp::kMax:
      return has_nan ? NAN : most;
    case ReduceOp::kMin:
      return has_nan ? NAN : least;
    case ReduceOp::kProd:
      return product;
    case ReduceOp::kSumSquare:
      return squares;
    case ReduceOp::kL2:
      return std::sqrt(squares);
  }
  return 0;
}

TEST_P(NormTest, Reduce) {
  for (int k = 0; k <= static_cast<int>(ReduceOp::kL2); ++k) {
    for (int64_t reduced : {0, 1, 3, 16, 49, 65, 130, 1037, 4099}) {
      for (int64_t inner : {1, 2, 7, 16, 67, 133}) {
        if (reduced * inner > 9000) continue;
        ReduceParams params;
        params.op = static_cast<ReduceOp>(k);
        params.outer = Pick(random_, 1, 3);
        params.reduced = reduced;
        params.inner = inner;
        params.input_stride = inner == 1 ? 1 : inner + Pick(random_, 0, 1);
        ASSERT_TRUE(PrepareReduce(&params).ok());
        const int64_t rows = params.outer * reduced;
        Guarded<float> in(RandomFloats(random_, rows == 0 ? 0 : (rows - 1) * params.input_stride + inner));
        if (in.size() > 20) in[Pick(random_, 0, in.size() - 1)] = NAN;
        Guarded<float> out(params.outer * inner);
        RunTiles(kernels().reduce_f32, &params, {in.data(), out.data()}, params.tile_count, 0, random_);
        for (int64_t o = 0; o < params.outer; ++o) {
          for (int64_t c = 0; c < inner; ++c) {
            std::vector<double> values;
            for (int64_t i = 0; i < reduced; ++i)
              values.push_back(in[(o * reduced + i) * params.input_stride + c]);
            const double expected = Reference(params.op, values);
            const double bound =
                1e-6 + 3e-7 * static_cast<double>(reduced) *
                           (params.op == ReduceOp::kMean ? 1.0 / static_cast<double>(reduced) : 1.0);
            ASSERT_TRUE(IsNear(out[o * inner + c], expected, bound)) << k << " " << reduced << " " << inner;
          }
        }
      }
    }
  }
}

// However the columns are cut, each is the same sum: what a thread gets must not matter.
TEST_P(NormTest, TilesDoNotChangeTheSum) {
  ReduceParams params;
  params.op = ReduceOp::kSum;
  params.reduced = 401;
  params.inner = 517;
  params.input_stride = 517;
  ASSERT_TRUE(PrepareReduce(&params).ok());
  EXPECT_GT(params.tile_count, 1);
  Guarded<float> in(RandomFloats(random_, 401 * 517));
  Guarded<float> out(517);
  RunTiles(kernels().reduce_f32, &params, {in.data(), out.data()}, params.tile_count, 0, random_);
  params.tiles = CutRows(1, 517, 517);
  Guarded<float> whole(517);
  RunTiles(kernels().reduce_f32, &params, {in.data(), whole.data()}, 1, 0, random_);
  EXPECT_EQ(std::memcmp(out.data(), whole.data(), 517 * sizeof(float)), 0);
}

TEST(CollapseReduction, JoinsNeighbours) {
  ReduceParams params;
  const int32_t middle[] = {1, 2};
  ASSERT_TRUE(CollapseReduction(Shape({2, 7, 5, 3}), middle, &params).ok());
  EXPECT_EQ(params.outer, 2);
  EXPECT_EQ(params.reduced, 35);
  EXPECT_EQ(params.inner, 3);
  const int32_t split[] = {0, 2};
  EXPECT_EQ(CollapseReduction(Shape({2, 7, 5, 3}), split, &params).code(), StatusCode::kUnsupported);
  ASSERT_TRUE(CollapseReduction(Shape({2, 1, 5, 3}), split, &params).ok());
  EXPECT_EQ(params.reduced, 10);
}

template <typename T>
void CheckPlaces(const NormKernels& kernels, ArgReduceParams params, Random& random) {
  params.dtype = DTypeOf<T>();
  ASSERT_TRUE(PrepareArgReduce(&params).ok());
  Guarded<T> in(params.outer * params.axis * params.inner);
  for (int64_t i = 0; i < in.size(); ++i) in[i] = static_cast<T>(Pick(random, 0, 9));  // many are equal
  const int64_t results = params.outer * params.inner;
  Guarded<int64_t> wide(params.wide ? results : 0);
  Guarded<int32_t> narrow(params.wide ? 0 : results);
  void* out = params.wide ? static_cast<void*>(wide.data()) : narrow.data();
  RunTiles(kernels.arg_reduce, &params, {in.data(), out}, params.tile_count, 0, random);
  for (int64_t r = 0; r < results; ++r) {
    std::vector<T> values;
    for (int64_t i = 0; i < params.axis; ++i) {
      values.push_back(in[(r / params.inner * params.axis + i) * params.inner + r % params.inner]);
    }
    const T best = params.smallest ? *std::min_element(values.begin(), values.end())
                                   : *std::max_element(values.begin(), values.end());
    const int64_t first = std::find(values.begin(), values.end(), best) - values.begin();
    const int64_t last = values.rend() - std::find(values.rbegin(), values.rend(), best) - 1;
    ASSERT_EQ(params.wide ? wide[r] : narrow[r], params.select_last ? last : first)
        << params.outer << " " << params.axis << " " << params.inner;
  }
}

TEST_P(NormTest, Places) {
  for (int i = 0; i < 100; ++i) {
    ArgReduceParams params;
    params.smallest = Pick(random_, 0, 1) != 0;
    params.select_last = Pick(random_, 0, 1) != 0;
    params.wide = Pick(random_, 0, 1) != 0;
    params.outer = Pick(random_, 0, 5);
    params.axis = Pick(random_, 1, 40);
    params.inner = Pick(random_, 0, 2) == 0 ? 1 : Pick(random_, 0, 200);
    CheckPlaces<float>(kernels(), params, random_);
    CheckPlaces<int8_t>(kernels(), params, random_);
    CheckPlaces<uint8_t>(kernels(), params, random_);
    CheckPlaces<int16_t>(kernels(), params, random_);
    CheckPlaces<int32_t>(kernels(), params, random_);
    CheckPlaces<int64_t>(kernels(), params, random_);
  }
}

}  // namespace
}  // namespace mace::kernels
