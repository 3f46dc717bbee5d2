#include <algorithm>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include "batch.h"
#include "mace/public/mace_layout.h"
#include "process.h"
#include "raw_tensors.h"
#include "tensors.h"

namespace mace_run {
namespace {

using mace::layout::Move;

// As ShapeText, with the names of dimensions that may differ from run to run.
std::string ShapeTextOf(const mace::TensorInfo& info) {
  std::string text = "[";
  for (size_t i = 0; i < info.shape.size(); ++i) {
    text += i == 0 ? "" : ", ";
    if (info.shape[i] >= 0) {
      text += std::to_string(info.shape[i]);
    } else {
      text += info.dim_names[i].empty() ? "?" : info.dim_names[i];
    }
  }
  return text + "]";
}

// The numbers N of the folder's files in_N.npy, the least first.
std::vector<size_t> NumberedFiles(const std::string& folder) {
  std::vector<size_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with("in_") || !name.ends_with(".npy")) continue;
    const std::string_view digits = std::string_view(name).substr(3, name.size() - 7);
    size_t number = 0;
    const auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (failed == std::errc() && rest == digits.data() + digits.size() && !digits.empty()) {
      numbers.push_back(number);
    }
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

bool Exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::status(path, error).type() != std::filesystem::file_type::not_found;
}

}  // namespace

void CheckType(const TensorFlag& flag, const mace::TensorInfo& info, const std::string& side) {
  if (!flag.type || IsInteger(*flag.type) == IsInteger(info.dtype)) return;
  throw UsageError("--" + side + "_data_type: " + side + " '" + info.name + "' is " + TypeText(info) +
                   ", not " + DTypeName(*flag.type));
}

std::string TypeText(const mace::TensorInfo& info) {
  return std::string(DTypeName(info.dtype)) + " " + ShapeTextOf(info);
}

InputSource::InputSource(const Options& options, std::vector<mace::TensorInfo> infos)
    : options_(options), infos_(std::move(infos)), flags_(Resolve(options.inputs, infos_, "input")) {
  for (size_t i = 0; i < infos_.size(); ++i) {
    const TensorFlag& flag = flags_[i];
    CheckType(flag, infos_[i], "input");
    if (!flag.is_named && !infos_[i].optional) {
      throw UsageError("--input_node leaves out input '" + infos_[i].name + "', which the model needs");
    }
  }
  if (!options_.input_file.empty()) {
    kind_ = Kind::kPrefix;
    CheckFileNames(TensorNames(), "input");
  } else if (options_.input_dir.empty()) {
    if (!options_.benchmark && !options_.is_round_given && !infos_.empty()) {
      throw std::runtime_error("--input_dir is missing: the model has " + std::to_string(infos_.size()) +
                               " input(s)");
    }
    kind_ = Kind::kRandom;
  } else {
    std::vector<std::string> names;
    for (size_t i = 0; i < infos_.size(); ++i) {
      if (!IsLeftOut(i)) names.push_back(FileName(infos_[i].name));
    }
    kind_ = Kind::kNumbered;
    const bool is_nameless = std::find(names.begin(), names.end(), "") != names.end();
    if (names.empty() || is_nameless || !NumberedFiles(options_.input_dir).empty()) return;
    std::vector<std::string> samples = FindSamples(FilesOf(options_.input_dir), names, options_.input_dir);
    if (samples.empty()) return;  // ReadNumbered says what is missing
    CheckFileNames(TensorNames(), "input");
    samples_ = std::move(samples);
    kind_ = Kind::kBatch;
    if (options_.steps > 0) throw UsageError("--steps walks along the arrays of in_0.npy, ...");
  }
}

std::vector<std::string> InputSource::TensorNames() const {
  std::vector<std::string> names;
  for (size_t i = 0; i < infos_.size(); ++i) {
    if (!IsLeftOut(i)) names.push_back(infos_[i].name);
  }
  return names;
}

Sample InputSource::Read(const std::string& suffix) const {
  if (kind_ == Kind::kNumbered) return ReadNumbered();
  Sample sample(infos_.size());
  for (size_t i = 0; i < infos_.size(); ++i) {
    if (IsLeftOut(i)) continue;
    const std::string name = FileName(infos_[i].name);
    if (kind_ == Kind::kRandom) {
      sample[i] = Random(i);
    } else if (kind_ == Kind::kBatch) {
      sample[i] = ReadNamed(i, options_.input_dir + "/" + name + suffix);
    } else {
      const std::string path = options_.input_file + "_" + name;
      const bool is_npy = !Exists(path) && Exists(path + ".npy");
      sample[i] = ReadNamed(i, is_npy ? path + ".npy" : path);
    }
  }
  return sample;
}

