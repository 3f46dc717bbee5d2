"""Writes small ONNX networks that spell operators out as exporters do: what the recognising passes are measured on.

  python make_exported_models.py --out DIR [--models a,b,...]

The spellings are those of PyTorch's exporters for opsets that lack the operator (LayerNormalization before 17, Gelu before 20, Mish
before 18, GroupNormalization before 21), of Keras, and of layers that papers' authors wrote by hand. Weights are seeded.
"""

import argparse
import os

import numpy as np
from make_models import Net, image
from onnx import save


class Export(Net):
    """A network with the spellings of exporters."""

    def scalar(self, value):
        return self.const(f"scalar_{value:.9g}", np.float32(value), False)

    def unary(self, op, x, **attributes):
        return self.node(op, [x], self.sh[x], **attributes)

    def pair(self, op, a, b):
        return self.node(op, [a, b], np.broadcast_shapes(self.sh.get(a, ()), self.sh.get(b, ())))

    def reduced(self, op, x, axes):
        axes = [axis % len(self.sh[x]) for axis in axes]
        shape = [1 if axis in axes else size for axis, size in enumerate(self.sh[x])]
        return self.node(op, [x], shape, axes=axes, keepdims=1)

    def row(self, kind, shape, middle=1.0):
        key = self.key(kind)
        self.sh[key] = shape
        return self.const(key, (middle + 0.1 * self.rng(key).standard_normal(shape)).astype(np.float32))

    def variance(self, centred):
        return self.reduced("ReduceMean", self.pair("Pow", centred, self.scalar(2)), [-1])

    def layer_norm(self, x):
        centred = self.pair("Sub", x, self.reduced("ReduceMean", x, [-1]))
        deviation = self.unary("Sqrt", self.pair("Add", self.variance(centred), self.scalar(1e-5)))
        y = self.pair("Div", centred, deviation)
        width = self.sh[x][-1:]
        return self.pair("Add", self.pair("Mul", y, self.row("scale", width)), self.row("bias", width, 0))

    def root_mean_square_norm(self, x):
        root = self.unary("Sqrt", self.pair("Add", self.variance(x), self.scalar(1e-6)))
        inverse = self.pair("Div", self.scalar(1), root)
        return self.pair("Mul", self.row("scale", self.sh[x][-1:]), self.pair("Mul", x, inverse))

    def group_norm(self, x, groups):
        shape = self.sh[x]
        rows = self.reshape(x, (0, groups, -1))
        ones, zeros = (self.const(f"{kind}_{groups}", np.full(groups, value, np.float32)) for kind, value in (("ones", 1), ("zeros", 0)))
        y = self.node("InstanceNormalization", [rows, ones, zeros], self.sh[rows], epsilon=1e-5)
        y = self.pair("Mul", self.reshape(y, shape), self.row("scale", (shape[1], 1, 1)))
        return self.pair("Add", y, self.row("bias", (shape[1], 1, 1), 0))

    def instance_norm(self, x):
        channels = self.sh[x][1:2]
        operands = [x, self.row("scale", channels), self.row("bias", channels, 0)]
        return self.node("InstanceNormalization", operands, self.sh[x], epsilon=1e-5)

    def gelu_tanh(self, x):
        cubic = self.pair("Mul", self.pair("Pow", x, self.scalar(3)), self.scalar(0.044715))
        argument = self.pair("Mul", self.pair("Add", x, cubic), self.scalar(np.sqrt(2 / np.pi)))
        gate = self.pair("Add", self.unary("Tanh", argument), self.scalar(1))
        return self.pair("Mul", self.pair("Mul", x, self.scalar(0.5)), gate)

    def silu(self, x):
        return self.pair("Mul", x, self.unary("Sigmoid", x))

    def mish(self, x):
        return self.pair("Mul", x, self.unary("Tanh", self.unary("Softplus", x)))

    def hard_swish(self, x):
        gate = self.node("Clip", [self.pair("Add", x, self.scalar(3)), self.scalar(0), self.scalar(6)], self.sh[x])
        return self.pair("Div", self.pair("Mul", x, gate), self.scalar(6))

    def hard_sigmoid(self, x):
        gate = self.node("Clip", [self.pair("Add", x, self.scalar(3)), self.scalar(0), self.scalar(6)], self.sh[x])
        return self.pair("Div", gate, self.scalar(6))

    def prelu(self, x):
        slope = self.row("slope", (self.sh[x][1], 1, 1), 0.25)
        negative = self.pair("Mul", slope, self.unary("Relu", self.unary("Neg", x)))
        return self.pair("Sub", self.unary("Relu", x), negative)

    def spelled_softmax(self, x):
        powers = self.unary("Exp", self.pair("Sub", x, self.reduced("ReduceMax", x, [-1])))
        key = self.const("last_axis", np.array([-1], np.int64), False)
        return self.pair("Div", powers, self.node("ReduceSum", [powers, key], (*self.sh[x][:-1], 1), keepdims=1))


