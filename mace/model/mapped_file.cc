#include "mace/model/mapped_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mace {
namespace {

// strerror_r returns the text (GNU) or an int with the text in `buffer` (POSIX): overloads take either.
const char* ErrorText(const char* text, const char*) { return text; }
[[maybe_unused]] const char* ErrorText(int, const char* buffer) { return buffer; }

Status SystemError(const char* action, const char* path, int error) {
  char buffer[256] = "unknown error";
  const char* text = ErrorText(strerror_r(error, buffer, sizeof(buffer)), buffer);
  if (error == ENOMEM) return Status::OutOfMemory();
  const StatusCode code = error == ENOENT || error == ENOTDIR ? StatusCode::kNotFound : StatusCode::kIoError;
  return Status::Format(code, "cannot %s '%s': %s", action, path, text);
}

}  // namespace

MappedFile::~MappedFile() {
  if (data_ != nullptr) munmap(const_cast<uint8_t*>(data_), size_);
}

Result<MappedFile> MappedFile::Open(const char* path) {
  // O_NONBLOCK: opening a FIFO that nobody writes to must not wait.
  int descriptor = -1;
  do {
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  } while (descriptor < 0 && errno == EINTR);
  if (descriptor < 0) return SystemError("open", path, errno);

  struct Closer {
    int descriptor;
    ~Closer() { close(descriptor); }
  } closer{descriptor};
  struct stat information;
  if (fstat(descriptor, &information) != 0) return SystemError("read", path, errno);
  if (S_ISDIR(information.st_mode)) return InvalidArgument("'%s' is a directory, not a file", path);
  if (!S_ISREG(information.st_mode)) return InvalidArgument("'%s' is not a regular file", path);
  MappedFile file;
  if (information.st_size == 0) return Result<MappedFile>(std::move(file));
  if (static_cast<uint64_t>(information.st_size) > SIZE_MAX) {
    return ResourceExhausted("'%s' is too large for the address space", path);
  }
  const auto size = static_cast<size_t>(information.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
  if (data == MAP_FAILED) return SystemError("map", path, errno);
  file.data_ = static_cast<const uint8_t*>(data);
  file.size_ = size;
  return Result<MappedFile>(std::move(file));
}

}  // namespace mace
