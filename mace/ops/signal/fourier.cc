#include "mace/ops/signal/fourier.h"

#include <cmath>
#include <numbers>

#include "mace/core/memory.h"

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

// A direct transform takes quadratic time: a length from a file, of a large prime factor, would take hours.
constexpr int64_t kMaxDirectFactor = 128;

Complex Product(const Complex& a, const Complex& b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

}  // namespace

Status FourierTransform::Prepare(int64_t length, bool inverse) {
  length_ = length;
  if (LargestFactor(length) > kMaxDirectFactor) return PrepareChirp(inverse);
  MACE_RETURN_IF_ERROR(roots_.Resize(static_cast<size_t>(length)));
  MACE_RETURN_IF_ERROR(scratch_.Resize(static_cast<size_t>(LargestFactor(length))));
  const double step = (inverse ? 2 : -2) * std::numbers::pi / static_cast<double>(length);
  for (int64_t k = 0; k < length; ++k) {
    const double angle = step * static_cast<double>(k);
    roots_[static_cast<size_t>(k)] = {std::cos(angle), std::sin(angle)};
  }
  return Status::Ok();
}

// L. I. Bluestein: A linear filtering approach to the computation of the discrete Fourier transform (1968).
// 2 n k = n^2 + k^2 - (k - n)^2 makes a convolution with a chirp of the transform, which transforms of the
// next power of two compute.
Status FourierTransform::PrepareChirp(bool inverse) {
  int64_t padded = 1;
  while (padded < 2 * length_ - 1) padded *= 2;
  MACE_ASSIGN_OR_RETURN(longer_, MakeUnique<FourierTransform>());
  MACE_RETURN_IF_ERROR(longer_->Prepare(padded, /*inverse=*/false));
  MACE_RETURN_IF_ERROR(chirp_.Resize(static_cast<size_t>(length_)));
  for (Vector<Complex>* vector : {&response_, &padded_, &spectrum_}) {
    MACE_RETURN_IF_ERROR(vector->Resize(static_cast<size_t>(padded)));
  }
  const double step = (inverse ? 1 : -1) * std::numbers::pi / static_cast<double>(length_);
  int64_t square = 0;  // k^2 modulo 2 length, so that the angle stays small
  for (int64_t k = 0; k < length_; ++k) {
    const double angle = step * static_cast<double>(square);
    const Complex chirp = {std::cos(angle), std::sin(angle)};
    chirp_[static_cast<size_t>(k)] = chirp;
    padded_[static_cast<size_t>(k)] = {chirp.re, -chirp.im};
    if (k > 0) padded_[static_cast<size_t>(padded - k)] = {chirp.re, -chirp.im};
    square = (square + 2 * k + 1) % (2 * length_);
  }
  longer_->Run(padded_.data(), response_.data());
  return Status::Ok();
}

void FourierTransform::RunChirp(const Complex* in, Complex* out) {
  const size_t length = chirp_.size(), padded = padded_.size();
  for (size_t n = 0; n < padded; ++n) padded_[n] = n < length ? Product(in[n], chirp_[n]) : Complex{};
  longer_->Run(padded_.data(), spectrum_.data());
  // Back by the same transform of the conjugate.
  for (size_t k = 0; k < padded; ++k) {
    const Complex product = Product(spectrum_[k], response_[k]);
    padded_[k] = {product.re, -product.im};
  }
  longer_->Run(padded_.data(), spectrum_.data());
  const double scale = 1 / static_cast<double>(padded);
  for (size_t k = 0; k < length; ++k) {
    out[k] = Product({spectrum_[k].re * scale, -spectrum_[k].im * scale}, chirp_[k]);
  }
}

void FourierTransform::Run(const Complex* in, Complex* out) {
  if (longer_ != nullptr) {
    RunChirp(in, out);
  } else {
    Transform(in, 1, length_, 1, out);
  }
}

// Cooley and Tukey (Math. Comp. 19, 1965) for any factors, the smallest first: `factor` transforms of every
// factor-th element, combined by a direct transform of length `factor` for each k.
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
  if (factor == 2) {
    for (int64_t k = 0; k < part; ++k) {
      const Complex even = out[k], odd = Product(out[part + k], roots_[static_cast<size_t>(k * root_step)]);
      out[k] = {even.re + odd.re, even.im + odd.im};
      out[part + k] = {even.re - odd.re, even.im - odd.im};
    }
    return;
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
