"""Single operators with random shapes and attributes against onnx's reference evaluator (an independent implementation)."""

from __future__ import annotations

import networks
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import mace

TRIES = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
small = st.integers(1, 7)


def judge(
    nodes: list,
    feeds: dict,
    constants: dict | None = None,
    *,
    rtol: float = 1e-4,
    atol: float = 2e-5,
    opset: int = 17,
    kind: int = 1,
    dynamic: bool = True,
) -> None:
    """Runs the network in MACE with dynamic dimensions and compares with the reference evaluator's answer."""
    inputs = {name: (a.dtype.name, [f"{name}{i}" if dynamic else d for i, d in enumerate(a.shape)]) for name, a in feeds.items()}
    proto = networks.model(nodes, inputs, ["y"], constants or {}, opset, kind)
    (want,) = ReferenceEvaluator(proto).run(None, feeds)
    want = np.asarray(want)
    assert np.isfinite(want).all()  # special values have tests of their own
    got = mace.load(proto.SerializeToString())(feeds)["y"]
    assert got.shape == want.shape and got.dtype == want.dtype
    np.testing.assert_allclose(got, want, rtol=rtol, atol=atol * max(1.0, float(np.abs(want).max()) if want.size else 1.0))


@st.composite
def convolutions(draw: st.DrawFn) -> dict:
    groups = draw(st.sampled_from([1, 1, 1, 2, 3]))
    depthwise = draw(st.booleans())
    channels = draw(st.integers(1, 9)) if not depthwise else groups * draw(st.integers(1, 11))
    inputs, outputs = (groups * channels, groups * draw(st.integers(1, 9))) if not depthwise else (channels, channels)
    kernel = [draw(st.integers(1, 5)), draw(st.integers(1, 5))]
    return {
        "n": draw(st.integers(1, 2)), "h": draw(st.integers(1, 14)), "w": draw(st.integers(1, 14)),
        "inputs": inputs, "outputs": outputs, "groups": channels if depthwise else groups, "kernel": kernel,
        "strides": [draw(st.integers(1, 3)), draw(st.integers(1, 3))], "dilations": [draw(st.integers(1, 2)), draw(st.integers(1, 2))],
        "pads": [draw(st.integers(0, 3)) for _ in range(4)], "bias": draw(st.booleans()), "seed": draw(st.integers(0, 1000)),
        "activation": draw(st.sampled_from([None, "Relu", "Sigmoid", "HardSwish"])),
    }  # fmt: skip


