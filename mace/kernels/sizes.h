// Arithmetic on sizes that Prepare functions and kernels share. Always inlined, so that no copy made with one
// instruction set's flags can be linked into code for another.
#ifndef MACE_KERNELS_SIZES_H_
#define MACE_KERNELS_SIZES_H_

#include <cstdint>

namespace mace::kernels {

// a / b rounded up, of a >= 0 and b > 0.
__attribute__((always_inline)) constexpr int64_t DivideRoundUp(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

// To whole cache lines of 16 floats, so that what follows is aligned.
__attribute__((always_inline)) constexpr int64_t RoundUp16(int64_t floats) {
  return DivideRoundUp(floats, 16) * 16;
}

// False where one is negative or the product is too big for the sizes that Prepare functions compute.
bool SizesFit(int64_t a, int64_t b, int64_t c = 1);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_SIZES_H_
