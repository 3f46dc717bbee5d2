"""ONNX operators whose operands have no rank at import: each comes through a Squeeze without axes, behind open dimensions, or
is an input of the graph without a shape. The results are onnxruntime's."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnxruntime
import pytest
from networks import random
from onnx import ModelProto, TensorProto, helper, numpy_helper

import mace

OPSET = 21


@dataclass
class Fixed:
    """An operand that is an initialiser."""

    array: np.ndarray


@dataclass
class Case:
    op: str
    inputs: list  # arrays (each through a Squeeze), Fixed or None (absent)
    attributes: dict = field(default_factory=dict)
    outputs: int = 1
    opset: int = OPSET
    domain: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.op}{'_' if self.label else ''}{self.label}{'' if self.opset == OPSET else f'_{self.opset}'}"


def ints(*numbers: int) -> np.ndarray:
    return np.array(numbers, np.int64)


def uint8(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)


X2, X3, X4, X5 = random(1, 4, 6), random(1, 3, 4, 6), random(1, 2, 4, 6, 8), random(1, 2, 3, 4, 6, 8)
CHANNELS = np.abs(random(2, 4)) + 0.5
SCALES = np.abs(random(3, 4)) * 0.05 + 0.01
ZEROS = uint8(4, 4)
HALF, ZERO = np.float32(0.05), np.uint8(120)
S, Z = Fixed(HALF), Fixed(ZERO)
BOTH = {"hidden_size": 4, "direction": "bidirectional"}
MS = "com.microsoft"

CASES = [
    # Of one rank.
    Case("Gemm", [X2, random(2, 6, 5), random(3, 5)]),
    Case("Gemm", [X2, Fixed(random(2, 5, 6)), Fixed(random(3, 5))], {"transB": 1}, label="weights"),
    Case("LSTM", [random(1, 5, 2, 3), random(2, 2, 16, 3), random(3, 2, 16, 4)], BOTH, 3),
    Case("LSTM", [random(1, 5, 2, 3), Fixed(random(2, 1, 16, 3)), Fixed(random(3, 1, 16, 4))], {"hidden_size": 4}, 3, label="weights"),
    Case("GRU", [random(1, 5, 2, 3), random(2, 2, 12, 3), random(3, 2, 12, 4), random(4, 2, 24)], BOTH, 2),
    Case("RNN", [random(1, 5, 2, 3), random(2, 2, 4, 3), random(3, 2, 4, 4)], BOTH, 2),
    Case("DepthToSpace", [X4], {"blocksize": 2}),
    Case("SpaceToDepth", [X4], {"blocksize": 2}),
    Case("LRN", [X4], {"size": 3}),
    Case("MaxRoiPool", [X4, np.array([[0, 0, 0, 4, 5], [1, 1, 1, 6, 5]], np.float32)], {"pooled_shape": [2, 2]}),
    Case("RoiAlign", [X4, np.array([[0, 0, 4, 5], [1, 1, 6, 5]], np.float32), ints(0, 1)], {"output_height": 2, "output_width": 2}),
    Case("MaxUnpool", [random(1, 2, 3, 2, 3), np.arange(36, dtype=np.int64).reshape(2, 3, 2, 3) * 4],
         {"kernel_shape": [2, 2], "strides": [2, 2]}),
    Case("GridSample", [X4, random(2, 2, 3, 5, 2)]),
    Case("AffineGrid", [random(1, 2, 2, 3), ints(2, 3, 4, 5)]),
    Case("Col2Im", [random(1, 2, 12, 12), ints(5, 5), ints(2, 3)]),
    Case("DeformConv", [X4, random(2, 3, 4, 2, 2), random(3, 2, 8, 5, 7)], opset=19),
    Case("Conv", [X4, random(2, 3, 4, 3, 3), random(3, 3)]),
    Case("Conv", [X4, random(2, 3, 4, 3, 3)], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, label="kernel"),
    Case("Conv", [X4, Fixed(random(2, 3, 4, 3, 3))], label="weights"),
    Case("ConvTranspose", [X4, random(2, 4, 3, 3, 3)], {"kernel_shape": [3, 3], "strides": [2, 2]}, label="kernel"),
    Case("ConvTranspose", [X4, Fixed(random(2, 4, 3, 3, 3))], label="weights"),
    Case("MaxPool", [X4], {"kernel_shape": [3, 3]}),
    Case("AveragePool", [X4], {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]}),
    Case("LpPool", [X4], {"kernel_shape": [2, 2]}),
    Case("NonMaxSuppression", [
        np.abs(random(1, 2, 7, 4)), np.abs(random(2, 2, 3, 7)), Fixed(ints(3)), Fixed(np.float32([0.5])), Fixed(np.float32([0.2]))]),
    Case("STFT", [random(1, 2, 32), Fixed(np.int64(4)), Fixed(np.abs(random(2, 8))), Fixed(np.int64(8))]),
    Case("HannWindow", [np.int64(8)]),
    Case("MelWeightMatrix", [np.int64(8), np.int64(16), np.int64(8000), np.float32(10), np.float32(3000)]),
    Case("Range", [np.int64(2), np.int64(9), np.int64(3)]),
    Case("OneHot", [ints(1, 0, 2), np.int64(4), np.float32([2, 5])]),
    Case("Det", [random(1, 3, 4, 4)]),
    Case("Attention", [random(1, 2, 3, 8), random(2, 2, 4, 8), random(3, 2, 4, 8)],
         {"q_num_heads": 2, "kv_num_heads": 2}, opset=23, label="merged"),
    Case("Attention", [random(1, 2, 3, 4, 8), random(2, 2, 3, 5, 8), random(3, 2, 3, 5, 8)], opset=23),
    Case("RotaryEmbedding", [random(1, 2, 3, 4, 8), random(2, 2, 4, 4), random(3, 2, 4, 4)], opset=23),
    Case("RotaryEmbedding", [random(1, 2, 4, 24), random(2, 2, 4, 4), random(3, 2, 4, 4)], {"num_heads": 3}, opset=23, label="merged"),
    # Along axes.
    *(Case(op, [X4], opset=opset) for op in ("Softmax", "LogSoftmax", "Hardmax") for opset in (OPSET, 12)),
    *(Case(op, [X4], {"axis": -2}, opset=opset, label="axis") for op in ("Softmax", "LogSoftmax", "Hardmax") for opset in (OPSET, 12)),
    Case("LayerNormalization", [X4, random(2, 8), random(3, 8)], outputs=3),
    Case("LayerNormalization", [X4, random(2, 6, 8)], {"axis": -2}, label="axis"),
    Case("LayerNormalization", [X4, Fixed(random(2, 4, 6, 8))], {"axis": 1}, label="counted"),
    Case("RMSNormalization", [X4, random(2, 8)], opset=23),
    Case("SimplifiedLayerNormalization", [X4, Fixed(random(2, 8))], {"axis": -1, "epsilon": 1e-5}),
    Case("SkipLayerNormalization", [X3, X3, Fixed(random(2, 6))], domain=MS),
    Case("BatchNormalization", [X4, CHANNELS, random(3, 4), random(4, 4), CHANNELS]),
    Case("BatchNormalization", [X2.T, CHANNELS, random(3, 4), random(4, 4), CHANNELS], label="matrix"),
    Case("InstanceNormalization", [X4, CHANNELS, random(3, 4)]),
    Case("InstanceNormalization", [X3, CHANNELS, random(3, 4)], label="line"),
    Case("GroupNormalization", [X4, CHANNELS, random(3, 4)], {"num_groups": 2}),
    Case("GroupNormalization", [X4, CHANNELS[:2], random(3, 2)], {"num_groups": 2}, opset=18),
    Case("MeanVarianceNormalization", [X4]),
    Case("MeanVarianceNormalization", [X4], {"axes": [-1, -2]}, label="axes"),
    Case("LpNormalization", [X4]),
    Case("TopK", [X4, Fixed(ints(3))], outputs=2),
    Case("ArgMax", [X4], {"axis": -2}),
    Case("CumSum", [X4, np.int64(-2)]),
    Case("ReduceMean", [X4, ints(-1, 1)]),
    Case("ReduceSum", [X4, Fixed(ints(-1, 1))], {"keepdims": 0}),
    Case("Concat", [X4, X4], {"axis": -2}),
    Case("Split", [X4], {"axis": -2}, 2, 17),
    Case("Split", [X4, ints(2, 4)], {"axis": -2}, 2, label="sizes"),
    Case("Slice", [X4, ints(1, 0), ints(-1, 3), ints(-2, 1)]),
    Case("Gather", [X4, ints(2, 0)], {"axis": -2}),
    Case("GatherElements", [X2, np.array([[2, 0], [1, 3], [0, 0], [1, 1]])], {"axis": -1}),
    Case("GatherND", [X3, np.array([[2, 0], [1, 3]])]),
    Case("ScatterElements", [X2, np.array([[2, 0], [1, 3], [4, 3], [1, 2]]), random(2, 4, 2)], {"axis": -1}),
    Case("ScatterND", [X3, np.array([[2, 0], [1, 3]]), random(2, 2, 6)]),
    Case("Compress", [X3, np.array([True, False, True])], {"axis": -2}),
    Case("NonZero", [np.round(X3)]),
    Case("Unique", [np.round(X3)], {"axis": -1}, 4),
    Case("Transpose", [X4]),
    Case("Transpose", [X4], {"perm": [1, 3, 0, 2]}, label="perm"),
    Case("Flatten", [X4], {"axis": -2}),
    Case("Reshape", [X4, ints(0, -1)]),
    Case("Unsqueeze", [X4, Fixed(ints(-2, 1))]),
    Case("Squeeze", [X4]),
    Case("Expand", [X3, ints(2, 3, 4, 6)]),
    Case("Tile", [X3, ints(2, 3, 2)]),
    Case("Pad", [X3, Fixed(ints(1, 0, 1, 1, 0, 2))]),
    Case("Pad", [X3, Fixed(ints(1, 2)), None, Fixed(ints(-2))], label="axes"),
    Case("Trilu", [X3, np.int64(1)]),
    Case("EyeLike", [X2]),
    Case("ReverseSequence", [X3, ints(2, 1, 3, 2)]),
    Case("CenterCropPad", [X3, ints(5, 2, 6)]),
    Case("CenterCropPad", [X3, ints(5, 2)], {"axes": [-1, -2]}, label="axes"),
    Case("Resize", [X4, None, Fixed(np.float32([1, 1, 2, 2]))], {"mode": "linear"}),
    Case("Resize", [X4, None, None, Fixed(ints(2, 4, 9, 5))], label="sizes"),
    Case("Resize", [X4, None, None, Fixed(ints(9, 5))], {"axes": [-2, -1]}, label="axes"),
    Case("Upsample", [X4, Fixed(np.float32([1, 1, 2, 2]))], opset=9),
    Case("GlobalAveragePool", [X4]),
    Case("GlobalMaxPool", [X5]),
    Case("GlobalLpPool", [X3]),
    Case("GlobalLpPool", [X3], {"p": 3}, label="cubes"),
    Case("MatMul", [X3, random(2, 6, 5)]),
    Case("MatMul", [X3, Fixed(random(2, 6, 5))], label="weights"),
    Case("Einsum", [X3, random(2, 3, 6, 5)], {"equation": "bij,bjk->bik"}),
    Case("Attention", [random(1, 2, 3, 4, 8), random(2, 2, 3, 5, 8), random(3, 2, 3, 5, 8), random(4, 4, 5)], opset=23, label="mask"),
    Case("RotaryEmbedding", [random(1, 2, 3, 4, 8), random(2, 9, 4), random(3, 9, 4), np.array([[2, 5, 1, 8], [0, 3, 4, 7]])],
         opset=23, label="places"),
    Case("EmbedLayerNormalization",
         [np.int32([[2, 0, 1], [1, 3, 3]]), None, Fixed(random(1, 4, 6)), Fixed(random(2, 3, 6)), None, Fixed(random(3, 6)),
          Fixed(random(4, 6))], domain=MS, outputs=2),
    Case("Pad", [X3, Fixed(ints(1, 0, 1, 1, 0, 2)), np.float32(3)], label="value"),
    Case("MatMulInteger", [uint8(1, 3, 4, 6), uint8(2, 6), ZERO, ZERO], label="vector"),
    Case("QuantizeLinear", [random(1, 4, 6), Fixed(SCALES), Fixed(ZEROS)], {"axis": 0}, label="several_front"),
    Case("QuantizeLinear", [X2[0], HALF, ZERO], label="line"),
    Case("LSTM",
         [random(1, 5, 2, 3), random(2, 2, 16, 3), random(3, 2, 16, 4), random(4, 2, 32), np.int32([5, 3]), random(5, 2, 2, 4),
          random(6, 2, 2, 4)], BOTH, 3, label="all"),
    Case("LayerNormalization", [X4, random(2, 4, 6, 8), random(3, 8)], {"axis": 1}, 3, label="counted_broadcast"),
    Case("BatchNormalization", [X5.transpose(0, 2, 1, 3, 4)[:, [0, 1, 2, 0]], CHANNELS, random(3, 4), random(4, 4), CHANNELS],
         label="volume"),
    Case("GridSample", [X5, random(2, 2, 3, 5, 2, 3)], label="volume"),
    Case("ConvTranspose", [X3, random(2, 4, 3, 3)], {"strides": [2]}, label="line"),
    Case("Einsum", [X3, random(2, 3, 6, 5)], {"equation": "...ij,...jk->...ik"}, label="ellipsis"),
    Case("PRelu", [X4, random(2, 6, 8)]),
    Case("Where", [X3 > 0, X3, np.float32(2)]),
    Case("Clip", [X3, np.float32(-0.5), np.float32(0.5)]),
    Case("Sum", [X3, X3, X2]),
    Case("Cast", [X3], {"to": TensorProto.INT32}),
    Case("Size", [X3]),
    Case("Shape", [X3], {"start": -2}),
    Case("NegativeLogLikelihoodLoss", [X2, ints(2, 0, 5, 1)]),
    Case("SoftmaxCrossEntropyLoss", [X3, np.array([[3, 0, 1, 2, 1, 0]] * 3)], outputs=2),
    # Quantization.
    Case("QuantizeLinear", [X3, HALF, ZERO]),
    Case("QuantizeLinear", [X3, S, Z], label="constant"),
    Case("QuantizeLinear", [X3, SCALES, ZEROS], label="several"),
    Case("QuantizeLinear", [X4, Fixed(SCALES), Fixed(ZEROS)], label="several_constant"),
    Case("QuantizeLinear", [X3, Fixed(SCALES), Fixed(ZEROS)], {"axis": -2}, label="several_from_the_end"),
    Case("DequantizeLinear", [uint8(1, 3, 4, 6), SCALES, ZEROS], label="several"),
    Case("DequantizeLinear", [uint8(1, 3, 4, 6), Fixed(SCALES), Fixed(ZEROS)], label="several_constant"),
    Case("DequantizeLinear", [uint8(1, 3, 4, 6), Fixed(SCALES), Fixed(ZEROS)], {"axis": -2}, label="several_from_the_end"),
    Case("DequantizeLinear", [uint8(1, 3, 4, 6), Fixed(random(2, 3, 2, 6))], {"block_size": 2}, label="blocks"),
    Case("DequantizeLinear", [uint8(1, 3, 4, 6), random(2, 3, 2, 6), uint8(3, 3, 2, 6)], {"block_size": 2}, label="blocks_computed"),
    Case("QuantizeLinear", [random(1, 3, 4, 6), np.abs(random(2, 3, 4, 2)) + 0.5, uint8(3, 3, 4, 2)], {"block_size": 3, "axis": -1},
         label="blocks_computed"),
    Case("DynamicQuantizeLinear", [X3], outputs=3),
    Case("MatMulInteger", [uint8(1, 3, 4, 6), uint8(2, 6, 5), ZERO]),
    Case("MatMulInteger", [uint8(1, 3, 4, 6), Fixed(uint8(2, 6, 5)), Z, Fixed(uint8(3, 5))], label="weights"),
    Case("ConvInteger", [uint8(1, 2, 3, 6, 6), uint8(2, 4, 3, 2, 2), ZERO]),
    Case("ConvInteger", [uint8(1, 2, 3, 6, 6), Fixed(uint8(2, 4, 3, 2, 2)), Z], label="weights"),
    Case("QLinearMatMul", [uint8(1, 3, 4, 6), HALF, ZERO, uint8(2, 6, 5), HALF, ZERO, HALF, ZERO]),
    Case("QLinearMatMul", [uint8(1, 3, 4, 6), S, Z, uint8(2, 6, 5), S, Z, S, Z], label="fixed"),
    Case("QLinearConv", [uint8(1, 2, 3, 6, 6), S, Z, Fixed(uint8(2, 4, 3, 2, 2)), Fixed(SCALES), Fixed(ZEROS * 0), S, Z]),
    Case("QLinearAdd", [uint8(1, 3, 4, 6), S, Z, uint8(2, 3, 4, 6), S, Z, S, Z], domain=MS),
    Case("QLinearConcat", [S, Z, uint8(1, 3, 4, 6), S, Z, uint8(2, 3, 4, 6), S, Z], {"axis": -1}, domain=MS),
    Case("QLinearGlobalAveragePool", [uint8(1, 2, 3, 6, 6), S, Z, S, Z], domain=MS),
    Case("QLinearSoftmax", [uint8(1, 3, 4, 6), S, Z, Fixed(np.float32(1 / 256)), Fixed(np.uint8(0))], {"axis": -1, "opset": 13}, domain=MS),
    Case("MultiHeadAttention", [random(1, 2, 3, 8), random(2, 2, 5, 8), random(3, 2, 5, 8)], {"num_heads": 2}, domain=MS),
    Case("GroupQueryAttention",
         [random(1, 2, 3, 32), random(2, 2, 3, 16), random(3, 2, 3, 16), None, None, Fixed(np.int32([2, 2])), Fixed(np.int32(3))],
         {"num_heads": 4, "kv_num_heads": 2}, 3, domain=MS),
    Case("RotaryEmbedding", [random(1, 2, 4, 24), np.array([[2, 5, 1, 8], [0, 3, 4, 7]]), random(2, 9, 4), random(3, 9, 4)],
         {"num_heads": 3}, domain=MS, label="microsoft"),
    Case("RotaryEmbedding", [random(1, 2, 3, 4, 8), np.array([[2, 5, 1, 8], [0, 3, 4, 7]]), random(2, 9, 4), random(3, 9, 4)],
         domain=MS, label="microsoft_heads"),
    Case("MultiHeadAttention",
         [random(1, 2, 3, 8), random(2, 2, 5, 8), random(3, 2, 5, 8), None, np.ones((2, 5), np.int32)],
         {"num_heads": 2}, domain=MS, label="mask"),
    Case("FusedMatMul", [X3, random(2, 3, 5, 6)], {"transB": 1}, domain=MS),
    Case("FusedMatMul", [X3, random(2, 3, 5, 6)], {"transBatchA": 1}, domain=MS, label="batch"),
    Case("BiasGelu", [X3, random(2, 6)], domain=MS),
]  # fmt: skip

# What is left: nothing but data tells the rank, and the nodes that stand for the operator differ with it.
REFUSED = {
    "Conv": "neither an operand nor an attribute tells the rank",
    "Einsum_ellipsis": "an ellipsis for an operand whose rank is not known",
    "MultiHeadAttention_mask": "the mask whose rank is not known",
    "RotaryEmbedding_microsoft_heads": "the input whose rank is not known",
    "FusedMatMul_batch": "transBatchA of an operand whose rank is not known",
}


def graph_of(case: Case, squeezed: bool = True) -> tuple[ModelProto, dict[str, np.ndarray]]:
    nodes, inputs, feeds, constants, names = [], [], {}, [], []
    for i, operand in enumerate(case.inputs):
        if operand is None:
            names.append("")
            continue
        names.append(f"i{i}")
        if isinstance(operand, Fixed):
            constants.append(numpy_helper.from_array(np.array(operand.array), f"i{i}"))
            continue
        array = np.asarray(operand)
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        if not squeezed:
            inputs.append(helper.make_tensor_value_info(f"i{i}", kind, None))
            feeds[f"i{i}"] = array
            continue
        array = array[None]
        inputs.append(helper.make_tensor_value_info(f"x{i}", kind, [f"d{i}_{k}" for k in range(array.ndim)]))
        nodes.append(helper.make_node("Squeeze", [f"x{i}"], [f"i{i}"]))
        feeds[f"x{i}"] = array
    outputs = [f"y{i}" for i in range(case.outputs)]
    nodes.append(helper.make_node(case.op, names, outputs, "tested", domain=case.domain, **case.attributes))
    infos = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph(nodes, "open", inputs, infos, constants)
    opsets = [helper.make_opsetid("", case.opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10), feeds


@pytest.mark.parametrize("squeezed", [True, False], ids=["squeezed", "undeclared"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_an_operator_behind_open_ranks(case: Case, squeezed: bool) -> None:
    proto, feeds = graph_of(case, squeezed)
    if case.name in REFUSED:
        with pytest.raises(mace.MaceError, match=REFUSED[case.name]):
            mace.load(proto.SerializeToString())
        return
    results = list(mace.load(proto.SerializeToString())(feeds).values())
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    for result, expected in zip(results, session.run(None, feeds), strict=True):
        assert result.shape == expected.shape
        assert result.dtype == expected.dtype
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-5)


def test_data_of_another_rank_are_an_error() -> None:
    proto, feeds = graph_of(Case("Gemm", [random(1, 2, 3, 4), random(2, 4, 5)]))
    with pytest.raises(mace.InvalidArgumentError, match=r"node 'tested' .*another number of elements"):
        mace.load(proto.SerializeToString())(feeds)


@pytest.mark.parametrize("dims", [(3, 4), (3, 4, 5), (3, 4, 5, 2)])
def test_broadcasting_as_before_operator_set_7(dims: tuple[int, ...]) -> None:
    x, slope = random(1, *dims), random(2, 4)
    wanted = {
        "Sub": x - slope.reshape(4, *(1 for _ in dims[2:])),
        "PRelu": np.where(x < 0, x * slope.reshape(4, *(1 for _ in dims[2:])), x),
    }
    for op, expected in wanted.items():
        attributes = {"axis": 1, "broadcast": 1} if op == "Sub" else {}
        proto, feeds = graph_of(Case(op, [x, Fixed(slope)], attributes, opset=6))
        proto.graph.node[0].attribute.append(helper.make_attribute("axes", [0]))
        np.testing.assert_allclose(mace.load(proto.SerializeToString())(feeds)["y0"], expected, rtol=1e-6)


def test_names_are_unique() -> None:
    names = [case.name for case in CASES]
    assert sorted(set(names)) == sorted(names)
