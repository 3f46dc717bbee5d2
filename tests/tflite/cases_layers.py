"""Models of layers: convolutions, products, pooling, normalisation, resizing, lookups."""

from __future__ import annotations

import numpy as np
from operator_cases import FLOATS, Case, cases

ACTIVATIONS = [0, 0, 1, 2, 3]
# The largest difference that quantizing a float input at run time makes, as hybrid kernels do and MACE does not.
HYBRID = 5e-2


def weights(case: Case, shape: list[int], dtype: str, axis: int, per_channel: bool) -> tuple[int, list[float]]:
    """A constant of weights, and its scales along `axis`."""
    if dtype in FLOATS:
        return case.constant(case.data(shape, dtype), dtype), []
    if dtype == "uint8" and case.dtype in FLOATS:  # hybrid: the bytes of symmetric int8
        return case._tensor(shape, dtype, case.scale(1e-3, 1e-2), 0, case.data(shape, "int8", -127, 127).view(np.uint8)), []
    count = shape[axis] if per_channel else 1
    scales = [case.scale(1e-3, 1e-2) for _ in range(count)]
    points = [case.zero_point("uint8") if dtype == "uint8" else 0] * count
    limits = {"low": -127, "high": 127} if dtype == "int8" else {}
    return case._tensor(shape, dtype, scales, points, case.data(shape, dtype, **limits), axis), scales


def layer_tensors(case: Case, shape: list[int], weight_shape: list[int], axis: int, bias: bool = True) -> tuple[list[int], int]:
    """Input, weights, bias and output of a layer for case.type_name: "int8", or "INPUT x WEIGHTS", or the same "per channel"."""
    words = case.type_name.split()
    dtype = words[2] if "x" in words else {"int16": "int8"}.get(case.dtype, case.dtype)
    per_channel = "channel" in words
    x = case.input(shape)
    w, scales = weights(case, weight_shape, dtype, axis, per_channel)
    channels = weight_shape[axis]
    if case.dtype in FLOATS:
        b = case.constant(case.data([channels], "float32" if case.dtype == "float32" else case.dtype), case.dtype)
        return [x, w, b if bias else -1], case.output()
    bias_type = "int64" if case.dtype == "int16" and "int32" not in words else "int32"
    input_scale = case.kinds[x][2]
    bias_scales = [input_scale * s for s in scales]
    b = case._tensor(
        [channels], bias_type, bias_scales, [0] * len(scales), case.random.integers(-1000, 1000, channels).astype(bias_type), 0
    )
    return [x, w, b if bias else -1], case.output(scale=case.scale(0.05, 0.5))


LAYER_TYPES = (
    *FLOATS, "int8", "uint8", "int16", "int8 x int8 per channel", "int16 x int8 per channel", "int16 x int8 int32 bias", "int8 x int4",
    "int8 x int4 per channel", "int16 x int4", "int16 x int4 per channel",
)  # fmt: skip
HYBRID_TYPES = ("float32 x int8", "float32 x int8 per channel", "float32 x uint8", "float32 x int4", "float32 x int4 per channel")


def convolution(case: Case, name: str) -> None:
    hybrid = case.type_name in HYBRID_TYPES  # a clamp would hide the size that the tolerance is relative to
    kernel = [case.integer(1, 3), case.integer(1, 3)]
    depth, channels = 2 * case.integer(1, 4), 2 * case.integer(1, 4)
    shape = [case.integer(1, 2), case.integer(3, 8), case.integer(3, 8), depth]
    padding = case.integer(0, 1)
    fields = {"padding": padding, "strideW": case.integer(1, 2), "strideH": case.integer(1, 2)}
    fields["fusedActivationFunction"] = 0 if hybrid else case.choose(ACTIVATIONS)
    if case.flip(3):
        fields |= {"dilationWFactor": 2, "dilationHFactor": 1}
        shape[2] += 4
    else:
        fields |= {"dilationWFactor": 1, "dilationHFactor": 1}
    version = 7 if "int4" in case.type_name else 3
    if "int32" in case.type_name:
        version = 8
        if name == "CONV_2D":
            fields["quantizedBiasType"] = 2
    if name == "CONV_2D":
        inputs, output = layer_tensors(case, shape, [channels, *kernel, depth], 0)
        return case.add(name, inputs, [output], "Conv2DOptions", version=version, **fields)
    multiplier = case.integer(1, 2)
    inputs, output = layer_tensors(case, shape, [1, *kernel, depth * multiplier], 3)
    case.add(name, inputs, [output], "DepthwiseConv2DOptions", version=min(version, 6), depthMultiplier=multiplier, **fields)


