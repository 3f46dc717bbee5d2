"""Models of control flow, variables and subgraphs: each has one value of the type that goes through all that the operator calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flatbuffers import flexbuffers
from operator_cases import FLOATS, QUANTIZED, TYPES, Case, cases
from tflite_writer import TfliteWriter


class Graph:
    """A subgraph whose tensors are all of the shape and type of one value, with or without a scale."""

    def __init__(self, case: Case, writer: TfliteWriter, kind: tuple) -> None:
        self.case, self.writer, self.kind = case, writer, kind

    def tensor(self, data: np.ndarray | None = None) -> int:
        shape, dtype, scale, zero_point = self.kind
        quantization = ([], []) if scale is None else ([scale], [zero_point])
        return self.writer.add_tensor(shape, dtype, *quantization, data=data)

    def constant(self) -> int:
        return self.tensor(self.case.data(*self.kind[:2]))

    def integers(self, *values: int) -> int:
        return self.writer.add_constant(np.array(values, np.int32))

    def counter(self) -> int:
        return self.writer.add_tensor([1], "int32")

    def flag(self) -> int:
        return self.writer.add_tensor([1], "bool")

    def operator(self, builtin: str, inputs: Sequence[int], options: str | None = None, **fields: object) -> int:
        result = self.tensor()
        self.writer.add_operator(builtin, inputs, [result], options, **fields)
        return result

    def mixed(self, a: int, b: int) -> int:
        """Something of both: of bare numbers mostly an operator of StableHLO's, else some elements of each."""
        _, dtype, scale, _ = self.kind
        if scale is None and dtype != "bfloat16" and not self.case.flip(3):
            return self.operator(str(self.case.choose(["STABLEHLO_ADD", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM"])), [a, b])
        condition = self.writer.add_constant(self.case.data(self.kind[0], "bool"))
        return self.operator("SELECT_V2", [condition, a, b], "SelectV2Options")

    def handle(self, name: str) -> int:
        tensor = self.writer.add_tensor([], "resource")
        self.writer.add_operator("VAR_HANDLE", [], [tensor], "VarHandleOptions", container="", sharedName=name)
        return tensor

    def assign(self, handle: int, value: int) -> None:
        self.writer.add_operator("ASSIGN_VARIABLE", [handle, value], [], "AssignVariableOptions")

    def read(self, handle: int) -> int:
        return self.operator("READ_VARIABLE", [handle], "ReadVariableOptions")

    def subgraph(self) -> Graph:
        return Graph(self.case, self.writer.new_subgraph(), self.kind)


def main_graph(case: Case) -> tuple[Graph, int]:
    """The first subgraph and an input, which of the types that may have a scale has one half of the times."""
    value = case.input(case.shape(low=0 if case.flip(6) else 1), plain=case.dtype not in QUANTIZED or case.flip())
    return Graph(case, case.writer, case.kinds[value]), value


def element(case: Case, data: object, dtype: str) -> int:
    """An input of the model of one element."""
    return case.input([1], dtype, data=data, plain=True)


def pair(graph: Graph) -> Graph:
    """A subgraph [a, b] -> something of both, or one of them as it is."""
    inner = graph.subgraph()
    a, b = inner.tensor(), inner.tensor()
    result = inner.case.choose([a, b]) if inner.case.flip(4) else inner.mixed(a, b)
    inner.writer.set_edges([a, b], [result])
    return inner


@cases("IF", types=TYPES)
def if_of_two(case: Case, name: str) -> None:
    graph, a = main_graph(case)
    b = case.input_like(a)
    condition = element(case, case.flip(), "bool")
    branches = [pair(graph).writer.index for _ in range(2)]
    result = graph.operator(name, [condition, a, b], "IfOptions", thenSubgraphIndex=branches[0], elseSubgraphIndex=branches[1])
    case.outputs += [result]


@cases("IF", types=TYPES)
def if_that_assigns(case: Case, name: str) -> None:
    """A branch reads a variable and assigns it; the other one leaves it."""
    graph, a = main_graph(case)
    condition = element(case, case.flip(), "bool")
    start = graph.subgraph()
    start.assign(start.handle("v"), start.constant())
    start.writer.set_edges([], [])
    graph.writer.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=start.writer.index)
    assigning, leaving = graph.subgraph(), graph.subgraph()
    x = assigning.tensor()
    handle = assigning.handle("v")
    changed = assigning.mixed(assigning.read(handle), x)
    assigning.assign(handle, changed)
    assigning.writer.set_edges([x], [changed])
    x = leaving.tensor()
    leaving.writer.set_edges([x], [x])
    branches = [assigning.writer.index, leaving.writer.index]
    if case.flip():
        branches.reverse()
    result = graph.operator(name, [condition, a], "IfOptions", thenSubgraphIndex=branches[0], elseSubgraphIndex=branches[1])
    case.outputs += [result, graph.read(graph.handle("v"))]
    case.runs = 3


def counting(graph: Graph, limit: int, values: int) -> Graph:
    """The condition of a loop: its counter is below the limit."""
    condition = graph.subgraph()
    counter, below = condition.counter(), condition.flag()
    others = [condition.tensor() for _ in range(values)]
    condition.writer.add_operator("LESS", [counter, condition.integers(limit)], [below], "LessOptions")
    condition.writer.set_edges([counter, *others], [below])
    return condition


def next_count(body: Graph, counter: int) -> int:
    following = body.counter()
    body.writer.add_operator("ADD", [counter, body.integers(1)], [following], "AddOptions")
    return following


def add_while(graph: Graph, name: str, condition: Graph, body: Graph, inputs: Sequence[int]) -> list[int]:
    outputs = [graph.counter(), *(graph.tensor() for _ in inputs[1:])]
    graph.writer.add_operator(
        name, inputs, outputs, "WhileOptions", condSubgraphIndex=condition.writer.index, bodySubgraphIndex=body.writer.index
    )
    return outputs


@cases("WHILE", types=TYPES)
def while_with_if(case: Case, name: str) -> None:
    """Two values, one of them sometimes as it is; an If in the body sometimes."""
    graph, a = main_graph(case)
    b = case.input_like(a)
    start = element(case, case.integer(0, 4), "int32")
    condition, body = counting(graph, 3, 2), graph.subgraph()
    counter, x, y = body.counter(), body.tensor(), body.tensor()
    if case.flip():
        branches = [pair(graph).writer.index for _ in range(2)]
        is_second = body.flag()
        body.writer.add_operator("LESS", [counter, body.integers(2)], [is_second], "LessOptions")
        mixed = body.operator("IF", [is_second, x, y], "IfOptions", thenSubgraphIndex=branches[0], elseSubgraphIndex=branches[1])
    else:
        mixed = body.mixed(x, y)
    # Not x: LiteRT has written the new one over it by the time it copies the third value (test_tflite_stablehlo.py has such a loop).
    body.writer.set_edges([counter, x, y], [next_count(body, counter), mixed, case.choose([y, mixed])])
    case.outputs += add_while(graph, name, condition, body, [start, a, b])


@cases("WHILE", types=TYPES)
def while_that_assigns(case: Case, name: str) -> None:
    """The body keeps what it makes in a variable; the condition reads nothing of it."""
    graph, a = main_graph(case)
    start = element(case, case.integer(0, 3), "int32")
    first = graph.handle("v")
    graph.assign(first, a)
    condition, body = counting(graph, 3, 1), graph.subgraph()
    counter, x = body.counter(), body.tensor()
    handle = body.handle("v")
    mixed = body.mixed(body.read(handle), x)
    body.assign(handle, mixed)
    body.writer.set_edges([counter, x], [next_count(body, counter), mixed])
    outputs = add_while(graph, name, condition, body, [start, a])
    case.outputs += [*outputs, graph.read(first)]
    case.runs = 2


@cases("CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE", types=TYPES)
def variables(case: Case, name: str) -> None:
    graph, x = main_graph(case)
    start = graph.subgraph()
    start.assign(start.handle("v"), start.constant())
    start.writer.set_edges([], [])
    graph.writer.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=start.writer.index)
    handle = graph.handle("v")
    old = graph.read(handle)
    new = graph.mixed(old, x)
    graph.assign(handle, new)
    case.outputs += [old, new]
    case.runs = 3


@cases("STABLEHLO_COMPOSITE", types=TYPES)
def composite(case: Case, name: str) -> None:
    """One decomposition that several composites share; it has a composite of its own."""
    graph, a = main_graph(case)
    b = case.input_like(a)
    inner, outer = pair(graph), graph.subgraph()
    p, q = outer.tensor(), outer.tensor()
    attributes = np.frombuffer(flexbuffers.Dumps({"axis": 1}), np.uint8)
    fields = {"name": "odml.test", "version": 1, "compositeAttributes": attributes}

    def called(caller: Graph, of: Graph, inputs: Sequence[int]) -> int:
        return caller.operator(name, inputs, "StableHLOCompositeOptions", decompositionSubgraphIndex=of.writer.index, **fields)

    outer.writer.set_edges([p, q], [outer.mixed(called(outer, inner, [p, q]), p)])
    first = called(graph, outer, [a, b])
    case.outputs += [first, graph.mixed(called(graph, outer, [first, a]), called(graph, inner, [b, first]))]


@cases("STABLEHLO_CASE", types=TYPES)
def case_of_several(case: Case, name: str) -> None:
    graph, a = main_graph(case)
    b = case.input_like(a)
    count = case.integer(1, 5)
    index = element(case, case.integer(-1, count), "int32")
    branches = [pair(graph).writer.index for _ in range(count)]
    result = graph.operator(name, [index, a, b], "StablehloCaseOptions", branchSubgraphIndices=branches)
    case.outputs += [result]


def joining(case: Case, names: Sequence[str]) -> int:
    """A subgraph of two scalars and one operator."""
    writer = case.writer.new_subgraph()
    a, b = (writer.add_tensor([], case.dtype) for _ in range(2))
    name = str(case.choose(names))
    if not name:
        writer.set_edges([a, b], [b])
        return writer.index
    result = writer.add_tensor([], case.dtype)
    writer.add_operator(name, [a, b], [result])
    writer.set_edges([a, b], [result])
    return writer.index


SUMS = ("STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM")


@cases("STABLEHLO_REDUCE_WINDOW", types=TYPES, models=12)
def reduce_window(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4), low=2)
    window, strides, dilations, base = ([case.integer(1, 3) for _ in shape] for _ in range(4))
    padding = [[case.integer(0, 2) for _ in range(2)] for _ in shape]
    low, high = (0, 2) if case.dtype != "bool" else (None, None)
    x = case.input(shape, low=low, high=high, plain=True)
    start = case.input([], low=low, high=high, plain=True)
    body = joining(case, ("STABLEHLO_AND", "LOGICAL_OR") if case.dtype == "bool" else SUMS)
    fields = {"windowDimensions": window, "windowStrides": strides, "windowDilations": dilations, "baseDilations": base}
    flat = [edge for pair in padding for edge in pair]
    case.add(name, [x, start], [case.output(plain=True)], "StablehloReduceWindowOptions", bodySubgraphIndex=body, padding=flat, **fields)


def windows(case: Case, shape: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """The axes that indices name, the size of a window on each axis, and the axes of size 1 that are left out."""
    named = [int(axis) for axis in case.random.permutation(len(shape))[: case.integer(1, len(shape))]]
    sizes = [case.integer(1, size) if axis in named or case.flip() else size for axis, size in enumerate(shape)]
    left_out = [axis for axis in range(len(shape)) if case.flip()]
    return named, [1 if axis in left_out else size for axis, size in enumerate(sizes)], left_out


def index_tensor(case: Case, named: Sequence[int], shape: Sequence[int], beyond: tuple[int, int]) -> tuple[int, list[int], int]:
    """Indices of a random batch shape, some of them outside; the batch shape; the axis along which an index lies."""
    batch = case.shape(ranks=(0, 2), high=3)
    columns = [case.random.integers(-beyond[0], shape[axis] + beyond[1], batch, endpoint=True) for axis in named]
    axis = case.integer(0, len(batch))
    data = np.stack(columns, axis)
    dtype = str(case.choose(["int32", "int64"]))
    tensor = case.input(data.shape, dtype, data=data, plain=True, constant=case.flip(3))
    return tensor, batch, axis


def some_axes(case: Case, count: int, rank: int) -> list[int]:
    return sorted(int(axis) for axis in case.random.permutation(rank)[:count])


@cases("STABLEHLO_GATHER", types=TYPES, models=20)
def gather(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    named, sizes, collapsed = windows(case, shape)
    x = case.input(shape, plain=case.flip())
    indices, batch, axis = index_tensor(case, named, shape, (2, 2))
    kept = [size for d, size in enumerate(sizes) if d not in collapsed]
    offsets = some_axes(case, len(kept), len(batch) + len(kept))
    batches, rest = iter(batch), iter(kept)
    result = [next(rest) if d in offsets else next(batches) for d in range(len(batch) + len(kept))]
    fields = {"offsetDims": offsets, "collapsedSliceDims": collapsed, "startIndexMap": named, "indexVectorDim": axis, "sliceSizes": sizes}
    output = case._tensor(result, *case.kinds[x][1:])  # its rank is looked at
    case.add(name, [x, indices], [output], "StablehloGatherOptions", **fields)


@cases("STABLEHLO_SCATTER", types=TYPES, models=20)
def scatter(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 3))
    named, sizes, inserted = windows(case, shape)
    bounds = (0, 2) if case.dtype not in (*FLOATS, "bool") else (None, None)
    x = case.input(shape, low=bounds[0], high=bounds[1], plain=True)
    indices, batch, axis = index_tensor(case, named, shape, (0, 1))
    kept = [size for d, size in enumerate(sizes) if d not in inserted]
    replaces = case.flip(3)
    rank = len(batch) + len(kept)
    axes = list(range(len(batch), rank)) if replaces else some_axes(case, len(kept), rank)  # where order matters: by index
    batches, rest = iter(batch), iter(kept)
    updates = case.input([next(rest) if d in axes else next(batches) for d in range(rank)], low=bounds[0], high=bounds[1], plain=True)
    body = joining(case, ("",) if replaces else SUMS)
    fields = {"updateWindowDims": axes, "insertedWindowDims": inserted, "scatterDimsToOperandDims": named, "indexVectorDim": axis}
    output = case.output(plain=True)
    case.add(name, [x, indices, updates], [output], "StablehloScatterOptions", updateComputationSubgraphIndex=body, **fields)


@cases("STABLEHLO_RNG_BIT_GENERATOR", types=TYPES, models=9)
def random_bits(case: Case, name: str) -> None:
    """The type is that of the bits. Counters near the end of their lower half, and of the whole."""
    algorithm = case.integer(0, 2)
    words = 2 if algorithm == 2 else case.integer(2, 3)
    state = case.random.integers(0, 2**64, words, np.uint64)
    if case.flip():
        state[1] = np.uint64(case.choose([0, 2**32 - 2, 2**64 - 2]))
    shape = case.shape(ranks=(0, 3))
    key = case.input([words], "uint64", data=state, plain=True, constant=case.flip(3))
    outputs = [case._tensor([words], "uint64", None, 0), case._tensor(shape, case.dtype, None, 0)]
    case.add(name, [key], outputs, "StablehloRngBitGeneratorOptions", algorithm=algorithm)
