"""Reductions, products, normalisations and recurrent layers of ONNX and of onnxruntime's own domain: against numpy in double precision
where that is a line, else against onnxruntime."""

from __future__ import annotations

import networks
import numpy as np
import onnxruntime
import pytest
from onnx import ModelProto, TensorProto, helper

import mace

F32, F64 = np.float32, np.float64


def single(
    op: str, feeds: dict, constants: dict | None = None, *, outputs: tuple[str, ...] = ("y",), inputs: list[str] | None = None,
    opset: int = 17, domain: str = "", kinds: dict | None = None, dynamic: bool = True, **attributes: object,
) -> ModelProto:  # fmt: skip
    """One node. `kinds`: outputs that have another type than float32."""
    constants = constants or {}
    names = inputs if inputs is not None else [*feeds, *constants]
    node = helper.make_node(op, names, list(outputs), domain=domain, **attributes)
    shapes = {k: (v.dtype.name, [f"{k}{i}" for i in range(v.ndim)] if dynamic else list(v.shape)) for k, v in feeds.items()}
    proto = networks.model([node], shapes, [name for name in outputs if name], constants, opset)
    for output in proto.graph.output:
        output.type.tensor_type.elem_type = (kinds or {}).get(output.name, TensorProto.FLOAT)
    if domain:
        proto.opset_import.append(helper.make_opsetid(domain, 1))
    return proto


def peer(proto: ModelProto, feeds: dict) -> dict:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options)
    return dict(zip([output.name for output in session.get_outputs()], session.run(None, feeds), strict=True))


def compare(proto: ModelProto, feeds: dict, rtol: float = 1e-4, atol: float = 1e-5) -> mace.Model:
    """With onnxruntime."""
    loaded = mace.load(proto.SerializeToString())
    got, want = loaded(feeds), peer(proto, feeds)
    for name, expected in want.items():
        assert got[name].dtype == expected.dtype and got[name].shape == expected.shape, name
        np.testing.assert_allclose(got[name], expected, rtol=rtol, atol=atol, err_msg=name)
    return loaded


EQUATIONS = [
    ("ij,jk->ik", [(3, 4), (4, 5)]), ("ij,jk", [(3, 4), (4, 5)]), ("ij,jk->ki", [(3, 4), (4, 5)]), ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]), ("bqhd,bkhd->bhqk", [(2, 4, 3, 5), (2, 6, 3, 5)]),
    ("bhqk,bkhd->bqhd", [(2, 3, 4, 6), (2, 6, 3, 5)]), ("ii->i", [(4, 4)]), ("ii", [(4, 4)]), ("iji->j", [(3, 2, 3)]),
    ("...ii->...i", [(2, 3, 4, 4)]), ("ij->", [(3, 4)]), ("ij->ji", [(3, 4)]), ("i,j->ij", [(3,), (4,)]), ("i,i", [(5,), (5,)]),
    (",ij->ij", [(), (2, 3)]), ("...ij,...jk->...ik", [(2, 1, 3, 4), (5, 4, 2)]), ("...i,i->...", [(2, 3, 4), (4,)]),
    ("i...,j...->ij...", [(2, 3, 4), (5, 3, 4)]), ("abc,cd,de->abe", [(2, 3, 4), (4, 5), (5, 2)]), ("ab,bc,ca->", [(2, 3), (3, 4), (4, 2)]),
    ("abcd,dcbe->ae", [(2, 3, 4, 5), (5, 4, 3, 2)]), ("ijk,ljk->il", [(2, 3, 4), (5, 3, 4)]), ("ij,ij->ij", [(3, 4), (3, 4)]),
    ("ij,kj->ik", [(3, 1), (2, 4)]), ("iij,jk->ik", [(3, 3, 4), (4, 2)]), ("bnd,bne->bde", [(2, 3, 4), (2, 3, 5)]),
    ("abij,abjk->abik", [(0, 2, 3, 4), (0, 2, 4, 5)]), ("ij,jk->ik", [(3, 0), (0, 2)]), ("Ab,bA", [(2, 3), (3, 2)]),
    ("a b ... , b c ... -> a ... c", [(2, 3, 2, 2), (3, 4, 2, 2)]),
]  # fmt: skip


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize(("equation", "shapes"), EQUATIONS)
def test_einsum(equation: str, shapes: list, dynamic: bool) -> None:
    if dynamic and "abij" in equation:
        pytest.skip("two open axes beside an empty one")
    feeds = {f"x{i}": networks.random(i, *shape) for i, shape in enumerate(shapes)}
    want = np.einsum(equation.replace(" ", ""), *[x.astype(F64) for x in feeds.values()])
    # A dimension that is 1 in one operand only must be known to be.
    got = mace.load(single("Einsum", feeds, equation=equation, dynamic=dynamic and "kj" not in equation).SerializeToString())(feeds)["y"]
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32, F64])
def test_einsum_types(dtype: type) -> None:
    rng = np.random.RandomState(0)
    feeds = {"a": rng.randint(0, 1 << 30, (2, 3)).astype(dtype), "b": rng.randint(0, 1 << 30, (3, 4)).astype(dtype)}
    proto = single("Einsum", feeds, equation="ij,jk->ik", kinds={"y": helper.np_dtype_to_tensor_dtype(np.dtype(dtype))})
    got = mace.load(proto.SerializeToString())(feeds)["y"]
    np.testing.assert_array_equal(got, feeds["a"] @ feeds["b"])


