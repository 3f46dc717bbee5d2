// WriteFileAtomically of writer.h.
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <new>
#include <random>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mace/model/writer.h"

namespace mace {
namespace {

Status SystemError(const std::string& action, const std::string& path, int error) {
  const std::string text = std::generic_category().message(error);
  const StatusCode code = error == ENOENT || error == ENOTDIR ? StatusCode::kNotFound : StatusCode::kIoError;
  return Status::Format(code, "cannot %s '%s': %s", action.c_str(), path.c_str(), text.c_str());
}

// Removes the temporary file unless it has been renamed, and closes it.
class TemporaryFile {
 public:
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  // Beside `target`, so that the rename stays within one file system.
  Status Create(const std::string& target) {
    std::random_device random;
    for (int attempt = 0; attempt < 100; ++attempt) {
      std::string path = target + ".tmp." + std::to_string(random());
      descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0) {
        path_ = std::move(path);
        return Status::Ok();
      }
      if (errno != EEXIST && errno != EINTR) break;
    }
    return SystemError("create a file beside", target, errno);
  }
  Status Write(const std::string& target, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
      // Some systems refuse more than 2 GiB at once.
      const size_t chunk = bytes.size() < (1u << 30) ? bytes.size() : (1u << 30);
      const ssize_t written = write(descriptor_, bytes.data(), chunk);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return SystemError("write", target, errno);
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
    return Status::Ok();
  }
  Status Publish(const std::string& target, const struct stat* previous) {
    if (previous != nullptr && fchmod(descriptor_, previous->st_mode & 07777) != 0) {
      return SystemError("keep the permissions of", target, errno);
    }
    if (fsync(descriptor_) != 0) return SystemError("write", target, errno);
    const int descriptor = descriptor_;
    descriptor_ = -1;
    if (close(descriptor) != 0) return SystemError("write", target, errno);
    if (rename(path_.c_str(), target.c_str()) != 0) return SystemError("replace", target, errno);
    path_.clear();
    return Status::Ok();
  }

 private:
  std::string path_;  // empty: nothing to remove
  int descriptor_ = -1;
};

// What a symbolic link at `path` leads to, so that the rename does not replace the link.
std::string Resolved(const std::string& path) {
  struct stat information;
  if (lstat(path.c_str(), &information) != 0 || !S_ISLNK(information.st_mode)) return path;
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;  // a dangling link is replaced
  std::string result = resolved;
  std::free(resolved);
  return result;
}

// Makes the rename itself last. Not every file system can; the file's content is safe either way.
void SyncFolder(const std::string& target) {
  const size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  (void)fsync(descriptor);
  close(descriptor);
}

Status Write(const std::string& path, std::span<const uint8_t> bytes) {
  const std::string target = Resolved(path);
  struct stat information;
  const bool exists = stat(target.c_str(), &information) == 0;
  if (exists && !S_ISREG(information.st_mode)) {
    return InvalidArgument("cannot write '%s': it is %s", path.c_str(),
                           S_ISDIR(information.st_mode) ? "a directory" : "not a regular file");
  }
  TemporaryFile file;
  MACE_RETURN_IF_ERROR(file.Create(target));
  MACE_RETURN_IF_ERROR(file.Write(target, bytes));
  MACE_RETURN_IF_ERROR(file.Publish(target, exists ? &information : nullptr));
  SyncFolder(target);
  return Status::Ok();
}

}  // namespace

Status WriteFileAtomically(const std::string& path, std::span<const uint8_t> bytes) {
  try {
    return Write(path, bytes);
  } catch (const std::bad_alloc&) {
    return Status::OutOfMemory();
  } catch (const std::exception& error) {
    return Internal("writing '%s' failed: %s", path.c_str(), error.what());
  }
}

}  // namespace mace
