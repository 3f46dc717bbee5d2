"""How close two tensors are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

NEARLY_ZERO = 1e-6  # what may stand where the reference is 0 everywhere (a saturated sigmoid)


@dataclass(frozen=True)
class Comparison:
    """`similarity` is the cosine of the angle between the two; `sqnr` the power of the reference over that of the difference (a plain
    ratio, not decibels; infinite where they are equal); `pixel_accuracy` the share of positions whose largest value of the last axis is
    at the same index."""

    name: str
    similarity: float
    sqnr: float
    pixel_accuracy: float

    def values(self) -> dict[str, Any]:
        """For JSON, which has no infinity: null says that there is no difference."""
        return {
            "output_name": self.name,
            "similarity": self.similarity,
            "sqnr": self.sqnr if math.isfinite(self.sqnr) else None,
            "pixel_accuracy": self.pixel_accuracy,
        }


def compare(name: str, reference: np.ndarray, result: np.ndarray) -> Comparison:
    """Compares a result with what it should be; shapes may differ in dimensions of 1 only. Values that are not finite at the same places
    and equal there are left out; elsewhere they make the similarity 0."""
    squeezed = [dim for dim in reference.shape if dim != 1], [dim for dim in result.shape if dim != 1]
    if squeezed[0] != squeezed[1]:
        return Comparison(name, 0.0, 0.0, 0.0)
    x, y = reference.astype(np.float64).ravel(), result.astype(np.float64).ravel()
    classes = reference.shape[-1] if reference.ndim > 1 else 1
    pixel_accuracy = 1.0
    if classes > 1 and x.size:
        pixel_accuracy = float(np.mean(np.argmax(x.reshape(-1, classes), -1) == np.argmax(y.reshape(-1, classes), -1)))
    odd = ~(np.isfinite(x) & np.isfinite(y))
    if not np.array_equal(x[odd], y[odd], equal_nan=True):
        return Comparison(name, 0.0, 0.0, pixel_accuracy)
    x, y = x[~odd], y[~odd]
    with np.errstate(over="ignore"):
        x_power, y_power, noise = float(x @ x), float(y @ y), float((x - y) @ (x - y))
        product = float(x @ y)
    if noise == 0:
        return Comparison(name, 1.0, math.inf, pixel_accuracy)
    if not x.any() and float(np.abs(y).max()) <= NEARLY_ZERO:  # no direction to compare
        return Comparison(name, 1.0, 0.0, pixel_accuracy)
    similarity = product / math.sqrt(x_power) / math.sqrt(y_power) if x_power > 0 and y_power > 0 else 0.0
    similarity = similarity if math.isfinite(similarity) else 0.0
    return Comparison(name, min(1.0, similarity), x_power / noise, pixel_accuracy)
