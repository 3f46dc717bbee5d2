// Each function of the vocabulary, on each instruction set that was compiled and that the CPU (or emulator)
// has, against libm and plain loops.
#include "mace/simd/simd_test.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "mace/core/guarded_memory_testing.h"
#include "mace/simd/isa.h"
#include "mace/simd/running_isa.h"

namespace mace {

#define MACE_ISA(name, Name, architecture, kind, proven)  \
  namespace isa_##name {                                  \
    extern const simd_test::Functions kSimdTestFunctions; \
  }
#include "mace/simd/isa.def"
#undef MACE_ISA

namespace {

using simd_test::Functions;

struct Row {
  Isa isa;
  const Functions* functions;
};

std::vector<Row> Rows() {
  std::vector<Row> compiled = {
      {Isa::kScalar, &isa_scalar::kSimdTestFunctions},
#ifdef MACE_HAVE_ISA_SSE4
      {Isa::kSse4, &isa_sse4::kSimdTestFunctions},
#endif
#ifdef MACE_HAVE_ISA_AVX2
      {Isa::kAvx2, &isa_avx2::kSimdTestFunctions},
#endif
#ifdef MACE_HAVE_ISA_AVX512
      {Isa::kAvx512, &isa_avx512::kSimdTestFunctions},
#endif
#ifdef MACE_HAVE_ISA_NEON
      {Isa::kNeon, &isa_neon::kSimdTestFunctions},
#endif
#ifdef MACE_HAVE_ISA_SVE
      {Isa::kSve, &isa_sve::kSimdTestFunctions},
#endif
#ifdef MACE_HAVE_ISA_RVV
      {Isa::kRvv, &isa_rvv::kSimdTestFunctions},
#endif
  };
  const CpuFeatures features = FeaturesForTests();
  std::vector<Row> rows;
  for (const Row& row : compiled) {
    if (features.Has(row.isa)) rows.push_back(row);
  }
  return rows;
}

class Simd : public testing::TestWithParam<Row> {
 protected:
  const Functions& f() const { return *GetParam().functions; }
};

INSTANTIATE_TEST_SUITE_P(Isa, Simd, testing::ValuesIn(Rows()),
                         [](const auto& info) { return NameOf(info.param.isa); });

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();

const std::vector<float>& SpecialFloats() {
  static const std::vector<float> values = {
      0.0f,        -0.0f,      1.0f,    -1.0f,           0.5f,          -0.5f,      1.5f,       2.5f,
      -2.5f,       3.4999998f, 1e-5f,   -1e5f,           88.0f,         -88.0f,     8388607.5f, -8388607.5f,
      16777216.0f, 1e30f,      -1e30f,  3.4028235e38f,   kInf,          -kInf,      kNaN,       kDenormal,
      -kDenormal,  1e-40f,     -1e-40f, 1.17549435e-38f, 2147483520.0f, 0.99999994f};
  return values;
}

// Special values, then values of every magnitude, then moderate ones.
std::vector<float> TestFloats(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> moderate(-20.0f, 20.0f);
  std::vector<float> values = SpecialFloats();
  while (values.size() < count / 2) {
    const uint32_t bits = random();
    float value;
    std::memcpy(&value, &bits, 4);
    values.push_back(value);
  }
  while (values.size() < count) values.push_back(moderate(random));
  std::shuffle(values.begin(), values.end(), random);
  return values;
}

bool SameFloat(float a, float b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::memcmp(&a, &b, 4) == 0;
}

template <typename Function, typename Reference>
void ExpectUnary(const char* name, Function function, Reference reference) {
  const std::vector<float> x = TestFloats(997, 1);
  std::vector<float> y(x.size());
  function(x.data(), y.data(), static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    const float expected = reference(x[i]);
    ASSERT_TRUE(SameFloat(y[i], expected)) << name << "(" << x[i] << ") = " << y[i] << ", not " << expected;
  }
}

TEST_P(Simd, UnaryFloat) {
  ExpectUnary("Sqrt", f().sqrt, [](float x) { return std::sqrt(x); });
  ExpectUnary("Abs", f().abs, [](float x) { return std::fabs(x); });
  ExpectUnary("Neg", f().neg, [](float x) { return -x; });
  ExpectUnary("Round", f().round, [](float x) { return std::nearbyint(x); });
  ExpectUnary("Floor", f().floor, [](float x) { return std::floor(x); });
  ExpectUnary("Ceil", f().ceil, [](float x) { return std::ceil(x); });
  ExpectUnary("Truncate", f().truncate, [](float x) { return std::trunc(x); });
  ExpectUnary(
      "BitCast",
      [this](const float* x, float* y, int64_t n) {
        std::vector<int32_t> bits(static_cast<size_t>(n));
        f().bits_of(x, bits.data(), n);
        EXPECT_EQ(std::memcmp(bits.data(), x, static_cast<size_t>(n) * 4), 0);
        f().from_bits(bits.data(), y, n);
      },
      [](float x) { return x; });
}

template <typename Function, typename Reference>
void ExpectBinary(const char* name, Function function, Reference reference) {
  const std::vector<float> a = TestFloats(997, 2);
  const std::vector<float> b = TestFloats(997, 3);
  // Each special value meets each.
  std::vector<float> left = a;
  std::vector<float> right = b;
  for (float p : SpecialFloats()) {
    for (float q : SpecialFloats()) {
      left.push_back(p);
      right.push_back(q);
    }
  }
  std::vector<float> y(left.size());
  function(left.data(), right.data(), y.data(), static_cast<int64_t>(left.size()));
  for (size_t i = 0; i < left.size(); ++i) {
    ASSERT_TRUE(reference(left[i], right[i], y[i]))
        << name << "(" << left[i] << ", " << right[i] << ") = " << y[i];
  }
}

TEST_P(Simd, BinaryFloat) {
  ExpectBinary("Add", f().add, [](float a, float b, float y) { return SameFloat(y, a + b); });
  ExpectBinary("Sub", f().sub, [](float a, float b, float y) { return SameFloat(y, a - b); });
  ExpectBinary("Mul", f().mul, [](float a, float b, float y) { return SameFloat(y, a * b); });
  ExpectBinary("Div", f().div, [](float a, float b, float y) { return SameFloat(y, a / b); });
  ExpectBinary("CopySign", f().copy_sign,
               [](float a, float b, float y) { return SameFloat(y, std::copysign(a, b)); });
  // The second operand's NaN propagates; a NaN in the first gives either operand.
  ExpectBinary("Min", f().min, [](float a, float b, float y) {
    if (std::isnan(b)) return std::isnan(y);
    if (std::isnan(a)) return std::isnan(y) || y == b;
    return y == std::min(a, b);
  });
  ExpectBinary("Max", f().max, [](float a, float b, float y) {
    if (std::isnan(b)) return std::isnan(y);
    if (std::isnan(a)) return std::isnan(y) || y == b;
    return y == std::max(a, b);
  });
  ExpectBinary("MinNaN", f().min_nan, [](float a, float b, float y) {
    return std::isnan(a) || std::isnan(b) ? std::isnan(y) : y == std::min(a, b);
  });
  ExpectBinary("MaxNaN", f().max_nan, [](float a, float b, float y) {
    return std::isnan(a) || std::isnan(b) ? std::isnan(y) : y == std::max(a, b);
  });
}

TEST_P(Simd, MulAdd) {
  const std::vector<float> a = TestFloats(1499, 4);
  const std::vector<float> b = TestFloats(1499, 5);
  const std::vector<float> c = TestFloats(1499, 6);
  std::vector<float> sum(a.size());
  std::vector<float> difference(a.size());
  f().mul_add(a.data(), b.data(), c.data(), sum.data(), 1499);
  f().neg_mul_add(a.data(), b.data(), c.data(), difference.data(), 1499);
  for (size_t i = 0; i < a.size(); ++i) {
    volatile float product = a[i] * b[i];
    const float expected_sum = f().fused ? std::fma(a[i], b[i], c[i]) : product + c[i];
    const float expected_difference = f().fused ? std::fma(-a[i], b[i], c[i]) : c[i] - product;
    ASSERT_TRUE(SameFloat(sum[i], expected_sum)) << a[i] << " * " << b[i] << " + " << c[i] << " = " << sum[i];
    ASSERT_TRUE(SameFloat(difference[i], expected_difference))
        << c[i] << " - " << a[i] << " * " << b[i] << " = " << difference[i];
  }
}

TEST_P(Simd, Comparisons) {
  struct Case {
    const char* name;
    simd_test::Comparison function;
    std::function<bool(float, float)> reference;
  };
  const Case cases[] = {
      {"Less", f().less, [](float a, float b) { return a < b; }},
      {"LessEqual", f().less_equal, [](float a, float b) { return a <= b; }},
      {"Greater", f().greater, [](float a, float b) { return a > b; }},
      {"GreaterEqual", f().greater_equal, [](float a, float b) { return a >= b; }},
      {"Equal", f().equal, [](float a, float b) { return a == b; }},
      {"NotEqual", f().not_equal, [](float a, float b) { return a != b; }},
      {"MaskAnd, MaskNot", f().less_and_not_nan, [](float a, float b) { return a < b && !std::isnan(a); }},
      {"MaskOr", f().less_or_nan, [](float a, float b) { return a < b || std::isnan(a); }},
  };
  std::vector<float> a, b;
  for (float p : SpecialFloats()) {
    for (float q : SpecialFloats()) {
      a.push_back(p);
      b.push_back(q);
    }
  }
  std::vector<int32_t> y(a.size());
  for (const Case& c : cases) {
    c.function(a.data(), b.data(), y.data(), static_cast<int64_t>(a.size()));
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(y[i], c.reference(a[i], b[i]) ? 1 : 0) << c.name << "(" << a[i] << ", " << b[i] << ")";
    }
  }
  const std::vector<float> p = {-3, 5, 7, 7, 2147483520.0f, -2147483648.0f, 0};
  const std::vector<float> q = {2, 5, -7, 8, -2147483648.0f, 2147483520.0f, 0};
  f().greater_int(p.data(), q.data(), y.data(), 7);
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(y[i], p[i] > q[i] ? 1 : 0);
  f().less_int(p.data(), q.data(), y.data(), 7);
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(y[i], p[i] < q[i] ? 1 : 0);
  f().equal_int(p.data(), q.data(), y.data(), 7);
  for (size_t i = 0; i < 7; ++i) EXPECT_EQ(y[i], p[i] == q[i] ? 1 : 0);
  EXPECT_EQ(f().select_int(1, 12, -5), 12);
  EXPECT_EQ(f().select_int(0, 12, -5), -5);
}

