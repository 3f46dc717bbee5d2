#include <cmath>

#include "mace/ops/unary/unary.h"
#include "mace/passes/pass_test_graph.h"

namespace mace::passes {
namespace {

class ActivationFusionTest : public PassTest {
 protected:
  ValueId Clip06(ValueId x) {
    ops::ClipAttributes clip;
    clip.min = 0;
    clip.max = 6;
    return Node(OpId::kClip, {x}, clip);
  }
};

TEST_F(ActivationFusionTest, BeforeAndAfter) {
  const ValueId x = Input("x", {2, 9});
  const ValueId gate = Clip06(Node(OpId::kAdd, {x, Scalar(3)}));
  Output(Node(OpId::kDiv, {Node(OpId::kMul, {x, gate}), Scalar(6)}), "y");
  ExpectRewrite(RunActivationFusion, "Add Clip Mul Div", "HardSwish");
}

TEST_F(ActivationFusionTest, SiluHardSwishAndGelu) {
  const ValueId x = Input("x", {2, 9});
  Output(Node(OpId::kMul, {Node(OpId::kSigmoid, {x}), x}), "silu");
  const ValueId gate = Clip06(Node(OpId::kAdd, {x, Scalar(3)}));
  Output(Node(OpId::kDiv, {Node(OpId::kMul, {x, gate}), Scalar(6)}), "hard_swish");
  const ValueId gate2 = Clip06(Node(OpId::kAdd, {Scalar(3), x}));
  Output(Node(OpId::kMul, {Node(OpId::kMul, {gate2, Scalar(1.0f / 6)}), x}), "hard_swish2");
  const ValueId erf = Node(OpId::kErf, {Node(OpId::kDiv, {x, Scalar(std::sqrt(2.0f))})});
  Output(Node(OpId::kMul, {Node(OpId::kMul, {x, Node(OpId::kAdd, {erf, Scalar(1)})}), Scalar(0.5f)}), "gelu");
  const ValueId erf2 = Node(OpId::kErf, {Node(OpId::kMul, {Scalar(std::sqrt(0.5f)), x})});
  Output(Node(OpId::kMul, {Node(OpId::kMul, {Scalar(0.5f), x}), Node(OpId::kAdd, {Scalar(1), erf2})}),
         "gelu2");
  RunAndCompare(RunActivationFusion);
  EXPECT_EQ(graph_.nodes.size(), 5u);
  EXPECT_EQ(Count(OpId::kSilu), 1);
  EXPECT_EQ(Count(OpId::kHardSwish), 2);
  EXPECT_EQ(Count(OpId::kGelu), 2);
}

TEST_F(ActivationFusionTest, LookalikesAreLeftAlone) {
  const ValueId x = Input("x", {2, 9});
  const ValueId z = Input("z", {2, 9});
  Output(Node(OpId::kMul, {Node(OpId::kSigmoid, {x}), z}), "a");
  Output(Node(OpId::kDiv, {Node(OpId::kMul, {z, Clip06(Node(OpId::kAdd, {x, Scalar(3)}))}), Scalar(6)}), "b");
  Output(Node(OpId::kDiv, {Node(OpId::kMul, {x, Clip06(Node(OpId::kAdd, {x, Scalar(2)}))}), Scalar(6)}), "c");
  const ValueId erf = Node(OpId::kErf, {Node(OpId::kDiv, {x, Scalar(1.5f)})});
  Output(Node(OpId::kMul, {Node(OpId::kMul, {x, Node(OpId::kAdd, {erf, Scalar(1)})}), Scalar(0.5f)}), "d");
  const size_t nodes = graph_.nodes.size();
  RunAndCompare(RunActivationFusion);
  EXPECT_EQ(graph_.nodes.size(), nodes);
}

}  // namespace
}  // namespace mace::passes
