"""bench/intervals.py: the statistic against known values, and what it promises when blocks of rounds differ."""

from __future__ import annotations

import intervals
import numpy as np
import pytest


def test_quantiles_of_student_are_those_of_the_tables() -> None:
    for degrees, quantile in ((1, 12.706), (2, 4.303), (4, 2.776), (7, 2.365), (30, 2.042)):
        assert intervals.student_quantile(0.975, degrees) == pytest.approx(quantile, abs=2e-3)
    stats = pytest.importorskip("scipy.stats")
    for count in (3, 5, 8, 20):
        expected = stats.norm.cdf(-np.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1))
        assert intervals.expanded_tail(count) == pytest.approx(expected, rel=1e-3)


def test_known_medians_and_ends() -> None:
    assert intervals.bootstrap_median([[2.0, 2.0], [2.0]]) == (2.0, 2.0, 2.0)
    assert intervals.bootstrap_median([3.0]) == (3.0, 3.0, 3.0)
    median, lower, upper = intervals.bootstrap_median([[1.0] * 5, [3.0] * 5, [2.0] * 5])
    assert (median, lower, upper) == (2.0, 1.0, 3.0)  # three blocks say no more than their range
    with pytest.raises(ValueError, match="no rounds"):
        intervals.bootstrap_median([[], []])


def test_blocks_of_different_lengths() -> None:
    rng = np.random.RandomState(4)
    blocks = [list(1 + 0.01 * rng.standard_normal(n)) for n in (5, 3, 4, 5, 1)]
    median, lower, upper = intervals.bootstrap_median(blocks, 2000)
    assert lower < median < upper and median == np.median(np.concatenate(blocks)) and upper - lower < 0.05


@pytest.mark.parametrize(("between", "within"), [(0.03, 0.02), (0.08, 0.03), (0.0, 0.03)])
def test_blocks_that_differ_are_covered_and_second_runs_fall_inside(between: float, within: float) -> None:
    """Rounds of a block share a shift, with tails that are longer than a normal distribution's. The interval that takes rounds for
    independent fails where blocks differ; this one must not, and a second run must lie inside after 5 % more."""
    rng = np.random.RandomState(5)

    def run() -> np.ndarray:
        return np.exp(rng.standard_normal((8, 1)) * between + rng.standard_t(3, (8, 5)) * within)

    covered = naive = inside = 0
    for _ in range(150):
        blocks = run()
        _, lower, upper = intervals.bootstrap_median(blocks, 1000)
        covered += lower <= 1 <= upper
        inside += intervals.inside_widened(float(np.median(run())), lower, upper)
        _, lower, upper = intervals.bootstrap_median(list(blocks.ravel()), 500)
        naive += lower <= 1 <= upper
    assert covered / 150 >= 0.92 and inside / 150 >= 0.9
    assert naive / 150 < 0.87 or not between


def test_widened_interval_and_mean() -> None:
    assert intervals.inside_widened(0.951, 1.0, 1.1) and not intervals.inside_widened(0.949, 1.0, 1.1)
    assert intervals.inside_widened(1.154, 1.0, 1.1) and not intervals.inside_widened(1.156, 1.0, 1.1)
    assert not intervals.inside_widened(0.999, 1.0, 1.1, widen=0.0)
    assert intervals.geometric_mean([0.5, 2.0, 8.0]) == pytest.approx(2.0)
