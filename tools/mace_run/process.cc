#include "process.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "mace/public/mace_cores.h"

namespace mace_run {

std::string BindToCores(int policy, int num_threads) {
  const std::vector<int64_t> speeds = mace::cores::Speeds();
  const std::vector<size_t> cores =
      mace::cores::OfPolicy(static_cast<mace::CPUAffinityPolicy>(policy), num_threads, speeds);
  if (cores.size() == speeds.size()) return "";
  cpu_set_t allowed, wanted;
  CPU_ZERO(&wanted);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return std::strerror(errno);
  for (size_t core : cores) {
    if (core < CPU_SETSIZE && CPU_ISSET(core, &allowed)) CPU_SET(core, &wanted);
  }
  if (CPU_COUNT(&wanted) == 0) return "the process may use none of the cores of this class";
  return sched_setaffinity(0, sizeof(wanted), &wanted) == 0 ? "" : std::strerror(errno);
}

uint64_t ResidentBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long long all = 0, resident = 0;
  const bool good = std::fscanf(file, "%llu %llu", &all, &resident) == 2;
  std::fclose(file);
  return good ? resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

uint64_t PeakResidentBytes() {
  struct rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

// SplitMix64: a step by the golden ratio, then two rounds of multiplying and mixing.
uint64_t RandomBits(uint64_t seed, uint64_t index) {
  uint64_t bits = seed + (index + 1) * 0x9E3779B97F4A7C15u;
  bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9u;
  bits = (bits ^ bits >> 27) * 0x94D049BB133111EBu;
  return bits ^ bits >> 31;
}

FailingAllocator::FailingAllocator(double ratio, uint64_t seed) : ratio_(ratio), seed_(seed) {
  allocator_.struct_size = sizeof(allocator_);
  allocator_.context = this;
  allocator_.allocate = &Allocate;
  allocator_.deallocate = [](void*, void* memory, size_t) { std::free(memory); };
}

void* FailingAllocator::Allocate(void* context, size_t bytes, size_t alignment) {
  auto* self = static_cast<FailingAllocator*>(context);
  const double chance = static_cast<double>(RandomBits(self->seed_, self->calls_++) >> 11) * 0x1p-53;
  if (chance < self->ratio_) {
    ++self->failures_;
    return nullptr;
  }
  void* memory = nullptr;
  const size_t least = alignment < sizeof(void*) ? sizeof(void*) : alignment;
  return posix_memalign(&memory, least, bytes) == 0 ? memory : nullptr;
}

}  // namespace mace_run
