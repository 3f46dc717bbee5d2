"""The examples of README.md, docs/ and the docstrings are run as they stand there, on small models of the names they use."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import mace.pipeline
import networks
import numpy as np
import pytest
from onnx import ModelProto, helper

import mace
import mace.model

ROOT = Path(__file__).resolve().parents[2]
# Commands that other tests or `make demo` run, or that need a peer's package.
NOT_RUN = ("make ", "cmake ", ".venv/bin/python bench/ratio.py", ".venv/bin/python examples/ocr/", "python3 tools/converter.py")


def image_network(name: str) -> ModelProto:
    """An input of that name, [n, 3, h, w], through a convolution to the mean of each channel: any image size fits."""
    nodes = [
        helper.make_node("Conv", [name, "w"], ["features"], pads=[1, 1, 1, 1], strides=[4, 4]),
        helper.make_node("GlobalAveragePool", ["features"], ["y"]),
    ]
    return networks.model(nodes, {name: ("float32", ["n", 3, "h", "w"])}, ["y"], {"w": networks.random(1, 4, 3, 3, 3)})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder in which the examples find their models, inputs and programs."""
    monkeypatch.chdir(tmp_path)
    fixed = networks.convolution_network(dynamic=False)
    for name, network in (("model", fixed), ("net", fixed), ("detector", image_network("x"))):
        Path(f"{name}.onnx").write_bytes(network.SerializeToString())
        Path(f"{name}.mace").write_bytes(mace.convert(network.SerializeToString())[0])
    yaml_blocks = re.findall(r"^```yaml\n(.*?)^```", (ROOT / "docs/pipelines.md").read_text(), re.MULTILINE | re.DOTALL)
    for name in ("camera", "steps"):
        Path(f"{name}.yml").write_text(yaml_blocks[0])
    recurrent = networks.recurrent_network()
    recurrent.graph.output[1].name = recurrent.graph.node[1].output[0] = "h1_out"
    Path("gru.onnx").write_bytes(recurrent.SerializeToString())
    Path("in").mkdir()
    np.save("in/in_0.npy", networks.random(2, 1, 3, 16, 20))
    Path(".venv").symlink_to(sys.prefix)
    Path("build").symlink_to(ROOT / "build")
    return tmp_path


def python_blocks(document: str) -> list[str]:
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks, f"{document} has no Python example any more"
    return blocks


def shell_lines(document: str) -> list[str]:
    """Indented lines that call a program of MACE, and commands in backticks that name a model's file, joined where a line breaks."""
    text = (ROOT / document).read_text()
    lines = [line.partition("  #")[0].strip() for line in re.findall(r"^    (\S.*)$", text, re.MULTILINE)]
    lines += [re.sub(r"\s+", " ", command) for command in re.findall(r"`(mace(?:_run)? [^`]*\.(?:onnx|mace)\b[^`]*)`", text)]
    return [line for line in lines if re.match(r"(\.venv/bin/|build/)?(mace|mace_run|make|cmake|python)\b|\.venv/bin/python", line)]


@pytest.mark.parametrize("document", ["README.md", "docs/getting_started.md", "docs/pipelines.md"])
def test_python_blocks(folder: Path, document: str) -> None:
    if document == "README.md":  # its model is fed by the name "input"
        (folder / "model.onnx").write_bytes(image_network("input").SerializeToString())
    names: dict[str, object] = {}
    for block in python_blocks(document):
        exec(compile(block, document, "exec"), names)
    assert isinstance(names["y"], dict) and names["y"]


@pytest.mark.parametrize("document", ["README.md", "docs/getting_started.md", "docs/explain.md", "docs/pipelines.md"])
def test_shell_lines(folder: Path, document: str) -> None:
    lines = shell_lines(document)
    run = [line for line in lines if not line.startswith(NOT_RUN)]
    assert run, f"{document}: no command was found"
    programs = f"{Path(sys.executable).parent}{os.pathsep}{ROOT / 'build'}{os.pathsep}{os.environ['PATH']}"
    for line in run:
        if "mace_run" in line and not (ROOT / "build" / "mace_run").exists():
            assert not os.environ.get("MACE_TEST_MODELS"), "build/mace_run is not built"  # where all must run
            continue
        command = ["bash", "-o", "pipefail", "-c", line]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PATH": programs})
        assert result.returncode == 0, f"{document}: {line}\n{result.stdout}{result.stderr}"


def test_shell_lines_are_found() -> None:
    """The README shows every command of `mace` but none that does not exist."""
    shown = {words[1] for line in shell_lines("README.md") if (words := line.split())[0].endswith("/mace")}
    assert shown == {"convert", "info", "run", "bench", "explain", "check"}


@pytest.mark.parametrize("module", [mace, mace.model, mace.pipeline])
def test_docstrings(folder: Path, module: object) -> None:
    (folder / "net.onnx").write_bytes(image_network("input").SerializeToString())
    results = doctest.testmod(module, extraglobs={"mace": mace, "np": np})
    assert results.failed == 0
    assert results.attempted > 0 or module is mace


def test_epilogs_of_the_command_line(folder: Path) -> None:
    """The "Example:" of each command's help; models are called by the names of the fixture."""
    from mace.cli import cli

    np.save(folder / "in" / "in_0.npy", networks.random(2, 1, 3, 16, 20))
    (folder / "case").symlink_to(folder / "in")
    (folder / "det.onnx").write_bytes(image_network("x").SerializeToString())
    for name, command in cli.commands.items():
        example = re.fullmatch(r"Example: (mace .*?)(;.*)?", command.epilog or "")
        assert example, f"mace {name} has no example"
        arguments = [sys.executable, "-m", "mace.cli", *example[1].split()[1:]]
        result = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
        assert result.returncode == 0, f"{example[1]}\n{result.stderr}"
