// Every operator with random, mostly wrong operands and attributes: each must give a type or a Status, and,
// where the tensors are small, a result or a Status. Run under the sanitizers this shows that no shape rule
// overflows and no reference reads outside its operands.
#include <random>

#include "mace/ops/op_tester.h"

namespace mace::ops {
namespace {

constexpr int64_t kMaxTestBytes = 1 << 14;

class HostileCase {
 public:
  explicit HostileCase(uint32_t seed) : random_(seed) {}

  // Returns whether the shape rule accepted the case.
  bool Run(OpId op, const OpDefinition& definition) {
    const int extra_inputs = definition.max_inputs < 0 ? 4 : definition.max_inputs;
    const int extra_outputs = definition.max_outputs < 0 ? 4 : definition.max_outputs;
    const int inputs = Between(definition.min_inputs, extra_inputs);
    const int outputs = Between(definition.min_outputs, extra_outputs);
    // Half of the cases have one dtype and one shape as a base, since wholly random ones are refused early.
    base_dtype_ = PickDType();
    base_shape_ = PickShape();
    Graph graph;
    std::vector<ValueId> ins, outs;
    std::vector<TensorView> views(inputs);
    std::vector<TensorType> types(inputs);
    std::vector<std::vector<uint64_t>> storage(inputs);
    std::vector<const TensorView*> known(inputs, nullptr);
    bool concrete = true;
    for (int i = 0; i < inputs; ++i) {
      if (i >= definition.min_inputs && Between(0, 3) == 0) {
        ins.push_back(kNone);
        continue;
      }
      MakeInput(i, &types[i]);
      if (Between(0, 5) == 0) types[i].quantization = AddQuantization(&graph);
      const int64_t bytes = types[i].shape.IsConcrete() ? ByteCount(types[i].dtype, types[i].shape) : -1;
      if (bytes >= 0 && bytes <= kMaxTestBytes) {
        Fill(types[i], bytes, &storage[i]);
        views[i].data = storage[i].data();
        views[i].dtype = types[i].dtype;
        views[i].shape = types[i].shape;
        if (Between(0, 4) > 0) known[i] = &views[i];
      } else {
        concrete = false;
      }
      ins.push_back(graph.AddValue("x", types[i]).value());
    }
    for (int i = 0; i < outputs; ++i) {
      TensorType type;
      if (Between(0, 3) == 0) type.quantization = AddQuantization(&graph);
      outs.push_back(i > 0 && Between(0, 3) == 0 ? kNone : graph.AddValue("y", type).value());
    }
    const NodeId id = graph.AddNode(op, "node", ins, outs).value();
    RandomAttributes(definition.attributes, &graph.nodes[id].attributes);
    std::vector<TensorType> inferred(outputs);
    const Node& node = graph.nodes[id];
    if (!InferNode(graph, node, types.data(), known.data(), inferred.data()).ok()) return false;
    if (concrete) Evaluate(graph, node, views, inferred);
    return true;
  }

  int evaluated = 0;

 private:
  int Between(int low, int high) { return low + static_cast<int>(random_() % (high - low + 1)); }

