// ONNX operators on integers, bare and quantized: whatever scale a neighbour attaches, an operator computes
// with the numbers that the file says. Values by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_test_model.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::importers::onnx {
namespace {

enum : int32_t { kBoolType = 9, kDoubleType = 11, kBFloat16Type = 16 };

template <typename T>
TensorView View(const std::vector<T>& elements, DType dtype, const Shape& shape) {
  return {const_cast<T*>(elements.data()), dtype, shape};
}
template <typename T>
std::string Scalar(const std::string& name, int32_t type, T element) {
  return RawTensor(name, type, {}, std::vector<T>{element});
}
// The value of a Constant or ConstantOfShape.
std::string TensorAttribute(const std::string& name, const std::string& tensor) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_message(5, tensor);
  writer.add_int32(20, 4);
  return bytes;
}

void Import(const std::string& bytes, bool optimise, Graph* graph) {
  ImportReport import_report;
  const Status status = ImportOnnx(AsBytes(bytes), {}, graph, &import_report);
  ASSERT_TRUE(status.ok()) << status.message();
  if (!optimise) return;
  passes::OptimizeReport report;
  const Status optimised = passes::OptimizeGraph(graph, &report);
  ASSERT_TRUE(optimised.ok()) << optimised.message();
}

// The first output, as imported and as optimised.
template <typename T>
void ExpectResult(const std::string& bytes, const std::vector<TensorView>& feeds,
                  const std::vector<T>& wanted) {
  for (const bool optimise : {false, true}) {
    Graph graph;
    ASSERT_NO_FATAL_FAILURE(Import(bytes, optimise, &graph));
    Vector<EvaluatedTensor> fetches;
    const Status status = EvaluateGraph(graph, feeds, {}, &fetches);
    ASSERT_TRUE(status.ok()) << status.message();
    const TensorView& view = fetches[0].view;
    ASSERT_EQ(view.bytes(), static_cast<int64_t>(wanted.size() * sizeof(T)));
    const T* data = view.as<T>();
    EXPECT_EQ(std::vector<T>(data, data + view.elements()), wanted) << "optimised: " << optimise;
  }
}

int Count(const std::string& bytes, OpId op) {
  Graph graph;
  Import(bytes, /*optimise=*/true, &graph);
  return static_cast<int>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [=](const Node& node) { return node.op == op; }));
}

// Scale 0.5, zero point 3.
TestModel Scaled(int32_t type = kUint8Type) {
  TestModel model;
  model.Floats("s", {}, {0.5f}).Floats("s2", {}, {2});
  return std::move(model.Tensor(Scalar<uint8_t>("z", type, 3)));
}

TEST(OnnxIntegersTest, CameraBytesAreMovedAndPooledBeforeTheyGetAScale) {
  const std::vector<uint8_t> x = {3, 5, 4, 203, 7, 6};
  TestModel transposed = Scaled();
  transposed.Input("x", {1, 2, 3}, kUint8Type)
      .Node("Transpose", {"x"}, {"t"}, {IntsAttribute("perm", {0, 2, 1})})
      .Node("DequantizeLinear", {"t", "s", "z"}, {"y"})
      .Output("y");
  ExpectResult<float>(transposed.Build(), {View(x, DType::kU8, {1, 2, 3})}, {0, 100, 1, 2, 0.5f, 1.5f});
  TestModel pooled = Scaled();
  pooled.Input("x", {1, 1, 2, 3}, kUint8Type)
      .Node("MaxPool", {"x"}, {"m"}, {IntsAttribute("kernel_shape", {2, 2})})
      .Node("DequantizeLinear", {"m", "s", "z"}, {"y"})
      .Output("y");
  ExpectResult<float>(pooled.Build(), {View(x, DType::kU8, {1, 1, 2, 3})}, {100, 2});
}

TEST(OnnxIntegersTest, OneValueIsReadWithTwoScalesAndWithNone) {
  const std::vector<uint8_t> x = {3, 13};
  for (const bool cast_first : {false, true}) {
    TestModel model = Scaled();
    model.Input("x", {2}, kUint8Type);
    if (cast_first) model.Node("Cast", {"x"}, {"bare"}, {IntAttribute("to", kFloatType)});
    model.Node("DequantizeLinear", {"x", "s", "z"}, {"a"}).Node("DequantizeLinear", {"x", "s2"}, {"b"});
    if (!cast_first) model.Node("Cast", {"x"}, {"bare"}, {IntAttribute("to", kFloatType)});
    model.Node("Less", {"x", "z2"}, {"less"}).Tensor(Scalar<uint8_t>("z2", kUint8Type, 4));
    model.Node("Sum", {"a", "b", "bare"}, {"sum"}).Node("Where", {"less", "a", "sum"}, {"y"}).Output("y");
    ExpectResult<float>(model.Build(), {View(x, DType::kU8, {2})}, {0, 5 + 26 + 13});
  }
}

