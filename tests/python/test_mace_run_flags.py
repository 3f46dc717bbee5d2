"""The original's flags of mace_run, run from outside. Its own flags are tested in tests/api/mace_run_test.sh."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import networks
import numpy as np
import pytest
from onnx import helper

import mace

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build" / "mace_run"
pytestmark = pytest.mark.skipif(not PROGRAM.exists() and not os.environ.get("MACE_TEST_MODELS"), reason="build/mace_run is not built")

# Flags without effect, a value that they accept, one that they refuse (None: any text is good), and why they have none.
UNBUILT = [
    ("--model_data_file", "net.data", None, "a .mace file holds its weights"),
    ("--opencl_cache_full_path", "cache", None, "OpenCL is not built yet"),
    ("--opencl_binary_file", "programs", None, "OpenCL is not built yet"),
    ("--opencl_parameter_file", "tuned", None, "OpenCL is not built yet"),
    ("--opencl_cache_reuse_policy", "1", "2", "OpenCL is not built yet"),
    ("--gpu_perf_hint", "3", "4", "OpenCL is not built yet"),
    ("--gpu_priority_hint", "0", "-1", "OpenCL is not built yet"),
    ("--accelerator_binary_file", "compiled", None, "accelerators are not built yet"),
    ("--accelerator_storage_file", "compiled", None, "accelerators are not built yet"),
    ("--accelerator_cache_policy", "2", "four", "accelerators are not built yet"),
    ("--apu_boost_hint", "100", "101", "APUs are not built yet"),
    ("--apu_preference_hint", "1", "3", "APUs are not built yet"),
]


def run(*arguments: object, status: int = 0, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess:
    command = [str(PROGRAM), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **(environment or {})})
    assert result.returncode == status, result.stderr
    return result


def refused(*arguments: object, says: str, status: int = 2) -> None:
    result = run(*arguments, status=status)
    assert result.stderr.startswith("mace_run: ") and says in result.stderr, result.stderr
    assert len(result.stderr.splitlines()) <= 2, result.stderr  # where the flags are listed is the second


def operator_model(op: str, dtype: str, shape: list, names: tuple[str, str] = ("x", "y"), **attributes: object) -> bytes:
    x, y = names
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    node = helper.make_node(op, [x, x] if op == "Add" else [x], [y], **attributes)
    return networks.model([node], {x: (dtype, shape)}, [y], {}, output_type=kind).SerializeToString()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[bytes], Path]:
    """Writes an ONNX model as net.mace, and gives its path."""

    def convert(onnx: bytes) -> Path:
        path = tmp_path / "net.mace"
        path.write_bytes(mace.convert(onnx)[0])
        return path

    return convert


@pytest.fixture
def channels_first(write: Callable[[bytes], Path]) -> list[str]:
    """The flags of a model x -> x + x, float32 [1, 2, 3, 4] (NCHW); odd names."""
    model = write(operator_model("Add", "float32", [1, 2, 3, 4], ("data/in:0", "twice")))
    return [f"--model_file={model}", "--input_node=data/in:0", "--output_node=twice"]


NCHW = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
NHWC = np.ascontiguousarray(NCHW.transpose(0, 2, 3, 1))


def test_raw_files_and_layouts(channels_first: list[str], tmp_path: Path) -> None:
    """--input_file and --output_file; what fits as it is stays, what fits after NHWC <-> NCHW is transposed on both sides."""
    files = [f"--input_file={tmp_path}/in", f"--output_file={tmp_path}/out"]
    raw, result = tmp_path / "in_data_in_0", tmp_path / "out_twice"
    for formats in ([], ["--input_data_format=NHWC", "--output_data_format=NHWC"]):
        NHWC.tofile(raw)
        run(*channels_first, *files, "--input_shape=1,3,4,2", "--output_shape=1,3,4,2", *formats)
        np.testing.assert_array_equal(np.fromfile(result, np.float32), 2 * NHWC.ravel())
    NCHW.tofile(raw)
    for shapes in ([], ["--input_shape=1,2,3,4"], ["--input_shape=1,2,3,4", "--output_shape=1,-1,3,4"]):
        run(*channels_first, *files, *shapes)
        np.testing.assert_array_equal(np.fromfile(result, np.float32), 2 * NCHW.ravel())
    # One side only.
    run(*channels_first, *files, "--output_shape=1,3,4,2", "--output_data_format", "NHWC")
    np.testing.assert_array_equal(np.fromfile(result, np.float32), 2 * NHWC.ravel())


def test_npy_files_are_accepted_too(channels_first: list[str], tmp_path: Path) -> None:
    np.save(tmp_path / "in_data_in_0.npy", NHWC)
    files = [f"--input_file={tmp_path}/in", f"--output_file={tmp_path}/out"]
    run(*channels_first, *files)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out_twice", np.float32), 2 * NCHW.ravel())
    refused(*channels_first, *files, "--input_shape=1,2,3,4", says="the file has [1, 3, 4, 2], --input_shape says [1, 2, 3, 4]", status=1)


def test_other_layouts_are_refused(channels_first: list[str], tmp_path: Path) -> None:
    files = [f"--input_file={tmp_path}/in"]
    NHWC.tofile(tmp_path / "in_data_in_0")
    for formats in ("NCHW", "NONE", "OIHW"):
        refused(*channels_first, *files, "--input_shape=1,3,4,2", f"--input_data_format={formats}",
                says="expects float32 [1, 2, 3, 4], --input_shape says [1, 3, 4, 2]", status=1)  # fmt: skip
    refused(*channels_first, *files, "--input_shape=1,2,3,4", "--output_shape=1,24", status=1,
            says="output 'twice' is float32 [1, 2, 3, 4], --output_shape says [1, 24]")  # fmt: skip
    refused(*channels_first, *files, "--output_data_format=NHWC", says="--output_data_format needs --output_shape")
    for bad in ("NHCW", "NHWC,", ""):
        refused(*channels_first, *files, f"--input_data_format={bad}", says="input_data_format")


def test_raw_sizes_are_checked(channels_first: list[str], tmp_path: Path) -> None:
    path = tmp_path / "in_data_in_0"
    path.write_bytes(bytes(95))
    wrong = run(*channels_first, f"--input_file={tmp_path}/in", status=1)
    assert wrong.stderr == (f"mace_run: {path} (--input_file): the file has 95 bytes, a raw float32 [1, 2, 3, 4] has 96\n")
    refused(*channels_first, f"--input_file={tmp_path}/none", says="none_data_in_0 (--input_file): No such file", status=1)


@pytest.mark.parametrize(
    ("dtype", "raw", "flag"),
    [
        ("float32", "float32", "float32"),
        ("float16", "float32", "float16"),
        ("float16", "float32", "float32"),
        ("int32", "int32", "int32"),
        ("int64", "int32", "int32"),
        ("int64", "int32", "int64"),
        ("uint8", "float32", "uint8"),
        ("int16", "float32", "int16"),
        ("int8", "float32", "int8"),
    ],
)
def test_data_types(write: Callable[[bytes], Path], tmp_path: Path, dtype: str, raw: str, flag: str) -> None:
    """Raw files have elements of four bytes; the tool converts them to the model's type and back."""
    values = np.array([0, 1, 2, 100, 3, 7], raw)
    values.tofile(tmp_path / "in_x")
    model = write(operator_model("Flatten", dtype, [2, 3], axis=0))
    run(f"--model_file={model}", f"--input_file={tmp_path}/in", f"--output_file={tmp_path}/out",
        f"--input_data_type={flag}", f"--output_data_type={flag}")  # fmt: skip
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out_y", raw), values)


