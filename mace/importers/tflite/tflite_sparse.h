// Sparse constants: a file keeps only the elements that differ from zero, and where they belong.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_SPARSE_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_SPARSE_H_

#include <cstdint>
#include <vector>

#include "mace/core/shape.h"
#include "mace/importers/tflite/tflite_generated.h"

namespace mace::importers::tflite {

// The place of each stored element in a dense tensor of `shape`, which has elements. Throws ImportError
// where the record is not sound or the places are not as many as `stored`. Memory and time are bounded by
// those of the dense tensor, which the caller has to have accepted.
std::vector<int64_t> PlacesOfStored(const file::SparsityRecord& record, const Shape& shape, int64_t stored);

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_SPARSE_H_
