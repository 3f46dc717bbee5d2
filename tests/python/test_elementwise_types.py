"""Elementwise operators of ONNX with every element type, and quantization with scales that are computed at run time, against onnx's
reference evaluator."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from mace.element_types import numpy_dtype
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import mace

ml_dtypes = pytest.importorskip("ml_dtypes")

INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-5, "float64": 1e-12}
OPSET = 25


def build(nodes: list, feeds: dict[str, np.ndarray], opset: int = OPSET) -> onnx.ModelProto:
    """Dimensions are open; the type of y is left to the engine."""
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), [f"{name}{i}" for i in range(a.ndim)])
        for name, a in feeds.items()
    ]
    graph = helper.make_graph(nodes, "g", inputs, [onnx.ValueInfoProto(name="y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def run(proto: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    return mace.load(proto.SerializeToString())(feeds)["y"]


def reference(proto: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(ReferenceEvaluator(proto).run(None, feeds)[0])


def fix_sizes(proto: onnx.ModelProto, feeds: dict[str, np.ndarray]) -> None:
    """The inputs get the dimensions of these arrays."""
    for info, array in zip(proto.graph.input, feeds.values(), strict=True):
        for dim, size in zip(info.type.tensor_type.shape.dim, array.shape, strict=True):
            dim.dim_value = size


def judge(op: str, arrays: list[np.ndarray], tolerance: float, opset: int = OPSET, fixed: bool = False, **attributes: object) -> None:
    feeds = {f"x{i}": a for i, a in enumerate(arrays)}
    proto = build([helper.make_node(op, list(feeds), ["y"], **attributes)], feeds, opset)
    if fixed:
        fix_sizes(proto, feeds)
    want, got = reference(proto, feeds), run(proto, feeds)
    assert got.dtype == want.dtype and got.shape == want.shape
    if np.issubdtype(want.dtype, np.integer) or want.dtype == bool:
        np.testing.assert_array_equal(got, want)
    else:
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=tolerance, atol=tolerance)


def real_numbers(dtype: str, shape: tuple[int, ...], low: float = -3, high: float = 3, seed: int = 0) -> np.ndarray:
    return np.random.RandomState(seed).uniform(low, high, shape).astype(numpy_dtype(dtype))


UNARY = {
    "Abs": {}, "Neg": {}, "Ceil": {}, "Floor": {}, "Round": {}, "Sign": {}, "Exp": {}, "Erf": {}, "Sigmoid": {}, "Tanh": {}, "Relu": {},
    "LeakyRelu": {"alpha": 0.1}, "Elu": {"alpha": 2.0}, "Selu": {}, "Celu": {"alpha": 2.0}, "ThresholdedRelu": {"alpha": 0.5},
    "HardSigmoid": {}, "HardSwish": {}, "Swish": {"alpha": 1.5}, "Mish": {}, "Softplus": {}, "Softsign": {}, "Gelu": {},
    "Shrink": {"lambd": 1.5, "bias": 0.5}, "Sin": {}, "Cos": {}, "Tan": {}, "Atan": {}, "Sinh": {}, "Cosh": {}, "Asinh": {},
    "Reciprocal": {}, "IsNaN": {}, "IsInf": {},
}  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("op", UNARY)
def test_unary_floats(op: str, dtype: str) -> None:
    if dtype == "bfloat16" and op == "Shrink":
        pytest.skip("not a type of it in ONNX")
    # The evaluator's own Erf is good to nine digits, its HardSwish has 1/6 in float32, its Softsign no rank 0.
    tolerance = max(FLOATS[dtype] * (10 if op == "Tan" else 1), 1e-7 if op in ("Erf", "Gelu", "HardSwish") else 0)
    for shape in ((), (3, 5), (2, 0))[op == "Softsign" :]:
        judge(op, [real_numbers(dtype, shape)], tolerance, **UNARY[op])


@pytest.mark.parametrize("dtype", FLOATS)
def test_unary_floats_of_a_smaller_domain(dtype: str) -> None:
    domains = {"Sqrt": (0, 9), "Log": (0.1, 9), "Asin": (-0.9, 0.9), "Acos": (-0.9, 0.9), "Acosh": (1.1, 5), "Atanh": (-0.9, 0.9)}
    for op, (low, high) in domains.items():
        judge(op, [real_numbers(dtype, (7,), low, high)], FLOATS[dtype] * 2)


def test_what_is_no_number() -> None:
    x = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1], np.float32)
    for op in ("IsNaN", "IsInf", "Abs", "Neg", "Sign", "Floor", "Tanh", "Relu", "Exp"):
        judge(op, [x], 1e-6)
    for negative, positive in ((0, 1), (1, 0), (0, 0)):
        judge("IsInf", [x], 0, detect_negative=negative, detect_positive=positive)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_unary_integers(dtype: str) -> None:
    info = np.iinfo(dtype)
    x = np.array([info.min, info.max, 0, 1, 5, info.max - 1], dtype)
    for op in ("Abs", "Sign", "BitwiseNot"):
        judge(op, [x], 0)
    if dtype.startswith("i"):
        judge("Neg", [x], 0)
        judge("Relu", [x], 0)
    judge("Clip", [x, np.array(1, dtype), np.array(info.max - 1, dtype)], 0)
    judge("Clip", [x, np.array(1, dtype)], 0)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_binary_integers(dtype: str) -> None:
    info = np.iinfo(dtype)
    rng = np.random.RandomState(3)
    a = rng.randint(info.min, info.max, (4, 1, 6), dtype=dtype)
    b = rng.randint(info.min, info.max, (5, 6), dtype=dtype)
    a.flat[:2], b.flat[:2] = (info.min, info.max), (info.max, info.min)
    for op in ("Add", "Sub", "Mul", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Max", "Min", "Equal", "Less", "GreaterOrEqual"):
        judge(op, [a, b], 0)
    b[b == 0] = 3
    if info.min < 0:
        b[b == -1] = 2
    for op, attributes in (("Div", {}), ("Mod", {}), ("Mod", {"fmod": 1})):
        judge(op, [a, b], 0, **attributes)
    judge("Where", [a > 5, a, b], 0)
    if dtype in ("int32", "int64", "uint32", "uint64"):
        judge("PRelu", [a, np.full((6,), 3, dtype)], 0)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_shifts(dtype: str) -> None:
    a = np.array([1, 5, 100, 127, 0], dtype)
    for direction in ("LEFT", "RIGHT"):
        feeds = {"x0": a, "x1": np.array([0, 1, 3, 7, 6], dtype)}
        proto = build([helper.make_node("BitShift", list(feeds), ["y"], direction=direction)], feeds, 28)
        shifted = np.left_shift(*feeds.values()) if direction == "LEFT" else np.right_shift(*feeds.values())
        np.testing.assert_array_equal(run(proto, feeds), shifted)


@pytest.mark.parametrize("dtype", FLOATS)
def test_binary_floats(dtype: str) -> None:
    a, b = real_numbers(dtype, (2, 1, 3)), real_numbers(dtype, (4, 1), 0.5, 3, 1)
    for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal", "PRelu"):
        judge(op, [a, b] if op != "PRelu" else [a, b[:1]], FLOATS[dtype])
    judge("Pow", [b, a], FLOATS[dtype])
    judge("Mod", [a, b], FLOATS[dtype] * 10, fmod=1)
    c = real_numbers(dtype, (2, 4, 3), seed=2)
    for op in ("Sum", "Mean", "Max", "Min"):
        judge(op, [c, a, b, c], FLOATS[dtype])  # the evaluator adds into the first
        judge(op, [a], FLOATS[dtype])
    judge("Clip", [a, numpy_dtype(dtype).type(-1), numpy_dtype(dtype).type(0.5)], FLOATS[dtype])


def test_powers_of_mixed_types() -> None:
    base, exponent = np.array([1.5, 2, 3], np.float32), np.array([2, 3, 0], np.int64)
    judge("Pow", [base, exponent], 1e-5)
    judge("Pow", [np.array([2, 3, -4], np.int32), np.array([2.0, 3, 2], np.float32)], 0)
    judge("Pow", [base.astype(np.float16), exponent.astype(np.int32)], 2e-3)
    judge("Pow", [base.astype(np.float64), exponent.astype(np.uint8)], 1e-12)


@pytest.mark.parametrize("source", [*INTEGERS, *FLOATS, "bool", "int4", "uint4", "int2", "uint2"])
def test_casts(source: str) -> None:
    x = np.array([0, 1, 1, 0, 1], numpy_dtype(source))
    for target in (*INTEGERS, *FLOATS, "bool", "int4", "uint4", "int2", "uint2"):
        dtype = numpy_dtype(target)
        feeds = {"x": x, "like": np.zeros(0, dtype)}
        nodes = [helper.make_node("CastLike", ["x", "like"], ["y"])]
        got = run(build(nodes, feeds), feeds)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got.astype(np.float32), x.astype(np.float32), err_msg=target)


# --- Quantization -----------------------------------------------------------------------------------------------------------------------

STORED = ["int8", "uint8", "int16", "uint16", "int4", "uint4", "int2", "uint2"]


def limits(dtype: str) -> tuple[int, int]:
    info = ml_dtypes.iinfo(numpy_dtype(dtype))
    return int(info.min), int(info.max)


def layouts(dtype: str) -> list[tuple[np.ndarray, np.ndarray, dict]]:
    """Scales, zero points and attributes for x [3, 4, 6]: per tensor, per axis, in blocks."""
    rng = np.random.RandomState(5)
    low, high = limits(dtype)
    shapes = [((), {}), ((4,), {}), ((6,), {"axis": -1}), ((3, 2, 6), {"block_size": 2}), ((3, 4, 2), {"axis": 2, "block_size": 4})]
    return [
        (rng.uniform(0.05, 0.3, s).astype(np.float32), rng.randint(low, high + 1, s).astype(numpy_dtype(dtype)), attributes)
        for s, attributes in shapes
    ]


def feed_or_hold(op: str, x: np.ndarray, scale: np.ndarray, zero: np.ndarray, constant: bool, attributes: dict) -> tuple:
    feeds = {"x": x} if constant else {"x": x, "scale": scale, "zero": zero}
    proto = build([helper.make_node(op, ["x", "scale", "zero"], ["y"], **attributes)], feeds)
    fix_sizes(proto, feeds)  # blocks need them
    if constant:
        proto.graph.initializer.extend([onnx.numpy_helper.from_array(scale, "scale"), onnx.numpy_helper.from_array(zero, "zero")])
    return proto, feeds


@pytest.mark.parametrize("constant", [False, True])
@pytest.mark.parametrize("dtype", STORED)
def test_quantize_and_dequantize(dtype: str, constant: bool) -> None:
    for scale, zero, attributes in layouts(dtype):
        for float_type in ("float32", "float16", "bfloat16"):
            x = real_numbers(float_type, (3, 4, 6), seed=2)
            proto, feeds = feed_or_hold("QuantizeLinear", x, scale, zero, constant, attributes)
            stored = run(proto, feeds)
            assert stored.dtype == zero.dtype
            want = reference(proto, {**feeds, "x": x.astype(np.float32)})
            np.testing.assert_array_equal(stored.astype(int), want.astype(int))
        for scale_type in ("float32", "float16"):
            proto, feeds = feed_or_hold("DequantizeLinear", stored, scale.astype(scale_type), zero, constant, attributes)
            real = run(proto, feeds)
            assert real.dtype == scale_type
            np.testing.assert_allclose(real, reference(proto, feeds), rtol=1e-6 if scale_type == "float32" else 2e-3, atol=1e-6)


@pytest.mark.parametrize("dtype", ["int4", "uint4", "int2"])
def test_small_constant_weights_reach_the_integer_kernels(dtype: str) -> None:
    low, high = limits(dtype)
    rng = np.random.RandomState(4)
    x = rng.randint(0, 256, (5, 40)).astype(np.uint8)
    weights = rng.randint(low, high + 1, (40, 16)).astype(numpy_dtype(dtype))
    zeros = rng.randint(low, high + 1, 16).astype(numpy_dtype(dtype))
    constants = {
        "s": np.array(0.02, np.float32), "z": np.array(131, np.uint8), "w": weights, "ws": rng.uniform(0.1, 0.2, 16).astype(np.float32),
        "wz": zeros, "ys": np.array(0.25, np.float32), "yz": np.array(120, np.uint8),
    }  # fmt: skip
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "s", "z"], ["a"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["b"]),
        helper.make_node("MatMul", ["a", "b"], ["c"]),
        helper.make_node("QuantizeLinear", ["c", "ys", "yz"], ["y"]),
    ]
    proto = build(nodes, {"x": x})
    proto.graph.initializer.extend([onnx.numpy_helper.from_array(array, name) for name, array in constants.items()])
    model = mace.load(proto.SerializeToString())
    difference = np.abs(model({"x": x})["y"].astype(int) - reference(proto, {"x": x}).astype(int))
    assert difference.max() <= 1 and np.count_nonzero(difference) <= 2
    operators = {node["op"] for step in model.explain()["steps"] for node in step["nodes"]}
    assert not operators & {"Quantize", "Dequantize"}, operators


def test_output_dtype_and_missing_zero_points() -> None:
    x, scale = real_numbers("float32", (3, 4)), np.array(0.1, np.float32)
    feeds = {"x": x, "scale": scale}
    node = helper.make_node("QuantizeLinear", ["x", "scale"], ["y"], output_dtype=TensorProto.INT16)
    got = run(build([node], feeds), feeds)
    assert got.dtype == np.int16
    np.testing.assert_array_equal(got, np.rint(x / scale))
    node = helper.make_node("QuantizeLinear", ["x", "scale"], ["y"])
    np.testing.assert_array_equal(run(build([node], feeds), feeds), np.clip(np.rint(x / scale), 0, 255))


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_products_with_parameters_of_run_time(dtype: str) -> None:
    rng = np.random.RandomState(8)
    low, high = limits(dtype)
    a, b = rng.randint(low, high + 1, (2, 3, 700)).astype(dtype), rng.randint(low, high + 1, (700, 5)).astype(dtype)
    zero = np.array(rng.randint(low, high + 1), dtype)
    column_zeros = rng.randint(low, high + 1, 5).astype(dtype)
    for fixed in (False, True):
        judge("MatMulInteger", [a, b, zero, column_zeros], 0, fixed=fixed)
        judge("MatMulInteger", [a, b], 0, fixed=fixed)
    a_scale, b_scale, y_scale = np.float32(0.02), rng.uniform(0.01, 0.03, 5).astype(np.float32), np.float32(0.9)
    judge_nearly("QLinearMatMul", [a, np.array(a_scale), zero, b, b_scale, column_zeros, np.array(y_scale), zero], {})
    x, w = rng.randint(low, high + 1, (1, 3, 6, 6)).astype(dtype), rng.randint(low, high + 1, (4, 3, 3, 3)).astype(dtype)
    judge("ConvInteger", [x, w, zero], 0, fixed=True, pads=[1, 1, 1, 1])
    w_scale, w_zero = rng.uniform(0.01, 0.03, 4).astype(np.float32), np.zeros(4, dtype)
    bias = rng.randint(-1000, 1000, 4).astype(np.int32)
    arrays = [x, np.array(a_scale), zero, w, w_scale, w_zero, np.array(np.float32(0.3)), zero, bias]
    judge_nearly("QLinearConv", arrays, {"pads": [1, 1, 1, 1]})


def judge_nearly(op: str, arrays: list[np.ndarray], attributes: dict) -> None:
    """Ties may be rounded to the other side: the reference adds the zero point before it rounds."""
    feeds = {f"x{i}": a for i, a in enumerate(arrays)}
    proto = build([helper.make_node(op, list(feeds), ["y"], **attributes)], feeds)
    fix_sizes(proto, feeds)
    got, want = run(proto, feeds), reference(proto, feeds)
    assert got.dtype == want.dtype
    difference = np.abs(got.astype(int) - want.astype(int))
    assert difference.max() <= 1 and np.count_nonzero(difference) <= 0.02 * difference.size


def test_dynamic_quantization() -> None:
    for low, high in ((-3, 5), (1, 4), (-6, -2), (0, 0)):
        judge("DynamicQuantizeLinear", [np.linspace(low, high, 11, dtype=np.float32)], 0)


@pytest.mark.parametrize("narrow", ["float16", "bfloat16"])
def test_casts_that_the_model_has_round(narrow: str) -> None:
    """There and back between two operators: what a model rounds on purpose stays rounded, and what is too large is infinite."""
    types = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}
    nodes = [
        helper.make_node("Relu", ["x"], ["positive"]),
        helper.make_node("Cast", ["positive"], ["rounded"], to=types[narrow]),
        helper.make_node("Cast", ["rounded"], ["back"], to=TensorProto.FLOAT),
        helper.make_node("Floor", ["back"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.FLOAT, ["n"])], [value("y", TensorProto.FLOAT, ["n"])])
    loaded = mace.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)]).SerializeToString())
    x = np.array([3.4e38 if narrow == "bfloat16" else 70000, 1.9999, 2049, 0.5], np.float32)
    with np.errstate(over="ignore"):
        expected = np.floor(x.astype(numpy_dtype(narrow)).astype(np.float32))
    np.testing.assert_array_equal(loaded({"x": x})["y"], expected)
