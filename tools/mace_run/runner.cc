#include "runner.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <vector>

#include "mace/mace.h"
#include "process.h"
#include "report.h"
#include "tensors.h"
#include "text.h"

namespace mace_run {
namespace {

using Clock = std::chrono::steady_clock;
double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// The tensors of step `step` (of the whole arrays, where there are no steps).
std::vector<mace::Tensor> TensorsOf(Sample* inputs, int steps, int step) {
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

// One walk over a sample: a run, or --steps of them.
class Walker {
 public:
  Walker(const Options& options, const std::vector<mace::TensorInfo>& output_infos, mace::Session* session,
         Sample* sample)
      : options_(options), infos_(output_infos), session_(session), sample_(sample) {
    for (int step = 0; step < steps(); ++step) feeds_.push_back(TensorsOf(sample, options.steps, step));
  }

  void Prepare() { session_->Prepare(feeds_[0]).value(); }

  // Milliseconds. `outputs` (may be null) gets the results, `step_times` (may be null) the time of each step
  // of the plan. With `measure_last` the last run is measured for --profile.
  double Walk(std::vector<Array>* outputs, std::vector<double>* step_times, bool measure_last) {
    mace::ThrowIfError(session_->ResetState());
    double milliseconds = 0;
    for (int step = 0; step < steps(); ++step) {
      mace::RunOptions run_options;
      run_options.timeout_ns = options_.timeout_ns;
      run_options.profile = step_times != nullptr || (measure_last && step + 1 == steps());
      std::vector<mace::Tensor> results(infos_.size());
      const Clock::time_point begin = Clock::now();
      mace::Status status = session_->Run(feeds_[static_cast<size_t>(step)], results, run_options);
      milliseconds += MillisecondsSince(begin);
      if (!status.ok()) throw std::runtime_error(Files() + ": " + status.message());
      if (outputs != nullptr) Collect(results, infos_, options_.steps, step, outputs);
      if (step_times != nullptr) AddStepTimes(step_times);
    }
    return milliseconds;
  }

 private:
  int steps() const { return std::max(options_.steps, 1); }

  std::string Files() const {  // what was fed
    std::string files;
    for (const Input& input : *sample_) {
      if (input.array) files += (files.empty() ? "" : ", ") + input.path;
    }
    return files.empty() ? options_.model_file : files;
  }

  void AddStepTimes(std::vector<double>* times) {
    const auto profile = nlohmann::json::parse(session_->ProfileJson().value());
    const auto& steps = profile["steps"];
    times->resize(steps.size());
    for (size_t i = 0; i < steps.size(); ++i) (*times)[i] += steps[i]["nanoseconds"].get<double>() / 1e6;
  }

  const Options& options_;
  const std::vector<mace::TensorInfo>& infos_;
  mace::Session* session_;
  Sample* sample_;
  std::vector<std::vector<mace::Tensor>> feeds_;
};

// Milliseconds of a network that is always the same (mace_runtime_measure); 0 where it cannot be measured.
float CpuCapability(const Options& options) {
  mace::RuntimeOptions runtime_options;
  runtime_options.num_threads = std::max(options.num_threads, 0);
  runtime_options.isa = options.isa.empty() ? nullptr : options.isa.c_str();
  auto runtime = mace::Runtime::Create(runtime_options);
  if (!runtime.ok()) return 0;
  auto capability = runtime->Measure();
  return capability.ok() ? capability->float32_milliseconds : 0;
}

void WriteLog(void* context, mace_log_level level, const char* message) {
  if (static_cast<int>(level) > *static_cast<const int*>(context)) return;
  constexpr const char* kNames[] = {"error", "warning", "info"};
  std::fprintf(stderr, "libmace: %s: %s\n", kNames[level], Printable(message).c_str());
}

// One restart round: load, run, write.
class Cycle {
 public:
  Cycle(const Options& options, const mace_allocator* allocator)
      : options_(options), log_level_(options.log_level) {
    log_ = {sizeof(log_), &log_level_, &WriteLog};
    runtime_options_.num_threads = std::max(options.num_threads, 0);
    runtime_options_.memory_limit = options.memory_limit;
    runtime_options_.isa = options.isa.empty() ? nullptr : options.isa.c_str();
    runtime_options_.allocator = allocator;
    runtime_options_.log = options.log_level < 0 ? nullptr : &log_;
  }

  // `output_infos` is set as soon as the model is loaded.
  Measured Run(std::vector<mace::TensorInfo>* output_infos) {
    Measured measured;
    mace::ModelOptions model_options;
    model_options.verify_full = options_.verify == "full";
    model_options.reference_kernels = options_.reference_kernels;
    const Clock::time_point begin = Clock::now();
    const mace::Runtime runtime = mace::Runtime::Create(runtime_options_).value();
    mace::Model model = mace::Model::LoadFile(runtime, options_.model_file.c_str(), model_options).value();
    mace::Session session = model.NewSession().value();
    measured.load = MillisecondsSince(begin);
    *output_infos = model.outputs();
    const InputSource source(options_, model.inputs());
    const OutputSink sink(options_, *output_infos, source.is_batch());
    measured.samples = source.samples().size();
    for (size_t i = 0; i < source.samples().size(); ++i) {
      Sample sample = source.Read(source.samples()[i]);
      Walker walker(options_, *output_infos, &session, &sample);
      if (i == 0 && options_.fake_warmup) {
        const Clock::time_point prepare_begin = Clock::now();
        walker.Prepare();
        measured.load += MillisecondsSince(prepare_begin);
      }
      RunSample(i, i + 1 == source.samples().size(), sink, source.samples()[i], &walker, &measured);
      if (i == 0 && options_.benchmark) MeasureOperators(&walker, &measured);
      if (i == 0 && (options_.explain || options_.benchmark))
        measured.explain = session.ExplainJson().value();
    }
    if (options_.profile) measured.profile = session.ProfileJson().value();
    return measured;
  }

 private:
  // The outputs are those of the sample's first run.
  void RunSample(size_t index, bool is_last, const OutputSink& sink, const std::string& suffix,
                 Walker* walker, Measured* measured) {
    const bool has_first = options_.is_original && index == 0;  // a first run beside the rounds
    const int runs = has_first ? 1 + options_.round : std::max(options_.round, 1);
    std::vector<Array> outputs;
    for (int run = 0; run < runs; ++run) {
      const bool measure = options_.profile && is_last && run + 1 == runs;
      measured->rounds.push_back(walker->Walk(run == 0 ? &outputs : nullptr, nullptr, measure));
      const auto done = static_cast<int>(measured->rounds.size()) - (options_.is_original ? 1 : 0);
      if (options_.malloc_check_cycle > 0 && done > 0 && done % options_.malloc_check_cycle == 0) {
        std::fprintf(stderr, "round %d: %.1f MiB resident\n", done,
                     static_cast<double>(ResidentBytes()) / (1 << 20));
      }
    }
    outputs = sink.Placed(std::move(outputs));
    sink.Write(outputs, suffix);
    for (Array& output : outputs) output.bytes.clear();
    if (index == 0) measured->outputs = std::move(outputs);
  }

  // Rounds of their own: measuring takes time, which the others must not hold.
  void MeasureOperators(Walker* walker, Measured* measured) {
    for (int round = 0; round < std::max(options_.round, 1); ++round) {
      std::vector<double> steps;
      measured->profiled_rounds.push_back(walker->Walk(nullptr, &steps, false));
      measured->profiled_steps.push_back(std::move(steps));
    }
  }

  const Options& options_;
  int log_level_;
  mace_log log_ = {};
  mace::RuntimeOptions runtime_options_;
};

}  // namespace

int RunModel(const Options& options) {
  for (const std::string& warning : options.warnings) {
    std::fprintf(stderr, "mace_run: warning: %s\n", Printable(warning).c_str());
  }
  const std::string unbound = BindToCores(options.cpu_affinity_policy, options.num_threads);
  if (!unbound.empty()) {
    std::fprintf(stderr, "mace_run: warning: --cpu_affinity_policy has no effect: %s\n", unbound.c_str());
  }
  std::optional<FailingAllocator> failing;
  if (options.failure_ratio > 0) failing.emplace(options.failure_ratio, options.seed);
  std::optional<Measured> measured;
  std::vector<mace::TensorInfo> output_infos;
  int completed = 0;
  bool has_failed = false;
  for (int restart = 0; restart < options.restart_round; ++restart) {
    try {
      measured = Cycle(options, failing ? failing->get() : nullptr).Run(&output_infos);
      ++completed;
      has_failed = false;
    } catch (const UsageError&) {
      throw;
    } catch (const std::exception& error) {
      if (!failing) throw;  // what was not injected would only come again
      has_failed = true;
      std::fprintf(stderr, "mace_run: restart round %d of %d: %s\n", restart + 1, options.restart_round,
                   Printable(error.what()).c_str());
    }
  }
  if (failing) {
    std::fprintf(stderr, "mace_run: %d of %d restart rounds completed, %llu allocations failed\n", completed,
                 options.restart_round, static_cast<unsigned long long>(failing->failures()));
  }
  if (measured) {
    measured->completed_restarts = completed;
    measured->peak_resident = PeakResidentBytes();
    if (options.is_original) measured->capability = CpuCapability(options);  // takes memory of its own
    Report(options, output_infos, *measured);
  }
  return has_failed ? 1 : 0;
}

}  // namespace mace_run
