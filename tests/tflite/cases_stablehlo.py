"""Models of StableHLO's elementwise operators and of dilation."""

from __future__ import annotations

from operator_cases import TYPES, Case, cases


@cases("STABLEHLO_ADD", "STABLEHLO_MULTIPLY", "STABLEHLO_MAXIMUM", "STABLEHLO_MINIMUM", "STABLEHLO_AND", types=TYPES)
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


@cases("STABLEHLO_PAD", types=TYPES)
def pad(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4), low=3)
    low, high, interior = ([case.integer(-1, 2) for _ in shape] for _ in range(3))
    fields = {"edgePaddingLow": low, "edgePaddingHigh": high, "interiorPadding": [max(i, 0) for i in interior]}
    operands = [case.input(shape, plain=True), case.input([], plain=True)]
    case.add(name, operands, [case.output(plain=True)], "StablehloPadOptions", **fields)


@cases("REDUCE_WINDOW", types=TYPES, models=12)
def reduce_window(case: Case, name: str) -> None:
    shape = case.shape(ranks=(1, 4), low=4)
    window, strides, dilations = ([case.integer(1, 3) for _ in shape] for _ in range(3))
    dilations = [1 if w * d > size else d for w, d, size in zip(window, dilations, shape, strict=True)]
    low, high = (0, 2) if case.dtype != "bool" else (None, None)
    x = case.input(shape, low=low, high=high, plain=True)
    start = case.input([], low=low, high=high, plain=True)
    function = case.integer(5, 6) if case.dtype == "bool" else case.integer(1, 4)
    lists = [case.constant(values, "int64") for values in (window, strides, dilations)]
    case.add(name, [x, start, *lists], [case.output(plain=True)], "ReduceWindowOptions", reduceFunction=function)
