"""ONNX's quantized operators: those of the standard against onnx's reference evaluator, onnxruntime's against their definition in
numpy (dequantize, compute in floats, quantize)."""

from __future__ import annotations

import networks
import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator

import mace

SEEDS = range(6)
U8, I8 = np.uint8, np.int8


def integers(rng: np.random.RandomState, dtype: type, *shape: int) -> np.ndarray:
    limits = np.iinfo(dtype)
    return rng.randint(limits.min, limits.max + 1, shape).astype(dtype)


def real(stored: np.ndarray, scale: object, zero: object) -> np.ndarray:
    return ((stored.astype(np.int32) - np.asarray(zero, np.int32)).astype(np.float32) * np.asarray(scale, np.float32)).astype(np.float64)


def store(numbers: np.ndarray, scale: float, zero: int, dtype: type = U8) -> np.ndarray:
    limits = np.iinfo(dtype)
    return np.clip(np.rint(numbers / np.float64(np.float32(scale))) + zero, limits.min, limits.max)


def model(op: str, inputs: list[str], feeds: dict, constants: dict, kind: int, domain: str = "", **attributes: object) -> ModelProto:
    node = helper.make_node(op, inputs, ["y"], domain=domain, **attributes)
    proto = networks.model([node], {k: (v.dtype.name, list(v.shape)) for k, v in feeds.items()}, ["y"], constants, 17, kind)
    if domain:
        proto.opset_import.append(helper.make_opsetid(domain, 1))
    return proto


def run(proto: ModelProto, feeds: dict, integer: bool = True) -> np.ndarray:
    """The answer; with `integer` the graph computes on integers alone, without a Dequantize or Quantize."""
    loaded = mace.load(proto.SerializeToString())
    got = loaded(feeds)["y"]
    operators = {node["op"] for step in loaded.explain()["steps"] for node in step["nodes"]}
    assert not integer or not operators & {"Quantize", "Dequantize"}, operators
    return got


def microsoft(op: str, inputs: list, feeds: dict, **attributes: object) -> np.ndarray:
    """Inputs that are no names are constants."""
    names = [i if isinstance(i, str) else f"c{n}" for n, i in enumerate(inputs)]
    constants = {name: np.asarray(i) for name, i in zip(names, inputs, strict=True) if not isinstance(i, str)}
    return run(model(op, names, feeds, constants, TensorProto.UINT8, "com.microsoft", **attributes), feeds)


def near(got: np.ndarray, want: np.ndarray) -> None:
    """Off by one in a few places: where the real number lies nearly half-way."""
    difference = np.abs(got.astype(np.float64) - want)
    assert got.shape == want.shape and difference.max() <= 1
    assert np.count_nonzero(difference) <= max(1, 0.02 * want.size)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("constant", [True, False])
