"""Quantized elementwise operators of TensorFlow Lite with random shapes, scales and data: the bytes of LiteRT's reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_cases import WORDS, Case, run_cases

ACTIVATIONS = [0, 0, 0, 1, 2, 3]  # none, RELU, RELU_N1_TO_1, RELU6


def broadcast_pair(case: Case) -> tuple[list[int], list[int]]:
    """Two shapes that broadcast: axes of size 1, missing axes, sometimes an empty axis."""
    shape = case.shape()
    if case.integer(0, 11) == 0:
        shape[case.integer(0, len(shape) - 1)] = 0
    kind = case.integer(0, 4)
    if kind <= 1:
        return shape, list(shape)
    other = [1 if case.integer(0, 2) == 0 else d for d in shape]
    if kind == 2:
        other = other[case.integer(0, len(other)) :]
    else:
        shape = [1 if case.integer(0, 3) == 0 else d for d in shape]
    return (shape, other) if case.integer(0, 1) == 0 else (other, shape)


def two_inputs(
    case: Case,
    dtype: str,
    scales: tuple[float, float] | None = None,
    zero_points: tuple[int, int] | None = None,
    broadcast: bool = True,
) -> list[int]:
    shapes = broadcast_pair(case) if broadcast else [case.shape()] * 2
    constant = case.integer(0, 3)  # operand 0 or 1 is a constant
    tensors = []
    for i in range(2):
        scale = case.scale() if scales is None else scales[i]
        zero_point = case.zero_point(dtype) if zero_points is None else zero_points[i]
        if constant == i and 0 not in shapes[i]:
            tensors.append(case.writer.add_constant(case.data(shapes[i], dtype), [scale], [zero_point]))
        else:
            tensors.append(case.input(shapes[i], dtype, scale, zero_point))
    return tensors


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["ADD", "SUB"])
def test_sum(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        a, b = case.scale(1e-3, 1e2), case.scale(1e-3, 1e2)
        if case.integer(0, 4) == 0:
            b = a
        # ADD ends the process where the factor of the output is 1 or more.
        lowest = 2 * max(a, b) * 2.0 ** -(15 if dtype == "int16" else 20) * 1.001
        y = max(lowest, case.scale(1e-3, 1e3) if case.integer(0, 5) > 0 else case.scale(lowest, 2 * lowest))
        power_of_two = case.integer(0, 1) == 1
        if power_of_two and dtype == "int16":
            exponent = case.integer(-12, 2)
            y = 2.0**exponent
            a, b = (y, 2.0 ** (exponent - case.integer(0, 9)))
            if case.integer(0, 1):
                a, b = b, a
            if case.integer(0, 3) == 0:
                a *= 1.0003
        zeros = (
            (0, 0, 0)
            if dtype == "int16" and (power_of_two or operator == "SUB")
            else tuple(case.zero_point(dtype, False) for _ in range(3))
        )
        inputs = two_inputs(
            case, dtype, (a, b), zeros[:2], broadcast=not (dtype == "int16" and power_of_two)
        )  # not there: it ends the process
        output = case.output(dtype, y, zeros[2])
        case.writer.add_operator(
            operator,
            inputs,
            [output],
            operator.capitalize() + "Options",
            fusedActivationFunction=case.choose(ACTIVATIONS),
            potScaleInt16=power_of_two,
        )
        return [output]

    run_cases(f"{operator} {dtype}", build, accepted=0.3)


@pytest.mark.parametrize("dtype", WORDS)
def test_product(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        inputs = two_inputs(case, dtype)
        output = case.output(dtype, case.scale(1e-4, 1e3))
        case.writer.add_operator("MUL", inputs, [output], "MulOptions", fusedActivationFunction=case.choose(ACTIVATIONS))
        return [output]

    run_cases(f"MUL {dtype}", build)


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["MAXIMUM", "MINIMUM"])
def test_extremum(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        scale, zero_point = case.scale(), case.zero_point(dtype)
        inputs = two_inputs(case, dtype, (scale, scale), (zero_point, zero_point))
        output = case.output(dtype, scale, zero_point)
        case.writer.add_operator(operator, inputs, [output], "MaximumMinimumOptions")
        return [output]

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["EQUAL", "NOT_EQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"])
def test_comparison(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        scale = case.scale(1e-2, 0.7)  # LiteRT ends the process at a scale of 1
        same = case.integer(0, 1) == 0  # values that are equal
        zero_points = (0, 0) if same else (case.zero_point(dtype), case.zero_point(dtype))
        inputs = two_inputs(case, dtype, (scale, scale if same else case.scale(1e-2, 0.7)), zero_points)
        output = case.output("bool")
        case.writer.add_operator(operator, inputs, [output], operator.title().replace("_", "") + "Options")
        return [output]

    run_cases(f"{operator} {dtype}", build, accepted=0.5 if dtype != "int16" else 0)


@pytest.mark.parametrize("dtype", WORDS)
def test_quotient(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        a_shape, b_shape = broadcast_pair(case)
        a_scale, b_scale = case.scale(), case.scale()
        a = case.input(a_shape, dtype, a_scale, case.zero_point(dtype))
        zero_point = case.zero_point(dtype)
        divisor = case.data(b_shape, dtype)
        divisor[divisor == zero_point] = zero_point - 1 if zero_point > 0 else zero_point + 1  # LiteRT refuses to divide by zero
        b = case.input(b_shape, dtype, b_scale, zero_point, divisor)
        output = case.output(dtype, case.scale(0.5, 20) * a_scale / b_scale)
        case.writer.add_operator("DIV", [a, b], [output], "DivOptions", fusedActivationFunction=case.choose(ACTIVATIONS))
        return [output]

    run_cases(f"DIV {dtype}", build, accepted=0.5 if dtype == "uint8" else 0)  # older versions of LiteRT divide uint8 only


@pytest.mark.parametrize("dtype", WORDS)
def test_prelu(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        shape = case.shape()
        slope_shape = [1 if case.integer(0, 2) == 0 else d for d in shape][case.integer(0, len(shape) - 1) :]
        slope_type = "int8" if dtype == "int16" else dtype
        slope = case.writer.add_tensor(
            slope_shape, slope_type, [case.scale()], [case.zero_point(slope_type)], data=case.data(slope_shape, slope_type)
        )
        output = case.output(dtype, case.scale(1e-2, 10))
        case.writer.add_operator("PRELU", [case.input(shape, dtype), slope], [output])
        return [output]

    run_cases(f"PRELU {dtype}", build, accepted=0 if dtype == "int16" else 0.5)


def test_squared_difference() -> None:
    def build(case: Case) -> list[int]:
        a, b = case.scale(), case.scale()
        lowest = (2 * max(a, b)) ** 2 * 2.0**-14 * 1.001
        output = case.output("int8", max(lowest, case.scale()))
        case.writer.add_operator("SQUARED_DIFFERENCE", two_inputs(case, "int8", (a, b)), [output], "SquaredDifferenceOptions")
        return [output]

    run_cases("SQUARED_DIFFERENCE int8", build)


def unary(
    case: Case, operator: str, dtype: str, x_scale: float, y_scale: float, zeros: tuple[int, int] | None = None, **options: object
) -> list[int]:
    x_zero, y_zero = (case.zero_point(dtype), case.zero_point(dtype)) if zeros is None else zeros
    shape = case.shape()
    if case.integer(0, 9) == 0:
        shape[case.integer(0, len(shape) - 1)] = 0
    x = case.input(shape, dtype, x_scale, x_zero)
    output = case.output(dtype, y_scale, y_zero)
    table = options.pop("table", None)
    case.writer.add_operator(operator, [x], [output], table, **options)
    return [output]


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1"])
def test_clamp(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        scale = case.scale()
        return unary(case, operator, dtype, scale, scale if case.integer(0, 2) == 0 else case.scale())

    run_cases(f"{operator} {dtype}", build, accepted=0 if dtype == "int16" and operator not in ("RELU", "RELU6") else 0.5)


@pytest.mark.parametrize("dtype", WORDS)
def test_leaky_relu(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        alpha = case.choose([0.01, 0.2, 0.0, 1.0, 1.5, -0.3])
        return unary(case, "LEAKY_RELU", dtype, case.scale(), case.scale(), table="LeakyReluOptions", alpha=alpha)

    run_cases(f"LEAKY_RELU {dtype}", build)


@pytest.mark.parametrize("dtype", WORDS)
@pytest.mark.parametrize("operator", ["LOGISTIC", "TANH"])
def test_sigmoid(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        x_scale = case.scale(1e-5, 1e-2) if dtype == "int16" else case.scale()
        if dtype == "int16" and case.integer(0, 1):
            x_scale = 2.0 ** case.integer(-14, -10) * case.choose([1, 1, 1.0005])
        y_scale = case.scale(1e-3, 1e-1)
        if dtype == "int16" or operator == "LOGISTIC":
            y_scale = 2.0**-15 if dtype == "int16" else 2.0**-8
        return unary(case, operator, dtype, x_scale, y_scale)

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_hard_swish(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        x_scale = case.scale()
        return unary(case, "HARD_SWISH", dtype, x_scale, x_scale * case.scale(1 / 100, 10))

    run_cases(f"HARD_SWISH {dtype}", build)


@pytest.mark.parametrize(
    ("operator", "dtype"),
    [("ELU", "int8"), ("EXP", "int8"), ("EXP", "int16"), ("LOG", "int8"), ("LOG", "int16"), *(("GELU", d) for d in WORDS)],
)
def test_function(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        options = {"table": "GeluOptions", "approximate": bool(case.integer(0, 1))} if operator == "GELU" else {}
        # Results in units of the output's scale must fit into 32 bits: beyond, LiteRT's conversion is undefined.
        x_scale = case.scale(1e-3, 5e-2) if dtype != "int16" else case.scale(1e-5, 3e-4)
        return unary(case, operator, dtype, x_scale, case.scale(1e-3, 1) if dtype != "int16" else case.scale(1e-5, 1e-2), **options)

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("operator", ["SQRT", "RSQRT"])
def test_root(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        x_scale, y_scale = case.scale(), case.scale()
        zero_point = 0 if dtype == "int16" else case.integer(-128, 100)
        x = case.input(case.shape(), dtype, x_scale, zero_point)
        case.feeds[0] = np.maximum(case.feeds[0], zero_point).astype(dtype)  # LiteRT refuses negative values
        output = case.output(dtype, y_scale)
        case.writer.add_operator(operator, [x], [output])
        return [output]

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
@pytest.mark.parametrize("operator", ["ABS", "NEG"])
def test_sign(operator: str, dtype: str) -> None:
    def build(case: Case) -> list[int]:
        scale = case.scale()
        zeros = (0, 0) if operator == "NEG" else None
        return unary(case, operator, dtype, scale, scale if operator == "NEG" or case.integer(0, 1) else case.scale(), zeros)

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("source", ["float32", "int8", "uint8", "int16", "int32"])
@pytest.mark.parametrize("target", [*WORDS, "int32"])
def test_quantize(source: str, target: str) -> None:
    def build(case: Case) -> list[int]:
        shape = case.shape()
        x_scale, y_scale = case.scale(), case.scale()
        if case.integer(0, 4) == 0:
            y_scale = x_scale
        if source == "float32":
            limits = np.iinfo(target)
            values = case.random.uniform(1.1 * limits.min, 1.1 * limits.max, shape) * y_scale
            ties = (np.round(values / y_scale) + 0.5) * y_scale
            x = case.input(shape, source, data=np.where(case.random.random(shape) < 0.3, ties, values).astype(np.float32))
        else:
            data = case.random.integers(-100000, 100000, shape) if source == "int32" else case.data(shape, source)
            zero_point = case.integer(-50, 50) if source == "int32" else case.zero_point(source)
            x = case.writer.add_tensor(shape, source, [x_scale], [zero_point])
            case.inputs.append(x)
            case.feeds.append(data.astype(source))
        zero_point = case.integer(-50, 50) if target == "int32" else case.zero_point(target, None if "16" in source + target else False)
        output = case.writer.add_tensor([], target, [y_scale], [zero_point])
        case.writer.add_operator("QUANTIZE", [x], [output], "QuantizeOptions")
        return [output]

    taken = {"int8": WORDS, "uint8": WORDS, "int16": ["int8", "int16", "int32"], "int32": ["int8", "int16"], "float32": WORDS}
    run_cases(f"QUANTIZE {source} {target}", build, accepted=0.5 if target in taken[source] else 0)


@pytest.mark.parametrize("dtype", [*WORDS, "int8 per channel", "uint8 per channel"])
def test_dequantize(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        shape, kind = case.shape(), dtype.split()[0]
        if kind == dtype:
            x = case.input(shape, kind)
        else:
            axis = case.integer(0, len(shape) - 1)
            scales = [case.scale() for _ in range(shape[axis])]
            x = case.writer.add_tensor(shape, kind, scales, [case.zero_point(kind) for _ in scales], axis)
            case.inputs.append(x)
            case.feeds.append(case.data(shape, kind))
        output = case.output("float32")
        case.writer.add_operator("DEQUANTIZE", [x], [output], "DequantizeOptions")
        return [output]

    run_cases(f"DEQUANTIZE {dtype}", build)
