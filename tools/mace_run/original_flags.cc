#include "original_flags.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace mace_run {
namespace {

constexpr struct {
  const char* name;
  mace_dtype dtype;
} kTypes[] = {
    {"float32", MACE_FLOAT32}, {"float16", MACE_FLOAT16}, {"bfloat16", MACE_BFLOAT16}, {"int16", MACE_INT16},
    {"uint8", MACE_UINT8},     {"int32", MACE_INT32},     {"int8", MACE_INT8},         {"int64", MACE_INT64},
};

constexpr struct {
  const char* name;
  mace::DataFormat format;
} kFormats[] = {
    {"NONE", mace::DataFormat::NONE},
    {"NHWC", mace::DataFormat::NHWC},
    {"NCHW", mace::DataFormat::NCHW},
    {"OIHW", mace::DataFormat::OIHW},
};

constexpr char kNoOpenCl[] = "OpenCL is not built yet";
constexpr char kNoAccelerator[] = "accelerators are not built yet";
constexpr char kNoApu[] = "APUs are not built yet";
constexpr UnbuiltFlag kUnbuilt[] = {
    {"model_data_file", "FILE", 1, 0, "the weights", "a .mace file holds its weights"},
    {"opencl_cache_full_path", "FILE", 1, 0, "compiled OpenCL programs", kNoOpenCl},
    {"opencl_binary_file", "FILE", 1, 0, "compiled OpenCL programs", kNoOpenCl},
    {"opencl_parameter_file", "FILE", 1, 0, "tuned OpenCL parameters", kNoOpenCl},
    {"opencl_cache_reuse_policy", "N", 0, 1, "0: none, 1: the same GPU", kNoOpenCl},
    {"gpu_perf_hint", "N", 0, 3, "0: default, 1: low, 2: normal, 3: high", kNoOpenCl},
    {"gpu_priority_hint", "N", 0, 3, "0: default, 1: low, 2: normal, 3: high", kNoOpenCl},
    {"accelerator_binary_file", "FILE", 1, 0, "a compiled model to load", kNoAccelerator},
    {"accelerator_storage_file", "FILE", 1, 0, "where to store a compiled model", kNoAccelerator},
    {"accelerator_cache_policy", "N", 0, 3, "0: none, 1: store, 2: load, 3: either", kNoAccelerator},
    {"apu_boost_hint", "N", 0, 100, "frequency boost in percent", kNoApu},
    {"apu_preference_hint", "N", 0, 2, "0: low power, 1: fast answer, 2: sustained", kNoApu},
};

std::vector<std::string> Split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  size_t begin = 0;
  for (size_t end = 0; end != std::string::npos; begin = end + 1) {
    end = text.find(separator, begin);
    std::string part = text.substr(begin, end == std::string::npos ? end : end - begin);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    parts.push_back(part);
  }
  return parts;
}

template <typename Row, size_t N, typename Value>
std::string ParseWords(const std::string& text, const Row (&rows)[N], Value Row::* value,
                       std::vector<Value>* values) {
  values->clear();
  for (const std::string& word : Split(text, ',')) {
    const Row* row = std::find_if(rows, rows + N, [&](const Row& r) { return word == r.name; });
    if (row == rows + N) {
      std::string names;
      for (const Row& r : rows) names += (names.empty() ? "" : ", ") + std::string(r.name);
      return "'" + word + "' is none of " + names;
    }
    values->push_back(row->*value);
  }
  return "";
}

size_t EditDistance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substitute = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substitute});
    }
  }
  return row[b.size()];
}

std::optional<bool> ParseBoolean(const std::string& text) {
  for (const char* word : {"true", "1", "t", "yes", "y"}) {
    if (text == word) return true;
  }
  for (const char* word : {"false", "0", "f", "no", "n"}) {
    if (text == word) return false;
  }
  return std::nullopt;
}

// The index of the tensor called `node`.
size_t IndexOf(const std::string& node, std::span<const mace::TensorInfo> infos, const std::string& side) {
  std::vector<std::string> names;
  std::string all;
  for (size_t i = 0; i < infos.size(); ++i) {
    if (infos[i].name == node) return i;
    names.push_back(infos[i].name);
    all += (i == 0 ? "" : ", ") + infos[i].name;
  }
  const std::string nearest = NearestWord(node, names);
  throw UsageError("--" + side + "_node: the model has no " + side + " '" + node + "'" +
                   (nearest.empty() ? "" : "; did you mean '" + nearest + "'?") + " It has: " + all);
}

// The entry for tensor `i` of `count`: one entry serves all.
template <typename T>
std::optional<T> Entry(const std::vector<T>& entries, size_t i, size_t count, const std::string& flag,
                       bool serves_all = true) {
  if (entries.empty()) return std::nullopt;
  if (entries.size() != count && !(serves_all && entries.size() == 1)) {
    throw UsageError("--" + flag + " names " + std::to_string(entries.size()) + " tensor(s), there are " +
                     std::to_string(count));
  }
  return entries[entries.size() == 1 ? 0 : i];
}

}  // namespace

