// Nodes that lowering puts off until somebody needs their output, and the views of what they make.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/movement/movement.h"

namespace mace::cpu {
namespace {

ValueId Transposed(TestGraph* test, ValueId x, IntList perm) {
  const ValueId y = test->Node(OpId::kTranspose, {x});
  test->Attributes<ops::TransposeAttributes>().perm = perm;
  return y;
}

// The view makes the transposition's output an output of the graph, which nobody asks for.
TEST(PutOff, ViewOfATranspositionIsAnOutput) {
  TestGraph test;
  const ValueId y = Transposed(&test, test.Input({2, 5, 7}), {0, 2, 1});
  test.Output(test.Node(OpId::kReshape, {y, test.List<int64_t>({14, 5})}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "transpose");
}

// Two views and a reader between them: made once.
TEST(PutOff, ViewsOfATranspositionThatIsReadToo) {
  TestGraph test;
  const ValueId y = Transposed(&test, test.Input({1, 3, 4, 5}), {0, 2, 3, 1});
  const ValueId flat = test.Node(OpId::kReshape, {y, test.List<int64_t>({20, 3})});
  test.Output(test.Node(OpId::kSigmoid, {y}));
  test.Output(test.Node(OpId::kReshape, {flat, test.List<int64_t>({60})}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "transpose unary_f32");
}

// Contiguous parts of a concatenation that are transpositions, which the concatenation has to ask for.
TEST(PutOff, ConcatenationOfTranspositions) {
  TestGraph test;
  const ValueId a = Transposed(&test, test.Input({1, 4, 5, 3}), {0, 3, 1, 2});
  const ValueId b = Transposed(&test, test.Input({1, 4, 5, 2}), {0, 3, 1, 2});
  const ValueId joined = test.Node(OpId::kConcat, {a, b});
  test.Attributes<ops::ConcatAttributes>().axis = 1;
  test.Output(test.Node(OpId::kMul, {joined, test.Constant({1, 5, 1, 1})}));
  ExpectMatchesReference(&test);
}

}  // namespace
}  // namespace mace::cpu
