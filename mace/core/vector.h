// Vector<T>: a growable array whose growth returns a Status instead of throwing. Move-only.
#ifndef MACE_CORE_VECTOR_H_
#define MACE_CORE_VECTOR_H_

#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#include "mace/core/status.h"

namespace mace {

template <typename T>
class Vector {
  static_assert(alignof(T) <= alignof(std::max_align_t), "use Buffer for over-aligned data");
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  Vector() = default;
  Vector(Vector&& other) noexcept { Swap(other); }
  Vector& operator=(Vector&& other) noexcept {
    if (this != &other) {
      Vector empty;
      Swap(empty);
      Swap(other);
    }
    return *this;
  }
  Vector(const Vector&) = delete;
  Vector& operator=(const Vector&) = delete;
  ~Vector() {
    Clear();
    std::free(data_);
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }
  const T* begin() const { return data_; }
  const T* end() const { return data_ + size_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  T& back() { return data_[size_ - 1]; }
  const T& back() const { return data_[size_ - 1]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

  // Room for `capacity` elements in all; never shrinks.
  Status Reserve(size_t capacity) {
    if (capacity <= capacity_) return Status::Ok();
    if (capacity > SIZE_MAX / sizeof(T)) return Status::OutOfMemory();
    T* grown = static_cast<T*>(std::malloc(capacity * sizeof(T)));
    if (grown == nullptr) return Status::OutOfMemory();
    for (size_t i = 0; i < size_; ++i) {
      new (grown + i) T(std::move(data_[i]));
      data_[i].~T();
    }
    std::free(data_);
    data_ = grown;
    capacity_ = capacity;
    return Status::Ok();
  }
  // New elements are value-initialised (zeros for numbers).
  Status Resize(size_t size) {
    MACE_RETURN_IF_ERROR(Reserve(size));
    while (size_ > size) data_[--size_].~T();
    while (size_ < size) new (data_ + size_++) T();
    return Status::Ok();
  }
  Status PushBack(T value) {
    if (size_ == capacity_) MACE_RETURN_IF_ERROR(Reserve(capacity_ < 8 ? 8 : capacity_ * 2));
    new (data_ + size_++) T(std::move(value));
    return Status::Ok();
  }
  // Replaces the content by copies of values[0, count).
  Status Assign(const T* values, size_t count) {
    Clear();
    MACE_RETURN_IF_ERROR(Reserve(count));
    for (size_t i = 0; i < count; ++i) new (data_ + size_++) T(values[i]);
    return Status::Ok();
  }
  void PopBack() { data_[--size_].~T(); }
  void Clear() {
    while (size_ > 0) data_[--size_].~T();
  }

 private:
  void Swap(Vector& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }
  T* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace mace

#endif  // MACE_CORE_VECTOR_H_
