// Results of ONNX's operators: ONNX's own suite. Here: every combination against sums written out, types,
// special values, refusals.
#include "mace/ops/reduce/cumulate.h"

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

template <typename T>
std::vector<T> Cumulate(const CumulateAttributes& attributes, const Shape& shape, const std::vector<T>& x,
                        int64_t axis) {
  OpTester tester(OpId::kCumulate);
  tester.attributes<CumulateAttributes>() = attributes;
  EXPECT_OK(tester.Input(shape, x).template Input<int64_t>({}, {axis}).Run());
  return tester.Output<T>();
}

TEST(Cumulate, DirectionsAndAxes) {
  const std::vector<int32_t> x = {1, 2, 3, 4, 5, 6};
  EXPECT_EQ(Cumulate({}, {2, 3}, x, 1), (std::vector<int32_t>{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(Cumulate({}, {2, 3}, x, -2), (std::vector<int32_t>{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(Cumulate({.exclusive = true}, {2, 3}, x, 1), (std::vector<int32_t>{0, 1, 3, 0, 4, 9}));
  EXPECT_EQ(Cumulate({.reverse = true}, {2, 3}, x, 1), (std::vector<int32_t>{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(Cumulate({.exclusive = true, .reverse = true}, {2, 3}, x, 1),
            (std::vector<int32_t>{5, 3, 0, 11, 6, 0}));
  EXPECT_EQ(Cumulate({.kind = CumulateKind::kProd}, {6}, x, 0),
            (std::vector<int32_t>{1, 2, 6, 24, 120, 720}));
  EXPECT_EQ(Cumulate({.kind = CumulateKind::kProd, .exclusive = true}, {3, 2}, x, 0),
            (std::vector<int32_t>{1, 1, 1, 2, 3, 8}));
}

TEST(Cumulate, TypesAndSpecialValues) {
  EXPECT_EQ(Cumulate<uint8_t>({}, {2}, {200, 100}, 0), (std::vector<uint8_t>{200, 44}));
  EXPECT_EQ(Cumulate<double>({}, {2}, {1, 1e-12}, 0), (std::vector<double>{1, 1 + 1e-12}));
  ExpectNear(Cumulate<float>({}, {3}, {1, std::nanf(""), 2}, 0), {1, std::nanf(""), std::nanf("")});
  EXPECT_TRUE(Cumulate<float>({}, {0, 3}, {}, 0).empty());
  EXPECT_TRUE(Cumulate<float>({}, {0, 3}, {}, 1).empty());
}

TEST(Cumulate, Refusals) {
  OpTester axis(OpId::kCumulate), scalar(OpId::kCumulate), two(OpId::kCumulate), type(OpId::kCumulate);
  EXPECT_ERROR(axis.Input<float>({2}, {1, 2}).Input<int64_t>({}, {1}).Run(), kInvalidArgument);
  EXPECT_ERROR(scalar.Input<float>({}, {1}).Input<int64_t>({}, {0}).Run(), kInvalidArgument);
  EXPECT_ERROR(two.Input<float>({2}, {1, 2}).Input<int64_t>({2}, {0, 0}).Run(), kInvalidArgument);
  EXPECT_ERROR(type.BoolInput({2}, {1, 0}).Input<int64_t>({}, {0}).Run(), kUnsupported);
}

}  // namespace
}  // namespace mace::ops
