"""Writes onnx_cases.txt: random single-operator cases answered by ONNX Runtime (and, where it lacks one, by
onnx.reference). Run by hand when an operator is added; the test only reads the file.

    python make_onnx_cases.py > onnx_cases.txt
"""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

rng = np.random.default_rng(20240607)
DTYPES = {np.dtype(np.float32): "f32", np.dtype(np.int32): "i32", np.dtype(np.int64): "i64",
          np.dtype(np.bool_): "bool"}


def real(*shape, low=-2.0, high=2.0):
    return np.round(rng.uniform(low, high, shape), 2).astype(np.float32)


def ints(*values):
    return np.array(values, dtype=np.int64)


def run(op, inputs, attributes, outputs=1, opset=19):
    """The outputs of one ONNX node; inputs may hold None for an absent one."""
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, **attributes)
    graph = helper.make_graph(
        [node], "case",
        [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
         for n, x in zip(names, inputs, strict=False) if x is not None],
        [helper.make_value_info(n, onnx.TypeProto()) for n in results])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    feeds = {n: np.asarray(x) for n, x in zip(names, inputs, strict=False) if x is not None}
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feeds)
    except Exception as error:
        print(f"{op} {attributes}: {str(error)[:120]}; reference instead", file=sys.stderr)
        return ReferenceEvaluator(model).run(None, feeds)


def emit(op, inputs, outputs, **attributes):
    print(f"case {op}")
    for name, value in attributes.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        print(f"attribute {name}", len(values), *(repr(float(v)) if isinstance(v, float) else int(v) for v in values))
    for kind, tensors in (("input", inputs), ("output", outputs)):
        for x in tensors:
            if x is None:
                print(kind, "none")
                continue
            x = np.asarray(x)
            text = " ".join(f"{float(v):.7g}" if x.dtype == np.float32 else str(int(v)) for v in x.ravel())
            print(kind, DTYPES[x.dtype], x.ndim, *x.shape, text)
    print("end")


def nhwc(x):
    return np.transpose(x, (0, 2, 3, 1))


