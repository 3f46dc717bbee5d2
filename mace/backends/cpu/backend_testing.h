// For the tests of the CPU backend: building small graphs, compiling them as one group, running the unit with
// slots that share memory exactly as the unit allows, and comparing with the reference kernels.
#ifndef MACE_BACKENDS_CPU_BACKEND_TESTING_H_
#define MACE_BACKENDS_CPU_BACKEND_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "mace/backends/cpu/cpu_backend.h"
#include "mace/backends/packed_cache.h"
#include "mace/core/cpu_features.h"
#include "mace/core/guarded_memory_testing.h"
#include "mace/graph/op_definition.h"
#include "mace/kernels/kernel_table.h"
#include "mace/ops/convolution/conv2d.h"
#include "mace/ops/evaluate.h"
#include "mace/ops/matmul/matmul.h"

namespace mace::cpu {

#define ASSERT_MACE_OK(expression)                                    \
  do {                                                                \
    const Status mace_test_status = (expression);                     \
    ASSERT_TRUE(mace_test_status.ok()) << mace_test_status.message(); \
  } while (false)

// A graph whose constants are random. Failures end the test program: a broken graph makes no test.
class TestGraph {
 public:
  ValueId Input(const Shape& shape, DType dtype = DType::kF32) {
    const ValueId value = Take(graph.AddValue("input", {dtype, shape, kNone}));
    Check(graph.inputs.PushBack(value));
    return value;
  }
  ValueId Constant(const Shape& shape, float low = -1.0f, float high = 1.0f) {
    const ValueId value = Take(graph.AddUninitializedConstant("constant", DType::kF32, shape));
    std::uniform_real_distribution<float> distribution(low, high);
    float* data = static_cast<float*>(graph.constants[graph.values[value].constant].view.data);
    for (int64_t i = 0; i < shape.ElementCount(); ++i) data[i] = distribution(random_);
    return value;
  }
  ValueId Scalar(float number) {
    return Take(graph.AddConstant("scalar", {&number, DType::kF32, Shape()}, true));
  }
  template <typename T>
  ValueId List(std::vector<T> numbers) {
    return Take(graph.AddConstant(
        "list", {numbers.data(), DTypeOf<T>(), Shape{static_cast<int64_t>(numbers.size())}}, true));
  }
  // The half-precision constant of small multiples of 1/64.
  ValueId HalfConstant(const Shape& shape) {
    const ValueId value = Take(graph.AddUninitializedConstant("half", DType::kF16, shape));
    auto* data = static_cast<uint16_t*>(graph.constants[graph.values[value].constant].view.data);
    for (int64_t i = 0; i < shape.ElementCount(); ++i) {
      data[i] = static_cast<uint16_t>(0x3000 + random_() % 0x800 + (random_() % 2) * 0x8000);
    }
    return value;
  }
  // Random integers in [low, high].
  template <typename T>
  ValueId IntegerConstant(const Shape& shape, int64_t low, int64_t high) {
    const ValueId value = Take(graph.AddUninitializedConstant("integers", DTypeOf<T>(), shape));
    std::uniform_int_distribution<int64_t> distribution(low, high);
    T* data = static_cast<T*>(graph.constants[graph.values[value].constant].view.data);
    for (int64_t i = 0; i < shape.ElementCount(); ++i) data[i] = static_cast<T>(distribution(random_));
    return value;
  }
  // A node with one output (more: Output(i) of nodes.back()).
  ValueId Node(OpId op, std::vector<ValueId> inputs, int outputs = 1) {
    std::vector<ValueId> results;
    for (int i = 0; i < outputs; ++i) results.push_back(Take(graph.AddValue("value", TensorType())));
    Take(graph.AddNode(op, FindOpDefinition(op)->name, inputs, results));
    return results[0];
  }
  template <typename A>
  A& Attributes() {
    return graph.nodes.back().attributes.as<A>();
  }
  ValueId Quantize(ValueId value, std::vector<float> scales, std::vector<int32_t> zero_points,
                   int32_t axis = kNone) {
    graph.values[value].type.quantization = Take(graph.AddQuantization(scales, zero_points, axis));
    return value;
  }
  ValueId Integers(const Shape& shape, DType dtype, float scale, int32_t zero_point) {
    return Quantize(Input(shape, dtype), {scale}, {zero_point});
  }
  void Output(ValueId value) { Check(graph.outputs.PushBack(value)); }

  Graph graph;

