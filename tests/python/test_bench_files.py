"""bench/model_files.py, bench/processes.py and bench/machine.py: what is kept, what is done again, and how failures are told."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from machine import commit_of, describe
from model_files import ModelFiles, Pythons, Unavailable, installed_version
from networks import model
from onnx import helper
from onnx_inputs import InputError, read_interface
from outputs import compare, outputs_of
from processes import Worker, WorkerError
from results import write_text
from worker import make_inputs

CPUINFO = """processor : 0
cpu family : 25
model : 17
model name : AMD EPYC
stepping : 1
flags : fpu fma avx2 avx512f sse4_2 ht

processor : 1
model name : other
"""


def write_network(path: Path) -> Path:
    nodes = [helper.make_node("Mul", ["x", "two"], ["y"])]
    onnx.save(model(nodes, {"x": ("float32", ["N", 3])}, ["y"], {"two": np.float32(2)}), path)
    return path


def stand_in(folder: Path, script: str) -> str:
    """An interpreter that does something else with `SCRIPT ENGINE SOURCE FOLDER SHAPES`, and counts its runs."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\necho run >>{folder}/runs\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def files(tmp_path: Path, script: str, timeout_s: float = 20.0) -> ModelFiles:
    python = stand_in(tmp_path, script)
    return ModelFiles(tmp_path / "work", Pythons(python, python, python), timeout_s)


def runs(tmp_path: Path) -> int:
    return len((tmp_path / "runs").read_text().splitlines())


def test_conversions_are_kept_until_something_changes(tmp_path: Path) -> None:
    kept, source = files(tmp_path, 'cp "$3" "$4/model.mnn"'), write_network(tmp_path / "net.onnx")
    converted = kept.converted("mnn", source, {})
    assert converted.read_bytes() == source.read_bytes() and kept.converted("mnn", source, {}) == converted and runs(tmp_path) == 1
    assert kept.converted("mnn", source, {"x": [2, 3]}) != converted and runs(tmp_path) == 2
    source.write_bytes(source.read_bytes() + b"\x12\x00")
    assert kept.converted("mnn", source, {}) != converted and runs(tmp_path) == 3
    assert kept.converted("onnxruntime", source, {}) == source and runs(tmp_path) == 3  # reads the source itself


def test_mace_converts_anew_each_time(tmp_path: Path) -> None:
    kept, source = files(tmp_path, 'cp "$3" "$4/model.mace"'), write_network(tmp_path / "net.onnx")
    assert kept.converted("mace", source, {}) == kept.converted("mace", source, {}) and runs(tmp_path) == 2


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo chatter; echo reason: it lacks Gather; exit 1", "it lacks Gather"),
        ("echo first; echo last words >&2; exit 3", "last words"),
        ("kill -SEGV $$", "dies of signal 11"),
        ("sleep 30 & sleep 30", "takes more than 0.5 s"),
        ("printf 'reason: \\033[31mred\\n'; exit 1", "[31mred"),
    ],
)
def test_failed_conversions_say_why_and_leave_nothing(tmp_path: Path, script: str, says: str) -> None:
    kept, source = files(tmp_path, f'touch "$4/model.mnn"\n{script}', 0.5), write_network(tmp_path / "net.onnx")
    with pytest.raises(Unavailable) as caught:
        kept.converted("mnn", source, {})
    assert says in str(caught.value) and "\x1b" not in str(caught.value) and caught.value.log and caught.value.log.exists()
    assert not [folder for folder in kept.models.iterdir() if not folder.name.endswith(".partial")]


def test_a_missing_interpreter_is_named(tmp_path: Path) -> None:
    kept = ModelFiles(tmp_path, Pythons("/nowhere/python", "/nowhere/python", "/nowhere/python"))
    with pytest.raises(Unavailable, match="/nowhere/python: No such file"):
        kept.converted("ncnn", write_network(tmp_path / "net.onnx"), {})
    with pytest.raises(WorkerError, match="/nowhere/python: No such file"):
        Worker("/nowhere/python", "ncnn")
    assert installed_version("/nowhere/bin/python", "ncnn") == ""


def test_default_networks_are_written_once(tmp_path: Path) -> None:
    kept = ModelFiles(tmp_path, Pythons(sys.executable, "", ""))
    path = kept.source("ds_cnn_kws")  # the smallest that make_models.py knows
    assert kept.source("ds_cnn_kws") == path and path.name == "ds_cnn_kws.onnx" and onnx.load(path).graph.node[0].op_type == "Conv"
    assert kept.source("a.onnx") == Path("a.onnx") and kept.source("x/a") == Path("x/a")