def test_wrong_data_types(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    np.array([0, 300], np.float32).tofile(tmp_path / "in_x")
    model = write(operator_model("Flatten", "uint8", [1, 2], axis=0))
    arguments = [f"--model_file={model}", f"--input_file={tmp_path}/in"]
    refused(*arguments, says="in_x: element 1 is 300.000000, which is no uint8", status=1)
    refused(*arguments, "--input_data_type=float32", says="input 'x' is uint8 [1, 2], not float32")
    refused(*arguments, "--output_data_type=float16", says="output 'y' is uint8 [1, 2], not float16")
    refused(*arguments, "--input_data_type=double", says="'double' is none of float32, float16")
    refused(*arguments, "--input_data_type=uint8,uint8", says="--input_data_type names 2 tensor(s), there are 1")


@pytest.fixture
def two_inputs(write: Callable[[bytes], Path]) -> Path:
    """x [n, 2] and x_1 [2]: their sum is y, their difference z."""
    nodes = [helper.make_node("Add", ["x", "x_1"], ["y"]), helper.make_node("Sub", ["x", "x_1"], ["z"])]
    proto = networks.model(nodes, {"x": ("float32", ["n", 2]), "x_1": ("float32", [2])}, ["y", "z"], {})
    return write(proto.SerializeToString())


def test_names(two_inputs: Path, tmp_path: Path) -> None:
    """Lists follow --input_node; only the outputs of --output_node are written."""
    np.array([[1, 2], [3, 4]], np.float32).tofile(tmp_path / "in_x")
    np.array([10, 20], np.float32).tofile(tmp_path / "in_x_1")
    files = [f"--model_file={two_inputs}", f"--input_file={tmp_path}/in", f"--output_file={tmp_path}/out"]
    run(*files, "--input_node=x_1,x", "--input_shape=2:2,2", "--output_node", "z")
    assert not (tmp_path / "out_y").exists()
    np.testing.assert_array_equal(np.fromfile(tmp_path / "out_z", np.float32), [-9, -18, -7, -16])
    run(*files, "--input_shape", "2,2:2", "--output_dir", tmp_path / "all")
    np.testing.assert_array_equal(np.load(tmp_path / "all" / "out_0.npy"), [[11, 22], [13, 24]])
    refused(*files, "--input_node=x,x_2", says="the model has no input 'x_2'; did you mean 'x_1'?")
    refused(*files, "--output_node=w", says="--output_node: the model has no output 'w'")
    refused(*files, "--input_node=x,x", says="twice")
    refused(*files, "--input_node=x", says="leaves out input 'x_1'")
    refused(*files, "--input_node=x,", says="a name is empty")
    refused(*files, "--input_shape=2,2", says="--input_shape names 1 tensor(s), there are 2")
    refused(*files, "--input_shape=2,2:two", says="'two' is no dimension")
    refused(*files, "--input_shape=-1,2:2", says="'-1' is no dimension")
    refused(*files, says="input 'x' is float32 [n, 2]: --input_shape must say its size", status=1)
    refused(*files, f"--input_dir={tmp_path}", says="only one of them")
    refused(*files, "--steps=2", says="--steps")


def test_two_tensors_never_share_a_file(tmp_path: Path) -> None:
    """Files are named after tensors by their letters and digits: a/b and a.b would be one."""
    nodes = {
        "outputs": ([helper.make_node("Relu", ["x"], ["a/b"]), helper.make_node("Tanh", ["x"], ["a.b"])], ["x"], ["a/b", "a.b"]),
        "inputs": ([helper.make_node("Add", ["a/b", "a.b"], ["x"])], ["a/b", "a.b"], ["x"]),
    }
    for side, (graph, inputs, outputs) in nodes.items():
        model, folder = tmp_path / f"{side}.mace", tmp_path / side
        data = networks.model(graph, {name: ("float32", [1, 4]) for name in inputs}, outputs, {})
        model.write_bytes(mace.convert(data.SerializeToString())[0])
        folder.mkdir()
        name = "x" if side == "outputs" else "a_b"
        (folder / f"{name}_1").write_bytes(np.ones(4, np.float32).tobytes())
        says = f"{side} 'a/b' and 'a.b' would both have a_b"
        refused(f"--model_file={model}", f"--input_dir={folder}", f"--output_dir={tmp_path}/out", says=says)
        prefix = [f"--input_file={folder}/1"] if side == "inputs" else ["--round=1"]
        refused(f"--model_file={model}", *prefix, f"--output_file={tmp_path}/out", says=says)
        assert not (tmp_path / "out").exists()


def test_folders_of_samples(two_inputs: Path, tmp_path: Path) -> None:
    """--input_dir without in_0.npy: a sample for each suffix. Their results are those of single runs."""
    folder, out = tmp_path / "samples", tmp_path / "out"
    folder.mkdir()
    cases = {"_0": (2, "raw"), "_10": (2, "raw"), "_b.npy": (3, "npy")}
    tensors = {}
    for seed, (suffix, (rows, kind)) in enumerate(cases.items()):
        x, x_1 = networks.random(seed, rows, 2), networks.random(seed + 7, 2)
        tensors[suffix] = (x, x_1)
        for name, array in (("x", x), ("x_1", x_1)):
            np.save(folder / (name + suffix), array) if kind == "npy" else array.tofile(folder / (name + suffix))
    arguments = [f"--model_file={two_inputs}", f"--input_dir={folder}", f"--output_dir={out}"]
    raw_only = [*arguments, "--input_shape=2,2:2"]
    refused(*raw_only, says="x_b.npy: the file has [3, 2], --input_shape says [2, 2]", status=1)
    for file in folder.glob("*_b.npy"):
        array = np.load(file)
        np.save(file, array[:2])
    report = json.loads(run(*raw_only, "--json").stdout)
    assert report["samples"] == 3
    for suffix in ("_0", "_10"):
        x, x_1 = tensors[suffix]
        np.testing.assert_array_equal(np.fromfile(out / f"y{suffix}", np.float32), (x + x_1).ravel())
        np.testing.assert_array_equal(np.fromfile(out / f"z{suffix}", np.float32), (x - x_1).ravel())
    x, x_1 = tensors["_b.npy"]
    np.testing.assert_array_equal(np.load(out / "y_b.npy"), x[:2] + x_1[:2])
    refused(*raw_only, f"--output_file={tmp_path}/o", says="--output_dir takes them")
    (folder / "x_1_10").unlink()
    refused(*raw_only, says="samples/x_1_10: no such file, but x_10 is there, of the same sample", status=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(f"--model_file={two_inputs}", f"--input_dir={empty}", status=1,
            says="in_0.npy: no such file (input x: float32[n, 2]), and none is named x*")  # fmt: skip


def test_numbered_files_follow_a_named_layout(channels_first: list[str], tmp_path: Path) -> None:
    np.save(tmp_path / "in_0.npy", NHWC)
    arguments = [channels_first[0], f"--input_dir={tmp_path}", f"--output_dir={tmp_path}/out"]
    refused(*arguments, says="in_0.npy: input 'data/in:0' expects float32 [1, 2, 3, 4], the file has float32 [1, 3, 4, 2]", status=1)
    run(*arguments, "--input_data_format=NHWC")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "out_0.npy"), 2 * NCHW)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_random_inputs(write: Callable[[bytes], Path], tmp_path: Path, dtype: str) -> None:
    """--round or --benchmark without files: seeded random numbers in the ranges that --help tells."""
    model = write(operator_model("Flatten", dtype, ["n", 50], axis=1))
    outputs = []
    for seed in (0, 0, 1):
        run(f"--model_file={model}", "--round=1", "--input_shape=20,50", f"--seed={seed}", f"--output_dir={tmp_path}/out")
        outputs.append(np.load(tmp_path / "out" / "out_0.npy"))
    np.testing.assert_array_equal(outputs[0], outputs[1])
    assert outputs[0].dtype == dtype and not np.array_equal(outputs[0], outputs[2])
    least, most = {"float32": (-1, 1), "int64": (0, 99), "bool": (0, 1)}[dtype]
    assert least <= outputs[0].min() and outputs[0].max() <= most and abs(outputs[0].mean() - (least + most) / 2) < 0.06 * (most - least)
    refused(f"--model_file={model}", "--benchmark", says="[n, 50]: --input_shape must say its size", status=1)
    refused(f"--model_file={model}", "--round=1", "--seed=-1", "--input_shape=1,50", says="seed")


