// Operators that move, index and select elements, as older files and com.microsoft write them. What the
// newest operator sets say of them is in ONNX's own suite (tests/onnx).
#include <gtest/gtest.h>

#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/ops/evaluate.h"

namespace mace::importers::onnx {
namespace {

// The only output of a model with one float32 input.
template <typename T>
std::vector<T> Evaluate(const std::string& model, const Shape& shape, const std::vector<float>& x,
                        Shape* result = nullptr) {
  Graph graph;
  ImportReport report;
  Status status = ImportOnnx(AsBytes(model), {}, &graph, &report);
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  const TensorView feed = {const_cast<float*>(x.data()), DType::kF32, shape};
  Vector<EvaluatedTensor> fetches;
  status = EvaluateGraph(graph, {&feed, 1}, {}, &fetches);
  EXPECT_TRUE(status.ok()) << status.message();
  if (!status.ok()) return {};
  const TensorView& view = fetches[0].view;
  EXPECT_EQ(view.dtype, DTypeOf<T>());
  if (result != nullptr) *result = view.shape;
  return std::vector<T>(view.as<T>(), view.as<T>() + view.elements());
}

std::vector<float> CountTo(int64_t count) {
  std::vector<float> values;
  for (int64_t i = 1; i <= count; ++i) values.push_back(static_cast<float>(i));
  return values;
}

TEST(RearrangeTest, ListsOfMoreThanEightAreAttributesInOldFiles) {
  TestModel split;
  split.Input("x", {10}).Node("Split", {"x"}, {"a", "b", "c", "d", "e", "f", "g", "h", "i"},
                              {IntsAttribute("split", {1, 1, 1, 1, 1, 1, 1, 1, 2})});
  split.Output("i");
  EXPECT_EQ(Evaluate<float>(split.Build(11), {10}, CountTo(10)), (std::vector<float>{9, 10}));
  TestModel pad;
  pad.Input("x", {1, 1, 1, 1, 2});
  pad.Node("Pad", {"x"}, {"y"},
           {IntsAttribute("pads", {0, 0, 0, 0, 1, 0, 0, 0, 0, 1}), FloatAttribute("value", 7)});
  pad.Output("y");
  EXPECT_EQ(Evaluate<float>(pad.Build(10), {1, 1, 1, 1, 2}, {1, 2}), (std::vector<float>{7, 1, 2, 7}));
}

TEST(RearrangeTest, AttributesOfOldOperatorSets) {
  TestModel slice;
  slice.Input("x", {2, 3})
      .Node("Slice", {"x"}, {"y"},
            {IntsAttribute("starts", {-2}), IntsAttribute("ends", {9}), IntsAttribute("axes", {1})});
  slice.Output("y");
  EXPECT_EQ(Evaluate<float>(slice.Build(9), {2, 3}, CountTo(6)), (std::vector<float>{2, 3, 5, 6}));
  TestModel top;
  top.Input("x", {3}).Node("TopK", {"x"}, {"values", "places"}, {IntAttribute("k", 2)}).Output("places");
  EXPECT_EQ(Evaluate<int64_t>(top.Build(9), {3}, {5, 9, 7}), (std::vector<int64_t>{1, 2}));
  TestModel squeeze;
  squeeze.Input("x", {1, 2, 1}).Node("Squeeze", {"x"}, {"y"}, {IntsAttribute("axes", {-1})}).Output("y");
  Shape shape;
  Evaluate<float>(squeeze.Build(11), {1, 2, 1}, {1, 2}, &shape);
  EXPECT_TRUE(shape == (Shape{1, 2}));
  TestModel scatter;
  scatter.Input("x", {3})
      .Ints("i", {-1})
      .Floats("u", {1}, {9})
      .Node("Scatter", {"x", "i", "u"}, {"y"})
      .Output("y");
  EXPECT_EQ(Evaluate<float>(scatter.Build(9), {3}, CountTo(3)), (std::vector<float>{1, 2, 9}));
}

// A dimension that is open in the file: which ones are 1, and how many remain, is known when it runs.
TEST(RearrangeTest, SqueezeOfOpenDimensions) {
  TestModel model;
  model.Input("x", {-1, 1, 2}).Node("Squeeze", {"x"}, {"y"}).Output("y");
  Shape shape;
  Evaluate<float>(model.Build(13), {1, 1, 2}, CountTo(2), &shape);
  EXPECT_TRUE(shape == Shape{2});
  Evaluate<float>(model.Build(13), {3, 1, 2}, CountTo(6), &shape);
  EXPECT_TRUE(shape == (Shape{3, 2}));
}

TEST(RearrangeTest, CompressAndCenterCropPadAreMadeOfOthers) {
  TestModel compress;
  const std::vector<uint8_t> condition = {0, 1, 1};
  compress.Input("x", {2, 4}).Tensor(RawTensor("c", 9, {3}, condition));
  compress.Node("Compress", {"x", "c"}, {"y"}, {IntAttribute("axis", -1)}).Output("y");
  EXPECT_EQ(Evaluate<float>(compress.Build(11), {2, 4}, CountTo(8)), (std::vector<float>{2, 3, 6, 7}));
  TestModel center;
  center.Input("x", {-1, 3}).Ints("s", {2, 4}).Node("CenterCropPad", {"x", "s"}, {"y"}).Output("y");
  EXPECT_EQ(Evaluate<float>(center.Build(18), {5, 3}, CountTo(15)),
            (std::vector<float>{4, 5, 6, 0, 7, 8, 9, 0}));
}

TEST(RearrangeTest, OperatorsOfMicrosoft) {
  TestModel range;
  range.Input("x", {1}).Floats("limit", {}, {3});
  range.Node("Squeeze", {"x"}, {"start"}).Node("Range", {"start", "limit"}, {"y"}, {}, "com.microsoft");
  range.Output("y");
  const auto with_domain = [](const TestModel& model) {
    std::string bytes = model.Build();
    protozero::pbf_writer writer(bytes);
    protozero::pbf_writer import(writer, 8);
    import.add_string(1, "com.microsoft");
    import.add_int64(2, 1);
    return bytes;
  };
  EXPECT_EQ(Evaluate<float>(with_domain(range), {1}, {0.5f}), (std::vector<float>{0.5f, 1.5f, 2.5f}));
  TestModel unique;
  unique.Input("x", {4})
      .Node("Unique", {"x"}, {"y", "places", "counts"}, {}, "com.microsoft")
      .Output("places");
  EXPECT_EQ(Evaluate<int64_t>(with_domain(unique), {4}, {3, 1, 3, 2}), (std::vector<int64_t>{0, 1, 0, 2}));
  TestModel pad;
  pad.Input("x", {2}).Tensor(RawTensor<int64_t>("pads", kInt64Type, {1, 2}, {1, 0}));
  pad.Node("Pad", {"x", "pads"}, {"y"}, {StringAttribute("mode", "edge")}, "com.microsoft").Output("y");
  EXPECT_EQ(Evaluate<float>(with_domain(pad), {2}, {1, 2}), (std::vector<float>{1, 1, 2}));
}

}  // namespace
}  // namespace mace::importers::onnx
