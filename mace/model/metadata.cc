#include "mace/model/metadata.h"

#include <cstring>

#include "mace/model/verified_root.h"

namespace mace {
namespace {

using Bytes = std::span<const uint8_t>;

// The text behind *text, which loses it.
Status TakeText(uint32_t length, Bytes* text, String* target) {
  const Bytes bytes = text->first(length);
  *text = text->subspan(length);
  if (length == 0) return Status::Ok();
  if (std::memchr(bytes.data(), 0, bytes.size()) != nullptr) {
    return DataLoss("the metadata of the .mace file hold a zero byte");
  }
  return target->Assign({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace

Status ReadMetadata(Bytes segment, Vector<MetadataEntry>* metadata) {
  MACE_ASSIGN_OR_RETURN(const file::Metadata* root, VerifiedRoot<file::Metadata>(segment, "metadata"));
  Bytes text;
  std::span<const uint32_t> lengths;
  MACE_RETURN_IF_ERROR(ToSpan(root->text(), &text));
  MACE_RETURN_IF_ERROR(ToSpan(root->lengths(), &lengths));
  if (lengths.size() > 2 * kMaxMetadata) {
    return ResourceExhausted("the .mace file has %zu entries of metadata, more than the limit of %zu",
                             lengths.size() / 2, kMaxMetadata);
  }
  uint64_t bytes = 0;
  for (uint32_t length : lengths) bytes += length;
  if (lengths.size() % 2 != 0 || bytes != text.size()) {
    return DataLoss("the metadata of the .mace file are damaged: its lengths do not fit its text");
  }
  metadata->Clear();
  MACE_RETURN_IF_ERROR(metadata->Resize(lengths.size() / 2));
  for (size_t i = 0; i < metadata->size(); ++i) {
    if (lengths[2 * i] == 0) return DataLoss("entry %zu of the .mace file's metadata has no key", i);
    MACE_RETURN_IF_ERROR(TakeText(lengths[2 * i], &text, &(*metadata)[i].key));
    MACE_RETURN_IF_ERROR(TakeText(lengths[2 * i + 1], &text, &(*metadata)[i].value));
  }
  return Status::Ok();
}

}  // namespace mace
