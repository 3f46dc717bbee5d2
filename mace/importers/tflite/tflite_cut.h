// The part of a TensorFlow Lite file that CutOptions ask for; all of it where they are empty.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_CUT_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_CUT_H_

#include "mace/importers/source_tensors.h"
#include "mace/importers/tflite/tflite_context.h"
#include "mace/importers/tflite/tflite_file.h"

namespace mace::importers::tflite {

class TfliteCut {
 public:
  // Names the edges of `context`. Throws ImportError for names that the file does not have.
  TfliteCut(const CutOptions& options, const TfliteFile& file, TfliteContext* context);
  Need NeedOf(int operator_index) const {
    return is_whole_ ? Need::kResult : needs_.nodes[static_cast<size_t>(operator_index)];
  }
  Need NeedOfTensor(int tensor) const {
    return is_whole_ ? Need::kResult : needs_.tensors[static_cast<size_t>(tensor)];
  }
  bool has_outputs() const { return !cut_.outputs.empty(); }
  void Apply(TfliteContext* context) const;

 private:
  bool is_whole_;
  ResolvedCut cut_;
  Needs needs_;
};

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_CUT_H_