@TRIES
@given(convolutions())
def test_conv(c: dict) -> None:
    for size, k, d, p in zip(
        (c["h"], c["w"]), c["kernel"], c["dilations"], (c["pads"][0] + c["pads"][2], c["pads"][1] + c["pads"][3]), strict=True
    ):
        assume(size + p >= d * (k - 1) + 1)
    weights = networks.random(c["seed"], c["outputs"], c["inputs"] // c["groups"], *c["kernel"])
    constants = {"w": weights} | ({"b": networks.random(c["seed"] + 1, c["outputs"])} if c["bias"] else {})
    attributes = {key: c[key] for key in ("strides", "dilations", "pads")}
    nodes = [helper.make_node("Conv", ["x", *constants], ["c" if c["activation"] else "y"], group=c["groups"], **attributes)]
    if c["activation"]:
        nodes.append(helper.make_node(c["activation"], ["c"], ["y"]))
    judge(nodes, {"x": networks.random(c["seed"] + 2, c["n"], c["inputs"], c["h"], c["w"])}, constants)


@TRIES
@given(convolutions(), st.integers(0, 1))
def test_conv_transpose(c: dict, extra: int) -> None:
    assume(c["groups"] == 1)
    pads = [min(p, d * (k - 1)) // 2 for p, d, k in zip(c["pads"], c["dilations"] * 2, c["kernel"] * 2, strict=True)]
    output_padding = [min(extra, s - 1) for s in c["strides"]]
    constants = {"w": networks.random(c["seed"], c["inputs"], c["outputs"], *c["kernel"])}
    if c["bias"]:
        constants["b"] = networks.random(c["seed"] + 1, c["outputs"])
    node = helper.make_node(
        "ConvTranspose", ["x", *constants], ["y"], strides=c["strides"], pads=pads, output_padding=output_padding, dilations=c["dilations"]
    )
    for size, s, k, d, p, o in zip((c["h"], c["w"]), c["strides"], c["kernel"], c["dilations"], range(2), output_padding, strict=True):
        assume(s * (size - 1) + o + d * (k - 1) + 1 - pads[p] - pads[p + 2] > 0)
    judge([node], {"x": networks.random(c["seed"] + 2, c["n"], c["inputs"], c["h"], c["w"])}, constants)


@TRIES
@given(st.sampled_from(["MaxPool", "AveragePool"]), convolutions(), st.booleans())
def test_pool(op: str, c: dict, include: bool) -> None:
    pads = [min(p, (k - 1) // 2) for p, k in zip(c["pads"], c["kernel"] * 2, strict=True)]
    assume(c["h"] >= c["kernel"][0] and c["w"] >= c["kernel"][1])
    attributes = {"count_include_pad": int(include)} if op == "AveragePool" else {}
    node = helper.make_node(op, ["x"], ["y"], kernel_shape=c["kernel"], strides=c["strides"], pads=pads, **attributes)
    judge([node], {"x": networks.random(c["seed"], c["n"], c["inputs"], c["h"], c["w"])})


@TRIES
@given(st.integers(1, 40), st.integers(1, 70), st.integers(1, 70), st.lists(small, max_size=2), st.booleans(), st.integers(0, 99))
def test_matmul(m: int, k: int, n: int, batch: list, constant: bool, seed: int) -> None:
    a, b = networks.random(seed, *batch, m, k), networks.random(seed + 1, *([] if constant else batch), k, n)
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    judge([node], {"a": a} if constant else {"a": a, "b": b}, {"b": b} if constant else {}, atol=1e-4)


@TRIES
@given(st.lists(small, min_size=1, max_size=4), st.data(), st.sampled_from(["Add", "Sub", "Mul", "Div", "Max", "Min"]))
def test_broadcast_binary(shape: list, data: st.DataObject, op: str) -> None:
    other = [d if data.draw(st.booleans()) else 1 for d in shape][data.draw(st.integers(0, len(shape))) :]
    a, b = networks.random(1, *shape), networks.random(2, *other) + np.float32(3)
    if data.draw(st.booleans()):
        a, b = b, a
        assume(op != "Div")
    judge([helper.make_node(op, ["a", "b"], ["y"])], {"a": a, "b": b})


UNARY = ["Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Neg", "Abs", "Floor", "Ceil", "Round", "HardSwish", "HardSigmoid", "LeakyRelu", "Sqrt"]


UNARY += ["Softplus", "Elu", "Selu", "Softsign", "Sign", "Sin", "Cos"]


@pytest.mark.parametrize("op", UNARY)
@pytest.mark.parametrize("size", [0, 1, 5, 16, 37, 130])
def test_unary(op: str, size: int) -> None:
    x = networks.random(size, size) * 4
    x = np.abs(x) if op == "Sqrt" else x
    judge([helper.make_node(op, ["x"], ["y"])], {"x": x})


@pytest.mark.parametrize("op", ["Relu", "Sigmoid", "Tanh", "Exp", "Erf"])
def test_unary_of_special_values(op: str) -> None:
    x = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-42, -1e-42, 3e38, -3e38, 88.8, -104.0], np.float32)
    proto = networks.model([helper.make_node(op, ["x"], ["y"])], {"x": ("float32", ["n"])}, ["y"], {})
    got = mace.load(proto.SerializeToString())([x])["y"]
    with np.errstate(all="ignore"):
        (want,) = ReferenceEvaluator(proto).run(None, {"x": x})
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-37)


@TRIES
@given(st.lists(small, min_size=1, max_size=4), st.data())
def test_softmax(shape: list, data: st.DataObject) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    judge([helper.make_node("Softmax", ["x"], ["y"], axis=axis)], {"x": networks.random(3, *shape) * 5})


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 4, 6, 7), (2, 2, 3, 4, 5)])
def test_instance_normalization(shape: tuple) -> None:
    constants = {"s": networks.random(1, shape[1]), "b": networks.random(2, shape[1])}
    node = helper.make_node("InstanceNormalization", ["x", "s", "b"], ["y"], epsilon=1e-3)
    judge([node], {"x": networks.random(3, *shape) * 3 + 5}, constants)


def test_is_nan() -> None:
    x = np.array([np.nan, 1, -np.inf, -np.nan, np.inf, 0], np.float32)
    proto = networks.model([helper.make_node("IsNaN", ["x"], ["y"])], {"x": ("float32", ["n"])}, ["y"], {}, 17, TensorProto.BOOL)
    np.testing.assert_array_equal(mace.load(proto.SerializeToString())({"x": x})["y"], np.isnan(x))


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_log_softmax(opset: int, axis: int) -> None:
    x = networks.random(3, 2, 3, 4) * 50  # most of the Softmax's results are too small for a float
    proto = networks.model([helper.make_node("LogSoftmax", ["x"], ["y"], axis=axis)], {"x": ("float32", ["a", "b", "c"])}, ["y"], {}, opset)
    axes = (axis,) if opset >= 13 else tuple(range(axis, 3))
    shifted = x.astype(np.float64) - x.max(axes, keepdims=True)
    want = shifted - np.log(np.exp(shifted).sum(axes, keepdims=True))
    np.testing.assert_allclose(mace.load(proto.SerializeToString())({"x": x})["y"], want, rtol=1e-5, atol=1e-5)