SUMMARY = re.compile(
    r"^ *capability\(CPU\) +init +warmup +run_avg\ntime +(\d+\.\d{3}) +(\d+\.\d{3}) +(\d+\.\d{3}) +(\d+\.\d{3})$", re.MULTILINE
)


@pytest.fixture
def network(write: Callable[[bytes], Path]) -> list[str]:
    return [f"--model_file={write(networks.convolution_network(dynamic=False).SerializeToString())}"]


@pytest.mark.parametrize("flag", ["--benchmark", "--benchmark_model", "-benchmark", "--benchmark=true"])
def test_benchmark(network: list[str], flag: str) -> None:
    text = run(*network, flag, "-round", "5").stdout
    for title in ("Sort by Run Order", "Sort by Computation Time, Top 10", "Stat by Op Type", "Stat by MACs", "Summary", "Memory"):
        assert title in text, title
    for column in ("Op Type", "Start", "First", "Avg(ms)", "cdf%", "GMACPS", "Stride", "Pad", "Filter Shape", "Output Shape",
                   "Dilation", "name", "Count", "MACs", "Called times", "round", "p50", "p90", "p99", "peak resident"):  # fmt: skip
        assert re.search(rf" {re.escape(column)} +\|", text), column
    assert re.search(r"\| +DepthwiseConv2d \|.*\| +\[1,1\] \| +\[1,1,1,1\] \| +\[12,3,3,1\] \| +\[1,8,10,12\] \|", text), text
    assert len(SUMMARY.findall(text)) == 1, text


