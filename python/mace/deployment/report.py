"""What a run leaves behind: the report of times as CSV, and the library folder as one package."""

from __future__ import annotations

import csv
import gzip
import io
import os
import tarfile
from collections.abc import Sequence

from mace.files import locked_folder, read_file, write_atomically

COLUMNS = ("model_name", "device_name", "soc", "abi", "runtime", "init(ms)", "warmup(ms)", "run_avg(ms)", "tuned")


def to_csv(rows: Sequence[Sequence[str]]) -> bytes:
    """Rows as the bytes of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def append_report(path: str, rows: Sequence[Sequence[str]]) -> None:
    """Adds rows to a report; a new one begins with the columns' names."""
    with locked_folder(os.path.dirname(path) or "."):  # another run may add rows, too
        before = read_file(path) if os.path.exists(path) else to_csv([COLUMNS])
        if before and not before.endswith(b"\n"):
            before += b"\n"
        write_atomically(path, before + to_csv(rows))


def package(library: str, library_name: str) -> str:
    """Packs build/<library_name> but for _tmp and older packages into libmace_<library_name>.tar.gz there. The same files give the same
    bytes, whoever packs them and when."""
    archive = io.BytesIO()
    name = f"libmace_{library_name}.tar.gz"
    with gzip.GzipFile("", "wb", 1, archive, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for folder, folders, files in os.walk(library):
            folders[:] = sorted(each for each in folders if os.path.join(folder, each) != os.path.join(library, "_tmp"))
            for each in sorted(files):
                path = os.path.join(folder, each)
                if each == name or each.startswith(".mace_") or not os.path.isfile(path):
                    continue
                data = read_file(path)
                info = tarfile.TarInfo(os.path.join(library_name, os.path.relpath(path, library)))
                info.size, info.mode = len(data), 0o644
                tar.addfile(info, io.BytesIO(data))
    path = os.path.join(library, name)
    write_atomically(path, archive.getvalue())
    return path
