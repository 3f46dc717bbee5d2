"""Quantized layers of TensorFlow Lite with random shapes, scales and data: the bytes of LiteRT's reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_cases import BYTES, WORDS, Case, run_cases

ACTIVATIONS = [0, 0, 0, 1, 2, 3]  # none, RELU, RELU_N1_TO_1, RELU6
SAME, VALID = 0, 1


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["AVERAGE_POOL_2D", "MAX_POOL_2D"])
def test_pool(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        padding = case.integer(SAME, VALID)
        window = [case.integer(1, 5), case.integer(1, 5)]
        low = 1 if padding == SAME else 5
        shape = [case.integer(1, 2), case.integer(low, 12), case.integer(low, 12), case.integer(1, 20)]
        scale, zero_point = case.scale(), case.zero_point(dtype, False)
        x = case.input(shape, dtype, scale, zero_point)
        output = case.output(dtype, scale, zero_point)
        case.writer.add_operator(
            operator, [x], [output], "Pool2DOptions", padding=padding, strideH=case.integer(1, 3), strideW=case.integer(1, 3),
            filterHeight=window[0], filterWidth=window[1], fusedActivationFunction=case.choose(ACTIVATIONS),
        )  # fmt: skip
        return [output]

    run_cases(f"{operator} {dtype}", build)


def reduction(case: Case, operator: str, dtype: str, same_scale: bool, low: float = 1e-3, high: float = 1.0) -> list[int]:
    shape = case.shape()
    axes = case.random.permutation(len(shape))[: case.integer(1, len(shape))] - len(shape) * case.integer(0, 1)
    scale, zero_point = case.scale(low, high), case.zero_point(dtype)
    x = case.input(shape, dtype, scale, zero_point)
    output = case.output(dtype, scale, zero_point) if same_scale else case.output(dtype, case.scale(low, high))
    case.writer.add_operator(operator, [x, case.constant(axes)], [output], "ReducerOptions", keepDims=bool(case.integer(0, 1)))
    return [output]


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["REDUCE_MAX", "REDUCE_MIN"])
def test_reduced_extremum(operator: str, dtype: str) -> None:
    run_cases(f"{operator} {dtype}", lambda case: reduction(case, operator, dtype, True))


@pytest.mark.parametrize("dtype", WORDS)
def test_mean(dtype: str) -> None:
    run_cases(f"MEAN {dtype}", lambda case: reduction(case, "MEAN", dtype, case.integer(0, 2) == 0))


def test_sum() -> None:
    """Of uint8 only: LiteRT's reference kernel reads all others as if they were uint8."""
    run_cases("SUM uint8", lambda case: reduction(case, "SUM", "uint8", case.integer(0, 2) == 0))


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_product(dtype: str) -> None:
    run_cases(f"REDUCE_PROD {dtype}", lambda case: reduction(case, "REDUCE_PROD", dtype, False, 1e-2, 1))


@pytest.mark.parametrize(("source", "target"), [("int8", "int8"), ("uint8", "uint8"), ("int8", "int16"), ("int16", "int16")])
def test_softmax(source: str, target: str) -> None:
    def build(case: Case) -> list[int]:
        shape = case.shape()
        x = case.input(shape, source, case.scale(1e-5, 1e-2) if source == "int16" else case.scale(1e-3, 0.5))
        if target == "int16":
            output = case.output(target, 2.0**-15 if source == "int16" else 2.0**-16, 0 if source == "int16" else -32768)
        else:
            output = case.output(target, 2.0**-8, int(np.iinfo(target).min))
        case.writer.add_operator("SOFTMAX", [x], [output], "SoftmaxOptions", beta=case.choose([1.0, 1.0, 0.5, 2.0, 0.1]))
        return [output]

    run_cases(f"SOFTMAX {source} {target}", build)