 private:
  template <typename T>
  static T Take(Result<T> result) {
    Check(result.ok() ? Status::Ok() : result.TakeStatus());
    return std::move(result).value();
  }
  static void Check(Status status) {
    if (status.ok()) return;
    std::fprintf(stderr, "%s\n", status.message());
    std::abort();
  }
  std::mt19937 random_{7};
};

inline ValueId Conv(TestGraph* test, ValueId x, const Shape& weights, int64_t stride, int64_t pad,
                    int64_t groups) {
  const ValueId w = test->Constant(weights), bias = test->Constant({weights[0]});
  const ValueId y = test->Node(OpId::kConv2d, {x, w, bias});
  auto& attributes = test->Attributes<ops::Conv2dAttributes>();
  attributes.strides = {stride, stride};
  attributes.pads = {pad, pad, pad, pad};
  attributes.groups = groups;
  return y;
}

struct RunOptions {
  Isa best = Isa::kScalar;
  bool any_isa = true;  // `best` is of no account
  int threads = 1;
  bool reference = false;
};

// Guarded memory full of garbage.
inline std::unique_ptr<GuardedBytes> NewGuarded(size_t bytes, size_t alignment) {
  auto memory = std::make_unique<GuardedBytes>(bytes, false, alignment);
  std::memset(memory->data(), 0xa5, bytes);
  return memory;
}

// A compiled graph.
class CompiledGraph {
 public:
  void Compile(Graph* graph, const RunOptions& options) {
    graph_ = graph;
    ASSERT_MACE_OK(InferGraphTypes(graph));
    CpuFeatures features = CpuFeatures::Detect();
    if (!options.any_isa) features = features.LimitTo(options.best);
    table_ = kernels::SelectKernels(features);
    const size_t count = graph->values.size();
    types_.resize(count);
    known_.resize(count);
    uses_.resize(count);
    for (size_t v = 0; v < count; ++v) {
      types_[v] = graph->values[v].type;
      known_[v] = graph->ConstantOf(static_cast<ValueId>(v));
    }
    for (size_t n = 0; n < graph->nodes.size(); ++n) {
      nodes_.push_back(static_cast<NodeId>(n));
      for (ValueId value : graph->nodes[n].inputs) {
        if (value != kNone) ++uses_[value];
      }
    }
    for (ValueId value : graph->outputs) ++uses_[value];
    plan_ = {graph, types_, known_, uses_};
    group_ = {nodes_, graph->inputs.span(), graph->outputs.span()};
    CompileOptions compile;
    compile.num_threads = options.threads;
    compile.reference_kernels = options.reference;
    compile.kernels = &table_;
    compile.packed = &packed_;
    auto backend = MakeCpuBackend();
    ASSERT_TRUE(backend.ok());
    Vector<uint8_t> blob;
    auto unit = (*backend)->Compile(plan_, group_, compile, {}, &blob);
    ASSERT_TRUE(unit.ok()) << unit.status().message();
    unit_ = std::move(*unit);
    if (options.threads > 1) {
      auto pool = ThreadPool::Create(options.threads);
      ASSERT_TRUE(pool.ok());
      pool_ = std::move(*pool);
    }
  }

