#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <memory>
#include <stdexcept>

namespace mace_run {
namespace {

[[noreturn]] void Fail(const std::string& what) { throw std::runtime_error(what); }

struct FileCloser {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, FileCloser>;

volatile std::sig_atomic_t g_signal = 0;

// Signals that would end the program do so at the end of the scope: no temporary file is left.
class DeferredSignals {
 public:
  DeferredSignals() {
    g_signal = 0;
    for (size_t i = 0; i < std::size(kSignals); ++i) {
      struct sigaction action = {};
      sigaction(kSignals[i], nullptr, &previous_[i]);
      action.sa_handler = [](int number) { g_signal = number; };
      if (previous_[i].sa_handler == SIG_DFL) sigaction(kSignals[i], &action, nullptr);
    }
  }
  ~DeferredSignals() {
    for (size_t i = 0; i < std::size(kSignals); ++i) sigaction(kSignals[i], &previous_[i], nullptr);
    if (came()) std::raise(g_signal);
  }
  DeferredSignals(const DeferredSignals&) = delete;
  DeferredSignals& operator=(const DeferredSignals&) = delete;
  bool came() const { return g_signal != 0; }

 private:
  static constexpr int kSignals[] = {SIGHUP, SIGINT, SIGTERM};
  struct sigaction previous_[std::size(kSignals)];
};

// False where it failed (errno says why) or a signal came.
bool WriteAll(int descriptor, std::span<const uint8_t> bytes, const DeferredSignals& signals) {
  constexpr size_t kAtATime = size_t{16} << 20;
  while (!bytes.empty()) {
    if (signals.came()) return false;
    const ssize_t written = write(descriptor, bytes.data(), std::min(bytes.size(), kAtATime));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

std::vector<uint8_t> ReadFile(const std::string& path, const std::function<void(uint64_t)>& check) {
  // O_NONBLOCK: a FIFO must not keep us waiting.
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) Fail(std::strerror(errno));
  File file(fdopen(descriptor, "rb"));
  struct stat info;
  if (file == nullptr || fstat(descriptor, &info) != 0) Fail(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) Fail("not a regular file");
  check(static_cast<uint64_t>(info.st_size));
  std::vector<uint8_t> bytes(static_cast<size_t>(info.st_size));
  if (!bytes.empty() && std::fread(bytes.data(), 1, bytes.size(), file.get()) != bytes.size()) {
    Fail("could not be read to its end");
  }
  return bytes;
}

void WriteFile(const std::string& path, std::initializer_list<std::span<const uint8_t>> parts) {
  struct stat info;
  if (lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode)) {
    Fail(path + (S_ISLNK(info.st_mode) ? " is a symbolic link, not" : " is not") +
         " a regular file: it is left alone");
  }
  const std::string temporary = path + ".partial" + std::to_string(getpid());
  const DeferredSignals signals;
  // O_EXCL: nothing that is there under the temporary name (a link, a FIFO) is followed or waited for.
  const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) Fail(path + ": " + std::strerror(errno));
  bool good = true;
  for (std::span<const uint8_t> part : parts) good = good && WriteAll(descriptor, part, signals);
  good = good && !signals.came();
  int error = errno;
  close(descriptor);
  if (good && std::rename(temporary.c_str(), path.c_str()) == 0) return;
  if (good) error = errno;
  std::remove(temporary.c_str());
  if (!signals.came()) Fail(path + ": " + std::strerror(error));
}

}  // namespace mace_run
