// Which taps of a window lie inside a tensor: shared by kernels and reference operators.
#ifndef MACE_CORE_CLIP_TAPS_H_
#define MACE_CORE_CLIP_TAPS_H_

#include <cstdint>

namespace mace {

// The window's taps [begin, end) that fall inside an input of `input` elements, for a window whose first tap
// is at `start` (= output index * stride - pad_begin). begin == end where none does. Without a loop: a
// hostile file may name a kernel of 2^31 taps. Always inlined, so that no copy made with one instruction
// set's flags can be linked into code for another.
__attribute__((always_inline)) constexpr void ClipTaps(int64_t start, int64_t kernel, int64_t dilation,
                                                       int64_t input, int64_t* begin, int64_t* end) {
  // A kernel clips its windows pixel by pixel: no division where there is nothing to divide by.
  const int64_t first = start >= 0 ? 0 : dilation == 1 ? -start : (-start + dilation - 1) / dilation;
  int64_t behind = 0;
  if (input > start && input > 0) {
    // Unsigned: the distance from a negative start to the end of the largest input needs 64 bits.
    const uint64_t distance = static_cast<uint64_t>(input - 1) - static_cast<uint64_t>(start);
    const uint64_t taps = (dilation == 1 ? distance : distance / static_cast<uint64_t>(dilation)) + 1;
    behind = taps < static_cast<uint64_t>(kernel) ? static_cast<int64_t>(taps) : kernel;
  }
  *begin = first < kernel ? first : kernel;
  *end = behind < *begin ? *begin : behind;
}

}  // namespace mace

#endif  // MACE_CORE_CLIP_TAPS_H_
