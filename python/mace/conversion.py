"""What a conversion can be told: the Python face of the host part, which checks it before native code sees it."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mace import _native
from mace.errors import InvalidArgumentError, named
from mace.files import MACE_MAGIC, read_file
from mace.pipeline import Step, check_steps, metadata_of
from mace.tensorflow_source import frozen, needs_tensorflow


def convert(
    model: str | os.PathLike[str] | bytes | bytearray | memoryview,
    states: Sequence[tuple[str, str]] = (),
    *,
    optimize: bool = True,
    signature: str | None = None,
    inputs: Sequence[str] | Mapping[str, Sequence[int] | None] | None = None,
    outputs: Sequence[str] | None = None,
    joins: Sequence[tuple[str, str]] = (),
    strip_names: bool = False,
    metadata: Mapping[str, str] | None = None,
    folder: str | os.PathLike[str] | None = None,
    weights: str | os.PathLike[str] | bytes | bytearray | memoryview | None = None,
    strict: bool = False,
    custom_operators: Sequence[str] = (),
    without_passes: Sequence[str] = (),
    only_passes: Sequence[str] | None = None,
    max_pass_runs: int | None = None,
    preprocess: Mapping[str, Sequence[Step]] | None = None,
    postprocess: Mapping[str, Sequence[Step]] | None = None,
) -> tuple[bytes, dict[str, Any]]:
    """Converts a trained model (ONNX, TensorFlow Lite, a frozen TensorFlow graph or Caffe; a path or its bytes) to the bytes of a
    .mace file. A SavedModel's folder and Keras' .keras and .h5 files are frozen by TensorFlow first (the extra ``tensorflow``).

    ``states`` are fed-back pairs (output name, input name). With ``signature`` the inputs and outputs of a TensorFlow Lite
    model are called as in the signature of that name, else by their tensors' names; of a SavedModel it is that signature's function.

    ``inputs`` and ``outputs`` cut the model: any named tensors of it, in the order that the result shall have; what they do not
    need is dropped, and may be what MACE does not support. ``"conv:0"`` also finds ``conv``, and the other way round. Tensors
    keep the source's layout. ``inputs`` may be a dict of name to shape: -1 keeps what the source says of a dimension, None what
    it says of all. None: the model's own. ``joins`` are pairs (from, to) of tensors: whoever reads ``to`` reads ``from``.

    ``strip_names`` leaves out all names but those of inputs, outputs, states and what they are measured in. ``metadata`` are
    texts to store with the model, beside those of the source (of equal keys these win).

    ``folder`` is where an ONNX model's external data lie: they are read from inside it only, and links are not followed. None: where
    the model's file is; of a model given as bytes there is no such place.

    ``weights`` are those of a Caffe model: its .caffemodel, a path or bytes; ``model`` is its prototxt.

    ``strict`` refuses a model that has to be repaired (the details' ``repairs``). ``custom_operators`` are the names of operators that the
    application will register with the runtime. ``without_passes`` leaves graph passes out, ``only_passes`` runs no others;
    ``max_pass_runs`` ends after so many runs of passes, for finding the first that breaks something.

    ``preprocess`` and ``postprocess`` are steps in front of inputs and behind outputs, by name: see :mod:`mace.pipeline`.

    The second result holds ``format``, ``warnings`` (what was dropped, too), ``operators`` (name -> count), ``repairs`` (dicts of node,
    reason, action) and ``passes`` (a dict for each run of a pass). Raises :class:`mace.MaceError`.

    >>> data, details = mace.convert("net.onnx")
    >>> details["format"], details["warnings"]
    ('onnx', [])
    """
    options = {
        "states": states, "optimize": optimize, "signature": signature, "inputs": inputs, "outputs": outputs, "joins": joins,
        "strip_names": strip_names, "metadata": metadata, "folder": folder, "preprocess": preprocess, "postprocess": postprocess,
        "weights": weights, "strict": strict, "custom_operators": custom_operators, "without_passes": without_passes,
        "only_passes": only_passes, "max_pass_runs": max_pass_runs,
    }  # fmt: skip
    if isinstance(model, (bytes, bytearray, memoryview)):
        return convert_bytes(bytes(model), **options)
    path = os.fsdecode(model)
    if needs_tensorflow(path):
        with named(path):
            return convert_bytes(frozen(path, options.pop("signature")), **options)
    data = read_file(model)
    if folder is None:
        options["folder"] = folder_of(model)
    with named(os.fsdecode(model)):
        return convert_bytes(data, **options)


def passes() -> list[str]:
    """The names of all graph passes: what ``without_passes`` and ``only_passes`` take."""
    return _native.passes()


def folder_of(path: str | os.PathLike[str]) -> str:
    """Where a model's external data are looked for."""
    return os.path.dirname(os.fsdecode(path)) or os.curdir


def convert_bytes(data: bytes, **options: Any) -> tuple[bytes, dict[str, Any]]:
    """The options of :func:`convert`, checked and handed on."""
    checked = {name: CHECKS[name](name, value) for name, value in options.items() if value is not None}
    if texts := metadata_of(options.get("postprocess")):
        checked["metadata"] = [*texts.items(), *checked.get("metadata", ())]
    if data[: len(MACE_MAGIC)] == MACE_MAGIC:
        raise InvalidArgumentError("it is a .mace file already")
    return _native.convert(data, checked)


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    value.encode()  # a lone surrogate is no text
    return value


def _name(name: str, value: Any) -> str:
    try:
        if not _text(value):
            raise TypeError
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: expected a name or None, got {value!r}") from None
    return str(value)


def _pairs(what: str) -> Any:
    def check(name: str, value: Any) -> list[tuple[str, str]]:
        pairs = []
        try:
            for pair in value:
                first, second = pair
                if isinstance(pair, str):
                    raise TypeError
                pairs.append((_text(first), _text(second)))
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"{name}: expected pairs ({what}), got {value!r}") from None
        return pairs

    return check


