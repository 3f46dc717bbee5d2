"""mace.onnx_backend: ONNX's backend interface."""

from __future__ import annotations

import mace.onnx_backend as backend
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import mace


def model() -> onnx.ModelProto:
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, "n"]) for name in ("a", "b", "total")]
    node = helper.make_node("Add", ["a", "b"], ["total"])
    return helper.make_model(helper.make_graph([node], "sum", infos[:2], infos[2:]), opset_imports=[helper.make_opsetid("", 20)])


def test_prepare_and_run() -> None:
    rep = backend.prepare(model())
    for n in (1, 3):
        a = np.full((2, n), 1.5, np.float32)
        for inputs in ([a, 2 * a], (a, 2 * a), {"b": 2 * a, "a": a}):
            outputs = rep.run(inputs)
            assert np.array_equal(outputs[0], 3 * a)
            assert outputs["total"] is outputs.total is outputs[0]


def test_models_come_in_several_forms(tmp_path) -> None:
    path = tmp_path / "sum.onnx"
    onnx.save(model(), path)
    a = np.ones((2, 2), np.float32)
    for form in (model(), model().SerializeToString(), path, str(path)):
        assert np.array_equal(backend.run_model(form, [a, a])[0], a + a)


def test_run_node() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    node = helper.make_node("ReduceSum", ["x", "axes"], ["y"], keepdims=0)
    assert np.array_equal(backend.run_node(node, [x, np.array([1])])[0], x.sum(1))
    old = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=0, axes=[0])
    assert np.array_equal(backend.run_node(old, [x], opset_version=11)[0], x.sum(0))
    twice = helper.make_node("Mul", ["x", "x"], ["y"])
    assert np.array_equal(backend.run_node(twice, [x])[0], x * x)
    with pytest.raises(mace.InvalidArgumentError, match="expected 1 inputs, got 2"):
        backend.run_node(twice, [x, x])


def test_devices() -> None:
    assert backend.supports_device("CPU") and backend.supports_device("CPU:0")
    assert not backend.supports_device("CUDA")
    with pytest.raises(mace.InvalidArgumentError, match="'CUDA'"):
        backend.prepare(model(), "CUDA")


def test_is_compatible() -> None:
    assert backend.is_compatible(model())
    strange = model()
    strange.graph.node[0].op_type = "Unheard"
    assert not backend.is_compatible(strange)
