"""Random numbers of TensorFlow Lite models: sequences over runs and in control flow beside ai-edge-litert, distributions without seeds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_writer import ELEMENT_TYPES, TfliteWriter, run_litert

import mace

ELEMENT_TYPES["resource"] = 13


def uniform(writer: TfliteWriter, shape: list[int], seed: int = 0, seed2: int = 0, operator: str = "RANDOM_UNIFORM") -> int:
    y = writer.add_tensor(shape, "float32")
    writer.add_operator(operator, [writer.add_constant(np.array(shape, np.int32))], [y], "RandomOptions", seed=seed, seed2=seed2)
    return y


def sequence(count: int, **seeds: int) -> list[np.ndarray]:
    """What LiteRT draws in so many runs of an operator outside of any subgraph."""
    writer = TfliteWriter()
    x, z = writer.add_tensor([1], "float32"), writer.add_tensor([1], "float32")
    writer.add_operator("ADD", [x, x], [z], "AddOptions")
    model = writer.finish([x], [uniform(writer, [3], **seeds), z])
    return [arrays[0] for arrays in run_litert(model, [[np.zeros(1, np.float32)]] * count)]


def same_as_litert(model: bytes, steps: list[dict[str, np.ndarray]]) -> mace.Model:
    network = mace.load(model)
    for inputs, want in zip(steps, run_litert(model, [list(step.values()) for step in steps]), strict=True):
        for result, expected in zip(network(inputs).values(), want, strict=True):
            np.testing.assert_array_equal(result, expected)
    return network


def test_two_operators_with_the_same_seed_draw_the_same_and_stay_apart() -> None:
    writer = TfliteWriter()
    x, total = writer.add_tensor([5], "float32", name="x"), writer.add_tensor([5], "float32")
    first, second = uniform(writer, [5], 3, 4), uniform(writer, [5], 3, 4)
    writer.add_operator("ADD", [x, first], [total], "AddOptions")
    same_as_litert(writer.finish([x], [total, first, second]), [{"x": np.zeros(5, np.float32)}] * 3)


def test_a_reset_begins_the_sequence_again_as_a_new_session_does(tmp_path: Path) -> None:
    writer = TfliteWriter()
    x, total = writer.add_tensor([3], "float32", name="x"), writer.add_tensor([3], "float32", name="y")
    writer.add_operator("ADD", [x, uniform(writer, [3], 8)], [total], "AddOptions")
    model = writer.finish([x], [total])
    feed = {"x": np.zeros(3, np.float32)}
    network = mace.load(model)
    runs = [network(feed)["y"] for _ in range(3)]
    assert not np.array_equal(runs[0], runs[1])
    network.reset_state()
    converted = tmp_path / "model.mace"
    converted.write_bytes(mace.convert(model)[0])
    for source in (network, network.session(), mace.load(converted)):
        for run in runs:
            np.testing.assert_array_equal(source(feed)["y"], run)


@pytest.mark.parametrize("taken", [[True, False, True, True], [False, True, False, False]])
def test_a_branch_goes_on_where_its_last_run_ended(taken: list[bool]) -> None:
    """LiteRT begins again in each run; the first ones are the same."""
    main = TfliteWriter()
    condition, x = main.add_tensor([1], "bool", name="c"), main.add_tensor([3], "float32", name="x")
    y = main.add_tensor([3], "float32", name="y")
    branches = [main.new_subgraph(), main.new_subgraph()]
    for i, branch in enumerate(branches):
        a, b = branch.add_tensor([3], "float32"), branch.add_tensor([3], "float32")
        branch.add_operator("ADD", [a, uniform(branch, [3], 5 + i)], [b], "AddOptions")
        branch.set_edges([a], [b])
    main.add_operator("IF", [condition, x], [y], "IfOptions", thenSubgraphIndex=branches[0].index, elseSubgraphIndex=branches[1].index)
    model = main.finish([condition, x], [y])
    steps = [{"c": np.array([c]), "x": np.zeros(3, np.float32)} for c in taken]
    same_as_litert(model, steps[:2])
    network, wanted = mace.load(model), {True: sequence(4, seed=5), False: sequence(4, seed=6)}
    for step in steps:
        np.testing.assert_array_equal(network(step)["y"], wanted[bool(step["c"][0])].pop(0))


def test_a_loop_draws_other_numbers_in_each_turn_and_run() -> None:
    """LiteRT begins again in each run; the first one is the same."""
    main = TfliteWriter()
    start, x = main.add_tensor([1], "int32", name="i"), main.add_tensor([3], "float32", name="x")
    last, y = main.add_tensor([1], "int32"), main.add_tensor([3], "float32", name="y")
    condition, body = main.new_subgraph(), main.new_subgraph()
    i, v, goes_on = condition.add_tensor([1], "int32"), condition.add_tensor([3], "float32"), condition.add_tensor([1], "bool")
    condition.add_operator("LESS", [i, condition.add_constant(np.array([4], np.int32))], [goes_on], "LessOptions")
    condition.set_edges([i, v], [goes_on])
    i, v, j, w = (body.add_tensor(*kind) for kind in [([1], "int32"), ([3], "float32")] * 2)
    body.add_operator("ADD", [i, body.add_constant(np.array([1], np.int32))], [j], "AddOptions")
    body.add_operator("ADD", [v, uniform(body, [3], 0, 6)], [w], "AddOptions")
    body.set_edges([i, v], [j, w])
    main.add_operator("WHILE", [start, x], [last, y], "WhileOptions", condSubgraphIndex=condition.index, bodySubgraphIndex=body.index)
    model = main.finish([start, x], [last, y])
    steps = [{"i": np.array([s], np.int32), "x": np.zeros(3, np.float32)} for s in (1, 3, 9, 0)]
    same_as_litert(model, steps[:1])
    network, drawn = mace.load(model), sequence(8, seed2=6)
    for step in steps:
        wanted = np.zeros(3, np.float32)
        for _ in range(step["i"][0], 4):
            wanted += drawn.pop(0)
        np.testing.assert_array_equal(network(step)["y"], wanted)


def unseeded(operator: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two operators of one model, each in two runs: [2, count] each."""
    writer = TfliteWriter()
    x, total = writer.add_tensor([1], "float32", name="x"), writer.add_tensor([count], "float32")
    draws = [uniform(writer, [count], operator=operator) for _ in range(2)]
    writer.add_operator("ADD", [x, draws[0]], [total], "AddOptions")
    network = mace.load(writer.finish([x], [*draws, total]))
    runs = [list(network({"x": np.zeros(1, np.float32)}).values())[:2] for _ in range(2)]
    return tuple(np.stack([run[i] for run in runs]) for i in range(2))


