"""Models of operators that move elements, or make some."""

from __future__ import annotations

import numpy as np
from operator_cases import FLOATS, Case, cases


@cases("RESHAPE")
def reshape(case: Case, name: str) -> None:
    shape = case.shape()
    x = case.input(shape)
    count = int(np.prod(shape))
    dims = case.choose([[-1], [1, -1], [count], [count, 1], [shape[0], -1], list(reversed(shape))])
    kind = case.integer(0, 2)
    if kind == 0:
        return case.add(name, [x], [case.output_like(x)], "ReshapeOptions", newShape=dims)
    operand = case.constant(dims) if kind == 1 else case.operand(dims)
    case.add(name, [x, operand], [case.output_like(x)], "ReshapeOptions", newShape=dims)


@cases("SQUEEZE")
def squeeze(case: Case, name: str) -> None:
    shape = case.shape()
    axis = case.integer(0, len(shape) - 1)
    shape[axis] = 1
    x = case.input(shape)
    axes = [] if case.flip(3) else [axis if case.flip() else axis - len(shape)]
    case.add(name, [x], [case.output_like(x)], "SqueezeOptions", squeezeDims=axes)


@cases("EXPAND_DIMS")
def expand_dims(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    x = case.input(shape)
    operand = case.constant(case.integer(-len(shape) - 1, len(shape)), case.choose(["int32", "int64"]))
    case.add(name, [x, operand], [case.output_like(x)], "ExpandDimsOptions")


@cases("TRANSPOSE")
def transpose(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 5))
    x = case.input(shape)
    case.add(name, [x, case.operand(case.random.permutation(len(shape)))], [case.output_like(x)], "TransposeOptions")


@cases("CONCATENATION")
def concatenation(case: Case, name: str) -> None:
    shape = case.shape()
    axis = case.integer(0, len(shape) - 1)
    x = case.input(shape)
    inputs = [x]
    for _ in range(case.integer(0, 3)):
        part = list(shape)
        part[axis] = case.integer(1, 5)
        inputs.append(case.input_like(x, part))
    case.add(name, inputs, [case.output_like(x)], "ConcatenationOptions", axis=axis - len(shape) * case.integer(0, 1))


@cases("PACK")
def pack(case: Case, name: str) -> None:
    x = case.input(case.shape(ranks=(1, 3)))
    inputs = [x] + [case.input_like(x) for _ in range(case.integer(0, 3))]
    rank = len(case.kinds[x][0])
    case.add(name, inputs, [case.output_like(x)], "PackOptions", valuesCount=len(inputs), axis=case.integer(-rank - 1, rank))


@cases("UNPACK")
def unpack(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4), high=4)
    axis = case.integer(0, len(shape) - 1)
    shape[axis] = case.integer(1, 4)
    x = case.input(shape)
    case.add(name, [x], [case.output_like(x) for _ in range(shape[axis])], "UnpackOptions", num=shape[axis], axis=axis)


@cases("SPLIT")
def split(case: Case, name: str) -> None:
    shape = case.shape()
    axis, parts = case.integer(0, len(shape) - 1), case.integer(1, 4)
    shape[axis] = parts * case.integer(1, 3)
    operand = case.constant(axis - len(shape) * case.integer(0, 1))
    x = case.input(shape)
    case.add(name, [operand, x], [case.output_like(x) for _ in range(parts)], "SplitOptions", numSplits=parts)


@cases("SPLIT_V")
def split_v(case: Case, name: str) -> None:
    shape = case.shape()
    axis = case.integer(0, len(shape) - 1)
    sizes = [case.integer(1, 4) for _ in range(case.integer(1, 4))]
    shape[axis] = sum(sizes)
    if case.flip(3):
        sizes[case.integer(0, len(sizes) - 1)] = -1
    x = case.input(shape)
    kind = case.choose(["int32", "int64"])
    inputs = [x, case.constant(sizes, kind), case.constant(axis)]
    case.add(name, inputs, [case.output_like(x) for _ in sizes], "SplitVOptions", numSplits=len(sizes))


