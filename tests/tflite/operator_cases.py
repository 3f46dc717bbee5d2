"""Random one-operator TensorFlow Lite models for each element type: the makers' registry, and what a maker works with.

A maker is a function in one of the files cases_*.py of this folder:

    @cases("MAXIMUM", "MINIMUM")
    def extremum(case: Case, name: str) -> None:
        a = case.input(case.shape())
        case.add(name, [a, case.input_like(a)], [case.output_like(a)], "MaximumMinimumOptions")

It is called for every type of `types`, also for those that the operator cannot take: LiteRT says which. A type may be any text that
the maker understands ("float32 x int4"); its first word is case.dtype. operator_types.py runs the models.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "python"))

from tflite_writer import ELEMENT_TYPES, TfliteWriter  # noqa: E402

ELEMENT_TYPES.update({"complex64": 8, "complex128": 11, "uint64": 12, "uint16": 16, "bfloat16": 18, "uint4": 20})
FLOATS = ("float32", "float16", "bfloat16", "float64")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
COMPLEX = ("complex64", "complex128")  # MACE has them as floats with one more axis, of 2
TYPES = (*FLOATS, *INTEGERS, "bool")
QUANTIZED = ("int8", "uint8", "int16")  # tensors of these types have a scale unless a maker says otherwise


@dataclass(frozen=True)
class Maker:
    name: str  # of the builtin operator
    build: Callable[[Case, str], None]
    types: Sequence[str]
    models: int  # of each type
    tolerance: float  # of floats, relative to the largest value
    oracle: Callable | None  # (case) -> outputs of each run; LiteRT's where it is None
    left_out: dict[str, str]  # types that LiteRT takes without having a kernel for them, and what it does


MAKERS: list[Maker] = []


def cases(
    *names: str,
    types: Sequence[str] = TYPES,
    models: int = 6,
    tolerance: float = 1e-5,
    oracle: Callable | None = None,
    left_out: dict[str, str] | None = None,
) -> Callable[[Callable], Callable]:
    """Registers a maker for the operators called `names`. An operator may have several makers, with types of their own."""

    def register(build: Callable) -> Callable:
        left = left_out or {}
        rest = [name for name in types if name not in left]
        MAKERS.extend(Maker(name, build, rest, models, tolerance, oracle, left) for name in names)
        return build

    return register


def load_makers() -> list[Maker]:
    """All makers of the folder."""
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    for file in sorted(HERE.glob("cases_*.py")):
        importlib.import_module(file.stem)
    return MAKERS


def numpy_type(dtype: str) -> np.dtype:
    if dtype == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype("int8" if dtype == "int4" else dtype)


class Case:
    """A model under construction, with a generator of random numbers of its own."""

    def __init__(self, type_name: str, seed: int) -> None:
        self.type_name = type_name
        self.dtype = type_name.split()[0]
        self.seed = seed
        self.random = np.random.default_rng(seed)
        self.writer = TfliteWriter()
        self.inputs: list[int] = []
        self.feeds: list[np.ndarray] = []
        self.outputs: list[int] = []
        self.runs = 1  # of one session, each with the same inputs: what variables hold goes from run to run
        self.reference = True  # LiteRT's reference kernels, not the optimized ones
        self.notes: dict = {}  # what an oracle of the maker's own needs
        self.kinds: list[tuple] = []  # of each tensor: shape, dtype, scale, zero point

    # ---- random parameters
    def integer(self, low: int, high: int) -> int:
        return int(self.random.integers(low, high + 1))

    def flip(self, of: int = 2) -> bool:
        """True one time `of`."""
        return self.integer(1, of) == 1

    def choose(self, choices: Sequence) -> object:
        return choices[self.integer(0, len(choices) - 1)]

    def shape(self, rank: int | None = None, low: int = 1, high: int = 6, ranks: tuple[int, int] = (1, 4)) -> list[int]:
        rank = self.integer(*ranks) if rank is None else rank
        shape = [self.integer(low, high) for _ in range(rank)]
        if rank > 0 and self.flip(4):
            shape[self.integer(0, rank - 1)] = self.integer(low, 40)
        return shape

    def broadcast_pair(self) -> tuple[list[int], list[int]]:
        shape = self.shape()
        other = [1 if self.flip(3) else d for d in shape]
        if self.flip(3):
            other = other[self.integer(0, len(other) - 1) :]
        elif self.flip():
            other = list(shape)
        return (shape, other) if self.flip() else (other, shape)

    def scale(self, low: float = 1e-2, high: float = 0.5) -> float:
        return float(np.float32(np.exp(self.random.uniform(np.log(low), np.log(high)))))

    def zero_point(self, dtype: str | None = None) -> int:
        dtype = dtype or self.dtype
        return 0 if dtype == "int16" else self.integer(np.iinfo(dtype).min, np.iinfo(dtype).max)

    def data(self, shape: Sequence[int], dtype: str | None = None, low: float | None = None, high: float | None = None) -> np.ndarray:
        """Floats around zero, small integers (any of the types with a scale), bools; or values of [low, high]."""
        dtype = dtype or self.dtype
        if dtype == "bool":
            return self.random.random(shape) < 0.5
        if dtype in COMPLEX:
            return (self.data(shape, "float64", low, high) + 1j * self.data(shape, "float64", low, high)).astype(dtype)
        if dtype in (*FLOATS,):
            values = self.random.normal(0, 3, shape) if low is None else self.random.uniform(low, high, shape)
            return np.asarray(values).astype(numpy_type(dtype))
        if dtype == "int4":
            low, high = (-8, 7) if low is None else (low, high)
        elif low is None:
            limits = np.iinfo(dtype)
            low, high = (limits.min, limits.max) if dtype in QUANTIZED else (max(limits.min, -100), min(limits.max, 100))
        else:
            low = max(low, 0) if dtype.startswith("u") else low
        return self.random.integers(int(low), min(int(high), 2**63 - 1), shape, endpoint=True).astype(numpy_type(dtype))

    # ---- tensors
    def _tensor(
        self, shape: Sequence[int], dtype: str, scale: object, zero_point: object, data: np.ndarray | None = None, axis: int = 0
    ) -> int:
        scales = [] if scale is None else list(np.atleast_1d(scale))
        points = [] if scale is None else list(np.atleast_1d(zero_point))
        self.kinds.append((list(shape), dtype, scale, zero_point))
        return self.writer.add_tensor(shape, dtype, scales, points, axis, data)

    def _quantization(self, dtype: str, scale: float | None, zero_point: int | None, plain: bool) -> tuple:
        if plain or (dtype not in QUANTIZED and scale is None):
            return None, 0
        return (self.scale() if scale is None else scale), (self.zero_point(dtype) if zero_point is None else zero_point)

    def input(
        self,
        shape: Sequence[int],
        dtype: str | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
        data: object = None,
        scale: float | None = None,
        zero_point: int | None = None,
        plain: bool = False,
        constant: bool = False,
    ) -> int:
        """A tensor with random data, or `data`: an input of the model, or a constant. `plain`: never quantized."""
        dtype = dtype or self.dtype
        scale, zero_point = self._quantization(dtype, scale, zero_point, plain)
        array = self.data(shape, dtype, low, high) if data is None else np.asarray(data).astype(numpy_type(dtype)).reshape(shape)
        if constant:
            return self._tensor(shape, dtype, scale, zero_point, array)
        tensor = self._tensor(shape, dtype, scale, zero_point)
        self.inputs.append(tensor)
        self.feeds.append(array)
        return tensor

    def input_like(self, tensor: int, shape: Sequence[int] | None = None, **arguments: object) -> int:
        """Of the same type and scale, and shape unless another is given."""
        kind = self.kinds[tensor]
        plain = kind[2] is None
        return self.input(
            kind[0] if shape is None else shape, kind[1], scale=kind[2], zero_point=None if plain else kind[3], plain=plain, **arguments
        )

    def constant(self, values: object, dtype: str = "int32", scale: object = None, zero_point: object = 0, axis: int = 0) -> int:
        array = np.asarray(values).astype(numpy_type(dtype))
        return self._tensor(array.shape, dtype, scale, zero_point, array, axis)

    def variable(self, shape: Sequence[int], dtype: str = "float32", scale: float | None = None, zero_point: int = 0) -> int:
        """A tensor that holds zeros before the first run."""
        self.runs = 3
        self.kinds.append((list(shape), dtype, scale, zero_point))
        quantization = ([], []) if scale is None else ([scale], [zero_point])
        return self.writer.add_tensor(shape, dtype, *quantization, is_variable=True)

    def operand(self, values: object, dtype: str = "int32") -> int:
        """A constant, one time in three an input of the model: what shapes depend on may be computed at run time."""
        array = np.asarray(values).astype(dtype)
        if array.size == 0 or not self.flip(3):
            return self.constant(array, dtype)
        return self.input(array.shape, dtype, data=array, plain=True)

    def output(self, dtype: str | None = None, scale: float | None = None, zero_point: int | None = None, plain: bool = False) -> int:
        """The shape is not said: both sides infer it."""
        dtype = dtype or self.dtype
        return self._tensor([], dtype, *self._quantization(dtype, scale, zero_point, plain))

    def output_like(self, tensor: int) -> int:
        return self._tensor([], *self.kinds[tensor][1:])

    def add(self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: str | None = None, **fields: object) -> None:
        """The operator; its outputs are those of the model."""
        self.writer.add_operator(name, inputs, outputs, options, **fields)
        self.outputs += outputs

    def finish(self) -> bytes:
        return self.writer.finish(self.inputs, self.outputs)
