// Names of a graph's inputs, or of its outputs: each is there once, so that a name says which tensor is
// meant.
#ifndef MACE_IMPORTERS_EDGE_NAMES_H_
#define MACE_IMPORTERS_EDGE_NAMES_H_

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace mace::importers {

class EdgeNames {
 public:
  // A name that the file gives to one of the edges: no other edge is renamed to it.
  void Reserve(const std::string& name) { reserved_.insert(name); }
  // `name` itself for the first edge that asks for it, then name_1, name_2 ... as far as they are free.
  std::string Take(const std::string& name) {
    if (taken_.insert(name).second) return name;
    int& number = numbers_[name];
    while (true) {
      std::string other = name + "_" + std::to_string(++number);
      if (!reserved_.contains(other) && taken_.insert(other).second) return other;
    }
  }

 private:
  std::unordered_set<std::string> reserved_;
  std::unordered_set<std::string> taken_;
  std::unordered_map<std::string, int> numbers_;  // the last one given to each name
};

}  // namespace mace::importers

#endif  // MACE_IMPORTERS_EDGE_NAMES_H_
