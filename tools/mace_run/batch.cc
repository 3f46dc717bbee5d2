#include "batch.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>
#include <system_error>

#include "options.h"

namespace mace_run {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Numbers in names by their value: _9 before _10.
bool NaturalLess(const std::string& a, const std::string& b) {
  size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (IsDigit(a[i]) && IsDigit(b[j])) {
      size_t i_end = i, j_end = j;
      while (i_end < a.size() && IsDigit(a[i_end])) ++i_end;
      while (j_end < b.size() && IsDigit(b[j_end])) ++j_end;
      while (i + 1 < i_end && a[i] == '0') ++i;
      while (j + 1 < j_end && b[j] == '0') ++j;
      if (i_end - i != j_end - j) return i_end - i < j_end - j;
      const int order = a.compare(i, i_end - i, b, j, j_end - j);
      if (order != 0) return order < 0;
      i = i_end, j = j_end;
    } else if (a[i] != b[j]) {
      return a[i] < b[j];
    } else {
      ++i, ++j;
    }
  }
  if ((i < a.size()) != (j < b.size())) return j < b.size();
  return a < b;
}

}  // namespace

std::string FileName(const std::string& tensor_name) {
  std::string name = tensor_name;
  for (char& c : name) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!is_letter && !IsDigit(c)) c = '_';
  }
  return name;
}

void CheckFileNames(const std::vector<std::string>& tensor_names, const std::string& side) {
  std::map<std::string, std::string> tensors;  // by the names of their files
  for (const std::string& name : tensor_names) {
    const auto [other, is_new] = tensors.try_emplace(FileName(name), name);
    if (is_new) continue;
    throw UsageError("files named after the tensors: " + side + "s '" + other->second + "' and '" + name +
                     "' would both have " + other->first + "; choose one with --" + side +
                     "_node, or use the folder of in_0.npy, ... and out_0.npy");
  }
}

std::vector<std::string> FindSamples(const std::vector<std::string>& files,
                                     const std::vector<std::string>& names, const std::string& folder) {
  const std::set<std::string> present(files.begin(), files.end());
  std::vector<std::string> samples;
  std::set<std::string> used;
  std::string lonely, missing;  // a file without its companion
  for (const std::string& file : present) {
    if (!file.starts_with(names[0])) continue;
    const std::string suffix = file.substr(names[0].size());
    const auto absent = std::find_if(names.begin(), names.end(), [&](const std::string& name) {
      return present.find(name + suffix) == present.end();
    });
    if (absent == names.end()) {
      samples.push_back(suffix);
      for (const std::string& name : names) used.insert(name + suffix);
    }
  }
  for (const std::string& file : present) {  // "x_1" may be the second input and no sample "_1" of "x"
    if (!file.starts_with(names[0]) || used.count(file) > 0 || !lonely.empty()) continue;
    const std::string suffix = file.substr(names[0].size());
    lonely = file;
    for (const std::string& name : names) {
      if (present.find(name + suffix) == present.end() && missing.empty()) missing = name + suffix;
    }
  }
  if (!lonely.empty()) {
    throw std::runtime_error(folder + "/" + missing + ": no such file, but " + lonely +
                             " is there, of the same sample");
  }
  std::sort(samples.begin(), samples.end(), NaturalLess);
  return samples;
}

std::vector<std::string> FilesOf(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::error_code not_regular;
    if (entry->is_regular_file(not_regular)) files.push_back(entry->path().filename());
  }
  return files;
}

}  // namespace mace_run
