#!/usr/bin/env python3
"""Writes small ONNX models with seeded weights, a few KB each: seeds for mutation and fuzzing, inputs for quick tests.

  python make_small_models.py --out DIR

Needs onnx and numpy. Every model is checked by onnx.checker; the same call writes the same bytes.
"""

import argparse
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


class Builder:
    """An ONNX graph under construction; node outputs are named after their operators."""

    def __init__(self, name):
        self.name = name
        self.random = np.random.default_rng(sum(name.encode()))
        self.nodes, self.constants, self.inputs, self.outputs = [], [], [], []

    def input(self, name, shape, dtype=TensorProto.FLOAT):
        self.inputs.append(helper.make_tensor_value_info(name, dtype, shape))
        return name

    def output(self, name, shape, dtype=TensorProto.FLOAT):
        self.outputs.append(helper.make_tensor_value_info(name, dtype, shape))

    def constant(self, array):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def weights(self, *shape):
        fan_in = int(np.prod(shape[1:])) or 1
        return self.constant((self.random.standard_normal(shape) / np.sqrt(fan_in)).astype(np.float32))

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def node(self, op, inputs, outputs=1, **attributes):
        """Appends a node and returns the name of its output (a list of names where there are several)."""
        names = [f"{op.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=f"{op}_{len(self.nodes)}", **attributes))
        return names[0] if outputs == 1 else names

    def named(self, value, name):
        """Gives a value another name."""
        for node in self.nodes:
            node.input[:] = [name if x == value else x for x in node.input]
            node.output[:] = [name if x == value else x for x in node.output]

    def quantization(self, scale, zero_point, dtype=np.uint8):
        """Names of the scale and the zero point, for DequantizeLinear and QuantizeLinear."""
        return [self.constant(np.array(scale, np.float32)), self.constant(np.array(zero_point, dtype))]

    def requantized(self, x, scale, zero_point):
        p = self.quantization(scale, zero_point)
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, *p]), *p])

    def quantized_weights(self, scales, *shape):
        """int8, a scale for each output channel."""
        stored = self.constant(self.random.integers(-127, 128, shape).astype(np.int8))
        return self.node("DequantizeLinear", [stored, *self.quantization(scales, [0] * len(scales), np.int8)], axis=0)

    def model(self):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        helper.set_model_props(model, {"network": self.name, "labels": "first\nsecond"})  # the .mace file has metadata, too
        onnx.checker.check_model(model, full_check=True)
        return model


