// Element types of tensors. The numeric values are part of the .mace format and of the C ABI: never renumber.
#ifndef MACE_CORE_DTYPE_H_
#define MACE_CORE_DTYPE_H_

#include <cstddef>
#include <cstdint>

namespace mace {

enum class DType : uint8_t {
  kInvalid = 0,
  kF32 = 1,
  kF16 = 2,
  kBF16 = 3,
  kF64 = 4,
  kI8 = 5,
  kU8 = 6,
  kI16 = 7,
  kU16 = 8,
  kI32 = 9,
  kU32 = 10,
  kI64 = 11,
  kU64 = 12,
  kBool = 13,  // one byte, 0 or 1
  kI4 = 14,    // two values a byte, the first in the low nibble
  kU4 = 15,
  kI2 = 16,  // four values a byte, the first in the lowest two bits
  kU2 = 17,
};

inline constexpr int kDTypeCount = 18;

// Bits of one element; 0 for kInvalid and for numbers that name no type.
constexpr int BitsOf(DType dtype) {
  constexpr uint8_t kBits[kDTypeCount] = {0, 32, 16, 16, 64, 8, 8, 16, 16, 32, 32, 64, 64, 8, 4, 4, 2, 2};
  const auto index = static_cast<uint8_t>(dtype);
  return index < kDTypeCount ? kBits[index] : 0;
}

// Bytes of one element of a type that fills whole bytes; 0 for the types of 4 and 2 bits.
constexpr int BytesOf(DType dtype) { return BitsOf(dtype) / 8; }

constexpr bool IsFloat(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBF16 || dtype == DType::kF64;
}

// Integers of any width and sign; bool is not one.
constexpr bool IsInteger(DType dtype) {
  return BitsOf(dtype) != 0 && !IsFloat(dtype) && dtype != DType::kBool;
}

// Types of which several elements share a byte.
constexpr bool IsSubByte(DType dtype) { return BitsOf(dtype) != 0 && BitsOf(dtype) < 8; }

constexpr bool IsValid(DType dtype) { return BitsOf(dtype) != 0; }

// "float32", "uint8", ...: NumPy's names. A static string, "invalid" for anything else.
const char* NameOf(DType dtype);

// The C++ type of a DType: DTypeOf<float>() == DType::kF32.
template <typename T>
constexpr DType DTypeOf();
template <>
constexpr DType DTypeOf<float>() {
  return DType::kF32;
}
template <>
constexpr DType DTypeOf<double>() {
  return DType::kF64;
}
template <>
constexpr DType DTypeOf<int8_t>() {
  return DType::kI8;
}
template <>
constexpr DType DTypeOf<uint8_t>() {
  return DType::kU8;
}
template <>
constexpr DType DTypeOf<int16_t>() {
  return DType::kI16;
}
template <>
constexpr DType DTypeOf<uint16_t>() {
  return DType::kU16;
}
template <>
constexpr DType DTypeOf<int32_t>() {
  return DType::kI32;
}
template <>
constexpr DType DTypeOf<uint32_t>() {
  return DType::kU32;
}
template <>
constexpr DType DTypeOf<int64_t>() {
  return DType::kI64;
}
template <>
constexpr DType DTypeOf<uint64_t>() {
  return DType::kU64;
}
template <>
constexpr DType DTypeOf<bool>() {
  return DType::kBool;
}

}  // namespace mace

#endif  // MACE_CORE_DTYPE_H_
