"""Runs mace_run and reads what it reports."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mace.errors import MaceError, NotFoundError
from mace.files import handled_signals, write_atomically
from mace.terminal import progress

ERROR = re.compile("mace_run: (?!warning: )")  # a warning may come before the error


class ProgramError(MaceError):
    """mace_run ended with another status than 0."""


@dataclass
class Outcome:
    """What mace_run printed: its report, and its tables where --benchmark asks for them."""

    report: dict[str, Any]
    text: str


def find_program(checkout: str) -> str:
    """mace_run: $MACE_RUN, that of the checkout, or that of the PATH."""
    named = os.environ.get("MACE_RUN", "")
    if named:
        if os.path.isfile(named) and os.access(named, os.X_OK):
            return named
        raise NotFoundError(f"MACE_RUN={named}: no such program")
    built = os.path.join(checkout, "build", "mace_run")
    if checkout and os.access(built, os.X_OK):
        return built
    if found := shutil.which("mace_run"):
        return found
    raise NotFoundError("mace_run is not there: `make build` makes build/mace_run; or name it in the environment, MACE_RUN=PATH")


def _run(command: Sequence[str], environment: Mapping[str, str]) -> tuple[int, bytes, bytes]:
    """The status of a program and what it printed. A signal that ends us ends it first: it may have been told to run for hours."""
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    ) as process:  # fmt: skip

        def end(number: int, _: object) -> None:
            process.kill()
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

        with handled_signals(end):
            stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr


def run_program(
    program: str, arguments: Sequence[str], *, log: str, title: str, environment: Mapping[str, str] | None = None, quiet: bool = False,
    tables: bool = False,
) -> Outcome:  # fmt: skip
    """Runs mace_run with --json, or for its `tables` without. What it prints goes to the file `log`. Raises :class:`ProgramError` with
    what it said where it fails."""
    command = [program, *arguments, *([] if tables else ["--json"])]
    with progress(title, quiet):
        status, stdout, stderr = _run(command, {**os.environ, **(environment or {})})
    os.makedirs(os.path.dirname(log), exist_ok=True)
    write_atomically(log, b"$ " + " ".join(command).encode(errors="backslashreplace") + b"\n" + stdout + stderr)
    text = stdout.decode(errors="replace")
    if status != 0:
        lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
        end = f"status {status}" if status > 0 else f"signal {-status}"
        said = next((line for line in lines if ERROR.match(line)), lines[-1] if lines else "it said nothing")
        raise ProgramError(f"mace_run ended with {end}: {said.removeprefix('mace_run: ')} (all of it is in {log})")
    report = _summary(text) if tables else _parse(text)
    if report is None:
        raise ProgramError(f"mace_run printed no report ({log})")
    return Outcome(report, text)


def _parse(text: str) -> dict[str, Any] | None:
    try:
        report = json.loads(text)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


def _summary(text: str) -> dict[str, Any] | None:
    """The original's line: time, and milliseconds of a probe of the CPU, of loading, of the first run and of a run on average."""
    match = re.search(r"^time\s+\S+\s+([0-9.]+)\s+([0-9.]+)\s+([0-9.]+)\s*$", text, re.MULTILINE)
    return dict(zip(("load_ms", "first_ms", "average_ms"), map(float, match.groups()), strict=True)) if match else None
