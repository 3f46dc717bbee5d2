"""The exceptions that MACE raises. All derive from :class:`MaceError`; most also from the built-in that fits."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence


class MaceError(Exception):
    """Base of all errors of MACE. ``code`` is the status code of the C interface (``mace_status_code``). ``problems`` is all that
    stands in the way of a conversion: dicts of ``node`` ("": the whole model), ``reason`` and ``action`` (what to do)."""

    code = 10
    problems: Sequence[dict[str, str]] = ()


class InvalidArgumentError(MaceError, ValueError):
    """A name, shape, dtype or option is not what was expected; the message says what was."""

    code = 1


class NotFoundError(MaceError, FileNotFoundError):
    """A file is not there."""

    code = 2


class UnsupportedError(MaceError, NotImplementedError):
    """The model is well-formed but needs something that this build cannot do; all of it is named at once."""

    code = 3


class OutOfMemoryError(MaceError, MemoryError):
    """An allocation failed."""

    code = 4


class DataLossError(MaceError, ValueError):
    """The bytes of a file are damaged, truncated or of another format."""

    code = 5


class IoError(MaceError, OSError):
    """The operating system refused to read or write."""

    code = 6


class DeadlineExceededError(MaceError, TimeoutError):
    """The run took longer than its timeout."""

    code = 7


class CancelledError(MaceError):
    """The run was cancelled."""

    code = 8


class ResourceExhaustedError(MaceError):
    """A memory limit or another budget does not allow it."""

    code = 9


class InternalError(MaceError):
    """A defect of MACE; please report it with the model."""

    code = 10


class FailedPreconditionError(MaceError):
    """The object is not in a state that allows the call."""

    code = 11


_BY_CODE = {
    cls.code: cls
    for cls in (
        InvalidArgumentError, NotFoundError, UnsupportedError, OutOfMemoryError, DataLossError, IoError,
        DeadlineExceededError, CancelledError, ResourceExhaustedError, InternalError, FailedPreconditionError,
    )
}  # fmt: skip


def printable(text: str) -> str:
    """The text with control characters, line ends and what else does not print as escapes (`\\n`, `\\x1b`)."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def make_error(code: int, message: str, problems: Sequence[dict[str, str]] = ()) -> MaceError:
    """The exception for a status of the C interface. Its message is one line, whatever the names in the model are."""
    return _error_of(code, printable(message), problems)


def _error_of(code: int, message: str, problems: Sequence[dict[str, str]]) -> MaceError:
    error = _BY_CODE.get(code, InternalError)(message)
    error.problems = problems
    return error


@contextlib.contextmanager
def named(path: str) -> Iterator[None]:
    """Errors of MACE name the file."""
    try:
        yield
    except MaceError as error:
        text = str(error)
        if text.startswith(path):
            raise
        raise _error_of(error.code, f"{path}: {text}", error.problems) from None
