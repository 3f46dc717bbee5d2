"""What is wrong with a deployment file or with what it names: each problem is one line, FILE:LINE: KEY: what is wrong; what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mace.errors import MaceError

MAX_SHOWN = 50  # problems; who wrote more of them wrote another kind of file
MAX_KEY, MAX_MESSAGE = 100, 1000  # characters


def shortened(text: str, most: int) -> str:
    """A text of at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong. `line` is 0 where there is none to name, `key` empty where no key is to blame."""

    file: str
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        parts = (where, shortened(self.key, MAX_KEY), shortened(self.message, MAX_MESSAGE))
        return ": ".join(part for part in parts if part)


class DeploymentError(MaceError, ValueError):
    """A deployment file, or what it names, is not as it must be: all problems at once. The program ends with exit status 2."""

    code = 1

    def __init__(self, problems: Sequence[Problem], more: int = 0) -> None:
        """`more` is the number of those that are not told."""
        more += max(0, len(problems) - MAX_SHOWN)
        self.problems = list(problems[:MAX_SHOWN])
        if more:
            self.problems.append(Problem(problems[0].file, 0, "", f"and {more} more"))
        super().__init__("\n".join(map(str, self.problems)))


class NotBuiltYetError(DeploymentError):
    """The deployment file is right, and asks for what MACE cannot do yet."""