TEST(OnnxIntegersTest, AConstantIsReadWithAndWithoutItsScale) {
  TestModel model = Scaled();
  model.Input("x", {2}).Tensor(RawTensor("c", kUint8Type, {2}, std::vector<uint8_t>{3, 13}));
  model.Node("DequantizeLinear", {"c", "s", "z"}, {"a"});
  model.Node("Cast", {"c"}, {"b"}, {IntAttribute("to", kFloatType)});
  model.Node("DequantizeLinear", {"c", "s2", "z"}, {"d"});
  model.Node("Sum", {"x", "a", "b", "d"}, {"y"}).Output("y");
  const std::vector<float> x = {100, 200};
  ExpectResult<float>(model.Build(), {View(x, DType::kF32, {2})}, {103, 200 + 5 + 13 + 20});
}

TEST(OnnxIntegersTest, ReluClampsTheStoredInteger) {
  TestModel model = Scaled(kInt8Type);
  model.Input("x", {4}).Node("QuantizeLinear", {"x", "s", "z"}, {"q"}).Node("Relu", {"q"}, {"r"});
  model.Node("DequantizeLinear", {"r", "s", "z"}, {"y"}).Output("y");
  const std::vector<float> x = {-5, -1, 0, 2};  // stored: -7, 1, 3, 7
  ExpectResult<float>(model.Build(14), {View(x, DType::kF32, {4})}, {-1.5f, -1, 0, 2});
}

TEST(OnnxIntegersTest, ClipBoundsAreStoredIntegers) {
  TestModel model = Scaled();
  model.Input("x", {3}).Node("QuantizeLinear", {"x", "s", "z"}, {"q"});
  model.Tensor(Scalar<uint8_t>("low", kUint8Type, 2)).Tensor(Scalar<uint8_t>("high", kUint8Type, 5));
  model.Node("Clip", {"q", "low", "high"}, {"r"})
      .Node("DequantizeLinear", {"r", "s", "z"}, {"y"})
      .Output("y");
  const std::vector<float> x = {-1.5f, 0.5f, 7};  // stored: 0, 4, 17
  ExpectResult<float>(model.Build(), {View(x, DType::kF32, {3})}, {-0.5f, 0.5f, 1});
}

TEST(OnnxIntegersTest, ConcatOfTwoScalesJoinsTheBytes) {
  TestModel model = Scaled();
  model.Input("x", {1}).Node("QuantizeLinear", {"x", "s", "z"}, {"a"});
  model.Node("QuantizeLinear", {"x", "s2"}, {"b"});
  model.Node("Concat", {"a", "b"}, {"c"}, {IntAttribute("axis", 0)});
  model.Node("DequantizeLinear", {"c", "s", "z"}, {"y"}).Output("y");
  const std::vector<float> x = {6};  // stored: 15, 3
  ExpectResult<float>(model.Build(), {View(x, DType::kF32, {1})}, {6, 0});
}

TEST(OnnxIntegersTest, ScalesPassMovingOperatorsWithoutCopies) {
  TestModel model = Scaled();
  model.Input("x", {1, 1, 2, 4}).Node("QuantizeLinear", {"x", "s", "z"}, {"q"});
  model.Ints("pads", {0, 0, 0, 0, 0, 0, 0, 1})
      .Ints("zero", {0, 0})
      .Ints("end", {2, 3})
      .Ints("axes", {2, 3})
      .Ints("index", {1, 0});
  model.Node("Concat", {"q", "q"}, {"c"}, {IntAttribute("axis", 1)})
      .Node("Pad", {"c", "pads"}, {"p"})
      .Node("Slice", {"p", "zero", "end", "axes"}, {"l"})
      .Node("Gather", {"l", "index"}, {"g"}, {IntAttribute("axis", 2)})
      .Node("Split", {"g"}, {"h", "h2"}, {IntAttribute("axis", 1)})
      .Node("Flatten", {"h"}, {"f"})
      .Node("DequantizeLinear", {"f", "s", "z"}, {"y"})
      .Output("y");
  const std::vector<float> x = {0, 1, 2, 3, 4, 5, 6, 7};
  ExpectResult<float>(model.Build(), {View(x, DType::kF32, {1, 1, 2, 4})}, {4, 5, 6, 0, 1, 2});
  EXPECT_EQ(Count(model.Build(), OpId::kIdentity), 0);
}

TEST(OnnxIntegersTest, ScalesPerChannelDoNotPassOperatorsThatMoveTheirAxis) {
  TestModel model;
  model.Input("x", {2, 2})
      .Floats("s", {2}, {0.5f, 2})
      .Tensor(RawTensor("z", kUint8Type, {2}, std::vector<uint8_t>{0, 0}));
  model.Node("QuantizeLinear", {"x", "s", "z"}, {"q"}, {IntAttribute("axis", 0)})
      .Node("Transpose", {"q"}, {"t"})
      .Node("DequantizeLinear", {"t", "s", "z"}, {"y"}, {IntAttribute("axis", 1)})
      .Output("y");
  const std::vector<float> x = {1, 2, 4, 8};
  ExpectResult<float>(model.Build(), {View(x, DType::kF32, {2, 2})}, {1, 4, 2, 8});
}

