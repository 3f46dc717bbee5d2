// A small writer of ONNX files for tests.
#ifndef MACE_IMPORTERS_ONNX_ONNX_TEST_MODEL_H_
#define MACE_IMPORTERS_ONNX_ONNX_TEST_MODEL_H_

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace mace::importers::onnx {

// One serialised attribute.
inline std::string IntAttribute(const std::string& name, int64_t value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_int64(3, value);
  writer.add_int32(20, 2);
  return bytes;
}
inline std::string FloatAttribute(const std::string& name, float value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_float(2, value);
  writer.add_int32(20, 1);
  return bytes;
}
inline std::string StringAttribute(const std::string& name, const std::string& value) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_bytes(4, value);
  writer.add_int32(20, 3);
  return bytes;
}
inline std::string IntsAttribute(const std::string& name, const std::vector<int64_t>& values) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  for (int64_t value : values) writer.add_int64(8, value);
  writer.add_int32(20, 7);
  return bytes;
}

// A subgraph: TestModel::Graph of another model.
inline std::string GraphAttribute(const std::string& name, const std::string& graph) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_message(6, graph);
  writer.add_int32(20, 5);
  return bytes;
}
// Inside a function: the attribute `reference` of the call. `type` is ONNX's number for the attribute's kind.
inline std::string ReferenceAttribute(const std::string& name, const std::string& reference, int32_t type) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_string(1, name);
  writer.add_string(21, reference);
  writer.add_int32(20, type);
  return bytes;
}

// A tensor whose data lie in another file; empty texts are left out.
inline std::string ExternalTensor(const std::string& name, int32_t type, const std::vector<int64_t>& dims,
                                  const std::string& location, const std::string& offset = "",
                                  const std::string& length = "") {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(1, dims.begin(), dims.end());
  writer.add_int32(2, type);
  writer.add_string(8, name);
  for (const auto& [key, value] :
       {std::pair("location", location), std::pair("offset", offset), std::pair("length", length)}) {
    if (value.empty()) continue;
    protozero::pbf_writer entry(writer, 13);
    entry.add_string(1, key);
    entry.add_string(2, value);
  }
  writer.add_int32(14, 1);
  return bytes;
}

enum : int32_t {
  kFloatType = 1,
  kUint8Type = 2,
  kInt8Type = 3,
  kInt32Type = 6,
  kInt64Type = 7,
  kBoolType = 9,
  kFloat16Type = 10
};

