#!/usr/bin/env python3
"""Writes ONNX models with seeded weights whose sizes, or whose control flow, depend on their inputs, and inputs of three sizes.

  python make_dynamic_models.py --out DIR             all of them: NAME.onnx, NAME_0.npz, NAME_1.npz, NAME_2.npz
  python make_dynamic_models.py --out DIR --only gru  those whose name holds this text

Needs onnx and numpy. Every model is checked by onnx.checker; the same call writes the same bytes. MODELS lists them:
tests/python/test_dynamic_models.py runs each at its three sizes, without loading it again.
"""

import argparse
import pathlib
from collections.abc import Callable
from dataclasses import dataclass, field

import dynamic_control as control
import dynamic_sequences as sequences
import numpy as np
from onnx import ModelProto


@dataclass(frozen=True)
class DynamicModel:
    """`make` builds it; `inputs(0)` to `inputs(2)` feed it; `states` are pairs (output, input) that may be fed back."""

    make: Callable[[], ModelProto]
    inputs: Callable[[int], dict[str, np.ndarray]]
    states: list[tuple[str, str]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.make.__name__


SIZES = 3
MODELS = [
    DynamicModel(sequences.lstm, sequences.sequence_inputs),
    DynamicModel(sequences.bidirectional_lstm, sequences.sequence_inputs),
    DynamicModel(sequences.gru, sequences.sequence_inputs),
    DynamicModel(sequences.transformer_encoder, sequences.encoder_inputs),
    DynamicModel(sequences.decoder, sequences.decoder_inputs, sequences.DECODER_STATES),
    DynamicModel(control.detector, control.detector_inputs),
    DynamicModel(control.searches, control.searches_inputs),
    DynamicModel(control.ragged, control.ragged_inputs),
    DynamicModel(control.nested, control.nested_inputs),
    DynamicModel(control.growing, control.growing_inputs),
    DynamicModel(control.scan, control.scan_inputs),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for the models and their inputs")
    parser.add_argument("--only", default="", help="part of the names of the models to write")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for model in MODELS:
        if arguments.only not in model.name:
            continue
        path = arguments.out / f"{model.name}.onnx"
        path.write_bytes(model.make().SerializeToString(deterministic=True))
        for size in range(SIZES):
            np.savez(arguments.out / f"{model.name}_{size}.npz", **model.inputs(size))
        print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
