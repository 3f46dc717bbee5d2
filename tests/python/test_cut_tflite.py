"""Cut TensorFlow Lite models, judged by LiteRT."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import networks
import numpy as np
import pytest
from test_cut import agree
from tflite_writer import TfliteWriter, run_litert

import mace

PROGRAM = Path(__file__).resolve().parents[2] / "build" / "tests" / "models" / "write_tflite_models"


def small_tflite() -> bytes:
    writer = TfliteWriter()
    x = writer.add_tensor([1, 6, 6, 2], "float32", name="x")
    weights = writer.add_constant(networks.random(1, 4, 3, 3, 2))
    bias = writer.add_constant(networks.random(2, 4))
    a = writer.add_tensor([1, 6, 6, 4], "float32", name="net/conv/Relu6")
    relu6, same = 3, 0  # the schema's numbers
    options = {"padding": same, "strideH": 1, "strideW": 1, "fusedActivationFunction": relu6}
    writer.add_operator("CONV_2D", [x, weights, bias], [a], "Conv2DOptions", **options)
    b = writer.add_tensor([1, 6, 6, 4], "float32", name="net/square")
    writer.add_operator("MUL", [a, a], [b], "MulOptions")
    c = writer.add_tensor([1, 6, 6, 4], "float32", name="net/out")
    writer.add_operator("ADD", [b, a], [c], "AddOptions")
    writer.add_signature("serve", {"image": x}, {"result": c})
    return writer.finish([x], [c])


def test_tflite() -> None:
    model = small_tflite()
    x = networks.random(5, 1, 6, 6, 2)
    ((want,),) = run_litert(model, [[x]])
    got = mace.load(mace.convert(model, outputs=["net/out:0", "net/conv/Relu6", "net/square"])[0])({"x": x})
    assert list(got) == ["net/out:0", "net/conv/Relu6", "net/square"]
    a = got["net/conv/Relu6"]
    assert a.min() >= 0 and a.max() <= 6
    agree(got["net/out:0"], want, "net/out")
    agree(got["net/square"], a.astype(np.float64) ** 2, "net/square")
    agree(got["net/out:0"], a.astype(np.float64) ** 2 + a, "net/out")
    inner = networks.random(6, 1, 6, 6, 4)
    got = mace.load(mace.convert(model, inputs=["net/conv/Relu6"])[0])({"net/conv/Relu6": inner})
    agree(got["net/out"], inner.astype(np.float64) ** 2 + inner, "net/out")
    data, _ = mace.convert(model, signature="serve", inputs=["image"], outputs=["result", "net/square"])
    assert list(mace.load(data)({"image": x})) == ["result", "net/square"]
    with pytest.raises(mace.InvalidArgumentError, match="no tensor of this name; similar: 'net/conv/Relu6'"):
        mace.convert(model, outputs=["net/conv/Relu"])


MODELS = ("tflite_float", "tflite_half_weights", "tflite_int8_channel", "tflite_lstm", "tflite_uint8", "tflite_variable")


@pytest.fixture(scope="module")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small_models")
    subprocess.run([PROGRAM, folder], check=True)
    return folder


@pytest.mark.skipif(
    not PROGRAM.exists() and not os.environ.get("MACE_TEST_MODELS"), reason="build/tests/models/write_tflite_models is not built"
)
@pytest.mark.parametrize("name", MODELS)
def test_every_tensor_of_tflite_may_be_an_output(small_models: Path, name: str) -> None:
    """Against the values that LiteRT keeps of every tensor, variables after the run among them."""
    model = (small_models / f"{name}.tflite").read_bytes()
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    feeds = {}
    for detail in interpreter.get_input_details():
        if np.issubdtype(detail["dtype"], np.integer):
            array = np.random.RandomState(1).randint(0, 100, detail["shape"]).astype(detail["dtype"])
        else:
            array = networks.random(1, *detail["shape"]).astype(detail["dtype"])
        feeds[detail["name"]] = array
        interpreter.set_tensor(detail["index"], array)
    interpreter.invoke()
    for detail in interpreter.get_tensor_details():
        if detail["name"] and detail["name"] not in feeds:
            loaded = mace.load(mace.convert(model, outputs=[detail["name"]])[0])
            got = loaded({info.name: feeds[info.name] for info in loaded.inputs})[detail["name"]]
            np.testing.assert_allclose(got, interpreter.get_tensor(detail["index"]), rtol=1e-5, atol=1e-5, err_msg=detail["name"])


def test_variables_keep_what_they_are_initialised_with_and_assigned() -> None:
    """Of two handles of one variable one is read, the other assigned; a subgraph that runs once gives it [3, 4]."""
    writer = TfliteWriter()
    x, read, y, z = (writer.add_tensor([2], "float32", name=name) for name in ("x", "read", "y", "z"))
    handles = [writer.add_tensor([], "float32") for _ in range(2)]
    body = writer.new_subgraph()
    inner = body.add_tensor([], "float32")
    for graph, handle in ((writer, handles[0]), (writer, handles[1]), (body, inner)):
        graph._graph.tensors[handle].type = 13  # a resource
    body.add_operator("VAR_HANDLE", [], [inner], "VarHandleOptions", container="", sharedName="v")
    body.add_operator("ASSIGN_VARIABLE", [inner, body.add_constant(np.array([3, 4], np.float32))], [], "AssignVariableOptions")
    body.set_edges([], [])
    writer.add_operator("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=body.index)
    for handle in handles:
        writer.add_operator("VAR_HANDLE", [], [handle], "VarHandleOptions", container="", sharedName="v")
    writer.add_operator("READ_VARIABLE", [handles[0]], [read], "ReadVariableOptions")
    writer.add_operator("ADD", [x, read], [y], "AddOptions")
    writer.add_operator("ASSIGN_VARIABLE", [handles[1], y], [], "AssignVariableOptions")
    writer.add_operator("ADD", [y, y], [z], "AddOptions")
    data, details = mace.convert(writer.finish([x], [z]), outputs=["y"])
    assert details["warnings"] == []
    model = mace.load(data)
    assert [model([np.ones(2, np.float32)])["y"].tolist() for _ in range(3)] == [[4, 5], [5, 6], [6, 7]]
