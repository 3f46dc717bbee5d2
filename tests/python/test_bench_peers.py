"""bench/peers.py: every flag, its table, what it keeps, and its exit status, on engines that are no processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_files
import numpy as np
import onnx
import peers
import performance_page
import pytest
from bench_fakes import PEERS_PYTHON, FakeWorker, failing
from networks import model
from onnx import helper
from processes import WorkerError

MS = {"mace": 2.0, "onnxruntime": 3.0, "openvino": 2.5, "ncnn": 4.0, "mnn": 1.0, "litert": 2.0}
PAGE = f"# Performance\n\nbefore\n\n{performance_page.BEGIN}\nstale\n{performance_page.END}\n\nafter\n"


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A small file; conversions and default networks are that file."""
    path = tmp_path / "net.onnx"
    nodes = [helper.make_node("Mul", ["x", "two"], ["y"])]
    onnx.save(model(nodes, {"x": ("float32", ["N", 4])}, ["y"], {"two": np.float32(2)}), path)
    monkeypatch.setattr(model_files.ModelFiles, "converted", lambda self, engine, source, shapes: source)
    return str(path)


def run(
    tmp_path: Path, *arguments: object, ms: Callable[[str, int], float] = lambda engine, seed: MS[engine], output: dict | None = None
) -> tuple[int, dict, list]:
    """Exit status, results, what the engines were told."""
    diary: list = []
    output = output or {}
    result, work = tmp_path / "results.json", tmp_path / "work"
    status = peers.main(
        [*map(str, arguments), "--json", str(result), "--work_dir", str(work), "--results_dir", str(tmp_path / "kept")],
        lambda engine, log: FakeWorker(engine, ms, diary, output.get(engine, 1.0)),
    )
    return status, json.loads(result.read_text()) if result.exists() else {}, diary


def test_table_and_results(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    status, results, _ = run(tmp_path, network, "--quick")
    assert status == 0 and [n["name"] for n in results["networks"]] == ["net"]
    engines = results["networks"][0]["engines"]
    assert list(engines) == ["mace", "onnxruntime", "openvino", "ncnn", "mnn", "litert"]
    assert engines["ncnn"]["ratio"] == 2.0 and engines["mnn"]["ratio"] == 0.5 and engines["mnn"]["upper"] == 0.5
    assert results["means"]["best"] == {"ratio": 0.5, "networks": 1} and [x["engine"] for x in results["losses"]] == ["mnn"]
    assert results["quick"] and results["settings"]["rounds"] == 4 and len(engines["ncnn"]["blocks"]) == 2
    assert results["engines"]["mnn"]["version"] == "1" and "precision high" in results["engines"]["mnn"]["settings"]
    printed = capsys.readouterr().out
    assert "slower than mnn on net: 0.500" in printed and "2.000" in printed and "intra_op N" in printed and "1.00" in printed
    assert not (tmp_path / "kept").exists()


def test_numbers_of_rounds_blocks_threads_and_times(tmp_path: Path, network: str) -> None:
    flags = ("--rounds", 6, "--blocks", 3, "--num_threads", 2, "--min_ms", 10, "--alone", 0, "--isa", "avx2", "--peers", "onnxruntime")
    status, results, diary = run(tmp_path, network, *flags)
    entry = results["networks"][0]["engines"]["onnxruntime"]
    assert status == 0 and [len(block) for block in entry["blocks"]] == [2, 2, 2] and entry["repeats"] == 3 and "alone_ms" not in entry
    loads = [(engine, loaded["num_threads"], loaded["isa"]) for engine, what, loaded in diary if what == "load"]
    assert set(loads) == {("mace", 2, "avx2"), ("onnxruntime", 2, None)}
    assert results["settings"]["isa"] == "avx2" and results["settings"]["num_threads"] == 2


def test_peers_alone_and_shapes(tmp_path: Path, network: str) -> None:
    flags = ("--quick", "--alone", 2, "--peers", "mnn,litert,mnn", "--input_shape", "x:7,4")
    status, results, diary = run(tmp_path, network, *flags)
    assert status == 0 and list(results["networks"][0]["engines"]) == ["mace", "mnn", "litert"]
    assert len(results["networks"][0]["engines"]["mnn"]["alone"]) == 2
    assert all(loaded["specs"] == [("x", "float32", [7, 4])] for _, what, loaded in diary if what == "load")


def test_outputs_decide_the_exit_status(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    status, results, _ = run(tmp_path, network, "--quick", output={"mace": 1.01})
    assert status == 1 and results["networks"][0]["engines"]["mace"]["status"] == "wrong" and "WRONG" in capsys.readouterr().out
    assert run(tmp_path, network, "--quick", "--tolerance", 0.1, output={"mace": 1.01})[0] == 0
    status, results, _ = run(tmp_path, network, "--quick", output={"ncnn": 2.0})
    assert status == 0 and results["networks"][0]["engines"]["ncnn"]["status"] == "wrong" and "ncnn" not in results["means"]


def test_outputs_that_nothing_judges_are_said(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    def lost(engine: str, seed: int) -> float:
        if engine == "onnxruntime":
            raise WorkerError("its process died")
        return 1.0

    status, results, _ = run(tmp_path, network, "--quick", "--peers", "ncnn", ms=lost)
    assert status == 0 and results["networks"][0]["engines"]["mace"]["difference"] is None
    assert "outputs are compared with nothing, for onnxruntime does not run here: net" in capsys.readouterr().out
    run(tmp_path, network, "--quick")
    assert "compared with nothing" not in capsys.readouterr().out


def test_what_fails_is_na_with_its_reason(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    status, results, _ = run(tmp_path, network, "--quick", ms=failing("ncnn", "its process died (signal SIGSEGV)"))
    printed = capsys.readouterr().out
    assert status == 0 and results["networks"][0]["engines"]["ncnn"]["status"] == "n/a"
    assert "net, ncnn: n/a: its process died (signal SIGSEGV)" in printed and "net_ncnn_run.log" in printed
    assert run(tmp_path, network, "--quick", ms=failing("mace", "no"))[0] == 1


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--rounds", "0"], "expected a number from 1 up"),
        (["--blocks", "x"], "expected a number from 1 up"),
        (["--num_threads", "-1"], "expected a number from 1 up"),
        (["--alone", "-1"], "expected a number from 0 up"),
        (["--min_ms", "nan"], "expected a number from 0 up"),
        (["--tolerance", "-1"], "expected a number from 0 up"),
        (["--peers", "tvm"], "no peer is called 'tvm'"),
        (["--input_shape", "x:0"], "expected NAME:D,D"),
        (["--fast"], "unrecognized arguments"),
    ],
)
def test_wrong_flags_are_named(flags: list[str], says: str, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit) as caught:
        peers.main(flags)
    assert caught.value.code == 2 and says in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["mobilenet_v9"], "is no default network and no .onnx file"),
        (["none.onnx"], "none.onnx: No such file"),
        (["NET", "--input_shape", "z:1,4"], "no model has an input called z"),
    ],
)
def test_wrong_models_are_named(tmp_path: Path, network: str, arguments: list[str], says: str, capsys: pytest.CaptureFixture) -> None:
    status, _, _ = run(tmp_path, *[network if a == "NET" else a for a in arguments], "--quick")
    assert status == 2 and says in capsys.readouterr().err


