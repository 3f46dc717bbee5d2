// Converters of the custom operators AudioSpectrogram and Mfcc, which speech commands are recognised with.
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "mace/importers/tflite/flexbuffer_map.h"
#include "mace/importers/tflite/tflite_emit.h"
#include "mace/importers/tflite/tflite_operators.h"
#include "mace/ops/matmul/matmul.h"
#include "mace/ops/movement/movement.h"
#include "mace/ops/reduce/reduce.h"
#include "mace/ops/signal/signal.h"
#include "mace/passes/constants.h"

namespace mace::importers::tflite {
namespace {

constexpr int64_t kMostElements = 1 << 22;  // of a table that is computed here

FlexbufferMap OptionsOf(const TfliteContext& context) {
  return FlexbufferMap(SpanOf(context.file().operation(context.operator_index()).custom_options()));
}

void RequireRankOf(TfliteContext& context, ValueId value, int rank) {
  if (RankOf(context, value) == rank) return;
  throw ImportError(StatusCode::kDataLoss, std::string("an input of the shape ") +
                                               ShapeText(context.ShapeOf(value)).text + ", expected rank " +
                                               std::to_string(rank));
}

// An option that counts something, 1 at least.
int64_t Count(const FlexbufferMap& options, const char* name, int64_t most) {
  const int64_t count = options.Integer(name, 0);
  if (count >= 1 && count <= most) return count;
  throw ImportError(StatusCode::kDataLoss, std::string(name) + " is " + std::to_string(count) +
                                               ", expected 1 to " + std::to_string(most));
}

ValueId AddTable(TfliteContext& context, const std::vector<float>& elements, int64_t rows) {
  context.Spend(static_cast<int64_t>(sizeof(Value) + sizeof(Constant) + elements.size() * sizeof(float)));
  const Shape shape = {rows, static_cast<int64_t>(elements.size()) / rows};
  return Unwrap(passes::AddFloatConstant(&context.graph(), {}, elements, shape));
}

struct MelBands {
  int64_t bins;  // of the spectrum, up to half the sample rate
  int64_t bands;
  double low, high;  // Hz
  double sample_rate;
};

// Triangles [bins, bands] that overlap by one half, equally wide on the mel scale; each has the height 1. The
// bins beside [low, high], and the one of frequency 0, belong to none.
std::vector<float> MelTriangles(const MelBands& mel) {
  const auto to_mel = [](double hertz) { return 1127.0 * std::log1p(hertz / 700.0); };
  const double lowest = to_mel(mel.low);
  const double step = (to_mel(mel.high) - lowest) / static_cast<double>(mel.bands + 1);
  const double hertz_per_bin = 0.5 * mel.sample_rate / static_cast<double>(mel.bins - 1);
  const auto first = static_cast<int64_t>(1.5 + mel.low / hertz_per_bin);
  const auto last = static_cast<int64_t>(mel.high / hertz_per_bin);
  std::vector<float> table(static_cast<size_t>(mel.bins * mel.bands), 0.0f);
  for (int64_t bin = first; bin <= last; ++bin) {
    // Between the tops of triangles `right` - 1 and `right`.
    const double place = (to_mel(static_cast<double>(bin) * hertz_per_bin) - lowest) / step;
    const auto right = std::clamp<int64_t>(static_cast<int64_t>(std::ceil(place)) - 1, 0, mel.bands);
    const double share = place - static_cast<double>(right);
    float* row = table.data() + bin * mel.bands;
    if (right < mel.bands) row[right] = static_cast<float>(share);
    if (right > 0) row[right - 1] = static_cast<float>(1 - share);
  }
  return table;
}

// The discrete cosine transform as a matrix [inputs, outputs].
std::vector<float> Cosines(int64_t inputs, int64_t outputs) {
  const double scale = std::sqrt(2.0 / static_cast<double>(inputs));
  std::vector<float> table;
  for (int64_t j = 0; j < inputs; ++j) {
    for (int64_t i = 0; i < outputs; ++i) {
      const double turn = static_cast<double>(i) * (static_cast<double>(j) + 0.5);
      table.push_back(static_cast<float>(scale * std::cos(M_PI * turn / static_cast<double>(inputs))));
    }
  }
  return table;
}

}  // namespace

// [length, channels] -> [channels, frames, frequencies]: frames of window_size under a Hann window, filled
// with zeros to a power of two, transformed.
void ConvertAudioSpectrogram(TfliteContext& context) {
  const FlexbufferMap options = OptionsOf(context);
  const int64_t size = Count(options, "window_size", 1 << 20), step = Count(options, "stride", INT32_MAX);
  if (size < 2) throw ImportError(StatusCode::kDataLoss, "a window of one sample");
  const ValueId audio = context.Input(0);
  RequireRankOf(context, audio, 2);
  const auto padded = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(size)));
  std::vector<float> window(static_cast<size_t>(padded), 0.0f);
  for (int64_t i = 0; i < size; ++i) {
    const double turn = 2 * M_PI * static_cast<double>(i) / static_cast<double>(size);
    window[static_cast<size_t>(i)] = static_cast<float>(0.5 - 0.5 * std::cos(turn));
  }
  ValueId signal = Permuted(context, audio, {1, 0});
  if (padded > size) {  // so that the last frames are as long as the window
    signal = context.EmitInner(OpId::kPad, {signal, Ints(context, {0, 0, 0, padded - size})},
                               ops::PadAttributes{});
  }
  const ValueId spectrum = context.EmitInner(
      OpId::kStft, {AddedAxes(context, signal, {2}), Int(context, step), context.AddFloats(window)},
      ops::StftAttributes{});
  ops::ReduceAttributes attributes;
  const bool is_squared = options.Integer("magnitude_squared", 0) != 0;
  attributes.kind = is_squared ? ops::ReduceKind::kSumSquare : ops::ReduceKind::kL2;
  attributes.axes = {3};
  attributes.keep_dims = false;
  context.EmitOutput(OpId::kReduce, {spectrum}, attributes);
}

