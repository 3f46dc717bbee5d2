"""`mace check` as a command: what it prints, writes and ends with; the formats' runtimes; its parts. Faults: test_check_faults.py."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import networks
import numpy as np
import onnxruntime
import pytest
from command_line import mace as run_mace
from command_line import one_line
from mace.checking.candidate import Candidate
from mace.checking.check import Checker, reference_for
from mace.checking.judge import EQUAL, NODE, ONE_UNIT, QUANTIZED_WHOLE, measure, node_tolerance, whole_tolerance
from mace.checking.regions import Planner, batches
from mace.checking.sources import Node, OnnxReference, TfliteReference, open_source
from mace.checking.sources_caffe import layers_of
from mace.report import Cell, Picture, Report, Table, Text
from onnx import helper, save
from test_cut_tflite import small_tflite
from tflite_writer import TfliteWriter

import mace


@pytest.fixture
def net(tmp_path: Path) -> Path:
    save(networks.convolution_network(dynamic=False), tmp_path / "net.onnx")
    return tmp_path / "net.onnx"


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """The network with one node's output changed."""
    proto = networks.convolution_network(dynamic=False)
    node = next(each for each in proto.graph.node if each.name == "residual")
    node.op_type = "Sub"
    save(proto, tmp_path / "wrong.onnx")
    return tmp_path / "wrong.onnx"


def test_it_agrees(net: Path) -> None:
    result = run_mace("check", net, "--verbose", "--seed=1", "--seed=2")
    assert "agrees with onnxruntime" in result.stdout and "12 nodes and 1 outputs" in result.stdout and "depthwise" in result.stdout
    found = json.loads(run_mace("check", net, "--json").stdout)
    assert found["agrees"] and [each["node"] for each in found["nodes"]][:2] == ["stem", "norm"] and found["whole"][0]["right"]


def scalar_sum(operator: str) -> bytes:
    """The sum of [x, x], or of [x, x * x], as a scalar, and x + x."""
    writer = TfliteWriter()
    x = writer.add_tensor([2, 3], "float32", name="x")
    axes = writer.add_constant(np.array([0, 1], np.int32))
    y, doubled = writer.add_tensor([2, 3], "float32", name="y"), writer.add_tensor([2, 3], "float32", name="doubled")
    total = writer.add_tensor([], "float32", name="total")
    writer.add_operator("ADD", [x, x], [doubled], "AddOptions")
    writer.add_operator(operator, [x, x], [y], "AddOptions" if operator == "ADD" else "MulOptions")
    writer.add_operator("SUM", [y, axes], [total], "ReducerOptions")
    return writer.finish([x], [total, doubled])


def test_scalars_are_compared(tmp_path: Path) -> None:
    for name, operator in (("net", "ADD"), ("other", "MUL")):
        (tmp_path / f"{name}.tflite").write_bytes(scalar_sum(operator))
    assert "3 nodes and 2 outputs" in run_mace("check", tmp_path / "net.tflite").stdout
    result = run_mace("check", tmp_path / "net.tflite", f"--against={tmp_path / 'other.tflite'}", "--json", status=1)
    found = json.loads(result.stdout)
    assert {each["tensor"]: each["right"] for each in found["whole"]} == {"total": False, "doubled": True}


def test_an_output_that_cannot_be_compared_is_told(net: Path, tmp_path: Path) -> None:
    proto = networks.convolution_network(dynamic=False)
    proto.graph.node.append(helper.make_node("Relu", [proto.graph.output[0].name], ["another"]))
    proto.graph.output.append(helper.make_tensor_value_info("another", 1, None))
    save(proto, tmp_path / "more.onnx")
    result = run_mace("check", net, f"--against={tmp_path / 'more.onnx'}", status=1)
    text = " ".join(result.stdout.split())
    assert "Not all was compared" in text and "no value of the output 'another'" in text
    found = json.loads(run_mace("check", net, f"--against={tmp_path / 'more.onnx'}", "--json", status=1).stdout)
    assert found["missing"] == ["another"] and not found["agrees"] and not found["culprits"]