def test_benchmark_as_json(network: list[str]) -> None:
    """Statistics over all rounds; the operators' times are those of rounds of their own."""
    report = json.loads(run(*network, "--benchmark", "--round=7", "--json", "--explain", "--model_name=net").stdout)
    benchmark, plan = report["benchmark"], report["explain"]["plan"]
    assert report["model_name"] == "net" and report["round"] == 7 and len(report["rounds_ms"]) == 8
    rounds = np.array(report["rounds_ms"][1:])
    summary = benchmark["summary_ms"]["run"]
    assert summary["round"] == 7 and summary["first"] == rounds[0] and summary["curr"] == rounds[-1]
    wanted = {"min": rounds.min(), "max": rounds.max(), "avg": rounds.mean(), "std": rounds.std()}
    wanted |= {f"p{percent}": np.percentile(rounds, percent) for percent in (50, 90, 99)}
    for name, value in wanted.items():
        assert summary[name] == pytest.approx(value), name
    assert report["average_ms"] == pytest.approx(rounds.mean())
    assert len(benchmark["operators"]) == plan["steps"] and benchmark["multiply_adds"] == plan["multiply_adds"] > 0
    assert sum(row["average_ms"] for row in benchmark["operators"]) == pytest.approx(benchmark["summary_ms"]["operators"]["avg"])
    assert sum(row["percent"] for row in benchmark["types"]) == pytest.approx(100)
    assert sum(row["called_times"] for row in benchmark["types"]) == 7 * plan["steps"]
    assert sum(row["multiply_adds"] for row in benchmark["types"]) == plan["multiply_adds"]
    memory = benchmark["memory_bytes"]
    assert memory["arena"] == plan["arena_bytes"] and memory["file"] == plan["file_bytes"]
    assert memory["peak_resident"] > memory["packed"] == plan["packed_bytes"] > 0


