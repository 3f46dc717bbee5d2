// The discrete Fourier transform of one sequence, in double.
#ifndef MACE_OPS_SIGNAL_FOURIER_H_
#define MACE_OPS_SIGNAL_FOURIER_H_

#include <cstdint>
#include <memory>

#include "mace/core/status.h"
#include "mace/core/vector.h"

namespace mace::ops {

struct Complex {
  double re = 0;
  double im = 0;
};

// Transforms of one length: tables and scratch are made once.
class FourierTransform {
 public:
  // `inverse`: conjugated roots; the caller divides by the length.
  Status Prepare(int64_t length, bool inverse);
  // out[k] = sum over n of in[n] * exp(-+ 2 pi i n k / length). `in` and `out` are apart.
  void Run(const Complex* in, Complex* out);

 private:
  void Transform(const Complex* in, int64_t stride, int64_t length, int64_t root_step, Complex* out);
  Status PrepareChirp(bool inverse);
  void RunChirp(const Complex* in, Complex* out);

  int64_t length_ = 0;
  Vector<Complex> roots_;    // exp(-+ 2 pi i k / length)
  Vector<Complex> scratch_;  // one combination of the largest factor
  // Of a length with a large prime factor.
  std::unique_ptr<FourierTransform> longer_;  // of a power of two
  Vector<Complex> chirp_;                     // exp(-+ pi i k^2 / length)
  Vector<Complex> response_;                  // the transform of its conjugate
  Vector<Complex> padded_, spectrum_;
};

}  // namespace mace::ops

#endif  // MACE_OPS_SIGNAL_FOURIER_H_
