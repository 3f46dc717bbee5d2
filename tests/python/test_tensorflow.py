"""Frozen TensorFlow graphs, written here without TensorFlow, against NumPy in float64."""

from __future__ import annotations

import math
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tensorflow_writer import Func, Numbers, const, function, graph, node, placeholder

import mace
from mace import tensorflow_source

RNG = np.random.default_rng(7)
COMPLEX = np.dtype("complex64")
X = RNG.uniform(-2, 2, (3, 4, 5)).astype(np.float32)
POSITIVE = np.abs(X) + np.float32(0.1)

UNARY = {
    "Abs": np.abs,
    "Ceil": np.ceil,
    "Cos": np.cos,
    "Elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "Erf": np.vectorize(math.erf),
    "Erfc": np.vectorize(math.erfc),
    "Exp": np.exp,
    "Expm1": np.expm1,
    "Floor": np.floor,
    "IsFinite": np.isfinite,
    "IsNan": np.isnan,
    "Log1p": np.log1p,
    "Neg": np.negative,
    "Relu": lambda x: np.maximum(x, 0),
    "Relu6": lambda x: np.clip(x, 0, 6),
    "Rint": np.rint,
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Sign": np.sign,
    "Softplus": lambda x: np.log1p(np.exp(x)),
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Square": np.square,
    "Tan": np.tan,
    "Tanh": np.tanh,
    "ZerosLike": np.zeros_like,
}
BINARY = {
    "AddV2": np.add,
    "Atan2": np.arctan2,
    "DivNoNan": np.divide,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "Greater": np.greater,
    "Maximum": np.maximum,
    "Mul": np.multiply,
    "NotEqual": np.not_equal,
    "RealDiv": np.divide,
    "SquaredDifference": lambda x, y: np.square(x - y),
    "Sub": np.subtract,
}


def run(*nodes, functions=(), **feeds):
    model = mace.load(graph(*nodes, functions=tuple(functions)))
    return model(feeds)


def check(got, expected, **limits):
    assert got.shape == expected.shape
    np.testing.assert_allclose(got, expected, **({"rtol": 2e-5, "atol": 2e-6} | limits))


@pytest.mark.parametrize("op", UNARY)
def test_unary(op):
    x = POSITIVE if op == "Log1p" else X
    y = run(placeholder("x", "float32", (3, -1, 5)), node("y", op, "x"), x=x)["y"]
    check(y, UNARY[op](x.astype(np.float64)))


@pytest.mark.parametrize("op", BINARY)
def test_binary(op):
    other = RNG.uniform(0.5, 2, (4, 1)).astype(np.float32)
    nodes = placeholder("x", "float32", (3, 4, 5)), placeholder("z", "float32", (4, 1)), node("y", op, "x", "z")
    check(run(*nodes, x=X, z=other)["y"], BINARY[op](X.astype(np.float64), other.astype(np.float64)), atol=1e-5)


def test_strided_slice_with_every_mask():
    bounds = [const(name, np.array(value, np.int32)) for name, value in {"b": [1, 0, 0, -1], "e": [9, 0, 0, 0], "s": [1, 1, 1, 1]}.items()]
    masks = {"begin_mask": 0, "end_mask": 1, "ellipsis_mask": 2, "new_axis_mask": 4, "shrink_axis_mask": 8}
    y = run(placeholder("x", "float32", (3, 4, 5)), *bounds, node("y", "StridedSlice", "x", "b", "e", "s", **masks), x=X)["y"]
    np.testing.assert_array_equal(y, X[1:, ..., None, -1])


