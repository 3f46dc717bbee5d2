"""Models and sessions: the Python face of libmace's runtime, model and session."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mace import _native
from mace.errors import InvalidArgumentError, IoError, NotFoundError

MACE_MAGIC = b"MACE"
# What ``isa`` may be, of this CPU's architecture: that one and those before it are allowed, as far as the CPU has them.
ISAS = ("scalar", "sse4", "avx2", "avx512", "neon", "sve", "rvv")


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a model.

    ``shape`` holds an int for a fixed dimension, a name (str) or None for one that may differ from run to run.
    ``scale`` is 0.0 where the tensor is not quantized per tensor. An ``optional`` input may be left out of a run;
    the session's state then takes its place.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    optional: bool = False
    scale: float = 0.0
    zero_point: int = 0

    def __str__(self) -> str:
        dims = ", ".join("?" if d is None else str(d) for d in self.shape)
        return f"{self.name}: {self.dtype}[{dims}]"


def convert(
    model: str | os.PathLike[str] | bytes, states: Sequence[tuple[str, str]] = (), *, optimize: bool = True
) -> tuple[bytes, dict[str, Any]]:
    """Converts a trained model (ONNX or TensorFlow Lite; a path or its bytes) to the bytes of a .mace file.

    ``states`` are fed-back pairs (output name, input name). The second result holds ``format``, ``warnings`` and
    ``operators`` (name -> count). Raises :class:`mace.MaceError`.

    >>> data, details = mace.convert("net.onnx")
    >>> details["format"], details["warnings"]
    ('onnx', [])
    """
    data = model if isinstance(model, bytes) else read_file(model)
    return _native.convert(data, [tuple(pair) for pair in states], optimize)


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file; errors are MACE's and name the path."""
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            raise IoError(f"{os.fspath(path)} is not a regular file")
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFoundError(f"{os.fspath(path)}: no such file") from None
    except OSError as error:
        if isinstance(error, IoError):
            raise
        raise IoError(f"{os.fspath(path)}: {error.strerror}") from None