TEST_P(Simd, Integers) {
  std::mt19937 random(7);
  std::vector<int32_t> a = {0, 1, -1, INT32_MAX, INT32_MIN, INT32_MIN, 255, 65536};
  std::vector<int32_t> b = {5, INT32_MAX, INT32_MIN, 1, -1, INT32_MIN, -256, 65536};
  while (a.size() < 333) {
    a.push_back(static_cast<int32_t>(random()));
    b.push_back(static_cast<int32_t>(random()));
  }
  const auto wrap = [](int64_t x) { return static_cast<int32_t>(static_cast<uint32_t>(x)); };
  struct Case {
    const char* name;
    simd_test::IntBinary function;
    std::function<int32_t(int64_t, int64_t)> reference;
  };
  const Case cases[] = {
      {"Add", f().add_int, [=](int64_t x, int64_t y) { return wrap(x + y); }},
      {"Sub", f().sub_int, [=](int64_t x, int64_t y) { return wrap(x - y); }},
      {"Mul", f().mul_int, [=](int64_t x, int64_t y) { return wrap(x * y); }},
      {"Min", f().min_int, [=](int64_t x, int64_t y) { return wrap(std::min(x, y)); }},
      {"Max", f().max_int, [=](int64_t x, int64_t y) { return wrap(std::max(x, y)); }},
      {"And", f().and_int, [=](int64_t x, int64_t y) { return wrap(x & y); }},
      {"AndNot", f().and_not_int, [=](int64_t x, int64_t y) { return wrap(~x & y); }},
      {"Or", f().or_int, [=](int64_t x, int64_t y) { return wrap(x | y); }},
      {"Xor", f().xor_int, [=](int64_t x, int64_t y) { return wrap(x ^ y); }},
  };
  std::vector<int32_t> y(a.size());
  const int64_t count = static_cast<int64_t>(a.size());
  for (const Case& c : cases) {
    c.function(a.data(), b.data(), y.data(), count);
    for (size_t i = 0; i < a.size(); ++i)
      ASSERT_EQ(y[i], c.reference(a[i], b[i])) << c.name << " " << a[i] << " " << b[i];
  }
  for (int shift : {0, 1, 13, 31}) {
    f().shift_left(a.data(), shift, y.data(), count);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(y[i], wrap(static_cast<int64_t>(a[i]) << shift)) << shift;
    f().shift_right(a.data(), shift, y.data(), count);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(y[i], a[i] >> shift) << shift;
    f().shift_right_logical(a.data(), shift, y.data(), count);
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(static_cast<uint32_t>(y[i]), static_cast<uint32_t>(a[i]) >> shift) << shift;
    }
  }
}

