"""Quantizes a float ONNX network with onnxruntime: what MACE's speed on integers is measured on.

Static quantization: QuantizeLinear and DequantizeLinear around every operator that onnxruntime quantizes, uint8 activations, int8
weights with a scale per output channel, ranges from seeded random samples (the smallest and largest value seen). The network is
prepared first as onnxruntime's documentation asks for (shapes, batch normalisation folded into the convolutions). The output is
<stem>_int8.onnx, with --reduce_range on (weights of 7 bits, for CPUs without VNNI) <stem>_int8_reduced_range.onnx.

Needs a Python with onnx and onnxruntime (scripts/make_peers.sh makes build/bench/peers_venv). Examples:

  build/bench/peers_venv/bin/python bench/quantize_ort.py net.onnx --output_dir quantized
  build/bench/peers_venv/bin/python bench/quantize_ort.py net.onnx more.onnx --output_dir quantized --reduce_range both
  build/bench/peers_venv/bin/python bench/quantize_ort.py det.onnx --output_dir quantized --input_shape x:1,3,352,800
  .venv/bin/python bench/ratio.py quantized/net_int8.onnx --peer_python build/bench/peers_venv/bin/python --tolerance 0.1
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from outputs import parse_shape

try:
    from onnx_inputs import InputError, read_interface
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process
except ImportError as error:  # --help needs neither
    quantization, missing = None, error


def make_samples(inputs: list[tuple[str, str, list[int]]], count: int, seed: int) -> list[dict[str, np.ndarray]]:
    """Uniform in [-1, 1), integers 0 .. 99: the distribution that bench/ratio.py feeds."""
    rng = np.random.RandomState(seed)
    samples = []
    for _ in range(count):
        sample = {}
        for name, dtype, shape in inputs:
            values = rng.random_sample(shape) * 2 - 1 if dtype.startswith("float") else rng.randint(0, 100, shape)
            sample[name] = np.asarray(values).astype(dtype)
        samples.append(sample)
    return samples


def quantize(path: Path, output_dir: Path, reduce_range: bool, samples: list[dict[str, np.ndarray]]) -> Path:
    """Writes the quantized network; the name of its file."""

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.rest = iter(samples)

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.rest, None)

    output = output_dir / f"{path.stem}_int8{'_reduced_range' if reduce_range else ''}.onnx"
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / path.name
        quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(output),
            Reader(),
            quant_format=quantization.QuantFormat.QDQ,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
            reduce_range=reduce_range,
        )
    return output


def main() -> int:
    """Quantizes each network and prints the files it wrote."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path, help="float ONNX files")
    parser.add_argument("--output_dir", type=Path, required=True, help="is made where it does not exist")
    parser.add_argument("--reduce_range", choices=("off", "on", "both"), default="off", help="7-bit weights (default: off)")
    parser.add_argument("--samples", type=int, default=50, help="samples that the ranges are taken from (default: 50)")
    parser.add_argument("--seed", type=int, default=0, help="of the samples (default: 0)")
    parser.add_argument("--input_shape", action="append", default=[], type=parse_shape, metavar="NAME:D,D", help="of a dynamic input")
    arguments = parser.parse_args()
    if quantization is None:
        print(f"quantize_ort: {missing}: needs a Python with onnx and onnxruntime", file=sys.stderr)
        return 1
    if arguments.samples < 1:
        parser.error("--samples: expected 1 or more")
    arguments.output_dir.mkdir(parents=True, exist_ok=True)
    for path in arguments.models:
        if not path.is_file():
            print(f"quantize_ort: {path}: no such file", file=sys.stderr)
            return 1
        try:
            inputs, _ = read_interface(path, dict(arguments.input_shape))
        except InputError as error:
            print(f"quantize_ort: {error}", file=sys.stderr)
            return 1
        samples = make_samples(inputs, arguments.samples, arguments.seed)
        for reduce_range in {"off": (False,), "on": (True,), "both": (False, True)}[arguments.reduce_range]:
            print(quantize(path, arguments.output_dir, reduce_range, samples), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
