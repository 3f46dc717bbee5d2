"""Elementwise operators, casts and quantization for random graphs: a function an operator, listed in OPERATORS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from graph_builder import RandomGraph, Value
from onnx import TensorProto

OPERATORS: dict[str, Callable[[RandomGraph], object]] = {}

# float32 in, float32 out, any element between these bounds; attributes that are drawn.
UNARY = {
    "Abs": (-9, 9), "Acos": (-0.9, 0.9), "Acosh": (1.1, 9), "Asin": (-0.9, 0.9), "Asinh": (-9, 9), "Atan": (-9, 9), "Atanh": (-0.9, 0.9),
    "Ceil": (-9, 9), "Cos": (-9, 9), "Cosh": (-4, 4), "Elu": (-9, 9), "Erf": (-4, 4), "Exp": (-4, 4), "Floor": (-9, 9),
    "HardSigmoid": (-9, 9),
    "HardSwish": (-9, 9), "LeakyRelu": (-9, 9), "Log": (0.1, 9), "Mish": (-9, 9), "Neg": (-9, 9), "Reciprocal": (0.2, 9), "Relu": (-9, 9),
    "Round": (-9, 9), "Selu": (-9, 9), "Sigmoid": (-9, 9), "Sign": (-9, 9), "Sin": (-9, 9), "Sinh": (-4, 4), "Softplus": (-9, 9),
    "Softsign": (-9, 9), "Sqrt": (0.05, 9), "Tan": (-1.2, 1.2), "Tanh": (-9, 9), "ThresholdedRelu": (-9, 9), "Celu": (-9, 9),
}  # fmt: skip
ALPHA = {"Elu", "LeakyRelu", "ThresholdedRelu", "Celu"}
INTEGER_UNARY = {"Abs", "Neg", "Sign", "Relu"}
DOUBLE_UNARY = {"Abs", "Neg", "Sign", "Exp", "Sqrt", "Floor", "Ceil", "Sigmoid", "Tanh", "Relu", "Erf", "Round"}
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def operator(name: str):
    def register(function):
        OPERATORS[name] = function
        return function

    return register


def broadcastable(g: RandomGraph, x: Value, low: float = -4, high: float = 4, kind: str | None = None) -> Value:
    """Something of a shape that broadcasts with that of `x`: one of the values, or new."""
    shape = tuple(d if g.flag() else 1 for d in x.shape)[g.integer(0, x.rank) :]
    if g.flag(3):
        shape = x.shape
    kind = kind or x.kind
    for other in reversed(g.values.values()):
        if other.name in g.unpredictable:
            continue
        inside = other.wide.size and other.kind == kind and other.wide.min() >= low and other.wide.max() <= high
        if inside and other.shape == shape and g.flag():
            return other
    array = g.array(shape, kind, low, high)
    if g.flag():
        return g.constant(array)
    return g.input(shape, kind, low, high)


def unary(name: str, low: float, high: float):
    def draw(g: RandomGraph) -> None:
        if name in INTEGER_UNARY and g.flag(4):
            g.add(name, [g.value(g.choice(("int8", "int32", "int64")))])
        elif name in DOUBLE_UNARY and g.flag(4):
            g.add(name, [g.input(g.shape(), "float64", max(low, 0.1) if name == "Sqrt" else low, high)])
        else:
            g.add(name, [g.within(low, high)], **({"alpha": g.choice((0.1, 0.5, 1.0, 1.5))} if name in ALPHA else {}))

    return draw


for _name, (_low, _high) in UNARY.items():
    OPERATORS[_name] = unary(_name, _low, _high)


@operator("Gelu")
def gelu(g: RandomGraph) -> None:
    g.add("Gelu", [g.value()], approximate=g.choice((None, "tanh", "none")))


@operator("Swish")
def swish(g: RandomGraph) -> None:
    g.add("Swish", [g.value()], opset=24, alpha=g.choice((None, 0.5, 2.0)))


@operator("SwiGLU")
def swiglu(g: RandomGraph) -> None:
    x = g.value()
    g.add("SwiGLU", [x, g.value(shape=x.shape)], opset=28, alpha=g.choice((None, 0.5)))


@operator("Shrink")
def shrink(g: RandomGraph) -> None:
    g.add("Shrink", [g.value()], bias=g.choice((0.0, 0.5)), lambd=g.choice((0.5, 1.5)))


@operator("Clip")
def clip(g: RandomGraph) -> None:
    kind = g.choice(("float32", "float32", "int64", "int8", "float64"))
    low = g.integer(-3, 2)
    bounds = [g.operand(np.dtype(kind).type(low)) if g.flag() else None, g.operand(np.dtype(kind).type(low + g.integer(0, 4)))]
    g.add("Clip", [g.value(kind), *bounds])


@operator("IsNaN")
def is_nan(g: RandomGraph) -> None:
    g.add("IsNaN", [g.value()])


@operator("IsInf")
def is_inf(g: RandomGraph) -> None:
    x = g.value(where=lambda v: np.array_equal(v.wide, v.narrow))
    g.add("IsInf", [x], detect_negative=g.integer(0, 1), detect_positive=g.integer(0, 1))


@operator("Identity")
def identity(g: RandomGraph) -> None:
    g.add("Identity", [g.value(g.choice(("float32", "int64", "bool", "float64")))])


@operator("Dropout")
def dropout(g: RandomGraph) -> None:
    g.add("Dropout", [g.value(), g.operand(np.float32(0.5))], outputs=g.integer(1, 2))


@operator("Not")
def not_(g: RandomGraph) -> None:
    g.add("Not", [g.value("bool")])


@operator("BitwiseNot")
def bitwise_not(g: RandomGraph) -> None:
    g.add("BitwiseNot", [g.value(g.choice(INTEGERS), low=-100, high=100)])


def binary(name: str, kinds: tuple[str, ...], low: float = -4, high: float = 4, **drawn: tuple):
    def draw(g: RandomGraph) -> None:
        kind = g.choice(kinds)
        x = g.value(kind)
        y = broadcastable(g, x, low, high)
        pair = [y, x] if g.flag(3) and name not in ("Div", "Mod", "Pow", "BitShift", "PRelu") else [x, y]
        g.add(name, pair, **{key: g.choice(values) for key, values in drawn.items()})

    return draw


FLOATS_AND_INTEGERS = ("float32", "float32", "float32", "float64", "int32", "int64", "int8", "uint8")
for _name in ("Add", "Sub", "Mul"):
    OPERATORS[_name] = binary(_name, FLOATS_AND_INTEGERS)
for _name in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual"):
    OPERATORS[_name] = binary(_name, ("float32", "float32", "int64", "int32", "uint8", "float64"))
for _name in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
    OPERATORS[_name] = binary(_name, INTEGERS, -100, 100)
for _name in ("And", "Or", "Xor"):
    OPERATORS[_name] = binary(_name, ("bool",))
OPERATORS["Div"] = binary("Div", ("float32", "float32", "float64", "int32", "int64"), 1, 6)
OPERATORS["PRelu"] = binary("PRelu", ("float32", "float32", "float64"))
OPERATORS["BitShift"] = binary("BitShift", ("uint8", "uint32", "uint64", "uint16"), 0, 7, direction=("LEFT", "RIGHT"))


@operator("Mod")
def mod(g: RandomGraph) -> None:
    if g.flag():
        x = g.value(g.choice(("int32", "int64", "int8")))
        g.add("Mod", [x, broadcastable(g, x, 1, 5)], fmod=g.integer(0, 1))
    else:
        x = g.input(g.shape())
        g.add("Mod", [x, broadcastable(g, x, 1, 5)], fmod=1)


@operator("Pow")
def power(g: RandomGraph) -> None:
    x = g.within(0.3, 4)
    kind = g.choice(("float32", "float32", "int64", "int32"))
    g.add("Pow", [x, broadcastable(g, x, -2, 3, kind=kind)])


def variadic(name: str, kinds: tuple[str, ...]):
    def draw(g: RandomGraph) -> None:
        x = g.value(g.choice(kinds))
        g.add(name, [x, *(broadcastable(g, x) for _ in range(g.integer(0, 3)))])

    return draw


for _name in ("Sum", "Mean"):
    OPERATORS[_name] = variadic(_name, ("float32", "float32", "float64"))
for _name in ("Max", "Min"):
    OPERATORS[_name] = variadic(_name, ("float32", "float32", "float64", "int32", "int64", "uint8"))


@operator("Where")
def where(g: RandomGraph) -> None:
    x = g.value(g.choice(("float32", "float32", "int64", "bool")))
    condition = broadcastable(g, x, kind="bool")
    g.add("Where", [condition, x, broadcastable(g, x)] if g.flag() else [condition, broadcastable(g, x), x])


CAST_TYPES = (
    TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64,
    TensorProto.UINT8, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64, TensorProto.BOOL,
)  # fmt: skip


@operator("Cast")
def cast(g: RandomGraph) -> None:
    kind = g.choice(("float32", "float32", "int64", "bool", "uint8", "float64", "float16"))
    x = g.within(0, 4) if kind == "float32" else g.value(kind, low=0, high=4, where=lambda v: v.wide.min(initial=0) >= 0)  # else undefined
    g.add("Cast", [x], to=g.choice(CAST_TYPES))


@operator("CastLike")
def cast_like(g: RandomGraph) -> None:
    kind = g.choice(("float32", "int64", "bool", "uint8"))
    x = g.within(0, 4) if kind == "float32" else g.value(kind, low=0, high=4, where=lambda v: v.wide.min(initial=0) >= 0)
    g.add("CastLike", [x, g.constant(g.array((2,), g.choice(("float32", "float64", "int32", "uint8", "bool"))))])


@operator("BitCast")
def bit_cast(g: RandomGraph) -> None:
    kind, to = g.choice(
        (("int32", TensorProto.UINT32), ("uint8", TensorProto.INT8), ("int64", TensorProto.UINT64), ("uint16", TensorProto.INT16))
    )
    g.add("BitCast", [g.value(kind)], opset=26, to=to)


@operator("QuantizeLinear")
def quantize_linear(g: RandomGraph) -> None:
    x = g.value(least_rank=1, where=lambda v: np.array_equal(v.wide, v.narrow))
    axis = g.integer(0, x.rank - 1)
    count = x.shape[axis] if g.flag() else None
    scale = g.array((count,) if count else (), low=0.02, high=0.1)
    zero_point = g.array(scale.shape, g.choice(("uint8", "int8")), 0, 100)
    g.add("QuantizeLinear", [x, g.operand(scale), g.operand(zero_point) if g.flag(3) else g.constant(zero_point)], axis=axis)


@operator("DequantizeLinear")
def dequantize_linear(g: RandomGraph) -> None:
    x = g.value(g.choice(("uint8", "int8", "int32")), least_rank=1, low=0, high=100)
    axis = g.integer(0, x.rank - 1)
    shape = (x.shape[axis],) if g.flag() else ()
    zero_point = None if x.kind == "int32" or g.flag(4) else g.operand(g.array(shape, x.kind, 0, 100))
    g.add("DequantizeLinear", [x, g.operand(g.array(shape, low=0.01, high=0.1)), zero_point], axis=axis)


@operator("DynamicQuantizeLinear")
def dynamic_quantize_linear(g: RandomGraph) -> None:
    g.add("DynamicQuantizeLinear", [g.input(g.shape(g.integer(1, 3)))], outputs=3)


@operator("MatMulInteger")
def matmul_integer(g: RandomGraph) -> None:
    kinds = g.choice((("uint8", "int8"), ("uint8", "uint8"), ("int8", "int8"), ("int8", "uint8")))
    x = g.value(kinds[0], least_rank=2, low=0, high=100)
    n = g.integer(1, 6)
    y = g.constant(g.array((x.shape[-1], n), kinds[1], -100, 100)) if g.flag() else g.input((x.shape[-1], n), kinds[1], -100, 100)
    zeros = [g.operand(g.array((), kind, 0, 9)) if g.flag() else None for kind in kinds]
    g.add("MatMulInteger", [x, y, *zeros])


@operator("QLinearMatMul")
def qlinear_matmul(g: RandomGraph) -> None:
    x = g.value("uint8", least_rank=2, low=0, high=100)
    y = g.constant(g.array((x.shape[-1], g.integer(1, 6)), "uint8", 0, 100))
    params = [g.operand(np.float32(0.02)), g.operand(np.uint8(g.integer(0, 9)))]
    g.add("QLinearMatMul", [x, *params, y, *params, g.operand(np.float32(0.37)), g.operand(np.uint8(3))])


@operator("QLinearConv")
def qlinear_conv(g: RandomGraph) -> None:
    x = g.input((g.integer(1, 2), g.integer(1, 4), g.integer(3, 6), g.integer(3, 6)), "uint8", 0, 100)
    w = g.constant(g.array((g.integer(1, 5), x.shape[1], 2, 3), "uint8", 0, 100))
    params = [g.operand(np.float32(0.02)), g.operand(np.uint8(g.integer(0, 9)))]
    g.add("QLinearConv", [x, *params, w, *params, g.operand(np.float32(0.37)), g.operand(np.uint8(3))], pads=[0, 1, 1, 1])


@operator("ConvInteger")
def conv_integer(g: RandomGraph) -> None:
    x = g.input((g.integer(1, 2), g.integer(1, 4), g.integer(3, 6), g.integer(3, 6)), "uint8", 0, 100)
    w = g.constant(g.array((g.integer(1, 5), x.shape[1], 2, 3), "uint8", 0, 100))
    g.add("ConvInteger", [x, w, g.operand(np.uint8(g.integer(0, 9)))], strides=[1, g.integer(1, 2)])
