"""ONNX's backend test suite on MACE: what docs/onnx-conformance.md says has passed passes, and that is enough."""

from __future__ import annotations

import re
from pathlib import Path

import conformance
import onnx
import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "onnx-conformance.md"
LEAST = 0.95


def documented() -> dict[str, dict[str, str]]:
    """The verdicts of MACE in the document, by category and test."""
    results: dict[str, dict[str, str]] = {}
    category = ""
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("## "):
            category = line[3:]
        elif line.startswith("| test_"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            results.setdefault(category, {})[cells[0]] = cells[1]
    return results


def test_suite_passes_as_documented(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ONNX_HOME", str(tmp_path))
    wanted = documented()
    results = conformance.run("mace", None, lambda test: None)
    passed, total = conformance.counts(results)
    assert passed >= LEAST * total > 1000
    if onnx.__version__ not in DOCUMENT.read_text():
        return  # another onnx has other tests
    lost = {
        test: verdict
        for category, tests in results.items()
        for test, verdict in tests.items()
        if verdict != "passed" and wanted.get(category, {}).get(test) == "passed"
    }
    assert lost == {}
    assert {category: set(tests) for category, tests in results.items()} == {category: set(tests) for category, tests in wanted.items()}


def test_scope_is_by_name() -> None:
    assert not conformance.is_in_scope("test_split_to_sequence_1", "OnnxBackendNodeModelTest")
    assert not conformance.is_in_scope("test_cast_FLOAT_to_FLOAT8E4M3FN", "OnnxBackendNodeModelTest")
    assert conformance.is_in_scope("test_reversesequence_batch", "OnnxBackendNodeModelTest")
    assert conformance.is_in_scope("test_squeezenet", "OnnxBackendRealModelTest")
    assert not conformance.is_in_scope("test_downloaded", "OnnxBackendRealModelTest")
