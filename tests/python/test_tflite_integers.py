"""Quantized elementwise operators of TensorFlow Lite with random shapes, scales and data: the bytes of LiteRT's reference kernels."""

from __future__ import annotations

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

    run_cases(f"{operator} {dtype}", build)


@pytest.mark.parametrize("dtype", WORDS)
def test_product(dtype: str) -> None:
    def build(case: Case) -> list[int]:
        inputs = two_inputs(case, dtype)
        output = case.output(dtype, case.scale(1e-4, 1e3))
        case.writer.add_operator("MUL", inputs, [output], "MulOptions", fusedActivationFunction=case.choose(ACTIVATIONS))
        return [output]

    run_cases(f"MUL {dtype}", build)
