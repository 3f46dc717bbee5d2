"""The attention operators of com.microsoft beside onnxruntime, which defines them, in the forms that its exporters write."""

from __future__ import annotations

from collections.abc import Iterator

import networks
import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

import mace

KINDS = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("float16"): TensorProto.FLOAT16}


def feeds_of(inputs: list[np.ndarray | str], constants: tuple[int, ...] = ()) -> dict[str, np.ndarray]:
    return {f"x{i}": x for i, x in enumerate(inputs) if isinstance(x, np.ndarray) and i not in constants}


def model(
    op: str, inputs: list[np.ndarray | str], constants: tuple[int, ...] = (), outputs: int = 1, dynamic: bool = False, **attributes: object
) -> bytes:
    """One node with these inputs ("": absent); those listed in `constants` are stored in the model, the others fed."""
    names = [f"x{i}" if isinstance(x, np.ndarray) else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, domain="com.microsoft", **attributes)
    feeds = feeds_of(inputs, constants)
    kinds = {name: (a.dtype.name, [f"{name}_{i}" if dynamic else d for i, d in enumerate(a.shape)]) for name, a in feeds.items()}
    floats = [x.dtype for x in inputs if isinstance(x, np.ndarray) and x.dtype.kind == "f"]
    proto = networks.model([node], kinds, results, {f"x{i}": inputs[i] for i in constants}, 17, KINDS[floats[0]])
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return proto.SerializeToString()


def answer(data: bytes, inputs: list[np.ndarray | str], constants: tuple[int, ...] = ()) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"]).run(None, feeds_of(inputs, constants))


def judge(
    op: str, inputs: list[np.ndarray | str], *, constants: tuple[int, ...] = (), outputs: int = 1, dynamic: bool = True,
    near: float = 2e-5, valid: dict[int, tuple] | None = None, **attributes: object,
) -> None:  # fmt: skip
    """Compares MACE with onnxruntime. `valid` says which part of an output is defined."""
    data = model(op, inputs, constants, outputs, dynamic, **attributes)
    want = answer(data, inputs, constants)
    got = mace.load(data)(feeds_of(inputs, constants))
    for i, value in enumerate(want):
        result = np.asarray(got[f"y{i}"])
        assert result.shape == value.shape and result.dtype == value.dtype
        part = (valid or {}).get(i, ())
        np.testing.assert_allclose(result[part], value[part], rtol=1e-4, atol=near * max(1.0, float(np.abs(value).max())))


