// The nodes that own subgraphs: what whoever walks a graph with its bodies has to know of them. What they
// mean stands in mace/ops/control/control.h.
#ifndef MACE_GRAPH_CONTROL_NODES_H_
#define MACE_GRAPH_CONTROL_NODES_H_

#include <array>
#include <cstdint>

#include "mace/core/status.h"
#include "mace/graph/attributes.h"
#include "mace/graph/graph.h"

namespace mace {

namespace ops {

struct IfAttributes {
  int32_t then_branch = -1;  // index into Graph::subgraphs
  int32_t else_branch = -1;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, IfAttributes, then_branch), MACE_FIELD(2, IfAttributes, else_branch)};
  }
};

struct LoopAttributes {
  int32_t body = -1;  // index into Graph::subgraphs
  int32_t carried_count = 0;

  static constexpr auto Fields() {
    return std::array{MACE_FIELD(1, LoopAttributes, body), MACE_FIELD(2, LoopAttributes, carried_count)};
  }
};

inline constexpr int kIfFixedInputs = 1;    // the condition, in front of the captures; bodies do not have it
inline constexpr int kLoopFixedInputs = 2;  // of the node, and of the body, in front of the carried values

}  // namespace ops

inline constexpr int kMaxBodies = 2;

// The subgraphs that a node owns: two of an If, one of a Loop, none of any other node. The indices may be out
// of range where nobody has checked the graph.
struct Bodies {
  int count = 0;
  int32_t indices[kMaxBodies] = {kNone, kNone};

  const int32_t* begin() const { return indices; }
  const int32_t* end() const { return indices + count; }
};
Bodies BodiesOf(const Node& node);
// As many as BodiesOf gives.
void SetBodies(const Bodies& bodies, Node* node);

// Input `i` of a body is input `i` plus this of the node: 1 of an If, 0 of a Loop.
inline int BodyInputOffset(const Node& node) { return node.op == OpId::kIf ? ops::kIfFixedInputs : 0; }

// That the bodies of a control node exist, and that their inputs and outputs are as many as the node's. A
// node may have fewer outputs than its bodies.
Status CheckBodies(const Graph& graph, const Node& node);
// The same for a node of so many inputs and outputs.
Status CheckBodies(const Graph& graph, const ops::IfAttributes& attributes, size_t inputs, size_t outputs);
Status CheckBodies(const Graph& graph, const ops::LoopAttributes& attributes, size_t inputs, size_t outputs);

// What holds of a value that is of the one type or the other: dimensions that differ are unknown, and so is a
// rank that differs.
Shape CommonShape(const Shape& a, const Shape& b);

}  // namespace mace

#endif  // MACE_GRAPH_CONTROL_NODES_H_
