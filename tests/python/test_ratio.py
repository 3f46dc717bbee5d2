"""bench/ratio.py: its statistic, its inputs, and MACE beside itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import ratio
import worker
from networks import model
from onnx import helper

import mace


def test_interval_holds_the_median_and_narrows() -> None:
    rng = np.random.RandomState(0)
    few, many = (list(np.exp(rng.standard_normal(n) * 0.2)) for n in (20, 2000))
    for values in (few, many):
        median, lower, upper = ratio.bootstrap_median(values)
        assert lower <= median <= upper
        assert median == np.median(values)
    assert np.diff(ratio.bootstrap_median(many)[1:])[0] < np.diff(ratio.bootstrap_median(few)[1:])[0]


def test_coverage_is_about_95_percent() -> None:
    rng = np.random.RandomState(1)
    hits = 0
    for _ in range(200):
        _, lower, upper = ratio.bootstrap_median(list(rng.standard_normal(25)), resamples=1000)
        hits += lower <= 0 <= upper
    assert 0.88 <= hits / 200 <= 0.995


def test_target_needs_median_and_lower_end() -> None:
    assert ratio.meets(0.667, 0.7, 0.66)
    assert not ratio.meets(0.667, 0.66, 0.65)
    assert not ratio.meets(0.667, 0.8, 0.60)


def test_inputs_cover_their_type_and_depend_on_the_seed_alone() -> None:
    specs = [("a", "uint8", (64, 64)), ("b", "int8", (None, 4096)), ("c", "int16", (1,)), ("d", "float32", ("N", 3)), ("e", "int64", (4,))]
    specs.append(("f", "bool", (64,)))
    first, again, other = (worker.make_inputs(specs, {"c": [70000]}, seed) for seed in (1, 1, 2))
    assert [str(array.dtype) for array in first] == [dtype for _, dtype, _ in specs]
    assert [array.shape for array in first] == [(64, 64), (1, 4096), (70000,), (1, 3), (4,), (64,)]
    assert (first[0].min(), first[0].max()) == (0, 255) and (first[1].min(), first[1].max()) == (-128, 127)
    assert first[2].min() < -30000 and first[2].max() > 30000 and 0 <= first[4].min() <= first[4].max() < 100
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True)) and not np.array_equal(first[0], other[0])


def run_ratio(*arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, ratio.__file__, *map(str, arguments)], capture_output=True, text=True, timeout=120)


def test_mace_beside_mace(tmp_path: Path) -> None:
    paths = [tmp_path / "2.onnx", tmp_path / "3.onnx"]
    for path in paths:
        constants = {"factor": np.float32(path.stem)}
        onnx.save(model([helper.make_node("Mul", ["x", "factor"], ["y"])], {"x": ("float32", [5])}, ["y"], constants), path)
    options = ("--rounds", 3, "--min_ms", 0.1, "--isa", mace.ISAS[0], "--json", tmp_path / "figures.json")
    result = run_ratio(paths[0], "--baseline", paths[1], *options)
    assert result.returncode == 0 and "mace 3 " in result.stdout and "difference" not in result.stdout, result.stdout + result.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())[0]
    assert figures["difference"] is None and len(figures["ratios"]) == 3 and figures["isa"] == mace.ISAS[0]
    assert figures["lower"] <= figures["ratio"] <= figures["upper"]
    judged = run_ratio(paths[0], "--baseline", paths[1], *options, "--tolerance", 0.1)
    assert judged.returncode == 1 and "difference 3.3e-01" in judged.stdout and "WRONG OUTPUT" in judged.stdout, judged.stdout
    refused = run_ratio(paths[0], "--baseline", paths[1], "--isa", "abacus")
    assert refused.returncode == 1 and "abacus" in refused.stderr
