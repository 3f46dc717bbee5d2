#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <chrono>

#include "mace/graph/op_definition.h"
#include "mace/passes/graph_editor.h"
#include "mace/passes/passes.h"

namespace mace::passes {
namespace {

// The editor looks through the users of a value one by one: files with a value that tens of thousands of
// nodes read are not for it (no real network has one).
constexpr int kMaxUsers = 1 << 13;
// Nor for files of more nodes than any real network has: 500,000 nodes took 22 s.
constexpr size_t kMaxOptimizedNodes = 1 << 16;

int MostUsers(const Graph& graph) {
  std::vector<int> users(graph.values.size(), 0);
  int most = 0;
  for (const Node& node : graph.nodes) {
    for (ValueId input : node.inputs) {
      if (input != kNone) most = std::max(most, ++users[input]);
    }
  }
  return most;
}

constexpr NamedPass kShapeInference = {"shape_inference", RunShapeInference};
constexpr NamedPass kConstantFolding = {"constant_folding", RunConstantFolding};
constexpr NamedPass kDeadCode = {"dead_code", RunDeadCodeRemoval};
constexpr NamedPass kIdentity = {"identity_removal", RunIdentityRemoval};
constexpr NamedPass kReshape = {"reshape_merging", RunReshapeMerging};
constexpr NamedPass kTransposeSinking = {"transpose_sinking", RunTransposeSinking};
constexpr NamedPass kTransposeHoisting = {"transpose_hoisting", RunTransposeHoisting};
constexpr NamedPass kTransposeToReshape = {"transpose_to_reshape", RunTransposeToReshape};
constexpr NamedPass kScaleFolding = {"scale_folding", RunScaleFolding};
constexpr NamedPass kInputFolding = {"input_folding", RunInputFolding};
constexpr NamedPass kLayerNorm = {"layer_norm_recognition", RunLayerNormRecognition};
constexpr NamedPass kInstanceNorm = {"instance_norm_recognition", RunInstanceNormRecognition};
constexpr NamedPass kGroupNorm = {"group_norm_recognition", RunGroupNormRecognition};
constexpr NamedPass kGelu = {"gelu_recognition", RunGeluRecognition};
constexpr NamedPass kSilu = {"silu_recognition", RunSiluRecognition};
constexpr NamedPass kHardSwish = {"hard_swish_recognition", RunHardSwishRecognition};
constexpr NamedPass kHardSigmoid = {"hard_sigmoid_recognition", RunHardSigmoidRecognition};
constexpr NamedPass kMish = {"mish_recognition", RunMishRecognition};
constexpr NamedPass kPRelu = {"prelu_recognition", RunPReluRecognition};
constexpr NamedPass kSoftmax = {"softmax_recognition", RunSoftmaxRecognition};
constexpr NamedPass kDepthToSpace = {"depth_to_space_recognition", RunDepthToSpaceRecognition};
constexpr NamedPass kUpsampling = {"upsampling_recognition", RunUpsamplingRecognition};
constexpr NamedPass kLstm = {"lstm_recognition", RunLstmRecognition};
constexpr NamedPass kScaleHoisting = {"scale_hoisting", RunScaleHoisting};
constexpr NamedPass kFullyConnected = {"fully_connected_fusion", RunFullyConnectedFusion};
constexpr NamedPass kQuantizeMoving = {"quantize_moving", RunQuantizeMoving};
constexpr NamedPass kQuantized = {"quantized_fusion", RunQuantizedFusion};
constexpr NamedPass kMatMulTranspose = {"matmul_transpose_fusion", RunMatMulTransposeFusion};
constexpr NamedPass kCast = {"cast_sinking", RunCastSinking};
constexpr NamedPass kControl = {"control_simplification", RunControlSimplification};
constexpr NamedPass kConversion = {"constant_conversion", RunConstantConversion};
constexpr NamedPass kDilation = {"batch_to_dilation", RunBatchToDilation};
constexpr NamedPass kCommon = {"common_subexpressions", RunCommonSubexpressions};
constexpr NamedPass kSharing = {"weight_sharing", RunWeightSharing};
constexpr NamedPass kAlgebra = {"algebra", RunAlgebra};
constexpr NamedPass kSlices = {"slice_merging", RunSliceMerging};
constexpr NamedPass kStacks = {"stack_merging", RunStackMerging};
constexpr NamedPass kConcats = {"concat_merging", RunConcatMerging};
constexpr NamedPass kReduceSqueezing = {"reduce_squeezing", RunReduceSqueezing};
constexpr NamedPass kPad = {"pad_folding", RunPadFolding};
constexpr NamedPass kInputBias = {"input_bias_folding", RunInputBiasFolding};
constexpr NamedPass kShapes = {"shape_folding", RunShapeFolding};

// What the runs of all passes on one model share.
struct Optimization {
  const OptimizeOptions& options;
  OptimizeReport& report;
  int64_t allowance = 0;       // of constant folding, in bytes
  bool keep_quantized = true;  // until quantized_fusion has seen the graph
  int64_t runs = 0;
  const Graph* outermost = nullptr;

