"""bench/conversions.py and the engines behind it: files are edited without changing what they compute, and every engine gives
onnxruntime's outputs on networks with what is hard for one of them. The peers are tested where build/bench/peers_venv has them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import conversions
import numpy as np
import onnx
import pytest
from bench_fakes import BENCH, PEERS_PYTHON
from engines import MODULES
from interleave import Bench, Network, Settings
from model_files import ModelFiles, Pythons, Unavailable
from networks import model
from onnx import helper
from onnx.reference import ReferenceEvaluator
from onnx_inputs import read_interface
from outputs import compare
from processes import Worker

TENSORFLOW_PYTHON = BENCH.parent / "build" / "bench" / "tensorflow_venv" / "bin" / "python"


def has(engine: str) -> bool:
    try:
        return subprocess.run([PEERS_PYTHON, "-c", f"import {MODULES[engine]}"], capture_output=True, timeout=60).returncode == 0
    except OSError:
        return False


def pictures(path: Path) -> Path:
    """Convolution, PReLU, and a deconvolution whose paddings differ at begin and end."""
    rng = np.random.RandomState(1)
    constants = {
        "w": rng.standard_normal((8, 3, 3, 3)) * 0.2, "b": rng.standard_normal(8), "slope": rng.random_sample((8, 1, 1)),
        "d": rng.standard_normal((8, 2, 5, 5)) * 0.2, "e": rng.standard_normal(2),
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["c"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("PRelu", ["c", "slope"], ["p"]),
        helper.make_node("ConvTranspose", ["p", "d", "e"], ["y"], kernel_shape=[5, 5], strides=[2, 2], pads=[2, 2, 1, 1]),
    ]
    floats = {name: value.astype(np.float32) for name, value in constants.items()}
    onnx.save(model(nodes, {"x": ("float32", [1, 3, 8, 12])}, ["y"], floats), path)
    return path


def words(path: Path) -> Path:
    """Rows of a matrix, taken by an input of int64."""
    rng = np.random.RandomState(2)
    constants = {"table": rng.standard_normal((128, 16)).astype(np.float32), "w": rng.standard_normal((16, 24)).astype(np.float32)}
    nodes = [helper.make_node("Gather", ["table", "ids"], ["g"], axis=0), helper.make_node("MatMul", ["g", "w"], ["y"])]
    onnx.save(model(nodes, {"ids": ("int64", [1, 20])}, ["y"], constants), path)
    return path


def test_a_deconvolution_with_equal_paddings_computes_the_same(tmp_path: Path) -> None:
    source = pictures(tmp_path / "net.onnx")
    conversions.symmetric_deconvolutions(source, tmp_path / "even.onnx")
    x = np.random.RandomState(3).standard_normal((1, 3, 8, 12)).astype(np.float32)
    before, after = (ReferenceEvaluator(str(path)).run(None, {"x": x})[0] for path in (source, tmp_path / "even.onnx"))
    assert before.shape == (1, 2, 16, 24) and np.array_equal(before, after)
    node = onnx.load(tmp_path / "even.onnx").graph.node[2]
    values = {a.name: list(a.ints) for a in node.attribute}
    assert values["pads"] == [2, 2, 2, 2] and values["output_padding"] == [1, 1]


PARAM = """7767517
4 5
Input in0 0 1 in0
MemoryData table 0 1 1 0=16 1=128
Gather g 2 1 1 in0 2
Gemm m 1 1 2 out0
"""


def test_rows_of_a_constant_become_an_embedding(tmp_path: Path) -> None:
    source, param, binary = words(tmp_path / "net.onnx"), tmp_path / "model.param", tmp_path / "model.bin"
    table = onnx.numpy_helper.to_array(next(t for t in onnx.load(source).graph.initializer if t.name == "table")).tobytes()
    param.write_text(PARAM)
    binary.write_bytes(b"before" + table + b"after")
    conversions.embed_gathers(source, param, binary)
    lines = param.read_text().splitlines()
    assert lines[1] == "3 3" and lines[3] == "Embed g 1 1 in0 2 0=16 1=128 2=0 3=2048" and len(lines) == 5
    assert binary.read_bytes() == b"before" + b"\0\0\0\0" + table + b"after"
    for text in (PARAM.replace("in0 2\n", "1 2\n"), PARAM.replace("table", "other"), PARAM.replace("2 out0", "1 out0")):
        param.write_text(text)
        binary.write_bytes(table)
        conversions.embed_gathers(source, param, binary)
        assert "Gather" in param.read_text() and binary.read_bytes() == table  # left alone, to be refused


@pytest.mark.parametrize("engine", ["onnxruntime", "openvino", "ncnn", "mnn"])
@pytest.mark.parametrize("network", [pictures, words])
def test_engines_compute_what_the_reference_does(tmp_path: Path, engine: str, network) -> None:
    if not has(engine):
        pytest.skip(f"no {engine} in build/bench/peers_venv (scripts/make_peers.sh makes it)")
    source = network(tmp_path / "net.onnx")
    files = ModelFiles(tmp_path / "work", Pythons(sys.executable, str(PEERS_PYTHON), str(TENSORFLOW_PYTHON)))
    specs, _ = read_interface(source, {})
    results = []
    for name, python in (("mace", sys.executable), (engine, str(PEERS_PYTHON))):
        with open(tmp_path / "log", "w") as log:
            worker = Worker(python, name, log)
            worker.load(str(files.converted(name, source, {})), 1, {}, specs=specs)
            worker.ask(do="outputs", seed=5, file=str(tmp_path / f"{name}.npz"))
            assert worker.ask(do="run", seed=6, repeats=2, warm=1)["ms"] > 0
            worker.close()
        with np.load(tmp_path / f"{name}.npz") as arrays:
            results.append([arrays[key] for key in arrays.files])
    rng = np.random.RandomState(5)
    feed = rng.randint(0, 100, (1, 20)) if network is words else (rng.random_sample((1, 3, 8, 12)) * 2 - 1).astype(np.float32)
    expected = ReferenceEvaluator(str(source)).run(None, {specs[0][0]: feed})
    for outputs in results:
        difference, cosine = compare(outputs, expected)
        assert difference < 1e-5 and cosine > 0.99999


def test_litert_runs_a_network_of_the_bench(tmp_path: Path) -> None:
    """ds_cnn_kws is written, converted to a TensorFlow Lite file of the same weights, and gives MACE's outputs: NHWC at the edge."""
    if not has("litert") or not list(TENSORFLOW_PYTHON.parents[1].glob("lib/python*/site-packages/tensorflow")):
        pytest.skip("no ai-edge-litert or no TensorFlow below build/bench (scripts/make_peers.sh makes them)")
    files = ModelFiles(tmp_path / "work", Pythons(sys.executable, str(PEERS_PYTHON), str(TENSORFLOW_PYTHON)))

    def start(engine: str, log: str) -> Worker:
        with open(files.logs / log, "ab") as output:
            return Worker(files.pythons.of_engine(engine), engine, output)

    bench = Bench(Settings(rounds=2, blocks=1, alone=1, min_ms=0), files, start, lambda seconds, text: None)
    source = files.source("ds_cnn_kws")
    network = Network("ds_cnn_kws", str(source), specs=read_interface(source, {})[0])
    bench.check(network, ["mace", "litert"])
    bench.measure([network])
    assert [(lane.engine, lane.reason) for lane in network.lanes] == [("mace", ""), ("litert", "")]
    assert all(lane.difference is not None and lane.difference < 1e-5 for lane in network.lanes)
    assert all(lane.peak_bytes[0] > 0 and lane.load_ms[0] > 0 and len(lane.alone[0]) == 2 for lane in network.lanes)


def test_what_litert_cannot_get_is_said(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path / "work", Pythons(sys.executable, sys.executable, sys.executable))
    with pytest.raises(Unavailable, match=r"no net\.tflite beside the file"):
        files.converted("litert", words(tmp_path / "net.onnx"), {})
    (tmp_path / "net.tflite").write_bytes(b"TFL3")
    assert files.converted("litert", tmp_path / "net.onnx", {}).read_bytes() == b"TFL3"


def test_a_converter_that_is_not_installed_is_said(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path / "work", Pythons(sys.executable, sys.executable, sys.executable))
    for engine, name in (("ncnn", "pnnx"), ("mnn", "_tools")):
        with pytest.raises(Unavailable, match=f"{name} is not installed"):
            files.converted(engine, words(tmp_path / "net.onnx"), {})