def conv_net():
    b = Builder("conv_net")
    x = b.input("image", ["batch", 3, 12, 12])
    x = b.node("Conv", [x, b.weights(8, 3, 3, 3), b.weights(8)], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    scale = [b.constant(np.abs(b.random.standard_normal(8)).astype(np.float32) + 0.5) for _ in range(4)]
    x = b.node("BatchNormalization", [x, *scale])
    x = b.node("Relu", [x])
    shortcut = x
    x = b.node("Conv", [x, b.weights(8, 1, 3, 3)], kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=8)
    x = b.node("Clip", [x, b.constant(np.float32(0)), b.constant(np.float32(6))])
    x = b.node("Conv", [x, b.weights(8, 8, 1, 1), b.weights(8)], kernel_shape=[1, 1])
    x = b.node("Add", [x, shortcut])
    x = b.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = b.node("GlobalAveragePool", [x])
    x = b.node("Flatten", [x])
    x = b.node("Gemm", [x, b.weights(5, 8), b.weights(5)], transB=1)
    b.output(b.node("Softmax", [x], axis=-1), ["batch", 5])
    return b.model()


def mlp():
    b = Builder("mlp")
    x = b.input("features", ["n", 10])
    x = b.node("MatMul", [x, b.weights(10, 16)])
    x = b.node("Add", [x, b.weights(16)])
    x = b.node("Tanh", [x])
    left, right = b.node("Split", [x, b.ints(6, 10)], outputs=2, axis=1)
    x = b.node("Concat", [right, b.node("Sigmoid", [left])], axis=1)
    x = b.node("LeakyRelu", [b.node("MatMul", [x, b.weights(16, 4)])], alpha=0.1)
    b.output(x, ["n", 4])
    return b.model()


def gru():
    b = Builder("gru")
    x = b.input("frames", ["time", 1, 6])
    h = b.input("h0", [1, 1, 8])
    y, last = b.node(
        "GRU", [x, b.weights(1, 24, 6), b.weights(1, 24, 8), b.weights(1, 48), "", h], outputs=2, hidden_size=8, linear_before_reset=1
    )
    y = b.node("Squeeze", [y, b.ints(1)])
    b.output(b.node("MatMul", [y, b.weights(8, 3)]), ["time", 1, 3])
    b.output(last, [1, 1, 8])
    return b.model()


def transformer():
    b = Builder("transformer")
    width, heads = 8, 2
    ids = b.input("ids", ["batch", "length"], TensorProto.INT64)
    x = b.node("Gather", [b.weights(20, width), ids], axis=0)
    shape = b.ints(0, 0, heads, width // heads)

    def split(perm):
        y = b.node("Reshape", [b.node("MatMul", [x, b.weights(width, width)]), shape])
        return b.node("Transpose", [y], perm=perm)

    scores = b.node("MatMul", [split([0, 2, 1, 3]), split([0, 2, 3, 1])])
    scores = b.node("Softmax", [b.node("Div", [scores, b.constant(np.float32(2.0))])], axis=-1)
    y = b.node("Transpose", [b.node("MatMul", [scores, split([0, 2, 1, 3])])], perm=[0, 2, 1, 3])
    x = b.node("Add", [x, b.node("Reshape", [y, b.ints(0, 0, width)])])
    mean = b.node("ReduceMean", [x], axes=[-1], keepdims=1)
    centred = b.node("Sub", [x, mean])
    variance = b.node("ReduceMean", [b.node("Mul", [centred, centred])], axes=[-1], keepdims=1)
    x = b.node("Div", [centred, b.node("Sqrt", [b.node("Add", [variance, b.constant(np.float32(1e-5))])])])
    x = b.node("LayerNormalization", [x, b.weights(width), b.weights(width)], axis=-1)
    half = b.node("Mul", [x, b.constant(np.float32(0.5))])
    erf = b.node("Erf", [b.node("Mul", [x, b.constant(np.float32(0.70710678))])])
    b.output(b.node("Mul", [half, b.node("Add", [erf, b.constant(np.float32(1.0))])]), ["batch", "length", width])
    return b.model()


def qdq():
    b = Builder("qdq")
    x = b.requantized(b.input("image", [1, 3, 8, 8]), 0.02, 128)
    scales = [0.01, 0.02, 0.005, 0.03]
    weights = b.quantized_weights(scales, 4, 3, 3, 3)
    bias = b.constant(b.random.integers(-500, 500, 4).astype(np.int32))
    bias_scales = b.quantization([s * 0.02 for s in scales], [0] * 4, np.int32)
    bias = b.node("DequantizeLinear", [bias, *bias_scales], axis=0)
    x = b.node("Conv", [x, weights, bias], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2])
    x = b.requantized(b.node("Relu", [x]), 0.05, 0)
    x = b.requantized(b.node("GlobalAveragePool", [x]), 0.05, 0)
    x = b.node("Reshape", [x, b.ints(1, 4)])
    b.output(x, [1, 4])
    return b.model()


def gates():
    """Quantized: Winograd's form, functions of a byte, parts of a Split, a depthwise 5x5, floats behind a table."""
    b = Builder("gates")
    x = b.requantized(b.input("image", [1, 16, 16, 16]), 0.02, 128)
    x = b.requantized(b.node("Conv", [x, b.quantized_weights([0.004] * 16, 16, 16, 3, 3)], pads=[1, 1, 1, 1]), 0.03, 120)
    left, right = b.node("Split", [x], outputs=2, axis=1)
    left = b.requantized(left, 0.03, 120)
    gate = b.requantized(b.node("Sigmoid", [left]), 1 / 256, 0)
    left = b.requantized(b.node("Mul", [left, gate]), 0.025, 20)
    right = b.requantized(right, 0.03, 120)
    weights = b.quantized_weights([0.01] * 8, 8, 1, 5, 5)
    right = b.requantized(b.node("Conv", [right, weights], group=8, pads=[2, 2, 2, 2]), 0.05, 128)
    x = b.requantized(b.node("Add", [left, right]), 0.06, 130)
    x = b.requantized(b.node("Tanh", [x]), 1 / 128, 128)
    x = b.node("Mul", [b.node("Relu", [x]), b.weights(1, 8, 1, 1)])
    b.output(x, [1, 8, 16, 16])
    return b.model()


def movement():
    b = Builder("movement")
    x = b.input("x", [1, 4, 6, 6])
    x = b.node("Pad", [x, b.ints(0, 0, 1, 1, 0, 0, 1, 0)])
    x = b.node("Slice", [x, b.ints(0, 1), b.ints(100, 7), b.ints(2, 3), b.ints(2, 1)])
    x = b.node(
        "Resize", [x, "", b.constant(np.array([1, 1, 2, 2], np.float32))], mode="linear", coordinate_transformation_mode="half_pixel"
    )
    x = b.node("ConvTranspose", [x, b.weights(4, 2, 2, 2)], kernel_shape=[2, 2], strides=[2, 2])
    size = b.node("Slice", [b.node("Shape", [x]), b.ints(0), b.ints(2), b.ints(0)])
    x = b.node("Reshape", [x, b.node("Concat", [size, b.ints(-1)], axis=0)])
    x = b.node("Unsqueeze", [b.node("ReduceMean", [x], axes=[1], keepdims=0), b.ints(1)])
    positive = b.node("Greater", [x, b.constant(np.float32(0))])
    x = b.node("Where", [positive, x, b.node("Exp", [x])])
    b.output(x, [1, 1, 16 * 24])
    return b.model()


def control():
    """A Loop with an If in its body, a Scan and calls of a function with an attribute."""
    b = Builder("control")
    x = b.input("x", ["n", 4])

    def subgraph(name, nodes, inputs, outputs):
        shapes = {TensorProto.INT64: [], TensorProto.BOOL: []}
        infos = [[helper.make_tensor_value_info(each, kind, shapes.get(kind)) for each, kind in edges] for edges in (inputs, outputs)]
        return helper.make_graph(nodes, name, *infos)

    floats, bools, ints = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
    weights = b.weights(4, 4)
    then_branch = subgraph("then", [helper.make_node("MatMul", ["a", weights], ["t"])], [], [("t", floats)])
    else_branch = subgraph("else", [helper.make_node("Sub", ["a", x], ["e"])], [], [("e", floats)])
    nodes = [
        helper.make_node("ReduceSum", ["a"], ["sum"], keepdims=0),
        helper.make_node("Less", ["sum", b.constant(np.float32(1))], ["small"]),
        helper.make_node("If", ["small"], ["b"], then_branch=then_branch, else_branch=else_branch),
        helper.make_node("Scale", ["b"], ["next"], domain="own", factor=0.9),
        helper.make_node("Identity", ["more"], ["more_out"]),
    ]
    edges = [("i", ints), ("more", bools), ("a", floats)], [("more_out", bools), ("next", floats), ("sum", floats)]
    last, sums = b.node("Loop", [b.ints(5), "", x], outputs=2, body=subgraph("body", nodes, *edges))
    step = subgraph("step", [helper.make_node("Add", ["state", "row"], ["out"])], [("state", floats), ("row", floats)], [("out", floats)])
    for info in (*step.input, *step.output):  # onnxruntime wants to know
        info.type.tensor_type.shape.dim.add(dim_value=4)
    total = b.node("Scan", [b.constant(np.zeros(4, np.float32)), last], body=step, num_scan_inputs=1)
    b.nodes.append(helper.make_node("Scale", [total], ["scaled"], domain="own", name="scale_total"))
    b.output("scaled", [4])
    b.output(sums, [5])
    scale = [helper.make_node("Constant", [], ["factor"], name="factor"), helper.make_node("Mul", ["value", "factor"], ["result"])]
    scale[0].attribute.add(name="value_float", ref_attr_name="factor", type=onnx.AttributeProto.FLOAT)
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("own", 1)]
    function = helper.make_function(
        "own", "Scale", ["value"], ["result"], scale, opsets[:1], attribute_protos=[helper.make_attribute("factor", 2.0)]
    )
    graph = helper.make_graph(b.nodes, b.name, b.inputs, b.outputs, b.constants)
    model = helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model


MODELS = [conv_net, mlp, gru, transformer, qdq, gates, movement, control]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the .onnx files")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for make in MODELS:
        path = arguments.out / f"{make.__name__}.onnx"
        path.write_bytes(make().SerializeToString(deterministic=True))
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
