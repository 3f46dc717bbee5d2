"""Models of random numbers. With a seed LiteRT's numbers follow from it, run after run; without one nothing can be compared."""

from __future__ import annotations

import numpy as np
from operator_cases import TYPES, Case, cases


def seeds(case: Case) -> dict[str, int]:
    """Not both 0 in their low halves, which are what LiteRT reads."""
    pair = [int(case.random.integers(-(2**63), 2**63)) for _ in range(2)]
    if case.flip(3):
        pair[case.integer(0, 1)] = 0
    elif case.flip(3):
        pair = [case.integer(1, 9), case.integer(0, 9)]
    if all(seed % 2**32 == 0 for seed in pair):
        pair[0] = 1
    return {"seed": pair[0], "seed2": pair[1]}


@cases("RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL", types=TYPES, models=10)
def drawn(case: Case, name: str) -> None:
    """Of a shape that may be computed at run time, in three runs."""
    shape = case.shape(ranks=(0, 4))
    if shape and name == "RANDOM_STANDARD_NORMAL":
        shape[-1] *= 2  # of an odd number LiteRT writes one float too many
    if shape and case.flip(8):
        shape[0] = 0
    case.runs = 3
    x = case.input([2], "float32")  # LiteRT wants an input to feed
    y, z = case.output(plain=True), case.output("float32")
    case.writer.add_operator("ADD", [x, x], [z], "AddOptions")
    case.outputs.append(z)
    case.add(name, [case.operand(shape)], [y], "RandomOptions", **seeds(case))


@cases("MULTINOMIAL", types=TYPES, models=12)
def drawn_classes(case: Case, name: str) -> None:
    shape = [case.integer(1, 5), case.integer(1, 9)]
    data = case.data(shape)
    if case.dtype == "float32" and shape[1] > 1 and case.flip(3):
        data[np.arange(shape[0]), case.random.integers(0, shape[1], shape[0])] = case.choose([-np.inf, np.inf, np.nan])
    case.runs = 3
    samples = case.operand(np.int32(case.integer(0, 30)))
    y = case.output(str(case.choose(["int32", "int64"])), plain=True)
    case.add(name, [case.input(shape, data=data, plain=True), samples], [y], "RandomOptions", **seeds(case))
