"""TensorFlow Lite operators that are not elementwise: random shapes and attributes against LiteRT's reference kernels,
equal in every byte for integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from tflite_writer import Rejected, TfliteWriter, run_litert

import mace

TRIES = 40
MOVED = ["float32", "int8", "uint8", "int16", "int32", "int64", "bool"]


def judge(model: bytes, steps: Sequence[Sequence[np.ndarray]], *, rtol: float = 0, atol: float = 0, reference_steps: int | None = 0) -> None:
    """Every step's outputs of one session equal LiteRT's; floats up to the tolerance. `reference_steps`: at most so many (None: any)."""
    want = run_litert(model, steps)
    session = mace.load(model)
    for arrays, expected in zip(steps, want, strict=True):
        got = list(session(list(arrays)).values())
        assert len(got) == len(expected)
        for ours, theirs in zip(got, expected, strict=True):
            assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
            if ours.dtype.kind == "f" and (rtol > 0 or atol > 0):
                np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
            else:
                np.testing.assert_array_equal(ours, theirs)
    if reference_steps is not None:
        assert session.explain()["plan"]["reference_steps"] <= reference_steps


def values(rng: np.random.Generator, shape: Sequence[int], dtype: str) -> np.ndarray:
    """Any values of an integer type, floats around 0."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype == "float32":
        return rng.standard_normal(shape).astype(np.float32)
    info = np.iinfo(dtype)
    return rng.integers(info.min, info.max, shape, dtype=dtype, endpoint=True)


def scale_of(rng: np.random.Generator, dtype: str) -> dict:
    """A per-tensor quantization, for the types that have one here."""
    if dtype not in ("int8", "uint8", "int16"):
        return {}
    info = np.iinfo(dtype)
    point = 0 if dtype == "int16" else int(rng.integers(info.min, info.max, endpoint=True))
    return {"scales": [float(np.exp(rng.uniform(-4, 1)))], "zero_points": [point]}


def dims(rng: np.random.Generator, low: int, high: int, largest: int = 7) -> list[int]:
    return [int(d) for d in rng.integers(1, largest, rng.integers(low, high, endpoint=True), endpoint=True)]


def tries(build: Callable[[np.random.Generator, TfliteWriter], tuple], seed: int, count: int = TRIES, steps: int = 1, **options: object) -> None:
    """`build` adds operators and returns the numbers of inputs and outputs and a function that makes the inputs of a step. Models that
    LiteRT refuses do not count; most must be taken."""
    taken, reasons = 0, []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        writer = TfliteWriter()
        inputs, outputs, feed = build(rng, writer)
        try:
            judge(writer.finish(inputs, outputs), [feed() for _ in range(steps)], **options)
            taken += 1
        except Rejected as reason:
            reasons.append(str(reason))
    assert taken > count // 2, reasons


# ---- cutting and joining


def one_input(rng: np.random.Generator, writer: TfliteWriter, shape: list[int], dtype: str) -> tuple[int, dict, Callable]:
    shape, quantization = list(shape), scale_of(rng, dtype)
    return writer.add_tensor(shape, dtype, **quantization), quantization, lambda: [values(rng, shape, dtype)]


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32"])
def test_split(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 4)
        axis, parts = int(rng.integers(-len(shape), len(shape))), int(rng.integers(1, 5))
        shape[axis] *= parts
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        shape[axis] //= parts
        outputs = [writer.add_tensor(shape, dtype, **quantization) for _ in range(parts)]
        number = writer.add_constant(np.array(axis, np.int32))
        writer.add_operator("SPLIT", [number, x], outputs, "SplitOptions", numSplits=parts)
        return [x], outputs, feed

    tries(build, 1)


@pytest.mark.parametrize("dtype", ["float32", "int8", "int16", "int64"])
def test_split_v(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 4)
        axis = int(rng.integers(-len(shape), len(shape)))
        sizes = rng.integers(1, 5, rng.integers(1, 5)).astype(np.int32)
        shape[axis] = int(sizes.sum())
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        outputs = []
        for size in sizes:
            shape[axis] = int(size)
            outputs.append(writer.add_tensor(shape, dtype, **quantization))
        if rng.integers(2):
            sizes[rng.integers(len(sizes))] = -1
        inputs = [x, writer.add_constant(sizes), writer.add_constant(np.array(axis, np.int32))]
        writer.add_operator("SPLIT_V", inputs, outputs, "SplitVOptions", numSplits=len(sizes))
        return [x], outputs, feed

    tries(build, 2)


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16", "int32", "int64"])
def test_pack_and_unpack(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 0, 3)
        count, quantization = int(rng.integers(1, 5)), scale_of(rng, dtype)
        axis = int(rng.integers(-len(shape) - 1, len(shape) + 1))
        place = axis % (len(shape) + 1)
        packed_shape = [*shape[:place], count, *shape[place:]]
        if rng.integers(2):
            inputs = [writer.add_tensor(shape, dtype, **quantization) for _ in range(count)]
            outputs = [writer.add_tensor(packed_shape, dtype, **quantization)]
            writer.add_operator("PACK", inputs, outputs, "PackOptions", valuesCount=count, axis=axis)
            return inputs, outputs, lambda: [values(rng, shape, dtype) for _ in range(count)]
        inputs = [writer.add_tensor(packed_shape, dtype, **quantization)]
        outputs = [writer.add_tensor(shape, dtype, **quantization) for _ in range(count)]
        writer.add_operator("UNPACK", inputs, outputs, "UnpackOptions", num=count, axis=axis)
        return inputs, outputs, lambda: [values(rng, packed_shape, dtype)]

    tries(build, 3)