  DType PickDType() {
    constexpr DType kUsual[] = {DType::kF32, DType::kF32, DType::kF32, DType::kI64, DType::kI32, DType::kI8};
    return Between(0, 2) > 0 ? kUsual[Between(0, 5)] : static_cast<DType>(Between(1, kDTypeCount - 1));
  }
  int64_t PickNumber() {
    constexpr int64_t kNumbers[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    -1,
                                    -2,
                                    -3,
                                    7,
                                    16,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT32_MAX,
                                    INT32_MIN,
                                    int64_t{1} << 40,
                                    1 << 16,
                                    INT64_MAX / 2};
    return Between(0, 3) > 0 ? kNumbers[Between(0, 8)] : kNumbers[Between(0, 16)];
  }
  int64_t PickDim() {
    constexpr int64_t kDims[] = {1, 2, 3, 4, 2, 1, 0, kUnknownDim, SymbolDim(0), SymbolDim(1)};
    if (Between(0, 30) == 0) {
      const int64_t number = PickNumber();
      return number < 0 ? INT64_MAX : number;
    }
    return Between(0, 4) > 0 ? kDims[Between(0, 5)] : kDims[Between(0, 9)];
  }
  Shape PickShape() {
    Shape shape;
    const int rank = Between(0, 3) > 0 ? Between(2, 4) : Between(0, kMaxRank);
    for (int i = 0; i < rank; ++i) shape.Push(PickDim());
    return shape;
  }
  void MakeInput(int index, TensorType* type) {
    type->dtype = Between(0, 3) > 0 ? base_dtype_ : PickDType();
    type->shape = Between(0, 1) > 0 ? base_shape_ : PickShape();
    if (index > 0 && Between(0, 2) == 0) {  // lists of integers are what shape rules read
      type->dtype = Between(0, 3) > 0 ? DType::kI64 : DType::kI32;
      type->shape = {Between(0, 4)};
    } else if (index > 0 && Between(0, 3) == 0) {  // a vector that may fit the last axis
      type->shape = {base_shape_.rank > 0 ? base_shape_[base_shape_.rank - 1] : 1};
    }
  }
  void Fill(const TensorType& type, int64_t bytes, std::vector<uint64_t>* storage) {
    storage->assign(static_cast<size_t>(bytes / 8 + 1), 0);
    const int64_t count = type.shape.ElementCount();
    for (int64_t i = 0; i < count; ++i) {
      const int64_t number = PickNumber();
      if (type.dtype == DType::kI64) {
        reinterpret_cast<int64_t*>(storage->data())[i] = number;
      } else if (type.dtype == DType::kI32) {
        reinterpret_cast<int32_t*>(storage->data())[i] = static_cast<int32_t>(number);
      } else if (type.dtype == DType::kF32) {
        reinterpret_cast<float*>(storage->data())[i] =
            Between(0, 20) == 0 ? std::nanf("") : static_cast<float>(number) * 0.25f;
      } else if (BytesOf(type.dtype) == 1) {
        reinterpret_cast<uint8_t*>(storage->data())[i] =
            static_cast<uint8_t>(type.dtype == DType::kBool ? number & 1 : number);
      }
    }
  }
  int32_t AddQuantization(Graph* graph) {
    const float scale = Between(0, 1) > 0 ? 0.5f : 1e-20f;
    const int32_t zero_point = Between(0, 3);
    return graph->AddQuantization({&scale, 1}, {&zero_point, 1}, kNone).value();
  }
  void RandomAttributes(const AttributeInfo& info, AttributeStorage* storage) {
    for (int32_t i = 0; i < info.field_count; ++i) {
      if (Between(0, 2) == 0) continue;  // the default
      const FieldInfo& field = info.fields[i];
      unsigned char* place = storage->bytes + field.offset;
      switch (field.kind) {
        case FieldKind::kInt64:
          *reinterpret_cast<int64_t*>(place) = PickNumber();
          break;
        case FieldKind::kInt32:
          *reinterpret_cast<int32_t*>(place) = static_cast<int32_t>(PickNumber());
          break;
        case FieldKind::kEnum:
          *reinterpret_cast<int32_t*>(place) = Between(Between(0, 9) == 0 ? -1 : 0, field.enum_count - 1);
          break;
        case FieldKind::kFloat:
          *reinterpret_cast<float*>(place) = static_cast<float>(PickNumber()) * 0.5f;
          break;
        case FieldKind::kBool:
          *place = static_cast<unsigned char>(Between(0, 9) == 0 ? 2 : Between(0, 1));
          break;
        case FieldKind::kDType:
          *place = static_cast<unsigned char>(Between(0, kDTypeCount));
          break;
        case FieldKind::kIntList: {
          auto& list = *reinterpret_cast<IntList*>(place);
          // Mostly the length that the default has, which is the one that passes.
          if (Between(0, 4) == 0 || list.empty()) list.count = Between(0, 5);
          for (int k = 0; k < list.count; ++k) list[k] = Between(0, 3) > 0 ? Between(0, 3) : PickNumber();
          if (Between(0, 40) == 0) list.count = Between(0, 1) > 0 ? 9 : -1;
          break;
        }
        case FieldKind::kFloatList:
          reinterpret_cast<FloatList*>(place)->count = Between(-1, 9);
          break;
      }
    }
  }
  void Evaluate(const Graph& graph, const Node& node, const std::vector<TensorView>& inputs,
                const std::vector<TensorType>& inferred) {
    if (FindOpDefinition(node.op)->evaluate != nullptr) {
      Vector<EvaluatedTensor> results;
      if (EvaluateDynamicNode(graph, node, inputs.data(), &results, 4 * kMaxTestBytes).ok()) ++evaluated;
      return;
    }
    std::vector<TensorView> outputs(inferred.size());
    std::vector<std::unique_ptr<uint8_t[]>> buffers;
    for (size_t i = 0; i < inferred.size(); ++i) {
      if (node.outputs[i] == kNone) continue;
      outputs[i].dtype = inferred[i].dtype;
      outputs[i].shape = inferred[i].shape;
      const int64_t bytes = outputs[i].bytes();
      if (bytes < 0 || bytes > 4 * kMaxTestBytes) return;
      buffers.emplace_back(new uint8_t[static_cast<size_t>(bytes)]);
      outputs[i].data = buffers.back().get();
    }
    if (EvaluateNode(graph, node, inputs.data(), outputs.data()).ok()) ++evaluated;
  }

