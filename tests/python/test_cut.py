"""Cut models: any tensors of the source as inputs and outputs, joined sub-graphs, fixed shapes; judged by onnx's reference evaluator
on a network that was cut by hand."""

from __future__ import annotations

import networks
import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator
from random_graphs import random_graphs
from test_random_graphs import CHECKS, in_float64

import mace

FEW = settings(CHECKS, max_examples=40)


def cut_by_hand(proto: ModelProto, inputs: list[str], outputs: list[str]) -> ModelProto:
    """The network with these tensors as inputs beside its own, and these outputs. Types of both are left open."""
    cut = ModelProto()
    cut.CopyFrom(proto)
    own = {info.name for info in cut.graph.input}
    for node in cut.graph.node:
        for i, name in enumerate(node.output):
            if name in inputs:
                node.output[i] = name + " of the node"
    cut.graph.input.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in inputs if name not in own)
    del cut.graph.output[:]
    cut.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs)
    return cut


def evaluate(proto: ModelProto, feeds: dict[str, np.ndarray]) -> list[np.ndarray]:
    with np.errstate(all="ignore"):
        return ReferenceEvaluator(in_float64(proto)).run(None, {name: a.astype(np.float64) for name, a in feeds.items()})


def agree(got: np.ndarray, want: np.ndarray, what: str) -> None:
    assert got.shape == want.shape, what
    scale = max(1.0, float(np.abs(want).max())) if want.size else 1.0
    np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4 * scale, err_msg=what)


def run(proto: ModelProto, feeds: dict[str, np.ndarray], **options: object) -> dict[str, np.ndarray]:
    data, _ = mace.convert(proto.SerializeToString(), **options)
    return mace.load(data)(feeds)


@FEW
@given(random_graphs(), st.booleans())
def test_every_tensor_may_be_an_output(case: tuple[ModelProto, dict[str, np.ndarray]], optimize: bool) -> None:
    proto, feeds = case
    names = [name for node in proto.graph.node for name in node.output]
    for name, want in zip(names, evaluate(cut_by_hand(proto, [], names), feeds), strict=True):
        if not np.isfinite(want).all() or (want.size and np.abs(want).max() > 1e6):
            continue
        data, _ = mace.convert(proto.SerializeToString(), outputs=[name], optimize=optimize)
        model = mace.load(data)
        assert [info.name for info in model.outputs] == [name]
        agree(model({info.name: feeds[info.name] for info in model.inputs})[name], want, name)


@FEW
@given(random_graphs(), st.data(), st.booleans())
def test_every_tensor_may_be_an_input(case: tuple[ModelProto, dict[str, np.ndarray]], data: st.DataObject, optimize: bool) -> None:
    proto, feeds = case
    outputs = [output.name for output in proto.graph.output]
    names = [name for node in proto.graph.node for name in node.output if name not in outputs]
    if not names:
        return
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    note(str(chosen))
    shapes = [a.shape for a in evaluate(cut_by_hand(proto, [], chosen), feeds)]
    inner = {name: networks.random(7 + i, *shape) for i, (name, shape) in enumerate(zip(chosen, shapes, strict=True))}
    inputs = [*chosen, *feeds]
    wanted = evaluate(cut_by_hand(proto, chosen, outputs), {**feeds, **inner})
    got = run(proto, {**feeds, **inner}, inputs=inputs, outputs=outputs, optimize=optimize)
    for name, want in zip(outputs, wanted, strict=True):
        if np.isfinite(want).all() and (want.size == 0 or np.abs(want).max() < 1e6):
            agree(got[name], want, name)


def test_order_names_and_what_is_dropped() -> None:
    proto = networks.convolution_network()
    x = networks.random(1, 2, 3, 16, 20)
    wanted = dict(zip(["r0", "c2", "f"], evaluate(cut_by_hand(proto, [], ["r0", "c2", "f"]), {"x": x}), strict=True))
    data, details = mace.convert(proto.SerializeToString(), outputs=["f:0", "r0", "c2"])
    assert details["warnings"] == []
    got = mace.load(data)({"x": x})
    assert list(got) == ["f:0", "r0", "c2"]
    for name, value in got.items():
        agree(value, wanted[name.removesuffix(":0")], name)
    assert "Softmax" not in details["operators"]
    # From the middle to the middle.
    inner = {"r0": networks.random(3, 2, 12, 8, 10), "c2": networks.random(4, 2, 12, 8, 10)}
    data, details = mace.convert(proto.SerializeToString(), inputs=["c2", "r0"], outputs=["p"])
    model = mace.load(data)
    assert [info.name for info in model.inputs] == ["c2", "r0"] and "Conv2d" not in details["operators"]
    total = inner["r0"] + inner["c2"]
    agree(model(inner)["p"], total.reshape(2, 12, 4, 2, 5, 2).max(axis=(3, 5)), "p")


