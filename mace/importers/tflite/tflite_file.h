// A TensorFlow Lite file whose structure has been checked: after Open every offset lies inside the bytes,
// every index (operator kind, tensor, buffer) names something, every shape has a rank that MACE knows. What
// the operators mean is not looked at here.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_FILE_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_FILE_H_

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mace/core/dtype.h"
#include "mace/core/shape.h"
#include "mace/importers/tflite/tflite_generated.h"

namespace mace::importers::tflite {

inline constexpr int kAbsentTensor = -1;
inline constexpr int8_t kResourceElements = 13;  // the element type of handles of variables
inline constexpr int8_t kComplex64Elements = 8;
inline constexpr int8_t kComplex128Elements = 11;
inline constexpr int32_t kCustomOperator = 32;  // the number that stands for all operators named by text

// A vector of the file; empty where the file has none. Wider elements are not for it: a sound file may have
// them at any multiple of four bytes.
template <typename T>
std::span<const T> SpanOf(const flatbuffers::Vector<T>* vector) {
  static_assert(sizeof(T) <= 4);
  if (vector == nullptr) return {};
  return {reinterpret_cast<const T*>(vector->data()), vector->size()};
}
inline std::vector<int64_t> CopyOf(const flatbuffers::Vector<int64_t>* vector) {
  std::vector<int64_t> copy(vector == nullptr ? 0 : vector->size());
  if (!copy.empty()) std::memcpy(copy.data(), vector->Data(), copy.size() * sizeof(int64_t));
  return copy;
}
inline std::string_view TextOf(const flatbuffers::String* text) {
  return text == nullptr ? std::string_view() : std::string_view(text->c_str(), text->size());
}

class TfliteFile {
 public:
  // Throws ImportError (kDataLoss) where the bytes are not a sound file. They must outlive the object.
  explicit TfliteFile(std::span<const uint8_t> bytes);
  // Another subgraph of `whole`, which must outlive the object; it is checked like the first one.
  TfliteFile(const TfliteFile& whole, int64_t subgraph);

  // The first subgraph, or the one that was asked for; others are counted only.
  const file::SubgraphRecord& subgraph() const { return *subgraph_; }
  int subgraph_count() const;
  int tensor_count() const;
  int operator_count() const;

  const file::TensorRecord& tensor(int index) const;
  std::string_view TensorName(int index) const { return TextOf(tensor(index).label()); }
  // Complex numbers are pairs of floats on one more axis, the last one, of 2.
  bool IsComplex(int index) const;
  // The element type; kInvalid for types that MACE does not have.
  DType TensorDType(int index) const;
  // The element type's name.
  const char* TensorTypeName(int index) const;
  // The shape; where the file has a signature, its open dimensions are kUnknownDim.
  Shape TensorShape(int index) const;
  // The bytes of the tensor's buffer; empty where it has none in the file.
  std::span<const uint8_t> TensorData(int index) const;
  // True where the tensor's data are kept in a way that needs another file or another part of this one.
  bool HasExternalData(int index) const;

  // The signature called `key`; throws ImportError (kNotFound) where there is none, naming those that there
  // are.
  const file::SignatureRecord& Signature(std::string_view key) const;
  std::string SignatureKeys() const;  // for messages
  // A signature of another subgraph.
  bool HasSignatureElsewhere(int64_t subgraph) const;

  const file::OperatorRecord& operation(int index) const;
  int32_t OperatorNumber(int index) const;
  // The name of a custom operator; empty for others.
  std::string_view CustomName(int index) const;
  // Custom operators of these names are the application's to compute.
  void BringOperators(std::span<const std::string> names) { brought_ = names; }
  bool IsBrought(int index) const;
  // "CONV_2D", or of a custom operator "CUSTOM:" and its name.
  std::string OperatorName(int index) const;

  // "'name'", or "tensor 7" where it has none.
  std::string DescribeTensor(int index) const;
  // What messages call an operator: its number and its first output.
  std::string DescribeOperator(int index) const;
  size_t size() const { return bytes_.size(); }

 private:
  size_t signature_count() const;
  const file::SignatureRecord& signature(size_t i) const;
  void CheckEnd() const;
  void CheckReferences() const;
  void CheckTensor(int index) const;

  std::vector<uint64_t> aligned_;  // a copy, where the caller's bytes are not aligned
  std::span<const uint8_t> bytes_;
  std::span<const std::string> brought_;
  const file::ModelRecord* model_ = nullptr;
  const file::SubgraphRecord* subgraph_ = nullptr;
};

// The name of a built-in operator, "operator 300" for a number that had none when this was written.
std::string NameOfOperator(int32_t number);

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_FILE_H_
