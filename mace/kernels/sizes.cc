#include "mace/kernels/sizes.h"

namespace mace::kernels {

bool SizesFit(int64_t a, int64_t b, int64_t c) {
  int64_t product = 0;
  return a >= 0 && b >= 0 && c >= 0 && !__builtin_mul_overflow(a, b, &product) &&
         !__builtin_mul_overflow(product, c, &product) && product < (int64_t{1} << 58);
}

}  // namespace mace::kernels