def random(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def mask(seed: int, *shape: int) -> np.ndarray:
    """Zeros and ones; the first key is always there."""
    bits = np.random.default_rng(seed).integers(0, 2, shape).astype(np.int32)
    bits[..., 0] = 1
    return bits


B, S, HEADS, SIZE, WIDTH = 2, 5, 3, 4, 10
HIDDEN = HEADS * SIZE


# --- Attention, QAttention ---


def masks_of(batch: int, queries: int, keys: int) -> Iterator[np.ndarray | str]:
    yield ""
    yield np.array([keys - 2, keys], np.int32)[:batch]
    yield mask(1, batch, keys)
    yield mask(2, batch, queries, keys)


@pytest.mark.parametrize("form", range(4))
@pytest.mark.parametrize("unidirectional", [0, 1])
@pytest.mark.parametrize("past", [0, 3])
def test_attention(form: int, unidirectional: int, past: int) -> None:
    where = list(masks_of(B, S, S + past))[form]
    inputs = [random(1, B, S, WIDTH), random(2, WIDTH, 3 * HIDDEN), random(3, 3 * HIDDEN), where]
    if past:
        inputs += [random(4, 2, B, HEADS, past, SIZE)]
    judge(
        "Attention", inputs, constants=(1, 2), outputs=2 if past else 1, dynamic=form != 1, num_heads=HEADS, unidirectional=unidirectional
    )


def test_attention_options() -> None:
    x, weights, bias = random(1, B, S, WIDTH), random(2, WIDTH, 3 * HIDDEN), random(3, 3 * HIDDEN)
    judge("Attention", [x, weights, bias, "", "", random(4, B, HEADS, S, S)], constants=(1, 2), num_heads=HEADS, scale=0.7)
    judge("Attention", [x, weights, bias, mask(3, B, S)], constants=(1, 2), num_heads=HEADS, mask_filter_value=-2.0)
    sizes = [HIDDEN, HIDDEN, 2 * HIDDEN]
    judge("Attention", [x, random(5, WIDTH, sum(sizes)), random(6, sum(sizes))], constants=(1, 2), num_heads=HEADS, qkv_hidden_sizes=sizes)


@pytest.mark.parametrize("past", [0, 3])
@pytest.mark.parametrize("signed", [False, True])
def test_integer_attention(past: int, signed: bool) -> None:
    rng = np.random.default_rng(5)
    x = rng.integers(0, 256, (B, S, WIDTH)).astype(np.uint8)
    weights = rng.integers(-60, 60, (WIDTH, 3 * HIDDEN)).astype(np.int8)
    zero = np.int8(0)
    if not signed:
        weights, zero = (weights.astype(np.int32) + 100).astype(np.uint8), np.uint8(100)
    inputs = [x, weights, random(1, 3 * HIDDEN), np.array(0.02, np.float32), np.array(0.015, np.float32), mask(1, B, S + past)]
    inputs += [np.array(120, np.uint8), np.array(zero)]
    if past:
        inputs += [random(4, 2, B, HEADS, past, SIZE)]
    stored = (1, 2, 3, 4, 6, 7)
    judge("QAttention", inputs, constants=stored, outputs=2 if past else 1, num_heads=HEADS, unidirectional=1 if past else 0)


# --- MultiHeadAttention ---


def test_multi_head_attention() -> None:
    query, key, value = random(1, B, S, HIDDEN), random(2, B, 7, HIDDEN), random(3, B, 7, 2 * HIDDEN)
    judge("MultiHeadAttention", [query, key, value], num_heads=HEADS)
    judge("MultiHeadAttention", [query, key, value], dynamic=False, num_heads=HEADS, scale=0.3)
    bias = random(4, 4 * HIDDEN)
    judge("MultiHeadAttention", [query, key, value, bias, mask(5, B, 7)], constants=(3,), dynamic=False, num_heads=HEADS)
    judge("MultiHeadAttention", [query, key, value, "", np.array([3, 7], np.int32)], dynamic=False, num_heads=HEADS)
    judge("MultiHeadAttention", [query, key, value, "", mask(6, B, S, 7), random(7, 1, HEADS, S, 7)], num_heads=HEADS)
    square = [query, random(2, B, S, HIDDEN), random(3, B, S, HIDDEN)]
    judge("MultiHeadAttention", [*square, "", mask(5, B, S)], num_heads=HEADS, unidirectional=1)


def test_multi_head_attention_with_past() -> None:
    past = [random(4, B, HEADS, 3, SIZE), random(5, B, HEADS, 3, SIZE)]
    fresh = [random(1, B, S, HIDDEN), random(2, B, S, HIDDEN), random(3, B, S, HIDDEN)]
    judge("MultiHeadAttention", [*fresh, "", "", "", *past], outputs=3, num_heads=HEADS)
    judge("MultiHeadAttention", [*fresh, "", "", "", *past], outputs=3, num_heads=HEADS, unidirectional=1)
    bias = random(6, 3 * HIDDEN)
    inputs = [*fresh, bias, mask(5, B, S + 3), random(7, B, HEADS, S, S + 3), *past]
    judge("MultiHeadAttention", inputs, constants=(3,), outputs=3, dynamic=False, num_heads=HEADS)


def test_multi_head_attention_packed() -> None:
    """Packed operands, which onnxruntime has for GPUs only, are those that it gets one by one here."""
    query, key, value = (random(i, B, S, HEADS, SIZE) for i in (1, 2, 3))
    apart = [x.reshape(B, S, HIDDEN) for x in (query, key, value)]
    want = answer(model("MultiHeadAttention", apart, num_heads=HEADS), apart)[0]
    keys_and_values = np.stack([key, value], axis=3)
    for packed in ([np.stack([query, key, value], axis=3)], [apart[0], keys_and_values]):
        got = mace.load(model("MultiHeadAttention", packed, num_heads=HEADS))(feeds_of(packed))["y0"]
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=2e-5)


