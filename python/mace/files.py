"""Regular files: read whole, and written so that nobody sees half a file. Errors are MACE's and name the path."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

from mace.errors import InvalidArgumentError, IoError, MaceError, NotFoundError

MACE_MAGIC = b"MACE"
WRITE_BYTES = 16 << 20  # at a time; a signal is noticed between two
ENDING_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Opens a regular file for reading; what fails while it is read is MACE's error too."""
    name = os.fspath(path)
    shown = os.fsdecode(name)
    if "\0" in shown:
        raise InvalidArgumentError(f"{shown!r} holds a zero byte: no file can have that name")
    try:
        # O_NONBLOCK: a FIFO must not keep us waiting.
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IoError(f"{shown} is not a regular file")
        with open(descriptor, "rb") as file:
            yield file
    except MaceError:
        raise
    except FileNotFoundError:
        raise NotFoundError(f"{shown or 'the name is empty'}: no such file") from None
    except OSError as error:
        raise IoError(f"{shown}: {error.strerror or error}") from None


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a regular file."""
    with open_regular(path) as file:
        return file.read()


@contextlib.contextmanager
def locked_folder(folder: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Makes a folder and keeps other processes that ask for it waiting until the end of the block. `waiting` is called where another
    one is first."""
    try:
        os.makedirs(folder, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise IoError(f"{folder}: {error.strerror or error}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise IoError(f"{folder} cannot be locked: {error.strerror or error}") from None
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def handled_signals(handler: Callable[[int, Any], None]) -> Iterator[None]:
    """Signals that would end the program call `handler` until the end of the block. For the main thread: elsewhere they end it."""
    previous = {}
    if threading.current_thread() is threading.main_thread():
        for number in ENDING_SIGNALS:
            if signal.getsignal(number) is signal.SIG_DFL:
                previous[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, before in previous.items():
            signal.signal(number, before)


@contextlib.contextmanager
def deferred_signals() -> Iterator[list[int]]:
    """Signals that would end the program do so at the end of the block; the list holds those that came."""
    caught: list[int] = []
    try:
        with handled_signals(lambda number, _: caught.append(number)):
            yield caught
    finally:
        if caught:
            signal.raise_signal(caught[0])


def resolve_output(path: str, follow_links: bool) -> str:
    """Where a file of that name would be written. Whatever is there must be a regular file that the name leads back to (not so
    /dev/stdout, which may lead to a pipe or to a file without a name)."""
    if os.path.islink(path) and not follow_links:
        raise IoError(f"{path} is a symbolic link, not a regular file: it is left alone")
    resolved = os.path.realpath(path)
    if os.path.exists(path) and not (os.path.isfile(path) and os.path.exists(resolved) and os.path.samefile(path, resolved)):
        raise IoError(f"{path} is not a regular file: it is left alone (the result needs one)")
    return resolved


def write_atomically(path: str, data: bytes | memoryview, *, follow_links: bool = True) -> None:
    """Writes under a temporary name in the same folder, then renames: never a partial file, and no temporary one is left
    by an error or a signal. A symbolic link is followed where `follow_links`; anything there but a regular file (a folder, a
    device, a FIFO) is refused."""
    write_all_atomically([(path, data)], follow_links=follow_links)


def write_all_atomically(files: Sequence[tuple[str, bytes | memoryview]], *, follow_links: bool = True) -> None:
    """The same for several files: none takes its name before all are on the disk."""
    path = ""
    temporaries: list[tuple[str, str]] = []  # temporary name, name in the end
    try:
        with deferred_signals() as caught:
            try:
                for path, data in files:
                    resolved = resolve_output(path, follow_links)
                    temporary = os.path.join(os.path.dirname(resolved), f".mace_{os.urandom(8).hex()}")
                    temporaries.append((temporary, resolved))
                    _write_new(temporary, memoryview(data), caught)
                for temporary, resolved in temporaries if not caught else ():
                    path = resolved
                    os.replace(temporary, resolved)
            finally:
                for temporary, _ in temporaries:
                    with contextlib.suppress(OSError):
                        os.unlink(temporary)
    except IoError:
        raise
    except OSError as error:
        raise IoError(f"{path}: {error.strerror or error}") from None


def _write_new(path: str, view: memoryview, caught: list[int]) -> None:
    """Writes a file that is not there yet; ends early where a signal is `caught`."""
    # The system applies the umask.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    with open(descriptor, "wb", buffering=0) as file:
        written = 0
        while written < len(view) and not caught:
            written += file.write(view[written : written + WRITE_BYTES])
        if not caught:
            os.fsync(descriptor)
