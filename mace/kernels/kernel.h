// What every CPU kernel looks like from outside. Kernels know no graph: they see plain parameter structs and
// pointers. They allocate nothing, call nothing outside their family, and touch no byte outside their
// buffers.
#ifndef MACE_KERNELS_KERNEL_H_
#define MACE_KERNELS_KERNEL_H_

#include <cstddef>
#include <cstdint>

namespace mace::kernels {

// One call of a kernel. `params` is the family's parameter struct, fixed when the plan was made; `operands`
// are the inputs, then the outputs, in the order that the family documents (an absent optional operand is
// null); `workspace` is scratch of this worker alone, 64-byte aligned, of the size that the family asked the
// planner for.
struct KernelArguments {
  const void* params;
  void* const* operands;
  uint8_t* workspace;
};

// Computes the tiles [tile_begin, tile_end) of a step. Tiles are independent: any worker may compute any of
// them in any order, and the bytes written do not depend on how they were shared out. What a tile is (a block
// of rows, of channels, of both) is the family's business; it says how many there are when it prepares its
// params.
using KernelFunction = void (*)(const KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

}  // namespace mace::kernels

#endif  // MACE_KERNELS_KERNEL_H_
