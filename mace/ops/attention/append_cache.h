// AppendCache: new keys or values behind those of a cache, for each sequence of a batch at its own place.
//   past [B, H, P, D], fresh [B, H, S, D] of the same dtype, starts int64 or int32 [B] or [1]: where `fresh`
//   begins, total int64 or int32 of one element.
//   -> [B, H, max(P, total), D]: past, then zeros where it is longer, overwritten by fresh.
#ifndef MACE_OPS_ATTENTION_APPEND_CACHE_H_
#define MACE_OPS_ATTENTION_APPEND_CACHE_H_

#include "mace/graph/op_definition.h"

namespace mace::ops {

extern const OpDefinition kAppendCacheDefinition;

}  // namespace mace::ops

#endif  // MACE_OPS_ATTENTION_APPEND_CACHE_H_
