// Converters of random numbers. With a seed they are those of TensorFlow Lite's kernels: the sequence of each
// operator begins where the states of a session do, and goes on from run to run, also inside branches and
// loops. (LiteRT makes the subgraphs of IF and WHILE ready anew in each run: there its sequences go on from
// turn to turn of a loop, but begin again in each run.) Without a seed each run draws others.
#include <string>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_subgraphs.h"
#include "mace/ops/random/multinomial.h"
#include "mace/ops/random/random.h"

namespace mace::importers::tflite {
namespace {

constexpr int32_t kStandardNormal = 146, kUniform = 148, kMultinomial = 149;

struct Seeds {
  int64_t key = 0;
  int64_t stream = 0;
  bool given() const { return key != 0 || stream != 0; }
};

// LiteRT reads the low 32 bits of each.
Seeds SeedsOf(const file::OperatorRecord& record) {
  const auto* options = record.options_as<file::RandomOptions>();
  return options == nullptr
             ? Seeds()
             : Seeds{static_cast<int32_t>(options->seed()), static_cast<int32_t>(options->seed2())};
}

template <typename Attributes>
Attributes SeededAttributes(const TfliteContext& context) {
  const Seeds seeds = SeedsOf(context.file().operation(context.operator_index()));
  Attributes attributes;
  attributes.generator = ops::RandomGenerator::kTensorFlow;
  attributes.is_seeded = seeds.given();
  attributes.seed = seeds.key;
  attributes.stream = seeds.stream;
  return attributes;
}

// Emits the operator, whose operands end with the block that its sequence goes on at.
template <typename Attributes>
void EmitDrawing(TfliteContext& context, OpId op, std::vector<ValueId> inputs, const Attributes& attributes) {
  SubgraphWork& work = context.work();
  const int32_t variable =
      FindOrAddRandomVariable(&work, context.file(), work.callers.back(), context.operator_index());
  // A subgraph that initialises runs once: the beginning of the sequence is all that it sees.
  const bool continues =
      variable != kNone && (context.is_outermost() || context.scope().values.contains(variable));
  if (!continues) return context.EmitOutput(op, inputs, &attributes, sizeof(attributes), 0);
  inputs.push_back(context.ReadVariable(variable));
  const TensorType types[] = {context.OutputType(0), {DType::kI64, Shape{1}, kNone}};
  const std::string_view names[] = {context.file().TensorName(context.OutputTensor(0)), {}};
  const std::vector<ValueId> outputs =
      context.EmitNode(op, inputs, &attributes, sizeof(attributes), types, names);
  context.BindOutput(0, outputs[0]);
  context.AssignVariable(variable, outputs[1]);
}

}  // namespace

int32_t FindOrAddRandomVariable(SubgraphWork* work, const TfliteFile& file, int32_t subgraph, int index) {
  const int32_t number = file.OperatorNumber(index);
  if (number != kStandardNormal && number != kUniform && number != kMultinomial) return kNone;
  if (!SeedsOf(file.operation(index)).given()) return kNone;
  const auto [found, is_new] = work->random_variables.emplace(std::pair(subgraph, index),
                                                              static_cast<int32_t>(work->variables.size()));
  if (is_new) {
    work->allowance -= static_cast<int64_t>(2 * sizeof(Variable));
    Variable variable;
    variable.name = "random numbers " + std::to_string(subgraph) + "." + std::to_string(index);
    variable.dtype = DType::kI64;
    variable.shape = Shape{1};
    variable.has_initial = true;
    variable.initial.assign(1, 0);
    work->variables.push_back(std::move(variable));
  }
  return found->second;
}

void ConvertRandom(TfliteContext& context) {
  auto attributes = SeededAttributes<ops::RandomAttributes>(context);
  const bool is_normal = context.number() == kStandardNormal;
  attributes.kind = is_normal ? ops::RandomKind::kNormal : ops::RandomKind::kUniform;
  EmitDrawing(context, OpId::kRandom, {AsInt64(context, context.Input(0))}, attributes);
}

void ConvertMultinomial(TfliteContext& context) {
  auto attributes = SeededAttributes<ops::MultinomialAttributes>(context);
  attributes.to = context.OutputType(0).dtype;
  EmitDrawing(context, OpId::kMultinomial, {context.Input(0), context.Input(1)}, attributes);
}

}  // namespace mace::importers::tflite