TEST_P(Simd, Conversions) {
  std::vector<float> x = {0.5f,        1.5f,       2.5f,          -0.5f,          -1.5f,
                          0.49999997f, 8388607.5f, 2147483520.0f, -2147483648.0f, -7.9f};
  std::mt19937 random(8);
  std::uniform_real_distribution<float> real(-1e6f, 1e6f);
  while (x.size() < 301) x.push_back(real(random));
  std::vector<int32_t> y(x.size());
  f().convert_to_int(x.data(), y.data(), 301);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], static_cast<int32_t>(std::nearbyint(x[i]))) << x[i];
  f().convert_truncate_to_int(x.data(), y.data(), 301);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], static_cast<int32_t>(x[i])) << x[i];
  for (int32_t& value : y) value = static_cast<int32_t>(random());
  std::vector<float> z(x.size());
  f().convert_from_int(y.data(), z.data(), 301);
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(z[i], static_cast<float>(y[i])) << y[i];
}

// The value of a half by its definition.
double HalfValue(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1.0 : 1.0;
  if (exponent == 31) return mantissa != 0 ? std::nan("") : sign * INFINITY;
  return sign * (exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25));
}

TEST_P(Simd, LoadsEveryHalf) {
  std::vector<uint16_t> halves(65536);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i);
  std::vector<float> y(halves.size());
  f().load_f16(halves.data(), y.data(), 65536);
  std::vector<uint16_t> back(halves.size());
  f().store_f16(y.data(), back.data(), 65536);
  for (size_t i = 0; i < halves.size(); ++i) {
    ASSERT_TRUE(SameFloat(y[i], static_cast<float>(HalfValue(halves[i])))) << i << " gives " << y[i];
    if (std::isnan(y[i])) {
      ASSERT_TRUE(std::isnan(HalfValue(back[i]))) << i;
    } else {
      ASSERT_EQ(back[i], halves[i]);
    }
  }
}

