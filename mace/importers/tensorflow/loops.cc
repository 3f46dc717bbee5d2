// Bodies, If and Loop on their way to Graph::subgraphs (mace/ops/control/control.h).
#include <algorithm>
#include <limits>

#include "mace/graph/control_nodes.h"
#include "mace/importers/tensorflow/tensorflow_context.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tensorflow {

// What was known of the lists of a graph that is gone does not hold for this one, which may lie at its
// address.
Body::Body(ImportWork* work, GraphBuilder* outside)
    : work_(*work), outside_(*outside), graph_(std::make_unique<Graph>()), builder_(graph_.get(), outside) {
  auto& lists = work_.open_lists;
  const Graph* graph = graph_.get();
  lists.erase(lists.lower_bound({graph, std::numeric_limits<ValueId>::min()}),
              lists.upper_bound({graph, std::numeric_limits<ValueId>::max()}));
}

ValueId Body::AddInput(const TensorType& type) {
  builder_.Spend(sizeof(Value));
  const ValueId value = Unwrap(graph_->AddValue("", type));
  Check(graph_->inputs.PushBack(value));
  return value;
}

void Body::AddOutput(ValueId value) {
  const auto& outputs = graph_->outputs;
  if (graph_->values[value].producer == kNone ||
      std::find(outputs.begin(), outputs.end(), value) != outputs.end()) {
    const std::span<const ValueId> operand(&value, 1);
    std::vector<ValueId> ids;
    builder_.EmitTyped(OpId::kIdentity, operand, std::span(&graph_->values[value].type, 1), &ids);
    value = ids[0];
  }
  Check(graph_->outputs.PushBack(value));
}

ValueId Body::Capture(ValueId outer) {
  if (const auto found = inner_.find(outer); found != inner_.end()) return found->second;
  ValueId inner = kNone;
  if (const TensorView* view = outside_.graph().ConstantOf(outer); view != nullptr) {
    inner = builder_.AddConstant({}, *view);
  } else {
    builder_.Spend(sizeof(Value));
    inner = Unwrap(graph_->AddValue("", outside_.TypeOf(outer)));
    captured_.emplace_back(outer, inner);
    if (work_.IsOpenList(outside_.graph(), outer)) work_.open_lists.insert({graph_.get(), inner});
  }
  inner_.emplace(outer, inner);
  return inner;
}

void Body::ListCaptures(std::vector<ValueId>* outers) const {
  std::unordered_set<ValueId> seen(outers->begin(), outers->end());
  for (const auto& [outer, inner] : captured_) {
    if (seen.insert(outer).second) outers->push_back(outer);
  }
}

int32_t Body::Finish(std::span<const ValueId> outers) {
  for (ValueId outer : outers) {
    const bool is_captured = std::any_of(captured_.begin(), captured_.end(),
                                         [&](const auto& pair) { return pair.first == outer; });
    Check(graph_->inputs.PushBack(is_captured ? inner_.at(outer)
                                              : Unwrap(graph_->AddValue("", outside_.TypeOf(outer)))));
  }
  if (++work_.subgraphs > kMaxSubgraphs) {
    throw ImportError(Status::Format(StatusCode::kResourceExhausted, "more than %lld subgraphs",
                                     static_cast<long long>(kMaxSubgraphs)));
  }
  auto& subgraphs = outside_.graph().subgraphs;
  Check(subgraphs.PushBack(std::move(graph_)));
  return static_cast<int32_t>(subgraphs.size() - 1);
}

