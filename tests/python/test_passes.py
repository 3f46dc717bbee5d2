"""Graph passes from Python and the command line: which there are, leaving them out, what each did, and what it is worth."""

from __future__ import annotations

import json
import os
from pathlib import Path

import networks
import numpy as np
import pass_gains
import pytest
from command_line import mace as command

import mace


@pytest.fixture
def onnx_file(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(networks.convolution_network(dynamic=False).SerializeToString())
    return path


def fired(runs: tuple[dict, ...] | list[dict]) -> set[str]:
    return {run["name"] for run in runs if run["changed"]}


def test_passes_can_be_left_out(onnx_file: Path) -> None:
    x = networks.random(1, 1, 3, 16, 20)
    whole = mace.load(onnx_file)
    assert "transpose_sinking" in fired(whole.pass_runs)
    variants = {
        "off": mace.load(onnx_file, optimize=False),
        "without": mace.load(onnx_file, without_passes=["transpose_sinking"]),
        "only": mace.load(onnx_file, only_passes=["dead_code"]),
        "none": mace.load(onnx_file, only_passes=[]),
    }
    assert not variants["off"].pass_runs
    names = {name: {run["name"] for run in model.pass_runs} for name, model in variants.items()}
    assert "transpose_sinking" not in names["without"] and "dead_code" in names["without"]
    assert names["only"] - {"shape_inference"} == {"dead_code"} and not names["none"] - {"shape_inference"}
    expected = whole([x])
    for model in variants.values():
        for name, array in model([x]).items():
            np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-6)


def test_unknown_names_are_refused_with_the_known_ones(onnx_file: Path) -> None:
    names = mace.passes()
    assert len(set(names)) == len(names) >= 25
    for options in ({"without_passes": ["nonsense"]}, {"only_passes": ["dead_code", "nonsense"]}):
        with pytest.raises(mace.InvalidArgumentError, match=f"no pass is called 'nonsense'; there are {', '.join(names)}"):
            mace.load(onnx_file, **options)
    assert "no pass is called nonsense; `mace passes` lists them" in command("bench", onnx_file, "--passes=nonsense", status=2).stderr
    assert command("passes").stdout.split() == names == json.loads(command("passes", "--json").stdout)
    assert "--passes=-dead_code,algebra" in command("explain", onnx_file, "--passes=-dead_code,algebra", status=2).stderr


def test_a_mace_file_has_had_its_passes(onnx_file: Path) -> None:
    data, _ = mace.convert(onnx_file)
    assert mace.load(data).pass_runs == ()
    for options in ({"optimize": False}, {"without_passes": ["algebra"]}, {"only_passes": []}):
        with pytest.raises(mace.InvalidArgumentError, match="when a model is converted"):
            mace.load(data, **options)


def test_show_passes(onnx_file: Path) -> None:
    shown = json.loads(command("explain", onnx_file, "--show_passes", "--json").stdout)
    rows = {row["name"]: row for row in shown["passes"]}
    assert rows["transpose_sinking"]["fired"] >= 1 and rows["transpose_sinking"]["nodes"] < 0
    for name, row in rows.items():
        runs = [run for run in shown["runs"] if run["name"] == name]
        assert row["runs"] == len(runs) and row["fired"] == sum(run["changed"] for run in runs)
        assert row["nodes"] == sum(run["nodes_after"] - run["nodes_before"] for run in runs)
    text = command("explain", onnx_file, "--show_passes", "--passes=-transpose_sinking").stdout
    assert "dead_code" in text and "transpose_sinking" not in text
    assert not json.loads(command("explain", onnx_file, "--show_passes", "--no_optimize", "--json").stdout)["passes"]
    for flag in ("--no_optimize", "--passes=-transpose_sinking"):
        steps = json.loads(command("explain", onnx_file, flag, "--json").stdout)["steps"]
        assert any(node["op"] == "Transpose" for step in steps for node in step["nodes"])
    assert json.loads(command("bench", onnx_file, "--rounds=1", "--no_optimize", "--json").stdout)["median_ms"] > 0


def test_pass_gains_page(tmp_path: Path, onnx_file: Path) -> None:
    """bench/pass_gains.py on networks that are here: its page names every pass, what it says, and numbers that conversions confirm."""
    page = tmp_path / "passes.md"
    arguments = [f"--small={onnx_file.parent}", f"--generated={tmp_path / 'none'}", "--write", str(page), "--quick"]
    networks_ = pass_gains.find_networks(None, None, onnx_file.parent)
    passes, problems = pass_gains.structure(networks_, mace.passes(), lambda text: None)
    assert not problems and [network.name for network in networks_] == ["small/net"]
    gain = next(entry for entry in passes if entry.name == "transpose_sinking").gains[0]
    for i, options in enumerate(({}, {"without_passes": ["transpose_sinking"]})):
        _, details = mace.convert(onnx_file, **options)
        assert gain.nodes[i] == sum(details["operators"].values())
    assert gain.nodes[0] < gain.nodes[1] and all(0 < size < onnx_file.stat().st_size * 2 for size in gain.bytes)
    assert all(entry.text for entry in passes), [entry.name for entry in passes if not entry.text]
    ms, ratio = pass_gains.compare(networks_[0], (mace.convert(onnx_file)[0],) * 2, 3)
    assert min(ms) > 0 and ratio[1] <= ratio[0] <= ratio[2]
    page.write_text(pass_gains.document(passes, ["a: b"], [], 3))
    text = page.read_text()
    assert all(f"| `{name}` |" in text for name in mace.passes()) and "- a: b" in text
    assert "| `transpose_sinking` | 1 | small/net |" in text
    with pytest.raises(SystemExit):
        pass_gains.main([*arguments, "--only=nonsense"])


@pytest.mark.skipif(not os.environ.get("MACE_TEST_MODELS"), reason="MACE_TEST_MODELS is not set")
def test_passes_fire_on_named_networks() -> None:
    root = Path(os.environ["MACE_TEST_MODELS"])
    wanted = {
        "onnx/ppocr_cls": {"shape_folding", "scale_folding", "hard_swish_recognition"},
        "onnx/ppocrv4_det": {"input_bias_folding", "input_folding"},
        "onnx/mobilenet_v1_0.25_128_int8_qdq": {"quantized_fusion", "constant_folding"},
        "onnx/all_minilm_l6_v2_fp16w": {"cast_sinking", "gelu_recognition", "fully_connected_fusion"},
        "tflite/mobilenet_v1_0.25_128_f16": {"constant_conversion"},
        "tflite/rnn_unrolled_random_f32": {"slice_merging", "stack_merging", "reshape_merging", "lstm_recognition"},
        "tflite/posenet_mnv1_075_353x481": {"pad_folding"},
        "tflite/traffic_ssd_lstm": {"concat_merging", "weight_sharing"},
    }
    found = {network.name: network for network in pass_gains.find_networks(None, root, None)}
    passes, problems = pass_gains.structure([found[name] for name in wanted], mace.passes(), lambda text: None)
    assert not problems
    for name, expected in wanted.items():
        assert expected <= {entry.name for entry in passes for gain in entry.gains if gain.network.name == name}, name