def test_attention_by_einsum_has_fast_kernels() -> None:
    feeds = {"q": networks.random(0, 2, 4, 3, 8), "k": networks.random(1, 2, 6, 3, 8)}
    loaded = mace.load(single("Einsum", feeds, equation="bqhd,bkhd->bhqk").SerializeToString())
    loaded(feeds)
    assert all(step["kernel"] != "reference" for step in loaded.explain()["steps"])


@pytest.mark.parametrize("equation", ["ij,jk", "ij->ik", "i..j->ij", "ij->ii", "i->i->i", "i1->i", "..."])
def test_einsum_refusals(equation: str) -> None:
    feeds = {"x": networks.random(0, 2, 3)} if equation != "..." else {"x": networks.random(0, 2, 3), "z": networks.random(0, 2)}
    with pytest.raises(mace.MaceError):
        mace.load(single("Einsum", feeds, equation=equation).SerializeToString())


LAYERS = [("RNN", 1), ("GRU", 3), ("LSTM", 4)]


def layer(op: str, gates: int, steps: int, batch: int, directions: int, seed: int = 0) -> tuple[dict, dict]:
    """Feeds and weights."""
    size, hidden = 5, 6
    feeds = {"x": networks.random(seed, steps, batch, size)}
    constants = {
        "w": networks.random(1, directions, gates * hidden, size) * 0.5,
        "r": networks.random(2, directions, gates * hidden, hidden) * 0.5,
        "b": networks.random(3, directions, 2 * gates * hidden) * 0.5,
    }
    return feeds, constants


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("op", "gates"), LAYERS)
def test_recurrent_lengths_without_reloading(op: str, gates: int, direction: str) -> None:
    directions = 2 if direction == "bidirectional" else 1
    feeds, constants = layer(op, gates, 4, 2, directions)
    outputs = ("y", "h", "c") if op == "LSTM" else ("y", "h")
    proto = single(op, feeds, constants, outputs=outputs, hidden_size=6, direction=direction)
    loaded = mace.load(proto.SerializeToString())
    for steps, batch in [(4, 2), (1, 1), (9, 3)]:
        feeds, _ = layer(op, gates, steps, batch, directions, seed=steps)
        got = loaded(feeds)
        for name, want in peer(proto, feeds).items():
            np.testing.assert_allclose(got[name], want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize(("op", "gates"), LAYERS)
def test_recurrent_sequence_lengths_and_states(op: str, gates: int, direction: str) -> None:
    directions = 2 if direction == "bidirectional" else 1
    feeds, constants = layer(op, gates, 5, 3, directions)
    feeds |= {"lengths": np.array([5, 2, 4], np.int32), "h0": networks.random(7, directions, 3, 6)}
    names = ["x", "w", "r", "b", "lengths", "h0"]
    outputs: tuple[str, ...] = ("y", "h")
    if op == "LSTM":
        feeds["c0"] = networks.random(8, directions, 3, 6)
        names.append("c0")
        outputs = ("y", "h", "c")
    compare(single(op, feeds, constants, inputs=names, outputs=outputs, hidden_size=6, direction=direction), feeds)


@pytest.mark.parametrize(
    ("op", "gates", "attributes"),
    [
        ("RNN", 1, {"activations": ["Relu"]}), ("RNN", 1, {"activations": ["Affine"], "activation_alpha": [0.3], "activation_beta": [0.1]}),
        ("RNN", 1, {"activations": ["HardSigmoid"], "activation_alpha": [0.3], "activation_beta": [0.4]}), ("RNN", 1, {"clip": 0.5}),
        ("RNN", 1, {"activations": ["ScaledTanh"], "activation_alpha": [0.7], "activation_beta": [0.4]}),
        ("RNN", 1, {"activations": ["Softsign"]}), ("RNN", 1, {"activations": ["Softplus"]}), ("RNN", 1, {"activations": ["Elu"]}),
        ("RNN", 1, {"activations": ["LeakyRelu"], "activation_alpha": [0.2]}),
        ("GRU", 3, {"activations": ["HardSigmoid", "Softsign"]}), ("GRU", 3, {"clip": 0.5}), ("GRU", 3, {"linear_before_reset": 1}),
        ("GRU", 3, {"activations": ["Sigmoid", "LeakyRelu"], "activation_alpha": [0.1]}),
        ("LSTM", 4, {"activations": ["HardSigmoid", "Relu", "Softsign"]}), ("LSTM", 4, {"input_forget": 1}), ("LSTM", 4, {"clip": 0.5}),
    ],
)  # fmt: skip
def test_recurrent_attributes(op: str, gates: int, attributes: dict) -> None:
    feeds, constants = layer(op, gates, 4, 2, 1)
    compare(single(op, feeds, constants, outputs=("y", "h"), hidden_size=6, **attributes), feeds)


def test_peepholes() -> None:
    feeds, constants = layer("LSTM", 4, 4, 2, 2)
    constants["p"] = networks.random(9, 2, 18)
    names = ["x", "w", "r", "b", "", "", "", "p"]
    compare(single("LSTM", feeds, constants, inputs=names, outputs=("y", "h", "c"), hidden_size=6, direction="bidirectional"), feeds)


def test_dynamic_quantize_lstm() -> None:
    feeds, floats = layer("LSTM", 4, 4, 2, 1)
    constants = {"b": floats["b"]}
    exact = {}
    for name in ("w", "r"):
        scale = np.abs(floats[name]).max(axis=(1, 2)) / 127
        stored = np.rint(floats[name] / scale[:, None, None]).astype(np.int8).transpose(0, 2, 1)
        constants |= {name: stored, f"{name}s": scale.astype(F32), f"{name}z": np.zeros(1, np.int8)}
        exact[name] = stored.transpose(0, 2, 1) * scale.astype(F32)[:, None, None]
    names = ["x", "w", "r", "b", "", "", "", "", "ws", "wz", "rs", "rz"]
    proto = single("DynamicQuantizeLSTM", feeds, constants, inputs=names, domain="com.microsoft", hidden_size=6)
    want = peer(single("LSTM", feeds, floats | exact, hidden_size=6), feeds)["y"]
    np.testing.assert_allclose(mace.load(proto.SerializeToString())(feeds)["y"], want, rtol=1e-4, atol=1e-5)


def hidden_states(seed: int = 0) -> np.ndarray:
    return networks.random(seed, 2, 5, 16)


@pytest.mark.parametrize("op", ["SkipLayerNormalization", "SkipSimplifiedLayerNormalization"])
@pytest.mark.parametrize("bias", [False, True])
def test_skip_normalization(op: str, bias: bool) -> None:
    feeds = {"x": hidden_states(), "skip": hidden_states(1)}
    constants = {"gamma": networks.random(2, 16)}
    names = ["x", "skip", "gamma"]
    if op == "SkipLayerNormalization":
        constants["beta"] = networks.random(3, 16)
        names.append("beta")
    if bias:
        constants["bias"] = networks.random(4, 16)
        names.append("bias")
    compare(
        single(op, feeds, constants, inputs=names, outputs=("y", "", "", "sum"), domain="com.microsoft", epsilon=1e-6, dynamic=False), feeds
    )


@pytest.mark.parametrize("op", ["LayerNormalization", "SimplifiedLayerNormalization"])
def test_layer_normalization_is_fast(op: str) -> None:
    feeds = {"x": hidden_states()}
    constants = {"gamma": networks.random(2, 16)} | ({"beta": networks.random(3, 16)} if op == "LayerNormalization" else {})
    loaded = compare(single(op, feeds, constants, epsilon=1e-6, axis=-1), feeds)
    assert [step["kernel"].split("_f32")[0] for step in loaded.explain()["steps"]] == ["layer_norm"]


def test_embed_layer_normalization() -> None:
    rng = np.random.RandomState(0)
    feeds = {
        "ids": rng.randint(0, 20, (2, 5)).astype(np.int32), "segments": rng.randint(0, 2, (2, 5)).astype(np.int32),
        "mask": np.array([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]], np.int32),
    }  # fmt: skip
    constants = {
        "words": networks.random(1, 20, 16), "places": networks.random(2, 9, 16), "kinds": networks.random(3, 2, 16),
        "gamma": networks.random(4, 16), "beta": networks.random(5, 16),
    }  # fmt: skip
    names = ["ids", "segments", "words", "places", "kinds", "gamma", "beta", "mask"]
    proto = single("EmbedLayerNormalization", feeds, constants, inputs=names, outputs=("y", "index"), domain="com.microsoft",
                   kinds={"index": TensorProto.INT32})  # fmt: skip
    compare(proto, feeds)