def convolutions():
    cases = [
        # shape, output channels, kernel, strides, dilations, pads, groups, auto_pad, bias
        ((1, 3, 7, 5), 4, (3, 3), (1, 1), (1, 1), (1, 1, 1, 1), 1, "", True),
        ((2, 2, 6, 7), 3, (1, 1), (1, 1), (1, 1), (0, 0, 0, 0), 1, "", False),
        ((1, 4, 9, 8), 4, (3, 3), (2, 2), (1, 1), (0, 1, 2, 0), 4, "", True),
        ((1, 4, 9, 8), 6, (2, 3), (1, 2), (2, 1), (1, 0, 0, 1), 2, "", True),
        ((1, 1, 5, 5), 2, (1, 1), (3, 2), (1, 1), (0, 0, 0, 0), 1, "", True),
        ((1, 2, 8, 7), 2, (3, 2), (2, 3), (1, 1), None, 1, "SAME_UPPER", True),
        ((1, 2, 8, 7), 2, (4, 3), (3, 2), (1, 1), None, 2, "SAME_LOWER", False),
        ((1, 2, 4, 4), 2, (5, 5), (1, 1), (1, 1), (2, 2, 2, 2), 1, "", False),
    ]
    for shape, channels, kernel, strides, dilations, pads, groups, auto_pad, bias in cases:
        x = real(*shape)
        w = real(channels, shape[1] // groups, *kernel)
        b = real(channels) if bias else None
        a = dict(kernel_shape=kernel, strides=strides, dilations=dilations, group=groups)
        a.update(dict(auto_pad=auto_pad) if auto_pad else dict(pads=pads))
        y, = run("Conv", [x, w, b] if bias else [x, w], a)
        padding = {"": 0, "SAME_UPPER": 1, "SAME_LOWER": 2}[auto_pad]
        emit("Conv2d", [nhwc(x), nhwc(w)] + ([b] if bias else []), [nhwc(y)], strides=strides, dilations=dilations,
             pads=pads or (0, 0, 0, 0), padding=padding, groups=groups)
    transposed = [
        ((1, 3, 3, 4), 2, (2, 2), (2, 2), (1, 1), (0, 0, 0, 0), (0, 0), 1),
        ((2, 2, 3, 3), 3, (3, 3), (2, 1), (1, 1), (1, 1, 1, 1), (1, 0), 1),
        ((1, 4, 3, 2), 2, (3, 2), (3, 2), (2, 1), (1, 0, 0, 1), (2, 1), 2),
        ((1, 2, 4, 3), 2, (1, 1), (2, 3), (1, 1), (0, 0, 0, 0), (0, 0), 2),
    ]
    for shape, per_group, kernel, strides, dilations, pads, extra, groups in transposed:
        x = real(*shape)
        w = real(shape[1], per_group, *kernel)
        b = real(per_group * groups)
        y, = run("ConvTranspose", [x, w, b], dict(kernel_shape=kernel, strides=strides, dilations=dilations, pads=pads,
                                                  output_padding=extra, group=groups))
        # ONNX: [I, O / g, kh, kw]; here: [O, kh, kw, I / g]
        ours = w.reshape(groups, shape[1] // groups, per_group, *kernel).transpose(0, 2, 3, 4, 1)
        ours = ours.reshape(groups * per_group, *kernel, shape[1] // groups)
        emit("ConvTranspose2d", [nhwc(x), ours, b], [nhwc(y)], strides=strides, dilations=dilations, pads=pads,
             output_padding=extra, groups=groups)


def pools():
    cases = [
        ((1, 2, 6, 7), (2, 2), (2, 2), (0, 0, 0, 0), (1, 1), "", 0),
        ((1, 3, 7, 7), (3, 3), (2, 2), (1, 1, 1, 1), (1, 1), "", 1),
        ((1, 1, 6, 6), (3, 2), (2, 3), (0, 1, 1, 0), (1, 1), "", 1),
        ((2, 2, 5, 6), (2, 3), (1, 1), None, (1, 1), "SAME_UPPER", 0),
        ((1, 2, 5, 6), (2, 3), (2, 2), None, (1, 1), "SAME_LOWER", 0),
        ((1, 2, 4, 4), (1, 1), (3, 3), (0, 0, 0, 0), (1, 1), "", 0),
        ((1, 2, 9, 9), (3, 2), (2, 2), (1, 0, 1, 1), (2, 3), "", 1),
    ]
    for shape, kernel, strides, pads, dilations, auto_pad, ceil in cases:
        x = real(*shape)
        padding = {"": 0, "SAME_UPPER": 1, "SAME_LOWER": 2}[auto_pad]
        common = dict(kernel_shape=kernel, strides=strides, ceil_mode=ceil)
        common.update(dict(auto_pad=auto_pad) if auto_pad else dict(pads=pads))
        ours = dict(kernel=kernel, strides=strides, pads=pads or (0, 0, 0, 0), dilations=dilations, padding=padding,
                    ceil_mode=ceil)
        y, = run("MaxPool", [x], dict(common, dilations=dilations))
        emit("MaxPool2d", [nhwc(x)], [nhwc(y)], **ours)
        if dilations != (1, 1):
            continue
        for include in (0, 1):
            y, = run("AveragePool", [x], dict(common, count_include_pad=include))
            emit("AveragePool2d", [nhwc(x)], [nhwc(y)], count_include_pad=include, **ours)


def elementwise():
    x = np.concatenate([real(12, low=-6, high=6), np.array([np.nan, 0, -0.0, 0.5, 1.5, 2.5, -0.5], dtype=np.float32)])
    for op, ours in [("Relu", "Relu"), ("Sigmoid", "Sigmoid"), ("Tanh", "Tanh"), ("Erf", "Erf"), ("Exp", "Exp"),
                     ("HardSwish", "HardSwish"), ("Reciprocal", "Reciprocal"), ("Neg", "Neg"), ("Abs", "Abs"),
                     ("Floor", "Floor"), ("Ceil", "Ceil"), ("Round", "Round"), ("Identity", "Identity"),
                     ("Log", "Log"), ("Sqrt", "Sqrt")]:
        emit(ours, [x], run(op, [x], {}))
    emit("LeakyRelu", [x], run("LeakyRelu", [x], dict(alpha=0.3)), alpha=0.3)
    emit("HardSigmoid", [x], run("HardSigmoid", [x], dict(alpha=0.25, beta=0.4)), alpha=0.25, beta=0.4)
    finite = x[:12]
    emit("Gelu", [finite], run("Gelu", [finite], {}, opset=20), tanh_approximation=0)
    emit("Gelu", [finite], run("Gelu", [finite], dict(approximate="tanh"), opset=20), tanh_approximation=1)
    emit("Clip", [x], run("Clip", [x, np.float32(-1), np.float32(2)], {}), min=-1.0, max=2.0)
    shapes = [((2, 3), (2, 3)), ((2, 1, 4), (3, 1)), ((), (3,)), ((2, 3, 4), (4,)), ((1, 3), (2, 1, 1)), ((0, 3), (1, 3))]
    for left, right in shapes:
        for op in ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Equal", "Less", "Greater"):
            a, b = real(*left), real(*right)
            if op == "Pow":
                a = np.abs(a)
            if op == "Equal":
                a, b = np.round(a), np.round(b)
            emit(op, [a, b], run(op, [a, b], {}))
            if op == "Pow":
                continue
            a = rng.integers(-9, 9, left).astype(np.int64)
            b = rng.integers(1, 5, right).astype(np.int64)
            emit(op, [a, b], run(op, [a, b], {}))
    x, slope = real(2, 3, 4), real(4)
    emit("PRelu", [x, slope], run("PRelu", [x, slope], {}))


def matmuls():
    for left, right in [((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (4, 2)), ((3, 4), (4,)),
                        ((4,), (4,)), ((2, 3, 0), (0, 2)), ((0, 4), (4, 2)), ((2, 3, 4), (4,))]:
        a, b = real(*left), real(*right)
        y, = run("MatMul", [a, b], {})
        emit("MatMul", [a, b], [y])
        if len(left) > 1 and len(right) > 1:
            emit("MatMul", [np.swapaxes(a, -1, -2), np.swapaxes(b, -1, -2)], [y], transpose_a=1, transpose_b=1)
    x, w, b = real(5, 4), real(3, 4), real(3)
    emit("FullyConnected", [x, w, b], run("Gemm", [x, w, b], dict(transB=1)))


def movement():
    x = real(2, 3, 4)
    for perm in [(0, 1, 2), (2, 0, 1), (1, 0, 2), (2, 1, 0)]:
        emit("Transpose", [x], run("Transpose", [x], dict(perm=perm)), perm=perm)
    emit("Transpose", [x], run("Transpose", [x], {}))
    for axis in (0, 1, -1):
        parts = [np.take(x, range(n), axis=axis) for n in (1, 2, 0)]
        emit("Concat", parts, run("Concat", parts, dict(axis=axis)), axis=axis)
    emit("Split", [x], run("Split", [x], dict(axis=2, num_outputs=3), outputs=3), axis=2)
    emit("Split", [x, ints(1, 0, 2)], run("Split", [x, ints(1, 0, 2)], dict(axis=1), outputs=3), axis=1)
    big = 2 ** 63 - 1
    for starts, ends, axes, steps in [((0, 1), (2, 3), None, None), ((-2,), (big,), (2,), None), ((3,), (-big - 1,), (2,), (-1,)),
                                      ((2, 0), (0, 100), (1, 2), (-1, 3)), ((5,), (9,), (0,), (1,)), ((-1,), (-9,), (1,), (-2,)),
                                      ((0,), (4,), (2,), (big,)), ((3,), (-9,), (2,), (-big - 1,))]:
        operands = [x, ints(*starts), ints(*ends), ints(*axes) if axes else None, ints(*steps) if steps else None]
        while operands[-1] is None:
            operands.pop()
        emit("Slice", operands, run("Slice", operands, {}))
    for axis, indices in [(0, ints(1, 0, -1)), (1, np.array([[2, -3], [0, 1]], dtype=np.int32)), (2, np.array(3, dtype=np.int64)),
                          (1, np.zeros((0,), dtype=np.int64))]:
        emit("Gather", [x, indices], run("Gather", [x, indices], dict(axis=axis)), axis=axis)
    for mode, number in (("constant", 0), ("reflect", 1), ("edge", 2)):
        for pads in [(0, 1, 2, 1, 0, 3), (0, 0, 0, 0, 0, 0), (1, 2, 0, 0, 1, 2)]:
            y = run("Pad", [x, ints(*pads)], dict(mode=mode))
            emit("Pad", [x, ints(*pads)], y, mode=number)
    emit("Pad", [x, ints(0, -1, 1, -1, 2, -2), np.float32(7.5)],
         run("Pad", [x, ints(0, -1, 1, -1, 2, -2), np.float32(7.5)], {}), mode=0)
    deep = real(1, 12, 2, 3)
    for mode, number in (("DCR", 0), ("CRD", 1)):
        y, = run("DepthToSpace", [deep], dict(blocksize=2, mode=mode))
        emit("DepthToSpace", [nhwc(deep)], [nhwc(y)], block_size=2, mode=number)
    condition = rng.integers(0, 2, (3, 1)).astype(np.bool_)
    a, b = real(1, 4), real(2, 3, 4)
    emit("Where", [condition, a, b], run("Where", [condition, a, b], {}))
    y = real(3, 1)
    emit("Expand", [y, ints(2, 1, 4)], run("Expand", [y, ints(2, 1, 4)], {}))


def shapes():
    x = real(2, 3, 4)
    for target in [(6, 4), (-1,), (0, -1), (2, 0, 2, 2), (4, 3, 2)]:
        emit("Reshape", [x, ints(*target)], run("Reshape", [x, ints(*target)], {}))
    empty = real(0, 3)
    emit("Reshape", [empty, ints(3, 0)], run("Reshape", [empty, ints(3, 0)], dict(allowzero=1)), allow_zero=1)
    for axis in (0, 1, 3, -1):
        emit("Flatten", [x], run("Flatten", [x], dict(axis=axis)), axis=axis)
    thin = real(1, 3, 1, 2)
    emit("Squeeze", [thin], run("Squeeze", [thin, ints(0, -2)], {}), axes=(0, -2))
    emit("Squeeze", [thin], run("Squeeze", [thin], {}))
    emit("Unsqueeze", [x], run("Unsqueeze", [x, ints(0, -1)], {}), axes=(0, -1))
    emit("Shape", [x], run("Shape", [x], {}))
    emit("Shape", [x], run("Shape", [x], dict(start=-2, end=10)), start=-2, end=10)
    emit("ConstantOfShape", [ints(2, 3)],
         run("ConstantOfShape", [ints(2, 3)], dict(value=helper.make_tensor("v", TensorProto.FLOAT, [1], [1.5]))),
         float_value=1.5)


def resizes():
    x = real(1, 1, 5, 4)
    coordinates = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]
    nearest = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]
    factors = [(2.0, 3.0), (0.5, 0.6), (1.3, 2.5), (1.0, 0.3)]
    sizes = [(10, 8), (3, 7), (1, 1), (8, 3)]
    for c, coordinate in enumerate(coordinates):
        for n, rounding in enumerate([*nearest, None]):
            mode = "nearest" if rounding else "linear"
            a = dict(mode=mode, coordinate_transformation_mode=coordinate)
            if rounding:
                a["nearest_mode"] = rounding
            ours = dict(mode=0 if rounding else 1, coordinate_mode=c, nearest_mode=n if rounding else 0)
            for factor in factors:
                scales = np.array((1, 1, *factor), dtype=np.float32)
                y, = run("Resize", [x, None, scales], a)
                emit("Resize", [nhwc(x), scales[2:]], [nhwc(y)], **ours)
            for size in sizes:
                y, = run("Resize", [x, None, None, ints(1, 1, *size)], a)
                emit("Resize", [nhwc(x), None, ints(*size)], [nhwc(y)], **ours)


def reductions_and_norms():
    x = real(2, 3, 4)
    for kind, op in enumerate(["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ReduceSumSquare"]):
        for axes, keep in [((1,), 1), ((0, -1), 0), ((), 1), ((2, 1, 0), 0)]:
            y = run(op, [x, ints(*axes)] if axes else [x], dict(keepdims=keep), opset=18)
            emit("Reduce", [x], y, kind=kind, axes=axes, keep_dims=keep)
        if op in ("ReduceL2", "ReduceMean"):
            continue
        z = rng.integers(-5, 5, (2, 3)).astype(np.int64)
        emit("Reduce", [z], run(op, [z, ints(1)], dict(keepdims=1), opset=18), kind=kind, axes=(1,), keep_dims=1)
    for axis in (0, 1, -1):
        emit("Softmax", [x * 9], run("Softmax", [x * 9], dict(axis=axis)), axis=axis)
        scale, bias = real(*x.shape[axis:]), real(*x.shape[axis:])
        emit("LayerNormalization", [x, scale, bias], run("LayerNormalization", [x, scale, bias], dict(axis=axis, epsilon=1e-3)),
             axis=axis, epsilon=1e-3)
    x = real(2, 3, 2, 2)
    s, b, m, v = real(3), real(3), real(3), np.abs(real(3)) + np.float32(0.1)
    y, = run("BatchNormalization", [x, s, b, m, v], dict(epsilon=0.01))
    emit("BatchNormalization", [nhwc(x), s, b, m, v], [nhwc(y)], epsilon=0.01)


def recurrent():
    steps, batch, width, hidden = 4, 2, 3, 5
    for direction, number, d in (("forward", 0, 1), ("reverse", 1, 1), ("bidirectional", 2, 2)):
        for full in (True, False):
            x = real(steps, batch, width)
            h, c = (real(d, batch, hidden), real(d, batch, hidden)) if full else (None, None)
            for linear in (0, 1):
                w, r = real(d, 3 * hidden, width), real(d, 3 * hidden, hidden)
                b = real(d, 6 * hidden) if full else None
                operands = [x, w, r, b, None, h] if full else [x, w, r]
                y = run("GRU", operands, dict(hidden_size=hidden, direction=direction, linear_before_reset=linear), outputs=2)
                emit("Gru", operands, y, hidden_size=hidden, direction=number, linear_before_reset=linear)
            w, r = real(d, 4 * hidden, width), real(d, 4 * hidden, hidden)
            b = real(d, 8 * hidden) if full else None
            operands = [x, w, r, b, None, h, c] if full else [x, w, r]
            y = run("LSTM", operands, dict(hidden_size=hidden, direction=direction), outputs=3)
            emit("Lstm", operands, y, hidden_size=hidden, direction=number)


# Behind the others, whose random numbers stay as they are.
def orders_and_logic():
    for left, right in (((2, 3), (2, 3)), ((2, 1, 4), (3, 1)), ((), (3,)), ((0, 3), (1, 3))):
        for op in ("LessOrEqual", "GreaterOrEqual"):
            a, b = np.round(real(*left)), np.round(real(*right))
            emit(op, [a, b], run(op, [a, b], {}))
            a, b = rng.integers(-3, 3, left).astype(np.int64), rng.integers(-3, 3, right).astype(np.int64)
            emit(op, [a, b], run(op, [a, b], {}))
        for op in ("And", "Or", "Xor"):
            a, b = rng.integers(0, 2, left).astype(np.bool_), rng.integers(0, 2, right).astype(np.bool_)
            emit(op, [a, b], run(op, [a, b], {}))
    nan = np.array([np.nan, 1, np.nan, np.inf], dtype=np.float32)
    for op in ("LessOrEqual", "GreaterOrEqual"):
        emit(op, [nan, nan[::-1].copy()], run(op, [nan, nan[::-1].copy()], {}))
    base, power = np.array([4, 9, 16, 3], dtype=np.int32), np.array([0.5, 1.5, -1, 19], dtype=np.float32)
    emit("Pow", [base, power], run("Pow", [base, power], {}))


def activations():
    x = np.array([-6, -2.5, -1, -0.25, -1e-3, 0, -0.0, 1e-3, 0.5, 1, 2.75, 6, np.nan], dtype=np.float32)
    for op in ("Softplus", "Elu", "Selu", "Mish", "Softsign", "Sign", "Sin", "Cos"):
        emit(op, [x], run(op, [x], {}))
    emit("Elu", [x], run("Elu", [x], dict(alpha=0.3)), alpha=0.3)
    emit("Selu", [x], run("Selu", [x], dict(alpha=1.5, gamma=0.7)), alpha=1.5, gamma=0.7)
    emit("Sign", [ints(-3, 0, 7)], run("Sign", [ints(-3, 0, 7)], {}))


def searches():
    for shape, axis, k in (((7,), 0, 3), ((3, 5, 2), 1, 5), ((2, 4), -1, 1), ((2, 3), 0, 0)):
        for largest in (1, 0):
            x = np.round(real(*shape))  # many equal ones
            values, places = run("TopK", [x, ints(k)], dict(axis=axis, largest=largest), outputs=2)
            emit("TopK", [x, ints(k)], [values, places], axis=axis, largest=largest)
            x = rng.permutation(x.size).astype(np.int64).reshape(shape)
            emit("TopK", [x, ints(k)], run("TopK", [x, ints(k)], dict(axis=axis, largest=largest), outputs=2), axis=axis, largest=largest)


def whole(*shape, low=-9, high=9):
    return rng.integers(low, high, shape).astype(np.int64)


def indices():
    for shape, picked, axis in (((3, 4), (2, 4), 0), ((3, 4), (3, 7), 1), ((2, 3, 4), (2, 5, 3), 1), ((5,), (0,), 0)):
        data, places = real(*shape), whole(*picked, low=-shape[axis], high=shape[axis])
        emit("GatherElements", [data, places], run("GatherElements", [data, places], dict(axis=axis)), axis=axis)
        number = whole(*shape)
        emit("GatherElements", [number, places], run("GatherElements", [number, places], dict(axis=axis)), axis=axis)
        for reduction, name in enumerate(("none", "add", "mul", "min", "max")):
            if name == "none":  # of places that are named twice one wins, whichever
                places = np.argsort(rng.random(shape), axis=axis).astype(np.int64).take(range(min(picked[axis], shape[axis])), axis)
            for x in (data, number):
                updates = (real if x is data else whole)(*places.shape)
                y = run("ScatterElements", [x, places, updates], dict(axis=axis, reduction=name))
                emit("ScatterElements", [x, places, updates], y, axis=axis, reduction=reduction)
            places = whole(*picked, low=-shape[axis], high=shape[axis])
    for shape, rows, depth, batch in (((3, 4), (5,), 2, 0), ((3, 4, 2), (2, 3), 1, 0), ((2, 3, 4), (2, 2), 1, 1),
                                      ((2, 3, 2, 3), (2, 3, 4), 1, 2)):
        data = real(*shape)
        places = np.stack([whole(*rows, low=-shape[batch + i], high=shape[batch + i]) for i in range(depth)], -1)
        emit("GatherNd", [data, places], run("GatherND", [data, places], dict(batch_dims=batch)), batch_dims=batch)
    for shape, count, depth in (((3, 4), 2, 1), ((3, 4), 4, 2), ((4, 2, 3), 5, 2)):
        for reduction, name in enumerate(("none", "add", "mul", "min", "max")):
            distinct = rng.permutation(int(np.prod(shape[:depth])))[:count]
            places = np.stack(np.unravel_index(distinct, shape[:depth]), -1).astype(np.int64)
            if name != "none":
                places[0] = places[-1]
            data, updates = real(*shape), real(count, *shape[depth:])
            y = run("ScatterND", [data, places, updates], dict(reduction=name))
            emit("ScatterNd", [data, places, updates], y, reduction=reduction)
    for shape, axis in (((4,), -1), ((2, 3), 0), ((2, 3), 1), ((), 0)):
        x, values = whole(*shape, low=-6, high=6), real(2)
        emit("OneHot", [x, np.array(4), values], run("OneHot", [x, np.array(4), values], dict(axis=axis)), axis=axis)


def rearrangements():
    for shape, repeats in (((2, 3), (2, 1)), ((2, 3), (1, 3)), ((1, 2, 2), (3, 2, 2)), ((2, 3), (0, 1)), ((2, 1, 3), (1, 1, 1))):
        x = real(*shape)
        emit("Tile", [x, ints(*repeats)], run("Tile", [x, ints(*repeats)], {}))
    for shape in ((3, 3), (2, 4), (2, 4, 3), (0, 3)):
        for k in (-2, 0, 1, 9):
            for upper in (0, 1):
                x = real(*shape)
                emit("Trilu", [x, np.int64(k)], run("Trilu", [x, np.int64(k)], dict(upper=upper)), upper=upper)
    for batch, time in ((0, 1), (1, 0)):
        x = real(3, 3, 2)
        y = run("ReverseSequence", [x, ints(1, 3, 2)], dict(batch_axis=batch, time_axis=time))
        emit("ReverseSequence", [x, ints(1, 3, 2)], y, batch_axis=batch, time_axis=time)
    for block in (1, 2):
        x = real(2, 3, 4, 6)
        emit("SpaceToDepth", [nhwc(x)], [nhwc(run("SpaceToDepth", [x], dict(blocksize=block))[0])], block_size=block)
    for start, limit, delta in ((0, 5, 1), (1, 8, 3), (9, -1, -4), (3, 3, 1), (5, 1, 1)):
        for dtype in (np.float32, np.int64, np.int32):
            numbers = [np.array(n, dtype=dtype) for n in (start, limit, delta)]
            emit("Range", numbers, run("Range", numbers, {}))
    numbers = [np.array(n, dtype=np.float32) for n in (0.1, 1.3, 0.3)]
    emit("Range", numbers, run("Range", numbers, {}))
    for shape in ((3, 3), (2, 4), (4, 2)):
        for k in (-1, 0, 2):
            x = real(*shape)
            emit("EyeLike", [x], run("EyeLike", [x], dict(k=k)), k=k)
    for mode, name in ((0, "constant"), (1, "reflect"), (2, "edge"), (4, "wrap")):
        for pads in ((1, 2, 0, 1), (-1, 1, 0, 2), (2, -2, 2, 1)):
            x = real(4, 5)
            emit("Pad", [x, ints(*pads)], run("Pad", [x, ints(*pads)], dict(mode=name)), mode=mode)
        x = real(2, 3, 4)
        y = run("Pad", [x, ints(2, 0, 1, 1), np.float32(0), ints(-1, 1)], dict(mode=name))
        emit("Pad", [x, ints(2, 0, 1, 1), None, ints(-1, 1)], y, mode=mode)


def selections():
    for x in (np.round(real(3, 4)), whole(2, 2, 3, low=-1, high=2), rng.integers(0, 2, (5,)).astype(np.bool_), real(0, 3)):
        emit("NonZero", [x], run("NonZero", [x], {}))
    for x in (np.round(real(3, 4)), whole(7, low=-2, high=3), real(0)):
        for sort in (0, 1):
            emit("Unique", [x], run("Unique", [x], dict(sorted=sort), outputs=4), sorted=sort)
    for x, axis in ((whole(5, 2, low=0, high=2), 0), (whole(2, 6, 1, low=0, high=2), 1), (np.round(real(2, 3)), -1)):
        for sort in (0, 1):
            y = run("Unique", [x], dict(sorted=sort, axis=axis), outputs=4)
            emit("Unique", [x], y, sorted=sort, axis=axis, along_axis=1)
    corners = real(2, 6, 4, low=0, high=1)
    scores = np.round(real(2, 3, 6, low=0, high=1), 1)  # some equal ones
    for center in (0, 1):
        for most, overlap, lowest in ((2, 0.3, 0.2), (6, 0.0, 0.5), (0, 0.5, 0.0), (10, 1.0, None)):
            limits = [ints(most), np.array([overlap], np.float32)] + ([] if lowest is None else [np.array([lowest], np.float32)])
            y = run("NonMaxSuppression", [corners, scores, *limits], dict(center_point_box=center))
            emit("SelectBoxes", [corners, scores, *limits], y, box_format=2 if center else 0)


for part in (convolutions, pools, elementwise, matmuls, movement, shapes, resizes, reductions_and_norms, recurrent, orders_and_logic,
             activations, searches, indices, rearrangements, selections):
    part()
