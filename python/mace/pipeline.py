"""Pre- and post-processing that is stored with a model: steps in front of an input or behind an output.

    mace.convert(
        "net.onnx",
        preprocess={"x": [Color("nv12", "rgb"), Resize(224, 224), Normalize(MEAN, DEVIATION), Layout("NHWC", "NCHW")]},
        postprocess={"prob": [TopK(5, labels="labels.txt")]},
    )

Steps stand in the order in which data flows. They become ordinary operators of the model, so that every language and every device gets
the same pipeline. The input keeps its name and takes what the first step takes: uint8 pictures, unless a :class:`Source` says
otherwise. An output keeps its name; what a step gives besides is called ``NAME_indices``, ``NAME_count`` and so on. docs/pipelines.md
has the whole.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import operator
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mace.errors import InvalidArgumentError, NotFoundError
from mace.files import read_file

DTYPES = {"uint8": "u8", "float32": "f32"}


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        raise TypeError
    value = operator.index(value)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError
    value = float(value)
    if not math.isfinite(value):
        raise ValueError
    return value


def _numbers(value: Any) -> list[float]:
    return [_number(value)] if isinstance(value, numbers.Real) else [_number(item) for item in value]


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _word(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise TypeError
    value.encode()
    return value


def _one_of(*words: str) -> Any:
    def check(value: Any) -> str:
        if value not in words:
            raise ValueError
        return value

    check.expected = " or ".join(repr(word) for word in words)
    return check


_integer.expected, _number.expected, _numbers.expected = "an integer", "a finite number", "a number or a list of numbers"
_truth.expected, _word.expected = "True or False", "text"
_COLORS = ("rgb", "bgr", "gray")


@dataclass(frozen=True)
class Step:
    """One step. Its fields are checked when it is made: a wrong one is an :class:`mace.InvalidArgumentError`."""

    CHECKS: ClassVar[Mapping[str, Any]] = {}

    def __post_init__(self) -> None:
        for name, check in self.CHECKS.items():
            value = getattr(self, name)
            try:
                check(value)
            except (TypeError, ValueError):
                raise InvalidArgumentError(f"{type(self).__name__}: {name} is {value!r}, expected {check.expected}") from None

    def fields(self) -> dict[str, Any]:
        """What native code is told."""
        return {name: check(getattr(self, name)) for name, check in self.CHECKS.items()}

    def metadata(self, output: str) -> dict[str, str]:
        """Texts that are stored with the model for this step behind ``output``."""
        return {}


@dataclass(frozen=True)
class Source(Step):
    """What the model's input takes, where it is not uint8 pictures of the sizes that the steps leave open. Only the first step.

    ``dtype`` is "uint8" or "float32"; ``shape`` has a None where the size stays open.

    >>> Source("float32", (1, 480, 640, 3))
    Source(dtype='float32', shape=(1, 480, 640, 3))
    """

    dtype: str = "uint8"
    shape: Sequence[int | None] | None = None

    CHECKS: ClassVar = {"dtype": _one_of(*DTYPES)}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._dims()

    def _dims(self) -> list[int]:
        try:
            dims = [-1 if dim is None else _integer(dim) for dim in (() if self.shape is None else self.shape)]
            if any(dim < -1 for dim in dims):
                raise ValueError
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"Source: shape is {self.shape!r}, expected sizes, or None for what stays open") from None
        return dims

    def fields(self) -> dict[str, Any]:
        return {"dtype": DTYPES[self.dtype], "shape": self._dims()}


@dataclass(frozen=True)
class Color(Step):
    """From "rgb", "bgr", "gray", "nv12" or "nv21" to "rgb", "bgr" or "gray".

    Pictures are [N, H, W, 3], gray ones [N, H, W, 1]; nv12 and nv21 are uint8 [N, H * 3 / 2, W], ITU-R BT.601 with its video range, or
    with the full range (``full_range``). To gray: 0.299 red + 0.587 green + 0.114 blue, float32.

    >>> Color("nv12", "rgb")
    Color(source='nv12', target='rgb', full_range=False)
    """

    source: str
    target: str
    full_range: bool = False

    CHECKS: ClassVar = {"source": _one_of(*_COLORS, "nv12", "nv21"), "target": _one_of(*_COLORS), "full_range": _truth}


@dataclass(frozen=True)
class Resize(Step):
    """Pictures [N, H, W, C] of any size, uint8 or float32, to ``height`` x ``width``.

    ``mode`` "bilinear" takes pixels for squares (half-pixel centres), has no antialiasing and gives float32; "nearest" takes the pixel
    at floor(i / (target / source)), in float32 as ONNX's Resize and onnxruntime (where i * source / target is whole, that may be the
    pixel before), and keeps the type. ``keep_aspect`` scales so that the picture fits and fills the rest with
    ``pad_value``: below and on the right, or, with ``centre``, on both sides.

    >>> Resize(224, 224)
    Resize(height=224, width=224, mode='bilinear', keep_aspect=False, centre=False, pad_value=0.0)
    """

    height: int
    width: int
    mode: str = "bilinear"
    keep_aspect: bool = False
    centre: bool = False
    pad_value: float = 0.0

    CHECKS: ClassVar = {
        "height": _integer, "width": _integer, "mode": _one_of("bilinear", "nearest"), "keep_aspect": _truth, "centre": _truth,
        "pad_value": _number,
    }  # fmt: skip

    def fields(self) -> dict[str, Any]:
        fields = super().fields()
        nearest = fields.pop("mode") == "nearest"
        return {**fields, "nearest": nearest}


@dataclass(frozen=True)
class Normalize(Step):
    """(x * scale - mean) / deviation, float32. ``mean`` and ``deviation`` are a number, or one a channel.

    The channels are the last axis, or, behind a Layout to NCHW, axis 1.

    >>> Normalize(mean=0.5, deviation=0.5)      # uint8 to -1 .. 1
    Normalize(mean=0.5, deviation=0.5, scale=0.00392156862745098)
    """

    mean: float | Sequence[float] = 0.0
    deviation: float | Sequence[float] = 1.0
    scale: float = 1 / 255

    CHECKS: ClassVar = {"mean": _numbers, "deviation": _numbers, "scale": _number}


@dataclass(frozen=True)
class Layout(Step):
    """The axes of pictures from "NHWC" to "NCHW", or back. In front of an input or behind an output.

    >>> Layout("NHWC", "NCHW")
    Layout(source='NHWC', target='NCHW')
    """

    source: str
    target: str

    CHECKS: ClassVar = {"source": _one_of("NHWC", "NCHW"), "target": _one_of("NHWC", "NCHW")}


@dataclass(frozen=True)
class Softmax(Step):
    """Probabilities along ``axis``.

    >>> Softmax()
    Softmax(axis=-1)
    """

    axis: int = -1

    CHECKS: ClassVar = {"axis": _integer}


def _lines(what: str, texts: Any) -> list[str]:
    """The texts of classes: a list, or the path of a file with one a line."""
    if isinstance(texts, (str, os.PathLike)):
        try:
            lines = read_file(texts).decode().split("\n")
        except UnicodeDecodeError:
            raise InvalidArgumentError(f"{os.fsdecode(texts)}: is not UTF-8 text") from None
        except NotFoundError:
            raise NotFoundError(f"{os.fsdecode(texts)}: no such file ({what})") from None
        lines = [line.removesuffix("\r") for line in lines]
        return lines[:-1] if lines[-1] == "" else lines
    try:
        lines = [_word(text) for text in texts]
        if any("\n" in line for line in lines):
            raise ValueError
        return lines
    except (TypeError, ValueError):
        raise InvalidArgumentError(f"{what}: expected a list of texts without line breaks, or the path of a file with one a line") from None


@dataclass(frozen=True)
class TopK(Step):
    """The ``k`` largest along ``axis``, best first: NAME holds their values, ``NAME_indices`` (int64) where they stand.

    ``labels`` (a list, or the path of a file with one a line) are the texts of the classes: stored with the model as the metadata
    ``labels:NAME``, and read again by :func:`texts`.

    >>> TopK(2, labels=["cat", "dog", "fox"])
    TopK(k=2, axis=-1, labels=['cat', 'dog', 'fox'])
    """

    k: int
    axis: int = -1
    labels: Sequence[str] | str | os.PathLike[str] | None = None

    CHECKS: ClassVar = {"k": _integer, "axis": _integer}

    def metadata(self, output: str) -> dict[str, str]:
        return {} if self.labels is None else {f"labels:{output}": "\n".join(_lines("labels", self.labels))}


@dataclass(frozen=True)
class CtcDecode(Step):
    """The best path of scores [N, T, C]: repeats merged, class ``blank`` dropped (it counts from C where it is negative).

    NAME holds the classes that are left, int32 [N, T], -1 behind the last one; ``NAME_lengths`` int32 [N] how many there are,
    ``NAME_scores`` float32 [N, T] and ``NAME_steps`` int32 [N, T] their scores and time steps. ``characters`` (a list, or the path of
    a file with one a line) are the texts of all C classes, stored as the metadata ``characters:NAME``.

    >>> CtcDecode(blank=-1)
    CtcDecode(blank=-1, merge_repeats=True, characters=None)
    """

    blank: int = 0
    merge_repeats: bool = True
    characters: Sequence[str] | str | os.PathLike[str] | None = None

    CHECKS: ClassVar = {"blank": _integer, "merge_repeats": _truth}

    def metadata(self, output: str) -> dict[str, str]:
        return {} if self.characters is None else {f"characters:{output}": "\n".join(_lines("characters", self.characters))}


@dataclass(frozen=True)
class NonMaxSuppression(Step):
    """Of boxes [N, B, 4] that overlap, the best ones: at most ``max_detections`` (D), best first.

    ``scores`` names the output that holds their scores, [N, C, B] (or [N, B, C]: ``class_last``); the result takes its place. NAME
    holds boxes [N, D, 4], ``NAME_classes`` int32 [N, D] (-1 behind the last one), ``NAME_scores`` [N, D] and ``NAME_count`` int32 [N].
    A box is dropped where its intersection with a better one of its class is more than ``iou_threshold`` of their union; with
    ``class_agnostic`` whatever its class is. ``box_format`` is "yxyx", "xyxy" (two opposite corners) or "centre" (x, y, width, height).

    >>> NonMaxSuppression("scores", max_detections=20).iou_threshold
    0.5
    """

    scores: str
    max_detections: int = 100
    iou_threshold: float = 0.5
    score_threshold: float = 0.0
    class_agnostic: bool = False
    box_format: str = "yxyx"
    class_last: bool = False
    labels: Sequence[str] | str | os.PathLike[str] | None = None

    CHECKS: ClassVar = {
        "scores": _word, "max_detections": _integer, "iou_threshold": _number, "score_threshold": _number, "class_agnostic": _truth,
        "box_format": _one_of("yxyx", "xyxy", "centre"), "class_last": _truth,
    }  # fmt: skip

    def metadata(self, output: str) -> dict[str, str]:
        return {} if self.labels is None else {f"labels:{output}": "\n".join(_lines("labels", self.labels))}


STEPS: Mapping[str, type[Step]] = {
    step.__name__: step for step in (Source, Color, Resize, Normalize, Layout, Softmax, TopK, CtcDecode, NonMaxSuppression)
}  # fmt: skip


def check_steps(name: str, value: Any) -> list[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    """``preprocess`` or ``postprocess`` of :func:`mace.convert`, as native code takes it."""
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise InvalidArgumentError(f"{name}: expected a dict of tensor name to a list of steps (mace.pipeline), got {value!r}")
    result = []
    for tensor, steps in value.items():
        try:
            _word(tensor)
        except (TypeError, ValueError):
            raise InvalidArgumentError(f"{name}: {tensor!r} is no tensor's name: it holds what is no text") from None
        if isinstance(steps, Step) or not isinstance(steps, Iterable):
            raise InvalidArgumentError(f"{name}: expected a list of steps for {tensor!r}, got {steps!r}")
        steps = list(steps)
        for step in steps:
            if not isinstance(step, Step):
                raise InvalidArgumentError(f"{name}: {step!r} of {tensor!r} is not a step (mace.pipeline has {', '.join(STEPS)})")
        result.append((tensor, [(type(step).__name__, step.fields()) for step in steps]))
    return result


def metadata_of(postprocess: Mapping[str, Iterable[Step]] | None) -> dict[str, str]:
    """The texts that are stored with a model for its steps."""
    texts: dict[str, str] = {}
    for output, steps in (postprocess or {}).items():
        for step in steps:
            texts.update(step.metadata(output))
    return texts


def texts(model: Any, output: str, indices: Any) -> Any:
    """The texts of classes: ``labels:OUTPUT`` or ``characters:OUTPUT`` of ``model.metadata`` at ``indices``, a list as deep as they are.

    Indices below 0 (what fills a row behind its last class) give "". Of CtcDecode's result a row is a list of characters: join them.

    >>> class Model:
    ...     metadata = {"labels:prob": "cat\\ndog\\nfox"}
    >>> texts(Model, "prob", [[2, 0]])
    [['fox', 'cat']]
    """
    for kind in ("labels", "characters"):
        if (text := model.metadata.get(f"{kind}:{output}")) is not None:
            lines = text.split("\n")
            break
    else:
        raise InvalidArgumentError(f"the model has no texts for the output {output!r} (no metadata labels:{output} or characters:{output})")
    array = np.asarray(indices)
    if array.dtype.kind not in "iu" or (array.size and int(array.max()) >= len(lines)):
        raise InvalidArgumentError(f"the indices of {output!r} must be integers below {len(lines)}, the number of its texts")

    def look_up(value: Any) -> Any:
        if isinstance(value, list):
            return [look_up(item) for item in value]
        return lines[value] if value >= 0 else ""

    return look_up(array.tolist())


def field_names(step: type[Step]) -> list[str]:
    """The fields that a step is made of, as a pipeline file names them."""
    return [field.name for field in dataclasses.fields(step)]