def _names(name: str, value: Any) -> list[str]:
    try:
        if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
            raise TypeError
        names = [_text(item) for item in value]
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: expected a list of tensor names, got {value!r}") from None
    if not names:
        raise InvalidArgumentError(f"{name}: the list is empty; None stands for the model's own")
    return names


def _inputs(name: str, value: Any) -> list[tuple[str, list[int] | None]]:
    names = _names(name, value)
    if not isinstance(value, Mapping):
        return [(item, None) for item in names]
    result: list[tuple[str, list[int] | None]] = []
    for item in names:
        shape = value[item]
        try:
            dims = None if shape is None else [operator.index(dim) for dim in shape]
        except TypeError:
            raise InvalidArgumentError(f"{name}: expected a shape (a list of integers) or None for {item!r}, got {shape!r}") from None
        if dims is not None and not all(-1 <= dim < 2**63 for dim in dims):
            raise InvalidArgumentError(f"{name}: a dimension of {item!r}, {dims}, is below -1 or does not fit in 64 bits")
        result.append((item, dims))
    return result


def _folder(name: str, value: Any) -> bytes:
    try:
        path = os.fsencode(value)
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: expected a path or None, got {value!r}") from None
    if not path or b"\0" in path:
        raise InvalidArgumentError(f"{name}: expected a path or None, got {value!r}")
    return path


def _metadata(name: str, value: Any) -> list[tuple[str, str]]:
    try:
        if not isinstance(value, Mapping):
            raise TypeError
        return [(_text(key), _text(text)) for key, text in value.items()]
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{name}: expected a dict of text to text, got {value!r}") from None


def _names_or_none(name: str, value: Any) -> list[str]:
    return [] if isinstance(value, Sequence) and not isinstance(value, str) and not value else _names(name, value)


def _operators(name: str, value: Any) -> list[str]:
    names = _names_or_none(name, value)
    if not all(names):
        raise InvalidArgumentError(f"{name}: a name is empty; give the operator's name as the model has it")
    return names


def _weights(name: str, value: Any) -> bytes:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    try:
        path = os.fsdecode(value)
    except TypeError:
        raise InvalidArgumentError(f"{name}: expected a path or bytes, got {value!r}") from None
    return read_file(path)


def _count(name: str, value: Any) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        count = -1
    if not 0 <= count < 2**63:
        raise InvalidArgumentError(f"{name}: expected a number of runs or None, got {value!r}")
    return count


CHECKS = {
    "states": _pairs("output name, input name"),
    "optimize": lambda name, value: bool(value),
    "signature": _name,
    "inputs": _inputs,
    "outputs": _names,
    "joins": _pairs("from, to"),
    "strip_names": lambda name, value: bool(value),
    "metadata": _metadata,
    "folder": _folder,
    "preprocess": check_steps,
    "postprocess": check_steps,
    "weights": _weights,
    "strict": lambda name, value: bool(value),
    "custom_operators": _operators,
    "without_passes": _names_or_none,
    "only_passes": _names_or_none,
    "max_pass_runs": _count,
}
