"""converter.py convert and check: the flags, layouts, shapes, sub-graphs; judged by onnxruntime."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import networks
import numpy as np
import onnxruntime
import pytest
from deployments import CHECKOUT, converter, converter_json, deployment, graph, line_of, nothing_written, sha256
from onnx import ModelProto, helper
from tflite_writer import TfliteWriter, run_litert

import mace

X = networks.random(3, 1, 3, 16, 20)


def onnxruntime_run(proto: ModelProto, **feeds: np.ndarray) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(proto.SerializeToString()).run(None, feeds)


def converted(path: Path, *flags: str) -> mace.Model:
    report = converter_json("convert", f"--config={path}", *flags, cwd=path.parent)
    assert report["models"][0]["file"] == "build/lib/model/net.mace"
    return mace.load(path.parent / "build/lib/model/net.mace")


def test_convert_writes_the_library(tmp_path: Path) -> None:
    path = deployment(tmp_path)
    result = converter("convert", "--config_file", path, cwd=tmp_path)
    assert "build/lib/model/net.mace" in result.out and "input x: float32[1, 3, 16, 20]" in result.out and result.err == ""
    model = mace.load(tmp_path / "build/lib/model/net.mace")
    np.testing.assert_allclose(model([X])["prob"], onnxruntime_run(networks.convolution_network(), x=X)[0], rtol=1e-4, atol=1e-6)
    other = converter_json("convert", f"--config={path}", "--output=elsewhere", cwd=tmp_path)["models"][0]
    assert (tmp_path / "elsewhere/lib/model/net.mace").stat().st_size == other["bytes"]
    assert other["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 3, 16, 20]}]


def test_optimize(tmp_path: Path) -> None:
    path = deployment(tmp_path)

    def operators(*flags: str) -> dict[str, int]:
        return converter_json("convert", f"--config={path}", *flags, cwd=tmp_path)["models"][0]["operators"]

    optimized, plain = operators(), operators("--no_optimize")
    assert "BatchNormalization" in plain and "BatchNormalization" not in optimized
    for flag in ("--optimize", "--optimize=1", "--optimize=true", "--optimize=O2", "--optimize=on"):
        assert operators(flag) == optimized, flag
    for flag in ("--optimize=0", "--optimize=false", "--optimize=O0"):
        assert operators(flag) == plain, flag
    assert "--optimize" in converter("convert", f"--config={path}", "--optimize=fast", cwd=tmp_path, status=2).err


NOT_BUILT_YET = {
    "convert": (
        "--quantize",
        "--quantize=static",
        "--quantize_algorithm=minmax",
        "--enable_micro",
        "--address_sanitizer",
        "--quantize_stat",
    ),
    "run": ("--address_sanitizer", "--quantize_stat"),
    "benchmark": ("--address_sanitizer", "--quantize_stat"),
}


@pytest.mark.parametrize(("command", "flag"), [(command, flag) for command, flags in NOT_BUILT_YET.items() for flag in flags])
def test_flags_that_are_not_built_yet(command: str, flag: str, tmp_path: Path) -> None:
    path = deployment(tmp_path)
    with nothing_written(tmp_path):
        found = converter(command, f"--config={path}", flag, cwd=tmp_path, status=2).problems()
    assert len(found) == 1 and found[0].startswith(f"{flag.partition('=')[0]}: not built yet: "), found


def test_quantize_off_is_what_there_is(tmp_path: Path) -> None:
    converter("convert", f"--config={deployment(tmp_path)}", "--quantize=0", cwd=tmp_path)


def test_target_abis_and_formats(tmp_path: Path) -> None:
    path = deployment(tmp_path, top={"target_abis": ["arm64-v8a", "host"], "target_socs": ["sdm660"]})
    assert "no library is built for arm64-v8a yet" in converter("convert", f"--config={path}", cwd=tmp_path).err
    path = deployment(tmp_path, top={"target_abis": ["arm64-v8a"], "model_graph_format": "code"})
    shutil.rmtree(tmp_path / "build")
    with nothing_written(tmp_path):
        found = converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()
        assert found[0].startswith(f"{path}:{line_of(path, 'target_abis')}: target_abis: not built yet: libraries for arm64-v8a")
        assert found[1].startswith(f"{path}:{line_of(path, 'model_graph_format')}: model_graph_format: not built yet")
        for flag in ("--target_abis=armhf", "--target_abis=z80", "--target_abis=", "--model_data_format=code", "--model_graph_format=text"):
            converter("convert", f"--config={path}", flag, cwd=tmp_path, status=2)
    result = converter(
        "convert", f"--config={path}", "--target_abis=host", "--model_graph_format=file", "--model_data_format=file", cwd=tmp_path
    )
    assert result.err == ""
    result = converter("convert", f"--config={deployment(tmp_path)}", "--target_socs=random", "--debug_mode", cwd=tmp_path)
    assert "--target_socs has no effect" in result.err and "--debug_mode has no effect" in result.err


def test_devices(tmp_path: Path) -> None:
    path = deployment(tmp_path)
    converter("convert", f"--config={path}", "--devices_to_run=host", cwd=tmp_path)
    (tmp_path / "devices.yml").write_text("devices: {board: {target_abis: [arm64], address: 10.0.0.2, username: root}}\n")
    shutil.rmtree(tmp_path / "build")
    with nothing_written(tmp_path):
        for name, says in (
            ("board", "not built yet"),
            ("10.0.0.2", "not built yet"),
            ("bord", "did you mean board?"),
            ("host,boat", "boat"),
        ):
            assert says in converter("convert", f"--config={path}", f"--devices_to_run={name}", cwd=tmp_path, status=2).problems()[0]
        (tmp_path / "devices.yml").write_text("devices: {board: {target_abi: [arm64]}}\n")
        assert "did you mean target_abis?" in converter("convert", f"--config={path}", cwd=tmp_path, status=2).err


@pytest.mark.parametrize("command", ["convert", "run", "benchmark"])
def test_wrong_command_lines(command: str, tmp_path: Path) -> None:
    path = deployment(tmp_path)
    with nothing_written(tmp_path):
        assert "--config" in converter(command, cwd=tmp_path, status=2).err
        assert "--target_abis" in converter(command, f"--config={path}", "--target_abi=host", cwd=tmp_path, status=2).err
        assert "more than once" in converter(command, f"--config={path}", f"--config={path}", cwd=tmp_path, status=2).err
        assert "no such file" in converter(command, "--config=gone.yml", cwd=tmp_path, status=2).err
        found = converter(command, f"--config={tmp_path}/net.onnx", cwd=tmp_path, status=2).problems()
        assert len(found) == 1 and "not YAML" in found[0]
    assert "did you mean" in converter("conver", cwd=tmp_path, status=2).err.lower()


def test_layouts(tmp_path: Path) -> None:
    """The file says NHWC, the source has NCHW: a program feeds and gets NHWC, also at tensors inside the network."""
    proto = networks.convolution_network()
    nhwc = np.ascontiguousarray(X.transpose(0, 2, 3, 1))
    prob = onnxruntime_run(proto, x=X)[0]
    keys = graph(input_shapes=["1,16,20,3"], input_data_formats=None)
    model = converted(deployment(tmp_path, subgraphs=[keys]))
    assert [info.shape for info in model.inputs] == [(1, 16, 20, 3)]
    np.testing.assert_allclose(model([nhwc])["prob"], prob, rtol=1e-4, atol=1e-6)
    proto.graph.output.append(helper.make_tensor_value_info("r0", 1, None))
    keys = graph(input_shapes=["1,16,20,3"], input_data_formats=["NHWC"], output_tensors=["r0", "prob"], output_shapes=["1,8,10,12", "1,5"],
                 output_data_formats=["NHWC", "NONE"])  # fmt: skip
    model = converted(deployment(tmp_path, subgraphs=[keys]))
    got = model([nhwc])
    np.testing.assert_allclose(got["r0"], onnxruntime_run(proto, x=X)[1].transpose(0, 2, 3, 1), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(got["prob"], prob, rtol=1e-4, atol=1e-6)


def test_a_layout_that_the_source_has_needs_no_step(tmp_path: Path) -> None:
    proto = networks.model([helper.make_node("Relu", ["x"], ["y"])], {"x": ("float32", [1, 4, 5, 3])}, ["y"], {})
    keys = {"input_tensors": "x", "input_shapes": "1,4,5,3", "output_tensors": "y", "output_shapes": "1,4,5,3"}
    report = converter_json(
        "convert", f"--config={deployment(tmp_path, data=proto.SerializeToString(), subgraphs=[keys])}", "--no_optimize", cwd=tmp_path
    )
    assert report["models"][0]["operators"] == {"Clamp": 1} or "Transpose" not in report["models"][0]["operators"]


def test_nchw_of_a_tensorflow_lite_model(tmp_path: Path) -> None:
    writer = TfliteWriter()
    x, y = (writer.add_tensor([1, 4, 6, 3], "float32", name=name) for name in ("x", "y"))
    writer.add_operator("RELU", [x], [y])
    data = writer.finish([x], [y])
    keys = {
        "input_tensors": "x",
        "input_shapes": "1,3,4,6",
        "input_data_formats": "NCHW",
        "output_tensors": "y",
        "output_shapes": "1,4,6,3",
    }
    model = converted(deployment(tmp_path, data=data, platform="tflite", subgraphs=[keys]))
    value = networks.random(1, 1, 4, 6, 3)
    ((want,),) = run_litert(data, [[value]])
    np.testing.assert_array_equal(model([np.ascontiguousarray(value.transpose(0, 3, 1, 2))])["y"], want)


def test_shapes_that_do_not_fit(tmp_path: Path) -> None:
    fixed = networks.convolution_network(dynamic=False).SerializeToString()
    for changes, key, text in (
        ({"input_shapes": ["1,4,16,20"]}, "1,4,16,20", "x is [1, 3, 16, 20] in the source, [1, 4, 16, 20] here"),
        ({"input_shapes": ["1,16,20,3"]}, "1,16,20,3", "correct the shape or the data format"),
        ({"input_shapes": ["3,20,16"]}, "3,20,16", "[3, 20, 16]"),
        ({"output_shapes": ["1,6"]}, "1,6", "prob is [1, 5] in the source, [1, 6] here"),
        ({"input_data_types": ["int32"]}, "int32", "x is float32 in the source, int32 here; write float32"),
        ({"input_tensors": ["y"]}, "- y", "'y'"),
        ({"output_tensors": ["probability"]}, "- probability", "'probability'"),
        ({"output_tensors": ["y" * 200]}, f"- {'y' * 200}", "the model has no tensor of this name"),
    ):
        path = deployment(tmp_path, data=fixed, subgraphs=[graph(**changes)])
        with nothing_written(tmp_path):
            found = converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()
        assert len(found) == 1 and text in found[0], found
        line = line_of(path, f"- {key}" if not key.startswith("- ") else key)
        assert f"{path}:{line}" in found[0] or f"{path}:{line - 1}" in found[0], (found, line)


def test_dimensions_of_one_may_differ(tmp_path: Path) -> None:
    path = deployment(tmp_path, subgraphs=[graph(output_shapes=["1,1,1,5"], output_data_formats=None)])
    result = converter("convert", f"--config={path}", cwd=tmp_path)
    assert result.err == "warning: net: prob is [1, 5], not [1, 1, 1, 5] as the deployment file says\n"


def test_the_graph_is_cut(tmp_path: Path) -> None:
    keys = graph(input_tensors=["r0"], input_shapes=["1,12,8,10"], output_tensors=["c2"], output_shapes=["1,12,8,10"],
                 output_data_formats=["NCHW"])  # fmt: skip
    model = converted(deployment(tmp_path, subgraphs=[keys]))
    r0 = networks.random(1, 1, 12, 8, 10)
    proto = networks.convolution_network()
    from mace.checking.onnx_cut import OnnxSource

    cut = OnnxSource(proto.SerializeToString()).cut({"r0": "float32"}, ["c2"])
    want = onnxruntime.InferenceSession(cut).run(None, {"r0": r0})[0]
    np.testing.assert_allclose(model([r0])["c2"], want, rtol=1e-4, atol=1e-5)


def test_obfuscate(tmp_path: Path) -> None:
    result = converter("convert", f"--config={deployment(tmp_path, obfuscate=1)}", cwd=tmp_path)
    assert "inputs and outputs keep theirs" in result.err
    data = (tmp_path / "build/lib/model/net.mace").read_bytes()
    assert b"stem" not in data and b"classifier" not in data and b"prob" in data
    converter("convert", f"--config={deployment(tmp_path)}", cwd=tmp_path)
    assert b"classifier" in (tmp_path / "build/lib/model/net.mace").read_bytes()


SUBGRAPHS: dict[str, Any] = {
    "second": {
        "input_tensors": ["a"], "input_shapes": ["1,12,8,10"], "input_data_formats": ["NCHW"], "input_aliases": ["features"],
        "output_tensors": ["prob"], "output_shapes": ["1,5"], "order": 1, "runtime": "cpu", "data_type": "fp32_fp32",
    },
    "first": {
        "input_tensors": ["x"], "input_shapes": ["1,3,16,20"], "input_data_formats": ["NCHW"], "output_tensors": ["r0"],
        "output_shapes": ["1,12,8,10"], "output_data_formats": ["NCHW"], "output_aliases": ["features"], "order": 0, "runtime": "gpu",
    },
}  # fmt: skip


def changed(graphs: dict[str, Any], name: str, **keys: Any) -> dict[str, Any]:
    return {**graphs, name: {key: value for key, value in {**graphs[name], **keys}.items() if value is not None}}


def test_sub_graphs_become_one_model(tmp_path: Path) -> None:
    """The second begins at `a`; the alias feeds it `r0`. onnxruntime runs two files that were cut by hand."""
    path = deployment(tmp_path, subgraphs=SUBGRAPHS, runtime=None, input_tensors=["x"], output_tensors=["prob"])
    model = converted(path)
    assert [info.name for info in (*model.inputs, *model.outputs)] == ["x", "prob"]
    proto = networks.convolution_network()
    first, second = ModelProto(), ModelProto()
    first.CopyFrom(proto)
    second.CopyFrom(proto)
    del first.graph.node[3:], first.graph.output[:]
    first.graph.output.append(helper.make_tensor_value_info("r0", 1, None))
    del second.graph.node[:7], second.graph.input[:]
    second.graph.input.append(helper.make_tensor_value_info("a", 1, [1, 12, 8, 10]))
    (r0,) = onnxruntime_run(first, x=X)
    (want,) = onnxruntime_run(second, a=r0)
    np.testing.assert_allclose(model([X])["prob"], want, rtol=1e-4, atol=1e-6)
    assert not np.allclose(want, onnxruntime_run(proto, x=X)[0], rtol=1e-3)
    result = converter_json("run", f"--config={path}", "--validate", cwd=tmp_path)["models"][0]
    assert result["validation"][0]["similarity"] > 0.99999
    converter("run", f"--config={path}", "--layers=0:", cwd=tmp_path)
    log = (tmp_path / "build/lib/_tmp/net/layers/log.csv").read_text().split()
    assert [line.partition(",")[0] for line in log[1:]] == ["c0", "n0", "r0", "p", "g", "f", "l", "prob"]


def test_sub_graphs_share_an_input_by_its_alias(tmp_path: Path) -> None:
    """Two sub-graphs begin at tensors of other names; the alias makes both the model's one input."""
    proto = networks.model(
        [helper.make_node("Relu", ["p"], ["a"]), helper.make_node("Tanh", ["q"], ["b"])],
        {"p": ("float32", [1, 4]), "q": ("float32", [1, 4])}, ["a", "b"], {},
    )  # fmt: skip
    graphs = {
        name: {
            "input_tensors": [source],
            "input_shapes": ["1,4"],
            "input_aliases": ["x"],
            "output_tensors": [target],
            "output_shapes": ["1,4"],
        }
        for name, source, target in (("one", "p", "a"), ("two", "q", "b"))
    }
    data = proto.SerializeToString()
    path = deployment(tmp_path, data=data, subgraphs=graphs, input_tensors=["x"], output_tensors=["b", "a"])
    model = converted(path)
    x = networks.random(1, 1, 4)
    got = model([x])
    assert list(got) == ["b", "a"] and len(model.inputs) == 1
    np.testing.assert_allclose(got["b"], np.tanh(x), rtol=1e-5)
    np.testing.assert_array_equal(got["a"], np.maximum(x, 0))
    report = converter_json("run", f"--config={path}", "--validate", cwd=tmp_path)["models"][0]
    assert all(each["similarity"] > 0.99999 for each in report["validation"])


