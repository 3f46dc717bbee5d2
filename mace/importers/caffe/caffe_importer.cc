// ImportCaffe: finds the blobs of the network, converts layer by layer.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "mace/graph/op_definition.h"
#include "mace/importers/caffe/caffe_layer.h"
#include "mace/importers/cut_graph.h"
#include "mace/importers/importer.h"
#include "mace/importers/source_tensors.h"
#include "mace/importers/states.h"

namespace mace::importers::caffe {
namespace {

// The blobs of a network as numbers: a layer that works in place makes a new one of the same name.
struct Blobs {
  struct Entry {
    std::string name;
    bool is_last = true;  // of its name
    bool is_read = false;
  };
  std::vector<Entry> entries;
  std::unordered_map<std::string, int32_t> latest;  // the number that a name stands for now

  int32_t Add(const std::string& name) {
    const auto number = static_cast<int32_t>(entries.size());
    const auto [found, is_new] = latest.try_emplace(name, number);
    if (!is_new) {
      entries[static_cast<size_t>(found->second)].is_last = false;
      found->second = number;
    }
    entries.push_back({name});
    return number;
  }
};

std::string Described(const Layer& layer) { return "layer '" + layer.name + "' (" + layer.type + ")"; }

// A layer that gives nothing at inference; what reads its tops is not needed either.
bool IsDropped(const Layer& layer) {
  const Role role = RoleOf(layer.type);
  return role == Role::kMetric || role == Role::kLoss || role == Role::kSilence ||
         (role == Role::kForeign && layer.tops.empty());
}

// Whether it is a loss that is replaced by what it is the loss of: only its first bottom is read.
bool IsReplacedLoss(const Layer& layer) {
  return layer.type == "SoftmaxWithLoss" || layer.type == "SigmoidCrossEntropyLoss";
}

class Importer {
 public:
  Importer(const Net& net, const CaffeWeights& weights, const ImportOptions& options, size_t file_bytes,
           Graph* graph, ImportReport* report)
      : net_(net), weights_(weights), options_(options), builder_(graph, report, file_bytes) {}

  void Run() {
    NumberBlobs();
    const ResolvedCut cut = tensors_.Resolve(options_.cut);
    needs_ = NeedsOf(cut, source_);
    CheckWeights();
    values_.assign(blobs_.entries.size(), kNone);
    AddInputs();
    for (size_t i = 0; i < net_.layers.size(); ++i) {
      if (needs_.nodes[i] != Need::kNothing) ConvertLayer(i);
    }
    ThrowProblems();
    Graph& graph = builder_.graph();
    if (options_.cut.outputs.empty()) {
      for (int32_t number : source_.outputs) Check(graph.outputs.PushBack(OutputValue(number)));
    }
    if (!options_.cut.empty()) {
      std::vector<std::string> warnings;
      CutGraph(cut, [&](int32_t number) { return values_[static_cast<size_t>(number)]; }, &graph, &warnings);
      for (std::string& warning : warnings) builder_.Warn(std::move(warning));
    }
    Check(DeclareStates(options_, &graph));
    Check(VerifyGraph(graph, static_cast<const OpDefinition* (*)(OpId)>(&FindOpDefinition)),
          ImportStage::kVerify);
  }

 private:
  // ---- the source
  void NumberBlobs() {
    for (const NetInput& input : net_.inputs) {
      if (blobs_.latest.contains(input.name)) {
        throw ImportError(DataLoss("there are two inputs '%s'", Shown(input.name).c_str()));
      }
      tensors_.AddInput(input.name, blobs_.Add(input.name));
    }
    for (const Layer& layer : net_.layers) NumberLayer(layer);
    for (const auto& [name, number] : blobs_.latest) {
      if (static_cast<size_t>(number) >= net_.inputs.size()) tensors_.AddTensor(name, number);
    }
    // Where a blob is written in place, earlier ones of the name can be meant by the name of their layer.
    for (size_t i = 0; i < net_.layers.size(); ++i) {
      const auto& tops = source_.nodes[i].outputs;
      if (!tops.empty() && !blobs_.latest.contains(net_.layers[i].name)) {
        tensors_.AddTensor(net_.layers[i].name, tops[0]);
      }
    }
    FindOutputs();
    source_.tensor_count = static_cast<int32_t>(blobs_.entries.size());
  }

