// Converter of custom operators that the application brings.
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/custom/custom.h"

namespace mace::importers::tflite {

// Any inputs and outputs; the types of the outputs are those that the file declares.
void ConvertCustom(TfliteContext& context) {
  const int index = context.operator_index();
  const auto options = SpanOf(context.file().operation(index).custom_options());
  const std::string_view name = context.file().CustomName(index);
  std::vector<ValueId> inputs = {
      context.AddBytes({reinterpret_cast<const uint8_t*>(name.data()), name.size()}),
      context.AddBytes(options)};
  for (int i = 0; i < context.input_count(); ++i) inputs.push_back(context.OptionalInput(i));
  ops::CustomAttributes attributes;
  std::vector<TensorType> types;
  std::vector<std::string_view> names;
  const int outputs = static_cast<int>(SpanOf(context.file().operation(index).outputs()).size());
  if (outputs > attributes.dtypes.capacity()) {
    throw ImportError(StatusCode::kUnsupported, std::to_string(outputs) + " outputs");
  }
  for (int i = 0; i < outputs; ++i) {
    types.push_back(context.OutputType(i));
    names.push_back(context.file().TensorName(context.OutputTensor(i)));
    attributes.dtypes.Push(static_cast<int64_t>(types.back().dtype));
  }
  const std::vector<ValueId> values =
      context.EmitNode(OpId::kCustom, inputs, &attributes, sizeof(attributes), types, names);
  for (int i = 0; i < outputs; ++i) {
    const ValueId value = values[static_cast<size_t>(i)];
    // The file's rank is believed, which operators behind it ask for, its sizes are not.
    Shape& shape = context.graph().values[value].type.shape;
    const int rank = types[static_cast<size_t>(i)].shape.rank;
    shape = Shape();
    for (int d = 0; d < rank; ++d) shape.Push(kUnknownDim);
    context.BindOutput(i, value);
  }
}

}  // namespace mace::importers::tflite
