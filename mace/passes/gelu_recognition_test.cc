#include <numbers>

#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class GeluRecognitionTest : public RecognitionTest {
 protected:
  ValueId Times(ValueId x, double factor) {
    return Node(OpId::kMul, {Scalar(static_cast<float>(factor)), x});
  }
  ValueId ErfGate(ValueId x, double factor = std::numbers::sqrt2 / 2) {
    return Node(OpId::kAdd, {Node(OpId::kErf, {Times(x, factor)}), Scalar(1)});
  }
  ValueId Cube(ValueId x, bool by_pow) {
    if (by_pow) return Node(OpId::kPow, {x, Scalar(3)});
    return Node(OpId::kMul, {Node(OpId::kMul, {x, x}), x});
  }
  ValueId TanhGate(ValueId x, ValueId cubic, double factor = std::sqrt(2 / std::numbers::pi)) {
    const ValueId argument = Times(Node(OpId::kAdd, {x, cubic}), factor);
    return Node(OpId::kAdd, {Scalar(1), Node(OpId::kTanh, {argument})});
  }
  // The factors x, gate and 1/2 in each order, and x / 2 * gate.
  std::vector<Build> Products(const std::function<ValueId(ValueId)>& gate) {
    return {
        [=, this](ValueId x) { return Times(Node(OpId::kMul, {x, gate(x)}), 0.5); },
        [=, this](ValueId x) { return Node(OpId::kMul, {Times(x, 0.5), gate(x)}); },
        [=, this](ValueId x) { return Node(OpId::kMul, {Times(gate(x), 0.5), x}); },
        [=, this](ValueId x) { return Node(OpId::kMul, {Node(OpId::kDiv, {x, Scalar(2)}), gate(x)}); },
        [=, this](ValueId x) { return Node(OpId::kMul, {x, Node(OpId::kDiv, {gate(x), Scalar(2)})}); },
    };
  }
  bool IsTanh() const {
    for (const mace::Node& node : graph_.nodes) {
      if (node.op == OpId::kGelu) return node.attributes.as<ops::GeluAttributes>().tanh_approximation;
    }
    return false;
  }
  void ExpectEach(const std::function<ValueId(ValueId)>& gate, bool is_tanh) {
    for (const Build& build : Products(gate)) {
      ExpectRecognised(RunGeluRecognition, {3, 17}, build, {OpId::kGelu});
      EXPECT_EQ(IsTanh(), is_tanh);
    }
  }
  void LeaveEach(const std::function<ValueId(ValueId)>& gate) {
    for (const Build& build : Products(gate)) ExpectLeft(RunGeluRecognition, {3, 17}, build);
  }
};

TEST_F(GeluRecognitionTest, ByErf) {
  ExpectEach([&](ValueId x) { return ErfGate(x); }, false);
  ExpectEach(
      [&](ValueId x) {
        const ValueId scaled = Node(OpId::kDiv, {x, Scalar(static_cast<float>(std::numbers::sqrt2))});
        return Node(OpId::kAdd, {Scalar(1), Node(OpId::kErf, {scaled})});
      },
      false);
}

TEST_F(GeluRecognitionTest, ByTanh) {
  for (const bool by_pow : {false, true}) {
    ExpectEach([&](ValueId x) { return TanhGate(x, Times(Cube(x, by_pow), 0.044715)); }, true);
  }
  // x * (x * (0.044715 * x)), and (0.044715 * x^2) * x
  ExpectEach(
      [&](ValueId x) {
        return TanhGate(x, Node(OpId::kMul, {x, Node(OpId::kMul, {x, Times(x, 0.044715)})}));
      },
      true);
  ExpectEach(
      [&](ValueId x) {
        return TanhGate(x, Node(OpId::kMul, {Times(Node(OpId::kMul, {x, x}), 0.044715), x}));
      },
      true);
  // (sqrt(2 / pi) * x) * (1 + 0.044715 * x^2)
  ExpectEach(
      [&](ValueId x) {
        const ValueId sum = Node(OpId::kAdd, {Scalar(1), Times(Node(OpId::kMul, {x, x}), 0.044715)});
        const ValueId argument = Node(OpId::kMul, {Times(x, std::sqrt(2 / std::numbers::pi)), sum});
        return Node(OpId::kAdd, {Node(OpId::kTanh, {argument}), Scalar(1)});
      },
      true);
}

TEST_F(GeluRecognitionTest, LookalikesAreLeftAlone) {
  LeaveEach([&](ValueId x) { return ErfGate(x, 0.7); });
  LeaveEach([&](ValueId x) { return ErfGate(Node(OpId::kAbs, {x})); });
  LeaveEach([&](ValueId x) { return Node(OpId::kAdd, {Node(OpId::kErf, {x}), Scalar(1)}); });
  LeaveEach([&](ValueId x) { return TanhGate(x, Times(Cube(x, true), 0.05)); });
  LeaveEach([&](ValueId x) { return TanhGate(x, Times(Cube(x, true), 0.044715), 0.8); });
  LeaveEach([&](ValueId x) { return TanhGate(x, Times(Node(OpId::kMul, {x, x}), 0.044715)); });
  LeaveEach([&](ValueId x) {
    return Node(OpId::kAdd, {Scalar(2), Node(OpId::kErf, {Times(x, std::numbers::sqrt2 / 2)})});
  });
  // Without the half; with another number.
  ExpectLeft(RunGeluRecognition, {9}, [&](ValueId x) { return Node(OpId::kMul, {x, ErfGate(x)}); });
  ExpectLeft(RunGeluRecognition, {9},
             [&](ValueId x) { return Times(Node(OpId::kMul, {x, ErfGate(x)}), 0.25); });
  // A half that widens the shape; a gate that others read.
  ExpectLeft(RunGeluRecognition, {9}, [&](ValueId x) {
    return Node(OpId::kMul, {Node(OpId::kMul, {x, ErfGate(x)}), Floats({1, 1}, {0.5f})});
  });
  ExpectLeft(RunGeluRecognition, {9}, [&](ValueId x) {
    const ValueId gate = ErfGate(x);
    Output(gate, "gate");
    return Times(Node(OpId::kMul, {x, gate}), 0.5);
  });
}

}  // namespace
}  // namespace mace::passes
