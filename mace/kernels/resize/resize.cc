#include "mace/kernels/resize/resize.h"

#include <cmath>

#include "mace/kernels/gemm/gemm.h"

namespace mace::kernels {
namespace {

// In single precision, as the engines whose results people compare with compute it: ties of `nearest` depend
// on it.
float InputCoordinate(ResizeCoordinates coordinates, int64_t x, float scale, int64_t input, int64_t output) {
  const float out = static_cast<float>(x);
  switch (coordinates) {
    case ResizeCoordinates::kHalfPixel:
      return (out + 0.5f) / scale - 0.5f;
    case ResizeCoordinates::kPytorchHalfPixel:
      return output > 1 ? (out + 0.5f) / scale - 0.5f : 0.0f;
    case ResizeCoordinates::kAsymmetric:
      return out / scale;
    case ResizeCoordinates::kAlignCorners:
      return output > 1 ? out * static_cast<float>(input - 1) / static_cast<float>(output - 1) : 0.0f;
    case ResizeCoordinates::kTensorflowHalfPixelForNearest:
      return (out + 0.5f) / scale;
  }
  return 0.0f;
}

float RoundCoordinate(ResizeRounding rounding, float x) {
  switch (rounding) {
    case ResizeRounding::kRoundPreferFloor:
      return std::ceil(x - 0.5f);
    case ResizeRounding::kRoundPreferCeil:
      return std::floor(x + 0.5f);
    case ResizeRounding::kFloor:
      return std::floor(x);
    case ResizeRounding::kCeil:
      return std::ceil(x);
  }
  return x;
}

void FillAxis(const ResizeParams& p, int64_t input, int64_t output, float scale, ResizeTap* taps) {
  if (input == 0) return;  // and then no kernel runs: PrepareResize makes no tiles
  if (!(scale > 0.0f)) scale = static_cast<float>(output) / static_cast<float>(input);
  const float last = static_cast<float>(input - 1);
  for (int64_t i = 0; i < output; ++i) {
    float x = InputCoordinate(p.coordinates, i, scale, input, output);
    if (!p.linear) x = RoundCoordinate(p.rounding, x);
    x = !(x > 0.0f) ? 0.0f : x < last ? x : last;
    const int32_t low =
        static_cast<int32_t>(x) < input ? static_cast<int32_t>(x) : static_cast<int32_t>(input - 1);
    const int32_t high = low + 1 < input ? low + 1 : low;
    taps[i] = p.linear ? ResizeTap{low, high, x - static_cast<float>(low)} : ResizeTap{low, low, 0.0f};
  }
}

}  // namespace

Status PrepareResize(ResizeParams* p) {
  constexpr int64_t kMostPixels = int64_t{1} << 24;  // a coordinate must be exact in single precision
  if (p->input_height >= kMostPixels || p->input_width >= kMostPixels || p->output_height >= kMostPixels ||
      p->output_width >= kMostPixels || !SizesFit(p->batch, p->input_height) ||
      !SizesFit(p->batch * p->input_height, p->input_width, 4 * p->input_pixel_stride) ||
      !SizesFit(p->batch, p->output_height) ||
      !SizesFit(p->batch * p->output_height, p->output_width, 4 * p->output_pixel_stride) ||
      !SizesFit(p->channels, 4)) {
    return InvalidArgument("resize: sizes out of range");
  }
  p->tile_count = p->workspace_bytes = p->tile_output_rows = 0;
  const int64_t outputs = p->batch * p->output_height * p->output_width * p->channels;
  if (outputs == 0) return Status::Ok();
  if (p->input_height * p->input_width == 0)
    return InvalidArgument("resize: nothing to enlarge: the input has no pixels");
  constexpr int64_t kTileWork = 64 * 1024;  // values written
  const int64_t rows = (kTileWork + p->output_width * p->channels - 1) / (p->output_width * p->channels);
  p->tile_output_rows = rows < p->output_height ? rows : p->output_height;
  p->tile_count = p->batch * ((p->output_height + p->tile_output_rows - 1) / p->tile_output_rows);
  return Status::Ok();
}

int64_t ResizeTableBytes(const ResizeParams& p) {
  return (p.output_height + p.output_width) * static_cast<int64_t>(sizeof(ResizeTap));
}

void FillResizeTable(const ResizeParams& p, void* table) {
  ResizeTap* taps = static_cast<ResizeTap*>(table);
  FillAxis(p, p.input_height, p.output_height, p.scale_y, taps);
  FillAxis(p, p.input_width, p.output_width, p.scale_x, taps + p.output_height);
}

}  // namespace mace::kernels
