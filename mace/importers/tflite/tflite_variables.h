// What the subgraphs of one file share while they are converted, and resource variables: tensors that
// operators of any subgraph read and assign through handles. In the graph a variable is a state; bodies of If
// and Loop get its value as an input and give it back as an output (tflite_control.cc).
#ifndef MACE_IMPORTERS_TFLITE_TFLITE_VARIABLES_H_
#define MACE_IMPORTERS_TFLITE_TFLITE_VARIABLES_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mace/core/shape.h"
#include "mace/graph/graph.h"

namespace mace::importers::tflite {

struct Variable {
  std::string name;
  DType dtype = DType::kInvalid;  // until something tells
  Shape shape;
  bool is_quantized = false;
  float scale = 0;  // where it is quantized
  int64_t zero_point = 0;
  bool has_several_scales = false;
  bool has_initial = false;
  std::vector<uint64_t> initial;  // its bytes, aligned
};

struct SubgraphWork {
  int64_t allowance = 0;         // bytes that the graph may still take
  std::set<std::string> said;    // warnings that are told once
  std::vector<int32_t> callers;  // the subgraphs whose operators are being converted, outermost first
  int64_t bodies = 0;
  std::vector<Variable> variables;
  std::map<std::string, int32_t> variable_indices;
  // Operators that draw random numbers from a seed keep in a variable where their sequence goes on: by
  // subgraph and operator.
  std::map<std::pair<int32_t, int32_t>, int32_t> random_variables;
};

// What the variables hold at this point of one graph.
struct VariableScope {
  bool is_outermost = false;
  std::map<int32_t, ValueId> values;
  std::map<int32_t, int32_t> states;  // index into Graph::states, of the outermost graph
};

// What a subgraph gets or gives: a value, or the handle of a variable.
struct Operand {
  ValueId value = kNone;
  int32_t handle = kNone;
};

}  // namespace mace::importers::tflite

#endif  // MACE_IMPORTERS_TFLITE_TFLITE_VARIABLES_H_
