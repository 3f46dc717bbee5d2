#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class SoftmaxRecognitionTest : public RecognitionTest {
 protected:
  ValueId Spelled(ValueId x, int64_t max_axis, int64_t sum_axis) {
    const ValueId most = Reduced(ops::ReduceKind::kMax, x, {max_axis});
    const ValueId powers = Node(OpId::kExp, {Node(OpId::kSub, {x, most})});
    return Node(OpId::kDiv, {powers, Reduced(ops::ReduceKind::kSum, powers, {sum_axis})});
  }
};

TEST_F(SoftmaxRecognitionTest, AlongAnyAxis) {
  for (const int64_t axis : {0, 1, 2, -1}) {
    ExpectRecognised(
        RunSoftmaxRecognition, {2, 3, 4}, [&](ValueId x) { return Spelled(x, axis, axis); }, {OpId::kSoftmax},
        1e-6);
  }
  ExpectRecognised(
      RunSoftmaxRecognition, {SymbolDim(0), kUnknownDim}, [&](ValueId x) { return Spelled(x, 1, -1); },
      {OpId::kSoftmax}, 1e-6);
}

TEST_F(SoftmaxRecognitionTest, LookalikesAreLeftAlone) {
  const auto left = [&](const Build& build) { ExpectLeft(RunSoftmaxRecognition, {3, 3}, build); };
  left([&](ValueId x) { return Spelled(x, 0, 1); });
  left([&](ValueId x) {  // overflows where the operator does not
    const ValueId powers = Node(OpId::kExp, {x});
    return Node(OpId::kDiv, {powers, Reduced(ops::ReduceKind::kSum, powers, {1})});
  });
  left([&](ValueId x) {
    const ValueId powers = Node(OpId::kExp, {Node(OpId::kSub, {x, Mean(x, {1})})});
    return Node(OpId::kDiv, {powers, Reduced(ops::ReduceKind::kSum, powers, {1})});
  });
  left([&](ValueId x) {  // over all axes
    const ValueId most = Reduced(ops::ReduceKind::kMax, x, {});
    const ValueId powers = Node(OpId::kExp, {Node(OpId::kSub, {x, most})});
    return Node(OpId::kDiv, {powers, Reduced(ops::ReduceKind::kSum, powers, {})});
  });
  left([&](ValueId x) {
    const ValueId most = Reduced(ops::ReduceKind::kMax, x, {1});
    const ValueId powers = Node(OpId::kExp, {Node(OpId::kSub, {x, most})});
    const ValueId sum = Reduced(ops::ReduceKind::kSum, powers, {1});
    Output(sum, "sum");
    return Node(OpId::kDiv, {powers, sum});
  });
}

}  // namespace
}  // namespace mace::passes
