"""Operators and subgraphs of TensorFlow Lite files that ai-edge-litert has no kernels for, beside NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tflite_writer import TfliteWriter, litert_interpreter, run_litert

import mace

flexbuffers = pytest.importorskip("flatbuffers.flexbuffers")

UNARY: dict[str, Callable] = {
    "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)), "ABS": np.abs, "COSINE": np.cos, "EXPONENTIAL": np.exp, "FLOOR": np.floor,
    "LOG": np.log, "NEGATE": np.negative, "RSQRT": lambda x: 1 / np.sqrt(x), "TANH": np.tanh,
}  # fmt: skip
SHAPES = ([], [1], [7], [3, 5, 17], [2, 0, 3])


def run_one(operator: str, arrays: list[np.ndarray], result: str | None = None) -> np.ndarray:
    writer = TfliteWriter()
    inputs = [writer.add_tensor(array.shape, array.dtype.name) for array in arrays]
    output = writer.add_tensor([], result or arrays[-1].dtype.name)
    writer.add_operator(operator, inputs, [output])
    network = mace.load(writer.finish(inputs, [output]))
    return next(iter(network({f"t{i}": array for i, array in enumerate(arrays)}).values()))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", UNARY)
def test_operators_of_one_input(name: str, dtype: str) -> None:
    rng = np.random.default_rng(len(name))
    for shape in SHAPES:
        low = 0.1 if name in ("LOG", "RSQRT") else -4.0
        x = np.asarray(rng.uniform(low, 4.0, shape)).astype(dtype)
        want = UNARY[name](x.astype(np.float64))
        got = run_one(f"STABLEHLO_{name}", [x])
        assert got.dtype == x.dtype
        np.testing.assert_allclose(got.astype(np.float64), want, rtol=2e-3 if dtype == "float16" else 1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_subtract(dtype: str) -> None:
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        a, b = (np.asarray(rng.integers(0, 100, shape)).astype(dtype) for _ in range(2))
        np.testing.assert_array_equal(run_one("STABLEHLO_SUBTRACT", [a, b]), a - b, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_divide(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape in SHAPES:
        a, b = (np.asarray(rng.uniform(0.5, 4, shape)).astype(dtype) for _ in range(2))
        np.testing.assert_allclose(run_one("STABLEHLO_DIVIDE", [a, b]), a.astype(np.float64) / b, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_power(dtype: str) -> None:
    rng = np.random.default_rng(5)
    for shape in SHAPES:
        a, b = (np.asarray(rng.uniform(0.5, 3, shape)).astype(dtype) for _ in range(2))
        np.testing.assert_allclose(run_one("STABLEHLO_POWER", [a, b]), a.astype(np.float64) ** b, rtol=2e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "uint8", "int16", "int32", "int64"])
def test_remainder(dtype: str) -> None:
    """Its sign is that of the dividend."""
    rng = np.random.default_rng(6)
    for shape in SHAPES:
        low = 0 if dtype.startswith("u") else -100
        a, b = np.asarray(rng.integers(low, 100, shape)).astype(dtype), np.asarray(rng.integers(1, 9, shape)).astype(dtype)
        b = b if dtype.startswith("u") else (b * np.where(rng.random(shape) < 0.5, -1, 1)).astype(dtype)
        np.testing.assert_array_equal(run_one("STABLEHLO_REMAINDER", [a, b]), np.fmod(a, b), strict=True)


@pytest.mark.parametrize("to", ["float32", "float16", "int8", "int32", "int64", "bool"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int8", "int32", "bool"])
def test_convert(dtype: str, to: str) -> None:
    rng = np.random.default_rng(7)
    for shape in SHAPES:
        x = np.asarray(rng.integers(-3, 100, shape) * 0.5).astype(dtype)
        np.testing.assert_array_equal(run_one("STABLEHLO_CONVERT", [x], to), x.astype(to), strict=True)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_or(dtype: str) -> None:
    rng = np.random.default_rng(3)
    for shape in SHAPES:
        a, b = (np.asarray(rng.integers(0, 2 if dtype == "bool" else 127, shape)).astype(dtype) for _ in range(2))
        np.testing.assert_array_equal(run_one("STABLEHLO_OR", [a, b]), a | b, strict=True)


@pytest.mark.parametrize("dtype", ["float32", "int8", "int64", "bool"])
def test_select(dtype: str) -> None:
    rng = np.random.default_rng(4)
    for shape in SHAPES:
        condition = np.asarray(rng.random(shape) < 0.5)
        a, b = (np.asarray(rng.integers(0, 100, shape)).astype(dtype) for _ in range(2))
        np.testing.assert_array_equal(run_one("STABLEHLO_SELECT", [condition, a, b]), np.where(condition, a, b), strict=True)


def test_call() -> None:
    """A subgraph that is called twice and calls another one itself."""
    main = TfliteWriter()
    x, y = main.add_tensor([3], "float32", name="x"), main.add_tensor([3], "float32", name="y")
    between = main.add_tensor([3], "float32")
    outer, inner = main.new_subgraph(), main.new_subgraph()
    a, b, c = (outer.add_tensor([3], "float32") for _ in range(3))
    outer.add_operator("CALL", [a], [b], "CallOptions", subgraph=inner.index)
    outer.add_operator("ADD", [b, a], [c], "AddOptions")
    outer.set_edges([a], [c])
    a, b = (inner.add_tensor([3], "float32") for _ in range(2))
    inner.add_operator("MUL", [a, a], [b], "MulOptions")
    inner.set_edges([a], [b])
    main.add_operator("CALL", [x], [between], "CallOptions", subgraph=outer.index)
    main.add_operator("CALL", [between], [y], "CallOptions", subgraph=outer.index)
    values = np.array([1, -2, 0.5], np.float32)
    once = values * values + values
    got = mace.load(main.finish([x], [y]))({"x": values})["y"]
    np.testing.assert_allclose(got, once * once + once, rtol=1e-6)


@pytest.mark.parametrize("key", ["first", "second"])
def test_a_signature_of_another_subgraph(key: str) -> None:
    """Each runs a loop of its own; the second one's subgraph is not the file's first."""
    main = TfliteWriter()
    other = main.new_subgraph()
    edges = {}
    for writer, name, factor in ((main, "first", 3), (other, "second", 5)):
        x, y = (writer.add_tensor([2], "int32") for _ in range(2))
        condition, body = writer.new_subgraph(), writer.new_subgraph()
        v, least, below = (condition.add_tensor(*kind) for kind in [([2], "int32"), ([], "int32"), ([], "bool")])
        condition.add_operator("REDUCE_MIN", [v, condition.add_constant(np.array([0], np.int32))], [least], "ReducerOptions")
        condition.add_operator("LESS", [least, condition.add_constant(np.array(40, np.int32))], [below], "LessOptions")
        condition.set_edges([v], [below])
        v, w = (body.add_tensor([2], "int32") for _ in range(2))
        body.add_operator("MUL", [v, body.add_constant(np.array([factor], np.int32))], [w], "MulOptions")
        body.set_edges([v], [w])
        writer.add_operator("WHILE", [x], [y], "WhileOptions", condSubgraphIndex=condition.index, bodySubgraphIndex=body.index)
        writer.add_signature(name, {"from": x}, {"to": y})
        edges[name] = ([x], [y])
    other.set_edges(*edges["second"])
    model = main.finish(*edges["first"])
    values = np.array([2, 3], np.int32)
    want = litert_interpreter(model).get_signature_runner(key)(**{"from": values})["to"]
    data, _ = mace.convert(model, signature=key)
    np.testing.assert_array_equal(mace.load(data)({"from": values})["to"], want, strict=True)


def test_a_loop_that_gives_one_value_to_the_next() -> None:
    """All values of an iteration are those that it began with: the numbers of Fibonacci. LiteRT adds a value to itself here: it has
    written the new sum over the old one when it copies that to the second value."""
    main = TfliteWriter()
    inputs = [main.add_tensor([1], "int32", name=name) for name in "iab"]
    outputs = [main.add_tensor([1], "int32") for _ in inputs]
    condition, body = main.new_subgraph(), main.new_subgraph()
    i, a, b = (condition.add_tensor([1], "int32") for _ in range(3))
    below = condition.add_tensor([1], "bool")
    condition.add_operator("LESS", [i, condition.add_constant(np.array([10], np.int32))], [below], "LessOptions")
    condition.set_edges([i, a, b], [below])
    i, a, b, following, total = (body.add_tensor([1], "int32") for _ in range(5))
    body.add_operator("ADD", [i, body.add_constant(np.array([1], np.int32))], [following], "AddOptions")
    body.add_operator("ADD", [a, b], [total], "AddOptions")
    body.set_edges([i, a, b], [following, total, a])
    main.add_operator("WHILE", inputs, outputs, "WhileOptions", condSubgraphIndex=condition.index, bodySubgraphIndex=body.index)
    model = main.finish(inputs, outputs)
    feeds = [np.array([value], np.int32) for value in (0, 1, 0)]
    got = [int(value[0]) for value in mace.load(model)(dict(zip("iab", feeds, strict=True))).values()]
    assert got == [10, 89, 55]


def call(writer: TfliteWriter, subgraph: int, inputs: list[int], outputs: list[int]) -> None:
    attributes = np.frombuffer(flexbuffers.Dumps({}), np.uint8)
    fields = {"name": "odml.test", "version": 1, "compositeAttributes": attributes, "decompositionSubgraphIndex": subgraph}
    writer.add_operator("STABLEHLO_COMPOSITE", inputs, outputs, "StableHLOCompositeOptions", **fields)


def test_a_composite_with_a_variable_in_a_loop() -> None:
    """The body calls a composite that chooses by a case which of two assignments is made."""
    main = TfliteWriter()
    start, last = main.add_tensor([1], "int32", name="i"), main.add_tensor([1], "int32")
    handle = main.add_tensor([], "resource")
    condition, body, chosen, *branches = (main.new_subgraph() for _ in range(5))
    names = {"container": "", "sharedName": "v"}
    main.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", **names)
    main.add_operator("ASSIGN_VARIABLE", [handle, main.add_constant(np.array([1, 2], np.float32))], [], "AssignVariableOptions")
    i, below = condition.add_tensor([1], "int32"), condition.add_tensor([1], "bool")
    condition.add_operator("LESS", [i, condition.add_constant(np.array([6], np.int32))], [below], "LessOptions")
    condition.set_edges([i], [below])
    i, following = body.add_tensor([1], "int32"), body.add_tensor([1], "int32")
    call(body, chosen.index, [i], [following])
    body.set_edges([i], [following])
    i, following = chosen.add_tensor([1], "int32"), chosen.add_tensor([1], "int32")
    fields = {"branchSubgraphIndices": [branch.index for branch in branches]}
    chosen.add_operator("STABLEHLO_CASE", [i, i], [following], "StablehloCaseOptions", **fields)
    chosen.set_edges([i], [following])
    for branch, (operator, operand) in zip(branches, (("ADD", 3), ("MUL", 2)), strict=True):
        inner, i, following = branch.add_tensor([], "resource"), branch.add_tensor([1], "int32"), branch.add_tensor([1], "int32")
        old, new = branch.add_tensor([2], "float32"), branch.add_tensor([2], "float32")
        branch.add_operator("VAR_HANDLE", [], [inner], "VarHandleOptions", **names)
        branch.add_operator("READ_VARIABLE", [inner], [old], "ReadVariableOptions")
        branch.add_operator(operator, [old, branch.add_constant(np.array([operand], np.float32))], [new], f"{operator.title()}Options")
        branch.add_operator("ASSIGN_VARIABLE", [inner, new], [], "AssignVariableOptions")
        branch.add_operator("ADD", [i, branch.add_constant(np.array([2], np.int32))], [following], "AddOptions")
        branch.set_edges([i], [following])
    main.add_operator("WHILE", [start], [last], "WhileOptions", condSubgraphIndex=condition.index, bodySubgraphIndex=body.index)
    result = main.add_tensor([2], "float32")
    main.add_operator("READ_VARIABLE", [handle], [result], "ReadVariableOptions")
    network = mace.load(main.finish([start], [last, result]))
    for first in (0, 3, 9):
        value, i = np.array([1, 2], np.float32), first
        while i < 6:
            value = value + 3 if i == 0 else value * 2
            i += 2
        got = list(network({"i": np.array([first], np.int32)}).values())
        np.testing.assert_array_equal(got[0], [i])
        np.testing.assert_array_equal(got[1], value)


@pytest.mark.parametrize("zero_points", [(3, 3), (3, 4)])
def test_a_variable_has_one_scale(zero_points: tuple[int, int]) -> None:
    main = TfliteWriter()
    x, y = (main.add_tensor([4], "int8", [0.5], [zero_point], name=name) for name, zero_point in zip("xy", zero_points, strict=True))
    handle = main.add_tensor([], "resource")
    main.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", container="", sharedName="v")
    main.add_operator("ASSIGN_VARIABLE", [handle, x], [], "AssignVariableOptions")
    main.add_operator("READ_VARIABLE", [handle], [y], "ReadVariableOptions")
    model = main.finish([x], [y])
    values = np.array([-128, 0, 3, 127], np.int8)
    np.testing.assert_array_equal(run_litert(model, [[values]])[0][0], values)
    if zero_points[0] == zero_points[1]:
        np.testing.assert_array_equal(mace.load(model)({"x": values})["y"], values, strict=True)
    else:
        with pytest.raises(mace.MaceError, match="READ_VARIABLE: a variable with several scales, or read and assigned with different ones"):
            mace.load(model)


@pytest.mark.parametrize(("shape", "rows", "window"), [([3, 4], 0, 4), ([3, 0], 2, 0), ([5, 4], 2, 0)])
def test_gather_and_scatter_of_nothing(shape: list[int], rows: int, window: int) -> None:
    """LiteRT reads an element before it asks whether there is one."""
    writer = TfliteWriter()
    x, indices = writer.add_tensor(shape, "float32", name="x"), writer.add_tensor([rows, 1], "int32", name="i")
    updates = writer.add_tensor([rows, window], "float32", name="u")
    gathered, scattered = writer.add_tensor([rows, window], "float32", name="g"), writer.add_tensor(shape, "float32", name="s")
    fields = {"offsetDims": [1], "collapsedSliceDims": [0], "startIndexMap": [0], "indexVectorDim": 1, "sliceSizes": [1, window]}
    writer.add_operator("STABLEHLO_GATHER", [x, indices], [gathered], "StablehloGatherOptions", **fields)
    body = writer.new_subgraph()
    a, b, c = (body.add_tensor([], "float32") for _ in range(3))
    body.add_operator("STABLEHLO_ADD", [a, b], [c])
    body.set_edges([a, b], [c])
    fields = {"updateWindowDims": [1], "insertedWindowDims": [0], "scatterDimsToOperandDims": [0], "indexVectorDim": 1}
    fields["updateComputationSubgraphIndex"] = body.index
    writer.add_operator("STABLEHLO_SCATTER", [x, indices, updates], [scattered], "StablehloScatterOptions", **fields)
    network = mace.load(writer.finish([x, indices, updates], [gathered, scattered]))
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    got = network({"x": values, "i": np.zeros([rows, 1], np.int32), "u": np.zeros([rows, window], np.float32)})
    assert got["g"].shape == (rows, window)
    np.testing.assert_array_equal(got["s"], values, strict=True)
