"""Layers for random graphs: reductions, norms, losses, products, recurrent layers, attention, random numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from graph_builder import RandomGraph, Value
from graph_movement import int64s
from onnx import TensorProto

OPERATORS: dict[str, Callable[[RandomGraph], object]] = {}


def operator(name: str):
    def register(function):
        OPERATORS[name] = function
        return function

    return register


def reduction(name: str):
    def draw(g: RandomGraph) -> None:
        low, high = {"ReduceLogSum": (0.2, 4), "ReduceProd": (-1.5, 1.5)}.get(name, (-9, 9))
        if name in ("ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceMean") and g.flag(5):
            x = g.value(g.choice(("int32", "int64", "float64")))
        else:
            x = g.within(low, high)
        axes = [a - x.rank if g.flag(3) else a for a in range(x.rank) if g.flag()]
        operand = g.operand(int64s(*axes)) if axes else None
        g.add(name, [x, operand], keepdims=g.integer(0, 1), noop_with_empty_axes=0 if axes else g.choice((None, 0)))

    return draw


for _name in ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"):
    OPERATORS["Reduce" + _name] = reduction("Reduce" + _name)


def along(name: str, **drawn: tuple):
    def draw(g: RandomGraph) -> None:
        x = g.value(least_rank=1)
        g.add(name, [x], axis=g.integer(-x.rank, x.rank - 1), **{key: g.choice(values) for key, values in drawn.items()})

    return draw


for _name in ("Softmax", "LogSoftmax", "Hardmax"):
    OPERATORS[_name] = along(_name)
OPERATORS["LpNormalization"] = along("LpNormalization", p=(1, 2))


def cumulative(name: str, opset: int):
    def draw(g: RandomGraph) -> None:
        x = g.within(-2, 2, least_rank=1) if g.flag() else g.value("int64", least_rank=1)
        axis = g.operand(np.int64(g.integer(-x.rank, x.rank - 1)))
        g.add(name, [x, axis], opset=opset, exclusive=g.integer(0, 1), reverse=g.integer(0, 1))

    return draw


OPERATORS["CumSum"] = cumulative("CumSum", 14)
OPERATORS["CumProd"] = cumulative("CumProd", 26)


@operator("MeanVarianceNormalization")
def mean_variance_normalization(g: RandomGraph) -> None:
    g.add("MeanVarianceNormalization", [g.value(rank=4)])


def vector(g: RandomGraph, shape, low: float = 0.5, high: float = 2) -> Value:
    """Weights: a constant, or an input of fixed size."""
    if g.integer(0, 2):
        return g.constant(g.array(shape, low=low, high=high))
    fresh = g.input(shape, low=low, high=high)
    g.fixed.add(fresh.name)
    return fresh


@operator("LayerNormalization")
def layer_normalization(g: RandomGraph) -> None:
    x = g.value(least_rank=2)
    axis = g.integer(0, x.rank - 1)
    parameters = [vector(g, x.shape[axis:]) for _ in range(g.integer(1, 2))]
    g.add("LayerNormalization", [x, *parameters], outputs=g.choice((1, 1, 3)), axis=axis, epsilon=1e-2)


@operator("RMSNormalization")
def rms_normalization(g: RandomGraph) -> None:
    x = g.value(least_rank=2)
    axis = g.integer(0, x.rank - 1)
    g.add("RMSNormalization", [x, vector(g, x.shape[axis:])], opset=23, axis=axis, epsilon=1e-2)


@operator("GroupNormalization")
def group_normalization(g: RandomGraph) -> None:
    groups = g.integer(1, 3)
    x = g.value(shape=(g.integer(1, 2), groups * g.integer(1, 2), *g.shape(g.integer(1, 2))))
    g.add("GroupNormalization", [x, vector(g, x.shape[1:2]), vector(g, x.shape[1:2])], num_groups=groups, epsilon=1e-2)


@operator("InstanceNormalization")
def instance_normalization(g: RandomGraph) -> None:
    x = g.value(least_rank=3)
    g.add("InstanceNormalization", [x, vector(g, x.shape[1:2]), vector(g, x.shape[1:2])], epsilon=1e-2)


@operator("BatchNormalization")
def batch_normalization(g: RandomGraph) -> None:
    x = g.value(least_rank=2)
    g.add("BatchNormalization", [x, *(vector(g, x.shape[1:2]) for _ in range(4))])


@operator("LRN")
def lrn(g: RandomGraph) -> None:
    g.add("LRN", [g.value(rank=4)], size=g.choice((1, 3, 5)), alpha=0.01, bias=g.choice((1.0, 2.0)))


def loss(name: str):
    def draw(g: RandomGraph) -> None:
        classes = g.integer(2, 5)
        extra = g.shape(g.integer(0, 2), high=4)
        batch = g.integer(1, 4)
        x = g.within(-9, 9, shape=(batch, classes, *extra))
        if x.name in g.inputs:
            g.fixed.add(x.name)  # the judge takes more classes than there are weights
        target = g.operand(g.array((batch, *extra), "int64", 0, classes - 1))
        weights = vector(g, (classes,)) if g.flag() else None
        reduce = g.choice(("mean", "sum", "none"))
        outputs = g.integer(1, 2) if name == "SoftmaxCrossEntropyLoss" else 1
        g.add(name, [x, target, weights], outputs=outputs, reduction=reduce, ignore_index=g.choice((None, 0)) if reduce != "mean" else None)

    return draw


OPERATORS["NegativeLogLikelihoodLoss"] = loss("NegativeLogLikelihoodLoss")
OPERATORS["SoftmaxCrossEntropyLoss"] = loss("SoftmaxCrossEntropyLoss")


@operator("MatMul")
def matmul(g: RandomGraph) -> None:
    kind = g.choice(("float32", "float32", "float32", "float64", "int32"))
    x = g.value(kind, least_rank=1)
    depth = x.shape[-1]
    shape = g.choice(((depth,), (depth, g.integer(1, 6)), (*(1 if g.flag() else d for d in x.shape[:-2]), depth, g.integer(1, 6))))
    y = g.constant(g.array(shape, kind, -1, 1)) if g.flag() else g.input(shape, kind, -1, 1)
    g.add("MatMul", [x, y])


@operator("Gemm")
def gemm(g: RandomGraph) -> None:
    x = g.value(rank=2)
    trans_a, trans_b = g.integer(0, 1), g.integer(0, 1)
    m, k = x.shape[::-1] if trans_a else x.shape
    n = g.integer(1, 6)
    b = vector(g, (n, k) if trans_b else (k, n), -1, 1)
    c = vector(g, g.choice(((n,), (m, n), (1, n), (m, 1), ())), -1, 1) if g.flag() else None
    g.add("Gemm", [x, b, c], transA=trans_a, transB=trans_b, alpha=g.choice((None, 0.5)), beta=g.choice((None, 2.0)))


@operator("Einsum")
def einsum(g: RandomGraph) -> None:
    a, b, c, d = (g.integer(1, 4) for _ in range(4))
    equation, shapes = g.choice((
        ("ij,jk->ik", ((a, b), (b, c))), ("bij,bjk->bik", ((d, a, b), (d, b, c))), ("ij->ji", ((a, b),)), ("ij->i", ((a, b),)),
        ("bhid,bhjd->bhij", ((a, b, c, d), (a, b, 3, d))), ("i,i->", ((a,), (a,))), ("ii->i", ((a, a),)),
        ("...i,i->...", ((a, b, c), (c,))),
        ("ij,jk", ((a, b), (b, c))), ("i,j->ij", ((a,), (b,))), ("bij,jk->bik", ((a, b, c), (c, d))), ("ijk->", ((a, b, c),)),
    ))  # fmt: skip
    g.add("Einsum", [g.within(-4, 4, shape=shape) for shape in shapes], equation=equation)


@operator("Det")
def det(g: RandomGraph) -> None:
    n = g.integer(1, 3)
    g.add("Det", [g.within(-2, 2, shape=(*g.shape(g.integer(0, 2), high=3), n, n))])


def recurrent(name: str, gates: int):
    def draw(g: RandomGraph) -> None:
        steps, batch, width, hidden = g.integer(1, 5), g.integer(1, 3), g.integer(1, 5), g.integer(1, 6)
        direction = g.choice(("forward", "reverse", "bidirectional"))
        count = 2 if direction == "bidirectional" else 1
        x = g.within(-4, 4, shape=(steps, batch, width))
        weights = [vector(g, (count, gates * hidden, width), -0.5, 0.5), vector(g, (count, gates * hidden, hidden), -0.5, 0.5)]
        bias = vector(g, (count, 2 * gates * hidden), -0.5, 0.5) if g.flag() else None
        state = g.input((count, batch, hidden), low=-1, high=1) if g.flag() else None
        inputs = [x, *weights, bias, None, state]
        attributes = {"linear_before_reset": g.integer(0, 1)} if name == "GRU" else {}
        if name == "LSTM":
            inputs += [g.input((count, batch, hidden), low=-1, high=1) if g.flag() else None]
            inputs += [vector(g, (count, 3 * hidden), -0.5, 0.5) if g.flag(3) else None]
        outputs = [True, g.flag(), *([g.flag()] if name == "LSTM" else [])]
        g.add(name, inputs, outputs, hidden_size=hidden, direction=direction, **attributes)

    return draw


OPERATORS["RNN"] = recurrent("RNN", 1)
OPERATORS["GRU"] = recurrent("GRU", 3)
OPERATORS["LSTM"] = recurrent("LSTM", 4)


@operator("Attention")
def attention(g: RandomGraph) -> None:
    batch, heads, group, q, k, width, values = (g.integer(1, 3) for _ in range(7))
    query = g.within(-3, 3, shape=(batch, heads * group, q, width))
    key, value = g.within(-3, 3, shape=(batch, heads, k, width)), g.within(-3, 3, shape=(batch, heads, k, values))
    mask = vector(g, (q, k), -1, 1) if g.flag() else None
    attributes = {
        "is_causal": g.integer(0, 1) if q <= k and mask is None else 0,
        "softcap": g.choice((None, 2.0)),
        "scale": g.choice((None, 0.3)),
    }
    g.add("Attention", [query, key, value, mask], opset=23, **attributes)


@operator("LinearAttention")
def linear_attention(g: RandomGraph) -> None:
    batch, heads, steps, width = (g.integer(1, 3) for _ in range(4))
    q, k, v = (g.within(-1, 1, shape=(batch, steps, heads * width)) for _ in range(3))
    g.add("LinearAttention", [q, k, v], outputs=2, opset=27, q_num_heads=heads, kv_num_heads=heads, update_rule="linear", scale=0.5)


@operator("RotaryEmbedding")
def rotary_embedding(g: RandomGraph) -> None:
    batch, heads, steps, half = (g.integer(1, 3) for _ in range(4))
    x = g.value(shape=(batch, heads, steps, 2 * half))
    caches = [vector(g, (8, half), -1, 1) for _ in range(2)]
    g.add("RotaryEmbedding", [x, *caches, g.operand(g.array((batch, steps), "int64", 0, 7))], opset=23, interleaved=g.integer(0, 1))


def random_numbers(name: str):
    """Their values cannot be compared: what reads them makes them 0, or only asks for their shape."""

    def draw(g: RandomGraph) -> None:
        x = g.value("float32")
        if name in ("RandomNormal", "RandomUniform"):
            (numbers,) = g.add(name, [], is_random=True, shape=[2, g.integer(1, 4)], seed=3.0)
        elif name in ("RandomNormalLike", "RandomUniformLike"):
            (numbers,) = g.add(name, [x], is_random=True, dtype=TensorProto.FLOAT)
        elif name == "Bernoulli":
            x = g.within(0, 1)
            (numbers,) = g.add(name, [x], is_random=True, dtype=TensorProto.FLOAT)
        else:
            logits = g.within(-2, 2, shape=(g.integer(1, 3), g.integer(2, 5)))
            (numbers,) = g.add(name, [logits], is_random=True, sample_size=g.integer(1, 4), dtype=TensorProto.INT32)
        g.add("Mul", [numbers, g.constant(np.zeros((), numbers.kind))])

    return draw


for _name in ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial"):
    OPERATORS[_name] = random_numbers(_name)
