"""ONNX models whose weights lie in other files: read from the model's folder, and from nowhere else."""

from __future__ import annotations

import os
import pathlib

import command_line
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import mace

WEIGHTS = np.arange(12, dtype=np.float32).reshape(3, 4)


def write(folder: pathlib.Path, location: str = "net.weights") -> pathlib.Path:
    """x [n, 3] times WEIGHTS, which lie in another file."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size]) for name, size in (("x", 3), ("y", 4)))
    weights = numpy_helper.from_array(WEIGHTS, "w")
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "net", [x], [y], [weights])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = folder / "net.onnx"
    onnx.save_model(proto, path, save_as_external_data=True, location="net.weights", size_threshold=0)
    if location != "net.weights":
        proto = onnx.load(path, load_external_data=False)
        proto.graph.initializer[0].external_data[0].value = location
        path.write_bytes(proto.SerializeToString())
    return path


def check(model: mace.Model) -> None:
    x = np.array([[1, 2, 3], [0, 1, 0]], np.float32)
    np.testing.assert_array_equal(model({"x": x})["y"], x @ WEIGHTS)


def test_read_beside_the_model(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path)
    check(mace.load(path))
    check(mace.load(mace.convert(path)[0]))
    check(mace.load(mace.convert(path.read_bytes(), folder=tmp_path)[0]))
    monkeypatch.chdir(tmp_path)
    check(mace.load("net.onnx"))


def test_command_line(tmp_path: pathlib.Path) -> None:
    path = write(tmp_path)
    target = tmp_path / "out" / "net.mace"
    target.parent.mkdir()
    command_line.mace("convert", path, "-o", target)
    command_line.mace("info", path)
    command_line.mace("explain", path, "--input_shape=x:2,3")
    check(mace.load(target))


def test_bytes_have_no_folder(tmp_path: pathlib.Path) -> None:
    data = write(tmp_path).read_bytes()
    for act in (mace.load, mace.convert):
        with pytest.raises(mace.InvalidArgumentError, match=r"tensor 'w'.*'net\.weights'.*without a folder"):
            act(data)


@pytest.mark.parametrize("kind", ["..", "absolute", "link", "folder link", "fifo", "folder", "missing", "short"])
def test_refusals(tmp_path: pathlib.Path, kind: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "inner").mkdir()
    secret = tmp_path / "secret"
    secret.write_bytes(WEIGHTS.tobytes())
    os.mkfifo(folder / "fifo")
    (folder / "link").symlink_to(secret)
    (folder / "up").symlink_to(tmp_path)
    location, message = {
        "..": ("inner/../../secret", "leads out of the model's folder"),
        "absolute": (str(secret), "no relative path"),
        "link": ("link", "'link' is a symbolic link"),
        "folder link": ("up/secret", "'up' is a symbolic link"),
        "fifo": ("fifo", "not a regular file"),
        "folder": ("inner", "not a regular file"),
        "missing": ("nowhere", "No such file"),
        "short": ("net.weights", "it ends after 40 bytes"),
    }[kind]
    path = write(folder, location)
    if kind == "short":
        os.truncate(folder / "net.weights", 40)
    with pytest.raises(mace.MaceError, match=f"tensor 'w'.*{message}"):
        mace.load(path)
