// What every function of the C ABI needs: handles, statuses, and structs of callers that may have been
// compiled with an older or newer mace_c.h.
#ifndef MACE_API_STRUCTS_H_
#define MACE_API_STRUCTS_H_

#include <cstddef>
#include <cstring>

#include "mace/core/status.h"
#include "mace/mace_c.h"
#include "mace/runtime/session.h"

namespace mace::api {

// Handles are the counted objects themselves.
inline Runtime* FromHandle(mace_runtime* handle) { return reinterpret_cast<Runtime*>(handle); }
inline Model* FromHandle(mace_model* handle) { return reinterpret_cast<Model*>(handle); }
inline const Model* FromHandle(const mace_model* handle) { return reinterpret_cast<const Model*>(handle); }
inline Session* FromHandle(mace_session* handle) { return reinterpret_cast<Session*>(handle); }

inline mace_status* ToHandle(Status status) {
  return reinterpret_cast<mace_status*>(const_cast<Status::Rep*>(status.Detach()));
}

// An error where `pointer` is null. `what` names the argument.
inline Status CheckNotNull(const void* pointer, const char* what) {
  if (pointer != nullptr) return Status::Ok();
  return InvalidArgument("%s must not be NULL", what);
}

inline constexpr uint32_t kMaxStructSize = 4096;  // more is no struct of any version

// struct_size of the caller's struct, if it is at least `minimum`.
template <typename T>
Status ReadStructSize(const T* caller, const char* name, size_t minimum, uint32_t* size) {
  std::memcpy(size, caller, sizeof(*size));
  if (*size < minimum || *size > kMaxStructSize) {
    return InvalidArgument("%s.struct_size is %u; set it to sizeof(%s), which is %zu here", name, *size, name,
                           sizeof(T));
  }
  return Status::Ok();
}

// Copies what the caller's version of the struct has; the rest is zero. Fields that this version does not
// know must be zero.
template <typename T>
Status ReadStruct(const T* caller, const char* name, size_t minimum, T* copy) {
  uint32_t size = 0;
  MACE_RETURN_IF_ERROR(ReadStructSize(caller, name, minimum, &size));
  std::memset(static_cast<void*>(copy), 0, sizeof(T));
  std::memcpy(static_cast<void*>(copy), caller, size < sizeof(T) ? size : sizeof(T));
  const auto* bytes = reinterpret_cast<const unsigned char*>(caller);
  for (size_t i = sizeof(T); i < size; ++i) {
    if (bytes[i] != 0) return Unsupported("%s has a field set that this version does not know", name);
  }
  return Status::Ok();
}

// Of options: the first version had at least struct_size and one more field.
inline constexpr size_t kMinOptionsSize = 2 * sizeof(uint32_t);

}  // namespace mace::api

#endif  // MACE_API_STRUCTS_H_