@pytest.mark.parametrize("flag", ["--nobenchmark", "--benchmark=false", "-benchmark_model=0"])
def test_benchmark_can_be_said_off(network: list[str], flag: str) -> None:
    assert "Sort by" not in run(*network, "--benchmark", flag, "--round=1").stdout
    refused(*network, "--benchmark=perhaps", says="--benchmark: expected true or false")


def test_summary_line_comes_with_the_originals_flags_only(network: list[str]) -> None:
    assert SUMMARY.search(run(*network, "--round=2").stdout) is None
    values = SUMMARY.search(run(*network, "--round=2", "--model_name=net").stdout)
    assert values is not None and all(float(value) > 0 for value in values.groups())
    only_first = SUMMARY.search(run(*network, "--round=0", "--model_name=net").stdout)
    assert only_first is not None and only_first[3] == only_first[4]
    refused(*network, "--round=-1", says="round")


def test_warm_up_without_running(network: list[str]) -> None:
    """--fake_warmup moves planning and packing from the first run into the time of loading."""
    for flag in ("--fake_warmup", "--fake_warmup=true"):
        report = json.loads(run(*network, flag, "--round=3", "--json").stdout)
        assert report["first_ms"] < report["load_ms"]
    assert "outputs" in json.loads(run(*network, "--nofake_warmup", "--round=3", "--json").stdout)


