"""Models of StableHLO's elementwise operators and of dilation."""

from __future__ import annotations

from operator_cases import TYPES, Case, cases


@cases("STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM", types=TYPES)
def elementwise(case: Case, name: str) -> None:
    shape = case.shape()
    a = case.input(shape, plain=True)
    case.add(name, [a, case.input_like(a)], [case.output(plain=True)])


@cases("STABLEHLO_SHIFT_LEFT", types=TYPES)
def shift_left(case: Case, name: str) -> None:
    shape = case.shape()
    a, bits = case.input(shape, plain=True), case.input(shape, low=0, high=7, plain=True)
    case.add(name, [a, bits], [case.output(plain=True)], "StablehloShiftLeftOptions")


@cases("DILATE", types=TYPES)
def dilate(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4))
    distances = case.constant([case.integer(1, 3) for _ in shape])
    filler = case.input([], plain=True)
    case.add(name, [case.input(shape, plain=True), distances, filler], [case.output(plain=True)], "DilateOptions")
