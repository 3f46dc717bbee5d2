// What happens to a tensor between a caller's buffer and the model: the layout rule, and conversion between
// element types. Shared by mace/public/mace.h and mace_run. Not part of the original's names.
//
// The layout rule. A tensor comes with a shape and a format (NHWC, NCHW, or another word for "leave it").
//   - Where the shape fits the model's as it is, nothing is moved.
//   - Else, where rank is 4 and it fits after NHWC <-> NCHW (from the tensor's format to the other), its
//     elements are transposed: on entry into the model's layout, on exit into the caller's.
//   - Else it does not fit.
#ifndef MACE_PUBLIC_MACE_LAYOUT_H_
#define MACE_PUBLIC_MACE_LAYOUT_H_

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>
#include <vector>

#include "mace/mace_c.h"
#include "mace/public/mace_types.h"

namespace mace {
inline namespace original_0 {
namespace layout {

enum class Move { kNone, kToNchw, kToNhwc, kMisfit };

// Axes of the source in the order of the result: kToNchw takes NHWC, kToNhwc takes NCHW.
inline std::array<size_t, 4> AxesOf(Move move) {
  if (move == Move::kToNchw) return {0, 3, 1, 2};
  if (move == Move::kToNhwc) return {0, 2, 3, 1};
  return {0, 1, 2, 3};
}

inline std::vector<int64_t> Moved(std::span<const int64_t> shape, Move move) {
  std::vector<int64_t> moved(shape.begin(), shape.end());
  if (shape.size() != 4) return moved;
  const std::array<size_t, 4> axes = AxesOf(move);
  for (size_t i = 0; i < 4; ++i) moved[i] = shape[axes[i]];
  return moved;
}

// A wanted dimension below zero fits any.
inline bool Fits(std::span<const int64_t> shape, std::span<const int64_t> wanted) {
  if (shape.size() != wanted.size()) return false;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (wanted[i] >= 0 && shape[i] != wanted[i]) return false;
  }
  return true;
}

// How a caller's tensor becomes the model's (`wanted` may have dimensions below zero: any).
inline Move EntryMove(std::span<const int64_t> shape, DataFormat format, std::span<const int64_t> wanted) {
  if (Fits(shape, wanted)) return Move::kNone;
  if (shape.size() != 4 || (format != DataFormat::NHWC && format != DataFormat::NCHW)) return Move::kMisfit;
  const Move move = format == DataFormat::NHWC ? Move::kToNchw : Move::kToNhwc;
  return Fits(Moved(shape, move), wanted) ? move : Move::kMisfit;
}

// How a result becomes the caller's tensor, whose shape is `wanted` in `format`.
inline Move ExitMove(std::span<const int64_t> result, DataFormat format, std::span<const int64_t> wanted) {
  if (Fits(result, wanted)) return Move::kNone;
  if (result.size() != 4 || (format != DataFormat::NHWC && format != DataFormat::NCHW)) return Move::kMisfit;
  const Move move = format == DataFormat::NHWC ? Move::kToNhwc : Move::kToNchw;
  return Fits(Moved(result, move), wanted) ? move : Move::kMisfit;
}

// `from` has `shape` (rank 4) and the buffers hold all its elements; they must not overlap.
inline void Transpose(const void* from, std::span<const int64_t> shape, Move move, size_t element_bytes,
                      void* to) {
  const std::array<size_t, 4> axes = AxesOf(move);
  std::array<size_t, 4> strides = {1, 1, 1, 1};  // of the source, in elements
  for (size_t axis = 3; axis-- > 0;) strides[axis] = strides[axis + 1] * static_cast<size_t>(shape[axis + 1]);
  std::array<size_t, 4> sizes, steps;
  for (size_t i = 0; i < 4; ++i) {
    sizes[i] = static_cast<size_t>(shape[axes[i]]);
    steps[i] = strides[axes[i]] * element_bytes;
  }
  const auto* source = static_cast<const unsigned char*>(from);
  auto* target = static_cast<unsigned char*>(to);
  for (size_t a = 0; a < sizes[0]; ++a) {
    for (size_t b = 0; b < sizes[1]; ++b) {
      for (size_t c = 0; c < sizes[2]; ++c) {
        const unsigned char* row = source + a * steps[0] + b * steps[1] + c * steps[2];
        for (size_t d = 0; d < sizes[3]; ++d, target += element_bytes) {
          std::memcpy(target, row + d * steps[3], element_bytes);
        }
      }
    }
  }
}

// ---- elements

inline float FloatOfBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint32_t BitsOfFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 0x1F, fraction = half & 0x3FF;
  if (exponent == 0x1F) return FloatOfBits(sign | 0x7F800000 | fraction << 13);
  if (exponent != 0) return FloatOfBits(sign | (exponent + 112) << 23 | fraction << 13);
  const float small = static_cast<float>(fraction) * 0x1p-24f;
  return sign != 0 ? -small : small;
}

// The nearest, of two equally near the even one.
inline uint16_t FloatToHalf(float value) {
  const uint32_t bits = BitsOfFloat(value), magnitude = bits & 0x7FFFFFFF;
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t half = 0;
  if (magnitude > 0x7F800000) {
    half = 0x7E00;  // not a number
  } else if (magnitude >= 0x477FF000) {
    half = 0x7C00;  // infinity, or rounded to it
  } else if (magnitude >= 0x38800000) {
    half = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
  } else {  // a subnormal number: the sum puts its bits at the end of the fraction, rounded by the hardware
    half = BitsOfFloat(FloatOfBits(magnitude) + 0.5f) - 0x3F000000;
  }
  return static_cast<uint16_t>(sign | half);
}

inline float Bfloat16ToFloat(uint16_t value) { return FloatOfBits(static_cast<uint32_t>(value) << 16); }
inline uint16_t FloatToBfloat16(float value) {
  const uint32_t bits = BitsOfFloat(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

namespace internal {

// Calls visit with a T of the element type; false where there is no such type here.
template <typename Visit>
bool VisitType(mace_dtype dtype, const Visit& visit) {
  switch (dtype) {
    case MACE_FLOAT32:
      return visit(float{});
    case MACE_FLOAT64:
      return visit(double{});
    case MACE_INT8:
      return visit(int8_t{});
    case MACE_UINT8:
      return visit(uint8_t{});
    case MACE_INT16:
      return visit(int16_t{});
    case MACE_UINT16:
      return visit(uint16_t{});
    case MACE_INT32:
      return visit(int32_t{});
    case MACE_UINT32:
      return visit(uint32_t{});
    case MACE_INT64:
      return visit(int64_t{});
    case MACE_UINT64:
      return visit(uint64_t{});
    case MACE_BOOL:
      return visit(bool{});
    default:
      return false;
  }
}

inline bool IsSixteenBitFloat(mace_dtype dtype) { return dtype == MACE_FLOAT16 || dtype == MACE_BFLOAT16; }

inline bool Load(mace_dtype dtype, const unsigned char* from, size_t count, double* to) {
  if (IsSixteenBitFloat(dtype)) {
    for (size_t i = 0; i < count; ++i) {
      uint16_t bits;
      std::memcpy(&bits, from + 2 * i, 2);
      to[i] = static_cast<double>(dtype == MACE_FLOAT16 ? HalfToFloat(bits) : Bfloat16ToFloat(bits));
    }
    return true;
  }
  return VisitType(dtype, [&]<typename T>(T value) {
    for (size_t i = 0; i < count; ++i) {
      std::memcpy(&value, from + i * sizeof(T), sizeof(T));
      to[i] = static_cast<double>(value);
    }
    return true;
  });
}

// Stores until a value that an element cannot hold; says how many.
inline size_t Store(mace_dtype dtype, const double* from, size_t count, unsigned char* to) {
  size_t stored = 0;
  if (IsSixteenBitFloat(dtype)) {
    for (; stored < count; ++stored) {
      const auto value = static_cast<float>(from[stored]);
      const uint16_t bits = dtype == MACE_FLOAT16 ? FloatToHalf(value) : FloatToBfloat16(value);
      std::memcpy(to + 2 * stored, &bits, 2);
    }
    return stored;
  }
  VisitType(dtype, [&]<typename T>(T value) {
    for (; stored < count; ++stored) {
      const double number = std::is_integral_v<T> ? std::trunc(from[stored]) : from[stored];
      if constexpr (std::is_same_v<T, bool>) {
        if (number != 0 && number != 1) return false;
      } else if constexpr (std::is_integral_v<T>) {
        // 2^(digits of T) is exact; the least value of T is its negative, or zero.
        const double limit = std::ldexp(1.0, 8 * static_cast<int>(sizeof(T)) - std::is_signed_v<T>);
        if (!(number < limit && number >= (std::is_signed_v<T> ? -limit : 0.0))) return false;
      }
      value = static_cast<T>(number);
      std::memcpy(to + stored * sizeof(T), &value, sizeof(T));
    }
    return true;
  });
  return stored;
}

}  // namespace internal

// Bytes of an element; 0 for types that are not converted here (of 4 bits).
inline size_t ElementBytes(mace_dtype dtype) {
  size_t bytes = internal::IsSixteenBitFloat(dtype) ? 2 : 0;
  internal::VisitType(dtype, [&]<typename T>(T) { return (bytes = sizeof(T)) != 0; });
  return bytes;
}

// Converts `count` elements; fractions are cut off where integers are wanted. Stops at an element that the
// wanted type cannot hold (a number out of its range, or none), and returns how many were converted. Buffers
// may have any alignment and must not overlap.
inline size_t Convert(mace_dtype from_type, const void* from, mace_dtype to_type, void* to, size_t count) {
  const auto* source = static_cast<const unsigned char*>(from);
  auto* target = static_cast<unsigned char*>(to);
  const size_t from_bytes = ElementBytes(from_type), to_bytes = ElementBytes(to_type);
  if (from_bytes == 0 || to_bytes == 0) return 0;
  if (from_type == to_type) {
    if (count > 0) std::memcpy(target, source, count * to_bytes);
    return count;
  }
  constexpr size_t kAtATime = 256;
  double values[kAtATime];
  for (size_t done = 0; done < count; done += kAtATime) {
    const size_t part = count - done < kAtATime ? count - done : kAtATime;
    internal::Load(from_type, source + done * from_bytes, part, values);
    const size_t stored = internal::Store(to_type, values, part, target + done * to_bytes);
    if (stored < part) return done + stored;
  }
  return count;
}

}  // namespace layout
}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_LAYOUT_H_
