"""Complex tensors at the edges of a TensorFlow Lite model: floats with one more axis, and `mace check` beside ai-edge-litert."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from command_line import mace as run_mace
from tflite_writer import ELEMENT_TYPES, TfliteWriter

import mace

ELEMENT_TYPES["complex64"] = 8


def square_and_spectrum() -> bytes:
    """x complex64 [3, 4] -> x * x, its imaginary part, and the spectrum of that part."""
    writer = TfliteWriter()
    x, y = (writer.add_tensor([3, 4], "complex64", name=name) for name in ("x", "y"))
    part, spectrum = writer.add_tensor([3, 4], "float32", name="part"), writer.add_tensor([4, 3], "complex64", name="spectrum")
    writer.add_operator("MUL", [x, x], [y], "MulOptions")
    writer.add_operator("IMAG", [y], [part])
    writer.add_operator("RFFT2D", [part, writer.add_constant(np.array([4, 4], np.int32))], [spectrum], "Rfft2dOptions")
    return writer.finish([x], [y, part, spectrum])


def test_numpy_views_go_in_and_out() -> None:
    network = mace.load(square_and_spectrum())
    assert [warning.split(":")[0] for warning in network.warnings] == ["'x' is complex64", "'y' is complex64", "'spectrum' is complex64"]
    random = np.random.default_rng(3)
    x = (random.normal(size=(3, 4)) + 1j * random.normal(size=(3, 4))).astype(np.complex64)
    got = network({"x": x[..., np.newaxis].view(np.float32)})
    square = x.astype(np.complex128) ** 2
    np.testing.assert_allclose(got["y"].view(np.complex64)[..., 0], square, atol=1e-6)
    np.testing.assert_allclose(got["part"], square.imag, atol=1e-6)
    wanted = np.fft.rfft2(square.imag, (4, 4))
    np.testing.assert_allclose(got["spectrum"].view(np.complex64)[..., 0], wanted, atol=1e-5)


def test_check_compares_complex_tensors(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(square_and_spectrum())
    found = json.loads(run_mace("check", tmp_path / "net.tflite", "--json").stdout)
    assert found["culprits"] == []
    assert {each["tensor"] for each in found["whole"]} == {"y", "part", "spectrum"}
