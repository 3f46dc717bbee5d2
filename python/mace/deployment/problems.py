"""What is wrong with a deployment file or with what it names: each problem is one line, FILE:LINE: KEY: what is wrong; what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mace.errors import MaceError


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `line` is 0 where there is none to name, `key` empty where no key is to blame."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (where, self.key, self.message) if part)


class DeploymentError(MaceError, ValueError):
    """A deployment file, or what it names, is not as it must be: all problems at once. The program ends with exit status 2."""

    code = 1

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = list(problems)


class NotBuiltYetError(DeploymentError):
    """The deployment file is right, and asks for what MACE cannot do yet."""
