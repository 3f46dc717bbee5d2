"""Sequence networks whose batch and length are open: recurrent layers, a transformer encoder, a decoder with a cache of keys and values.

They are spelled as PyTorch exports them: sizes are read with Shape and Gather and put together with Concat. See make_dynamic_models.py.
"""

import numpy as np
from make_small_models import Builder
from onnx import TensorProto

WIDTH, HEADS, HEAD_SIZE, VOCABULARY, LONGEST = 32, 4, 8, 50, 64
LAYERS = 2


def random(seed):
    return np.random.default_rng(seed)


def size_of(b, x, axis):
    """One dimension of x, as a list of one."""
    return b.node("Unsqueeze", [b.node("Gather", [b.node("Shape", [x]), b.constant(np.int64(axis))], axis=0), b.ints(0)])


def linear(b, x, inputs, outputs):
    return b.node(
        "Add", [b.constant(b.random.standard_normal(outputs).astype(np.float32) * 0.1), b.node("MatMul", [x, dense(b, inputs, outputs)])]
    )


def dense(b, inputs, outputs):
    return b.constant((b.random.standard_normal((inputs, outputs)) / np.sqrt(inputs)).astype(np.float32))


# --- Recurrent layers: x [length, batch, 12] ---


def recurrent(name, op, gates, *, directions=1, **attributes):
    hidden, features = 16, 12
    b = Builder(name)
    x = b.input("x", ["length", "batch", features])
    # The initial state as PyTorch exports it: zeros of a computed size.
    state = b.node("Concat", [b.ints(directions), size_of(b, x, 1), b.ints(hidden)], axis=0)
    zeros = b.node("ConstantOfShape", [state])
    ways = {"direction": "bidirectional"} if directions == 2 else {}
    states = [zeros] * (2 if op == "LSTM" else 1)
    last = []
    for _ in range(2):
        weights = [b.weights(directions, gates * hidden, features), b.weights(directions, gates * hidden, hidden)]
        bias = b.weights(directions, 2 * gates * hidden)
        y, *ends = b.node(op, [x, *weights, bias, "", *states], outputs=1 + len(states), hidden_size=hidden, **ways, **attributes)
        last += ends
        x = b.node("Reshape", [b.node("Transpose", [y], perm=[0, 2, 1, 3]), b.ints(0, 0, -1)])
        features = directions * hidden
    b.output(linear(b, x, features, 5), ["length", "batch", 5])
    for end in last:
        b.output(end, [directions, "batch", hidden])
    return b.model()


def lstm():
    """Two layers of LSTM, a layer of weights, all final states."""
    return recurrent("lstm", "LSTM", 4)


def bidirectional_lstm():
    """The same in both directions."""
    return recurrent("bidirectional_lstm", "LSTM", 4, directions=2)


def gru():
    """Two layers of GRU as PyTorch has them (linear_before_reset)."""
    return recurrent("gru", "GRU", 3, linear_before_reset=1)


def sequence_inputs(size):
    length, batch = [(5, 1), (23, 3), (1, 2)][size]
    return {"x": random(size).standard_normal((length, batch, 12)).astype(np.float32)}


# --- Transformers ---


def normalised(b, x):
    scale = b.constant((1 + 0.1 * b.random.standard_normal(WIDTH)).astype(np.float32))
    return b.node("LayerNormalization", [x, scale, b.constant(b.random.standard_normal(WIDTH).astype(np.float32) * 0.1)], axis=-1)


def feed_forward(b, x):
    """Gelu as PyTorch's exporter spells it."""
    x = linear(b, x, WIDTH, 2 * WIDTH)
    error = b.node("Erf", [b.node("Div", [x, b.constant(np.float32(np.sqrt(2)))])])
    x = b.node("Mul", [b.node("Mul", [x, b.node("Add", [error, b.constant(np.float32(1))])]), b.constant(np.float32(0.5))])
    return linear(b, x, 2 * WIDTH, WIDTH)


def split_heads(b, x):
    """[batch, length, width] to [batch, heads, length, size]."""
    shape = b.node("Concat", [size_of(b, x, 0), size_of(b, x, 1), b.ints(HEADS), b.ints(HEAD_SIZE)], axis=0)
    return b.node("Transpose", [b.node("Reshape", [x, shape])], perm=[0, 2, 1, 3])


def merge_heads(b, x):
    x = b.node("Transpose", [x], perm=[0, 2, 1, 3])
    return b.node("Reshape", [x, b.node("Concat", [size_of(b, x, 0), size_of(b, x, 1), b.ints(WIDTH)], axis=0)])


