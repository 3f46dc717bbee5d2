// Time of the convolution layers of well-known networks, one core, as % of the core's multiply-add peak.
//
//   kernel_benchmark [isa] [network] [rounds]      for example: kernel_benchmark avx2 resnet50 20
//
// Layers run in their order. Each reads the memory that the one before wrote, as with a planned arena, and
// has weights of its own, so that caches are as in a network; the figure is the minimum over the rounds
// (minima compare kernels; hosts swing by 1.5 x).
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "mace/core/memory.h"
#include "mace/kernels/convolution/convolution.h"
#include "mace/kernels/depthwise/depthwise.h"
#include "mace/kernels/kernel_table.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mace::kernels {
namespace {

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

#if defined(__x86_64__)
// Both widths have the same peak on CPUs with 256-bit datapaths, so AVX2 is enough there; on others % may
// exceed 100 for AVX-512.
__attribute__((target("avx2,fma"))) double FmaSeconds(int64_t count) {
  __m256 sums[10];
  for (int i = 0; i < 10; ++i) sums[i] = _mm256_set1_ps(static_cast<float>(i));
  const __m256 factor = _mm256_set1_ps(0.999f), term = _mm256_set1_ps(1e-3f);
  const double begin = Now();
  for (int64_t k = 0; k < count; ++k) {
#pragma GCC unroll 10
    for (int i = 0; i < 10; ++i) {
      sums[i] = _mm256_fmadd_ps(sums[i], factor, term);
      asm volatile("" : "+x"(sums[i]));
    }
  }
  return Now() - begin;
}
double PeakGflops() {
  if (!__builtin_cpu_supports("avx2")) return 0;
  double best = 1e9;
  for (int i = 0; i < 30; ++i) best = std::min(best, FmaSeconds(100000));
  return 100000.0 * 10 * 8 * 2 / best / 1e9;
}
#else
double PeakGflops() { return 0; }
#endif

enum class Kind { kConv, kDepthwise };
struct Layer {
  const char* network;
  Kind kind;
  int size, in, out, kernel, stride, count;  // `size` is the input's height and width
  bool residual;
};

constexpr Kind C = Kind::kConv, D = Kind::kDepthwise;
constexpr Layer kLayers[] = {
    {"mobilenet_v1", C, 224, 3, 32, 3, 2, 1, false},    {"mobilenet_v1", D, 112, 32, 32, 3, 1, 1, false},
    {"mobilenet_v1", C, 112, 32, 64, 1, 1, 1, false},   {"mobilenet_v1", D, 112, 64, 64, 3, 2, 1, false},
    {"mobilenet_v1", C, 56, 64, 128, 1, 1, 1, false},   {"mobilenet_v1", D, 56, 128, 128, 3, 1, 1, false},
    {"mobilenet_v1", C, 56, 128, 128, 1, 1, 1, false},  {"mobilenet_v1", D, 56, 128, 128, 3, 2, 1, false},
    {"mobilenet_v1", C, 28, 128, 256, 1, 1, 1, false},  {"mobilenet_v1", D, 28, 256, 256, 3, 1, 1, false},
    {"mobilenet_v1", C, 28, 256, 256, 1, 1, 1, false},  {"mobilenet_v1", D, 28, 256, 256, 3, 2, 1, false},
    {"mobilenet_v1", C, 14, 256, 512, 1, 1, 1, false},  {"mobilenet_v1", D, 14, 512, 512, 3, 1, 5, false},
    {"mobilenet_v1", C, 14, 512, 512, 1, 1, 5, false},  {"mobilenet_v1", D, 14, 512, 512, 3, 2, 1, false},
    {"mobilenet_v1", C, 7, 512, 1024, 1, 1, 1, false},  {"mobilenet_v1", D, 7, 1024, 1024, 3, 1, 1, false},
    {"mobilenet_v1", C, 7, 1024, 1024, 1, 1, 1, false}, {"mobilenet_v1", C, 1, 1024, 1000, 1, 1, 1, false},
    {"mobilenet_v2", C, 224, 3, 32, 3, 2, 1, false},    {"mobilenet_v2", D, 112, 32, 32, 3, 1, 1, false},
    {"mobilenet_v2", C, 112, 32, 16, 1, 1, 1, false},   {"mobilenet_v2", C, 112, 16, 96, 1, 1, 1, false},
    {"mobilenet_v2", D, 112, 96, 96, 3, 2, 1, false},   {"mobilenet_v2", C, 56, 96, 24, 1, 1, 1, false},
    {"mobilenet_v2", C, 56, 24, 144, 1, 1, 2, false},   {"mobilenet_v2", D, 56, 144, 144, 3, 1, 1, false},
    {"mobilenet_v2", C, 56, 144, 24, 1, 1, 1, true},    {"mobilenet_v2", D, 56, 144, 144, 3, 2, 1, false},
    {"mobilenet_v2", C, 28, 144, 32, 1, 1, 1, false},   {"mobilenet_v2", C, 28, 32, 192, 1, 1, 3, false},
    {"mobilenet_v2", D, 28, 192, 192, 3, 1, 2, false},  {"mobilenet_v2", C, 28, 192, 32, 1, 1, 2, true},
    {"mobilenet_v2", D, 28, 192, 192, 3, 2, 1, false},  {"mobilenet_v2", C, 14, 192, 64, 1, 1, 1, false},
    {"mobilenet_v2", C, 14, 64, 384, 1, 1, 4, false},   {"mobilenet_v2", D, 14, 384, 384, 3, 1, 4, false},
    {"mobilenet_v2", C, 14, 384, 64, 1, 1, 3, true},    {"mobilenet_v2", C, 14, 384, 96, 1, 1, 1, false},
    {"mobilenet_v2", C, 14, 96, 576, 1, 1, 3, false},   {"mobilenet_v2", D, 14, 576, 576, 3, 1, 2, false},
    {"mobilenet_v2", C, 14, 576, 96, 1, 1, 2, true},    {"mobilenet_v2", D, 14, 576, 576, 3, 2, 1, false},
    {"mobilenet_v2", C, 7, 576, 160, 1, 1, 1, false},   {"mobilenet_v2", C, 7, 160, 960, 1, 1, 3, false},
    {"mobilenet_v2", D, 7, 960, 960, 3, 1, 3, false},   {"mobilenet_v2", C, 7, 960, 160, 1, 1, 2, true},
    {"mobilenet_v2", C, 7, 960, 320, 1, 1, 1, false},   {"mobilenet_v2", C, 7, 320, 1280, 1, 1, 1, false},
    {"mobilenet_v2", C, 1, 1280, 1000, 1, 1, 1, false}, {"resnet50", C, 224, 3, 64, 7, 2, 1, false},
    {"resnet50", C, 56, 64, 64, 1, 1, 1, false},        {"resnet50", C, 56, 64, 64, 3, 1, 3, false},
    {"resnet50", C, 56, 64, 256, 1, 1, 4, true},        {"resnet50", C, 56, 256, 64, 1, 1, 2, false},
    {"resnet50", C, 56, 256, 128, 1, 1, 1, false},      {"resnet50", C, 56, 128, 128, 3, 2, 1, false},
    {"resnet50", C, 28, 128, 512, 1, 1, 4, true},       {"resnet50", C, 56, 256, 512, 1, 2, 1, false},
    {"resnet50", C, 28, 512, 128, 1, 1, 3, false},      {"resnet50", C, 28, 128, 128, 3, 1, 3, false},
    {"resnet50", C, 28, 512, 256, 1, 1, 1, false},      {"resnet50", C, 28, 256, 256, 3, 2, 1, false},
    {"resnet50", C, 14, 256, 1024, 1, 1, 6, true},      {"resnet50", C, 28, 512, 1024, 1, 2, 1, false},
    {"resnet50", C, 14, 1024, 256, 1, 1, 5, false},     {"resnet50", C, 14, 256, 256, 3, 1, 5, false},
    {"resnet50", C, 14, 1024, 512, 1, 1, 1, false},     {"resnet50", C, 14, 512, 512, 3, 2, 1, false},
    {"resnet50", C, 7, 512, 2048, 1, 1, 3, true},       {"resnet50", C, 14, 1024, 2048, 1, 2, 1, false},
    {"resnet50", C, 7, 2048, 512, 1, 1, 2, false},      {"resnet50", C, 7, 512, 512, 3, 1, 2, false},
    {"resnet50", C, 1, 2048, 1000, 1, 1, 1, false},
};

Buffer Floats(int64_t count) {
  auto allocated = Buffer::Allocate(static_cast<size_t>(count) * sizeof(float));
  if (!allocated.ok()) abort();
  Buffer buffer = std::move(allocated).value();
  float* values = reinterpret_cast<float*>(buffer.data());
  for (int64_t i = 0; i < count; ++i)
    values[i] = static_cast<float>((i * 2654435761u >> 20) & 1023) / 1024 - 0.5f;
  return buffer;
}

struct Prepared {
  const Layer* layer;
  Conv2dParams conv;
  DepthwiseParams depthwise;
  Buffer weights, workspace;
  int64_t input_floats = 0, output_floats = 0;
  double flops = 0, best = 1e9;

