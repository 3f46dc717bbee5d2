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
constexpr NamedPass kControl = {"control_simplification", RunControlSimplification};

struct Folding {
  int64_t allowance = 0;
  bool keep_quantized = true;  // until quantized_fusion has seen the graph
};

Status RunAll(Graph* graph, Folding* folding, std::initializer_list<NamedPass> list) {
  for (const NamedPass& pass : list) {
    Status status;
    if (pass.run == kConstantFolding.run) {
      status = RunConstantFolding(graph, &folding->allowance, folding->keep_quantized);
    } else if (pass.run == kControl.run) {
      status = RunControlSimplification(graph, &folding->allowance);
    } else {
      status = pass.run(graph);
    }
    if (!status.ok()) return std::move(status).WithPrefix("pass %s", pass.name);
    if (pass.run == kQuantized.run) folding->keep_quantized = false;
  }
  return Status::Ok();
}

// Of a graph whose types have been inferred. What optimising the bodies leaves without use is dropped behind
// them.
Status OptimizeWithBodies(Graph* graph, Folding* folding, OptimizeReport* report) {
  const std::string name = graph->name.empty() ? "the model" : "'" + std::string(graph->name.view()) + "'";
  if (graph->nodes.size() > kMaxOptimizedNodes) {
    report->notes.push_back("not optimised: " + name + " has " + std::to_string(graph->nodes.size()) +
                            " nodes, more than " + std::to_string(kMaxOptimizedNodes));
    return Status::Ok();
  }
  if (MostUsers(*graph) > kMaxUsers) {
    report->notes.push_back("not optimised: a value of " + name + " is read by more than " +
                            std::to_string(kMaxUsers) + " nodes");
    return Status::Ok();
  }
  folding->keep_quantized = true;
  MACE_RETURN_IF_ERROR(RunAll(
      graph, folding, {kDeadCode, kCast, kIdentity, kConstantFolding, kControl, kConstantFolding, kControl}));
  // Sinking a Transpose through a Reshape may bring it to one that it cancels with, and the other way round.
  for (int round = 0; round < 3; ++round) {
    MACE_RETURN_IF_ERROR(RunAll(graph, folding, {kTransposeSinking, kReshape, kConstantFolding}));
  }
  MACE_RETURN_IF_ERROR(
      RunAll(graph, folding,
             {kTransposeToReshape, kReshape, kTransposeSinking, kTransposeHoisting, kTransposeToReshape,
              kReshape, kActivation, kFullyConnected, kQuantizeMoving, kQuantized, kReshape, kConstantFolding,
              kScaleFolding, kInputFolding, kMatMulTranspose, kIdentity, kConstantFolding, kControl}));
  if (graph->subgraphs.empty()) return Status::Ok();
  MACE_RETURN_IF_ERROR(RunAll(graph, folding, {kShapeInference}));
  for (auto& subgraph : graph->subgraphs) {
    MACE_RETURN_IF_ERROR(OptimizeWithBodies(subgraph.get(), folding, report));
  }
  return RunAll(graph, folding, {kControl});
}

}  // namespace

std::vector<NamedPass> AllPasses() {
  return {kShapeInference, kConstantFolding,  kDeadCode,          kIdentity,
          kReshape,        kTransposeSinking, kTransposeHoisting, kTransposeToReshape,
          kScaleFolding,   kInputFolding,     kActivation,        kFullyConnected,
          kQuantizeMoving, kQuantized,        kMatMulTranspose,   kCast,
          kControl};
}

Status OptimizeGraph(Graph* graph, OptimizeReport* report) {
  MACE_RETURN_IF_ERROR(RunShapeInference(graph));
  Folding folding = {.allowance = FoldingAllowance(*graph)};
  MACE_RETURN_IF_ERROR(OptimizeWithBodies(graph, &folding, report));
  MACE_RETURN_IF_ERROR(RunShapeInference(graph));
  return VerifyGraph(*graph, &FindOpDefinition);
}

}  // namespace mace::passes
