#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {
namespace {

// ONNX's numbers for the kinds of attributes.
enum : int32_t {
  kTypeFloat = 1,
  kTypeInt = 2,
  kTypeString = 3,
  kTypeTensor = 4,
  kTypeGraph = 5,
  kTypeFloats = 6,
  kTypeInts = 7,
  kTypeStrings = 8,
  kTypeSparseTensor = 11,
};

void RequireType(const Attribute& attribute, int32_t type, bool filled) {
  if (attribute.reference.has_value()) {
    throw ImportError(InvalidArgument("attribute '%s' refers to a function's attribute outside of functions",
                                      Text(attribute.name).c_str()));
  }
  if ((attribute.type != 0 && attribute.type != type) || (attribute.type == 0 && !filled)) {
    throw ImportError(InvalidArgument("attribute '%s' has the wrong type", Text(attribute.name).c_str()));
  }
}

}  // namespace

OnnxNode::OnnxNode(const NodeProto& proto, const FunctionCall* call) : proto_(proto), call_(call) {
  for (const Attribute& attribute : proto.attributes) {
    const Attribute* given = &attribute;
    if (attribute.reference.has_value() && call != nullptr) {
      const auto found = call->attributes.find(*attribute.reference);
      if (found == call->attributes.end()) continue;  // neither given nor with a default: as if not written
      given = found->second;
    }
    given_.push_back({attribute.name, given});
  }
}

const Attribute* OnnxNode::Find(std::string_view name) {
  for (Given& given : given_) {
    if (given.name == name) {
      given.used = true;
      return given.attribute;
    }
  }
  return nullptr;
}

int64_t OnnxNode::Int(std::string_view name, int64_t missing) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return missing;
  RequireType(*attribute, kTypeInt, attribute->i.has_value());
  return attribute->i.value_or(0);
}

float OnnxNode::Float(std::string_view name, float missing) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return missing;
  RequireType(*attribute, kTypeFloat, attribute->f.has_value());
  return attribute->f.value_or(0);
}

std::string OnnxNode::String(std::string_view name, std::string_view missing) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return std::string(missing);
  RequireType(*attribute, kTypeString, attribute->s.has_value());
  return Text(attribute->s.value_or(""));
}

std::optional<IntList> OnnxNode::Ints(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return std::nullopt;
  RequireType(*attribute, kTypeInts, true);
  IntList list;
  for (int64_t value : attribute->ints) {
    if (!list.Push(value)) {
      throw ImportError(Unsupported("attribute '%s' has %zu numbers (at most %d are supported)",
                                    Text(name).c_str(), attribute->ints.size(), IntList::capacity()));
    }
  }
  return list;
}

std::optional<std::vector<int64_t>> OnnxNode::LongInts(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return std::nullopt;
  RequireType(*attribute, kTypeInts, true);
  return std::vector<int64_t>(attribute->ints.begin(), attribute->ints.end());
}

std::vector<float> OnnxNode::Floats(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return {};
  RequireType(*attribute, kTypeFloats, true);
  return attribute->floats;
}

std::vector<std::string> OnnxNode::Strings(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return {};
  RequireType(*attribute, kTypeStrings, true);
  return {attribute->strings.begin(), attribute->strings.end()};
}

const Tensor* OnnxNode::TensorOf(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return nullptr;
  RequireType(*attribute, kTypeTensor, attribute->t.has_value());
  if (!attribute->t.has_value()) {
    throw ImportError(InvalidArgument("attribute '%s' holds no tensor", Text(name).c_str()));
  }
  return &*attribute->t;
}

const SparseTensor* OnnxNode::SparseOf(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) return nullptr;
  RequireType(*attribute, kTypeSparseTensor, attribute->sparse != nullptr);
  if (attribute->sparse == nullptr) {
    throw ImportError(InvalidArgument("attribute '%s' holds no sparse tensor", Text(name).c_str()));
  }
  return attribute->sparse.get();
}

const GraphProto& OnnxNode::GraphOf(std::string_view name) {
  const Attribute* attribute = Find(name);
  if (attribute == nullptr) {
    throw ImportError(InvalidArgument("attribute '%s' is missing", Text(name).c_str()));
  }
  RequireType(*attribute, kTypeGraph, attribute->graph != nullptr);
  if (attribute->graph == nullptr) {
    throw ImportError(InvalidArgument("attribute '%s' holds no graph", Text(name).c_str()));
  }
  // The names that a function's caller would see in its graph are those of the function: ONNX does not say
  // which are meant, and nobody writes such files.
  for (const Attribute& own : proto_.attributes) {
    if (own.name == name && own.reference.has_value()) {
      throw ImportError(Unsupported("attribute '%s' is a graph handed to a function", Text(name).c_str()));
    }
  }
  return *attribute->graph;
}

void OnnxNode::RequireInt(std::string_view name, int64_t supported) {
  const int64_t value = Int(name, supported);
  if (value != supported) {
    throw ImportError(Unsupported("%s=%lld is not supported (only %lld)", Text(name).c_str(),
                                  static_cast<long long>(value), static_cast<long long>(supported)));
  }
}

std::vector<std::string_view> OnnxNode::Unused() const {
  std::vector<std::string_view> names;
  for (const Given& given : given_) {
    if (given.name == "consumed_inputs") continue;  // a hint of operator sets before 6
    if (!given.used) names.push_back(given.name);
  }
  return names;
}

}  // namespace mace::importers::onnx
