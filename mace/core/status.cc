#include "mace/core/status.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace mace {

struct Status::Rep {
  StatusCode code;
  const char* message;  // points behind the Rep, or to a literal in kOutOfMemory
};

namespace {

constexpr size_t kMaxMessage = 4096;
constexpr Status::Rep kOutOfMemory = {StatusCode::kOutOfMemory, "out of memory"};

const Status::Rep* NewRep(StatusCode code, const char* text, size_t length) {
  void* memory = std::malloc(sizeof(Status::Rep) + length + 1);
  if (memory == nullptr) return &kOutOfMemory;
  char* message = static_cast<char*>(memory) + sizeof(Status::Rep);
  std::memcpy(message, text, length);
  message[length] = '\0';
  return new (memory) Status::Rep{code, message};
}

}  // namespace

const char* NameOf(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidArgument:
      return "invalid argument";
    case StatusCode::kNotFound:
      return "not found";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kOutOfMemory:
      return "out of memory";
    case StatusCode::kDataLoss:
      return "data loss";
    case StatusCode::kIoError:
      return "input/output error";
    case StatusCode::kDeadlineExceeded:
      return "deadline exceeded";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kResourceExhausted:
      return "resource exhausted";
    case StatusCode::kInternal:
      return "internal error";
    case StatusCode::kFailedPrecondition:
      return "failed precondition";
  }
  return "unknown";
}

Status Status::OutOfMemory() { return Status(&kOutOfMemory); }

Status Status::FormatV(StatusCode code, const char* format, va_list arguments) {
  char text[kMaxMessage];
  const int length = std::vsnprintf(text, sizeof(text), format, arguments);
  const size_t kept =
      length < 0 ? 0 : (static_cast<size_t>(length) < sizeof(text) ? length : sizeof(text) - 1);
  return Status(NewRep(code, text, kept));
}

Status Status::Format(StatusCode code, const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  Status status = FormatV(code, format, arguments);
  va_end(arguments);
  return status;
}

StatusCode Status::code() const { return rep_ == nullptr ? StatusCode::kOk : rep_->code; }

const char* Status::message() const { return rep_ == nullptr ? "" : rep_->message; }

Status Status::WithPrefix(const char* format, ...) && {
  if (ok() || rep_ == &kOutOfMemory) return std::move(*this);
  char text[kMaxMessage];
  va_list arguments;
  va_start(arguments, format);
  int length = std::vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  if (length < 0) length = 0;
  if (static_cast<size_t>(length) >= sizeof(text)) length = sizeof(text) - 1;
  std::snprintf(text + length, sizeof(text) - length, ": %s", message());
  return Status(NewRep(rep_->code, text, std::strlen(text)));
}

void Status::Release() noexcept {
  if (rep_ != nullptr && rep_ != &kOutOfMemory) std::free(const_cast<Rep*>(rep_));
  rep_ = nullptr;
}

}  // namespace mace
