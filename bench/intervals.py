"""The statistic of a ratio: its median over rounds, with a bootstrap interval that knows that rounds of one block are alike.

A block is a set of rounds between two restarts of the engines' processes. Memory lands elsewhere after each restart, the machine's
clock and its neighbours change from minute to minute, and all rounds of a block share that. Resampling rounds alone takes them for
independent, and its interval is too narrow for a second run to fall into. So blocks are drawn first, then rounds within each of
them. With few blocks the percentiles of a bootstrap are too near to the middle; they are moved outwards as T. C. Hesterberg proposes
("What Teachers Should Know About the Bootstrap", The American Statistician 69(4), 2015, expanded percentile interval).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

RESAMPLES = 10000


def student_quantile(probability: float, degrees: int) -> float:
    """The quantile of Student's t distribution for probabilities from 0.5 up, by bisection of its integral."""
    scale = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(degrees * math.pi)
    # With t = sqrt(degrees) tan(a) the integral runs over cos(a)^(degrees - 1), from 0 to less than pi / 2.
    angles = np.linspace(0.0, math.pi / 2, 20001)
    heights = scale * math.sqrt(degrees) * np.cos(angles) ** (degrees - 1)
    areas = 0.5 + np.concatenate(([0.0], np.cumsum((heights[1:] + heights[:-1]) / 2 * np.diff(angles))))
    return math.sqrt(degrees) * math.tan(float(np.interp(probability, areas, angles)))


def expanded_tail(count: int, tail: float = 0.025) -> float:
    """The probability below the lower end of a percentile interval over `count` independent groups, so that it covers 1 - 2 tail."""
    return NormalDist().cdf(-math.sqrt(count / (count - 1)) * student_quantile(1 - tail, count - 1))


def bootstrap_median(
    blocks: Sequence[float] | Sequence[Sequence[float]], resamples: int = RESAMPLES, seed: int = 1
) -> tuple[float, float, float]:
    """(median, lower, upper): the median of all rounds with its bootstrap 95 % interval. `blocks` holds the rounds of each block; a
    plain list of numbers, or a single block, is rounds that are independent."""
    groups = [np.atleast_1d(np.asarray(block, dtype=np.float64)) for block in blocks]
    groups = [group for group in groups if group.size]
    if not groups:
        raise ValueError("no rounds")
    flat = np.concatenate(groups)
    middle = float(np.median(flat))
    if flat.size == 1:
        return middle, middle, middle
    rng = np.random.RandomState(seed)
    if len(groups) == 1 or not any(np.ndim(block) for block in blocks):
        medians = np.median(flat[rng.randint(0, flat.size, (resamples, flat.size))], axis=1)
        tail = 0.025
    else:
        rounds = max(group.size for group in groups)
        sizes = np.asarray([group.size for group in groups])
        table = np.full((len(groups), rounds), np.nan)  # NaN: a block that has fewer rounds than the longest
        for row, group in zip(table, groups, strict=True):
            row[: group.size] = group
        drawn = rng.randint(0, len(groups), (resamples, len(groups)))
        picks = (rng.random_sample((resamples, len(groups), rounds)) * sizes[drawn][:, :, None]).astype(np.int64)
        values = table[drawn[:, :, None], picks]
        values[np.arange(rounds) >= sizes[drawn][:, :, None]] = np.nan
        drawn_rounds = values.reshape(resamples, -1)
        medians = np.nanmedian(drawn_rounds, axis=1) if np.isnan(drawn_rounds).any() else np.median(drawn_rounds, axis=1)
        tail = expanded_tail(len(groups))
    lower, upper = np.percentile(medians, [100 * tail, 100 * (1 - tail)])
    return middle, float(min(lower, middle)), float(max(upper, middle))


def meets(target: float, median: float, lower: float) -> bool:
    """Whether a ratio meets a target: its median reaches it, and its interval ends not far below."""
    return median >= target and lower >= 0.97 * target


def inside_widened(value: float, lower: float, upper: float, widen: float = 0.05) -> bool:
    """Whether `value` lies in the interval after each end has moved outwards by the share `widen`."""
    return lower * (1 - widen) <= value <= upper * (1 + widen)


def geometric_mean(values: Sequence[float]) -> float:
    """The geometric mean of numbers above zero."""
    return math.exp(sum(math.log(value) for value in values) / len(values))
