"""The Python API on small networks, judged by onnx's reference evaluator."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import networks
import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

import mace


def expected(proto: onnx.ModelProto, feeds: dict) -> list[np.ndarray]:
    return ReferenceEvaluator(proto).run(None, feeds)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    return networks.convolution_network()


@pytest.mark.parametrize("num_threads", [1, 2])
@pytest.mark.parametrize("shape", [(1, 3, 16, 20), (2, 3, 33, 17), (1, 3, 4, 4)])
def test_convolution_network(network: onnx.ModelProto, shape: tuple, num_threads: int) -> None:
    model = mace.load(network.SerializeToString(), num_threads)
    x = networks.random(11, *shape)
    got = model({"x": x})
    assert list(got) == ["prob"]
    np.testing.assert_allclose(got["prob"], expected(network, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_shapes_may_change_between_runs(network: onnx.ModelProto) -> None:
    model = mace.load(network.SerializeToString())
    for shape in [(1, 3, 16, 20), (2, 3, 9, 11), (1, 3, 16, 20)]:
        x = networks.random(12, *shape)
        np.testing.assert_allclose(model([x])["prob"], expected(network, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_reference_kernels_agree(network: onnx.ModelProto) -> None:
    data = network.SerializeToString()
    x = networks.random(13, 1, 3, 16, 20)
    fast, slow = mace.load(data)([x]), mace.load(data, reference_kernels=True)([x])
    np.testing.assert_allclose(fast["prob"], slow["prob"], rtol=1e-5, atol=1e-6)


def test_every_instruction_set_agrees(network: onnx.ModelProto) -> None:
    data = network.SerializeToString()
    x = networks.random(13, 1, 3, 16, 20)
    want = expected(network, {"x": x})[0]
    checked = []
    for isa in mace.ISAS:
        try:
            model = mace.load(data, isa=isa)
        except mace.InvalidArgumentError as error:
            assert "another architecture" in str(error)
            continue
        np.testing.assert_allclose(model([x])["prob"], want, rtol=1e-4, atol=1e-5)
        checked.append(isa)
    assert checked in (
        ["scalar", "sse4", "avx2", "avxvnni", "avx512", "avx512vnni"],
        ["scalar", "neon", "dotprod", "i8mm", "sve"],
        ["scalar", "rvv"],
    )


def test_inputs_and_outputs(network: onnx.ModelProto) -> None:
    model = mace.load(network.SerializeToString())
    (info,) = model.inputs
    assert (info.name, info.dtype, info.shape) == ("x", "float32", ("n", 3, "h", "w"))
    assert [o.name for o in model.outputs] == ["prob"]
    assert "x: float32[n, 3, h, w]" in repr(model)


def test_dlpack_lists_and_order(network: onnx.ModelProto) -> None:
    model = mace.load(network.SerializeToString())
    x = networks.random(14, 1, 3, 8, 8)

    class Foreign:  # anything with DLPack, not an ndarray
        def __dlpack__(self, **keywords):
            return x.__dlpack__(**keywords)

        def __dlpack_device__(self):
            return x.__dlpack_device__()

    want = model([x])["prob"]
    np.testing.assert_array_equal(model([Foreign()])["prob"], want)
    np.testing.assert_array_equal(model([x.tolist()])["prob"], want)
    np.testing.assert_array_equal(np.from_dlpack(want), want)
    fortran = np.asfortranarray(x)
    np.testing.assert_array_equal(model([fortran])["prob"], want)


@pytest.mark.parametrize(
    ("feeds", "says"),
    [
        ({"y": np.zeros((1, 3, 8, 8), np.float32)}, "x: float32"),
        ({}, "missing"),
        ({"x": np.zeros((1, 3, 8, 8), np.float64)}, "expected dtype float32, got float64"),
        ({"x": np.zeros((1, 4, 8, 8), np.float32)}, "x"),
        ({"x": np.zeros((3, 8, 8), np.float32)}, "x"),
        ([np.zeros((1, 3, 8, 8), np.float32)] * 2, "2 inputs"),
    ],
)
def test_wrong_inputs_say_what_was_expected(network: onnx.ModelProto, feeds: object, says: str) -> None:
    model = mace.load(network.SerializeToString())
    with pytest.raises(mace.InvalidArgumentError, match=says):
        model(feeds)
    model([np.zeros((1, 3, 8, 8), np.float32)])  # still usable


def test_state_is_kept_per_session() -> None:
    data = networks.recurrent_network().SerializeToString()
    model = mace.load(data, states=[("h1", "h0")])
    assert model.inputs[1].optional
    x = networks.random(15, 6, 1, 5)
    whole = expected(networks.recurrent_network(), {"x": x, "h0": np.zeros((1, 1, 8), np.float32)})
    other = model.session()
    for i in range(6):
        got = model([x[i : i + 1]])
        np.testing.assert_allclose(got["y"][0], whole[0][i], rtol=1e-5, atol=1e-6)
        other([x[:1]])
    model.reset_state()
    np.testing.assert_allclose(model([x])["y"], whole[0], rtol=1e-5, atol=1e-6)
    fed = model({"x": x[:1], "h0": np.ones((1, 1, 8), np.float32)})
    want = expected(networks.recurrent_network(), {"x": x[:1], "h0": np.ones((1, 1, 8), np.float32)})
    np.testing.assert_allclose(fed["y"], want[0], rtol=1e-5, atol=1e-6)


def test_threads_share_a_model(network: onnx.ModelProto) -> None:
    model = mace.load(network.SerializeToString(), num_threads=2)
    x = networks.random(16, 1, 3, 24, 24)
    want = model([x])["prob"]
    results: list = [None] * 4

    def work(i: int) -> None:
        session = model.session()
        for _ in range(20):
            results[i] = session([x])["prob"]

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, want)


def test_profile_and_explain(network: onnx.ModelProto) -> None:
    model = mace.load(network.SerializeToString())
    model([networks.random(17, 1, 3, 16, 20)], profile=True)
    steps = model.explain()["steps"]
    assert len(model.profile()["steps"]) == len(steps) > 0
    assert not any(step["is_reference"] for step in steps)
    fused = [step for step in steps if len(step["nodes"]) > 1]
    assert fused, "convolution and activation run as one step"


@pytest.mark.parametrize("reference_kernels", [False, True])
def test_explain_counts_integers_and_floats(reference_kernels: bool) -> None:
    constants = {
        "scale": np.float32(0.02), "zero": np.uint8(120), "weights": networks.random(1, 6, 4, 3, 3),
        "stored": np.arange(-60, 60, dtype=np.int8).reshape(5, 6, 2, 2), "unit": np.float32(0.01), "matrix": networks.random(2, 7, 3),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "weights"], ["a"]),  # 1 x 6 x 6 x 8 outputs of 36 products
        helper.make_node("QuantizeLinear", ["a", "scale", "zero"], ["b"]),
        helper.make_node("DequantizeLinear", ["b", "scale", "zero"], ["c"]),
        helper.make_node("DequantizeLinear", ["stored", "unit"], ["w"]),
        helper.make_node("Conv", ["c", "w"], ["d"]),  # 1 x 5 x 5 x 7 outputs of 24 products
        helper.make_node("QuantizeLinear", ["d", "scale", "zero"], ["e"]),
        helper.make_node("DequantizeLinear", ["e", "scale", "zero"], ["f"]),
        helper.make_node("MatMul", ["f", "matrix"], ["g"]),  # 1 x 5 x 5 x 3 outputs of 7 products
        helper.make_node("Transpose", ["g"], ["h"], perm=[0, 1, 3, 2]),
        helper.make_node("MatMul", ["g", "h"], ["y"]),  # 1 x 5 x 5 x 5 outputs of 3 products, in several steps
    ]
    file = networks.model(nodes, {"x": ("float32", [1, 4, 8, 10])}, ["y"], constants)
    model = mace.load(file.SerializeToString(), reference_kernels=reference_kernels)
    model.prepare({"x": [1, 4, 8, 10]})
    plan = model.explain()["plan"]
    assert plan["integer_multiply_adds"] == 5 * 5 * 7 * 24
    assert plan["float_multiply_adds"] == 6 * 6 * 8 * 36 + 5 * 5 * 3 * 7 + 5 * 5 * 5 * 3
    assert plan["multiply_adds"] == plan["integer_multiply_adds"] + plan["float_multiply_adds"]
    integers = [step["nodes"][0]["op"] for step in model.explain()["steps"] if step["is_integer"] and step["multiply_adds"]]
    assert integers == ["Conv2d"]


def test_mace_file_round_trip(network: onnx.ModelProto, tmp_path) -> None:
    data, details = mace.convert(network.SerializeToString())
    path = tmp_path / "net.mace"
    path.write_bytes(data)
    assert details["format"] == "onnx"
    x = networks.random(18, 1, 3, 16, 20)
    want = mace.load(network.SerializeToString())([x])["prob"]
    np.testing.assert_array_equal(mace.load(path, verify="full")([x])["prob"], want)
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0x10
    with pytest.raises(mace.MaceError):
        mace.load(bytes(flipped), verify="full")
    with pytest.raises(mace.MaceError):
        mace.load(data[:-1])


def test_errors_of_loading(tmp_path) -> None:
    with pytest.raises(mace.NotFoundError, match="nowhere"):
        mace.load(tmp_path / "nowhere.onnx")
    (tmp_path / "text.onnx").write_text("hello, I am no model at all")
    with pytest.raises(mace.MaceError):
        mace.load(tmp_path / "text.onnx")
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(mace.MaceError):
        mace.load(tmp_path / "empty.onnx")
    with pytest.raises(mace.IoError):
        mace.load(tmp_path)
    with pytest.raises(mace.UnsupportedError, match="exact"):
        mace.load(networks.convolution_network().SerializeToString(), numerics="exact")


def test_memory_options(network: onnx.ModelProto, tmp_path) -> None:
    data = network.SerializeToString()
    small, large = networks.random(19, 1, 3, 16, 20), networks.random(19, 1, 3, 512, 512)
    want = mace.load(data)([small])["prob"]
    path = tmp_path / "net.mace"
    path.write_bytes(mace.convert(data)[0])
    for source in (data, path):  # from memory and from a file
        low = mace.load(source, memory="low")
        for _ in range(2):
            np.testing.assert_array_equal(low([small])["prob"], want)
        limited = mace.load(source, memory_limit=1 << 20)
        np.testing.assert_array_equal(limited([small])["prob"], want)
        with pytest.raises(mace.ResourceExhaustedError, match="memory_limit, 1048576 bytes"):
            limited([large])
        np.testing.assert_array_equal(limited([small])["prob"], want)
    for wrong in ({"memory": "little"}, {"memory_limit": -1}, {"memory_limit": 2**64}, {"memory_limit": 1.5}):
        with pytest.raises(mace.InvalidArgumentError, match=next(iter(wrong))):
            mace.load(data, **wrong)


def test_low_memory_is_passed_on(network: onnx.ModelProto, monkeypatch) -> None:
    """The answers of both are the same: look at what the native part is asked for."""
    asked = []
    monkeypatch.setattr(mace.model._native, "Model", _Recorder(mace.model._native.Model, asked))
    for memory in ("default", "low"):
        mace.load(network.SerializeToString(), memory=memory)
    assert asked == [False, True]


class _Recorder:
    """Stands before the native Model and notes the third option, low_memory."""

    def __init__(self, native: type, asked: list) -> None:
        self.native, self.asked = native, asked

    def load_memory(self, runtime: object, data: bytes, *options: bool) -> object:
        self.asked.append(options[2])
        return self.native.load_memory(runtime, data, *options)


def test_unsupported_operators_are_all_named() -> None:
    nodes = [
        helper.make_node("StringSplit", ["x"], ["a"], name="first"),
        helper.make_node("RegexFullMatch", ["a"], ["b"], name="second"),
        helper.make_node("StringSplit", ["b"], ["y"], name="third"),
    ]
    proto = networks.model(nodes, {"x": ("float32", [1, 4, 4])}, ["y"], {})
    with pytest.raises(mace.UnsupportedError) as caught:
        mace.load(proto.SerializeToString())
    assert "StringSplit" in str(caught.value) and "RegexFullMatch" in str(caught.value) and "first" in str(caught.value)


def test_nan_constants_warn() -> None:
    constants = {"c": np.array([1, np.nan], np.float32)}
    proto = networks.model([helper.make_node("Add", ["x", "c"], ["y"])], {"x": ("float32", [2])}, ["y"], constants)
    model = mace.load(proto.SerializeToString())
    assert any("c" in warning and "NaN" in warning for warning in model.warnings)
    assert np.isnan(model([np.zeros(2, np.float32)])["y"][1])


def test_zero_size_tensors() -> None:
    proto = networks.model([helper.make_node("Relu", ["x"], ["y"])], {"x": ("float32", ["n", 3])}, ["y"], {})
    got = mace.load(proto.SerializeToString())([np.zeros((0, 3), np.float32)])["y"]
    assert got.shape == (0, 3)


def test_empty_outputs_that_numpy_cannot_have() -> None:
    inputs = {"x": ("float32", ["n"]), "shape": ("int64", [3])}
    proto = networks.model([helper.make_node("Reshape", ["x", "shape"], ["y"], allowzero=1)], inputs, ["y"], {})
    model = mace.load(proto.SerializeToString())
    none = np.zeros(0, np.float32)
    assert model([none, np.array([2**31, 0, 5])])["y"].shape == (2**31, 0, 5)
    with pytest.raises(mace.UnsupportedError, match="no NumPy array can have"):
        model([none, np.array([2**31, 2**31, 0])])


def test_measure() -> None:
    figures = mace.measure()
    assert list(figures) == ["float32_milliseconds", "int8_milliseconds"]
    # 131 million multiply-adds take some time, and plain code more of it.
    assert all(0.01 < figure < 60_000 for figure in figures.values())
    assert mace.measure(isa="scalar")["float32_milliseconds"] > figures["float32_milliseconds"]
    with pytest.raises(mace.InvalidArgumentError, match="num_threads"):
        mace.measure(-1)


def test_a_run_imports_nothing(tmp_path: Path, network: onnx.ModelProto) -> None:
    """The first result is what a user waits for: NumPy imports some of its parts when they are first named."""
    (tmp_path / "net.onnx").write_bytes(network.SerializeToString())
    script = (
        "import sys, numpy, mace\n"
        f"model = mace.load({str(tmp_path / 'net.onnx')!r})\n"
        "before = set(sys.modules)\n"
        "model([numpy.zeros((1, 3, 16, 20), numpy.float32)])\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
