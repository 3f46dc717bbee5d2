#include "mace/importers/onnx/onnx_context.h"

namespace mace::importers::onnx {
namespace {

// ONNX's numbers for the kinds of attributes.
enum : int32_t {
  kTypeFloat = 1,
  kTypeInt = 2,
  kTypeString = 3,
  kTypeTensor = 4,
  kTypeFloats = 6,
  kTypeInts = 7,
  kTypeStrings = 8
};

void RequireType(const Attribute& attribute, int32_t type, bool filled) {
  if (attribute.is_reference) {
    throw ImportError(
        Unsupported("attribute '%s' refers to a function's attribute", Text(attribute.name).c_str()));
  }
  if ((attribute.type != 0 && attribute.type != type) || (attribute.type == 0 && !filled)) {
    throw ImportError(InvalidArgument("attribute '%s' has the wrong type", Text(attribute.name).c_str()));
  }
}

}  // namespace

const Attribute* OnnxNode::Find(std::string_view name) {
  for (size_t i = 0; i < proto_.attributes.size(); ++i) {
    if (proto_.attributes[i].name == name) {
      used_[i] = true;
      return &proto_.attributes[i];
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

void OnnxNode::RequireInt(std::string_view name, int64_t supported) {
  const int64_t value = Int(name, supported);
  if (value != supported) {
    throw ImportError(Unsupported("%s=%lld is not supported (only %lld)", Text(name).c_str(),
                                  static_cast<long long>(value), static_cast<long long>(supported)));
  }
}

std::vector<std::string_view> OnnxNode::Unused() const {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < proto_.attributes.size(); ++i) {
    if (!used_[i]) names.push_back(proto_.attributes[i].name);
  }
  return names;
}

}  // namespace mace::importers::onnx
