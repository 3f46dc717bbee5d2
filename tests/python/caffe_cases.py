# ruff: noqa: E501
"""Every layer of Caffe that MACE reads: a network of that layer, its weights, and what it computes, written with NumPy in float64 from
Caffe's documentation. `opencv` says whether OpenCV's importer has the layer with the same meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Case:
    name: str
    kind: str
    shapes: list[tuple[int, ...]]
    parameters: str
    expected: Callable[..., object]  # of the inputs and blobs, float64
    blobs: list[tuple[int, ...]] = field(default_factory=list)
    opencv: bool = True
    tops: int = 1
    positive: bool = False
    values: Callable[[np.random.Generator], list[np.ndarray]] | None = None  # the inputs, where they are no random numbers


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    e = np.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def convolve(x, w, b=None, stride=(1, 1), pad=(0, 0), dilation=(1, 1), group=1):
    n = len(x)
    o, ci, kh, kw = w.shape
    x = np.pad(x, ((0, 0), (0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    oh = (x.shape[2] - (kh - 1) * dilation[0] - 1) // stride[0] + 1
    ow = (x.shape[3] - (kw - 1) * dilation[1] - 1) // stride[1] + 1
    y = np.zeros((n, o, oh, ow))
    for g in range(group):
        xs, ws = x[:, g * ci : (g + 1) * ci], w[g * (o // group) : (g + 1) * (o // group)]
        for i in range(kh):
            for j in range(kw):
                part = xs[:, :, i * dilation[0] :, j * dilation[1] :][
                    :, :, : (oh - 1) * stride[0] + 1 : stride[0], : (ow - 1) * stride[1] + 1 : stride[1]
                ]
                y[:, g * (o // group) : (g + 1) * (o // group)] += np.einsum("nchw,oc->nohw", part, ws[:, :, i, j])
    return y if b is None else y + b.reshape(1, -1, 1, 1)


def deconvolve(x, w, b=None, stride=1, pad=0, group=1):
    n, c, h, wd = x.shape
    _, o, kh, kw = w.shape
    full = np.zeros((n, o * group, (h - 1) * stride + kh, (wd - 1) * stride + kw))
    for ch in range(c):
        g = ch // (c // group)
        for i in range(h):
            for j in range(wd):
                full[:, g * o : (g + 1) * o, i * stride : i * stride + kh, j * stride : j * stride + kw] += (
                    x[:, ch, i, j][:, None, None, None] * w[ch]
                )
    y = full[:, :, pad : full.shape[2] - pad, pad : full.shape[3] - pad]
    return y if b is None else y + b.reshape(1, -1, 1, 1)


def pool(x, kind, kernel, stride, pad=(0, 0), floor=False):
    """As Caffe's PoolingLayer: sizes rounded up, averages over the padded input."""
    n, c, h, w = x.shape
    size = []
    for length, k, s, p in zip((h, w), kernel, stride, pad, strict=True):
        count = (length + 2 * p - k) / s
        count = int(np.floor(count) if floor else np.ceil(count)) + 1
        if p and (count - 1) * s >= length + p:
            count -= 1
        size.append(count)
    y = np.zeros((n, c, *size))
    for i in range(size[0]):
        for j in range(size[1]):
            r, q = i * stride[0] - pad[0], j * stride[1] - pad[1]
            re, qe = min(r + kernel[0], h + pad[0]), min(q + kernel[1], w + pad[1])
            count = (re - r) * (qe - q)
            part = x[:, :, max(r, 0) : min(re, h), max(q, 0) : min(qe, w)]
            if kind == "MAX":
                y[:, :, i, j] = part.max((2, 3))
            elif kind == "AVE":
                y[:, :, i, j] = part.sum((2, 3)) / count
            else:
                y[:, :, i, j] = (part * part).sum((2, 3)) / part.sum((2, 3))
    return y


