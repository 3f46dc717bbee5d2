#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "batch.h"
#include "files.h"
#include "mace/public/mace_layout.h"
#include "raw_tensors.h"
#include "tensors.h"

namespace mace_run {
namespace {

using mace::layout::Move;

void MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw std::runtime_error(path + ": " + error.message());
}

}  // namespace

OutputSink::OutputSink(const Options& options, std::vector<mace::TensorInfo> infos, bool is_batch)
    : options_(options),
      infos_(std::move(infos)),
      flags_(Resolve(options.outputs, infos_, "output")),
      is_batch_(is_batch) {
  for (size_t i = 0; i < infos_.size(); ++i) CheckType(flags_[i], infos_[i], "output");
  if (is_batch && !options.output_file.empty()) {
    throw UsageError("--output_file holds one sample; where --input_dir has many, --output_dir takes them");
  }
  if (options.output_file.empty() && (options.output_dir.empty() || !is_batch)) return;
  std::vector<std::string> names;
  for (size_t i = 0; i < infos_.size(); ++i) {
    if (flags_[i].is_named) names.push_back(infos_[i].name);
  }
  CheckFileNames(names, "output");
}

std::vector<Array> OutputSink::Placed(std::vector<Array> results) const {
  for (size_t i = 0; i < results.size(); ++i) {
    Array& result = results[i];
    const TensorFlag& flag = flags_[i];
    if (!flag.shape) continue;
    const mace::DataFormat format = flag.format.value_or(mace::DataFormat::NHWC);
    const Move move = mace::layout::ExitMove(result.shape, format, *flag.shape);
    if (move == Move::kMisfit) {
      throw std::runtime_error("output '" + infos_[i].name + "' is " + DTypeName(result.dtype) + " " +
                               ShapeText(result.shape) + ", --output_shape says " + ShapeText(*flag.shape));
    }
    if (move == Move::kNone) continue;
    std::vector<uint8_t> moved(result.bytes.size());
    mace::layout::Transpose(result.bytes.data(), result.shape, move, ElementBytes(result.dtype),
                            moved.data());
    result.bytes = std::move(moved);
    result.shape = mace::layout::Moved(result.shape, move);
  }
  return results;
}

void OutputSink::Write(const std::vector<Array>& outputs, const std::string& suffix) const {
  struct RawFile {
    std::string path;
    Array array;
  };
  const bool is_npy = suffix.ends_with(".npy");
  std::vector<RawFile> raw_files;  // all are converted before one is written
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (!flags_[i].is_named) continue;
    const std::string name = FileName(infos_[i].name);
    const mace_dtype raw_type = RawElement(flags_[i].type.value_or(outputs[i].dtype));
    const auto add_raw = [&](const std::string& path) {
      raw_files.push_back({path, Converted(outputs[i], raw_type, path)});
    };
    if (!options_.output_file.empty()) add_raw(options_.output_file + "_" + name);
    if (is_batch_ && !is_npy && !options_.output_dir.empty())
      add_raw(options_.output_dir + "/" + name + suffix);
  }
  if (!options_.output_dir.empty()) MakeFolder(options_.output_dir);
  for (const RawFile& file : raw_files) WriteFile(file.path, {file.array.bytes});
  for (size_t i = 0; i < outputs.size() && !options_.output_dir.empty() && (is_npy || !is_batch_); ++i) {
    if (!flags_[i].is_named) continue;
    const std::string name =
        is_batch_ ? FileName(infos_[i].name) + suffix : "out_" + std::to_string(i) + ".npy";
    WriteNpy(options_.output_dir + "/" + name, outputs[i]);
  }
}

}  // namespace mace_run
