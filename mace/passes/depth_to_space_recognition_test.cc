#include "mace/passes/recognition_test_graph.h"

namespace mace::passes {
namespace {

class DepthToSpaceRecognitionTest : public RecognitionTest {
 protected:
  Build Moved(const IntList& blocks, const IntList& perm, const IntList& shape) {
    return [=, this](ValueId x) { return Reshaped(Transposed(Reshaped(x, blocks), perm), shape); };
  }
};

TEST_F(DepthToSpaceRecognitionTest, EveryOrder) {
  const auto first = [&](const Shape& x, const Build& build, OpId op) {
    ExpectRecognised(RunDepthToSpaceRecognition, x, build, {OpId::kTranspose, op, OpId::kTranspose}, 0);
  };
  const auto last = [&](const Shape& x, const Build& build, OpId op) {
    ExpectRecognised(RunDepthToSpaceRecognition, x, build, {op}, 0);
  };
  for (const int64_t b : {2, 3}) {
    const Shape deep = {2, 3 * b * b, 2, 4}, deep_last = {2, 2, 4, 3 * b * b};
    const IntList wide = {2, 3, 2 * b, 4 * b}, wide_last = {2, 2 * b, 4 * b, 3};
    first(deep, Moved({2, 3, b, b, 2, 4}, {0, 1, 4, 2, 5, 3}, wide), OpId::kDepthToSpace);
    first(deep, Moved({2, b, b, 3, 2, 4}, {0, 3, 4, 1, 5, 2}, wide), OpId::kDepthToSpace);
    last(deep_last, Moved({2, 2, 4, b, b, 3}, {0, 1, 3, 2, 4, 5}, wide_last), OpId::kDepthToSpace);
    last(deep_last, Moved({2, 2, 4, 3, b, b}, {0, 1, 4, 2, 5, 3}, wide_last), OpId::kDepthToSpace);
    const Shape x = {2, 3, 2 * b, 4 * b}, x_last = {2, 2 * b, 4 * b, 3};
    const IntList y = {2, 3 * b * b, 2, 4}, y_last = {2, 2, 4, 3 * b * b};
    first(x, Moved({2, 3, 2, b, 4, b}, {0, 1, 3, 5, 2, 4}, y), OpId::kSpaceToDepth);
    first(x, Moved({2, 3, 2, b, 4, b}, {0, 3, 5, 1, 2, 4}, y), OpId::kSpaceToDepth);
    last(x_last, Moved({2, 2, b, 4, b, 3}, {0, 1, 3, 2, 4, 5}, y_last), OpId::kSpaceToDepth);
    last(x_last, Moved({2, 2, b, 4, b, 3}, {0, 1, 3, 5, 2, 4}, y_last), OpId::kSpaceToDepth);
  }
}

TEST_F(DepthToSpaceRecognitionTest, LookalikesAreLeftAlone) {
  const auto left = [&](const Shape& x, const Build& build) {
    ExpectLeft(RunDepthToSpaceRecognition, x, build);
  };
  left({1, 12, 2, 4}, Moved({1, 3, 2, 2, 2, 4}, {0, 1, 4, 3, 5, 2}, {1, 3, 4, 8}));   // turned
  left({1, 18, 2, 4}, Moved({1, 3, 2, 3, 2, 4}, {0, 1, 4, 2, 5, 3}, {1, 3, 4, 12}));  // no square
  left({1, 12, 2, 4}, Moved({1, 3, 2, 2, 2, 4}, {0, 1, 4, 2, 5, 3}, {1, 3, 8, 4}));   // another picture
  left({1, 4, 6, 4}, Moved({1, 3, 2, 2, 2, 4}, {0, 1, 4, 2, 5, 3}, {1, 3, 4, 8}));    // of another
  left({1, 12, 2, 4}, [&](ValueId x) {
    const ValueId moved = Transposed(Reshaped(x, {1, 3, 2, 2, 2, 4}), {0, 1, 4, 2, 5, 3});
    Output(moved, "moved");
    return Reshaped(moved, {1, 3, 4, 8});
  });
}

}  // namespace
}  // namespace mace::passes