// in_0.npy, in_1.npy, ...: exactly as the model wants them, but for a layout that --input_data_format names.
Sample InputSource::ReadNumbered() const {
  Sample inputs(infos_.size());
  for (size_t i = 0; i < infos_.size(); ++i) {
    inputs[i].path = options_.input_dir + "/in_" + std::to_string(i) + ".npy";
    if (!Exists(inputs[i].path)) {
      if (infos_[i].optional) continue;
      const std::string name = FileName(infos_[i].name);
      throw std::runtime_error(inputs[i].path + ": no such file (input " + infos_[i].name + ": " +
                               DTypeName(infos_[i].dtype) + ShapeTextOf(infos_[i]) + ")" +
                               (i > 0 || name.empty() ? "" : ", and none is named " + name + "*"));
    }
    Array array = ReadNpy(inputs[i].path);
    std::vector<int64_t> shape = array.shape;
    if (options_.steps > 0) {
      if (shape.empty() || shape[0] != options_.steps) {
        throw std::runtime_error(inputs[i].path + ": --steps " + std::to_string(options_.steps) +
                                 " needs that many along axis 0, the array is " + ShapeText(array.shape));
      }
      shape.erase(shape.begin());
    } else if (flags_[i].format || flags_[i].shape) {
      inputs[i].array = Placed(std::move(array), i, inputs[i].path);
      continue;
    }
    if (array.dtype != infos_[i].dtype || !mace::layout::Fits(shape, infos_[i].shape)) {
      throw std::runtime_error(inputs[i].path + ": input '" + infos_[i].name + "' expects " +
                               TypeText(infos_[i]) + (options_.steps > 0 ? " at each step" : "") +
                               ", the file has " + DTypeName(array.dtype) + " " + ShapeText(array.shape));
    }
    inputs[i].array = std::move(array);
  }
  const std::vector<size_t> numbers = NumberedFiles(options_.input_dir);
  const auto surplus = std::lower_bound(numbers.begin(), numbers.end(), infos_.size());
  if (surplus != numbers.end()) {
    throw std::runtime_error(options_.input_dir + "/in_" + std::to_string(*surplus) +
                             ".npy: the model has only " + std::to_string(infos_.size()) + " input(s)");
  }
  return inputs;
}

mace_dtype InputSource::RawType(size_t index) const {
  return RawElement(flags_[index].type.value_or(infos_[index].dtype));
}

Input InputSource::ReadNamed(size_t index, const std::string& path) const {
  const std::string flag = kind_ == Kind::kBatch ? "--input_dir" : "--input_file";
  if (path.ends_with(".npy")) return {path, Placed(ReadNpy(path), index, path)};
  return {path, Placed(ReadRaw(path, flag, ShapeOf(index), RawType(index)), index, path)};
}

// Of --input_shape, or the model's where it leaves nothing open.
std::vector<int64_t> InputSource::ShapeOf(size_t index) const {
  if (flags_[index].shape) return *flags_[index].shape;
  const std::vector<int64_t>& shape = infos_[index].shape;
  if (std::any_of(shape.begin(), shape.end(), [](int64_t dim) { return dim < 0; })) {
    throw std::runtime_error("input '" + infos_[index].name + "' is " + TypeText(infos_[index]) +
                             ": --input_shape must say its size");
  }
  return shape;
}

// Floats in [-1, 1), integers in [0, 100), bools: what `mace bench` feeds.
Input InputSource::Random(size_t index) const {
  const mace_dtype dtype = infos_[index].dtype;
  const std::string where = "random input '" + infos_[index].name + "'";
  std::vector<int64_t> shape = ShapeOf(index);
  MoveOf(shape, index, where);
  if (options_.steps > 0) shape.insert(shape.begin(), options_.steps);
  Array array;
  array.dtype = MACE_FLOAT64;
  array.shape = shape;
  const auto count = static_cast<size_t>(ElementCount(shape));
  try {
    array.bytes.resize(count * sizeof(double));
  } catch (const std::exception&) {  // bad_alloc, length_error
    throw std::runtime_error(where + ": out of memory for " + ShapeText(shape));
  }
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = RandomBits(options_.seed + index, i) >> 11;
    const double unit = static_cast<double>(bits) * 0x1p-53;  // [0, 1)
    const double value = !IsInteger(dtype) ? 2 * unit - 1 : unit * (dtype == MACE_BOOL ? 2 : 100);
    std::memcpy(array.bytes.data() + i * sizeof(double), &value, sizeof(double));
  }
  if (options_.steps > 0) return {where, Converted(std::move(array), dtype, where)};
  return {where, Placed(std::move(array), index, where)};
}

// What becomes of a tensor of this shape; throws where it does not fit the flag's or the model's.
Move InputSource::MoveOf(const std::vector<int64_t>& shape, size_t index, const std::string& where) const {
  const mace::TensorInfo& info = infos_[index];
  const TensorFlag& flag = flags_[index];
  if (flag.shape && shape != *flag.shape) {
    throw std::runtime_error(where + ": the file has " + ShapeText(shape) + ", --input_shape says " +
                             ShapeText(*flag.shape));
  }
  const mace::DataFormat format = flag.format.value_or(mace::DataFormat::NHWC);
  const Move move = mace::layout::EntryMove(shape, format, info.shape);
  if (move == Move::kMisfit) {
    const bool is_layout = format == mace::DataFormat::NHWC || format == mace::DataFormat::NCHW;
    throw std::runtime_error(
        where + ": input '" + info.name + "' expects " + TypeText(info) + ", " +
        (flag.shape ? "--input_shape says " : "the file has ") + ShapeText(shape) +
        (is_layout && shape.size() == 4 ? ", which does not fit after NHWC <-> NCHW either" : ""));
  }
  return move;
}

// Checks the shape, transposes, converts.
Array InputSource::Placed(Array array, size_t index, const std::string& where) const {
  const mace::TensorInfo& info = infos_[index];
  const Move move = MoveOf(array.shape, index, where);
  if (move != Move::kNone) {
    const size_t element_bytes = ElementBytes(array.dtype);
    std::vector<uint8_t> moved(array.bytes.size());
    mace::layout::Transpose(array.bytes.data(), array.shape, move, element_bytes, moved.data());
    array.bytes = std::move(moved);
    array.shape = mace::layout::Moved(array.shape, move);
  }
  if (IsInteger(array.dtype) && !IsInteger(info.dtype)) {
    throw std::runtime_error(where + ": input '" + info.name + "' expects " + TypeText(info) +
                             ", the file has " + DTypeName(array.dtype));
  }
  return Converted(std::move(array), info.dtype, where);
}

}  // namespace mace_run