def test_sub_graphs_in_a_circle(tmp_path: Path) -> None:
    graphs = changed(changed(SUBGRAPHS, "first", output_tensors=["c2"]), "second", input_tensors=["r0"])
    path = deployment(tmp_path, subgraphs=graphs, input_tensors=["x"], output_tensors=["prob"])
    found = converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()
    assert len(found) == 1 and ": output_tensors[0]: join of 'c2' to 'r0': the first depends on the second" in found[0], found


def test_all_models_are_written_or_none(tmp_path: Path) -> None:
    path = deployment(tmp_path)
    text = path.read_text()
    second = text[text.index("  net:") :].replace("  net:", "  other:").replace("- prob", "- prop")
    path.write_text(text + second)
    with nothing_written(tmp_path):
        found = converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()
    assert len(found) == 1 and "'prop'" in found[0]
    path.write_text(text + second.replace("- prop", "- prob"))
    converter("convert", f"--config={path}", cwd=tmp_path)
    assert sorted(each.name for each in (tmp_path / "build/lib/model").iterdir()) == ["net.mace", "other.mace"]
    names = [each["model"] for each in converter_json("run", f"--config={path}", "--validate", cwd=tmp_path)["models"]]
    assert names == ["net", "other"]
    shutil.rmtree(tmp_path / "build")
    (tmp_path / "build/lib/model/other.mace").mkdir(parents=True)
    with nothing_written(tmp_path):  # the second cannot be written
        assert "other.mace is not a regular file" in converter("convert", f"--config={path}", cwd=tmp_path, status=1).problems()[0]