@TRIES
@given(st.lists(small, min_size=1, max_size=3), st.integers(1, 70))
def test_layer_normalization(shape: list, width: int) -> None:
    constants = {"s": networks.random(1, width), "b": networks.random(2, width)}
    node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y"], axis=-1)
    judge([node], {"x": networks.random(3, *shape, width)}, constants, atol=1e-4)


@pytest.mark.parametrize(("axis", "scale"), [(1, [4]), (1, [3, 1]), (1, [1, 4]), (1, [1, 3, 4]), (2, [1]), (0, [4])])
@pytest.mark.parametrize("constant", [True, False])
@pytest.mark.parametrize("dynamic", [True, False])
def test_layer_normalization_broadcasts_scale_and_bias(axis: int, scale: list, constant: bool, dynamic: bool) -> None:
    x, operands = networks.random(3, 2, 3, 4), {"s": networks.random(1, *scale), "b": networks.random(2, *scale[-1:])}
    node = helper.make_node("LayerNormalization", ["x", "s", "b"], ["y", "mean", "inverse"], axis=axis)  # two that nobody reads
    proto = networks.model(
        [node],
        {"x": ("float32", ["n", "h", "w"] if dynamic else [2, 3, 4])}
        | ({} if constant else {name: ("float32", list(a.shape)) for name, a in operands.items()}),
        ["y"],
        operands if constant else {},
    )
    mean, variance = (f(x, axis=tuple(range(axis, 3)), keepdims=True) for f in (np.mean, np.var))
    want = (x - mean) / np.sqrt(variance + 1e-5) * operands["s"] + operands["b"]
    got = mace.load(proto.SerializeToString())({"x": x} | ({} if constant else operands))["y"]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("output", ["", "unread"])
def test_outputs_that_nobody_reads(output: str) -> None:
    nodes = [
        helper.make_node("Dropout", ["x"], ["d", output]),
        helper.make_node("MaxPool", ["d"], ["y", output + "2" if output else ""], kernel_shape=[2, 2], storage_order=1),
    ]
    x = networks.random(1, 1, 2, 4, 4)
    proto = networks.model(nodes, {"x": ("float32", [1, 2, 4, 4])}, ["y"], {})
    want = np.maximum.reduce([x[:, :, i : i + 3, j : j + 3] for i in (0, 1) for j in (0, 1)])
    np.testing.assert_array_equal(mace.load(proto.SerializeToString())({"x": x})["y"], want)


@TRIES
@given(st.lists(small, min_size=1, max_size=4), st.data(), st.sampled_from(["ReduceMean", "ReduceMax", "ReduceMin"]), st.booleans())
def test_reduce(shape: list, data: st.DataObject, op: str, keep: bool) -> None:
    axes = data.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=len(shape), unique=True))
    judge([helper.make_node(op, ["x"], ["y"], axes=axes, keepdims=int(keep))], {"x": networks.random(4, *shape)})


@TRIES
@given(st.lists(small, min_size=1, max_size=4), st.data(), st.sampled_from(["ArgMax", "ArgMin"]), st.booleans(), st.booleans())
def test_arg_reduce(shape: list, data: st.DataObject, op: str, keep: bool, last: bool) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = np.random.default_rng(len(shape)).integers(0, 4, shape).astype(np.float32)  # many equal ones
    judge([helper.make_node(op, ["x"], ["y"], axis=axis, keepdims=int(keep), select_last_index=int(last))], {"x": x}, kind=7)


@TRIES
@given(st.lists(small, min_size=1, max_size=4), st.data(), st.booleans(), st.sampled_from([0, 1]), st.sampled_from([9, 11]))
def test_top_k(shape: list, data: st.DataObject, largest: bool, output: int, opset: int) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    k = data.draw(st.integers(1, shape[axis]))
    x = np.random.default_rng(len(shape)).permutation(int(np.prod(shape))).astype(np.float32).reshape(shape)
    names = [("", "y"), ("y", "")][1 - output]
    if opset == 9:  # k as an attribute, the largest only; the reference evaluator asks for an input, so it is given opset 11's answer
        old = networks.model([helper.make_node("TopK", ["x"], list(names), axis=axis, k=k)], {"x": ("float32", shape)}, ["y"], {}, 9, 1)
        want = np.argsort(-x, axis=axis, kind="stable").take(range(k), axis)
        want = want if output else np.take_along_axis(x, want, axis)
        if output:
            old.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
        np.testing.assert_array_equal(mace.load(old.SerializeToString())([x])["y"], want)
        return
    node = helper.make_node("TopK", ["x", "k"], list(names), axis=axis, largest=int(largest))
    judge([node], {"x": x}, {"k": np.array([k], np.int64)}, kind=7 if output else 1)


