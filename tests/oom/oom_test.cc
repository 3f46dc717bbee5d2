// oom_test MODEL.mace INPUT_DIR LIMIT [NUM_THREADS [STEPS]]: makes the allocations of load, plan and run
// through mace_c.h fail, one at a time (all of them where LIMIT is 0, else LIMIT drawn by a seeded
// generator). Each failure gives "out of memory", the call that failed succeeds when it is made again, the
// results are those of an undisturbed run, and nothing leaks. STEPS: the arrays hold that many steps along
// axis 0, of which the first is fed.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "mace/mace_c.h"
#include "tests/oom/malloc_interposer.h"
#include "tools/mace_run/npy.h"

namespace {

struct Job {
  std::string model_file;
  std::vector<mace_run::Array> inputs;
  int32_t num_threads = 1;
  std::vector<std::vector<uint8_t>> output_buffers;  // the caller's own, for the second run
};

struct Counts {
  int64_t failed_calls = 0;
  int64_t absorbed = 0;  // allocations whose failure did not make a call fail (a cache that did not grow)
  int64_t wrong = 0;
};

constexpr int kMaxOutputs = 16;

struct Objects {
  mace_runtime* runtime = nullptr;
  mace_model* model = nullptr;
  mace_session* session = nullptr;
  mace_tensor inputs[64];
  mace_tensor outputs[kMaxOutputs];

