// hard_swish_recognition and hard_sigmoid_recognition.
#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class HardLineTest : public RecognitionTest {
 protected:
  ValueId Shifted(ValueId x, float shift = 3) { return Node(OpId::kAdd, {x, Scalar(shift)}); }
  ValueId Relu6(ValueId x) { return Clipped(x, 0, 6); }
  ValueId Sixth(ValueId x, bool by_division) {
    if (by_division) return Node(OpId::kDiv, {x, Scalar(6)});
    return Node(OpId::kMul, {Scalar(1.0f / 6), x});
  }
  const ops::HardSigmoidAttributes Found() const {
    for (const mace::Node& node : graph_.nodes) {
      if (node.op == OpId::kHardSigmoid) return node.attributes.as<ops::HardSigmoidAttributes>();
    }
    return {.alpha = 99};
  }
};

TEST_F(HardLineTest, HardSwishWithTheSixthAnywhere) {
  for (const bool by_division : {false, true}) {
    const std::vector<Build> builds = {
        [&](ValueId x) { return Sixth(Node(OpId::kMul, {x, Relu6(Shifted(x))}), by_division); },
        [&](ValueId x) { return Node(OpId::kMul, {Sixth(Relu6(Shifted(x)), by_division), x}); },
        [&](ValueId x) { return Node(OpId::kMul, {Sixth(x, by_division), Relu6(Shifted(x))}); },
        [&](ValueId x) {
          ops::HardSigmoidAttributes gate;
          gate.alpha = 1.0f / 6;
          return Node(OpId::kMul, {x, Node(OpId::kHardSigmoid, {x}, gate)});
        }};
    for (const Build& build : builds) {
      ExpectRecognised(RunHardSwishRecognition, {2, 3, 5}, build, {OpId::kHardSwish});
    }
  }
}

TEST_F(HardLineTest, NoHardSwish) {
  const auto left = [&](const Build& build) { ExpectLeft(RunHardSwishRecognition, {2, 9}, build); };
  left([&](ValueId x) { return Sixth(Node(OpId::kMul, {x, Relu6(Shifted(x, 2))}), true); });
  left([&](ValueId x) { return Node(OpId::kDiv, {Node(OpId::kMul, {x, Relu6(Shifted(x))}), Scalar(5)}); });
  left([&](ValueId x) { return Sixth(Node(OpId::kMul, {x, Clipped(Shifted(x), 0, 5)}), true); });
  left([&](ValueId x) { return Sixth(Node(OpId::kMul, {x, Clipped(Shifted(x), -1, 6)}), true); });
  left([&](ValueId x) { return Node(OpId::kDiv, {Scalar(6), Node(OpId::kMul, {x, Relu6(Shifted(x))})}); });
  left([&](ValueId x) { return Sixth(Node(OpId::kMul, {Node(OpId::kNeg, {x}), Relu6(Shifted(x))}), true); });
  left([&](ValueId x) {
    const ValueId gate = Relu6(Shifted(x));
    Output(gate, "gate");
    return Sixth(Node(OpId::kMul, {x, gate}), false);
  });
}

TEST_F(HardLineTest, HardSigmoid) {
  for (const bool by_division : {false, true}) {
    ExpectRecognised(RunHardSigmoidRecognition, {2, 9},
                     [&](ValueId x) { return Sixth(Relu6(Shifted(x)), by_division); }, {OpId::kHardSigmoid});
    EXPECT_FLOAT_EQ(Found().alpha, 1.0f / 6);
    EXPECT_FLOAT_EQ(Found().beta, 0.5f);
  }
  ExpectRecognised(
      RunHardSigmoidRecognition, {2, 9},
      [&](ValueId x) { return Clipped(Shifted(Node(OpId::kMul, {Scalar(0.2f), x}), 0.4f), 0, 1); },
      {OpId::kHardSigmoid});
  EXPECT_FLOAT_EQ(Found().alpha, 0.2f);
  EXPECT_FLOAT_EQ(Found().beta, 0.4f);
}

TEST_F(HardLineTest, NoHardSigmoid) {
  const auto left = [&](const Build& build) { ExpectLeft(RunHardSigmoidRecognition, {2, 9}, build); };
  left([&](ValueId x) { return Node(OpId::kDiv, {Relu6(Shifted(x)), Scalar(5)}); });
  left([&](ValueId x) { return Sixth(Clipped(Shifted(x), 1, 6), true); });
  left([&](ValueId x) { return Clipped(Shifted(x), 0, 2); });
  left([&](ValueId x) { return Clipped(Node(OpId::kAdd, {x, Floats({9})}), 0, 1); });
  left([&](ValueId x) { return Sixth(Relu6(x), true); });
  left([&](ValueId x) {
    const ValueId clipped = Relu6(Shifted(x));
    Output(clipped, "clipped");
    return Sixth(clipped, true);
  });
}

}  // namespace
}  // namespace mace::passes
