"""How close two tensors are, and whether that is close enough. The tolerances are those of docs/check.md."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

NEARLY_ZERO = 1e-6  # what may stand where the reference is 0 everywhere (a saturated sigmoid)


@dataclass(frozen=True)
class Difference:
    """`largest` is the largest difference of two elements, `range` the largest magnitude of the reference; `cosine` that of the angle
    between the two; `equal` the share of equal elements; `signal` and `noise` are the powers of the reference and of the difference.
    What is finite in one of them only makes `largest` infinite and `cosine` 0. `trouble` says why nothing could be compared."""

    largest: float = 0.0
    range: float = 0.0
    cosine: float = 1.0
    equal: float = 1.0
    signal: float = 0.0
    noise: float = 0.0
    trouble: str = ""

    @property
    def relative(self) -> float:
        """The largest difference as a share of the range."""
        return self.largest / self.range if self.range > 0 else (math.inf if self.largest > NEARLY_ZERO else 0.0)


def measure(reference: np.ndarray, result: np.ndarray) -> Difference:
    """How far a result is from what it should be; shapes may differ in dimensions of 1 only."""
    if [dim for dim in reference.shape if dim != 1] != [dim for dim in result.shape if dim != 1]:
        return Difference(math.inf, 0.0, 0.0, 0.0, trouble=f"shape {list(result.shape)} in place of {list(reference.shape)}")
    x, y = reference.ravel(), result.ravel()
    if not x.size:
        return Difference()
    if x.dtype == y.dtype and np.array_equal(x, y):  # the usual case of integers, and fast
        return Difference(range=max(abs(float(x.max())), abs(float(x.min()))))
    equal = float(np.mean((x == y) | ((x != x) & (y != y))))
    x, y = x.astype(np.float64), y.astype(np.float64)
    odd = ~(np.isfinite(x) & np.isfinite(y))
    if odd.any():
        if not np.array_equal(x[odd], y[odd], equal_nan=True):
            return Difference(math.inf, 0.0, 0.0, equal, trouble="values that are not finite stand at other places")
        x, y = x[~odd], y[~odd]
        if not x.size:
            return Difference()
    extent, largest = float(np.abs(x).max()), float(np.abs(x - y).max())
    with np.errstate(over="ignore"):
        x_power, y_power, noise, product = float(x @ x), float(y @ y), float((x - y) @ (x - y)), float(x @ y)
    if noise == 0 or (extent == 0 and largest <= NEARLY_ZERO):  # the same, or no direction to compare
        return Difference(largest, extent, 1.0, equal, x_power, noise)
    cosine = product / math.sqrt(x_power) / math.sqrt(y_power) if x_power > 0 and y_power > 0 else 0.0
    return Difference(largest, extent, min(1.0, cosine) if math.isfinite(cosine) else 0.0, equal, x_power, noise)


@dataclass(frozen=True)
class Tolerance:
    """What may be between a result and the reference: `relative` to the range (floats), or `units` (integers); and the least cosine."""

    relative: float = 0.0
    units: float = 0.0
    cosine: float = -1.0

    def accepts(self, difference: Difference) -> bool:
        """Whether the result is close enough."""
        if difference.trouble:
            return False
        if difference.largest <= self.units:
            return True
        return difference.relative <= self.relative and difference.cosine >= self.cosine

    def __str__(self) -> str:
        if self.units or not self.relative:
            text = f"at most {self.units:g} unit" if self.units else "equal"
            return text + (f", or {self.relative:.3g} of the range and cosine {self.cosine:g}" if self.relative else "")
        return f"{self.relative:.3g} of the range, cosine {self.cosine:g}"


# A float's dtype: of one node, fed with the reference's values; and of the whole network, where rounding adds up.
NODE = {
    "float64": Tolerance(1e-9, cosine=1 - 1e-12), "float32": Tolerance(1e-4, cosine=1 - 1e-6),
    "float16": Tolerance(4e-3, cosine=1 - 1e-4), "bfloat16": Tolerance(3e-2, cosine=1 - 1e-3),
}  # fmt: skip
WHOLE = {
    "float64": Tolerance(1e-7, cosine=1 - 1e-9), "float32": Tolerance(1e-3, cosine=1 - 1e-5),
    "float16": Tolerance(2e-2, cosine=1 - 1e-3), "bfloat16": Tolerance(1e-1, cosine=1 - 1e-2),
}  # fmt: skip
EQUAL = Tolerance()
ONE_UNIT = Tolerance(units=1)
# Activations that are quantized at run time: no specification says how, and a framework's own kernels differ among themselves. Four steps
# of their 127.
HYBRID_NODE = Tolerance(4 / 127, cosine=0.999)
# Outputs of networks that have integers inside: one unit's difference of one node grows in those behind it.
QUANTIZED_WHOLE = Tolerance(0.25, units=1, cosine=0.98)


def node_tolerance(dtype: np.dtype, quantized: bool, hybrid: bool) -> Tolerance:
    """Of a tensor that one node computes from the reference's values."""
    name = np.dtype(dtype).name
    if name in NODE:
        return HYBRID_NODE if hybrid else NODE[name]
    return ONE_UNIT if quantized else EQUAL


def whole_tolerance(dtype: np.dtype, integers_inside: bool) -> Tolerance:
    """Of an output of the whole network."""
    name = np.dtype(dtype).name
    if integers_inside:
        return QUANTIZED_WHOLE
    return WHOLE.get(name, EQUAL)
