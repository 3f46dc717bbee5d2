"""Convolutions, pools, samplers and transforms of ONNX in random forms: against onnxruntime, which sums in float32."""

from __future__ import annotations

from collections.abc import Callable

import networks
import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, helper, numpy_helper

import mace

F32, F64 = np.float32, np.float64
Case = tuple[str, list, dict, int, int]  # operator, inputs (None: absent), attributes, opset, outputs
Random = np.random.RandomState


def sizes(rng: Random, low: int, high: int, count: int) -> list[int]:
    return [int(n) for n in rng.randint(low, high, count)]


def pick(rng: Random, *choices: object) -> object:
    return choices[rng.randint(len(choices))]


def values(rng: Random, shape: list[int], dtype: type = F32) -> np.ndarray:
    return (rng.standard_normal(shape) * (20 if np.issubdtype(dtype, np.integer) else 1)).astype(dtype)


def window(rng: Random, axes: int, kernel: list[int], same: bool = True) -> dict:
    attributes = {"strides": sizes(rng, 1, 4, axes), "dilations": sizes(rng, 1, 3, axes)}
    form = rng.randint(3)
    if form == 0:
        attributes["pads"] = [int(rng.randint(k)) for k in kernel] * 2
    elif form == 1 and same:  # runtimes disagree about SAME with dilations
        attributes["auto_pad"] = pick(rng, "SAME_UPPER", "SAME_LOWER", "VALID")
        del attributes["dilations"]
    return attributes


def convolution(rng: Random) -> Case:
    axes, groups = rng.randint(1, 4), int(pick(rng, 1, 1, 2))
    kernel, dtype = sizes(rng, 1, 4, axes), pick(rng, F32, F32, F64)
    inputs = [
        values(rng, [2, 2 * groups, *sizes(rng, 5, 9, axes)], dtype), values(rng, [3 * groups, 2, *kernel], dtype),
        pick(rng, None, values(rng, [3 * groups], dtype)),
    ]  # fmt: skip
    return "Conv", inputs, {"group": groups, **window(rng, axes, kernel)}, int(pick(rng, 7, 11, 22)), 1


def transposed_convolution(rng: Random) -> Case:
    axes, groups = rng.randint(1, 4), int(pick(rng, 1, 1, 2))
    kernel, dtype = sizes(rng, 1, 4, axes), pick(rng, F32, F32, F64)
    inputs = [
        values(rng, [2, 2 * groups, *sizes(rng, 3, 7, axes)], dtype), values(rng, [2 * groups, 3, *kernel], dtype),
        pick(rng, None, values(rng, [3 * groups], dtype)),
    ]  # fmt: skip
    attributes = {"group": groups, "strides": sizes(rng, 1, 4, axes)}
    form = rng.randint(3)
    if form == 0:
        attributes["output_padding"] = [int(rng.randint(stride)) for stride in attributes["strides"]]
    elif form == 1:
        attributes["auto_pad"] = pick(rng, "SAME_UPPER", "SAME_LOWER")
    else:
        natural = [(n - 1) * s + k for n, s, k in zip(inputs[0].shape[2:], attributes["strides"], kernel, strict=True)]
        attributes["output_shape"] = [max(1, n - int(rng.randint(2))) for n in natural]
    return "ConvTranspose", inputs, attributes, 11, 1


def pool(rng: Random) -> Case:
    axes, op = rng.randint(1, 4), str(pick(rng, "MaxPool", "AveragePool", "LpPool"))
    kernel = sizes(rng, 1, 4, axes)
    attributes = {"kernel_shape": kernel, **window(rng, axes, kernel)}
    dtype, outputs = F32, 1
    if op == "LpPool":
        attributes["p"] = int(rng.randint(1, 4))
        attributes.pop("dilations", None)
    else:
        attributes["ceil_mode"] = int(rng.randint(2))
    if op == "AveragePool":
        attributes["count_include_pad"] = int(rng.randint(2))
    if op == "MaxPool":
        dtype, outputs = pick(rng, F32, F64, np.int8, np.uint8), int(rng.randint(1, 3))
        attributes["storage_order"] = int(rng.randint(2))
    return op, [values(rng, [2, 2, *sizes(rng, 5, 9, axes)], dtype)], attributes, 22, outputs


