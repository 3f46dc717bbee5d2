"""What a person meets who feeds MACE something odd: an error that says what, never another exception or a wrong answer."""

from __future__ import annotations

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import mace


def one_node(op: str, inputs: dict, output: tuple, constants: dict | None = None, **attributes: object) -> bytes:
    """A network of one node; inputs and output are (element type, shape)."""
    node = helper.make_node(op, [*inputs, *(constants or {})], ["y"], name="the_node", **attributes)
    graph = helper.make_graph(
        [node],
        "one_node",
        [helper.make_tensor_value_info(name, *type_) for name, type_ in inputs.items()],
        [helper.make_tensor_value_info("y", *output)],
        [onnx.numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    return model.SerializeToString()


def test_shapes_are_told_with_the_names_of_dimensions() -> None:
    model = mace.load(one_node("Relu", {"x": (TensorProto.FLOAT, ["batch", 3])}, (TensorProto.FLOAT, ["batch", 3])))
    with pytest.raises(mace.MaceError, match=r"expected float32 \[batch, 3\], got float32 \[2, 4\]"):
        model([np.zeros((2, 4), np.float32)])


def test_an_index_out_of_range_names_the_node() -> None:
    inputs = {"x": (TensorProto.FLOAT, [4, 2]), "i": (TensorProto.INT64, [3])}
    model = mace.load(one_node("Gather", inputs, (TensorProto.FLOAT, [3, 2])))
    with pytest.raises(mace.MaceError, match=r"node 'the_node' .*index is out of range"):
        model([np.zeros((4, 2), np.float32), np.array([0, 7, 1])])


def test_bools_are_0_or_1() -> None:
    model = mace.load(one_node("Not", {"x": (TensorProto.BOOL, [3])}, (TensorProto.BOOL, [3])))
    assert model([np.array([True, False, True])])["y"].tolist() == [False, True, False]
    with pytest.raises(mace.MaceError, match="input 'x': a bool is a byte that is 0 or 1"):
        model([np.array([1, 0, 127], np.uint8).view(bool)])


def test_a_timeout_that_has_run_out_stops_the_run() -> None:
    model = mace.load(networks.convolution_network().SerializeToString())
    x = networks.random(11, 1, 3, 16, 20)
    for timeout in (0.0, -1.0, 1e-30):
        with pytest.raises(mace.MaceError) as error:
            model([x], timeout=timeout)
        assert "deadline" in str(error.value).lower()
    with pytest.raises(mace.MaceError, match="timeout is not a number"):
        model([x], timeout=float("nan"))
    for timeout in (None, 60.0, float("inf"), 1e300):
        assert model([x], timeout=timeout)["prob"].shape == (1, 5)


def test_text_that_is_not_utf8_is_replaced_in_messages() -> None:
    data = one_node("Reshape", {"x": (TensorProto.FLOAT, [2])}, (TensorProto.FLOAT, [3]), {"s": np.array([3])})
    with pytest.raises(mace.MaceError, match="the_node"):
        mace.load(data)([np.zeros(2, np.float32)])
    with pytest.raises(mace.MaceError):
        mace.load(data.replace(b"the_node", b"\xff\xfe_node"))([np.zeros(2, np.float32)])


def test_isa_of_another_architecture_is_refused() -> None:
    data = networks.convolution_network().SerializeToString()
    for isa in ("neon", "avx2"):
        try:
            mace.load(data, isa=isa)
        except mace.MaceError as error:
            assert "another architecture" in str(error)  # of one of the two this must be said
            break
    else:
        pytest.fail("no machine has both neon and avx2")


def test_chains_of_absurd_length_load_without_passes() -> None:
    count = 70_000
    nodes = [helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(count)]
    type_ = (TensorProto.FLOAT, [2])
    graph = helper.make_graph(
        nodes, "chain", [helper.make_tensor_value_info("v0", *type_)], [helper.make_tensor_value_info(f"v{count}", *type_)]
    )
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    assert mace.load(data)([np.array([-1, 2], np.float32)])[f"v{count}"].tolist() == [0, 2]
