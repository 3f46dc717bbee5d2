"""Deployment files for tests, and how the tests run tools/converter.py."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networks
import yaml
from mace.deployment import commands

from mace import terminal

CHECKOUT = Path(__file__).resolve().parents[2]
CONVERTER = [sys.executable, str(CHECKOUT / "tools" / "converter.py")]


@dataclass
class Ended:
    """How a command ended."""

    status: int
    out: str
    err: str

    def problems(self) -> list[str]:
        """What it said is wrong, without the program's name and its warnings."""
        lines = [line for line in self.err.splitlines() if not line.startswith("warning: ")]
        assert all(line.startswith("converter.py: ") for line in lines), self.err
        return [line.removeprefix("converter.py: ") for line in lines]


def converter(*arguments: object, cwd: Path, status: int = 0, **environment: str) -> Ended:
    """Runs a command line in a folder; it must end with this status. In this process, where the environment stays as it is: a process
    of its own takes longer to start than most commands to run."""
    words = [str(argument) for argument in arguments]
    ended = _in_process(words, cwd) if not environment else _as_program(words, cwd, environment)
    assert ended.status == status, f"{ended.status}: {ended.err}{ended.out}"
    assert "Traceback" not in ended.err, ended.err
    return ended


def _as_program(words: list[str], cwd: Path, environment: dict[str, str]) -> Ended:
    result = subprocess.run([*CONVERTER, *words], cwd=cwd, capture_output=True, text=True, timeout=300, env={**os.environ, **environment})
    return Ended(result.returncode, result.stdout, result.stderr)


def _in_process(words: list[str], cwd: Path) -> Ended:
    out, err = io.StringIO(), io.StringIO()
    before = os.getcwd()
    commands.ConverterGroup.checkout = str(CHECKOUT)
    try:
        os.chdir(cwd)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = terminal._status_of(
                lambda: commands.cli.main(words, prog_name=commands.PROGRAM, standalone_mode=False), commands.PROGRAM
            )
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    finally:
        os.chdir(before)
    return Ended(status, out.getvalue(), err.getvalue())


def converter_json(*arguments: object, cwd: Path, status: int = 0) -> Any:
    """What it prints with --json."""
    return json.loads(converter(*arguments, "--json", cwd=cwd, status=status).out)


def sha256(data: bytes) -> str:
    """What sha256sum prints."""
    return hashlib.sha256(data).hexdigest()


def graph(**changes: Any) -> dict[str, Any]:
    """The sub-graph of networks.convolution_network(), in the layout of its ONNX file."""
    keys = {
        "input_tensors": ["x"], "input_shapes": ["1,3,16,20"], "input_data_formats": ["NCHW"],
        "output_tensors": ["prob"], "output_shapes": ["1,5"], "output_data_formats": ["NONE"],
    }  # fmt: skip
    return {key: value for key, value in {**keys, **changes}.items() if value is not None}


def deployment(folder: Path, *, data: bytes | None = None, subgraphs: Any = None, top: dict | None = None, **model: Any) -> Path:
    """Writes net.onnx and net.yml: one model "net" of library "lib". Keys of None are left out."""
    if data is None:
        data = networks.convolution_network().SerializeToString()
    (folder / "net.onnx").write_bytes(data)
    keys = {
        "platform": "onnx", "model_file_path": "net.onnx", "model_sha256_checksum": sha256(data),
        "subgraphs": [graph()] if subgraphs is None else subgraphs, "runtime": "cpu", "data_type": "fp32_fp32", **model,
    }  # fmt: skip
    keys = {key: value for key, value in keys.items() if value is not None}
    file = {"library_name": "lib", "target_abis": ["host"], "models": {"net": keys}, **(top or {})}
    path = folder / "net.yml"
    path.write_text(yaml.safe_dump({key: value for key, value in file.items() if value is not None}, sort_keys=False))
    return path


def line_of(path: Path, text: str) -> int:
    """The line of a file that holds a text, counted from 1."""
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


@contextlib.contextmanager
def limited_files(size: int) -> Iterator[None]:
    """Files cannot grow beyond this size, as on a disk that is full; child processes can do as little."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def nothing_written(folder: Path) -> Iterator[None]:
    """Asserts that the folder holds the same files afterwards."""
    before = sorted(path for path in folder.rglob("*") if path.is_file())
    yield
    assert sorted(path for path in folder.rglob("*") if path.is_file()) == before
