// Converter of DENSIFY, and sparse constants with their zeros.
#include <cstring>

#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_sparse.h"

namespace mace::importers::tflite {

ValueId TfliteContext::AddDense(int tensor, const TensorType& type, std::string_view name) {
  const auto data = file_.TensorData(tensor);
  const auto fail = [&](StatusCode code, const std::string& what) {
    throw ImportError(code, "sparse constant " + file_.DescribeTensor(tensor) + ": " + what);
  };
  if (file_.TensorDType(tensor) == DType::kI4 || BytesOf(type.dtype) == 0) {
    fail(StatusCode::kUnsupported, "elements of less than a byte");
  }
  if (!type.shape.IsConcrete()) fail(StatusCode::kDataLoss, "its shape is open");
  const auto element = static_cast<size_t>(BytesOf(type.dtype));
  const int64_t bytes = ByteCount(type.dtype, type.shape);
  if (bytes < 0 || data.size() % element != 0) {
    fail(StatusCode::kDataLoss, std::string(NameOf(type.dtype)) + ShapeText(type.shape).text + " has " +
                                    std::to_string(data.size()) + " bytes");
  }
  // Before anything is allocated: a few bytes may stand for very many zeros.
  Spend(bytes + static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + name.size()));
  std::vector<int64_t> places;
  try {
    if (bytes > 0) {
      places = PlacesOfStored(*file_.tensor(tensor).sparsity(), type.shape,
                              static_cast<int64_t>(data.size() / element));
    }
  } catch (const ImportError& error) {
    fail(error.code(), error.what());
  }
  const ValueId value = Unwrap(graph_.AddUninitializedConstant(name, type.dtype, type.shape));
  graph_.values[value].type.quantization = type.quantization;
  if (bytes == 0) return value;
  auto* elements = static_cast<uint8_t*>(graph_.constants.back().view.data);
  std::memset(elements, 0, static_cast<size_t>(bytes));
  for (size_t i = 0; i < places.size(); ++i) {
    std::memcpy(elements + static_cast<size_t>(places[i]) * element, data.data() + i * element, element);
  }
  WarnOfNonFinite(tensor, graph_.constants.back().view);
  return value;
}

// The constant gets the name and the scale that the file gives to the output.
void ConvertDensify(TfliteContext& context) {
  const int tensor = context.InputTensor(0);
  const TfliteFile& file = context.file();
  if (file.tensor(tensor).sparsity() == nullptr || file.TensorData(tensor).empty()) {
    throw ImportError(StatusCode::kDataLoss, "its input is no sparse constant");
  }
  TensorType type = context.OutputType(0);
  if (type.dtype != file.TensorDType(tensor)) {
    throw ImportError(StatusCode::kDataLoss, std::string("its output is declared as ") + NameOf(type.dtype) +
                                                 ", but would be " + NameOf(file.TensorDType(tensor)));
  }
  type.shape = file.TensorShape(tensor);
  context.BindOutput(0, context.AddDense(tensor, type, file.TensorName(context.OutputTensor(0))));
}

}  // namespace mace::importers::tflite
