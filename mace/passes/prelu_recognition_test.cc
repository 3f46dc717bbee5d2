#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class PReluRecognitionTest : public RecognitionTest {
 protected:
  ValueId Relu(ValueId x) { return Node(OpId::kRelu, {x}); }
  ValueId NegativeRelu(ValueId x) { return Relu(Node(OpId::kNeg, {x})); }
};

TEST_F(PReluRecognitionTest, SumsOfBothHalves) {
  for (const Shape& slope : {Shape{4}, Shape{1, 4}, Shape{}, Shape{3, 4}}) {
    ExpectRecognised(RunPReluRecognition, {2, 3, 4},
                     [&](ValueId x) {
                       return Node(OpId::kAdd, {Relu(x), Node(OpId::kMul, {Floats(slope), NegativeRelu(x)})});
                     },
                     {OpId::kPRelu});
    ExpectRecognised(RunPReluRecognition, {2, 3, 4},
                     [&](ValueId x) {
                       return Node(OpId::kSub, {Relu(x), Node(OpId::kMul, {NegativeRelu(x), Floats(slope)})});
                     },
                     {OpId::kPRelu});
    ExpectRecognised(RunPReluRecognition, {2, 3, 4},
                     [&](ValueId x) {
                       const ValueId twice = Node(OpId::kSub, {x, Node(OpId::kAbs, {x})});
                       const ValueId scaled =
                           Node(OpId::kMul, {Node(OpId::kMul, {Floats(slope), twice}), Scalar(0.5f)});
                       return Node(OpId::kAdd, {scaled, Relu(x)});
                     },
                     {OpId::kPRelu});
  }
}

TEST_F(PReluRecognitionTest, TheLargerOfTwo) {
  ExpectRecognised(RunPReluRecognition, {9},
                   [&](ValueId x) { return Node(OpId::kMax, {Node(OpId::kMul, {Scalar(0.2f), x}), x}); },
                   {OpId::kLeakyRelu});
  for (const float alpha : {0.0f, 1.0f, 1.5f, -0.5f}) {
    ExpectLeft(RunPReluRecognition, {9},
               [&](ValueId x) { return Node(OpId::kMax, {x, Node(OpId::kMul, {x, Scalar(alpha)})}); });
  }
}

TEST_F(PReluRecognitionTest, LookalikesAreLeftAlone) {
  const auto left = [&](const Build& build) { ExpectLeft(RunPReluRecognition, {3, 3}, build); };
  left([&](ValueId x) { return Node(OpId::kAdd, {Relu(x), Node(OpId::kMul, {Floats({3}), Relu(x)})}); });
  left([&](ValueId x) {
    return Node(OpId::kSub, {Node(OpId::kMul, {Floats({3}), NegativeRelu(x)}), Relu(x)});
  });
  left([&](ValueId x) {
    return Node(OpId::kAdd, {Relu(x), Node(OpId::kMul, {Floats({3}), NegativeRelu(Node(OpId::kAbs, {x}))})});
  });
  left([&](ValueId x) {  // a slope that the run computes
    const ValueId slope = Node(OpId::kExp, {x});
    return Node(OpId::kAdd, {Relu(x), Node(OpId::kMul, {slope, NegativeRelu(x)})});
  });
  left([&](ValueId x) {  // a slope that widens the shape
    return Node(OpId::kAdd, {Relu(x), Node(OpId::kMul, {Floats({2, 3, 3}), NegativeRelu(x)})});
  });
  left([&](ValueId x) {
    const ValueId positive = Relu(x);
    Output(positive, "positive");
    return Node(OpId::kSub, {positive, Node(OpId::kMul, {Scalar(0.5f), NegativeRelu(x)})});
  });
}

}  // namespace
}  // namespace mace::passes
