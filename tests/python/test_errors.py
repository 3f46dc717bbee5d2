"""What a person meets who feeds MACE something odd: an error that says what, never another exception or a wrong answer."""

from __future__ import annotations

import networks
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

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


def test_files_that_cannot_be_read(tmp_path) -> None:
    for call in (mace.load, mace.convert):
        for path, kind in ((tmp_path, mace.IoError), ("/proc/self/mem", mace.IoError), ("a\0b", mace.InvalidArgumentError)):
            with pytest.raises(kind) as error:
                call(path)
            assert str(path).replace("\0", r"\x00") in str(error.value)
        (tmp_path / "x.txt").write_text("hello")
        with pytest.raises(mace.DataLossError, match=r"x\.txt: .*neither"):
            call(tmp_path / "x.txt")


def test_a_file_without_permission_is_named(tmp_path, monkeypatch) -> None:
    """Root may read everything: the system's refusal is made up."""
    path = tmp_path / "secret.mace"
    path.write_bytes(mace.convert(networks.convolution_network().SerializeToString())[0])

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mace.files.os.open", refuse)
    for call in (mace.load, mace.convert):
        with pytest.raises(mace.IoError, match=r"secret\.mace: Permission denied"):
            call(path)


def test_odd_arguments_are_refused_in_plain_words() -> None:
    data = networks.convolution_network().SerializeToString()
    model = mace.load(data, num_threads=np.int64(2), memory_limit=np.uint64(1 << 30))
    x = networks.random(11, 1, 3, 16, 20)
    calls = {
        "timeout: expected seconds": lambda: model([x], timeout="1"),
        r"a dimension of \[1180591620717411303424, 3, 8, 8\]": lambda: model.prepare({"x": [2**70, 3, 8, 8]}),
        "expected a shape, a list of integers, got 'ab'": lambda: model.prepare({"x": "ab"}),
        "expected a shape, a list of integers, got 5": lambda: model.prepare({"x": 5}),
        "shapes: expected a dict": lambda: model.prepare([[1, 3, 8, 8]]),
        r"give its shape, prepare\(\{'x': \[\.\.\.\]\}\)": lambda: model.prepare({}),
        "isa: expected one of scalar": lambda: mace.load(data, isa=5),
        "states: expected pairs .* got 'ab'": lambda: mace.load(data, states="ab"),
        r"states: expected pairs .* got \[1\]": lambda: mace.load(data, states=[1]),
        "num_threads: expected 0": lambda: mace.load(data, num_threads="2"),
        "states are declared when a model is converted": lambda: mace.load(mace.convert(data)[0], states=[("a", "b")]),
        "it is a .mace file already": lambda: mace.convert(mace.convert(data)[0]),
        "a masked array": lambda: model([np.ma.masked_array(x, x > 0)]),
    }
    for says, call in calls.items():
        with pytest.raises(mace.InvalidArgumentError, match=says):
            call()
    model.prepare({"x": np.array([1, 3, 8, 8])})


def test_bytes_of_every_kind_are_converted() -> None:
    data = networks.convolution_network().SerializeToString()
    want = mace.convert(data)[0]
    assert mace.convert(bytearray(data))[0] == want and mace.convert(memoryview(data))[0] == want


def network_of(nodes: list, inputs: list, outputs: list, constants: dict) -> bytes:
    """An ONNX file; inputs and outputs are (name, shape) of float32."""
    info = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in list_] for list_ in (inputs, outputs)]
    initializers = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "network", *info, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def test_small_files_do_not_copy_their_constants_without_bound() -> None:
    count = 1 << 19
    scales = {"s": np.ones(count, np.float32), "z": np.zeros(count, np.int8)}
    nodes = []
    for i in range(100):
        nodes.append(helper.make_node("QuantizeLinear", ["x", "s", "z"], [f"q{i}"], axis=0))
        nodes.append(helper.make_node("DequantizeLinear", [f"q{i}", "s", "z"], [f"y{i}"], axis=0))
    outputs = [(f"y{i}", [count]) for i in range(100)]
    with pytest.raises(mace.ResourceExhaustedError, match="copies of these would fill the memory"):
        mace.convert(network_of(nodes, [("x", [count])], outputs, scales))


def test_weights_that_many_layers_share_stay_shared() -> None:
    weights = networks.random(5, 64, 64, 3, 3)
    nodes = [helper.make_node("Conv", [f"v{i}", "w"], [f"v{i + 1}"], pads=[1, 1, 1, 1]) for i in range(8)]
    data, _ = mace.convert(network_of(nodes, [("v0", [1, 64, 5, 5])], [("v8", [1, 64, 5, 5])], {"w": weights / 24}))
    assert len(data) < 1.2 * weights.nbytes
    x = networks.random(6, 1, 64, 5, 5)
    want = ReferenceEvaluator(onnx.load_from_string(network_of(nodes, [("v0", x.shape)], [("v8", x.shape)], {"w": weights / 24})))
    np.testing.assert_allclose(mace.load(data)([x])["v8"], want.run(None, {"v0": x})[0], rtol=1e-3, atol=1e-3)


def test_slice_backwards_from_before_the_first() -> None:
    # ONNX clamps the start to the first element there, NumPy takes nothing.
    lists = {"starts": np.array([-7]), "ends": np.array([np.iinfo(np.int64).min]), "axes": np.array([0]), "steps": np.array([-1])}
    node = helper.make_node("Slice", ["x", *lists], ["y"])
    model = mace.load(network_of([node], [("x", ["n"])], [("y", ["m"])], lists))
    assert model([np.array([5, 1, 2], np.float32)])["y"].tolist() == [5]
    assert model([np.zeros(0, np.float32)])["y"].shape == (0,)


def test_pooling_window_larger_than_the_input_with_ceil_mode() -> None:
    x = networks.random(7, 1, 2, 4, 5)

    def pool(op: str, ceil_mode: int) -> bytes:
        node = helper.make_node(op, ["x"], ["y"], kernel_shape=[5, 5], strides=[2, 2], ceil_mode=ceil_mode)
        return network_of([node], [("x", x.shape)], [("y", [1, 2, 1, 1])], {})

    np.testing.assert_array_equal(mace.load(pool("MaxPool", 1))([x])["y"], x.max(axis=(2, 3), keepdims=True))
    with pytest.raises(mace.MaceError, match="a window of 5 elements on an input of 4"):
        mace.load(pool("MaxPool", 0))


def test_an_endless_timeout_is_none() -> None:
    model = mace.load(networks.convolution_network().SerializeToString())
    assert model([networks.random(11, 1, 3, 16, 20)], timeout=10**400)["prob"].shape == (1, 5)