def transformer(net, norm, act, softmax=Net.softmax, layers=4, width=256, tokens=64, heads=4):
    net.softmax = lambda x: softmax(net, x)
    x = net.input("input", (1, tokens, width))
    for _ in range(layers):
        x = net.add(x, net.attention(norm(net, x), heads))
        hidden = net.linear(norm(net, x), 4 * width)
        x = net.add(x, net.linear(act(net, hidden), width))
    net.output(x, "hidden")


def convolutions(net, after, channels=32, layers=4, size=64):
    x = image(net, size)
    for _ in range(layers):
        x = after(net.conv(x, channels, 3, bn=False))
    net.output(net.conv(x, 8, 1, bn=False), "map")


def squeezed(net):
    x = image(net, 64)
    for _ in range(4):
        x = net.hard_swish(net.conv(x, 32, 3, bn=False))
        gate = net.hard_sigmoid(net.conv(net.gap(x), 32, 1, bn=False))
        x = net.mul(x, gate)
    net.output(net.conv(x, 8, 1, bn=False), "map")


def pixel_shuffle(net):
    """Four convolutions at a low resolution, a shuffle written by hand, one at the high one."""
    x = net.conv(net.conv(image(net, 64), 32, 3, act="relu"), 32, 3)
    n, c, h, w = net.sh[x]
    x = net.transpose(net.reshape(x, (n, c // 4, 2, 2, h, w)), [0, 1, 4, 2, 5, 3])
    net.output(net.conv(net.reshape(x, (n, c // 4, 2 * h, 2 * w)), 3, 3), "picture")


def upsampling(net):
    x = net.conv(image(net, 64), 16, 3, act="relu")
    n, c, h, w = net.sh[x]
    repeats = net.const("repeats", np.array([n, c, h, 2, w, 2], np.int64), False)
    x = net.node("Expand", [net.reshape(x, (n, c, h, 1, w, 1)), repeats], (n, c, h, 2, w, 2))
    net.output(net.conv(net.reshape(x, (n, c, 2 * h, 2 * w)), 8, 3), "map")


def erf_gelu(net, x):
    return net.act(x, "gelu")


MODELS = {
    "bert_layers": lambda n: transformer(n, Export.layer_norm, erf_gelu),
    "gpt2_layers": lambda n: transformer(n, Export.layer_norm, Export.gelu_tanh, Export.spelled_softmax),
    "llama_layers": lambda n: transformer(n, Export.root_mean_square_norm, Export.silu),
    "group_norm_net": lambda n: convolutions(n, lambda x: n.unary("Relu", n.group_norm(x, 8))),
    "instance_norm_net": lambda n: convolutions(n, lambda x: n.unary("Relu", n.instance_norm(x))),
    "mish_net": lambda n: convolutions(n, n.mish),
    "prelu_net": lambda n: convolutions(n, n.prelu),
    "squeezed_net": squeezed,
    "pixel_shuffle_net": pixel_shuffle,
    "upsampling_net": upsampling,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", required=True)
    parser.add_argument("--models", default=",".join(MODELS))
    arguments = parser.parse_args()
    os.makedirs(arguments.out, exist_ok=True)
    for name in arguments.models.split(","):
        net = Export(name)
        MODELS[name](net)
        path = os.path.join(arguments.out, name + ".onnx")
        save(net.model(), path)
        print(f"{name}: {net.params} parameters, {os.path.getsize(path)} bytes")


if __name__ == "__main__":
    main()
