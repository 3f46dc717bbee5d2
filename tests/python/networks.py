"""Small seeded ONNX networks for the Python tests, built with onnx.helper."""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

OPSET = 17


def model(
    nodes: list, inputs: dict, outputs: list[str], constants: dict, opset: int = OPSET, output_type: int = TensorProto.FLOAT
) -> ModelProto:
    """inputs: name -> (dtype, shape); a shape entry may be a string. Outputs have an unknown shape."""
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)
            for name, (dtype, shape) in inputs.items()
        ],
        [helper.make_tensor_value_info(name, output_type, None) for name in outputs],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return proto


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).standard_normal(shape).astype(np.float32)


def convolution_network(dynamic: bool = True) -> ModelProto:
    """Conv, BatchNormalization, Relu, depthwise Conv, Clip, residual, MaxPool, GlobalAveragePool, Gemm, Softmax."""
    n, h, w = ("n", "h", "w") if dynamic else (1, 16, 20)
    constants = {
        "w0": random(1, 12, 3, 3, 3) * 0.3, "scale": random(2, 12), "bias": random(3, 12), "mean": random(4, 12) * 0.1,
        "var": np.abs(random(5, 12)) + 0.5, "w1": random(6, 12, 1, 3, 3) * 0.4, "b1": random(7, 12),
        "w2": random(8, 12, 12, 1, 1) * 0.3, "low": np.float32(0), "high": np.float32(6),
        "fc": random(9, 5, 12), "fc_b": random(10, 5),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w0"], ["c0"], name="stem", pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["c0", "scale", "bias", "mean", "var"], ["n0"], name="norm"),
        helper.make_node("Relu", ["n0"], ["r0"], name="relu"),
        helper.make_node("Conv", ["r0", "w1", "b1"], ["c1"], name="depthwise", pads=[1, 1, 1, 1], group=12),
        helper.make_node("Clip", ["c1", "low", "high"], ["r1"], name="clip"),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], name="point"),
        helper.make_node("Add", ["c2", "r0"], ["a"], name="residual"),
        helper.make_node("MaxPool", ["a"], ["p"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["p"], ["g"], name="average"),
        helper.make_node("Flatten", ["g"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "fc", "fc_b"], ["l"], name="classifier", transB=1),
        helper.make_node("Softmax", ["l"], ["prob"], name="softmax", axis=-1),
    ]
    return model(nodes, {"x": ("float32", [n, 3, h, w])}, ["prob"], constants)


def recurrent_network(frames: int | str = "t") -> ModelProto:
    """A GRU whose final state is an output and whose initial state is an input."""
    constants = {"W": random(1, 1, 24, 5) * 0.4, "R": random(2, 1, 24, 8) * 0.4, "B": random(3, 1, 48) * 0.4}
    nodes = [
        helper.make_node("GRU", ["x", "W", "R", "B", "", "h0"], ["y", "h"], name="gru", hidden_size=8, linear_before_reset=1),
        helper.make_node("Identity", ["h"], ["h1"], name="state"),
    ]
    return model(nodes, {"x": ("float32", [frames, 1, 5]), "h0": ("float32", [1, 1, 8])}, ["y", "h1"], constants)
