"""The report as a self-contained page: nothing is loaded from anywhere, and whatever comes from a model's file is text, never markup
(Jinja2 escapes it; the page's policy forbids scripts but the one that sorts tables)."""

from __future__ import annotations

import base64
import hashlib
import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, ClassVar

import mace
from mace.errors import FailedPreconditionError

STATES = ("", "good", "bad", "unsure")


@dataclass(frozen=True)
class Cell:
    """A cell of a table. `key` is what the column is sorted by (the text where None); `state` one of STATES; `bar` a share of the
    cell's width, from 0 to 1, that is drawn behind the text."""

    text: str
    key: float | None = None
    state: str = ""
    bar: float | None = None


@dataclass
class Table:
    """Rows under headings; a click on a heading sorts."""

    kind: ClassVar[str] = "table"
    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[Cell | str]]
    note: str = ""

    def cells(self) -> list[list[Cell]]:
        """All cells as such."""
        return [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in self.rows]


@dataclass
class Text:
    """Lines of text; `state` one of STATES."""

    kind: ClassVar[str] = "text"
    title: str
    lines: Sequence[str]
    state: str = ""


@dataclass
class Picture:
    """A plot, as the bytes of an SVG or PNG file that a library drew. As an image it runs no scripts."""

    kind: ClassVar[str] = "picture"
    title: str
    data: bytes

    def address(self) -> str:
        """The bytes as an address."""
        kind = "png" if self.data[:4] == b"\x89PNG" else "svg+xml"
        return f"data:image/{kind};base64,{base64.b64encode(self.data).decode()}"


@dataclass
class Report:
    """A title, facts (name and value), and sections in order. `verdict` stands at the top; `state` one of STATES."""

    title: str
    verdict: str = ""
    state: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    sections: Sequence[Table | Text | Picture] = ()

    def render(self) -> bytes:
        """The page."""
        template, script, style = _template()
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        text = template.render(report=self, script=script, style=style, script_digest=digest, version=mace.__version__)
        return text.encode("utf-8", "backslashreplace")


@cache
def _template() -> tuple[Any, str, str]:
    try:
        engine = importlib.import_module("jinja2")
    except ImportError:
        raise FailedPreconditionError("an HTML report needs jinja2, which is not installed: pip install jinja2") from None
    folder = resources.files("mace.report")
    environment = engine.Environment(autoescape=True, undefined=engine.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template, script, style = (folder.joinpath(name).read_text("utf-8") for name in ("report.html.jinja", "sort.js", "report.css"))
    return environment.from_string(template), script, style
