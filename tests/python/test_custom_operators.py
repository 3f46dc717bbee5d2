"""Operators that the application brings, through Python."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tflite_writer import TfliteWriter

import mace


def model_of(name: str, options: bytes = b"", outputs: int = 1, dtype: str = "float32") -> bytes:
    """y = name(x + x, absent); every output is y + y."""
    writer = TfliteWriter()
    x = writer.add_tensor([2, 3], "float32", name="x")
    doubled = writer.add_tensor([2, 3], "float32")
    writer.add_operator("ADD", [x, x], [doubled], "AddOptions")
    made = [writer.add_tensor([2, 3], dtype, shape_signature=[-1, -1]) for _ in range(outputs)]
    writer.add_operator("CUSTOM", [doubled, -1], made, custom_code=name, custom_options=options)
    results = [writer.add_tensor([2, 3], dtype, shape_signature=[-1, -1], name=f"y{i}") for i in range(outputs)]
    for value, result in zip(made, results, strict=True):
        writer.add_operator("ADD", [value, value], [result], "AddOptions")
    return writer.finish([x], results)


X = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_a_function_computes_the_node() -> None:
    seen = []

    def scaled(inputs: list, options: bytes) -> list:
        seen.append((inputs[1], options))
        return [inputs[0] * 10, inputs[0][:1]]  # another shape than the file declares

    model = mace.load(model_of("Scaled", b"abc", outputs=2), custom_operators={"Scaled": scaled})
    for _ in range(2):
        first, second = model([X]).values()
        np.testing.assert_array_equal(first, X * 40)
        np.testing.assert_array_equal(second, X[:1] * 4)
    assert seen == [(None, b"abc")] * 2


def test_a_mace_file_needs_it_too() -> None:
    data, _ = mace.convert(model_of("Scaled"), custom_operators=["Scaled"])
    with pytest.raises(mace.FailedPreconditionError, match=r"'Scaled'.*register"):
        mace.load(data)
    model = mace.load(data, custom_operators={"Scaled": lambda inputs, options: [inputs[0]]})
    np.testing.assert_array_equal(model([X])["y0"], X * 4)


def test_what_nobody_announced_is_refused() -> None:
    with pytest.raises(mace.UnsupportedError, match="Scaled"):
        mace.load(model_of("Scaled"))
    with pytest.raises(mace.UnsupportedError, match="Scaled"):
        mace.load(model_of("Scaled"), custom_operators={"Other": lambda inputs, options: inputs})


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda inputs, options: 1 / 0, "division by zero"),
        (lambda inputs, options: {}["\ud800"], "KeyError"),
        (lambda inputs, options: int("\ud800"), "ValueError"),
        (lambda inputs, options: [], "list of 1 arrays, it returned 0 of them"),
        (lambda inputs, options: None, "list of 1 arrays, it returned a NoneType"),
        (lambda inputs, options: [inputs[0].astype(np.int32)], "output 0 has to be float32, the function returned int32"),
    ],
)
def test_what_goes_wrong_in_the_function_ends_the_run(function: object, text: str) -> None:
    model = mace.load(model_of("Scaled"), custom_operators={"Scaled": function})
    for _ in range(2):
        with pytest.raises(mace.FailedPreconditionError, match=text):
            model([X])


@pytest.mark.parametrize("operators", [["Scaled"], {"Scaled": 3}, {"": print}, {3: print}])
def test_what_is_no_dict_of_functions_is_refused(operators: object) -> None:
    with pytest.raises(mace.InvalidArgumentError, match="custom_operators"):
        mace.load(model_of("Scaled"), custom_operators=operators)


def test_constant_inputs_are_not_computed_before_a_run() -> None:
    writer = TfliteWriter()
    constant = writer.add_constant(X)
    y = writer.add_tensor([2, 3], "float32", name="y")
    x = writer.add_tensor([2, 3], "float32", name="x")
    z = writer.add_tensor([2, 3], "float32", name="z")
    writer.add_operator("CUSTOM", [constant], [y], custom_code="Counted")
    writer.add_operator("ADD", [x, y], [z], "AddOptions")
    calls = []
    model = mace.load(writer.finish([x], [z]), custom_operators={"Counted": lambda inputs, options: [calls.append(1) or inputs[0]]})
    assert calls == []
    for _ in range(3):
        np.testing.assert_array_equal(model([X])["z"], 2 * X)
    assert len(calls) == 3


@pytest.mark.parametrize("name", ["Scaled", "own:Scaled"])
def test_onnx(name: str) -> None:
    onnx = pytest.importorskip("onnx")
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Scaled", ["x"], ["y", "places"], domain="own", factor=2.5, axes=[1, 2], mode="up"),
        helper.make_node("Add", ["y", "y"], ["z"]),
    ]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", kinds.FLOAT, [2, 3])],
        [helper.make_tensor_value_info("z", kinds.FLOAT, None), helper.make_tensor_value_info("places", kinds.INT64, None)],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("own", 1)], ir_version=9)
    seen = []

    def scaled(inputs: list, options: bytes) -> list:
        seen.append(json.loads(options))
        return [(inputs[0] * seen[0]["factor"]).astype(np.float32), np.arange(3)]

    with pytest.raises(mace.UnsupportedError, match=r"Scaled"):
        mace.load(model.SerializeToString())
    got = mace.load(model.SerializeToString(), custom_operators={name: scaled})([X])
    np.testing.assert_array_equal(got["z"], X * 5)
    np.testing.assert_array_equal(got["places"], np.arange(3))
    assert seen == [{"factor": 2.5, "axes": [1, 2], "mode": "up"}]
