// Tensors of an ONNX file, and its numbers for element types.
#include "mace/importers/clean_text.h"
#include "mace/importers/onnx/onnx_reader.h"

#include "mace/core/shape.h"

namespace mace::importers::onnx {
namespace {

// Field numbers of the messages.
namespace tensor_field {
enum : uint32_t {
  kDims = 1,
  kDataType = 2,
  kSegment = 3,
  kFloatData = 4,
  kInt32Data = 5,
  kStringData = 6,
  kInt64Data = 7,
  kName = 8,
  kRawData = 9,
  kDoubleData = 10,
  kUint64Data = 11,
  kExternalData = 13,
  kDataLocation = 14,
};
}
namespace entry_field {
enum : uint32_t { kKey = 1, kValue = 2 };
}
namespace sparse_field {
enum : uint32_t { kValues = 1, kIndices = 2, kDims = 3 };
}

// One of the texts that say where a tensor's data lie.
void ReadExternalEntry(Reader reader, Tensor* tensor) {
  tensor->external = true;
  std::string_view key, value;
  while (reader.next()) {
    switch (reader.tag()) {
      case entry_field::kKey:
        key = ReadBytes(reader);
        break;
      case entry_field::kValue:
        value = ReadBytes(reader);
        break;
      default:
        reader.skip();
    }
  }
  if (key == "location") tensor->location = value;
  if (key == "offset") tensor->offset = value;
  if (key == "length") tensor->length = value;
}

// 0 where the tensor's type or dimensions are impossible: whoever makes a constant of it says so.
int64_t BytesOfTensor(const Tensor& tensor) {
  int64_t bits = BitsOf(DTypeOfOnnx(tensor.data_type));
  for (int64_t dim : tensor.dims) {
    if (!CheckedMultiply(bits, dim, &bits)) return 0;
  }
  return bits / 8;
}

}  // namespace

Tensor ReadTensor(Reader reader) {
  Tensor tensor;
  while (reader.next()) {
    switch (reader.tag()) {
      case tensor_field::kDims:
        ReadInts(reader, &tensor.dims);
        break;
      case tensor_field::kDataType:
        tensor.data_type = ReadInt32(reader);
        break;
      case tensor_field::kSegment:
        throw FormatError("a tensor is stored in segments, which nobody writes");
      case tensor_field::kFloatData:
        ReadFloats(reader, &tensor.floats);
        break;
      case tensor_field::kInt32Data:
        ReadRepeated(
            reader, pbf_wire_type::varint, &tensor.int32s, [](pbf_reader& r) { return r.get_packed_int32(); },
            [](pbf_reader& r) { return r.get_int32(); });
        break;
      case tensor_field::kStringData:
        tensor.has_strings = true;
        reader.skip();
        break;
      case tensor_field::kInt64Data:
        ReadInts(reader, &tensor.int64s);
        break;
      case tensor_field::kName:
        tensor.name = ReadName(reader);
        break;
      case tensor_field::kRawData:
        tensor.raw = ReadBytes(reader);
        break;
      case tensor_field::kDoubleData:
        ReadRepeated(
            reader, pbf_wire_type::fixed64, &tensor.doubles,
            [](pbf_reader& r) { return r.get_packed_double(); },
            [](pbf_reader& r) { return r.get_double(); });
        break;
      case tensor_field::kUint64Data:
        ReadRepeated(
            reader, pbf_wire_type::varint, &tensor.uint64s,
            [](pbf_reader& r) { return r.get_packed_uint64(); },
            [](pbf_reader& r) { return r.get_uint64(); });
        break;
      case tensor_field::kExternalData:
        ReadExternalEntry(ReadMessage(reader), &tensor);
        break;
      case tensor_field::kDataLocation:
        if (ReadInt32(reader) != 0) tensor.external = true;
        break;
      default:
        reader.skip();
    }
  }
  if (tensor.external) {
    reader.Charge(2 * sizeof(ExternalRange));
    reader.budget()->external.push_back({tensor.location, BytesOfTensor(tensor)});
  }
  return tensor;
}

SparseTensor ReadSparseTensor(Reader reader) {
  SparseTensor sparse;
  while (reader.next()) {
    switch (reader.tag()) {
      case sparse_field::kValues:
        sparse.values = ReadTensor(ReadMessage(reader));
        break;
      case sparse_field::kIndices:
        sparse.indices = ReadTensor(ReadMessage(reader));
        break;
      case sparse_field::kDims:
        ReadInts(reader, &sparse.dims);
        break;
      default:
        reader.skip();
    }
  }
  return sparse;
}

DType DTypeOfOnnx(int32_t data_type) {
  constexpr DType kTypes[] = {
      DType::kInvalid,
      DType::kF32,
      DType::kU8,
      DType::kI8,
      DType::kU16,
      DType::kI16,
      DType::kI32,
      DType::kI64,
      DType::kInvalid /* string */,
      DType::kBool,
      DType::kF16,
      DType::kF64,
      DType::kU32,
      DType::kU64,
      DType::kInvalid /* complex64 */,
      DType::kInvalid /* complex128 */,
      DType::kBF16,
      DType::kInvalid /* float8e4m3fn */,
      DType::kInvalid /* float8e4m3fnuz */,
      DType::kInvalid /* float8e5m2 */,
      DType::kInvalid /* float8e5m2fnuz */,
      DType::kU4,
      DType::kI4,
      DType::kInvalid /* float4e2m1 */,
      DType::kInvalid /* float8e8m0 */,
      DType::kU2,
      DType::kI2,
  };
  return data_type >= 0 && data_type < static_cast<int32_t>(std::size(kTypes)) ? kTypes[data_type]
                                                                               : DType::kInvalid;
}

std::string OnnxTypeName(int64_t data_type) {
  constexpr const char* kNames[] = {
      "undefined",      "float",      "uint8",          "int8",       "uint16",     "int16",
      "int32",          "int64",      "string",         "bool",       "float16",    "double",
      "uint32",         "uint64",     "complex64",      "complex128", "bfloat16",   "float8e4m3fn",
      "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz", "uint4",      "int4",       "float4e2m1",
      "float8e8m0",     "uint2",      "int2",           "float6e2m3", "float6e3m2",
  };
  if (data_type >= 0 && data_type < static_cast<int64_t>(std::size(kNames))) return kNames[data_type];
  return "number " + std::to_string(data_type);
}

}  // namespace mace::importers::onnx
