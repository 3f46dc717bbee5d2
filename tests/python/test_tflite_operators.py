"""Each TensorFlow Lite operator with each element type against LiteRT's reference kernels, and the table that says so."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("ai_edge_litert", reason="ai-edge-litert is not installed")
pytest.importorskip("ml_dtypes", reason="ml_dtypes is not installed")

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "tflite"))

import operator_types  # noqa: E402

TABLE = ROOT / "docs" / "tflite-operators.md"


@pytest.fixture(scope="module")
def verdicts() -> list[operator_types.Verdict]:
    return operator_types.judge_all()


def test_every_model_that_litert_runs_gives_the_same(verdicts: list[operator_types.Verdict]) -> None:
    wrong = [f"{v.operator} {v.type_name}: {v.reasons[-1]}" for v in verdicts if v.state == operator_types.WRONG]
    assert not wrong, "\n".join(wrong)


def test_the_table_is_what_the_models_say(verdicts: list[operator_types.Verdict]) -> None:
    assert TABLE.read_text(encoding="utf-8") == operator_types.table_text(verdicts)


def test_the_makers_reach_every_operator_of_the_table(verdicts: list[operator_types.Verdict]) -> None:
    """A maker whose models LiteRT refuses with every type tests nothing."""
    compared: dict[str, int] = {}
    for verdict in verdicts:
        compared[verdict.operator] = compared.get(verdict.operator, 0) + verdict.compared
    assert [operator for operator, count in compared.items() if count == 0] == []
