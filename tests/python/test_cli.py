"""The command line: exit statuses, help, suggestions, files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import networks
import numpy as np
import pytest

COMMANDS = ("convert", "run", "info", "bench", "explain")


def mace(*arguments: object, ok: bool = True) -> subprocess.CompletedProcess:
    result = subprocess.run([sys.executable, "-m", "mace.cli", *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert (result.returncode == 0) == ok, result.stderr
    return result


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(networks.convolution_network(dynamic=False).SerializeToString())
    return path


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str) -> None:
    assert "Example:" in mace(command, "--help").stdout


def test_convert_info_run(onnx_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "net.mace"
    report = json.loads(mace("convert", onnx_file, "-o", out, "--json").stdout)
    assert report["bytes"] == out.stat().st_size
    info = json.loads(mace("info", out, "--json").stdout)
    assert info["inputs"][0]["name"] == "x" and info["inputs"][0]["shape"] == [1, 3, 16, 20]
    case = tmp_path / "case"
    case.mkdir()
    x = networks.random(1, 1, 3, 16, 20)
    np.save(case / "in_0.npy", x)
    mace("run", out, "--input_dir", case, "--output_dir", tmp_path / "out")
    got = np.load(tmp_path / "out" / "out_0.npy")
    assert got.shape == (1, 5) and abs(got.sum() - 1) < 1e-5
    np.save(case / "in_0.npy", np.stack([x, 2 * x]))
    mace("run", out, "--input_dir", case, "--output_dir", tmp_path / "steps", "--steps", 2)
    np.testing.assert_array_equal(np.load(tmp_path / "steps" / "out_0.npy")[0], got)


def test_bench_and_explain(onnx_file: Path) -> None:
    assert json.loads(mace("bench", onnx_file, "--rounds=3", "--json").stdout)["median_ms"] > 0
    plan = json.loads(mace("explain", onnx_file, "--json", "--profile").stdout)
    assert len(plan["profile"]["steps"]) == len(plan["steps"])


def test_unknown_flag_is_an_error_with_a_suggestion(onnx_file: Path) -> None:
    result = mace("bench", onnx_file, "--num_thread=2", ok=False)
    assert "--num_threads" in result.stderr
    assert "convert" in mace("conver", onnx_file, ok=False).stderr


@pytest.mark.parametrize("content", [b"", b"nonsense", b"MACE", b"\x08\x07"])
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(content)
    result = mace("convert", path, "-o", tmp_path / "bad.mace", ok=False)
    assert result.stderr.startswith("mace: ") and "Traceback" not in result.stderr
    assert not (tmp_path / "bad.mace").exists()
    assert "Traceback" not in mace("info", path, ok=False).stderr


def test_failures_say_what_and_leave_nothing(onnx_file: Path, tmp_path: Path) -> None:
    assert "nowhere" in mace("info", tmp_path / "nowhere.mace", ok=False).stderr
    assert "OUTPUT:INPUT" in mace("convert", onnx_file, "-o", tmp_path / "x.mace", "--state=h", ok=False).stderr
    result = mace("convert", onnx_file, "-o", tmp_path / "no" / "such" / "folder.mace", ok=False)
    assert "folder.mace" in result.stderr and "Traceback" not in result.stderr
    assert "in_0.npy" in mace("run", onnx_file, "--input_dir", tmp_path, "--output_dir", tmp_path / "o", ok=False).stderr
    (tmp_path / "in_0.npy").write_bytes(b"\x93NUMPY garbage")
    assert "in_0.npy" in mace("run", onnx_file, "--input_dir", tmp_path, "--output_dir", tmp_path / "o", ok=False).stderr


def test_disk_full_leaves_no_file(onnx_file: Path) -> None:
    full = Path("/dev/full")
    if full.exists():
        assert mace("convert", onnx_file, "-o", "/dev/full/x.mace", ok=False).stderr.startswith("mace: ")
