// Test support: reads testdata/onnx_cases.txt.
#ifndef MACE_OPS_ONNX_CASE_READER_H_
#define MACE_OPS_ONNX_CASE_READER_H_

#include <fstream>
#include <map>
#include <sstream>

#include "mace/ops/op_tester.h"

namespace mace::ops {

struct CaseTensor {
  bool present = false;
  DType dtype = DType::kInvalid;
  Shape shape;
  std::vector<double> numbers;
  std::vector<int64_t> integers;
};

struct Case {
  int line = 0;
  std::string op;
  std::map<std::string, std::vector<std::string>> attributes;
  std::vector<CaseTensor> inputs, outputs;
};

inline CaseTensor ReadTensor(std::istringstream& words) {
  CaseTensor tensor;
  std::string type;
  words >> type;
  if (type == "none") return tensor;
  tensor.present = true;
  tensor.dtype = type == "f32"   ? DType::kF32
                 : type == "i32" ? DType::kI32
                 : type == "i64" ? DType::kI64
                                 : DType::kBool;
  int rank = 0;
  words >> rank;
  for (int i = 0; i < rank; ++i) {
    int64_t dim = 0;
    words >> dim;
    tensor.shape.Push(dim);
  }
  std::string word;
  while (words >> word) {
    if (type == "f32") {
      tensor.numbers.push_back(std::strtod(word.c_str(), nullptr));
    } else {
      tensor.integers.push_back(std::strtoll(word.c_str(), nullptr, 10));
    }
  }
  return tensor;
}

inline std::vector<Case> ReadCases() {
  std::ifstream file(MACE_OPS_TESTDATA "/onnx_cases.txt");
  std::vector<Case> cases;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line);
    std::string keyword;
    words >> keyword;
    if (keyword == "case") {
      cases.emplace_back();
      cases.back().line = number;
      words >> cases.back().op;
    } else if (keyword == "attribute") {
      std::string name, value;
      int count = 0;
      words >> name >> count;
      auto& values = cases.back().attributes[name];
      while (words >> value) values.push_back(value);
      EXPECT_EQ(values.size(), static_cast<size_t>(count));
    } else if (keyword == "input") {
      cases.back().inputs.push_back(ReadTensor(words));
    } else if (keyword == "output") {
      cases.back().outputs.push_back(ReadTensor(words));
    }
  }
  return cases;
}

// Sets a field by its name, through the same description that files and dumps use.
inline void SetAttribute(const AttributeInfo& info, AttributeStorage& storage, const std::string& name,
                         const std::vector<std::string>& values) {
  for (int32_t i = 0; i < info.field_count; ++i) {
    const FieldInfo& field = info.fields[i];
    if (name != field.name) continue;
    unsigned char* place = storage.bytes + field.offset;
    const auto integer = [&](size_t k) { return std::strtoll(values[k].c_str(), nullptr, 10); };
    switch (field.kind) {
      case FieldKind::kInt64:
        *reinterpret_cast<int64_t*>(place) = integer(0);
        return;
      case FieldKind::kInt32:
      case FieldKind::kEnum:
        *reinterpret_cast<int32_t*>(place) = static_cast<int32_t>(integer(0));
        return;
      case FieldKind::kFloat:
        *reinterpret_cast<float*>(place) = std::strtof(values[0].c_str(), nullptr);
        return;
      case FieldKind::kBool:
        *reinterpret_cast<bool*>(place) = integer(0) != 0;
        return;
      case FieldKind::kIntList: {
        auto& list = *reinterpret_cast<IntList*>(place);
        list = IntList();
        for (size_t k = 0; k < values.size(); ++k) list.Push(integer(k));
        return;
      }
      default:
        break;
    }
  }
  ADD_FAILURE() << "no attribute " << name;
}

template <typename T>
std::vector<T> As(const CaseTensor& tensor) {
  return std::vector<T>(tensor.integers.begin(), tensor.integers.end());
}

inline void AddInput(OpTester& tester, const CaseTensor& tensor) {
  if (!tensor.present) {
    tester.NoInput();
  } else if (tensor.dtype == DType::kF32) {
    tester.Input<float>(tensor.shape, {tensor.numbers.begin(), tensor.numbers.end()});
  } else if (tensor.dtype == DType::kI32) {
    tester.Input(tensor.shape, As<int32_t>(tensor));
  } else if (tensor.dtype == DType::kI64) {
    tester.Input(tensor.shape, As<int64_t>(tensor));
  } else {
    tester.BoolInput(tensor.shape, As<uint8_t>(tensor));
  }
}

inline OpId IdOf(const std::string& name) {
  const OpDefinition* definition = FindOpDefinition(name);
  for (int number = 1; number < 1000; ++number) {
    if (FindOpDefinition(static_cast<OpId>(number)) == definition) return static_cast<OpId>(number);
  }
  return OpId::kInvalid;
}

}  // namespace mace::ops

#endif  // MACE_OPS_ONNX_CASE_READER_H_
