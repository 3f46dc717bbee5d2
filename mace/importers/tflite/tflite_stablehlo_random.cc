// STABLEHLO_RNG_BIT_GENERATOR: Philox4x32 of 10 rounds and Threefry2x32 of 20 (J. K. Salmon, M. A. Moraes,
// R. O. Dror, D. E. Shaw: Parallel random numbers: as easy as 1, 2, 3, SC 2011) in elementwise operators on
// uint32: one element for each block of the sequence.
#include <array>

#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/importers/tflite/tflite_stablehlo.h"
#include "mace/ops/binary/binary_bits.h"
#include "mace/ops/common.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/quantize/quantize_ops.h"
#include "mace/ops/shape/shape_ops.h"

namespace mace::importers::tflite {
namespace {

ValueId Bits(TfliteContext& context, ops::BitwiseKind kind, ValueId a, ValueId b) {
  return context.EmitInner(OpId::kBitwise, {a, b}, ops::BitwiseAttributes{kind});
}
ValueId Xor(TfliteContext& context, ValueId a, ValueId b) {
  return Bits(context, ops::BitwiseKind::kXor, a, b);
}
ValueId Word(TfliteContext& context, uint32_t word) { return Number(context, word, DType::kU32); }

// The halves of uint64 elements.
ValueId Low(TfliteContext& context, ValueId value) { return CastTo(context, value, DType::kU32); }
ValueId High(TfliteContext& context, ValueId value) {
  return Low(context, Bits(context, ops::BitwiseKind::kShiftRight, value, Number(context, 32, DType::kU64)));
}

ValueId AsType(TfliteContext& context, ValueId value, DType dtype) {
  if (context.DTypeOf(value) == dtype) return value;
  ops::BitCastAttributes attributes;
  attributes.to = dtype;
  attributes.regroup = BytesOf(dtype) != BytesOf(context.DTypeOf(value));
  return context.EmitInner(OpId::kBitCast, {value}, attributes);
}

std::array<ValueId, 4> Philox(TfliteContext& context, std::array<ValueId, 4> words,
                              std::array<ValueId, 2> key) {
  constexpr uint32_t kMultipliers[] = {0xD2511F53, 0xCD9E8D57}, kSteps[] = {0x9E3779B9, 0xBB67AE85};
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) {
    ValueId products[2];
    for (size_t i = 0; i < 2; ++i) {
      products[i] = Times(context, CastTo(context, words[2 * i], DType::kU64),
                          Number(context, kMultipliers[i], DType::kU64));
    }
    words = {
        Xor(context, Xor(context, High(context, products[1]), words[1]), key[0]), Low(context, products[1]),
        Xor(context, Xor(context, High(context, products[0]), words[3]), key[1]), Low(context, products[0])};
    for (size_t i = 0; i < 2 && round + 1 < kRounds; ++i) {
      key[i] = Plus(context, key[i], Word(context, kSteps[i]));
    }
  }
  return words;
}

std::array<ValueId, 2> Threefry(TfliteContext& context, std::array<ValueId, 2> words,
                                std::array<ValueId, 2> key) {
  constexpr uint32_t kParity = 0x1BD11BDA;
  constexpr uint32_t kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  const ValueId keys[] = {key[0], key[1], Xor(context, Xor(context, key[0], key[1]), Word(context, kParity))};
  for (size_t i = 0; i < 2; ++i) words[i] = Plus(context, words[i], keys[i]);
  constexpr uint32_t kGroups = 5;  // of four rounds
  for (uint32_t group = 0; group < kGroups; ++group) {
    for (uint32_t rotation : kRotations[group % 2]) {
      constexpr uint32_t kBits = 32;
      words[0] = Plus(context, words[0], words[1]);
      const ValueId left = Bits(context, ops::BitwiseKind::kShiftLeft, words[1], Word(context, rotation));
      const ValueId right =
          Bits(context, ops::BitwiseKind::kShiftRight, words[1], Word(context, kBits - rotation));
      words[1] = Xor(context, Bits(context, ops::BitwiseKind::kOr, left, right), words[0]);
    }
    words[0] = Plus(context, words[0], keys[(group + 1) % 3]);
    words[1] = Plus(context, Plus(context, words[1], keys[(group + 2) % 3]), Word(context, group + 1));
  }
  return words;
}

}  // namespace

