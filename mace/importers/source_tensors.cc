#include "mace/importers/source_tensors.h"

#include <algorithm>
#include <set>

#include "mace/importers/import_error.h"

namespace mace::importers {
namespace {

constexpr int32_t kSeveral = -2;   // the number of a name that several tensors have
constexpr size_t kMaxShown = 120;  // characters of a name in a message

std::string Quoted(const std::string& name) { return "'" + name.substr(0, kMaxShown) + "'"; }

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + Quoted(name);
  return text.empty() ? "none" : text;
}

// Levenshtein's distance of two short texts.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Up to three of `names` that look like `name`, the most similar first.
std::vector<std::string> Similar(const std::string& name, const std::vector<std::string>& names) {
  constexpr size_t kMaxCompared = 20000;
  constexpr size_t kMaxLength = 200;
  std::vector<std::pair<size_t, std::string>> found;
  for (size_t i = 0; i < names.size() && i < kMaxCompared && name.size() <= kMaxLength; ++i) {
    const std::string& other = names[i];
    if (other.empty() || other.size() > kMaxLength) continue;
    const bool holds = name.size() >= 3 && (other.find(name) != std::string::npos ||
                                            (other.size() >= 3 && name.find(other) != std::string::npos));
    const size_t most = std::max<size_t>(2, std::max(name.size(), other.size()) / 4);
    const size_t gap = std::max(name.size(), other.size()) - std::min(name.size(), other.size());
    if (!holds && gap > most) continue;
    const size_t distance = Distance(name, other);
    if (holds || distance <= most) found.emplace_back(distance, other);
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> best;
  for (const auto& [distance, other] : found) {
    if (best.size() < 3 && std::find(best.begin(), best.end(), other) == best.end()) best.push_back(other);
  }
  return best;
}

}  // namespace

void SourceTensors::Add(Names* names, std::string_view name, int32_t number) {
  if (name.empty()) return;
  const auto [entry, is_new] = names->numbers.try_emplace(std::string(name), number);
  if (is_new) {
    names->order.emplace_back(name);
  } else if (entry->second != number) {
    entry->second = kSeveral;
  }
}

void SourceTensors::ThrowUnknown(const std::string& name, const char* role) const {
  constexpr size_t kFew = 8;
  std::vector<std::string> all = inputs_.order;
  all.insert(all.end(), outputs_.order.begin(), outputs_.order.end());
  all.insert(all.end(), tensors_.order.begin(), tensors_.order.end());
  std::string text = std::string(role) + " " + Quoted(name) + ": the model has no tensor of this name";
  if (const auto similar = Similar(name, all); !similar.empty()) {
    text += "; similar: " + Listed(similar);
  }
  if (inputs_.order.size() <= kFew && outputs_.order.size() <= kFew) {
    text += "; its inputs: " + Listed(inputs_.order) + "; its outputs: " + Listed(outputs_.order);
  }
  throw ImportError(StatusCode::kInvalidArgument, text);
}

int32_t SourceTensors::Find(const std::string& name, const char* role) const {
  const bool has_zero = name.size() > 2 && name.ends_with(":0");
  const std::string other = has_zero ? name.substr(0, name.size() - 2) : name + ":0";
  // A signature may give one name to an input and an output.
  const bool output_first = std::string_view(role) == "output";
  const Names* const lists[] = {output_first ? &outputs_ : &inputs_, &tensors_,
                                output_first ? &inputs_ : &outputs_};
  for (const std::string& text : {name, other}) {
    for (const Names* list : lists) {
      const auto found = list->numbers.find(text);
      if (found == list->numbers.end()) continue;
      if (found->second != kSeveral) return found->second;
      throw ImportError(StatusCode::kInvalidArgument, std::string(role) + " " + Quoted(name) +
                                                          ": several tensors of the model have this name");
    }
  }
  ThrowUnknown(name, role);
}

ResolvedCut SourceTensors::Resolve(const CutOptions& options) const {
  ResolvedCut cut;
  std::set<int32_t> seen;
  const auto take = [&](const std::string& name, const char* role) {
    ResolvedCut::Tensor tensor{Find(name, role), name};
    if (!seen.insert(tensor.number).second) {
      throw ImportError(StatusCode::kInvalidArgument,
                        std::string(role) + " " + Quoted(name) + " is given twice");
    }
    return tensor;
  };
  for (const auto& [from, to] : options.joins) {
    ResolvedCut::Tensor source{Find(from, "joined tensor"), from};
    cut.joins.emplace_back(std::move(source), take(to, "joined tensor"));
  }
  seen.clear();
  for (const CutOptions::Input& input : options.inputs) {
    cut.inputs.push_back(take(input.name, "input"));
    cut.inputs.back().shape = input.shape;
  }
  seen.clear();
  for (const std::string& output : options.outputs) cut.outputs.push_back(take(output, "output"));
  return cut;
}

Needs NeedsOf(const ResolvedCut& cut, const SourceNodes& source) {
  const auto tensor_count = static_cast<size_t>(source.tensor_count);
  Needs needs{std::vector<Need>(source.nodes.size(), Need::kNothing),
              std::vector<Need>(tensor_count, Need::kNothing)};
  std::vector<std::vector<int32_t>> producers(tensor_count);
  for (size_t i = 0; i < source.nodes.size(); ++i) {
    for (int32_t output : source.nodes[i].outputs) {
      if (output >= 0) producers[static_cast<size_t>(output)].push_back(static_cast<int32_t>(i));
    }
  }
  std::vector<bool> is_input(tensor_count, false);
  for (const auto& input : cut.inputs) is_input[static_cast<size_t>(input.number)] = true;
  std::unordered_map<int32_t, int32_t> joined;
  for (const auto& [from, to] : cut.joins) joined[to.number] = from.number;

  std::vector<std::pair<int32_t, Need>> waiting;
  for (int32_t output : source.outputs) {
    if (cut.outputs.empty()) waiting.emplace_back(output, Need::kResult);
  }
  for (const auto& output : cut.outputs) waiting.emplace_back(output.number, Need::kResult);
  for (const auto& input : cut.inputs) waiting.emplace_back(input.number, Need::kType);
  for (const auto& [from, to] : cut.joins) {
    waiting.emplace_back(from.number, Need::kType);
    waiting.emplace_back(to.number, Need::kType);
  }
  while (!waiting.empty()) {
    auto [tensor, need] = waiting.back();
    waiting.pop_back();
    if (tensor < 0 || needs.tensors[static_cast<size_t>(tensor)] >= need) continue;
    needs.tensors[static_cast<size_t>(tensor)] = need;
    if (const auto found = joined.find(tensor); found != joined.end() && !is_input[tensor]) {
      waiting.emplace_back(found->second, need);
      need = Need::kType;
    }
    if (is_input[static_cast<size_t>(tensor)]) need = Need::kType;
    for (int32_t node : producers[static_cast<size_t>(tensor)]) {
      if (needs.nodes[static_cast<size_t>(node)] >= need) continue;
      needs.nodes[static_cast<size_t>(node)] = need;
      for (int32_t input : source.nodes[static_cast<size_t>(node)].inputs) waiting.emplace_back(input, need);
    }
  }
  return needs;
}

}  // namespace mace::importers
