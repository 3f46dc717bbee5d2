#include "mace/ops/matmul/fully_connected.h"
#include "mace/ops/recurrent/recurrent.h"
#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

struct Unrolled {
  int64_t steps = 3, batch = 1, width = 5, hidden = 4;
  bool backwards = false;
  bool reads_every_step = true;
  int candidate = 2;  // which of the four parts
  bool new_weights = false, new_bias = false, reads_a_gate = false, other_state = false;
};

class LstmRecognitionTest : public RecognitionTest {
 protected:
  std::vector<ValueId> Parts(ValueId x, int64_t axis, int count) {
    return NodeMany(OpId::kSplit, {x}, ops::SplitAttributes{.axis = axis}, count);
  }
  ValueId Layer(ValueId x, ValueId weights) {
    return Node(OpId::kFullyConnected, {x, weights}, ops::FullyConnectedAttributes{});
  }
  // The h of each step, in the order of computation.
  std::vector<ValueId> Unroll(const std::vector<ValueId>& steps, const Unrolled& form) {
    const int64_t width = editor_shape(steps[0])[1], rows = 4 * form.hidden;
    ValueId weights = Floats({rows, width});
    const ValueId recurrent = Floats({rows, form.hidden});
    ValueId bias = Floats({rows});
    std::vector<ValueId> results;
    ValueId h = kNone, c = kNone;
    for (size_t t = 0; t < steps.size(); ++t) {
      if (t == 2 && form.new_weights) weights = Floats({rows, width});
      if (t == 2 && form.new_bias) bias = Floats({rows});
      ValueId sum = Layer(steps[t], weights);
      if (h != kNone) sum = Node(OpId::kAdd, {sum, Layer(h, recurrent)});
      const std::vector<ValueId> parts = Parts(Node(OpId::kAdd, {sum, bias}), -1, 4);
      const ValueId candidate = Node(OpId::kTanh, {parts[form.candidate]});
      int sigmoid = 0;
      const auto gate = [&] {
        if (sigmoid == form.candidate) ++sigmoid;
        return parts[sigmoid++];
      };
      const auto squashed = [&](ValueId part) { return Node(OpId::kSigmoid, {part}); };
      ValueId next = Node(OpId::kMul, {squashed(gate()), candidate});
      const ValueId forget = gate();
      if (c != kNone) {
        const ValueId kept = Node(OpId::kMul, {form.other_state ? h : c, squashed(forget)});
        next = Node(OpId::kAdd, {kept, next});
      }
      c = next;
      const ValueId out = squashed(gate());
      if (t == 1 && form.reads_a_gate) Output(out, "gate");
      h = Node(OpId::kMul, {out, Node(OpId::kTanh, {c})});
      results.push_back(h);
    }
    return results;
  }
  void Build(const Unrolled& form, int layers = 1) {
    graph_ = Graph();
    const ValueId x = Input("x", {form.steps, form.batch, form.width});
    std::vector<ValueId> steps;
    for (ValueId part : Parts(x, 0, static_cast<int>(form.steps))) {
      steps.push_back(Reshaped(part, {form.batch, form.width}));
    }
    if (form.backwards) std::reverse(steps.begin(), steps.end());
    for (int layer = 0; layer < layers; ++layer) steps = Unroll(steps, form);
    for (size_t t = form.reads_every_step ? 0 : steps.size() - 1; t < steps.size(); ++t) {
      Output(Node(OpId::kNeg, {steps[t]}), ("h" + std::to_string(t)).c_str());
    }
  }
  const Shape& editor_shape(ValueId value) const { return graph_.values[value].type.shape; }
};

TEST_F(LstmRecognitionTest, ForwardsAndBackwards) {
  for (const int64_t batch : {1, 3}) {
    for (const int64_t steps : {2, 3, 7}) {
      for (const bool backwards : {false, true}) {
        for (const bool every : {false, true}) {
          for (const int candidate : {2, 3, 0}) {
            Build({.steps = steps,
                   .batch = batch,
                   .backwards = backwards,
                   .reads_every_step = every,
                   .candidate = candidate});
            RunAndCompare(RunLstmRecognition);
            EXPECT_EQ(Count(OpId::kLstm), 1);
            EXPECT_EQ(Count(OpId::kSigmoid) + Count(OpId::kFullyConnected) + Count(OpId::kConcat), 0);
          }
        }
      }
    }
  }
}

TEST_F(LstmRecognitionTest, LayersOnLayers) {
  for (const bool every : {false, true}) {
    Build({.steps = 4, .batch = 2, .width = 4, .reads_every_step = every}, 3);
    RunAndCompare(RunLstmRecognition);
    EXPECT_EQ(Count(OpId::kLstm), 3);
    EXPECT_EQ(Count(OpId::kSigmoid), 0);
  }
}

TEST_F(LstmRecognitionTest, LookalikesAreLeftAlone) {
  for (const Unrolled& form : {Unrolled{.steps = 3, .reads_a_gate = true},
                               Unrolled{.steps = 3, .other_state = true}, Unrolled{.steps = 1}}) {
    Build(form);
    const size_t nodes = graph_.nodes.size();
    RunAndCompare(RunLstmRecognition);
    EXPECT_EQ(graph_.nodes.size(), nodes);
    EXPECT_EQ(Count(OpId::kLstm), 0);
  }
  // Steps of other weights, or of another bias, are no part of the layer.
  for (const bool bias : {false, true}) {
    Build({.steps = 4, .new_weights = !bias, .new_bias = bias});
    RunAndCompare(RunLstmRecognition);
    EXPECT_EQ(Count(OpId::kLstm), 1);
    EXPECT_EQ(Count(OpId::kTanh), 4);
  }
}

}  // namespace
}  // namespace mace::passes
