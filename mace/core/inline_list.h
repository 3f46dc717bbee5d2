// InlineList<T, N>: up to N values in place, trivially copyable: what attribute structs hold.
#ifndef MACE_CORE_INLINE_LIST_H_
#define MACE_CORE_INLINE_LIST_H_

#include <cstdint>
#include <initializer_list>

namespace mace {

template <typename T, int N>
struct InlineList {
  int32_t count = 0;
  T values[N] = {};

  constexpr InlineList() = default;
  constexpr InlineList(std::initializer_list<T> list) {
    for (const T& value : list) {
      if (count < N) values[count++] = value;
    }
  }
  static constexpr int capacity() { return N; }
  constexpr int size() const { return count; }
  constexpr bool empty() const { return count == 0; }
  constexpr const T& operator[](int i) const { return values[i]; }
  constexpr T& operator[](int i) { return values[i]; }
  constexpr const T* begin() const { return values; }
  constexpr const T* end() const { return values + count; }
  constexpr bool Push(T value) {  // false where it is full
    if (count >= N) return false;
    values[count++] = value;
    return true;
  }
  friend constexpr bool operator==(const InlineList& a, const InlineList& b) {
    if (a.count != b.count) return false;
    for (int i = 0; i < a.count; ++i) {
      if (!(a.values[i] == b.values[i])) return false;
    }
    return true;
  }
};

using IntList = InlineList<int64_t, 8>;
using FloatList = InlineList<float, 8>;

}  // namespace mace

#endif  // MACE_CORE_INLINE_LIST_H_
