"""Models of elementwise operators."""

from __future__ import annotations

import numpy as np
from operator_cases import FLOATS, TYPES, Case, cases, numpy_type

BYTES = ("int8", "uint8")


def pair(case: Case, **arguments: object) -> tuple[int, int]:
    """Two inputs that broadcast, one of them now and then a constant."""
    a, b = case.broadcast_pair()
    return case.input(a, **arguments), case.input(b, constant=case.flip(4), **arguments)


@cases("ADD", "SUB", "MUL")
def arithmetic(case: Case, name: str) -> None:
    a, b = pair(case)
    # ADD ends the process where the factor of the output is 1 or more.
    y = case.output(scale=2.0 if case.dtype in BYTES else None)
    case.add(name, [a, b], [y], name.capitalize() + "Options", fusedActivationFunction=case.choose([0, 0, 1, 2, 3]))


@cases("MUL", types=["int16 plain", "uint32 large", "int32 large", "int64 large"])
def plain_product(case: Case, name: str) -> None:
    large = {"low": -(2**30), "high": 2**30} if case.type_name.endswith("large") else {}
    a, b = pair(case, plain=True, **large)
    case.add(name, [a, b], [case.output(plain=True)], "MulOptions")


@cases("MUL", types=["int8 tiny scale", "uint8 tiny scale", "int16 tiny scale"], models=40)
def product_of_tiny_scale(case: Case, name: str) -> None:
    """The factor is above 2^31: LiteRT shifts by the low five bits of its exponent."""
    a, b = pair(case)
    y = case.output(scale=float(np.float32(case.random.uniform(1, 2) * 2.0 ** -case.integer(25, 125))))
    case.add(name, [a, b], [y], "MulOptions", fusedActivationFunction=0)


@cases("ADD", types=["int16 plain"])
def plain_sum(case: Case, name: str) -> None:
    a, b = pair(case, plain=True, low=-1000, high=1000)
    case.add(name, [a, b], [case.output(plain=True)], name.capitalize() + "Options")


def divisor(case: Case, shape: list[int], **arguments: object) -> int:
    """No zero in it."""
    data = case.data(shape)
    kind = "int8" if case.dtype == "bool" else case.dtype
    if case.dtype in ("int8", "uint8", "int16"):
        point = case.zero_point()
        data[data == point] = point - 1 if point > 0 else point + 1
        return case.input(shape, data=data, zero_point=point, **arguments)
    data[np.abs(data.astype(float)) < 0.1] = np.array(2).astype(data.dtype) if kind != "bool" else True
    return case.input(shape, data=data, **arguments)


@cases("DIV", "FLOOR_DIV", "FLOOR_MOD")
def quotient(case: Case, name: str) -> None:
    a, b = case.broadcast_pair()
    plain = name != "DIV"
    inputs = [case.input(a, plain=plain)]
    if plain:
        data = case.data(b)
        data[np.abs(data.astype(float)) < 0.1] = np.array(1).astype(data.dtype)
        inputs.append(case.input(b, data=data, plain=True, constant=case.flip(4)))
    else:
        inputs.append(divisor(case, b, constant=case.flip(4)))
    options = {"DIV": "DivOptions", "FLOOR_DIV": "FloorDivOptions", "FLOOR_MOD": "FloorModOptions"}[name]
    case.add(name, inputs, [case.output(plain=plain)], options)


@cases("MAXIMUM", "MINIMUM")
def extremum(case: Case, name: str) -> None:
    a, b = case.broadcast_pair()
    x = case.input(a)
    case.add(name, [x, case.input_like(x, b, constant=case.flip(4))], [case.output_like(x)], "MaximumMinimumOptions", version=2)


@cases("POW")
def power(case: Case, name: str) -> None:
    a, b = case.broadcast_pair()
    x = case.input(a, low=0.1, high=4, plain=True)
    y = case.input(b, low=0 if case.dtype.startswith(("int", "uint")) else -3, high=3, plain=True)
    case.add(name, [x, y], [case.output(plain=True)], "PowOptions")


@cases("ATAN2")
def arc_tangent(case: Case, name: str) -> None:
    shape = case.shape()
    x, y = case.input(shape, plain=True), case.input(shape, plain=True)
    case.add(name, [x, y], [case.output(plain=True)], "ATan2Options")