@TRIES
@given(st.lists(small, min_size=1, max_size=5), st.data())
def test_transpose(shape: list, data: st.DataObject) -> None:
    perm = data.draw(st.permutations(range(len(shape))))
    judge([helper.make_node("Transpose", ["x"], ["y"], perm=perm)], {"x": networks.random(5, *shape)})


@TRIES
@given(st.lists(small, min_size=1, max_size=4), st.data())
def test_concat_and_split(shape: list, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    other = list(shape)
    other[axis] = data.draw(small)
    constants = {"sizes": np.array([other[axis], shape[axis]], np.int64)}
    nodes = [
        helper.make_node("Concat", ["a", "b"], ["c"], axis=axis),
        helper.make_node("Split", ["c", "sizes"], ["u", "v"], axis=axis),
        helper.make_node("Relu", ["v"], ["y"]),
    ]
    judge(nodes, {"a": networks.random(6, *shape), "b": networks.random(7, *other)}, constants)


@TRIES
@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.data())
def test_slice_and_pad(shape: list, data: st.DataObject) -> None:
    bound = st.integers(-10, 10)
    rank = len(shape)
    starts, ends = ([data.draw(bound) for _ in shape] for _ in range(2))
    steps = [data.draw(st.sampled_from([1, 1, 2, 3, -1, -2])) for _ in shape]
    # Backwards from before the first element ONNX takes the first one (and so does test_errors.py); the evaluator is NumPy's
    # slicing, which takes nothing.
    starts = [max(start, -dim) if step < 0 else start for start, step, dim in zip(starts, steps, shape, strict=True)]
    pads = [data.draw(st.integers(0, 3)) for _ in range(2 * rank)]
    constants = {key: np.array(v, np.int64) for key, v in (("s", starts), ("e", ends), ("a", range(rank)), ("t", steps), ("p", pads))}
    nodes = [
        helper.make_node("Slice", ["x", "s", "e", "a", "t"], ["m"]),
        helper.make_node("Pad", ["m", "p"], ["y"]),
    ]
    judge(nodes, {"x": networks.random(8, *shape)}, constants)


@TRIES
@given(st.lists(small, min_size=1, max_size=3), st.lists(small, max_size=2), st.data())
def test_gather(shape: list, indices_shape: list, data: st.DataObject) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    indices = np.random.RandomState(9).randint(-shape[axis], shape[axis], indices_shape).astype(np.int64)
    indices = np.asarray(indices, np.int64)
    judge([helper.make_node("Gather", ["x", "i"], ["y"], axis=axis)], {"x": networks.random(9, *shape), "i": indices})


@TRIES
@given(
    st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(1, 20), st.sampled_from(["nearest", "linear"]),
    st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]),
)  # fmt: skip
def test_resize(channels: int, h: int, w: int, oh: int, ow: int, mode: str, coordinates: str) -> None:
    constants = {"sizes": np.array([1, channels, oh, ow], np.int64)}
    node = helper.make_node(
        "Resize", ["x", "", "", "sizes"], ["y"], mode=mode, coordinate_transformation_mode=coordinates, nearest_mode="floor"
    )
    assume(not (mode == "nearest" and coordinates == "align_corners"))  # on exact halves the last bit of the coordinate decides
    judge([node], {"x": networks.random(10, 1, channels, h, w)}, constants, dynamic=False)


@pytest.mark.parametrize("op", ["GRU", "LSTM"])
@pytest.mark.parametrize(("steps", "batch", "inputs", "hidden"), [(1, 1, 3, 4), (5, 2, 7, 9), (3, 1, 40, 64)])
def test_recurrent(op: str, steps: int, batch: int, inputs: int, hidden: int) -> None:
    gates = 3 if op == "GRU" else 4
    constants = {
        "W": networks.random(1, 1, gates * hidden, inputs) * 0.3,
        "R": networks.random(2, 1, gates * hidden, hidden) * 0.3,
        "B": networks.random(3, 1, 2 * gates * hidden) * 0.3,
    }
    attributes = {"linear_before_reset": 1} if op == "GRU" else {}
    nodes = [helper.make_node(op, ["x", "W", "R", "B"], ["s"], hidden_size=hidden, **attributes), helper.make_node("Relu", ["s"], ["y"])]
    judge(nodes, {"x": networks.random(4, steps, batch, inputs)}, constants)


