// Result<T>: a T or the Status that says why there is none.
#ifndef MACE_CORE_RESULT_H_
#define MACE_CORE_RESULT_H_

#include <new>
#include <utility>

#include "mace/core/status.h"

namespace mace {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : has_value_(true) { new (&value_) T(std::move(value)); }  // NOLINT: implicit on purpose
  // `status` must be an error; a success without a value is turned into an internal error.
  Result(Status status) : status_(std::move(status)), has_value_(false) {  // NOLINT: implicit on purpose
    if (status_.ok()) status_ = Internal("a Result was made from a success without a value");
  }
  Result(Result&& other) noexcept : status_(std::move(other.status_)), has_value_(other.has_value_) {
    if (has_value_) new (&value_) T(std::move(other.value_));
  }
  Result& operator=(Result&&) = delete;
  Result(const Result&) = delete;
  Result& operator=(const Result&) = delete;
  ~Result() {
    if (has_value_) value_.~T();
  }

  bool ok() const { return has_value_; }
  const Status& status() const& { return status_; }
  Status TakeStatus() { return std::move(status_); }

  // Only where ok().
  T& value() & { return value_; }
  const T& value() const& { return value_; }
  T&& value() && { return std::move(value_); }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }
  T& operator*() & { return value_; }
  const T& operator*() const& { return value_; }

 private:
  Status status_;
  bool has_value_;
  union {
    T value_;
  };
};

}  // namespace mace

// MACE_ASSIGN_OR_RETURN(auto x, MakeX()): declares x, or returns MakeX()'s error from the enclosing function.
#define MACE_ASSIGN_OR_RETURN(declaration, expression) \
  MACE_ASSIGN_OR_RETURN_IMPL_(MACE_CONCAT_(mace_result_, __LINE__), declaration, expression)
#define MACE_ASSIGN_OR_RETURN_IMPL_(result, declaration, expression) \
  auto result = (expression);                                        \
  if (!result.ok()) [[unlikely]]                                     \
    return result.TakeStatus();                                      \
  declaration = std::move(result).value()

#endif  // MACE_CORE_RESULT_H_
