// Exceptions inside importers: converters throw ImportError, the function at the edge returns its Status.
#ifndef MACE_IMPORTERS_IMPORT_ERROR_H_
#define MACE_IMPORTERS_IMPORT_ERROR_H_

#include <exception>
#include <new>
#include <string>
#include <utility>

#include "mace/core/result.h"
#include "mace/core/status.h"
#include "mace/importers/importer.h"

namespace mace::importers {

class ImportError : public std::exception {
 public:
  ImportError(StatusCode code, std::string message, ImportStage stage = ImportStage::kConvert)
      : code_(code), message_(std::move(message)), stage_(stage) {}
  explicit ImportError(const Status& status, ImportStage stage = ImportStage::kConvert)
      : ImportError(status.code(), status.message(), stage) {}
  const char* what() const noexcept override { return message_.c_str(); }
  StatusCode code() const { return code_; }
  ImportStage stage() const { return stage_; }
  // What a person can do about it; empty where that follows from the code alone (problems.h).
  const std::string& action() const { return action_; }
  ImportError& WithAction(std::string action) {
    action_ = std::move(action);
    return *this;
  }
  Status ToStatus() const;  // the message is Printable

 private:
  StatusCode code_;
  std::string message_;
  ImportStage stage_;
  std::string action_;
};
// Of problems.h.
std::string ActionFor(StatusCode code);
void MakePrintable(ImportReport* report);

inline void Check(const Status& status, ImportStage stage = ImportStage::kConvert) {
  if (!status.ok()) throw ImportError(status, stage);
}
template <typename T>
T Unwrap(Result<T> result) {
  if (!result.ok()) throw ImportError(result.status());
  return std::move(result).value();
}

// The edge of an importer: runs `import` and turns what it throws into a Status and the stage it failed at.
template <typename Import>
Status RunImporter(const char* name, ImportReport* report, const Import& import) {
  try {
    Status status;
    try {
      import();
    } catch (const ImportError& error) {
      report->failed_at = error.stage();
      if (report->problems.empty()) {
        report->problems.push_back(
            {"", error.what(), error.action().empty() ? ActionFor(error.code()) : error.action()});
      }
      status = error.ToStatus();
    }
    MakePrintable(report);
    return status;
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::exception& error) {
    return Internal("the %s importer failed: %s", name, error.what());
  }
}

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_IMPORT_ERROR_H_