def test_multi_head_attention_of_a_cache() -> None:
    cross = [random(1, B, S, HIDDEN), random(2, B, HEADS, 7, SIZE), random(3, B, HEADS, 7, SIZE)]
    judge("MultiHeadAttention", cross, dynamic=False, num_heads=HEADS)


def test_decoder_masked_attention() -> None:
    """One token, in a buffer that is longer than what is in it; without a buffer; of the keys of an encoder."""
    token = [random(i, B, 1, HIDDEN) for i in (1, 2, 3)]
    buffers = [random(4, B, HEADS, 9, SIZE), random(5, B, HEADS, 9, SIZE)]
    used = {1: np.s_[:, :, :6], 2: np.s_[:, :, :6]}
    shared = {"num_heads": HEADS, "past_present_share_buffer": 1}
    inputs = [*token, "", "", *buffers, np.array([5], np.int32)]
    for constants in ((7,), ()):
        judge("DecoderMaskedMultiHeadAttention", inputs, constants=constants, outputs=3, dynamic=False, valid=used, **shared)
    inputs[3] = mask(6, B, 6)
    judge("DecoderMaskedMultiHeadAttention", inputs, constants=(7,), outputs=3, dynamic=False, valid=used, **shared)
    inputs[3:5] = ["", random(7, 1, HEADS, 1, 6)]
    judge("DecoderMaskedMultiHeadAttention", inputs, constants=(7,), outputs=3, dynamic=False, valid=used, **shared)
    cross = [token[0], random(4, B, HEADS, 7, SIZE), random(5, B, HEADS, 7, SIZE)]
    judge("DecoderMaskedMultiHeadAttention", cross, dynamic=False, num_heads=HEADS)


# --- GroupQueryAttention ---


def tables(rows: int, half: int) -> list[np.ndarray]:
    angles = np.arange(rows)[:, None] / 10.0 ** (np.arange(half) / half)
    return [np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)]


def grouped(
    tokens: int, past: int, *, packed: bool = False, buffer: int = 0, lengths: list[int] | None = None, kind: type = np.float32,
    extra: dict[int, np.ndarray] | None = None, rows: dict | None = None, **attributes: object,
) -> None:  # fmt: skip
    """`buffer`: the size of the caches, of which `past` rows are filled. `lengths`: keys of each sequence, if they differ."""
    heads, kv_heads, size = 4, 2, 16
    batch = 1 if tokens > 1 and past else B  # more is refused
    caches = [random(8 + i, batch, kv_heads, buffer or past, size) for i in range(2)]
    if not buffer and not past:
        caches = ["", ""]
    fresh = [random(1, batch, tokens, heads * size), *(random(i, batch, tokens, kv_heads * size) for i in (2, 3))]
    if packed:
        fresh = [np.concatenate(fresh, axis=2), "", ""]
    keys = lengths or [past + tokens] * batch
    counts = [np.array(keys, np.int32) - 1, np.array(max(keys), np.int32)]
    inputs: list = [*fresh, *caches, *counts]
    if attributes.get("do_rotary"):
        inputs += tables(64, size // 2)
    for place, array in (extra or {}).items():
        inputs += [""] * (place + 1 - len(inputs))
        inputs[place] = array
    inputs = [x.astype(kind) if isinstance(x, np.ndarray) and x.dtype.kind == "f" else x for x in inputs]
    near = 2e-5 if kind is np.float32 else 2e-3
    for constants in ((6,), ()):  # the total is known when the model is planned, or only in a run
        judge(
            "GroupQueryAttention", inputs, constants=constants, outputs=3, dynamic=False, near=near, valid=rows, num_heads=heads,
            kv_num_heads=kv_heads, **attributes,
        )  # fmt: skip


@pytest.mark.parametrize("rotary", [{}, {"do_rotary": 1}, {"do_rotary": 1, "rotary_interleaved": 1}])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("tokens", "past"), [(6, 0), (1, 7), (3, 4)])
def test_group_query_attention(tokens: int, past: int, packed: bool, rotary: dict) -> None:
    grouped(tokens, past, packed=packed, **rotary)