TEST(OnnxIntegersTest, PowersOfIntegersByFloatsAreExact) {
  TestModel root;
  root.Input("x", {4}, kInt32Type).Floats("e", {}, {0.5f}).Node("Pow", {"x", "e"}, {"y"}).Output("y");
  const std::vector<int32_t> squares = {4, 9, 16, 25};
  ExpectResult<int32_t>(root.Build(), {View(squares, DType::kI32, {4})}, {2, 3, 4, 5});
  // float32 would hold neither 3^20 nor 2^31 - 1.
  TestModel power;
  power.Input("x", {5}, kInt64Type)
      .Tensor(RawTensor("e", kDoubleType, {5}, std::vector<double>{20, 1, 64, 0.5, -1}))
      .Node("Pow", {"x", "e"}, {"y"})
      .Output("y");
  const std::vector<int64_t> bases = {3, 2147483647, 2, -1, 2};
  ExpectResult<int64_t>(power.Build(), {View(bases, DType::kI64, {5})},
                        {3486784401, 2147483647, std::numeric_limits<int64_t>::max(), 0, 0});
}

TEST(OnnxIntegersTest, PowersOfIntegersByIntegersOfAnotherTypeKeepTheExponent) {
  TestModel model;  // an exponent that int32 does not hold
  model.Input("x", {3}, kInt32Type).Ints("e", {int64_t{1} << 32, 3, 31}).Node("Pow", {"x", "e"}, {"y"});
  const std::vector<int32_t> x = {2, -3, 3};
  ExpectResult<int32_t>(model.Output("y").Build(), {View(x, DType::kI32, {3})},
                        {0, -27, static_cast<int32_t>(617673396283947 & 0xFFFFFFFF)});
}

template <typename T>
void ExpectRepeated(int32_t type, T element) {
  TestModel model;
  model.Ints("shape", {2});
  model.Node("ConstantOfShape", {"shape"}, {"y"},
             {TensorAttribute("value", RawTensor("v", type, {1}, std::vector<T>{element}))});
  ExpectResult<T>(model.Output("y").Build(), {}, {element, element});
}

TEST(OnnxIntegersTest, ConstantOfShapeRepeatsAnElementOfEveryType) {
  ExpectRepeated<double>(kDoubleType, 0.1);
  ExpectRepeated<float>(kFloatType, 0.1f);
  ExpectRepeated<uint16_t>(kFloat16Type, 0x3555);
  ExpectRepeated<uint16_t>(kBFloat16Type, 0x3EAB);
  ExpectRepeated<uint8_t>(kUint8Type, 200);
  ExpectRepeated<int8_t>(kInt8Type, -100);
  ExpectRepeated<uint16_t>(4, 65535);
  ExpectRepeated<int16_t>(5, -32768);
  ExpectRepeated<int32_t>(kInt32Type, -2147483647);
  ExpectRepeated<uint32_t>(12, 4294967295);
  ExpectRepeated<int64_t>(kInt64Type, -9007199254740993);
  ExpectRepeated<uint64_t>(13, 18446744073709551615u);
  ExpectRepeated<uint8_t>(kBoolType, 1);
}

TEST(OnnxIntegersTest, ComparisonsWithNanAreFalse) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {nan, 1, 2, 3}, b = {2, nan, 2, 2};
  const auto compare = [](const char* op) {
    TestModel model;
    model.Input("x", {4}).Input("b", {4}).Node(op, {"x", "b"}, {"y"});
    return model.Output("y").Build(16);
  };
  const std::vector<TensorView> feeds = {View(x, DType::kF32, {4}), View(b, DType::kF32, {4})};
  ExpectResult<uint8_t>(compare("GreaterOrEqual"), feeds, {0, 0, 1, 1});
  ExpectResult<uint8_t>(compare("LessOrEqual"), feeds, {0, 0, 1, 0});
}

TEST(OnnxIntegersTest, MasksAreCombined) {
  const std::vector<uint8_t> a = {0, 1}, b = {0, 1};
  const auto combine = [](const char* op) {
    TestModel model;
    model.Input("a", {2, 1}, kBoolType).Input("b", {2}, kBoolType).Node(op, {"a", "b"}, {"y"});
    return model.Output("y").Build(7);
  };
  const std::vector<TensorView> feeds = {View(a, DType::kBool, {2, 1}), View(b, DType::kBool, {2})};
  ExpectResult<uint8_t>(combine("And"), feeds, {0, 0, 0, 1});
  ExpectResult<uint8_t>(combine("Or"), feeds, {0, 1, 1, 1});
  ExpectResult<uint8_t>(combine("Xor"), feeds, {0, 1, 1, 0});
}

}  // namespace
}  // namespace mace::importers::onnx
