"""Sizes that depend on data, from Python: arrays of the right size, what explain shows, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from command_line import mace as mace_command
from networks import model, random
from onnx import ModelProto, TensorProto, helper

import mace


def kept_rows() -> ModelProto:
    """The rows of x whose first element is above 0, and how many there are, as a scalar."""
    nodes = [
        helper.make_node("Gather", ["x", "zero"], ["column"], axis=1),
        helper.make_node("Greater", ["column", "none"], ["is_above"]),
        helper.make_node("Reshape", ["is_above", "flat"], ["above"]),
        helper.make_node("Compress", ["x", "above"], ["rows"], axis=0),
        helper.make_node("MatMul", ["rows", "w"], ["y"]),
        helper.make_node("Shape", ["rows"], ["shape"]),
        helper.make_node("Gather", ["shape", "zero"], ["count"]),
        helper.make_node("Cast", ["count"], ["counts"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["counts"], ["n"], keepdims=0),
    ]
    constants = {"zero": np.array([0]), "flat": np.array([-1]), "none": np.float32(0), "w": random(1, 3, 5)}
    return model(nodes, {"x": (np.float32, ["rows", 3])}, ["y", "n"], constants)


def loop_model() -> ModelProto:
    """x doubled while its sum is below a limit; the sums, scanned."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["y_in", "y_in"], ["y_out"]),
            helper.make_node("ReduceSum", ["y_out"], ["sum"], keepdims=0),
            helper.make_node("Less", ["sum", "limit"], ["go_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y_in", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y_out", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, []),
        ],
    )
    nodes = [
        helper.make_node("Constant", [], ["trips"], value=helper.make_tensor("", TensorProto.INT64, [], [1000])),
        helper.make_node("Constant", [], ["yes"], value=helper.make_tensor("", TensorProto.BOOL, [], [True])),
        helper.make_node("Loop", ["trips", "yes", "x"], ["y", "sums"], body=body),
    ]
    return model(nodes, {"x": (np.float32, ["n"]), "limit": (np.float32, [])}, ["y", "sums"], {})


def check(loaded: mace.Model, proto: ModelProto, feeds: dict[str, np.ndarray]) -> None:
    wanted = onnxruntime.InferenceSession(proto.SerializeToString()).run(None, feeds)
    for result, expected in zip(loaded(feeds).values(), wanted, strict=True):
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [4, 1, 0, 30])
def test_rows_that_data_choose(rows: int) -> None:
    proto = kept_rows()
    loaded = mace.load(proto.SerializeToString())
    for seed in range(3):
        check(loaded, proto, {"x": random(seed, rows, 3)})


def test_a_loop_that_data_end() -> None:
    proto = loop_model()
    loaded = mace.load(proto.SerializeToString())
    for n, limit in [(3, 1e3), (3, 0.0), (1, 1e6), (5, 10.0)]:
        check(loaded, proto, {"x": np.full(n, 0.75, np.float32), "limit": np.array(limit, np.float32)})


def test_explain_shows_bodies(tmp_path: Path) -> None:
    loaded = mace.load(loop_model().SerializeToString())
    feeds = {"x": np.ones(3, np.float32), "limit": np.float32(100)}
    loaded(feeds, profile=True)
    loop = next(step for step in loaded.explain()["steps"] if step["kernel"] == "Loop")
    assert loop["bodies"][0]["name"] == "body"
    times = loaded.profile()["steps"][loop["index"]]
    assert times["bodies"][0]["runs"] == 6
    inside = sum(step["nanoseconds"] for step in times["bodies"][0]["steps"])
    assert 0 < inside <= times["nanoseconds"]
    file = tmp_path / "rows.onnx"
    file.write_bytes(kept_rows().SerializeToString())
    plan = json.loads(mace_command("explain", file, "--input_shape=x:8,3", "--json").stdout)
    assert plan["plan"]["complete"]
    assert plan["plan"]["stages"] >= 2


def test_memory_limit_names_the_node() -> None:
    proto = model(
        [helper.make_node("NonZero", ["x"], ["y"], name="where")], {"x": (np.float32, ["n"])}, ["y"], {}, output_type=TensorProto.INT64
    )
    loaded = mace.load(proto.SerializeToString(), memory_limit=1 << 20)
    assert loaded({"x": np.ones(1000, np.float32)})["y"].shape == (1, 1000)
    with pytest.raises(mace.ResourceExhaustedError, match=r"'where'.*2400000 bytes"):
        loaded({"x": np.ones(300_000, np.float32)})
