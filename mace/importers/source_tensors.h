// The tensors of a source file by name, and what a cut (CutOptions) needs of them.
#ifndef MACE_IMPORTERS_SOURCE_TENSORS_H_
#define MACE_IMPORTERS_SOURCE_TENSORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mace/importers/importer.h"

namespace mace::importers {

// CutOptions with the importer's number of each tensor.
struct ResolvedCut {
  struct Tensor {
    int32_t number = 0;
    std::string name;  // as the user wrote it: the edge of the new graph is called so
    std::optional<std::vector<int64_t>> shape = std::nullopt;
  };
  std::vector<std::pair<Tensor, Tensor>> joins = {};  // {from, to}
  std::vector<Tensor> inputs = {};
  std::vector<Tensor> outputs = {};
};

class SourceTensors {
 public:
  // The names of a model's own inputs and outputs go before those of other tensors. A name of several tensors
  // is an error only for who asks for it.
  void AddInput(std::string_view name, int32_t number) { Add(&inputs_, name, number); }
  void AddOutput(std::string_view name, int32_t number) { Add(&outputs_, name, number); }
  void AddTensor(std::string_view name, int32_t number) { Add(&tensors_, name, number); }

  // Finds every name, "x" also where the source has "x:0" and the other way round. Throws ImportError
  // for an unknown name (telling similar ones), for one of several tensors and for one that is given twice.
  ResolvedCut Resolve(const CutOptions& options) const;

 private:
  struct Names {
    std::unordered_map<std::string, int32_t> numbers;
    std::vector<std::string> order;
  };
  static void Add(Names* names, std::string_view name, int32_t number);
  int32_t Find(const std::string& name, const char* role) const;
  [[noreturn]] void ThrowUnknown(const std::string& name, const char* role) const;

  Names inputs_, outputs_, tensors_;
};

// What a node of the source is needed for: nothing; only the type of a tensor at which the graph is cut; a
// result.
enum class Need : uint8_t { kNothing, kType, kResult };

// A source's nodes as numbers of tensors (below 0: an absent operand).
struct SourceNodes {
  struct Node {
    std::vector<int32_t> inputs;
    std::vector<int32_t> outputs;  // what it writes; several nodes may write a variable
  };
  std::vector<Node> nodes;
  std::vector<int32_t> outputs;  // the model's own
  int32_t tensor_count = 0;
};
struct Needs {
  std::vector<Need> nodes;
  std::vector<Need> tensors;
};
Needs NeedsOf(const ResolvedCut& cut, const SourceNodes& source);

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_SOURCE_TENSORS_H_
