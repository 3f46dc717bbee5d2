#include "stages.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>
#include <vector>

#include "mace/core/memory.h"
#include "mace/graph/graph.h"
#include "mace/importers/import_error.h"
#include "mace/importers/importer.h"
#include "mace/importers/onnx/onnx_proto.h"
#include "mace/importers/tflite/tflite_file.h"
#include "mace/mace_c.h"
#include "mace/model/container.h"
#include "mace/model/graph_tables.h"
#include "mace/model/loader.h"
#include "mace/model/writer.h"
#include "mace/ops/evaluate.h"
#include "mace/passes/passes.h"

namespace mace::mutation {
namespace {

using Bytes = std::span<const uint8_t>;

struct Failure {
  Stage stage;
  std::string message;
  StatusCode code;
};

void Check(Stage stage, const Status& status) {
  if (!status.ok()) throw Failure{stage, status.message(), status.code()};
}

// The format's own decoder, which says nothing of what the model means.
Status Parse(Bytes bytes, FileKind kind) {
  switch (kind) {
    case FileKind::kOnnx: {
      importers::onnx::ModelProto model;
      return importers::onnx::ParseModel(bytes, &model);
    }
    case FileKind::kTflite:
      try {
        const importers::tflite::TfliteFile file(bytes);
        return Status::Ok();
      } catch (const importers::ImportError& error) {
        return Status::Format(error.code(), "%s", error.what());
      }
    case FileKind::kMace:
      break;
  }
  Container container;
  MACE_RETURN_IF_ERROR(ParseContainer(bytes, /*verify_full=*/true, &container));
  const Segment* graph = container.Find(SegmentKind::kGraph);
  if (graph == nullptr) return DataLoss("no graph");
  ModelTables tables;
  return ReadGraphTables(graph->bytes, &tables);
}

Buffer AlignedCopy(Bytes bytes) {
  auto buffer = Buffer::Allocate(bytes.size());
  if (!buffer.ok()) throw Failure{Stage::kLoad, "out of memory", StatusCode::kOutOfMemory};
  if (!bytes.empty()) std::memcpy(buffer->data(), bytes.data(), bytes.size());
  return std::move(*buffer);
}

// The importers verify and infer types themselves: they say at which of them they failed.
Stage StageOf(importers::ImportStage stage) {
  switch (stage) {
    case importers::ImportStage::kVerify:
      return Stage::kVerify;
    case importers::ImportStage::kShape:
      return Stage::kShape;
    case importers::ImportStage::kConvert:
      break;
  }
  return Stage::kImport;
}

// From an ONNX or TensorFlow Lite file to the bytes of a .mace file.
std::vector<uint8_t> Convert(Bytes bytes) {
  Graph graph;
  importers::ImportReport report;
  const Status imported = importers::Import(bytes, importers::ImportOptions(), &graph, &report);
  Check(StageOf(report.failed_at), imported);
  Check(Stage::kVerify, VerifyGraph(graph, &FindOpDefinition));
  Check(Stage::kShape, InferGraphTypes(&graph));
  passes::OptimizeReport optimize_report;
  Check(Stage::kOptimise, passes::OptimizeGraph(&graph, &optimize_report));
  std::vector<uint8_t> written;
  Check(Stage::kWrite, WriteModel(graph, &written));
  return written;
}

// Returns how the shape rules judge the model: the runtime is to refuse it by itself.
Status LoadGraph(Bytes bytes) {
  Graph graph;
  LoadOptions options;
  options.verify_full = true;
  const Status loaded = LoadModel(bytes, options, &graph);
  Check(loaded.code() == StatusCode::kInvalidArgument ? Stage::kVerify : Stage::kLoad, loaded);
  return InferGraphTypes(&graph);
}

void Check(Stage stage, mace_status* status) {
  if (status == nullptr) return;
  Failure failure{stage, mace_status_get_message(status),
                  static_cast<StatusCode>(mace_status_get_code(status))};
  mace_status_free(status);
  throw failure;
}

template <typename T, void (*destroy)(T*)>
struct Owned {
  T* pointer = nullptr;
  ~Owned() { destroy(pointer); }
};

// Small, as is the memory limit below: reference kernels are slow, and no deadline interrupts them.
constexpr int64_t kMaxInputBytes = int64_t{4} << 20;

// A tensor for an input; open dimensions get small numbers. Small values, so that most indices are legal.
void FillInput(const mace_tensor_info& info, Random& random, mace_tensor* tensor,
               std::vector<uint64_t>* storage) {
  tensor->struct_size = sizeof(*tensor);
  tensor->dtype = info.dtype;
  tensor->rank = info.rank;
  Shape shape;
  const int64_t open = 1 + static_cast<int64_t>(Below(random, 4));
  for (int i = 0; i < info.rank; ++i) {
    tensor->dims[i] = info.dims[i] < 0 ? open : info.dims[i];
    shape.Push(tensor->dims[i]);
  }
  const auto dtype = static_cast<DType>(info.dtype);
  const int64_t bytes = ByteCount(dtype, shape);
  if (bytes < 0 || bytes > kMaxInputBytes) {
    throw Failure{Stage::kPlan, "the inputs are too large to try", StatusCode::kResourceExhausted};
  }
  storage->assign(static_cast<size_t>(bytes) / 8 + 1, 0);
  auto* data = reinterpret_cast<uint8_t*>(storage->data());
  const int size = std::max(1, BytesOf(dtype));
  for (int64_t i = 0; i + size <= bytes; i += size) {
    const float number = static_cast<float>(Below(random, 256)) / 128.0f - 1.0f;
    if (dtype == DType::kF32) {
      std::memcpy(data + i, &number, sizeof(number));
    } else {
      data[i] = static_cast<uint8_t>(Below(random, dtype == DType::kBool ? 2 : 4));
    }
  }
  tensor->data = data;
  tensor->byte_size = static_cast<size_t>(bytes);
}

void PlanAndRun(Bytes bytes, uint64_t seed) {
  Owned<mace_runtime, &mace_runtime_destroy> runtime;
  mace_runtime_options runtime_options = {};
  runtime_options.struct_size = sizeof(runtime_options);
  runtime_options.num_threads = 1;
  runtime_options.memory_limit = uint64_t{64} << 20;
  Check(Stage::kLoad, mace_runtime_create(&runtime_options, &runtime.pointer));
  Owned<mace_model, &mace_model_destroy> model;
  mace_model_options model_options = {};
  model_options.struct_size = sizeof(model_options);
  model_options.verify = MACE_VERIFY_FULL;
  Check(Stage::kLoad,
        mace_model_load_memory(runtime.pointer, bytes.data(), bytes.size(), &model_options, &model.pointer));
  Owned<mace_session, &mace_session_destroy> session;
  Check(Stage::kPlan, mace_session_create(model.pointer, &session.pointer));
  const int32_t input_count = mace_model_input_count(model.pointer);
  const int32_t output_count = mace_model_output_count(model.pointer);
  std::vector<mace_tensor> inputs(static_cast<size_t>(input_count));
  std::vector<std::vector<uint64_t>> storage(inputs.size());
  Random random(seed);
  int64_t total = 0;
  for (int32_t i = 0; i < input_count; ++i) {
    mace_tensor_info info = {};
    info.struct_size = sizeof(info);
    Check(Stage::kPlan, mace_model_input_info(model.pointer, i, &info));
    FillInput(info, random, &inputs[i], &storage[i]);
    total += static_cast<int64_t>(inputs[i].byte_size);
    if (total > kMaxInputBytes) {
      throw Failure{Stage::kPlan, "the inputs are too large to try", StatusCode::kResourceExhausted};
    }
  }
  std::vector<mace_tensor> outputs(static_cast<size_t>(output_count));
  for (mace_tensor& output : outputs) output.struct_size = sizeof(output);
  Check(Stage::kPlan,
        mace_session_prepare(session.pointer, inputs.data(), input_count, outputs.data(), output_count));
  mace_run_options run_options = {};
  run_options.struct_size = sizeof(run_options);
  run_options.timeout_ns = 1'000'000'000;
  for (int run = 0; run < 2; ++run) {  // the second with the state that the first left
    for (mace_tensor& output : outputs) output.data = nullptr;
    Check(Stage::kRun, mace_session_run(session.pointer, inputs.data(), input_count, outputs.data(),
                                        output_count, &run_options));
  }
}

}  // namespace

const char* NameOf(Stage stage) {
  static constexpr const char* kNames[kStageCount] = {"parse", "import", "verify", "shape", "optimise",
                                                      "write", "load",   "plan",   "run",   "done"};
  return kNames[static_cast<int>(stage)];
}

Outcome RunStages(Bytes bytes, FileKind kind, uint64_t seed) {
  Outcome outcome;
  try {
    const Buffer file = AlignedCopy(bytes);
    const Bytes aligned(file.data(), file.size());
    Check(Stage::kParse, Parse(aligned, kind));
    Buffer converted;
    if (kind != FileKind::kMace) converted = AlignedCopy(Convert(aligned));
    const Bytes model = kind == FileKind::kMace ? aligned : Bytes(converted.data(), converted.size());
    const Status shapes = LoadGraph(model);
    try {
      PlanAndRun(model, seed);
    } catch (const Failure&) {
      Check(Stage::kShape, shapes);  // the reason why it could not be planned
      throw;
    }
  } catch (const Failure& failure) {
    outcome.stage = failure.stage;
    outcome.message = failure.message;
    outcome.unsupported = failure.code == StatusCode::kUnsupported;
    outcome.internal = failure.code == StatusCode::kInternal;
  } catch (const std::exception& error) {
    outcome.stage = Stage::kImport;
    outcome.message = error.what();
    outcome.threw = true;
  }
  return outcome;
}

}  // namespace mace::mutation
