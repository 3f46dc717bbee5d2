"""What `mace run` reads: .npy files, good and odd. tools/mace_run/npy_test.cc holds mace_run to the same."""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from mace.arrays import read_inputs, read_npy

import mace

X = np.arange(20, dtype=np.float32).reshape(2, 10)
RAW = X.tobytes()


def npy(header: str, data: bytes = RAW, version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", len(text)) + text + data


def header(descr: str = "'<f4'", order: str = "False", shape: str = "(2, 10)") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


def archive() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, a=X)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npy(header()),
        npy(header(), version=2),
        npy(header(), version=3),
        npy(header(descr='"=f4"', shape="( 2 ,10 ,)")),
        npy("{'shape':(2,10),'fortran_order':False,'descr':'<f4'}   "),
        npy(header(order="True"), X.tobytes(order="F")),
    ],
)
def test_good_files(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "in_0.npy"
    path.write_bytes(data)
    np.testing.assert_array_equal(read_npy(str(path)), X)


def test_what_numpy_writes(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    for dtype in ("float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "bool"):
        for shape in ((), (3,), (2, 3), (0, 4), (1, 2, 3, 4)):
            want = np.arange(int(np.prod(shape)), dtype=np.int64).astype(dtype).reshape(shape)
            for array in (want, np.array(want, order="F")):
                np.save(path, array)
                got = read_npy(str(path))
                assert got.dtype == want.dtype and got.shape == shape
                np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (npy(header(shape="(True, 10)")), "header is damaged"),
        (npy(header(shape="(-2, -10)")), "header is damaged"),
        (npy(header(shape="(2.0, 10)")), "header is damaged"),
        (npy(header(shape="(2 10)")), "header is damaged"),
        (npy(header(shape="(2,, 10)")), "header is damaged"),
        (npy(header(shape="(99999999999999999999, 10)")), "a dimension is no number"),
        (npy(header(shape="(" + " " * 60000 + "x)")), "header is damaged"),
        (npy("(" * 9000), "header is damaged"),
        (npy("{" * 9000), "header is damaged"),
        (npy("{'descr': '<f4', 'shape': (2, 10)}"), "lacks"),
        (npy(header(shape="(1,1,1,1,1,1,1,2,10)")), "more than 8 dimensions"),
        (npy(header(shape="(4611686018427387904, 10)")), "does not fit in 64 bits"),
        (npy(header(shape="(1000000000, 10)")), "promises 40000000000 bytes of data, the file has 80"),
        (npy(header(), RAW[:-1]), "promises 80 bytes of data, the file has 79"),
        (npy(header(), RAW + b"zz"), "promises 80 bytes of data, the file has 82"),
        (npy(header(descr="'>f4'")), "big-endian arrays are not supported"),
        (npy(header(descr="'f4'")), "dtype 'f4' is not supported"),
        (npy(header(descr="'|O'"), b"\x80\x04."), "dtype '|O' is not supported"),
        (npy(header(descr="[('a', '<f4')]")), "arrays of structures are not supported"),
        (npy(header(), version=4), "version 4 of the .npy format is not known"),
        (npy(header())[:40], "header is truncated"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"{" * 1000, "header is truncated"),
        (archive(), "a .npz archive, not a .npy file"),
        (b"PK\x03\x04" + b"garbage" * 10, "a .npz archive, not a .npy file"),
        (b"1 2 3\n", "not a .npy file"),
        (b"\x80\x04\x95\x00.", "not a .npy file"),
        (b"", "not a .npy file"),
    ],
)
def test_odd_files_are_named_with_what_is_wrong(tmp_path: Path, data: bytes, says: str) -> None:
    path = tmp_path / "in_0.npy"
    path.write_bytes(data)
    with pytest.raises(mace.DataLossError) as error:
        read_npy(str(path))
    assert str(error.value).startswith(f"{path}: ") and says in str(error.value) and "unsafe" not in str(error.value)


def test_inputs_that_do_not_fit_the_model(tmp_path: Path) -> None:
    infos = [mace.TensorInfo("x", "float32", ("n", 10)), mace.TensorInfo("state", "float32", (4,), optional=True)]
    folder = str(tmp_path)
    with pytest.raises(mace.NotFoundError, match=r"in_0.npy: no such file \(input x: float32\[n, 10\]\)"):
        read_inputs(folder, infos)
    np.save(tmp_path / "in_0.npy", X)
    got = read_inputs(folder, infos)
    np.testing.assert_array_equal(got[0], X)
    assert got[1] is None
    np.save(tmp_path / "in_0.npy", X[:, :9])
    with pytest.raises(mace.InvalidArgumentError, match=r"in_0.npy: input 'x' expects float32 \[n, 10\], the file has float32 \[2, 9\]"):
        read_inputs(folder, infos)
    np.save(tmp_path / "in_0.npy", X.astype(np.float64))
    with pytest.raises(mace.InvalidArgumentError, match=r"in_0\.npy: .* the file has float64"):
        read_inputs(folder, infos)
    np.save(tmp_path / "in_0.npy", X[None])
    assert read_inputs(folder, infos, steps=1)[0] is not None
    with pytest.raises(mace.InvalidArgumentError, match=r"in_0\.npy: --steps 3 needs that many along axis 0"):
        read_inputs(folder, infos, steps=3)


def test_surplus_inputs_are_named(tmp_path: Path) -> None:
    infos = [mace.TensorInfo("x", "float32", (2, 10))]
    for name in ("in_0.npy", "in_9.npy", "in_7.npy", "in_07.npy", "in_x.npy"):
        np.save(tmp_path / name, X)
    with pytest.raises(mace.InvalidArgumentError, match=r"in_7.npy: the model has only 1 input\(s\)"):
        read_inputs(str(tmp_path), infos)
    assert read_inputs(str(tmp_path / "nowhere"), []) == []


def test_special_files_do_not_keep_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "in_0.npy")
    with pytest.raises(mace.IoError, match="not a regular file"):
        read_npy(str(tmp_path / "in_0.npy"))
