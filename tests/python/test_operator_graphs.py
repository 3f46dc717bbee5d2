"""Random graphs over all operators of ONNX's default domain that are in scope, of changing sizes, judged in float64, with the graph
passes and without them; what is computed of integers alone is the same in both, byte by byte.

tests/onnx/operator_graphs.py draws them, and lists failures from the command line."""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Iterator

import numpy as np
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
        failure = case.judge(mace.load, operator_graphs.load_unoptimized)
        assert failure is None, f"{failure}\n{case.reduced(mace.load)}"
        integers[0] += case.integers_compared

    integers = [0]
    check()
    assert integers[0] >= GRAPHS / 10  # results


@pytest.mark.parametrize("seed", range(20))
def test_each_pass_alone(seed: int) -> None:
    case = operator_graphs.Case(operator_graphs.draw_graph([2, seed]))
    for name in mace.passes():
        failure = case.failure(functools.partial(mace.load, only_passes=[name]))
        assert failure is None, f"{name}: {failure}\n{onnx.printer.to_text(case.model)}"


def test_judge_sees_what_passes_break() -> None:
    """Judging by a loader that is off by one integer, or by a float, fails."""

    def broken(data: bytes):
        model = mace.load(data)

        def run(feeds):
            return {name: array + array.dtype.type(1) if array.dtype.kind in "iu" else array for name, array in model(feeds).items()}

        return run

    for seed in range(200):
        case = operator_graphs.Case(operator_graphs.draw_graph(seed, 3))
        results = [case.graph.values[name].narrow for name in case.integer_results()]
        if any(np.asarray(array).dtype.kind in "iu" and np.asarray(array).size for array in results):
            assert case.judge(mace.load, mace.load) is None
            assert case.judge(mace.load, broken).startswith("without passes: run 0")
            return
    raise AssertionError("no graph of integers was drawn")


def test_every_operator_occurred(histogram: Counter[str]) -> None:
    least = LEAST if GRAPHS >= 3000 else 1
    assert {name: histogram[name] for name in operator_graphs.OPERATORS if histogram[name] < least} == {}


def test_every_operator_in_scope_is_drawn() -> None:
    out_of_scope = ("Sequence", "Optional", "String", "Image", "TfIdf", "Regex")
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == "" and schema.since_version <= 28}
    wanted = {name for name in known if name == "ReverseSequence" or not any(word in name for word in out_of_scope)}
    assert wanted - set(operator_graphs.OPERATORS) == set(operator_graphs.DEPRECATED)