AS_BYTES = "two packed weights are read as one byte"
cases("CONV_2D", types=LAYER_TYPES)(convolution)
cases("DEPTHWISE_CONV_2D", types=LAYER_TYPES, left_out={"int16 x int4": AS_BYTES, "int16 x int4 per channel": AS_BYTES})(convolution)
cases("CONV_2D", "DEPTHWISE_CONV_2D", types=HYBRID_TYPES, tolerance=HYBRID)(convolution)


@cases("CONV_2D", types=["float32", "int8"])
def grouped_convolution(case: Case, name: str) -> None:
    groups, depth = case.integer(2, 3), case.integer(1, 3)
    inputs, output = layer_tensors(case, [1, 5, 4, groups * depth], [groups * case.integer(1, 3), 2, 2, depth], 0)
    case.add(name, inputs, [output], "Conv2DOptions", padding=0, strideW=1, strideH=1, dilationWFactor=1, dilationHFactor=1)


def transposed_convolution(case: Case, name: str) -> None:
    kernel, stride = [case.integer(2, 4), case.integer(2, 4)], [case.integer(1, 2), case.integer(1, 2)]
    depth, channels = 2 * case.integer(1, 3), 2 * case.integer(1, 3)
    shape = [case.integer(1, 2), case.integer(2, 5), case.integer(2, 5), depth]
    padding = case.integer(0, 1)
    extents = [n * s if padding == 0 else (n - 1) * s + k for n, s, k in zip(shape[1:3], stride, kernel, strict=True)]
    (x, w, b), output = layer_tensors(case, shape, [channels, *kernel, depth], 0)
    size = case.constant([shape[0], *extents, channels])
    bias = [b] if case.flip() else []
    fields = {"padding": padding, "strideH": stride[0], "strideW": stride[1]}
    if "int32" in case.type_name:
        fields["quantizedBiasType"] = 2
    case.add(name, [size, w, x, *bias], [output], "TransposeConvOptions", version=3 if bias else 2, **fields)


cases("TRANSPOSE_CONV", types=LAYER_TYPES)(transposed_convolution)
cases("TRANSPOSE_CONV", types=HYBRID_TYPES, tolerance=HYBRID)(transposed_convolution)


def fully_connected(case: Case, name: str) -> None:
    depth, units = 2 * case.integer(1, 20), case.integer(1, 9)
    shape = [*case.shape(ranks=(1, 2), high=4), depth]
    inputs, output = layer_tensors(case, shape, [units, depth], 0, bias=not case.flip(3))
    version = {"uint8": 2, "float32": 1}.get(case.type_name, 4)
    if "int4" in case.type_name:
        version = 10
    if "channel" in case.type_name:
        version = 12
    fields = {"fusedActivationFunction": 0 if case.type_name in HYBRID_TYPES else case.choose(ACTIVATIONS), "keepNumDims": case.flip()}
    if "int32" in case.type_name:
        fields["quantizedBiasType"], version = 2, 13
    case.add(name, inputs, [output], "FullyConnectedOptions", version=version, **fields)


cases("FULLY_CONNECTED", types=LAYER_TYPES)(fully_connected)
cases("FULLY_CONNECTED", types=HYBRID_TYPES, tolerance=HYBRID)(fully_connected)


