// Shape: a rank and at most kMaxRank dimensions, held in place. The same type serves concrete tensors and the
// types of the IR, where a dimension may also be a symbol or unknown (docs/design/05-ir.md).
#ifndef MACE_CORE_SHAPE_H_
#define MACE_CORE_SHAPE_H_

#include <cstdint>
#include <initializer_list>
#include <span>

namespace mace {

inline constexpr int kMaxRank = 8;
// The rank of a shape of which nothing is known before data are there (an If whose branches differ in rank, a
// Squeeze of whatever is 1). Only in types of the IR: a tensor that exists has a rank.
inline constexpr int32_t kUnknownRank = -1;
// A dimension >= 0 is a constant, kUnknownDim is unknown, any lower number is symbol number -2 - dim of the
// graph.
inline constexpr int64_t kUnknownDim = -1;
constexpr int64_t SymbolDim(int32_t symbol) { return -2 - static_cast<int64_t>(symbol); }
constexpr bool IsSymbolDim(int64_t dim) { return dim <= -2; }
constexpr int32_t SymbolOf(int64_t dim) { return static_cast<int32_t>(-2 - dim); }

// a * b, or false where it does not fit or either is negative.
inline bool CheckedMultiply(int64_t a, int64_t b, int64_t* product) {
  return a >= 0 && b >= 0 && !__builtin_mul_overflow(a, b, product);
}
inline bool CheckedAdd(int64_t a, int64_t b, int64_t* sum) { return !__builtin_add_overflow(a, b, sum); }

struct Shape {
  int32_t rank = 0;
  int64_t dims[kMaxRank] = {};

  Shape() = default;
  Shape(std::initializer_list<int64_t> list) {
    for (int64_t dim : list) {
      if (rank < kMaxRank) dims[rank++] = dim;
    }
  }

  static Shape OfUnknownRank() {
    Shape shape;
    shape.rank = kUnknownRank;
    return shape;
  }
  bool HasRank() const { return rank >= 0; }

  int64_t& operator[](int axis) { return dims[axis]; }
  int64_t operator[](int axis) const { return dims[axis]; }
  std::span<const int64_t> span() const { return {dims, HasRank() ? static_cast<size_t>(rank) : 0}; }
  bool Push(int64_t dim) {  // false where kMaxRank is reached
    if (rank < 0 || rank >= kMaxRank) return false;
    dims[rank++] = dim;
    return true;
  }
  // True where the rank is known and every dimension is a constant.
  bool IsConcrete() const {
    if (!HasRank()) return false;
    for (int i = 0; i < rank; ++i) {
      if (dims[i] < 0) return false;
    }
    return true;
  }
  // Product of the dimensions [begin, end); -1 where one is not constant or the product does not fit in 63
  // bits.
  int64_t Product(int begin, int end) const {
    int64_t product = 1;
    bool zero = false;
    for (int i = begin; i < end; ++i) {
      if (dims[i] < 0) return -1;
      if (dims[i] == 0) {
        zero = true;
        continue;
      }
      if (__builtin_mul_overflow(product, dims[i], &product)) return -1;
    }
    return zero ? 0 : product;
  }
  int64_t ElementCount() const { return HasRank() ? Product(0, rank) : -1; }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank != b.rank) return false;
    for (int i = 0; i < a.rank; ++i) {
      if (a.dims[i] != b.dims[i]) return false;
    }
    return true;
  }
};

// Brings an axis counted from the end (-rank..-1) into 0..rank-1; false where it is outside.
inline bool NormalizeAxis(int64_t axis, int rank, int* normalized) {
  if (axis < 0) axis += rank;
  if (axis < 0 || axis >= rank) return false;
  *normalized = static_cast<int>(axis);
  return true;
}

// "[1, 3, ?, s0]" into `text` (always NUL-terminated, cut where it does not fit); returns `text`.
const char* FormatShape(const Shape& shape, char* text, int capacity);
struct ShapeText {  // for messages: ShapeText(shape).text
  explicit ShapeText(const Shape& shape) { FormatShape(shape, text, sizeof(text)); }
  char text[200];
};

}  // namespace mace

#endif  // MACE_CORE_SHAPE_H_