def resize(rng: Random) -> Case:
    mode = str(pick(rng, "nearest", "linear", "cubic"))
    rank = int(rng.randint(2, 6)) if mode != "cubic" else 4
    shape, scales = sizes(rng, 1, 6, rank), [1.0] * rank
    for axis in [rank - 2, rank - 1] if rank >= 4 else [rank - 1]:
        scales[axis] = float(pick(rng, 0.5, 2, 1.5, 3, 0.6, 1))
    coordinates = ["half_pixel", "pytorch_half_pixel", "asymmetric"]
    if mode != "nearest":  # its places may lie on whole numbers, but for what was rounded on the way
        coordinates.append("half_pixel_symmetric")
    attributes = {"mode": mode, "coordinate_transformation_mode": pick(rng, *coordinates)}
    if mode == "nearest":
        attributes["nearest_mode"] = pick(rng, "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    x = values(rng, shape, pick(rng, F32, np.int32, np.uint8) if mode == "nearest" else F32)
    if rng.randint(2):
        return "Resize", [x, None, np.array(scales, F32)], attributes, 19, 1
    whole = [max(1, int(n * scale)) for n, scale in zip(shape, scales, strict=True)]
    return "Resize", [x, None, None, np.array(whole, np.int64)], attributes, 19, 1


def grid_sample(rng: Random) -> Case:
    axes = int(pick(rng, 2, 2, 3))
    mode = pick(rng, "linear", "nearest", "cubic") if axes == 2 else pick(rng, "linear", "nearest")
    grid = rng.uniform(-1.6, 1.6, [2, *sizes(rng, 2, 5, axes), axes]).astype(F32)
    attributes = {"mode": mode, "padding_mode": pick(rng, "zeros", "border", "reflection"), "align_corners": int(rng.randint(2))}
    return "GridSample", [values(rng, [2, 3, *sizes(rng, 2, 6, axes)]), grid], attributes, 20, 1


def boxes(rng: Random, count: int) -> np.ndarray:
    corners = rng.uniform(0, 9, (count, 4)).astype(F32)
    corners[:, 2:] += corners[:, :2]
    return corners


def roi_align(rng: Random) -> Case:
    count, opset = int(rng.randint(1, 4)), int(pick(rng, 10, 16, 22))
    attributes = {
        "output_height": int(rng.randint(1, 4)), "output_width": int(rng.randint(1, 4)), "sampling_ratio": int(rng.randint(4)),
        "spatial_scale": float(pick(rng, 1, 0.5)), "mode": pick(rng, "avg", "max"),
    }  # fmt: skip
    if opset >= 16:
        attributes["coordinate_transformation_mode"] = pick(rng, "half_pixel", "output_half_pixel")
    return "RoiAlign", [values(rng, [2, 3, 7, 8]), boxes(rng, count), rng.randint(0, 2, count).astype(np.int64)], attributes, opset, 1


def max_roi_pool(rng: Random) -> Case:
    count = int(rng.randint(1, 4))
    rois = np.concatenate([rng.randint(0, 2, (count, 1)).astype(F32), boxes(rng, count)], 1)
    return "MaxRoiPool", [values(rng, [2, 3, 7, 8]), rois], {"pooled_shape": sizes(rng, 1, 4, 2), "spatial_scale": 0.5}, 11, 1


def deform_convolution(rng: Random) -> Case:
    groups, offsets = int(pick(rng, 1, 2)), int(pick(rng, 1, 2))
    kernel, strides, dilations, pads = (sizes(rng, low, high, n) for low, high, n in ((1, 4, 2), (1, 3, 2), (1, 3, 2), (0, 2, 4)))
    out = [(n + pads[i] + pads[2 + i] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i, n in enumerate((7, 8))]
    taps = offsets * kernel[0] * kernel[1]
    inputs = [
        values(rng, [2, 4, 7, 8]), values(rng, [2 * groups, 4 // groups, *kernel]), values(rng, [2, 2 * taps, *out]),
        values(rng, [2 * groups]), pick(rng, None, values(rng, [2, taps, *out])),
    ]  # fmt: skip
    attributes = {
        "group": groups,
        "offset_group": offsets,
        "strides": strides,
        "dilations": dilations,
        "pads": pads,
        "kernel_shape": kernel,
    }
    return "DeformConv", inputs, attributes, 19, 1


def column_to_image(rng: Random) -> Case:
    axes = int(rng.randint(1, 4))
    image, block, strides, pads = (sizes(rng, low, high, axes * n) for low, high, n in ((4, 7, 1), (1, 4, 1), (1, 3, 1), (0, 2, 2)))
    count = [(image[i] + pads[i] + pads[axes + i] - block[i]) // strides[i] + 1 for i in range(axes)]
    x = values(rng, [2, 3 * int(np.prod(block)), int(np.prod(count))])
    return "Col2Im", [x, np.array(image), np.array(block)], {"strides": strides, "pads": pads}, 18, 1


def fourier(rng: Random) -> Case:
    length, parts, inverse = int(rng.randint(2, 14)), int(pick(rng, 1, 2)), int(rng.randint(2))
    attributes = {"inverse": inverse}
    if not inverse and parts == 1:
        attributes["onesided"] = int(rng.randint(2))
    x = values(rng, [2, length, 3, 2 if inverse else parts])
    wanted = pick(rng, None, np.array(rng.randint(2, 14), np.int64))
    if rng.randint(2):
        return "DFT", [x, wanted], {**attributes, "axis": pick(rng, 1, 2, -2)}, 17, 1
    return "DFT", [x, wanted, np.array(pick(rng, 1, 2, -2, -3), np.int64)], attributes, 20, 1


def short_fourier(rng: Random) -> Case:
    frame = int(rng.randint(3, 9))
    inputs = [values(rng, [2, int(rng.randint(10, 30)), 1]), np.array(rng.randint(1, 5), np.int64), values(rng, [frame])]
    return "STFT", [*inputs, np.array(frame, np.int64)], {"onesided": int(rng.randint(2))}, 17, 1


def affine_grid(rng: Random) -> Case:
    axes = int(rng.randint(2, 4))
    size = np.array([2, 1, *sizes(rng, 2, 5, axes)], np.int64)
    return "AffineGrid", [values(rng, [2, axes, axes + 1]), size], {"align_corners": int(rng.randint(2))}, 20, 1


KINDS = [
    convolution, transposed_convolution, pool, resize, grid_sample, roi_align, max_roi_pool, deform_convolution, column_to_image, fourier,
    short_fourier, affine_grid,
]  # fmt: skip


def model(op: str, inputs: list, attributes: dict, opset: int, outputs: int, constant: bool) -> tuple[ModelProto, dict]:
    """One node; `constant`: all inputs but the first are initialisers."""
    named = {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    while not names[-1]:
        names.pop()
    results = [f"y{i}" for i in range(outputs)]
    feeds = {k: x for k, x in named.items() if k == "x0" or not constant}
    graph = helper.make_graph(
        [helper.make_node(op, names, results, **attributes)],
        "case",
        [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for k, x in feeds.items()],
        [helper.make_empty_tensor_value_info(name) for name in results],
        [numpy_helper.from_array(x, k) for k, x in named.items() if k not in feeds],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9), feeds


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_random_forms(kind: Callable[[Random], Case], constant: bool) -> None:
    rng = Random(7)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    compared = 0
    for _ in range(30):
        op, inputs, attributes, opset, outputs = kind(rng)
        proto, feeds = model(op, inputs, attributes, opset, outputs, constant)
        try:
            want = onnxruntime.InferenceSession(proto.SerializeToString(), options).run(None, feeds)
        except Exception:  # a form that it lacks
            continue
        compared += 1
        got = mace.load(proto.SerializeToString())(feeds)
        for i, expected in enumerate(want):
            shown = f"{op} {attributes} {[None if x is None else (x.dtype.name, x.shape) for x in inputs]}"
            assert got[f"y{i}"].dtype == expected.dtype, shown
            np.testing.assert_allclose(got[f"y{i}"], expected, rtol=1e-4, atol=1e-4, err_msg=shown)
    assert compared >= 15


@pytest.mark.parametrize("op", ["HannWindow", "HammingWindow", "BlackmanWindow"])
@pytest.mark.parametrize("periodic", [0, 1])
def test_windows(op: str, periodic: int) -> None:
    for size in (1, 2, 9, 16):
        proto, feeds = model(op, [np.array(size, np.int64)], {"periodic": periodic, "output_datatype": 11}, 17, 1, False)
        got = mace.load(proto.SerializeToString())(feeds)["y0"]
        angle = 2 * np.pi * np.arange(size) / max(size if periodic else size - 1, 1)
        want = {
            "HannWindow": 0.5 - 0.5 * np.cos(angle),
            "HammingWindow": 25 / 46 - 21 / 46 * np.cos(angle),
            "BlackmanWindow": 0.42 - 0.5 * np.cos(angle) + 0.08 * np.cos(2 * angle),
        }[op]
        if size > 1 or periodic:
            np.testing.assert_allclose(got, want, atol=1e-12)
        else:
            np.testing.assert_allclose(got, [1], atol=1e-12)


def test_fused_convolution() -> None:
    """com.microsoft: a sum and an activation behind the convolution."""
    rng = Random(3)
    x, w, z = values(rng, [1, 3, 6, 6]), values(rng, [4, 3, 3, 3]), values(rng, [1, 4, 6, 6])
    node = helper.make_node("FusedConv", ["x", "w", "", "z"], ["y"], domain="com.microsoft", pads=[1, 1, 1, 1], activation="Relu")
    proto = networks.model([node], {"x": ("float32", [1, 3, 6, 6]), "z": ("float32", [1, 4, 6, 6])}, ["y"], {"w": w}, 17)
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    want = onnxruntime.InferenceSession(proto.SerializeToString()).run(None, {"x": x, "z": z})[0]
    np.testing.assert_allclose(mace.load(proto.SerializeToString())({"x": x, "z": z})["y"], want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "pytorch_half_pixel", "asymmetric"])
def test_volumes_of_open_sizes(mode: str, coordinates: str) -> None:
    """No operator of theirs runs on a reference kernel, and one loaded model takes them as they come."""
    rng = np.random.RandomState(3)
    constants = {"w": values(rng, [4, 1, 3, 2, 3]), "scales": F32([1, 1, 2, 1.5, 0.7])}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[2, 1, 1], dilations=[2, 1, 1], pads=[1, 0, 1, 2, 1, 0], group=2),
        helper.make_node("Resize", ["c", "", "scales"], ["y"], mode=mode, coordinate_transformation_mode=coordinates),
    ]
    proto = networks.model(nodes, {"x": ("float32", [None, 2, None, None, None])}, ["y"], constants, 17)
    data = proto.SerializeToString()
    loaded, peer = mace.load(data), onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    for size in ((1, 2, 5, 6, 7), (3, 2, 11, 9, 4), (2, 2, 2, 3, 3)):
        x = values(rng, list(size))
        (want,) = peer.run(None, {"x": x})
        np.testing.assert_allclose(loaded({"x": x})["y"], want, rtol=1e-4, atol=1e-5)
    assert not {step["kernel"] for step in loaded.explain()["steps"]} & {"reference"}