// A squared spectrogram [channels, frames, bins] -> the cosine transform of the logarithms of what mel bands
// hold.
void ConvertMfcc(TfliteContext& context) {
  const FlexbufferMap options = OptionsOf(context);
  const ValueId spectrogram = context.Input(0);
  RequireRankOf(context, spectrogram, 3);
  const int64_t bands = Count(options, "filterbank_channel_count", 4096);
  const int64_t coefficients = Count(options, "dct_coefficient_count", bands);
  const int64_t bins = context.ShapeOf(spectrogram)[2];
  const std::vector<int64_t> rates = context.ConstantInts(context.Input(1), "the sample rate");
  if (rates.size() != 1) throw ImportError(StatusCode::kDataLoss, "the sample rate is no single number");
  if (bins < 0) throw ImportError(StatusCode::kUnsupported, "an open number of frequencies");
  // The limits of frequencies are whole numbers, as LiteRT reads them.
  const MelBands mel = {bins, bands, static_cast<double>(options.Integer("lower_frequency_limit", 0)),
                        static_cast<double>(options.Integer("upper_frequency_limit", 0)),
                        static_cast<double>(rates[0])};
  if (bins < 2 || mel.low < 0 || mel.high <= mel.low || mel.high > mel.sample_rate / 2) {
    throw ImportError(StatusCode::kUnsupported, std::to_string(bins) + " frequencies of a sample rate of " +
                                                    std::to_string(rates[0]) + " Hz, of which those from " +
                                                    std::to_string(mel.low) + " to " +
                                                    std::to_string(mel.high) + " Hz shall be read");
  }
  if (bins > kMostElements / bands || coefficients > kMostElements / bands) {
    throw ImportError(StatusCode::kResourceExhausted,
                      std::to_string(bins) + " frequencies in " + std::to_string(bands) + " bands");
  }
  constexpr double kLeast = 1e-12;  // no logarithm of 0
  const ops::RoundingAttributes rounding;
  const ValueId magnitudes = context.EmitInner(OpId::kSqrt, {spectrogram}, rounding);
  const ValueId held = context.EmitInner(
      OpId::kMatMul, {magnitudes, AddTable(context, MelTriangles(mel), bins)}, ops::MatMulAttributes{});
  const ValueId raised =
      context.EmitInner(OpId::kMax, {held, Number(context, kLeast, DType::kF32)}, rounding);
  const ValueId logarithms = context.EmitInner(OpId::kLog, {raised}, rounding);
  context.EmitOutput(OpId::kMatMul, {logarithms, AddTable(context, Cosines(bands, coefficients), bands)},
                     ops::MatMulAttributes{});
}

}  // namespace mace::importers::tflite