def two_inputs() -> ModelProto:
    nodes = [
        helper.make_node("Add", ["a", "b"], ["sum"]),
        helper.make_node("Relu", ["b"], ["positive"]),
        helper.make_node("Identity", ["sum"], ["copy"]),
        helper.make_node("Mul", ["copy", "scale"], ["product"]),
    ]
    inputs = {"a": ("float32", ["n", 4]), "b": ("float32", ["n", 4]), "c": ("float32", [2])}
    return networks.model(nodes, inputs, ["product", "positive"], {"scale": networks.random(1, 4)})


def test_inputs_that_nothing_needs() -> None:
    proto = two_inputs().SerializeToString()
    data, details = mace.convert(proto, outputs=["positive"])
    assert [info.name for info in mace.load(data).inputs] == ["b"]
    assert details["warnings"] == [f"input '{name}' was dropped: no chosen output depends on it" for name in "ac"]
    data, details = mace.convert(proto, inputs=["a", "b"], outputs=["positive"])
    model = mace.load(data)
    assert [info.name for info in model.inputs] == ["a", "b"]
    assert details["warnings"] == ["no output depends on the chosen input 'a'"]
    array = networks.random(1, 3, 4)
    np.testing.assert_array_equal(model({"a": array, "b": array})["positive"], np.maximum(array, 0))


def test_one_tensor_as_several_outputs() -> None:
    a, b = networks.random(1, 3, 4), networks.random(2, 3, 4)
    for optimize in (True, False):
        got = run(two_inputs(), {"a": a, "b": b}, outputs=["copy", "b", "sum", "scale"], inputs=["b", "a"], optimize=optimize)
        assert list(got) == ["copy", "b", "sum", "scale"]
        for name, want in {"copy": a + b, "sum": a + b, "b": b, "scale": networks.random(1, 4)}.items():
            np.testing.assert_array_equal(got[name], want)


def test_shapes_are_fixed() -> None:
    proto = networks.convolution_network()
    data, _ = mace.convert(proto.SerializeToString(), inputs={"x": [1, -1, 32, 48]}, outputs=["prob", "r0"])
    model = mace.load(data)
    assert model.inputs[0].shape == (1, 3, 32, 48)
    assert [info.shape for info in model.outputs] == [(1, 5), (1, 12, 16, 24)]
    data, _ = mace.convert(proto.SerializeToString(), inputs={"r0": [-1, 12, 8, 8]}, outputs=["p"])
    assert mace.load(data).inputs[0].shape[1:] == (12, 8, 8)
    data, _ = mace.convert(proto.SerializeToString(), inputs={"x": None})
    assert [d for d in mace.load(data).inputs[0].shape if isinstance(d, int)] == [3]


