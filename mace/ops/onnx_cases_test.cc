// Every operator against ONNX Runtime's answers (testdata/onnx_cases.txt, written by make_onnx_cases.py).
#include <random>
#include <set>

#include "mace/ops/onnx_case_reader.h"

namespace mace::ops {
namespace {

TEST(OnnxCases, MatchOnnxRuntime) {
  const std::vector<Case> cases = ReadCases();
  ASSERT_GT(cases.size(), 300u);
  std::set<std::string> tested;
  for (const Case& one : cases) {
    SCOPED_TRACE(one.op + ", line " + std::to_string(one.line));
    const OpDefinition* definition = FindOpDefinition(one.op);
    ASSERT_NE(definition, nullptr);
    OpTester tester(IdOf(one.op), static_cast<int>(one.outputs.size()));
    for (const auto& [name, values] : one.attributes) {
      SetAttribute(definition->attributes, tester.storage(), name, values);
    }
    for (const CaseTensor& input : one.inputs) AddInput(tester, input);
    const Status status = tester.Run();
    EXPECT_TRUE(status.ok()) << status.message();
    if (!status.ok()) continue;
    for (size_t i = 0; i < one.outputs.size(); ++i) {
      const CaseTensor& expected = one.outputs[i];
      const TensorView& actual = tester.output(static_cast<int>(i));
      EXPECT_EQ(actual.dtype, expected.dtype);
      EXPECT_TRUE(actual.shape == expected.shape)
          << ShapeText(actual.shape).text << " instead of " << ShapeText(expected.shape).text;
      if (actual.dtype != expected.dtype || !(actual.shape == expected.shape)) continue;
      if (actual.dtype == DType::kF32) {
        // The peer computes in float, with approximations of its own for tanh and erf.
        ExpectNear(tester.Output<float>(i), {expected.numbers.begin(), expected.numbers.end()}, 3e-6);
      } else if (actual.dtype == DType::kI32) {
        EXPECT_EQ(tester.Output<int32_t>(i), As<int32_t>(expected));
      } else if (actual.dtype == DType::kI64) {
        EXPECT_EQ(tester.Output<int64_t>(i), As<int64_t>(expected));
      } else {
        EXPECT_EQ(tester.Output<uint8_t>(i), As<uint8_t>(expected));
      }
    }
    tested.insert(one.op);
  }
  EXPECT_GE(tested.size(), 67u);
}

// A correct case with one or two things wrong: reaches further into shape rules than random operands do.
class Mutation {
 public:
  explicit Mutation(uint32_t seed) : random_(seed) {}

  void Apply(const OpDefinition& definition, Case* one, AttributeStorage* storage) {
    switch (Below(4)) {
      case 0:
        MutateAttribute(definition.attributes, storage);
        break;
      case 1:
        MutateShape(&one->inputs[Below(one->inputs.size())]);
        break;
      case 2:
        MutateIntegers(one);
        break;
      default:
        one->inputs[Below(one->inputs.size())] = one->inputs[Below(one->inputs.size())];
    }
  }

 private:
  size_t Below(size_t count) { return random_() % count; }
  int64_t Number() {
    constexpr int64_t kNumbers[] = {0, 1, 2, 3, -1, -2, 5, 100, INT32_MAX, INT64_MAX, INT64_MIN, INT32_MIN};
    return kNumbers[Below(12)];
  }
  void MutateAttribute(const AttributeInfo& info, AttributeStorage* storage) {
    if (info.field_count == 0) return;
    const FieldInfo& field = info.fields[Below(info.field_count)];
    unsigned char* place = storage->bytes + field.offset;
    if (field.kind == FieldKind::kInt64) {
      *reinterpret_cast<int64_t*>(place) = Number();
    } else if (field.kind == FieldKind::kFloat) {
      *reinterpret_cast<float*>(place) = Below(4) == 0 ? std::nanf("") : static_cast<float>(Number());
    } else if (field.kind == FieldKind::kEnum) {
      *reinterpret_cast<int32_t*>(place) = static_cast<int32_t>(Below(field.enum_count + 1));
    } else if (field.kind == FieldKind::kBool) {
      *place = static_cast<unsigned char>(Below(3));
    } else if (field.kind == FieldKind::kIntList) {
      auto& list = *reinterpret_cast<IntList*>(place);
      if (list.count > 0) list[Below(list.count)] = Number();
      if (Below(8) == 0) list.count = static_cast<int32_t>(Below(11)) - 1;
    }
  }
  void MutateShape(CaseTensor* tensor) {
    if (!tensor->present) return;
    Shape& shape = tensor->shape;
    if (shape.rank > 0 && Below(3) > 0) {
      shape[static_cast<int>(Below(shape.rank))] = static_cast<int64_t>(Below(7));
    } else if (Below(2) == 0 && shape.rank > 0) {
      --shape.rank;
    } else {
      shape.Push(static_cast<int64_t>(Below(3)));
    }
    tensor->numbers.resize(tensor->dtype == DType::kF32 ? shape.ElementCount() : 0, 1.5);
    tensor->integers.resize(tensor->dtype == DType::kF32 ? 0 : shape.ElementCount(), 1);
  }
  void MutateIntegers(Case* one) {
    for (CaseTensor& tensor : one->inputs) {
      if (!tensor.integers.empty()) tensor.integers[Below(tensor.integers.size())] = Number();
    }
  }

  std::mt19937 random_;
};

TEST(OnnxCases, MutatedCasesNeverCrash) {
  const std::vector<Case> cases = ReadCases();
  int accepted = 0, refused = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].op + ", line " + std::to_string(cases[i].line));
    const OpDefinition* definition = FindOpDefinition(cases[i].op);
    Mutation mutation(static_cast<uint32_t>(i));
    for (int round = 0; round < 40; ++round) {
      Case one = cases[i];
      OpTester tester(IdOf(one.op), static_cast<int>(one.outputs.size()));
      for (const auto& [name, values] : one.attributes) {
        SetAttribute(definition->attributes, tester.storage(), name, values);
      }
      mutation.Apply(*definition, &one, &tester.storage());
      if (round % 2 == 0) mutation.Apply(*definition, &one, &tester.storage());
      for (const CaseTensor& input : one.inputs) AddInput(tester, input);
      ++(tester.Run().ok() ? accepted : refused);
    }
  }
  EXPECT_GT(accepted, 1000);
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace mace::ops