TEST_P(Simd, StoresNearestHalf) {
  std::vector<float> x = TestFloats(2001, 9);
  // Ties, the largest half and what rounds to it, denormal halves.
  for (float value : {65504.0f, 65519.996f, 65520.0f, 65536.0f, 2049.0f, 2051.0f, 5.9604645e-8f,
                      2.9802322e-8f, 2.9802326e-8f, 6.1035156e-5f, 6.1005354e-5f, 6.103e-5f}) {
    x.push_back(value);
    x.push_back(-value);
  }
  std::vector<uint16_t> y(x.size());
  f().store_f16(x.data(), y.data(), static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) {
      ASSERT_TRUE(std::isnan(HalfValue(y[i])));
      continue;
    }
    ASSERT_EQ(std::signbit(x[i]), (y[i] & 0x8000) != 0);
    const uint16_t magnitude = y[i] & 0x7fff;
    const double wanted = std::fabs(static_cast<double>(x[i]));
    ASSERT_LE(magnitude, 0x7c00) << x[i];
    if (magnitude == 0x7c00) {
      ASSERT_GE(wanted, 65520.0);
      continue;
    }
    // No neighbour is nearer; of two as near the even one. Infinity counts as 65536.
    const double error = std::fabs(HalfValue(magnitude) - wanted);
    const double above = magnitude == 0x7bff ? 65536.0 : HalfValue(static_cast<uint16_t>(magnitude + 1));
    ASSERT_TRUE(error < above - wanted || (error == above - wanted && magnitude % 2 == 0)) << x[i];
    if (magnitude > 0) {
      const double below = wanted - HalfValue(static_cast<uint16_t>(magnitude - 1));
      ASSERT_TRUE(error < below || (error == below && magnitude % 2 == 0)) << x[i];
    }
  }
}

