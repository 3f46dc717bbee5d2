// One field of an attribute struct as the file holds it: what writer and loader share.
#ifndef MACE_MODEL_ATTRIBUTE_CODEC_H_
#define MACE_MODEL_ATTRIBUTE_CODEC_H_

#include <cstdint>
#include <span>

#include "mace/core/status.h"
#include "mace/graph/attributes.h"

namespace mace {

// Values of AttributeRecord.kind: never renumber.
enum class EncodedKind : uint8_t { kInt = 0, kFloat = 1, kIntList = 2, kFloatList = 3 };

constexpr bool HoldsInts(EncodedKind kind) {
  return kind == EncodedKind::kInt || kind == EncodedKind::kIntList;
}

struct EncodedField {
  EncodedKind kind;
  std::span<const int64_t> ints;  // empty for float kinds
  std::span<const float> floats;  // empty for int kinds
  int64_t scalar;                 // what `ints` may refer to

  EncodedField() = default;
  EncodedField(const EncodedField&) = delete;  // spans may refer to the object itself
  EncodedField& operator=(const EncodedField&) = delete;
};

// Spans refer to `attributes` or into `encoded`.
void EncodeField(const FieldInfo& field, const AttributeStorage& attributes, EncodedField* encoded);

// Equal bit for bit, NaN and negative zero included.
bool SameEncoding(const EncodedField& a, const EncodedField& b);

// Writes the field. Refuses another kind, lists that are too long and numbers outside the field's type; the
// caller adds node and field to the message.
Status DecodeField(const FieldInfo& field, const EncodedField& encoded, AttributeStorage* attributes);

}  // namespace mace

#endif  // MACE_MODEL_ATTRIBUTE_CODEC_H_
