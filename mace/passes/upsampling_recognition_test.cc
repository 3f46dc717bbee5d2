#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class UpsamplingRecognitionTest : public RecognitionTest {
 protected:
  Build Repeated(const IntList& open, const std::vector<int64_t>& expanded, const IntList& shape) {
    return [=, this](ValueId x) {
      return Reshaped(Node(OpId::kExpand, {Reshaped(x, open), Ints(expanded)}), shape);
    };
  }
};

TEST_F(UpsamplingRecognitionTest, PixelsRepeated) {
  for (const int64_t a : {1, 2, 3, 7}) {
    for (const int64_t b : {2, 5}) {
      ExpectRecognised(RunUpsamplingRecognition, {2, 3, 4, 5},
                       Repeated({2, 3, 4, 1, 5, 1}, {2, 3, 4, a, 5, b}, {2, 3, 4 * a, 5 * b}),
                       {OpId::kTranspose, OpId::kResize, OpId::kTranspose}, 0);
      ExpectRecognised(RunUpsamplingRecognition, {2, 4, 5, 3},
                       Repeated({2, 4, 1, 5, 1, 3}, {2, 4, a, 5, b, 3}, {2, 4 * a, 5 * b, 3}),
                       {OpId::kResize}, 0);
    }
  }
}

TEST_F(UpsamplingRecognitionTest, LookalikesAreLeftAlone) {
  const auto left = [&](const Build& build) { ExpectLeft(RunUpsamplingRecognition, {1, 3, 4, 5}, build); };
  left(Repeated({1, 3, 1, 4, 1, 5}, {1, 3, 2, 4, 2, 5}, {1, 3, 8, 10}));  // the whole picture repeated
  left(Repeated({1, 3, 4, 1, 5, 1}, {1, 3, 4, 2, 5, 2}, {1, 3, 10, 8}));
  left(Repeated({1, 4, 3, 1, 5, 1}, {1, 4, 3, 2, 5, 2}, {1, 4, 6, 10}));  // another picture
  left(Repeated({1, 3, 4, 1, 5, 1}, {2, 3, 4, 2, 5, 2}, {2, 3, 8, 10}));  // the batch, too
  left([&](ValueId x) {
    const ValueId expanded = Node(OpId::kExpand, {Reshaped(x, {1, 3, 4, 1, 5, 1}), Ints({1, 3, 4, 2, 5, 2})});
    Output(expanded, "expanded");
    return Reshaped(expanded, {1, 3, 8, 10});
  });
}

}  // namespace
}  // namespace mace::passes
