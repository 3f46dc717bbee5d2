// RunMetadata from the texts of mace_session_explain_json and mace_session_profile_json. Not part of the
// original's names.
#ifndef MACE_PUBLIC_MACE_PROFILE_H_
#define MACE_PUBLIC_MACE_PROFILE_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mace/public/mace_json.h"
#include "mace/public/mace_types.h"

namespace mace {
inline namespace original_0 {
namespace profile {

inline ConvPoolArgs ArgsOf(const json::Value& node) {
  const json::Value& attributes = node["attributes"];
  ConvPoolArgs args = {};
  args.strides = attributes["strides"].Numbers<int>();
  if (args.strides.empty()) return args;
  args.dilations = attributes["dilations"].Numbers<int>();
  args.padding_type = static_cast<int>(attributes["padding"].number);
  const json::Value& pads = attributes["pads"];  // top, left, bottom, right
  if (args.padding_type == 0 && pads.items.size() == 4) {
    args.paddings = {static_cast<int>(pads[0].number + pads[2].number),
                     static_cast<int>(pads[1].number + pads[3].number)};
  }
  args.kernels = attributes["kernel"].Numbers<int64_t>();
  if (args.kernels.empty()) args.kernels = node["inputs"][1]["shape"].Numbers<int64_t>();
  return args;
}

// False where the texts are not those of one plan.
inline bool Read(std::string_view explain_text, std::string_view profile_text, RunMetadata* metadata) {
  json::Value explain, profile;
  if (!json::Reader(explain_text).Read(&explain) || !json::Reader(profile_text).Read(&profile)) return false;
  const json::Value& steps = explain["steps"];
  const json::Value& times = profile["steps"];
  if (steps.kind != json::Value::Kind::kArray || steps.items.size() != times.items.size()) return false;
  metadata->op_stats.clear();
  int64_t nanoseconds = 0;  // steps run one after the other
  for (size_t i = 0; i < steps.items.size(); ++i) {
    const json::Value& nodes = steps[i]["nodes"];
    const json::Value& node = nodes[static_cast<size_t>(steps[i]["main_node"].number)];
    OperatorStats stats = {};
    stats.operator_name = node["name"].text;
    stats.type = nodes.items.empty() ? steps[i]["kernel"].text : node["op"].text;
    // What is fused into the operator may change its shape: the last node's outputs are the step's.
    for (const json::Value& output : nodes[nodes.items.size() - 1]["outputs"].items) {
      stats.output_shape.push_back(output["shape"].Numbers<int64_t>());
    }
    stats.args = ArgsOf(node);
    stats.stats.start_micros = nanoseconds / 1000;
    nanoseconds += times[i]["nanoseconds"].number;
    stats.stats.end_micros = nanoseconds / 1000;
    metadata->op_stats.push_back(stats);
  }
  return true;
}

}  // namespace profile
}  // namespace original_0
}  // namespace mace

#endif  // MACE_PUBLIC_MACE_PROFILE_H_
