"""The ratio statistic of bench/ratio.py."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))
import ratio


def test_interval_holds_the_median_and_narrows() -> None:
    rng = np.random.RandomState(0)
    few, many = (list(np.exp(rng.standard_normal(n) * 0.2)) for n in (20, 2000))
    for values in (few, many):
        median, lower, upper = ratio.bootstrap_median(values)
        assert lower <= median <= upper
        assert median == np.median(values)
    assert np.diff(ratio.bootstrap_median(many)[1:])[0] < np.diff(ratio.bootstrap_median(few)[1:])[0]


def test_coverage_is_about_95_percent() -> None:
    rng = np.random.RandomState(1)
    hits = 0
    for _ in range(200):
        _, lower, upper = ratio.bootstrap_median(list(rng.standard_normal(25)), resamples=1000)
        hits += lower <= 0 <= upper
    assert 0.88 <= hits / 200 <= 0.995


def test_target_needs_median_and_lower_end() -> None:
    assert ratio.meets(0.667, 0.7, 0.66)
    assert not ratio.meets(0.667, 0.66, 0.65)
    assert not ratio.meets(0.667, 0.8, 0.60)
