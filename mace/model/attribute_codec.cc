#include "mace/model/attribute_codec.h"

#include <cstring>

namespace mace {
namespace {

template <typename T>
const T& At(const FieldInfo& field, const AttributeStorage& attributes) {
  return *reinterpret_cast<const T*>(attributes.bytes + field.offset);
}

template <typename T>
void Store(const FieldInfo& field, T value, AttributeStorage* attributes) {
  std::memcpy(attributes->bytes + field.offset, &value, sizeof(T));
}

EncodedKind EncodedKindOf(FieldKind kind) {
  switch (kind) {
    case FieldKind::kFloat:
      return EncodedKind::kFloat;
    case FieldKind::kIntList:
      return EncodedKind::kIntList;
    case FieldKind::kFloatList:
      return EncodedKind::kFloatList;
    default:
      return EncodedKind::kInt;
  }
}

int64_t ScalarOf(const FieldInfo& field, const AttributeStorage& attributes) {
  switch (field.kind) {
    case FieldKind::kInt64:
      return At<int64_t>(field, attributes);
    case FieldKind::kBool:
    case FieldKind::kDType:
      return At<uint8_t>(field, attributes);
    default:
      return At<int32_t>(field, attributes);  // kInt32, kEnum
  }
}

template <typename List>
auto SpanOf(const List& list) {
  const int count = list.count < 0 ? 0 : list.count > List::capacity() ? List::capacity() : list.count;
  return std::span(list.values, static_cast<size_t>(count));
}

template <typename List, typename T>
Status StoreList(const FieldInfo& field, std::span<const T> values, AttributeStorage* attributes) {
  List list;
  for (T value : values) {
    if (!list.Push(value)) {
      return DataLoss("a list of %zu values, at most %d are allowed", values.size(), List::capacity());
    }
  }
  Store(field, list, attributes);
  return Status::Ok();
}

}  // namespace

void EncodeField(const FieldInfo& field, const AttributeStorage& attributes, EncodedField* encoded) {
  encoded->kind = EncodedKindOf(field.kind);
  encoded->ints = {};
  encoded->floats = {};
  encoded->scalar = 0;
  switch (encoded->kind) {
    case EncodedKind::kFloat:
      encoded->floats = {&At<float>(field, attributes), 1};
      break;
    case EncodedKind::kIntList:
      encoded->ints = SpanOf(At<IntList>(field, attributes));
      break;
    case EncodedKind::kFloatList:
      encoded->floats = SpanOf(At<FloatList>(field, attributes));
      break;
    case EncodedKind::kInt:
      encoded->scalar = ScalarOf(field, attributes);
      encoded->ints = {&encoded->scalar, 1};
      break;
  }
}

bool SameEncoding(const EncodedField& a, const EncodedField& b) {
  if (a.kind != b.kind || a.ints.size() != b.ints.size() || a.floats.size() != b.floats.size()) return false;
  return (a.ints.empty() || std::memcmp(a.ints.data(), b.ints.data(), a.ints.size_bytes()) == 0) &&
         (a.floats.empty() || std::memcmp(a.floats.data(), b.floats.data(), a.floats.size_bytes()) == 0);
}

Status DecodeField(const FieldInfo& field, const EncodedField& encoded, AttributeStorage* attributes) {
  if (encoded.kind != EncodedKindOf(field.kind)) {
    return DataLoss("kind %d where %d is expected", static_cast<int>(encoded.kind),
                    static_cast<int>(EncodedKindOf(field.kind)));
  }
  if (encoded.kind == EncodedKind::kIntList) return StoreList<IntList>(field, encoded.ints, attributes);
  if (encoded.kind == EncodedKind::kFloatList) return StoreList<FloatList>(field, encoded.floats, attributes);
  if (encoded.ints.size() + encoded.floats.size() != 1) return DataLoss("a single value is expected");
  if (encoded.kind == EncodedKind::kFloat) {
    Store(field, encoded.floats[0], attributes);
    return Status::Ok();
  }
  const int64_t value = encoded.ints[0];
  int64_t minimum = INT32_MIN;
  int64_t maximum = INT32_MAX;
  if (field.kind == FieldKind::kInt64) {
    Store(field, value, attributes);
    return Status::Ok();
  }
  if (field.kind == FieldKind::kBool || field.kind == FieldKind::kDType || field.kind == FieldKind::kEnum) {
    minimum = 0;
    maximum = field.kind == FieldKind::kBool    ? 1
              : field.kind == FieldKind::kDType ? kDTypeCount - 1
                                                : field.enum_count - 1;
  }
  if (value < minimum || value > maximum) {
    return DataLoss("the value %lld is outside %lld .. %lld", static_cast<long long>(value),
                    static_cast<long long>(minimum), static_cast<long long>(maximum));
  }
  if (field.kind == FieldKind::kBool || field.kind == FieldKind::kDType) {
    Store(field, static_cast<uint8_t>(value), attributes);
  } else {
    Store(field, static_cast<int32_t>(value), attributes);
  }
  return Status::Ok();
}

}  // namespace mace
