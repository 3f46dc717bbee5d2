#include "mace/importers/caffe/caffe_net.h"

#include <algorithm>
#include <climits>
#include <string_view>
#include <utility>

#include "mace/importers/clean_text.h"
#include "mace/importers/import_error.h"

namespace mace::importers::caffe {
namespace {

constexpr size_t kMaxLayers = size_t{1} << 16;
constexpr size_t kMaxEdges = size_t{1} << 12;  // tops, and bottoms, of a layer

// The enumerators of V1LayerParameter (networks before 2014's `layer`), and what they are called now.
constexpr std::pair<std::string_view, std::string_view> kOldTypes[] = {
    {"ABSVAL", "AbsVal"},
    {"ACCURACY", "Accuracy"},
    {"ARGMAX", "ArgMax"},
    {"BNLL", "BNLL"},
    {"CONCAT", "Concat"},
    {"CONTRASTIVE_LOSS", "ContrastiveLoss"},
    {"CONVOLUTION", "Convolution"},
    {"DATA", "Data"},
    {"DECONVOLUTION", "Deconvolution"},
    {"DROPOUT", "Dropout"},
    {"DUMMY_DATA", "DummyData"},
    {"ELTWISE", "Eltwise"},
    {"EUCLIDEAN_LOSS", "EuclideanLoss"},
    {"EXP", "Exp"},
    {"FLATTEN", "Flatten"},
    {"HDF5_DATA", "HDF5Data"},
    {"HDF5_OUTPUT", "HDF5Output"},
    {"HINGE_LOSS", "HingeLoss"},
    {"IM2COL", "Im2col"},
    {"IMAGE_DATA", "ImageData"},
    {"INFOGAIN_LOSS", "InfogainLoss"},
    {"INNER_PRODUCT", "InnerProduct"},
    {"LRN", "LRN"},
    {"MEMORY_DATA", "MemoryData"},
    {"MULTINOMIAL_LOGISTIC_LOSS", "MultinomialLogisticLoss"},
    {"MVN", "MVN"},
    {"POOLING", "Pooling"},
    {"POWER", "Power"},
    {"RELU", "ReLU"},
    {"SIGMOID", "Sigmoid"},
    {"SIGMOID_CROSS_ENTROPY_LOSS", "SigmoidCrossEntropyLoss"},
    {"SILENCE", "Silence"},
    {"SLICE", "Slice"},
    {"SOFTMAX", "Softmax"},
    {"SOFTMAX_LOSS", "SoftmaxWithLoss"},
    {"SPLIT", "Split"},
    {"TANH", "TanH"},
    {"THRESHOLD", "Threshold"},
    {"WINDOW_DATA", "WindowData"},
};

[[noreturn]] void Fail(const TextMessage& at, const std::string& what) {
  throw ImportError(StatusCode::kDataLoss, "line " + std::to_string(at.line()) + ": " + what);
}

std::string TypeOfOldLayer(const TextMessage& layer) {
  if (layer.Has("layer")) {
    throw ImportError(Unsupported(
        "line %d: a network in the format of 2013 (layers { layer { ... } }); bring it to a newer one with "
        "Caffe's upgrade_net_proto_text",
        layer.line()));
  }
  const std::string word = layer.Word("type", "NONE");
  for (const auto& [old_name, name] : kOldTypes) {
    if (word == old_name) return std::string(name);
  }
  Fail(layer, "there is no type " + word.substr(0, 60) + " of `layers`");
}

bool Contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// Names become those of the graph's values.
void CheckName(const TextMessage& at, const std::string& name) {
  constexpr size_t kMaxName = 65535;
  if (name.size() > kMaxName) Fail(at, "a name is too long");
  if (!IsCleanUtf8(name)) Fail(at, "a name is not UTF-8 text");
}

// What a network runs in: the phase TEST, and what its own `state` says beside that.
struct NetState {
  int64_t level = 0;
  std::vector<std::string> stages;
};

bool Meets(const TextMessage& rule, const NetState& state) {
  if (rule.Word("phase", "TEST") != "TEST" && rule.Word("phase", "TEST") != "1") return false;
  if (state.level < rule.Int("min_level", INT64_MIN) || state.level > rule.Int("max_level", INT64_MAX)) {
    return false;
  }
  for (const std::string& stage : rule.Texts("stage")) {
    if (!Contains(state.stages, stage)) return false;
  }
  for (const std::string& stage : rule.Texts("not_stage")) {
    if (Contains(state.stages, stage)) return false;
  }
  return true;
}

bool IsIncluded(const TextMessage& layer, const NetState& state) {
  const auto includes = layer.Messages("include"), excludes = layer.Messages("exclude");
  if (!includes.empty() && !excludes.empty()) Fail(layer, "a layer has `include` and `exclude` rules");
  const auto meets = [&](const TextMessage* rule) { return Meets(*rule, state); };
  if (!includes.empty()) return std::any_of(includes.begin(), includes.end(), meets);
  return std::none_of(excludes.begin(), excludes.end(), meets);
}

// input: "data" input_dim: 1 input_dim: 3 ..., or input_shape { dim: 1 dim: 3 ... }, one for each.
void ReadInputFields(const TextMessage& text, Net* net) {
  const std::vector<std::string> names = text.Texts("input");
  const std::vector<int64_t> dims = text.Ints("input_dim");
  const auto shapes = text.Messages("input_shape");
  if (names.size() > kMaxEdges) Fail(text, "too many inputs");
  if (shapes.empty() ? dims.size() != 4 * names.size() : shapes.size() != names.size()) {
    Fail(text, std::to_string(names.size()) + " `input`, but " + std::to_string(shapes.size()) +
                   " `input_shape` and " + std::to_string(dims.size()) +
                   " `input_dim`; each input needs an input_shape or four input_dim");
  }
  for (size_t i = 0; i < names.size(); ++i) {
    CheckName(text, names[i]);
    NetInput input = {names[i], {}};
    if (shapes.empty()) {
      input.shape.assign(dims.begin() + static_cast<int64_t>(4 * i),
                         dims.begin() + static_cast<int64_t>(4 * i + 4));
    } else {
      input.shape = shapes[i]->Ints("dim");
    }
    net->inputs.push_back(std::move(input));
  }
}

// A layer whose tops are fed; its shapes: one for all tops, or one for each.
void ReadInputLayer(const Layer& layer, Net* net) {
  const auto shapes = layer.message->Message("input_param").Messages("shape");
  if (shapes.empty() || (shapes.size() != 1 && shapes.size() != layer.tops.size())) {
    Fail(*layer.message, "layer '" + layer.name + "': input_param has " + std::to_string(shapes.size()) +
                             " shapes for " + std::to_string(layer.tops.size()) + " tops");
  }
  for (size_t i = 0; i < layer.tops.size(); ++i) {
    net->inputs.push_back({layer.tops[i], shapes[shapes.size() == 1 ? 0 : i]->Ints("dim")});
  }
}

// Data that an application puts into memory: an input that is no layer of type Input.
void ReadMemoryLayer(const Layer& layer, Net* net) {
  const TextMessage& sizes = layer.message->Message("memory_data_param");
  const std::vector<int64_t> shape = {sizes.Int("batch_size", 1), sizes.Int("channels", 1),
                                      sizes.Int("height", 1), sizes.Int("width", 1)};
  for (size_t i = 0; i < layer.tops.size(); ++i) {
    net->inputs.push_back({layer.tops[i], i == 0 ? shape : std::vector<int64_t>{shape[0]}});
  }
}

}  // namespace

Net ReadNet(const TextMessage& text) {
  Net net;
  net.name = text.Text("name");
  CheckName(text, net.name);
  const TextMessage& own_state = text.Message("state");
  const NetState state = {own_state.Int("level", 0), own_state.Texts("stage")};
  ReadInputFields(text, &net);
  const std::vector<const TextMessage*> layers = text.Messages("layer"), old_layers = text.Messages("layers");
  if (!layers.empty() && !old_layers.empty()) Fail(text, "the network has `layer` and `layers`");
  if (layers.size() + old_layers.size() > kMaxLayers) Fail(text, "the network has too many layers");
  for (const auto* list : {&layers, &old_layers}) {
    for (const TextMessage* message : *list) {
      if (!IsIncluded(*message, state)) continue;
      Layer layer;
      layer.message = message;
      layer.name = message->Text("name");
      layer.type = list == &layers ? message->Text("type") : TypeOfOldLayer(*message);
      layer.bottoms = message->Texts("bottom");
      layer.tops = message->Texts("top");
      if (layer.bottoms.size() > kMaxEdges || layer.tops.size() > kMaxEdges) {
        Fail(*message, "a layer has too many tops or bottoms");
      }
      for (const auto* names : {&layer.bottoms, &layer.tops}) {
        for (const std::string& name : *names) CheckName(*message, name);
      }
      CheckName(*message, layer.name);
      CheckName(*message, layer.type);
      if (layer.type == "Input") {
        ReadInputLayer(layer, &net);
      } else if (layer.type == "MemoryData") {
        ReadMemoryLayer(layer, &net);
      } else {
        net.layers.push_back(std::move(layer));
      }
    }
  }
  if (net.layers.empty()) throw ImportError(DataLoss("the network has no layers in the phase TEST"));
  return net;
}

}  // namespace mace::importers::caffe
