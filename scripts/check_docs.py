#!/usr/bin/env python3
"""Keeps the documents true where a program can: relative links lead somewhere; pages that sources and documents name exist; every page
of docs/design names the tests that fail without it, and the tests that they and the table of docs/status.md name are in the sources.

  python scripts/check_docs.py [ROOT]
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TEST_PARAGRAPH = "**Test that fails without it.**"
# Files of the project as texts name them, to their end or to a full stop.
PATH = re.compile(r"(?<![\w/.-])((?:mace|tests|docs|scripts|tools|bench|examples|python|include)/[\w./-]*\w)")


def tracked(root: Path) -> list[str]:
    """The files of the project, also those that are not committed yet."""
    command = ["git", "-C", str(root), "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    return [name for name in names if name and (root / name).is_file()]


def tests_in(root: Path, files: list[str]) -> set[str]:
    """Names of all tests: `Suite.Test` and `Suite` of GoogleTest, functions of pytest, tests that CMake adds."""
    names = set()
    for name in files:
        text = (root / name).read_text(errors="replace") if name.endswith((".cc", ".py", "CMakeLists.txt")) else ""
        if name.endswith(".cc"):
            for suite, test in re.findall(r"^TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", text, re.MULTILINE):
                names |= {suite, f"{suite}.{test}", f"{suite}.*"}
        elif name.endswith(".py"):
            names |= set(re.findall(r"^def (test_\w+)\(", text, re.MULTILINE))
        else:
            names |= set(re.findall(r"add_test\(NAME (\w+)", text)) | set(re.findall(r"mace_test\((\w+)", text))
            names |= {f"{library}_test" for library in re.findall(r"mace_library\((\w+)", text)}
    return names


def exists(root: Path, name: str) -> bool:
    return (root / name.rstrip(".")).exists()


def broken_links(root: Path, name: str, text: str) -> list[str]:
    """Relative links of a Markdown page that lead nowhere."""
    problems = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path = target.partition("#")[0]
        if path and "://" not in target and not (root / name).parent.joinpath(path).exists():
            problems.append(f"{name}: the link to {target} leads nowhere")
    return problems


def named_in(text: str) -> tuple[set[str], set[str]]:
    """(tests, paths) that a paragraph or table cell names: `Suite.Test`, `Suite.*`, `test_x`, `ctest_name`; and paths."""
    quoted = set(re.findall(r"`([A-Z]\w+(?:\.(?:\w+|\*))?|[a-z]+(?:_[a-z0-9]+)+)`", text))
    return quoted, set(PATH.findall(text))


def check_names(root: Path, where: str, text: str, tests: set[str]) -> list[str]:
    """What `text` names as tests and files, but is not there."""
    names, paths = named_in(text)
    missing = [f"{where}: no test is called {name}" for name in sorted(names - tests)]
    missing += [f"{where}: there is no {path}" for path in sorted(paths) if not exists(root, path)]
    is_named = names or paths or text == "left for later" or not text
    return missing if is_named else [f"{where}: names no test"]


def main() -> int:
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    files = tracked(root)
    tests = tests_in(root, files)
    problems = []
    for name in files:
        if name.endswith(".md"):
            problems += broken_links(root, name, (root / name).read_text())
        if name.endswith((".md", ".h", ".cc", ".py", ".sh", ".txt", ".def", ".cmake", ".fbs")):
            text = (root / name).read_text(errors="replace")
            for page in sorted(set(re.findall(r"(?<![\w/])docs/[\w/-]+\.md", text)) - {"docs/design/NN-title.md"}):
                if not (root / page).exists():
                    problems.append(f"{name}: there is no {page}")
    pages = sorted(name for name in files if name.startswith("docs/design/"))
    for name in pages:
        _, found, paragraph = (root / name).read_text().partition(TEST_PARAGRAPH)
        problems += check_names(root, name, paragraph, tests) if found else [f"{name}: has no paragraph {TEST_PARAGRAPH}"]
    rows = re.findall(r"^\| (\d+) \|.*\| (.+) \|$", (root / "docs/status.md").read_text(), re.MULTILINE)
    for number, cell in rows:
        problems += check_names(root, f"docs/status.md, row {number}", cell, tests)
    if len(rows) < len(pages):
        problems.append(f"docs/status.md lists {len(rows)} decisions, docs/design has {len(pages)} pages")
    print("\n".join(problems) or f"documents: {len(pages)} design pages, {len(rows)} rows of the status, {len(tests)} names of tests")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
