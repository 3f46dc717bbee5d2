// The step that copies bytes: where a view cannot share its source's memory.
#ifndef MACE_BACKENDS_CPU_COPY_H_
#define MACE_BACKENDS_CPU_COPY_H_

#include "mace/kernels/kernel.h"

namespace mace::cpu {

// Operands: 0 source, 1 destination.
struct CopyParams {
  int64_t bytes = 0;
};
inline constexpr int64_t kCopyTileBytes = 256 * 1024;
inline int64_t CopyTiles(int64_t bytes) { return (bytes + kCopyTileBytes - 1) / kCopyTileBytes; }
void CopyBytes(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end);

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_COPY_H_
