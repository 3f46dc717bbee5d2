"""check: what becomes of a deployment file, without any download."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mace.deployment.load import load_deployment
from mace.deployment.problems import DeploymentError, Problem
from mace.deployment.support import deployment_lacks, model_lacks

CONVERTS, NOT_YET, ERROR = "converts", "not built yet", "error"


@dataclass(frozen=True)
class Row:
    """One model of a file, or a file that is wrong. `kind` is converts, not built yet or error."""

    file: str
    model: str
    platform: str
    runtime: str
    kind: str
    reasons: tuple[str, ...] = ()

    def verdict(self) -> str:
        """In words."""
        return self.kind + (f": {'; '.join(self.reasons)}" if self.reasons else "")

    def cells(self) -> list[str]:
        """A row of a table."""
        return [os.path.basename(self.file), self.model, self.platform, self.runtime, self.verdict()]

    def markdown(self) -> list[str]:
        """A row of a table of Markdown."""
        parses = "no" if self.kind == ERROR else "yes"
        return [self.file, self.platform, self.runtime, parses, "yes" if self.kind == CONVERTS else "no", "; ".join(self.reasons)]

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "verdict": self.verdict()}


def _reason(problem: Problem) -> str:
    """Line, key, and what is missing; the file stands beside it."""
    message = problem.message.removeprefix("not built yet: ")
    return f"line {problem.line}: {problem.key}: {message}"


def check_file(file: str, target_abis: Sequence[str] | None) -> list[Row]:
    """One row for every model of a file."""
    try:
        deployment = load_deployment(file)
    except DeploymentError as error:
        return [Row(file, "", "", "", ERROR, tuple(map(str, error.problems)))]
    keys = deployment.keys
    common = deployment_lacks(
        deployment, target_abis or keys.target_abis, keys.model_graph_format or "file", keys.model_data_format or "file"
    )
    rows = []
    for spec in deployment.models:
        problems = [*common, *model_lacks(deployment, spec)]
        runtimes = ", ".join(dict.fromkeys(spec.runtimes))
        reasons = tuple(_reason(problem) for problem in problems)
        rows.append(Row(file, spec.name, spec.keys.platform, runtimes, NOT_YET if problems else CONVERTS, reasons))
    return rows