@pytest.mark.parametrize(
    ("graphs", "model", "key", "text"),
    [
        (SUBGRAPHS, {"input_tensors": None}, "input_tensors", "is required in a model of several sub-graphs"),
        (SUBGRAPHS, {"output_tensors": None}, "output_tensors", "is required in a model of several sub-graphs"),
        (SUBGRAPHS, {"output_tensors": ["prop"]}, "output_tensors[0]", "did you mean prob?"),
        (changed(SUBGRAPHS, "second", input_aliases=["feature"]), {}, "input_tensors[0]", "did you mean features?"),
        (changed(SUBGRAPHS, "second", order=0), {}, "input_tensors[0]", "no output of a sub-graph of lower order"),
        (changed(SUBGRAPHS, "second", input_shapes=["1,12,10,8"]), {}, "input_shapes[0]", "make them equal"),
        (SUBGRAPHS, {"validation_inputs_data": ["a", "b"]}, "validation_inputs_data", "2 file(s) for 1"),
        (SUBGRAPHS, {"input_tensors": ["x", "x"]}, "input_tensors[1]", "'x' is there twice; remove one"),
        (SUBGRAPHS, {"output_tensors": ["r0", "features"]}, "output_tensors[1]", "'features' is there twice, also as r0; remove one"),
        (changed(SUBGRAPHS, "first", validation_inputs_data=["a"]), {}, "validation_inputs_data", "move them to the model"),
        (changed(SUBGRAPHS, "second", validation_outputs_data=["a"]), {}, "validation_outputs_data", "move them to the model"),
    ],
)  # fmt: skip
def test_sub_graphs_that_do_not_fit(graphs: dict, model: dict, key: str, text: str, tmp_path: Path) -> None:
    path = deployment(tmp_path, subgraphs=graphs, **{"input_tensors": ["x"], "output_tensors": ["prob"], **model})
    found = converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()
    assert len(found) == 1 and f": {key}: " in found[0] and text in found[0], found


