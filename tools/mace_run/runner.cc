#include "runner.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <vector>

#include "mace/mace.h"
#include "npy.h"
#include "text.h"

namespace mace_run {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + (shape[i] < 0 ? std::string("?") : std::to_string(shape[i]));
  }
  return text + "]";
}

// As ShapeText, with the names of dimensions that may differ from run to run.
std::string ShapeText(const mace::TensorInfo& info) {
  std::string text = "[";
  for (size_t i = 0; i < info.shape.size(); ++i) {
    text += i == 0 ? "" : ", ";
    if (info.shape[i] >= 0) {
      text += std::to_string(info.shape[i]);
    } else {
      text += info.dim_names[i].empty() ? "?" : info.dim_names[i];
    }
  }
  return text + "]";
}

// The file in_N.npy with the least N of `count` or more; "" where there is none.
std::string SurplusInput(const std::string& folder, size_t count) {
  std::optional<size_t> surplus;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (!name.starts_with("in_") || !name.ends_with(".npy")) continue;
    const std::string_view digits = std::string_view(name).substr(3, name.size() - 7);
    size_t number = 0;
    const auto [rest, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_number = failed == std::errc() && digits == std::to_string(number);
    if (is_number && number >= count) surplus = std::min(number, surplus.value_or(number));
  }
  return surplus ? folder + "/in_" + std::to_string(*surplus) + ".npy" : "";
}

struct Input {
  std::string path;
  std::optional<Array> array;  // none: an optional input that is left to its state
};

// in_0.npy ... in model order. Errors name the file.
std::vector<Input> ReadInputs(const Options& options, const std::vector<mace::TensorInfo>& infos) {
  std::vector<Input> inputs(infos.size());
  if (!infos.empty() && options.input_dir.empty()) {
    throw std::runtime_error("--input_dir is missing: the model has " + std::to_string(infos.size()) +
                             " input(s)");
  }
  const auto path_of = [&](size_t i) { return options.input_dir + "/in_" + std::to_string(i) + ".npy"; };
  for (size_t i = 0; i < infos.size(); ++i) {
    inputs[i].path = path_of(i);
    std::error_code error;
    if (std::filesystem::status(inputs[i].path, error).type() == std::filesystem::file_type::not_found) {
      if (infos[i].optional) continue;
      throw std::runtime_error(inputs[i].path + ": no such file (input " + infos[i].name + ": " +
                               DTypeName(infos[i].dtype) + ShapeText(infos[i]) + ")");
    }
    Array array = ReadNpy(inputs[i].path);
    std::vector<int64_t> shape = array.shape;
    if (options.steps > 0) {
      if (shape.empty() || shape[0] != options.steps) {
        throw std::runtime_error(inputs[i].path + ": --steps " + std::to_string(options.steps) +
                                 " needs that many along axis 0, the array is " + ShapeText(array.shape));
      }
      shape.erase(shape.begin());
    }
    bool fits = array.dtype == infos[i].dtype && shape.size() == infos[i].shape.size();
    for (size_t axis = 0; fits && axis < shape.size(); ++axis) {
      fits = infos[i].shape[axis] < 0 || infos[i].shape[axis] == shape[axis];
    }
    if (!fits) {
      throw std::runtime_error(inputs[i].path + ": input '" + infos[i].name + "' expects " +
                               DTypeName(infos[i].dtype) + " " + ShapeText(infos[i]) +
                               (options.steps > 0 ? " at each step" : "") + ", the file has " +
                               DTypeName(array.dtype) + " " + ShapeText(array.shape));
    }
    inputs[i].array = std::move(array);
  }
  const std::string surplus = SurplusInput(options.input_dir, infos.size());
  if (!surplus.empty()) {
    throw std::runtime_error(surplus + ": the model has only " + std::to_string(infos.size()) + " input(s)");
  }
  return inputs;
}

// The tensors of step `step` (of the whole arrays, where there are no steps).
std::vector<mace::Tensor> TensorsOf(std::vector<Input>* inputs, int steps, int step) {
  std::vector<mace::Tensor> tensors;
  for (Input& input : *inputs) {
    if (!input.array) {
      tensors.emplace_back();
      continue;
    }
    std::span<const int64_t> shape(input.array->shape);
    size_t bytes = input.array->bytes.size();
    uint8_t* data = input.array->bytes.data();
    if (steps > 0) {
      shape = shape.subspan(1);
      bytes /= static_cast<size_t>(steps);
      data += bytes * static_cast<size_t>(step);
    }
    tensors.emplace_back(input.array->dtype, shape, data, bytes);
  }
  return tensors;
}

// Adds the results of one step to `outputs`.
void Collect(const std::vector<mace::Tensor>& results, const std::vector<mace::TensorInfo>& infos, int steps,
             int step, std::vector<Array>* outputs) {
  outputs->resize(results.size());
  for (size_t i = 0; i < results.size(); ++i) {
    const mace::Tensor& result = results[i];
    std::vector<int64_t> shape(result.shape().begin(), result.shape().end());
    if (steps > 0) shape.insert(shape.begin(), steps);
    Array& output = (*outputs)[i];
    if (step > 0 && output.shape != shape) {
      throw std::runtime_error("output '" + infos[i].name + "' has another shape at step " +
                               std::to_string(step) + " and cannot be stacked");
    }
    output.dtype = static_cast<mace_dtype>(result.dtype);
    output.shape = std::move(shape);
    const auto* data = static_cast<const uint8_t*>(result.data);
    if (result.byte_size > 0) output.bytes.insert(output.bytes.end(), data, data + result.byte_size);
  }
}

