"""How the tests run the command `mace`."""

from __future__ import annotations

import subprocess
import sys

MACE = [sys.executable, "-m", "mace.cli"]


def mace(*arguments: object, ok: bool = True, status: int | None = None, **options: object) -> subprocess.CompletedProcess:
    """Runs the command; `status` is the exit status it must end with (by default 0, or any other where not ok)."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "timeout": 120, **options}
    result = subprocess.run([*MACE, *map(str, arguments)], **options)
    if status is None:
        assert (result.returncode == 0) == ok, result.stderr
    else:
        assert result.returncode == status, result.stderr
    return result


def one_line(result: subprocess.CompletedProcess, *texts: str) -> None:
    """Asserts that standard error is one line of an error of MACE, in which the texts are, below the table of a conversion's problems."""
    *table, error = result.stderr.splitlines()
    assert error.startswith("mace: ") and all(line[0] in "┏┃┡│├└" for line in table), result.stderr
    assert all(text in result.stderr for text in texts), result.stderr
