"""Spatial layers and signal operators for random graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from graph_builder import RandomGraph, Value
from graph_layers import vector
from graph_movement import int64s
from onnx import TensorProto

OPERATORS: dict[str, Callable[[RandomGraph], object]] = {}


def operator(name: str):
    def register(function):
        OPERATORS[name] = function
        return function

    return register


def image(g: RandomGraph, dims: int | None = None, channels: int | None = None, least: int = 3) -> Value:
    dims = dims or g.choice((1, 2, 2, 2, 3))
    known = [
        v.shape
        for v in g.values.values()
        if v.name not in g.unpredictable and v.rank == dims + 2 and min(v.shape[2:], default=0) >= least and channels in (None, v.shape[1])
    ]
    if known and g.flag():
        return g.within(-9, 9, shape=known[-1])
    shape = (g.integer(1, 2), channels or g.integer(1, 6), *(g.integer(least, 7 if dims < 3 else 4) for _ in range(dims)))
    return g.within(-9, 9, shape=shape)


def window(g: RandomGraph, x: Value, most: int = 3) -> dict:
    """kernel_shape and what goes with it."""
    dims = x.rank - 2
    kernel = [g.integer(1, min(most, d)) for d in x.shape[2:]]
    attributes: dict = {"kernel_shape": kernel, "strides": [g.integer(1, 2) for _ in range(dims)]}
    if g.flag(4):
        attributes["auto_pad"] = g.choice(("SAME_UPPER", "SAME_LOWER", "VALID"))
    else:
        attributes["pads"] = [g.integer(0, (k - 1) // 2 if k > 1 else 0) for k in kernel * 2]
        if g.flag(3):
            attributes["dilations"] = [2 if 2 * (k - 1) + 1 <= d and k > 1 else 1 for k, d in zip(kernel, x.shape[2:], strict=True)]
    return attributes


@operator("Conv")
def conv(g: RandomGraph) -> None:
    x = image(g)
    group = g.choice([d for d in range(1, x.shape[1] + 1) if x.shape[1] % d == 0])
    attributes = window(g, x)
    shape = (group * g.integer(1, 4), x.shape[1] // group, *attributes["kernel_shape"])
    g.add("Conv", [x, vector(g, shape, -1, 1), vector(g, shape[:1], -1, 1) if g.flag() else None], group=group, **attributes)


@operator("ConvTranspose")
def conv_transpose(g: RandomGraph) -> None:
    x = image(g, least=1)
    group = g.choice([d for d in range(1, x.shape[1] + 1) if x.shape[1] % d == 0])
    kernel = [g.integer(1, 3) for _ in x.shape[2:]]
    strides = [g.integer(1, 2) for _ in kernel]
    weights = vector(g, (x.shape[1], g.integer(1, 4), *kernel), -1, 1)
    bias = vector(g, (weights.shape[1] * group,), -1, 1) if g.flag() else None
    padding = [g.integer(0, s - 1) for s in strides]
    g.add(
        "ConvTranspose",
        [x, weights, bias],
        group=group,
        strides=strides,
        output_padding=padding,
        pads=[0] * len(kernel) + [k // 2 for k in kernel],
    )


@operator("DeformConv")
def deform_conv(g: RandomGraph) -> None:
    x = image(g, 2)
    kernel = [g.integer(1, 2), g.integer(1, 2)]
    out = [d - k + 1 for d, k in zip(x.shape[2:], kernel, strict=True)]
    w = vector(g, (g.integer(1, 3), x.shape[1], *kernel), -1, 1)
    offset = g.input((x.shape[0], 2 * kernel[0] * kernel[1], *out), low=-0.4, high=0.4)
    mask = g.input((x.shape[0], kernel[0] * kernel[1], *out), low=0, high=1) if g.flag() else None
    g.add("DeformConv", [x, w, offset, None, mask], kernel_shape=kernel, pads=[0, 0, 0, 0])


@operator("CausalConvWithState")
def causal_conv(g: RandomGraph) -> None:
    batch, channels, length, k = g.integer(1, 2), g.integer(1, 5), g.integer(1, 6), g.integer(2, 4)
    x = g.value(shape=(batch, channels, length))
    state = g.input((batch, channels, k - 1), low=-1, high=1) if g.flag() else None
    inputs = [x, vector(g, (channels, 1, k), -1, 1), vector(g, (channels,), -1, 1) if g.flag() else None, state]
    g.add("CausalConvWithState", inputs, outputs=2, opset=27, activation=g.choice((None, "silu")))


def pool(name: str):
    def draw(g: RandomGraph) -> None:
        x = image(g)
        attributes = window(g, x)
        outputs = 1
        if name == "MaxPool":
            outputs = g.choice((1, 1, 2))
        if name == "AveragePool":
            attributes["count_include_pad"] = g.integer(0, 1)
        if name == "LpPool":
            attributes["p"] = g.integer(1, 3)
        if "auto_pad" not in attributes and name != "LpPool":
            attributes["ceil_mode"] = g.choice((0, 0, 1))
        g.add(name, [x], outputs, **attributes)

    return draw


for _name in ("MaxPool", "AveragePool", "LpPool"):
    OPERATORS[_name] = pool(_name)
for _name in ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"):
    OPERATORS[_name] = lambda g, name=_name: g.add(name, [image(g, least=1)])


@operator("MaxUnpool")
def max_unpool(g: RandomGraph) -> None:
    x = g.value(shape=(g.integer(1, 2), g.integer(1, 3), 2 * g.integer(1, 3), 2 * g.integer(1, 3)))
    pooled, where = g.add("MaxPool", [x], 2, kernel_shape=[2, 2], strides=[2, 2])
    g.add("MaxUnpool", [pooled, where], kernel_shape=[2, 2], strides=[2, 2])


def regions(g: RandomGraph, count: int, size: int) -> np.ndarray:
    corner = g.array((count, 2), low=0, high=size / 2)
    return np.concatenate([corner, corner + g.array((count, 2), low=1, high=size / 2)], 1)


@operator("MaxRoiPool")
def max_roi_pool(g: RandomGraph) -> None:
    x = g.value(shape=(1, g.integer(1, 3), 6, 6))
    corners = np.round(regions(g, g.integer(1, 3), 6))
    rois = np.concatenate([np.zeros((len(corners), 1), np.float32), corners], 1).astype(np.float32)
    g.add("MaxRoiPool", [x, g.operand(rois)], pooled_shape=[2, g.integer(1, 3)])


@operator("RoiAlign")
def roi_align(g: RandomGraph) -> None:
    x = g.value(shape=(g.integer(1, 2), g.integer(1, 3), 6, 6))
    count = g.integer(1, 3)
    mode = g.choice(("avg", "max"))
    batches = g.operand(g.array((count,), "int64", 0, x.shape[0] - 1))
    coordinates = g.choice(("half_pixel", "output_half_pixel"))
    g.add("RoiAlign", [x, g.operand(regions(g, count, 6)), batches], output_height=2, output_width=3,
              sampling_ratio=g.integer(1, 2), mode=mode,
          coordinate_transformation_mode=coordinates)  # fmt: skip


@operator("Resize")
def resize(g: RandomGraph) -> None:
    x = image(g, 2, least=2)
    mode = g.choice(("nearest", "linear", "cubic"))
    # pytorch_half_pixel puts a single pixel at 0 by the text of the specification, at -0.5 by its evaluator: none is asked for.
    coordinates = g.choice(("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"))
    wants_several = coordinates == "pytorch_half_pixel"
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        attributes["nearest_mode"] = g.choice(("floor", "ceil", "round_prefer_floor"))
    if mode == "cubic":
        attributes["exclude_outside"] = g.integer(0, 1)
    if g.flag():
        scales = np.float32([1, 1, g.choice((1.5, 2)), g.choice((0.5, 2, 3) if mode != "cubic" and not wants_several else (2, 3))])
        g.add("Resize", [x, None, g.operand(scales)], **attributes)
    else:
        least = 2 if mode == "cubic" or wants_several else 1  # one pixel out of several: engines disagree where it lies
        sizes = int64s(*x.shape[:2], g.integer(least, 9), g.integer(least, 9))
        g.add("Resize", [x, None, None, g.operand(sizes)], **attributes)


@operator("GridSample")
def grid_sample(g: RandomGraph) -> None:
    dims = g.choice((2, 2, 3))
    x = image(g, dims, least=2)
    grid = g.input((x.shape[0], *g.shape(dims, high=3), dims), low=-1.2, high=1.2)
    mode = g.choice(("linear", "nearest", "cubic") if dims == 2 else ("linear", "nearest"))
    # The reference evaluator clamps the position at a border in front of cubic interpolation; PyTorch's operator does not.
    padding = g.choice(("zeros", "reflection") if mode == "cubic" else ("zeros", "border", "reflection"))
    g.add("GridSample", [x, grid], mode=mode, padding_mode=padding, align_corners=g.integer(0, 1))


@operator("AffineGrid")
def affine_grid(g: RandomGraph) -> None:
    dims = g.choice((2, 3))
    batch = g.integer(1, 2)
    theta = g.within(-2, 2, shape=(batch, dims, dims + 1))
    corners = g.integer(0, 1)  # with them, one element is divided by zero
    g.add("AffineGrid", [theta, g.operand(int64s(batch, 2, *g.shape(dims, 1 + corners, 4)))], align_corners=corners)


@operator("Col2Im")
def col2im(g: RandomGraph) -> None:
    block = [g.integer(1, 2), g.integer(1, 2)]
    size = [g.integer(2, 5), g.integer(2, 5)]
    positions = (size[0] - block[0] + 1) * (size[1] - block[1] + 1)
    x = g.value(shape=(g.integer(1, 2), g.integer(1, 2) * block[0] * block[1], positions))
    g.add("Col2Im", [x, g.operand(int64s(*size)), g.operand(int64s(*block))])


@operator("DFT")
def dft(g: RandomGraph) -> None:
    length, inverse = g.integer(1, 9), g.integer(0, 1)
    onesided = 0 if inverse else g.integer(0, 1)
    x = g.within(-4, 4, shape=(g.integer(1, 2), length, 1 if onesided else g.integer(1, 2)))
    given = g.operand(np.int64(g.integer(1, 9))) if g.flag(3) and not inverse else None
    g.add("DFT", [x, given, g.operand(np.int64(g.choice((1, -2))))], inverse=inverse, onesided=onesided)


@operator("STFT")
def stft(g: RandomGraph) -> None:
    x = g.within(-4, 4, shape=(g.integer(1, 2), g.integer(8, 20), 1))
    length = g.choice((4, 8))
    frame_window = vector(g, (length,), 0.1, 1)
    g.add("STFT", [x, g.operand(np.int64(g.integer(1, 4))), frame_window, g.operand(np.int64(length))], onesided=g.integer(0, 1))


for _name in ("HannWindow", "HammingWindow", "BlackmanWindow"):
    OPERATORS[_name] = lambda g, name=_name: g.add(
        name, [g.operand(np.int64(g.integer(3, 12)))], periodic=g.integer(0, 1), output_datatype=TensorProto.FLOAT
    )


@operator("MelWeightMatrix")
def mel_weight_matrix(g: RandomGraph) -> None:
    numbers = [g.operand(np.int64(n)) for n in (g.integer(2, 8), g.choice((16, 32)), g.choice((4000, 8192)))]
    g.add(
        "MelWeightMatrix",
        [*numbers, g.operand(np.float32(g.choice((0, 100)))), g.operand(np.float32(1800))],
        output_datatype=TensorProto.FLOAT,
    )
