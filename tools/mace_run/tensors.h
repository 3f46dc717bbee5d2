// Where a model's inputs come from and its outputs go.
#ifndef TOOLS_MACE_RUN_TENSORS_H_
#define TOOLS_MACE_RUN_TENSORS_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mace/mace.h"
#include "mace/public/mace_layout.h"
#include "npy.h"
#include "options.h"

namespace mace_run {

struct Input {
  std::string path;            // or what it is, where there is no file
  std::optional<Array> array;  // none: an optional input that is left to its state
};

// The inputs of one run (with --steps: of a walk), in the model's order and as the model wants them.
using Sample = std::vector<Input>;

class InputSource {
 public:
  // Looks what there is; reads no tensor. Throws UsageError or std::runtime_error.
  InputSource(const Options& options, std::vector<mace::TensorInfo> infos);

  // Of each sample the suffix of its files; one, "", where there is no folder of samples.
  const std::vector<std::string>& samples() const { return samples_; }
  bool is_batch() const { return kind_ == Kind::kBatch; }
  // Errors name the file.
  Sample Read(const std::string& suffix) const;

 private:
  enum class Kind { kNone, kNumbered, kBatch, kPrefix, kRandom };

  std::vector<std::string> TensorNames() const;  // of those that are fed
  Sample ReadNumbered() const;
  Input ReadNamed(size_t index, const std::string& path) const;
  Input Random(size_t index) const;
  std::vector<int64_t> ShapeOf(size_t index) const;
  mace_dtype RawType(size_t index) const;
  mace::layout::Move MoveOf(const std::vector<int64_t>& shape, size_t index, const std::string& where) const;
  Array Placed(Array array, size_t index, const std::string& where) const;
  bool IsLeftOut(size_t index) const { return infos_[index].optional && !flags_[index].is_named; }

  const Options& options_;
  std::vector<mace::TensorInfo> infos_;
  std::vector<TensorFlag> flags_;
  std::vector<std::string> samples_ = {""};
  Kind kind_ = Kind::kNone;
};

class OutputSink {
 public:
  // Throws UsageError.
  OutputSink(const Options& options, std::vector<mace::TensorInfo> infos, bool is_batch);

  // The model's results as the command line wants them: type and layout.
  std::vector<Array> Placed(std::vector<Array> results) const;
  // `outputs` as Placed returns them; `suffix` is the sample's.
  void Write(const std::vector<Array>& outputs, const std::string& suffix) const;

 private:
  const Options& options_;
  std::vector<mace::TensorInfo> infos_;
  std::vector<TensorFlag> flags_;
  bool is_batch_;
};

// Throws UsageError where --input_data_type or --output_data_type has integers and the model floats, or the
// other way round.
void CheckType(const TensorFlag& flag, const mace::TensorInfo& info, const std::string& side);

// float32 [batch, 4]: with the names of dimensions that may differ from run to run.
std::string TypeText(const mace::TensorInfo& info);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_TENSORS_H_
