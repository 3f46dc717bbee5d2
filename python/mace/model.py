"""Models and sessions: the Python face of libmace's runtime, model and session."""

from __future__ import annotations

import json
import math
import numbers
import operator
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mace import _native
from mace.conversion import convert_bytes, folder_of
from mace.custom import CustomOperator, register
from mace.element_types import BITS, from_native, numpy_dtype, to_raw
from mace.errors import InvalidArgumentError, named
from mace.files import MACE_MAGIC, open_regular
from mace.tensorflow_source import frozen, needs_tensorflow

# What ``isa`` may be, of this CPU's architecture: that one and those before it are allowed, as far as the CPU has them.
ISAS = ("scalar", "sse4", "avx2", "avxvnni", "avx512", "avx512vnni", "neon", "dotprod", "i8mm", "sve", "rvv")


@dataclass(frozen=True)
class TensorInfo:
    """One input or output of a model.

    ``shape`` holds an int for a fixed dimension, a name (str) or None for one that may differ from run to run; it is ``("...",)``
    where the rank may.
    ``scale`` is 0.0 where the tensor is not quantized per tensor. An ``optional`` input may be left out of a run;
    the session's state then takes its place.
    """

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]
    optional: bool = False
    scale: float = 0.0
    zero_point: int = 0

    def dims(self) -> str:
        """The shape as text: ``[n, 3, ?]``."""
        return f"[{', '.join('?' if d is None else str(d) for d in self.shape)}]"

    def __str__(self) -> str:
        return f"{self.name}: {self.dtype}{self.dims()}"


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
        Masked arrays are refused. What an input's own ``__dlpack__`` or ``__array__`` raises passes through unchanged.
        Gives a dict of new arrays in output order. ``timeout`` is in seconds, None for no limit; one that is
        not above zero has run out. The GIL is released.
        """
        if timeout is not None and not isinstance(timeout, numbers.Real):
            raise InvalidArgumentError(f"timeout: expected seconds (a number) or None for no limit, got {timeout!r}")
        try:
            seconds = None if timeout is None else float(timeout)
        except OverflowError:
            seconds = math.inf if timeout > 0 else 0.0
        arrays = self._model._feeds(inputs)
        infos = self._model.outputs
        results = self._native.run(arrays, len(infos), bool(profile), seconds)
        return {info.name: from_native(result) for info, result in zip(infos, results, strict=True)}

    run = __call__

    def reset_state(self) -> None:
        """The initial state again."""
        self._native.reset_state()

    def prepare(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Makes the plan for these input shapes, so that the first run of them is fast and ``explain`` has a plan.

        Where sizes depend on data, it ends before them; the first run plans the rest.
        """
        if not isinstance(shapes, Mapping):
            raise InvalidArgumentError(f"shapes: expected a dict of input name to shape, got {shapes!r}")
        infos = self._model.inputs
        shapes = self._model._by_input(shapes)
        dtypes, dims = [], []
        for info in infos:
            if info.name not in shapes and not all(isinstance(d, int) for d in info.shape):
                raise InvalidArgumentError(f"input {info} has dynamic dimensions: give its shape, prepare({{{info.name!r}: [...]}})")
            dtypes.append(info.dtype)
            dims.append(_as_shape(shapes.get(info.name, info.shape), info))
        self._native.prepare(dtypes, dims, len(self._model.outputs))

    def explain(self) -> dict[str, Any]:
        """What the current plan does, step by step (docs/explain.md): kernel, reason, bytes, multiply-adds."""
        return json.loads(self._native.explain_json())

    def profile(self) -> dict[str, Any]:
        """The times of the last run that was made with ``profile=True``."""
        return json.loads(self._native.profile_json())


