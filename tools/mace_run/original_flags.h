// The command line as the original's programs take it: gflags' spellings, lists of tensors, and the flags of
// what MACE has not built yet.
#ifndef TOOLS_MACE_RUN_ORIGINAL_FLAGS_H_
#define TOOLS_MACE_RUN_ORIGINAL_FLAGS_H_

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "mace/mace.h"
#include "mace/public/mace_types.h"

namespace mace_run {

// The command line is wrong: exit status 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What the flags --input_* or --output_* say; empty where they were not given. One entry serves all tensors.
struct TensorFlags {
  std::vector<std::string> nodes;
  std::vector<std::vector<int64_t>> shapes;
  std::vector<mace_dtype> types;
  std::vector<mace::DataFormat> formats;
};

// What they say of one input or output of the model.
struct TensorFlag {
  bool is_named = true;  // by --input_node or --output_node, or there was none
  std::optional<std::vector<int64_t>> shape;
  std::optional<mace_dtype> type;
  std::optional<mace::DataFormat> format;  // the original's default is NHWC
};

// One per tensor of `infos`. `side` is "input" or "output". Throws UsageError where the model has no such
// tensor or the lists have other lengths.
std::vector<TensorFlag> Resolve(const TensorFlags& flags, std::span<const mace::TensorInfo> infos,
                                const std::string& side);

// "" or what is wrong with the text. Shapes: ',' between dimensions, ':' between tensors; with `allow_any` a
// dimension may be -1.
std::string ParseNodes(const std::string& text, std::vector<std::string>* nodes);
std::string ParseShapes(const std::string& text, bool allow_any, std::vector<std::vector<int64_t>>* shapes);
std::string ParseTypes(const std::string& text, std::vector<mace_dtype>* types);
std::string ParseFormats(const std::string& text, std::vector<mace::DataFormat>* formats);

// A flag of the original that is accepted and has no effect.
struct UnbuiltFlag {
  const char* name;
  const char* value;  // what --help calls it
  int least, most;    // of a number; a text where least > most
  const char* help;
  const char* reason;
};
std::span<const UnbuiltFlag> UnbuiltFlags();

// The candidate nearest to `word`, or "" where none is near.
std::string NearestWord(const std::string& word, std::span<const std::string> candidates);

// A flag without a value, and what it is called.
struct Switch {
  std::string spelling;
  std::string name;
};
// gflags' spellings in CLI11's: -flag and --flag are the same for `names`, which have values; of `switches`,
// --flag=true, --flag=false and --noflag are understood and the last one counts. Throws UsageError.
std::vector<std::string> Normalized(std::span<const std::string> arguments,
                                    std::span<const std::string> names, std::span<const Switch> switches);

}  // namespace mace_run

#endif  // TOOLS_MACE_RUN_ORIGINAL_FLAGS_H_
