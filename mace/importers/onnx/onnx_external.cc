#include "mace/importers/onnx/onnx_external.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <utility>

#include "mace/core/shape.h"
#include "mace/importers/import_error.h"

namespace mace::importers::onnx {
namespace {

// For messages, which end at a zero byte.
std::string Shown(std::string_view text) {
  std::string shown(text.substr(0, 200));
  std::replace(shown.begin(), shown.end(), '\0', '?');
  return shown;
}

std::string ErrorText(int error) { return std::strerror(error); }

// A number as ONNX writes it, `missing` for an empty text; -1 for anything that is none.
int64_t ReadNumber(std::string_view text, int64_t missing) {
  if (text.empty()) return missing;
  int64_t number = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() ? std::max<int64_t>(number, -1) : -1;
}

// Why a location is refused whatever there is; empty where it is not.
std::string RefusalOf(std::string_view location) {
  if (location.empty()) return "the location is empty";
  if (location.find('\0') != location.npos) return "the location holds a zero byte";
  if (location.front() == '/') return "the location is no relative path";
  for (size_t begin = 0; begin <= location.size();) {
    const size_t end = std::min(location.find('/', begin), location.size());
    if (location.substr(begin, end - begin) == "..")
      return "the location leads out of the model's folder ('..')";
    begin = end + 1;
  }
  return "";
}

}  // namespace

ExternalData::ExternalData(std::optional<std::string> folder, const std::vector<ExternalRange>& ranges)
    : folder_(std::move(folder)) {
  std::map<std::string_view, int64_t> wanted;
  for (const ExternalRange& range : ranges) {
    int64_t& sum = wanted[range.location];
    if (!CheckedAdd(sum, range.bytes, &sum)) sum = INT64_MAX;
  }
  for (const auto& [location, bytes] : wanted) {
    if (!Open(location).empty()) continue;  // told when a tensor of it is used
    if (bytes / 2 > file_bytes_) {
      throw ImportError(Status::Format(
          StatusCode::kResourceExhausted,
          "the model's tensors want %lld bytes of the file '%s', which has only %lld",
          static_cast<long long>(bytes), Shown(location).c_str(), static_cast<long long>(file_bytes_)));
    }
    total_bytes_ = std::min(total_bytes_ + std::min(bytes, INT64_MAX - total_bytes_), int64_t{1} << 50);
  }
}

void ExternalData::Close() {
  if (file_ >= 0) close(file_);
  file_ = -1;
}

std::string ExternalData::Open(std::string_view location) {
  if (file_ >= 0 && location_ == location) return "";
  Close();
  if (!folder_.has_value()) return "the model came as bytes, without a folder to look in";
  if (std::string refusal = RefusalOf(location); !refusal.empty()) return refusal;
  int folder = open(folder_->empty() ? "." : folder_->c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return "the model's folder: " + ErrorText(errno);
  // One component at a time, so that no link is followed on the way.
  std::string_view rest = location;
  while (file_ < 0) {
    const size_t slash = rest.find('/');
    const std::string part(rest.substr(0, slash));
    const bool is_last = slash == rest.npos;
    // O_NONBLOCK: a FIFO must not keep us waiting.
    const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (is_last ? O_NONBLOCK : O_DIRECTORY);
    const int next = part.empty() ? openat(folder, ".", flags) : openat(folder, part.c_str(), flags);
    const int error = errno;
    struct stat link = {};
    const bool is_link =
        next < 0 && fstatat(folder, part.c_str(), &link, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(link.st_mode);
    close(folder);
    if (is_link) return "'" + Shown(part) + "' is a symbolic link";
    if (next < 0) return ErrorText(error);
    if (!is_last) {
      folder = next;
      rest.remove_prefix(slash + 1);
      continue;
    }
    file_ = next;
  }
  struct stat status = {};
  if (fstat(file_, &status) != 0 || !S_ISREG(status.st_mode)) {
    Close();
    return "it is not a regular file";
  }
  location_ = location;
  file_bytes_ = status.st_size;
  return "";
}

int64_t ExternalData::Locate(const Tensor& tensor, const std::string& name, int64_t bytes) {
  const auto refuse = [&](StatusCode code, const std::string& why) {
    throw ImportError(
        code, "tensor '" + name + "' keeps its data in the file '" + Shown(tensor.location) + "': " + why)
        .WithAction(
            "put that file beside the model, inside of its folder, or save the model with all data inside");
  };
  const int64_t offset = ReadNumber(tensor.offset, 0);
  const int64_t length = ReadNumber(tensor.length, bytes);
  if (offset < 0) refuse(StatusCode::kDataLoss, "the offset '" + Shown(tensor.offset) + "' is impossible");
  if (length != bytes) {
    refuse(StatusCode::kDataLoss, "its length is given as '" + Shown(tensor.length) +
                                      "', its dimensions ask for " + std::to_string(bytes) + " bytes");
  }
  if (const std::string why = Open(tensor.location); !why.empty()) {
    refuse(folder_.has_value() ? StatusCode::kIoError : StatusCode::kInvalidArgument, why);
  }
  int64_t end = 0;
  if (!CheckedAdd(offset, bytes, &end) || end > file_bytes_) {
    refuse(StatusCode::kDataLoss, "it ends after " + std::to_string(file_bytes_) +
                                      " bytes, the tensor wants " + std::to_string(bytes) + " from " +
                                      std::to_string(offset));
  }
  return offset;
}

void ExternalData::Read(const std::string& name, int64_t offset, int64_t bytes, void* target) {
  char* next = static_cast<char*>(target);
  while (bytes > 0) {
    constexpr int64_t kAtOnce = int64_t{1} << 30;  // Linux reads no more than 2 GiB
    const ssize_t count = pread(file_, next, static_cast<size_t>(std::min(bytes, kAtOnce)), offset);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      throw ImportError(StatusCode::kIoError, "tensor '" + name + "': reading the file '" + Shown(location_) +
                                                  "': " + (count < 0 ? ErrorText(errno) : "it ended early"));
    }
    next += count;
    offset += count;
    bytes -= count;
  }
}

}  // namespace mace::importers::onnx