@pytest.mark.parametrize("dtype", BYTES)
def test_log_softmax(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        x = case.input(case.shape(), dtype, case.scale(1e-3, 0.5))
        output = case.output(dtype, 16 / 256, int(np.iinfo(dtype).max))
        case.writer.add_operator("LOG_SOFTMAX", [x], [output], "LogSoftmaxOptions")
        return [output]

    run_cases(f"LOG_SOFTMAX {dtype}", build)


@pytest.mark.parametrize("dtype", WORDS)
def test_concatenation(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        shape = case.shape()
        axis = case.integer(0, len(shape) - 1)
        scale, zero_point = case.scale(), case.zero_point(dtype)
        inputs = []
        for _ in range(case.integer(1, 4)):
            shape[axis] = case.integer(0, 9)
            same = dtype != "uint8" or case.integer(0, 1) == 0
            inputs.append(case.input(shape, dtype, scale if same else case.scale(), zero_point if same else case.zero_point(dtype)))
        output = case.output(dtype, scale, zero_point)
        case.writer.add_operator("CONCATENATION", inputs, [output], "ConcatenationOptions", axis=axis - len(shape) * case.integer(0, 1))
        return [output]

    run_cases(f"CONCATENATION {dtype}", build)


def movement(case: Case, dtype: str, operator: str) -> list[int]:
    scale, zero_point = case.scale(), case.zero_point(dtype)
    rank = {"DEPTH_TO_SPACE": 4, "SPACE_TO_DEPTH": 4}.get(operator)
    shape, block = case.shape(rank), case.integer(1, 3)
    if operator == "DEPTH_TO_SPACE":
        shape[3] = block * block * case.integer(1, 4)
    if operator == "SPACE_TO_DEPTH":
        shape[1], shape[2] = block * case.integer(1, 4), block * case.integer(1, 4)
    x = case.input(shape, dtype, scale, zero_point)
    output = case.output(dtype, scale, zero_point)
    rank = len(shape)
    operands: list[int] = []
    options: str | None = None
    fields: dict = {}
    if operator == "RESHAPE":
        target = list(case.random.permutation(shape)) + [1] * case.integer(0, 1)
        target[case.integer(0, len(target) - 1)] = -1
        operands, options = [case.constant(target)], "ReshapeOptions"
        fields = {"newShape": target}
    elif operator == "TRANSPOSE":
        operands, options = [case.constant(case.random.permutation(rank))], "TransposeOptions"
    elif operator == "SQUEEZE":
        options = "SqueezeOptions"
        fields = {"squeezeDims": [i - rank * case.integer(0, 1) for i, d in enumerate(shape) if d == 1 and case.integer(0, 1)]}
    elif operator == "EXPAND_DIMS":
        operands, options = [case.constant([case.integer(-rank - 1, rank)])], "ExpandDimsOptions"
    elif operator in ("PAD", "PADV2"):
        operands, options = [case.constant(case.random.integers(0, 4, [rank, 2]))], operator.capitalize().replace("v", "V") + "Options"
        if operator == "PADV2":
            value = case.writer.add_tensor([1], dtype, [scale], [zero_point], data=case.data([1], dtype))
            operands.append(value)
    elif operator == "MIRROR_PAD":
        mode = case.integer(0, 1)
        most = np.minimum(np.array(shape) - 1 + mode, 4)
        operands = [case.constant([[case.integer(0, int(m)), case.integer(0, int(m))] for m in most])]
        options, fields = "MirrorPadOptions", {"mode": mode}
    elif operator == "TILE":
        operands, options = [case.constant(case.random.integers(1, 4, rank))], "TileOptions"
    elif operator == "BROADCAST_TO":
        target = [1] * case.integer(0, 1) + [case.integer(1, 4) if d == 1 else d for d in shape]
        operands, options = [case.constant(target)], "BroadcastToOptions"
    else:
        options, fields = operator.title().replace("_To_", "To").replace("_", "") + "Options", {"blockSize": block}
    version = 2 if operator == "BROADCAST_TO" else 1
    case.writer.add_operator(operator, [x, *operands], [output], options, version=version, **fields)
    return [output]


@pytest.mark.parametrize("dtype", BYTES)
@pytest.mark.parametrize("operator", ["SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"])
def test_blocks(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        scale, zero_point = case.scale(), case.zero_point(dtype)
        axes = case.integer(1, 2)
        block = [case.integer(1, 3) for _ in range(axes)]
        if operator == "SPACE_TO_BATCH_ND":
            sizes = [b * case.integer(2, 4) for b in block]
            edges = [[case.integer(0, 3), case.integer(0, 3)] for _ in block]
            for axis, (b, size) in enumerate(zip(block, sizes, strict=True)):
                sizes[axis] = max(size - sum(edges[axis]), 1)
                edges[axis][1] += -(sizes[axis] + sum(edges[axis])) % b
            batch = case.integer(1, 2)
        else:
            sizes = [case.integer(2, 4) for _ in block]
            edges = [[case.integer(0, 1), case.integer(0, 1)] for _ in block]
            batch = int(np.prod(block)) * case.integer(1, 2)
        x = case.input([batch, *sizes, case.integer(1, 9)], dtype, scale, zero_point)
        output = case.output(dtype, scale, zero_point)
        options = operator.title().replace("_To_", "To").replace("_Nd", "ND") + "Options"
        case.writer.add_operator(operator, [x, case.constant(block), case.constant(edges)], [output], options)
        return [output]

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize(
    "operator",
    [
        "RESHAPE",
        "TRANSPOSE",
        "SQUEEZE",
        "EXPAND_DIMS",
        "PAD",
        "PADV2",
        "MIRROR_PAD",
        "TILE",
        "BROADCAST_TO",
        "DEPTH_TO_SPACE",
        "SPACE_TO_DEPTH",
    ],
)
def test_movement(operator: str, dtype: str) -> None:
    # LiteRT takes no 16-bit blocks: there MACE has nothing to be compared with.
    refused = dtype == "int16" and operator in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
    run_cases(f"{operator} {dtype}", lambda case: movement(case, dtype, operator), accepted=0 if refused else 0.1)
