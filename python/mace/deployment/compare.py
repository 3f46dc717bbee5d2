"""How close two tensors are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mace.checking.judge import measure


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
    found = measure(reference, result)
    if found.trouble.startswith("shape"):
        return Comparison(name, 0.0, 0.0, 0.0)
    classes = reference.shape[-1] if reference.ndim > 1 else 1
    pixel_accuracy = 1.0
    if classes > 1 and reference.size:
        rows = [np.argmax(array.astype(np.float64).reshape(-1, classes), -1) for array in (reference, result)]
        pixel_accuracy = float(np.mean(rows[0] == rows[1]))
    ratio = found.signal / found.noise if found.noise else (0.0 if found.trouble else math.inf)
    return Comparison(name, found.cosine, ratio, pixel_accuracy)