@pytest.mark.parametrize("dtype", MOVED)
def test_reverse(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 4)
        first = int(rng.integers(len(shape)))
        axes = list(range(first, int(rng.integers(first, len(shape))) + 1))  # LiteRT wants neighbours
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        y = writer.add_tensor(shape, dtype, **quantization)
        writer.add_operator("REVERSE_V2", [x, writer.add_constant(np.array(axes, np.int32))], [y], "ReverseV2Options")
        return [x], [y], feed

    tries(build, 4)


@pytest.mark.parametrize("dtype", MOVED)
def test_slice(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 5)
        begin = [int(rng.integers(0, d)) for d in shape]
        size = [int(rng.integers(1, d - b + 1)) for d, b in zip(shape, begin, strict=True)]
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        y = writer.add_tensor(size, dtype, **quantization)
        stated = [-1 if b + s == d and rng.integers(2) else s for b, s, d in zip(begin, size, shape, strict=True)]
        kind = np.int64 if rng.integers(2) else np.int32
        bounds = [writer.add_constant(np.array(list_, kind)) for list_ in (begin, stated)]
        writer.add_operator("SLICE", [x, *bounds], [y], "SliceOptions")
        return [x], [y], feed

    tries(build, 5)


@pytest.mark.parametrize("dtype", MOVED)
def test_strided_slice(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 4)
        entries = int(rng.integers(1, len(shape), endpoint=True))
        extra = int(rng.integers(0, 2)) if entries < 4 else 0  # axes that are inserted
        entries += extra
        mask = {name: int(rng.integers(0, 1 << entries)) if rng.integers(2) else 0 for name in ("beginMask", "endMask", "shrinkAxisMask")}
        mask["newAxisMask"] = 1 << int(rng.integers(entries)) if extra else 0
        mask["ellipsisMask"] = 1 << int(rng.integers(entries)) if rng.integers(4) == 0 else 0
        if mask["ellipsisMask"] == mask["newAxisMask"]:
            mask["ellipsisMask"] = 0
        begin, end = rng.integers(-7, 8, entries), rng.integers(-7, 8, entries)
        # LiteRT reads outside of the tensor where an element that is not there is asked for, or an offset ends behind the last.
        is_index = (mask["shrinkAxisMask"] >> np.arange(entries) & 1) != 0
        begin = np.where(is_index, rng.integers(-1, 1, entries), begin)
        strides = np.where(is_index, 1, rng.choice([-3, -2, -1, 1, 1, 1, 2, 3], entries))
        offset = bool(rng.integers(4) == 0) and entries == len(shape) and extra == 0 and mask["ellipsisMask"] == 0
        if offset:
            begin, end, strides = np.zeros_like(begin), np.ones_like(end), np.ones_like(strides)
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        y = writer.add_tensor([1], dtype, **quantization)
        lists = [writer.add_constant(a.astype(np.int32)) for a in (begin, end, strides)]
        writer.add_operator("STRIDED_SLICE", [x, *lists], [y], "StridedSliceOptions", **mask, offset=offset)
        return [x], [y], feed

    tries(build, 6, count=80)


# ---- finding and looking up


@pytest.mark.parametrize("operator", ["ARG_MAX", "ARG_MIN"])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32"])
def test_arg_max(operator: str, dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 4, largest=9)
        axis = int(rng.integers(-len(shape), len(shape)))
        x, _, _ = one_input(rng, writer, shape, dtype)
        to = str(rng.choice(["int32", "int64"]))
        y = writer.add_tensor(np.delete(shape, axis), to)
        options = {"ARG_MAX": "ArgMaxOptions", "ARG_MIN": "ArgMinOptions"}[operator]
        number = writer.add_constant(np.array(axis, np.int32))
        writer.add_operator(operator, [x, number], [y], options, outputType={"int32": 2, "int64": 4}[to])
        return [x], [y], lambda: [rng.integers(0, 6, shape).astype(dtype)]  # many equal ones

    tries(build, 7)


# ---- enlarging


@pytest.mark.parametrize("operator", ["RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"])
@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int16"])
def test_resize(operator: str, dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = [int(rng.integers(1, 3)), *(int(d) for d in rng.integers(1, 12, 2)), int(rng.integers(1, 6))]
        size = [d * 2 for d in shape[1:3]] if rng.integers(4) == 0 else [int(d) for d in rng.integers(1, 25, 2)]
        mode = rng.integers(3)
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        y = writer.add_tensor([shape[0], *size, shape[3]], dtype, **quantization)
        options = {"RESIZE_BILINEAR": "ResizeBilinearOptions", "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions"}[operator]
        number = writer.add_constant(np.array(size, np.int32))
        writer.add_operator(operator, [x, number], [y], options, alignCorners=bool(mode == 1), halfPixelCenters=bool(mode == 2), version=3)
        return [x], [y], feed

    tolerance = 1e-6 if dtype == "float32" else 0
    tries(build, 8, count=100, rtol=tolerance, atol=tolerance, reference_steps=None)