  bool Wants(const NamedPass& pass) const {
    if (options.max_runs >= 0 && runs >= options.max_runs) return false;
    if (pass.run == kShapeInference.run) return true;
    const auto names = [&](const std::vector<std::string>& list) {
      return std::find(list.begin(), list.end(), pass.name) != list.end();
    };
    return (!options.only || names(*options.only)) && !names(options.without);
  }
};

// Changes where a pass changed anything, as far as a cheap look can tell.
struct Fingerprint {
  int64_t nodes = 0;
  int64_t constant_bytes = 0;
  uint64_t hash = 0;
  bool operator==(const Fingerprint&) const = default;
};
Fingerprint FingerprintOf(const Graph& graph) {
  Fingerprint print{.nodes = static_cast<int64_t>(graph.nodes.size())};
  const auto mix = [&](const void* data, size_t bytes) {
    print.hash = XXH3_64bits_withSeed(data, bytes, print.hash);
  };
  for (const Node& node : graph.nodes) {
    mix(&node.op, sizeof(node.op));
    mix(node.attributes.bytes, sizeof(node.attributes.bytes));
    mix(node.inputs.data(), node.inputs.size() * sizeof(ValueId));
    mix(node.outputs.data(), node.outputs.size() * sizeof(ValueId));
  }
  mix(graph.outputs.data(), graph.outputs.size() * sizeof(ValueId));
  for (const Constant& constant : graph.constants) print.constant_bytes += constant.view.bytes();
  for (const auto& subgraph : graph.subgraphs) {
    const Fingerprint inner = FingerprintOf(*subgraph);
    print.nodes += inner.nodes;
    print.constant_bytes += inner.constant_bytes;
    mix(&inner.hash, sizeof(inner.hash));
  }
  return print;
}

Status RunPass(const NamedPass& pass, Graph* graph, Optimization* work) {
  if (pass.run == kConstantFolding.run) return RunConstantFolding(graph, &work->allowance);
  if (pass.run == kConversion.run) {
    return RunConstantConversion(graph, &work->allowance, work->keep_quantized);
  }
  if (pass.run == kControl.run) return RunControlSimplification(graph, &work->allowance);
  return pass.run(graph);
}

Status RunAll(Graph* graph, Optimization* work, std::initializer_list<NamedPass> list) {
  Fingerprint before = FingerprintOf(*graph);
  for (const NamedPass& pass : list) {
    if (work->Wants(pass)) {
      const auto begin = std::chrono::steady_clock::now();
      Status status = RunPass(pass, graph, work);
      if (!status.ok()) return std::move(status).WithPrefix("pass %s", pass.name);
      const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
      const Fingerprint after = FingerprintOf(*graph);
      work->report.passes.push_back({.name = pass.name,
                                     .graph = graph == work->outermost ? "" : std::string(graph->name.view()),
                                     .changed = before != after,
                                     .nodes_before = before.nodes,
                                     .nodes_after = after.nodes,
                                     .constant_bytes_before = before.constant_bytes,
                                     .constant_bytes_after = after.constant_bytes,
                                     .seconds = time.count()});
      before = after;
      ++work->runs;
    }
    if (pass.run == kQuantized.run) work->keep_quantized = false;
  }
  return Status::Ok();
}

Status CheckNames(const std::vector<std::string>& names) {
  const std::vector<NamedPass> passes = AllPasses();
  for (const std::string& name : names) {
    const auto has_name = [&](const NamedPass& pass) { return name == pass.name; };
    if (std::none_of(passes.begin(), passes.end(), has_name)) {
      std::string known;
      for (const NamedPass& pass : passes) known += std::string(known.empty() ? "" : ", ") + pass.name;
      return InvalidArgument("no pass is called '%s'; there are %s", name.c_str(), known.c_str());
    }
  }
  return Status::Ok();
}

// Operators that files spell out, before Transposes sink through the spelling; a second time behind that,
// since what was spelled out along the channels of NCHW then is along the last axis.
Status RecognizeOperators(Graph* graph, Optimization* work) {
  return RunAll(graph, work,
                {kLayerNorm, kGroupNorm, kInstanceNorm, kSoftmax, kGelu, kSilu, kHardSwish, kHardSigmoid,
                 kMish, kPRelu, kDepthToSpace, kUpsampling});
}

// Of a graph whose types have been inferred. What optimising the bodies leaves without use is dropped behind
// them.
Status OptimizeWithBodies(Graph* graph, Optimization* work) {
  const std::string name = graph->name.empty() ? "the model" : "'" + std::string(graph->name.view()) + "'";
  if (graph->nodes.size() > kMaxOptimizedNodes) {
    work->report.notes.push_back("not optimised: " + name + " has " + std::to_string(graph->nodes.size()) +
                                 " nodes, more than " + std::to_string(kMaxOptimizedNodes));
    return Status::Ok();
  }
  if (MostUsers(*graph) > kMaxUsers) {
    work->report.notes.push_back("not optimised: a value of " + name + " is read by more than " +
                                 std::to_string(kMaxUsers) + " nodes");
    return Status::Ok();
  }
  work->keep_quantized = true;
  MACE_RETURN_IF_ERROR(
      RunAll(graph, work,
             {kDeadCode, kCast, kIdentity, kConversion, kConstantFolding, kControl, kConversion,
              kConstantFolding, kControl, kShapes, kSharing, kCommon, kDilation}));
  MACE_RETURN_IF_ERROR(RecognizeOperators(graph, work));
  // Sinking a Transpose through a Reshape may bring it to one that it cancels with, and the other way round.
  for (int round = 0; round < 3; ++round) {
    MACE_RETURN_IF_ERROR(
        RunAll(graph, work, {kTransposeSinking, kReshape, kCommon, kConversion, kConstantFolding}));
  }
  MACE_RETURN_IF_ERROR(RecognizeOperators(graph, work));
  MACE_RETURN_IF_ERROR(RunAll(graph, work,
                              {kTransposeToReshape,
                               kReshape,
                               kTransposeSinking,
                               kTransposeHoisting,
                               kTransposeToReshape,
                               kReshape,
                               kFullyConnected,
                               kLstm,
                               kQuantizeMoving,
                               kQuantized,
                               kReshape,
                               kConversion,
                               kConstantFolding,
                               kAlgebra,
                               kScaleHoisting,
                               kScaleFolding,
                               kInputFolding,
                               kMatMulTranspose,
                               kIdentity,
                               kConstantFolding,
                               kControl}));
  MACE_RETURN_IF_ERROR(RunAll(graph, work,
                              {kPad, kInputBias, kInputFolding, kConcats, kSlices, kStacks, kReshape,
                               kReduceSqueezing, kConstantFolding, kCommon, kSharing}));
  if (graph->subgraphs.empty()) return Status::Ok();
  MACE_RETURN_IF_ERROR(RunAll(graph, work, {kShapeInference}));
  for (auto& subgraph : graph->subgraphs) {
    MACE_RETURN_IF_ERROR(OptimizeWithBodies(subgraph.get(), work));
  }
  return RunAll(graph, work, {kControl});
}

}  // namespace

std::vector<NamedPass> AllPasses() {
  return {kShapeInference,
          kConstantFolding,
          kDeadCode,
          kIdentity,
          kReshape,
          kTransposeSinking,
          kTransposeHoisting,
          kTransposeToReshape,
          kScaleFolding,
          kInputFolding,
          kFullyConnected,
          kQuantizeMoving,
          kQuantized,
          kMatMulTranspose,
          kCast,
          kControl,
          kConversion,
          kCommon,
          kSharing,
          kAlgebra,
          kSlices,
          kStacks,
          kConcats,
          kReduceSqueezing,
          kPad,
          kInputBias,

          kShapes,
          kDilation,
          kLayerNorm,
          kInstanceNorm,
          kGroupNorm,
          kGelu,
          kSilu,
          kHardSwish,
          kHardSigmoid,
          kMish,
          kPRelu,
          kSoftmax,
          kDepthToSpace,
          kUpsampling,
          kScaleHoisting,
          kLstm};
}

Status OptimizeGraph(Graph* graph, const OptimizeOptions& options, OptimizeReport* report) {
  MACE_RETURN_IF_ERROR(CheckNames(options.without));
  if (options.only) MACE_RETURN_IF_ERROR(CheckNames(*options.only));
  MACE_RETURN_IF_ERROR(RunShapeInference(graph));
  Optimization work = {.options = options, .report = *report, .allowance = FoldingAllowance(*graph)};
  work.outermost = graph;
  MACE_RETURN_IF_ERROR(OptimizeWithBodies(graph, &work));
  MACE_RETURN_IF_ERROR(RunShapeInference(graph));
  return VerifyGraph(*graph, &FindOpDefinition);
}

}  // namespace mace::passes
