"""IF, WHILE and variables of TensorFlow Lite over several invocations, beside ai-edge-litert."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_writer import TfliteWriter, run_litert

import mace


def compare(model: bytes, names: list[str], steps: list[list[np.ndarray]]) -> None:
    network = mace.load(model)
    for arrays, want in zip(steps, run_litert(model, steps), strict=True):
        got = network(dict(zip(names, arrays, strict=True)))
        for result, expected in zip(got.values(), want, strict=True):
            assert result.dtype == expected.dtype
            np.testing.assert_array_equal(result, expected)


def binary(writer: TfliteWriter, operator: str, options: str, dtype: str) -> None:
    """Makes the subgraph [a, b] -> operator(a, b)."""
    a, b, y = (writer.add_tensor([3], dtype) for _ in range(3))
    writer.add_operator(operator, [a, b], [y], options)
    writer.set_edges([a, b], [y])


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_if(dtype: str) -> None:
    main = TfliteWriter()
    condition = main.add_tensor([1], "bool", name="c")
    a, b = (main.add_tensor([3], dtype, name=name) for name in "ab")
    y = main.add_tensor([3], dtype)
    then, other = main.new_subgraph(), main.new_subgraph()
    binary(then, "ADD", "AddOptions", dtype)
    binary(other, "SUB", "SubOptions", dtype)
    main.add_operator("IF", [condition, a, b], [y], "IfOptions", thenSubgraphIndex=then.index, elseSubgraphIndex=other.index)
    values = [np.arange(3).astype(dtype), np.full(3, 5, dtype)]
    compare(main.finish([condition, a, b], [y]), ["c", "a", "b"], [[np.array([c]), *values] for c in (True, False, True)])


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_while(dtype: str) -> None:
    """A counter from its start to 5; from 5 on the body never runs."""
    main = TfliteWriter()
    start, x = main.add_tensor([1], "int32", name="i"), main.add_tensor([3], dtype, name="x")
    last, y = main.add_tensor([1], "int32"), main.add_tensor([3], dtype)
    condition, body = main.new_subgraph(), main.new_subgraph()
    i, v, goes_on = condition.add_tensor([1], "int32"), condition.add_tensor([3], dtype), condition.add_tensor([1], "bool")
    condition.add_operator("LESS", [i, condition.add_constant(np.array([5], np.int32))], [goes_on], "LessOptions")
    condition.set_edges([i, v], [goes_on])
    i, v, j, w = (body.add_tensor(*kind) for kind in [([1], "int32"), ([3], dtype)] * 2)
    body.add_operator("ADD", [i, body.add_constant(np.array([1], np.int32))], [j], "AddOptions")
    body.add_operator("ADD", [v, v], [w], "AddOptions")
    body.set_edges([i, v], [j, w])
    main.add_operator("WHILE", [start, x], [last, y], "WhileOptions", condSubgraphIndex=condition.index, bodySubgraphIndex=body.index)
    values = np.arange(3).astype(dtype)
    compare(main.finish([start, x], [last, y]), ["i", "x"], [[np.array([s], np.int32), values] for s in (0, 3, 5, 9)])


def test_a_variable_lives_from_invocation_to_invocation() -> None:
    main = TfliteWriter()
    init = main.new_subgraph()
    for_init, handle = (w.add_tensor([], "resource") for w in (init, main))
    names = {"container": "", "sharedName": "total"}
    init.add_operator("VAR_HANDLE", [], [for_init], "VarHandleOptions", **names)
    first = init.add_constant(np.array([1, 2, 3], np.float32))
    init.add_operator("ASSIGN_VARIABLE", [for_init, first], [], "AssignVariableOptions")
    init.set_edges([], [])
    x, old, y = (main.add_tensor([3], "float32", name=name) for name in ("x", "old", "y"))
    main.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=init.index)
    main.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", **names)
    main.add_operator("READ_VARIABLE", [handle], [old], "ReadVariableOptions")
    main.add_operator("ADD", [old, x], [y], "AddOptions")
    main.add_operator("ASSIGN_VARIABLE", [handle, y], [], "AssignVariableOptions")
    compare(main.finish([x], [y]), ["x"], [[np.full(3, n, np.float32)] for n in (1, 10, 100)])


def test_if_in_while() -> None:
    """The body doubles or squares, by the input `c`."""
    main = TfliteWriter()
    x, c = main.add_tensor([3], "float32", name="x"), main.add_tensor([1], "bool", name="c")
    y, d = main.add_tensor([3], "float32"), main.add_tensor([1], "bool")
    condition, body, then, other = (main.new_subgraph() for _ in range(4))
    v, k, least, goes_on = (condition.add_tensor(*kind) for kind in [([3], "float32"), ([1], "bool"), ([], "float32"), ([], "bool")])
    condition.add_operator("REDUCE_MIN", [v, condition.add_constant(np.array([0], np.int32))], [least], "ReducerOptions")
    condition.add_operator("LESS", [least, condition.add_constant(np.array(20, np.float32))], [goes_on], "LessOptions")
    condition.set_edges([v, k], [goes_on])
    v, k, w = body.add_tensor([3], "float32"), body.add_tensor([1], "bool"), body.add_tensor([3], "float32")
    body.add_operator("IF", [k, v, v], [w], "IfOptions", thenSubgraphIndex=then.index, elseSubgraphIndex=other.index)
    body.set_edges([v, k], [w, k])
    binary(then, "ADD", "AddOptions", "float32")
    binary(other, "MUL", "MulOptions", "float32")
    main.add_operator("WHILE", [x, c], [y, d], "WhileOptions", condSubgraphIndex=condition.index, bodySubgraphIndex=body.index)
    start = np.array([2, 3, 4], np.float32)
    compare(main.finish([x, c], [y, d]), ["x", "c"], [[start, np.array([flag])] for flag in (True, False)])