struct Measured {
  double load_ms = 0;
  std::vector<double> rounds_ms;
  std::vector<Array> outputs;
  std::string explain;
  std::string profile;
};

void RunRounds(const Options& options, const std::vector<mace::TensorInfo>& output_infos,
               std::vector<Input>* inputs, mace::Session* session, Measured* measured) {
  const int steps = std::max(options.steps, 1);
  std::vector<std::vector<mace::Tensor>> feeds;
  for (int step = 0; step < steps; ++step) feeds.push_back(TensorsOf(inputs, options.steps, step));
  for (int round = 0; round < options.round; ++round) {
    mace::ThrowIfError(session->ResetState());
    double milliseconds = 0;
    for (int step = 0; step < steps; ++step) {
      mace::RunOptions run_options;
      run_options.timeout_ns = options.timeout_ns;
      run_options.profile = options.profile && round + 1 == options.round && step + 1 == steps;
      std::vector<mace::Tensor> results(output_infos.size());
      const Clock::time_point begin = Clock::now();
      mace::Status status = session->Run(feeds[static_cast<size_t>(step)], results, run_options);
      milliseconds += MillisecondsSince(begin);
      if (!status.ok()) {
        std::string files;  // what was fed
        for (const Input& input : *inputs) files += (files.empty() ? "" : ", ") + input.path;
        throw std::runtime_error(files + ": " + status.message());
      }
      if (round == 0) Collect(results, output_infos, options.steps, step, &measured->outputs);
    }
    measured->rounds_ms.push_back(milliseconds);
  }
}

double MedianOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void WriteOutputs(const Options& options, const std::vector<Array>& outputs) {
  if (options.output_dir.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(options.output_dir, error);
  if (error) throw std::runtime_error(options.output_dir + ": " + error.message());
  for (size_t i = 0; i < outputs.size(); ++i) {
    WriteNpy(options.output_dir + "/out_" + std::to_string(i) + ".npy", outputs[i]);
  }
}

void Report(const Options& options, const std::vector<mace::TensorInfo>& infos, const Measured& measured) {
  // The first round plans; where there are more, it is told apart.
  std::vector<double> rounds = measured.rounds_ms;
  if (rounds.size() > 1) rounds.erase(rounds.begin());
  double sum = 0;
  for (double value : rounds) sum += value;
  const double average = sum / static_cast<double>(rounds.size());
  const double least = *std::min_element(rounds.begin(), rounds.end());
  if (options.json) {
    nlohmann::ordered_json json = {
        {"model_file", options.model_file},
        {"num_threads", options.num_threads},
        {"steps", options.steps},
        {"round", options.round},
        {"load_ms", measured.load_ms},
        {"first_ms", measured.rounds_ms[0]},
        {"average_ms", average},
        {"min_ms", least},
        {"median_ms", MedianOf(rounds)},
        {"rounds_ms", measured.rounds_ms},
        {"outputs", nlohmann::ordered_json::array()},
    };
    for (size_t i = 0; i < measured.outputs.size(); ++i) {
      json["outputs"].push_back({{"name", infos[i].name},
                                 {"dtype", DTypeName(measured.outputs[i].dtype)},
                                 {"shape", measured.outputs[i].shape}});
    }
    if (options.explain) json["explain"] = nlohmann::ordered_json::parse(measured.explain);
    if (options.profile) json["profile"] = nlohmann::ordered_json::parse(measured.profile);
    const auto replace = nlohmann::ordered_json::error_handler_t::replace;
    std::printf("%s\n", json.dump(2, ' ', false, replace).c_str());
    return;
  }
  if (options.explain) std::printf("%s\n", measured.explain.c_str());
  if (options.profile) std::printf("%s\n", measured.profile.c_str());
  if (options.explain || options.profile) return;
  std::printf("load %.3f ms, first run %.3f ms", measured.load_ms, measured.rounds_ms[0]);
  if (options.round > 1) {
    std::printf("; %d rounds: average %.3f ms, min %.3f ms, median %.3f ms", options.round - 1, average,
                least, MedianOf(rounds));
  }
  std::printf("\n");
  for (size_t i = 0; i < measured.outputs.size(); ++i) {
    std::printf("output %zu '%s': %s %s\n", i, Printable(infos[i].name).c_str(),
                DTypeName(measured.outputs[i].dtype), ShapeText(measured.outputs[i].shape).c_str());
  }
}

}  // namespace

void RunModel(const Options& options) {
  Measured measured;
  mace::RuntimeOptions runtime_options;
  runtime_options.num_threads = options.num_threads;
  runtime_options.memory_limit = options.memory_limit;
  runtime_options.isa = options.isa.empty() ? nullptr : options.isa.c_str();
  mace::ModelOptions model_options;
  model_options.verify_full = options.verify == "full";
  model_options.reference_kernels = options.reference_kernels;
  const Clock::time_point begin = Clock::now();
  mace::Runtime runtime = mace::Runtime::Create(runtime_options).value();
  mace::Model model = mace::Model::LoadFile(runtime, options.model_file.c_str(), model_options).value();
  mace::Session session = model.NewSession().value();
  measured.load_ms = MillisecondsSince(begin);

  std::vector<Input> inputs = ReadInputs(options, model.inputs());
  const std::vector<mace::TensorInfo> output_infos = model.outputs();
  RunRounds(options, output_infos, &inputs, &session, &measured);
  if (options.explain) measured.explain = session.ExplainJson().value();
  if (options.profile) measured.profile = session.ProfileJson().value();
  WriteOutputs(options, measured.outputs);
  Report(options, output_infos, measured);
}

}  // namespace mace_run
