"""Random graphs over all operators of ONNX's default domain that are in scope, of changing sizes, judged in float64.

tests/onnx/operator_graphs.py draws them, and lists failures from the command line."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import onnx
import onnx.printer
import operator_graphs
import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

import mace

# MACE_ONNX_GRAPHS: how many graphs; any other number than the default's draws anew each time.
DEFAULT = 300
GRAPHS = int(os.environ.get("MACE_ONNX_GRAPHS", DEFAULT))
LEAST = 20  # of each operator, where there are graphs enough
CHECKS = settings(
    max_examples=GRAPHS,
    deadline=None,
    derandomize=GRAPHS == DEFAULT,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


@pytest.fixture(scope="module")
def histogram() -> Iterator[Counter[str]]:
    """How often each operator occurred: printed at the end (pytest -s)."""
    counter: Counter[str] = Counter()
    yield counter
    print(f"\n{sum(counter.values())} nodes:", ", ".join(f"{name} {counter[name]}" for name in sorted(operator_graphs.OPERATORS)))


def test_random_graphs(histogram: Counter[str]) -> None:
    @CHECKS
    @given(st.integers(0, 2**32 - 1), st.integers(1, operator_graphs.MOST_NODES))
    def check(seed: int, nodes: int) -> None:
        case = operator_graphs.Case(operator_graphs.draw_graph(seed, nodes))
        histogram.update(case.graph.histogram)
        note(onnx.printer.to_text(case.model))
        failure = case.failure(mace.load)
        assert failure is None, f"{failure}\n{case.reduced(mace.load)}"

    check()


def test_every_operator_occurred(histogram: Counter[str]) -> None:
    least = LEAST if GRAPHS >= 3000 else 1
    assert {name: histogram[name] for name in operator_graphs.OPERATORS if histogram[name] < least} == {}


def test_every_operator_in_scope_is_drawn() -> None:
    out_of_scope = ("Sequence", "Optional", "String", "Image", "TfIdf", "Regex")
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == "" and schema.since_version <= 28}
    wanted = {name for name in known if name == "ReverseSequence" or not any(word in name for word in out_of_scope)}
    assert wanted - set(operator_graphs.OPERATORS) == set(operator_graphs.DEPRECATED)