  // Outputs in graph order. Every byte that the unit may not rely on is garbage.
  void Run(const std::vector<std::vector<uint8_t>>& feeds, std::vector<std::vector<uint8_t>>* outputs) {
    std::vector<std::unique_ptr<GuardedBytes>> inputs, results;
    for (const auto& feed : feeds) {
      inputs.push_back(NewGuarded(feed.size(), 1));
      std::copy(feed.begin(), feed.end(), static_cast<uint8_t*>(inputs.back()->data()));
    }
    for (ValueId value : graph_->outputs) {
      const auto bytes = static_cast<size_t>(ByteCount(types_[value].dtype, types_[value].shape));
      results.push_back(NewGuarded(bytes, 1));
    }
    struct Block {
      std::unique_ptr<GuardedBytes> memory;
      int64_t bytes;
      int32_t last_step;
    };
    std::vector<Block> blocks;
    std::vector<void*> slots;
    for (const UnitSlot& slot : unit_->slots()) {
      void* place = nullptr;
      for (size_t i = 0; i < graph_->inputs.size(); ++i) {
        if (slot.value == graph_->inputs[i]) place = inputs[i]->data();
      }
      for (size_t i = 0; i < graph_->outputs.size(); ++i) {
        if (slot.value == graph_->outputs[i]) place = results[i]->data();
      }
      for (Block& block : blocks) {
        const bool is_free = block.last_step < slot.first_step && block.bytes == slot.bytes;
        if (slot.value != kNone || place != nullptr || !is_free) continue;
        place = block.memory->data();
        block.last_step = slot.last_step;
      }
      if (place == nullptr) {
        const auto bytes = static_cast<size_t>(slot.bytes);
        blocks.push_back({NewGuarded(bytes, kBufferAlignment), slot.bytes, slot.last_step});
        place = blocks.back().memory->data();
      }
      slots.push_back(place);
    }
    const auto workspace = NewGuarded(static_cast<size_t>(unit_->workspace_bytes()), kBufferAlignment);
    StopCheck stop;
    if (timeout_ns != 0) stop.deadline_ns = StopCheck::NowNanoseconds() + timeout_ns;
    std::vector<uint64_t> times(unit_->steps().size());
    UnitBindings bindings;
    bindings.slots = slots.data();
    bindings.workspace = workspace->data();
    bindings.pool = pool_.get();
    bindings.stop = &stop;
    bindings.step_nanoseconds = times.data();
    auto event = unit_->Enqueue(bindings, Event());
    status = event.ok() ? Status::Ok() : event.TakeStatus();
    for (size_t i = 0; i < feeds.size(); ++i) {
      EXPECT_TRUE(
          std::equal(feeds[i].begin(), feeds[i].end(), static_cast<const uint8_t*>(inputs[i]->data())))
          << "an input was written to";
    }
    outputs->clear();
    for (size_t i = 0; i < results.size(); ++i) {
      const TensorType& type = types_[graph_->outputs[i]];
      outputs->emplace_back(results[i]->data(), results[i]->data() + ByteCount(type.dtype, type.shape));
    }
  }

  Unit& unit() { return *unit_; }
  // "gemm_f32_avx2_6x16 chain_f32_avx2": the kernels in order, without the instruction set and the tile.
  std::string Kernels() const {
    std::string all;
    for (const StepInfo& step : unit_->steps()) {
      std::string name = step.kernel;
      for (const char* isa : {"_scalar", "_sse4", "_avx2", "_avx512", "_neon", "_sve", "_rvv"}) {
        if (name.find(isa) != std::string::npos) name = name.substr(0, name.find(isa));
      }
      all += (all.empty() ? "" : " ") + name;
    }
    return all;
  }
  uint64_t timeout_ns = 0;  // of a run; 0: none
  Status status;

 private:
  Graph* graph_ = nullptr;
  kernels::KernelTable table_;
  PackedCache packed_{SystemAllocator(), uint64_t{1} << 30};
  std::vector<TensorType> types_;
  std::vector<const TensorView*> known_;
  std::vector<int32_t> uses_;
  std::vector<NodeId> nodes_;
  PlanView plan_;
  GroupView group_;
  std::unique_ptr<Unit> unit_;
  std::unique_ptr<ThreadPool> pool_;
};

inline std::vector<std::vector<uint8_t>> RandomFeeds(const Graph& graph, uint32_t seed = 3) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> distribution(-2.0f, 2.0f);
  std::vector<std::vector<uint8_t>> feeds;
  for (ValueId value : graph.inputs) {
    const TensorType& type = graph.values[value].type;
    std::vector<uint8_t> bytes(static_cast<size_t>(ByteCount(type.dtype, type.shape)));
    const int64_t count = type.shape.ElementCount();
    for (int64_t i = 0; i < count; ++i) {
      if (type.dtype == DType::kF32) {
        reinterpret_cast<float*>(bytes.data())[i] = distribution(random);
      } else if (type.dtype == DType::kI64) {
        reinterpret_cast<int64_t*>(bytes.data())[i] = static_cast<int64_t>(random() % 5);
      } else if (type.dtype == DType::kI32) {
        reinterpret_cast<int32_t*>(bytes.data())[i] = static_cast<int32_t>(random() % 5);
      } else if (type.dtype == DType::kBool) {
        bytes[i] = static_cast<uint8_t>(random() % 2);
      } else {
        for (int b = 0; b < BytesOf(type.dtype); ++b) {
          bytes[i * BytesOf(type.dtype) + b] = static_cast<uint8_t>(random());
        }
      }
    }
    feeds.push_back(std::move(bytes));
  }
  return feeds;
}

