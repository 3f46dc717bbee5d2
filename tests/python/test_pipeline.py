"""Pipelines stored with a model, against the same steps in NumPy."""

from __future__ import annotations

import subprocess
from pathlib import Path

import networks
import numpy as np
import pytest
from mace.pipeline import Color, CtcDecode, Layout, NonMaxSuppression, Normalize, Resize, Softmax, Source, TopK
from onnx import ModelProto, helper
from tflite_writer import TfliteWriter

import mace

ROOT = Path(__file__).resolve().parents[2]
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def network(shape: list, channels: int = 3) -> ModelProto:
    """x [n, channels, h, w] through a padded convolution to y."""
    return networks.model(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])], {"x": ("float32", shape)}, ["y"],
        {"w": networks.random(1, 4, channels, 3, 3)},
    )  # fmt: skip


def plain(proto: ModelProto, *inputs: np.ndarray) -> np.ndarray:
    return next(iter(mace.load(proto.SerializeToString())(list(inputs)).values()))


def convert(proto: ModelProto, **options: object) -> mace.Model:
    return mace.load(mace.convert(proto.SerializeToString(), **options)[0])


def pictures(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def bilinear(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """[N, H, W, C] with half-pixel centres, in float64."""
    for axis, size in ((1, height), (2, width)):
        source = picture.shape[axis]
        place = np.clip((np.arange(size) + 0.5) * source / size - 0.5, 0, source - 1)
        low = np.floor(place).astype(int)
        weight = (place - low).reshape([-1 if i == axis else 1 for i in range(4)])
        high = np.minimum(low + 1, source - 1)
        picture = picture.take(low, axis).astype(float) * (1 - weight) + picture.take(high, axis) * weight
    return picture


def nchw(picture: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(picture.transpose(0, 3, 1, 2), np.float32)


def test_camera_to_network() -> None:
    proto = network([1, 3, 24, 32])
    model = convert(proto, preprocess={"x": [Color("nv12", "bgr"), Resize(24, 32), Normalize(MEAN, DEVIATION), Layout("NHWC", "NCHW")]})
    assert [(t.name, t.dtype) for t in model.inputs] == [("x", "uint8")] and len(model.inputs[0].shape) == 3
    frame = pictures(1, 72 // 2 * 3, 80)
    luma = frame[:, :72].astype(int)
    u, v = (frame[:, 72:, i::2].astype(int).repeat(2, 1).repeat(2, 2) - 128 for i in (0, 1))
    grey = 76309 * (luma - 16)  # 1.164383, 16 bits behind the point
    rgb = [grey + 104597 * v, grey - 25675 * u - 53279 * v, grey + 132201 * u]
    bgr = np.clip((np.stack(rgb[::-1], axis=-1) + 32768) >> 16, 0, 255)
    want = plain(proto, nchw((bilinear(bgr, 24, 32) / 255 - MEAN) / DEVIATION))
    np.testing.assert_allclose(model([frame])["y"], want, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize("size", [(50, 30), (20, 90), (24, 32), (7, 5)])
def test_keep_aspect(mode: str, centre: bool, size: tuple[int, int]) -> None:
    proto = network([1, 3, 24, 32])
    steps = [Resize(24, 32, mode, keep_aspect=True, centre=centre, pad_value=114), Normalize(0, 1, scale=1), Layout("NHWC", "NCHW")]
    model = convert(proto, preprocess={"x": steps})
    picture = pictures(1, *size, 3)
    scale = min(24 / size[0], 32 / size[1])
    height, width = (min(limit, max(1, int(side * scale + 0.5))) for side, limit in zip(size, (24, 32), strict=True))
    if mode == "bilinear":
        small = bilinear(picture, height, width)
    else:
        small = picture[:, np.arange(height) * size[0] // height][:, :, np.arange(width) * size[1] // width]
    want = np.full((1, 24, 32, 3), 114.0)
    top, left = ((24 - height) // 2, (32 - width) // 2) if centre else (0, 0)
    want[:, top : top + height, left : left + width] = small
    np.testing.assert_allclose(model([picture])["y"], plain(proto, nchw(want)), rtol=1e-3, atol=0.05)


@pytest.mark.parametrize("source,target", [("rgb", "bgr"), ("gray", "rgb"), ("rgb", "gray"), ("bgr", "gray"), ("rgb", "rgb")])
def test_colors(source: str, target: str) -> None:
    proto = network([1, 1 if target == "gray" else 3, 6, 8], 1 if target == "gray" else 3)
    model = convert(proto, preprocess={"x": [Color(source, target), Layout("NHWC", "NCHW")]})
    picture = pictures(1, 6, 8, 1 if source == "gray" else 3)
    real = picture.astype(float)
    if source == "gray":
        real = real.repeat(3, 3)
    elif target == "gray":
        real = real[..., :: 1 if source == "rgb" else -1] @ np.array([[0.299], [0.587], [0.114]])
    elif source != target:
        real = real[..., ::-1]
    np.testing.assert_allclose(model([picture])["y"], plain(proto, nchw(real)), rtol=1e-4, atol=1e-2)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_pixels_go_as_bytes_into_a_model_of_bytes(mode: str) -> None:
    """Its scale is 0.05, its zero point 128: taken as real numbers nearly all pixels would be clipped."""
    writer = TfliteWriter()
    x, z = (writer.add_tensor([1, 8, 8, 2], "uint8", [0.05], [128], name=name) for name in "xz")
    writer.add_operator("RELU", [x], [z])
    steps = [Source(shape=(1, None, None, 2)), Resize(8, 8, mode=mode)]
    model = mace.load(mace.convert(writer.finish([x], [z]), preprocess={"x": steps})[0])
    picture = pictures(1, 8, 16, 2)
    small = picture[:, :, ::2] if mode == "nearest" else np.rint(bilinear(picture, 8, 8))
    assert np.array_equal(model([picture])["z"], np.maximum(small, 128))


def test_open_sizes_stay_open() -> None:
    proto = network(["n", 3, "h", "w"])
    model = convert(proto, preprocess={"x": [Normalize(0.5, 0.5), Layout("NHWC", "NCHW")]})
    assert model.inputs[0].shape == ("n", "h", "w", 3)
    for size in ((1, 8, 8, 3), (2, 5, 9, 3)):
        picture = pictures(*size)
        np.testing.assert_allclose(model([picture])["y"], plain(proto, nchw((picture / 255 - 0.5) / 0.5)), rtol=1e-3, atol=1e-4)


def test_source() -> None:
    proto = network([1, 3, 8, 8])
    steps = [Source("float32", (1, 16, 16, 3)), Resize(8, 8), Layout("NHWC", "NCHW")]
    model = convert(proto, preprocess={"x": steps})
    assert (model.inputs[0].dtype, model.inputs[0].shape) == ("float32", (1, 16, 16, 3))
    x = networks.random(3, 1, 16, 16, 3)
    np.testing.assert_allclose(model([x])["y"], plain(proto, nchw(bilinear(x, 8, 8))), rtol=1e-3, atol=1e-4)


def test_layouts_meet_the_importers() -> None:
    """An NCHW network with NHWC edges has no Transpose left, and keeps the model's element type."""
    data, details = mace.convert(
        network([1, 3, 16, 16]).SerializeToString(),
        preprocess={"x": [Layout("NHWC", "NCHW")]},
        postprocess={"y": [Layout("NCHW", "NHWC")]},
    )
    assert "Transpose" not in details["operators"]
    model = mace.load(data)
    assert (model.inputs[0].dtype, model.inputs[0].shape, model.outputs[0].shape) == ("float32", (1, 16, 16, 3), (1, 16, 16, 4))
    x = networks.random(5, 1, 16, 16, 3)
    want = plain(network([1, 3, 16, 16]), nchw(x))
    np.testing.assert_allclose(model([x])["y"], want.transpose(0, 2, 3, 1), rtol=1e-5, atol=1e-5)


def test_no_transpose_behind_a_picture() -> None:
    steps = [Color("rgb", "bgr"), Resize(16, 16), Normalize(MEAN, DEVIATION), Layout("NHWC", "NCHW")]
    _, details = mace.convert(network([1, 3, 16, 16]).SerializeToString(), preprocess={"x": steps})
    assert details["operators"].get("Transpose", 0) == 1  # of the output, which stays NCHW


def classifier(shape: list) -> ModelProto:
    return networks.model([helper.make_node("Relu", ["x"], ["y"])], {"x": ("float32", shape)}, ["y"], {})


def test_top_k_with_labels() -> None:
    model = convert(classifier(["n", 10]), postprocess={"y": [Softmax(), TopK(3, labels=[f"class {i}" for i in range(10)])]})
    assert [t.name for t in model.outputs] == ["y", "y_indices"]
    x = np.abs(networks.random(1, 2, 10))
    y = model([x])
    soft = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    order = np.argsort(-soft, axis=1, kind="stable")[:, :3]
    np.testing.assert_array_equal(y["y_indices"], order)
    np.testing.assert_allclose(y["y"], np.take_along_axis(soft, order, 1), rtol=1e-5)


def test_ctc_decode() -> None:
    model = convert(classifier(["n", "t", 4]), postprocess={"y": [CtcDecode(blank=-1)]})
    assert [t.name for t in model.outputs] == ["y", "y_lengths", "y_scores", "y_steps"]
    path = [3, 0, 0, 3, 0, 2, 2, 1]
    y = model([np.eye(4, dtype=np.float32)[None, path] * 0.75])
    assert y["y"].tolist() == [[0, 0, 2, 1, -1, -1, -1, -1]] and y["y_lengths"].tolist() == [4]
    assert y["y_steps"].tolist() == [[1, 4, 5, 7, -1, -1, -1, -1]] and y["y_scores"][0, :5].tolist() == [0.75] * 4 + [0]


@pytest.mark.parametrize("class_last", [False, True])
def test_non_max_suppression(class_last: bool) -> None:
    nodes = [helper.make_node("Relu", ["b"], ["boxes"]), helper.make_node("Relu", ["s"], ["scores"]), helper.make_node("Neg", ["s"], ["z"])]
    shape = ["n", "count", 2] if class_last else ["n", 2, "count"]
    proto = networks.model(nodes, {"b": ("float32", ["n", "count", 4]), "s": ("float32", shape)}, ["scores", "boxes", "z"], {})
    step = NonMaxSuppression("scores", max_detections=3, box_format="xyxy", class_last=class_last)
    model = convert(proto, postprocess={"boxes": [step]})
    assert [t.name for t in model.outputs] == ["boxes", "z", "boxes_classes", "boxes_scores", "boxes_count"]
    boxes = np.array([[[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30]]], np.float32)
    scores = np.array([[[0.9, 0.8, 0], [0, 0.3, 0.7]]], np.float32)
    y = model({"b": boxes, "s": scores.transpose(0, 2, 1).copy() if class_last else scores})
    assert y["boxes_count"].tolist() == [3] and y["boxes_classes"].tolist() == [[0, 1, 1]]
    np.testing.assert_allclose(y["boxes_scores"], [[0.9, 0.7, 0.3]])
    np.testing.assert_array_equal(y["boxes"][0], boxes[0, [0, 2, 1]])


def test_mace_run_runs_it(tmp_path: Path) -> None:
    """What is stored needs no Python."""
    program = ROOT / "build" / "mace_run"
    if not program.exists():
        pytest.skip("build/mace_run is not built")
    steps = {"x": [Color("nv21", "rgb"), Resize(8, 8), Normalize(0.5, 0.5), Layout("NHWC", "NCHW")]}
    data, _ = mace.convert(network([1, 3, 8, 8]).SerializeToString(), preprocess=steps, postprocess={"y": [TopK(2, axis=1)]})
    (tmp_path / "net.mace").write_bytes(data)
    frame = pictures(1, 18, 14)
    (tmp_path / "in").mkdir()
    np.save(tmp_path / "in" / "in_0.npy", frame)
    command = [program, "--model_file", tmp_path / "net.mace", "--input_dir", tmp_path / "in", "--output_dir", tmp_path / "out"]
    subprocess.run(command, check=True, capture_output=True)
    want = mace.load(data)([frame])
    for i, name in enumerate(want):
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"out_{i}.npy"), want[name])


REFUSED = [
    ({"preprocess": {"z": [Resize(8, 8)]}}, "no input is called 'z'; the model has 'x'"),
    ({"preprocess": {"x": [Resize(8, 9), Layout("NHWC", "NCHW")]}}, "the steps give"),
    ({"preprocess": {"x": [Resize(0, 8), Layout("NHWC", "NCHW")]}}, "step 1 (Resize): to 0 x 8"),
    ({"preprocess": {"x": [Layout("NHWC", "NCHW"), Resize(8, 8)]}}, "step 2 (Resize): takes NHWC pictures"),
    ({"preprocess": {"x": [Normalize((1, 2), 1), Layout("NHWC", "NCHW")]}}, "2 means and deviations for 3 channels"),
    ({"preprocess": {"x": [Normalize(0, 0), Layout("NHWC", "NCHW")]}}, "no finite number"),
    ({"preprocess": {"x": [Layout("NCHW", "NCHW")]}}, "expected NHWC to NCHW, or NCHW to NHWC"),
    ({"preprocess": {"x": [Layout("NHWC", "NCHW"), Source()]}}, "step 2 (Source): can only be the first step"),
    ({"preprocess": {"x": [Source(shape=(1, 3))]}}, "the shape [1, 3] does not fit"),
    ({"preprocess": {"x": [TopK(1)]}}, "step 1 (TopK): belongs behind an output"),
    ({"postprocess": {"y": [Resize(8, 8)]}}, "step 1 (Resize): belongs in front of an input"),
    ({"postprocess": {"y": [TopK(9, axis=1)]}}, "the best 9 of axis 1"),
    ({"postprocess": {"y": [TopK(1), Softmax()]}}, "step 2 (Softmax): the step in front of it must be the last one"),
    ({"postprocess": {"y": [CtcDecode()]}}, "step 1 (CtcDecode)"),
    ({"postprocess": {"y": [NonMaxSuppression("s")]}}, "no output is called 's'"),
    ({"postprocess": {"y": [NonMaxSuppression("y")]}}, "step 1 (NonMaxSuppression)"),
    ({"preprocess": {"x": Resize(8, 8)}}, "expected a list of steps for 'x'"),
    ({"preprocess": {"x": ["Resize"]}}, "'Resize' of 'x' is not a step"),
    ({"preprocess": [Resize(8, 8)]}, "expected a dict of tensor name to a list of steps"),
]


@pytest.mark.parametrize("options,message", REFUSED)
def test_refusals(options: dict, message: str) -> None:
    with pytest.raises(mace.MaceError) as error:
        mace.convert(network([1, 3, 8, 8]).SerializeToString(), **options)
    assert message in str(error.value)


@pytest.mark.parametrize("make", [
    lambda: Resize("8", 8), lambda: Resize(8, 8, "cubic"), lambda: Color("rgb", "nv12"), lambda: Color("yuv", "rgb"),
    lambda: Normalize(float("nan")), lambda: Normalize("0.5"), lambda: Layout("NHWC", "NC"), lambda: TopK(1.5), lambda: TopK(True),
    lambda: Source("float16"), lambda: Source(shape=(1, -5)), lambda: Resize(8, 8, keep_aspect=1),
    lambda: Source(shape=0), lambda: Source(shape=False),
])  # fmt: skip
def test_fields_are_checked(make: object) -> None:
    with pytest.raises(mace.InvalidArgumentError, match="expected"):
        make()
