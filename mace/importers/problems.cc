#include "mace/importers/problems.h"

#include <algorithm>

#include "mace/importers/clean_text.h"

namespace mace::importers {
namespace {

constexpr int64_t kMaxTold = 20;          // in one message
constexpr size_t kMaxFindings = 1024;     // in the report
constexpr size_t kMaxFindingText = 2000;  // bytes of one field: names are the file's, errors quote them

std::string Cut(const std::string& text) { return text.substr(0, kMaxFindingText); }

std::string Describe(const std::string& node, const std::string& what) {
  if (node.empty()) return what;
  return "node '" + node + "'" + (what.empty() ? "" : " (" + what + ")");
}

}  // namespace

Status ImportError::ToStatus() const { return Status::Format(code_, "%s", Printable(message_).c_str()); }

void MakePrintable(ImportReport* report) {
  for (std::string& warning : report->warnings) warning = Printable(warning);
  for (std::vector<Finding>* findings : {&report->problems, &report->repairs}) {
    for (Finding& finding : *findings) {
      finding = {Printable(finding.node), Printable(finding.reason), Printable(finding.action)};
    }
  }
}

std::string ActionFor(StatusCode code) {
  switch (code) {
    case StatusCode::kUnsupported:
      return "export the model so that it does without this, or convert the part before it (--output_tensor)";
    case StatusCode::kDataLoss:
      return "the file is damaged or no such model: write it again";
    case StatusCode::kResourceExhausted:
    case StatusCode::kOutOfMemory:
      return "convert a part of the model (--input_tensor, --output_tensor)";
    default:
      return "the source says what its format does not allow: check it there, then export it again";
  }
}

std::string ActionForComputedOperand() {
  return "store it in the model as a constant: export with fixed sizes and with constants folded";
}

std::string ActionForUnknownOperator(const std::string& name) {
  return "register a custom operator called '" + name +
         "' (--custom_operator), or convert the part before it (--output_tensor)";
}

void AddRepair(const std::string& node, const std::string& reason, const std::string& action,
               ImportReport* report) {
  if (report->repairs.size() > kMaxFindings) return;
  if (report->repairs.size() == kMaxFindings) {
    report->repairs.push_back({"", "more nodes were repaired", "only the first are listed"});
    return;
  }
  report->repairs.push_back({Cut(node), Cut(reason), Cut(action)});
}

void RefuseRepairs(const ImportOptions& options, ImportReport* report) {
  if (!options.strict || report->repairs.empty()) return;
  std::string text = "strict: the model needs repairs: ";
  int64_t count = 0;
  for (const Finding& repair : report->repairs) {
    if (++count <= kMaxTold)
      text += (count == 1 ? "" : "; ") + Describe(repair.node, "") + ": " + repair.reason;
    report->problems.push_back(
        {repair.node, repair.reason, "allow the repair (without --strict: " + repair.action + ")"});
  }
  if (count > kMaxTold) text += "; and " + std::to_string(count - kMaxTold) + " more";
  throw ImportError(StatusCode::kUnsupported, text);
}

void Problems::Add(const std::string& node, const std::string& what, const std::string& reason,
                   const std::string& action, StatusCode code, ImportStage stage) {
  const std::string advice = action.empty() ? ActionFor(code) : action;
  if (count_++ == 0) {
    code_ = code;
    stage_ = stage;
    action_ = advice;
  }
  if (report_.problems.size() < kMaxFindings) {
    report_.problems.push_back({Cut(node), Cut(what.empty() ? reason : what + ": " + reason), Cut(advice)});
  }
  if (count_ > kMaxTold) return;
  const std::string subject = Describe(node, what);
  text_ += (text_.empty() ? "" : "; ") + (subject.empty() ? "" : subject + ": ") + reason;
}

void Problems::ThrowIfAny() const {
  if (count_ == 0) return;
  std::string text = text_;
  if (count_ > kMaxTold) text += "; and " + std::to_string(count_ - kMaxTold) + " more nodes";
  throw ImportError(code_, text, stage_).WithAction(action_);
}

}  // namespace mace::importers
