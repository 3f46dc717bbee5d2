"""Element types that NumPy lacks: bfloat16 and integers of 4 and 2 bits, as arrays of the ml_dtypes package (one byte an element there;
MACE packs them). The package is needed only where such an array crosses."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from mace.errors import UnsupportedError

# Bits of an element.
BITS = {"bfloat16": 16, "int4": 4, "uint4": 4, "int2": 2, "uint2": 2}


def numpy_dtype(name: str) -> np.dtype:
    """The dtype of this name, from ml_dtypes where NumPy has none."""
    if name not in BITS:
        return np.dtype(name)
    try:
        return np.dtype(getattr(importlib.import_module("ml_dtypes"), name))
    except (ImportError, AttributeError):
        raise UnsupportedError(f"NumPy has no {name}; arrays of it need the package ml_dtypes (pip install ml_dtypes)") from None


def to_raw(array: np.ndarray, name: str) -> tuple[np.ndarray, str, tuple[int, ...]]:
    """A contiguous array of one of these types as the native module takes it."""
    bits, flat = BITS[name], array.reshape(-1)
    if bits == 16:
        return flat.view(np.uint16), name, array.shape
    each = 8 // bits
    elements = np.zeros(-(-flat.size // each) * each, np.uint8)
    elements[: flat.size] = flat.view(np.uint8) & ((1 << bits) - 1)
    shifted = elements.reshape(-1, each) << (np.arange(each, dtype=np.uint8) * bits)
    return np.bitwise_or.reduce(shifted, axis=1).astype(np.uint8), name, array.shape


def from_raw(raw: np.ndarray, name: str, shape: Sequence[int]) -> np.ndarray:
    """The array of what the native module gives."""
    bits, dtype = BITS[name], numpy_dtype(name)
    if bits == 16:
        return raw.view(dtype).reshape(shape)
    each = 8 // bits
    elements = (raw[:, None] >> (np.arange(each, dtype=np.uint8) * bits)) & ((1 << bits) - 1)
    flat = elements.reshape(-1)[: math.prod(shape)]
    if not name.startswith("u"):  # the sign bit moves up to the byte's
        flat = (flat << (8 - bits)).astype(np.uint8).view(np.int8) >> (8 - bits)
    return flat.astype(np.int8).astype(dtype).reshape(shape)


def from_native(result: Any) -> np.ndarray:
    """A result of the native module: an array, or the parts of one of these types."""
    return from_raw(*result) if isinstance(result, tuple) else result