def lrn_across(x, size, alpha, beta, k=1.0):
    sums = np.zeros_like(x)
    for c in range(x.shape[1]):
        low, high = max(0, c - size // 2), min(x.shape[1], c + size // 2 + 1)
        sums[:, c] = (x[:, low:high] ** 2).sum(1)
    return x / (k + alpha / size * sums) ** beta


def lrn_within(x, size, alpha, beta):
    p = (size - 1) // 2
    return x / (1 + alpha * pool(x * x, "AVE", (size, size), (1, 1), (p, p))) ** beta


def channelwise(v, rank=4):
    return v.reshape((1, -1) + (1,) * (rank - 2))


def batch_norm(x, mean, var, factor, eps=1e-5):
    f = 0 if factor[0] == 0 else 1 / factor[0]
    return (x - channelwise(mean * f, x.ndim)) / np.sqrt(channelwise(var * f, x.ndim) + eps)


def mvn(x, axes, variance=True, eps=1e-9):
    y = x - x.mean(axes, keepdims=True)
    return y / (np.sqrt((y * y).mean(axes, keepdims=True)) + eps) if variance else y


def shuffle(x, g):
    n, c, h, w = x.shape
    return x.reshape(n, g, c // g, h, w).transpose(0, 2, 1, 3, 4).reshape(x.shape)


def interp(x, oh, ow):
    def weights(n, o):
        m = np.zeros((o, n))
        for i in range(o):
            place = i * (n - 1) / (o - 1) if o > 1 else 0
            low = min(int(place), n - 1)
            high = min(low + 1, n - 1)
            m[i, low] += 1 - (place - low)
            m[i, high] += place - low
        return m

    return np.einsum("ah,nchw,bw->ncab", weights(x.shape[2], oh), x, weights(x.shape[3], ow))


def arg_max(x, k, values):
    flat = x.reshape(len(x), -1)
    order = np.argsort(flat, 1)[:, ::-1][:, :k]
    return np.stack([order, np.take_along_axis(flat, order, 1)], 1) if values else order[:, None]


def lstm(x, cont, *blobs, static=None, h=None, c=None):
    w, b, r = (blobs[0], blobs[1], blobs[-1])
    hidden = r.shape[1]
    h = np.zeros((x.shape[1], hidden)) if h is None else h[0]
    c = np.zeros((x.shape[1], hidden)) if c is None else c[0]
    out = []
    for t in range(len(x)):
        k = cont[t][:, None]
        a = x[t].reshape(x.shape[1], -1) @ w.T + b + (k * h) @ r.T
        if static is not None:
            a = a + static.reshape(len(static), -1) @ blobs[2].T
        i, f, o = (sigmoid(a[:, n * hidden : (n + 1) * hidden]) for n in range(3))
        c = k * f * c + i * np.tanh(a[:, 3 * hidden :])
        h = o * np.tanh(c)
        out.append(h)
    return np.stack(out), h[None], c[None]


def rnn(x, cont, w, b, r, wo, bo):
    h = np.zeros((x.shape[1], len(r)))
    out = []
    for t in range(len(x)):
        h = np.tanh(x[t] @ w.T + b + (cont[t][:, None] * h) @ r.T)
        out.append(np.tanh(h @ wo.T + bo))
    return np.stack(out)


def roi_pool(x, rois, h, w, scale):
    y = np.zeros((len(rois), x.shape[1], h, w))
    for r, roi in enumerate(rois):
        x0, y0, x1, y1 = np.floor(roi[1:] * scale + 0.5)
        bh, bw = max(y1 - y0 + 1, 1) / h, max(x1 - x0 + 1, 1) / w
        for i in range(h):
            for j in range(w):
                top, bottom = (int(np.clip(v + y0, 0, x.shape[2])) for v in (np.floor(i * bh), np.ceil((i + 1) * bh)))
                left, right = (int(np.clip(v + x0, 0, x.shape[3])) for v in (np.floor(j * bw), np.ceil((j + 1) * bw)))
                if bottom > top and right > left:
                    y[r, :, i, j] = x[int(roi[0]), :, top:bottom, left:right].max((1, 2))
    return y


def prior_box(feature, image, min_sizes, max_sizes, ratios, clip, variances, step=0.0, offset=0.5):
    h, w = feature.shape[2:]
    ih, iw = image.shape[2:]
    sh, sw = (step, step) if step else (ih / h, iw / w)
    boxes = []
    for i in range(h):
        for j in range(w):
            cx, cy = (j + offset) * sw, (i + offset) * sh
            for n, size in enumerate(min_sizes):
                sizes = [(size, size)]
                if max_sizes:
                    sizes.append((np.sqrt(size * max_sizes[n]),) * 2)
                for ratio in ratios:
                    sizes += [(size * np.sqrt(a), size / np.sqrt(a)) for a in (ratio, 1 / ratio)]
                for bw, bh in sizes:
                    boxes += [(cx - bw / 2) / iw, (cy - bh / 2) / ih, (cx + bw / 2) / iw, (cy + bh / 2) / ih]
    boxes = np.clip(boxes, 0, 1) if clip else np.array(boxes)
    return np.stack([boxes, np.tile(variances, len(boxes) // 4)])[None]


def rois(rng: np.random.Generator) -> list[np.ndarray]:
    return [rng.normal(size=(2, 3, 8, 9)), np.array([[0, 0, 0, 10, 9], [1, 4, 2, 15, 14], [0, 3, 3, 3, 3]], float)]


def sequences(*shapes: Sequence[int]) -> Callable[[np.random.Generator], list[np.ndarray]]:
    """x and cont, which begins new sequences, and what follows them."""

    def make(rng: np.random.Generator) -> list[np.ndarray]:
        x = [rng.normal(size=shape) for shape in shapes]
        x[1] = np.array([[0, 0], [1, 1], [1, 0], [0, 1]], float)
        return x

    return make


IMAGE = [(2, 6, 7, 8)]
TWO = [(2, 6, 7, 8)] * 2
CASES = [
    Case("abs", "AbsVal", IMAGE, "", np.abs),
    Case("argmax", "ArgMax", [(2, 3, 4, 5)], "argmax_param { top_k: 3 }", lambda x: arg_max(x, 3, False), opencv=False),
    Case("argmax_values", "ArgMax", [(2, 3, 4, 5)], "argmax_param { top_k: 2 out_max_val: true }", lambda x: arg_max(x, 2, True), opencv=False),
    Case("argmax_axis", "ArgMax", IMAGE, "argmax_param { axis: 1 }", lambda x: x.argmax(1)[:, None], opencv=False),
    Case("argmax_last_of_equals", "ArgMax", [(1, 4)], "argmax_param { axis: 1 }", lambda x: np.array([[2]]), opencv=False, values=lambda rng: [np.array([[0.0, 1, 1, 0]])]),
    Case("axpy", "Axpy", [(2, 6, 1, 1), *TWO], "", lambda a, x, y: a * x + y, opencv=False),
    Case("batch_norm", "BatchNorm", IMAGE, "", batch_norm, [(6,), (6,), (1,)], positive=True),
    Case("batch_norm_eps", "BatchNorm", IMAGE, "batch_norm_param { eps: 0.01 use_global_stats: true }", lambda x, *b: batch_norm(x, *b, eps=0.01), [(6,), (6,), (1,)], positive=True),
    Case("batch_norm_rows", "BatchNorm", [(3, 5)], "", batch_norm, [(5,), (5,), (1,)], opencv=False, positive=True),
    Case("batch_reindex", "BatchReindex", [(3, 4, 2), (4,)], "", lambda x, i: x[i.astype(int)], opencv=False, values=lambda rng: [rng.normal(size=(3, 4, 2)), np.array([2.0, 0, 0, 1])]),
    Case("bias", "Bias", IMAGE, "bias_param { axis: 1 }", lambda x, b: x + channelwise(b), [(6,)], opencv=False),
    Case("bias_two", "Bias", [(2, 6, 7, 8), (6, 7)], "bias_param { axis: 1 }", lambda x, b: x + b[None, :, :, None], opencv=False),
    Case("bnll", "BNLL", IMAGE, "", lambda x: np.log1p(np.exp(x))),
    Case("clip", "Clip", IMAGE, "clip_param { min: -0.5 max: 0.7 }", lambda x: np.clip(x, -0.5, 0.7), opencv=False),
    Case("concat", "Concat", TWO, "", lambda a, b: np.concatenate([a, b], 1)),
    Case("concat_axis", "Concat", TWO, "concat_param { axis: -1 }", lambda a, b: np.concatenate([a, b], 3), opencv=False),
    Case("concat_dim", "Concat", TWO, "concat_param { concat_dim: 2 }", lambda a, b: np.concatenate([a, b], 2), opencv=False),
    Case("conv", "Convolution", IMAGE, "convolution_param { num_output: 4 kernel_size: 3 pad: 1 stride: 2 }", lambda x, w, b: convolve(x, w, b, (2, 2), (1, 1)), [(4, 6, 3, 3), (4,)]),
    Case("conv_hw", "Convolution", IMAGE, "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 1 pad_h: 2 pad_w: 0 stride_h: 1 stride_w: 2 bias_term: false }", lambda x, w: convolve(x, w, None, (1, 2), (2, 0)), [(4, 6, 3, 1)]),
    Case("conv_dilated", "Convolution", IMAGE, "convolution_param { num_output: 4 kernel_size: 3 dilation: 2 group: 2 }", lambda x, w, b: convolve(x, w, b, dilation=(2, 2), group=2), [(4, 3, 3, 3), (4,)]),
    Case("conv_depthwise", "ConvolutionDepthwise", IMAGE, "convolution_param { num_output: 6 kernel_size: 3 }", lambda x, w, b: convolve(x, w, b, group=6), [(6, 1, 3, 3), (6,)], opencv=False),
    Case("depthwise_conv", "DepthwiseConvolution", IMAGE, "convolution_param { num_output: 6 kernel_size: 3 group: 6 }", lambda x, w, b: convolve(x, w, b, group=6), [(6, 1, 3, 3), (6,)], opencv=False),
    Case("crop", "Crop", [(2, 6, 7, 8), (2, 6, 4, 5)], "crop_param { axis: 2 offset: 1 offset: 2 }", lambda x, y: x[:, :, 1:5, 2:7]),
    Case("deconv", "Deconvolution", [(2, 4, 3, 5)], "convolution_param { num_output: 6 kernel_size: 4 stride: 2 pad: 1 }", lambda x, w, b: deconvolve(x, w, b, 2, 1), [(4, 6, 4, 4), (6,)]),
    Case("deconv_group", "Deconvolution", [(2, 4, 3, 5)], "convolution_param { num_output: 6 kernel_size: 3 stride: 2 group: 2 bias_term: false }", lambda x, w: deconvolve(x, w, None, 2, 0, 2), [(4, 3, 3, 3)]),
    Case("dropout", "Dropout", IMAGE, "dropout_param { dropout_ratio: 0.3 }", lambda x: x),
    Case("eltwise_sum", "Eltwise", TWO, "eltwise_param { operation: SUM coeff: 1 coeff: -0.5 }", lambda a, b: a - 0.5 * b),
    Case("eltwise_prod", "Eltwise", TWO, "eltwise_param { operation: PROD }", lambda a, b: a * b),
    Case("eltwise_max", "Eltwise", [(2, 6, 7, 8)] * 3, "eltwise_param { operation: MAX }", lambda a, b, c: np.maximum(np.maximum(a, b), c)),
    Case("elu", "ELU", IMAGE, "elu_param { alpha: 0.7 }", lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    Case("embed", "Embed", [(3, 2)], "embed_param { num_output: 5 input_dim: 7 }", lambda x, w, b: w[x.astype(int)] + b, [(7, 5), (5,)], opencv=False, values=lambda rng: [np.array([[0.0, 6], [3, 2], [1, 1]])]),
    Case("exp", "Exp", IMAGE, "", np.exp, opencv=False),
    Case("exp_base", "Exp", IMAGE, "exp_param { base: 2 scale: 0.5 shift: 1 }", lambda x: 2.0 ** (1 + 0.5 * x)),
    Case("filter", "Filter", [(4, 3), (4,)], "", lambda x, s: x[s != 0], opencv=False, values=lambda rng: [rng.normal(size=(4, 3)), np.array([1.0, 0, 0, 1])]),
    Case("flatten", "Flatten", IMAGE, "", lambda x: x.reshape(2, -1)),
    Case("flatten_middle", "Flatten", IMAGE, "flatten_param { axis: 1 end_axis: 2 }", lambda x: x.reshape(2, 42, 8)),
    Case("hard_sigmoid", "HardSigmoid", IMAGE, "hardsigmoid_param { alpha: 0.2 beta: 0.4 }", lambda x: np.clip(0.2 * x + 0.4, 0, 1), opencv=False),
    Case("hard_swish", "HardSwish", IMAGE, "", lambda x: x * np.clip(x + 3, 0, 6) / 6, opencv=False),
    Case("im2col", "Im2col", [(1, 2, 4, 5)], "convolution_param { kernel_size: 2 }", lambda x: np.stack([x[:, c, i : i + 3, j : j + 4] for c in range(2) for i in range(2) for j in range(2)], 1), opencv=False),
    Case("inner_product", "InnerProduct", IMAGE, "inner_product_param { num_output: 5 }", lambda x, w, b: x.reshape(2, -1) @ w.T + b, [(5, 336), (5,)]),
    Case("inner_product_axis", "InnerProduct", IMAGE, "inner_product_param { num_output: 5 axis: 2 bias_term: false }", lambda x, w: x.reshape(2, 6, -1) @ w.T, [(5, 56)]),
    Case("inner_product_transpose", "InnerProduct", [(3, 4)], "inner_product_param { num_output: 5 transpose: true }", lambda x, w, b: x @ w + b, [(4, 5), (5,)], opencv=False),
    Case("interp", "Interp", [(1, 3, 5, 6)], "interp_param { height: 9 width: 11 }", lambda x: interp(x, 9, 11)),
    Case("interp_zoom", "Interp", [(1, 3, 5, 6)], "interp_param { zoom_factor: 2 }", lambda x: interp(x, 9, 11)),
    Case("interp_pad", "Interp", [(1, 3, 9, 9)], "interp_param { shrink_factor: 2 pad_beg: -1 pad_end: -1 }", lambda x: interp(x[:, :, 1:-1, 1:-1], 4, 4), opencv=False),
    Case("log", "Log", IMAGE, "log_param { base: 10 scale: 2 shift: 1 }", lambda x: np.log10(1 + 2 * x), opencv=False, positive=True),
    Case("lrn", "LRN", IMAGE, "lrn_param { local_size: 3 alpha: 0.5 beta: 0.6 }", lambda x: lrn_across(x, 3, 0.5, 0.6)),
    Case("lrn_k", "LRN", IMAGE, "lrn_param { local_size: 5 alpha: 0.5 k: 2 }", lambda x: lrn_across(x, 5, 0.5, 0.75, 2), opencv=False),
    Case("lrn_within", "LRN", IMAGE, "lrn_param { local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL }", lambda x: lrn_within(x, 3, 0.5, 0.75)),
    Case("lstm", "LSTM", [(4, 2, 3), (4, 2)], "recurrent_param { num_output: 5 }", lambda x, k, *b: lstm(x, k, *b)[0], [(20, 3), (20,), (20, 5)], opencv=False, values=sequences((4, 2, 3), (4, 2))),
    Case("lstm_static", "LSTM", [(4, 2, 3), (4, 2), (2, 6)], "recurrent_param { num_output: 5 }", lambda x, k, s, *b: lstm(x, k, *b, static=s)[0], [(20, 3), (20,), (20, 6), (20, 5)], opencv=False, values=sequences((4, 2, 3), (4, 2), (2, 6))),
    Case("lstm_exposed", "LSTM", [(4, 2, 3), (4, 2), (1, 2, 5), (1, 2, 5)], "recurrent_param { num_output: 5 expose_hidden: true }", lambda x, k, h, c, *b: lstm(x, k, *b, h=h, c=c), [(20, 3), (20,), (20, 5)], opencv=False, tops=3, values=sequences((4, 2, 3), (4, 2), (1, 2, 5), (1, 2, 5))),
    Case("mish", "Mish", IMAGE, "", lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    Case("mvn", "MVN", IMAGE, "", lambda x: mvn(x, (2, 3))),
    Case("mvn_across", "MVN", IMAGE, "mvn_param { across_channels: true normalize_variance: false }", lambda x: mvn(x, (1, 2, 3), False)),
    Case("normalize", "Normalize", IMAGE, "norm_param { across_spatial: false channel_shared: false }", lambda x, s: x / np.sqrt((x * x).sum(1, keepdims=True) + 1e-10) * channelwise(s), [(6,)]),
    Case("normalize_all", "Normalize", IMAGE, "norm_param { across_spatial: true channel_shared: true }", lambda x, s: x / np.sqrt((x * x).sum((1, 2, 3), keepdims=True) + 1e-10) * s[0], [(1,)]),
    Case("parameter", "Parameter", [], "parameter_param { shape { dim: 2 dim: 3 } }", lambda w: w, [(2, 3)], opencv=False),
    Case("permute", "Permute", IMAGE, "permute_param { order: 0 order: 2 order: 3 order: 1 }", lambda x: x.transpose(0, 2, 3, 1)),
    Case("pool_max", "Pooling", IMAGE, "pooling_param { pool: MAX kernel_size: 3 stride: 2 }", lambda x: pool(x, "MAX", (3, 3), (2, 2))),
    Case("pool_max_pad", "Pooling", IMAGE, "pooling_param { kernel_size: 3 stride: 2 pad: 1 }", lambda x: pool(x, "MAX", (3, 3), (2, 2), (1, 1))),
    Case("pool_floor", "Pooling", IMAGE, "pooling_param { kernel_size: 3 stride: 3 round_mode: FLOOR }", lambda x: pool(x, "MAX", (3, 3), (3, 3), floor=True), opencv=False),
    Case("pool_ave", "Pooling", IMAGE, "pooling_param { pool: AVE kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 3 pad_h: 1 pad_w: 1 }", lambda x: pool(x, "AVE", (3, 2), (2, 3), (1, 1))),
    Case("pool_stochastic", "Pooling", IMAGE, "pooling_param { pool: STOCHASTIC kernel_size: 2 stride: 2 }", lambda x: pool(x, "STOCHASTIC", (2, 2), (2, 2)), opencv=False, positive=True),
    Case("pool_global", "Pooling", IMAGE, "pooling_param { pool: AVE global_pooling: true }", lambda x: x.mean((2, 3), keepdims=True)),
    Case("power", "Power", IMAGE, "power_param { power: 1.5 scale: 2 shift: 0.5 }", lambda x: (0.5 + 2 * x) ** 1.5, positive=True),
    Case("power_constant", "Power", IMAGE, "power_param { power: 3 scale: 0 shift: 2 }", lambda x: np.full_like(x, 8)),
    Case("prelu", "PReLU", IMAGE, "", lambda x, s: np.where(x > 0, x, x * channelwise(s)), [(6,)]),
    Case("prelu_shared", "PReLU", IMAGE, "prelu_param { channel_shared: true }", lambda x, s: np.where(x > 0, x, x * s[0]), [(1,)], opencv=False),
    Case("prior_box", "PriorBox", [(1, 2, 3, 4), (1, 3, 30, 50)], "prior_box_param { min_size: 10 max_size: 20 aspect_ratio: 2 flip: true clip: true variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 }", lambda f, i: prior_box(f, i, [10], [20], [2], True, [0.1, 0.1, 0.2, 0.2])),
    Case("prior_box_step", "PriorBox", [(1, 2, 3, 4), (1, 3, 30, 50)], "prior_box_param { min_size: 10 min_size: 15 aspect_ratio: 3 step: 8 offset: 0.25 variance: 0.3 }", lambda f, i: prior_box(f, i, [10, 15], [], [3], False, [0.3] * 4, 8, 0.25), opencv=False),
    Case("reduction_sum", "Reduction", IMAGE, "reduction_param { axis: 2 coeff: 0.5 }", lambda x: x.sum((2, 3)) * 0.5, opencv=False),
    Case("reduction_asum", "Reduction", IMAGE, "reduction_param { operation: ASUM }", lambda x: np.abs(x).sum(), opencv=False),
    Case("reduction_mean", "Reduction", IMAGE, "reduction_param { operation: MEAN axis: -1 }", lambda x: x.mean(3), opencv=False),
    Case("reduction_squares", "Reduction", IMAGE, "reduction_param { operation: SUMSQ axis: 1 }", lambda x: (x * x).sum((1, 2, 3)), opencv=False),
    Case("relu", "ReLU", IMAGE, "", lambda x: np.maximum(x, 0)),
    Case("relu_slope", "ReLU", IMAGE, "relu_param { negative_slope: 0.1 }", lambda x: np.where(x > 0, x, 0.1 * x)),
    Case("relu6", "ReLU6", IMAGE, "", lambda x: np.clip(x, 0, 6)),
    Case("reshape", "Reshape", IMAGE, "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }", lambda x: x.reshape(2, -1, 4)),
    Case("reshape_axes", "Reshape", IMAGE, "reshape_param { axis: 1 num_axes: 2 shape { dim: 3 dim: 2 dim: 7 } }", lambda x: x.reshape(2, 3, 2, 7, 8)),
    Case("reshape_insert", "Reshape", [(2, 6)], "reshape_param { axis: -1 num_axes: 0 shape { dim: 1 dim: 1 } }", lambda x: x.reshape(2, 6, 1, 1), opencv=False),
    Case("rnn", "RNN", [(4, 2, 3), (4, 2)], "recurrent_param { num_output: 5 }", rnn, [(5, 3), (5,), (5, 5), (5, 5), (5,)], opencv=False, values=sequences((4, 2, 3), (4, 2))),
    Case("roi_pooling", "ROIPooling", [(2, 3, 8, 9), (3, 5)], "roi_pooling_param { pooled_h: 2 pooled_w: 3 spatial_scale: 0.5 }", lambda x, r: roi_pool(x, r, 2, 3, 0.5), values=rois),
    Case("scale", "Scale", IMAGE, "scale_param { bias_term: true }", lambda x, s, b: x * channelwise(s) + channelwise(b), [(6,), (6,)]),
    Case("scale_axes", "Scale", IMAGE, "scale_param { axis: 1 num_axes: 2 }", lambda x, s: x * s[None, :, :, None], [(6, 7)], opencv=False),
    Case("scale_two", "Scale", [(2, 6, 7, 8), (2, 6)], "scale_param { axis: 0 }", lambda x, s: x * s[:, :, None, None]),
    Case("shuffle", "ShuffleChannel", IMAGE, "shuffle_channel_param { group: 3 }", lambda x: shuffle(x, 3)),
    Case("sigmoid", "Sigmoid", IMAGE, "", sigmoid),
    Case("slice", "Slice", IMAGE, "slice_param { axis: 1 slice_point: 2 slice_point: 3 }", lambda x: (x[:, :2], x[:, 2:3], x[:, 3:]), tops=3),
    Case("slice_equal", "Slice", IMAGE, "slice_param { slice_dim: 3 }", lambda x: (x[..., :4], x[..., 4:]), tops=2, opencv=False),
    Case("softmax", "Softmax", IMAGE, "", lambda x: softmax(x, 1)),
    Case("softmax_axis", "Softmax", IMAGE, "softmax_param { axis: -1 }", lambda x: softmax(x, 3)),
    Case("split", "Split", IMAGE, "", lambda x: (x, x), tops=2, opencv=False),
    Case("spp", "SPP", IMAGE, "spp_param { pyramid_height: 2 }", lambda x: np.concatenate([x.max((2, 3)), pool(x, "MAX", (4, 4), (4, 4), (1, 0)).reshape(2, -1)], 1), opencv=False),
    Case("swish", "Swish", IMAGE, "swish_param { beta: 1.5 }", lambda x: x * sigmoid(1.5 * x), opencv=False),
    Case("tanh", "TanH", IMAGE, "", np.tanh),
    Case("threshold", "Threshold", IMAGE, "threshold_param { threshold: 0.25 }", lambda x: (x > 0.25).astype(float), opencv=False),
    Case("tile", "Tile", IMAGE, "tile_param { axis: 2 tiles: 3 }", lambda x: np.tile(x, (1, 1, 3, 1)), opencv=False),
    Case("upsample", "Upsample", IMAGE, "upsample_param { scale: 2 }", lambda x: x.repeat(2, 2).repeat(2, 3), opencv=False),
]  # fmt: skip
