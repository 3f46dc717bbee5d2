#include "mace/ops/hash/farm_fingerprint.h"

#include <utility>

namespace mace::ops {
namespace {

// The function's three primes.
constexpr uint64_t kPrime0 = 0xC3A5C85C97CB3127;
constexpr uint64_t kPrime1 = 0xB492B66FBE98F273;
constexpr uint64_t kPrime2 = 0x9AE16A3B2F90404F;
constexpr size_t kBlock = 64;

uint64_t Folded(uint64_t word) { return word ^ word >> 47; }

// Two words become one.
uint64_t Joined(uint64_t first, uint64_t second, uint64_t factor) {
  const uint64_t mixed = Folded((first ^ second) * factor);
  return Folded((second ^ mixed) * factor) * factor;
}

// The factor of inputs of up to a block.
uint64_t FactorOf(size_t size) { return kPrime2 + 2 * static_cast<uint64_t>(size); }

uint64_t HashUpTo7(const SeededBytes& bytes) {
  const size_t size = bytes.size();
  return Joined(size + (static_cast<uint64_t>(bytes.HalfWord(0)) << 3), bytes.HalfWord(size - 4),
                FactorOf(size));
}

uint64_t HashUpTo16(const SeededBytes& bytes) {
  const uint64_t factor = FactorOf(bytes.size());
  const uint64_t head = bytes.Word(0) + kPrime2;
  const uint64_t tail = bytes.Word(bytes.size() - 8);
  return Joined(std::rotr(tail, 37) * factor + head, (std::rotr(head, 25) + tail) * factor, factor);
}

// The first and last 16 bytes of inputs of 17 to 64 bytes, as two words that are still to be joined.
struct Ends {
  uint64_t head;
  uint64_t first;
  uint64_t second;
};
Ends EndsOf(const SeededBytes& bytes, uint64_t head_factor) {
  const size_t size = bytes.size();
  const uint64_t head = bytes.Word(0) * head_factor;
  const uint64_t next = bytes.Word(8);
  const uint64_t tail = bytes.Word(size - 8) * FactorOf(size);
  const uint64_t before = bytes.Word(size - 16) * kPrime2;
  return {head, std::rotr(head + next, 43) + std::rotr(tail, 30) + before,
          head + std::rotr(next + kPrime2, 18) + tail};
}

uint64_t HashUpTo32(const SeededBytes& bytes) {
  const Ends ends = EndsOf(bytes, kPrime1);
  return Joined(ends.first, ends.second, FactorOf(bytes.size()));
}

uint64_t HashUpTo64(const SeededBytes& bytes) {
  const size_t size = bytes.size();
  const uint64_t factor = FactorOf(size);
  const Ends ends = EndsOf(bytes, kPrime2);
  const uint64_t outer = Joined(ends.first, ends.second, factor);
  const uint64_t third = bytes.Word(16) * factor;
  const uint64_t fourth = bytes.Word(24);
  const uint64_t tail = (ends.first + bytes.Word(size - 32)) * factor;
  const uint64_t before = (outer + bytes.Word(size - 24)) * factor;
  return Joined(std::rotr(third + fourth, 43) + std::rotr(tail, 30) + before,
                third + std::rotr(fourth + ends.head, 18) + tail, factor);
}

struct Pair {
  uint64_t first = 0;
  uint64_t second = 0;
};

// The 32 bytes at `at` added to two words.
Pair Absorbed(const SeededBytes& bytes, size_t at, uint64_t first, uint64_t second) {
  const uint64_t begin = first + bytes.Word(at);
  const uint64_t last = bytes.Word(at + 24);
  const uint64_t sum = begin + bytes.Word(at + 8) + bytes.Word(at + 16);
  return {sum + last, std::rotr(second + begin + last, 21) + std::rotr(sum, 44) + begin};
}

// What is kept between the blocks of longer inputs.
struct State {
  uint64_t x = 81;  // the function's seed
  uint64_t y = 81 * kPrime1 + 113;
  uint64_t z = Folded(y * kPrime2 + 113) * kPrime2;
  Pair v;
  Pair w;

  // The block at `at`. `weight` is 9 for the last one, else 1.
  void Add(const SeededBytes& bytes, size_t at, uint64_t factor, uint64_t weight) {
    x = std::rotr(x + y + v.first + bytes.Word(at + 8), 37) * factor;
    y = std::rotr(y + v.second + bytes.Word(at + 48), 42) * factor;
    x ^= w.second * weight;
    y += v.first * weight + bytes.Word(at + 40);
    z = std::rotr(z + w.first, 33) * factor;
    v = Absorbed(bytes, at, v.second * factor, x + w.first);
    w = Absorbed(bytes, at + 32, z + w.second, y + bytes.Word(at + 16));
    std::swap(z, x);
  }
};

// The last block overlaps the one before it, unless the size is a multiple of a block.
uint64_t HashBlocks(const SeededBytes& bytes) {
  const size_t size = bytes.size();
  const size_t rest = (size - 1) % kBlock;  // bytes of the last block behind its first
  State state;
  state.x = state.x * kPrime2 + bytes.Word(0);
  for (size_t at = 0; at + kBlock < size; at += kBlock) state.Add(bytes, at, kPrime1, 1);
  const uint64_t factor = kPrime1 + 2 * (state.z & 0xFF);
  state.w.first += rest;
  state.v.first += state.w.first;
  state.w.first += state.v.first;
  state.Add(bytes, size - kBlock, factor, 9);
  return Joined(Joined(state.v.first, state.w.first, factor) + Folded(state.y) * kPrime0 + state.z,
                Joined(state.v.second, state.w.second, factor) + state.x, factor);
}

}  // namespace

uint64_t FarmFingerprint(const SeededBytes& bytes) {
  const size_t size = bytes.size();
  if (size < 8) return HashUpTo7(bytes);
  if (size <= 16) return HashUpTo16(bytes);
  if (size <= 32) return HashUpTo32(bytes);
  if (size <= kBlock) return HashUpTo64(bytes);
  return HashBlocks(bytes);
}

}  // namespace mace::ops
