"""TensorFlow Lite's TOPK_V2 against LiteRT's reference kernel, ties included. It runs on MACE's reference kernel."""

from __future__ import annotations

import numpy as np
import pytest
from test_tflite_layers import dims, one_input, tries
from tflite_writer import TfliteWriter


@pytest.mark.parametrize("dtype", ["float32", "int8", "uint8", "int32", "int64"])
def test_top_k(dtype: str) -> None:
    def build(rng: np.random.Generator, writer: TfliteWriter) -> tuple:
        shape = dims(rng, 1, 3)
        x, quantization, feed = one_input(rng, writer, shape, dtype)
        shape[-1] = k = int(rng.integers(1, shape[-1] + 1))
        outputs = [writer.add_tensor(shape, dtype, **quantization), writer.add_tensor(shape, "int32")]
        writer.add_operator("TOPK_V2", [x, writer.add_constant(np.array(k, np.int32))], outputs, "TopKV2Options")
        return [x], outputs, feed

    tries(build, 3, reference_steps=None)
