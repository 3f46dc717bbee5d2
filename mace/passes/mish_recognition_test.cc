#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class MishRecognitionTest : public RecognitionTest {
 protected:
  ValueId Spelled(ValueId x, float one = 1) {
    return Node(OpId::kLog, {Node(OpId::kAdd, {Scalar(one), Node(OpId::kExp, {x})})});
  }
};

TEST_F(MishRecognitionTest, SoftplusAndMish) {
  ExpectRecognised(RunMishRecognition, {3, 5}, [&](ValueId x) { return Spelled(x); }, {OpId::kSoftplus});
  for (const bool spelled : {false, true}) {
    for (const bool reversed : {false, true}) {
      ExpectRecognised(RunMishRecognition, {3, 5},
                       [&](ValueId x) {
                         const ValueId gate =
                             Node(OpId::kTanh, {spelled ? Spelled(x) : Node(OpId::kSoftplus, {x})});
                         return reversed ? Node(OpId::kMul, {gate, x}) : Node(OpId::kMul, {x, gate});
                       },
                       {OpId::kMish});
    }
  }
}

TEST_F(MishRecognitionTest, LookalikesAreLeftAlone) {
  const auto left = [&](const Build& build) { ExpectLeft(RunMishRecognition, {7}, build); };
  left([&](ValueId x) { return Spelled(x, 2); });
  left([&](ValueId x) {
    const ValueId gate = Node(OpId::kSigmoid, {Node(OpId::kSoftplus, {x})});
    return Node(OpId::kMul, {x, gate});
  });
  left([&](ValueId x) {
    const ValueId gate = Node(OpId::kTanh, {Node(OpId::kSoftplus, {x})});
    return Node(OpId::kMul, {Node(OpId::kNeg, {x}), gate});
  });
  left([&](ValueId x) {
    const ValueId softplus = Node(OpId::kSoftplus, {x});
    Output(softplus, "softplus");
    return Node(OpId::kMul, {x, Node(OpId::kTanh, {softplus})});
  });
}

}  // namespace
}  // namespace mace::passes
