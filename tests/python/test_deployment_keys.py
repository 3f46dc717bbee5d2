"""Deployment files: every key, and what is wrong with files, in one line each that says file, line, key and what to do."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployments import deployment, graph, line_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mace.deployment.devices import load_devices
from mace.deployment.load import load_deployment, threshold_of
from mace.deployment.problems import DeploymentError
from mace.deployment.schema import DeploymentKeys, DeviceFileKeys, DeviceKeys, GraphKeys, Micro, ModelKeys, Thresholds
from mace.deployment.support import deployment_lacks, model_lacks, model_warnings

# A good value of every key, and one that is refused.
GRAPH_VALUES: dict[str, tuple[Any, Any]] = {
    "input_tensors": (["x"], [["x"]]),
    "input_shapes": (["1,3,16,20"], ["1,-3,16,20"]),
    "output_tensors": (["prob"], [{"a": "b"}]),
    "output_shapes": (["1,5"], ["1,,5"]),
    "input_data_formats": (["NCHW"], ["NWHC"]),
    "output_data_formats": ("none", "NHCW"),
    "input_data_types": (["float32"], ["float"]),
    "output_data_types": ("float32", "double"),
    "input_ranges": (["-1.0,2.5"], ["1,1e39"]),
    "check_tensors": (["c1"], [[]]),
    "check_shapes": (["1,12,8,10"], ["one"]),
    "input_aliases": (["image"], [["image"]]),
    "output_aliases": (["classes"], [{}]),
    "order": (3, "first"),
    "runtime": ("cpu+gpu", "npu"),
    "data_type": ("fp16_fp32", "fp8"),
    "backend": ("kaldi", ["kaldi"]),
    "validation_inputs_data": (["in.npy"], [["in.npy"]]),
    "validation_outputs_data": ("out.npy", {"a": "b"}),
    "validation_threshold": ({"CPU": 0.8}, {"CPU": "much"}),
    "accuracy_validation_script": ("check.py", ["check.py"]),
    "quantize": (0, 2),
    "quantize_schema": ("int8", ["int8"]),
    "quantize_large_weights": (1, "large"),
    "quantize_range_file": ("ranges", ["ranges"]),
    "change_concat_ranges": (0, -1),
    "winograd": (4, 3),
    "limit_opencl_kernel_time": (1, 2),
    "opencl_queue_window_size": (100, "wide"),
    "cl_mem_type": ("buffer", "tape"),
    "nnlib_graph_mode": (0, "fast"),
    "dsp_mode": (0, "fast"),
    "obfuscate": (1, "yes"),
}  # fmt: skip
SHA = "0299" + "ad" * 30
MODEL_VALUES: dict[str, tuple[Any, Any]] = {
    "platform": ("ONNX", "torch7"),
    "model_file_path": ("net.onnx", ["net.onnx"]),
    "model_sha256_checksum": (SHA.upper(), "e931"),
    "weight_file_path": ("net.caffemodel", {"a": "b"}),
    "weight_sha256_checksum": (SHA, "x" * 64),
    "subgraphs": ([graph()], []),
    "graph_optimize_options": (["fold_batchnorm"], [["a"]]),
    "accelerator_api": ("qnn", ["qnn"]),
    "dockerfile_path": ("third_party/caffe", []),
    "dockerfile_sha256_checksum": (SHA, "0"),
    "docker_image_tag": ("ssd", ["ssd"]),
    "micro": ({"backend": "cmsis"}, {"backend": "avr"}),
}
FILE_VALUES: dict[str, tuple[Any, Any]] = {
    "library_name": ("mobilenet-v2_1.0", "../up"),
    "target_abis": (["arm64-v8a", "host", "aarch64-linux-gnu"], ["arm128"]),
    "target_socs": (["sdm660"], [["sdm660"]]),
    "model_graph_format": ("file", "text"),
    "model_data_format": ("FILE", "text"),
    "models": (None, {}),
    "apu_version_with_no_device": ("4", ["4"]),
}
DEVICE_VALUES: dict[str, tuple[Any, Any]] = {
    "target_abis": (["armhf"], ["z80"]),
    "target_socs": ("rk3399", {"a": "b"}),
    "models": ("board", ["a"]),
    "address": ("10.0.0.2", ["10.0.0.2"]),
    "username": ("root", ["root"]),
    "password": ("123", ["123"]),
}


GOOD = """library_name: lib
target_abis: [host]
models:
  net: &net
    platform: onnx
    model_file_path: net.onnx
    model_sha256_checksum: 0299adadadadadadadadadadadadadadadadadadadadadadadadadadadadadad
    subgraphs:
      - input_tensors: [x, y]
        input_shapes: ["1,2", '3']
        output_tensors: 17
        output_shapes: 1,5
        validation_threshold: {CPU: 0.9}
    runtime: cpu
  other: *net
