"""ONNX's attention operators with open sizes, beside onnx's reference evaluator. (The operator tests of the suite have fixed sizes.)"""

from __future__ import annotations

import itertools

import networks
import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

import mace


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def judge(
    op: str, inputs: list[np.ndarray | str], outputs: int = 1, *, opset: int = 25, domain: str = "", also: list | None = None,
    known: int = 0, near: float = 2e-5, mask_of: tuple[int, ...] = (), **attributes: object,
) -> None:  # fmt: skip
    """`known`: so many of the last axes have their size in the model; the others are open. `also`: the same operands in other sizes, which
    the loaded model gets as well. `mask_of`: the leading axes that the reference gets operand 3 with."""
    names = [f"x{i}" if isinstance(x, np.ndarray) else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], domain=domain, **attributes)
    kinds = {}
    for name, x in zip(names, inputs, strict=True):
        if isinstance(x, np.ndarray):
            kinds[name] = (x.dtype.name, [d if i >= x.ndim - known else f"{name}_{i}" for i, d in enumerate(x.shape)])
    proto = networks.model([node], kinds, list(node.output), {}, opset)
    proto.ir_version = 10
    if domain:
        proto.opset_import.append(helper.make_opsetid(domain, 1))
    model, reference = mace.load(proto.SerializeToString()), ReferenceEvaluator(proto)
    for operands in [inputs, *(also or [])]:
        feeds = {name: x for name, x in zip(names, operands, strict=True) if name}
        got = model(feeds)
        if mask_of:  # it takes a mask of one row for one of one query where it is causal
            feeds["x3"] = np.broadcast_to(feeds["x3"], (*mask_of, feeds["x3"].shape[-1]))
        for name, want in zip(node.output, reference.run(None, feeds), strict=True):
            answer = np.asarray(got[name])
            assert answer.shape == want.shape and answer.dtype == want.dtype
            np.testing.assert_allclose(answer, want, rtol=1e-4, atol=near)


def operands(batch: int, heads: int, kv_heads: int, queries: int, keys: int, size: int = 8, width: int = 6) -> list[np.ndarray]:
    return [random(1, batch, heads, queries, size), random(2, batch, kv_heads, keys, size), random(3, batch, kv_heads, keys, width)]


@pytest.mark.parametrize("heads", [(3, 3), (4, 2), (4, 1)])
@pytest.mark.parametrize("known", [0, 1])
def test_attention_of_open_sizes(heads: tuple[int, int], known: int) -> None:
    sizes = [operands(1, *heads, 1, 7), operands(3, *heads, 2, 2)]
    judge("Attention", operands(2, *heads, 4, 5), known=known, also=sizes)
    judge("Attention", operands(2, *heads, 4, 5), known=known, also=sizes, is_causal=1, scale=0.3, softcap=1.5)


def test_attention_of_nothing() -> None:
    """No sequence, no query; without a key the output is 0."""
    judge("Attention", operands(0, 4, 2, 4, 5), also=[operands(2, 4, 2, 0, 5), operands(2, 4, 2, 4, 5)], known=1, is_causal=1)
    node = helper.make_node("Attention", ["q", "k", "v"], ["y"])
    kinds = {name: ("float32", [1, 2, f"{name}s", 4]) for name in "qkv"}
    model = mace.load(networks.model([node], kinds, ["y"], {}, 25).SerializeToString())
    for queries, keys in ((3, 0), (0, 0)):
        feeds = {"q": random(1, 1, 2, queries, 4), "k": random(2, 1, 2, keys, 4), "v": random(3, 1, 2, keys, 4)}
        np.testing.assert_array_equal(model(feeds)["y"], np.zeros((1, 2, queries, 4), np.float32))


@pytest.mark.parametrize("mode", range(4))
def test_attention_stages(mode: int) -> None:
    mask = np.random.default_rng(4).integers(0, 2, (4, 5)).astype(bool)
    mask[2] = False
    softcap = {"softcap": 2.0} if mode > 0 else {}  # the reference caps the raw scores, too
    judge("Attention", [*operands(2, 4, 2, 4, 5), mask], outputs=4, qk_matmul_output_mode=mode, **softcap)


def test_attention_of_merged_heads() -> None:
    inputs = [random(1, 2, 4, 24), random(2, 2, 5, 12), random(3, 2, 5, 8)]
    also = [[random(1, 1, 6, 24), random(2, 1, 3, 12), random(3, 1, 3, 8)]]
    judge("Attention", inputs, known=1, also=also, q_num_heads=4, kv_num_heads=2)
    judge("Attention", inputs, also=also, q_num_heads=4, kv_num_heads=2, is_causal=1)


@pytest.mark.parametrize("shape", [(5,), (3,), (4, 5), (1, 5), (4, 2), (3, 4, 5), (2, 1, 4, 5), (2, 3, 1, 3)])
@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("kind", [bool, np.float32])
def test_attention_masks(shape: tuple[int, ...], causal: int, kind: type) -> None:
    rng = np.random.default_rng(5)
    mask = rng.integers(0, 2, shape).astype(bool) if kind is bool else rng.standard_normal(shape).astype(np.float32)
    judge("Attention", [*operands(2, 3, 3, 4, 5), mask], mask_of=(2, 3, 4), is_causal=causal)