@cases("FULLY_CONNECTED", types=["float32", "int8", "int16"])
def fully_connected_at_run_time(case: Case, name: str) -> None:
    """Weights that another operator computes."""
    depth, units = case.integer(1, 20), case.integer(1, 9)
    x = case.input([case.integer(1, 4), depth])
    w = case.input([units, depth], "int8" if case.dtype == "int16" else None, zero_point=0)
    case.add(
        name, [x, w, -1], [case.output(scale=case.scale(0.5, 1) if case.dtype != "float32" else None)], "FullyConnectedOptions", version=4
    )


def batch_product(case: Case, name: str) -> None:
    rows, depth, columns = case.integer(1, 5), 2 * case.integer(1, 6), case.integer(1, 5)
    # LiteRT's hybrid kernel takes the scales of the first batch for all.
    batch = case.shape(ranks=(0, 2), high=3) if case.type_name == case.dtype else [1]
    options = {"adjX": case.flip(), "adjY": case.flip()}
    a = [depth, rows] if options["adjX"] else [rows, depth]
    b = [columns, depth] if options["adjY"] else [depth, columns]
    words = case.type_name.split()
    x = case.input([*batch, *a])
    if len(words) == 1:
        zeros = {"zero_point": 0} if case.dtype in ("int8", "int16") and case.flip() else {}
        y = case.input([*batch, *b], **zeros, constant=case.flip(3))
    else:
        y, _ = weights(case, [*batch, *b], words[2], 0, False)
    case.add(
        name,
        [x, y],
        [case.output(scale=case.scale(0.5, 1) if case.dtype in ("int8", "uint8", "int16") else None)],
        "BatchMatMulOptions",
        version=4,
        **options,
    )


cases("BATCH_MATMUL")(batch_product)
cases("BATCH_MATMUL", types=["float32 x int8"], tolerance=HYBRID)(batch_product)


@cases("AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D")
def pooling(case: Case, name: str) -> None:
    x = case.input([case.integer(1, 2), case.integer(3, 8), case.integer(3, 8), case.integer(1, 5)])
    fields = {
        "padding": case.integer(0, 1), "strideW": case.integer(1, 3), "strideH": case.integer(1, 3), "filterWidth": case.integer(1, 3),
        "filterHeight": case.integer(1, 3), "fusedActivationFunction": case.choose(ACTIVATIONS),
    }  # fmt: skip
    case.add(name, [x], [case.output_like(x)], "Pool2DOptions", **fields)


@cases("SOFTMAX", "LOG_SOFTMAX")
def softmax(case: Case, name: str) -> None:
    x = case.input(case.shape())
    logarithm = name == "LOG_SOFTMAX"
    scale = {"int8": 1 / 256, "uint8": 1 / 256, "int16": 1 / 32768}.get(case.dtype)
    point = {"int8": -128, "uint8": 0, "int16": 0}.get(case.dtype)
    if logarithm:
        scale, point = {"int8": 16 / 256, "uint8": 16 / 256}.get(case.dtype), {"int8": 127, "uint8": 255}.get(case.dtype)
    options = {} if logarithm else {"beta": float(case.choose([1.0, 1.0, 0.5, 2.0]))}
    case.add(name, [x], [case.output(scale=scale, zero_point=point)], "LogSoftmaxOptions" if logarithm else "SoftmaxOptions", **options)


@cases("SOFTMAX", types=["int8 to int16"])
def wide_softmax(case: Case, name: str) -> None:
    x = case.input(case.shape())
    case.add(name, [x], [case.output("int16", scale=1 / 65536, zero_point=-32768)], "SoftmaxOptions", beta=1.0, version=3)


@cases("L2_NORMALIZATION")
def l2_normalization(case: Case, name: str) -> None:
    x = case.input(case.shape())
    scale = 1 / 128 if case.dtype in ("int8", "uint8", "int16") else None
    point = {"int8": 0, "uint8": 128, "int16": 0}.get(case.dtype)
    case.add(name, [x], [case.output(scale=scale, zero_point=point)], "L2NormOptions", fusedActivationFunction=0)


