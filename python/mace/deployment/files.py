"""Files that a deployment file names: local ones and those behind URLs, which are kept in a cache. Checksums are always checked; a file
that fails its own never enters the cache."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import mmap
import os
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from typing import BinaryIO

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from mace.deployment.load import Deployment, Source
from mace.deployment.problems import DeploymentError
from mace.errors import IoError, MaceError, printable
from mace.files import read_file, write_atomically
from mace.terminal import console

TRIES = 3
TIMEOUT_SECONDS = 30.0  # of a connection, and of a pause in its data
RETRY_SECONDS = 1.0
MAX_DOWNLOAD_BYTES = 16 << 30
CHUNK_BYTES = 1 << 20


class _Hopeless(Exception):
    """A download that another try would not change."""


class _CannotKeep(Exception):
    """What was downloaded cannot be written."""


def is_url(name: str) -> bool:
    """Whether a name in a deployment file is a URL."""
    return re.match("[a-zA-Z][a-zA-Z0-9+.-]*://", name) is not None


def cache_path(url: str, cache: str) -> str:
    """Where a download is kept: <md5 of the URL>.<ending of its path>."""
    ending = os.path.splitext(urllib.parse.urlsplit(url).path)[1]
    ending = ending if re.fullmatch(r"\.[A-Za-z0-9]{1,10}", ending, re.ASCII) else ".bin"
    return os.path.join(cache, hashlib.md5(url.encode(), usedforsecurity=False).hexdigest() + ending)


def _opener() -> urllib.request.OpenerDirector:
    """Opens http and https, also after a redirection, and nothing else."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler, urllib.request.HTTPHandler, urllib.request.HTTPSHandler, urllib.request.HTTPRedirectHandler,
        urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor, urllib.request.UnknownHandler,
    ):  # fmt: skip
        opener.add_handler(handler())
    return opener


@contextlib.contextmanager
def _download_bar(name: str, total: int | None) -> Iterator[Callable[[int], None]]:
    if not console.is_terminal:
        yield lambda count: None
        return
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(printable(name), total=total)
        yield lambda count: bar.advance(task, count)


def _download_once(url: str, file: BinaryIO) -> str:
    """The SHA-256 of what was written."""
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "mace-converter"})
    with _opener().open(request, timeout=TIMEOUT_SECONDS) as response:
        length = response.headers.get("Content-Length", "")
        expected = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
        count = 0
        with _download_bar(f"downloading {os.path.basename(url)}", expected) as advance:
            while chunk := response.read(CHUNK_BYTES):
                count += len(chunk)
                if count > MAX_DOWNLOAD_BYTES:
                    raise _Hopeless(f"is larger than {MAX_DOWNLOAD_BYTES >> 30} GiB")
                try:
                    file.write(chunk)
                except OSError as error:  # not the network's
                    raise _CannotKeep(error.strerror or str(error)) from None
                digest.update(chunk)
                advance(len(chunk))
        if expected is not None and count != expected:
            raise OSError(f"ended after {count} of {expected} bytes")
    return digest.hexdigest()


def _reason(error: BaseException) -> str:
    inner = getattr(error, "reason", None)
    text = str(inner if isinstance(inner, (str, OSError)) else error) or type(error).__name__
    return text if not isinstance(error, urllib.error.HTTPError) else f"HTTP {error.code} {error.reason}"


def _download(url: str, file: BinaryIO) -> str:
    """Downloads with a few tries; the SHA-256 of what was written. Raises :class:`_Hopeless` with the reason."""
    for attempt in range(1, TRIES + 1):
        try:
            file.seek(0)
            file.truncate()
            return _download_once(url, file)
        except urllib.error.HTTPError as error:
            error.close()
            failure = _reason(error)
            if error.code < 500 and error.code not in (408, 425, 429):
                raise _Hopeless(failure) from None
        except (ValueError, http.client.InvalidURL) as error:  # a URL that is none
            raise _Hopeless(str(error)) from None
        except (OSError, http.client.HTTPException) as error:
            failure = _reason(error)
        if attempt < TRIES:
            time.sleep(RETRY_SECONDS * attempt)
    raise _Hopeless(f"{failure} ({TRIES} tries)")


class Files:
    """Finds the files of one deployment; downloads are kept in the folder `cache`."""

    def __init__(self, deployment: Deployment, cache: str) -> None:
        self._deployment = deployment
        self._cache = cache

    def _fail(self, source: Source, message: str) -> DeploymentError:
        return DeploymentError([self._deployment.problem(source.path, message)])

    def _check(self, source: Source, digest: str, what: str) -> None:
        if source.checksum and digest != source.checksum:
            key = {"weight_file_path": "weight_sha256_checksum"}.get(str(source.path[-1]), "model_sha256_checksum")
            message = f"{what} has the checksum {digest}, the file says {source.checksum}; get the right file, or correct the checksum"
            raise DeploymentError([self._deployment.problem((*source.path[:-1], key), message)])

    def local_path(self, source: Source) -> str:
        """The path of a file that is named by path: absolute, beside the deployment file, or in the current folder."""
        folder = os.path.dirname(os.path.abspath(self._deployment.file))
        candidates = list(dict.fromkeys(os.path.abspath(os.path.join(base, source.name)) for base in (folder, os.getcwd())))
        if "\0" in source.name or not source.name:
            raise self._fail(source, f"{source.name!r} is no file name")
        for path in candidates:
            if os.path.exists(path):
                return path
        raise self._fail(source, f"no such file: {' or '.join(candidates)}; correct the path, or put the file there")

    def read(self, source: Source) -> tuple[bytes, str]:
        """The bytes and the path of a file, with its checksum checked. Raises :class:`DeploymentError` that names the key."""
        path = self._downloaded(source) if is_url(source.name) else self.local_path(source)
        try:
            data = read_file(path)
        except MaceError as error:
            raise self._fail(source, str(error)) from None
        self._check(source, hashlib.sha256(data).hexdigest(), path)
        return data, path

    def _downloaded(self, source: Source) -> str:
        try:
            if urllib.parse.urlsplit(source.name).scheme.lower() not in ("http", "https"):
                raise ValueError
            path = cache_path(source.name, self._cache)
        except ValueError:
            raise self._fail(source, f"{source.name!r} is neither a path nor an http(s) URL; correct it") from None
        with contextlib.suppress(MaceError):
            if os.path.exists(path) and (not source.checksum or hashlib.sha256(read_file(path)).hexdigest() == source.checksum):
                return path
        try:
            os.makedirs(self._cache, exist_ok=True)
            # Without a name: nothing is left of it, whatever ends the program.
            with tempfile.TemporaryFile(dir=self._cache) as file:
                digest = _download(source.name, file)
                self._check(source, digest, source.name)
                file.flush()
                write_atomically(path, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b"")
        except _Hopeless as error:
            advice = "check the network, or download it by other means and write its path"
            raise self._fail(source, f"{source.name} cannot be downloaded: {error}; {advice}") from None
        except _CannotKeep as error:
            raise IoError(f"{self._cache}: {error} (for {source.name})") from None
        except MaceError:
            raise
        except OSError as error:
            raise IoError(f"{self._cache}: {error.strerror or error}") from None
        return path
