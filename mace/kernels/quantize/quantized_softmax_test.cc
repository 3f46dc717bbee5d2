#include "mace/kernels/quantize/quantized_softmax.h"

#include "mace/kernels/kernel_test_support.h"
#include "mace/kernels/quantize/quantize.h"
#include "mace/kernels/quantize/quantize_test_support.h"

namespace mace::kernels {
namespace {

// Exponentials in the units of the arithmetic, `one` for 1.
template <typename E>
void FillExponentials(double rate, double one, Guarded<E>* table) {
  for (int64_t i = 0; i < table->size(); ++i) {
    const double value = std::exp(-rate * static_cast<double>(i)) * one;
    (*table)[i] = static_cast<E>(std::is_floating_point_v<E> ? value : std::round(value));
  }
}

// Each share is near to the quotient of its exponential and their sum; within half a unit where the
// arithmetic is in doubles. (That the integers are those of the reference kernel is
// lower_quantize_test.cc's.)
template <typename From, typename To, typename E>
void CheckSoftmax(Isa isa, SoftmaxArithmetic arithmetic, double one, Random& random) {
  QuantizedSoftmaxParams p;
  p.arithmetic = arithmetic;
  p.from = DTypeOf<From>();
  p.to = DTypeOf<To>();
  p.outer = Pick(random, 0, 4);
  p.axis = Pick(random, 0, 3) == 0 ? Pick(random, 100, 700) : Pick(random, 1, 40);
  p.inner = arithmetic == SoftmaxArithmetic::kDouble ? Pick(random, 1, 3) : 1;
  const double zero = arithmetic == SoftmaxArithmetic::kWords ? 0.0 : std::numeric_limits<To>::min();
  const double units = arithmetic == SoftmaxArithmetic::kWords ? 32768.0 : std::ldexp(1.0, 8 * sizeof(To));
  p.output_scale = static_cast<float>(1.0 / units);
  p.output_zero = static_cast<int32_t>(zero);
  ASSERT_TRUE(PrepareQuantizedSoftmax(&p).ok());
  const int64_t count = p.outer * p.axis * p.inner;
  Guarded<From> in(count);
  Guarded<To> out(count);
  Guarded<E> exponentials(int64_t{1} << (8 * sizeof(From)));
  Guarded<int16_t> reciprocals(65536);
  FillExponentials(0.03 * static_cast<double>(Pick(random, 0, 20)) / std::ldexp(1.0, 8 * sizeof(From) - 8),
                   one, &exponentials);
  for (int64_t i = 0; i < 65536; ++i) {
    reciprocals[i] = static_cast<int16_t>(std::round(32767.0 / (1.0 + static_cast<double>(i) / 65535.0)));
  }
  for (From& value : in) value = AnyInteger<From>(random);
  RunTiles(KernelsOf(isa).quantize->softmax, &p,
           {in.data(), out.data(), exponentials.data(), reciprocals.data()}, p.tile_count, 0, random);
  for (int64_t row = 0; row < p.outer * p.inner; ++row) {
    const auto at = [&](int64_t k) { return (row / p.inner * p.axis + k) * p.inner + row % p.inner; };
    int32_t greatest = in[at(0)];
    for (int64_t k = 0; k < p.axis; ++k) greatest = std::max<int32_t>(greatest, in[at(k)]);
    double sum = 0;
    for (int64_t k = 0; k < p.axis; ++k) sum += static_cast<double>(exponentials[greatest - in[at(k)]]);
    for (int64_t k = 0; k < p.axis; ++k) {
      const double share = static_cast<double>(exponentials[greatest - in[at(k)]]) / sum * units + zero;
      const double limit = static_cast<double>(std::numeric_limits<To>::max());
      const double slack = arithmetic == SoftmaxArithmetic::kDouble ? 0.5001 : 0.51 + units * 1.5e-4;
      ASSERT_NEAR(static_cast<double>(out[at(k)]), std::min(share, limit), slack)
          << NameOf(isa) << " axis " << p.axis << " element " << k;
    }
  }
}

TEST(QuantizedSoftmax, EveryArithmetic) {
  Random random(1);
  for (Isa isa : TestIsas()) {
    for (int round = 0; round < 16; ++round) {
      CheckSoftmax<int8_t, int8_t, int32_t>(isa, SoftmaxArithmetic::kBytes, 2147483647.0, random);
      CheckSoftmax<uint8_t, uint8_t, int32_t>(isa, SoftmaxArithmetic::kBytes, 2147483647.0, random);
      CheckSoftmax<int8_t, int16_t, int32_t>(isa, SoftmaxArithmetic::kBytes, 2147483647.0, random);
      CheckSoftmax<int8_t, uint8_t, double>(isa, SoftmaxArithmetic::kDouble, 1.0, random);
      CheckSoftmax<uint8_t, int8_t, double>(isa, SoftmaxArithmetic::kDouble, 1.0, random);
      if (round % 8 == 0) {
        CheckSoftmax<int16_t, int16_t, int16_t>(isa, SoftmaxArithmetic::kWords, 32767.0, random);
        CheckSoftmax<uint16_t, uint16_t, double>(isa, SoftmaxArithmetic::kDouble, 1.0, random);
      }
      if (HasFatalFailure()) return;
    }
  }
}

TEST(QuantizedSoftmax, RefusesWhatItDoesNotKnow) {
  QuantizedSoftmaxParams params;
  params.from = DType::kI16;
  EXPECT_FALSE(PrepareQuantizedSoftmax(&params).ok());
  params.arithmetic = SoftmaxArithmetic::kDouble;
  EXPECT_TRUE(PrepareQuantizedSoftmax(&params).ok());
  params.to = DType::kI32;
  EXPECT_FALSE(PrepareQuantizedSoftmax(&params).ok());
}

}  // namespace
}  // namespace mace::kernels
