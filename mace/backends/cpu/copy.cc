#include "mace/backends/cpu/copy.h"

#include <cstring>

namespace mace::cpu {

void CopyBytes(const kernels::KernelArguments& arguments, int64_t tile_begin, int64_t tile_end) {
  const CopyParams& params = *static_cast<const CopyParams*>(arguments.params);
  const int64_t begin = tile_begin * kCopyTileBytes;
  const int64_t end = tile_end * kCopyTileBytes < params.bytes ? tile_end * kCopyTileBytes : params.bytes;
  if (end <= begin) return;
  std::memcpy(static_cast<uint8_t*>(arguments.operands[1]) + begin,
              static_cast<const uint8_t*>(arguments.operands[0]) + begin, static_cast<size_t>(end - begin));
}

}  // namespace mace::cpu