inline void EvaluateReference(const Graph& graph, const std::vector<std::vector<uint8_t>>& feeds,
                              std::vector<std::vector<uint8_t>>* outputs) {
  std::vector<TensorView> views;
  for (size_t i = 0; i < feeds.size(); ++i) {
    const TensorType& type = graph.values[graph.inputs[i]].type;
    views.push_back({const_cast<uint8_t*>(feeds[i].data()), type.dtype, type.shape});
  }
  Vector<EvaluatedTensor> fetches;
  ASSERT_MACE_OK(EvaluateGraph(graph, views, {}, &fetches));
  outputs->clear();
  for (const EvaluatedTensor& fetch : fetches) {
    const auto* data = static_cast<const uint8_t*>(fetch.view.data);
    outputs->emplace_back(data, data + fetch.view.bytes());
  }
}

// What float32 may lose against the references' double precision, relative to 1 + |value|: some 1e-6 for each
// term of the sums of all nodes, and a little for everything else.
inline float DefaultTolerance(const Graph& graph) {
  int64_t terms = 20;
  for (const Node& node : graph.nodes) {
    const Shape& input = graph.values[node.inputs[0]].type.shape;
    if (node.op == OpId::kConv2d || node.op == OpId::kConvTranspose2d || node.op == OpId::kFullyConnected) {
      const Shape& weights = graph.values[node.inputs[1]].type.shape;
      terms += weights.Product(1, weights.rank);
    } else if (node.op == OpId::kMatMul) {
      const bool is_turned = input.rank > 1 && node.attributes.as<ops::MatMulAttributes>().transpose_a;
      terms += input[input.rank - (is_turned ? 2 : 1)];
    } else if (node.op == OpId::kReduce) {
      terms += input.ElementCount() /
               std::max<int64_t>(1, graph.values[node.outputs[0]].type.shape.ElementCount());
    }
  }
  return 1e-6f * static_cast<float>(terms);
}

inline void ExpectClose(const Graph& graph, const std::vector<std::vector<uint8_t>>& got,
                        const std::vector<std::vector<uint8_t>>& want, float tolerance) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t o = 0; o < got.size(); ++o) {
    ASSERT_EQ(got[o].size(), want[o].size());
    if (graph.values[graph.outputs[o]].type.dtype != DType::kF32) {
      EXPECT_EQ(got[o], want[o]);
      continue;
    }
    const auto* a = reinterpret_cast<const float*>(got[o].data());
    const auto* b = reinterpret_cast<const float*>(want[o].data());
    for (size_t i = 0; i < got[o].size() / 4; ++i) {
      ASSERT_NEAR(a[i], b[i], tolerance * (1.0f + std::fabs(b[i]))) << "output " << o << " element " << i;
    }
  }
}

// Whether this CPU has the instruction set and this build holds kernels for it.
inline bool IsHere(Isa isa) {
  return ((kernels::CompiledIsas() >> static_cast<int>(isa)) & 1) != 0 && CpuFeatures::Detect().Has(isa);
}

// Compiles and runs with every instruction set that is here, with one and two threads, and compares with the
// tolerance given or, where that is negative, DefaultTolerance. Returns the kernels of the last compilation
// through `kernels`.
inline void ExpectMatchesReference(TestGraph* test, std::string* kernels = nullptr, float tolerance = -1.0f) {
  ASSERT_MACE_OK(InferGraphTypes(&test->graph));
  if (tolerance < 0.0f) tolerance = DefaultTolerance(test->graph);
  const auto feeds = RandomFeeds(test->graph);
  std::vector<std::vector<uint8_t>> want;
  EvaluateReference(test->graph, feeds, &want);
  if (testing::Test::HasFatalFailure()) return;
  for (int isa = 0; isa < kIsaCount; ++isa) {
    if (!IsHere(static_cast<Isa>(isa))) continue;
    SCOPED_TRACE(NameOf(static_cast<Isa>(isa)));
    std::vector<std::vector<uint8_t>> single;
    for (int threads : {1, 2}) {
      CompiledGraph compiled;
      compiled.Compile(&test->graph, {static_cast<Isa>(isa), false, threads, false});
      if (testing::Test::HasFatalFailure()) return;
      std::vector<std::vector<uint8_t>> got;
      compiled.Run(feeds, &got);
      if (testing::Test::HasFatalFailure()) return;
      ASSERT_MACE_OK(std::move(compiled.status));
      ExpectClose(test->graph, got, want, tolerance);
      if (threads == 1) {
        single = got;
      } else {
        EXPECT_EQ(got, single) << "the number of threads changed the bytes";
      }
      if (kernels != nullptr) *kernels = compiled.Kernels();
    }
  }
}

}  // namespace mace::cpu

#endif  // MACE_BACKENDS_CPU_BACKEND_TESTING_H_