@pytest.mark.parametrize("channels_first", [False, True])
def test_convolution(channels_first):
    x = RNG.uniform(-1, 1, (1, 5, 6, 2)).astype(np.float32)
    weights = RNG.uniform(-1, 1, (3, 3, 2, 4)).astype(np.float32)
    padded = np.pad(x.astype(np.float64), ((0, 0), (1, 1), (0, 1), (0, 0)))  # SAME with stride 2: odd pixels at the end
    expected = np.zeros((1, 3, 3, 4))
    for row in range(3):
        for column in range(3):
            patch = padded[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            expected[:, row, column] = np.einsum("nhwc,hwco->no", patch, weights)
    form = "NCHW" if channels_first else "NHWC"
    strides = [1, 1, 2, 2] if channels_first else [1, 2, 2, 1]
    shape = (1, 2, 5, 6) if channels_first else (1, 5, 6, 2)
    conv = node("y", "Conv2D", "x", "w", strides=strides, padding="SAME", data_format=form)
    y = run(placeholder("x", "float32", shape), const("w", weights), conv, x=np.moveaxis(x, 3, 1) if channels_first else x)["y"]
    check(y, np.moveaxis(expected, 3, 1) if channels_first else expected)


@pytest.mark.parametrize("sign", [1, -1])
def test_conditional_of_old_graphs(sign):
    nodes = (
        placeholder("x", "float32", (3, 4, 5)),
        const("zero", np.float32(0)),
        const("axes", np.array([0, 1, 2], np.int32)),
        node("sum", "Sum", "x", "axes"),
        node("test", "Greater", "sum", "zero"),
        node("switch", "Switch", "x", "test"),
        node("square", "Mul", "switch:1", "switch:1"),
        node("negative", "Neg", "switch"),
        node("y", "Merge", "negative", "square"),
    )
    x = sign * POSITIVE
    got = run(*nodes, x=x)
    check(got["y"], x * x if sign > 0 else -x)
    assert got["y:1"] == (1 if sign > 0 else 0)


def test_while_of_functions():
    condition = function("c", ["i", "a", "n"], [node("less", "Less", "i", "n")], ["less:z:0"])
    steps = [const("one", np.int32(1)), node("next", "AddV2", "i", "one:output:0"), node("double", "AddV2", "a", "a")]
    body = function("b", ["i", "a", "n"], steps, ["next:z:0", "double:z:0", "n"])
    nodes = (
        placeholder("x", "float32", (3,)),
        placeholder("n", "int32", ()),
        const("zero", np.int32(0)),
        node("loop", "While", "zero", "x", "n", cond=Func("c"), body=Func("b")),
        node("y", "Identity", "loop:1"),
    )
    x = np.array([1, -2, 3], np.float32)
    for count in (0, 1, 5):
        check(run(*nodes, functions=(condition, body), x=x, n=np.int32(count))["y"], x * 2**count)


def reserve(element_shape, count):
    shape = const("element_shape", np.array(element_shape, np.int32))
    return (
        shape,
        const("count", np.int32(count)),
        node("list", "TensorListReserve", "element_shape", "count", element_dtype=np.dtype("float32")),
    )


def set_item(name, *inputs, grows=True):
    return node(name, "TensorListSetItem", *inputs, element_dtype=np.dtype("float32"), resize_if_index_out_of_bounds=grows)


@pytest.mark.parametrize("element_shape", [[3], [-1], -1])
@pytest.mark.parametrize("count", [0, 1, 2, 6])
def test_lists_grow_where_an_item_is_set(element_shape, count):
    nodes = (
        placeholder("x", "float32", (3,)),
        *reserve(element_shape, count),
        const("three", np.int32(3)),
        const("one", np.int32(1)),
        set_item("first", "list", "three", "x"),
        node("negative", "Neg", "x"),
        set_item("second", "first", "one", "negative"),
        node("y", "TensorListStack", "second", "element_shape", element_dtype=np.dtype("float32")),
        node("n", "TensorListLength", "second"),
    )
    x = np.array([1, 2, 3], np.float32)
    expected = np.zeros((max(count, 4), 3))
    expected[3], expected[1] = x, -x
    got = run(*nodes, x=x)
    check(got["y"], expected)
    assert got["n"] == len(expected)


def test_lists_of_a_fixed_size_do_not_grow():
    nodes = placeholder("x", "float32", (3,)), *reserve([3], 2), const("two", np.int32(2)), set_item("y", "list", "two", "x", grows=False)
    with pytest.raises(mace.MaceError, match="index 2 of an axis of size 2"):
        run(*nodes, x=np.zeros(3, np.float32))


# Of each row that begins with a positive number the double, behind one another; or each at twice its place.
@pytest.mark.parametrize("in_branch", [False, True])
@pytest.mark.parametrize("element_shape", [[2], -1])
def test_lists_grow_in_loops(in_branch, element_shape):
    write = [
        node("row", "GatherV2", "values", "i", "zero:output:0"),
        node("double", "AddV2", "row:output:0", "row:output:0"),
        const("zero", np.int32(0)),
    ]
    if in_branch:
        write += [node("n", "TensorListLength", "list"), set_item("next", "list", "n:length:0", "double:z:0")]
    else:
        write += [node("n", "AddV2", "i", "i"), set_item("next", "list", "n:z:0", "double:z:0")]
    arguments = ["i", "list", "values"]
    writer = function("writer", arguments, write, ["next:output_handle:0"])
    leaver = function("leaver", arguments, [], ["list"])
    condition = function(
        "condition",
        arguments,
        [
            node("size", "Shape", "values"),
            const("at", np.int32(0)),
            node("length", "GatherV2", "size:output:0", "at:output:0", "at:output:0"),
            node("less", "Less", "i", "length:output:0"),
        ],
        ["less:z:0"],
    )
    step = [const("one", np.int32(1)), node("next_i", "AddV2", "i", "one:output:0")]
    if in_branch:
        step += [
            const("zero", np.int32(0)),
            const("nought", np.float32(0)),
            node("row", "GatherV2", "values", "i", "zero:output:0"),
            node("first", "GatherV2", "row:output:0", "zero:output:0", "zero:output:0"),
            node("test", "Greater", "first:output:0", "nought:output:0"),
            node("written", "StatelessIf", "test:z:0", *arguments, then_branch=Func("writer"), else_branch=Func("leaver")),
        ]
    else:
        step.append(node("written", "PartitionedCall", *arguments, f=Func("writer")))
    body = function("body", arguments, step, ["next_i:z:0", "written:output:0", "values"])
    nodes = (
        placeholder("x", "float32", (-1, 2)),
        *reserve(element_shape, 0),
        const("start", np.int32(0)),
        node("loop", "StatelessWhile", "start", "list", "x", cond=Func("condition"), body=Func("body")),
        node("y", "TensorListStack", "loop:1", "element_shape", element_dtype=np.dtype("float32")),
    )
    model = mace.load(graph(*nodes, functions=(writer, leaver, condition, body)))
    for rows in (1, 4, 7):
        x = np.random.default_rng(rows).uniform(-1, 1, (rows, 2)).astype(np.float32)
        x[0, 0] = abs(x[0, 0])
        expected = 2 * x[x[:, 0] > 0]
        if not in_branch:
            expected = np.zeros((2 * rows - 1, 2))
            expected[::2] = 2 * x
        check(model({"x": x})["y"], expected)


def test_arrays_of_old_graphs_grow():
    nodes = (
        placeholder("x", "float32", (2, 3)),
        const("none", np.int32(0)),
        node("array", "TensorArrayV3", "none", dtype=np.dtype("float32"), dynamic_size=True),
        const("places", np.array([2, 0], np.int32)),
        node("scattered", "TensorArrayScatterV3", "array", "places", "x", "array:1"),
        const("four", np.int32(4)),
        const("row", np.array([7, 8, 9], np.float32)),
        node("written", "TensorArrayWriteV3", "array", "four", "row", "scattered"),
        const("all", np.arange(5, dtype=np.int32)),
        node("y", "TensorArrayGatherV3", "array", "all", "written"),
    )
    x = np.array([[1, 2, 3], [4, 5, 6]], np.float32)
    check(run(*nodes, x=x)["y"], np.array([[4, 5, 6], [0, 0, 0], [1, 2, 3], [0, 0, 0], [7, 8, 9]]))


@pytest.mark.parametrize("lengths", [(4, 6), (5, 7), (8, 9), (3, 1)])
@pytest.mark.parametrize("op", ["RFFT", "RFFT2D"])
def test_fourier_transforms_and_back(op, lengths):
    axes = (-1,) if op == "RFFT" else (-2, -1)
    sizes = lengths[-len(axes) :]
    complex_type = node("f", op, "x", "lengths"), node("real", "Real", "f"), node("imag", "Imag", "f"), node("abs", "ComplexAbs", "f")
    back = (
        node("conjugate", "Conj", "f"),
        node("square", "Mul", "f", "conjugate", T=COMPLEX),
        node("y", "I" + op, "f", "lengths"),
        node("power", "Real", "square"),
    )
    x = RNG.uniform(-1, 1, (2, 5, 7)).astype(np.float32)
    got = run(placeholder("x", "float32", (2, -1, 7)), const("lengths", np.array(sizes, np.int32)), *complex_type, *back, x=x)
    expected = np.fft.rfftn(x.astype(np.float64), sizes, axes)
    check(got["real"], expected.real, atol=1e-5)
    check(got["imag"], expected.imag, atol=1e-5)
    check(got["abs"], np.abs(expected), atol=1e-5)
    check(got["power"], np.abs(expected) ** 2, atol=1e-4)
    check(got["y"], np.fft.irfftn(expected, sizes, axes), atol=1e-5)


@pytest.mark.parametrize("op", ["FFT", "FFT2D", "IFFT", "IFFT2D"])
def test_fourier_transforms_of_complex_numbers(op):
    real, imaginary = RNG.uniform(-1, 1, (2, 5, 6)).astype(np.float32), RNG.uniform(-1, 1, 6).astype(np.float32)
    got = run(
        placeholder("r", "float32", (2, 5, 6)),
        placeholder("i", "float32", (6,)),
        node("z", "Complex", "r", "i"),
        node("y", op, "z"),
        r=real,
        i=imaginary,
    )
    transform = {"FFT": np.fft.fft, "FFT2D": np.fft.fft2, "IFFT": np.fft.ifft, "IFFT2D": np.fft.ifft2}[op]
    expected = transform(real.astype(np.float64) + 1j * imaginary)
    check(got["y"], np.stack([expected.real, expected.imag], -1), atol=1e-5)


@pytest.mark.parametrize("count", [1, 3])
def test_constants_of_complex_numbers(count):
    """One number, said once for all elements, and a list."""
    values = np.array([1 + 2j, -3j, 0.5], np.complex64)[:count]
    x = RNG.uniform(-1, 1, 3).astype(np.float32)
    nodes = (
        placeholder("x", "float32", (3,)),
        node("c", "Const", dtype=COMPLEX, value=Numbers(values, (3,))),
        node("z", "Complex", "x", "x"),
        node("p", "Mul", "c", "z", T=COMPLEX),
    )
    expected = (values if count > 1 else values[0]) * (x + 1j * x).astype(np.complex128)
    got = run(*nodes, node("a", "Real", "p"), node("b", "Imag", "p"), x=x)
    check(got["a"], expected.real)
    check(got["b"], expected.imag)


def test_inputs_by_both_names():
    data = graph(placeholder("x", "float32", (2,)), node("y", "Neg", "x"))
    x = np.array([1, 2], np.float32)
    model = mace.load(data)
    check(model({"x:0": x})["y"], -x)
    with pytest.raises(mace.InvalidArgumentError, match="no input is called"):
        model({"x:1": x})


def test_all_problems_are_told():
    data = graph(placeholder("x", "float32", (2,)), node("a", "NoSuchOp", "x"), node("b", "NorThis", "a"))
    with pytest.raises(mace.UnsupportedError, match=r"NoSuchOp.*NorThis"):
        mace.load(data)


def test_saved_models_need_tensorflow(tmp_path):
    (tmp_path / "saved_model.pb").write_bytes(b"")
    try:
        import tensorflow  # noqa: F401
    except ImportError:
        with pytest.raises(mace.UnsupportedError, match=r"mace-engine\[tensorflow\]"):
            mace.load(tmp_path)
        with pytest.raises(mace.UnsupportedError, match=r"mace-engine\[tensorflow\]"):
            mace.convert(tmp_path)
    else:
        with pytest.raises(mace.DataLossError):
            mace.load(tmp_path)


def test_the_document_lists_the_operators():
    root = Path(__file__).resolve().parents[2]
    registry = (root / "mace/importers/tensorflow/tensorflow_registry.cc").read_text()
    names = re.findall(r'^    \{"(\w+)", &Convert', registry, re.MULTILINE)
    document = (root / "docs/tensorflow.md").read_text()
    listed = document[document.index("## Operators") : document.index("Besides those of control flow")]
    assert re.findall(r"`(\w+)`", listed) == names


def test_signatures_of_saved_models(tmp_path) -> None:
    def chosen(signatures: dict[str, str], asked: str | None) -> str:
        owner = SimpleNamespace(signatures=signatures)
        tensorflow = SimpleNamespace(saved_model=SimpleNamespace(load=lambda path: owner))
        return tensorflow_source._function_of(tensorflow, str(tmp_path), asked)[0]

    two = {"enc": "encode", "dec": "decode"}
    assert chosen(two, "enc") == "encode" and chosen(two, "dec") == "decode"
    assert chosen({"enc": "encode"}, None) == "encode" and chosen(two | {"serving_default": "serve"}, None) == "serve"
    with pytest.raises(mace.InvalidArgumentError, match="no 'serving_default', but 'dec', 'enc': choose one with signature="):
        chosen(two, None)
    with pytest.raises(mace.InvalidArgumentError, match="no signature 'x', but 'enc'"):
        chosen({"enc": "encode"}, "x")
    with pytest.raises(mace.InvalidArgumentError, match="the SavedModel has no signatures: save it with"):
        chosen({}, None)
    with pytest.raises(mace.InvalidArgumentError, match="Keras' files have no signatures"):
        tensorflow_source._function_of(None, "net.keras", "enc")