def attend(b, query, key, value, bias):
    scores = b.node("MatMul", [query, b.node("Transpose", [key], perm=[0, 1, 3, 2])])
    scores = b.node("Add", [b.node("Div", [scores, b.constant(np.float32(np.sqrt(HEAD_SIZE)))]), bias])
    return merge_heads(b, b.node("MatMul", [b.node("Softmax", [scores], axis=-1), value]))


def embedded(b, ids, positions):
    words = b.node("Gather", [dense(b, VOCABULARY, WIDTH), ids], axis=0)
    return b.node("Add", [words, b.node("Gather", [dense(b, LONGEST, WIDTH), positions], axis=0)])


def range_of(b, first, end):
    """first .. end - 1, both lists of one."""
    scalars = [b.node("Squeeze", [x, b.ints(0)]) for x in (first, end)]
    return b.node("Range", [*scalars, b.constant(np.int64(1))])


def transformer_encoder():
    """ids and mask [batch, length] to [batch, length, width]."""
    b = Builder("transformer_encoder")
    ids, mask = (b.input(name, ["batch", "length"], TensorProto.INT64) for name in ("ids", "mask"))
    hidden = b.node("Sub", [b.constant(np.float32(1)), b.node("Cast", [mask], to=TensorProto.FLOAT)])
    bias = b.node("Mul", [b.node("Unsqueeze", [hidden, b.ints(1, 2)]), b.constant(np.float32(-10000))])
    x = embedded(b, ids, range_of(b, b.ints(0), size_of(b, ids, 1)))
    for _ in range(LAYERS):
        y = normalised(b, x)
        heads = [split_heads(b, linear(b, y, WIDTH, WIDTH)) for _ in range(3)]
        x = b.node("Add", [x, linear(b, attend(b, *heads, bias), WIDTH, WIDTH)])
        x = b.node("Add", [x, feed_forward(b, normalised(b, x))])
    b.output(normalised(b, x), ["batch", "length", WIDTH])
    return b.model()


def encoder_inputs(size):
    batch, length = [(1, 7), (3, 19), (2, 1)][size]
    rng = random(size)
    mask = np.ones((batch, length), np.int64)
    mask[-1, (length + 1) // 2 :] = 0
    return {"ids": rng.integers(0, VOCABULARY, (batch, length)), "mask": mask}


def decoder():
    """ids [batch, tokens] and the keys and values of `past` earlier tokens to logits, and keys and values of all tokens."""
    b = Builder("decoder")
    ids = b.input("ids", ["batch", "tokens"], TensorProto.INT64)
    cache = {}
    for layer in range(LAYERS):
        for what in ("key", "value"):
            cache[layer, what] = b.input(f"past_{what}_{layer}", ["batch", HEADS, "past", HEAD_SIZE])
    past, tokens = size_of(b, cache[0, "key"], 2), size_of(b, ids, 1)
    total = b.node("Add", [past, tokens])
    places = range_of(b, past, total)
    behind = b.node("Greater", [b.node("Unsqueeze", [range_of(b, b.ints(0), total), b.ints(0)]), b.node("Unsqueeze", [places, b.ints(1)])])
    bias = b.node("Where", [behind, b.constant(np.float32(-1e9)), b.constant(np.float32(0))])
    x = embedded(b, ids, places)
    presents = []
    for layer in range(LAYERS):
        y = normalised(b, x)
        query, key, value = (split_heads(b, linear(b, y, WIDTH, WIDTH)) for _ in range(3))
        key = b.node("Concat", [cache[layer, "key"], key], axis=2)
        value = b.node("Concat", [cache[layer, "value"], value], axis=2)
        presents += [(f"present_key_{layer}", key), (f"present_value_{layer}", value)]
        x = b.node("Add", [x, linear(b, attend(b, query, key, value, bias), WIDTH, WIDTH)])
        x = b.node("Add", [x, feed_forward(b, normalised(b, x))])
    logits = b.node("MatMul", [normalised(b, x), dense(b, WIDTH, VOCABULARY)])
    b.output(logits, ["batch", "tokens", VOCABULARY])
    for name, value in presents:
        b.named(value, name)
        b.output(name, ["batch", HEADS, "total", HEAD_SIZE])
    return b.model()


DECODER_STATES = [(f"present_{what}_{layer}", f"past_{what}_{layer}") for layer in range(LAYERS) for what in ("key", "value")]


def decoder_inputs(size):
    batch, tokens, past = [(1, 6, 0), (2, 1, 9), (3, 4, 17)][size]
    rng = random(size)
    feeds = {"ids": rng.integers(0, VOCABULARY, (batch, tokens))}
    for _, name in DECODER_STATES:
        feeds[name] = rng.standard_normal((batch, HEADS, past, HEAD_SIZE)).astype(np.float32)
    return feeds
