"""Runs mace_run and reads what it reports."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mace.errors import MaceError, NotFoundError
from mace.files import write_atomically
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


def run_program(
    program: str, arguments: Sequence[str], *, log: str, title: str, environment: Mapping[str, str] | None = None, quiet: bool = False,
    tables: bool = False,
) -> Outcome:  # fmt: skip
    """Runs mace_run with --json, or for its `tables` without. What it prints goes to the file `log`. Raises :class:`ProgramError` with
    what it said where it fails."""
    command = [program, *arguments, *([] if tables else ["--json"])]
    with progress(title, quiet):
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, env={**os.environ, **(environment or {})}
        )
    os.makedirs(os.path.dirname(log), exist_ok=True)
    write_atomically(log, b"$ " + " ".join(command).encode(errors="backslashreplace") + b"\n" + result.stdout + result.stderr)
    text = result.stdout.decode(errors="replace")
    if result.returncode != 0:
        lines = [line for line in result.stderr.decode(errors="replace").splitlines() if line.strip()]
        status = f"status {result.returncode}" if result.returncode > 0 else f"signal {-result.returncode}"
        said = next((line for line in lines if ERROR.match(line)), lines[-1] if lines else "it said nothing")
        raise ProgramError(f"mace_run ended with {status}: {said.removeprefix('mace_run: ')} (all of it is in {log})")
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