def test_group_query_attention_options() -> None:
    grouped(1, 7, softcap=2.0)
    grouped(6, 0, softcap=2.0, scale=0.4)
    grouped(6, 0, local_window_size=3)
    grouped(1, 9, local_window_size=4)
    grouped(1, 7, smooth_softmax=1)
    grouped(5, 0, extra={11: random(9, 4)})
    grouped(5, 0, extra={10: random(9, 1, 4, 5, 5)})


def test_group_query_attention_in_a_buffer() -> None:
    """The caches are longer than what is in them; what lies behind is not looked at."""
    used = {1: np.s_[:, :, :8], 2: np.s_[:, :, :8]}
    grouped(1, 7, buffer=12, rows=used, do_rotary=1)
    grouped(8, 0, buffer=12, rows=used, do_rotary=1)


def test_group_query_attention_of_different_lengths() -> None:
    """One new token for sequences of 8 and of 5 tokens: the new key of the second lies at 4."""
    short = {1: np.s_[:, :, :5], 2: np.s_[:, :, :5]}
    grouped(1, 7, lengths=[8, 5], buffer=10, rows=short, do_rotary=1)


def test_group_query_attention_of_halves() -> None:
    grouped(1, 7, kind=np.float16, do_rotary=1)
    grouped(6, 0, kind=np.float16)


# --- Positions ---


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_embedding(interleaved: int) -> None:
    cos, sin = tables(20, SIZE // 2)
    for positions in (np.array([4]), np.random.default_rng(1).integers(0, 20, (B, S))):
        judge("RotaryEmbedding", [random(1, B, S, HIDDEN), positions, cos, sin], constants=(2, 3), interleaved=interleaved)
        judge(
            "RotaryEmbedding", [random(1, B, HEADS, S, SIZE), positions, cos, sin], constants=(2, 3), dynamic=False, interleaved=interleaved
        )
    partial = [random(1, B, S, HEADS * 8), np.array([2]), *tables(20, SIZE // 2)]
    judge("RotaryEmbedding", partial, constants=(2, 3), dynamic=False, interleaved=interleaved, num_heads=HEADS, rotary_embedding_dim=SIZE)


def relative_bias(table: np.ndarray, queries: int, keys: int, farthest: int, bidirectional: bool) -> np.ndarray:
    """As T5 defines it; onnxruntime has the operator for GPUs only."""
    relative = np.arange(keys)[None, :] - np.arange(queries)[:, None]
    buckets, base = len(table), np.zeros_like(relative)
    if bidirectional:
        buckets //= 2
        base += (relative > 0) * buckets
        relative = np.abs(relative)
    else:
        relative = -np.minimum(relative, 0)
    exact = buckets // 2
    with np.errstate(divide="ignore"):
        far = np.log(relative.astype(np.float32) / np.float32(exact)) / np.float32(np.log(farthest / exact)) * np.float32(buckets - exact)
    far = np.minimum(exact + np.maximum(far, 0).astype(np.int64), buckets - 1)
    return table[base + np.where(relative < exact, relative, far)].transpose(2, 0, 1)[None]


@pytest.mark.parametrize("bidirectional", [0, 1])
@pytest.mark.parametrize("stored", [False, True])
def test_relative_position_bias(stored: bool, bidirectional: int) -> None:
    table = random(1, 32, HEADS)
    inputs: list = [table, np.array([150]), np.array([137])]
    constants = (0, 1, 2) if stored else (0,)
    data = model("RelativePositionBias", inputs, constants, max_distance=128, is_bidirectional=bidirectional)
    got = mace.load(data)(feeds_of(inputs, constants))["y0"]
    np.testing.assert_array_equal(got, relative_bias(table, 150, 137, 128, bool(bidirectional)))
