"""Forms of ONNX's operator sets 1 to 6, each beside the form of today of the same operator in onnxruntime, which has no kernels for
most of the old ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto
from repair_cases import Feeds, noise, one

import mace

INT64S = np.int64
X = {"x": noise(2, 3, 4, 5)}
IMAGE = {"x": noise(1, 2, 6, 6)}
SEQUENCE = {"x": noise(5, 2, 3)}
GATES = {"w": noise(1, 12, 3, seed=1), "r": noise(1, 12, 4, seed=2)}
STATISTICS = {name: noise(3, seed=i) for i, name in enumerate(("scale", "bias", "mean"), 1)} | {"variance": np.abs(noise(3, seed=7)) + 0.5}
BOOLS = (TensorProto.BOOL, None)
FLAGS = {"x": noise(2, 3, 4) > 0}

# operator, set, feeds, constants and attributes of the old form; set, constants and attributes of the new one; the output's type
FORMS: list[tuple[str, int, Feeds, Feeds, dict[str, Any], int, Feeds, dict[str, Any], Any]] = [
    ("Reshape", 1, X, {}, {"shape": [0, -1, 5]}, 13, {"s": np.array([0, -1, 5], INT64S)}, {}, None),
    ("Cast", 1, X, {}, {"to": "INT32"}, 13, {}, {"to": TensorProto.INT32}, (TensorProto.INT32, None)),
    ("Concat", 1, X, {"b": noise(2, 2, 4, 5, seed=1)}, {}, 13, {"b": noise(2, 2, 4, 5, seed=1)}, {"axis": 1}, None),
    ("Pad", 1, IMAGE, {}, {"paddings": [0, 0, 1, 0, 0, 0, 2, 1], "value": 1.5}, 13,
     {"p": np.array([0, 0, 1, 0, 0, 0, 2, 1], INT64S), "v": np.array(1.5, np.float32)}, {}, None),
    ("Pad", 2, IMAGE, {}, {"pads": [0, 0, 1, 0, 0, 0, 2, 1], "mode": "reflect"}, 13,
     {"p": np.array([0, 0, 1, 0, 0, 0, 2, 1], INT64S)}, {"mode": "reflect"}, None),
    ("Split", 1, X, {"s": np.array([2], INT64S)}, {"axis": 0}, 13, {"s": np.array([2], INT64S)}, {"axis": 0}, None),
    ("Slice", 1, X, {}, {"starts": [1, 0], "ends": [3, -1], "axes": [2, 3]}, 13,
     {"b": np.array([1, 0], INT64S), "e": np.array([3, -1], INT64S), "a": np.array([2, 3], INT64S)}, {}, None),
    ("Selu", 1, X, {}, {}, 13, {}, {"alpha": 1.6732, "gamma": 1.0507}, None),
    ("Clip", 1, X, {}, {"min": -0.5, "max": 0.25, "consumed_inputs": [0]}, 13,
     {"low": np.array(-0.5, np.float32), "high": np.array(0.25, np.float32)}, {}, None),
    ("LpPool", 1, IMAGE, {}, {"p": 3.0, "kernel_shape": [2, 2]}, 18, {}, {"p": 3, "kernel_shape": [2, 2]}, None),
    ("GlobalLpPool", 1, IMAGE, {}, {"p": 3.0}, 13, {}, {"p": 3}, None),
    ("BatchNormalization", 1, X, STATISTICS, {"consumed_inputs": [0, 0, 0, 1, 1], "is_test": 1}, 13, STATISTICS, {}, None),
    ("InstanceNormalization", 1, X, {"s": noise(3), "b": noise(3, seed=1)}, {"consumed_inputs": [0]}, 13,
     {"s": noise(3), "b": noise(3, seed=1)}, {}, None),
    ("Gemm", 1, {"x": noise(2, 3)}, {"b": noise(3, 4), "c": noise(4)}, {"broadcast": 1, "alpha": 0.5, "beta": 2.0}, 13,
     {"b": noise(3, 4), "c": noise(4)}, {"alpha": 0.5, "beta": 2.0}, None),
    ("LSTM", 1, SEQUENCE, {"w": noise(1, 16, 3, seed=1), "r": noise(1, 16, 4, seed=2)}, {"hidden_size": 4, "output_sequence": 1}, 14,
     {"w": noise(1, 16, 3, seed=1), "r": noise(1, 16, 4, seed=2)}, {"hidden_size": 4}, None),
    ("GRU", 3, SEQUENCE, GATES, {"hidden_size": 4, "output_sequence": 1}, 14, GATES, {"hidden_size": 4}, None),
    ("Add", 1, X, {"b": noise(4, 5, seed=1)}, {"broadcast": 1}, 13, {"b": noise(4, 5, seed=1)}, {}, None),
    ("Sub", 3, X, {"b": noise(3, 4, seed=1)}, {"broadcast": 1, "axis": 1}, 13, {"b": noise(3, 4, 1, seed=1)}, {}, None),
    ("Pow", 1, {"x": np.abs(noise(2, 3))}, {"b": noise(3, seed=1)}, {"broadcast": 1}, 13, {"b": noise(3, seed=1)}, {}, None),
    ("Greater", 1, X, {"b": noise(3, seed=1)}, {"broadcast": 1, "axis": 1}, 13, {"b": noise(3, 1, 1, seed=1)}, {}, BOOLS),
    ("And", 1, FLAGS, {"b": noise(4, seed=1) > 0}, {"broadcast": 1}, 13, {"b": noise(4, seed=1) > 0}, {}, BOOLS),
    ("PRelu", 1, X, {"b": noise(3, seed=1)}, {"consumed_inputs": [0, 0]}, 13, {"b": noise(3, 1, 1, seed=1)}, {}, None),
    ("Max", 1, X, {"b": noise(2, 3, 4, 5, seed=1)}, {"consumed_inputs": [0, 0]}, 13, {"b": noise(2, 3, 4, 5, seed=1)}, {}, None),
    ("Relu", 1, X, {}, {"consumed_inputs": [0]}, 13, {}, {}, None),
    ("ArgMax", 1, X, {}, {"axis": 1}, 13, {}, {"axis": 1}, (TensorProto.INT64, None)),
    ("ReduceSum", 1, X, {}, {"axes": [1, 3]}, 13, {"a": np.array([1, 3], INT64S)}, {}, None),
    ("AveragePool", 1, IMAGE, {}, {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, 13, {},
     {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}, None),
    ("DepthToSpace", 1, {"x": noise(1, 8, 2, 3)}, {}, {"blocksize": 2}, 13, {}, {"blocksize": 2}, None),
    ("Hardmax", 1, {"x": noise(3, 7)}, {}, {}, 13, {}, {"axis": 1}, None),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form[0]}_{form[1]}")
def test_the_first_forms_compute_what_those_of_today_do(form: Any) -> None:
    operator, old_set, feeds, constants, attributes, new_set, new_constants, new_attributes, output = form
    old = one(operator, feeds, old_set, constants, output_type=output, **attributes)
    new = one(operator, feeds, new_set, new_constants, output_type=output, **new_attributes)
    session = onnxruntime.InferenceSession(new.SerializeToString(), providers=["CPUExecutionProvider"])
    expected = session.run(None, feeds)[0]
    result = mace.load(old.SerializeToString())(feeds)["y"]
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-5)
