"""Operators that ONNX's reference evaluator (1.23) lacks, gets wrong, or computes in float32 whatever it is given: written down from
their specifications, in float64 where the inputs are.

Wrong there: MaxPool, AveragePool and LpPool with paddings that differ, GlobalMaxPool of 3-D images, ConvTranspose with groups, LRN (loops
over the wrong axis), LpNormalization with p = 1 and negative elements, Unique (order of what is not sorted), GatherElements on other
axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from onnx import NodeProto, TensorProto, helper

Arrays = list[np.ndarray]
JUDGES: dict[str, Callable[..., Arrays]] = {}


def judge(function):
    JUDGES[function.__name__.removesuffix("_")] = function
    return function


def attributes_of(node: NodeProto) -> dict:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def evaluate(node: NodeProto, feeds: dict[str, np.ndarray]) -> Arrays | None:
    """The outputs that the node names; None where the reference evaluator will do."""
    if node.op_type not in JUDGES:
        return None
    results = JUDGES[node.op_type](*(feeds[name] if name else None for name in node.input), **attributes_of(node))
    return [result for result, name in zip(results, node.output, strict=False) if name]


@judge
def MeanVarianceNormalization(x, axes=(0, 2, 3)):
    axes = tuple(axes)
    mean = x.mean(axes, keepdims=True)
    deviation = np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True)) + 1e-9  # as the function body in the specification adds it
    return [((x - mean) / deviation).astype(x.dtype)]


@judge
def GlobalLpPool(x, p=2):
    return [(np.abs(x) ** p).sum(tuple(range(2, x.ndim)), keepdims=True) ** x.dtype.type(1 / p)]


@judge
def GlobalMaxPool(x):
    return [x.max(tuple(range(2, x.ndim)), keepdims=True)]


@judge
def GatherElements(x, indices, axis=0):
    axis %= x.ndim
    where = list(np.indices(indices.shape, sparse=True))
    where[axis] = np.where(indices < 0, indices + x.shape[axis], indices)
    return [x[tuple(where)]]


@judge
def OneHot(indices, depth, values, axis=-1):
    depth = int(np.asarray(depth).reshape(()))
    axis = axis % (indices.ndim + 1)
    wanted = np.mod(indices, depth)
    hot = np.expand_dims(wanted, axis) == np.arange(depth).reshape([-1 if i == axis else 1 for i in range(indices.ndim + 1)])
    return [np.where(hot, values[1], values[0]).astype(values.dtype)]


@judge
def AffineGrid(theta, size, align_corners=0):
    spatial = [int(n) for n in size[2:]]
    axes = []
    for n in spatial:
        steps = np.arange(n, dtype=np.float64)
        axes.append((-1 + 2 * steps / (n - 1) if n > 1 else np.zeros(n)) if align_corners else (2 * steps + 1) / n - 1)
    points = np.stack([*reversed(np.meshgrid(*axes, indexing="ij")), np.ones(spatial)], -1)
    return [np.einsum("...k,bik->b...i", points, theta.astype(np.float64)).astype(theta.dtype)]


@judge
def MaxRoiPool(x, rois, pooled_shape, spatial_scale=1.0):
    height, width = pooled_shape
    result = np.zeros((len(rois), x.shape[1], height, width), x.dtype)
    for i, (batch, *corners) in enumerate(rois.astype(np.float64)):
        x0, y0, x1, y1 = (int(np.floor(c * spatial_scale + 0.5)) for c in corners)
        cells = (max(y1 - y0 + 1, 1) / height, max(x1 - x0 + 1, 1) / width)
        for ph in range(height):
            for pw in range(width):
                rows = [min(max(y0 + edge, 0), x.shape[2]) for edge in (int(np.floor(ph * cells[0])), int(np.ceil((ph + 1) * cells[0])))]
                columns = [min(max(x0 + edge, 0), x.shape[3]) for edge in (int(np.floor(pw * cells[1])), int(np.ceil((pw + 1) * cells[1])))]
                bin_ = x[int(batch), :, slice(*rows), slice(*columns)]
                if bin_.size:
                    result[i, :, ph, pw] = bin_.max((1, 2))
    return [result]


def window(size, coefficients, output_datatype, periodic):
    size = int(size)
    length = size if periodic else size - 1
    angles = 2 * np.pi * np.arange(size) / max(length, 1)
    total = sum(c * np.cos(k * angles) for k, c in enumerate(coefficients))
    if not periodic and size == 1:
        raise ValueError("a symmetric window of one element divides by zero")
    return [np.asarray(total).astype(helper.tensor_dtype_to_np_dtype(output_datatype))]


@judge
def HannWindow(size, output_datatype=TensorProto.FLOAT, periodic=1):
    return window(size, (0.5, -0.5), output_datatype, periodic)


@judge
def HammingWindow(size, output_datatype=TensorProto.FLOAT, periodic=1):
    return window(size, (25 / 46, -21 / 46), output_datatype, periodic)


@judge
def BlackmanWindow(size, output_datatype=TensorProto.FLOAT, periodic=1):
    return window(size, (0.42, -0.5, 0.08), output_datatype, periodic)


@judge
def MelWeightMatrix(mels, length, rate, low, high, output_datatype=TensorProto.FLOAT):
    mels, bins = int(mels), int(length) // 2 + 1
    # The specification's step divides by mels + 2, so the last edge stays below `high`.
    low_mel, high_mel = (2595 * np.log10(1 + float(edge) / 700) for edge in (low, high))
    edges = low_mel + np.arange(mels + 2) * (high_mel - low_mel) / (mels + 2)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    at = ((int(length) + 1) * hertz) // int(rate)
    at = at.astype(int)
    result = np.zeros((bins, mels))
    for i in range(mels):
        lower, center, upper = at[i], at[i + 1], at[i + 2]
        if center == lower:
            result[center, i] = 1
        for j in range(lower, center + 1):
            if center > lower:
                result[j, i] = (j - lower) / (center - lower)
        for j in range(center, upper):
            if upper > center:
                result[j, i] = (upper - j) / (upper - center)
    return [result.astype(helper.tensor_dtype_to_np_dtype(output_datatype))]


@judge
def Multinomial(logits, sample_size=1, dtype=TensorProto.INT32, seed=None):
    return [np.zeros((logits.shape[0], sample_size), helper.tensor_dtype_to_np_dtype(dtype))]


def random_like(x, dtype=None, **_):
    return [np.zeros(x.shape, x.dtype if dtype is None else helper.tensor_dtype_to_np_dtype(dtype))]


# Of random operators only shape and dtype are judged.
JUDGES["RandomNormalLike"] = JUDGES["RandomUniformLike"] = JUDGES["Bernoulli"] = random_like


@judge
def LRN(x, size, alpha=1e-4, beta=0.75, bias=1.0):
    total = np.zeros_like(x)
    for c in range(x.shape[1]):
        near = x[:, max(0, c - (size - 1) // 2) : c + size // 2 + 1]
        total[:, c] = (near**2).sum(1)
    return [(x / (bias + alpha / size * total) ** beta).astype(x.dtype)]


@judge
def LpNormalization(x, axis=-1, p=2):
    norm = (np.abs(x) ** p).sum(axis, keepdims=True) ** (1 / p)
    return [np.divide(x, norm, out=np.zeros_like(x), where=norm != 0).astype(x.dtype)]


@judge
def Unique(x, axis=None, sorted=1):
    y, first, inverse, counts = np.unique(x, True, True, True, axis=axis)
    if not sorted:
        order = np.argsort(first)
        y, first, counts = (np.take(a, order, axis=axis or 0) if a is y else a[order] for a in (y, first, counts))
        inverse = np.argsort(order)[inverse.reshape(-1)]
    return [y, first.astype(np.int64), inverse.reshape(-1).astype(np.int64), counts.astype(np.int64)]


def paddings(spatial, kernel, strides, dilations, pads, auto_pad, ceil_mode) -> tuple[list[int], list[int], list[int]]:
    """What is added in front and behind, and the number of windows, for each axis."""
    begins, ends, sizes = [], [], []
    for i, size in enumerate(spatial):
        reach = dilations[i] * (kernel[i] - 1) + 1
        begin, end = pads[i], pads[i + len(spatial)]
        if auto_pad in ("SAME_UPPER", "SAME_LOWER"):
            count = -(-size // strides[i])
            total = max((count - 1) * strides[i] + reach - size, 0)
            begin = total // 2 if auto_pad == "SAME_UPPER" else total - total // 2
            end = total - begin
        else:
            spare = size + begin + end - reach
            count = (-(-spare // strides[i]) if ceil_mode else spare // strides[i]) + 1
            if ceil_mode and (count - 1) * strides[i] >= size + begin:  # a window may not begin in the padding behind
                count -= 1
        begins.append(begin)
        ends.append(end)
        sizes.append(count)
    return begins, ends, sizes


def windows(x, kernel_shape, strides=None, dilations=None, pads=None, auto_pad=b"NOTSET", ceil_mode=0):
    """Of each window: its place in the output, where its elements are that lie in the image, its size in image and padding."""
    dims = len(kernel_shape)
    strides, dilations, pads = strides or [1] * dims, dilations or [1] * dims, pads or [0] * (2 * dims)
    auto_pad = auto_pad.decode() if isinstance(auto_pad, bytes) else auto_pad
    spatial = x.shape[2:]
    begins, ends, sizes = paddings(spatial, kernel_shape, strides, dilations, pads, auto_pad, ceil_mode)
    found = []
    for place in np.ndindex(*sizes):
        taps = [
            [o * s - b + d * k for k in range(n)] for o, s, b, d, n in zip(place, strides, begins, dilations, kernel_shape, strict=True)
        ]
        inside = [[t for t in axis if 0 <= t < size] for axis, size in zip(taps, spatial, strict=True)]
        padded = [sum(-b <= t < size + e for t in axis) for axis, size, b, e in zip(taps, spatial, begins, ends, strict=True)]
        found.append((place, inside, int(np.prod(padded))))
    return sizes, found


def pooled(x, function, **geometry):
    sizes, found = windows(x, **geometry)
    result = np.zeros((*x.shape[:2], *sizes), x.dtype)
    for place, inside, count in found:
        result[(slice(None), slice(None), *place)] = function(
            x[(slice(None), slice(None), *np.ix_(*inside))].reshape(*x.shape[:2], -1), count
        )
    return result


@judge
def AveragePool(x, count_include_pad=0, **geometry):
    return [pooled(x, lambda taps, count: taps.sum(-1) / (count if count_include_pad else taps.shape[-1]), **geometry)]


@judge
def LpPool(x, p=2, **geometry):
    return [pooled(x, lambda taps, _: (np.abs(taps) ** p).sum(-1) ** (1 / p), **geometry)]


@judge
def MaxPool(x, storage_order=0, **geometry):
    y = pooled(x, lambda taps, _: taps.max(-1), **geometry)
    sizes, found = windows(x, **geometry)
    where = np.zeros((*x.shape[:2], *sizes), np.int64)
    spatial = x.shape[2:]
    for place, inside, _ in found:
        taps = x[(slice(None), slice(None), *np.ix_(*inside))].reshape(*x.shape[:2], -1)
        flat = np.ravel_multi_index(np.meshgrid(*inside, indexing="ij"), spatial).reshape(-1)
        where[(slice(None), slice(None), *place)] = flat[taps.argmax(-1)]
    planes = np.arange(x.shape[0] * x.shape[1]).reshape(*x.shape[:2], *[1] * len(spatial)) * int(np.prod(spatial))
    return [y, where + planes]


@judge
def ConvTranspose(x, w, bias=None, group=1, strides=None, dilations=None, pads=None, output_padding=None):
    dims = x.ndim - 2
    strides, dilations = strides or [1] * dims, dilations or [1] * dims
    pads, output_padding = pads or [0] * (2 * dims), output_padding or [0] * dims
    full = [
        s * (n - 1) + d * (k - 1) + 1 + o
        for n, k, s, d, o in zip(x.shape[2:], w.shape[2:], strides, dilations, output_padding, strict=True)
    ]
    per_group = x.shape[1] // group
    y = np.zeros((x.shape[0], w.shape[1] * group, *full), x.dtype)
    for g in range(group):
        part = x[:, g * per_group : (g + 1) * per_group]
        for tap in np.ndindex(*w.shape[2:]):
            kernel = w[(slice(g * per_group, (g + 1) * per_group), slice(None), *tap)]
            where = tuple(slice(d * t, d * t + s * (n - 1) + 1, s) for d, t, s, n in zip(dilations, tap, strides, x.shape[2:], strict=True))
            y[(slice(None), slice(g * w.shape[1], (g + 1) * w.shape[1]), *where)] += np.einsum("bc...,cm->bm...", part, kernel)
    y = y[(..., *(slice(pads[i], size - pads[i + dims]) for i, size in enumerate(full)))]
    return [y if bias is None else y + bias.reshape(1, -1, *[1] * dims)]