TEST_P(Simd, Bytes) {
  std::vector<uint8_t> bytes(256 + 37);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i);
  const int64_t count = static_cast<int64_t>(bytes.size());
  std::vector<int32_t> y(bytes.size());
  f().load_u8(bytes.data(), y.data(), count);
  for (size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(y[i], bytes[i]);
  f().load_i8(reinterpret_cast<const int8_t*>(bytes.data()), y.data(), count);
  for (size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(y[i], static_cast<int8_t>(bytes[i]));
  std::vector<int32_t> x = {0,   255,   256,   -1,     -128,  -129,      127,
                            128, 32767, 32768, -32769, 65536, INT32_MAX, INT32_MIN};
  for (int32_t i = -200; i < 300; ++i) x.push_back(i);
  std::vector<uint8_t> unsigned_bytes(x.size());
  std::vector<int8_t> signed_bytes(x.size());
  f().store_u8(x.data(), unsigned_bytes.data(), static_cast<int64_t>(x.size()));
  f().store_i8(x.data(), signed_bytes.data(), static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(unsigned_bytes[i], std::min(std::max(x[i], 0), 255)) << x[i];
    ASSERT_EQ(signed_bytes[i], std::min(std::max(x[i], -128), 127)) << x[i];
  }
}

TEST_P(Simd, Words) {
  std::vector<int16_t> words(65536 + 5);
  for (size_t i = 0; i < words.size(); ++i) words[i] = static_cast<int16_t>(i);
  std::vector<int32_t> y(words.size());
  f().load_i16(words.data(), y.data(), static_cast<int64_t>(words.size()));
  for (size_t i = 0; i < words.size(); ++i) ASSERT_EQ(y[i], words[i]);
  std::vector<int32_t> x = {0, -1, 32767, 32768, -32768, -32769, 65535, 65536, INT32_MAX, INT32_MIN, 1 << 30};
  for (int32_t i = -70000; i < 70000; i += 17) x.push_back(i);
  f().store_i16(x.data(), words.data(), static_cast<int64_t>(x.size()));
  for (size_t i = 0; i < x.size(); ++i) ASSERT_EQ(words[i], std::min(std::max(x[i], -32768), 32767)) << x[i];
}

// Numbers around each power of two, of both signs, and random ones.
std::vector<int32_t> IntegersOfEverySize(std::mt19937& random) {
  std::vector<int32_t> values = {INT32_MIN, INT32_MIN + 1, 0};
  for (int bit = 0; bit < 31; ++bit) {
    for (int32_t near : {-1, 0, 1}) {
      values.push_back((1 << bit) + near);
      values.push_back(-(1 << bit) - near);
      values.push_back(static_cast<int32_t>((int64_t{1} << bit) * 3 / 2 + near));
    }
  }
  for (int i = 0; i < 200; ++i) values.push_back(static_cast<int32_t>(random()) >> (random() % 32));
  return values;
}

TEST_P(Simd, ShiftsOfEachLane) {
  std::mt19937 random(11);
  std::vector<int32_t> a, counts;
  for (int32_t value : IntegersOfEverySize(random)) {
    for (int32_t count = 0; count < 32; ++count) {
      a.push_back(value);
      counts.push_back((count + static_cast<int32_t>(a.size() / 32) * 7) % 32);
    }
  }
  const int64_t size = static_cast<int64_t>(a.size());
  std::vector<int32_t> y(a.size());
  f().shift_left_each(a.data(), counts.data(), y.data(), size);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(static_cast<uint32_t>(y[i]), static_cast<uint32_t>(a[i]) << counts[i]) << a[i];
  }
  f().rounding_shift_right(a.data(), counts.data(), y.data(), size);
  for (size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(y[i], std::lround(std::ldexp(static_cast<double>(a[i]), -counts[i])))
        << a[i] << " " << counts[i];
  }
}