def test_joins() -> None:
    """Two networks in one file, which only the join connects."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["features"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["placeholder"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["y"]),
    ]
    weights = networks.random(1, 6, 3, 3, 3)
    inputs = {"x": ("float32", [1, 3, 8, 8]), "placeholder": ("float32", ["n", 6, "h", "w"])}
    proto = networks.model(nodes, inputs, ["features", "y"], {"w": weights})
    x = networks.random(2, 1, 3, 8, 8)
    features = evaluate(cut_by_hand(proto, [], ["features"]), {"x": x, "placeholder": x})[0]
    for optimize in (True, False):
        got = run(proto, {"x": x}, joins=[("features", "placeholder")], outputs=["y"], optimize=optimize)
        assert list(got) == ["y"]
        agree(got["y"], np.maximum(features, 0).mean(axis=(2, 3), keepdims=True), "y")
    got = run(proto, {"x": x}, joins=[("features", "placeholder")])
    assert list(got) == ["features", "y"]
    agree(got["features"], features, "features")
    for pair, text in {
        ("r", "placeholder"): "the first depends on the second",
        ("x", "placeholder"): r"the first is float32\[1, 3, 8, 8\], the second float32\[\w+, 6, ",
        ("x", "w"): "'w' is a constant",
        ("features", "place_holder"): "no tensor of this name; similar: 'placeholder'",
    }.items():
        with pytest.raises(mace.InvalidArgumentError, match=text):
            mace.convert(proto.SerializeToString(), joins=[pair])


def test_what_mace_lacks_may_be_cut_away() -> None:
    nodes = [
        helper.make_node("Strange", ["x"], ["s"], domain="other", name="before"),
        helper.make_node("Relu", ["s"], ["r"]),
        helper.make_node("Strange", ["r"], ["t"], domain="other", name="behind"),
        helper.make_node("Neg", ["t"], ["y"]),
    ]
    proto = networks.model(nodes, {"x": ("float32", [4])}, ["y"], {})
    proto.opset_import.append(helper.make_opsetid("other", 1))
    with pytest.raises(mace.UnsupportedError, match=r"other:Strange \(1 node: 'before'\)"):
        mace.convert(proto.SerializeToString(), outputs=["r"])
    with pytest.raises(mace.UnsupportedError, match=r"the type of 's' is not known.*'before' \(Strange\) is not supported"):
        mace.convert(proto.SerializeToString(), inputs=["s"], outputs=["r"])
    proto.graph.value_info.append(helper.make_tensor_value_info("s", TensorProto.FLOAT, ["n", 4]))
    array = networks.random(1, 3, 4)
    np.testing.assert_array_equal(run(proto, {"s": array}, inputs=["s"], outputs=["r"])["r"], np.maximum(array, 0))


def test_quantized_tensors_in_the_middle() -> None:
    """The stored integers, in ONNX's layout."""
    constants = {
        "s": np.float32(0.05), "z": np.uint8(100), "ws": np.float32(0.02), "wz": np.int8(0),
        "w": np.random.RandomState(1).randint(-90, 90, (5, 3, 3, 3)).astype(np.int8), "ys": np.float32(0.3), "yz": np.uint8(120),
    }  # fmt: skip
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["xq"]),
        helper.make_node("DequantizeLinear", ["xq", "s", "z"], ["xd"]),
        helper.make_node("DequantizeLinear", ["w", "ws", "wz"], ["wd"]),
        helper.make_node("Conv", ["xd", "wd"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "ys", "yz"], ["yq"]),
        helper.make_node("DequantizeLinear", ["yq", "ys", "yz"], ["y"]),
    ]
    proto = networks.model(nodes, {"x": ("float32", [1, 3, 6, 7])}, ["y"], constants, opset=19)
    x = networks.random(3, 1, 3, 6, 7)
    reference = ReferenceEvaluator(cut_by_hand(proto, [], ["xq", "yq", "c"]))
    xq, yq, c = reference.run(None, {"x": x})
    got = run(proto, {"x": x}, outputs=["xq", "yq"])
    np.testing.assert_array_equal(got["xq"], xq)
    assert np.abs(got["yq"].astype(int) - yq.astype(int)).max() <= 1
    got = run(proto, {"xq": xq}, inputs=["xq"], outputs=["yq", "c"])
    assert got["yq"].dtype == np.uint8 and np.abs(got["yq"].astype(int) - yq.astype(int)).max() <= 1
    agree(got["c"], c, "c")
    got = run(proto, {"yq": yq}, inputs=["yq"], outputs=["y"])
    agree(got["y"], (yq.astype(np.float32) - 120) * np.float32(0.3), "y")


def test_states_of_what_is_left() -> None:
    proto = networks.recurrent_network(1).SerializeToString()
    x, h = networks.random(1, 1, 1, 5), np.zeros((1, 1, 8), np.float32)
    whole = mace.load(proto)
    first, second = (whole({"x": x}) for _ in range(2))
    # Without the last state as an output there is nothing to feed back.
    data, _ = mace.convert(proto, outputs=["y"])
    model = mace.load(data)
    assert not any(info.optional for info in model.inputs)
    np.testing.assert_array_equal(model({"x": x, "h0": h})["y"], first["y"])
    # A state between tensors of the middle.
    data, _ = mace.convert(proto, [("h", "h0")], inputs=["x", "h0"], outputs=["y", "h"])
    model = mace.load(data)
    assert [info.optional for info in model.inputs] == [False, True]
    for want in (first, second):
        np.testing.assert_array_equal(model({"x": x})["y"], want["y"])
    with pytest.raises(mace.NotFoundError, match="no output is called 'h1'"):
        mace.convert(proto, [("h1", "h0")], outputs=["y"])