@pytest.mark.parametrize("op", ["GRU", "LSTM"])
def test_recurrent_states_whose_axes_share_a_symbol_with_time(op: str) -> None:
    gates, steps, inputs, hidden = 3 if op == "GRU" else 4, 6, 5, 8
    constants = {"W": networks.random(1, 1, gates * hidden, inputs) * 0.3, "R": networks.random(2, 1, gates * hidden, hidden) * 0.3}
    states = ["h0"] if op == "GRU" else ["h0", "c0"]
    attributes = {"linear_before_reset": 1} if op == "GRU" else {}
    node = helper.make_node(op, ["x", "W", "R", "", "", *states], ["y"], hidden_size=hidden, **attributes)
    shapes = {"x": ("float32", ["batch", 1, inputs])} | {name: ("float32", ["batch", 1, hidden]) for name in states}
    proto = networks.model([node], shapes, ["y"], constants)
    feeds = {"x": networks.random(3, steps, 1, inputs)} | {name: networks.random(4, 1, 1, hidden) for name in states}
    (want,) = ReferenceEvaluator(proto).run(None, feeds)
    np.testing.assert_allclose(mace.load(proto.SerializeToString())(feeds)["y"], want, rtol=1e-4, atol=2e-5)


def test_shape_arithmetic() -> None:
    constants = {"i": np.array([0], np.int64), "m": np.array([-1], np.int64)}
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]),
        helper.make_node("Gather", ["s", "i"], ["n"], axis=0),
        helper.make_node("Concat", ["n", "m"], ["t"], axis=0),
        helper.make_node("Reshape", ["x", "t"], ["y"]),
    ]
    judge(nodes, {"x": networks.random(11, 4, 3, 5)}, constants)


def test_integer_arithmetic_and_cast() -> None:
    nodes = [
        helper.make_node("Mul", ["x", "k"], ["a"]),
        helper.make_node("Cast", ["a"], ["y"], to=TensorProto.FLOAT),
    ]
    judge(nodes, {"x": np.arange(-7, 9, dtype=np.int64).reshape(2, 8)}, {"k": np.array([3], np.int64)})


@pytest.mark.parametrize("op", ["Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal"])
@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.int64])
def test_comparison(op: str, dtype: type) -> None:
    random = np.random.default_rng(5)
    a, b = random.integers(-3, 4, (5, 1, 37)).astype(dtype), random.integers(-3, 4, (4, 1)).astype(dtype)
    judge([helper.make_node(op, ["a", "b"], ["y"])], {"a": a, "b": b}, kind=TensorProto.BOOL)
    if dtype == np.float32:  # what is no number has no place in the order
        a[0, 0, :3], b[1] = [np.nan, np.inf, -np.inf], np.nan
        proto = networks.model([helper.make_node(op, ["a", "b"], ["y"])], {"a": ("float32", list(a.shape)), "b": ("float32", [4, 1])},
                               ["y"], {}, 17, TensorProto.BOOL)  # fmt: skip
        np.testing.assert_array_equal(mace.load(proto.SerializeToString())({"a": a, "b": b})["y"], getattr(np, {
            "Less": "less", "LessOrEqual": "less_equal", "Greater": "greater", "GreaterOrEqual": "greater_equal", "Equal": "equal",
        }[op])(a, b))  # fmt: skip


@pytest.mark.parametrize("op", ["And", "Or", "Xor"])
def test_logic(op: str) -> None:
    random = np.random.default_rng(6)
    a, b = random.integers(0, 2, (5, 1, 37)).astype(bool), random.integers(0, 2, (4, 1)).astype(bool)
    judge([helper.make_node(op, ["a", "b"], ["y"])], {"a": a, "b": b}, kind=TensorProto.BOOL)


def test_constants_that_fold_to_nan_are_named() -> None:
    nodes = [helper.make_node("Div", ["zero", "zero"], ["quotient"]), helper.make_node("Add", ["x", "quotient"], ["y"])]
    for count in (3, 3000):  # folded by the importer, and by the pass
        proto = networks.model(nodes, {"x": ("float32", [count])}, ["y"], {"zero": np.zeros(count, np.float32)})
        (warning,) = mace.load(proto.SerializeToString()).warnings
        assert "'quotient'" in warning and "NaN" in warning
