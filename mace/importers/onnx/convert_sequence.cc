// Sequences and optional values, which MACE does not have: as far as the importer can follow which tensors
// they hold, these are handed on in their place.
#include <algorithm>
#include <numeric>

#include "mace/importers/onnx/onnx_body.h"
#include "mace/importers/onnx/onnx_import.h"
#include "mace/importers/onnx/onnx_registry.h"
#include "mace/importers/onnx/sequence_loop.h"
#include "mace/importers/onnx/slices.h"
#include "mace/importers/onnx/window.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"
#include "mace/passes/constants.h"

namespace mace::importers::onnx {
namespace {

using Part = Sequence::Part;

ImportError NotFollowed(const char* what) {
  return ImportError(Unsupported("a sequence with %s", what))
      .WithAction("export the model without sequences (torch.stack and torch.cat in place of lists)");
}

void Tell(OnnxContext& context) {
  context.Repaired("a sequence of tensors", "the tensors themselves, or all of them stacked");
}

Sequence Taken(OnnxContext& context, const OnnxNode& node, int i) {
  const ValueId handle = context.AnyInput(node, i);
  if (!OnnxContext::IsSequence(handle)) throw ImportError(InvalidArgument("input %d is no sequence", i));
  const Sequence& sequence = context.SequenceOf(handle);
  if (sequence.is_none)
    throw ImportError(InvalidArgument("input %d is an optional value without a value", i));
  context.SpendNodes(static_cast<int64_t>(sequence.parts.size()) + 1);
  return sequence;
}

bool IsList(const Sequence& sequence) {
  return sequence.grows == kNone &&
         std::ranges::none_of(sequence.parts, [](Part part) { return part.is_stack; });
}

std::optional<int64_t> Position(OnnxContext& context, ValueId value) {
  double number = 0;
  if (!passes::ScalarConstant(context.graph(), value, &number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

// Counted from the front; `end`: the first that is too much.
size_t PlaceOf(int64_t position, size_t count, size_t end) {
  const int64_t place = position < 0 ? position + static_cast<int64_t>(count) : position;
  if (place < 0 || place >= static_cast<int64_t>(end)) {
    throw ImportError(InvalidArgument("position %lld of %zu", static_cast<long long>(position), count));
  }
  return static_cast<size_t>(place);
}

// Axis `from` moved to the place `to`.
ValueId WithAxisMoved(OnnxContext& context, ValueId value, int64_t from, int64_t to) {
  if (from == to) return value;
  std::vector<int64_t> order;
  for (int i = 0; i < context.RankOf(value); ++i) {
    if (i != from) order.push_back(i);
  }
  order.insert(order.begin() + to, from);
  IntList perm;
  for (int64_t axis : order) perm.Push(axis);
  return context.Transpose(value, perm);
}

ValueId Joined(OnnxContext& context, std::span<const ValueId> values, int64_t axis) {
  if (values.size() == 1) return values[0];
  return context.EmitMany(OpId::kConcat, values, ops::ConcatAttributes{.axis = axis}, 1)[0];
}

// All elements along a new axis 0; they must have one shape.
ValueId Stacked(OnnxContext& context, const Sequence& sequence) {
  if (sequence.grows != kNone) throw NotFollowed("elements that are read in the loop that adds some");
  if (sequence.parts.empty()) throw ImportError(InvalidArgument("an empty sequence"));
  std::vector<ValueId> stacks;
  for (const Part& part : sequence.parts) {
    stacks.push_back(part.is_stack ? part.value : context.Unsqueeze(part.value, {0}));
  }
  return Joined(context, stacks, 0);
}

// [T, d0, d1 ...] as its elements one behind the other along `axis`.
ValueId Unstacked(OnnxContext& context, ValueId stack, int64_t axis) {
  if (axis == 0 && context.RankOf(stack) == 2) return context.Reshape(stack, IntList{-1});
  const ValueId moved = WithAxisMoved(context, stack, 0, axis);
  return ReshapeTo(context, moved,
                   {SizesOf(context, moved, 0, axis), context.Int64s(IntList{-1}),
                    SizesOf(context, moved, axis + 2, context.RankOf(moved))});
}

}  // namespace

Outputs ConvertSequenceConstruct(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.Ignore("dtype");  // of SequenceEmpty
  context.SpendNodes(node.input_count());
  Sequence sequence;
  for (int i = 0; i < node.input_count(); ++i) sequence.parts.push_back({context.Input(node, i), false});
  Tell(context);
  return {context.AddSequence(std::move(sequence))};
}

Outputs ConvertSequenceInsert(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  Sequence sequence = Taken(context, node, 0);
  const Part part = {context.Input(node, 1), false};
  size_t place = sequence.parts.size();
  if (node.HasInput(2)) {
    const std::optional<int64_t> position = Position(context, context.Input(node, 2));
    if (!position.has_value() || !IsList(sequence))
      throw NotFollowed("an element put at a computed position");
    place = PlaceOf(*position, place, place + 1);
  }
  sequence.parts.insert(sequence.parts.begin() + static_cast<int64_t>(place), part);
  Tell(context);
  return {context.AddSequence(std::move(sequence))};
}

Outputs ConvertSequenceErase(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  Sequence sequence = Taken(context, node, 0);
  std::optional<int64_t> position = -1;
  if (node.HasInput(1)) position = Position(context, context.Input(node, 1));
  if (!position.has_value() || !IsList(sequence))
    throw NotFollowed("an element erased at a computed position");
  const size_t place = PlaceOf(*position, sequence.parts.size(), sequence.parts.size());
  sequence.parts.erase(sequence.parts.begin() + static_cast<int64_t>(place));
  Tell(context);
  return {context.AddSequence(std::move(sequence))};
}

Outputs ConvertSequenceAt(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const Sequence sequence = Taken(context, node, 0);
  const ValueId index = context.Input(node, 1);
  Tell(context);
  if (const auto position = Position(context, index); position.has_value() && IsList(sequence)) {
    const size_t place = PlaceOf(*position, sequence.parts.size(), sequence.parts.size());
    return {context.EmitMoved(OpId::kIdentity, {sequence.parts[place].value}, NoAttributes{})};
  }
  return {context.EmitMoved(OpId::kGather, {Stacked(context, sequence), index}, ops::GatherAttributes{})};
}

Outputs ConvertSequenceLength(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const Sequence sequence = Taken(context, node, 0);
  if (sequence.grows != kNone) throw NotFollowed("a length that is read in the loop that adds elements");
  int64_t singles = 0;
  ValueId length = kNone;
  for (const Part& part : sequence.parts) {
    if (!part.is_stack) {
      ++singles;
      continue;
    }
    const ValueId count = context.Reshape(SizesOf(context, part.value, 0, 1), IntList{});
    length = length == kNone ? count : context.Emit(OpId::kAdd, {length, count});
  }
  Tell(context);
  if (length == kNone) return {context.Int64(singles)};
  return {singles == 0 ? length : context.Emit(OpId::kAdd, {length, context.Int64(singles)})};
}

Outputs ConvertConcatFromSequence(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const Sequence sequence = Taken(context, node, 0);
  if (sequence.grows != kNone) throw NotFollowed("elements that are joined in the loop that adds some");
  if (sequence.parts.empty()) throw ImportError(InvalidArgument("an empty sequence"));
  if (!node.Has("axis")) throw ImportError(InvalidArgument("axis is missing"));
  const bool new_axis = node.Int("new_axis", 0) != 0;
  std::vector<ValueId> joined;
  int64_t axis = node.Int("axis", 0);
  for (const Part& part : sequence.parts) {
    const int rank = context.RankOf(part.value) - (part.is_stack ? 1 : 0);
    axis = context.NormalizedAxis(axis, rank < 0 ? -1 : rank + (new_axis ? 1 : 0));
    if (new_axis) {
      joined.push_back(part.is_stack ? WithAxisMoved(context, part.value, 0, axis)
                                     : context.Unsqueeze(part.value, IntList{axis}));
    } else {
      joined.push_back(part.is_stack ? Unstacked(context, part.value, axis) : part.value);
    }
  }
  Tell(context);
  return {context.EmitMoved(OpId::kIdentity, {Joined(context, joined, axis)}, NoAttributes{})};
}

Outputs ConvertSplitToSequence(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId x = context.Input(node, 0);
  const int64_t axis = context.NormalizedAxis(node.Int("axis", 0), context.RankOf(x));
  const bool keeps = node.Int("keepdims", 1) != 0;
  Tell(context);
  if (!node.HasInput(1)) {  // each element of the axis
    const ValueId stack = WithAxisMoved(context, x, axis, 0);
    return {context.AddSequence({.parts = {{keeps ? context.Unsqueeze(stack, {axis + 1}) : stack, true}}})};
  }
  const ValueId split = context.Input(node, 1);
  const TensorView* given = context.graph().ConstantOf(split);
  const int64_t extent = context.TypeOf(x).shape[static_cast<int>(axis)];
  if (given == nullptr) throw NotFollowed("parts of computed sizes");
  std::vector<int64_t> sizes;
  if (given->shape.rank == 0) {
    const int64_t size = Position(context, split).value_or(0);
    if (extent < 0) throw NotFollowed("parts of an axis whose size is not known");
    if (size < 1) throw ImportError(InvalidArgument("parts of %lld elements", static_cast<long long>(size)));
    context.SpendNodes(extent / size + 1);
    for (int64_t left = extent; left > 0; left -= size) sizes.push_back(std::min(left, size));
  } else {
    const TensorView list = *context.graph().ConstantOf(AsInt64(context, split));
    context.SpendNodes(list.elements());
    sizes.assign(list.as<int64_t>(), list.as<int64_t>() + list.elements());
  }
  if (sizes.empty()) return {context.AddSequence({})};
  ops::SplitAttributes attributes;
  attributes.axis = axis;
  const ValueId inputs[] = {x, context.Int64s(sizes)};
  Sequence sequence;
  for (ValueId part :
       context.EmitMoved(OpId::kSplit, inputs, 1, attributes, static_cast<int>(sizes.size()))) {
    sequence.parts.push_back({part, false});
  }
  return {context.AddSequence(std::move(sequence))};
}

// The body for each element; of inputs that are sequences it gets those of one place.
Outputs ConvertSequenceMap(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const GraphProto& body = node.GraphOf("body");
  const Sequence first = Taken(context, node, 0);
  if (static_cast<int>(body.inputs.size()) != node.input_count()) {
    throw ImportError(
        InvalidArgument("the body has %zu inputs, the node %d", body.inputs.size(), node.input_count()));
  }
  Tell(context);
  std::vector<std::string_view> names;
  for (const ValueInfo& output : body.outputs) names.push_back(output.name);
  std::vector<Sequence> results(names.size());
  for (size_t place = 0; place < first.parts.size(); ++place) {
    std::vector<ValueId> operands;
    for (int i = 0; i < node.input_count(); ++i) {
      if (!OnnxContext::IsSequence(context.AnyInput(node, i))) {
        operands.push_back(context.Input(node, i));
        continue;
      }
      const Sequence sequence = Taken(context, node, i);
      if (!IsList(sequence)) throw NotFollowed("a number of elements that is not known");
      if (sequence.parts.size() != first.parts.size())
        throw ImportError(InvalidArgument("sequences of different lengths"));
      operands.push_back(sequence.parts[place].value);
    }
    const NameScope scope(&context, nullptr);
    for (size_t i = 0; i < operands.size(); ++i) context.BindOperand(body.inputs[i].name, operands[i]);
    const std::vector<ValueId> values = ConvertInner(body, names, &context);
    for (size_t i = 0; i < values.size(); ++i) results[i].parts.push_back({values[i], false});
  }
  Outputs outputs;
  for (Sequence& result : results) outputs.push_back(context.AddSequence(std::move(result)));
  return outputs;
}

Outputs ConvertOptional(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  node.Ignore("type");
  context.Repaired("an optional value", "the value itself");
  if (!node.HasInput(0)) return {context.AddSequence({.is_none = true})};
  return {context.AnyInput(node, 0)};
}

Outputs ConvertOptionalHasElement(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  context.Repaired("an optional value", "what is known of it");
  if (!node.HasInput(0)) return {context.Bool(false)};
  const ValueId value = context.AnyInput(node, 0);
  return {context.Bool(!OnnxContext::IsSequence(value) || !context.SequenceOf(value).is_none)};
}

Outputs ConvertOptionalGetElement(OnnxContext& context, OnnxNode& node, const OnnxOp& entry) {
  const ValueId value = context.AnyInput(node, 0);
  context.Repaired("an optional value", "the value itself");
  if (!OnnxContext::IsSequence(value)) return {context.EmitMoved(OpId::kIdentity, {value}, NoAttributes{})};
  return {context.AddSequence(Taken(context, node, 0))};
}

// --- Loops that add to sequences --------------------------------------------------------------------------

SequenceLoop::SequenceLoop(OnnxContext& context, const OnnxNode& node) : context_(context) {
  for (int i = kFirstCarried; i < node.input_count(); ++i) carried_.push_back(context.AnyInput(node, i));
}

std::vector<ValueId> SequenceLoop::Tensors() const {
  std::vector<ValueId> tensors;
  for (ValueId value : carried_) {
    if (!OnnxContext::IsSequence(value)) tensors.push_back(value);
  }
  return tensors;
}

void SequenceLoop::BindBody(const GraphProto& graph, std::span<const ValueId> tensors,
                            OnnxContext* inside) const {
  size_t next = 0;
  for (size_t i = 0; i < carried_.size(); ++i) {
    const bool is_sequence = OnnxContext::IsSequence(carried_[i]);
    inside->Bind(graph.inputs[kFirstCarried + i].name,
                 is_sequence ? inside->AddSequence({.grows = static_cast<int32_t>(i)}) : tensors[next++]);
  }
}

std::vector<ValueId> SequenceLoop::TakeApart(const std::vector<ValueId>& results, OnnxContext* inside) {
  added_.assign(carried_.size(), false);
  if (results.size() < 1 + carried_.size()) return results;  // EmitLoop complains
  std::vector<ValueId> tensors, added;
  for (size_t i = 0; i < results.size(); ++i) {
    const bool is_sequence = i >= 1 && i <= carried_.size() && OnnxContext::IsSequence(carried_[i - 1]);
    if (is_sequence != OnnxContext::IsSequence(results[i])) {
      throw ImportError(InvalidArgument("a sequence becomes a tensor in the body, or a tensor a sequence"));
    }
    if (!is_sequence) {
      tensors.push_back(results[i]);
      continue;
    }
    const Sequence& sequence = inside->SequenceOf(results[i]);
    if (sequence.grows != static_cast<int32_t>(i - 1) || sequence.parts.size() > 1 ||
        (sequence.parts.size() == 1 && sequence.parts[0].is_stack)) {
      throw NotFollowed("other changes in a loop than one element added behind the others");
    }
    added_[i - 1] = !sequence.parts.empty();
    if (added_[i - 1]) added.push_back(sequence.parts[0].value);
  }
  tensors.insert(tensors.end(), added.begin(), added.end());
  return tensors;
}

Outputs SequenceLoop::PutTogether(const std::vector<ValueId>& values) const {
  const auto added_count = static_cast<size_t>(std::ranges::count(added_, true));
  size_t next = 0, stack = values.size() - added_count;
  Outputs outputs;
  for (size_t i = 0; i < carried_.size(); ++i) {
    if (!OnnxContext::IsSequence(carried_[i])) {
      outputs.push_back(values[next++]);
      continue;
    }
    Sequence sequence = context_.SequenceOf(carried_[i]);
    context_.SpendNodes(static_cast<int64_t>(sequence.parts.size()) + 1);
    if (added_[i]) sequence.parts.push_back({values[stack++], true});
    outputs.push_back(context_.AddSequence(std::move(sequence)));
    Tell(context_);
  }
  outputs.insert(outputs.end(), values.begin() + static_cast<int64_t>(next),
                 values.end() - static_cast<int64_t>(added_count));
  return outputs;
}

}  // namespace mace::importers::onnx
