"""Caffe networks as a whole: forms of the weights file, inputs and phases, states, detection, deployment files."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from caffe_cases import convolve, lstm
from caffe_writer import caffemodel, input_layer, layer
from command_line import mace as command
from deployments import converter, deployment, graph, sha256

import mace

RNG = np.random.default_rng(5)
WEIGHTS, BIAS = RNG.normal(size=(4, 3, 3, 3)).astype(np.float32), RNG.normal(size=4).astype(np.float32)
CONVOLUTION = layer("conv", "Convolution", ["data"], ["conv"], "convolution_param { num_output: 4 kernel_size: 3 }")
NETWORK = input_layer("data", (10, 3, 6, 7)) + CONVOLUTION + layer("relu", "ReLU", ["conv"], ["conv"])
IMAGE = RNG.normal(size=(2, 3, 6, 7)).astype(np.float32)


def expected() -> np.ndarray:
    return np.maximum(convolve(IMAGE.astype(float), WEIGHTS.astype(float), BIAS.astype(float)), 0)


@pytest.mark.parametrize("form", ["shape", "legacy", "double", "unpacked"])
@pytest.mark.parametrize("old", [False, True], ids=["layer", "layers"])
def test_forms_of_a_weights_file(form: str, old: bool) -> None:
    model = mace.load(NETWORK.encode(), weights=caffemodel({"conv": [WEIGHTS, BIAS]}, form, old))
    np.testing.assert_allclose(model({"data": IMAGE})["conv"], expected(), atol=1e-4)


def test_the_batch_is_open_whatever_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NETWORK)
    (tmp_path / "net.caffemodel").write_bytes(caffemodel({"conv": [WEIGHTS, BIAS]}))
    model = mace.load(tmp_path / "net.prototxt", weights=tmp_path / "net.caffemodel")
    assert model.inputs[0].shape == ("batch", 3, 6, 7)
    for count in (1, 2):
        assert model({"data": IMAGE[:count]})["conv"].shape == (count, 4, 4, 5)


def test_old_inputs_and_layers() -> None:
    text = """
    # a network of 2014
    name: 'old'  input: "data"  input_dim: 1 input_dim: 3 input_dim: 6 input_dim: 7
    layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" convolution_param < num_output: 4; kernel_size: 3, > }
    layers { name: "relu" type: RELU bottom: "conv" top: "conv" }
    """
    model = mace.load(text.encode(), weights=caffemodel({"conv": [WEIGHTS, BIAS]}, "legacy", True))
    np.testing.assert_allclose(model({"data": IMAGE})["conv"], expected(), atol=1e-4)


def test_missing_weights_say_how_to_give_them() -> None:
    with pytest.raises(mace.InvalidArgumentError, match=r"layer 'conv' \(Convolution\) first\): give its .caffemodel, weights="):
        mace.load(NETWORK.encode())
    with pytest.raises(mace.DataLossError, match=r"the bias in the \.caffemodel has 3 elements, expected"):
        mace.load(NETWORK.encode(), weights=caffemodel({"conv": [WEIGHTS, BIAS[:3]]}))


def test_cut_in_front_of_what_is_written_in_place() -> None:
    data, _ = mace.convert(NETWORK.encode(), weights=caffemodel({"conv": [WEIGHTS, BIAS]}), outputs=["relu"])
    assert [info.name for info in mace.load(data).outputs] == ["relu"]
    part, _ = mace.convert(
        NETWORK.encode() + layer("neg", "Power", ["conv"], ["neg"], "power_param { scale: -1 }").encode(), inputs={"conv": None}
    )
    y = np.abs(RNG.normal(size=(1, 4, 4, 5))).astype(np.float32)
    np.testing.assert_array_equal(mace.load(part)({"conv": y})["neg"], -y)  # the layer with weights is not needed


def test_parameters_that_are_not_known_are_told() -> None:
    text = input_layer("x", (1, 2)) + layer("r", "ReLU", ["x"], ["y"], "relu_param { negative_slope: 0 sharpness: 3 engine: CAFFE }")
    _, details = mace.convert(text.encode())
    assert len(details["warnings"]) == 1 and "sharpness is not known and was ignored" in details["warnings"][0]


def test_a_recurrent_layer_keeps_its_state_between_runs() -> None:
    blobs = [RNG.normal(size=shape).astype(np.float32) for shape in ((20, 3), (20,), (20, 5))]
    text = (
        input_layer("x", (4, 2, 3))
        + input_layer("cont", (4, 2))
        + layer("l", "LSTM", ["x", "cont"], ["h"], "recurrent_param { num_output: 5 }")
    )
    session = mace.load(text.encode(), weights=caffemodel({"l": blobs})).session()
    x, cont = RNG.normal(size=(8, 2, 3)).astype(np.float32), np.ones((8, 2), np.float32)
    whole = lstm(x.astype(float), cont, *[blob.astype(float) for blob in blobs])[0]
    for begin in (0, 4):
        part = slice(begin, begin + 4)
        np.testing.assert_allclose(session({"x": x[part], "cont": cont[part]})["h"], whole[part], atol=1e-5)


DETECTION = """layer { name: "out" type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "out" detection_output_param {
  num_classes: 3 share_location: true background_label_id: 0 nms_param { nms_threshold: 0.45 top_k: 20 } code_type: CENTER_SIZE
  keep_top_k: 10 confidence_threshold: 0.3 } }"""


@pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="opencv-python-headless is not installed")
def test_detections_agree_with_opencv() -> None:
    import cv2

    rng = np.random.default_rng(3)
    count = 30
    corners = rng.uniform(0, 0.7, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.1, 0.3, (count, 2))], 1)
    prior = np.stack([boxes.ravel(), np.tile([0.1, 0.1, 0.2, 0.2], count)])[None].astype(np.float32)
    loc, conf = rng.normal(size=(1, count * 4)).astype(np.float32), rng.uniform(size=(1, count * 3)).astype(np.float32)
    feeds = {"loc": loc, "conf": conf, "prior": prior}
    text = "".join(input_layer(name, array.shape) for name, array in feeds.items()) + DETECTION
    net = cv2.dnn.readNetFromCaffe(np.frombuffer(text.encode(), np.uint8))
    for name, array in feeds.items():
        net.setInput(array, name)
    want = net.forward("out")[0, 0]
    got = mace.load(text.encode())(feeds)["out"][0, 0]
    assert got.shape == want.shape and len(got) == 10
    order = [np.lexsort((rows[:, 2], rows[:, 1])) for rows in (got, want)]
    np.testing.assert_allclose(got[order[0]], want[order[1]], atol=1e-5)


def test_a_deployment_file_of_platform_caffe(tmp_path: Path) -> None:
    weights = caffemodel({"conv": [WEIGHTS, BIAS]})
    (tmp_path / "net.caffemodel").write_bytes(weights)
    part = graph(
        input_tensors=["data"],
        input_shapes=["1,6,7,3"],
        input_data_formats=["NHWC"],
        output_tensors=["conv"],
        output_shapes=["1,4,5,4"],
        output_data_formats=["NHWC"],
    )
    keys = {"platform": "caffe", "weight_file_path": "net.caffemodel", "weight_sha256_checksum": sha256(weights)}
    path = deployment(tmp_path, data=NETWORK.encode(), subgraphs=[part], **keys)
    converter("convert", f"--config={path}", cwd=tmp_path)
    model = mace.load(next(tmp_path.rglob("*.mace")))
    got = model({"data": IMAGE[:1].transpose(0, 2, 3, 1)})["conv"]
    np.testing.assert_allclose(got, expected()[:1].transpose(0, 2, 3, 1), atol=1e-4)
    (tmp_path / "net.caffemodel").write_bytes(weights + b"x")
    assert "weight_sha256_checksum" in converter("convert", f"--config={path}", cwd=tmp_path, status=2).problems()[0]


def test_every_command_takes_weights(tmp_path: Path) -> None:
    (tmp_path / "net.prototxt").write_text(NETWORK)
    (tmp_path / "net.caffemodel").write_bytes(caffemodel({"conv": [WEIGHTS, BIAS]}))
    (name, shape), *_ = [(t.name, t.shape) for t in mace.load(tmp_path / "net.prototxt", weights=tmp_path / "net.caffemodel").inputs]
    dims = [dim if isinstance(dim, int) else 1 for dim in shape]
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "in_0.npy", np.ones(dims, np.float32))
    given = (tmp_path / "net.prototxt", f"--weights={tmp_path / 'net.caffemodel'}")
    of_shape = f"--input_shape={name}:{','.join(map(str, dims))}"
    command("info", *given)
    command("run", *given, f"--input_dir={tmp_path / 'in'}", f"--output_dir={tmp_path / 'out'}")
    command("explain", *given, of_shape)
    command("bench", *given, of_shape, "--rounds=1", "--warmup=0")
    data = mace.convert(tmp_path / "net.prototxt", weights=tmp_path / "net.caffemodel")[0]
    (tmp_path / "net.mace").write_bytes(data)
    assert "weights belong to a Caffe model" in command("info", tmp_path / "net.mace", given[1], status=1).stderr