def test_a_difference_is_named_and_reproduced(net: Path, wrong: Path, tmp_path: Path) -> None:
    folder, page = tmp_path / "small", tmp_path / "report.html"
    result = run_mace("check", net, f"--against={wrong}", f"--reproducer={folder}", f"--html={page}", status=1)
    assert "node residual (Add): a is wrong" in result.stdout and "WRONG" in result.stdout
    assert "node residual (Add): a is wrong" in page.read_text()
    # The reproducer is that node, fed with the reference's values; MACE computes its file as onnxruntime does, so not what was wanted.
    files = sorted(os.listdir(folder))
    assert files == ["README.md", "in_0.npy", "in_1.npy", "node.onnx", "out_0.npy"]
    assert (folder / "node.onnx").stat().st_size < 1000
    c2, r0, want = (np.load(folder / name) for name in ("in_0.npy", "in_1.npy", "out_0.npy"))
    np.testing.assert_allclose(want, c2 + r0, rtol=1e-6)
    got = mace.load(folder / "node.onnx")([c2, r0])["a"]
    np.testing.assert_allclose(got, c2 - r0, rtol=1e-6)
    run_mace("run", "node.onnx", "--input_dir=.", "--output_dir=got", cwd=folder)  # as the README says
    np.testing.assert_array_equal(np.load(folder / "got" / "out_0.npy"), got)
    run_mace("check", "node.onnx", "--input_dir=.", cwd=folder)


def test_a_mace_file_is_judged_by_its_outputs(net: Path, wrong: Path, tmp_path: Path) -> None:
    for source, status in ((net, 0), (wrong, 1)):
        run_mace("convert", source, "-o", tmp_path / "copy.mace")
        result = run_mace("check", net, f"--against={tmp_path / 'copy.mace'}", status=status)
    assert "output prob is wrong" in result.stdout and "cannot be cut" in result.stdout


def test_given_inputs_and_shapes(tmp_path: Path) -> None:
    save(networks.convolution_network(), tmp_path / "net.onnx")
    one_line(run_mace("check", tmp_path / "net.onnx", status=1), "--input_shape=x:")
    run_mace("check", tmp_path / "net.onnx", "--input_shape=x:2,3,12,8")
    np.save(tmp_path / "in_0.npy", networks.random(3, 1, 3, 10, 14))
    found = json.loads(run_mace("check", tmp_path / "net.onnx", f"--input_dir={tmp_path}", "--json").stdout)
    assert found["nodes"][0]["tensors"][0]["shape"] == [1, 12, 5, 7]
    assert "--input_dir" in run_mace("check", tmp_path / "net.onnx", f"--input_dir={tmp_path}", "--seed=1", status=2).stderr
    one_line(run_mace("check", tmp_path / "absent.onnx", status=1), "absent.onnx")


def test_a_runtime_that_is_not_installed(net: Path) -> None:
    hidden = net.parent / "hidden"
    hidden.mkdir()
    (hidden / "onnxruntime.py").write_text("raise ImportError('not here')\n")
    path = f"{hidden}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    one_line(run_mace("check", net, status=1, env={**os.environ, "PYTHONPATH": path}), "pip install onnxruntime")


