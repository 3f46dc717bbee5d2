"""docs/deployment_files.md's tables, made from the schema and from the flags, so that they say what the program does.

python -m mace.deployment.documents docs/deployment_files.md     writes the tables into the page anew
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
from pydantic import BaseModel

from mace.deployment.flags import Flag
from mace.deployment.schema import DeploymentKeys, DeviceFileKeys, DeviceKeys, GraphKeys, Micro, ModelKeys, Thresholds

KEY_TABLES = {
    "The file": DeploymentKeys, "A model": ModelKeys, "A sub-graph": GraphKeys, "validation_threshold": Thresholds, "micro": Micro,
    "device.yml": DeviceFileKeys, "A device": DeviceKeys,
}  # fmt: skip


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def key_table(model: type[BaseModel]) -> str:
    """The keys of a map."""
    inherited = GraphKeys.model_fields if model is ModelKeys else {}
    rows = []
    for name, info in model.model_fields.items():
        if name in inherited:
            continue
        extra: Any = info.json_schema_extra
        rows.append([f"`{name}`", extra["default"], extra["status"], info.description or ""])
    return markdown_table(["key", "default", "what MACE does", "meaning"], rows)


def flag_table(group: click.Group) -> str:
    """The flags of all commands."""
    rows: dict[str, list[str]] = {}
    for name, command in group.commands.items():
        for each in command.params:
            if isinstance(each, Flag):
                text = f"{each.help.split('  [default')[0]}"
                text = f"{text.rstrip('.')}: {each.reason}." if each.reason else text
                row = rows.setdefault(each.opts[0], [", ".join(f"`{option}`" for option in each.opts), "", each.status, text])
                row[1] += f"{', ' if row[1] else ''}{name}"
    return markdown_table(["flag", "commands", "what MACE does", "meaning"], rows.values())


def tables(group: click.Group) -> dict[str, str]:
    """All tables by their marks in the page."""
    return {**{title: key_table(model) for title, model in KEY_TABLES.items()}, "Flags": flag_table(group)}


def with_tables(page: str, found: dict[str, str]) -> str:
    """The page with the tables between `<!-- table: TITLE -->` and `<!-- end -->` as they are now."""
    parts = page.split("<!-- table: ")
    for index, part in enumerate(parts[1:], 1):
        title, _, rest = part.partition(" -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        parts[index] = f"{title} -->\n{found[title]}{end}{tail}" if title in found else part
    return "<!-- table: ".join(parts)


def main() -> None:
    """Writes the page's tables anew."""
    from mace.deployment.commands import cli

    page = Path(sys.argv[1])
    page.write_text(with_tables(page.read_text(), tables(cli)))


if __name__ == "__main__":
    main()