@cases("SLICE")
def slice_(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 5))
    begin = [case.integer(0, d - 1) for d in shape]
    size = [-1 if case.flip(4) else case.integer(1, d - b) for d, b in zip(shape, begin, strict=True)]
    x = case.input(shape)
    kind = case.choose(["int32", "int64"])
    case.add(name, [x, case.operand(begin, kind), case.operand(size, kind)], [case.output_like(x)], "SliceOptions")


@cases("STRIDED_SLICE", models=12)
def strided_slice(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    count = case.integer(1, len(shape))
    begin, end, strides = [], [], []
    for d in shape[:count]:
        step = case.choose([1, 1, 2, -1, -2, 3])
        begin.append(case.integer(-d - 1, d + 1))
        end.append(case.integer(-d - 1, d + 1))
        strides.append(step)
    masks = {"beginMask": case.integer(0, 15), "endMask": case.integer(0, 15)}
    if case.flip(3):
        axis = case.integer(0, count - 1)
        masks["shrinkAxisMask"] = 1 << axis
        masks["beginMask"] = masks["beginMask"] & ~(1 << axis)
        begin[axis], strides[axis] = case.integer(0, shape[axis] - 1), 1
    elif case.flip(4):
        masks["ellipsisMask"] = 1
    elif case.flip(4) and len(shape) < 4:
        masks["newAxisMask"] = 1
    x = case.input(shape)
    operands = [begin, end, strides]
    runtime = case.flip(4)
    tensors = [case.input([count], "int32", data=o) if runtime and i < 2 else case.constant(o) for i, o in enumerate(operands)]
    case.add(name, [x, *tensors], [case.output_like(x)], "StridedSliceOptions", **masks)


@cases("REVERSE_V2")
def reverse(case: Case, name: str) -> None:
    shape = case.shape()
    first = case.integer(0, len(shape) - 1)
    axes = list(range(first, case.integer(first, len(shape) - 1) + 1))
    x = case.input(shape)
    case.add(name, [x, case.operand(axes)], [case.output_like(x)], "ReverseV2Options")


@cases("REVERSE_SEQUENCE")
def reverse_sequence(case: Case, name: str) -> None:
    shape = case.shape(ranks=(2, 4))
    axes = case.random.permutation(len(shape))
    batch, sequence = int(axes[0]), int(axes[1])
    x = case.input(shape)
    lengths = case.operand(case.random.integers(1, shape[sequence] + 1, shape[batch]), case.choose(["int32", "int64"]))
    case.add(name, [x, lengths], [case.output_like(x)], "ReverseSequenceOptions", seqDim=sequence, batchDim=batch)


@cases("PAD", "PADV2")
def pad(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    paddings = case.random.integers(0, 4, (len(shape), 2))
    x = case.input(shape)
    inputs = [x, case.operand(paddings, case.choose(["int32", "int64"]))]
    if name == "PADV2":
        inputs.append(case.input_like(x, [1], constant=case.flip()))
    case.add(name, inputs, [case.output_like(x)], "PadOptions" if name == "PAD" else "PadV2Options")


@cases("MIRROR_PAD")
def mirror_pad(case: Case, name: str) -> None:
    mode = case.integer(0, 1)
    shape = case.shape(low=2)
    paddings = np.array([[case.integer(0, d - 1 + mode) for _ in range(2)] for d in shape])
    x = case.input(shape)
    case.add(name, [x, case.operand(paddings)], [case.output_like(x)], "MirrorPadOptions", mode=mode)


@cases("TILE")
def tile(case: Case, name: str) -> None:
    shape = case.shape()
    x = case.input(shape)
    counts = case.random.integers(1, 4, len(shape))
    if case.flip(6):
        counts[0] = 0
    case.add(name, [x, case.operand(counts, case.choose(["int32", "int64"]))], [case.output_like(x)], "TileOptions")


@cases("BROADCAST_TO")
def broadcast_to(case: Case, name: str) -> None:
    wide = case.shape()
    shape = [1 if case.flip() else d for d in wide][case.integer(0, len(wide) - 1) :]
    x = case.input(shape)
    case.add(name, [x, case.operand(wide, case.choose(["int32", "int64"]))], [case.output_like(x)], "BroadcastToOptions", version=2)


@cases("BROADCAST_ARGS", types=["int32", "int64", "int16", "float32"])
def broadcast_args(case: Case, name: str) -> None:
    a, b = case.broadcast_pair()
    case.add(name, [case.input([len(s)], data=s, plain=True) for s in (a, b)], [case.output(plain=True)])


@cases("DEPTH_TO_SPACE", "SPACE_TO_DEPTH")
def blocks(case: Case, name: str) -> None:
    block = case.integer(1, 3)
    batch, height, width, channels = case.shape(4, high=4)
    shape = [batch, height, width, channels * block**2] if name == "DEPTH_TO_SPACE" else [batch, height * block, width * block, channels]
    x = case.input(shape)
    options = "DepthToSpaceOptions" if name == "DEPTH_TO_SPACE" else "SpaceToDepthOptions"
    case.add(name, [x], [case.output_like(x)], options, blockSize=block)


@cases("SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
def batches(case: Case, name: str) -> None:
    axes = case.integer(1, 2)
    block = [case.integer(1, 3) for _ in range(axes)]
    inner = [case.integer(2, 5) for _ in range(axes)]
    batch, channels = case.integer(1, 3), case.integer(1, 4)
    edges = np.zeros((axes, 2), np.int32)
    if name == "SPACE_TO_BATCH_ND":
        for i in range(axes):
            edges[i] = (case.integer(0, block[i]), case.integer(0, block[i]))
            inner[i] = inner[i] * block[i] + (-int(edges[i].sum())) % block[i]
    else:
        batch *= int(np.prod(block))
        for i in range(axes):
            edges[i] = (case.integer(0, 1), case.integer(0, 1))
    x = case.input([batch, *inner, channels])
    options = "SpaceToBatchNDOptions" if name.startswith("SPACE") else "BatchToSpaceNDOptions"
    case.add(name, [x, case.operand(block), case.operand(edges)], [case.output_like(x)], options)


@cases("GATHER")
def gather(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    axis = case.integer(0, len(shape) - 1)
    batch = case.integer(0, axis) if case.flip() else 0
    indices = case.random.integers(0, shape[axis], [*shape[:batch], *case.shape(ranks=(0, 2))])
    x = case.input(shape)
    positions = case.input(indices.shape, case.choose(["int32", "int64", "int32", "int16"]), data=indices, plain=True)
    case.add(name, [x, positions], [case.output_like(x)], "GatherOptions", axis=axis, batchDims=batch)


@cases("GATHER", types=["int4"])
def gather_nibbles(case: Case, name: str) -> None:
    shape = [case.integer(2, 6), 2 * case.integer(1, 5)]
    x = case._tensor(shape, "int4", 0.1, 0, case.data(shape, "int4"))
    positions = case.input([3], "int32", data=case.random.integers(0, shape[0], 3))
    case.add(name, [x, positions], [case._tensor([], "int4", 0.1, 0)], "GatherOptions", version=5)


@cases("GATHER_ND")
def gather_nd(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    depth = case.integer(1, len(shape))
    outer = case.shape(ranks=(1, 2))
    indices = np.stack([case.random.integers(0, d, outer) for d in shape[:depth]], axis=-1)
    x = case.input(shape)
    positions = case.input(indices.shape, case.choose(["int32", "int64", "int32", "int16"]), data=indices, plain=True)
    case.add(name, [x, positions], [case.output_like(x)], "GatherNdOptions")


@cases("SCATTER_ND")
def scatter_nd(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 3))
    depth = case.integer(1, len(shape))
    count = case.integer(1, 6)
    indices = np.stack([case.random.integers(0, d, count) for d in shape[:depth]], axis=-1)
    positions = case.input(indices.shape, "int32", data=indices)
    updates = case.input([count, *shape[depth:]], plain=True, **({} if case.dtype in (*FLOATS, "bool") else {"low": -9, "high": 9}))
    case.add(name, [positions, updates, case.operand(shape)], [case.output(plain=True)], "ScatterNdOptions")


@cases("SPARSE_TO_DENSE")
def sparse_to_dense(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    count = case.integer(1, 5)
    places = np.unique(case.random.integers(0, int(np.prod(shape)), count))
    indices = np.stack(np.unravel_index(places, shape), axis=-1)
    kind = case.choose(["int32", "int64"])
    if len(shape) == 1 and case.flip():
        indices = indices[:, 0]
    values = case.input([] if case.flip(3) else [len(places)], plain=True)
    default = case.input([], plain=True, constant=case.flip())
    inputs = [case.input(indices.shape, kind, data=indices), case.operand(shape, kind), values, default]
    case.add(name, inputs, [case.output(plain=True)], "SparseToDenseOptions")


@cases("ONE_HOT")
def one_hot(case: Case, name: str) -> None:
    shape = case.shape(ranks=(0, 3))
    depth = case.integer(1, 7)
    kind = case.choose(["int32", "int64"])
    inputs = [case.input(shape, kind, data=case.random.integers(-1, depth + 1, shape)), case.operand(depth)]
    inputs += [case.input([], plain=True, constant=case.flip()), case.input([], plain=True)]
    case.add(name, inputs, [case.output(plain=True)], "OneHotOptions", axis=case.integer(-1, len(shape)))


@cases("SHAPE", "RANK")
def shape_of(case: Case, name: str) -> None:
    x = case.input(case.shape(ranks=(0, 5)))
    kind = case.choose(["int32", "int64"]) if name == "SHAPE" else "int32"
    y = case.output(kind, plain=True)
    fields = {"outType": case.writer._graph.tensors[y].type} if name == "SHAPE" else {}
    case.add(name, [x], [y], "ShapeOptions" if name == "SHAPE" else "RankOptions", **fields)


@cases("ZEROS_LIKE")
def zeros_like(case: Case, name: str) -> None:
    x = case.input(case.shape())
    case.add(name, [x], [case.output_like(x)], "ZerosLikeOptions")


@cases("FILL")
def fill(case: Case, name: str) -> None:
    dims = case.operand(case.shape(ranks=(1, 4)), case.choose(["int32", "int64"]))
    value = case.input([])
    case.add(name, [dims, value], [case.output_like(value)], "FillOptions")


@cases("RANGE")
def range_(case: Case, name: str) -> None:
    start, step = case.integer(0, 5), case.integer(1, 3)
    limit = start + case.integer(1, 20)
    if case.flip() and not case.dtype.startswith("u"):
        start, limit, step = limit, start, -step
    if case.dtype in FLOATS:
        step = step * 0.75
    operands = [case.input([], data=v, plain=True, constant=case.flip()) for v in (start, limit)]
    case.add(name, [*operands, case.input([], data=step, plain=True)], [case.output(plain=True)], "RangeOptions")


OTHER_SIZE = dict.fromkeys(
    ("float16", "bfloat16", "float64", "uint16", "uint64", "bool"), "the kernel of a type of another size moves the bytes"
)


@cases("MATRIX_DIAG", left_out=OTHER_SIZE)
def matrix_diag(case: Case, name: str) -> None:
    x = case.input(case.shape(ranks=(1, 3)))
    case.add(name, [x], [case.output_like(x)], "MatrixDiagOptions")


@cases("MATRIX_SET_DIAG", left_out=OTHER_SIZE)
def matrix_set_diag(case: Case, name: str) -> None:
    shape = case.shape(ranks=(2, 4))
    x = case.input(shape)
    diagonal = case.input_like(x, [*shape[:-2], min(shape[-2:])])
    case.add(name, [x, diagonal], [case.output_like(x)], "MatrixSetDiagOptions")
