#include "mace/ops/random/multinomial.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "mace/ops/common.h"

namespace mace::ops {

namespace {

enum Operand { kX = 0, kSamples = 1, kBlock = 2 };

// How many samples a row has; kUnknownDim where that is not known yet.
Status InferSamples(const InferContext& context, int64_t* samples) {
  *samples = context.attributes<MultinomialAttributes>().samples;
  if (context.has_input(kSamples)) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, kSamples, {DType::kI64, DType::kI32}));
    IntList list;
    *samples = kUnknownDim;
    if (!context.KnownInts(kSamples, &list)) {
      if (context.input(kSamples).shape.rank <= 1) return Status::Ok();
      return InvalidArgument("samples of the shape %s", ShapeText(context.input(kSamples).shape).text);
    }
    if (list.size() != 1) return InvalidArgument("samples of %d elements", list.size());
    *samples = list[0];
  }
  if (*samples >= 0) return Status::Ok();
  return InvalidArgument("%lld samples", static_cast<long long>(*samples));
}

Status InferMultinomial(InferContext& context) {
  const auto& attributes = context.attributes<MultinomialAttributes>();
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kF32, DType::kF64}));
  MACE_RETURN_IF_ERROR(ExpectRank(context, 0, 2));
  if (attributes.to != DType::kI32 && attributes.to != DType::kI64) {
    return Unsupported("classes as %s, expected i32 or i64", NameOf(attributes.to));
  }
  int64_t samples = 0;
  MACE_RETURN_IF_ERROR(InferSamples(context, &samples));
  MACE_RETURN_IF_ERROR(InferBlocks(context, kBlock, 1));
  const Shape& x = context.input(0).shape;
  if (x[1] == 0 || (attributes.to == DType::kI32 && x[1] > INT32_MAX)) {
    return InvalidArgument("x has the shape %s", ShapeText(x).text);
  }
  const Shape shape = {x[0], samples};
  if (shape.IsConcrete() && ByteCount(attributes.to, shape) < 0) {
    return InvalidArgument("%s is too large", ShapeText(shape).text);
  }
  context.SetOutput(0, attributes.to, shape);
  return Status::Ok();
}

// The block of the next run. TensorFlow's kernels skip what the slowest way to draw might have read: 256
// blocks for each of two numbers a sample, of samples rounded up to whole blocks.
uint64_t NextBlock(const MultinomialAttributes& attributes, uint64_t first, int64_t rows, int64_t samples) {
  const auto n = static_cast<uint64_t>(rows), s = static_cast<uint64_t>(samples);
  if (attributes.generator == RandomGenerator::kTensorFlow) return first + n * ((s + 3) / 4 * 4) * 2 * 256;
  return first + (n * s + 1) / 2;
}

template <typename T>
Status DrawAs(const ReferenceContext& context) {
  const auto& attributes = context.attributes<MultinomialAttributes>();
  const int64_t rows = context.inputs[kX].shape[0], classes = context.inputs[kX].shape[1];
  const int64_t samples =
      context.has_input(kSamples) ? ReadInt(context.inputs[kSamples], 0) : attributes.samples;
  const uint64_t first = FirstBlock(context, kBlock);
  if (context.has_output(1)) {
    *context.outputs[1].as<int64_t>() = static_cast<int64_t>(NextBlock(attributes, first, rows, samples));
  }
  if (!context.has_output(0)) return Status::Ok();
  TensorView y = context.outputs[0];
  if (y.elements() == 0) return Status::Ok();
  MACE_ASSIGN_OR_RETURN(Buffer buffer, Buffer::Allocate(static_cast<size_t>(classes) * sizeof(double)));
  auto* ends = reinterpret_cast<double*>(buffer.data());  // of the classes' parts of [0, total)
  const bool skips = attributes.generator == RandomGenerator::kTensorFlow;  // what is not finite
  const RandomSequence numbers(attributes.generator, KeyOfRun(attributes.is_seeded, attributes.seed),
                               static_cast<uint64_t>(attributes.stream), first);
  for (int64_t row = 0; row < rows; ++row) {
    const T* x = context.inputs[0].template as<T>() + row * classes;
    auto highest = -std::numeric_limits<double>::infinity();
    for (int64_t c = 0; c < classes; ++c) {
      const auto value = static_cast<double>(x[c]);
      if (!skips || std::isfinite(value)) highest = std::max(highest, value);
    }
    double total = 0;
    for (int64_t c = 0; c < classes; ++c) {
      const auto value = static_cast<double>(x[c]);
      if (!skips || std::isfinite(value)) total += std::exp(value - highest);
      ends[c] = total;
    }
    if (!std::isfinite(total) || total <= 0) {
      return InvalidArgument("row %lld holds no probabilities", static_cast<long long>(row));
    }
    for (int64_t sample = 0; sample < samples; ++sample) {
      const int64_t i = row * samples + sample;
      const double* end =
          std::upper_bound(ends, ends + classes, total * numbers.Uniform(static_cast<uint64_t>(i)));
      const int64_t drawn = std::min<int64_t>(end - ends, classes - 1);
      if (y.dtype == DType::kI32) {
        y.as<int32_t>()[i] = static_cast<int32_t>(drawn);
      } else {
        y.as<int64_t>()[i] = drawn;
      }
    }
  }
  return Status::Ok();
}

Status ReferenceMultinomial(const ReferenceContext& context) {
  return DispatchDType<float, double>(context.inputs[0].dtype,
                                      [&](auto zero) { return DrawAs<decltype(zero)>(context); });
}

}  // namespace

constinit const OpDefinition kMultinomialDefinition = {
    .name = "Multinomial",
    .min_inputs = 1,
    .max_inputs = 3,
    .max_outputs = 2,
    .flags = kOpRandom,
    .content_inputs = ContentInputs({kSamples}),
    .attributes = AttributeInfoOf<MultinomialAttributes>(),
    .infer = InferMultinomial,
    .reference = ReferenceMultinomial,
};

}  // namespace mace::ops
