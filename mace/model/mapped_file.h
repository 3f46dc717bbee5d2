// A file mapped read-only.
#ifndef MACE_MODEL_MAPPED_FILE_H_
#define MACE_MODEL_MAPPED_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "mace/core/result.h"

namespace mace {

// Move-only; the mapping ends with the object. The file must not be shortened while it is mapped: replace
// files by renaming, as WriteFileAtomically does.
class MappedFile {
 public:
  MappedFile() = default;
  MappedFile(MappedFile&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  // Regular files only: a directory, FIFO or device is refused, without waiting for anything. An empty file
  // gives empty bytes. Errors name the path and the system's reason.
  static Result<MappedFile> Open(const char* path);

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace mace

#endif  // MACE_MODEL_MAPPED_FILE_H_