def test_tflite(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_bytes(small_tflite())
    found = json.loads(run_mace("check", tmp_path / "net.tflite", "--json").stdout)
    assert found["agrees"] and [each["op"] for each in found["nodes"]] == ["CONV_2D", "MUL", "ADD"]
    assert "ai-edge-litert" in found["runtime"]


def test_integers_that_a_source_refuses(tmp_path: Path) -> None:
    """A table of two rows: indices below 100 are out of range."""
    proto = networks.model(
        [helper.make_node("Gather", ["table", "ids"], ["y"], name="lookup")], {"ids": ("int64", [5])}, ["y"],
        {"table": networks.random(1, 2, 3)},
    )  # fmt: skip
    save(proto, tmp_path / "net.onnx")
    run_mace("check", tmp_path / "net.onnx")


def test_every_tensor_of_the_source(net: Path) -> None:
    proto = networks.convolution_network(dynamic=False)
    source = OnnxReference(net.read_bytes(), ["x"])
    x = networks.random(1, 1, 3, 16, 20)
    values = source.run({"x": x}, source.computed())
    assert list(values) == [name for node in proto.graph.node for name in node.output]
    np.testing.assert_allclose(values["prob"], onnxruntime.InferenceSession(net).run(None, {"x": x})[0], rtol=1e-4)
    np.testing.assert_array_equal(values["r0"], np.maximum(values["n0"], 0))
    assert source.nodes()[6] == Node("residual", "Add", ("c2", "r0"), ("a",))
    tflite = TfliteReference(small_tflite(), ["x"])
    assert tflite.computed() == ["net/conv/Relu6", "net/square", "net/out"]


def test_what_a_source_cannot_compute_is_left_out() -> None:
    """A tensor beside the outputs whose computing fails: the others are judged."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node("Cast", ["r"], ["index"], name="index", to=7),
        helper.make_node("Gather", ["table", "index"], ["picked"], name="pick"),  # out of range where r is large
        helper.make_node("Neg", ["r"], ["y"], name="negative"),
    ]
    data = networks.model(nodes, {"x": ("float32", [3])}, ["y"], {"table": networks.random(1, 2)}).SerializeToString()
    reference, _ = reference_for(data, Candidate(data), open_source, None, None)
    reference.add({"x": np.array([1, 500, -2], np.float32)})
    assert reference.samples[0].keys() >= {"r", "index", "y"} and "picked" not in reference.samples[0]
    result = Checker(reference, Candidate(data)).check("net")
    assert result.agrees and [each.region.label for each in result.nodes] == ["relu", "index", "negative"]


def test_the_judge() -> None:
    x = networks.random(1, 40)
    range_of = float(np.abs(x).max())
    assert measure(x, x).largest == 0 and measure(x, x).equal == 1
    off = x.copy()
    off[3] += np.float32(0.01 * range_of)
    found = measure(x, off)
    np.testing.assert_allclose([found.relative, found.equal], [0.01, 39 / 40], rtol=1e-3)
    np.testing.assert_allclose(found.cosine, x @ off / np.linalg.norm(x) / np.linalg.norm(off), rtol=1e-6)
    assert not NODE["float32"].accepts(found) and QUANTIZED_WHOLE.accepts(found)
    assert measure(x, x[:39]).trouble and measure(x, x.reshape(1, 40, 1)).largest == 0
    for value in (np.nan, np.inf):
        odd = x.copy()
        odd[0] = value
        assert not QUANTIZED_WHOLE.accepts(measure(x, odd)) and not QUANTIZED_WHOLE.accepts(measure(odd, x))
        assert NODE["float32"].accepts(measure(odd, odd))
    assert not NODE["float32"].accepts(measure(x, -x)) and not NODE["float32"].accepts(measure(np.zeros(3), np.full(3, 1e-3)))
    integers = np.array([1, 2, 300], np.int32)
    assert ONE_UNIT.accepts(measure(integers, integers + 1)) and not ONE_UNIT.accepts(measure(integers, integers + 2))
    assert not EQUAL.accepts(measure(integers, integers + 1)) and EQUAL.accepts(measure(integers, integers))
    assert node_tolerance(np.dtype("int64"), False, False) == EQUAL and node_tolerance(np.dtype("int8"), True, False) == ONE_UNIT
    assert whole_tolerance(np.dtype("bool"), False) == EQUAL and NODE["float32"].relative < 1e-2


def test_batches_are_independent() -> None:
    """No node of a batch reads what another of it computes; of a chain there are two. What cannot be seen joins what reads it."""
    nodes = [Node(f"n{i}", "Op", (f"t{i}",), (f"t{i + 1}",)) for i in range(20)]
    nodes.append(Node("add", "Add", ("t20", "t7", "t2"), ("t21",)))
    planner = Planner(nodes, ["t0"])
    visible = {f"t{i}" for i in range(1, 22)}
    found = batches(planner.regions(visible))
    assert len(found) <= 3 and sum(map(len, found)) == 21
    for batch in found:
        assert {name for region in batch for name in region.inputs}.isdisjoint(name for region in batch for name in region.outputs)
    region = planner.regions(visible - {"t5", "t6"})[4]
    assert (region.inputs, region.outputs, [node.name for node in region.absorbed]) == (("t4",), ("t7",), ["n4", "n5"])


def test_layers_of_a_prototxt() -> None:
    text = """name: "net" # layer { name: "no" }
    layer { name: "data" type: "Input" top: "data" input_param { shape: { dim: 1 } } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" convolution_param { num_output: 4 filler { type: "xavier" } } }
    layer { name: "drop" type: "Dropout" bottom: "conv" top: "conv" include { phase: TRAIN } }
    layer { name: 'relu' type: "ReLU" bottom: "conv" top: "conv" }"""
    assert [each["name"] + each["bottom"] + each["top"] for each in layers_of(text)] == [
        ["conv", "data", "conv"], ["relu", "conv", "conv"],
    ]  # fmt: skip


class Page(HTMLParser):
    """Tags, addresses and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_self_contained_and_escapes() -> None:
    evil = '<script>alert("x")</script>"><img src=http://example.com/x onerror=alert(1)>\udc80'
    picture = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    sections = [
        Table(evil, [evil, "n"], [[evil, Cell(evil, 1.5, "bad", 0.25)], ["b", Cell("2", 2.0)]], note=evil),
        Text(evil, [evil], "good"), Picture(evil, picture), Picture("png", b"\x89PNG"),
    ]  # fmt: skip
    data = Report(evil, evil, "bad", {evil: evil}, sections).render()
    page = Page(data.decode())
    assert page.tags.count("script") == 1 and page.tags.count("img") == 2 and "svg" not in page.tags
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert page.text.count('alert("x")') >= 10 and "default-src 'none'" in data.decode() and 'data-key="1.5"' in data.decode()
    assert "link" not in page.tags and b"prefers-color-scheme: dark" in data
    assert data.count(b"<tr>") == 3 and b"width: 25.0%" in data
