"""TensorFlow Lite models that MACE's importer repairs, one for each kind of repair."""

from __future__ import annotations

import numpy as np
from repair_cases import Case, Feeds, noise
from tflite_writer import TfliteWriter


def case(name: str, form: str, operator: str, feeds: Feeds, constants: list[np.ndarray], shape: list[int],
         options: str | None = None, **fields: object) -> Case:  # fmt: skip
    """One operator that reads the feeds, then the constants, and writes the tensor "y"."""
    writer = TfliteWriter()
    inputs = [writer.add_tensor(array.shape, array.dtype.name, name=key) for key, array in feeds.items()]
    y = writer.add_tensor(shape, "float32", name="y")
    operands = [*inputs, *(writer.add_constant(array) for array in constants)]
    writer.add_operator(operator, operands, [y], options, **fields)
    return Case(name, form, "operator 0, output 'y'", writer.finish(inputs, [y]), feeds, by="ai-edge-litert")


def cases() -> list[Case]:
    """All of them."""
    image, batches = {"x": noise(1, 4, 6, 3)}, {"x": noise(4, 2, 3, 3)}
    rows = {"c": np.array([True, False, True]), "a": noise(3, 4), "b": noise(3, 4, seed=1)}
    block = np.array([2, 2], np.int32)
    return [
        case("space_to_batch", "SPACE_TO_BATCH_ND", "SPACE_TO_BATCH_ND", image, [block, np.array([[1, 1], [0, 2]], np.int32)],
             [4, 3, 4, 3], "SpaceToBatchNDOptions"),
        case("batch_to_space", "BATCH_TO_SPACE_ND", "BATCH_TO_SPACE_ND", batches, [block, np.array([[0, 1], [1, 0]], np.int32)],
             [1, 3, 5, 3], "BatchToSpaceNDOptions"),
        case("l2_pool", "L2_POOL_2D", "L2_POOL_2D", image, [], [1, 2, 3, 3], "Pool2DOptions", padding=1, strideH=2, strideW=2,
             filterHeight=2, filterWidth=2),
        case("select_of_rows", "SELECT whose condition is a vector", "SELECT", rows, [], [3, 4], "SelectOptions"),
    ]  # fmt: skip
