"""The accuracy plug-in: a Python file of the user's with a class AccuracyValidator, which prepares samples and judges outputs. It is the
user's own code and runs in this process; only a local file is accepted."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import mace
from mace.deployment.feeds import dtype_of
from mace.deployment.files import Files, is_url
from mace.deployment.load import Deployment, Source
from mace.deployment.problems import DeploymentError
from mace.errors import FailedPreconditionError, InvalidArgumentError, MaceError
from mace.files import read_file
from mace.model import TensorInfo
from mace.terminal import console

METHODS = ("preprocess", "postprocess", "result")
MODULE = "accuracy_validation_script"


def _what(error: BaseException) -> str:
    """An error of the user's code, and where it was raised."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__ and frame.filename[:1] != "<"]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{f': {error}' if str(error) else ''}{where}"


@contextlib.contextmanager
def _users_code(name: str) -> Iterator[None]:
    """What the user's code raises is one line; its sys.exit() is no success. What it prints goes to standard error: standard output is
    the report's."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except MaceError:
        raise
    except (Exception, SystemExit) as error:
        raise FailedPreconditionError(f"AccuracyValidator.{name}: {_what(error)}") from None


def load_validator(deployment: Deployment, source: Source, files: Files) -> Any:
    """An object of the script's class AccuracyValidator."""

    def fail(message: str) -> DeploymentError:
        return DeploymentError([deployment.problem(source.path, message)])

    if is_url(source.name):
        raise fail("names code, which is not downloaded; name a local file")
    path = files.local_path(source)
    module = types.ModuleType(MODULE)
    module.__file__ = path
    sys.modules[MODULE] = module  # dataclasses and pickle look there
    sys.path.insert(0, os.path.dirname(path))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            # Not through the import system: of a file that was changed within a second it runs the old bytecode.
            exec(compile(read_file(path), path, "exec"), module.__dict__)
            if not hasattr(module, "AccuracyValidator"):
                raise fail(f"{path}: it must have a class AccuracyValidator")
            validator = module.AccuracyValidator()
    except MaceError:
        raise
    except (Exception, SystemExit) as error:
        raise fail(f"{path}: {_what(error)}") from None
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(os.path.dirname(path))
    with _users_code("sample_size, batch_size"):  # they may be properties
        missing = [name for name in (*METHODS, "sample_size", "batch_size") if not hasattr(validator, name)]
    if missing:
        raise fail(f"{path}: AccuracyValidator lacks {', '.join(missing)}")
    return validator


def _number(validator: Any, name: str) -> int:
    with _users_code(name):
        value = getattr(validator, name)
        value = value() if callable(value) else value
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value <= 0:
        raise InvalidArgumentError(f"AccuracyValidator.{name}: expected a number above 0, got {value!r}")
    return int(value)


def _samples(batch: Any, info: TensorInfo, count: int) -> list[np.ndarray]:
    """The samples of a batch, each with the input's shape."""
    dtype, shape = dtype_of(info), tuple(int(dim or 1) for dim in info.shape)
    with _users_code(f"preprocess: samples of {info.name}"):
        samples = [np.asarray(sample) for sample in batch]
    if len(samples) != count:
        raise InvalidArgumentError(f"AccuracyValidator.preprocess: {len(samples)} samples of {info.name} for {count}")
    for sample in samples:
        if [dim for dim in sample.shape if dim != 1] != [dim for dim in shape if dim != 1]:
            raise InvalidArgumentError(f"AccuracyValidator.preprocess: a sample of {info} has the shape {list(sample.shape)}")
    with _users_code(f"preprocess: samples of {info.name}"):
        return [np.ascontiguousarray(sample.astype(dtype).reshape(shape)) for sample in samples]


def measure_accuracy(validator: Any, model: mace.Model, quiet: bool = False) -> Any:
    """Runs all samples through the model; what the plug-in's result() gives. `preprocess(start, end)` gives a dict of input name to
    end - start samples, `postprocess(start, end, outputs)` gets a dict of output name to as many arrays."""
    total, size = _number(validator, "sample_size"), _number(validator, "batch_size")
    columns = (TextColumn("accuracy"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("accuracy", total=total)
        for start in range(0, total, size):
            end = min(start + size, total)
            with _users_code("preprocess"):
                batch = validator.preprocess(start, end)
            if not isinstance(batch, Mapping):
                raise InvalidArgumentError(
                    f"AccuracyValidator.preprocess: expected a dict of input name to samples, got {type(batch).__name__}"
                )
            lacking = [info.name for info in model.inputs if info.name not in batch]
            if lacking:
                raise InvalidArgumentError(f"AccuracyValidator.preprocess gave no {', '.join(lacking)}")
            columns_of = [_samples(batch[info.name], info, end - start) for info in model.inputs]
            outputs: dict[str, list[np.ndarray]] = {info.name: [] for info in model.outputs}
            for index in range(end - start):
                for name, array in model([column[index] for column in columns_of]).items():
                    outputs[name].append(array)
            with _users_code("postprocess"):
                validator.postprocess(start, end, outputs)
            bar.advance(task, end - start)
    with _users_code("result"):
        return validator.result()
