#include <algorithm>

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
constexpr NamedPass kActivation = {"activation_fusion", RunActivationFusion};
constexpr NamedPass kFullyConnected = {"fully_connected_fusion", RunFullyConnectedFusion};
constexpr NamedPass kQuantizeMoving = {"quantize_moving", RunQuantizeMoving};
constexpr NamedPass kQuantized = {"quantized_fusion", RunQuantizedFusion};
constexpr NamedPass kMatMulTranspose = {"matmul_transpose_fusion", RunMatMulTransposeFusion};
constexpr NamedPass kCast = {"cast_sinking", RunCastSinking};

struct Folding {
  int64_t allowance = 0;
  bool keep_quantized = true;  // until quantized_fusion has seen the graph
};

Status RunAll(Graph* graph, Folding* folding, std::initializer_list<NamedPass> list) {
  for (const NamedPass& pass : list) {
    const bool folds = pass.run == kConstantFolding.run;
    Status status =
        folds ? RunConstantFolding(graph, &folding->allowance, folding->keep_quantized) : pass.run(graph);
    if (!status.ok()) return std::move(status).WithPrefix("pass %s", pass.name);
    if (pass.run == kQuantized.run) folding->keep_quantized = false;
  }
  return Status::Ok();
}

}  // namespace

std::vector<NamedPass> AllPasses() {
  return {kShapeInference, kConstantFolding,  kDeadCode,          kIdentity,
          kReshape,        kTransposeSinking, kTransposeHoisting, kTransposeToReshape,
          kScaleFolding,   kInputFolding,     kActivation,        kFullyConnected,
          kQuantizeMoving, kQuantized,        kMatMulTranspose,   kCast};
}

Status OptimizeGraph(Graph* graph, OptimizeReport* report) {
  MACE_RETURN_IF_ERROR(RunShapeInference(graph));
  if (graph->nodes.size() > kMaxOptimizedNodes) {
    report->notes.push_back("not optimised: the model has " + std::to_string(graph->nodes.size()) +
                            " nodes, more than " + std::to_string(kMaxOptimizedNodes));
    return VerifyGraph(*graph, &FindOpDefinition);
  }
  if (MostUsers(*graph) > kMaxUsers) {
    report->notes.push_back("not optimised: a value is read by more than " + std::to_string(kMaxUsers) +
                            " nodes");
    return VerifyGraph(*graph, &FindOpDefinition);
  }
  Folding folding = {.allowance = FoldingAllowance(*graph)};
  MACE_RETURN_IF_ERROR(RunAll(graph, &folding, {kDeadCode, kCast, kIdentity, kConstantFolding}));
  // Sinking a Transpose through a Reshape may bring it to one that it cancels with, and the other way round.
  for (int round = 0; round < 3; ++round) {
    MACE_RETURN_IF_ERROR(RunAll(graph, &folding, {kTransposeSinking, kReshape, kConstantFolding}));
  }
  MACE_RETURN_IF_ERROR(
      RunAll(graph, &folding,
             {kTransposeToReshape, kReshape, kTransposeSinking, kTransposeHoisting, kTransposeToReshape,
              kReshape, kActivation, kFullyConnected, kQuantizeMoving, kQuantized, kReshape, kConstantFolding,
              kScaleFolding, kInputFolding, kMatMulTranspose, kIdentity, kConstantFolding, kShapeInference}));
  return VerifyGraph(*graph, &FindOpDefinition);
}

}  // namespace mace::passes
