"""Element types that NumPy lacks cross as arrays of ml_dtypes: bfloat16, and integers of 4 and 2 bits, which MACE packs."""

from __future__ import annotations

import importlib

import numpy as np
import onnx
import onnx.helper as oh
import pytest
from mace.arrays import as_bytes, read_inputs
from mace.element_types import BITS, from_raw, numpy_dtype, to_raw
from onnx import TensorProto

import mace

ml_dtypes = pytest.importorskip("ml_dtypes")


def identity(onnx_type: int, to: int | None = None) -> mace.Model:
    """x of any size, unchanged; or cast to another type."""
    node = oh.make_node("Identity", ["x"], ["y"]) if to is None else oh.make_node("Cast", ["x"], ["y"], to=to)
    graph = oh.make_graph(
        [node], "g", [oh.make_tensor_value_info("x", onnx_type, ["n"])], [oh.make_tensor_value_info("y", to or onnx_type, ["n"])]
    )
    return mace.load(oh.make_model(graph, opset_imports=[oh.make_opsetid("", 25)]).SerializeToString())


@pytest.mark.parametrize("name", BITS)
@pytest.mark.parametrize("count", [0, 1, 3, 4, 9])
def test_raw_forms_come_back(name: str, count: int) -> None:
    array = (np.arange(count) - (0 if name.startswith("u") else 2)).astype(numpy_dtype(name))
    raw, given, shape = to_raw(array, name)
    assert given == name and raw.nbytes == -(-count * BITS[name] // 8)
    back = from_raw(raw, name, shape)
    assert back.dtype == array.dtype and back.tobytes() == array.tobytes()


# onnx packs the same way.
@pytest.mark.parametrize("name", ["int4", "uint4", "int2", "uint2"])
def test_the_first_element_has_the_lowest_bits(name: str) -> None:
    array = np.array([1, 0, 1, 1, 0], numpy_dtype(name))
    packed = onnx.numpy_helper.from_array(array).raw_data
    assert to_raw(array, name)[0].tobytes() == packed


@pytest.mark.parametrize("name", BITS)
def test_models_take_and_give_them(name: str) -> None:
    model = identity(getattr(TensorProto, name.upper()))
    assert model.inputs[0].dtype == name
    for count in (5, 0):
        x = np.arange(count).astype(numpy_dtype(name))
        y = model({"x": x})["y"]
        assert y.dtype == x.dtype and y.tobytes() == x.tobytes()
    assert model([[1, 0, 1]])["y"].astype(int).tolist() == [1, 0, 1]
    with pytest.raises(mace.InvalidArgumentError, match=f"expected dtype {name}, got int8"):
        model({"x": np.zeros(2, np.int8)})


def test_casts_are_those_of_ml_dtypes() -> None:
    x = np.array([-9, -8.7, -1.5, 0.49, 1.5, 3.1416, 7.6, 300], np.float32)
    for name in BITS:
        y = identity(TensorProto.FLOAT, getattr(TensorProto, name.upper()))({"x": x})["y"]
        np.testing.assert_array_equal(y.astype(np.float32), x.astype(numpy_dtype(name)).astype(np.float32))


def test_without_the_package_the_error_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(mace.UnsupportedError, match="need the package ml_dtypes"):
        numpy_dtype("int4")


def test_npy_files_hold_them(tmp_path) -> None:
    infos = [mace.TensorInfo("a", "bfloat16", (3,)), mace.TensorInfo("b", "int4", (3,)), mace.TensorInfo("c", "uint2", (3,))]
    arrays = [np.array([0, 1, 1], numpy_dtype(info.dtype)) for info in infos]
    for i, array in enumerate(arrays):
        np.save(tmp_path / f"in_{i}.npy", as_bytes(array))
    bfloat16, int4, uint2 = read_inputs(str(tmp_path), infos)
    assert identity(TensorProto.BFLOAT16)({"x": bfloat16})["y"].tobytes() == arrays[0].tobytes()
    assert int4.dtype == arrays[1].dtype and uint2.dtype == arrays[2].dtype
    np.save(tmp_path / "in_1.npy", np.array([0, 1, 8], np.int8))  # does not fit
    with pytest.raises(mace.InvalidArgumentError, match="expects int4"):
        read_inputs(str(tmp_path), infos)
