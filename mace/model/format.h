// The outer layout of a .mace file (docs/file_format.md): a fixed header, a table of segments, the segments.
// All numbers are little-endian. These structs are the file's bytes: never change them within a major
// version.
#ifndef MACE_MODEL_FORMAT_H_
#define MACE_MODEL_FORMAT_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace mace {

static_assert(std::endian::native == std::endian::little, ".mace files are read in place");

// The carriage return, line feeds and the control character show a transfer in text mode, as in PNG.
inline constexpr unsigned char kFileMagic[8] = {'M', 'A', 'C', 'E', '\r', '\n', 0x1a, '\n'};
inline constexpr uint16_t kFormatMajor = 1;
inline constexpr uint16_t kFormatMinor = 2;       // 1.1: metadata; 1.2: subgraphs, unknown ranks
inline constexpr uint8_t kUnknownRankCode = 255;  // of ValueRecord.rank
inline constexpr uint64_t kSegmentAlignment = 64;
inline constexpr uint64_t kConstantAlignment = 64;
inline constexpr uint32_t kMaxSegments = 256;
inline constexpr uint64_t kMaxSegmentGap = 65536;  // zero bytes between segments

struct FileHeader {
  unsigned char magic[8];
  uint16_t major;
  uint16_t minor;
  uint32_t segment_count;
  uint64_t file_size;
  uint32_t required_features;  // bits that a reader must know; none in 1.0
  unsigned char reserved[28];  // zero in 1.0
  uint64_t hash;               // Hash64(segment table, seed = Hash64(the 56 bytes before this field))
};
static_assert(sizeof(FileHeader) == 64 && offsetof(FileHeader, hash) == 56);

enum class SegmentKind : uint32_t {
  kGraph = 1,      // FlatBuffer, root Model of mace.fbs
  kWeights = 2,    // raw bytes of the constants, each at a multiple of kConstantAlignment, zeros between
  kNames = 3,      // FlatBuffer, root Names of mace.fbs; optional
  kMetadata = 4,   // FlatBuffer, root Metadata of mace.fbs; optional
  kSignature = 5,  // reserved
  kPlan = 6,       // reserved
  kPacked = 7,     // reserved
};

enum SegmentFlags : uint32_t {
  kSegmentRequired = 1u << 0,  // a reader that does not know the segment must refuse the file
  kSegmentSealed = 1u << 1,    // reserved: encrypted
};

struct SegmentRecord {
  uint32_t kind;
  uint32_t flags;
  uint64_t offset;  // a multiple of kSegmentAlignment; offsets ascend, segments do not overlap
  uint64_t size;
  uint64_t hash;    // Hash64 of the bytes
  char name[16];    // of the kind, for messages: "graph"; padded with NUL
  char target[16];  // what the segment is for: "" for every machine; padded with NUL
};
static_assert(sizeof(SegmentRecord) == 64);

}  // namespace mace

#endif  // MACE_MODEL_FORMAT_H_