def test_wrong_cuts() -> None:
    proto = two_inputs().SerializeToString()
    for options, text in (
        (
            {"outputs": ["positiv"]},
            "output 'positiv': the model has no tensor of this name; similar: 'positive'; its inputs: 'a', 'b', 'c'",
        ),
        ({"inputs": ["zzzzzz"]}, "input 'zzzzzz': the model has no tensor of this name; its inputs: 'a', 'b', 'c'; its outputs: 'product'"),
        ({"outputs": ["sum", "sum:0"]}, "output 'sum:0' is given twice"),
        ({"inputs": ["scale", "a", "b"]}, "input 'scale': is a constant"),
        ({"inputs": ["b"]}, "output 'product' needs the model's input 'a', which is not among the chosen inputs ('b')"),
        ({"inputs": {"a": [2, 5], "b": None}}, "input 'a': the source's shape is"),
        ({"inputs": {"a": [2], "b": None}}, "the given one has 1 dimensions"),
        ({"inputs": {"a": [2, 4], "b": [3, 4]}}, "the model does not fit the chosen inputs"),
        ({"inputs": {"a": [2, -2]}}, "below -1"),
        ({"inputs": {"a": 3}}, "expected a shape"),
        ({"inputs": "a"}, "inputs: expected a list of tensor names"),
        ({"outputs": []}, "outputs: the list is empty"),
        ({"outputs": [1]}, "outputs: expected a list of tensor names"),
        ({"joins": ["ab"]}, "joins: expected pairs (from, to)"),
    ):
        with pytest.raises(mace.InvalidArgumentError) as caught:
            mace.convert(proto, **options)
        assert text in str(caught.value), options


def test_strip_names() -> None:
    proto = networks.convolution_network()
    proto.graph.name = "the secret network"
    inner = [*(n.name for n in proto.graph.node), *(o for n in proto.graph.node[:-1] for o in n.output if len(o) > 2), "the secret network"]
    for optimize in (True, False):
        plain, _ = mace.convert(proto.SerializeToString(), optimize=optimize)
        assert any(name.encode() in plain for name in inner)
        data, _ = mace.convert(proto.SerializeToString(), optimize=optimize, strip_names=True)
        assert len(data) < len(plain)
        assert [name for name in inner if name.encode() in data] == []
        model = mace.load(data, verify="full")
        assert model.inputs == mace.load(plain).inputs and model.outputs == mace.load(plain).outputs
        x = networks.random(1, 1, 3, 16, 20)
        np.testing.assert_array_equal(model({"x": x})["prob"], mace.load(plain)({"x": x})["prob"])


def test_who_is_cut_away_reads_nothing() -> None:
    """The places of MaxPool's maxima are read only by what is cut away, or asked for."""
    proto = networks.model(
        [
            helper.make_node("Relu", ["x"], ["r"]),
            helper.make_node("MaxPool", ["r"], ["pooled", "places"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Sigmoid", ["pooled"], ["s"]),
            helper.make_node("MaxUnpool", ["s", "places"], ["y"], kernel_shape=[2, 2], strides=[2, 2]),
        ],
        {"x": ("float32", [1, 1, 4, 4])}, ["y"], {},
    )  # fmt: skip
    x = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4) - 8
    pooled = np.maximum(x, 0).reshape(2, 2, 2, 2).max((1, 3)).reshape(1, 1, 2, 2)
    agree(run(proto, {"x": x}, outputs=["pooled"])["pooled"], pooled, "behind it")
    agree(run(proto, {"pooled": pooled}, inputs=["pooled"], outputs=["s"])["s"], 1 / (1 + np.exp(-pooled)), "in front of it")
    places = run(proto, {"x": x}, outputs=["pooled", "places"])["places"]
    np.testing.assert_array_equal(places.ravel(), [0, 2, 13, 15])


def test_a_node_of_which_one_output_is_not_supported_gives_the_types_of_all() -> None:
    proto = networks.model(
        [
            helper.make_node("MaxPool", ["x"], ["pooled", "places"], kernel_shape=[2, 2], strides=[2, 2]),
            helper.make_node("Cast", ["places"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["pooled", "numbers"], ["y"]),
        ],
        {"x": ("float32", [1, 1, 4, 4])}, ["y"], {},
    )  # fmt: skip
    proto.graph.value_info.append(helper.make_tensor_value_info("places", TensorProto.INT64, [1, 1, 2, 2]))
    feeds = {"pooled": np.full((1, 1, 2, 2), 0.5, np.float32), "places": np.arange(4).reshape(1, 1, 2, 2)}
    assert run(proto, feeds, inputs=["pooled", "places"])["y"].ravel().tolist() == [0.5, 1.5, 2.5, 3.5]
