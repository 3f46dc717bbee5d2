"""What the command line prints, and how it ends: names that look like markup or drive a terminal, full disks, interrupts."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from subprocess import PIPE

import networks
import numpy as np
import pytest
from command_line import MACE, mace, one_line
from onnx import helper


def relu(name: str, operator: str = "Relu") -> bytes:
    node = helper.make_node(operator, ["x"], ["y"], name=name)
    return networks.model([node], {"x": ("float32", [4])}, ["y"], {}).SerializeToString()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(relu("the_node"))
    np.save(tmp_path / "in_0.npy", np.ones(4, np.float32))
    return path


@pytest.mark.parametrize("name", ["enc[/red]der", "layers[0]/[bold]relu", "[link=x]y", "a:smile:b"])
def test_names_are_no_markup(tmp_path: Path, name: str) -> None:
    path = tmp_path / "[bold]q.onnx"
    path.write_bytes(relu(name))
    assert name in mace("explain", path, env={**os.environ, "COLUMNS": "200"}).stdout
    assert mace("bench", path, "--rounds=1").stdout.startswith("[bold]q.onnx, 1 thread")


def test_names_cannot_forge_lines_or_drive_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(relu("a\nmace: all good", "Foo\x1b[31m"))
    one_line(mace("convert", path, "-o", tmp_path / "x.mace", status=1), r"a\nmace: all good", r"Foo\x1b[31m")
    path.write_bytes(relu("\x1b[31mRED\x1b]0;title\x07\nrow"))
    text = mace("explain", path, env={**os.environ, "COLUMNS": "200"}).stdout
    assert r"\x1b[31mRED\x1b]0;title\x07\nrow" in text and "\x1b" not in text
    one_line(mace("info", tmp_path / "no\nmace: all good", status=1), r"no\nmace: all good")
    assert "\x1b[2J" not in mace("bench", path, "--isa=\x1b[2J", status=2).stderr
    assert "\nforged" not in mace("bench", path, "--flag\nforged", status=2).stderr


def test_no_arguments_show_the_help() -> None:
    assert "\n  mace convert" in mace(status=2).stderr


COMMANDS = (
    ("--help",),
    ("--version",),
    ("info", "net.onnx"),
    ("info", "net.onnx", "--json"),
    ("run", "net.onnx", "--input_dir", ".", "--output_dir", "out"),
    ("bench", "net.onnx", "--rounds=1"),
    ("explain", "net.onnx"),
    ("convert", "net.onnx", "-o", "x.mace"),
)


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="no /dev/full")
@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_full_standard_output_is_an_error(model: Path, arguments: tuple[str, ...]) -> None:
    with open("/dev/full", "w") as full:
        one_line(mace(*arguments, status=1, stdout=full, cwd=model.parent), "standard output cannot be written: No space left")


@pytest.mark.parametrize("arguments", COMMANDS)
def test_a_closed_standard_output_is_an_error(model: Path, arguments: tuple[str, ...]) -> None:
    result = mace(*arguments, status=1, stdout=None, cwd=model.parent, preexec_fn=lambda: os.close(1))
    one_line(result, "standard output is closed")


def cpu_seconds(process: int) -> float:
    """User time of a process that runs."""
    with open(f"/proc/{process}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[11]) / os.sysconf("SC_CLK_TCK")


def interruptible() -> None:
    """In a child, before it becomes the program: shells start what runs in the background with SIGINT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_ends_a_run_at_once(tmp_path: Path) -> None:
    weights = {"w": networks.random(1, 1024, 1024)}
    nodes = [helper.make_node("MatMul", [f"v{i}", "w"], [f"v{i + 1}"]) for i in range(64)]
    proto = networks.model(nodes, {"v0": ("float32", [512, 1024])}, ["v64"], weights)
    (tmp_path / "slow.onnx").write_bytes(proto.SerializeToString())
    np.save(tmp_path / "in_0.npy", np.ones((512, 1024), np.float32))
    for arguments in (["run", "slow.onnx", "--input_dir", ".", "--output_dir", "out"], ["bench", "slow.onnx"]):
        command = [*MACE, *arguments, "--reference_kernels"]
        children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        with subprocess.Popen(command, cwd=tmp_path, stdout=PIPE, stderr=PIPE, preexec_fn=interruptible) as process:
            while process.poll() is None and cpu_seconds(process.pid) < 2:  # more than what comes before the run takes
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            before = cpu_seconds(process.pid)
            _, errors = process.communicate(timeout=120)
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - children
        assert (process.returncode, errors) == (-signal.SIGINT, b"")
        assert after - before < 1.5
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_file_is_written_leaves_the_old_one(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "x").write_bytes(b"old")
    script = f"""
import os, signal
from mace.files import write_atomically
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.fsync = lambda _: signal.raise_signal({int(number)})
write_atomically("x", b"new")
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=tmp_path, timeout=60).returncode == -number
    assert [path.name for path in tmp_path.iterdir()] == ["x"] and (tmp_path / "x").read_bytes() == b"old"
