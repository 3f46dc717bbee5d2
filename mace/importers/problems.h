// What an importer collects about the nodes of a model: problems, all of which one error and one report tell,
// and repairs, which strict imports refuse (docs/design/27-importers.md).
#ifndef MACE_IMPORTERS_PROBLEMS_H_
#define MACE_IMPORTERS_PROBLEMS_H_

#include <cstdint>
#include <string>

#include "mace/importers/import_error.h"
#include "mace/importers/importer.h"

namespace mace::importers {

// Names in the report's texts are the file's, whatever bytes they have: they become what clean_text.h calls
// Printable. What RunImporter does last.
void MakePrintable(ImportReport* report);

// What a person can do about an error of this kind, where nobody said anything better.
std::string ActionFor(StatusCode code);
// ... about an operand that is computed where a constant is needed.
std::string ActionForComputedOperand();
// ... about text, which MACE has no tensors of.
inline constexpr char kTextAction[] =
    "tensors of text are not supported: begin the model behind them (--input_tensor, inputs=... of "
    "mace.convert) or end it in front of them (--output_tensor, outputs=...), and look texts up in the "
    "application";
// What a person can do about operators of this name that no importer knows.
std::string ActionForUnknownOperator(const std::string& name);

// Adds what was expressed in another way than the source does; of very many only the first are told.
void AddRepair(const std::string& node, const std::string& reason, const std::string& action,
               ImportReport* report);
// Throws where `options` are strict and something was repaired; the repairs become problems.
void RefuseRepairs(const ImportOptions& options, ImportReport* report);

// The nodes that cannot be converted. Goes on after the first one, so that the report has them all.
class Problems {
 public:
  explicit Problems(ImportReport* report) : report_(*report) {}

  // `node`: what it is called in the source; `what`: its operator ("": of no operator); `action`: what a
  // person can do ("": ActionFor the code).
  void Add(const std::string& node, const std::string& what, const std::string& reason,
           const std::string& action = "", StatusCode code = StatusCode::kUnsupported,
           ImportStage stage = ImportStage::kConvert);
  void Add(const std::string& node, const std::string& what, const ImportError& error) {
    Add(node, what, error.what(), error.action(), error.code(), error.stage());
  }
  bool empty() const { return count_ == 0; }
  // One ImportError, of the first problem's kind, that names the first of them and counts the others.
  void ThrowIfAny() const;

 private:
  ImportReport& report_;
  std::string text_;
  StatusCode code_ = StatusCode::kOk;  // of the first
  ImportStage stage_ = ImportStage::kConvert;
  std::string action_;
  int64_t count_ = 0;
};

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_PROBLEMS_H_
