"""bench/quantize_ort.py, where there is a Python with onnx and onnxruntime: build/bench/peers_venv or $MACE_PEERS_PYTHON."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "bench" / "quantize_ort.py"
PEERS = os.environ.get("MACE_PEERS_PYTHON", str(ROOT / "build" / "bench" / "peers_venv" / "bin" / "python"))


def has_onnxruntime() -> bool:
    try:
        return subprocess.run([PEERS, "-c", "import onnx, onnxruntime"], capture_output=True, timeout=60).returncode == 0
    except OSError:
        return False


needs_onnxruntime = pytest.mark.skipif(
    not has_onnxruntime(),
    reason=f"{PEERS} is no Python with onnx and onnxruntime (scripts/make_peers.sh makes one); or set MACE_PEERS_PYTHON",
)


def write_network(path: Path) -> Path:
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.RandomState(3)
    constants = {
        "w0": rng.standard_normal((8, 3, 3, 3)) * 0.2, "b0": rng.standard_normal(8) * 0.1,
        "w1": rng.standard_normal((8, 1, 3, 3)) * 0.3, "w2": rng.standard_normal((8, 5)) * 0.3,
    }  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "w0", "b0"], ["c0"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c0"], ["r0"]),
        helper.make_node("Conv", ["r0", "w1"], ["c1"], group=8, pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c1", "r0"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("MatMul", ["f", "w2"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 10, 12])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])],
        [numpy_helper.from_array(v.astype(np.float32), k) for k, v in constants.items()],
    )  # fmt: skip
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)
    return path


def quantize(*arguments: object, python: str = PEERS) -> subprocess.CompletedProcess:
    return subprocess.run([python, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=120)


@needs_onnxruntime
def test_both_ranges_and_what_they_hold(tmp_path: Path) -> None:
    import onnx
    from onnx import numpy_helper

    import mace

    network = write_network(tmp_path / "net.onnx")
    result = quantize(network, "--output_dir", tmp_path / "out", "--reduce_range", "both", "--samples", 8, "--input_shape", "x:1,3,10,12")
    assert result.returncode == 0, result.stderr
    files = [Path(line) for line in result.stdout.split()]
    assert [file.name for file in files] == ["net_int8.onnx", "net_int8_reduced_range.onnx"]
    x = np.random.RandomState(9).random_sample((1, 3, 10, 12)).astype(np.float32) * 2 - 1
    expected = mace.load(network)(x)["y"]
    largest = []
    for file in files:
        graph = onnx.load(file).graph
        weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
        operators = {node.op_type for node in graph.node}
        assert {"QuantizeLinear", "DequantizeLinear", "Conv", "Add", "MatMul"} <= operators
        assert {weights[n.input[2]].dtype for n in graph.node if n.op_type == "QuantizeLinear"} == {np.dtype(np.uint8)}
        assert weights["w0_quantized"].dtype == np.int8 and weights["w0_scale"].shape == (8,)
        largest.append(int(np.abs(weights["w0_quantized"].astype(int)).max()))
        assert np.abs(mace.load(file)(x)["y"] - expected).max() < 0.05 * np.abs(expected).max()
    assert largest == [127, 64]
    again = quantize(network, "--output_dir", tmp_path / "again", "--samples", 8, "--input_shape", "x:1,3,10,12")
    assert again.returncode == 0 and (tmp_path / "again" / "net_int8.onnx").read_bytes() == files[0].read_bytes()


@needs_onnxruntime
@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nothing.onnx"], "nothing.onnx: no such file"), (["NET", "--input_shape", "y:1,3"], "no input is called y")],
)
def test_wrong_arguments_are_named(tmp_path: Path, arguments: list[str], says: str) -> None:
    network = write_network(tmp_path / "net.onnx")
    result = quantize(*[str(network) if a == "NET" else a for a in arguments], "--output_dir", tmp_path / "out")
    assert result.returncode == 1 and says in result.stderr and "Traceback" not in result.stderr, result.stderr


def test_help_needs_no_onnxruntime() -> None:
    result = quantize("--help", python=sys.executable)
    assert result.returncode == 0 and "--reduce_range" in result.stdout
    result = quantize("net.onnx", "--output_dir", "out", "--input_shape", "3,3", python=sys.executable)
    assert result.returncode == 2 and "expected NAME:D,D" in result.stderr
