#include <algorithm>
#include <cmath>

#include "mace/ops/signal/signal.h"

namespace mace::ops {

namespace {

enum Operand { kBins = 0, kLength = 1, kRate = 2, kLowerEdge = 3, kUpperEdge = 4 };

Status InferMelWeightMatrix(InferContext& context) {
  const DType dtype = context.attributes<MelWeightMatrixAttributes>().dtype;
  if (dtype != DType::kF32 && dtype != DType::kF64) return Unsupported("weights of %s", NameOf(dtype));
  bool has_bins = false, has_length = false, has_rate = false;
  int64_t bins = 0, length = 0, rate = 0;
  MACE_RETURN_IF_ERROR(ReadCount(context, kBins, &has_bins, &bins));
  MACE_RETURN_IF_ERROR(ReadCount(context, kLength, &has_length, &length));
  MACE_RETURN_IF_ERROR(ReadCount(context, kRate, &has_rate, &rate));
  for (int i : {kLowerEdge, kUpperEdge}) {
    MACE_RETURN_IF_ERROR(ExpectDType(context, i, {DType::kF32, DType::kF64}));
    const Shape& shape = context.input(i).shape;
    if (shape.rank > 1 || (shape.rank == 1 && shape[0] != 1)) {
      return InvalidArgument("input %d has the shape %s, expected one element", i, ShapeText(shape).text);
    }
  }
  context.SetOutput(0, dtype, {has_length ? length / 2 + 1 : kUnknownDim, has_bins ? bins : kUnknownDim});
  return Status::Ok();
}

double ReadReal(const TensorView& view) {
  return view.dtype == DType::kF32 ? static_cast<double>(*view.as<float>()) : *view.as<double>();
}

double MelOf(double hertz) { return 2595 * std::log1p(hertz / 700) / std::log(10.0); }
double HertzOf(double mel) { return 700 * std::expm1(mel / 2595 * std::log(10.0)); }

// Which frequency of the transform edge `i` of the triangles lies in.
struct MelEdges {
  double low, step, scale;
  int64_t frequencies;

  // Edges above half the sample rate lie in no frequency: they count as the one behind the last.
  int64_t At(int64_t i) const {
    const double place = std::floor(HertzOf(low + static_cast<double>(i) * step) * scale);
    if (!(place > 0)) return 0;
    return static_cast<int64_t>(std::min(place, static_cast<double>(frequencies)));
  }
};

template <typename T>
void FillTriangles(const MelEdges& edges, int64_t bins, T* y) {
  const auto share = [](int64_t part, int64_t all) {
    return static_cast<T>(static_cast<double>(part) / static_cast<double>(all));
  };
  std::fill_n(y, edges.frequencies * bins, T{0});
  for (int64_t bin = 0; bin < bins; ++bin) {
    const int64_t left = edges.At(bin), middle = edges.At(bin + 1), right = edges.At(bin + 2);
    const auto put = [&](int64_t frequency, T value) {
      if (frequency < edges.frequencies) y[frequency * bins + bin] = value;
    };
    if (left == middle) put(middle, 1);
    for (int64_t k = left; k <= middle && left < middle; ++k) put(k, share(k - left, middle - left));
    for (int64_t k = middle; k < right; ++k) put(k, share(right - k, right - middle));
  }
}

Status ReferenceMelWeightMatrix(const ReferenceContext& context) {
  const Shape& output = context.outputs[0].shape;
  if (output.ElementCount() == 0) return Status::Ok();
  const int64_t length = ReadInt(context.inputs[kLength], 0), rate = ReadInt(context.inputs[kRate], 0);
  if (rate < 1) return InvalidArgument("a sample rate of %lld", static_cast<long long>(rate));
  const double low = MelOf(ReadReal(context.inputs[kLowerEdge]));
  const double high = MelOf(ReadReal(context.inputs[kUpperEdge]));
  if (!std::isfinite(low) || !std::isfinite(high) || low > high) {
    return InvalidArgument("the edges are no frequencies in ascending order");
  }
  const int64_t bins = output[1];
  const MelEdges edges = {low, (high - low) / static_cast<double>(bins + 2),
                          static_cast<double>(length + 1) / static_cast<double>(rate), output[0]};
  return DispatchDType<float, double>(context.outputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    FillTriangles(edges, bins, context.outputs[0].as<T>());
    return Status::Ok();
  });
}

}  // namespace

constinit const OpDefinition kMelWeightMatrixDefinition = {
    .name = "MelWeightMatrix",
    .min_inputs = 5,
    .max_inputs = 5,
    .content_inputs = ContentInputs({kBins, kLength}),
    .attributes = AttributeInfoOf<MelWeightMatrixAttributes>(),
    .infer = InferMelWeightMatrix,
    .reference = ReferenceMelWeightMatrix,
};

}  // namespace mace::ops
