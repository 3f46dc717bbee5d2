"""Sparse constants of TensorFlow Lite files, written from dense arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from tflite_writer import schema

LISTS = {"int32": ("Int32VectorT", 1), "uint16": ("Uint16VectorT", 2), "uint8": ("Uint8VectorT", 3)}


def block_view(dense: np.ndarray, block_map: Sequence[int], block_sizes: Sequence[int]) -> np.ndarray:
    """The array with an axis for each block behind its own, which then count blocks."""
    shape: list[int] = []
    places: dict[int, int] = {}  # of each axis of the result in the split shape
    for axis, size in enumerate(dense.shape):
        places[axis] = len(shape)
        if axis in block_map:
            block = list(block_map).index(axis)
            shape += [size // block_sizes[block], block_sizes[block]]
            places[dense.ndim + block] = len(shape) - 1
        else:
            shape.append(size)
    return dense.reshape(shape).transpose([places[i] for i in range(len(shape))])


def compressed(
    dense: np.ndarray,
    order: Sequence[int],
    is_compressed: Sequence[bool],
    block_map: Sequence[int] = (),
    block_sizes: Sequence[int] = (),
    lists: str = "int32",
) -> tuple[object, np.ndarray]:
    """What the file says of the places (SparsityParametersT), and the elements that it keeps. `order` has the axes of block_view in the
    order of the loops, `is_compressed` whether the loop at each place of it lists its indices."""
    view = block_view(dense, block_map, block_sizes).transpose(order)
    segments: list[list[int]] = [[0] for _ in order]
    indices: list[list[int]] = [[] for _ in order]
    stored: list = []

    def visit(part: np.ndarray, level: int) -> None:
        if level == len(order):
            stored.append(part)
            return
        for i in range(part.shape[0]):
            if is_compressed[level]:
                if not np.any(part[i] != 0):
                    continue
                indices[level].append(i)
            visit(part[i], level + 1)
        segments[level].append(len(indices[level]))

    visit(view, 0)
    sparsity = schema.SparsityParametersT()
    sparsity.traversalOrder, sparsity.blockMap, sparsity.dimMetadata = list(order), list(block_map), []
    table, kind = LISTS[lists]
    for level, size in enumerate(view.shape):
        record = schema.DimensionMetadataT()
        if is_compressed[level]:
            record.format = schema.DimensionType.SPARSE_CSR
            record.arraySegments, record.arrayIndices = getattr(schema, table)(), getattr(schema, table)()
            record.arraySegmentsType = record.arrayIndicesType = kind
            record.arraySegments.values, record.arrayIndices.values = segments[level], indices[level]
        else:
            record.format, record.denseSize = schema.DimensionType.DENSE, size
        sparsity.dimMetadata.append(record)
    return sparsity, np.array(stored, dense.dtype)