  void NumberLayer(const Layer& layer) {
    SourceNodes::Node& node = source_.nodes.emplace_back();
    const bool is_dropped = IsDropped(layer);
    for (size_t i = 0; i < layer.bottoms.size(); ++i) {
      const bool is_ignored = IsReplacedLoss(layer) && i > 0;
      const auto found = blobs_.latest.find(layer.bottoms[i]);
      if (found == blobs_.latest.end()) {
        if (is_dropped || is_ignored) continue;  // a label that no layer gives in this phase
        throw ImportError(DataLoss("%s reads '%s', which no layer in front of it writes",
                                   Described(layer).c_str(), Shown(layer.bottoms[i]).c_str()));
      }
      const auto number = static_cast<size_t>(found->second);
      if (is_dropped || is_ignored) {
        if (layer.type == "Silence" || is_ignored) silenced_.insert(found->second);
        continue;
      }
      blobs_.entries[number].is_read = true;
      node.inputs.push_back(found->second);
    }
    for (const std::string& top : layer.tops) {
      const bool in_place = std::find(layer.bottoms.begin(), layer.bottoms.end(), top) != layer.bottoms.end();
      if (!in_place && blobs_.latest.contains(top)) {
        throw ImportError(DataLoss("%s writes '%s', as a layer in front of it does", Described(layer).c_str(),
                                   Shown(top).c_str()));
      }
      node.outputs.push_back(blobs_.Add(top));
      if (is_dropped || RoleOf(layer.type) == Role::kData) silenced_.insert(node.outputs.back());
    }
  }

  // As in Caffe: every blob that no layer reads. Of inputs only where nothing else is left.
  void FindOutputs() {
    for (size_t i = net_.inputs.size(); i < blobs_.entries.size(); ++i) {
      const auto number = static_cast<int32_t>(i);
      if (blobs_.entries[i].is_read || silenced_.contains(number)) continue;
      source_.outputs.push_back(number);
      tensors_.AddOutput(blobs_.entries[i].name, number);
    }
    if (source_.outputs.empty()) throw ImportError(DataLoss("the network has no outputs"));
  }

  void CheckWeights() const {
    if (weights_.is_present()) return;
    for (size_t i = 0; i < net_.layers.size(); ++i) {
      const LayerRow* row = FindLayerRow(net_.layers[i].type);
      if (needs_.nodes[i] != Need::kResult || row == nullptr || !row->has_weights) continue;
      throw ImportError(
          InvalidArgument("the network has weights (%s first): give its .caffemodel, "
                          "weights=\"x.caffemodel\" in Python, --weights "
                          "on the command line",
                          Described(net_.layers[i]).c_str()));
    }
  }

  static std::string Shown(const std::string& name) { return name.substr(0, 120); }

  // ---- the graph
  // The leading dimension is the batch, whatever the file says; of all inputs the same where the file says
  // so.
  void AddInputs() {
    Graph& graph = builder_.graph();
    for (size_t i = 0; i < net_.inputs.size(); ++i) {
      const NetInput& input = net_.inputs[i];
      if (options_.cut.outputs.empty() && !blobs_.entries[i].is_read) {
        builder_.Warn("input '" + input.name + "' was dropped: no layer needs it at inference");
        continue;
      }
      Shape shape;
      for (int64_t dim : input.shape) {
        if (dim < 0 || !shape.Push(dim)) {
          throw ImportError(DataLoss("input '%s' has a dim of %lld, or more than %d",
                                     Shown(input.name).c_str(), static_cast<long long>(dim), kMaxRank));
        }
      }
      const auto& first = net_.inputs[0].shape;
      if (shape.rank > 1 && !first.empty() && shape[0] == first[0]) {
        shape[0] = SymbolDim(Unwrap(graph.FindOrAddSymbol("batch")));
      }
      values_[i] = Unwrap(graph.AddValue(input.name, TensorType{DType::kF32, shape, kNone}));
      Check(graph.inputs.PushBack(values_[i]));
    }
  }

  void ConvertLayer(size_t index) {
    const Layer& layer = net_.layers[index];
    const SourceNodes::Node& node = source_.nodes[index];
    Values bottoms;
    for (int32_t number : node.inputs) {
      bottoms.push_back(values_[static_cast<size_t>(number)]);
      if (bottoms.back() == kNone) return;  // behind a layer that was not converted
    }
    builder_.Begin(layer.name);
    try {
      const LayerRow* row = FindLayerRow(layer.type);
      if (row == nullptr) return AddProblem(layer, "layers of this type are not supported", Advice(layer));
      CheckCounts(layer, *row, bottoms.size());
      LayerContext context(layer, weights_, std::move(bottoms), needs_.nodes[index] == Need::kType,
                           &builder_);
      const Values tops = row->convert(context);
      for (size_t i = 0; i < node.outputs.size(); ++i) {
        values_[static_cast<size_t>(node.outputs[i])] = WithName(tops.at(i), node.outputs[i]);
      }
      WarnOfUnread(layer);
    } catch (const ImportError& error) {
      if (error.code() == StatusCode::kResourceExhausted) throw;
      if (code_ == StatusCode::kOk) code_ = error.code(), stage_ = error.stage();
      AddProblem(layer, error.what(), "");
    }
  }

  static std::string Advice(const Layer& layer) {
    switch (RoleOf(layer.type)) {
      case Role::kData:
        return "it reads from a file or database; give the network for deployment (deploy.prototxt), or an "
               "Input layer "
               "in its place";
      case Role::kForeign:
        return "its code is not part of the model; cut the network in front of it (outputs=...)";
      default:
        return "cut the network in front of it (outputs=...), or write the layer with others";
    }
  }