TEST_P(Simd, MulHighRounded) {
  std::mt19937 random(12);
  const std::vector<int32_t> values = IntegersOfEverySize(random);
  std::vector<int32_t> a, b;
  for (int32_t left : values) {
    for (int32_t right : values) {
      if (left == INT32_MIN && right == INT32_MIN) continue;
      a.push_back(left);
      b.push_back(right);
    }
  }
  std::vector<int32_t> y(a.size());
  f().mul_high_rounded(a.data(), b.data(), y.data(), static_cast<int64_t>(a.size()));
  for (size_t i = 0; i < a.size(); ++i) {
    // The product in halves, so that nothing rounds but the last step: floor(product / 2^31 + 1/2).
    const int64_t product = int64_t{a[i]} * b[i];
    const int64_t expected = (product >> 31) + ((product >> 30) & 1);
    ASSERT_EQ(y[i], expected) << a[i] << " * " << b[i];
  }
}

TEST_P(Simd, Reductions) {
  const size_t lanes = static_cast<size_t>(f().lanes());
  std::mt19937 random(10);
  std::vector<float> x(lanes);
  std::vector<int32_t> integers(lanes);
  for (int round = 0; round < 20; ++round) {
    double sum = 0.0, magnitude = 0.0;
    int64_t integer_sum = 0;
    for (size_t i = 0; i < lanes; ++i) {
      x[i] = std::normal_distribution<float>()(random);
      integers[i] = static_cast<int32_t>(random()) >> 8;
      sum += x[i];
      magnitude += std::fabs(x[i]);
      integer_sum += integers[i];
    }
    EXPECT_NEAR(f().reduce_add(x.data()), sum, magnitude * 1e-6);
    EXPECT_EQ(f().reduce_max(x.data()), *std::max_element(x.begin(), x.end()));
    EXPECT_EQ(f().reduce_min(x.data()), *std::min_element(x.begin(), x.end()));
    EXPECT_EQ(f().reduce_add_int(integers.data()), static_cast<int32_t>(integer_sum));
    for (size_t i = 0; i < lanes; ++i) integers[i] = i + static_cast<size_t>(round) + 1 == lanes ? 1 : 0;
    EXPECT_EQ(f().any_not_zero(integers.data()), static_cast<size_t>(round) < lanes);
  }
}

// Distance from the exact value in units in the last place of the nearest float.
double UlpError(float got, double exact) {
  const float nearest = static_cast<float>(exact);
  if (std::isnan(exact)) return std::isnan(got) ? 0.0 : INFINITY;
  if (std::isinf(nearest) || std::isinf(got)) return nearest == got ? 0.0 : INFINITY;
  const float next = std::nextafter(std::fabs(nearest), kInf);
  const double ulp = std::isinf(next) ? std::ldexp(1.0, 104) : static_cast<double>(next) - std::fabs(nearest);
  return std::fabs(got - exact) / ulp;
}

TEST_P(Simd, Math) {
  struct Case {
    const char* name;
    simd_test::FloatUnary function;
    double (*reference)(double);
    double max_ulp;
  };
  const Case cases[] = {
      {"Exp", f().exp, [](double x) { return std::exp(x); }, 1.0},
      {"Log", f().log, [](double x) { return std::log(x); }, 1.0},
      {"Tanh", f().tanh, [](double x) { return std::tanh(x); }, 1.6},
      {"Sigmoid", f().sigmoid,
       [](double x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }, 2.5},
      {"Erf", f().erf, [](double x) { return std::erf(x); }, 1.2},
  };
  // Every magnitude: one float in 20,011 of all bit patterns, and the range where the functions bend.
  std::vector<float> x = SpecialFloats();
  for (uint64_t bits = 0; bits < (uint64_t{1} << 32); bits += 20011) {
    const uint32_t pattern = static_cast<uint32_t>(bits);
    float value;
    std::memcpy(&value, &pattern, 4);
    x.push_back(value);
  }
  for (int i = -110000; i <= 100000; i += 7) x.push_back(static_cast<float>(i) * 1e-3f);
  for (int i = -50000; i <= 50000; i += 3) x.push_back(static_cast<float>(i) * 1e-4f);
  std::vector<float> y(x.size());
  for (const Case& c : cases) {
    c.function(x.data(), y.data(), static_cast<int64_t>(x.size()));
    double worst = 0.0;
    float where = 0.0f;
    for (size_t i = 0; i < x.size(); ++i) {
      const double error = UlpError(y[i], c.reference(x[i]));
      if (!(error <= worst)) {
        worst = error;
        where = x[i];
      }
    }
    EXPECT_LE(worst, c.max_ulp) << c.name << " at " << where;
    RecordProperty(c.name, std::to_string(worst));
    std::printf("%-8s %.3f ulp at %g\n", c.name, worst, static_cast<double>(where));
  }
}