def test_memory_is_told_every_few_rounds(network: list[str]) -> None:
    lines = run(*network, "--round=5", "--malloc_check_cycle=2").stderr.splitlines()
    assert [re.fullmatch(r"round (\d): \d+\.\d MiB resident", line)[1] for line in lines] == ["2", "4"]
    assert run(*network, "--round=5", "--malloc_check_cycle", "-1").stderr == ""
    refused(*network, "--malloc_check_cycle=often", says="malloc_check_cycle")


def test_restart_rounds(network: list[str]) -> None:
    report = json.loads(run(*network, "--round=1", "--restart_round=3", "--json").stdout)
    assert report["restart_round"] == report["completed_restart_rounds"] == 3
    refused(*network, "--round=1", "--restart_round=0", says="restart_round")


def test_failing_allocations(network: list[str]) -> None:
    """Failures are told and the next restart round begins; the exit status is that of the last one."""
    arguments = [*network, "--round=1", "--restart_round=30", "--json"]
    everything = run(*arguments, "--runtime_failure_ratio=1", status=1)
    assert "restart round 30 of 30: " in everything.stderr and everything.stdout == ""
    assert "0 of 30 restart rounds completed" in everything.stderr
    nothing = run(*arguments, "--runtime_failure_ratio=0", environment={"MACE_RUNTIME_FAILURE_RATIO": "1"})
    assert nothing.stderr == "" and json.loads(nothing.stdout)["completed_restart_rounds"] == 30  # the flag wins
    environment = {"MACE_RUNTIME_FAILURE_RATIO": "0.1"}
    statuses = set()
    for seed in range(6):
        command = [str(PROGRAM), *arguments, f"--seed={seed}"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, **environment})
        completed, failures = re.search(r"(\d+) of 30 restart rounds completed, (\d+) allocations failed", result.stderr).groups()
        assert 0 < int(completed) < 30 <= int(completed) + int(failures)
        assert json.loads(result.stdout)["completed_restart_rounds"] == int(completed)
        assert result.returncode == ("restart round 30 of 30:" in result.stderr)
        statuses.add(result.returncode)
    assert statuses <= {0, 1}
    refused(*arguments, "--runtime_failure_ratio=2", says="from 0 to 1")
    assert "MACE_RUNTIME_FAILURE_RATIO" in run(*arguments, status=2, environment={"MACE_RUNTIME_FAILURE_RATIO": "some"}).stderr


def test_log_level(network: list[str]) -> None:
    for level in ("INFO", "WARNING", "ERROR", "FATAL"):
        run(*network, "--round=1", environment={"MACE_CPP_MIN_LOG_LEVEL": level})
    wrong = run(*network, "--round=1", status=2, environment={"MACE_CPP_MIN_LOG_LEVEL": "LOUD"})
    assert "expected INFO, WARNING, ERROR or FATAL" in wrong.stderr


def test_affinity(network: list[str]) -> None:
    """Any policy works; where all cores are equally fast nothing changes. The classes are tested in tools/mace_run/process_test.cc."""
    for policy in range(5):
        result = run(*network, "--round=1", f"--cpu_affinity_policy={policy}", "--num_threads=-1")
        assert SUMMARY.search(result.stdout), result.stdout
    refused(*network, "--round=1", "--cpu_affinity_policy=5", says="cpu_affinity_policy")


@pytest.mark.parametrize(("flag", "good", "bad", "reason"), UNBUILT, ids=lambda value: str(value))
def test_flags_without_effect(network: list[str], flag: str, good: str, bad: str | None, reason: str) -> None:
    result = run(*network, "--round=1", flag, good)
    assert result.stderr == f"mace_run: warning: {flag} has no effect: {reason}\n"
    if bad is not None:
        refused(*network, "--round=1", f"{flag}={bad}", says=flag)