  static void CheckCounts(const Layer& layer, const LayerRow& row, size_t bottoms) {
    const auto tops = layer.tops.size();
    if (bottoms < static_cast<size_t>(row.min_bottoms) ||
        (row.max_bottoms >= 0 && bottoms > static_cast<size_t>(row.max_bottoms)) || tops < 1 ||
        (row.max_tops >= 0 && tops > static_cast<size_t>(row.max_tops))) {
      throw ImportError(DataLoss("it has %zu bottoms and %zu tops", bottoms, tops));
    }
    const bool pairs = layer.type == "Convolution" || layer.type == "Deconvolution";
    if ((pairs && tops != bottoms) || (layer.type == "Filter" && tops + 1 != bottoms)) {
      throw ImportError(DataLoss("it has %zu bottoms and %zu tops", bottoms, tops));
    }
  }

  // The last of several blobs that are called so has the name in the graph.
  ValueId WithName(ValueId value, int32_t number) {
    const Blobs::Entry& blob = blobs_.entries[static_cast<size_t>(number)];
    if (!blob.is_last || IsInput(blob.name)) return value;
    return builder_.Named(value, blob.name);
  }

  bool IsInput(const std::string& name) const {
    return std::any_of(net_.inputs.begin(), net_.inputs.end(),
                       [&](const NetInput& input) { return input.name == name; });
  }

  // The value of an output; one that an input written in place left has no name yet.
  ValueId OutputValue(int32_t number) {
    const ValueId value = values_[static_cast<size_t>(number)];
    const std::string& name = blobs_.entries[static_cast<size_t>(number)].name;
    return IsInput(name) ? builder_.Named(value, name + "_out") : value;
  }

  // Parameters that no converter asked for: a fork of Caffe may mean something by them.
  void WarnOfUnread(const Layer& layer) {
    std::vector<const TextField*> unread;
    for (const TextField& field : layer.message->fields()) {
      if (field.message != nullptr && field.name.ends_with("_param") && field.was_read)
        field.message->Unread(&unread);
    }
    for (const TextField* field : unread) {
      constexpr std::string_view kHarmless[] = {
          "weight_filler",   "bias_filler",       "filler",
          "engine",          "dropout_ratio",     "moving_average_fraction",
          "force_nd_im2col", "scale_filler",      "save_output_param",
          "debug_info",      "share_in_parallel", "stable_prod_grad"};
      if (std::find(std::begin(kHarmless), std::end(kHarmless), field->name) != std::end(kHarmless)) continue;
      builder_.Warn("line " + std::to_string(field->line) + ": " + Described(layer) + ": " + field->name +
                    " is not known and was ignored");
    }
  }

  void AddProblem(const Layer& layer, std::string reason, std::string action) {
    constexpr size_t kMaxProblems = 1000;
    if (code_ == StatusCode::kOk) code_ = StatusCode::kUnsupported;
    auto& problems = builder_.report().problems;
    if (problems.size() < kMaxProblems)
      problems.push_back({Described(layer), std::move(reason), std::move(action)});
  }

  void ThrowProblems() {
    const auto& problems = builder_.report().problems;
    if (problems.empty()) return;
    constexpr size_t kMaxListed = 60;
    std::string message;
    for (size_t i = 0; i < problems.size() && i < kMaxListed; ++i) {
      message += (i == 0 ? "" : "; ") + problems[i].node + ": " + problems[i].reason;
      if (!problems[i].action.empty()) message += " (" + problems[i].action + ")";
    }
    if (problems.size() > kMaxListed)
      message += "; and " + std::to_string(problems.size() - kMaxListed) + " more";
    throw ImportError(code_, message, stage_);
  }

  const Net& net_;
  const CaffeWeights& weights_;
  const ImportOptions& options_;
  GraphBuilder builder_;
  Blobs blobs_;
  SourceTensors tensors_;
  SourceNodes source_;
  Needs needs_;
  std::unordered_set<int32_t> silenced_;  // blobs that are no outputs although no layer reads them
  Values values_;                         // by the number of the blob
  StatusCode code_ = StatusCode::kOk;     // of the first problem
  ImportStage stage_ = ImportStage::kConvert;
};

void ImportFile(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                ImportReport* report) {
  const TextMessage text = ParseText({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  const Net net = ReadNet(text);
  Check(graph->name.Assign(net.name));
  const CaffeWeights weights = options.weights.has_value() ? CaffeWeights(*options.weights) : CaffeWeights();
  const size_t weight_bytes = options.weights.has_value() ? options.weights->size() : 0;
  Importer(net, weights, options, bytes.size() + weight_bytes, graph, report).Run();
}

}  // namespace
}  // namespace mace::importers::caffe

namespace mace::importers {

Status ImportCaffe(std::span<const uint8_t> bytes, const ImportOptions& options, Graph* graph,
                   ImportReport* report) {
  return RunImporter("Caffe", report, [&] { caffe::ImportFile(bytes, options, graph, report); });
}

}  // namespace mace::importers
