// Errors as values (docs/design/22-errors.md). A Status is one pointer: null is success, out of memory is a
// static object (reporting it must not allocate), everything else owns a code and a message.
#ifndef MACE_CORE_STATUS_H_
#define MACE_CORE_STATUS_H_

#include <cstdarg>
#include <cstdint>
#include <utility>

namespace mace {

// The values are those of mace_status_code in mace_c.h: never renumber.
enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument = 1,      // the caller passed something wrong (name, shape, dtype, flag)
  kNotFound = 2,             // a file or a name is not there
  kUnsupported = 3,          // well-formed, but this build cannot do it
  kOutOfMemory = 4,          // an allocation failed
  kDataLoss = 5,             // the bytes of a file are damaged, truncated or of another format
  kIoError = 6,              // the operating system refused to read or write
  kDeadlineExceeded = 7,     // the run's deadline passed
  kCancelled = 8,            // the run's cancel flag was set
  kResourceExhausted = 9,    // a budget (memory cap, size limit) does not allow it
  kInternal = 10,            // a defect of MACE
  kFailedPrecondition = 11,  // the object is not in a state that allows the call
};

// "invalid argument", "out of memory", ...: a static string.
const char* NameOf(StatusCode code);

class [[nodiscard]] Status {
 public:
  constexpr Status() = default;
  Status(Status&& other) noexcept : rep_(std::exchange(other.rep_, nullptr)) {}
  Status& operator=(Status&& other) noexcept {
    if (this != &other) {
      Release();
      rep_ = std::exchange(other.rep_, nullptr);
    }
    return *this;
  }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  ~Status() { Release(); }

  static Status Ok() { return Status(); }
  static Status OutOfMemory();
  // printf-style; becomes OutOfMemory() where the message cannot be allocated. Messages are cut at 4 KiB.
  static Status Format(StatusCode code, const char* format, ...) __attribute__((format(printf, 2, 3)));
  static Status FormatV(StatusCode code, const char* format, va_list arguments);

  bool ok() const { return rep_ == nullptr; }
  StatusCode code() const;
  const char* message() const;  // "" on success; valid while this Status lives

  // The same code with "<prefix>: " in front of the message: how callers add file, node or tensor names.
  Status WithPrefix(const char* format, ...) && __attribute__((format(printf, 2, 3)));

  void IgnoreError() const {}  // says in the code that dropping the error is meant

  struct Rep;
  // The C ABI hands a Status over as one pointer: Detach gives it (null: success), Adopt takes it back.
  const Rep* Detach() { return std::exchange(rep_, nullptr); }
  static Status Adopt(const Rep* rep) { return Status(rep); }

 private:
  explicit Status(const Rep* rep) : rep_(rep) {}
  void Release() noexcept;
  const Rep* rep_ = nullptr;
};

inline Status InvalidArgument(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline Status Unsupported(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline Status DataLoss(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline Status NotFound(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline Status Internal(const char* format, ...) __attribute__((format(printf, 1, 2)));
inline Status ResourceExhausted(const char* format, ...) __attribute__((format(printf, 1, 2)));

#define MACE_DEFINE_STATUS_MAKER(Name)                                       \
  inline Status Name(const char* format, ...) {                              \
    va_list arguments;                                                       \
    va_start(arguments, format);                                             \
    Status status = Status::FormatV(StatusCode::k##Name, format, arguments); \
    va_end(arguments);                                                       \
    return status;                                                           \
  }
MACE_DEFINE_STATUS_MAKER(InvalidArgument)
MACE_DEFINE_STATUS_MAKER(Unsupported)
MACE_DEFINE_STATUS_MAKER(DataLoss)
MACE_DEFINE_STATUS_MAKER(NotFound)
MACE_DEFINE_STATUS_MAKER(Internal)
MACE_DEFINE_STATUS_MAKER(ResourceExhausted)
#undef MACE_DEFINE_STATUS_MAKER

}  // namespace mace

#define MACE_CONCAT_INNER_(a, b) a##b
#define MACE_CONCAT_(a, b) MACE_CONCAT_INNER_(a, b)

// Returns from the enclosing function (Status or Result<T>) where `expression` is an error.
#define MACE_RETURN_IF_ERROR(expression)        \
  do {                                          \
    ::mace::Status mace_status_ = (expression); \
    if (!mace_status_.ok()) [[unlikely]]        \
      return mace_status_;                      \
  } while (false)

#endif  // MACE_CORE_STATUS_H_