def test_interfaces_of_files(tmp_path: Path) -> None:
    source = write_network(tmp_path / "net.onnx")
    assert read_interface(source, {}) == ([("x", "float32", [1, 3])], ["y"])
    assert read_interface(source, {"x": [4, 3]})[0] == [("x", "float32", [4, 3])]
    with pytest.raises(InputError, match="no input is called z"):
        read_interface(source, {"z": [1]})
    with pytest.raises(InputError, match="No such file"):
        read_interface(tmp_path / "none.onnx", {})
    (tmp_path / "bad.onnx").write_bytes(b"\xff" * 40)
    with pytest.raises(InputError, match=r"bad\.onnx: is no ONNX file"):
        read_interface(tmp_path / "bad.onnx", {})


def test_a_worker_loads_runs_and_says_what_is_wrong(tmp_path: Path) -> None:
    source = write_network(tmp_path / "net.onnx")
    with open(tmp_path / "log", "w") as log:
        worker = Worker(sys.executable, "mace", log)
        answer = worker.load(str(source), 1, {}, specs=[("x", "float32", [5, 3])])
        assert answer["load_ms"] > 0 and answer["import_ms"] > 0 and answer["version"] != "unknown"
        assert worker.ask(do="run", seed=1, repeats=2, warm=1)["ms"] > 0
        first, again, other = (outputs_of(worker, seed)[0] for seed in (1, 1, 2))
        assert first.shape == (5, 3) and np.array_equal(first, again) and not np.array_equal(first, other) and np.abs(first).max() <= 2
        memory = worker.ask(do="memory")
        assert memory["peak_bytes"] >= memory["import_peak_bytes"] > 1 << 20
        with pytest.raises(WorkerError, match="KeyError"):
            worker.ask(do="dance")
        worker.process.kill()
        with pytest.raises(WorkerError, match="its process died"):
            worker.ask(do="memory")
        worker.close()
        worker = Worker(sys.executable, "mace", log)
        with pytest.raises(WorkerError, match=r"none\.onnx"):
            worker.load(str(tmp_path / "none.onnx"), 1, {})
        worker.close()


def test_a_worker_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    worker = Worker(stand_in(tmp_path, "exec sleep 30"), "mace", timeout_s=0.3)
    with pytest.raises(WorkerError, match=r"no answer within 0\.3 s"):
        worker.ask(do="memory")
    assert worker.process.poll() is not None
    worker.close()


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("read x; echo nonsense", "answers 'nonsense"),
        ("read x; echo []", "no JSON object"),
        ('read x; printf "{"', "no JSON object"),
        ("kill -40 $$", "signal 40"),
    ],
)
def test_a_worker_that_answers_nonsense_is_told(tmp_path: Path, script: str, says: str) -> None:
    worker = Worker(stand_in(tmp_path, script), "mace", timeout_s=20)
    with pytest.raises(WorkerError, match=re.escape(says)):
        worker.ask(do="memory")
    worker.close()


def test_scalars_are_arrays() -> None:
    for dtype in ("float32", "int64", "uint8", "bool"):
        (array,) = make_inputs([("x", dtype, [])], {}, 1)
        assert isinstance(array, np.ndarray) and array.shape == () and array.dtype == dtype


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_text(tmp_path / "folder", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_outputs_beside_each_other() -> None:
    one, two = np.array([[1.0, -4.0]], np.float32), np.array([[1.0, -4.2]], np.float32)
    difference, cosine = compare([two], [one])
    assert difference == pytest.approx(0.05, rel=1e-5) and 0.999 < cosine < 1
    assert compare([one], [one]) == (0.0, pytest.approx(1.0))
    wrong = (float("inf"), 0.0)
    assert compare([one], [one[0]]) == wrong and compare([one, one], [one]) == wrong and compare([one * np.nan], [one]) == wrong


def test_the_machine_and_the_commit(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    (tmp_path / "meminfo").write_text("MemTotal: 2048 kB\n")
    machine = describe(str(tmp_path / "cpuinfo"), str(tmp_path / "meminfo"))
    assert machine["cpu"] == "AMD EPYC" and machine["slug"] == "amd_epyc_25_17_1" and machine["family_model_stepping"] == "25/17/1"
    assert machine["features"] == ["avx2", "avx512f", "fma", "sse4_2"] and machine["memory_bytes"] == 2 << 20 and machine["cores"] > 0
    assert describe("/nowhere", "/nowhere")["features"] == []
    assert commit_of(tmp_path) == ("unknown", "", False)
