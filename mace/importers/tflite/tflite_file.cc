#include "mace/importers/tflite/tflite_file.h"

#include <algorithm>
#include <cstring>

#include "mace/importers/import_error.h"

namespace mace::importers::tflite {
namespace {

// Numbers of element types in the file.
constexpr struct {
  int8_t number;
  DType dtype;
} kElementTypes[] = {
    {0, DType::kF32},
    {1, DType::kF16},
    {2, DType::kI32},
    {3, DType::kU8},
    {4, DType::kI64},
    {6, DType::kBool},
    {7, DType::kI16},
    {9, DType::kI8},
    {10, DType::kF64},
    {12, DType::kU64},
    {15, DType::kU32},
    {16, DType::kU16},
    {17, DType::kI4},
    {18, DType::kBF16},
    {20, DType::kU4},
    {kComplex64Elements, DType::kF32},
    {kComplex128Elements, DType::kF64},
};

[[noreturn]] void Damaged(std::string message) {
  throw ImportError(StatusCode::kDataLoss, "damaged TensorFlow Lite file: " + std::move(message));
}

uint32_t ReadLittleEndian(const uint8_t* bytes, int count) {
  uint32_t value = 0;
  for (int i = 0; i < count; ++i) value |= static_cast<uint32_t>(bytes[i]) << (8 * i);
  return value;
}

// True where the bytes end with a whole ZIP directory: models may carry their labels in an archive behind the
// model.
bool EndsWithArchive(std::span<const uint8_t> bytes) {
  constexpr size_t kRecord = 22;
  constexpr size_t kMaxComment = 65535;
  if (bytes.size() < kRecord) return false;
  for (size_t comment = 0; comment <= std::min(kMaxComment, bytes.size() - kRecord); ++comment) {
    const uint8_t* record = bytes.data() + bytes.size() - kRecord - comment;
    if (std::memcmp(record, "PK\5\6", 4) == 0 && ReadLittleEndian(record + 20, 2) == comment) return true;
  }
  return false;
}

}  // namespace

TfliteFile::TfliteFile(std::span<const uint8_t> bytes) : bytes_(bytes) {
  if (bytes.size() < 16 || std::memcmp(bytes.data() + 4, "TFL3", 4) != 0) {
    throw ImportError(StatusCode::kDataLoss, "not a TensorFlow Lite file");
  }
  if (bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE) {
    throw ImportError(StatusCode::kUnsupported, "TensorFlow Lite files of 2 GiB and more");
  }
  if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(uint64_t) != 0) {
    aligned_.resize(bytes.size() / sizeof(uint64_t) + 1);
    std::memcpy(aligned_.data(), bytes.data(), bytes.size());
    bytes_ = {reinterpret_cast<const uint8_t*>(aligned_.data()), bytes.size()};
  }
  // A model has at most a few tables per operator and tensor; the limit ends cycles of shared tables.
  constexpr flatbuffers::uoffset_t kMaxDepth = 16;
  const auto max_tables = static_cast<flatbuffers::uoffset_t>(std::min<size_t>(4 << 20, bytes.size() / 4));
  flatbuffers::Verifier verifier(bytes_.data(), bytes_.size(), kMaxDepth, max_tables);
  if (!verifier.VerifyBuffer<file::ModelRecord>("TFL3"))
    Damaged("cut off, or an offset points outside of it");
  model_ = file::GetModelRecord(bytes_.data());
  if (model_->version() != 3) {
    throw ImportError(StatusCode::kUnsupported,
                      "TensorFlow Lite format version " + std::to_string(model_->version()) + ", expected 3");
  }
  if (model_->subgraphs() == nullptr || model_->subgraphs()->size() == 0) Damaged("no subgraph");
  subgraph_ = model_->subgraphs()->Get(0);
  CheckEnd();
  CheckReferences();
}

TfliteFile::TfliteFile(const TfliteFile& whole, int64_t subgraph)
    : bytes_(whole.bytes_), brought_(whole.brought_), model_(whole.model_) {
  if (subgraph < 0 || subgraph >= whole.subgraph_count()) {
    Damaged("subgraph " + std::to_string(subgraph) + " of " + std::to_string(whole.subgraph_count()));
  }
  subgraph_ = model_->subgraphs()->Get(static_cast<flatbuffers::uoffset_t>(subgraph));
  CheckReferences();
}

