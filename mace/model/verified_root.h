// From the bytes of a segment to its FlatBuffers tables: what every reader of one begins with.
#ifndef MACE_MODEL_VERIFIED_ROOT_H_
#define MACE_MODEL_VERIFIED_ROOT_H_

#include <cstdint>
#include <span>

#include "mace/core/result.h"
#include "mace/graph/graph.h"
#include "mace/model/mace_generated.h"

namespace mace {

// The root table, after FlatBuffers' own verifier. The schema nests tables twice and has no vector of tables
// but the list of graphs, which has its own limit.
template <typename Root>
Result<const Root*> VerifiedRoot(std::span<const uint8_t> segment, const char* name) {
  if (segment.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    return Unsupported("the segment '%s' of the .mace file is larger than 2 GiB", name);
  }
  flatbuffers::Verifier verifier(segment.data(), segment.size(), /*max_depth=*/8,
                                 /*max_tables=*/kMaxSubgraphs + 8);
  if (!verifier.VerifyBuffer<Root>(nullptr)) {
    return DataLoss("the segment '%s' of the .mace file is damaged (its offsets lead outside)", name);
  }
  return flatbuffers::GetRoot<Root>(segment.data());
}

// The elements of a vector of scalars or structs. The verifier has checked that they lie in the segment, but
// of their place only that the length is aligned.
template <typename T, typename V>
Status ToSpan(const V* vector, std::span<const T>* span) {
  if (vector == nullptr || vector->size() == 0) return Status::Ok();
  const uint8_t* data = vector->Data();
  if (reinterpret_cast<uintptr_t>(data) % alignof(T) != 0) {
    return DataLoss("the .mace file is damaged (a vector is not aligned)");
  }
  *span = {reinterpret_cast<const T*>(data), vector->size()};
  return Status::Ok();
}

}  // namespace mace

#endif  // MACE_MODEL_VERIFIED_ROOT_H_
