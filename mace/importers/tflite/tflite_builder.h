// Test support: small TensorFlow Lite files.
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_BUILDER_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_BUILDER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mace/importers/tflite/tflite_generated.h"

namespace mace::importers::tflite {

enum ElementType : int8_t {
  kFileF32 = 0,
  kFileF16 = 1,
  kFileI32 = 2,
  kFileU8 = 3,
  kFileI64 = 4,
  kFileBool = 6,
  kFileI16 = 7,
  kFileI8 = 9,
  kFileU64 = 12,
  kFileResource = 13,
  kFileU32 = 15,
};

// Where the stored elements of a sparse constant belong.
struct Sparse {
  struct Level {
    int32_t size = -1;  // of a dense level; -1: one with lists
    std::vector<int32_t> segments = {};
    std::vector<int32_t> indices = {};
    file::SparseList width = file::SparseList::SparseInt32;  // of the elements of the lists
    int8_t format = -1;                                      // -1: what the above say
  };
  std::vector<int32_t> order = {};
  std::vector<int32_t> blocks = {};
  std::vector<Level> levels = {};
};

class TfliteBuilder {
 public:
  struct Tensor {
    std::vector<int32_t> dims = {};
    int8_t type = kFileF32;
    std::string name = {};
    std::vector<float> scales = {};
    std::vector<int64_t> zero_points = {};
    int32_t axis = 0;
    bool variable = false;
    std::optional<Sparse> sparse = {};
    std::vector<int32_t> signature = {};
    std::vector<uint8_t> data = {};
    int32_t buffer = -1;  // >= 0: this number, right or wrong
  };

  int Add(Tensor tensor) {
    tensors_.push_back(std::move(tensor));
    return static_cast<int>(tensors_.size()) - 1;
  }
  template <typename T>
  static std::vector<uint8_t> Bytes(const std::vector<T>& values) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(values.data());
    return {bytes, bytes + values.size() * sizeof(T)};
  }
  // A constant of i32 values.
  int AddInts(const std::vector<int32_t>& values) {
    return Add({.dims = {static_cast<int32_t>(values.size())}, .type = kFileI32, .data = Bytes(values)});
  }

  flatbuffers::FlatBufferBuilder& options() { return builder_; }
  template <typename Table = void>
  void AddOperator(int32_t number, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
                   file::Options kind = file::Options::NONE, flatbuffers::Offset<Table> options = {}) {
    kinds_.push_back(number);
    operators_.push_back(file::CreateOperatorRecordDirect(builder_, static_cast<uint32_t>(kinds_.size()) - 1,
                                                          &inputs, &outputs, kind, options.Union()));
  }
  // An operator whose options stand where newer ones have theirs.
  template <typename Table>
  void AddNewOperator(int32_t number, const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs,
                      file::Options2 kind, flatbuffers::Offset<Table> options) {
    kinds_.push_back(number);
    operators_.push_back(file::CreateOperatorRecordDirect(builder_, static_cast<uint32_t>(kinds_.size()) - 1,
                                                          &inputs, &outputs, file::Options::NONE, {}, nullptr,
                                                          0, nullptr, nullptr, kind, options.Union()));
  }
  // A custom operator called `custom_name`.
  void AddCustomOperator(const std::string& name, const std::vector<int32_t>& inputs,
                         const std::vector<int32_t>& outputs, const std::vector<uint8_t>& options) {
    custom_name = name;
    kinds_.push_back(32);
    operators_.push_back(file::CreateOperatorRecordDirect(builder_, static_cast<uint32_t>(kinds_.size()) - 1,
                                                          &inputs, &outputs, file::Options::NONE, {},
                                                          &options));
  }
  // An operator with tensors that only it uses.
  template <typename Table>
  void AddOperatorWithInner(int32_t number, const std::vector<int32_t>& inputs,
                            const std::vector<int32_t>& outputs, const std::vector<int32_t>& inner,
                            file::Options kind, flatbuffers::Offset<Table> options) {
    kinds_.push_back(number);
    operators_.push_back(file::CreateOperatorRecordDirect(builder_, static_cast<uint32_t>(kinds_.size()) - 1,
                                                          &inputs, &outputs, kind, options.Union(), nullptr,
                                                          0, nullptr, &inner));
  }
  std::string custom_name = "Special";  // of all custom operators