// Input: the state, uint64 [2] or, of Philox, [3]: the key, the number of the next block, more of the
// counter. Outputs: the state behind what was drawn, random bits.
void ConvertStablehloRandomBits(TfliteContext& context) {
  const int8_t algorithm = context.RequiredOptions2<file::StablehloRandomBitsOptions>().algorithm();
  constexpr int8_t kLast = 2, kThreefry = 2;
  if (algorithm < 0 || algorithm > kLast) return context.Refuse("algorithm " + std::to_string(algorithm));
  const ValueId state = context.Input(0);
  const Shape shape = context.ShapeOf(state);
  const bool is_threefry = algorithm == kThreefry;
  if (context.DTypeOf(state) != DType::kU64 || shape.rank != 1 ||
      (shape[0] != 2 && (is_threefry || shape[0] != 3))) {
    throw ImportError(StatusCode::kDataLoss,
                      std::string("the state is ") + NameOf(context.DTypeOf(state)) + ShapeText(shape).text +
                          (is_threefry ? ", expected uint64[2]" : ", expected uint64[2 or 3]"));
  }
  const TensorType type = context.OutputType(1);
  const bool is_wide = type.dtype == DType::kU64 || type.dtype == DType::kI64;
  if (!is_wide && type.dtype != DType::kU32 && type.dtype != DType::kI32) {
    return context.Refuse(std::string("random bits as ") + NameOf(type.dtype));
  }
  if (!type.shape.IsConcrete()) return context.Refuse("random bits of an open shape");
  constexpr int64_t kMostElements = int64_t{1} << 40;
  if (type.shape.ElementCount() > kMostElements)
    return context.Refuse("random bits of more than 2^40 elements");
  const int64_t count = type.shape.ElementCount(), word_count = is_wide ? 2 * count : count;
  const int64_t block_words = is_threefry ? 2 : 4;
  const int64_t blocks = (word_count + block_words - 1) / block_words;

  const auto element = [&](int64_t i) { return Sliced(context, state, 0, i, i + 1, 1); };
  const ValueId key = element(0);
  const std::array<ValueId, 2> keys = {Low(context, key), High(context, key)};
  const ValueId steps = context.EmitInner(
      OpId::kRange, {Int(context, 0), Int(context, blocks), Int(context, 1)}, NoAttributes{});
  const ValueId counter = Plus(context, AsType(context, steps, DType::kU64), element(1));
  std::vector<ValueId> words;
  if (is_threefry) {
    for (ValueId word : Threefry(context, {Low(context, counter), High(context, counter)}, keys)) {
      words.push_back(word);
    }
  } else {
    const ValueId more = shape[0] == 3 ? element(2) : key;
    for (ValueId word :
         Philox(context,
                {Low(context, counter), High(context, counter), Low(context, more), High(context, more)},
                keys)) {
      words.push_back(word);
    }
  }
  for (ValueId& word : words) word = AddedAxes(context, word, {1});
  ops::ConcatAttributes along;
  along.axis = 1;
  ValueId bits = context.EmitInner(OpId::kConcat, words, &along, sizeof(along));
  bits = Sliced(context, Reshaped(context, bits, {blocks * block_words}), 0, 0, word_count, 1);
  if (is_wide) bits = Reshaped(context, bits, {count, 2});
  bits = AsType(context, bits, type.dtype);
  ops::ReshapeAttributes reshape;
  reshape.allow_zero = true;
  for (int64_t dim : type.shape.span()) reshape.shape.Push(dim);
  context.BindOutput(1, context.Emit(OpId::kReshape, {bits}, reshape, type,
                                     context.file().TensorName(context.OutputTensor(1))));
  std::vector<int64_t> drawn(static_cast<size_t>(shape[0]), 0);
  drawn[1] = blocks;
  context.EmitOutput(OpId::kAdd, {state, AsType(context, context.AddInts(drawn), DType::kU64)},
                     ops::RoundingAttributes{});
}

}  // namespace mace::importers::tflite
