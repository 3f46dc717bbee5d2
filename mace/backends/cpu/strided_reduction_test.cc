// Reductions and pools of the whole map whose input or output is a strided part of a concatenation.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/pooling/max_pool2d.h"
#include "mace/ops/reduce/reduce.h"

namespace mace::cpu {
namespace {

ValueId Joined(TestGraph* test, ValueId a, ValueId b) {
  const ValueId joined = test->Node(OpId::kConcat, {a, b});
  test->Attributes<ops::ConcatAttributes>().axis = 3;
  return joined;
}

ValueId GlobalMaximum(TestGraph* test, ValueId x, IntList kernel) {
  const ValueId y = test->Node(OpId::kMaxPool2d, {x});
  test->Attributes<ops::MaxPool2dAttributes>().kernel = kernel;
  return y;
}

// A map of few channels or pixels is a part of a concatenation, and reduced too.
TEST(StridedReduction, OfAPartOfAConcatenation) {
  const Shape shapes[] = {{1, 4, 5, 1}, {2, 4, 5, 1}, {2, 1, 1, 3}, {2, 4, 5, 3}};
  for (const Shape& shape : shapes) {
    for (const bool is_pool : {false, true}) {
      SCOPED_TRACE(testing::Message() << shape[0] << 'x' << shape[1] << 'x' << shape[3] << ' ' << is_pool);
      TestGraph test;
      const ValueId x = test.Node(OpId::kSigmoid, {test.Input(shape)});
      const ValueId other = test.Node(OpId::kTanh, {test.Input({shape[0], shape[1], shape[2], 2})});
      test.Output(Joined(&test, x, other));
      if (is_pool) {
        test.Output(GlobalMaximum(&test, x, {shape[1], shape[2]}));
      } else {
        const ValueId mean = test.Node(OpId::kReduce, {x});
        test.Attributes<ops::ReduceAttributes>() = {ops::ReduceKind::kMean, {1, 2}, true};
        test.Output(mean);
      }
      ExpectMatchesReference(&test);
    }
  }
}

// Pools of two images, whose single pixels are parts of a concatenation.
TEST(StridedReduction, IntoAConcatenation) {
  TestGraph test;
  const ValueId x = test.Input({2, 4, 5, 3});
  const ValueId y = test.Input({2, 4, 5, 6});
  test.Output(Joined(&test, GlobalMaximum(&test, x, {4, 5}), GlobalMaximum(&test, y, {4, 5})));
  ExpectMatchesReference(&test);
}

}  // namespace
}  // namespace mace::cpu
