"""Outputs of engines beside each other: a fast wrong answer is no answer. And the flag that gives dynamic inputs a shape."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence

import numpy as np


def outputs_of(worker, seed: int) -> list[np.ndarray]:
    """The outputs that a worker (bench/processes.py) computes from the inputs of a seed."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "outputs.npz")
        worker.ask(do="outputs", seed=seed, file=file)
        with np.load(file) as arrays:
            return [arrays[name] for name in arrays.files]


def compare(ours: Sequence[np.ndarray], reference: Sequence[np.ndarray]) -> tuple[float, float]:
    """(largest difference over the largest magnitude of the reference's output, least cosine) over all outputs; infinity and 0 where
    number or shapes differ, or a value is no number."""
    if len(ours) != len(reference):
        return float("inf"), 0.0
    worst, least = 0.0, 1.0
    for a, b in zip(ours, reference, strict=True):
        if a.shape != b.shape:
            return float("inf"), 0.0
        x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
        if not x.size:
            continue
        difference = float(np.abs(x - y).max()) / (float(np.abs(y).max()) or 1.0)
        if not np.isfinite(difference):
            return float("inf"), 0.0
        norms = float(np.linalg.norm(x) * np.linalg.norm(y))
        least = min(least, float(x @ y) / norms if norms else float(not x.any() and not y.any()))
        worst = max(worst, difference)
    return worst, least


def parse_shape(text: str) -> tuple[str, list[int]]:
    """NAME:D,D,... as the input's name and shape."""
    name, colon, dims = text.rpartition(":")
    try:
        shape = [int(dim) for dim in dims.split(",")]
    except ValueError:
        shape = []
    if not colon or not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME:D,D,..., for example x:1,3,224,224")
    return name, shape
