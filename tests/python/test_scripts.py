"""The checks of `make lint` that are scripts of the project: they find what they are for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def check(script: str, root: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, str(SCRIPTS / script), str(root)], capture_output=True, text=True, timeout=60)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


LAYERED = {
    "mace/core/a.h": '#include "mace/simd/isa.h"\n#include <string_view>\n// try to throw a #include <string>\n',
    "mace/core/a_test.cc": '#include <string>\n#include "mace/ops/x.h"\nvoid F() { try { G(); } catch (...) {} }\n',
    "mace/runtime/b.cc": '#include "mace/backends/b.h"\nconst char* kText = "throw";\n',
    "mace/passes/c.cc": '#include <vector>\n#include "mace/ops/x.h"\nvoid F() { throw 1; }\n',
    "mace/model/writer.cc": "#include <string>\nvoid F() { throw 1; }\n",
}


def test_layers_hold_in_a_good_tree(tmp_path: Path) -> None:
    result = check("check_layers.py", write(tmp_path, LAYERED))
    assert result.returncode == 0 and "4 files" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "line", "says"),
    [
        ("mace/core/bad.h", '#include "mace/graph/graph.h"', "mace/core must not include mace/graph/graph.h"),
        ("mace/core/bad.h", '#include "mace/simd/simd.h"', "must not include mace/simd/simd.h"),
        ("mace/kernels/gemm/bad.cc", '#include "mace/ops/x.h"', "mace/kernels must not include"),
        ("mace/ops/x/bad.cc", '#include "mace/passes/passes.h"', "mace/ops must not include"),
        ("mace/graph/bad.cc", "#include <vector>", "the device tier is without #include <vector>"),
        ("mace/api/bad.cc", "void F() { throw 1; }", "the device tier is without throw"),
        ("mace/simd/bad.h", "int* p = dynamic_cast<B*>(a);", "the device tier is without dynamic_cast"),
        ("mace/secret/bad.h", "", "do not know the folder mace/secret"),
    ],
)
def test_layers_are_held(tmp_path: Path, name: str, line: str, says: str) -> None:
    result = check("check_layers.py", write(tmp_path, {**LAYERED, name: f"\n{line}\n"}))
    assert result.returncode == 1 and result.stdout.count("\n") == 1, result.stdout + result.stderr
    assert says in result.stdout and name in result.stdout


DOCS = "docs"  # put together here, so that the check does not take these names for references of the project
DOCUMENTED = {
    f"{DOCS}/status.md": "| 1 | a | b | `Suite.Works`, tests/x_test.cc |\n",
    f"{DOCS}/design/01-a.md": "See [status](../status.md#one).\n\n"
    "**Test that fails without it.** tests/x_test.cc `Suite.Works`, `test_y`, `x_runs`.\n",
    "tests/x_test.cc": f"// {DOCS}/status.md\nTEST_F(Suite, Works) {{}}\n",
    "tests/test_y.py": "def test_y() -> None: ...\n",
    "tests/CMakeLists.txt": "add_test(NAME x_runs COMMAND x)\n",
}


def repository(root: Path, files: dict[str, str]) -> Path:
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return write(root, files)


def test_documents_hold_in_a_good_tree(tmp_path: Path) -> None:
    result = check("check_docs.py", repository(tmp_path, DOCUMENTED))
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (f"{DOCS}/design/01-a.md", "../status.md#one", "../gone.md", "the link to ../gone.md leads nowhere"),
        (f"{DOCS}/design/01-a.md", "`Suite.Works`", "`Suite.Worked`", "no test is called Suite.Worked"),
        (f"{DOCS}/design/01-a.md", "`test_y`", "`test_z`", "no test is called test_z"),
        (f"{DOCS}/design/01-a.md", "tests/x_test.cc", "tests/z_test.cc", "there is no tests/z_test.cc"),
        (f"{DOCS}/design/01-a.md", "**Test that fails without it.**", "", "has no paragraph"),
        (f"{DOCS}/status.md", "`Suite.Works`", "`Suite.Other`", "row 1: no test is called Suite.Other"),
        (f"{DOCS}/status.md", "`Suite.Works`, tests/x_test.cc", "by eye", "row 1: names no test"),
        ("tests/x_test.cc", f"{DOCS}/status.md", f"{DOCS}/performance.md", f"there is no {DOCS}/performance.md"),
    ],
)
def test_documents_are_held(tmp_path: Path, name: str, old: str, new: str, says: str) -> None:
    files = {**DOCUMENTED, name: DOCUMENTED[name].replace(old, new)}
    assert files[name] != DOCUMENTED[name]
    result = check("check_docs.py", repository(tmp_path, files))
    assert result.returncode == 1 and says in result.stdout, result.stdout + result.stderr
