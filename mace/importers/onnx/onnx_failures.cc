#include <algorithm>

#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"

namespace mace::importers::onnx {
namespace {

constexpr int kMaxExamined = 1024;

}  // namespace

bool Failures::Blocks(const NodeProto& node) const {
  const auto is_broken = [&](std::string_view name) { return broken_.contains(name); };
  return std::any_of(node.inputs.begin(), node.inputs.end(), is_broken) ||
         std::any_of(node.captures.begin(), node.captures.end(), is_broken);
}

void Failures::Add(const NodeProto& node, const ImportError& error) {
  Skip(node);
  problems_.Add(LabelOf(node), Text(node.op_type), error);
}

// Of what the node reads first nothing is known, so it is tried with tensors of many types. A refusal counts
// where all attempts were refused; any other end says that it depends on the type.
void Failures::Examine(const NodeProto& node, OnnxContext* context) {
  Skip(node);
  if (++examined_ > kMaxExamined || node.inputs.empty() || !broken_.contains(node.inputs[0])) return;
  // Of nodes with bodies as much would be tried inside.
  if (!node.captures.empty() || context->FunctionOf(node) != nullptr) return;
  for (const Attribute& attribute : node.attributes) {
    if (attribute.graph != nullptr) return;
  }
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    if (broken_.contains(node.inputs[i])) return;
  }
  const OnnxOp& entry = *FindOnnxOp(node.domain, node.op_type);
  std::optional<ImportError> refusal;
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kU8, DType::kI8, DType::kBool}) {
    for (const int64_t dim : {kUnknownDim, int64_t{8}}) {
      for (const int rank : {4, 3, 2, 1, 0, 5}) {
        TensorType type;
        type.dtype = dtype;
        for (int i = 0; i < rank; ++i) type.shape.Push(dim);
        OnnxNode attempt(node);
        context->Begin(attempt, context->OpsetOf(node.domain));
        context->Assume(node.inputs[0], type);
        try {
          entry.convert(*context, attempt, entry);
          return;
        } catch (const ImportError& error) {
          if (error.code() != StatusCode::kUnsupported || error.stage() != ImportStage::kConvert) return;
          if (!refusal.has_value()) refusal = error;
        }
      }
    }
  }
  Add(node, *refusal);
}

}  // namespace mace::importers::onnx
