// RNN, GRU and LSTM.
#include <algorithm>
#include <cctype>

#include "mace/importers/onnx/emit_norm.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/ops/recurrent/recurrent.h"

namespace mace::importers::onnx {
namespace {

using ops::GateActivation;

struct ActivationName {
  std::string_view name;  // lower case: onnxruntime does not distinguish
  GateActivation activation;
  bool has_alpha = false, has_beta = false;
  float alpha = 0, beta = 0;  // where the file does not say
};
constexpr ActivationName kActivations[] = {
    {"sigmoid", GateActivation::kSigmoid},
    {"tanh", GateActivation::kTanh},
    {"relu", GateActivation::kRelu},
    {"affine", GateActivation::kAffine, true, true, 1, 0},
    {"leakyrelu", GateActivation::kLeakyRelu, true, false, 0.01f},
    {"thresholdedrelu", GateActivation::kThresholdedRelu, true, false, 1},
    {"scaledtanh", GateActivation::kScaledTanh, true, true, 1, 1},
    {"hardsigmoid", GateActivation::kHardSigmoid, true, true, 0.2f, 0.5f},
    {"elu", GateActivation::kElu, true, false, 1},
    {"softsign", GateActivation::kSoftsign},
    {"softplus", GateActivation::kSoftplus},
};

const ActivationName& FindActivation(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const ActivationName& known : kActivations) {
    if (known.name == lower) return known;
  }
  throw ImportError(InvalidArgument("activation '%s' is not known", name.c_str()));
}

ops::Direction ReadDirection(OnnxNode& node) {
  const std::string direction = node.String("direction", "forward");
  if (direction == "forward") return ops::Direction::kForward;
  if (direction == "reverse") return ops::Direction::kReverse;
  if (direction == "bidirectional") return ops::Direction::kBidirectional;
  throw ImportError(InvalidArgument("direction='%s' is not known", direction.c_str()));
}

// The activations of all directions where they are others than `usual`, those of one direction. ONNX's lists
// of alphas and betas hold the numbers of those activations alone that have any.
template <typename Attributes>
void ReadActivations(OnnxNode& node, std::span<const GateActivation> usual, Attributes* attributes) {
  const std::vector<std::string> names = node.Strings("activations");
  const std::vector<float> alphas = node.Floats("activation_alpha"), betas = node.Floats("activation_beta");
  if (names.empty()) return;
  const size_t directions = attributes->direction == ops::Direction::kBidirectional ? 2 : 1;
  if (names.size() < usual.size() * directions && names.size() != usual.size()) {
    throw ImportError(
        InvalidArgument("%zu activations, expected %zu", names.size(), usual.size() * directions));
  }
  bool is_usual = true;
  size_t next_alpha = 0, next_beta = 0;
  for (size_t i = 0; i < usual.size() * directions; ++i) {
    const ActivationName& known = FindActivation(names[i % names.size()]);
    is_usual = is_usual && known.activation == usual[i % usual.size()];
    const bool alpha = known.has_alpha && next_alpha < alphas.size();
    const bool beta = known.has_beta && next_beta < betas.size();
    attributes->activations.Push(static_cast<int64_t>(known.activation));
    attributes->alphas.Push(alpha ? alphas[next_alpha++] : known.alpha);
    attributes->betas.Push(beta ? betas[next_beta++] : known.beta);
  }
  if (!is_usual) return;
  attributes->activations = {};
  attributes->alphas = {};
  attributes->betas = {};
}

template <typename Attributes>
Attributes ReadLayer(OnnxNode& node, int64_t hidden, std::span<const GateActivation> usual) {
  Attributes attributes;
  attributes.hidden_size = hidden;
  attributes.direction = ReadDirection(node);
  node.Ignore("output_sequence");  // before operator set 7: whether output 0 is wanted
  attributes.clip = node.Float("clip", 0);
  ReadActivations(node, usual, &attributes);
  return attributes;
}

// Whether sequence lengths say no more than x does: all of them are its number of steps.
bool AreAllSteps(OnnxContext& context, ValueId lengths, int64_t steps) {
  const TensorView* view = context.graph().ConstantOf(lengths);
  if (view == nullptr || view->dtype != DType::kI32 || steps < 0) return false;
  return std::all_of(view->as<int32_t>(), view->as<int32_t>() + view->elements(),
                     [steps](int32_t length) { return length == steps; });
}

// The operands in the IR's order and layout; absent ones at the end are left out.
std::vector<ValueId> ReadOperands(OnnxContext& context, OnnxNode& node, ValueId w, ValueId r,
                                  bool batch_first, int directions, int64_t hidden, bool lstm) {
  std::vector<ValueId> inputs = {context.WithRank(context.Input(node, 0), 3), w, r};
  constexpr int kRanks[] = {3, 3, 3, 2, 1, 3, 3, 2};
  for (int i = 3; i < (lstm ? 8 : 6); ++i) {
    inputs.push_back(context.WithRank(context.OptionalInput(node, i), kRanks[i]));
  }
  const Shape weights = context.TypeOf(inputs[1]).shape;
  context.RefineInput(inputs[0], {kUnknownDim, kUnknownDim, weights.rank == 3 ? weights[2] : kUnknownDim});
  const Shape x = context.TypeOf(inputs[0]).shape;
  const int64_t batch = x.rank == 3 ? x[batch_first ? 0 : 1] : kUnknownDim;
  const int64_t steps = x.rank == 3 ? x[batch_first ? 1 : 0] : kUnknownDim;
  const Shape state = batch_first ? Shape{batch, directions, hidden} : Shape{directions, batch, hidden};
  if (inputs[4] != kNone && AreAllSteps(context, inputs[4], steps)) inputs[4] = kNone;
  for (size_t i = 5; i < std::min<size_t>(inputs.size(), 7); ++i) {
    context.RefineInput(inputs[i], state);
    if (batch_first && inputs[i] != kNone) inputs[i] = context.Transpose(inputs[i], {1, 0, 2});
  }
  if (batch_first) inputs[0] = context.Transpose(inputs[0], {1, 0, 2});
  while (inputs.back() == kNone) inputs.pop_back();
  return inputs;
}

// The node with these weights, w [D, G * H, I] and r [D, G * H, H].
Outputs ConvertLayer(OnnxContext& context, OnnxNode& node, OpId op, ValueId w, ValueId r) {
  constexpr GateActivation kUsual[] = {GateActivation::kSigmoid, GateActivation::kTanh,
                                       GateActivation::kTanh};
  const bool lstm = op == OpId::kLstm;
  const bool batch_first = node.Int("layout", 0) != 0;
  w = context.WithRank(w, 3);
  r = context.WithRank(r, 3);
  if (context.RankOf(r) != 3) throw ImportError(InvalidArgument("R must have rank 3"));
  const int64_t hidden = node.Int("hidden_size", context.TypeOf(r).shape[2]);
  if (hidden < 1) throw ImportError(Unsupported("neither hidden_size nor R tell the number of units"));
  const int directions = ReadDirection(node) == ops::Direction::kBidirectional ? 2 : 1;
  const std::vector<ValueId> inputs =
      ReadOperands(context, node, w, r, batch_first, directions, hidden, lstm);
  std::vector<ValueId> outputs;
  if (lstm) {
    auto attributes = ReadLayer<ops::LstmAttributes>(node, hidden, kUsual);
    attributes.input_forget = node.Int("input_forget", 0) != 0;
    outputs = context.EmitMany(op, inputs, attributes, 3);
  } else if (op == OpId::kGru) {
    auto attributes = ReadLayer<ops::GruAttributes>(node, hidden, std::span(kUsual).first(2));
    attributes.linear_before_reset = node.Int("linear_before_reset", 0) != 0;
    outputs = context.EmitMany(op, inputs, attributes, 2);
  } else {
    const auto attributes = ReadLayer<ops::RnnAttributes>(node, hidden, std::span(kUsual).subspan(1, 1));
    outputs = context.EmitMany(op, inputs, attributes, 2);
  }
  if (!batch_first) return outputs;
  // [T, D, B, H] -> [B, T, D, H], states [D, B, H] -> [B, D, H].
  outputs[0] = context.Transpose(outputs[0], {2, 0, 1, 3});
  for (size_t i = 1; i < outputs.size(); ++i) outputs[i] = context.Transpose(outputs[i], {1, 0, 2});
  return outputs;
}

}  // namespace

Outputs ConvertRecurrent(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  return ConvertLayer(context, node, entry.op, context.Input(node, 1), context.Input(node, 2));
}

Outputs ConvertLstm(OnnxContext& context, OnnxNode& node, ValueId w, ValueId r) {
  return ConvertLayer(context, node, OpId::kLstm, w, r);
}

}  // namespace mace::importers::onnx
