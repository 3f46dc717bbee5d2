"""Quantized convolutions and fully connected layers of TensorFlow Lite, random: the bytes of LiteRT's reference kernels."""

from __future__ import annotations

import numpy as np
import pytest
from tflite_cases import Case, run_cases

ACTIVATIONS = [0, 0, 0, 1, 2, 3]  # none, RELU, RELU_N1_TO_1, RELU6
SAME, VALID = 0, 1
# The inputs' type; scales of the weights; the bias's type.
FORMS = ["uint8", "int8", "int8 channels", "int16 int64", "int16 channels int64"]
CONVOLUTION_FORMS = [*FORMS, "int16 int32", "int16 channels int32"]
DEPTHWISE_FORMS = [*FORMS, "int16 none", "int16 channels none"]
FULLY_CONNECTED_FORMS = [*CONVOLUTION_FORMS, "int16 none", "int16 channels none", "int16 none narrow"]


class Layer:
    """The operands of a layer of one of the forms: weights of any values, a bias as large as the sums, an output scale that fits."""

    def __init__(self, case: Case, form: str, weight_shape: list[int], channel_axis: int, depth: int) -> None:
        parts = form.split()
        self.dtype = parts[0]
        self.weight_type = "uint8" if self.dtype == "uint8" else "int8"
        channels = weight_shape[channel_axis]
        self.x_scale = case.scale(1e-4, 1e-1)
        self.x_zero = case.zero_point(self.dtype)
        weight_scales = [case.scale(1e-3, 1e-1) for _ in range(channels if "channels" in parts else 1)]
        weight_zeros = [case.zero_point("uint8") if self.dtype == "uint8" else 0] * len(weight_scales)
        data = case.data(weight_shape, self.weight_type)
        if self.weight_type == "int8" and case.integer(0, 1):
            data = np.maximum(data, -127)
        self.weights = case.writer.add_tensor(weight_shape, self.weight_type, weight_scales, weight_zeros, channel_axis, data)
        # Typical sums, now and then hundreds of them or hardly any in a unit of the output.
        typical = self.x_scale * max(weight_scales) * 128 * np.sqrt(max(depth, 1)) / 3
        self.y_scale = float(np.float32(typical * case.choose([1.0, 1.0, 0.3, 3.0, 0.01, 100.0])))
        bias_type = (
            parts[-1].replace("narrow", "none")
            if parts[-1] in ("int32", "int64", "none", "narrow")
            else case.choose(["int32", "int32", "none"])
        )
        narrow = form.endswith("int32") or form == "int16 none narrow"
        self.options = {"quantizedBiasType": 2} if narrow else {}  # LiteRT reads it as int64 unless told
        self.bias = -1
        if bias_type != "none":
            # With a bias of 64 bits LiteRT wants results that fit into 32 bits before they are clamped.
            fits = int(np.log2(2**29 * self.y_scale / (self.x_scale * max(weight_scales))))
            most = 2 ** case.integer(4, 30 if bias_type == "int32" else min(fits, 40))
            values = case.random.integers(-most, most, channels).astype(bias_type)
            scales = [float(np.float32(self.x_scale) * np.float32(s)) for s in weight_scales]
            self.bias = case.writer.add_tensor([channels], bias_type, scales, data=values)

    def operands(self, x: int) -> list[int]:
        return [x, self.weights] if self.bias < 0 else [x, self.weights, self.bias]


def geometry(case: Case) -> tuple[dict, list[int], list[int]]:
    """Options, the kernel and the size of the picture."""
    padding = case.integer(SAME, VALID)
    dilations = [1, 1] if case.integer(0, 2) else [case.integer(1, 3), case.integer(1, 3)]
    strides = [1, 1] if max(dilations) > 1 else [case.integer(1, 3), case.integer(1, 3)]
    kernel = case.choose([[1, 1], [3, 3], [case.integer(1, 4), case.integer(1, 5)]])
    extents = [(k - 1) * d + 1 for k, d in zip(kernel, dilations, strict=True)]
    size = [case.integer(1 if padding == SAME else extent, extent + 8) for extent in extents]
    options = {
        "padding": padding, "strideH": strides[0], "strideW": strides[1], "dilationHFactor": dilations[0], "dilationWFactor": dilations[1],
        "fusedActivationFunction": case.choose(ACTIVATIONS),
    }  # fmt: skip
    return options, kernel, size


@pytest.mark.parametrize("form", CONVOLUTION_FORMS)
def test_conv2d(form: str) -> None:
    def build(case: Case) -> list[int]:
        options, kernel, size = geometry(case)
        groups = case.choose([1, 1, 1, 2]) if "int16" not in form else 1
        inputs, outputs = case.integer(1, 20) * groups, case.integer(1, 20) * groups
        layer = Layer(case, form, [outputs, *kernel, inputs // groups], 0, kernel[0] * kernel[1] * inputs // groups)
        x = case.input([case.integer(1, 2), *size, inputs], layer.dtype, layer.x_scale, layer.x_zero)
        output = case.output(layer.dtype, layer.y_scale)
        case.writer.add_operator("CONV_2D", layer.operands(x), [output], "Conv2DOptions", **options, **layer.options)
        return [output]

    run_cases(f"CONV_2D {form}", build, accepted=0.3)


@pytest.mark.parametrize("form", DEPTHWISE_FORMS)
def test_depthwise_conv2d(form: str) -> None:
    def build(case: Case) -> list[int]:
        options, kernel, size = geometry(case)
        options["strideH"] = options["strideW"]
        inputs, multiplier = case.integer(1, 20), case.choose([1, 1, 2, 3])
        layer = Layer(case, form, [1, *kernel, inputs * multiplier], 3, kernel[0] * kernel[1])
        x = case.input([case.integer(1, 2), *size, inputs], layer.dtype, layer.x_scale, layer.x_zero)
        output = case.output(layer.dtype, layer.y_scale)
        case.writer.add_operator(
            "DEPTHWISE_CONV_2D", layer.operands(x), [output], "DepthwiseConv2DOptions", depthMultiplier=multiplier, **options
        )
        return [output]

    run_cases(f"DEPTHWISE_CONV_2D {form}", build, accepted=0.3)


@pytest.mark.parametrize("form", FULLY_CONNECTED_FORMS)
def test_fully_connected(form: str) -> None:
    def build(case: Case) -> list[int]:
        depth, outputs = case.choose([case.integer(1, 20), case.integer(1, 200)]), case.integer(1, 33)
        layer = Layer(case, form, [outputs, depth], 0, depth)
        keep = bool(case.integer(0, 1))
        shape = [*case.shape(case.integer(0, 2), high=4), depth]
        if not keep and case.integer(0, 3) == 0 and len(shape) > 1:
            shape = [*shape[:-2], depth, shape[-2]]  # rows of `depth` elements, whatever the shape
        x = case.input(shape, layer.dtype, layer.x_scale, layer.x_zero)
        output = case.output(layer.dtype, layer.y_scale)
        case.writer.add_operator(
            "FULLY_CONNECTED", layer.operands(x), [output], "FullyConnectedOptions", keepNumDims=keep,
            fusedActivationFunction=case.choose(ACTIVATIONS), **layer.options,
        )  # fmt: skip
        return [output]

    run_cases(f"FULLY_CONNECTED {form}", build, accepted=0.3)