  // What was added so far is a subgraph; the next one begins empty. The first one is the model.
  void EndSubgraph(const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs) {
    auto& buffers = buffers_;
    if (buffers.empty()) buffers.push_back(file::CreateBufferRecord(builder_));
    std::vector<flatbuffers::Offset<file::TensorRecord>> tensors;
    for (const Tensor& tensor : tensors_) {
      uint32_t buffer = 0;
      if (!tensor.data.empty()) {
        builder_.ForceVectorAlignment(tensor.data.size(), 1, 16);
        buffer = static_cast<uint32_t>(buffers.size());
        buffers.push_back(file::CreateBufferRecordDirect(builder_, &tensor.data));
      }
      if (tensor.buffer >= 0) buffer = static_cast<uint32_t>(tensor.buffer);
      flatbuffers::Offset<file::QuantizationRecord> quantization;
      if (!tensor.scales.empty()) {
        quantization = file::CreateQuantizationRecordDirect(builder_, nullptr, nullptr, &tensor.scales,
                                                            &tensor.zero_points, 0, tensor.axis);
      }
      flatbuffers::Offset<file::SparsityRecord> sparsity;
      if (tensor.sparse.has_value()) sparsity = AddSparse(*tensor.sparse);
      tensors.push_back(file::CreateTensorRecordDirect(
          builder_, &tensor.dims, tensor.type, buffer, tensor.name.c_str(), quantization, tensor.variable,
          sparsity, tensor.signature.empty() ? nullptr : &tensor.signature));
    }
    subgraphs_.push_back(
        file::CreateSubgraphRecordDirect(builder_, &tensors, &inputs, &outputs, &operators_, "main"));
    tensors_.clear();
    operators_.clear();
  }

  std::vector<uint8_t> Finish(const std::vector<int32_t>& inputs, const std::vector<int32_t>& outputs) {
    EndSubgraph(inputs, outputs);
    std::vector<flatbuffers::Offset<file::OperatorKind>> kinds;
    for (int32_t number : kinds_) {
      kinds.push_back(file::CreateOperatorKindDirect(builder_, static_cast<int8_t>(std::min(number, 127)),
                                                     number == 32 ? custom_name.c_str() : nullptr, 1,
                                                     number));
    }
    builder_.Finish(
        file::CreateModelRecordDirect(builder_, 3, &kinds, &subgraphs_, "made by a test", &buffers_), "TFL3");
    return {builder_.GetBufferPointer(), builder_.GetBufferPointer() + builder_.GetSize()};
  }

 private:
  flatbuffers::Offset<void> AddList(const std::vector<int32_t>& list, file::SparseList width) {
    const std::vector<uint16_t> halves(list.begin(), list.end());
    const std::vector<uint8_t> bytes(list.begin(), list.end());
    switch (width) {
      case file::SparseList::SparseInt32:
        return file::CreateSparseInt32Direct(builder_, &list).Union();
      case file::SparseList::SparseUint16:
        return file::CreateSparseUint16Direct(builder_, &halves).Union();
      case file::SparseList::SparseUint8:
        return file::CreateSparseUint8Direct(builder_, &bytes).Union();
      default:
        return {};
    }
  }
  flatbuffers::Offset<file::SparsityRecord> AddSparse(const Sparse& sparse) {
    std::vector<flatbuffers::Offset<file::SparseDimension>> levels;
    for (const Sparse::Level& level : sparse.levels) {
      const bool has_lists = level.size < 0;
      const file::SparseList width = has_lists ? level.width : file::SparseList::NONE;
      const auto format = static_cast<int8_t>(level.format >= 0 ? level.format : has_lists ? 1 : 0);
      const auto segments = AddList(level.segments, width);
      const auto indices = AddList(level.indices, width);
      levels.push_back(file::CreateSparseDimension(builder_, format, has_lists ? 0 : level.size, width,
                                                   segments, width, indices));
    }
    return file::CreateSparsityRecordDirect(builder_, &sparse.order, &sparse.blocks, &levels);
  }

  flatbuffers::FlatBufferBuilder builder_;
  std::vector<Tensor> tensors_;
  std::vector<int32_t> kinds_;
  std::vector<flatbuffers::Offset<file::BufferRecord>> buffers_;
  std::vector<flatbuffers::Offset<file::SubgraphRecord>> subgraphs_;
  std::vector<flatbuffers::Offset<file::OperatorRecord>> operators_;
};

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_BUILDER_H_
