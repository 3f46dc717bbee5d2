// Graph passes (host code), one file each. A pass works on one graph; OptimizeGraph runs them on subgraphs
// too. Every pass takes a graph that VerifyGraph accepts and whose types
// are inferred, and leaves one: nodes sorted, nothing dead. What a graph computes changes at most by
// rounding. An error says why a graph is broken; a pattern that does not fit is left alone.
#ifndef MACE_PASSES_PASSES_H_
#define MACE_PASSES_PASSES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mace/graph/graph.h"

namespace mace::passes {

// Dtypes and shapes of all values from the inputs, constants and shape rules.
Status RunShapeInference(Graph* graph);
// Computes what depends on constants alone, within limits of size and work. Constants that a Cast or
// Dequantize makes larger stay: constant_conversion deals with them.
Status RunConstantFolding(Graph* graph);
// The same where it runs several times: what one run adds to the constants is taken from *allowance (bytes).
// What would exceed it stays a node: a small file can ask for any number of constants of 1 MiB.
Status RunConstantFolding(Graph* graph, int64_t* allowance);
// Small constants behind a Cast or Dequantize that makes them larger (float16 and int8 weights) are converted
// now; large ones are kept as they are stored, and the runtime converts them while it packs them.
Status RunConstantConversion(Graph* graph);
// The same with an allowance. Where `keep_quantized`, Dequantize stays: what quantized_fusion looks for.
Status RunConstantConversion(Graph* graph, int64_t* allowance, bool keep_quantized);
// 16 MiB and four times the constants that the graph has now, those of its subgraphs included.
int64_t FoldingAllowance(const Graph& graph);
// Drops what no output and no state needs.
Status RunDeadCodeRemoval(Graph* graph);
// Drops Identity, and Cast to the same type, Split into one, Concat of one, Expand and Slice that change
// nothing.
Status RunIdentityRemoval(Graph* graph);
// Reshape, Flatten, Squeeze and Unsqueeze: chains become one Reshape by attribute, or nothing.
Status RunReshapeMerging(Graph* graph);
// Moves Transposes toward the outputs, through whatever can work on the permuted tensor, so that those an
// importer of an NCHW format put around spatial operators meet and cancel.
Status RunTransposeSinking(Graph* graph);
// A Transpose behind elementwise preparation of a graph input moves up to the input.
Status RunTransposeHoisting(Graph* graph);
// Transposes that only move axes of size 1 become Reshapes.
Status RunTransposeToReshape(Graph* graph);
// BatchNormalization becomes Mul and Add; per-channel Mul and Add (Sub) behind a convolution or
// FullyConnected become part of its weights and bias.
Status RunScaleFolding(Graph* graph);
// What in front of a convolution multiplies its input channels by constants, or puts them in reverse order,
// becomes part of its weights (a picture's normalisation, RGB for BGR).
Status RunInputFolding(Graph* graph);
// (x - mean) / sqrt(variance + epsilon) over the last axes, scale and bias behind it -> LayerNormalization;
// without the mean: the one by the root mean square.
Status RunLayerNormRecognition(Graph* graph);
// The same over the pixels of each channel -> GroupNormalization of as many groups as channels.
Status RunInstanceNormRecognition(Graph* graph);
// The same over the pixels and channels of each group of channels -> GroupNormalization.
Status RunGroupNormRecognition(Graph* graph);
// 0.5 * x * (1 + erf(x / sqrt 2)), and its approximation by tanh -> Gelu.
Status RunGeluRecognition(Graph* graph);
// x * sigmoid(x) -> Silu.
Status RunSiluRecognition(Graph* graph);
// x * clip(x + 3, 0, 6) / 6 -> HardSwish.
Status RunHardSwishRecognition(Graph* graph);
// clip(a * x + b, 0, 1), clip(x + 3, 0, 6) / 6 -> HardSigmoid.
Status RunHardSigmoidRecognition(Graph* graph);
// log(1 + exp(x)) -> Softplus; x * tanh(softplus(x)) -> Mish.
Status RunMishRecognition(Graph* graph);
// relu(x) - a * relu(-x) -> PRelu; max(x, a * x) -> LeakyRelu.
Status RunPReluRecognition(Graph* graph);
// exp(x - max) / sum -> Softmax.
Status RunSoftmaxRecognition(Graph* graph);
// Reshape, Transpose, Reshape -> DepthToSpace or SpaceToDepth.
Status RunDepthToSpaceRecognition(Graph* graph);
// Reshape, Expand, Reshape that repeat pixels -> Resize.
Status RunUpsamplingRecognition(Graph* graph);
// The nodes of each step of an unrolled LSTM -> Lstm.
Status RunLstmRecognition(Graph* graph);
// A scalar factor of attention scores moves to the projection whose weights it can be multiplied into.
Status RunScaleHoisting(Graph* graph);
// MatMul by constant weights, with the Add behind it -> FullyConnected.
Status RunFullyConnectedFusion(Graph* graph);
// Transposes in front of MatMul become its transpose flags where that spares work.
Status RunMatMulTransposeFusion(Graph* graph);
// Quantize moves up, Dequantize down, through operators that only move elements.
Status RunQuantizeMoving(Graph* graph);
// Dequantize, operator, Quantize -> the operator on integers (rounding kHalfEvenFloat), where it has that
// form.
Status RunQuantizedFusion(Graph* graph);
// Gather(Cast(constant table)) -> Cast(Gather(constant table)), so that a big table stays small; Slice too.
Status RunCastSinking(Graph* graph);

// Equal operators on equal operands, with equal attributes, are computed once.
Status RunCommonSubexpressions(Graph* graph);
// SpaceToBatch, Conv2d, BatchToSpace (the outer two as Reshape, Transpose, Reshape) -> a dilated Conv2d.
Status RunBatchToDilation(Graph* graph);
// Constants of equal type, shape, quantization and bytes are stored once.
Status RunWeightSharing(Graph* graph);
// x * 1, x - 0, x / 2^n, -(-x), chains of scalar factors, 1 / sqrt(x), (1 - z) * n + z * h and the like,
// where that is exact but for rounding.
Status RunAlgebra(Graph* graph);
// Slices that are all parts of a tensor along an axis -> Split; Concat of all parts of a Split -> nothing.
Status RunSliceMerging(Graph* graph);
// Stacks (Concat of tensors that get an axis for it) -> Concat and one Reshape; Split into parts that lose
// their axis -> Reshape and Split.
Status RunStackMerging(Graph* graph);
// Concat of what only it reads of another Concat along the same axis -> one Concat.
Status RunConcatMerging(Graph* graph);
// A Reshape that drops the axes that a Reduce keeps -> Reduce without them.
Status RunReduceSqueezing(Graph* graph);
// Pad by zeros in front of Conv2d or AveragePool2d -> their own padding.
Status RunPadFolding(Graph* graph);
// What is added, per channel, to the input of a FullyConnected or of a convolution that pads nothing becomes
// part of its bias.
Status RunInputBiasFolding(Graph* graph);
// Shapes computed from dimensions: what is known becomes a constant, and a Reshape's target its attribute
// (copied axes, one inferred), with symbolic dimensions too.
Status RunShapeFolding(Graph* graph);

// If and Loop: constants that they capture are copied into the bodies, what a loop carries unchanged is
// captured, captures and results that nobody reads are dropped, and an If of constant condition is replaced
// by the branch that runs.
Status RunControlSimplification(Graph* graph);
// The same; the bytes of copies are taken from *allowance: many bodies may capture one constant.
Status RunControlSimplification(Graph* graph, int64_t* allowance);

struct OptimizeOptions {
  std::vector<std::string> without = {};              // passes that are left out
  std::optional<std::vector<std::string>> only = {};  // where given: no others run
  // Ends after so many runs of passes: for finding the first one that breaks something. Below 0: never.
  int64_t max_runs = -1;
};
// One run of one pass on one graph.
struct PassRecord {
  std::string name;
  std::string graph;  // the subgraph's name; empty for the outermost graph
  bool changed = false;
  int64_t nodes_before = 0, nodes_after = 0;
  int64_t constant_bytes_before = 0, constant_bytes_after = 0;
  double seconds = 0;
};
struct OptimizeReport {
  std::vector<std::string> notes;
  std::vector<PassRecord> passes;
};
// All of the above in a good order, on the graph and then on its subgraphs; verifies the graph at the end.
// Shape inference always runs. An unknown name in the options is an error.
Status OptimizeGraph(Graph* graph, const OptimizeOptions& options, OptimizeReport* report);
inline Status OptimizeGraph(Graph* graph, OptimizeReport* report) {
  return OptimizeGraph(graph, OptimizeOptions{}, report);
}

struct NamedPass {
  const char* name;
  Status (*run)(Graph* graph);
};
// Every pass, for tests that run each alone.
std::vector<NamedPass> AllPasses();

}  // namespace mace::passes

#endif  // MACE_PASSES_PASSES_H_
