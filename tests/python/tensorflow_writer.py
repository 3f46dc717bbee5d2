"""Writes frozen TensorFlow graphs without TensorFlow: as much of protocol buffers as a GraphDef needs."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

TYPES = {"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "complex64": 8, "int64": 9, "bool": 10, "float16": 19}


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _bytes(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _int(field: int, number: int) -> bytes:
    return _varint(field << 3) + _varint(number)


def _shape(dims: Any) -> bytes:
    return b"".join(_bytes(2, _int(1, dim)) for dim in dims)


def _value(value: Any) -> bytes:
    if isinstance(value, np.ndarray):
        tensor = _int(1, TYPES[value.dtype.name]) + _bytes(2, _shape(value.shape)) + _bytes(4, np.ascontiguousarray(value).tobytes())
        return _bytes(8, tensor)
    if isinstance(value, Numbers):
        parts = b"".join(struct.pack("<ff", number.real, number.imag) for number in value.numbers)
        return _bytes(8, _int(1, TYPES["complex64"]) + _bytes(2, _shape(value.shape)) + _bytes(9, parts))
    if isinstance(value, np.dtype):
        return _int(6, TYPES[value.name])
    if isinstance(value, Func):
        return _bytes(10, _bytes(1, value.name))
    if isinstance(value, tuple):
        return _bytes(7, _shape(value))
    if isinstance(value, bool):
        return _int(5, int(value))
    if isinstance(value, int):
        return _int(3, value)
    if isinstance(value, float):
        return _varint(4 << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, list):
        return _bytes(1, b"".join(_int(3, item) for item in value))
    return _bytes(2, value)


class Func:
    """An attribute that names a function."""

    def __init__(self, name: str) -> None:
        self.name = name


class Numbers:
    """A tensor of complex numbers whose file lists only the first ones: the last of them stands for the rest."""

    def __init__(self, numbers: Any, shape: tuple[int, ...]) -> None:
        self.numbers = numbers
        self.shape = shape


def node(name: str, op: str, *inputs: str, **attributes: Any) -> bytes:
    """A NodeDef."""
    data = _bytes(1, name) + _bytes(2, op) + b"".join(_bytes(3, text) for text in inputs)
    return data + b"".join(_bytes(5, _bytes(1, key) + _bytes(2, _value(value))) for key, value in attributes.items())


def placeholder(name: str, dtype: str, shape: tuple[int, ...]) -> bytes:
    return node(name, "Placeholder", dtype=np.dtype(dtype), shape=shape)


def const(name: str, value: Any) -> bytes:
    array = np.asarray(value)
    return node(name, "Const", dtype=array.dtype, value=array)


def function(name: str, inputs: list[str], nodes: list[bytes], results: list[str]) -> bytes:
    """A FunctionDef whose outputs are called r0, r1 ..."""
    outputs = [f"r{i}" for i in range(len(results))]
    signature = _bytes(1, name) + b"".join(_bytes(2, _bytes(1, text)) for text in inputs)
    signature += b"".join(_bytes(3, _bytes(1, text)) for text in outputs)
    data = _bytes(1, signature) + b"".join(_bytes(3, item) for item in nodes)
    return data + b"".join(_bytes(4, _bytes(1, key) + _bytes(2, text)) for key, text in zip(outputs, results, strict=True))


def graph(*nodes: bytes, functions: tuple[bytes, ...] = ()) -> bytes:
    """A GraphDef."""
    library = b"".join(_bytes(1, item) for item in functions)
    return b"".join(_bytes(1, item) for item in nodes) + (_bytes(2, library) if library else b"")