class Model:
    """A loaded model. Immutable; calling it uses one session of its own, :meth:`session` gives more.

    ``inputs`` and ``outputs`` are :class:`TensorInfo` in model order, ``metadata`` the texts stored with the model (labels, an
    author; what is not UTF-8 becomes U+FFFD), ``warnings`` and ``repairs`` (dicts of node, reason, action) those of its conversion,
    ``pass_runs`` what each graph pass did there (as in :func:`mace.convert`; none of a .mace file).
    """

    def __init__(self, native_model: Any, details: dict[str, Any] | None = None) -> None:
        self._native = native_model
        self.inputs: tuple[TensorInfo, ...] = tuple(TensorInfo(**info) for info in native_model.inputs())
        self.outputs: tuple[TensorInfo, ...] = tuple(TensorInfo(**info) for info in native_model.outputs())
        self.metadata: dict[str, str] = native_model.metadata()
        self.warnings: tuple[str, ...] = tuple((details or {}).get("warnings", ()))
        self.repairs: tuple[dict[str, str], ...] = tuple((details or {}).get("repairs", ()))
        self.pass_runs: tuple[dict[str, Any], ...] = tuple((details or {}).get("passes", ()))
        self._functions: list[Any] = []  # of custom operators, which the native runtime refers to
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

    def _by_input(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same by the inputs' own names: TensorFlow's ``x:0`` also finds ``x``, and the other way round."""
        own = {info.name for info in self.inputs}
        if own.issuperset(values):
            return values
        found: dict[str, Any] = {}
        unknown = []
        for name, value in values.items():
            other = name.removesuffix(":0") if str(name).endswith(":0") else f"{name}:0"
            key = name if name in own else other
            if key not in own or key in found:
                unknown.append(name)
            found[key] = value
        if unknown:
            raise InvalidArgumentError(f"no input is called {unknown}; {self._expected()}")
        return found

    def _feeds(self, inputs: Mapping[str, Any] | Sequence[Any] | Any) -> list[Any]:
        if isinstance(inputs, Mapping):
            given = self._by_input(inputs)
            values: Iterable[Any] = [given.get(info.name) for info in self.inputs]
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


def _as_shape(value: Any, info: TensorInfo) -> list[int]:
    try:
        shape = [operator.index(dim) for dim in value]
    except TypeError:
        raise InvalidArgumentError(f"input {info}: expected a shape, a list of integers, got {value!r}") from None
    if not all(0 <= dim < 2**63 for dim in shape):
        raise InvalidArgumentError(f"input {info}: a dimension of {shape} is below 0 or does not fit in 64 bits")
    return shape


def _as_array(value: Any, info: TensorInfo) -> np.ndarray | tuple[np.ndarray, str, tuple[int, ...]]:
    masked = sys.modules.get("numpy.ma")  # whose import takes 12 ms; without it there is no masked array
    if masked is not None and isinstance(value, masked.MaskedArray):
        raise InvalidArgumentError(f"input {info}: a masked array, whose mask would be lost: fill it first (array.filled())")
    if isinstance(value, np.ndarray):
        array = value
    elif hasattr(value, "__dlpack__"):
        array = np.from_dlpack(value)
    elif hasattr(value, "__array__"):
        array = np.asarray(value)
    else:  # lists and numbers have no dtype of their own
        try:
            array = np.asarray(value, dtype=numpy_dtype(info.dtype))
        except (ValueError, TypeError, OverflowError) as error:
            raise InvalidArgumentError(f"input {info}: {error}") from None
    if info.dtype == "bfloat16" and array.dtype == np.dtype("V2"):  # as .npy files keep it
        array = array.view(numpy_dtype("bfloat16"))
    if array.dtype.name != info.dtype:
        raise InvalidArgumentError(f"input {info}: expected dtype {info.dtype}, got {array.dtype.name}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    array = np.ascontiguousarray(array).reshape(array.shape)
    return to_raw(array, info.dtype) if info.dtype in BITS else array


def _as_integer(name: str, value: Any, expected: str, end: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if not 0 <= number < end:
        raise InvalidArgumentError(f"{name}: expected {expected}, got {value!r}")
    return number


def load(
    model: str | os.PathLike[str] | bytes | bytearray | memoryview,
    num_threads: int = 1,
    *,
    weights: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
    states: Sequence[tuple[str, str]] = (),
    signature: str | None = None,
    strict: bool = False,
    custom_operators: Mapping[str, CustomOperator] | None = None,
    optimize: bool = True,
    without_passes: Sequence[str] = (),
    only_passes: Sequence[str] | None = None,
    verify: str = "default",
    numerics: str = "default",
    memory: str = "default",
    memory_limit: int = 0,
    reference_kernels: bool = False,
    isa: str | None = None,
) -> Model:
    """Loads a model: an .onnx, .tflite, .pb (a frozen TensorFlow graph), .prototxt (Caffe, with ``weights``) or .mace file, or its
    bytes. A SavedModel's folder and Keras' .keras and .h5 files are frozen by TensorFlow first (the extra ``tensorflow``).

    A trained model is converted in process first (:func:`mace.convert`); external data of an ONNX model are read from the folder of
    its file. ``weights`` is a Caffe model's .caffemodel, ``signature`` one of a TensorFlow Lite model or a SavedModel. ``strict`` refuses
    models that would have to be repaired.
    ``custom_operators`` are functions by the names of operators that MACE does not know: each gets the node's inputs (arrays, None where
    absent) and the bytes of its options and returns a list of its outputs (docs/custom_operators.md). They may be called from several
    threads; an exception ends the run. A .mace file that was converted with such operators needs them too.
    ``optimize=False`` runs no graph passes, ``without_passes`` leaves some out, ``only_passes`` runs no others (:func:`mace.passes` lists
    them). ``num_threads`` 0 means one per core.
    ``verify="full"`` checks every byte of a .mace file against its hashes. ``memory="low"`` gives the memory of
    intermediate results back after every run (slower runs, less memory between them); ``memory_limit`` is the most bytes that
    intermediate results and packed weights may take, 0 for no limit: a run that needs more raises
    :class:`mace.ResourceExhaustedError`. ``numerics="exact"`` is refused: it is not built yet. ``reference_kernels`` uses only
    the plain kernels (slow; for finding errors); ``isa`` limits the instruction set (one of
    :data:`mace.ISAS`; those of another architecture, or left out of the build, are refused).
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
    memory_limit = _as_integer("memory_limit", memory_limit, "0 (no limit) or a number of bytes", 2**64)
    runtime = _runtime(num_threads, isa, memory_limit)
    functions = register(runtime, custom_operators)
    options = (verify == "full", numerics == "exact", memory == "low", bool(reference_kernels))
    passes = {"optimize": optimize, "without_passes": without_passes, "only_passes": only_passes}
    source = {"states": states, "weights": weights, "signature": signature, "strict": strict, **passes}
    source["custom_operators"] = tuple(custom_operators or ())
    loaded = _load(runtime, model, source, options)
    loaded._functions = functions
    return loaded


