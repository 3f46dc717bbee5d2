"""Allocations of load, plan and run through mace_c.h fail one at a time (tests/oom/oom_test.cc)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import mace

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "tests" / "oom" / "oom_test"
MODELS = ["conv_net", "gru", "mlp", "movement", "qdq", "transformer"]
OPEN_DIMENSION = 4

# Where MACE_TEST_MODELS is set nothing may be left out: a program that is not there then fails the tests.
needs_program = pytest.mark.skipif(
    not PROGRAM.exists() and not os.environ.get("MACE_TEST_MODELS"), reason="build/tests/oom/oom_test is not built"
)


@pytest.fixture(scope="module")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small_models")
    subprocess.run([sys.executable, ROOT / "tests/models/make_small_models.py", "--out", folder], check=True)
    return folder


def write_inputs(model: mace.Model, folder: Path) -> None:
    folder.mkdir()
    for i, info in enumerate(model.inputs):
        if info.optional:  # the state
            break
        shape = [d if isinstance(d, int) and d >= 0 else OPEN_DIMENSION for d in info.shape]
        values = np.random.default_rng(i).random(shape) * 2 - 1
        np.save(folder / f"in_{i}.npy", values.astype(info.dtype))


@needs_program
@pytest.mark.parametrize("num_threads", [1, 3])
@pytest.mark.parametrize("name", MODELS)
def test_small_models(small_models: Path, tmp_path: Path, name: str, num_threads: int) -> None:
    file = tmp_path / f"{name}.mace"
    file.write_bytes(mace.convert(small_models / f"{name}.onnx")[0])
    write_inputs(mace.load(file), tmp_path / "inputs")
    result = subprocess.run([PROGRAM, file, tmp_path / "inputs", "200", str(num_threads)], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " 0 wrong" in result.stdout, result.stdout


@needs_program
@pytest.mark.skipif(not os.environ.get("MACE_TEST_MODELS"), reason="MACE_TEST_MODELS is not set")
def test_probe_models() -> None:
    command = [ROOT / "scripts" / "allocation_failures.sh", "quick"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count(" 0 wrong") == 7, result.stdout
