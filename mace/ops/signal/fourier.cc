#include "mace/ops/signal/fourier.h"

#include <cmath>
#include <numbers>

namespace mace::ops {

namespace {

int64_t SmallestFactor(int64_t n) {
  if (n % 2 == 0) return 2;
  for (int64_t factor = 3; factor * factor <= n; factor += 2) {
    if (n % factor == 0) return factor;
  }
  return n;
}

int64_t LargestFactor(int64_t n) {
  int64_t largest = 1;
  while (n > 1) {
    largest = SmallestFactor(n);
    n /= largest;
  }
  return largest;
}

}  // namespace

Status FourierTransform::Prepare(int64_t length, bool inverse) {
  length_ = length;
  MACE_RETURN_IF_ERROR(roots_.Resize(static_cast<size_t>(length)));
  MACE_RETURN_IF_ERROR(scratch_.Resize(static_cast<size_t>(LargestFactor(length))));
  const double step = (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(length);
  for (int64_t k = 0; k < length; ++k) {
    const double angle = step * static_cast<double>(k);
    roots_[static_cast<size_t>(k)] = {std::cos(angle), std::sin(angle)};
  }
  return Status::Ok();
}

void FourierTransform::Run(const Complex* in, Complex* out) { Transform(in, 1, length_, 1, out); }

// Cooley and Tukey (Math. Comp. 19, 1965) for any factors, the smallest first: `factor` transforms of every
// factor-th element, combined by a direct transform of length `factor` for each k. A prime is transformed
// directly, in quadratic time.
void FourierTransform::Transform(const Complex* in, int64_t stride, int64_t length, int64_t root_step,
                                 Complex* out) {
  if (length == 1) {
    out[0] = in[0];
    return;
  }
  const int64_t factor = SmallestFactor(length), part = length / factor;
  for (int64_t r = 0; r < factor; ++r) {
    Transform(in + r * stride, stride * factor, part, root_step * factor, out + r * part);
  }
  for (int64_t k = 0; k < part; ++k) {
    for (int64_t q = 0; q < factor; ++q) {
      // Output k + q * part: the sum over r of part r's element k times root^(r * (k + q * part)).
      const int64_t step = k + q * part;
      Complex sum;
      int64_t power = 0;
      for (int64_t r = 0; r < factor; ++r) {
        const Complex& root = roots_[static_cast<size_t>(power * root_step)];
        const Complex& value = out[r * part + k];
        sum.re += value.re * root.re - value.im * root.im;
        sum.im += value.re * root.im + value.im * root.re;
        power += step;
        if (power >= length) power -= length;
      }
      scratch_[static_cast<size_t>(q)] = sum;
    }
    for (int64_t q = 0; q < factor; ++q) out[k + q * part] = scratch_[static_cast<size_t>(q)];
  }
}

}  // namespace mace::ops
