// The log hook: where warnings of a Runtime go. A log line is never the only report of an error.
#ifndef MACE_CORE_LOG_H_
#define MACE_CORE_LOG_H_

namespace mace {

enum class LogLevel { kError = 0, kWarning = 1, kInfo = 2 };

struct Log {
  void* context = nullptr;
  void (*hook)() = nullptr;  // for `write` that adapts a function of another signature (mace_log)
  void (*write)(const Log& log, LogLevel level, const char* message) = nullptr;  // null: silent
};

}  // namespace mace

#endif  // MACE_CORE_LOG_H_