namespace {

// Brings the types of the carried values closer to what holds in all iterations; false where `types` did
// already.
bool Widen(const Body& body, int attempt, std::vector<TensorType>* types) {
  bool changed = false;
  for (size_t i = 0; i < types->size(); ++i) {
    TensorType& type = (*types)[i];
    const TensorType& result = body.OutputType(1 + i);
    if (type.dtype != result.dtype) {
      throw ImportError(InvalidArgument("carried value %zu is %s, the body makes %s of it", i,
                                        NameOf(type.dtype), NameOf(result.dtype)));
    }
    const Shape shape = CommonShape(type.shape, result.shape);
    changed = changed || !(shape == type.shape);
    type.shape = shape;
  }
  // One value may change another, one attempt later each: then all are left open, at last even the ranks.
  constexpr int kDimsAttempt = 2, kRanksAttempt = 3;
  for (TensorType& type : *types) {
    if (!changed || attempt < kDimsAttempt) break;
    if (attempt >= kRanksAttempt) type.shape = Shape::OfUnknownRank();
    for (int axis = 0; axis < type.shape.rank; ++axis) type.shape[axis] = kUnknownDim;
  }
  return changed;
}

// As many elements as the list has, whose rank was unknown until now, of sizes of 0.
ValueId Opened(GraphBuilder* builder, ValueId list, int rank) {
  const std::vector<int64_t> zeros(static_cast<size_t>(rank) - 1, 0);
  ops::ConstantOfShapeAttributes attributes;
  attributes.dtype = builder->DTypeOf(list);
  const ValueId sizes[] = {builder->Emit(OpId::kShape, {list}, ops::ShapeAttributes{}),
                           builder->Int64s(zeros)};
  const ValueId shape = builder->EmitMany(OpId::kConcat, sizes, ops::ConcatAttributes{}, 1)[0];
  return builder->Emit(OpId::kConstantOfShape, {shape}, attributes);
}

// A branch that leaves such a list alone gives it the rank that the other branch found.
void OpenOther(ImportWork* work, GraphBuilder* builder, Results* results, GraphBuilder* other,
               const Results& other_results) {
  for (size_t i = 0; i < results->size(); ++i) {
    ValueId& list = (*results)[i];
    const int rank = other->RankOf(other_results[i]);
    if (rank <= builder->RankOf(list) || !work->IsOpenList(builder->graph(), list)) continue;
    list = Opened(builder, list, rank);
  }
}

// Lists of elements of an unknown rank, which the body has filled: they begin with the rank that it found.
// False where there is none such.
bool OpenLists(ImportWork* work, GraphBuilder* builder, const Body& body, std::vector<ValueId>* carried) {
  bool changed = false;
  for (size_t i = 0; i < carried->size(); ++i) {
    ValueId& list = (*carried)[i];
    const int rank = body.OutputType(1 + i).shape.rank;
    if (rank <= builder->RankOf(list) || !work->open_lists.erase({&builder->graph(), list})) continue;
    list = Opened(builder, list, rank);
    changed = true;
  }
  return changed;
}

}  // namespace

std::optional<bool> KnownCondition(const GraphBuilder& builder, ValueId condition) {
  const TensorView* view = const_cast<GraphBuilder&>(builder).graph().ConstantOf(condition);
  if (view == nullptr || view->elements() != 1 || view->dtype != DType::kBool) return std::nullopt;
  return *view->as<uint8_t>() != 0;
}

ValueId AsCondition(GraphBuilder* builder, ValueId value) {
  const Shape& shape = builder->ShapeOf(value);
  if (shape.ElementCount() > 1 || shape.ElementCount() == 0) {
    throw ImportError(Unsupported("a condition of shape %s", ShapeText(shape).text));
  }
  return builder->Cast(value, DType::kBool);
}

