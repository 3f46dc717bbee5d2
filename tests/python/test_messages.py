"""What a person reads: names that are hostile, and messages that say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import networks
import numpy as np
import onnx
import pytest
from caffe_writer import caffemodel
from command_line import mace as run_mace
from command_line import one_line
from onnx import TensorProto, helper
from tensorflow_writer import graph, node, placeholder
from tflite_writer import TfliteWriter

import mace

NAME = "a\nmace: all is well\x1b[31m\x9b"  # forges a line and colours the terminal
SHOWN = r"a\nmace: all is well\x1b[31m"


def hostile_model(op: str = "Relu") -> bytes:
    """y = op(x), whose node and inner value have the name."""
    nodes = [helper.make_node(op, ["x"], [NAME], name=NAME), helper.make_node("Relu", [NAME], ["y"], name="last")]
    edges = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 3])] for name in ("x", "y")]
    graph = helper.make_graph(nodes, NAME, *edges)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.metadata_props.append(onnx.StringStringEntryProto(key=NAME, value=NAME))
    return model.SerializeToString()


def is_clean(text: str) -> bool:
    return all(c.isprintable() for line in text.split("\n") for c in line) and "\nmace: all is well" not in text


def test_names_in_errors_are_one_line() -> None:
    with pytest.raises(mace.UnsupportedError) as error:
        mace.load(hostile_model("NoSuchOperator"))
    assert SHOWN in str(error.value)
    assert str(error.value).isprintable()
    assert all(text.isprintable() for problem in error.value.problems for text in problem.values())


def test_names_in_errors_of_tensorflow_lite_are_one_line() -> None:
    writer = TfliteWriter()
    x, y = writer.add_tensor([1, 2], "float32", name="x"), writer.add_tensor([1, 2], "int32", name=NAME)
    writer.add_operator("SOFTMAX", [x], [y], "SoftmaxOptions", beta=1.0)
    with pytest.raises(mace.MaceError) as error:
        mace.load(writer.finish([x], [y]))
    assert SHOWN in str(error.value)
    assert str(error.value).isprintable()


def test_names_in_errors_of_runs_are_one_line() -> None:
    initializer = onnx.numpy_helper.from_array(np.zeros((4, 2), np.float32), "table")
    node = helper.make_node("Gather", ["table", "i"], ["y"], name=NAME)
    edges = [helper.make_tensor_value_info("i", TensorProto.INT64, [1])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])]
    graph = helper.make_graph([node], "g", *edges, [initializer])
    model = mace.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    with pytest.raises(mace.MaceError, match="out of range") as error:
        model([np.array([9])])
    assert SHOWN in str(error.value)
    assert str(error.value).isprintable()


def test_bytes_that_are_no_text() -> None:
    writer = TfliteWriter()
    x, y = writer.add_tensor([1, 2], "float32", name="x"), writer.add_tensor([1, 2], "int32", name="name_of_y")
    writer.add_operator("SOFTMAX", [x], [y], "SoftmaxOptions", beta=1.0)
    with pytest.raises(mace.MaceError, match=r"'\\xff\\xfe\\xc3e_of_y'"):
        mace.load(writer.finish([x], [y]).replace(b"name_of_y", b"\xff\xfe\xc3e_of_y"))


@pytest.mark.parametrize("command", ["info", "check", "explain", "convert"])
def test_the_terminal_gets_no_control_characters(command: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.onnx"
    path.write_bytes(hostile_model())
    extra = ["-o", tmp_path / "out.mace"] if command == "convert" else ["--verbose"] if command == "check" else []
    result = run_mace(command, path, *extra)
    assert is_clean(result.stdout)
    assert is_clean(result.stderr)
    path.write_bytes(hostile_model("NoSuchOperator"))
    result = run_mace(command, path, *extra, status=1)
    assert is_clean(result.stdout)
    assert is_clean(result.stderr)


def test_tensorflow_says_what_to_do() -> None:
    x = placeholder("x", "float32", (2,))
    data = graph(x, node("y", "NoSuchOperator", "x"), node("z", "NoSuchOperator", "y"))
    with pytest.raises(
        mace.UnsupportedError, match=r"node 'y': NoSuchOperator: .*\(convert the part before it \(--output_tensor, outputs="
    ):
        mace.load(data)
    with pytest.raises(mace.UnsupportedError, match=r"'y' is not known.*begin at another tensor \(--input_tensor"):
        mace.convert(graph(x, node("y", "NoSuchOperator", "x"), node("z", "Relu", "y")), inputs=["y"], outputs=["z"])


@pytest.fixture
def relu(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(networks.convolution_network().SerializeToString())
    return path


def test_passes_of_a_converted_model(relu: Path, tmp_path: Path) -> None:
    converted = tmp_path / "net.mace"
    run_mace("convert", relu, "-o", converted)
    one_line(run_mace("explain", converted, "--show_passes", status=1), "net.mace: it is a .mace file", "the model that it was made of")
    assert "scale_folding" in run_mace("explain", relu, "--show_passes").stdout


@pytest.mark.parametrize("command", ["convert", "explain", "bench"])
def test_passes_that_cannot_run(command: str, relu: Path, tmp_path: Path) -> None:
    extra = ["-o", tmp_path / "net.mace"] if command == "convert" else []
    result = run_mace(command, relu, *extra, "--passes=-scale_folding", "--no_optimize", status=2)
    assert "--passes and --no_optimize" in result.stderr


@pytest.mark.parametrize("old", [False, True])
def test_bare_weights_of_caffe(old: bool, tmp_path: Path) -> None:
    path = tmp_path / "net.caffemodel"
    path.write_bytes(caffemodel({"fc": [np.ones((2, 3), np.float32)]}, old=old))
    one_line(run_mace("info", path, status=1), "weights of a Caffe network", ".prototxt", "--weights")
    with pytest.raises(mace.InvalidArgumentError, match="weights="):
        mace.load(path)


def test_custom_operators_that_no_node_has(relu: Path, tmp_path: Path) -> None:
    result = run_mace("convert", relu, "-o", tmp_path / "net.mace", "--custom_operator=Scaled", "--json")
    assert "warning: custom operator 'Scaled': no node of the model has this operator" in result.stderr
    assert len(json.loads(result.stdout)["warnings"]) == 1