class Session:
    """One stream of runs with its own state. Safe to share between threads: calls wait for one another."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._native = model._native.session()

    def __call__(
        self, inputs: Mapping[str, Any] | Sequence[Any] | Any = (), *, timeout: float | None = None, profile: bool = False
    ) -> dict[str, np.ndarray]:
        """Runs the model once.

        ``inputs`` is a dict of name to array, or a list in model order: NumPy arrays, anything with ``__dlpack__`` or
        ``__array__``, or nested lists and numbers (converted to the input's dtype). Arrays must have the input's dtype.
        Gives a dict of new arrays in output order. ``timeout`` is in seconds, None for no limit; one that is
        not above zero has run out. The GIL is released.
        """
        arrays = self._model._feeds(inputs)
        infos = self._model.outputs
        results = self._native.run(arrays, len(infos), profile, timeout)
        return {info.name: result for info, result in zip(infos, results, strict=True)}

    run = __call__

    def reset_state(self) -> None:
        """The initial state again."""
        self._native.reset_state()

    def prepare(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Makes the plan for these input shapes, so that the first run of them is fast and ``explain`` has a plan."""
        infos = self._model.inputs
        unknown = set(shapes) - {info.name for info in infos}
        if unknown:
            raise InvalidArgumentError(f"no input is called {sorted(unknown)}; {self._model._expected()}")
        dtypes, dims = [], []
        for info in infos:
            shape = shapes.get(info.name, info.shape)
            if not all(isinstance(d, int) for d in shape):
                raise InvalidArgumentError(f"input {info}: give its shape, for example --input_shape {info.name}:1,...")
            dtypes.append(info.dtype)
            dims.append([int(d) for d in shape])
        self._native.prepare(dtypes, dims, len(self._model.outputs))

    def explain(self) -> dict[str, Any]:
        """What the current plan does, step by step (docs/explain.md): kernel, reason, bytes, multiply-adds."""
        return json.loads(self._native.explain_json())

    def profile(self) -> dict[str, Any]:
        """The times of the last run that was made with ``profile=True``."""
        return json.loads(self._native.profile_json())


class Model:
    """A loaded model. Immutable; calling it uses one session of its own, :meth:`session` gives more."""

    def __init__(self, native_model: Any, details: dict[str, Any] | None = None) -> None:
        self._native = native_model
        self.inputs: tuple[TensorInfo, ...] = tuple(TensorInfo(**info) for info in native_model.inputs())
        self.outputs: tuple[TensorInfo, ...] = tuple(TensorInfo(**info) for info in native_model.outputs())
        self.warnings: tuple[str, ...] = tuple((details or {}).get("warnings", ()))
        self._session = Session(self)

    def __call__(
        self, inputs: Mapping[str, Any] | Sequence[Any] | Any = (), *, timeout: float | None = None, profile: bool = False
    ) -> dict[str, np.ndarray]:
        """Runs the model once on its own session; see :meth:`Session.__call__`."""
        return self._session(inputs, timeout=timeout, profile=profile)

    run = __call__

    def session(self) -> Session:
        """A new session: own state, may run at the same time as others."""
        return Session(self)

    def reset_state(self) -> None:
        """The model's own session gets its initial state again."""
        self._session.reset_state()

    def prepare(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """See :meth:`Session.prepare`."""
        self._session.prepare(shapes)

    def explain(self) -> dict[str, Any]:
        """See :meth:`Session.explain`."""
        return self._session.explain()

    def profile(self) -> dict[str, Any]:
        """See :meth:`Session.profile`."""
        return self._session.profile()

    def __repr__(self) -> str:
        inputs, outputs = ", ".join(map(str, self.inputs)), ", ".join(map(str, self.outputs))
        return f"<mace.Model ({inputs}) -> ({outputs})>"

    def _expected(self) -> str:
        return "the model's inputs are " + "; ".join(map(str, self.inputs))

    def _feeds(self, inputs: Mapping[str, Any] | Sequence[Any] | Any) -> list[Any]:
        if isinstance(inputs, Mapping):
            unknown = [name for name in inputs if name not in {info.name for info in self.inputs}]
            if unknown:
                raise InvalidArgumentError(f"no input is called {unknown}; {self._expected()}")
            values: Iterable[Any] = [inputs.get(info.name) for info in self.inputs]
        elif isinstance(inputs, (list, tuple)):
            if len(inputs) > len(self.inputs):
                raise InvalidArgumentError(f"{len(inputs)} inputs given; {self._expected()}")
            values = [*inputs, *[None] * (len(self.inputs) - len(inputs))]
        elif not self.inputs:
            raise InvalidArgumentError("the model has no inputs: call it without arguments")
        else:
            values = [inputs, *[None] * (len(self.inputs) - 1)]
        feeds = []
        for info, value in zip(self.inputs, values, strict=True):
            if value is None and not info.optional:
                raise InvalidArgumentError(f"input {info.name!r} is missing; {self._expected()}")
            feeds.append(None if value is None else _as_array(value, info))
        return feeds


def _as_array(value: Any, info: TensorInfo) -> np.ndarray:
    if isinstance(value, np.ndarray):
        array = value
    elif hasattr(value, "__dlpack__"):
        array = np.from_dlpack(value)
    elif hasattr(value, "__array__"):
        array = np.asarray(value)
    else:  # lists and numbers have no dtype of their own
        try:
            array = np.asarray(value, dtype=info.dtype)
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidArgumentError(f"input {info}: {error}") from None
    if array.dtype.name != info.dtype:
        raise InvalidArgumentError(f"input {info}: expected dtype {info.dtype}, got {array.dtype.name}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return np.ascontiguousarray(array).reshape(array.shape)


def load(
    model: str | os.PathLike[str] | bytes,
    num_threads: int = 1,
    *,
    states: Sequence[tuple[str, str]] = (),
    verify: str = "default",
    numerics: str = "default",
    memory: str = "default",
    memory_limit: int = 0,
    reference_kernels: bool = False,
    isa: str | None = None,
) -> Model:
    """Loads a model: an .onnx, .tflite or .mace file, or its bytes.

    A trained model is converted in process first (:func:`convert`). ``num_threads`` 0 means one per core.
    ``verify="full"`` checks every byte of a .mace file against its hashes. ``memory="low"`` gives the memory of
    intermediate results back after every run (slower runs, less memory between them); ``memory_limit`` is the most bytes that
    intermediate results and packed weights may take, 0 for no limit: a run that needs more raises
    :class:`mace.ResourceExhaustedError`. ``numerics="exact"`` is refused: it is not built yet. ``reference_kernels`` uses only
    the plain kernels (slow; for finding errors); ``isa`` limits the instruction set (one of
    :data:`mace.ISAS`; those of another architecture are refused).
    Raises :class:`mace.MaceError`.

    >>> m = mace.load("net.onnx", num_threads=2)
    >>> y = m({"input": np.zeros((1, 3, 224, 224), np.float32)})
    >>> list(y) == [output.name for output in m.outputs]
    True
    """
    if verify not in ("default", "full"):
        raise InvalidArgumentError(f"verify: expected 'default' or 'full', got {verify!r}")
    if numerics not in ("default", "exact"):
        raise InvalidArgumentError(f"numerics: expected 'default' or 'exact', got {numerics!r}")
    if memory not in ("default", "low"):
        raise InvalidArgumentError(f"memory: expected 'default' or 'low', got {memory!r}")
    if not isinstance(memory_limit, int) or not 0 <= memory_limit < 2**64:
        raise InvalidArgumentError(f"memory_limit: expected 0 (no limit) or a number of bytes, got {memory_limit!r}")
    if not isinstance(num_threads, int) or not 0 <= num_threads <= 256:
        raise InvalidArgumentError(f"num_threads: expected 0 (one per core) to 256, got {num_threads!r}")
    runtime = _native.Runtime(num_threads, isa, memory_limit)
    options = (verify == "full", numerics == "exact", memory == "low", reference_kernels)
    details: dict[str, Any] = {}
    if isinstance(model, (bytes, bytearray, memoryview)):
        data = bytes(model)
    else:
        path = os.fspath(model)
        if not os.path.exists(path):
            raise NotFoundError(f"{path}: no such file")
        if not os.path.isfile(path):
            raise IoError(f"{path} is not a regular file")
        with open(path, "rb") as file:
            head = file.read(len(MACE_MAGIC))
        if head == MACE_MAGIC:
            if states:
                raise InvalidArgumentError(f"{path}: states are declared when a model is converted, not when it is loaded")
            return Model(_native.Model.load_file(runtime, os.fsencode(path), *options))
        data = read_file(path)
    if data[: len(MACE_MAGIC)] != MACE_MAGIC:
        data, details = _native.convert(data, [tuple(pair) for pair in states], True)
    return Model(_native.Model.load_memory(runtime, data, *options), details)
