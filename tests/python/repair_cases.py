"""ONNX models that MACE's importer repairs, one for each kind of repair, and what computes the same without MACE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
Feeds = dict[str, np.ndarray]


@dataclass
class Case:
    """A model, the node that is repaired (the label of messages; "": the model), and the left side of the comparison: a model for
    onnxruntime or ONNX's reference evaluator. Where neither runs the old form, `left_model` is what the specification says of it,
    written with operators of today."""

    name: str
    form: str  # what the table calls it
    node: str
    model: onnx.ModelProto | bytes
    feeds: Feeds
    by: str = "onnxruntime"
    left_model: onnx.ModelProto | None = None
    tolerance: float = 1e-5
    left_names: dict[str, str] = field(default_factory=dict)  # outputs of MACE to those of the left side, where they differ

    @property
    def data(self) -> bytes:
        """The model's file."""
        return self.model if isinstance(self.model, bytes) else self.model.SerializeToString()


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    """Normal numbers."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def make(
    nodes: list[onnx.NodeProto], inputs: dict[str, Any], outputs: list[str], opset: int, constants: Feeds | None = None,
    domains: dict[str, int] | None = None, ir_version: int = 8, output_types: dict[str, Any] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """A model; inputs are arrays (or (type, shape)), whose types and shapes count."""

    def info(name: str, value: Any) -> onnx.ValueInfoProto:
        if isinstance(value, tuple):
            return helper.make_tensor_value_info(name, *value)
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape)

    types = output_types or {}
    graph = helper.make_graph(
        nodes,
        "repaired",
        [info(name, value) for name, value in inputs.items()],
        [info(name, types[name]) if name in types else helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(*item) for item in (domains or {}).items())]
    return helper.make_model(graph, opset_imports=opsets, ir_version=ir_version)


def one(
    operator: str, inputs: Feeds, opset: int, constants: Feeds | None = None, domain: str = "", output_type: Any = None, **attributes: Any
) -> onnx.ModelProto:
    """A model of the one node "n" with the output "y"."""
    names = [*inputs, *(constants or {})]
    node = helper.make_node(operator, names, ["y"], name="n", domain=domain, **attributes)
    types = {"y": output_type} if output_type else None
    return make([node], inputs, ["y"], opset, constants, {domain: 1} if domain else None, output_types=types)


def legacy_cases() -> list[Case]:
    """Operators and forms that ONNX dropped."""
    x = {"x": noise(2, 3, 4, 5)}
    channel = noise(3, seed=1)
    image = {"x": noise(1, 2, 4, 6)}
    spatial = {name: noise(3, 4, 5, seed=i) for i, name in enumerate(("scale", "bias", "mean"), 2)} | {
        "variance": np.abs(noise(3, 4, 5, seed=9)) + 0.5
    }
    tiles = {"tiles": np.array(3, np.float32), "axis": np.array(1, np.float32)}
    repeats = {"repeats": np.array([1, 3, 1, 1], np.int64)}
    slice_bounds = {"starts": np.array([1, 0], np.int64), "ends": np.array([3, 2], np.int64), "axes": np.array([2, 3], np.int64)}
    groups = {"scale": noise(2, seed=3), "bias": noise(2, seed=4)}
    grouped = {"x": noise(2, 6, 4, 5)}
    cases = [
        Case("legacy_broadcast", "`axis` and `broadcast` of Add, Mul, ... before operator set 7", "n",
             one("Mul", x, 6, {"b": channel}, broadcast=1, axis=1), x, left_model=one("Mul", x, 17, {"b": channel.reshape(3, 1, 1)})),
        Case("legacy_prelu", "a slope of each channel (PRelu) before operator set 7", "n",
             one("PRelu", x, 6, {"b": channel}), x, left_model=one("PRelu", x, 17, {"b": channel.reshape(3, 1, 1)})),
        Case("upsample", "Upsample", "n", one("Upsample", image, 9, {"s": np.array([1, 1, 2, 1.5], np.float32)}, mode="linear"), image),
        Case("upsample_set_1", "Upsample with `height_scale` and `width_scale` (operator set 1)", "n",
             one("Upsample", image, 1, height_scale=2.0, width_scale=3.0, mode="nearest"), image,
             left_model=one("Upsample", image, 9, {"s": np.array([1, 1, 2, 3], np.float32)}, mode="nearest")),
        Case("batch_normalization_of_elements", "BatchNormalization with `spatial=0` (operator sets before 9)", "n",
             one("BatchNormalization", x, 7, spatial, spatial=0), x),
        Case("softmax_of_matrix", "Softmax, LogSoftmax and Hardmax of several axes (operator sets before 13)", "n",
             one("Softmax", x, 11, axis=1), x),
        Case("group_normalization_18", "GroupNormalization with a scale for each group (operator sets 18 to 20)", "n",
             one("GroupNormalization", grouped, 18, groups, num_groups=2), grouped, by="reference", tolerance=1e-4),
        Case("tile_of_axis", "Tile of one axis (operator sets before 6)", "n", one("Tile", x, 1, tiles), x,
             left_model=one("Tile", x, 17, repeats)),
        Case("affine", "Affine (dropped)", "n", one("Affine", image, 7, alpha=1.5, beta=-0.5), image),
        Case("scale", "Scale (dropped)", "n", one("Scale", image, 7, scale=0.75), image),
        Case("image_scaler", "ImageScaler (dropped)", "n", one("ImageScaler", image, 7, scale=0.5, bias=[1.0, -2.0]), image),
        Case("crop", "Crop (dropped)", "n", one("Crop", image, 7, border=[1, 1, 2, 0]), image),
        Case("crop_to_size", "Crop with `scale` (dropped)", "n", one("Crop", image, 7, border=[2, 1, 0, 0], scale=[2, 3]), image),
        Case("scaled_tanh", "ScaledTanh (dropped)", "n", one("ScaledTanh", image, 7, alpha=1.5, beta=0.5), image),
        Case("parametric_softplus", "ParametricSoftplus (dropped)", "n", one("ParametricSoftplus", image, 7, alpha=1.5, beta=0.5), image),
        Case("dynamic_slice", "DynamicSlice (dropped)", "n", one("DynamicSlice", image, 7, slice_bounds), image),
        Case("mean_variance_normalization_1", "MeanVarianceNormalization of operator sets before 9", "n",
             one("MeanVarianceNormalization", x, 7, across_channels=1, normalize_variance=1), x),
        Case("mean_normalization_1", "MeanVarianceNormalization without the variance, of operator sets before 9", "n",
             one("MeanVarianceNormalization", x, 7, across_channels=0, normalize_variance=0), x),
    ]  # fmt: skip
    return [*cases, scan_8()]


def scan_8() -> Case:
    """A running sum over sequences, for each element of the batch."""
    body = helper.make_graph(
        [helper.make_node("Add", ["state", "element"], ["next"]), helper.make_node("Identity", ["next"], ["out"])],
        "body",
        [helper.make_tensor_value_info(name, FLOAT, [3]) for name in ("state", "element")],
        [helper.make_tensor_value_info(name, FLOAT, [3]) for name in ("next", "out")],
    )
    feeds = {"initial": noise(2, 3), "x": noise(2, 5, 3)}
    node = helper.make_node("Scan", ["", "initial", "x"], ["last", "y"], name="n", num_scan_inputs=1, body=body)
    return Case("scan_8", "Scan with batches (operator set 8)", "n", make([node], feeds, ["last", "y"], 8), feeds)


def mode_cases() -> list[Case]:
    """Modes and forms without a kernel."""
    image = {"x": noise(1, 2, 5, 7)}
    volume = {"x": noise(1, 2, 3, 4, 5)}
    pixels = {"x": np.arange(64, dtype=np.uint8).reshape(1, 1, 8, 8)}
    flags = {"x": np.arange(64).reshape(1, 1, 8, 8) % 3 == 0}
    bool_type = (TensorProto.BOOL, None)
    matrices = {"a": noise(2, 3, 4), "b": noise(2, 4, 5, seed=1)}
    scales = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 0.6, 1.7], np.float32)}
    integer_scales = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 2], np.float32)}
    volume_scales = {"roi": np.zeros(0, np.float32), "scales": np.array([1, 1, 2, 1.5, 2], np.float32)}
    half_pixel = {"coordinate_transformation_mode": "half_pixel"}
    return [
        Case("resize_tf_half_pixel", "Resize with `tf_half_pixel_for_nn` (operator sets 11 and 12)", "n",
             one("Resize", image, 11, scales, mode="nearest", coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor"),
             image),
        Case("resize_of_volume", "Resize over three axes", "n", one("Resize", volume, 13, volume_scales, mode="linear", **half_pixel), volume),
        Case("resize_of_integers", "linear Resize of integers", "n",
             one("Resize", pixels, 13, integer_scales, mode="linear", output_type=(TensorProto.UINT8, None),
                 coordinate_transformation_mode="asymmetric"), pixels),
        Case("resize_of_bool", "Resize of bool", "n",
             one("Resize", flags, 19, {"r": np.zeros(0, np.float32), "s": np.array([1, 2, 2, 2], np.float32)}, mode="nearest",
                 output_type=bool_type), flags, left_model=repeated_flags(flags)),
        Case("convolution_of_volume", "Conv over three axes", "n",
             one("Conv", volume, 13, {"w": noise(3, 2, 2, 3, 3, seed=2), "b": noise(3, seed=3)}, pads=[1, 1, 1, 0, 1, 1]), volume,
             tolerance=1e-4),
        Case("einsum", "Einsum", "n", one("Einsum", matrices, 13, equation="bij,bjk->kbi"), matrices, tolerance=1e-4),
        Case("center_crop_pad", "CenterCropPad", "n",
             one("CenterCropPad", image, 18, {"shape": np.array([8, 4], np.int64)}, axes=[2, 3]), image, by="reference"),
        Case("causal_convolution", "CausalConvWithState", "n",
             one("CausalConvWithState", {"x": noise(2, 3, 8)}, 27, {"w": noise(3, 1, 4, seed=1), "b": noise(3, seed=2)}, activation="silu"),
             {"x": noise(2, 3, 8)}, by="reference", tolerance=1e-4),
        *onnxruntime_cases(),
    ]  # fmt: skip


def repeated_flags(flags: Feeds) -> onnx.ModelProto:
    """Each element twice along axes 1 to 3, which the nearest element of a doubled size is; neither runtime resizes bool."""
    rows = {"two": np.array([0, 0]), "rows": np.arange(16) // 2}
    nodes = [
        helper.make_node("Gather", ["x", "two"], ["t"], axis=1),
        helper.make_node("Gather", ["t", "rows"], ["u"], axis=2),
        helper.make_node("Gather", ["u", "rows"], ["y"], axis=3),
    ]
    return make(nodes, flags, ["y"], 17, rows, output_types={"y": (TensorProto.BOOL, None)})


def onnxruntime_cases() -> list[Case]:
    """Operators that onnxruntime's tools write; each that becomes several nodes is one repair."""
    matrices = {"a": noise(2, 4)}
    b, c = noise(4, 3, seed=1), noise(3, seed=2)
    domain = "com.microsoft"
    image = {"x": noise(1, 2, 5, 7)}
    fused = {"activation": "LeakyRelu", "activation_alpha": 0.2}
    return [
        Case("fused_gemm", "FusedGemm and others of com.microsoft", "n",
             one("FusedGemm", matrices, 13, {"b": b, "c": c}, domain, **fused), matrices),
        Case("fused_conv", "FusedConv of com.microsoft", "n",
             one("FusedConv", image, 13, {"w": noise(3, 2, 3, 3, seed=4)}, domain, activation="Relu"), image, tolerance=1e-4),
    ]  # fmt: skip