@pytest.mark.parametrize("operator", ["RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL"])
def test_without_a_seed_all_differs_and_is_distributed_as_it_should_be(operator: str) -> None:
    """Neither folded nor merged: two operators and two runs. A Kolmogorov distance above 3 / sqrt(n) comes about once in 3e7 draws."""
    stats = pytest.importorskip("scipy.stats")
    count = 20000
    draws = np.concatenate(unseeded(operator, count))
    assert len({draw.tobytes() for draw in draws}) == 4
    distribution = stats.uniform if operator == "RANDOM_UNIFORM" else stats.norm
    for draw in draws:
        assert stats.kstest(draw, distribution.cdf).statistic < 3 / np.sqrt(count)
    assert np.abs(np.corrcoef(draws) - np.eye(4)).max() < 6 / np.sqrt(count)


def test_classes_without_a_seed_come_as_often_as_they_should() -> None:
    writer = TfliteWriter()
    x, y = writer.add_tensor([2, 4], "float32", name="x"), writer.add_tensor([2, 30000], "int64", name="y")
    writer.add_operator("MULTINOMIAL", [x, writer.add_tensor([], "int32", data=np.array(30000, np.int32))], [y], "RandomOptions")
    network = mace.load(writer.finish([x], [y]))
    probabilities = np.array([[0.1, 0.2, 0.3, 0.4], [0.7, 0.0, 0.2, 0.1]])
    with np.errstate(divide="ignore"):
        logits = np.log(probabilities).astype(np.float32) + 3
    runs = [network({"x": logits})["y"] for _ in range(2)]
    assert not np.array_equal(*runs)
    for run in runs:
        for row, expected in zip(run, probabilities, strict=True):
            np.testing.assert_allclose(np.bincount(row, minlength=4) / 30000, expected, atol=6 * np.sqrt(0.25 / 30000))


def test_a_variable_begins_with_drawn_numbers() -> None:
    """The subgraph that initialises draws once in the life of the model, the same operator outside of it in each run."""
    main = TfliteWriter()
    init = main.new_subgraph()
    for_init, handle = (w.add_tensor([], "resource") for w in (init, main))
    names = {"container": "", "sharedName": "weights"}
    init.add_operator("VAR_HANDLE", [], [for_init], "VarHandleOptions", **names)
    init.add_operator("ASSIGN_VARIABLE", [for_init, uniform(init, [3], 2, 3)], [], "AssignVariableOptions")
    init.set_edges([], [])
    x, drawn, y = (main.add_tensor([3], "float32", name=name) for name in ("x", "drawn", "y"))
    main.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=init.index)
    main.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", **names)
    main.add_operator("READ_VARIABLE", [handle], [drawn], "ReadVariableOptions")
    main.add_operator("ADD", [x, drawn], [y], "AddOptions")
    same_as_litert(main.finish([x], [y, uniform(main, [3], 2, 3)]), [{"x": np.zeros(3, np.float32)}] * 3)