  void Run(const KernelTable& table, float* input, float* output, float* residual) {
    void* operands[] = {input, weights.data(), output, residual};
    const bool is_conv = layer->kind == C;
    const KernelArguments arguments = {is_conv ? static_cast<const void*>(&conv) : &depthwise, operands,
                                       workspace.data()};
    const double begin = Now();
    if (is_conv) {
      table.convolution->conv2d_f32(arguments, 0, conv.tile_count);
    } else {
      table.depthwise->depthwise_f32(arguments, 0, depthwise.tile_count);
    }
    best = std::min(best, Now() - begin);
  }
};

template <typename Params>
void FillCommon(const Layer& layer, int64_t out_size, Params* p) {
  p->batch = 1, p->input_height = p->input_width = layer.size, p->input_channels = layer.in;
  p->output_height = p->output_width = out_size;
  p->kernel_height = p->kernel_width = layer.kernel, p->stride_y = p->stride_x = layer.stride;
  p->pad_top = p->pad_left = layer.kernel / 2;
  p->output_pixel_stride = layer.out;
  if (layer.residual) p->post_ops.ops[p->post_ops.count++] = {PostOpKind::kAdd, 3, 0, 0, layer.out};
  p->post_ops.ops[p->post_ops.count++] = {PostOpKind::kRelu, -1, 0, 0, 0};
}

Prepared Prepare(const Layer& layer, Isa isa) {
  Prepared x;
  x.layer = &layer;
  const int64_t size = (layer.size - 1) / layer.stride + 1, pixels = size * size;
  // The planner's rule for tensors of depthwise kernels: no stride that is a multiple of 2 KiB.
  const int64_t gap = layer.kind == D && layer.in % 512 == 0 ? 16 : 0;
  int64_t packed = 0, workspace = 0;
  bool ok = false;
  if (layer.kind == C) {
    FillCommon(layer, size, &x.conv);
    x.conv.isa = isa, x.conv.output_channels = layer.out, x.conv.input_pixel_stride = layer.in;
    x.conv.input_is_nchw = layer.in == 3;
    ok = PrepareConv2d(&x.conv).ok();
    packed = Conv2dPackedBytes(x.conv), workspace = x.conv.workspace_bytes;
    x.flops = 2.0 * static_cast<double>(pixels) * layer.out * layer.in * layer.kernel * layer.kernel;
  } else {
    FillCommon(layer, size, &x.depthwise);
    x.depthwise.input_pixel_stride = layer.in + gap;
    ok = PrepareDepthwise(&x.depthwise).ok();
    packed = DepthwisePackedBytes(x.depthwise), workspace = x.depthwise.workspace_bytes;
    x.flops = 2.0 * static_cast<double>(pixels) * layer.out * layer.kernel * layer.kernel;
  }
  if (!ok) abort();
  x.input_floats = static_cast<int64_t>(layer.size) * layer.size * (layer.in + gap);
  x.weights = Floats(packed / 4);
  x.output_floats = pixels * layer.out;
  x.workspace = Floats(workspace / 4 + 16);
  return x;
}

int Main(int argc, char** argv) {
  const CpuFeatures features = CpuFeatures::Detect();
  Isa isa = features.Best();
  for (int i = 0; i < kIsaCount; ++i) {
    if (argc > 1 && std::strcmp(argv[1], NameOf(static_cast<Isa>(i))) == 0) isa = static_cast<Isa>(i);
  }
  const std::string only = argc > 2 ? argv[2] : "";
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 15;
  const KernelTable table = SelectKernels(features.LimitTo(isa));
  const double peak = PeakGflops();
  std::vector<Prepared> layers;
  for (const Layer& layer : kLayers) {
    if (only.empty() || only == layer.network) layers.push_back(Prepare(layer, table.convolution_isa));
  }
  int64_t most = 0;
  for (const Prepared& x : layers) most = std::max({most, x.input_floats, x.output_floats});
  Buffer arena[3] = {Floats(most), Floats(most), Floats(most)};
  const auto floats = [&](size_t i) { return reinterpret_cast<float*>(arena[i].data()); };
  for (int r = 0; r < rounds; ++r) {
    for (size_t i = 0; i < layers.size(); ++i)
      layers[i].Run(table, floats(i % 2), floats((i + 1) % 2), floats(2));
  }
  std::printf("%s, peak %.1f GFLOP/s\n", NameOf(table.convolution_isa), peak);
  double seconds = 0, flops = 0, by_kind[2] = {};
  for (size_t i = 0; i < layers.size(); ++i) {
    const Prepared& x = layers[i];
    const Layer& layer = *x.layer;
    std::printf("%-13s %-9s %3dx%-3d %4d -> %4d k%d s%d  %8.1f us  %6.1f GFLOP/s %5.1f %%\n", layer.network,
                layer.kind == C ? "conv" : "depthwise", layer.size, layer.size, layer.in, layer.out,
                layer.kernel, layer.stride, x.best * 1e6, x.flops / x.best / 1e9,
                peak > 0 ? x.flops / x.best / 1e7 / peak : 0);
    seconds += x.best * layer.count, flops += x.flops * layer.count;
    by_kind[layer.kind == C ? 0 : 1] += x.best * layer.count;
    if (i + 1 == layers.size() || std::strcmp(layer.network, layers[i + 1].layer->network) != 0) {
      std::printf("== %s: %.2f ms (conv %.2f, depthwise %.2f), %.1f %% of peak\n", layer.network,
                  seconds * 1e3, by_kind[0] * 1e3, by_kind[1] * 1e3,
                  peak > 0 ? flops / seconds / 1e7 / peak : 0);
      seconds = flops = by_kind[0] = by_kind[1] = 0;
    }
  }
  return 0;
}

}  // namespace
}  // namespace mace::kernels

int main(int argc, char** argv) { return mace::kernels::Main(argc, argv); }