@cases("SQUARED_DIFFERENCE")
def squared_difference(case: Case, name: str) -> None:
    a, b = pair(case)
    case.add(name, [a, b], [case.output()], "SquaredDifferenceOptions", version=2)


@cases("EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL")
def comparison(case: Case, name: str) -> None:
    options = "".join(part.capitalize() for part in name.split("_")) + "Options"
    a, b = case.broadcast_pair()
    kinds = {"scale": case.scale()} if case.dtype in ("int8", "uint8", "int16") else {}
    x = case.input(a, **kinds)
    y = case.input(b, data=case.data(b, low=-2, high=2) if not kinds else None, **kinds)
    case.add(name, [x, y], [case.output("bool")], options)


NO_SCALE = "the elements are multiplied by a scale of 0"


@cases("NOT_EQUAL", types=["int16 plain"], left_out={"int16 plain": NO_SCALE})
@cases("LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL", types=["int16 plain"])
def plain_comparison(case: Case, name: str) -> None:
    options = "".join(part.capitalize() for part in name.split("_")) + "Options"
    a, b = pair(case, plain=True, low=0, high=5)
    case.add(name, [a, b], [case.output("bool")], options)


@cases("LOGICAL_AND", "LOGICAL_OR")
def logical(case: Case, name: str) -> None:
    a, b = pair(case, plain=True)
    case.add(name, [a, b], [case.output(plain=True)], "".join(part.capitalize() for part in name.split("_")) + "Options")


@cases("BITWISE_XOR", "RIGHT_SHIFT")
def bits(case: Case, name: str) -> None:
    a, b = case.broadcast_pair()
    limits = {} if case.dtype in (*FLOATS, "bool") else {"low": np.iinfo(case.dtype).min, "high": np.iinfo(case.dtype).max}
    x = case.input(a, plain=True, **limits)
    shift = {"low": -2, "high": 34} if name == "RIGHT_SHIFT" and limits else limits
    y = case.input(b, plain=True, **shift)
    options = {"BITWISE_XOR": "BitwiseXorOptions", "RIGHT_SHIFT": "RightShiftOptions"}[name]
    case.add(name, [x, y], [case.output(plain=True)], options)


POSITIVE = ("LOG", "SQRT", "RSQRT")


@cases(
    "FLOOR",
    "CEIL",
    "ROUND",
    "SIN",
    "COS",
    "LOGICAL_NOT",
    "SQUARE",
    "SIGN",
    "ELU",
    "HARD_SWISH",
    "LOG",
    "SQRT",
    "RSQRT",
    "EXP",
    "ABS",
    "NEG",
)
def unary(case: Case, name: str) -> None:
    options = {
        "LOGICAL_NOT": "LogicalNotOptions", "SQUARE": "SquareOptions", "SIGN": "SignOptions", "HARD_SWISH": "HardSwishOptions",
        "COS": "CosOptions", "EXP": "ExpOptions", "ABS": "AbsOptions", "NEG": "NegOptions",
    }.get(name)  # fmt: skip
    positive = {"low": 0.05, "high": 9} if name in POSITIVE and case.dtype in FLOATS else {}
    if name in ("LOG", "RSQRT", "SQRT") and case.dtype in ("int8", "int16"):  # no negative value may be stored
        limits = np.iinfo(case.dtype)
        point = 0 if case.dtype == "int16" else limits.min
        x = case.input(case.shape(), low=point + 1, high=limits.max, zero_point=point)
        return case.add(name, [x], [case.output(scale=case.scale(0.02, 0.1))], options)
    plain = name in ("NEG", "SIGN", "SQUARE", "FLOOR", "CEIL", "ROUND", "SIN", "COS")
    x = case.input(case.shape(), plain=plain, **positive)
    version = {"ABS": 2, "RSQRT": 2, "EXP": 2}.get(name, 1) if case.dtype in ("int8", "int16", "int32") else 1
    case.add(name, [x], [case.output(plain=plain)], options, version=version)


@cases("ABS", "NEG", "SQUARE", types=["int16 plain", "int8 plain", "int32 large"])
def plain_unary(case: Case, name: str) -> None:
    large = {"low": -(2**31) + 1, "high": 2**31 - 1} if case.type_name.endswith("large") else {"low": -100, "high": 100}
    x = case.input(case.shape(), plain=True, **large)
    case.add(name, [x], [case.output(plain=True)], {"ABS": "AbsOptions", "NEG": "NegOptions", "SQUARE": "SquareOptions"}[name])


