"""Writes performance-only ONNX models with seeded random weights (numpy and onnx.helper only).

  python make_models.py --out DIR [--models a,b,...] [--bn] [--batch N] [--dynamic] [--golden]

Weights depend only on the model and layer name (crc32 seed, numpy RandomState, a frozen stream), so every
machine writes the same values. Without --bn each BatchNormalization is folded into its convolution; with --bn
it is kept, and both files compute the same function up to rounding. --dynamic makes the batch dimension
symbolic. --golden also writes a seeded input and, if onnxruntime is installed, its output.
"""

import argparse
import os
import zlib

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

OPSET = 17


class Net:
    def __init__(self, name, bn=False, batch=1, dynamic=False):
        self.name, self.bn, self.batch, self.dynamic = name, bn, batch, dynamic
        self.nodes, self.inits, self.ins, self.outs = [], [], [], []
        self.n, self.params, self.macs, self.known, self.sh, self.counts = 0, 0, 0, set(), {}, {}

    # ---- plumbing
    def rng(self, key):
        return np.random.RandomState(zlib.crc32(f"{self.name}/{key}".encode()) & 0x7FFFFFFF)

    def key(self, kind):
        """Numbers layers per kind, so that keeping or folding BatchNormalization does not change the weights."""
        self.counts[kind] = self.counts.get(kind, -1) + 1
        return f"{kind}{self.counts[kind]}"

    def const(self, key, arr, count=True):
        if key not in self.known:
            self.known.add(key)
            arr = np.ascontiguousarray(arr)
            self.inits.append(numpy_helper.from_array(arr, key))
            if count and arr.dtype == np.float32:
                self.params += arr.size
        return key

    def node(self, op, ins, shape, **attrs):
        self.n += 1
        out = f"{op.lower()}_{self.n}"
        self.nodes.append(helper.make_node(op, ins, [out], name=out, **attrs))
        self.sh[out] = tuple(shape)
        return out

    def input(self, name, shape, dtype=TensorProto.FLOAT):
        self.sh[name] = tuple(shape)
        dims = ["batch" if self.dynamic and i == 0 else d for i, d in enumerate(shape)]
        self.ins.append((name, tuple(shape), dtype))
        self.ins[-1] += (helper.make_tensor_value_info(name, dtype, dims),)
        return name

    def output(self, x, name):
        self.nodes.append(helper.make_node("Identity", [x], [name], name=name))
        dims = ["batch" if self.dynamic and i == 0 else d for i, d in enumerate(self.sh[x])]
        self.outs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, dims))

    def model(self):
        g = helper.make_graph(self.nodes, self.name, [i[3] for i in self.ins], self.outs, self.inits)
        m = helper.make_model(g, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="make_models", ir_version=8)
        checker.check_model(m)
        return m

    # ---- layers
    def conv(self, x, cout, k=1, s=1, p=None, g=1, act=None, bn=True, gain=2.0, bias=True):
        kh, kw = (k, k) if isinstance(k, int) else k
        p = ((kh - 1) // 2, (kw - 1) // 2) if p is None else (p, p) if isinstance(p, int) else p
        n, cin, h, w = self.sh[x]
        key = self.key("conv")
        r = self.rng(key)
        fan = cin // g * kh * kw
        wt = (r.standard_normal((cout, cin // g, kh, kw)) * np.sqrt(gain / fan)).astype(np.float32)
        gamma = (1 + 0.1 * r.standard_normal(cout)).astype(np.float32)
        beta = (0.1 * r.standard_normal(cout)).astype(np.float32)
        mean = (0.05 * r.standard_normal(cout)).astype(np.float32)
        var = (0.8 + 0.4 * r.random_sample(cout)).astype(np.float32)
        oh, ow = (h + 2 * p[0] - kh) // s + 1, (w + 2 * p[1] - kw) // s + 1
        shape = (n, cout, oh, ow)
        self.macs += cout * oh * ow * fan * n
        at = dict(kernel_shape=[kh, kw], strides=[s, s], pads=[p[0], p[1]] * 2, group=g, dilations=[1, 1])
        if bn and self.bn:
            y = self.node("Conv", [x, self.const(key + ".weight", wt)], shape, **at)
            y = self.node(
                "BatchNormalization",
                [y] + [self.const(f"{key}.bn.{a}", v) for a, v in (("weight", gamma), ("bias", beta), ("mean", mean), ("var", var))],
                shape,
                epsilon=1e-5,
            )
        else:
            if bn:
                sc = gamma / np.sqrt(var + np.float32(1e-5))
                wt, beta = wt * sc[:, None, None, None], beta - mean * sc
            ins = [x, self.const(key + ".weight", wt)] + ([self.const(key + ".bias", beta)] if bn or bias else [])
            y = self.node("Conv", ins, shape, **at)
        return self.act(y, act)

    def act(self, x, a):
        s = self.sh[x]
        if a is None:
            return x
        if a == "relu":
            return self.node("Relu", [x], s)
        if a == "relu6":
            return self.node("Clip", [x, self.const("zero", np.float32(0), False), self.const("six", np.float32(6), False)], s)
        if a == "hswish":
            return self.node("HardSwish", [x], s)
        if a == "hsigmoid":
            return self.node("HardSigmoid", [x], s, alpha=1 / 6, beta=0.5)
        if a == "swish":
            return self.mul(x, self.node("Sigmoid", [x], s))
        if a == "sigmoid":
            return self.node("Sigmoid", [x], s)
        if a == "prelu":
            c = s[1]
            key = self.key("prelu")
            return self.node("PRelu", [x, self.const(key, np.full((c, 1, 1), 0.25, np.float32))], s)
        if a == "gelu":

            def c(k, v):
                return self.const(k, np.float32(v), False)

            e = self.node("Erf", [self.node("Div", [x, c("sqrt2", np.sqrt(2))], s)], s)
            return self.node("Mul", [self.node("Mul", [x, self.node("Add", [e, c("one", 1)], s)], s), c("half", 0.5)], s)
        raise ValueError(a)

    def dw(self, x, k=3, s=1, act=None):
        c = self.sh[x][1]
        return self.conv(x, c, k, s, g=c, act=act)

    def add(self, a, b):
        return self.node("Add", [a, b], np.broadcast_shapes(self.sh[a], self.sh[b]))

    def mul(self, a, b):
        return self.node("Mul", [a, b], np.broadcast_shapes(self.sh[a], self.sh[b]))

    def gap(self, x):
        n, c, _, _ = self.sh[x]
        return self.node("GlobalAveragePool", [x], (n, c, 1, 1))

    def pool(self, x, kind, k, s, p=0, ceil=0):
        n, c, h, w = self.sh[x]

        def f(v):
            return (-(-(v + 2 * p - k) // s) if ceil else (v + 2 * p - k) // s) + 1

        return self.node(kind, [x], (n, c, f(h), f(w)), kernel_shape=[k, k], strides=[s, s], pads=[p] * 4, ceil_mode=ceil)

    def flatten(self, x):
        s = self.sh[x]
        return self.node("Flatten", [x], (s[0], int(np.prod(s[1:]))), axis=1)

    def fc(self, x, out, act=None):
        key = self.key("fc")
        n, cin = self.sh[x]
        r = self.rng(key)
        self.macs += n * cin * out
        w = (r.standard_normal((out, cin)) * np.sqrt(1 / cin)).astype(np.float32)
        b = (0.01 * r.standard_normal(out)).astype(np.float32)
        return self.act(self.node("Gemm", [x, self.const(key + ".weight", w), self.const(key + ".bias", b)], (n, out), transB=1), act)

    def linear(self, x, out, act=None):
        key = self.key("lin")
        s = self.sh[x]
        r = self.rng(key)
        self.macs += int(np.prod(s)) * out
        w = (r.standard_normal((s[-1], out)) * np.sqrt(1 / s[-1])).astype(np.float32)
        y = self.node("MatMul", [x, self.const(key + ".weight", w)], (*s[:-1], out))
        y = self.node("Add", [y, self.const(key + ".bias", (0.02 * r.standard_normal(out)).astype(np.float32))], (*s[:-1], out))
        return self.act(y, act)

    def se(self, x, mid, act="relu", gate="hsigmoid"):
        c = self.sh[x][1]
        y = self.conv(self.gap(x), mid, 1, act=act, bn=False)
        return self.mul(x, self.conv(y, c, 1, act=gate, bn=False, gain=1.0))

    def concat(self, xs, axis=1):
        s = list(self.sh[xs[0]])
        s[axis] = sum(self.sh[x][axis] for x in xs)
        return self.node("Concat", xs, s, axis=axis)

    def reshape(self, x, shape):
        """A zero keeps the input's dimension, so symbolic batches survive."""
        key = "shape_" + "_".join(str(v).replace("-", "m") for v in shape)
        self.const(key, np.array(shape, np.int64))
        full = [self.sh[x][i] if v == 0 else v for i, v in enumerate(shape)]
        if -1 in full:
            i = full.index(-1)
            full[i] = int(np.prod(self.sh[x])) // int(np.prod([v for v in full if v != -1]))
        return self.node("Reshape", [x, key], full)

    def transpose(self, x, perm):
        return self.node("Transpose", [x], [self.sh[x][i] for i in perm], perm=perm)

    def softmax(self, x):
        return self.node("Softmax", [x], self.sh[x], axis=-1)

    def split2(self, x, a, b, axis=1):
        self.n += 1
        o = [f"split_{self.n}_{i}" for i in range(2)]
        self.nodes.append(helper.make_node("Split", [x, self.const(f"split_{a}_{b}", np.array([a, b], np.int64))], o, name=o[0], axis=axis))
        for name, c in zip(o, (a, b), strict=False):
            s = list(self.sh[x])
            s[axis] = c
            self.sh[name] = tuple(s)
        return o

    def layernorm(self, x):
        key = self.key("ln")
        d = self.sh[x][-1]
        r = self.rng(key)
        return self.node(
            "LayerNormalization",
            [
                x,
                self.const(key + ".weight", (1 + 0.1 * r.standard_normal(d)).astype(np.float32)),
                self.const(key + ".bias", (0.1 * r.standard_normal(d)).astype(np.float32)),
            ],
            self.sh[x],
            axis=-1,
            epsilon=1e-5,
        )

    def attention(self, x, heads, kv=None):
        n, t, d = self.sh[x]
        kv = x if kv is None else kv
        tk, dh = self.sh[kv][1], d // heads

        def split(y, perm):
            return self.transpose(self.reshape(y, (0, -1, heads, dh)), perm)

        q, k, v = split(self.linear(x, d), [0, 2, 1, 3]), split(self.linear(kv, d), [0, 2, 3, 1]), split(self.linear(kv, d), [0, 2, 1, 3])
        self.macs += 2 * n * t * tk * d
        s = self.node("MatMul", [q, k], (n, heads, t, tk))
        s = self.node("Mul", [s, self.const(f"scale{dh}", np.float32(dh**-0.5), False)], self.sh[s])
        y = self.node("MatMul", [self.softmax(s), v], (n, heads, t, dh))
        return self.linear(self.reshape(self.transpose(y, [0, 2, 1, 3]), (0, -1, d)), d)

    def block(self, x, heads, ff):
        x = self.add(x, self.attention(self.layernorm(x), heads))
        return self.add(x, self.linear(self.linear(self.layernorm(x), ff, "gelu"), self.sh[x][-1]))

    def classify(self, x, classes=1000, softmax=True):
        y = self.fc(self.flatten(self.gap(x)), classes)
        self.output(self.softmax(y) if softmax else y, "prob" if softmax else "logits")


# ---- networks (published architectures)
def image(net, size=224):
    return net.input("input", (net.batch, 3, size, size))


def mobilenet_v1(net, mult=1.0, size=224):
    x = net.conv(image(net, size), int(32 * mult), 3, 2, act="relu6")
    for c, s in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]:
        x = net.conv(net.dw(x, 3, s, "relu6"), int(c * mult), 1, act="relu6")
    net.classify(x)


def mobilenet_v2(net):
    x = net.conv(image(net), 32, 3, 2, act="relu6")
    for t, c, n, s in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(n):
            y, cin = x, net.sh[x][1]
            if t != 1:
                y = net.conv(y, cin * t, 1, act="relu6")
            y = net.conv(net.dw(y, 3, s if i == 0 else 1, "relu6"), c, 1, gain=1.0)
            x = net.add(x, y) if i and cin == c else y
    net.classify(net.conv(x, 1280, 1, act="relu6"))


def mobilenet_v3_large(net):
    cfg = [
        (3, 16, 16, 0, "relu", 1),
        (3, 64, 24, 0, "relu", 2),
        (3, 72, 24, 0, "relu", 1),
        (5, 72, 40, 1, "relu", 2),
        (5, 120, 40, 1, "relu", 1),
        (5, 120, 40, 1, "relu", 1),
        (3, 240, 80, 0, "hswish", 2),
        (3, 200, 80, 0, "hswish", 1),
        (3, 184, 80, 0, "hswish", 1),
        (3, 184, 80, 0, "hswish", 1),
        (3, 480, 112, 1, "hswish", 1),
        (3, 672, 112, 1, "hswish", 1),
        (5, 672, 160, 1, "hswish", 2),
        (5, 960, 160, 1, "hswish", 1),
        (5, 960, 160, 1, "hswish", 1),
    ]
    x = net.conv(image(net), 16, 3, 2, act="hswish")
    for k, e, c, se, a, s in cfg:
        y, cin = x, net.sh[x][1]
        if e != cin:
            y = net.conv(y, e, 1, act=a)
        y = net.dw(y, k, s, a)
        if se:
            y = net.se(y, max(8, (e // 4 + 4) // 8 * 8))
        y = net.conv(y, c, 1, gain=1.0)
        x = net.add(x, y) if s == 1 and cin == c else y
    x = net.flatten(net.gap(net.conv(x, 960, 1, act="hswish")))
    net.output(net.softmax(net.fc(net.fc(x, 1280, "hswish"), 1000)), "prob")


def squeezenet_1_1(net):
    x = net.conv(image(net), 64, 3, 2, p=0, act="relu", bn=False)

    def fire(x, s, e):
        q = net.conv(x, s, 1, act="relu", bn=False)
        return net.concat([net.conv(q, e, 1, act="relu", bn=False), net.conv(q, e, 3, act="relu", bn=False)])

    x = net.pool(x, "MaxPool", 3, 2, ceil=1)
    x = net.pool(fire(fire(x, 16, 64), 16, 64), "MaxPool", 3, 2, ceil=1)
    x = net.pool(fire(fire(x, 32, 128), 32, 128), "MaxPool", 3, 2, ceil=1)
    for s, e in ((48, 192), (48, 192), (64, 256), (64, 256)):
        x = fire(x, s, e)
    x = net.flatten(net.gap(net.conv(x, 1000, 1, act="relu", bn=False)))
    net.output(net.softmax(x), "prob")


def resnet(net, layers, bottleneck):
    x = net.pool(net.conv(image(net), 64, 7, 2, act="relu"), "MaxPool", 3, 2, 1)
    for i, n in enumerate(layers):
        w = 64 << i
        for j in range(n):
            s = 2 if i and j == 0 else 1
            out = w * 4 if bottleneck else w
            if bottleneck:
                y = net.conv(net.conv(net.conv(x, w, 1, act="relu"), w, 3, s, act="relu"), out, 1, gain=0.5)
            else:
                y = net.conv(net.conv(x, w, 3, s, act="relu"), out, 3, gain=0.5)
            if s != 1 or net.sh[x][1] != out:
                x = net.conv(x, out, 1, s, gain=1.0)
            x = net.act(net.add(x, y), "relu")
    net.classify(x, softmax=False)


def efficientnet(net, lite):
    a = "relu6" if lite else "swish"
    x = net.conv(image(net), 32, 3, 2, act=a)
    for t, c, n, s, k in [
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ]:
        for i in range(n):
            y, cin = x, net.sh[x][1]
            if t != 1:
                y = net.conv(y, cin * t, 1, act=a)
            y = net.dw(y, k, s if i == 0 else 1, a)
            if not lite:
                y = net.se(y, max(1, cin // 4), "swish", "sigmoid")
            y = net.conv(y, c, 1, gain=1.0)
            x = net.add(x, y) if i and cin == c else y
    net.classify(net.conv(x, 1280, 1, act=a))


def shufflenet_v2(net, size=224):
    def shuffle(x):
        _n, c, h, w = net.sh[x]
        return net.reshape(net.transpose(net.reshape(x, (0, 2, c // 2, h, w)), [0, 2, 1, 3, 4]), (0, -1, h, w))

    x = net.pool(net.conv(image(net, size), 24, 3, 2, act="relu"), "MaxPool", 3, 2, 1)
    for c, n in ((116, 4), (232, 8), (464, 4)):
        for i in range(n):
            h = c // 2
            if i == 0:
                left = net.conv(net.dw(x, 3, 2), h, 1, act="relu")
                r = net.conv(net.dw(net.conv(x, h, 1, act="relu"), 3, 2), h, 1, act="relu")
            else:
                left, r = net.split2(x, h, h)
                r = net.conv(net.dw(net.conv(r, h, 1, act="relu")), h, 1, act="relu")
            x = shuffle(net.concat([left, r]))
    x = net.conv(x, 1024, 1, act="relu")
    m = net.node("ReduceMean", [x], net.sh[x][:2], axes=[2, 3], keepdims=0)
    net.output(net.fc(m, 1000), "logits")


def fsrcnn(net, num, den, h, w, d=56, s=12, m=4):
    """Luma super-resolution by num/den: feature conv with stride den, 9x9 deconvolution with stride num."""
    x = net.input("input", (net.batch, 1, h, w))
    x = net.conv(x, d, 5, den, act="prelu", bn=False)
    x = net.conv(x, s, 1, act="prelu", bn=False)
    for _ in range(m):
        x = net.conv(x, s, 3, act="prelu", bn=False)
    x = net.conv(x, d, 1, act="prelu", bn=False)
    n, _, fh, fw = net.sh[x]
    r = net.rng("deconv")
    wt = (r.standard_normal((d, 1, 9, 9)) * np.sqrt(num * num / (d * 81))).astype(np.float32)
    net.macs += n * fh * fw * d * 81
    y = net.node(
        "ConvTranspose",
        [x, net.const("deconv.weight", wt), net.const("deconv.bias", np.zeros(1, np.float32))],
        (n, 1, fh * num, fw * num),
        kernel_shape=[9, 9],
        strides=[num, num],
        pads=[(9 - num + 1) // 2, (9 - num + 1) // 2, (9 - num) // 2, (9 - num) // 2],
    )
    net.output(y, "output")


def espcn_x2(net):
    x = net.conv(net.input("input", (net.batch, 1, 360, 640)), 32, 5, act="relu", bn=False)
    x = net.conv(net.conv(x, 32, 3, act="relu", bn=False), 4, 3, bn=False)
    net.output(net.node("DepthToSpace", [x], (net.batch, 1, 720, 1280), blocksize=2, mode="CRD"), "output")


def transformer(net, layers=4, d=256, heads=4, ff=1024, t=128, vocab=4096):
    ids = net.input("input_ids", (net.batch, t), TensorProto.INT64)
    e = net.const("embedding", (0.5 * net.rng("emb").standard_normal((vocab, d))).astype(np.float32))
    x = net.node("Gather", [e, ids], (net.batch, t, d), axis=0)
    x = net.node("Add", [x, net.const("position", (0.1 * net.rng("pos").standard_normal((1, t, d))).astype(np.float32))], (net.batch, t, d))
    for _ in range(layers):
        x = net.block(x, heads, ff)
    net.output(net.layernorm(x), "hidden")


def vit_tiny(net, d=192, heads=3, layers=12):
    x = net.conv(image(net), d, 16, 16, p=0, bn=False, gain=1.0)
    x = net.transpose(net.reshape(x, (0, d, 196)), [0, 2, 1])
    x = net.node("Add", [x, net.const("position", (0.1 * net.rng("pos").standard_normal((1, 196, d))).astype(np.float32))], net.sh[x])
    for _ in range(layers):
        x = net.block(x, heads, 4 * d)
    x = net.layernorm(x)
    net.output(net.fc(net.node("ReduceMean", [x], (net.batch, d), axes=[1], keepdims=0), 1000), "logits")


def unet(net, size=128):
    x, skips = image(net, size), []
    for c in (16, 32, 64):
        x = net.conv(net.conv(x, c, 3, act="relu"), c, 3, act="relu")
        skips.append(x)
        x = net.pool(x, "MaxPool", 2, 2)
    x = net.conv(x, 128, 3, act="relu")
    for i, s in enumerate(reversed(skips)):
        n, c, h, w = net.sh[s]
        scales = net.const("scales2", np.array([1, 1, 2, 2], np.float32), False)
        x = net.node(
            "Resize",
            [x, "", scales],
            (n, net.sh[x][1], h, w),
            mode="linear" if i % 2 == 0 else "nearest",
            coordinate_transformation_mode="half_pixel" if i % 2 == 0 else "asymmetric",
            nearest_mode="floor",
        )
        x = net.conv(net.concat([net.conv(x, c, 1), s]), c, 3, act="relu")
    net.output(net.conv(x, 2, 1, act="sigmoid", bn=False), "mask")


def ds_cnn_kws(net):
    x = net.conv(net.input("input", (net.batch, 1, 49, 10)), 64, (10, 4), 2, p=(5, 1), act="relu")
    for _ in range(4):
        x = net.conv(net.dw(x, 3, 1, "relu"), 64, 1, act="relu")
    net.classify(x, 12)


def rnn_stream(net, op, d=64, t=10, cin=40):
    g = 3 if op == "GRU" else 4
    x = net.input("input", (t, 1, cin))
    h0 = net.input("h0", (1, 1, d))
    extra = [net.input("c0", (1, 1, d))] if op == "LSTM" else []
    r = net.rng(op)
    w = [
        net.const(f"{op}.{k}", (0.2 * r.standard_normal(s)).astype(np.float32))
        for k, s in (("W", (1, g * d, cin)), ("R", (1, g * d, d)), ("B", (1, 2 * g * d)))
    ]
    outs = ["y", "h1"] + (["c1"] if extra else [])
    net.nodes.append(
        helper.make_node(op, [x, *w, "", h0, *extra], outs, name=op, hidden_size=d, **({"linear_before_reset": 1} if op == "GRU" else {}))
    )
    net.macs += t * g * d * (cin + d)
    net.sh.update({"y": (t, 1, 1, d), "h1": (1, 1, d), "c1": (1, 1, d)})
    net.output(net.softmax(net.linear(net.reshape(y_squeeze(net), (t, d)), 8)), "prob")
    for o in outs[1:]:
        net.output(o, o + "_out")


def y_squeeze(net):
    return net.node("Squeeze", ["y", net.const("axes1", np.array([1], np.int64))], (net.sh["y"][0], 1, net.sh["y"][3]))


MODELS = {
    "mobilenet_v1_1.0_224": mobilenet_v1,
    "mobilenet_v1_0.25_128": lambda n: mobilenet_v1(n, 0.25, 128),
    "mobilenet_v2_1.0_224": mobilenet_v2,
    "mobilenet_v3_large_224": mobilenet_v3_large,
    "squeezenet_1.1_224": squeezenet_1_1,
    "resnet18_224": lambda n: resnet(n, (2, 2, 2, 2), False),
    "resnet50_224": lambda n: resnet(n, (3, 4, 6, 3), True),
    "efficientnet_lite0_224": lambda n: efficientnet(n, True),
    "efficientnet_b0_224": lambda n: efficientnet(n, False),
    "shufflenet_v2_1.0_224": shufflenet_v2,
    "fsrcnn_x2_720p": lambda n: fsrcnn(n, 2, 1, 360, 640),
    "fsrcnn_x1.5_720p": lambda n: fsrcnn(n, 3, 2, 480, 848),
    "espcn_x2_720p": espcn_x2,
    "transformer_l4_d256_t128": transformer,
    "vit_tiny_224": vit_tiny,
    "unet_128": unet,
    "ds_cnn_kws": ds_cnn_kws,
    "gru_stream": lambda n: rnn_stream(n, "GRU"),
    "lstm_stream": lambda n: rnn_stream(n, "LSTM"),
}


def build(name, bn=False, batch=1, dynamic=False):
    net = Net(name, bn, batch, dynamic)
    MODELS[name](net)
    return net, net.model()


def inputs_of(net):
    r = np.random.RandomState(zlib.crc32(net.name.encode()) & 0x7FFFFFFF)
    return {
        n: (r.randint(0, 4096, s).astype(np.int64) if t == TensorProto.INT64 else (r.random_sample(s) * 2 - 1).astype(np.float32))
        for n, s, t, _ in net.ins
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--models", default=",".join(MODELS))
    p.add_argument("--bn", action="store_true")
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--dynamic", action="store_true")
    p.add_argument("--golden", action="store_true")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    for name in a.models.split(","):
        net, m = build(name, a.bn, a.batch, a.dynamic)
        path = os.path.join(a.out, name + ("_bn" if a.bn else "") + ".onnx")
        save(m, path)
        print(f"{name}: {net.params} parameters, {net.macs} MACs, {os.path.getsize(path)} bytes")
        if a.golden:
            feeds = inputs_of(net)
            out = {"in_" + k: v for k, v in feeds.items()}
            try:
                import onnxruntime as ort

                s = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
                out.update({"out_" + o.name: v for o, v in zip(s.get_outputs(), s.run(None, feeds), strict=False)})
            except ImportError:
                print("  onnxruntime is not installed: inputs only")
            np.savez_compressed(path[:-5] + ".npz", **out)


if __name__ == "__main__":
    main()
