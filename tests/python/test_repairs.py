"""Proofs of the repairs of importers: what the source means is computed without MACE. Run as a program it writes docs/repairs.md:

    .venv/bin/python tests/python/test_repairs.py --write docs/repairs.md
"""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx.reference import ReferenceEvaluator
from repair_cases import Case, Feeds, cases
from repair_cases_tflite import cases as tflite_cases
from tflite_writer import run_litert

import mace

DOCUMENT = Path(__file__).parents[2] / "docs" / "repairs.md"
CASES = [*cases(), *tflite_cases()]
LEFT_SIDES = {"onnxruntime": "onnxruntime", "reference": "ONNX's reference evaluator", "ai-edge-litert": "ai-edge-litert"}


def left_side(case: Case) -> Feeds:
    """The outputs by the source's own runtime."""
    if isinstance(case.model, bytes):
        return {"y": run_litert(case.data, [list(case.feeds.values())])[0][0]}
    model = case.left_model or case.model
    names = [info.name for info in model.graph.output]
    if case.by == "reference":
        return dict(zip(names, ReferenceEvaluator(model).run(None, case.feeds), strict=True))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip(names, session.run(None, case.feeds), strict=True))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_repaired_model_computes_what_the_source_means(case: Case) -> None:
    model = mace.load(case.data)
    assert [repair["node"] for repair in model.repairs] == [case.node]
    assert all(repair["reason"] and repair["action"] for repair in model.repairs)
    expected = left_side(case)
    for name, array in model(case.feeds).items():
        wanted = expected[case.left_names.get(name, name)]
        assert array.shape == wanted.shape
        assert array.dtype == wanted.dtype
        np.testing.assert_allclose(array, wanted, rtol=case.tolerance, atol=case.tolerance)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_strict_refuses_and_names_the_node(case: Case) -> None:
    with pytest.raises(mace.UnsupportedError, match="strict") as caught:
        mace.convert(case.data, strict=True)
    assert [problem["node"] for problem in caught.value.problems] == [case.node]
    assert case.node in str(caught.value)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "mace.cli", *arguments], capture_output=True, text=True, check=False)


def test_the_command_tells_repairs_and_refuses_them(tmp_path: Path) -> None:
    case = next(case for case in CASES if case.name == "einsum")
    source, target = tmp_path / "net.onnx", tmp_path / "net.mace"
    source.write_bytes(case.data)
    told = run("convert", str(source), "-o", str(target), "--json")
    assert told.returncode == 0
    assert told.stderr.startswith("repaired: n: Einsum")
    assert json.loads(told.stdout)["repairs"][0]["node"] == "n"
    target.unlink()
    refused = run("convert", str(source), "-o", str(target), "--strict")
    assert refused.returncode == 1
    assert "what to do" in refused.stderr
    assert "node 'n'" in refused.stderr
    assert not target.exists()
    shown = run("info", str(source))
    assert "repaired by" in shown.stdout


def test_all_problems_are_in_one_report(tmp_path: Path) -> None:
    """Two unknown operators and a refused mode: each is told with what to do."""
    case = next(case for case in CASES if case.name == "upsample")
    model = copy.deepcopy(case.model)
    model.graph.node[0].op_type = "Unheard"
    second = model.graph.node.add()
    second.CopyFrom(model.graph.node[0])
    second.name, second.op_type, second.output[0] = "m", "Unseen", "z"
    third = model.graph.node.add()
    third.op_type, third.name = "DepthToSpace", "d"
    third.input.append("x")
    third.output.append("w")
    with pytest.raises(mace.UnsupportedError) as caught:
        mace.convert(model.SerializeToString())
    by_node = {problem["node"]: problem for problem in caught.value.problems}
    assert set(by_node) == {"n", "m", "d"}
    assert "'Unheard'" in by_node["n"]["action"]
    assert "--custom_operator" in by_node["n"]["action"]
    assert "blocksize" in by_node["d"]["reason"]
    source = tmp_path / "net.onnx"
    source.write_bytes(model.SerializeToString())
    failed = run("convert", str(source), "-o", str(tmp_path / "net.mace"), "--json")
    assert failed.returncode == 1
    assert {problem["node"] for problem in json.loads(failed.stdout)["problems"]} == {"n", "m", "d"}


def test_a_sound_model_of_today_needs_no_repair() -> None:
    case = next(case for case in CASES if case.name == "unsorted")
    assert case.left_model is not None
    assert mace.load(case.left_model.SerializeToString()).repairs == ()


def document() -> str:
    lines = [
        "# Repairs",
        "",
        "What an importer expresses in another way than the source does, because the source's form has no kernel here or says",
        "something else than it means ([design 27](design/27-importers.md)). `mace convert` tells each with its node, `--strict`",
        "refuses them. Each row is a test (`tests/python/test_repairs.py`, which also writes this page): the left side of the",
        "comparison is computed without MACE.",
        "",
        "| source | reason | repaired by | compared with |",
        "|---|---|---|---|",
    ]
    for case in CASES:
        _, details = mace.convert(case.data)
        repair = details["repairs"][0]
        left = LEFT_SIDES[case.by] + (", of the form of today" if case.left_model else "")
        lines.append(f"| {case.form} | {repair['reason']} | {repair['action']} | {left} |")
    return "\n".join(lines) + "\n"


def test_the_page_is_current() -> None:
    assert DOCUMENT.read_text() == document()


if __name__ == "__main__":
    Path(sys.argv[sys.argv.index("--write") + 1]).write_text(document())
