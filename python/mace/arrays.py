"""Arrays from .npy files (NumPy's format 1.0 to 3.0). What is read may come from anybody: nothing is allocated before the file is known
to hold it. tools/mace_run/npy.cc accepts the same arrays; its words for damaged headers are its own."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np

from mace.element_types import BITS, numpy_dtype
from mace.errors import DataLossError, InvalidArgumentError, NotFoundError, OutOfMemoryError
from mace.files import open_regular, write_atomically
from mace.model import TensorInfo

MAGIC = b"\x93NUMPY"
MAX_HEADER_BYTES = 64 * 1024
MAX_RANK = 8
# V2: NumPy has no bfloat16; files that hold it call it a void of two bytes.
CODES = ("f2", "f4", "f8", "V2", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
# One entry of the header's Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }
ENTRY = re.compile(
    r"""\s*(?:(?P<q>['"])descr(?P=q)\s*:\s*(?:(?P<r>['"])(?P<descr>[^'"]*)(?P=r)|(?P<structure>\[))
    |(?P<s>['"])fortran_order(?P=s)\s*:\s*(?P<order>True|False)
    |(?P<t>['"])shape(?P=t)\s*:\s*\((?P<shape>[0-9,\s]*)\)
    )\s*(?P<more>,?)""",
    re.VERBOSE | re.ASCII,
)


class _Damaged(Exception):
    """What is wrong with a .npy file, without its name."""


def _parse_dtype(descr: str) -> np.dtype:
    order, code = descr[:1], descr[1:]
    if code not in CODES or order not in ("<", "|", "=", ">"):
        raise _Damaged(f"dtype '{descr[:40]}' is not supported")
    dtype = np.dtype(code)
    if order == ">" and dtype.itemsize > 1:
        raise _Damaged("big-endian arrays are not supported")
    return dtype


def _parse_header(text: str) -> tuple[np.dtype, bool, list[int]]:
    """dtype, whether in Fortran order, shape."""
    begin = re.match(r"\s*\{", text)
    at = begin.end() if begin else -1
    descr = order = shape = None
    more = True
    while begin and more and (entry := ENTRY.match(text, at)):
        if entry["structure"]:
            raise _Damaged("arrays of structures are not supported")
        descr = entry["descr"] if entry["descr"] is not None else descr
        order = entry["order"] or order
        shape = entry["shape"] if entry["shape"] is not None else shape
        more = bool(entry["more"])
        at = entry.end()
    if not begin or not re.match(r"\s*\}", text[at:]):
        raise _Damaged("the header is damaged")
    if descr is None or order is None or shape is None:
        raise _Damaged("the header lacks descr, fortran_order or shape")
    dims = [dim.strip() for dim in shape.split(",")]
    if not dims[-1]:
        dims.pop()  # ( ) or (1, )
    if len(dims) > MAX_RANK:
        raise _Damaged(f"the array has more than {MAX_RANK} dimensions")
    if not all(dim.isdigit() and len(dim) < 20 and int(dim) < 2**63 for dim in dims):
        raise _Damaged("the header is damaged: a dimension is no number")
    return _parse_dtype(descr), order == "True", [int(dim) for dim in dims]


def _read(file: BinaryIO) -> np.ndarray:
    prefix = file.read(10)
    if prefix[: len(MAGIC)] != MAGIC or len(prefix) < 10:
        raise _Damaged("a .npz archive, not a .npy file" if prefix.startswith(b"PK\x03\x04") else "not a .npy file")
    if not 1 <= prefix[6] <= 3:
        raise _Damaged(f"version {prefix[6]} of the .npy format is not known")
    length = prefix[8:] if prefix[6] == 1 else prefix[8:] + file.read(2)
    header_bytes = int.from_bytes(length, "little")
    if header_bytes > MAX_HEADER_BYTES or len(header := file.read(header_bytes)) != header_bytes:
        raise _Damaged("the header is truncated")
    dtype, fortran_order, shape = _parse_header(header.decode("latin-1"))
    if math.prod(dim for dim in shape if dim) * dtype.itemsize >= 2**63:
        raise _Damaged("the array's size does not fit in 64 bits")
    count = math.prod(shape)
    held = os.fstat(file.fileno()).st_size - file.tell()
    if held != count * dtype.itemsize:
        raise _Damaged(f"the header promises {count * dtype.itemsize} bytes of data, the file has {held}")
    array = np.fromfile(file, dtype, count) if count else np.empty(0, dtype)
    if array.size != count:
        raise _Damaged("could not be read to its end")
    return array.reshape(shape, order="F" if fortran_order else "C")


def read_npy(path: str) -> np.ndarray:
    """The array of a .npy file."""
    with open_regular(path) as file:
        try:
            return _read(file)
        except _Damaged as error:
            raise DataLossError(f"{path}: {error}") from None
        except MemoryError:
            raise OutOfMemoryError(f"{path}: out of memory") from None


def as_bytes(array: np.ndarray) -> np.ndarray:
    """Integers of 4 and 2 bits, which .npy files cannot name, as int8 or uint8."""
    if BITS.get(array.dtype.name, 8) >= 8:
        return array
    return array.astype(np.uint8 if array.dtype.name.startswith("u") else np.int8)


def _from_bytes(array: np.ndarray, info: TensorInfo) -> np.ndarray:
    """The other way, for an input of such a type whose numbers fit."""
    bits = BITS.get(info.dtype, 8)
    if bits >= 8 or array.dtype not in (np.int8, np.uint8):
        return array
    low, high = (0, 2**bits) if info.dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1))
    fits = array.size == 0 or (low <= array.min() and array.max() < high)
    return array.astype(numpy_dtype(info.dtype)) if fits else array


def _check(path: str, array: np.ndarray, info: TensorInfo, steps: int) -> None:
    shape = list(array.shape)
    if steps and (not shape or shape[0] != steps):
        raise InvalidArgumentError(f"{path}: --steps {steps} needs that many along axis 0, the array is {shape}")
    dtype = "bfloat16" if array.dtype == np.dtype("V2") else array.dtype.name
    each = shape[1:] if steps else shape
    fits = dtype == info.dtype and len(each) == len(info.shape)
    if not fits or any(isinstance(want, int) and want != have for want, have in zip(info.shape, each, strict=True)):
        expected = f"input '{info.name}' expects {info.dtype} {info.dims()}{' at each step' if steps else ''}"
        raise InvalidArgumentError(f"{path}: {expected}, the file has {dtype} {shape}")


def read_inputs(folder: str, infos: Sequence[TensorInfo], steps: int = 0) -> list[np.ndarray | None]:
    """in_0.npy, in_1.npy, ... of a folder in model order; None where an optional input has no file. With `steps` every array has as
    many along a further axis 0. Errors name the file."""
    arrays: list[np.ndarray | None] = []
    for i, info in enumerate(infos):
        path = os.path.join(folder, f"in_{i}.npy")
        try:
            array = read_npy(path)
        except NotFoundError:
            if not info.optional:
                raise NotFoundError(f"{path}: no such file (input {info})") from None
            arrays.append(None)
            continue
        array = _from_bytes(array, info)
        _check(path, array, info, steps)
        arrays.append(array)
    surplus = None
    with contextlib.suppress(OSError):  # a model without inputs needs no folder
        numbers = [re.fullmatch(r"in_(0|[1-9][0-9]*)\.npy", name, re.ASCII) for name in os.listdir(folder)]
        surplus = min((int(m[1]) for m in numbers if m and len(m[1]) < 19 and int(m[1]) >= len(infos)), default=None)
    if surplus is not None:
        path = os.path.join(folder, f"in_{surplus}.npy")
        raise InvalidArgumentError(f"{path}: the model has only {len(infos)} input(s)")
    return arrays


def save_arrays(folder: str, prefix: str, arrays: list[np.ndarray]) -> None:
    """Writes prefix_0.npy, prefix_1.npy, ...; what else of that name is there goes."""
    os.makedirs(folder, exist_ok=True)
    for name in os.listdir(folder):
        if name.startswith(f"{prefix}_") and name.endswith(".npy"):
            os.unlink(os.path.join(folder, name))
    for index, array in enumerate(arrays):
        buffer = io.BytesIO()
        np.save(buffer, array)
        write_atomically(os.path.join(folder, f"{prefix}_{index}.npy"), buffer.getbuffer())
