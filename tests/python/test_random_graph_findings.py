"""What the random graphs of tests/onnx/operator_graphs.py have found, each case reduced."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import mace


def load(nodes, inputs, constants, opset: int = 21) -> mace.Model:
    """`inputs`: name -> (element type, dims)."""
    infos = [helper.make_tensor_value_info(name, dtype, dims) for name, (dtype, dims) in inputs.items()]
    made = {name for node in nodes for name in node.output}
    read = {name for node in nodes for name in node.input}
    outputs = [helper.make_empty_tensor_value_info(name) for name in sorted(made - read)]
    initializers = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "reduced", infos, outputs, initializers)
    return mace.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]).SerializeToString())


@pytest.mark.parametrize("is_computed", [False, True])
def test_several_scales_along_an_axis_of_open_size(is_computed: bool) -> None:
    scale, zero_point = np.array([0.1, 0.25, 0.5], np.float32), np.array([10, 128, 3], np.uint8)
    nodes = [
        helper.make_node("Abs" if is_computed else "Identity", ["x"], ["y"]),
        helper.make_node("QuantizeLinear", ["y", "scale", "zero_point"], ["q"], axis=1),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero_point"], ["r"], axis=1),
    ]
    model = load(nodes, {"x": (TensorProto.FLOAT, ["n", "c", 4])}, {"scale": scale, "zero_point": zero_point})
    rng = np.random.default_rng(0)
    for n in (1, 3):
        x = rng.uniform(0, 9, (n, 3, 4)).astype(np.float32)
        by_channel = [a.astype(np.float32).reshape(1, 3, 1) for a in (scale, zero_point)]
        stored = np.clip(np.rint(x / by_channel[0]) + by_channel[1], 0, 255)
        np.testing.assert_allclose(model({"x": x})["r"], (stored - by_channel[1]) * by_channel[0], rtol=1e-6)
    with pytest.raises(mace.InvalidArgumentError):
        model({"x": np.zeros((1, 5, 4), np.float32)})


def test_stored_values_with_several_scales_along_an_axis_of_open_size() -> None:
    scale = np.array([0.5, 2], np.float32)
    nodes = [helper.make_node("DequantizeLinear", ["q", "scale"], ["r"], axis=-1)]
    model = load(nodes, {"q": (TensorProto.INT8, ["n", "c"])}, {"scale": scale})
    q = np.array([[-3, 7], [100, -128], [0, 1]], np.int8)
    assert np.array_equal(model({"q": q})["r"], q.astype(np.float32) * scale)