std::vector<TensorFlag> Resolve(const TensorFlags& flags, std::span<const mace::TensorInfo> infos,
                                const std::string& side) {
  std::vector<TensorFlag> result(infos.size());
  std::vector<size_t> order;  // of the flags' tensors in the model
  for (const std::string& node : flags.nodes) {
    const size_t index = IndexOf(node, infos, side);
    if (std::find(order.begin(), order.end(), index) != order.end()) {
      throw UsageError("--" + side + "_node names '" + node + "' twice");
    }
    order.push_back(index);
  }
  if (order.empty()) {
    for (size_t i = 0; i < infos.size(); ++i) order.push_back(i);
  } else {
    for (TensorFlag& flag : result) flag.is_named = false;
  }
  for (size_t i = 0; i < order.size(); ++i) {
    TensorFlag& flag = result[order[i]];
    flag.is_named = true;
    flag.shape = Entry(flags.shapes, i, order.size(), side + "_shape", false);
    flag.type = Entry(flags.types, i, order.size(), side + "_data_type");
    flag.format = Entry(flags.formats, i, order.size(), side + "_data_format");
  }
  return result;
}

std::string ParseNodes(const std::string& text, std::vector<std::string>* nodes) {
  *nodes = Split(text, ',');
  return std::find(nodes->begin(), nodes->end(), "") == nodes->end() ? "" : "a name is empty";
}

std::string ParseShapes(const std::string& text, bool allow_any, std::vector<std::vector<int64_t>>* shapes) {
  shapes->clear();
  for (const std::string& tensor : Split(text, ':')) {
    std::vector<int64_t> shape;
    for (const std::string& word : Split(tensor, ',')) {
      if (tensor.empty()) break;  // a scalar
      int64_t dim = 0;
      const char* end = word.data() + word.size();
      const auto [rest, error] = std::from_chars(word.data(), end, dim);
      if (error != std::errc() || rest != end || dim < (allow_any ? -1 : 0) || word.empty()) {
        return "'" + word + "' is no dimension; expected for example 1,224,224,3:1,10";
      }
      shape.push_back(dim);
    }
    if (shape.size() > MACE_MAX_RANK) return "'" + tensor + "' has more than 8 dimensions";
    shapes->push_back(shape);
  }
  return "";
}

std::string ParseTypes(const std::string& text, std::vector<mace_dtype>* types) {
  using Row = std::remove_cvref_t<decltype(kTypes[0])>;
  return ParseWords(text, kTypes, &Row::dtype, types);
}

std::string ParseFormats(const std::string& text, std::vector<mace::DataFormat>* formats) {
  using Row = std::remove_cvref_t<decltype(kFormats[0])>;
  return ParseWords(text, kFormats, &Row::format, formats);
}

std::span<const UnbuiltFlag> UnbuiltFlags() { return kUnbuilt; }

std::string NearestWord(const std::string& word, std::span<const std::string> candidates) {
  std::string nearest;
  size_t best = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

std::vector<std::string> Normalized(std::span<const std::string> arguments,
                                    std::span<const std::string> names, std::span<const Switch> switches) {
  const auto find = [&](const std::string& spelling) {
    return std::find_if(switches.begin(), switches.end(),
                        [&](const Switch& row) { return row.spelling == spelling; });
  };
  std::vector<std::string> result;
  std::map<std::string, bool> given;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    const size_t dashes = argument.starts_with("--") ? 2 : argument.starts_with("-") ? 1 : 0;
    const size_t equals = argument.find('=');
    const bool has_value = equals != std::string::npos;
    const std::string name = argument.substr(dashes, has_value ? equals - dashes : equals);
    if (dashes == 0 || name.empty()) {
      result.push_back(argument);
    } else if (const auto row = find(name); row != switches.end()) {
      const std::optional<bool> value = has_value ? ParseBoolean(argument.substr(equals + 1)) : true;
      if (!value) throw UsageError("--" + name + ": expected true or false");
      given[row->name] = *value;
    } else if (name.starts_with("no") && !has_value && find(name.substr(2)) != switches.end()) {
      given[find(name.substr(2))->name] = false;
    } else if (std::find(names.begin(), names.end(), name) != names.end()) {
      // CLI11 takes the next argument for the value where nothing stands behind the sign.
      const bool is_empty = has_value && equals + 1 == argument.size();
      result.push_back("--" + (is_empty ? name : argument.substr(dashes)));
      if (is_empty) result.emplace_back();
      if (!has_value && i + 1 < arguments.size()) result.push_back(arguments[++i]);
    } else {
      result.push_back(argument);
    }
  }
  for (const auto& [name, value] : given) {
    if (value) result.insert(result.begin(), "--" + name);
  }
  return result;
}

}  // namespace mace_run