template <typename T>
std::string RawTensor(const std::string& name, int32_t type, const std::vector<int64_t>& dims,
                      const std::vector<T>& elements) {
  std::string bytes;
  protozero::pbf_writer writer(bytes);
  writer.add_packed_int64(1, dims.begin(), dims.end());
  writer.add_int32(2, type);
  writer.add_string(8, name);
  writer.add_bytes(9, reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
  return bytes;
}

class TestModel {
 public:
  // A dimension below 0 is written as the symbol "n".
  TestModel& Input(const std::string& name, const std::vector<int64_t>& dims, int32_t type = kFloatType) {
    AddValueInfo(11, name, dims, type);
    return *this;
  }
  // Without a shape, as the inputs of subgraphs often are.
  TestModel& OpenInput(const std::string& name, int32_t type = kFloatType) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer info(graph, 11);
    info.add_string(1, name);
    protozero::pbf_writer type_writer(info, 2);
    protozero::pbf_writer tensor(type_writer, 1);
    tensor.add_int32(1, type);
    return *this;
  }
  TestModel& Output(const std::string& name) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer info(graph, 12);
    info.add_string(1, name);
    return *this;
  }
  TestModel& Floats(const std::string& name, const std::vector<int64_t>& dims,
                    const std::vector<float>& elements) {
    return Tensor(RawTensor(name, kFloatType, dims, elements));
  }
  TestModel& Ints(const std::string& name, const std::vector<int64_t>& elements) {
    return Tensor(RawTensor(name, kInt64Type, {static_cast<int64_t>(elements.size())}, elements));
  }
  TestModel& Tensor(const std::string& bytes) {
    protozero::pbf_writer(graph_).add_message(5, bytes);
    return *this;
  }
  TestModel& Sparse(const std::string& bytes) {
    protozero::pbf_writer(graph_).add_message(15, bytes);
    return *this;
  }
  TestModel& Node(const std::string& op, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs, const std::vector<std::string>& attributes = {},
                  const std::string& domain = "") {
    std::string bytes;
    protozero::pbf_writer node(bytes);
    for (const std::string& input : inputs) node.add_string(1, input);
    for (const std::string& output : outputs) node.add_string(2, output);
    node.add_string(3, "node_" + std::to_string(++nodes_));
    node.add_string(4, op);
    for (const std::string& attribute : attributes) node.add_message(5, attribute);
    if (!domain.empty()) node.add_string(7, domain);
    protozero::pbf_writer(graph_).add_message(1, bytes);
    node_bytes_.push_back(bytes);
    return *this;
  }
  // A function of the domain "my" whose nodes are those of `body`. `defaults`: attributes that may be left
  // out.
  TestModel& Function(const std::string& name, const std::vector<std::string>& inputs,
                      const std::vector<std::string>& outputs, const TestModel& body,
                      const std::vector<std::string>& attributes = {},
                      const std::vector<std::string>& defaults = {}) {
    std::string function;
    protozero::pbf_writer writer(function);
    writer.add_string(1, name);
    for (const std::string& input : inputs) writer.add_string(4, input);
    for (const std::string& output : outputs) writer.add_string(5, output);
    for (const std::string& attribute : attributes) writer.add_string(6, attribute);
    for (const std::string& attribute : defaults) writer.add_message(11, attribute);
    for (const std::string& node : body.node_bytes_) writer.add_message(7, node);
    for (const auto& [domain, version] : {std::pair("", 13), std::pair("my", 1)}) {
      protozero::pbf_writer import(writer, 9);
      import.add_string(1, domain);
      import.add_int64(2, version);
    }
    writer.add_string(10, "my");
    functions_.push_back(function);
    return *this;
  }
  const std::string& Graph() const { return graph_; }
  std::string Build(int64_t opset = 13) const {
    std::string bytes;
    protozero::pbf_writer model(bytes);
    model.add_int64(1, 8);
    model.add_message(7, graph_);
    for (const std::string& function : functions_) model.add_message(25, function);
    for (const auto& [domain, version] : {std::pair("", opset), std::pair("my", int64_t{1})}) {
      if (*domain != '\0' && functions_.empty()) continue;
      protozero::pbf_writer import(model, 8);
      import.add_string(1, domain);
      import.add_int64(2, version);
    }
    return bytes;
  }

 private:
  void AddValueInfo(uint32_t field, const std::string& name, const std::vector<int64_t>& dims, int32_t type) {
    protozero::pbf_writer graph(graph_);
    protozero::pbf_writer info(graph, field);
    info.add_string(1, name);
    protozero::pbf_writer type_writer(info, 2);
    protozero::pbf_writer tensor(type_writer, 1);
    tensor.add_int32(1, type);
    std::string shape;  // by itself: the writer drops an empty message that it began in place
    for (int64_t dim : dims) {
      std::string dimension;
      protozero::pbf_writer writer(dimension);
      if (dim >= 0) {
        writer.add_int64(1, dim);
      } else {
        writer.add_string(2, "n");
      }
      protozero::pbf_writer(shape).add_message(1, dimension);
    }
    tensor.add_message(2, shape);
  }

  std::string graph_;
  std::vector<std::string> node_bytes_;
  std::vector<std::string> functions_;
  int nodes_ = 0;
};

inline std::span<const uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace mace::importers::onnx

#endif  // MACE_IMPORTERS_ONNX_ONNX_TEST_MODEL_H_
