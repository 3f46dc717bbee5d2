"""Each Caffe layer against NumPy in float64 and, where it is installed, against OpenCV's importer."""

from __future__ import annotations

import importlib.util
import zlib

import numpy as np
import pytest
from caffe_cases import CASES, Case
from caffe_writer import caffemodel, input_layer, layer

import mace

NAMES = [case.name for case in CASES]
OPENCV = [case for case in CASES if case.opencv]


def network(case: Case) -> tuple[str, bytes, dict[str, np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(zlib.crc32(case.name.encode()))
    arrays = case.values(rng) if case.values else [rng.normal(size=shape) for shape in case.shapes]
    blobs = [rng.normal(size=shape) * 0.5 for shape in case.blobs]
    if case.positive:
        arrays, blobs = [np.abs(a) + 0.1 for a in arrays], [np.abs(b) + 0.5 for b in blobs]
    arrays, blobs = ([a.astype(np.float32) for a in each] for each in (arrays, blobs))
    inputs = {f"in{i}": array for i, array in enumerate(arrays)}
    text = "".join(input_layer(name, array.shape) for name, array in inputs.items())
    text += layer("it", case.kind, list(inputs), [f"out{i}" for i in range(case.tops)], case.parameters)
    return text, caffemodel({"it": blobs} if blobs else {}), inputs, blobs


def close(got: np.ndarray, expected: np.ndarray, name: str) -> None:
    assert got.shape == expected.shape, name
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-5 * max(1.0, float(np.abs(expected).max(initial=0))), err_msg=name)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
@pytest.mark.parametrize("optimize", [True, False], ids=["passes", "plain"])
def test_layer_computes_what_caffe_says(case: Case, optimize: bool) -> None:
    text, weights, inputs, blobs = network(case)
    data, details = mace.convert(text.encode(), weights=weights, optimize=optimize)
    assert details["format"] == "caffe"
    assert details["warnings"] == []
    outputs = mace.load(data)(inputs)
    wide = [array.astype(np.float64) for array in (*inputs.values(), *blobs)]
    expected = case.expected(*wide)
    expected = expected if isinstance(expected, tuple) else (expected,)
    assert list(outputs) == [f"out{i}" for i in range(case.tops)]
    for got, want, name in zip(outputs.values(), expected, outputs, strict=True):
        close(got, np.asarray(want, np.float64), name)


@pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="opencv-python-headless is not installed")
@pytest.mark.parametrize("case", OPENCV, ids=[case.name for case in OPENCV])
def test_layer_agrees_with_opencv(case: Case) -> None:
    import cv2

    text, weights, inputs, _ = network(case)
    net = cv2.dnn.readNetFromCaffe(np.frombuffer(text.encode(), np.uint8), np.frombuffer(weights, np.uint8))
    for name, array in inputs.items():
        net.setInput(array, name)
    outputs = mace.load(text.encode(), weights=weights)(inputs)
    results = net.forwardAndRetrieve(net.getUnconnectedOutLayersNames()[:1])[0]  # its pooling always gives places, too
    for (name, got), want in zip(outputs.items(), results[: len(outputs)], strict=True):
        close(got, want.reshape(got.shape), name)  # OpenCV's tensors have at least two axes