def file_cases() -> list[Case]:
    """Files that say something else than they mean."""
    x = {"x": noise(2, 3)}
    double = helper.make_node("Add", ["x", "x"], ["t"], name="first")
    negate = helper.make_node("Neg", ["t"], ["y"], name="second")
    other = helper.make_node("Abs", ["x"], ["y"], name="n")
    sound = make([double, negate], x, ["y"], 13)
    twice = make([other], x, ["y"], 13)
    twice.graph.output.append(twice.graph.output[0])
    wrong = one("Abs", x, 13, output_type=(FLOAT, [7, 7, 7]))
    old = one("Abs", x, 1)
    del old.opset_import[:]
    old.ir_version = 2
    default = make([helper.make_node("Add", ["x", "w"], ["y"], name="n")], x | {"w": noise(3)}, ["y"], 13, {"w": noise(3, seed=5)})
    plain = one("Abs", x, 13)
    return [
        Case("unsorted", "nodes that stand before what they read", "second", make([negate, double], x, ["y"], 13), x, left_model=sound),
        Case("output_twice", "an output listed twice", "y", twice, x, left_model=plain, left_names={"y_1": "y"}),
        Case("declared_shape", "an output declared with another shape", "y", wrong, x, left_model=plain),
        Case("no_operator_set", "files of IR version 1 and 2, which name no operator set", "", old, x, left_model=plain),
        Case("default_input", "inputs with default values (IR version 4 and later)", "w", default, x),
    ]


def cases() -> list[Case]:
    """All of them."""
    groups: list[Callable[[], list[Case]]] = [legacy_cases, mode_cases, file_cases]
    return [case for group in groups for case in group()]
