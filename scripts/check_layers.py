#!/usr/bin/env python3
"""Holds the order of dependence of docs/architecture.md over the #includes of mace/, and the device tier's ban on exceptions, RTTI and
allocating standard headers. Unit tests and their helpers are free.

  python scripts/check_layers.py [ROOT]
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

# What each folder of mace/ may include, beside itself: the order of dependence, written out.
DEVICE = {
    "core": (),
    "simd": ("core",),
    "kernels": ("core", "simd"),
    "graph": ("core",),
    "ops": ("core", "graph"),
    "model": ("core", "graph", "ops"),
    "backends": ("core", "kernels", "graph", "ops"),
    "runtime": ("core", "kernels", "graph", "ops", "model", "backends"),
    "api": ("core", "runtime"),
}
HOST = {
    "passes": ("core", "graph", "ops"),
    "importers": ("core", "graph", "ops", "passes"),
    "convert": ("core", "graph", "ops", "model", "passes", "importers"),
}
LAYERS = {**DEVICE, **HOST}
# Lists without code, which name things of the folder above: who adds a row edits one folder.
TABLES = {("core", "mace/simd/isa.h"), ("graph", "mace/ops/ops.def")}

# Standard headers whose types allocate behind the caller's back or throw. (<memory> is there for unique_ptr, <string_view>, <span>,
# <array>, <mutex> and <atomic> allocate nothing.)
BANNED_HEADERS = re.compile(
    r"#include <(string|vector|map|set|unordered_map|unordered_set|list|deque|queue|stack|functional|iostream|ostream|istream|sstream|"
    r"fstream|any|regex|future|thread|stdexcept|exception|filesystem|format|locale|valarray|memory_resource)>"
)
BANNED_WORDS = re.compile(r"\b(throw|try|catch|dynamic_cast|typeid|std::function|std::make_unique|std::make_shared)\b")
HOST_FILES = re.compile(r"mace/model/writer[a-z_]*\.(cc|h)$")  # the writer of .mace files is host code (docs/design/10-files.md)
TEST_FILES = re.compile(r"(_test(\.simd)?\.(cc|h)|test(ing|er)\.h|/simd_test\.h|_test_support\.h|onnx_case_reader\.h|pass_test_graph\.h)$")


def without_comments(text: str) -> str:
    """The text with comments and the insides of string literals blanked; lines stay where they are."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"', re.DOTALL)

    def blank(match: re.Match) -> str:
        line_begin = text.rfind("\n", 0, match.start()) + 1
        if match[0].startswith('"') and "#include" in text[line_begin : match.start()]:
            return match[0]
        return re.sub(r"[^\n]", " ", match[0])

    return pattern.sub(blank, text)


def problems_of(path: str, text: str) -> Iterator[str]:
    """What is wrong with one file of mace/, a line each."""
    folder = path.split("/")[1]
    if folder not in LAYERS:
        yield f"{path}: scripts/check_layers.py and docs/architecture.md do not know the folder mace/{folder}"
        return
    is_device = folder in DEVICE and not HOST_FILES.search(path)
    for number, line in enumerate(without_comments(text).split("\n"), 1):
        included = re.match(r'\s*#include "(mace/([a-z_]+)/[^"]*)"', line)
        if included and included[2] != folder and included[2] not in LAYERS[folder] and (folder, included[1]) not in TABLES:
            yield f"{path}:{number}: mace/{folder} must not include {included[1]} (docs/architecture.md, order of dependence)"
        if is_device and (found := BANNED_HEADERS.search(line) or BANNED_WORDS.search(line)):
            yield f"{path}:{number}: the device tier is without {found[0]} (docs/design/01-two-tiers.md)"


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    paths = sorted(p for p in (root / "mace").rglob("*") if p.suffix in (".h", ".cc"))
    problems, checked = [], 0
    for path in paths:
        name = path.relative_to(root).as_posix()
        if TEST_FILES.search(name):
            continue
        checked += 1
        problems += problems_of(name, path.read_text())
    print("\n".join(problems) or f"layers: {checked} files of mace/ include in order")
    return 1 if problems or checked == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