// FlatBuffers does not know its own length. Writers pad a file to a multiple of four bytes, and an archive
// that begins behind the last buffer must also end.
void TfliteFile::CheckEnd() const {
  if (EndsWithArchive(bytes_)) return;
  if (bytes_.size() % 4 != 0) Damaged("its size is not a multiple of 4, the end is missing");
  size_t end = 0;
  const size_t buffers = model_->buffers() == nullptr ? 0 : model_->buffers()->size();
  for (size_t i = 0; i < buffers; ++i) {
    const auto data = SpanOf(model_->buffers()->Get(static_cast<flatbuffers::uoffset_t>(i))->data());
    if (!data.empty()) end = std::max(end, static_cast<size_t>(data.data() - bytes_.data()) + data.size());
  }
  const std::string_view tail(reinterpret_cast<const char*>(bytes_.data()) + end, bytes_.size() - end);
  if (tail.find(std::string_view("PK\3\4", 4)) != std::string_view::npos) {
    Damaged("the archive behind the model has no end");
  }
}

void TfliteFile::CheckReferences() const {
  for (int i = 0; i < tensor_count(); ++i) CheckTensor(i);
  // Lists that share bytes could make a small file name billions of operands.
  size_t operands = 0;
  const auto check_tensors = [&](const flatbuffers::Vector<int32_t>* list, bool may_be_absent,
                                 const std::string& what) {
    operands += SpanOf(list).size();
    if (operands > bytes_.size()) Damaged("it names more operands than it has bytes");
    for (int32_t tensor : SpanOf(list)) {
      if ((tensor < 0 && !(may_be_absent && tensor == kAbsentTensor)) || tensor >= tensor_count()) {
        Damaged(what + " names tensor " + std::to_string(tensor) + " of " + std::to_string(tensor_count()));
      }
    }
  };
  check_tensors(subgraph_->inputs(), false, "the list of inputs");
  check_tensors(subgraph_->outputs(), false, "the list of outputs");
  const size_t kinds = model_->operator_kinds() == nullptr ? 0 : model_->operator_kinds()->size();
  for (int i = 0; i < operator_count(); ++i) {
    const std::string what = "operator " + std::to_string(i);
    if (operation(i).kind_index() >= kinds) {
      Damaged(what + " has kind " + std::to_string(operation(i).kind_index()) + " of " +
              std::to_string(kinds));
    }
    check_tensors(operation(i).inputs(), true, what);
    check_tensors(operation(i).outputs(), true, what);
    check_tensors(operation(i).intermediates(), true, what);
  }
}

void TfliteFile::CheckTensor(int index) const {
  const file::TensorRecord& record = tensor(index);
  const size_t buffers = model_->buffers() == nullptr ? 0 : model_->buffers()->size();
  if (record.buffer_index() != 0 && record.buffer_index() >= buffers) {
    Damaged(DescribeTensor(index) + " has buffer " + std::to_string(record.buffer_index()) + " of " +
            std::to_string(buffers));
  }
  const auto dims = SpanOf(record.dims());
  const auto signature = SpanOf(record.dims_signature());
  const int most = IsComplex(index) ? kMaxRank - 1 : kMaxRank;
  if (dims.size() > static_cast<size_t>(most)) {
    throw ImportError(StatusCode::kUnsupported, DescribeTensor(index) + " has rank " +
                                                    std::to_string(dims.size()) + ", at most " +
                                                    std::to_string(most) + " is supported");
  }
  for (int32_t dim : dims) {
    if (dim < -1) Damaged(DescribeTensor(index) + " has the dimension " + std::to_string(dim));
  }
  if (!signature.empty() && signature.size() != dims.size()) {
    Damaged(DescribeTensor(index) + " has a shape and a shape signature of different ranks");
  }
  const Shape shape = TensorShape(index);
  if (shape.IsConcrete() && (shape.ElementCount() < 0 || shape.ElementCount() > (int64_t{1} << 40))) {
    Damaged(DescribeTensor(index) + " has the impossible shape " + ShapeText(shape).text);
  }
}

int TfliteFile::subgraph_count() const { return static_cast<int>(model_->subgraphs()->size()); }
int TfliteFile::tensor_count() const {
  return subgraph_->tensors() == nullptr ? 0 : static_cast<int>(subgraph_->tensors()->size());
}
int TfliteFile::operator_count() const {
  return subgraph_->operators() == nullptr ? 0 : static_cast<int>(subgraph_->operators()->size());
}
const file::TensorRecord& TfliteFile::tensor(int index) const {
  return *subgraph_->tensors()->Get(static_cast<flatbuffers::uoffset_t>(index));
}
const file::OperatorRecord& TfliteFile::operation(int index) const {
  return *subgraph_->operators()->Get(static_cast<flatbuffers::uoffset_t>(index));
}