  ~Objects() {
    mace_session_destroy(session);
    mace_model_destroy(model);
    mace_runtime_destroy(runtime);
  }
};

// The calls of a cycle, in order.
enum Stage { kCreateRuntime, kLoad, kCreateSession, kRun, kRunAgain, kStageCount };
constexpr const char* kStageNames[] = {"runtime_create", "model_load_file", "session_create", "first run",
                                       "second run"};

mace_status* Call(const Job& job, Stage stage, Objects* o) {
  switch (stage) {
    case kCreateRuntime: {
      mace_runtime_options options = {};
      options.struct_size = sizeof(options);
      options.num_threads = job.num_threads;
      return mace_runtime_create(&options, &o->runtime);
    }
    case kLoad: {
      mace_model_options options = {};
      options.struct_size = sizeof(options);
      options.verify = MACE_VERIFY_FULL;
      return mace_model_load_file(o->runtime, job.model_file.c_str(), &options, &o->model);
    }
    case kCreateSession:
      return mace_session_create(o->model, &o->session);
    default:
      break;
  }
  for (size_t i = 0; i < job.inputs.size(); ++i) {
    const mace_run::Array& array = job.inputs[i];
    mace_tensor& tensor = o->inputs[i];
    tensor = {};
    tensor.struct_size = sizeof(tensor);
    tensor.dtype = array.dtype;
    tensor.rank = static_cast<int32_t>(array.shape.size());
    for (size_t axis = 0; axis < array.shape.size(); ++axis) tensor.dims[axis] = array.shape[axis];
    tensor.data = const_cast<uint8_t*>(array.bytes.data());
    tensor.byte_size = array.bytes.size();
  }
  for (int i = 0; i < kMaxOutputs; ++i) {
    mace_tensor& output = o->outputs[i];
    output = {};
    output.struct_size = sizeof(output);
    if (stage != kRunAgain || static_cast<size_t>(i) >= job.output_buffers.size()) continue;
    output.data = const_cast<uint8_t*>(job.output_buffers[static_cast<size_t>(i)].data());
    output.byte_size = job.output_buffers[static_cast<size_t>(i)].size();
  }
  return mace_session_run(o->session, o->inputs, static_cast<int32_t>(job.inputs.size()), o->outputs,
                          mace_model_output_count(o->model), nullptr);
}

// A hash of all outputs (FNV-1a), without allocating.
uint64_t HashOutputs(const Objects& o) {
  uint64_t hash = 1469598103934665603u;
  for (int32_t i = 0; i < mace_model_output_count(o.model); ++i) {
    const auto* bytes = static_cast<const uint8_t*>(o.outputs[i].data);
    for (size_t k = 0; k < o.outputs[i].byte_size; ++k) hash = (hash ^ bytes[k]) * 1099511628211u;
  }
  return hash;
}

// One cycle in which allocation `fail_at` fails (0: none). `hashes` of both runs; `allocations` made by the
// calls, the second run's apart. The first run's outputs are the session's, the second's are
// `output_buffers`.
void Cycle(const Job& job, int64_t fail_at, uint64_t hashes[2], int64_t* allocations, int64_t* second_run,
           Counts* counts, std::vector<size_t>* output_sizes = nullptr) {
  Objects o;
  const int64_t begin = mace_test::AllocationCount();
  mace_test::FailAllocation(fail_at);
  bool failed_call = false;
  for (int s = 0; s < kStageCount; ++s) {
    const auto stage = static_cast<Stage>(s);
    const int64_t before = mace_test::AllocationCount();
    mace_status* status = Call(job, stage, &o);
    if (status != nullptr) {
      const bool is_oom = mace_status_get_code(status) == MACE_OUT_OF_MEMORY;
      if (!is_oom || fail_at == 0 || failed_call) {
        std::printf("allocation %lld, %s: code %d, %s\n", static_cast<long long>(fail_at), kStageNames[s],
                    mace_status_get_code(status), mace_status_get_message(status));
        ++counts->wrong;
      }
      mace_status_free(status);
      failed_call = true;
      ++counts->failed_calls;
      status = Call(job, stage, &o);  // nothing fails any more
      if (status != nullptr) {
        std::printf("allocation %lld, %s again: %s\n", static_cast<long long>(fail_at), kStageNames[s],
                    mace_status_get_message(status));
        mace_status_free(status);
        ++counts->wrong;
        break;
      }
    }
    if (stage == kRun) hashes[0] = HashOutputs(o);
    if (stage == kRun && output_sizes != nullptr) {
      for (int32_t i = 0; i < mace_model_output_count(o.model); ++i) {
        output_sizes->push_back(o.outputs[i].byte_size);
      }
    }
    if (stage == kRunAgain) {
      hashes[1] = HashOutputs(o);
      *second_run = mace_test::AllocationCount() - before;
    }
  }
  if (fail_at != 0 && mace_test::HasFailed() && !failed_call) ++counts->absorbed;
  *allocations = mace_test::AllocationCount() - begin;
  mace_test::FailAllocation(0);
}

bool ReadJob(int argc, char** argv, Job* job) {
  job->model_file = argv[1];
  if (argc > 4) job->num_threads = std::atoi(argv[4]);
  const int64_t steps = argc > 5 ? std::atoll(argv[5]) : 0;
  for (int i = 0; i < 64; ++i) {
    const std::string path = std::string(argv[2]) + "/in_" + std::to_string(i) + ".npy";
    std::FILE* file = std::fopen(path.c_str(), "rb");
    if (file == nullptr) break;
    std::fclose(file);
    mace_run::Array array = mace_run::ReadNpy(path);
    if (steps > 0 && !array.shape.empty()) {
      array.shape.erase(array.shape.begin());
      array.bytes.resize(array.bytes.size() / static_cast<size_t>(steps));
    }
    job->inputs.push_back(std::move(array));
  }
  return true;
}

int Test(Job job, int64_t limit) {
  Counts counts;
  uint64_t wanted[2] = {}, hashes[2] = {};
  int64_t total = 0, second_run = 0, again = 0, ignored = 0;
  std::vector<size_t> output_sizes;
  // The first cycle fills caches of the C library.
  Cycle(job, 0, wanted, &ignored, &second_run, &counts, &output_sizes);
  if (counts.wrong != 0) return 1;  // nothing was made to fail yet
  for (size_t bytes : output_sizes) job.output_buffers.emplace_back(bytes);
  const int64_t live = mace_test::LiveAllocations();
  Cycle(job, 0, wanted, &total, &second_run, &counts);
  if (second_run != 0)
    std::printf("the second run made %lld allocations\n", static_cast<long long>(second_run));
  counts.wrong += second_run != 0;

  std::vector<int64_t> chosen(static_cast<size_t>(total));
  for (int64_t i = 0; i < total; ++i) chosen[static_cast<size_t>(i)] = i + 1;
  if (limit > 0 && limit < total) {
    std::shuffle(chosen.begin(), chosen.end(), std::mt19937(1));
    chosen.resize(static_cast<size_t>(limit));
    std::sort(chosen.begin(), chosen.end());
  }
  const int64_t live_in_test = mace_test::LiveAllocations();
  for (int64_t fail_at : chosen) {
    hashes[0] = hashes[1] = 0;
    Cycle(job, fail_at, hashes, &ignored, &again, &counts);
    if (hashes[0] != wanted[0] || hashes[1] != wanted[1]) {
      std::printf("allocation %lld: other results\n", static_cast<long long>(fail_at));
      ++counts.wrong;
    }
    const int64_t leaked = mace_test::LiveAllocations() - live_in_test;
    if (leaked != 0) {
      std::printf("allocation %lld: %lld allocations leak\n", static_cast<long long>(fail_at),
                  static_cast<long long>(leaked));
      ++counts.wrong;
    }
    if (counts.wrong > 20) break;
  }
  std::printf(
      "%s: %lld allocations of load, plan and run; %zu made to fail: %lld calls failed, %lld did not "
      "need theirs; %lld wrong; %lld live before and %lld behind\n",
      job.model_file.c_str(), static_cast<long long>(total), chosen.size(),
      static_cast<long long>(counts.failed_calls), static_cast<long long>(counts.absorbed),
      static_cast<long long>(counts.wrong), static_cast<long long>(live),
      static_cast<long long>(live_in_test));
  return counts.wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "oom_test MODEL.mace INPUT_DIR LIMIT [NUM_THREADS [STEPS]]\n");
    return 2;
  }
  setvbuf(stdout, nullptr, _IONBF, 0);  // its buffer would count as a leak
  try {
    Job job;
    if (!ReadJob(argc, argv, &job)) return 2;
    return Test(std::move(job), std::atoll(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "oom_test: %s\n", error.what());
    return 2;
  }
}