@pytest.mark.parametrize(("left", "right", "causal"), list(itertools.product([-1, 0, 2], [-1, 0, 1], [0, 1])))
def test_attention_windows(left: int, right: int, causal: int) -> None:
    inputs = operands(2, 3, 3, 4, 5)
    window = {"left_window_size": left, "right_window_size": right, "is_causal": causal}
    judge("Attention", inputs, **window)
    judge("Attention", [*inputs, "", random(4, 2, 3, 3, 8), random(5, 2, 3, 3, 6)], outputs=3, **window)
    judge("Attention", [*inputs, "", "", "", np.array([2, 5])], **window)


def test_attention_with_a_growing_cache() -> None:
    """The sizes of a decoder: a prompt without a past, then single tokens."""
    fresh = operands(2, 4, 2, 5, 5)
    steps = [[*fresh, "", random(4, 2, 2, 0, 8), random(5, 2, 2, 0, 6)]]
    for past in (5, 6):
        steps.append([*operands(2, 4, 2, 1, 1), "", random(4, 2, 2, past, 8), random(5, 2, 2, past, 6)])
    judge("Attention", steps[1], outputs=3, known=1, also=steps, is_causal=1)


def test_attention_of_doubles() -> None:
    inputs = [x.astype(np.float64) for x in operands(2, 4, 2, 4, 5)]
    want = reference_of_doubles(*inputs)
    names = ["q", "k", "v"]
    node = helper.make_node("Attention", names, ["y"], is_causal=1)
    kinds = {name: ("float64", ["b", f"{name}h", f"{name}s", f"{name}d"]) for name in names}
    proto = networks.model([node], kinds, ["y"], {}, 25, TensorProto.DOUBLE)
    got = mace.load(proto.SerializeToString())(dict(zip(names, inputs, strict=True)))["y"]
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-7)  # the scale is a float32 in the file


def reference_of_doubles(query: np.ndarray, key: np.ndarray, value: np.ndarray) -> np.ndarray:
    key, value = (np.repeat(x, query.shape[1] // x.shape[1], axis=1) for x in (key, value))
    scores = query @ key.swapaxes(2, 3) * np.float64(np.float32(query.shape[3] ** -0.5))
    scores[..., np.triu(np.ones(scores.shape[2:], bool), 1)] = -np.inf
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True) @ value


def test_rotary_embedding() -> None:
    rng = np.random.default_rng(1)
    tables = [random(2, 20, 4), random(3, 20, 4)]
    positions = rng.integers(0, 20, (2, 5))
    for interleaved in (0, 1):
        judge("RotaryEmbedding", [random(1, 2, 3, 5, 8), *tables, positions], opset=23, interleaved=interleaved)
        part = {"rotary_embedding_dim": 8, "num_heads": 3, "interleaved": interleaved}
        judge("RotaryEmbedding", [random(1, 2, 5, 36), *tables, positions], opset=23, **part)
        judge("RotaryEmbedding", [random(1, 2, 5, 36), random(2, 2, 5, 4), random(3, 2, 5, 4)], opset=23, **part)


@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
@pytest.mark.parametrize("known", [0, 1])
def test_linear_attention(rule: str, known: int) -> None:
    def inputs(batch: int, length: int) -> list:
        key = random(2, batch, length, 2 * 4)
        key /= np.sqrt((key.reshape(batch, length, 2, 4) ** 2).sum(axis=-1, keepdims=True)).repeat(4, axis=-1).reshape(key.shape)
        values = [random(1, batch, length, 4 * 4), key, random(3, batch, length, 2 * 3), random(4, batch, 2, 4, 3)]
        decay = -np.abs(random(5, batch, length, 2 * 4)) if "gated" in rule else ""
        beta = 1 / (1 + np.exp(random(6, batch, length, 2))) if "delta" in rule else ""
        return [*values, decay, beta]

    also = [inputs(1, 1), inputs(3, 9)]
    judge("LinearAttention", inputs(2, 5), 2, opset=27, known=known, also=also, q_num_heads=4, kv_num_heads=2, update_rule=rule)


def modifier(name: str, nodes: list, constants: dict) -> object:
    """A graph of one input and one output, called IN and OUT in the nodes."""
    from onnx import numpy_helper

    for node in nodes:
        for names in (node.input, node.output):
            names[:] = [f"{name}_{x}" for x in names]
    edges = [helper.make_tensor_value_info(f"{name}_{x}", TensorProto.FLOAT, ["b", "h", "s", "t"]) for x in ("IN", "OUT")]
    stored = [numpy_helper.from_array(np.asarray(value, np.float32), f"{name}_{x}") for x, value in constants.items()]
    return helper.make_graph(nodes, name, edges[:1], edges[1:], stored)


@pytest.mark.parametrize("heads", [(3, 3), (4, 2)])
def test_flex_attention(heads: tuple[int, int]) -> None:
    bend = modifier("bend", [helper.make_node("Tanh", ["IN"], ["t"]), helper.make_node("Mul", ["t", "three"], ["OUT"])], {"three": 3})
    drop = modifier("drop", [helper.make_node("Mul", ["IN", "half"], ["OUT"])], {"half": 0.5})
    also = [operands(1, *heads, 1, 7)]
    preview = {"domain": "ai.onnx.preview", "opset": 26}
    judge("FlexAttention", operands(2, *heads, 4, 5), also=also, known=1, **preview)
    judge("FlexAttention", operands(2, *heads, 4, 5), also=also, scale=0.4, score_mod=bend, prob_mod=drop, **preview)