def test_check_prints_verdicts(tmp_path: Path) -> None:
    good = deployment(tmp_path)
    later = tmp_path / "later.yml"
    later.write_text(good.read_text().replace("platform: onnx", "platform: keras").replace("runtime: cpu", "runtime: cpu+gpu"))
    bad = tmp_path / "bad.yml"
    bad.write_text(good.read_text().replace("runtime", "runtme"))
    (tmp_path / "net.onnx").unlink()  # check reads no model
    rows = json.loads(converter("check", good, later, "--json", cwd=tmp_path).out)
    assert [(row["model"], row["platform"], row["runtime"], row["kind"]) for row in rows] == [
        ("net", "onnx", "cpu", "converts"), ("net", "keras", "cpu+gpu", "not built yet")
    ]  # fmt: skip
    assert rows[1]["verdict"].startswith(f"not built yet: line {line_of(later, 'platform')}: platform: keras is not built yet")
    result = converter("check", good, later, bad, tmp_path / "gone.yml", cwd=tmp_path, status=2, COLUMNS="300")
    assert f"error: {bad}:{line_of(bad, 'runtme')}: runtme: unknown key; did you mean runtime?" in result.out
    assert "converts: 1\nerror: 2\nnot built yet: 1\n" in result.out
    rows = json.loads(converter("check", good, "--json", "--target_abis=armhf", cwd=tmp_path).out)
    assert rows[0]["kind"] == "not built yet" and "--target_abis=host" in rows[0]["verdict"]
    assert converter("check", good, "--markdown", cwd=tmp_path).out.splitlines()[2] == f"| {good} | onnx | cpu | yes | yes |  |"
    assert "FILES" in converter("check", cwd=tmp_path, status=2).err


