#include "mace/importers/caffe/caffe_weights.h"

#include <bit>
#include <cstring>
#include <protozero/exception.hpp>

#include "mace/importers/import_error.h"
#include "mace/importers/protobuf_reader.h"

namespace mace::importers::caffe {
namespace {

// Field numbers of caffe.proto.
enum NetField : uint32_t { kNetV1Layers = 2, kNetLayer = 100 };
enum LayerField : uint32_t { kLayerName = 1, kLayerBlobs = 7, kV1LayerName = 4, kV1LayerBlobs = 6 };
enum BlobField : uint32_t { kNum = 1, kWidth = 4, kData = 5, kShape = 7, kDoubleData = 8, kRawData = 12 };

constexpr size_t kMaxLayers = size_t{1} << 20;

[[noreturn]] void Damaged(const char* what) {
  throw ImportError(StatusCode::kDataLoss, std::string("the .caffemodel is damaged: ") + what);
}

// Runs `read`, which reads protobuf fields.
template <typename Read>
auto Guarded(const Read& read) {
  try {
    return read();
  } catch (const protozero::exception&) {
    Damaged("its fields cannot be read; it may be cut off");
  } catch (const FormatError& error) {
    throw ImportError(error.code, std::string("the .caffemodel is ") + error.what());
  }
}

std::vector<int64_t> ReadShape(std::string_view bytes) {
  std::vector<int64_t> shape;
  const auto push = [&](int64_t dim) {
    if (shape.size() >= 32) Damaged("a blob has too many dimensions");
    shape.push_back(dim);
  };
  pbf_reader reader(bytes.data(), bytes.size());
  while (reader.next()) {
    if (reader.tag() != 1) {
      reader.skip();
    } else if (reader.wire_type() == pbf_wire_type::length_delimited) {
      for (int64_t dim : reader.get_packed_int64()) push(dim);
    } else {
      Require(reader, pbf_wire_type::varint);
      push(reader.get_int64());
    }
  }
  return shape;
}

// The elements of a field that is packed, possibly in several pieces, or there once an element.
template <typename Visit>
void ForEachElement(pbf_reader& reader, bool is_double, const Visit& visit) {
  const size_t width = is_double ? 8 : 4;
  if (reader.wire_type() == pbf_wire_type::length_delimited) {
    const std::string_view bytes = ReadBytes(reader);
    if (bytes.size() % width != 0) Damaged("a blob ends inside an element");
    visit(bytes.data(), bytes.size() / width, 0.0f);
  } else if (is_double) {
    Require(reader, pbf_wire_type::fixed64);
    visit(nullptr, size_t{1}, static_cast<float>(reader.get_double()));
  } else {
    Require(reader, pbf_wire_type::fixed32);
    visit(nullptr, size_t{1}, reader.get_float());
  }
}

}  // namespace

Blob ReadBlob(std::string_view bytes) {
  Blob blob;
  blob.bytes_ = bytes;
  int64_t legacy[4] = {};
  bool has_legacy = false, has_shape = false;
  int64_t floats = 0, doubles = 0;
  pbf_reader reader(bytes.data(), bytes.size());
  while (reader.next()) {
    const uint32_t tag = reader.tag();
    if (tag >= kNum && tag <= kWidth) {
      Require(reader, pbf_wire_type::varint);
      legacy[tag - kNum] = reader.get_int32();
      has_legacy = true;
    } else if (tag == kShape) {
      blob.shape = ReadShape(ReadBytes(reader));
      has_shape = true;
    } else if (tag == kData || tag == kDoubleData) {
      int64_t& count = tag == kData ? floats : doubles;
      ForEachElement(reader, tag == kDoubleData,
                     [&](const char*, size_t elements, float) { count += static_cast<int64_t>(elements); });
    } else if (tag == kRawData) {
      throw ImportError(Unsupported("the .caffemodel holds raw data (NVCaffe); save it with float data"));
    } else {
      reader.skip();
    }
  }
  if (!has_shape && has_legacy) blob.shape.assign(legacy, legacy + 4);
  blob.is_double_ = doubles > 0;
  blob.count_ = blob.is_double_ ? doubles : floats;
  return blob;
}

std::vector<float> Blob::Elements() const {
  std::vector<float> elements;
  elements.reserve(static_cast<size_t>(count_));
  Guarded([&] {
    pbf_reader reader(bytes_.data(), bytes_.size());
    while (reader.next()) {
      if (reader.tag() != (is_double_ ? kDoubleData : kData)) {
        reader.skip();
        continue;
      }
      ForEachElement(reader, is_double_, [&](const char* data, size_t count, float one) {
        if (data == nullptr) elements.push_back(one);
        for (size_t i = 0; data != nullptr && i < count; ++i) {
          float narrow = 0;
          double wide = 0;
          if (is_double_) {
            std::memcpy(&wide, data + 8 * i, 8);
            narrow = static_cast<float>(wide);
          } else {
            std::memcpy(&narrow, data + 4 * i, 4);
          }
          elements.push_back(narrow);
        }
      });
    }
  });
  return elements;
}

CaffeWeights::CaffeWeights(std::span<const uint8_t> bytes) : is_present_(true) {
  static_assert(std::endian::native == std::endian::little);
  Guarded([&] {
    pbf_reader reader(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    while (reader.next()) {
      if (reader.tag() == kNetLayer) {
        ReadLayer(ReadBytes(reader), kLayerName, kLayerBlobs);
      } else if (reader.tag() == kNetV1Layers) {
        ReadLayer(ReadBytes(reader), kV1LayerName, kV1LayerBlobs);
      } else {
        reader.skip();
      }
    }
  });
}

void CaffeWeights::ReadLayer(std::string_view bytes, uint32_t name_field, uint32_t blob_field) {
  std::string name;
  std::vector<Blob> blobs;
  pbf_reader reader(bytes.data(), bytes.size());
  while (reader.next()) {
    if (reader.tag() == name_field) {
      name = std::string(ReadBytes(reader));
    } else if (reader.tag() == blob_field) {
      // A blob takes at least two bytes of the file and about 100 here.
      if (blobs.size() >= 64) Damaged("a layer has more than 64 blobs");
      blobs.push_back(ReadBlob(ReadBytes(reader)));
    } else {
      reader.skip();
    }
  }
  if (layers_.size() >= kMaxLayers) Damaged("it has too many layers");
  if (!blobs.empty()) layers_[name] = std::move(blobs);
}

const std::vector<Blob>* CaffeWeights::Find(const std::string& layer) const {
  const auto found = layers_.find(layer);
  return found == layers_.end() ? nullptr : &found->second;
}

}  // namespace mace::importers::caffe
