// Writes GraphDefs for tests.
#ifndef MACE_IMPORTERS_TENSORFLOW_GRAPH_DEF_BUILDER_H_
#define MACE_IMPORTERS_TENSORFLOW_GRAPH_DEF_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <protozero/pbf_writer.hpp>
#include <span>
#include <string>
#include <vector>

namespace mace::importers::tensorflow {

class NodeBuilder {
 public:
  NodeBuilder(const std::string& name, const std::string& op,
              std::initializer_list<const char*> inputs = {}) {
    protozero::pbf_writer writer(bytes_);
    writer.add_string(1, name);
    writer.add_string(2, op);
    for (const char* input : inputs) writer.add_string(3, input);
  }
  NodeBuilder& Type(const char* name, int type) {
    return Attribute(name, [&](auto& value) { value.add_enum(6, type); });
  }
  NodeBuilder& Int(const char* name, int64_t number) {
    return Attribute(name, [&](auto& value) { value.add_int64(3, number); });
  }
  NodeBuilder& Text(const char* name, const std::string& text) {
    return Attribute(name, [&](auto& value) { value.add_string(2, text); });
  }
  NodeBuilder& Flag(const char* name) {
    return Attribute(name, [&](auto& value) { value.add_bool(5, true); });
  }
  NodeBuilder& Function(const char* name, const std::string& function) {
    return Attribute(name, [&](auto& value) {
      protozero::pbf_writer list(value, 10);
      list.add_string(1, function);
    });
  }
  NodeBuilder& Shape(const char* name, std::initializer_list<int64_t> dims) {
    return Attribute(name, [&](auto& value) {
      protozero::pbf_writer shape(value, 7);
      AddDims(&shape, dims);
    });
  }
  NodeBuilder& Floats(std::initializer_list<float> elements, std::initializer_list<int64_t> dims) {
    Type("dtype", 1);
    return Attribute("value", [&](auto& value) {
      protozero::pbf_writer tensor(value, 8);
      tensor.add_enum(1, 1);
      {
        protozero::pbf_writer shape(tensor, 2);
        AddDims(&shape, dims);
      }
      for (float element : elements) tensor.add_float(5, element);
    });
  }
  const std::string& bytes() const { return bytes_; }

 private:
  static void AddDims(protozero::pbf_writer* shape, std::initializer_list<int64_t> dims) {
    for (int64_t size : dims) {
      protozero::pbf_writer dim(*shape, 2);
      dim.add_int64(1, size);
    }
  }
  template <typename Fill>
  NodeBuilder& Attribute(const char* name, const Fill& fill) {
    protozero::pbf_writer writer(bytes_);
    protozero::pbf_writer entry(writer, 5);
    entry.add_string(1, name);
    protozero::pbf_writer value(entry, 2);
    fill(value);
    return *this;
  }

  std::string bytes_;
};

class GraphDefBuilder {
 public:
  GraphDefBuilder& Add(const NodeBuilder& node) {
    protozero::pbf_writer(bytes_).add_message(1, node.bytes());
    return *this;
  }
  GraphDefBuilder& Input(const char* name, std::initializer_list<int64_t> dims) {
    return Add(NodeBuilder(name, "Placeholder").Type("dtype", 1).Shape("shape", dims));
  }
  // A function of floats: one output, `result`.
  GraphDefBuilder& Function(const char* name, std::initializer_list<const char*> inputs,
                            const std::vector<NodeBuilder>& nodes, const char* result) {
    protozero::pbf_writer writer(bytes_);
    protozero::pbf_writer library(writer, 2);
    protozero::pbf_writer function(library, 1);
    {
      protozero::pbf_writer signature(function, 1);
      signature.add_string(1, name);
      for (const char* input : inputs) {
        protozero::pbf_writer argument(signature, 2);
        argument.add_string(1, input);
      }
      protozero::pbf_writer output(signature, 3);
      output.add_string(1, "result");
    }
    for (const NodeBuilder& node : nodes) function.add_message(3, node.bytes());
    protozero::pbf_writer entry(function, 4);
    entry.add_string(1, "result");
    entry.add_string(2, result);
    return *this;
  }
  std::span<const uint8_t> bytes() const {
    return {reinterpret_cast<const uint8_t*>(bytes_.data()), bytes_.size()};
  }

 private:
  std::string bytes_;
};

}  // namespace mace::importers::tensorflow

#endif  // MACE_IMPORTERS_TENSORFLOW_GRAPH_DEF_BUILDER_H_
