// Nodes of operators that the application brings (docs/custom_operators.md).
#include <algorithm>
#include <nlohmann/json.hpp>

#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/custom/custom.h"

namespace mace::importers::onnx {
namespace {

// The attributes as a JSON object; tensors and graphs have no place there.
std::string AttributesText(const NodeProto& proto, OnnxNode* node) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Attribute& written : proto.attributes) {
    const Attribute* attribute = node->Find(written.name);  // of the caller, in a function
    if (attribute == nullptr) continue;
    nlohmann::ordered_json value;
    if (attribute->f.has_value()) {
      value = *attribute->f;
    } else if (attribute->i.has_value()) {
      value = *attribute->i;
    } else if (attribute->s.has_value()) {
      value = *attribute->s;
    } else if (!attribute->floats.empty()) {
      value = attribute->floats;
    } else if (!attribute->strings.empty()) {
      value = attribute->strings;
    } else if (attribute->t.has_value() || attribute->graph != nullptr || attribute->sparse != nullptr ||
               attribute->has_other) {
      throw ImportError(Unsupported("attribute '%s' of a custom operator is neither number nor text",
                                    Text(written.name).c_str()));
    } else {
      value = attribute->ints;
    }
    json[std::string(written.name)] = std::move(value);
  }
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

ValueId BytesOf(OnnxContext& context, std::string_view text) {
  context.SpendCopy(static_cast<int64_t>(text.size()));
  const TensorView view = {const_cast<char*>(text.data()), DType::kU8,
                           Shape{static_cast<int64_t>(text.size())}};
  return Unwrap(context.graph().AddConstant({}, view, /*copy=*/true));
}

}  // namespace

bool OnnxContext::IsBrought(const NodeProto& node) const {
  const std::string full = std::string(node.domain) + ":" + std::string(node.op_type);
  return std::any_of(work_.brought.begin(), work_.brought.end(),
                     [&](const std::string& name) { return name == node.op_type || name == full; });
}

// The outputs have the element types that the model declares, else that of the first input.
std::vector<ValueId> ConvertBrought(OnnxContext& context, OnnxNode& node, const NodeProto& proto) {
  const std::string full = std::string(proto.domain) + ":" + std::string(proto.op_type);
  const auto& brought = context.work().brought;
  const bool by_domain = std::find(brought.begin(), brought.end(), full) != brought.end();
  std::vector<ValueId> inputs = {BytesOf(context, by_domain ? full : std::string(proto.op_type)),
                                 BytesOf(context, AttributesText(proto, &node))};
  for (int i = 0; i < node.input_count(); ++i) inputs.push_back(context.OptionalInput(node, i));
  const bool has_first = node.input_count() > 0 && inputs[ops::kCustomOperands] != kNone;
  ops::CustomAttributes attributes;
  if (node.output_count() > attributes.dtypes.capacity()) {
    throw ImportError(
        Unsupported("%d outputs, the limit is %d", node.output_count(), attributes.dtypes.capacity()));
  }
  for (int i = 0; i < node.output_count(); ++i) {
    DType dtype = has_first ? context.TypeOf(inputs[ops::kCustomOperands]).dtype : DType::kF32;
    const ValueInfo* declared = node.HasOutput(i) ? context.Declared(node.OutputName(i)) : nullptr;
    if (declared != nullptr && declared->is_tensor && declared->elem_type != 0) {
      dtype = ElementType(declared->elem_type, "an output");
    }
    attributes.dtypes.Push(static_cast<int64_t>(dtype));
  }
  return context.EmitMany(OpId::kCustom, inputs, attributes, node.output_count());
}

}  // namespace mace::importers::onnx
