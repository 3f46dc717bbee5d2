// Exceptions inside importers: converters throw ImportError, the function at the edge returns its Status.
#ifndef MACE_IMPORTERS_IMPORT_ERROR_H_
#define MACE_IMPORTERS_IMPORT_ERROR_H_

#include <exception>
#include <string>
#include <utility>

#include "mace/core/result.h"
#include "mace/core/status.h"

namespace mace::importers {

class ImportError : public std::exception {
 public:
  ImportError(StatusCode code, std::string message) : code_(code), message_(std::move(message)) {}
  explicit ImportError(const Status& status) : ImportError(status.code(), status.message()) {}
  const char* what() const noexcept override { return message_.c_str(); }
  StatusCode code() const { return code_; }
  Status ToStatus() const { return Status::Format(code_, "%s", message_.c_str()); }

 private:
  StatusCode code_;
  std::string message_;
};

inline void Check(const Status& status) {
  if (!status.ok()) throw ImportError(status);
}
template <typename T>
T Unwrap(Result<T> result) {
  if (!result.ok()) throw ImportError(result.status());
  return std::move(result).value();
}

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_IMPORT_ERROR_H_