def test_qlinear_matmul(seed: int, constant: bool) -> None:
    rng = np.random.RandomState(seed)
    m, k, n = rng.randint(1, 20, 3)
    per_column = bool(seed % 2)
    a, b = integers(rng, U8, m, k), integers(rng, I8, k, n)
    scale = (rng.random_sample(n) * 0.01 + 0.001 if per_column else np.array(0.004)).astype(np.float32)
    constants = {
        "a_scale": np.float32(0.02), "a_zero": U8(rng.randint(256)), "b_scale": scale, "b_zero": np.zeros(scale.shape, I8),
        "y_scale": np.float32(0.05), "y_zero": U8(120),
    }  # fmt: skip
    feeds = {"a": a} if constant else {"a": a, "b": b}
    constants |= {"b": b} if constant else {}
    names = ["a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "y_scale", "y_zero"]
    want = store(real(a, 0.02, constants["a_zero"]) @ real(b, scale, 0), 0.05, 120)
    got = run(model("QLinearMatMul", names, feeds, constants, TensorProto.UINT8), feeds, integer=constant)
    near(got, want)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_qlinear_binary(seed: int, op: str) -> None:
    rng = np.random.RandomState(seed)
    a, b = integers(rng, U8, 2, 3, 5), integers(rng, U8, *[(3, 5), (5,), (2, 3, 5), (1,), (3, 1), (2, 1, 5)][seed])
    x, y = real(a, 0.02, 100), real(b, 0.03, 130)
    want = store(x + y if op == "QLinearAdd" else x * y, 0.05, 110)
    operands = ["a", np.float32(0.02), U8(100), "b", np.float32(0.03), U8(130), np.float32(0.05), U8(110)]
    near(microsoft(op, operands, {"a": a, "b": b}), want)
    near(microsoft(op, ["a", np.float32(0.02), U8(100), b, *operands[4:]], {"a": a}), want)


@pytest.mark.parametrize("op", ["QLinearSigmoid", "QLinearLeakyRelu", "QLinearSoftmax", "QLinearReduceMean"])
def test_qlinear_of_one(op: str) -> None:
    x = integers(np.random.RandomState(1), U8, 3, 4, 6)
    number = real(x, 0.03, 90)
    exponents = np.exp(number - number.max(1, keepdims=True))
    want, attributes = {
        "QLinearSigmoid": (1 / (1 + np.exp(-number)), {}),
        "QLinearLeakyRelu": (np.where(number < 0, 0.3 * number, number), {"alpha": 0.3}),
        "QLinearSoftmax": (exponents / exponents.sum(1, keepdims=True), {"axis": 1, "opset": 13}),
        "QLinearReduceMean": (number.mean((0, 2)), {"axes": [0, -1], "keepdims": 0}),
    }[op]
    got = microsoft(op, ["x", np.float32(0.03), U8(90), np.float32(0.01), U8(40)], {"x": x}, **attributes)
    near(got, store(want, 0.01, 40))


def test_qlinear_pools() -> None:
    x = integers(np.random.RandomState(2), U8, 2, 3, 6, 7)
    number = real(x, 0.03, 90)
    operands = ["x", np.float32(0.03), U8(90), np.float32(0.023), U8(60)]
    got = microsoft("QLinearGlobalAveragePool", operands, {"x": x}, channels_last=0)
    near(got, store(number.mean((2, 3), keepdims=True), 0.023, 60))
    windows = np.lib.stride_tricks.sliding_window_view(number, (3, 2), (2, 3))[:, :, ::2, ::1]
    got = microsoft("QLinearAveragePool", operands, {"x": x}, kernel_shape=[3, 2], strides=[2, 1])
    near(got, store(windows.mean((4, 5)), 0.023, 60))


def test_qlinear_concat_and_where() -> None:
    rng = np.random.RandomState(3)
    a, b = integers(rng, U8, 2, 3), integers(rng, U8, 2, 3)
    scales = [np.float32(0.03), U8(90), np.float32(0.05), U8(10)]
    operands = [np.float32(0.05), U8(10), "a", *scales[:2], "b", *scales[2:]]
    got = microsoft("QLinearConcat", operands, {"a": a, "b": b}, axis=1)
    near(got, np.concatenate([store(real(a, 0.03, 90), 0.05, 10), b], 1))
    chosen = rng.randint(0, 2, (2, 3)).astype(bool)
    got = microsoft("QLinearWhere", ["c", "a", *scales[:2], "b", *scales[2:], *scales[2:]], {"c": chosen, "a": a, "b": b})
    near(got, np.where(chosen, store(real(a, 0.03, 90), 0.05, 10), b))


@pytest.mark.parametrize("seed", SEEDS)
def test_qgemm(seed: int) -> None:
    rng = np.random.RandomState(seed)
    m, k, n = rng.randint(1, 12, 3)
    trans_b, alpha, per_column = seed % 2, (1.0, 0.5)[seed % 3 == 2], seed < 3
    a, b = integers(rng, U8, m, k), integers(rng, I8, *((n, k) if trans_b else (k, n)))
    scale = (rng.random_sample(n) * 0.01 + 0.001 if per_column else np.array(0.004)).astype(np.float32)
    c = rng.randint(-3000, 3000, [(n,), (1, n), (m, n)][seed % 3]).astype(np.int32)
    number = alpha * (real(a, 0.02, 120) @ real(b.T if trans_b else b, scale, 0) + c * 0.02 * scale.astype(np.float64))
    zero = np.zeros(scale.shape, I8)
    operands = ["a", np.float32(0.02), U8(120), b, scale, zero, c, np.float32(0.05), U8(100)]
    if alpha == 1:
        got = microsoft("QGemm", operands, {"a": a}, transB=trans_b, alpha=alpha)
    else:
        names = ["a", "as", "az", "b", "bs", "bz", "c", "ys", "yz"]
        constants = dict(zip(names[1:], map(np.asarray, operands[1:]), strict=True))
        proto = model("QGemm", names, {"a": a}, constants, TensorProto.UINT8, "com.microsoft", transB=trans_b, alpha=alpha)
        got = run(proto, {"a": a}, integer=False)
    near(got, store(number, 0.05, 100))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("depth", [7, 1500, 5000])
def test_matmul_integer_is_exact(seed: int, depth: int) -> None:
    rng = np.random.RandomState(seed)
    # All of one sign: the sums are as large as they can be.
    a, b = integers(rng, U8, 3, depth), integers(rng, (U8, I8)[seed % 2], depth, 4)
    if seed > 3:
        a[:], b[:] = 255, -128 if seed % 2 else 255
    zeros = [np.zeros((), b.dtype), np.arange(4).astype(b.dtype)][seed % 3 == 1]
    zero = [U8(0), U8(131)][seed % 2]
    feeds = {"a": a, "zero": zero} if seed % 3 == 2 else {"a": a}
    constants = {"b": b, "zeros": zeros} | ({} if "zero" in feeds else {"zero": zero})
    proto = model("MatMulInteger", ["a", "b", "zero", "zeros"], feeds, constants, TensorProto.INT32)
    want = (a.astype(np.int64) - int(zero)) @ (b.astype(np.int64) - zeros.astype(np.int64))
    got = run(proto, feeds, integer=False)
    assert got.dtype == np.int32
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("seed", SEEDS)
def test_conv_integer_is_exact(seed: int) -> None:
    rng = np.random.RandomState(seed)
    groups, channels = ((1, 3), (2, 2), (1, 300), (5, 1), (1, 80), (1, 1))[seed]
    x, w = integers(rng, U8, 1, groups * channels, 6, 5), integers(rng, I8, 2 * groups, channels, 3, 3)
    if seed == 2:
        x[:], w[:] = 255, -128
    proto = model(
        "ConvInteger", ["x", "w", "zero"], {"x": x}, {"w": w, "zero": U8(seed * 3)}, TensorProto.INT32, group=groups, pads=[1] * 4
    )
    floats = helper.make_node("Conv", ["x", "w"], ["y"], group=groups, pads=[1] * 4)
    doubles = networks.model([floats], {"x": ("float64", list(x.shape))}, ["y"], {"w": w.astype(np.float64)}, 17, TensorProto.DOUBLE)
    (want,) = ReferenceEvaluator(doubles).run(None, {"x": x.astype(np.float64) - seed * 3})
    np.testing.assert_array_equal(run(proto, {"x": x}, integer=False), want)


@pytest.mark.parametrize("op", ["Conv", "ConvTranspose", "QLinearConv", "ConvInteger"])
def test_one_axis(op: str) -> None:
    """Layers over [N, C, W], with a scale for each channel of the weights where the operator has them, on integers."""
    rng = np.random.RandomState(9)
    x, w = integers(rng, U8, 2, 6, 11), integers(rng, I8, 4, 6, 3)
    scale = (rng.random_sample(4) * 0.01 + 0.001).astype(np.float32)
    window = {"strides": [2], "pads": [1, 2], "dilations": [2]}
    if op == "ConvTranspose":
        w, window = w.transpose(1, 0, 2).copy(), {"strides": [2], "pads": [1, 0]}
    constants = {"w": w, "xs": np.float32(0.02), "xz": U8(7), "ys": np.float32(0.1), "yz": U8(99)}
    constants |= {"ws": scale, "wz": np.zeros(4, I8)} | ({"last": np.array([1])} if op == "ConvInteger" else {})
    layer, axis = ("ConvTranspose", 1) if op == "ConvTranspose" else ("Conv", 0)
    qdq = [
        helper.make_node("DequantizeLinear", ["x", "xs", "xz"], ["xr"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wr"], axis=axis),
        helper.make_node(layer, ["xr", "wr"], ["yr"], **window),
        helper.make_node("QuantizeLinear", ["yr", "ys", "yz"], ["y"]),
    ]
    nodes, integer = qdq, True
    if op == "QLinearConv":
        nodes = [helper.make_node(op, ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["y"], **window)]
    elif op == "ConvInteger":
        nodes, integer = [helper.make_node(op, ["x", "w", "xz"], ["sums"], **window), *to_units()], False
    inputs = {"x": ("uint8", [None, 6, None])}
    proto = networks.model(nodes, inputs, ["y"], constants, 21, TensorProto.UINT8)
    for width in (11, 5, 30):
        feed = integers(rng, U8, 2, 6, width) if width != 11 else x
        (want,) = ReferenceEvaluator(networks.model(qdq, inputs, ["y"], constants, 21, TensorProto.UINT8)).run(None, {"x": feed})
        near(run(proto, {"x": feed}, integer), want.astype(np.float64))


def to_units() -> list:
    """Nodes: y of the sums of ConvInteger."""
    return [
        helper.make_node("Cast", ["sums"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["xs", "ws"], ["scales"]),
        helper.make_node("Unsqueeze", ["scales", "last"], ["column"]),
        helper.make_node("Mul", ["numbers", "column"], ["yr"]),
        helper.make_node("QuantizeLinear", ["yr", "ys", "yz"], ["y"]),
    ]


def test_infinite_scales_are_refused() -> None:
    node = ["q", "s", "z"]
    proto = model("DequantizeLinear", node, {"q": U8([1])}, {"s": np.float32("inf"), "z": U8(0)}, TensorProto.FLOAT)
    with pytest.raises(mace.InvalidArgumentError, match="the scale is inf, expected a finite number"):
        mace.load(proto.SerializeToString())


@pytest.mark.parametrize("scale", [1.0, 0.0, 1e-3])
def test_dynamic_quantization(scale: float) -> None:
    x = networks.random(5, 3, 40) * np.float32(scale)
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        helper.make_node("MatMulInteger", ["q", "w", "z"], ["sums"]),
        helper.make_node("Cast", ["sums"], ["numbers"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["s", "weight_scale"], ["unit"]),
        helper.make_node("Mul", ["numbers", "unit"], ["y"]),
    ]
    w = integers(np.random.RandomState(6), I8, 40, 5)
    proto = networks.model(nodes, {"x": ("float32", [3, 40])}, ["y"], {"w": w, "weight_scale": np.float32(0.01)})
    got = mace.load(proto.SerializeToString())({"x": x})["y"]
    if scale:
        (want,) = ReferenceEvaluator(proto).run(None, {"x": x})
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6 * scale)
    else:
        np.testing.assert_array_equal(got, np.zeros((3, 5)))
    bias = networks.random(7, 5)
    constants = {"w": w, "ws": np.float32(0.01), "b": bias}
    fused = model("DynamicQuantizeMatMul", ["x", "w", "ws", "", "b"], {"x": x}, constants, TensorProto.FLOAT, "com.microsoft")
    np.testing.assert_allclose(mace.load(fused.SerializeToString())({"x": x})["y"], got + bias, rtol=1e-5, atol=1e-6)


def test_matmul_integer_to_float() -> None:
    rng = np.random.RandomState(8)
    a, w, bias = integers(rng, U8, 3, 6), integers(rng, I8, 6, 4), networks.random(9, 4)
    scale, weight_scale = np.float32(0.02), (rng.random_sample(4) + 0.1).astype(np.float32)
    feeds = {"a": a, "s": scale, "z": U8(77)}
    names = ["a", "w", "s", "ws", "z", "", "b"]
    proto = model("MatMulIntegerToFloat", names, feeds, {"w": w, "ws": weight_scale, "b": bias}, TensorProto.FLOAT, "com.microsoft")
    want = real(a, scale, 77) @ real(w, weight_scale, 0) + bias
    np.testing.assert_allclose(mace.load(proto.SerializeToString())(feeds)["y"], want, rtol=1e-5, atol=1e-5)


def test_resize_of_bare_integers_goes_towards_zero() -> None:
    x = integers(np.random.RandomState(10), I8, 1, 2, 4, 5)
    nodes = [helper.make_node("Resize", ["x", "", "s"], ["y"], mode="linear", coordinate_transformation_mode="half_pixel")]
    scales = {"s": np.array([1, 1, 2, 2], np.float32)}
    proto = networks.model(nodes, {"x": ("int8", list(x.shape))}, ["y"], scales, 17, TensorProto.INT8)
    floats = networks.model(nodes, {"x": ("float32", list(x.shape))}, ["y"], scales)
    (want,) = ReferenceEvaluator(floats).run(None, {"x": x.astype(np.float32)})
    np.testing.assert_array_equal(mace.load(proto.SerializeToString())({"x": x})["y"], np.trunc(want))
