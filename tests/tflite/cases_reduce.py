"""Models of reductions, sums along an axis, and searches."""

from __future__ import annotations

import numpy as np
from operator_cases import FLOATS, Case, cases

AS_BYTES = "the kernel of uint8 reads the bytes"


@cases("SUM", models=10, left_out={"int8": AS_BYTES, "int16": AS_BYTES, "bool": AS_BYTES})
@cases("MEAN", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD", "REDUCE_ANY", "REDUCE_ALL", models=10)
def reduction(case: Case, name: str) -> None:
    shape = case.shape(high=5) if name == "REDUCE_PROD" else case.shape()
    rank = len(shape)
    axes = sorted(case.random.permutation(rank)[: case.integer(1, rank)])
    axes = [int(a) - rank if case.flip(4) else int(a) for a in axes]
    small = {"low": -2, "high": 2} if name == "REDUCE_PROD" and case.dtype not in ("int8", "uint8", "int16") else {}
    x = case.input(shape, **small)
    y = case.output_like(x) if name in ("REDUCE_MAX", "REDUCE_MIN") else case.output()
    operand = case.constant(axes) if name == "REDUCE_PROD" else case.operand(axes)
    case.add(name, [x, operand], [y], "ReducerOptions", keepDims=case.flip())


@cases("REDUCE_MAX", "REDUCE_MIN", types=["int16 plain", "int8 plain", "uint8 plain"])
def plain_reduction(case: Case, name: str) -> None:
    shape = case.shape(high=3)
    x = case.input(shape, plain=True, low=-3, high=3)
    case.add(name, [x, case.constant([case.integer(0, len(shape) - 1)])], [case.output(plain=True)], "ReducerOptions", keepDims=case.flip())


@cases("ARG_MAX", "ARG_MIN")
def extreme_position(case: Case, name: str) -> None:
    shape = case.shape()
    x = case.input(shape)
    axis = case.integer(-len(shape), len(shape) - 1)
    target = case.choose(["int32", "int64"])
    y = case.output(target, plain=True)
    options = {"ARG_MAX": "ArgMaxOptions", "ARG_MIN": "ArgMinOptions"}[name]
    operand = case.operand(axis, case.choose(["int32", "int64"]))
    case.add(name, [x, operand], [y], options, outputType=case.writer._graph.tensors[y].type)


@cases("CUMSUM")
def cumulative_sum(case: Case, name: str) -> None:
    shape = case.shape()
    x = case.input(shape, plain=True)
    axis = case.operand(case.integer(-len(shape), len(shape) - 1))
    case.add(name, [x, axis], [case.output(plain=True)], "CumsumOptions", exclusive=case.flip(), reverse=case.flip())


@cases("TOPK_V2")
def largest(case: Case, name: str) -> None:
    shape = case.shape(low=2)
    x = case.input(shape)
    k = case.operand(case.integer(1, shape[-1]))
    case.add(name, [x, k], [case.output_like(x), case.output("int32", plain=True)], "TopKV2Options")


@cases("TOPK_V2", types=["int32 with int16 positions", "float32 with int16 positions", "float32 with int16 k"])
def largest_short(case: Case, name: str) -> None:
    shape = case.shape(low=2)
    x = case.input(shape)
    k = case.operand(case.integer(1, shape[-1]), "int16" if case.type_name.endswith("k") else "int32")
    case.add(
        name,
        [x, k],
        [case.output_like(x), case.output("int32" if case.type_name.endswith("k") else "int16", plain=True)],
        "TopKV2Options",
        version=3,
    )


@cases("UNIQUE")
def unique(case: Case, name: str) -> None:
    values = {"low": -4, "high": 4}
    data = None if case.dtype not in FLOATS else case.random.integers(-4, 5, case.integer(1, 30))
    count = case.integer(1, 30) if data is None else len(data)
    x = case.input([count], data=data, plain=True, **values)
    target = case.choose(["int32", "int64"])
    y = case.output(target, plain=True)
    case.add(name, [x], [case.output(plain=True), y], "UniqueOptions", idxOutType=case.writer._graph.tensors[y].type)


@cases("WHERE")
def where(case: Case, name: str) -> None:
    shape = case.shape()
    x = case.input(shape, plain=True, data=case.random.integers(0, 2, shape))
    case.add(name, [x], [case.output("int64", plain=True)], "WhereOptions")


@cases("NON_MAX_SUPPRESSION_V4", "NON_MAX_SUPPRESSION_V5", types=["float32", "float16", "int8", "int32"])
def suppression(case: Case, name: str) -> None:
    count = case.integer(1, 20)
    corners = case.random.uniform(0, 10, (count, 4))
    boxes = case.input([count, 4], data=corners, plain=True)
    scores = case.input([count], data=case.random.permutation(np.arange(count)) / count, plain=True)
    most = case.operand(case.integer(1, 10))
    inputs = [
        boxes,
        scores,
        most,
        case.constant(float(case.random.uniform(0.1, 0.9)), "float32"),
        case.constant(float(case.random.uniform(0, 0.6)), "float32"),
    ]
    outputs = [case.output("int32", plain=True)]
    if name.endswith("5"):
        inputs.append(case.constant(case.choose([0.0, 0.3, 0.5, 1.0]), "float32"))
        outputs.append(case.output("float32", plain=True))
    outputs.append(case.output("int32", plain=True))
    case.add(name, inputs, outputs, "NonMaxSuppressionV4Options" if name.endswith("4") else "NonMaxSuppressionV5Options")