  std::mt19937 random_;
  DType base_dtype_ = DType::kF32;
  Shape base_shape_;
};

TEST(HostileOperands, NeverCrash) {
  for (int number = 1; number < 1000; ++number) {
    const auto op = static_cast<OpId>(number);
    const OpDefinition* definition = FindOpDefinition(op);
    // Control nodes are nothing without their bodies: control_test.cc.
    if (definition == nullptr || (definition->flags & kOpControl) != 0) continue;
    SCOPED_TRACE(definition->name);
    int accepted = 0;
    HostileCase random(static_cast<uint32_t>(number));
    for (int i = 0; i < 2000; ++i) accepted += random.Run(op, *definition);
    RecordProperty(definition->name, random.evaluated);
    if (std::getenv("MACE_VERBOSE_TESTS") != nullptr) {
      std::printf("%-20s accepted %4d, evaluated %4d\n", definition->name, accepted, random.evaluated);
    }
  }
}

// Each definition as ops.def and the tables need it.
TEST(OpTable, DefinitionsAreComplete) {
  int count = 0;
  for (int number = 1; number < 1000; ++number) {
    const OpDefinition* definition = FindOpDefinition(static_cast<OpId>(number));
    if (definition == nullptr) continue;
    ++count;
    EXPECT_EQ(FindOpDefinition(definition->name), definition) << definition->name;
    EXPECT_NE(definition->infer, nullptr) << definition->name;
    // One of the three ways to run a node.
    const int ways = (definition->reference != nullptr ? 1 : 0) + (definition->evaluate != nullptr ? 1 : 0) +
                     ((definition->flags & kOpControl) != 0 ? 1 : 0);
    EXPECT_EQ(ways, 1) << definition->name;
    EXPECT_LE(definition->max_outputs, InferContext::kMaxOutputs);
    AttributeStorage defaults;
    definition->attributes.construct(defaults.bytes);
    EXPECT_OK(VerifyAttributes(definition->attributes, defaults));
    for (int32_t i = 0; i < definition->attributes.field_count; ++i) {
      for (int32_t k = 0; k < i; ++k) {
        EXPECT_NE(definition->attributes.fields[i].id, definition->attributes.fields[k].id)
            << definition->name;
      }
    }
  }
  EXPECT_GE(count, 66);
  EXPECT_EQ(FindOpDefinition(OpId::kInvalid), nullptr);
  EXPECT_EQ(FindOpDefinition("NoSuchOperator"), nullptr);
}

}  // namespace
}  // namespace mace::ops