"""


def problems_of(path: Path) -> list[str]:
    with pytest.raises(DeploymentError) as error:
        load_deployment(str(path))
    return str(error.value).splitlines()


def test_tables_of_values_are_whole() -> None:
    assert set(GRAPH_VALUES) == set(GraphKeys.model_fields)
    assert set(MODEL_VALUES) | set(GRAPH_VALUES) == set(ModelKeys.model_fields)
    assert set(FILE_VALUES) == set(DeploymentKeys.model_fields)
    assert set(DEVICE_VALUES) == set(DeviceKeys.model_fields)
    assert set(DeviceFileKeys.model_fields) == {"devices"} and set(Micro.model_fields) == {"backend"}


@pytest.mark.parametrize("key", GRAPH_VALUES)
def test_keys_of_a_sub_graph(key: str, tmp_path: Path) -> None:
    good, bad = GRAPH_VALUES[key]
    extra = {"check_tensors": {"check_shapes": ["1,12,8,10"]}, "check_shapes": {"check_tensors": ["c1"]}}.get(key, {})
    spec = load_deployment(str(deployment(tmp_path, subgraphs=[graph(**{key: good, **extra})]))).models[0]
    assert getattr(spec.subgraphs[0].keys, key) not in (None, [])
    path = deployment(tmp_path, subgraphs=[graph(**{key: bad, **extra})])
    found = problems_of(path)
    named = "cpu" if key == "validation_threshold" else key
    assert len(found) == 1 and f": {named}" in found[0], found
    line = int(found[0].removeprefix(f"{path}:").partition(":")[0])
    assert line_of(path, f"{key}:") <= line <= line_of(path, f"{key}:") + 1
    if key in ("validation_inputs_data", "accuracy_validation_script", "winograd", "order", "quantize"):  # a model's counts too
        extra = {key: good if key != "quantize" else 1}
        inherited = load_deployment(str(deployment(tmp_path, subgraphs=[graph()], **extra))).models[0]
        assert getattr(inherited.subgraphs[0].keys, key) == getattr(inherited.keys, key) not in (None, [])


@pytest.mark.parametrize("key", MODEL_VALUES)
def test_keys_of_a_model(key: str, tmp_path: Path) -> None:
    good, bad = MODEL_VALUES[key]
    extra: dict[str, Any] = {}
    if key == "weight_file_path":
        extra = {"platform": "caffe", "weight_sha256_checksum": SHA}
    spec = load_deployment(str(deployment(tmp_path, **{key: good, **extra}))).models[0]
    assert getattr(spec.keys, key) is not None
    found = problems_of(deployment(tmp_path, **{key: bad, **extra}))
    assert (len(found) == 1 and f": {key}" in found[0]) or "backend" in found[0], found


@pytest.mark.parametrize("key", FILE_VALUES)
def test_keys_of_the_file(key: str, tmp_path: Path) -> None:
    good, bad = FILE_VALUES[key]
    path = deployment(tmp_path, top={key: good} if good else {})
    assert getattr(load_deployment(str(path)).keys, key) is not None
    found = problems_of(deployment(tmp_path, top={key: bad}))
    assert len(found) == 1 and f": {key}" in found[0], found


@pytest.mark.parametrize("key", DEVICE_VALUES)
def test_keys_of_a_device(key: str, tmp_path: Path) -> None:
    good, bad = DEVICE_VALUES[key]
    path = tmp_path / "device.yml"
    board = {"target_abis": ["arm64"], "address": "10.0.0.1"}
    path.write_text(yaml.safe_dump({"devices": {"board": {**board, key: good}}}))
    assert getattr(load_devices(str(path))["board"], key) is not None
    path.write_text(yaml.safe_dump({"devices": {"board": {**board, key: bad}}}))
    with pytest.raises(DeploymentError, match=key):
        load_devices(str(path))


@pytest.mark.parametrize("key", Thresholds.model_fields)
def test_thresholds_in_any_case(key: str, tmp_path: Path) -> None:
    for name in (key, key.upper(), key.capitalize()):
        spec = load_deployment(str(deployment(tmp_path, subgraphs=[graph(validation_threshold={name: 0.5})]))).models[0]
        assert getattr(spec.subgraphs[0].keys.validation_threshold, key) == 0.5
        assert threshold_of(spec) == (0.5 if key == "cpu" else 0.999)
    assert "did you mean" in problems_of(deployment(tmp_path, subgraphs=[graph(validation_threshold={f"{key}x": 0.5})]))[0]


def test_all_problems_at_once_with_lines(tmp_path: Path) -> None:
    path = deployment(
        tmp_path, subgraphs=[graph(input_shape=["1"], runtime="npu")], obfuscat=1, model_sha256_checksum=None, top={"name": "x"}
    )
    found = problems_of(path)
    for line, key, text in (
        (line_of(path, "obfuscat:"), "obfuscat", "unknown key; did you mean obfuscate?"),
        (line_of(path, "input_shape:"), "input_shape", "unknown key; did you mean input_shapes?"),
        (line_of(path, "runtime: npu"), "runtime", "expected one of cpu, gpu"),
        (line_of(path, "  net:"), "model_sha256_checksum", "is required; add it"),
        (line_of(path, "name: x"), "name", "unknown key"),
    ):
        assert any(each.startswith(f"{path}:{line}: {key}: {text}") for each in found), (line, key, found)
    assert len(found) == 5


@pytest.mark.parametrize(
    ("changes", "key", "text"),
    [
        ({"input_shapes": ["1,3,16,20", "1"]}, "input_shapes", "2 shape(s) for 1 tensor(s)"),
        ({"input_tensors": ["x", "x"], "input_shapes": ["1", "1"]}, "input_tensors[1]", "there twice"),
        ({"output_tensors": None}, "output_tensors", "is required"),
        ({"output_shapes": None}, "output_shapes", "is required"),
        ({"input_data_formats": ["NONE", "NHWC"]}, "input_data_formats", "2 value(s) for 1 input tensor(s)"),
        ({"input_data_formats": ["OIHW"]}, "input_data_formats[0]", "layout of weights"),
        ({"input_data_types": ["float32"] * 3}, "input_data_types", "3 value(s)"),
        ({"input_ranges": ["0,1", "0,1"]}, "input_ranges", "2 value(s)"),
        ({"output_aliases": ["a", "b"]}, "output_aliases", "one for each"),
        ({"check_tensors": ["a"]}, "check_shapes", "is required"),
        ({"check_shapes": ["1"]}, "check_tensors", "is required"),
        ({"check_tensors": ["a"], "check_shapes": ["1", "2"]}, "check_shapes", "2 shape(s) for 1"),
        ({"validation_inputs_data": ["a", "b"]}, "validation_inputs_data", "2 file(s) for 1 input tensor(s)"),
        ({"validation_outputs_data": ["a", "b"]}, "validation_outputs_data", "2 file(s) for 1 output tensor(s)"),
        ({"input_shapes": ["1," * 8 + "1"]}, "input_shapes[0]", "more than 8 dimensions"),
        ({"input_shapes": ["1048576,1048576"]}, "input_shapes[0]", "2^40"),
        ({"input_tensors": [], "input_shapes": []}, "input_tensors", "is empty; name a tensor"),
        ({"output_tensors": [""]}, "output_tensors[0]", "'' is no name of a tensor"),
        ({"check_tensors": ["a\0"], "check_shapes": ["1"]}, "check_tensors[0]", "is no name of a tensor"),
        ({"input_tensors": ["\ud800"]}, "input_tensors[0]", "is no name of a tensor"),
    ],
)  # fmt: skip
def test_counts_and_shapes(changes: dict, key: str, text: str, tmp_path: Path) -> None:
    found = problems_of(deployment(tmp_path, subgraphs=[graph(**changes)]))
    assert len(found) == 1 and f" {key}: " in found[0] and text in found[0], found


def test_problems_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("".join(f"k{i}: 1\n" for i in range(1000)) + "k" * 900 + ": 1\n")
    found = problems_of(path)
    assert len(found) == 51 and found[-1] == f"{path}: and 954 more" and all(len(each) < 1500 for each in found)
    path.write_text("library_name: '" + "../" * 100_000 + "'\n")
    assert any("names a folder" in each for each in problems_of(path)) and all(len(each) < 1500 for each in problems_of(path))


def test_one_format_serves_all(tmp_path: Path) -> None:
    keys = graph(input_tensors=["a", "b"], input_shapes=["1,2", "3"], input_data_formats="none", input_ranges="0,1")
    spec = load_deployment(str(deployment(tmp_path, subgraphs=[keys]))).models[0]
    assert [(t.format, t.range, t.shape) for t in spec.inputs] == [("NONE", (0.0, 1.0), (1, 2)), ("NONE", (0.0, 1.0), (3,))]


def test_text_stays_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELS", "/models")
    path = deployment(tmp_path)
    text = path.read_text().replace("backend", "").replace("- x\n", "- 017\n").replace("- prob\n", "- ON\n")
    text = text.replace("model_file_path: net.onnx", "model_file_path: ${MODELS}/net.onnx\n    accelerator_api:")
    path.write_text(text)
    spec = load_deployment(str(path)).models[0]
    assert (spec.inputs[0].name, spec.outputs[0].name, spec.source.name) == ("017", "ON", "/models/net.onnx")
    assert spec.keys.accelerator_api is None  # a key without a value is not there
    monkeypatch.delenv("MODELS")
    assert "MODELS" in problems_of(path)[0]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("library_name: a\nlibrary_name: b\n", 2, "library_name: the key is there twice, first in line 1"),
        ("models:\n  m: {a: 1, a: 2}\n", 2, "the key is there twice"),
        ("library_name: [a\n", 2, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("a:\n\t- b\n", 2, "not YAML"),
        ("a: !!python/object:os.system x\n", 1, "the tag"),
        ("a: *nothing\n", 1, "stands for nothing"),
        ("a: &a [*a]\n", 1, "stands for nothing"),
        ("? [a]\n: b\n", 1, "a key must be a word"),
        ("--- \na: 1\n--- \nb: 1\n", 3, "a second document"),
        ("a: \x07b\n", 1, "not YAML"),
        ("[" * 5000, 1, "nested more than 32 levels"),
        ("a: " + "{a: " * 40, 1, "nested more than 32 levels"),
        ("- a\n", 1, "expected a map with the keys library_name"),
        ("", 1, "expected a map"),
        ("text", 1, "expected a map"),
    ],
)  # fmt: skip
def test_files_that_are_no_deployments(text: str, line: int, says: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text(text)
    found = problems_of(path)
    assert len(found) == 1 and found[0].startswith(f"{path}:{line}: ") and says in found[0], found


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_bytes(b"a: 1\nb: \xff\xfe\xff\n")
    assert problems_of(path)[0].startswith(f"{path}:2: not YAML")


def test_aliases_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12)]
    path.write_text("\n".join(levels))
    assert "more than 20000 values" in problems_of(path)[0]


def test_aliases_in_aliases_are_bounded(tmp_path: Path) -> None:
    """Each is 30 levels deep, with what it repeats 600."""
    path = tmp_path / "x.yml"
    path.write_text("\n".join(f"a{i}: &a{i} {'[' * 30}{f'*a{i - 1}' if i else 'x'}{']' * 30}" for i in range(20)))
    assert problems_of(path) == [f"{path}:2: nested more than 32 levels deep (with those that aliases repeat)"]
    path.write_text("a: &a [[x]]\nb: &b [[[*a]]]\n" + "c: " + "[" * 28 + "*a, *b" + "]" * 28)
    assert "nested more than 32" in problems_of(path)[0]
    path.write_text("a: &a [[x]]\nb: &b [[[*a]]]\n" + "c: " + "[" * 26 + "*a, *b" + "]" * 26)
    assert "nested more than 32" not in problems_of(path)[0]


def test_suggestions_are_bounded(tmp_path: Path) -> None:
    """Several thousand names that are nearly those of the file, and names of half a megabyte."""
    for count, length in ((2000, 20), (2, 200_000)):
        names, others = ([f"tensor_{infix}_{i}".ljust(length, "xyz"[i % 3]) for i in range(count)] for infix in ("number", "numbre"))
        keys = {"input_shapes": ["1"] * count, "output_shapes": ["1"]}
        graphs = {
            "a": {**keys, "input_tensors": names, "output_tensors": ["o"]},
            "b": {"input_tensors": ["o"], "input_shapes": ["1"], "output_tensors": ["p"], "output_shapes": ["1"]},
        }
        path = deployment(tmp_path, subgraphs=graphs, input_tensors=others, output_tensors=["p"])
        begin = time.process_time()
        assert len(problems_of(path)) == (51 if count > 50 else 4)
        assert time.process_time() - begin < 30  # without a bound the first takes minutes


def test_files_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x.yml"
    path.write_text("# " + "x" * (1 << 20))
    assert problems_of(path) == [f"{path}: larger than 1 MiB; no deployment file is"]
    with pytest.raises(DeploymentError, match="not a regular file"):
        load_deployment("/dev/zero")


TOKENS = st.sampled_from(
    [
        ":",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<: ",
        "!!str ",
        "|",
        ">",
        "'",
        '"',
        "\n",
        "  ",
        "\t",
        "#",
        "${X}",
        "---",
        "?",
        "\0",
        "é",
        "1,2",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damaged_files_give_problems(data: st.DataObject) -> None:
    """Whatever is put into a good file, or left out: it is read, or refused with one line a problem."""
    text = GOOD
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        text = text[:at] + data.draw(TOKENS) + text[at + data.draw(st.integers(0, 12)) :]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        file.write(text)
        file.flush()
        try:
            load_deployment(file.name)
        except DeploymentError as error:
            assert error.problems and all(problem.message for problem in error.problems)


def test_aliases_and_merges(tmp_path: Path) -> None:
    path = deployment(tmp_path)
    text = path.read_text()
    model = text[text.index("  net:") :]
    path.write_text(
        text.replace("  net:", "  net: &net") + "  other:\n    <<: *net\n    runtime: gpu\n" + model.replace("net:", "third:", 1)
    )
    specs = load_deployment(str(path)).models
    assert [(spec.name, spec.runtimes) for spec in specs] == [("net", ["cpu"]), ("other", ["gpu"]), ("third", ["cpu"])]


@pytest.mark.parametrize("name", ["1net", "net-1", "class", "nét", "a b"])
def test_names_of_models_are_identifiers(name: str, tmp_path: Path) -> None:
    path = deployment(tmp_path)
    path.write_text(path.read_text().replace("  net:", f"  {name}:"))
    found = problems_of(path)
    assert len(found) == 1 and f": {name}: a model's name must be an identifier" in found[0]
    better = found[0].rpartition(" ")[2]
    path.write_text(path.read_text().replace(f"  {name}:", f"  {better}:"))
    load_deployment(str(path))


def test_two_sub_graphs_in_a_list(tmp_path: Path) -> None:
    assert "has one sub-graph, this one has 2" in problems_of(deployment(tmp_path, subgraphs=[graph(), graph()]))[0]


def test_weights_belong_to_caffe(tmp_path: Path) -> None:
    found = problems_of(deployment(tmp_path, weight_file_path="w", weight_sha256_checksum=SHA))
    assert "remove it" in found[0]
    assert "needs weight_sha256_checksum" in problems_of(deployment(tmp_path, platform="caffe", weight_file_path="w"))[0]
    assert "needs weight_file_path" in problems_of(deployment(tmp_path, platform="caffe"))[0]


@pytest.mark.parametrize(
    ("changes", "key", "line"),
    [
        ({"platform": "keras"}, "platform", "platform:"),
        ({"platform": "pytorch"}, "platform", "platform:"),
        ({"platform": "megengine"}, "platform", "platform:"),
        ({"quantize": 1}, "quantize", "quantize:"),
        ({"subgraphs": [graph(quantize=1)]}, "quantize", "quantize:"),
        ({"data_type": "uint8"}, "data_type", "data_type:"),
    ],
)
def test_models_that_are_not_built_yet(changes: dict, key: str, line: str, tmp_path: Path) -> None:
    path = deployment(tmp_path, **changes)
    loaded = load_deployment(str(path))
    found = model_lacks(loaded, loaded.models[0])
    assert [(each.key, each.line) for each in found] == [(key, line_of(path, line))]
    assert "not built yet" in found[0].message and "; " in found[0].message


def test_files_that_are_not_built_yet(tmp_path: Path) -> None:
    loaded = load_deployment(str(deployment(tmp_path, top={"model_graph_format": "code", "model_data_format": "code"})))
    found = deployment_lacks(loaded, ["arm64-v8a"], "code", "code")
    assert [each.key for each in found] == ["target_abis", "model_graph_format", "model_data_format"]
    assert not deployment_lacks(loaded, ["arm64-v8a", "host"], "file", "file")
    assert "code needs model_graph_format: code" in problems_of(deployment(tmp_path, top={"model_data_format": "code"}))[0]


def test_what_is_done_in_another_way_is_a_warning(tmp_path: Path) -> None:
    for changes, text in (
        ({"runtime": "dsp"}, "runtime dsp becomes cpu"),
        ({"data_type": "fp16_fp32"}, "data_type fp16_fp32"),
        ({"quantize_large_weights": 1}, "quantize_large_weights"),
        ({"graph_optimize_options": ["x"]}, "graph_optimize_options"),
        ({"obfuscate": 1}, "inputs and outputs keep theirs"),
    ):
        warnings = model_warnings(load_deployment(str(deployment(tmp_path, **changes))).models[0])
        assert len(warnings) == 1 and text in warnings[0]
    assert model_warnings(load_deployment(str(deployment(tmp_path))).models[0]) == []
