"""Random one-operator TensorFlow Lite models, judged byte for byte against LiteRT's reference kernels."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from tflite_writer import Rejected, TfliteWriter, run_litert

import mace

# Random cases for each operator and type; MACE_TFLITE_CASES=1000 for a long run.
CASES = int(os.environ.get("MACE_TFLITE_CASES", "40"))
BYTES = ["int8", "uint8"]
WORDS = ["int8", "uint8", "int16"]


class Case:
    """A model under construction, with a generator of random numbers of its own."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.writer = TfliteWriter()
        self.inputs: list[int] = []
        self.feeds: list[np.ndarray] = []

    # ---- random parameters
    def integer(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def choose(self, choices: Sequence) -> object:
        return choices[self.integer(0, len(choices) - 1)]

    def shape(self, rank: int | None = None, low: int = 1, high: int = 7) -> list[int]:
        """Now and then one size is far larger than the others: vectors and their tails."""
        rank = self.integer(1, 4) if rank is None else rank
        shape = [self.integer(low, high) for _ in range(rank)]
        if rank > 0 and self.integer(0, 3) == 0:
            shape[self.integer(0, rank - 1)] = self.integer(1, 70)
        return shape

    def scale(self, low: float = 1e-3, high: float = 1.0) -> float:
        """A float32 scale, its logarithm even; sometimes a power of two."""
        scale = np.float32(np.exp(self.random.uniform(np.log(low), np.log(high))))
        return float(np.exp2(np.round(np.log2(scale)))) if self.integer(0, 7) == 0 else float(scale)

    def zero_point(self, dtype: str, symmetric: bool | None = None) -> int:
        """0 for int16, unless told; otherwise the ends of the type are as likely as its inside."""
        if symmetric or (symmetric is None and dtype == "int16"):
            return 0
        limits = np.iinfo(dtype)
        inside = self.integer(limits.min, limits.max)
        return int(self.choose([inside, inside, inside, limits.min, limits.max, (limits.min + limits.max + 1) // 2]))

    def data(self, shape: Sequence[int], dtype: str) -> np.ndarray:
        """Values of the whole type, the extremes among them; sometimes only extremes, or a few around one value."""
        limits = np.iinfo(dtype)
        extremes = self.random.choice(np.array([limits.min, limits.max]), size=shape)
        kind = self.integer(0, 5)
        if kind == 0:
            return np.array(extremes, dtype)
        if kind == 1:
            near = self.integer(limits.min, limits.max)
            return np.array(np.clip(self.random.integers(near - 4, near + 5, shape), limits.min, limits.max), dtype)
        values = self.random.integers(limits.min, limits.max, shape, endpoint=True)
        return np.array(np.where(self.random.random(shape) < 0.1, extremes, values), dtype)

    # ---- tensors
    def input(
        self, shape: Sequence[int], dtype: str, scale: float | None = None, zero_point: int | None = None, data: object = None
    ) -> int:
        quantized = dtype in WORDS
        if quantized:
            scale = self.scale() if scale is None else scale
            zero_point = self.zero_point(dtype) if zero_point is None else zero_point
        tensor = self.writer.add_tensor(shape, dtype, [scale] if quantized else [], [zero_point] if quantized else [])
        self.inputs.append(tensor)
        self.feeds.append(self.data(shape, dtype) if data is None else np.asarray(data, dtype).reshape(shape))
        return tensor

    def output(self, dtype: str, scale: float | None = None, zero_point: int | None = None) -> int:
        """The shape is not said: both sides infer it."""
        if dtype not in WORDS:
            return self.writer.add_tensor([], dtype)
        scale = self.scale() if scale is None else scale
        zero_point = self.zero_point(dtype) if zero_point is None else zero_point
        return self.writer.add_tensor([], dtype, [scale], [zero_point])

    def constant(self, values: object, dtype: str = "int32") -> int:
        return self.writer.add_constant(np.asarray(values, dtype))

    def judge(self, outputs: Sequence[int], label: str) -> bool:
        """False where LiteRT rejects the model."""
        model = self.writer.finish(self.inputs, outputs)
        try:
            (want,) = run_litert(model, [self.feeds])
        except Rejected:
            return False
        network = mace.load(model)
        got = network({f"t{tensor}": feed for tensor, feed in zip(self.inputs, self.feeds, strict=True)})
        for (name, result), expected in zip(got.items(), want, strict=True):
            assert result.dtype == expected.dtype and result.shape == expected.shape, (label, name, result.shape, expected.shape)
            if result.tobytes() == expected.tobytes():
                continue
            same = (result == expected) | ((result != result) & (expected != expected))
            if same.all():
                continue  # NaN, or zeros of different signs
            where = tuple(axis[0] for axis in np.nonzero(~same))
            raise AssertionError(
                f"{label}: {np.count_nonzero(~same)} of {same.size} differ, first at {where}: {result[where]}, expected {expected[where]}"
                f" of shape {expected.shape}; {describe(self)}"
            )
        return True


def describe(case: Case) -> str:
    tensors = []
    for i, tensor in enumerate(case.writer._graph.tensors):
        quantization = tensor.quantization
        scales = "" if quantization is None else f" scales {quantization.scale[:4]} zero points {quantization.zeroPoint[:4]}"
        tensors.append(f"t{i} {tensor.shape}{scales}")
    options = [vars(operator.builtinOptions) for operator in case.writer._graph.operators if operator.builtinOptions is not None]
    return "; ".join(tensors) + f" {options}"


def run_cases(label: str, build: Callable[[Case], Sequence[int]], cases: int | None = None, accepted: float = 0.5) -> None:
    """`build` adds the operator and gives the outputs. At least the fraction `accepted` of the cases must be models that LiteRT takes."""
    cases = CASES if cases is None else cases
    taken = 0
    for i in range(cases):
        case = Case(zlib.crc32(label.encode()) + i)
        taken += case.judge(build(case), f"{label} case {i}")
    assert taken >= accepted * cases, f"LiteRT took {taken} of {cases} models"