def test_another_python_hands_over(tmp_path: Path) -> None:
    """A Python without the package runs .venv's of the checkout, where there is one, and else says how to get it."""
    tools = tmp_path / "tools"
    tools.mkdir()
    shutil.copy(CHECKOUT / "tools/converter.py", tools)
    import subprocess
    import sys

    command = [sys._base_executable, "-I", str(tools / "converter.py"), "--help"]
    result = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert result.returncode == 1 and "`make build`" in result.stderr and result.stderr.count("\n") == 1
    folder = tmp_path / ".venv/bin"
    folder.mkdir(parents=True)
    (folder / "python").write_text('#!/bin/sh\necho "took over: $2"\n')
    (folder / "python").chmod(0o755)
    result = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert (result.returncode, result.stdout) == (0, "took over: --help\n")


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "build/lib/model"
    target.mkdir(parents=True)
    data = networks.convolution_network().SerializeToString()
    (target / "net.mace").write_bytes(data)
    path = deployment(tmp_path, model_file_path="build/lib/model/net.mace")
    assert "would be lost" in converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()[0]
    assert sha256((target / "net.mace").read_bytes()) == sha256(data)


def test_a_model_that_is_none(tmp_path: Path) -> None:
    path = deployment(tmp_path, data=b"hello")
    with nothing_written(tmp_path):
        found = converter("convert", f"--config={path}", cwd=tmp_path, status=1).problems()
    assert len(found) == 1 and found[0].startswith("net: ")