@cases("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")
def rectifier(case: Case, name: str) -> None:
    x = case.input(case.shape())
    case.add(name, [x], [case.output()])


@cases("LOGISTIC", "TANH")
def squashing(case: Case, name: str) -> None:
    x = case.input(case.shape())
    scale = {"int8": 1 / 256, "uint8": 1 / 256, "int16": 1 / 32768}.get(case.dtype)
    point = {"int8": -128, "uint8": 0, "int16": 0}.get(case.dtype)
    if name == "TANH":
        scale = {"int8": 1 / 128, "uint8": 1 / 128, "int16": 1 / 32768}.get(case.dtype)
        point = {"int8": 0, "uint8": 128, "int16": 0}.get(case.dtype)
    case.add(name, [x], [case.output(scale=scale, zero_point=point)])


@cases("LEAKY_RELU")
def leaky(case: Case, name: str) -> None:
    x = case.input(case.shape())
    case.add(name, [x], [case.output()], "LeakyReluOptions", alpha=float(case.random.uniform(-0.5, 1.5)))


@cases("GELU")
def gelu(case: Case, name: str) -> None:
    x = case.input(case.shape())
    case.add(name, [x], [case.output()], "GeluOptions", approximate=case.flip())


@cases("PRELU")
def prelu(case: Case, name: str) -> None:
    shape = case.shape()
    x = case.input(shape)
    alpha = case.input([1] * (len(shape) - 1) + shape[-1:], "int8" if case.dtype == "int16" else None, constant=case.flip())
    case.add(name, [x, alpha], [case.output()])


@cases("SELECT", "SELECT_V2")
def select(case: Case, name: str) -> None:
    if name == "SELECT":
        shape = case.shape()
        condition = case.input(shape[:1] if case.flip() else shape, "bool")
        x = case.input(shape)
        inputs = [condition, x, case.input_like(x)]
    else:
        a, b = case.broadcast_pair()
        condition = case.input(b if case.flip() else a, "bool")
        x = case.input(a)
        inputs = [condition, x, case.input_like(x, b)]
    y = case.output_like(x)
    shapes = [case.kinds[tensor][0] for tensor in (inputs if name == "SELECT_V2" else inputs[1:])]
    case.writer._graph.tensors[y].shape = list(np.broadcast_shapes(*shapes))  # LiteRT leaves it alone where all are alike
    case.add(name, inputs, [y], "SelectOptions" if name == "SELECT" else "SelectV2Options")


@cases("ADD_N")
def add_n(case: Case, name: str) -> None:
    x = case.input(case.shape())
    others = [case.input_like(x) for _ in range(case.integer(1, 3))]
    case.add(name, [x, *others], [case.output_like(x)], "AddNOptions")


@cases("CAST", types=[f"{a} to {b}" for a in TYPES for b in TYPES if a != b], models=3)
def cast(case: Case, name: str) -> None:
    target = case.type_name.split()[2]
    low, high = (0, 100) if target.startswith("u") else (-100, 100)
    shape = case.shape()
    x = case.input(shape, plain=True, low=low, high=high)
    fields = {"inDataType": case.writer._graph.tensors[x].type, "outDataType": case.writer._graph.tensors[0].type}
    y = case.output(target, plain=True)
    fields["outDataType"] = case.writer._graph.tensors[y].type
    case.add(name, [x], [y], "CastOptions", **fields)


@cases("CAST", models=2)
def same_cast(case: Case, name: str) -> None:
    x = case.input(case.shape(), plain=True)
    y = case.output(plain=True)
    number = case.writer._graph.tensors[x].type
    case.add(name, [x], [y], "CastOptions", inDataType=number, outDataType=number)