def test_json_into_nowhere_is_said_before_the_work(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    assert peers.main([network, "--json", str(tmp_path / "none" / "x.json")], lambda *_: pytest.fail("worked")) == 2
    assert "does not exist" in capsys.readouterr().err
    assert peers.main([network, "--json", str(tmp_path)], lambda *_: pytest.fail("worked")) == 2
    assert "is a folder" in capsys.readouterr().err


def test_help_fits_80_columns(capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        peers.main(["--help"])
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    assert all(flag in printed for flag in peers.make_parser()._option_string_actions)


def whole_run(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, *flags: object) -> Any:
    """A run that is kept: of all default networks, which here are one."""
    monkeypatch.setattr(peers, "DEFAULT_MODELS", (network,))
    machine = {"cpu": "A", "family_model_stepping": "1/2/3", "slug": "a_1_2_3", "cores": 2, "memory_bytes": 1 << 30, "system": "Linux"}
    monkeypatch.setattr(peers, "describe", lambda: machine | {"features": ["avx2"]})
    monkeypatch.setattr(peers, "commit_of", lambda root: ("abcdef012", "2026-01-01", False))
    (tmp_path / "docs").mkdir(exist_ok=True)
    (tmp_path / "docs" / "performance.md").write_text(PAGE)
    options = ("--rounds", 20, "--blocks", 2, "--min_ms", 1, "--docs_dir", tmp_path / "docs", "--peer_python", PEERS_PYTHON)
    return run(tmp_path, *options, *flags)[0]


def test_a_whole_run_is_kept_and_written_into_the_page(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert whole_run(tmp_path, network, monkeypatch, "--no_plots") == 0
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.name.endswith("_abcdef012_a_1_2_3.json")
    page = (tmp_path / "docs" / "performance.md").read_text()
    assert page.startswith("# Performance\n\nbefore\n") and page.endswith("\n\nafter\n") and "stale" not in page
    assert "2.00 [2.00, 2.00]" in page and "**0.50 [0.50, 0.50]**" in page and "- mnn on net: 0.500" in page and kept.name in page
    assert not (tmp_path / "docs" / "performance").exists()
    assert whole_run(tmp_path, network, monkeypatch, "--no_plots", "--num_threads", 2) == 0
    assert whole_run(tmp_path, network, monkeypatch, "--no_plots") == 0
    names = sorted(path.name.partition("_a_1_2_3")[2] for path in (tmp_path / "kept").iterdir())
    assert names == [".json", "_2threads.json", "_run2.json"]
    page = (tmp_path / "docs" / "performance.md").read_text()
    assert "## 1 thread\n" in page and "## 2 threads\n" in page and "_run2.json" in page


def test_mace_that_runs_nothing_ends_the_work_at_once(tmp_path: Path, network: str, capsys: pytest.CaptureFixture) -> None:
    def refused(engine: str, seed: int) -> float:
        if engine == "mace":
            raise WorkerError("InvalidArgumentError: no instruction set is called abacus")
        return 1.0

    status, results, diary = run(tmp_path, network, "--quick", "--isa", "abacus", ms=refused)
    assert status == 1 and not results and "no instruction set is called abacus" in capsys.readouterr().err
    assert sum(what == "load" for _, what, _ in diary) == 6  # the check alone


def test_few_rounds_are_not_kept(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    assert whole_run(tmp_path, network, monkeypatch, "--rounds", 18) == 0 and not (tmp_path / "kept").exists()
    assert "not kept: figures take at least 20 rounds" in capsys.readouterr().out


def test_an_interrupt_keeps_nothing(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def interrupted(engine: str, seed: int) -> float:
        raise KeyboardInterrupt

    assert run(tmp_path, network, "--quick", ms=interrupted)[:2] == (130, {}) and "interrupted" in capsys.readouterr().err


def test_a_busy_machine_is_said(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.setattr(peers, "load_average", lambda: 1.5)
    assert run(tmp_path, network, "--quick")[1]["load_average_before"] == 1.5
    assert "busy (load average 1.5)" in capsys.readouterr().err


def test_no_results_keeps_nothing(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert whole_run(tmp_path, network, monkeypatch, "--no_results") == 0
    assert not (tmp_path / "kept").exists() and (tmp_path / "docs" / "performance.md").read_text() == PAGE


def test_a_page_without_markers_is_said(
    tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """Before the work, and so is a folder that takes no results."""
    monkeypatch.setattr(peers, "measure", lambda *_: pytest.fail("worked"))
    (tmp_path / "kept").write_text("")
    assert whole_run(tmp_path, network, monkeypatch, "--no_plots") == 1
    assert "kept: results cannot be written there" in capsys.readouterr().err
    (tmp_path / "kept").unlink()
    monkeypatch.setattr("test_bench_peers.PAGE", "# Performance\n")
    assert whole_run(tmp_path, network, monkeypatch, "--no_plots") == 1 and "lacks the markers" in capsys.readouterr().err


def test_plots(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    if not list((PEERS_PYTHON.parents[1] / "lib").glob("python*/site-packages/matplotlib")):
        pytest.skip("no matplotlib in build/bench/peers_venv (scripts/make_peers.sh makes it)")
    assert whole_run(tmp_path, network, monkeypatch) == 0
    drawn = sorted(path.name for path in (tmp_path / "docs" / "performance").iterdir())
    assert drawn == ["history.png", "ratios_1.png"], capsys.readouterr().out
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in (tmp_path / "docs" / "performance").iterdir())
    page = (tmp_path / "docs" / "performance.md").read_text()
    assert "(performance/ratios_1.png)" in page and "(performance/history.png)" in page


def test_a_plot_that_cannot_be_drawn_is_said(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("test_bench_peers.PEERS_PYTHON", tmp_path / "no_python")
    assert whole_run(tmp_path, network, monkeypatch) == 0
    assert "no plot" in capsys.readouterr().out and "2.00 [2.00" in (tmp_path / "docs" / "performance.md").read_text()


def test_interpreters(tmp_path: Path, network: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    make = model_files.ModelFiles.__init__
    monkeypatch.setattr(
        model_files.ModelFiles, "__init__", lambda self, folder, pythons: (seen.append(pythons), make(self, folder, pythons))[1]
    )
    run(tmp_path, network, "--quick", "--mace_python", "a", "--peer_python", "b", "--tensorflow_python", "c")
    assert [seen[0].of_engine("mace"), seen[0].of_engine("mnn"), seen[0].of_conversion("litert"), seen[0].of_conversion("mnn")] == list(
        "abcb"
    )
    run(tmp_path, network, "--quick")
    assert seen[1].peers == str(tmp_path / "work" / "peers_venv" / "bin" / "python") and "tensorflow_venv" in seen[1].tensorflow