@pytest.mark.parametrize(
    ("op", "bias", "attributes"),
    [("Gelu", False, {}), ("BiasGelu", True, {}), ("FastGelu", False, {}), ("FastGelu", True, {}), ("QuickGelu", False, {"alpha": 1.5})],
)
def test_gelus(op: str, bias: bool, attributes: dict) -> None:
    feeds = {"x": hidden_states()}
    constants = {"b": networks.random(1, 16)} if bias else {}
    compare(single(op, feeds, constants, domain="com.microsoft", **attributes), feeds, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("attributes", [{}, {"alpha": 0.5}, {"transA": 1}, {"transB": 1}, {"transA": 1, "transB": 1, "alpha": -2.0}])
def test_fused_matmul(attributes: dict) -> None:
    a, b = networks.random(0, 2, 3, 4), networks.random(1, 2, 4, 5)
    feeds = {
        "a": np.ascontiguousarray(a.swapaxes(1, 2)) if attributes.get("transA") else a,
        "b": np.ascontiguousarray(b.swapaxes(1, 2)) if attributes.get("transB") else b,
    }
    compare(single("FusedMatMul", feeds, domain="com.microsoft", **attributes), feeds)


@pytest.mark.parametrize("activation", ["Relu", "Sigmoid", "Tanh", "LeakyRelu"])
def test_fused_gemm(activation: str) -> None:
    feeds = {"a": networks.random(0, 3, 4)}
    constants = {"b": networks.random(1, 4, 5), "c": networks.random(2, 5)}
    attributes = {"activation": activation} | ({"activation_alpha": 0.1} if activation == "LeakyRelu" else {})
    compare(single("FusedGemm", feeds, constants, domain="com.microsoft", alpha=0.5, **attributes), feeds)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("zero_points", [False, True])
@pytest.mark.parametrize(("depth", "block"), [(64, 16), (40, 32), (128, 128)])
def test_matmul_of_few_bits(bits: int, zero_points: bool, depth: int, block: int) -> None:
    rng = np.random.RandomState(bits)
    columns, blocks = 24, -(-depth // block)
    feeds = {"x": networks.random(0, 2, 3, depth)}
    constants = {
        "w": rng.randint(0, 256, (columns, blocks, block * bits // 8)).astype(np.uint8),
        "s": (rng.rand(columns * blocks).astype(F32) + 0.1) / 8,
    }
    if zero_points:
        constants["z"] = rng.randint(0, 256, columns * (-(-blocks * bits // 8))).astype(np.uint8)
    proto = single("MatMulNBits", feeds, constants, domain="com.microsoft", K=depth, N=columns, bits=bits, block_size=block)
    compare(proto, feeds, rtol=1e-3, atol=1e-3)


def test_inverse() -> None:
    feeds = {"x": networks.random(0, 3, 4, 4)}
    got = mace.load(single("Inverse", feeds, domain="com.microsoft").SerializeToString())(feeds)["y"]
    np.testing.assert_allclose(got, np.linalg.inv(feeds["x"].astype(F64)), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32, np.uint64, F64])
def test_products_of_every_type(dtype: type) -> None:
    rng = np.random.RandomState(0)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    feeds = {name: rng.randint(0, 1 << 31, shape).astype(dtype) for name, shape in (("a", (3, 4)), ("b", (4, 5)), ("c", (5,)))}
    a, b, c = feeds.values()
    product = mace.load(single("MatMul", {"a": a, "b": b}, kinds={"y": kind}).SerializeToString())({"a": a, "b": b})["y"]
    np.testing.assert_array_equal(product, a @ b)
    got = mace.load(single("Gemm", feeds, kinds={"y": kind}).SerializeToString())(feeds)["y"]
    np.testing.assert_array_equal(got, a @ b + c)


@pytest.mark.parametrize(("a", "b"), [((4,), (4,)), ((4,), (4, 3)), ((2, 4), (4,)), ((3, 0), (0, 2)), ((0, 3), (3, 2)), ((2, 0, 4), (4, 3)),
                                      ((5, 1, 2, 4), (3, 4, 2)), ((4,), (2, 4, 3)), ((2, 3, 4), (4,))])  # fmt: skip
@pytest.mark.parametrize("constant", [False, True])
def test_matmul_shapes(a: tuple, b: tuple, constant: bool) -> None:
    x, y = networks.random(0, *a), networks.random(1, *b)
    feeds, constants = ({"a": x}, {"b": y}) if constant else ({"a": x, "b": y}, {})
    got = mace.load(single("MatMul", feeds, constants).SerializeToString())(feeds)["y"]
    want = x @ y
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5)


def test_random_numbers() -> None:
    feeds = {"x": np.zeros((3, 4), F32)}

    def drawn(**attributes: object) -> tuple[np.ndarray, np.ndarray]:
        loaded = mace.load(single("RandomNormalLike", feeds, **attributes).SerializeToString())
        return loaded(feeds)["y"].copy(), loaded(feeds)["y"].copy()

    first, second = drawn(seed=1.0)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, drawn(seed=1.0)[0])
    assert (first != drawn(seed=2.0)[0]).any()
    first, second = drawn()
    assert (first != second).any()  # of one session's runs
    proto = single("RandomUniform", {}, shape=[1000], low=2.0, high=3.0)
    numbers = mace.load(proto.SerializeToString())({})["y"]
    assert numbers.min() >= 2 and numbers.max() < 3 and abs(numbers.mean() - 2.5) < 0.1


def test_bernoulli_and_dropout() -> None:
    feeds = {"x": np.full(10000, 0.3, F32)}
    drawn = mace.load(single("Bernoulli", feeds).SerializeToString())(feeds)["y"]
    assert set(np.unique(drawn)) == {0, 1} and abs(drawn.mean() - 0.3) < 0.03
    constants = {"ratio": np.float32(0.25), "training": np.array(True)}
    proto = single("Dropout", feeds, constants, outputs=("y", "mask"), kinds={"mask": TensorProto.BOOL})
    got = mace.load(proto.SerializeToString())(feeds)
    assert abs(got["mask"].mean() - 0.75) < 0.03
    np.testing.assert_allclose(got["y"], np.where(got["mask"], feeds["x"] / 0.75, 0), rtol=1e-6)


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
                                "ReduceLogSumExp", "ReduceSumSquare"])  # fmt: skip
@pytest.mark.parametrize("axes", [[0], [1, -1], [-2], [], None])
@pytest.mark.parametrize("noop", [0, 1])
def test_reductions(op: str, axes: list | None, noop: int) -> None:
    x = np.abs(networks.random(0, 3, 4, 5)) + 0.1
    constants = {} if axes is None else {"axes": np.array(axes, np.int64)}
    functions = {
        "Sum": np.sum, "Mean": np.mean, "Max": np.max, "Min": np.min, "Prod": np.prod, "L1": lambda v, **k: np.abs(v).sum(**k),
        "L2": lambda v, **k: np.sqrt((v * v).sum(**k)), "LogSum": lambda v, **k: np.log(v.sum(**k)),
        "LogSumExp": lambda v, **k: np.log(np.exp(v).sum(**k)), "SumSquare": lambda v, **k: (v * v).sum(**k),
    }  # fmt: skip
    along = tuple(axes) if axes else (() if noop else None)
    for keep in (0, 1):
        proto = single(op, {"x": x}, constants, opset=18, keepdims=keep, noop_with_empty_axes=noop)
        got = mace.load(proto.SerializeToString())({"x": x})["y"]
        want = functions[op.removeprefix("Reduce")](x.astype(F64), axis=along, keepdims=bool(keep))
        assert got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
