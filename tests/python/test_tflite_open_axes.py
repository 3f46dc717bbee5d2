"""TensorFlow Lite operators on axes whose size is known at run time only, against LiteRT's reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_writer import TfliteWriter, litert_interpreter

import mace


@pytest.mark.parametrize("size", [4, 6])
@pytest.mark.parametrize("begin, length", [(-2, 1), (-2, 2), (-3, 2), (-3, 3), (1, 2), (0, 3)])
def test_strided_slice_by_offsets(begin: int, length: int, size: int) -> None:
    writer = TfliteWriter()
    x = writer.add_tensor([1], "int8", [0.1], [0], shape_signature=[-1])
    y = writer.add_tensor([], "int8", [0.1], [0])
    bounds = [writer.add_constant(np.array([number], np.int32)) for number in (begin, length, 1)]
    writer.add_operator("STRIDED_SLICE", [x, *bounds], [y], "StridedSliceOptions", offset=True)
    model = writer.finish([x], [y])
    array = np.arange(size).astype(np.int8)
    interpreter = litert_interpreter(model)
    index = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(index, array.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(index, array)
    interpreter.invoke()
    expected = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    (result,) = mace.load(model)([array]).values()
    np.testing.assert_array_equal(result, expected)
