"""Operators and subgraphs of TensorFlow Lite files that ai-edge-litert has no kernels for, beside NumPy in float64."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tflite_writer import TfliteWriter, litert_interpreter

import mace

UNARY: dict[str, Callable] = {
    "LOGISTIC": lambda x: 1 / (1 + np.exp(-x)), "ABS": np.abs, "COSINE": np.cos, "EXPONENTIAL": np.exp, "FLOOR": np.floor,
    "LOG": np.log, "NEGATE": np.negative, "RSQRT": lambda x: 1 / np.sqrt(x), "TANH": np.tanh,
}  # fmt: skip
SHAPES = ([], [1], [7], [3, 5, 17], [2, 0, 3])


def run_one(operator: str, arrays: list[np.ndarray]) -> np.ndarray:
    writer = TfliteWriter()
    inputs = [writer.add_tensor(array.shape, array.dtype.name) for array in arrays]
    output = writer.add_tensor([], arrays[-1].dtype.name)
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
