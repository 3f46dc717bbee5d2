"""Which run of which pass breaks a model whose nodes are right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mace.checking.candidate import Candidate


@dataclass(frozen=True)
class BadPass:
    """The first run of a pass behind which the outputs are wrong: its number (from 1), and the models before and behind it."""

    name: str
    graph: str
    run: int
    before: bytes
    after: bytes

    def __str__(self) -> str:
        where = f" on the graph '{self.graph}'" if self.graph else ""
        return f"{self.name}{where}, run {self.run} of all passes"


def first_bad_pass(candidate: Candidate, is_right: Callable[[bytes], bool], options: dict[str, Any] | None = None) -> BadPass | None:
    """Bisects over the runs of passes: with none the model is right, with all it is wrong (None where that is not so). Of several that
    break it, one is found behind which it is wrong and in front of which it is right."""
    options = options or {}
    _, details = candidate.convert(**options)
    runs = len(details["passes"])
    kept = {runs: candidate.convert(max_pass_runs=runs, **options), 0: candidate.convert(max_pass_runs=0, **options)}
    if is_right(kept[runs][0]) or not is_right(kept[0][0]):
        return None
    right, wrong = 0, runs
    while wrong - right > 1:
        middle = (right + wrong) // 2
        kept[middle] = candidate.convert(max_pass_runs=middle, **options)
        if is_right(kept[middle][0]):
            right = middle
        else:
            wrong = middle
    record = details["passes"][wrong - 1]
    return BadPass(record["name"], record["graph"], wrong, kept[right][0], kept[wrong][0])
