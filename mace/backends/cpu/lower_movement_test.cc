// The fast kernels of operators that move elements, and what is left to reference kernels.
#include "mace/backends/cpu/backend_testing.h"
#include "mace/ops/movement/rearrange.h"

namespace mace::cpu {
namespace {

TEST(LowerMovement, TilesAndBlocksOfEveryWidth) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kF16, DType::kI8}) {
    TestGraph test;
    const ValueId x = test.Input({2, 4, 6, 3}, dtype);
    test.Output(test.Node(OpId::kTile, {x, test.List<int64_t>({1, 2, 1, 3})}));
    test.Output(test.Node(OpId::kTile, {x, test.List<int64_t>({2, 2, 2, 2})}));
    test.Output(test.Node(OpId::kTile, {x, test.List<int64_t>({1, 1, 1, 1})}));
    test.Output(test.Node(OpId::kTile, {x, test.List<int64_t>({1, 0, 1, 2})}));
    for (const auto mode : {ops::DepthToSpaceMode::kDepthColumnRow, ops::DepthToSpaceMode::kColumnRowDepth}) {
      test.Output(test.Node(OpId::kSpaceToDepth, {x}));
      test.Attributes<ops::DepthToSpaceAttributes>() = {.block_size = 2, .mode = mode};
    }
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels.find("reference"), std::string::npos) << kernels;
  }
}

TEST(LowerMovement, PadsByMode) {
  const struct {
    ops::PadMode mode;
    std::vector<int64_t> pads;
    bool is_fast;
  } cases[] = {
      {ops::PadMode::kConstant, {1, -1, 0, 2}, true}, {ops::PadMode::kEdge, {1, 0, 5, 2}, true},
      {ops::PadMode::kReflect, {2, 0, 1, 3}, true},   {ops::PadMode::kReflect, {3, 0, 0, 0}, false},
      {ops::PadMode::kSymmetric, {3, 0, 0, 4}, true}, {ops::PadMode::kSymmetric, {4, 0, 0, 0}, false},
      {ops::PadMode::kReflect, {-1, 0, 1, 0}, false}, {ops::PadMode::kWrap, {1, 1, 7, 0}, false},
  };
  for (const auto& one : cases) {
    TestGraph test;
    test.Output(test.Node(OpId::kPad, {test.Input({3, 4}), test.List<int64_t>(one.pads)}));
    test.Attributes<ops::PadAttributes>().mode = one.mode;
    std::string kernels;
    ExpectMatchesReference(&test, &kernels);
    EXPECT_EQ(kernels.find("reference") == std::string::npos, one.is_fast) << kernels;
  }
  TestGraph test;  // of listed axes
  const ValueId pads = test.List<int64_t>({1, 2}), axes = test.List<int64_t>({-1});
  test.Output(test.Node(OpId::kPad, {test.Input({3, 4}), pads, kNone, axes}));
  std::string kernels;
  ExpectMatchesReference(&test, &kernels);
  EXPECT_EQ(kernels, "pad");
}

}  // namespace
}  // namespace mace::cpu
