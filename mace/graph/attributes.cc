#include "mace/graph/attributes.h"

namespace mace {

namespace {

template <typename T>
T ReadField(const AttributeStorage& attributes, const FieldInfo& field, size_t offset = 0) {
  T value;
  std::memcpy(&value, attributes.bytes + field.offset + offset, sizeof(T));
  return value;
}

// The list's count as the bytes have it: data from a file may say anything.
int32_t CountOf(const AttributeStorage& attributes, const FieldInfo& field) {
  if (field.kind == FieldKind::kIntList) {
    return ReadField<int32_t>(attributes, field, offsetof(IntList, count));
  }
  return ReadField<int32_t>(attributes, field, offsetof(FloatList, count));
}

int32_t ClampedCount(const AttributeStorage& attributes, const FieldInfo& field) {
  const int32_t count = CountOf(attributes, field);
  const int32_t capacity = field.kind == FieldKind::kIntList ? IntList::capacity() : FloatList::capacity();
  return count < 0 ? 0 : (count > capacity ? capacity : count);
}

// Calls visit(pointer, bytes) for the pieces of a field that make up its value: no padding, no list entries
// behind the count. Floats are visited as their bits, so that a NaN equals itself.
template <typename Visit>
void VisitValueBytes(const AttributeStorage& attributes, const FieldInfo& field, const Visit& visit) {
  const unsigned char* start = attributes.bytes + field.offset;
  switch (field.kind) {
    case FieldKind::kInt64:
      visit(start, sizeof(int64_t));
      return;
    case FieldKind::kInt32:
    case FieldKind::kEnum:
    case FieldKind::kFloat:
      visit(start, 4);
      return;
    case FieldKind::kBool:
    case FieldKind::kDType:
      visit(start, 1);
      return;
    case FieldKind::kIntList:
      visit(start + offsetof(IntList, count), sizeof(int32_t));
      visit(start + offsetof(IntList, values), ClampedCount(attributes, field) * sizeof(int64_t));
      return;
    case FieldKind::kFloatList:
      visit(start + offsetof(FloatList, count), sizeof(int32_t));
      visit(start + offsetof(FloatList, values), ClampedCount(attributes, field) * sizeof(float));
      return;
  }
}

Status DumpField(const AttributeStorage& attributes, const FieldInfo& field, String* text) {
  switch (field.kind) {
    case FieldKind::kInt64:
      return text->AppendFormat("%lld", static_cast<long long>(ReadField<int64_t>(attributes, field)));
    case FieldKind::kInt32:
    case FieldKind::kEnum:
      return text->AppendFormat("%d", ReadField<int32_t>(attributes, field));
    case FieldKind::kFloat:
      return text->AppendFormat("%.9g", static_cast<double>(ReadField<float>(attributes, field)));
    case FieldKind::kBool:
      return text->Append(ReadField<uint8_t>(attributes, field) != 0 ? "true" : "false");
    case FieldKind::kDType:
      return text->Append(NameOf(ReadField<DType>(attributes, field)));
    case FieldKind::kIntList:
    case FieldKind::kFloatList:
      break;
  }
  MACE_RETURN_IF_ERROR(text->Append("["));
  const int32_t count = ClampedCount(attributes, field);
  for (int32_t i = 0; i < count; ++i) {
    if (i > 0) MACE_RETURN_IF_ERROR(text->Append(", "));
    if (field.kind == FieldKind::kIntList) {
      const auto value =
          ReadField<int64_t>(attributes, field, offsetof(IntList, values) + i * sizeof(int64_t));
      MACE_RETURN_IF_ERROR(text->AppendFormat("%lld", static_cast<long long>(value)));
    } else {
      const auto value = ReadField<float>(attributes, field, offsetof(FloatList, values) + i * sizeof(float));
      MACE_RETURN_IF_ERROR(text->AppendFormat("%.9g", static_cast<double>(value)));
    }
  }
  return text->Append("]");
}

}  // namespace

bool AttributesEqual(const AttributeInfo& info, const AttributeStorage& a, const AttributeStorage& b) {
  for (int32_t i = 0; i < info.field_count; ++i) {
    const FieldInfo& field = info.fields[i];
    bool equal = true;
    // Lists: the counts are visited first, so that unequal counts end the comparison as unequal whatever
    // lies behind.
    VisitValueBytes(a, field, [&](const unsigned char* piece, size_t bytes) {
      const size_t offset = piece - a.bytes;
      equal = equal && std::memcmp(piece, b.bytes + offset, bytes) == 0;
    });
    if (!equal) return false;
  }
  return true;
}

uint64_t HashAttributes(const AttributeInfo& info, const AttributeStorage& attributes) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (int32_t i = 0; i < info.field_count; ++i) {
    VisitValueBytes(attributes, info.fields[i], [&](const unsigned char* piece, size_t bytes) {
      for (size_t b = 0; b < bytes; ++b) hash = (hash ^ piece[b]) * 0x100000001b3u;
    });
  }
  return hash;
}

Status DumpAttributes(const AttributeInfo& info, const AttributeStorage& attributes, String* text) {
  for (int32_t i = 0; i < info.field_count; ++i) {
    if (i > 0) MACE_RETURN_IF_ERROR(text->Append(", "));
    MACE_RETURN_IF_ERROR(text->Append(info.fields[i].name));
    MACE_RETURN_IF_ERROR(text->Append("="));
    MACE_RETURN_IF_ERROR(DumpField(attributes, info.fields[i], text));
  }
  return Status::Ok();
}

Status VerifyAttributes(const AttributeInfo& info, const AttributeStorage& attributes) {
  for (int32_t i = 0; i < info.field_count; ++i) {
    const FieldInfo& field = info.fields[i];
    switch (field.kind) {
      case FieldKind::kEnum: {
        const auto value = ReadField<int32_t>(attributes, field);
        if (value < 0 || value >= field.enum_count) {
          return InvalidArgument("attribute '%s' is %d, expected 0 to %d", field.name, value,
                                 field.enum_count - 1);
        }
        break;
      }
      case FieldKind::kBool:
        if (ReadField<uint8_t>(attributes, field) > 1) {
          return InvalidArgument("attribute '%s' is neither true nor false", field.name);
        }
        break;
      case FieldKind::kDType:
        if (!IsValid(static_cast<DType>(ReadField<uint8_t>(attributes, field)))) {
          return InvalidArgument("attribute '%s' names no element type", field.name);
        }
        break;
      case FieldKind::kIntList:
      case FieldKind::kFloatList:
        if (CountOf(attributes, field) != ClampedCount(attributes, field)) {
          return InvalidArgument("attribute '%s' has %d entries, expected at most %d", field.name,
                                 CountOf(attributes, field), IntList::capacity());
        }
        break;
      case FieldKind::kInt64:
      case FieldKind::kInt32:
      case FieldKind::kFloat:
        break;
    }
  }
  return Status::Ok();
}

}  // namespace mace
