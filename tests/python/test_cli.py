"""The command line: exit statuses, help, suggestions, files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import networks
import numpy as np
import pytest
from command_line import mace

COMMANDS = ("convert", "run", "info", "bench", "explain")


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
    work = plan["plan"]["multiply_adds"]
    assert work == sum(step["multiply_adds"] for step in plan["steps"]) > 0
    assert f"integer rows: 0.0 % of {work / 1e6:.1f} M multiply-adds, 0 of " in mace("explain", onnx_file).stdout


def test_unknown_flag_is_an_error_with_a_suggestion(onnx_file: Path) -> None:
    result = mace("bench", onnx_file, "--num_thread=2", ok=False)
    assert "--num_threads" in result.stderr
    result = mace("conver", onnx_file, ok=False)
    assert "convert" in result.stderr and result.stderr.count("Did you mean") == 1
    assert "Did you mean" not in mace("entirely_else", onnx_file, ok=False).stderr


def test_exit_statuses(onnx_file: Path, tmp_path: Path) -> None:
    """2: the command line is wrong; 1: the work failed. mace_run ends with the same (tests/api/mace_run_test.sh)."""
    wrong = (
        ("explian", onnx_file),
        ("bench", onnx_file, "--num_thread=2"),
        ("bench", onnx_file, "--num_threads=many"),
        ("bench", onnx_file, "--num_threads=1000"),
        ("bench", onnx_file, "--isa=mmx"),
        ("bench", onnx_file, "--input_shape=x"),
        ("bench", onnx_file, "--input_shape=x:1,a"),
        ("convert", onnx_file),
        ("convert", onnx_file, "-o", tmp_path / "x.mace", "--state=h"),
    )
    for arguments in wrong:
        assert "Usage: mace" in mace(*arguments, status=2).stderr
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"nonsense")
    failing = (
        ("info", tmp_path / "nowhere.mace"),
        ("info", damaged),
        ("convert", onnx_file, "-o", tmp_path / "no" / "folder.mace"),
        ("run", onnx_file, "--input_dir", tmp_path, "--output_dir", tmp_path / "out"),
        ("bench", onnx_file, "--input_shape=y:1,3,16,20"),
    )
    for arguments in failing:
        assert mace(*arguments, status=1).stderr.startswith("mace: ")
    assert "2 where the command line is wrong" in mace("--help").stdout


def test_every_instruction_set_is_listed(onnx_file: Path) -> None:
    import mace as package

    with pytest.raises(package.InvalidArgumentError, match=f"not one of {', '.join(package.ISAS)}$"):
        package.load(onnx_file, isa="mmx")
    text = mace("bench", "--help").stdout
    assert all(isa in text for isa in package.ISAS)


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


def test_disk_full_leaves_no_file(onnx_file: Path, tmp_path: Path) -> None:
    import resource

    out = tmp_path / "full"
    out.mkdir()
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))  # noqa: E731  (as a full disk: writing stops half-way)
    command = [sys.executable, "-m", "mace.cli", "convert", str(onnx_file), "-o", str(out / "x.mace")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, preexec_fn=limit)
    assert result.returncode == 1 and "x.mace" in result.stderr and "Traceback" not in result.stderr
    assert list(out.iterdir()) == []


def test_only_regular_files_are_replaced(onnx_file: Path, tmp_path: Path) -> None:
    import os
    import stat

    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    mace("convert", onnx_file, "-o", fifo, ok=False)
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    target, link = tmp_path / "target.mace", tmp_path / "link.mace"
    target.write_bytes(b"old")
    link.symlink_to(target)
    mace("convert", onnx_file, "-o", link)
    assert link.is_symlink() and target.read_bytes().startswith(b"MACE")
    before = onnx_file.read_bytes()
    assert "itself" in mace("convert", onnx_file, "-o", onnx_file, ok=False).stderr
    assert onnx_file.read_bytes() == before


def test_absurd_sizes_are_errors(onnx_file: Path) -> None:
    for dims in ("1,3,99999999999999999999,1", "1,3,-1,1", "1,3,100000000,100000000"):
        assert "Traceback" not in mace("bench", onnx_file, f"--input_shape=x:{dims}", ok=False).stderr


def test_python_m_mace() -> None:
    result = subprocess.run([sys.executable, "-m", "mace", "--version"], capture_output=True, text=True, check=False)
    assert result.returncode == 0 and result.stdout.startswith("mace")