def test_unknown_flags_get_a_suggestion(network: list[str]) -> None:
    refused(*network, "--input_nodes=x", says="did you mean --input_node?")
    refused(*network, "--benchmrk", says="did you mean --benchmark?")


def test_help() -> None:
    """80 columns; and every flag is named by a test."""
    text = run("--help").stdout
    assert max(map(len, text.splitlines())) <= 80
    flags = set(re.findall(r"--[a-z_]+", "\n".join(re.findall(r"^  (-\S+)", text.partition("Examples:")[0], re.MULTILINE))))
    assert len(flags) > 40 and {"--benchmark", "--benchmark_model", "--model_file", "--help"} <= flags
    tests = Path(__file__).read_text() + (ROOT / "tests" / "api" / "mace_run_test.sh").read_text()
    untested = {flag for flag in flags if not re.search(rf"{flag}\b", tests)}
    assert not untested, untested


def test_errors_are_one_line(network: list[str], tmp_path: Path) -> None:
    result = run(*network, f"--input_file={tmp_path}/a\nmace_run: good", status=1)
    assert result.stderr.count("\n") == 1


def test_tensors_of_one_file_name(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a/b"]), helper.make_node("Neg", ["x"], ["a_b"])]
    model = write(networks.model(nodes, {"x": ("float32", [3])}, ["a/b", "a_b"], {}).SerializeToString())
    flags = [f"--model_file={model}", "--round=1", f"--output_file={tmp_path}/out"]
    refused(*flags, says="outputs 'a/b' and 'a_b' would both have a_b;")
    assert list(tmp_path.glob("out*")) == []
    run(*flags, "--output_node=a_b")
    assert np.fromfile(tmp_path / "out_a_b", np.float32).max() < 1


def test_nothing_is_written_where_an_output_cannot_be(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["first"]),
        helper.make_node("Cast", ["x"], ["whole"], to=7),
        helper.make_node("Mul", ["whole", "large"], ["second"]),
    ]
    proto = networks.model(nodes, {"x": ("float32", [3])}, ["first", "second"], {"large": np.array(10**10)})
    proto.graph.output[1].type.tensor_type.elem_type = 7
    model = write(proto.SerializeToString())
    np.ones(3, np.float32).tofile(tmp_path / "in_x")
    flags = [f"--model_file={model}", f"--input_file={tmp_path}/in", f"--output_file={tmp_path}/out", f"--output_dir={tmp_path}/folder"]
    refused(*flags, says="element 0 is 10000000000.000000, which is no int32", status=1)
    assert not (tmp_path / "folder").exists() and list(tmp_path.glob("out*")) == []


def test_sizes_that_no_memory_holds(write: Callable[[bytes], Path], tmp_path: Path) -> None:
    """A shape that is not the model's, and a raw file of another size, are refused before memory is taken for them."""
    open_model = write(operator_model("Relu", "float32", ["n", "m"]))
    huge = "1000000000000000,1000"
    refused(f"--model_file={open_model}", "--round=1", f"--input_shape={huge}", says="random input 'x': out of memory for", status=1)
    with open(tmp_path / "in_x", "wb") as file:
        file.truncate(1 << 42)
    flags = [f"--model_file={open_model}", "--input_shape=1,2", f"--input_file={tmp_path}/in"]
    refused(*flags, says="the file has 4398046511104 bytes, a raw float32 [1, 2] has 8", status=1)
    fixed = write(operator_model("Relu", "float32", [1, 2]))
    refused(f"--model_file={fixed}", "--round=1", f"--input_shape={huge}", says="--input_shape says", status=1)


def test_seeds_fit_in_64_bits(network: list[str]) -> None:
    run(*network, "--round=1", f"--seed={2**64 - 1}")
    for seed in (str(2**64), "-1", "1.5", ""):
        refused(*network, "--round=1", "--seed", seed, says="--seed")