def response_formula(case: Case) -> list[list[np.ndarray]]:
    """As tf.nn.local_response_normalization documents it: LiteRT's reference kernel computes something else."""
    radius, bias, alpha, beta = (case.notes[key] for key in ("radius", "bias", "alpha", "beta"))
    x = case.feeds[0].astype(np.float64)
    padded = np.pad(x**2, [(0, 0)] * (x.ndim - 1) + [(radius, radius)])
    sums = sum(padded[..., i : i + x.shape[-1]] for i in range(2 * radius + 1))
    return [[(x / (bias + alpha * sums) ** beta).astype(np.float32)]]


@cases("LOCAL_RESPONSE_NORMALIZATION", types=FLOATS, oracle=response_formula)
def local_response(case: Case, name: str) -> None:
    case.input(case.shape(4))
    case.notes = {
        "radius": case.integer(0, 3),
        "bias": case.integer(4, 8) / 4,
        "alpha": case.integer(1, 8) / 8,
        "beta": case.integer(1, 4) / 4,
    }
    case.add(name, case.inputs, [case.output()], "LocalResponseNormalizationOptions", **case.notes)


@cases("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR")
def resize(case: Case, name: str) -> None:
    x = case.input([case.integer(1, 2), case.integer(2, 6), case.integer(2, 6), case.integer(1, 4)])
    kind = case.integer(0, 2)
    options = "ResizeBilinearOptions" if name == "RESIZE_BILINEAR" else "ResizeNearestNeighborOptions"
    size = case.operand([case.integer(2, 12), case.integer(2, 12)])
    case.add(name, [x, size], [case.output_like(x)], options, alignCorners=kind == 1, halfPixelCenters=kind == 2, version=3)


@cases("EMBEDDING_LOOKUP", types=["float32", "int8", "uint8", "int16", "int32", "int64", "float16"])
def lookup(case: Case, name: str) -> None:
    rows = case.integer(2, 8)
    count = case.integer(1, 5)
    indices = case.input([count], "int32", data=case.random.integers(0, rows, count))
    table = case.input([rows, *case.shape(ranks=(1, 2))])
    case.add(name, [indices, table], [case.output_like(table)])


@cases(
    "EMBEDDING_LOOKUP",
    types=["int8 to float32", "uint8 to float32", "int4 to float32", "int8 to float32 per channel", "int4 to float32 per channel"],
)
def hybrid_lookup(case: Case, name: str) -> None:
    rows, columns = case.integer(2, 8), 2 * case.integer(1, 8)
    count = case.integer(1, 5)
    indices = case.input([count], "int32", data=case.random.integers(0, rows, count))
    per_channel = case.type_name.endswith("channel")
    if case.dtype == "uint8":
        table = case._tensor([rows, columns], "uint8", case.scale(), 0, case.data([rows, columns], "uint8", 0, 127))
    else:
        table, _ = weights(case, [rows, columns], case.dtype, 0, per_channel)
    case.add(name, [indices, table], [case.output("float32")], version=4 if "int4" in case.type_name else 3)


@cases("SVDF", types=["float32"])
def svdf(case: Case, name: str) -> None:
    batch, depth, units, memory, rank = 2, case.integer(2, 6), case.integer(1, 4), case.integer(2, 5), case.integer(1, 2)
    x = case.input([batch, depth])
    inputs = [x, case.constant(case.data([units * rank, depth]), "float32"), case.constant(case.data([units * rank, memory]), "float32")]
    state = case.writer.add_tensor([batch, memory * units * rank], "float32", is_variable=True)
    case.kinds.append(([], "float32", None, 0))
    inputs += [case.constant(case.data([units]), "float32") if case.flip() else -1, state]
    case.add(name, inputs, [case.output()], "SVDFOptions", rank=rank, fusedActivationFunction=case.choose([0, 1]))
