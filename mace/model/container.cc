#include "mace/model/container.h"

#include <cstring>

#include "mace/model/hash.h"

namespace mace {
namespace {

using Bytes = std::span<const uint8_t>;

Status CheckMagic(Bytes bytes) {
  const size_t compared = bytes.size() < sizeof(kFileMagic) ? bytes.size() : sizeof(kFileMagic);
  if (bytes.empty()) return DataLoss("the .mace model is empty (0 bytes)");
  if (std::memcmp(bytes.data(), kFileMagic, compared) != 0) {
    if (bytes.size() >= 4 && std::memcmp(bytes.data(), kFileMagic, 4) == 0) {
      return DataLoss("the first bytes of the .mace file are damaged, as by a transfer in text mode");
    }
    return DataLoss("this is not a .mace file (it does not begin with the magic bytes)");
  }
  if (bytes.size() < sizeof(FileHeader)) {
    return DataLoss("the .mace file is truncated: %zu bytes are less than its header", bytes.size());
  }
  return Status::Ok();
}

Status CheckHeader(Bytes bytes, FileHeader* header) {
  MACE_RETURN_IF_ERROR(CheckMagic(bytes));
  std::memcpy(header, bytes.data(), sizeof(FileHeader));
  if (header->major != kFormatMajor) {
    return Unsupported("the file has format %d.%d, this build reads %d.x", header->major, header->minor,
                       kFormatMajor);
  }
  if (header->file_size != bytes.size()) {
    return DataLoss("the .mace file %s: its header says %llu bytes, there are %zu",
                    bytes.size() < header->file_size ? "is truncated" : "has bytes behind its end",
                    static_cast<unsigned long long>(header->file_size), bytes.size());
  }
  if (header->segment_count > kMaxSegments ||
      header->segment_count * sizeof(SegmentRecord) > bytes.size() - sizeof(FileHeader)) {
    return DataLoss("the header of the .mace file is damaged: %u segments do not fit", header->segment_count);
  }
  const Bytes table = bytes.subspan(sizeof(FileHeader), header->segment_count * sizeof(SegmentRecord));
  if (header->hash != Hash64(table, Hash64(bytes.first(offsetof(FileHeader, hash))))) {
    return DataLoss("the header or the segment table of the .mace file is damaged (its hash differs)");
  }
  if (header->required_features != 0) {
    return Unsupported("the file needs features of a newer MACE (bits 0x%x; format %d.%d)",
                       header->required_features, header->major, header->minor);
  }
  return Status::Ok();
}

Status CheckZeros(Bytes bytes, uint64_t begin, uint64_t end) {
  if (end - begin > kMaxSegmentGap) {
    return DataLoss("the .mace file is damaged: %llu unused bytes at offset %llu",
                    static_cast<unsigned long long>(end - begin), static_cast<unsigned long long>(begin));
  }
  for (uint64_t i = begin; i < end; ++i) {
    if (bytes[i] != 0) {
      return DataLoss("the .mace file is damaged: the padding byte at offset %llu is not zero",
                      static_cast<unsigned long long>(i));
    }
  }
  return Status::Ok();
}

bool IsKnown(const SegmentRecord& record) {
  const auto kind = static_cast<SegmentKind>(record.kind);
  const bool kind_known = kind == SegmentKind::kGraph || kind == SegmentKind::kWeights ||
                          kind == SegmentKind::kNames || kind == SegmentKind::kMetadata;
  return kind_known && (record.flags & ~static_cast<uint32_t>(kSegmentRequired)) == 0 &&
         record.target[0] == '\0';
}

Status CheckSegment(Bytes file, uint64_t previous_end, bool verify_full, Segment* segment) {
  const SegmentRecord& record = segment->record;
  const int name_length = static_cast<int>(strnlen(record.name, sizeof(record.name)));
  if (record.offset % kSegmentAlignment != 0 || record.offset < previous_end || record.offset > file.size() ||
      record.size > file.size() - record.offset) {
    return DataLoss("the segment table of the .mace file is damaged: segment '%.*s' has no valid place",
                    name_length, record.name);
  }
  MACE_RETURN_IF_ERROR(CheckZeros(file, previous_end, record.offset));
  segment->bytes = file.subspan(record.offset, record.size);
  segment->used = IsKnown(record);
  if (!segment->used && (record.flags & kSegmentRequired) != 0) {
    const int target_length = static_cast<int>(strnlen(record.target, sizeof(record.target)));
    return Unsupported(
        "the file needs segment '%.*s' (kind %u, flags 0x%x, target '%.*s'), which this build "
        "does not know",
        name_length, record.name, record.kind, record.flags, target_length, record.target);
  }
  const bool hash_always = segment->used && static_cast<SegmentKind>(record.kind) != SegmentKind::kWeights;
  if ((hash_always || verify_full) && Hash64(segment->bytes) != record.hash) {
    return DataLoss("the segment '%.*s' of the .mace file is damaged (its hash differs)", name_length,
                    record.name);
  }
  return Status::Ok();
}

}  // namespace

const Segment* Container::Find(SegmentKind kind) const {
  for (const Segment& segment : segments) {
    if (segment.used && segment.record.kind == static_cast<uint32_t>(kind)) return &segment;
  }
  return nullptr;
}

Status ParseContainer(Bytes bytes, bool verify_full, Container* container) {
  MACE_RETURN_IF_ERROR(CheckHeader(bytes, &container->header));
  const uint32_t count = container->header.segment_count;
  container->segments.Clear();
  MACE_RETURN_IF_ERROR(container->segments.Reserve(count));
  uint64_t end = sizeof(FileHeader) + count * sizeof(SegmentRecord);
  for (uint32_t i = 0; i < count; ++i) {
    Segment segment;
    std::memcpy(&segment.record, bytes.data() + sizeof(FileHeader) + i * sizeof(SegmentRecord),
                sizeof(SegmentRecord));
    MACE_RETURN_IF_ERROR(CheckSegment(bytes, end, verify_full, &segment));
    if (segment.used && container->Find(static_cast<SegmentKind>(segment.record.kind)) != nullptr) {
      return DataLoss("the .mace file is damaged: it has two segments of kind %u", segment.record.kind);
    }
    end = segment.record.offset + segment.record.size;
    MACE_RETURN_IF_ERROR(container->segments.PushBack(segment));
  }
  return CheckZeros(bytes, end, bytes.size());
}

}  // namespace mace
