"""`mace convert --pipeline FILE.yml`: what files say, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import networks
import pytest
from command_line import mace as run_mace
from mace.pipeline import Color, Layout, Normalize, Resize, Softmax, TopK
from mace.pipeline_file import PipelineFileError, read_pipeline_file

import mace

GOOD = """\
preprocess:
  x:
    - Color: {source: nv12, target: rgb}
    - Resize: {height: 16, width: 20, mode: nearest}
    - Normalize:
        mean: [0.5, 0.25, 1]
        deviation: 2
    - Layout: {source: NHWC, target: NCHW}
postprocess:
  prob:
    - Softmax
    - TopK: {k: 2, labels: animals.txt}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.onnx").write_bytes(networks.convolution_network(dynamic=False).SerializeToString())
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "animals.txt").write_text("cat\ndog\nfox\nhen\nowl\n")
    (tmp_path / "sub" / "good.yml").write_text(GOOD)
    return tmp_path


def test_steps(folder: Path) -> None:
    steps = read_pipeline_file("sub/good.yml")
    assert steps == {
        "preprocess": {
            "x": [Color("nv12", "rgb"), Resize(16, 20, "nearest"), Normalize([0.5, 0.25, 1], 2), Layout("NHWC", "NCHW")],
        },
        "postprocess": {"prob": [Softmax(), TopK(2, labels="sub/animals.txt")]},
    }


def test_command_line(folder: Path) -> None:
    run_mace("convert", "net.onnx", "--pipeline", "sub/good.yml", "-o", "net.mace")
    info = json.loads(run_mace("info", "net.mace", "--json").stdout)
    assert [(t["name"], t["dtype"]) for t in info["inputs"]] == [("x", "uint8")]
    assert [t["name"] for t in info["outputs"]] == ["prob", "prob_indices"]
    assert mace.load("net.mace").metadata["labels:prob"] == "cat\ndog\nfox\nhen\nowl"


WRONG = [
    ("", "file.yml: is empty"),
    ("- 1\n", "file.yml:1: expected the keys preprocess and postprocess"),
    ("preproces:\n  x: []\n", "file.yml:1: there is no key 'preproces'; did you mean preprocess?"),
    ("preprocess:\n  x:\n    - Resise: {height: 1}\n", "file.yml:3: there is no step 'Resise'; did you mean Resize?"),
    (
        "preprocess:\n  x:\n    - Resize:\n        height: 1\n        widht: 2\n",
        "file.yml:5: Resize has no field 'widht'; did you mean width?",
    ),
    ("preprocess:\n  x:\n    - Resize: {height: 1}\n", "file.yml:3: Resize needs width"),
    ("preprocess:\n  x:\n    - Resize: {height: 1, width: ten}\n", "file.yml:3: Resize: width is 'ten', expected an integer"),
    ("preprocess:\n  x:\n    - Resize: {height: 1, height: 2}\n", "file.yml:3: the key 'height' stands here twice"),
    ("preprocess:\n  x: {Resize: 1}\n", "file.yml:2: expected a list of steps for 'x'"),
    ("preprocess:\n  x:\n    - {Softmax: {}, Layout: {}}\n", "file.yml:3: expected one step behind each dash"),
    ("preprocess:\n  x:\n    - Normalize: {mean: [[1]]}\n", "file.yml:3: expected a number, text, true or false, or a list of them"),
    ("preprocess:\n  x:\n    - Normalize: {mean: !!python/name:os.system 1}\n", "file.yml:3: expected a number"),
    ("preprocess: [\n", "file.yml:2: "),
    ("preprocess:\n\t x: 1\n", "file.yml:2: "),
    ("a: &a [*a]\n", "file.yml:1: "),
    ("preprocess: &a\n  x: &b\n    - *b\n", "file.yml:2: "),
    ("x: 1\n---\ny: 2\n", "file.yml:2: "),
    ("\x01", "file.yml"),
]


@pytest.mark.parametrize("text,message", WRONG)
def test_refusals(folder: Path, text: str, message: str) -> None:
    Path("file.yml").write_text(text)
    with pytest.raises(PipelineFileError) as error:
        read_pipeline_file("file.yml")
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"#" * (1 << 20) + b"#", b"[" * 100000])
def test_hostile_files(folder: Path, data: bytes) -> None:
    Path("file.yml").write_bytes(data)
    with pytest.raises(PipelineFileError):
        read_pipeline_file("file.yml")


@pytest.mark.parametrize("field", ["A" * 9000, "[" + "1," * 20000 + "1]", "9" * 90000])
def test_long_values_are_told_in_short(folder: Path, field: str) -> None:
    for text in (f"preprocess:\n  x:\n    - Resize: {{height: {field}, width: 2}}\n", f"? {field}\n: 1\n"):
        Path("file.yml").write_text(text)
        with pytest.raises(PipelineFileError) as error:
            read_pipeline_file("file.yml")
        assert len(str(error.value)) < 600


def test_names_that_are_no_text(folder: Path) -> None:
    """YAML's escapes make them."""
    for name in ("\\ud800", "prob\\0"):
        Path("file.yml").write_text(f'postprocess:\n  "{name}":\n    - Softmax\n')
        result = run_mace("convert", "net.onnx", "--pipeline", "file.yml", "-o", "net.mace", status=1)
        assert "is no tensor's name" in result.stderr and result.stderr.count("\n") == 1


def test_exit_status(folder: Path) -> None:
    Path("file.yml").write_text("preprocess:\n  x:\n    - Resise: {height: 1}\n")
    result = run_mace("convert", "net.onnx", "--pipeline", "file.yml", "-o", "net.mace", status=2)
    assert "file.yml:3: there is no step 'Resise'; did you mean Resize?" in result.stderr
    run_mace("convert", "net.onnx", "--pipeline", "absent.yml", "-o", "net.mace", status=1)
    Path("file.yml").write_text("postprocess:\n  prob:\n    - TopK: {k: 2, labels: absent.txt}\n")
    result = run_mace("convert", "net.onnx", "--pipeline", "file.yml", "-o", "net.mace", status=1)
    assert "absent.txt: no such file (labels)" in result.stderr
    assert not Path("net.mace").exists()
