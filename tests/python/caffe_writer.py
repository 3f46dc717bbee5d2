"""Writes small Caffe networks for tests: the prototxt as text, the .caffemodel in protobuf's wire format (field numbers of
caffe.proto)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, payload: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def number(number_: int, value: int) -> bytes:
    return varint(number_ << 3) + varint(value)


def blob(array: np.ndarray, form: str = "shape") -> bytes:
    """`form`: "shape", "legacy" (num, channels, height, width), "double" or "unpacked" (a field an element)."""
    if form == "legacy":
        dims = (1,) * (4 - array.ndim) + array.shape
        head = b"".join(number(1 + i, dim) for i, dim in enumerate(dims))
    else:
        head = field(7, field(1, b"".join(varint(dim) for dim in array.shape)))
    if form == "double":
        return head + field(8, array.astype("<f8").tobytes())
    data = array.astype("<f4")
    if form == "unpacked":
        return head + b"".join(varint(5 << 3 | 5) + element.tobytes() for element in data.ravel())
    return head + field(5, data.tobytes())


def caffemodel(layers: dict[str, Sequence[np.ndarray]], form: str = "shape", old: bool = False) -> bytes:
    """Blobs of each layer by name; `old`: as V1LayerParameter."""
    out = field(1, b"net")
    for name, arrays in layers.items():
        blobs = [blob(np.asarray(array), form) for array in arrays]
        if old:
            out += field(2, field(4, name.encode()) + b"".join(field(6, each) for each in blobs))
        else:
            out += field(100, field(1, name.encode()) + b"".join(field(7, each) for each in blobs))
    return out


def input_layer(name: str, shape: Sequence[int]) -> str:
    dims = " ".join(f"dim: {dim}" for dim in shape)
    return f'layer {{ name: "{name}" type: "Input" top: "{name}" input_param {{ shape {{ {dims} }} }} }}\n'


def layer(name: str, kind: str, bottoms: Sequence[str], tops: Sequence[str], parameters: str = "") -> str:
    edges = "".join(f' bottom: "{b}"' for b in bottoms) + "".join(f' top: "{t}"' for t in tops)
    return f'layer {{ name: "{name}" type: "{kind}"{edges} {parameters} }}\n'
