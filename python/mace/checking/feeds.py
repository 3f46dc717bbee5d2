"""What both sides are fed: a folder's arrays, or seeded numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mace.element_types import BITS, numpy_dtype
from mace.model import TensorInfo

INTEGER_ENDS = (100, 2)  # random integers lie below the first; where the source refuses them (an index, a mask), below the second


def generated(infos: Sequence[TensorInfo], shapes: Mapping[str, Sequence[int]], seed: int, integer_end: int) -> dict[str, np.ndarray]:
    """Seeded inputs: floats in [-1, 1), integers of quantized tensors over all of their range, others in [0, integer_end)."""
    rng = np.random.RandomState(seed)
    feeds = {}
    for info in infos:
        dtype, shape = numpy_dtype(info.dtype), tuple(shapes[info.name])
        if "float" in info.dtype:
            feeds[info.name] = (rng.random_sample(shape) * 2 - 1).astype(dtype)
        elif info.dtype == "bool":
            feeds[info.name] = rng.randint(0, 2, shape).astype(bool)
        elif info.scale:
            ends = np.iinfo(dtype)
            feeds[info.name] = rng.randint(ends.min, ends.max + 1, shape).astype(dtype)
        else:
            bits = BITS.get(info.dtype, 8) - (not info.dtype.startswith("u"))
            feeds[info.name] = rng.randint(0, min(integer_end, 2**bits), shape).astype(dtype)
    return feeds