// Whole and partial loads and stores right up to pages that may not be touched.
TEST_P(Simd, PartialAccessStaysInside) {
  const size_t lanes = static_cast<size_t>(f().lanes());
  for (bool at_start : {false, true}) {
    for (size_t n = 0; n <= lanes; ++n) {
      Guarded<float> x(n, at_start);
      for (size_t i = 0; i < n; ++i) x[i] = static_cast<float>(i + 1);
      std::vector<float> y(lanes, -1.0f);
      f().load_partial(x.data(), y.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < lanes; ++i) ASSERT_EQ(y[i], i < n ? static_cast<float>(i + 1) : 0.0f);
      for (size_t i = 0; i < lanes; ++i) y[i] = static_cast<float>(10 * i + 7);
      f().store_partial(y.data(), x.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(x[i], static_cast<float>(10 * i + 7));

      Guarded<int32_t> integers(n, at_start);
      for (size_t i = 0; i < n; ++i) integers[i] = static_cast<int32_t>(i) - 3;
      std::vector<int32_t> z(lanes, -1);
      f().mask_first(z.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < lanes; ++i) ASSERT_EQ(z[i], i < n ? 1 : 0);
      f().load_partial_int(integers.data(), z.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < lanes; ++i) ASSERT_EQ(z[i], i < n ? static_cast<int32_t>(i) - 3 : 0);
      for (size_t i = 0; i < lanes; ++i) z[i] = static_cast<int32_t>(i * 100);
      f().store_partial_int(z.data(), integers.data(), static_cast<int64_t>(n));
      for (size_t i = 0; i < n; ++i) ASSERT_EQ(integers[i], static_cast<int32_t>(i * 100));
    }
  }
  Guarded<float> whole(lanes * 3);
  for (float& value : whole) value = 2.0f;
  std::vector<float> copy(lanes * 3);
  f().load_store(whole.data(), copy.data(), static_cast<int64_t>(copy.size()));
  EXPECT_EQ(std::memcmp(copy.data(), whole.data(), copy.size() * 4), 0);
  f().load_store(copy.data(), whole.data(), static_cast<int64_t>(copy.size()));
  Guarded<float> one(1);
  one[0] = 42.0f;
  f().broadcast(one.data(), copy.data(), 0);
  for (size_t i = 0; i < lanes; ++i) EXPECT_EQ(copy[i], 42.0f);
}

TEST_P(Simd, NarrowAccessStaysInside) {
  const size_t lanes = static_cast<size_t>(f().lanes());
  for (size_t n = 0; n <= 2 * lanes + 1; ++n) {
    const int64_t count = static_cast<int64_t>(n);
    Guarded<uint16_t> halves(n);
    Guarded<uint8_t> unsigned_bytes(n);
    Guarded<int8_t> signed_bytes(n);
    Guarded<int16_t> words(n);
    Guarded<float> floats(n);
    Guarded<int32_t> integers(n);
    for (size_t i = 0; i < n; ++i)
      floats[i] = static_cast<float>(i), integers[i] = static_cast<int32_t>(i) - 2;
    f().store_f16(floats.data(), halves.data(), count);
    f().load_f16(halves.data(), floats.data(), count);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(floats[i], static_cast<float>(i));
    f().store_i8(integers.data(), signed_bytes.data(), count);
    f().store_u8(integers.data(), unsigned_bytes.data(), count);
    f().load_i8(signed_bytes.data(), integers.data(), count);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(integers[i], std::min(static_cast<int32_t>(i) - 2, 127));
    f().load_u8(unsigned_bytes.data(), integers.data(), count);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(integers[i], std::max(static_cast<int32_t>(i) - 2, 0));
    f().store_i16(integers.data(), words.data(), count);
    f().load_i16(words.data(), integers.data(), count);
    for (size_t i = 0; i < n; ++i) ASSERT_EQ(integers[i], std::max(static_cast<int32_t>(i) - 2, 0));
  }
}

}  // namespace
}  // namespace mace