def measure(num_threads: int = 1, *, isa: str | None = None) -> dict[str, float]:
    """How fast this machine is: ``float32_milliseconds`` and ``int8_milliseconds`` of a network that is always the same.

    It is the beginning of MobileNetV2 (224 x 224 x 3, 131 million multiply-adds); each figure is the median of ten runs.
    """
    return _runtime(num_threads, isa, 0).measure()


def _runtime(num_threads: int, isa: str | None, memory_limit: int) -> Any:
    num_threads = _as_integer("num_threads", num_threads, "0 (one per core) to 256", 257)
    if isa is not None and (not isinstance(isa, str) or "\0" in isa):
        raise InvalidArgumentError(f"isa: expected one of {', '.join(ISAS)} or None, got {isa!r}")
    return _native.Runtime(num_threads, isa, memory_limit)


def _refuse_source_options(source: Mapping[str, Any]) -> None:
    if source["weights"] is not None:
        raise InvalidArgumentError("weights belong to a Caffe model; this is a .mace file")
    if source["signature"] is not None:
        raise InvalidArgumentError("a signature is chosen when a model is converted, not when it is loaded")
    if source["states"]:
        raise InvalidArgumentError("states are declared when a model is converted, not when it is loaded")
    if not source["optimize"] or source["without_passes"] or source["only_passes"] is not None:
        raise InvalidArgumentError("passes run when a model is converted, not when it is loaded")


def _load(
    runtime: Any, model: str | os.PathLike[str] | bytes | bytearray | memoryview, source: dict[str, Any], options: tuple[bool, ...]
) -> Model:
    if isinstance(model, (bytes, bytearray, memoryview)):
        return _load_bytes(runtime, bytes(model), source, options)
    path = os.fsdecode(model)
    if needs_tensorflow(path):
        with named(path):
            return _load_bytes(runtime, frozen(path, source.pop("signature")), source, options)
    with open_regular(model) as file:
        head = file.read(len(MACE_MAGIC))
        data = head if head == MACE_MAGIC else head + file.read()
    with named(path):
        if head != MACE_MAGIC:
            return _load_bytes(runtime, data, source | {"folder": folder_of(model)}, options)
        _refuse_source_options(source)
        return Model(_native.Model.load_file(runtime, os.fsencode(path), *options))


def _load_bytes(runtime: Any, data: bytes, source: dict[str, Any], options: tuple[bool, ...]) -> Model:
    details: dict[str, Any] = {}
    if data[: len(MACE_MAGIC)] != MACE_MAGIC:
        data, details = convert_bytes(data, **source)
    else:
        _refuse_source_options(source)
    return Model(_native.Model.load_memory(runtime, data, *options), details)
