"""tests/golden/run_goldens.py demands every case: it is run on folders whose check.py judges too few of them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "golden" / "run_goldens.py"
SPEC = importlib.util.spec_from_file_location("run_goldens", SCRIPT)
assert SPEC and SPEC.loader
run_goldens = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(run_goldens)

# A stand-in for check.py: judges the cases of the model that --only names, at most $JUDGED of them.
CHECK = """
import json, os, pathlib, sys
value = lambda flag: sys.argv[sys.argv.index(flag) + 1]
only, report = value("--only"), value("--json")
cases = json.loads((pathlib.Path(__file__).parent / only / "model.json").read_text())["cases"]
rows = [{"case": f"{only}/{c['name']}", "ok": True, "text": "", "metrics": []} for c in cases]
if os.environ.get("WRONG") == only: rows[0]["ok"] = False
if "DIES" in os.environ: sys.exit(1)
json.dump(rows[: int(os.environ.get("JUDGED", "99"))], open(report, "w"))
"""


MODELS = ["onnx/net", "onnx/generated", "tflite/net_quant", next(iter(run_goldens.UNREACHABLE))]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    for probe in MODELS:
        form, name = probe.split("/")
        folder = tmp_path / "models" / form / name
        folder.mkdir(parents=True, exist_ok=True)
        names = ["lstm_stream", "gru_stream"] if name == "generated" else ["cat", "dog"]
        (folder / "model.json").write_text(json.dumps({"cases": [{"name": n} for n in names]}))
    collection = tmp_path / "models" / "tflite" / "ops"
    collection.mkdir()
    (collection / "model.json").write_text(json.dumps({"collection": True, "cases": [{"name": "add"}]}))
    (tmp_path / "models" / "check.py").write_text(CHECK)
    return tmp_path / "models"


def run(models: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    # -S: without the packages of the environment, among which there may be another engine.
    command = [sys.executable, "-S", str(SCRIPT), "--through", "python", "--generated", str(models), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={"MACE_TEST_MODELS": str(models), **environment})


def test_all_cases_are_demanded(models: Path) -> None:
    good = run(models)
    assert good.returncode == 0 and "8 passed, 0 failed" in good.stdout, good.stdout + good.stderr
    assert "9 passed, 0 failed" in run(models, "--all_generated").stdout
    short = run(models, JUDGED="1")
    assert short.returncode == 1 and "1 cases were judged, its model.json has 2" in short.stdout, short.stdout
    assert f"FAIL {MODELS[-1]}: 1 of 1 cases" in short.stdout, short.stdout  # a golden out of reach excuses no missing case
    missed = run(models, WRONG=MODELS[-1])
    assert missed.returncode == 0 and f"miss {MODELS[-1]}: 1 of 2 cases" in missed.stdout, missed.stdout
    assert run(models, WRONG=MODELS[0]).returncode == 1
    only = run(models, "--only", "quant")
    assert only.returncode == 0 and "2 passed, 0 failed" in only.stdout, only.stdout + only.stderr
    assert run(models, "--only", "nothing").returncode == 1
    dead = run(models, DIES="1")
    assert dead.returncode == 1 and "0 cases were judged, its model.json has 2" in dead.stdout, dead.stdout


def test_judge() -> None:
    good, bad = {"case": "a/b/c", "ok": True, "text": ""}, {"case": "a/b/d", "ok": False, "text": "wrong"}
    assert run_goldens.judge([good, good], "a/b", 2) == []
    assert run_goldens.judge([good, bad], "a/b", 2) == [bad]
    for rows, expected in (([good], 2), ([good, good], 1), ([], 1), ([], 0)):
        assert [row["case"] for row in run_goldens.judge(rows, "a/b", expected)] == ["a/b"]
