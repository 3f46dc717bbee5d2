// Attributes: every operator has a plain struct, and a constexpr list of its fields from which equality,
// hash, dump, verification, (de)serialisation and the Python view all come (docs/design/09-attributes.md).
//
//   struct SoftmaxAttributes {
//     int64_t axis = -1;
//     static constexpr auto Fields() { return std::array{MACE_FIELD(1, SoftmaxAttributes, axis)}; }
//   };
//
// The struct is trivially copyable and at most kMaxAttributeBytes; field ids are part of the .mace format:
// never reuse one. A field may be int64_t, int32_t, float, bool, DType, IntList, FloatList or an enum class
// of int32_t.
#ifndef MACE_GRAPH_ATTRIBUTES_H_
#define MACE_GRAPH_ATTRIBUTES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <type_traits>

#include "mace/core/dtype.h"
#include "mace/core/inline_list.h"
#include "mace/core/status.h"
#include "mace/core/string.h"

namespace mace {

inline constexpr size_t kMaxAttributeBytes = 384;

enum class FieldKind : uint8_t { kInt64, kInt32, kFloat, kBool, kDType, kIntList, kFloatList, kEnum };

struct FieldInfo {
  uint16_t id;
  FieldKind kind;
  uint32_t offset;
  int32_t enum_count;  // kEnum: valid values are 0 .. enum_count - 1
  const char* name;
};

template <typename T>
constexpr FieldKind FieldKindOf() {
  if constexpr (std::is_same_v<T, int64_t>) {
    return FieldKind::kInt64;
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return FieldKind::kInt32;
  } else if constexpr (std::is_same_v<T, float>) {
    return FieldKind::kFloat;
  } else if constexpr (std::is_same_v<T, bool>) {
    return FieldKind::kBool;
  } else if constexpr (std::is_same_v<T, DType>) {
    return FieldKind::kDType;
  } else if constexpr (std::is_same_v<T, IntList>) {
    return FieldKind::kIntList;
  } else if constexpr (std::is_same_v<T, FloatList>) {
    return FieldKind::kFloatList;
  } else {
    static_assert(std::is_enum_v<T> && std::is_same_v<std::underlying_type_t<T>, int32_t>,
                  "attribute fields are int64_t, int32_t, float, bool, DType, IntList, FloatList or enum "
                  "class : int32_t");
    return FieldKind::kEnum;
  }
}

// An enum used as a field has an enumerator kCount behind its last value.
template <typename T>
constexpr int32_t EnumCountOf() {
  if constexpr (std::is_enum_v<T> && !std::is_same_v<T, DType>) {
    return static_cast<int32_t>(T::kCount);
  } else {
    return 0;
  }
}

#define MACE_FIELD(id, Struct, field)                                                                   \
  ::mace::FieldInfo {                                                                                   \
    id, ::mace::FieldKindOf<decltype(Struct::field)>(), static_cast<uint32_t>(offsetof(Struct, field)), \
        ::mace::EnumCountOf<decltype(Struct::field)>(), #field                                          \
  }

struct NoAttributes {
  static constexpr std::array<FieldInfo, 0> Fields() { return {}; }
};

// The type-erased view of an attribute struct.
struct AttributeInfo {
  size_t size;
  void (*construct)(void* memory);  // writes the defaults
  const FieldInfo* fields;
  int32_t field_count;
};

namespace attributes_internal {
template <typename A>
inline constexpr auto kFields = A::Fields();
template <typename A>
void Construct(void* memory) {
  new (memory) A();
}
}  // namespace attributes_internal

template <typename A>
constexpr AttributeInfo AttributeInfoOf() {
  static_assert(std::is_trivially_copyable_v<A> && sizeof(A) <= kMaxAttributeBytes && alignof(A) <= 8);
  return {sizeof(A), &attributes_internal::Construct<A>, attributes_internal::kFields<A>.data(),
          static_cast<int32_t>(attributes_internal::kFields<A>.size())};
}

// The attribute struct of one node, in place. Interpreting it needs the AttributeInfo of the node's operator.
struct AttributeStorage {
  alignas(8) unsigned char bytes[kMaxAttributeBytes] = {};

  template <typename A>
  const A& as() const {
    return *reinterpret_cast<const A*>(bytes);
  }
  template <typename A>
  A& as() {
    return *reinterpret_cast<A*>(bytes);
  }
};

bool AttributesEqual(const AttributeInfo& info, const AttributeStorage& a, const AttributeStorage& b);
uint64_t HashAttributes(const AttributeInfo& info, const AttributeStorage& attributes);
// Appends "name=value, ..." of the fields, defaults included.
Status DumpAttributes(const AttributeInfo& info, const AttributeStorage& attributes, String* text);
// Every enum, bool, dtype and list count is inside its range (the verifier's check on data from a file).
Status VerifyAttributes(const AttributeInfo& info, const AttributeStorage& attributes);

}  // namespace mace

#endif  // MACE_GRAPH_ATTRIBUTES_H_
