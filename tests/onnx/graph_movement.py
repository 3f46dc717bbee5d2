"""Operators that move, index, search and count elements, for random graphs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from graph_builder import RandomGraph, Value
from onnx import TensorProto, helper, numpy_helper

OPERATORS: dict[str, Callable[[RandomGraph], object]] = {}
ANY = ("float32", "float32", "float32", "int64", "bool", "uint8", "float64")


def operator(name: str):
    def register(function):
        OPERATORS[name] = function
        return function

    return register


def int64s(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def signed(g: RandomGraph, axis: int, rank: int) -> int:
    return axis - rank if g.flag(3) else axis


def indices(g: RandomGraph, shape: tuple[int, ...], size: int) -> Value:
    array = g.array(shape, g.choice(("int64", "int64", "int32")), -size if g.flag(3) else 0, size - 1)
    return g.operand(array)


def exact(v: Value) -> bool:
    return np.array_equal(v.wide, v.narrow)


@operator("Reshape")
def reshape(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY))
    dims, rest = [], x.narrow.size
    while rest > 1 and len(dims) < 4:
        dims.append(g.choice([d for d in range(1, rest + 1) if rest % d == 0]))
        rest //= dims[-1]
    dims.append(rest)
    if g.flag():
        dims[g.integer(0, len(dims) - 1)] = -1
    g.add("Reshape", [x, g.operand(int64s(*dims))])


@operator("Flatten")
def flatten(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY))
    g.add("Flatten", [x], axis=g.integer(-x.rank, x.rank))


@operator("Squeeze")
def squeeze(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    ones = [i for i, d in enumerate(x.shape) if d == 1]
    axes = [signed(g, axis, x.rank) for axis in ones if g.flag()]
    g.add("Squeeze", [x, g.operand(int64s(*axes)) if axes else None])


@operator("Unsqueeze")
def unsqueeze(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), where=lambda v: v.rank <= 4)
    count = g.integer(1, 2)
    axes = sorted({signed(g, g.integer(0, x.rank + count - 1), x.rank + count) for _ in range(count)})
    g.add("Unsqueeze", [x, g.operand(int64s(*axes))])


@operator("Expand")
def expand(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY))
    dims = [g.integer(1, 3) if d == 1 else g.choice((1, d)) for d in x.shape]
    g.add("Expand", [x, g.operand(int64s(*([g.integer(1, 3)] if g.flag(3) else []), *dims))])


@operator("Tile")
def tile(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), where=lambda v: v.narrow.size < 500)
    g.add("Tile", [x, g.operand(int64s(*(g.integer(1, 3) for _ in x.shape)))])


@operator("Shape")
def shape(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY))
    (s,) = g.add("Shape", [x], start=g.choice((None, None, 0, 1, -2)), end=g.choice((None, None, -1, 2)))
    if s.shape == (x.rank,) and g.flag() and x.kind == "float32":
        g.add("Reshape", [g.value(shape=x.shape), s])


@operator("Size")
def size(g: RandomGraph) -> None:
    g.add("Size", [g.value(g.choice(ANY))])


@operator("ConstantOfShape")
def constant_of_shape(g: RandomGraph) -> None:
    value = g.choice((np.float32([0.5]), np.int64([3]), np.array([True]), None))
    attribute = None if value is None else numpy_helper.from_array(value, "value")
    g.add("ConstantOfShape", [g.operand(int64s(*g.shape(g.integer(0, 3))))], value=attribute)


@operator("Constant")
def constant(g: RandomGraph) -> None:
    form = g.integer(0, 2)
    if form == 0:
        g.add("Constant", [], value=numpy_helper.from_array(g.array(g.shape())))
    elif form == 1:
        g.add("Constant", [], value_floats=[0.5, -1.5, 2.0])
    else:
        g.add("Constant", [], value_int=g.integer(-5, 5))


@operator("Range")
def range_(g: RandomGraph) -> None:
    kind = np.dtype(g.choice(("int64", "int32", "float32"))).type
    start, step = g.integer(-3, 3), g.choice((1, 2, -1))
    g.add("Range", [g.operand(kind(start)), g.operand(kind(start + step * g.integer(0, 6))), g.operand(kind(step))])


@operator("EyeLike")
def eye_like(g: RandomGraph) -> None:
    g.add("EyeLike", [g.value(g.choice(("float32", "int64")), rank=2)], k=g.integer(-2, 2), dtype=g.choice((None, 1, TensorProto.INT32)))


@operator("OneHot")
def one_hot(g: RandomGraph) -> None:
    depth = g.integer(2, 5)
    x = g.input(g.shape(g.integer(0, 3)), "int64", -depth, depth - 1)
    values = g.operand(np.array([0.5, 2], g.choice(("float32", "float32", "int64"))))
    g.add("OneHot", [x, g.operand(np.int64(depth) if g.flag() else int64s(depth)), values], axis=g.integer(-x.rank - 1, x.rank))


@operator("Slice")
def slice_(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    axes = sorted({g.integer(0, x.rank - 1) for _ in range(g.integer(1, x.rank))})
    starts, ends, steps = [], [], []
    for axis in axes:
        d, step = x.shape[axis], g.choice((1, 1, 1, 2, -1))
        low = g.integer(0, d - 1)
        high = g.choice((g.integer(low + 1, d), d, 2**31))
        if step > 0:
            starts.append(low - d if g.flag(3) else low)
            ends.append(high)
        else:
            starts.append(min(high, d) - 1)
            ends.append(low - 1 - d if low == 0 or g.flag() else low - 1)
        steps.append(step)
    inputs = [x, g.operand(int64s(*starts)), g.operand(int64s(*ends)), g.operand(int64s(*(signed(g, a, x.rank) for a in axes)))]
    g.add("Slice", [*inputs, g.operand(int64s(*steps))])


@operator("Split")
def split(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    axis = g.integer(0, x.rank - 1)
    d = x.shape[axis]
    if g.flag():
        cut = g.integer(0, d)
        g.add("Split", [x, g.operand(int64s(cut, d - cut))], outputs=2, axis=signed(g, axis, x.rank))
    else:
        count = g.integer(1, min(d, 3))
        g.add("Split", [x], outputs=count, axis=axis, num_outputs=count)


@operator("Concat")
def concat(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    axis = g.integer(0, x.rank - 1)
    parts = [x]
    for _ in range(g.integer(0, 2)):
        dims = [g.integer(1, 4) if i == axis else d for i, d in enumerate(x.shape)]
        parts.append(g.value(x.kind, shape=x.shape) if g.flag() else g.constant(g.array(dims, x.kind)))
    g.add("Concat", parts, axis=signed(g, axis, x.rank))


@operator("Pad")
def pad(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "float32", "int64")), least_rank=1)
    mode = g.choice(("constant", "constant", "reflect", "edge", "wrap"))
    most = [min(d - 1, 2) if mode == "reflect" else 2 for d in x.shape]
    axes = sorted({g.integer(0, x.rank - 1) for _ in range(2)}) if g.flag(3) else list(range(x.rank))
    pads = [g.integer(0, most[a]) for a in axes] + [g.integer(-1 if mode == "constant" and x.shape[a] > 2 else 0, most[a]) for a in axes]
    value = g.operand(np.dtype(x.kind).type(2)) if mode == "constant" and g.flag() else None
    g.add("Pad", [x, g.operand(int64s(*pads)), value, g.operand(int64s(*axes)) if len(axes) < x.rank else None], mode=mode)


@operator("Transpose")
def transpose(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY))
    perm = list(range(x.rank))
    for i in range(x.rank - 1):
        j = g.integer(i, x.rank - 1)
        perm[i], perm[j] = perm[j], perm[i]
    g.add("Transpose", [x], perm=perm if perm and g.integer(0, 4) else None)


@operator("DepthToSpace")
def depth_to_space(g: RandomGraph) -> None:
    x = g.value(rank=4, shape=(g.integer(1, 2), 4 * g.integer(1, 2), g.integer(1, 4), g.integer(1, 4)))
    g.add("DepthToSpace", [x], blocksize=2, mode=g.choice(("DCR", "CRD")))


@operator("SpaceToDepth")
def space_to_depth(g: RandomGraph) -> None:
    g.add("SpaceToDepth", [g.value(shape=(g.integer(1, 2), g.integer(1, 3), 2 * g.integer(1, 3), 2 * g.integer(1, 3)))], blocksize=2)


@operator("Gather")
def gather(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    axis = g.integer(0, x.rank - 1)
    g.add("Gather", [x, indices(g, g.shape(g.integer(0, 2), high=3), x.shape[axis])], axis=signed(g, axis, x.rank))


@operator("GatherElements")
def gather_elements(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    axis = g.integer(0, x.rank - 1)
    dims = tuple(g.integer(1, 5) if i == axis else g.integer(1, d) for i, d in enumerate(x.shape))
    g.add("GatherElements", [x, indices(g, dims, x.shape[axis])], axis=axis)


@operator("GatherND")
def gather_nd(g: RandomGraph) -> None:
    x = g.value(g.choice(ANY), least_rank=1)
    batch = g.integer(0, x.rank - 1) if g.flag(3) else 0
    depth = g.integer(1, x.rank - batch)
    array = np.stack([g.array((*x.shape[:batch], 3), "int64", 0, d - 1) for d in x.shape[batch : batch + depth]], -1)
    g.add("GatherND", [x, g.operand(array)], batch_dims=batch)


def scatter(name: str):
    def draw(g: RandomGraph) -> None:
        x = g.value(g.choice(("float32", "float32", "int64")), least_rank=1)
        axis = g.integer(0, x.rank - 1)
        reduction = None if name == "Scatter" else g.choice((None, "add", "mul", "max", "min"))
        dims = [g.integer(1, d) for d in x.shape]
        array = g.array(dims, "int64", 0, x.shape[axis] - 1)
        if reduction is None:  # which of two equal indices wins is not defined
            array = np.argsort(g.array(x.shape), axis=axis).astype(np.int64)[tuple(slice(d) for d in dims)]
        g.add(name, [x, g.operand(array), g.input(dims, x.kind)], axis=axis, reduction=reduction)

    return draw


OPERATORS["ScatterElements"] = scatter("ScatterElements")


@operator("ScatterND")
def scatter_nd(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "float32", "int64")), least_rank=1)
    depth = g.integer(1, x.rank)
    count = g.integer(1, min(3, int(np.prod(x.shape[:depth]))))
    chosen = np.argsort(g.array((int(np.prod(x.shape[:depth])),)))[:count]
    array = np.stack(np.unravel_index(chosen, x.shape[:depth]), -1).astype(np.int64)
    reduction = g.choice((None, "add", "mul", "max", "min"))
    g.add("ScatterND", [x, g.operand(array), g.input((count, *x.shape[depth:]), x.kind)], reduction=reduction)


@operator("TensorScatter")
def tensor_scatter(g: RandomGraph) -> None:
    batch, heads, length, width = g.integer(1, 3), g.integer(1, 2), g.integer(2, 6), g.integer(1, 4)
    some = g.integer(1, length)
    cache, update = g.value(shape=(batch, heads, length, width)), g.value(shape=(batch, heads, some, width))
    g.add("TensorScatter", [cache, update, g.operand(g.array((batch,), "int64", 0, length - some))], opset=24)


@operator("Trilu")
def trilu(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "float32", "int64", "bool")), least_rank=2)
    g.add("Trilu", [x, g.operand(np.int64(g.integer(-2, 3))) if g.flag() else None], upper=g.integer(0, 1))


@operator("ReverseSequence")
def reverse_sequence(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "int64")), least_rank=2)
    batch_axis = g.integer(0, 1)
    lengths = g.array((x.shape[batch_axis],), "int64", 1, x.shape[1 - batch_axis])
    g.add("ReverseSequence", [x, g.operand(lengths)], batch_axis=batch_axis, time_axis=1 - batch_axis)


@operator("CenterCropPad")
def center_crop_pad(g: RandomGraph) -> None:
    x = g.value(least_rank=1)
    axes = sorted({g.integer(0, x.rank - 1) for _ in range(2)})
    g.add("CenterCropPad", [x, g.operand(int64s(*(g.integer(1, 7) for _ in axes)))], axes=axes)


@operator("Compress")
def compress(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "float32", "int64")), least_rank=1)
    axis = g.choice((None, *range(x.rank)))
    length = x.narrow.size if axis is None else x.shape[axis]
    g.add("Compress", [x, g.operand(g.array((g.integer(1, length),), "bool"))], axis=axis)


@operator("NonZero")
def non_zero(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "bool", "int64")), least_rank=1, where=exact)
    (found,) = g.add("NonZero", [x])
    if g.flag() and found.narrow.size:
        (rows,) = g.add("Transpose", [found], perm=[1, 0])
        g.add("GatherND", [g.value(shape=x.shape), rows])


@operator("Unique")
def unique(g: RandomGraph) -> None:
    x = g.input(g.shape(g.integer(1, 3), high=4), g.choice(("int64", "float32")), -2, 2)
    if x.kind == "float32":
        (x,) = g.add("Round", [x])
    axis = g.choice((None, *range(x.rank)))
    g.add("Unique", [x], outputs=g.integer(1, 4), axis=axis, sorted=1 if axis is not None else g.integer(0, 1))


@operator("NonMaxSuppression")
def non_max_suppression(g: RandomGraph) -> None:
    batch, boxes, classes = g.integer(1, 2), g.integer(2, 12), g.integer(1, 3)
    corners = g.array((batch, boxes, 4), low=0, high=1)
    corners[..., 2:] += corners[..., :2]
    b = g.put(g.name("x"), corners, is_input=True)
    g.inputs.append(b.name)
    scores = g.input((batch, classes, boxes), low=0, high=1)
    limits = [g.operand(int64s(g.integer(1, 6))), g.operand(np.float32([0.45])), g.operand(np.float32([0.2]))]
    g.add("NonMaxSuppression", [b, scores, *limits], center_point_box=g.integer(0, 1))


@operator("TopK")
def top_k(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "float32", "int64")), least_rank=1, where=lambda v: len(np.unique(v.wide)) == v.wide.size)
    axis = g.integer(0, x.rank - 1)
    k = g.operand(int64s(g.integer(1, x.shape[axis])))
    g.add("TopK", [x, k], outputs=2, axis=signed(g, axis, x.rank), largest=g.integer(0, 1))


def arg(name: str):
    def draw(g: RandomGraph) -> None:
        x = g.value(g.choice(("float32", "float32", "int64")), least_rank=1)
        g.add(name, [x], axis=g.integer(-x.rank, x.rank - 1), keepdims=g.integer(0, 1), select_last_index=g.integer(0, 1))

    return draw


OPERATORS["ArgMax"] = arg("ArgMax")
OPERATORS["ArgMin"] = arg("ArgMin")


def body_nodes(g: RandomGraph, x: str, prefix: str) -> tuple[list, str]:
    """A few nodes that keep the shape of `x`."""
    nodes, last = [], x
    for i in range(g.integer(1, 3)):
        op = g.choice(("Tanh", "Sigmoid", "Neg", "Relu", "Softsign"))
        nodes.append(helper.make_node(op, [last], [f"{prefix}{i}"], name=f"{prefix}node{i}"))
        last = f"{prefix}{i}"
    return nodes, last


def float_info(name: str, shape=None):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


@operator("If")
def if_(g: RandomGraph) -> None:
    x, y = g.value(where=lambda v: v.rank <= 4), g.value()
    (total,) = g.add("ReduceSum", [x], keepdims=0)
    (condition,) = g.add("Greater", [total, g.operand(np.float32(g.integer(-2, 2)))])
    graphs = []
    for branch, source in (("then", x), ("else", g.choice((x, y)))):
        prefix = g.name(branch)
        nodes, last = body_nodes(g, source.name, prefix)
        if g.flag(3):
            nodes.append(
                helper.make_node("Concat", [last, last], [prefix + "c"], axis=0)
                if source.rank
                else helper.make_node("Neg", [last], [prefix + "c"])
            )
            last = prefix + "c"
        graphs.append(helper.make_graph(nodes, prefix, [], [float_info(last)]))
    g.add("If", [condition], then_branch=graphs[0], else_branch=graphs[1])


@operator("Loop")
def loop(g: RandomGraph) -> None:
    x, captured = g.value(least_rank=1, where=lambda v: v.rank <= 3), g.value()  # the judge shapes scans of scalars wrongly
    p = g.name("loop")
    nodes, last = body_nodes(g, p + "x", p)
    (captured_sum,) = g.add("ReduceMean", [captured], keepdims=0)
    nodes.append(helper.make_node("Add", [last, captured_sum.name], [p + "out"], name=p + "add"))
    grows = x.rank > 0 and g.flag(3)
    if grows:
        nodes.append(helper.make_node("Concat", [p + "out", p + "out"], [p + "grown"], axis=0, name=p + "concat"))
    carried = p + ("grown" if grows else "out")
    nodes.append(helper.make_node("Identity", [p + "cond"], [p + "next"], name=p + "identity"))
    nodes.append(helper.make_node("ReduceMax", [last], [p + "scan"], keepdims=1, name=p + "scan"))
    shape = [None] * x.rank if grows else list(x.shape)
    inputs = [
        helper.make_tensor_value_info(p + "i", TensorProto.INT64, []),
        helper.make_tensor_value_info(p + "cond", TensorProto.BOOL, []),
        float_info(p + "x", shape),
    ]
    outputs = [
        helper.make_tensor_value_info(p + "next", TensorProto.BOOL, []),
        float_info(carried, shape),
        float_info(p + "scan", [1] * x.rank),
    ]
    body = helper.make_graph(nodes, p, inputs, outputs)
    trips = g.operand(np.int64(g.integer(1, 3 if grows else 5)))
    g.add("Loop", [trips, g.operand(np.bool_(True)) if g.flag() else None, x], outputs=2, body=body)


@operator("Scan")
def scan(g: RandomGraph) -> None:
    sequence = g.value(least_rank=1, where=lambda v: v.rank <= 4)
    shape = list(sequence.shape[1:])
    state = g.value(shape=shape)
    p = g.name("scan")
    nodes = [
        helper.make_node("Add", [p + "s", p + "x"], [p + "sum"], name=p + "add"),
        helper.make_node("Tanh", [p + "sum"], [p + "state"], name=p + "tanh"),
        helper.make_node("Identity", [p + "state"], [p + "y"], name=p + "identity"),
    ]
    body = helper.make_graph(
        nodes, p, [float_info(p + "s", shape), float_info(p + "x", shape)], [float_info(p + "state", shape), float_info(p + "y", shape)]
    )
    g.add("Scan", [state, sequence], outputs=2, body=body, num_scan_inputs=1)