size_t TfliteFile::signature_count() const {
  return model_->signatures() == nullptr ? 0 : model_->signatures()->size();
}
const file::SignatureRecord& TfliteFile::signature(size_t i) const {
  return *model_->signatures()->Get(static_cast<flatbuffers::uoffset_t>(i));
}

const file::SignatureRecord& TfliteFile::Signature(std::string_view key) const {
  for (size_t i = 0; i < signature_count(); ++i) {
    if (TextOf(signature(i).key()) == key) return signature(i);
  }
  const std::string keys = SignatureKeys();
  throw ImportError(StatusCode::kNotFound, "no signature is called '" + std::string(key) +
                                               "' (signatures: " + (keys.empty() ? "none" : keys) + ")");
}

std::string TfliteFile::SignatureKeys() const {
  constexpr size_t kMaxListed = 20;
  std::string keys;
  for (size_t i = 0; i < signature_count() && i < kMaxListed; ++i) {
    keys += (i == 0 ? "'" : ", '") + std::string(TextOf(signature(i).key()).substr(0, 100)) + "'";
  }
  return keys;
}

bool TfliteFile::HasSignatureElsewhere(int64_t subgraph) const {
  for (size_t i = 0; i < signature_count(); ++i) {
    if (signature(i).subgraph_index() != subgraph) return true;
  }
  return false;
}

bool TfliteFile::IsComplex(int index) const {
  const int8_t type = tensor(index).element_type();
  return type == kComplex64Elements || type == kComplex128Elements;
}

const char* TfliteFile::TensorTypeName(int index) const {
  if (!IsComplex(index)) return NameOf(TensorDType(index));
  return tensor(index).element_type() == kComplex64Elements ? "complex64" : "complex128";
}

DType TfliteFile::TensorDType(int index) const {
  for (const auto& row : kElementTypes) {
    if (row.number == tensor(index).element_type()) return row.dtype;
  }
  return DType::kInvalid;
}

Shape TfliteFile::TensorShape(int index) const {
  const auto dims = SpanOf(tensor(index).dims());
  const auto signature = SpanOf(tensor(index).dims_signature());
  Shape shape;
  for (size_t i = 0; i < dims.size(); ++i) {
    const bool open = dims[i] < 0 || (!signature.empty() && signature[i] < 0);
    shape.Push(open ? kUnknownDim : dims[i]);
  }
  if (IsComplex(index)) shape.Push(2);
  return shape;
}

std::span<const uint8_t> TfliteFile::TensorData(int index) const {
  const uint32_t buffer = tensor(index).buffer_index();
  if (model_->buffers() == nullptr || buffer >= model_->buffers()->size()) return {};
  return SpanOf(model_->buffers()->Get(buffer)->data());
}

bool TfliteFile::HasExternalData(int index) const {
  if (tensor(index).external_buffer() != 0) return true;
  const uint32_t buffer = tensor(index).buffer_index();
  if (model_->buffers() == nullptr || buffer >= model_->buffers()->size()) return false;
  const file::BufferRecord& record = *model_->buffers()->Get(buffer);
  return record.file_offset() != 0 || record.file_size() != 0;
}

int32_t TfliteFile::OperatorNumber(int index) const {
  const file::OperatorKind& kind = *model_->operator_kinds()->Get(operation(index).kind_index());
  return std::max<int32_t>(kind.small_number(), kind.number());
}

std::string_view TfliteFile::CustomName(int index) const {
  if (OperatorNumber(index) != kCustomOperator) return {};
  return TextOf(model_->operator_kinds()->Get(operation(index).kind_index())->custom_name());
}

bool TfliteFile::IsBrought(int index) const {
  return OperatorNumber(index) == kCustomOperator &&
         std::find(brought_.begin(), brought_.end(), CustomName(index)) != brought_.end();
}

std::string TfliteFile::OperatorName(int index) const {
  const int32_t number = OperatorNumber(index);
  if (number != kCustomOperator) return NameOfOperator(number);
  return "CUSTOM:" + std::string(CustomName(index).substr(0, 100));
}

std::string TfliteFile::DescribeTensor(int index) const {
  const std::string_view name = TensorName(index);
  if (name.empty()) return "tensor " + std::to_string(index);
  return "'" + std::string(name.substr(0, 200)) + "'";
}

std::string TfliteFile::DescribeOperator(int index) const {
  const auto outputs = SpanOf(operation(index).outputs());
  std::string text = "operator " + std::to_string(index);
  if (!outputs.empty() && outputs[0] >= 0) text += ", output " + DescribeTensor(outputs[0]);
  return text;
}

}  // namespace mace::importers::tflite