@cases("BITCAST", types=[*TYPES, *[f"{a} as {b}" for a in TYPES for b in TYPES if a != b and "bool" not in (a, b)]], models=3)
def bitcast(case: Case, name: str) -> None:
    words = case.type_name.split()
    target = words[-1]
    shape = case.shape(ranks=(2, 3))
    ratio = numpy_type(target).itemsize // numpy_type(case.dtype).itemsize
    if ratio > 1:
        shape[-1] = ratio
    x = case.input(shape, plain=True)
    y = case.output(target, plain=True)
    if ratio > 1:
        shape = shape[:-1]
    elif ratio == 0:
        shape = [*shape, numpy_type(case.dtype).itemsize // numpy_type(target).itemsize]
    case.writer._graph.tensors[y].shape = shape
    case.add(name, [x], [y], "BitcastOptions")


@cases(
    "QUANTIZE",
    types=[
        f"{a} to {b}"
        for a in ("float32", "float16", "int8", "uint8", "int16", "int32")
        for b in ("int8", "uint8", "int16", "int32", "float16")
    ],
)
def quantize(case: Case, name: str) -> None:
    target = case.type_name.split()[2]
    arguments = {"scale": case.scale()} if case.dtype == "int32" else {}
    if case.dtype == "int32":
        arguments["zero_point"] = 0
    x = case.input(case.shape(), **arguments)
    scale, point = (case.scale(), 0) if target == "int32" else (None, None)
    case.add(name, [x], [case.output(target, scale=scale, zero_point=point)], "QuantizeOptions")


@cases("QUANTIZE", types=["float32 to int4"])
def quantize_nibbles(case: Case, name: str) -> None:
    x = case.input(case.shape())
    case.add(name, [x], [case._tensor([], "int4", case.scale(), case.integer(-8, 7))], "QuantizeOptions", version=4)


@cases("QUANTIZE", types=["float32 to int8 per channel", "float32 to int16 per channel", "float32 to uint8 per channel"])
def quantize_channels(case: Case, name: str) -> None:
    shape = case.shape(ranks=(2, 4))
    x = case.input(shape)
    axis = case.integer(0, len(shape) - 1)
    scales = [case.scale() for _ in range(shape[axis])]
    target = case.type_name.split()[2]
    y = case._tensor([], target, scales, [0] * len(scales), None, axis)
    case.writer._graph.tensors[y].shape = shape
    case.add(name, [x], [y], "QuantizeOptions")


@cases("DEQUANTIZE", types=["int8", "uint8", "int16", "int32", "float16", "float32", "bfloat16", "int64", "uint16"])
def dequantize(case: Case, name: str) -> None:
    arguments = {} if case.dtype in FLOATS else {"scale": case.scale(), "zero_point": None if case.dtype in (*BYTES, "int16") else 0}
    x = case.input(case.shape(), **arguments)
    case.add(name, [x], [case.output("float32")], "DequantizeOptions")


@cases("DEQUANTIZE", types=["int8 per channel", "uint8 per channel", "int16 per channel", "int4", "int4 per channel", "int32 per channel"])
def dequantize_channels(case: Case, name: str) -> None:
    shape = case.shape(ranks=(2, 4))
    axis = case.integer(0, len(shape) - 1)
    count = shape[axis] if case.type_name.endswith("channel") else 1
    scales = [case.scale() for _ in range(count)]
    points = [0] * count if case.dtype not in BYTES else [case.zero_point() for _ in range(count)]
    if case.dtype == "int4":
        x = case._tensor(shape, "int4", scales, points, case.data(shape, "int4"), axis)
        extra = case.input(shape, "float32")  # LiteRT folds what has constants only
        y = case._tensor([], "float32", None, 0)
        z = case._tensor([], "float32", None, 0)
        case.writer.add_operator(name, [x], [y], "DequantizeOptions", version=6)
        case.writer.add_operator("ADD", [y, extra], [z], "AddOptions")
        case.outputs.append(z)
        return
    x = case._tensor(shape, case.dtype, scales, points, None, axis)
    case.inputs.append(x)
    case.feeds.append(case.data(shape))
    case.add(name, [x], [case.output("float32")], "DequantizeOptions", version=5)


@cases("FAKE_QUANT", left_out=dict.fromkeys(TYPES[1:], "elements of every type are read as float32"))
def fake_quant(case: Case, name: str) -> None:
    x = case.input(case.shape())
    low = float(case.random.uniform(-6, 0))
    fields = {"min": low, "max": low + float(case.random.uniform(1, 9)), "numBits": case.choose([8, 8, 4, 16]), "narrowRange": case.flip()}
    case.add(name, [x], [case.output()], "FakeQuantOptions", **fields)
