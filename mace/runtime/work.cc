#include "mace/runtime/work.h"

#include "mace/ops/matmul/matmul.h"

namespace mace {
namespace {

class Counter {
 public:
  Counter(const Node& node, const TensorType* types) : node_(node), types_(types) {}

  // 0 for operators whose work is not multiplying and adding, and for sizes that are not known.
  int64_t MultiplyAdds() const {
    const int64_t count = Count();
    return count > 0 ? count : 0;
  }

 private:
  const Shape& In(size_t i) const {
    static constexpr Shape kNothing;
    return i < node_.inputs.size() && node_.inputs[i] != kNone ? types_[node_.inputs[i]].shape : kNothing;
  }
  const Shape& Out() const {
    static constexpr Shape kNothing;
    return node_.outputs[0] == kNone ? kNothing : types_[node_.outputs[0]].shape;
  }

  static int64_t Product(int64_t a, int64_t b) {
    int64_t product = 0;
    return CheckedMultiply(a, b, &product) ? product : 0;
  }

  int64_t Count() const {
    switch (node_.op) {
      case OpId::kConv2d:
        return Product(Out().ElementCount(), In(1).Product(1, In(1).rank));
      case OpId::kConvTranspose2d:  // each input pixel meets all taps
        return Product(In(0).Product(0, 3), In(1).ElementCount());
      case OpId::kFullyConnected:
        return Product(Out().ElementCount(), In(1)[1]);
      case OpId::kMatMul: {
        // Both operands hold the depth once, the product holds the rest of both.
        const Shape& a = In(0);
        const bool transposed = node_.attributes.as<ops::MatMulAttributes>().transpose_a;
        return a.rank == 0 ? 0
                           : Product(Out().ElementCount(), a[a.rank - (transposed && a.rank > 1 ? 2 : 1)]);
      }
      case OpId::kGru:
      case OpId::kLstm:  // x [T, B, I] meets weights [D, gates, I] and recurrent weights [D, gates, H]
        return Product(In(0).Product(0, 2), In(1).ElementCount() + In(2).ElementCount());
      case OpId::kSvdf:
        return Product(In(0)[0], In(1).ElementCount() + In(2).ElementCount());
      default:
        return 0;
    }
  }

  const Node& node_;
  const TensorType* types_;
};

bool ReadsIntegers(const Node& node, const TensorType* types) {
  if (node.inputs.empty() || node.inputs[0] == kNone) return false;
  const TensorType& x = types[node.inputs[0]];
  return x.quantization != kNone &&
         (x.dtype == DType::kU8 || x.dtype == DType::kI8 || x.dtype == DType::kI16);
}

}  // namespace

StepWork WorkOf(const Graph& graph, const TensorType* types, const StepInfo& step) {
  StepWork work;
  int64_t most = -1;
  for (size_t i = 0; i < step.nodes.size(); ++i) {
    const Node& node = graph.nodes[step.nodes[i]];
    const int64_t count = Counter(node, types).MultiplyAdds();
    work.multiply_adds += count;
    if (count <= most) continue;
    most = count;
    work.main_node = static_cast<int32_t>(i);
    work.is_integer = ReadsIntegers(node, types);
  }
  if (!step.is_reference) work.multiply_adds = step.multiply_adds;  // several steps may share a node
  return work;
}

}  // namespace mace
