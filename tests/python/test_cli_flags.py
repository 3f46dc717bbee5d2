"""Flags of the command line: limits, names, flags given twice, files that are not what they should be."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import networks
import numpy as np
import pytest
from command_line import mace, one_line

import mace as engine


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(networks.convolution_network().SerializeToString())
    np.save(tmp_path / "in_0.npy", networks.random(1, 1, 3, 64, 64))
    return path


def folders(path: Path) -> list[object]:
    return ["--input_dir", path.parent, "--output_dir", path.parent / "out"]


def test_memory_limit(model: Path) -> None:
    shape = "--input_shape=x:1,3,64,64"
    for command in (["run", model, *folders(model)], ["bench", model, "--rounds=1", shape], ["explain", model, shape]):
        for enough in ("1G", "64m", "16384k", "67108864", "0"):
            mace(*command, "--memory_limit", enough)
            if command[0] != "run":
                break
        one_line(mace(*command, "--memory_limit=1k", status=1), "memory_limit, 1024 bytes")
        for wrong in ("1T", "-1", "", "k", "1.5G", "9" * 20, "99999999999G"):
            assert "memory_limit" in mace(*command, f"--memory_limit={wrong}", status=2).stderr
            if command[0] != "run":
                break


def test_timeout(model: Path) -> None:
    shape = "--input_shape=x:1,3,64,64"
    for command in (["run", model, *folders(model)], ["bench", model, "--rounds=1", shape], ["explain", model, shape, "--profile"]):
        mace(*command, "--timeout=60")
        one_line(mace(*command, "--timeout=1e-9", status=1), "deadline")
    for wrong in ("0", "-1", "nan", "inf", "soon"):
        assert "timeout" in mace("run", model, *folders(model), f"--timeout={wrong}", status=2).stderr


def test_verify(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.mace"
    mace("convert", model, "-o", file)
    data = bytearray(file.read_bytes())
    mace("run", file, *folders(model), "--verify=full")
    weights = data.rindex(networks.convolution_network().graph.initializer[-1].raw_data[:8])  # the last bias
    data[weights] ^= 1
    file.write_bytes(data)
    mace("run", file, *folders(model))
    one_line(mace("run", file, *folders(model), "--verify=full", status=1), "net.mace")


def test_flags_given_twice(model: Path, tmp_path: Path) -> None:
    result = mace("convert", model, "-o", tmp_path / "a.mace", "-o", tmp_path / "b.mace", status=2)
    assert "--output is given more than once" in result.stderr
    assert "--json is given more than once" in mace("info", model, "--json", "--json", status=2).stderr
    assert "more than once" in mace("convert", model, "-o", tmp_path / "a.mace", "--optimize", "--no_optimize", status=2).stderr
    assert not (tmp_path / "a.mace").exists()


def test_empty_names(model: Path) -> None:
    for arguments in (
        ("info", ""),
        ("convert", model, "-o", ""),
        ("run", model, "--input_dir", "", "--output_dir", "x"),
        ("run", model, "--input_dir", model.parent, "--output_dir", ""),
    ):
        assert "the name is empty" in mace(*arguments, status=2).stderr


def test_results_need_a_regular_file(model: Path, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    one_line(mace("convert", model, "-o", "/dev/stdout", status=1), "/dev/stdout is not a regular file")
    with open(tmp_path / "gone", "w+b") as gone:  # a file without a name behind standard output
        os.unlink(tmp_path / "gone")
        one_line(mace("convert", model, "-o", "/dev/stdout", status=1, stdout=gone), "/dev/stdout is not a regular file")
    assert sorted(os.listdir(tmp_path)) == before
    out = tmp_path / "out"
    out.mkdir()
    os.mkfifo(out / "out_0.npy")
    one_line(mace("run", model, *folders(model), status=1), "out_0.npy is not a regular file")
    assert stat.S_ISFIFO((out / "out_0.npy").stat().st_mode)
    (out / "out_0.npy").unlink()
    (tmp_path / "target").write_bytes(b"kept")
    (out / "out_0.npy").symlink_to(tmp_path / "target")
    one_line(mace("run", model, *folders(model), status=1), "out_0.npy is a symbolic link")
    assert (tmp_path / "target").read_bytes() == b"kept"


def test_files_that_are_no_models_are_named(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.mace"
    mace("convert", model, "-o", file)
    one_line(mace("convert", file, "-o", tmp_path / "y.mace", status=1), f"{file}: it is a .mace file already")
    text = tmp_path / "x.txt"
    text.write_text("hello")
    for command in (["info", text], ["bench", text], ["explain", text], ["convert", text, "-o", file]):
        result = mace(*command, status=1)
        one_line(result, "neither")
        assert result.stderr.count("x.txt") == 1
    for special in ("/proc/self/mem", tmp_path):
        for command in ("info", "bench"):
            one_line(mace(command, special, status=1), str(special))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_a_model_without_permission(model: Path, tmp_path: Path) -> None:
    model.chmod(0o600)
    tmp_path.chmod(0o755)
    script = "import os, mace.cli; os.setgroups([]); os.setgid(65534); os.setuid(65534); mace.cli.main()"
    for arguments in (["info", model.name], ["bench", model.name], ["run", model.name, "--input_dir", ".", "--output_dir", "/nowhere"]):
        command = [sys.executable, "-c", script, *arguments]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        one_line(result, f"{model.name}: Permission denied")
        assert result.returncode == 1


def test_shapes_that_do_not_fit(model: Path) -> None:
    one_line(mace("explain", model, status=1), "--input_shape=x:D,D,...")
    for shape, says in (
        ("x:9223372036854775807,3,8,8", "does not fit in 64 bits"),
        ("x:" + ",".join("1" * 100), "4 dimensions, 100 are given"),
        ("y:1", "no input is called"),
    ):
        for command in ("bench", "explain"):
            one_line(mace(command, model, f"--input_shape={shape}", status=1), says)


def test_steps_whose_results_cannot_be_stacked(tmp_path: Path) -> None:
    from onnx import helper

    proto = networks.model([helper.make_node("NonZero", ["x"], ["y"])], {"x": ("float32", [3])}, ["y"], {}, output_type=7)
    (tmp_path / "net.onnx").write_bytes(proto.SerializeToString())
    np.save(tmp_path / "in_0.npy", np.array([[1, 0, 1], [1, 1, 1]], np.float32))
    result = mace("run", tmp_path / "net.onnx", *folders(tmp_path / "net.onnx"), "--steps=2", ok=False)
    one_line(result, "y")


def test_cut_flags(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.mace"
    command = ("convert", model, "-o", file)
    mace(*command, "--output_tensor=r0", "--output_tensor", "p:0", "--input_tensor=x:1,-1,32,64")
    loaded = engine.load(file)
    assert [(info.name, info.shape) for info in loaded.outputs] == [("r0", (1, 12, 16, 32)), ("p:0", (1, 12, 8, 16))]
    assert loaded.inputs[0].shape == (1, 3, 32, 64)
    mace(*command, "--input_tensor=r0:0", "--input_tensor=c2:0:2,12,-1,-1", "--output_tensor=p")
    assert [(info.name, info.shape[0]) for info in engine.load(file).inputs][1:] == [("c2:0", 2)]
    assert [info.name for info in engine.load(file).inputs] == ["r0:0", "c2:0"]
    one_line(mace(*command, "--output_tensor=r9", status=1), "output 'r9': the model has no tensor of this name; similar: 'r0'")
    one_line(mace(*command, "--input_tensor=x:", status=1), "the given one has 0 dimensions")
    for wrong in ("x:1,-2", "", ":1,2", "x:" + "9" * 20):
        assert "--input_tensor=" in mace(*command, f"--input_tensor={wrong}", status=2).stderr
    assert "'x' twice" in mace(*command, "--input_tensor=x", "--input_tensor=x:1,3,8,8", status=2).stderr


def test_strip_names_and_metadata(model: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.mace"
    mace("convert", model, "-o", file)
    assert b"depthwise" in file.read_bytes()
    mace("convert", model, "-o", file, "--strip_names", "--metadata=author=me", "--metadata", "labels=a=b")
    assert b"depthwise" not in file.read_bytes()
    assert engine.load(file).metadata == {"author": "me", "labels": "a=b"}
    for wrong in ("author", "=me"):
        assert "expected KEY=VALUE" in mace("convert", model, "-o", file, f"--metadata={wrong}", status=2).stderr
    assert "'a' twice" in mace("convert", model, "-o", file, "--metadata=a=1", "--metadata=a=2", status=2).stderr


def test_flags_that_do_not_fit_the_model(model: Path, tmp_path: Path) -> None:
    """Unknown passes are the command line's fault; weights for a model that has its own and an operator without a name are told."""
    output = tmp_path / "net.mace"
    for command in (["convert", model, "-o", output], ["explain", model], ["check", model]):
        for passes in ("nosuch", "-nosuch", "-algebra,-nosuch", "--algebra,-nosuch"):
            assert "no pass is called nosuch" in mace(*command, f"--passes={passes}", status=2).stderr
    weights = tmp_path / "net.caffemodel"
    weights.write_bytes(b"")
    one_line(mace("convert", model, "-o", output, "--weights", weights, status=1), "weights belong to a Caffe model")
    one_line(mace("convert", model, "-o", output, "--custom_operator=", status=1), "a name is empty")
    assert not output.exists()
