#include "mace/ops/vision/nv12_to_rgb.h"

#include <algorithm>

namespace mace::ops {
namespace {

Status Infer(InferContext& context) {
  MACE_RETURN_IF_ERROR(ExpectDType(context, 0, {DType::kU8}));
  const Shape& x = context.input(0).shape;
  if (x.rank != 3 && !(x.rank == 4 && (x[3] == 1 || x[3] < 0))) {
    return InvalidArgument("expected [N, H * 3 / 2, W] or [N, H * 3 / 2, W, 1], got %s", ShapeText(x).text);
  }
  if ((x[1] >= 0 && x[1] % 3 != 0) || (x[2] >= 0 && x[2] % 2 != 0)) {
    return InvalidArgument("%s: the rows must be a multiple of 3 (H * 3 / 2, H even), the columns even",
                           ShapeText(x).text);
  }
  context.SetOutput(0, DType::kU8, {x[0], x[1] < 0 ? kUnknownDim : x[1] / 3 * 2, x[2], 3});
  return Status::Ok();
}

// What luma and chroma are multiplied by: 16 bits behind the point.
struct Factors {
  int32_t darkest, luma, red_v, green_u, green_v, blue_u;
};
constexpr Factors kVideoRange = {16, 76309, 104597, -25675, -53279, 132201};
constexpr Factors kFullRange = {0, 65536, 91881, -22553, -46802, 116130};

uint8_t Pixel(int32_t sum) { return static_cast<uint8_t>(std::clamp((sum + (1 << 15)) >> 16, 0, 255)); }

void ConvertRow(const Factors& factors, bool v_first, const uint8_t* luma, const uint8_t* chroma,
                int64_t width, uint8_t* y) {
  for (int64_t i = 0; i < width; i += 2) {
    const int32_t u = chroma[i + (v_first ? 1 : 0)] - 128;
    const int32_t v = chroma[i + (v_first ? 0 : 1)] - 128;
    const int32_t red = factors.red_v * v;
    const int32_t green = factors.green_u * u + factors.green_v * v;
    const int32_t blue = factors.blue_u * u;
    for (int64_t pixel = i; pixel < i + 2; ++pixel) {
      const int32_t grey = factors.luma * (luma[pixel] - factors.darkest);
      y[3 * pixel] = Pixel(grey + red);
      y[3 * pixel + 1] = Pixel(grey + green);
      y[3 * pixel + 2] = Pixel(grey + blue);
    }
  }
}

Status Reference(const ReferenceContext& context) {
  const auto& attributes = context.attributes<Nv12ToRgbAttributes>();
  const Shape& shape = context.outputs[0].shape;
  const auto* x = context.inputs[0].as<uint8_t>();
  auto* y = context.outputs[0].as<uint8_t>();
  if (context.outputs[0].elements() == 0) return Status::Ok();
  const int64_t height = shape[1], width = shape[2];
  for (int64_t n = 0; n < shape[0]; ++n, x += height * width / 2 * 3) {
    for (int64_t row = 0; row < height; ++row, y += 3 * width) {
      ConvertRow(attributes.full_range ? kFullRange : kVideoRange, attributes.v_first, x + row * width,
                 x + (height + row / 2) * width, width, y);
    }
  }
  return Status::Ok();
}

}  // namespace

constinit const OpDefinition kNv12ToRgbDefinition = {
    .name = "Nv12ToRgb",
    .attributes = AttributeInfoOf<Nv12ToRgbAttributes>(),
    .infer = Infer,
    .reference = Reference,
};

}  // namespace mace::ops
