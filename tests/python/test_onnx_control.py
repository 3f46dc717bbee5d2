"""If, Loop, Scan and functions of ONNX files, judged by onnxruntime, at several sizes without loading again. (onnx's reference evaluator
runs no Loop without a condition.)"""

from __future__ import annotations

import importlib.util
import pathlib

import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper

import mace

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def small_models() -> object:
    path = pathlib.Path(__file__).parents[1] / "models" / "make_small_models.py"
    spec = importlib.util.spec_from_file_location("make_small_models", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def infos(edges: list[tuple[str, int]]) -> list[object]:
    return [helper.make_tensor_value_info(name, kind, None) for name, kind in edges]


def compare(proto: ModelProto, cases: list[dict[str, np.ndarray]]) -> None:
    model = mace.load(proto.SerializeToString())
    judge = onnxruntime.InferenceSession(proto.SerializeToString())
    for feeds in cases:
        for got, want in zip(model(feeds).values(), judge.run(None, feeds), strict=True):
            assert got.dtype == want.dtype and got.shape == want.shape
            np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_control_model() -> None:
    proto = small_models().control()  # type: ignore[attr-defined]
    random = np.random.default_rng(1)
    compare(proto, [{"x": random.standard_normal((n, 4)).astype(np.float32)} for n in (1, 3, 7)])


def test_ranks_that_branches_decide() -> None:
    then_branch = helper.make_graph([helper.make_node("ReduceSum", ["x"], ["t"], keepdims=0)], "then", [], infos([("t", FLOAT)]))
    else_branch = helper.make_graph([helper.make_node("Neg", ["x"], ["e"])], "else", [], infos([("e", FLOAT)]))
    nodes = [
        helper.make_node("ReduceMax", ["x"], ["top"], keepdims=0),
        helper.make_node("Less", ["top", "zero"], ["c"]),
        helper.make_node("If", ["c"], ["r"], then_branch=then_branch, else_branch=else_branch),
        helper.make_node("Mul", ["r", "r"], ["y"]),
    ]
    zero = helper.make_tensor("zero", FLOAT, [], [0.0])
    x = helper.make_tensor_value_info("x", FLOAT, ["a", "b"])
    graph = helper.make_graph(nodes, "ranks", [x], infos([("y", FLOAT)]), [zero])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    ramp = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    compare(proto, [{"x": ramp}, {"x": -ramp}, {"x": ramp.T.copy()}])


@pytest.mark.parametrize("trips", [0, 1, 5])
def test_trip_counts_of_run_time(trips: int) -> None:
    body = helper.make_graph(
        [
            helper.make_node("Cast", ["i"], ["f"], to=FLOAT),
            helper.make_node("Add", ["a", "f"], ["b"]),
            helper.make_node("Identity", ["more"], ["go"]),
            helper.make_node("Identity", ["b"], ["s"]),
        ],
        "body",
        infos([("i", INT64), ("more", BOOL), ("a", FLOAT)]),
        infos([("go", BOOL), ("b", FLOAT), ("s", FLOAT)]),
    )
    nodes = [helper.make_node("Loop", ["n", "", "x"], ["y", "all"], body=body)]
    inputs = [helper.make_tensor_value_info("n", INT64, []), helper.make_tensor_value_info("x", FLOAT, ["k"])]
    graph = helper.make_graph(nodes, "trips", inputs, infos([("y", FLOAT), ("all", FLOAT)]))
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model = mace.load(proto.SerializeToString())
    for size in (1, 3, 2):
        x = np.arange(size, dtype=np.float32)
        y, scanned = model({"n": np.array(trips, np.int64), "x": x}).values()
        want = [x + sum(range(i + 1)) for i in range(trips)]
        np.testing.assert_array_equal(y, want[-1] if want else x)
        # Without a trip nothing says how long the rows would be: 0, as in onnxruntime where the body declares their rank.
        assert scanned.shape == (trips, size if trips else 0)
        if trips:
            np.testing.assert_array_equal(scanned, np.array(want, np.float32))
