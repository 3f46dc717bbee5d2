"""Models of segments, sparse and keyed lookups, updates of slices, and convolutions over three axes."""

from __future__ import annotations

import numpy as np
from operator_cases import FLOATS, INTEGERS, Case, cases

NUMBERS = (*FLOATS, *INTEGERS)


@cases("SEGMENT_SUM", types=NUMBERS)
def segment_sum(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 3))
    ids = np.cumsum(case.random.integers(0, 2, shape[0]))  # without gaps, from 0 on, as LiteRT demands
    ids -= ids[0]
    case.add(name, [case.input(shape, plain=True), case.operand(ids)], [case.output(plain=True)], "SegmentSumOptions")


@cases("UNSORTED_SEGMENT_PROD", "UNSORTED_SEGMENT_MAX", "UNSORTED_SEGMENT_SUM", "UNSORTED_SEGMENT_MIN", types=NUMBERS, models=8)
def unsorted_segments(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 3))
    rank, count = case.integer(1, len(shape)), case.integer(1, 6)
    ids = case.random.integers(0, count, shape[:rank])
    if case.flip():
        ids[case.random.random(ids.shape) < 0.3] = -1  # left out
    options = "".join(word.capitalize() for word in name.split("_")) + "Options"
    x = case.input(shape, low=-3, high=3, plain=True)
    case.add(name, [x, case.operand(ids), case.operand(np.int32(count))], [case.output(plain=True)], options)


@cases("BUCKETIZE", types=NUMBERS)
def bucketize(case: Case, name: str) -> None:
    boundaries = np.sort(case.random.normal(0, 3, case.integer(0, 6))).astype(np.float32)
    if boundaries.size and case.flip():
        boundaries = np.round(boundaries)  # elements that are equal to one
    x = case.input(case.shape(), low=-6, high=6, plain=True)
    case.add(name, [x], [case.output("int32", plain=True)], "BucketizeOptions", boundaries=list(map(float, boundaries)))


@cases("DYNAMIC_UPDATE_SLICE")
def dynamic_update_slice(case: Case, name: str) -> None:
    shape = case.shape()
    part = [case.integer(1, size) for size in shape]
    starts = case.random.integers(-3, 8, len(shape))
    x = case.input(shape)
    update = case.input_like(x, part)
    index_type = str(case.choose(["int32", "int64"]))
    case.add(name, [x, update, case.operand(starts, index_type)], [case.output_like(x)], "DynamicUpdateSliceOptions")


@cases("HASHTABLE_LOOKUP", types=NUMBERS)
def hashtable_lookup(case: Case, name: str) -> None:
    count = case.integer(1, 8)
    keys = np.sort(case.random.choice(20, count, replace=False))
    wanted = case.random.integers(0, 20, case.integer(1, 6))
    table = case.input([count, *case.shape(ranks=(0, 2))], plain=True)
    outputs = [case.output(plain=True), case.output("uint8", plain=True)]
    case.add(name, [case.input(wanted.shape, "int32", data=wanted, plain=True), case.operand(keys), table], outputs)


@cases("EMBEDDING_LOOKUP_SPARSE", types=("float32",), models=9)  # of others LiteRT reads the bytes as floats
def embedding_lookup_sparse(case: Case, name: str) -> None:
    sizes = [case.integer(1, 4) for _ in range(case.integer(2, 3))]
    places = sorted({tuple(int(i) for i in case.random.integers(0, sizes)) for _ in range(6)})
    rows = case.integer(1, 6)
    ids = case.random.integers(0, rows, len(places))
    weights = case.input([len(places)], "float32", low=0.5, high=2)
    table = case.input([rows, *case.shape(ranks=(1, 2))], low=-3, high=3, plain=True)
    operands = [case.input(ids.shape, "int32", data=ids), case.operand(places), case.constant(sizes), weights, table]
    case.add(name, operands, [case.output("float32")], "EmbeddingLookupSparseOptions", combiner=case.integer(0, 2))


def window(case: Case) -> tuple[list[int], list[int], dict]:
    """Sizes of the kernel, strides, and the options."""
    kernel = [case.integer(1, 3) for _ in range(3)]
    strides = [case.integer(1, 3) for _ in range(3)]
    names = ("strideD", "strideH", "strideW")
    return kernel, strides, dict(zip(names, strides, strict=True)) | {"padding": case.integer(0, 1)}


@cases("CONV_3D", types=NUMBERS)
def conv_3d(case: Case, name: str) -> None:
    kernel, strides, options = window(case)
    if max(strides) == 1:
        options |= {"dilationDFactor": 2, "dilationHFactor": case.integer(1, 2), "dilationWFactor": case.integer(1, 2)}
    inputs, outputs = case.integer(1, 4), case.integer(1, 4)
    x = case.input([case.integer(1, 2), *(case.integer(6, 9) for _ in range(3)), inputs], plain=True)
    weights = case.input([*kernel, inputs, outputs], plain=True, constant=case.flip())
    bias = case.constant(case.data([outputs]), case.dtype) if case.flip() else -1
    options["fusedActivationFunction"] = case.integer(0, 3)
    case.add(name, [x, weights, bias], [case.output(plain=True)], "Conv3DOptions", **options)


@cases("CONV_3D_TRANSPOSE", types=NUMBERS)
def conv_3d_transpose(case: Case, name: str) -> None:
    kernel, strides, options = window(case)
    inputs, outputs, batch = case.integer(1, 4), case.integer(1, 4), case.integer(1, 2)
    sizes = [case.integer(2, 4) for _ in range(3)]
    full = [s * n if options["padding"] == 0 else s * (n - 1) + k for n, s, k in zip(sizes, strides, kernel, strict=True)]
    weights = case.input([*kernel, outputs, inputs], plain=True, constant=case.flip())
    x = case.input([batch, *sizes, inputs], plain=True)
    operands = [case.constant([batch, *full, outputs]), weights, x]
    if case.flip():
        operands.append(case.constant(case.data([outputs]), case.dtype))
    case.add(name, operands, [case.output(plain=True)], "Conv3DOptions", **options)
