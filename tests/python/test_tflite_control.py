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


@pytest.mark.parametrize("dtype", ["float32", "int16", "bool"])
def test_branches_of_different_shapes(dtype: str) -> None:
    main = TfliteWriter()
    c, x = main.add_tensor([1], "bool", name="c"), main.add_tensor([2, 3], dtype, name="x")
    y, z = main.add_tensor([], dtype), main.add_tensor([], dtype)
    tall, plain = main.new_subgraph(), main.new_subgraph()
    a, b = tall.add_tensor([2, 3], dtype), tall.add_tensor([6, 3], dtype)
    tall.add_operator("TILE", [a, tall.add_constant(np.array([3, 1], np.int32))], [b], "TileOptions")
    tall.set_edges([a], [b])
    a = plain.add_tensor([2, 3], dtype)
    plain.set_edges([a], [a])
    main.add_operator("IF", [c, x], [y], "IfOptions", thenSubgraphIndex=tall.index, elseSubgraphIndex=plain.index)
    main.add_operator("TRANSPOSE", [y, main.add_constant(np.array([1, 0], np.int32))], [z], "TransposeOptions")
    values = np.arange(6).reshape(2, 3).astype(dtype)
    compare(main.finish([c, x], [y, z]), ["c", "x"], [[np.array([flag]), values] for flag in (True, False, True)])


@pytest.mark.parametrize("handle_type", ["resource", "int32"])
@pytest.mark.parametrize("passed", [True, False])
def test_a_condition_reads_a_variable(handle_type: str, passed: bool) -> None:
    """The loop's counter is a variable, whose handle the loop carries, or which both subgraphs name. It goes on where it was."""
    main = TfliteWriter()
    condition, body, start = (main.new_subgraph() for _ in range(3))

    def named(writer: TfliteWriter) -> int:
        handle = writer.add_tensor([], handle_type)
        writer.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", container="", sharedName="n")
        return handle

    start.add_operator("ASSIGN_VARIABLE", [named(start), start.add_constant(np.array([3], np.int32))], [], "AssignVariableOptions")
    start.set_edges([], [])
    main.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=start.index)
    limit, x, last_limit, y = (main.add_tensor([1], "int32", name=name) for name in ("limit", "x", "l", "y"))
    outer = named(main)
    edges = {}
    for writer in (condition, body):
        handle = writer.add_tensor([], handle_type) if passed else named(writer)
        values = [writer.add_tensor([1], "int32") for _ in range(2)]
        count = writer.add_tensor([1], "int32")
        writer.add_operator("READ_VARIABLE", [handle], [count], "ReadVariableOptions")
        edges[writer] = ([handle] if passed else []), values, count
    handles, values, count = edges[condition]
    below = condition.add_tensor([1], "bool")
    condition.add_operator("LESS", [count, values[0]], [below], "LessOptions")
    condition.set_edges([*handles, *values], [below])
    handles, values, count = edges[body]
    following, doubled = body.add_tensor([1], "int32"), body.add_tensor([1], "int32")
    body.add_operator("ADD", [count, body.add_constant(np.array([1], np.int32))], [following], "AddOptions")
    target = handles[0] if passed else named(body)
    body.add_operator("ASSIGN_VARIABLE", [target, following], [], "AssignVariableOptions")
    body.add_operator("ADD", [values[1], values[1]], [doubled], "AddOptions")
    body.set_edges([*handles, *values], [*handles, values[0], doubled])
    carried = [outer] if passed else []
    given = [main.add_tensor([], handle_type)] if passed else []
    fields = {"condSubgraphIndex": condition.index, "bodySubgraphIndex": body.index}
    main.add_operator("WHILE", [*carried, limit, x], [*given, last_limit, y], "WhileOptions", **fields)
    steps = [[np.array([limit], np.int32), np.array([1], np.int32)] for limit in (5, 5, 9, 2, 12)]
    compare(main.finish([limit, x], [last_limit, y]), ["limit", "x"], steps)


def test_a_signature_of_another_subgraph() -> None:
    main = TfliteWriter()
    other = main.new_subgraph()
    for graph, key, operator, options in ((other, "square", "MUL", "MulOptions"), (main, "double", "ADD", "AddOptions")):
        x, y = graph.add_tensor([2], "float32"), graph.add_tensor([2], "float32")
        graph.add_operator(operator, [x, x], [y], options)
        graph.add_signature(key, {"from": x}, {"to": y})
        graph.set_edges([x], [y])
    data = main.finish([x], [y])
    x = np.array([3, 4], np.float32)
    for key, expected in (("double", 2 * x), ("square", x * x)):
        np.testing.assert_array_equal(mace.load(data, signature=key)({"from": x})["to"], expected)
    first = mace.load(data)
    np.testing.assert_array_equal(next(iter(first([x]).values())), 2 * x)
    assert "has the signatures 'square', 'double': the first subgraph is read" in mace.convert(data)[1]["warnings"][0]
    assert not mace.convert(data, signature="square")[1]["warnings"]
    with pytest.raises(mace.MaceError, match=r"no signature is called 'cube' .signatures: 'square', 'double'."):
        mace.load(data, signature="cube")