Results EmitLoop(ImportWork* work, GraphBuilder* builder, ValueId condition, std::span<const ValueId> initial,
                 const BodyWriter& write) {
  std::vector<ValueId> carried(initial.begin(), initial.end());
  std::vector<TensorType> types;
  for (ValueId value : carried) types.push_back(builder->TypeOf(value));
  const size_t warnings = work->report.warnings.size();
  for (int attempt = 0;;) {
    work->report.warnings.resize(std::min(warnings, work->report.warnings.size()));
    Body body(work, builder);
    body.AddInput({DType::kI64, Shape{}, kNone});
    body.AddInput({DType::kBool, Shape{}, kNone});
    std::vector<ValueId> inner;
    for (size_t i = 0; i < types.size(); ++i) {
      inner.push_back(body.AddInput(types[i]));
      if (work->IsOpenList(builder->graph(), carried[i])) {
        work->open_lists.insert({&body.builder().graph(), inner.back()});
      }
    }
    const Results results = write(body, inner);
    if (results.empty()) return {};
    if (body.builder().DTypeOf(results[0]) != DType::kBool) {
      throw ImportError(InvalidArgument("the condition is %s", NameOf(body.builder().DTypeOf(results[0]))));
    }
    for (ValueId result : results) body.AddOutput(result);
    if (OpenLists(work, builder, body, &carried)) {
      for (size_t i = 0; i < carried.size(); ++i) types[i] = builder->TypeOf(carried[i]);
      continue;
    }
    if (Widen(body, attempt++, &types)) continue;
    const int64_t endless = INT64_MAX;
    std::vector<ValueId> operands = {
        builder->AddConstant({}, TensorView{const_cast<int64_t*>(&endless), DType::kI64, Shape{}}),
        condition};
    operands.insert(operands.end(), carried.begin(), carried.end());
    std::vector<ValueId> captures, ids;
    body.ListCaptures(&captures);
    const int32_t index = body.Finish(captures);
    operands.insert(operands.end(), captures.begin(), captures.end());
    const NodeId node = builder->EmitTyped(OpId::kLoop, operands, types, &ids);
    auto& attributes = builder->graph().nodes[node].attributes.as<ops::LoopAttributes>();
    attributes.body = index;
    attributes.carried_count = static_cast<int32_t>(carried.size());
    for (size_t i = 0; i < carried.size(); ++i) {
      if (work->IsOpenList(builder->graph(), carried[i]))
        work->open_lists.insert({&builder->graph(), ids[i]});
    }
    return ids;
  }
}

std::optional<Results> EmitIf(ImportWork* work, GraphBuilder* builder, ValueId condition,
                              const BranchWriter& then_branch, const BranchWriter& else_branch) {
  if (const auto known = KnownCondition(*builder, condition); known.has_value()) {
    return (*known ? then_branch : else_branch)(*builder, nullptr);
  }
  Body then_body(work, builder), else_body(work, builder);
  auto then_results = then_branch(then_body.builder(), &then_body);
  auto else_results = else_branch(else_body.builder(), &else_body);
  if (!then_results.has_value() || !else_results.has_value()) return std::nullopt;
  if (then_results->size() != else_results->size()) {
    throw ImportError(
        InvalidArgument("the branches have %zu and %zu outputs", then_results->size(), else_results->size()));
  }
  OpenOther(work, &then_body.builder(), &*then_results, &else_body.builder(), *else_results);
  OpenOther(work, &else_body.builder(), &*else_results, &then_body.builder(), *then_results);
  for (ValueId result : *then_results) then_body.AddOutput(result);
  for (ValueId result : *else_results) else_body.AddOutput(result);
  std::vector<TensorType> types;
  for (size_t i = 0; i < then_body.output_count(); ++i) {
    const TensorType &a = then_body.OutputType(i), &b = else_body.OutputType(i);
    if (a.dtype != b.dtype) {
      throw ImportError(InvalidArgument("output %zu is %s in one branch, %s in the other", i, NameOf(a.dtype),
                                        NameOf(b.dtype)));
    }
    types.push_back({a.dtype, CommonShape(a.shape, b.shape), kNone});
  }
  std::vector<ValueId> captures, operands = {condition}, ids;
  then_body.ListCaptures(&captures);
  else_body.ListCaptures(&captures);
  operands.insert(operands.end(), captures.begin(), captures.end());
  const int32_t then_index = then_body.Finish(captures);
  const int32_t else_index = else_body.Finish(captures);
  const NodeId node = builder->EmitTyped(OpId::kIf, operands, types, &ids);
  auto& attributes = builder->graph().nodes[node].attributes.as<ops::IfAttributes>();
  attributes.then_branch = then_index;
  attributes.else_branch = else_index;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (!work->IsOpenList(then_body.builder().graph(), (*then_results)[i])) continue;
    if (!work->IsOpenList(else_body.builder().graph(), (*else_results)[i])) continue;
    work->open_lists.insert({&builder->graph(), ids[i]});
  }
  return ids;
}

}  // namespace mace::importers::tensorflow
