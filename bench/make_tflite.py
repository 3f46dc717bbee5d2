"""Writes the networks of make_models.py as TensorFlow Lite files with the same weights, so that LiteRT can be timed beside ONNX engines.

  python make_tflite.py --out DIR [--models a,b,...] [--int8]

Needs tensorflow-cpu (2.21 was tried; tensorflow does as well), onnx and numpy, and make_models.py beside it. Batch 1.
Images are NHWC, also among the outputs; input_ids is int32; inputs and outputs keep the order of the ONNX file; GRU and
LSTM are unrolled. Fed with the same values a float file agrees with the ONNX golden to rounding.
--int8 writes NAME_int8.tflite: post-training quantisation calibrated on 50 random inputs, fit for timing, not for accuracy.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import make_models
import numpy as np
import tensorflow as tf
from onnx import TensorProto, helper, numpy_helper
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as freeze


class Graph:
    """An ONNX graph as a TensorFlow function: 4-D image tensors are NHWC, all others as in ONNX."""

    def __init__(self, net, model):
        self.net, self.g = net, model.graph
        self.const = {i.name: numpy_helper.to_array(i) for i in self.g.initializer}
        self.gelu, self.inside = self.find_gelu()

    def find_gelu(self):
        """Div, Erf, Add, Mul, Mul -> one GELU, because TensorFlow Lite has no Erf: {last output: x} and the outputs inside."""
        made_by = {o: n for n in self.g.node for o in n.output}
        users = {}
        for n in self.g.node:
            for i in n.input:
                users.setdefault(i, []).append(n)
        last, inside = {}, set()
        for erf in (n for n in self.g.node if n.op_type == "Erf"):
            (add,) = users[erf.output[0]]
            (mul,) = users[add.output[0]]
            (half,) = users[mul.output[0]]
            last[half.output[0]] = made_by[erf.input[0]].input[0]
            inside |= {erf.input[0], erf.output[0], add.output[0], mul.output[0]}
        return last, inside

    def specs(self):
        def nhwc(s):
            return [s[0], s[2], s[3], s[1]] if len(s) == 4 else list(s)

        return [tf.TensorSpec(nhwc(s), tf.int32 if t == TensorProto.INT64 else tf.float32, name=n) for n, s, t, _ in self.net.ins]

    def run(self, *inputs):
        names = [i[0] for i in self.net.ins]
        self.v = dict(zip(names, inputs, strict=False))
        self.image = {n for n in names if len(self.net.sh[n]) == 4}
        for n in self.g.node:
            if n.output[0] in self.inside:
                continue
            if n.output[0] in self.gelu:
                r = tf.nn.gelu(self.get(self.gelu[n.output[0]]), approximate=False)
            else:
                r = getattr(self, "op_" + n.op_type)(n, **{a.name: helper.get_attribute_value(a) for a in n.attribute})
            r = r if isinstance(r, (list, tuple)) else [r]
            self.v.update(zip(n.output, r, strict=False))
            if n.input[0] in self.image and len(r[0].shape) == 4:
                self.image |= set(n.output)
        return [self.v[o.name] for o in self.g.output]

    def get(self, name):
        return self.v[name] if name in self.v else tf.constant(self.const[name])

    def ins(self, n):
        return [self.get(i) for i in n.input]

    @staticmethod
    def padded(x, top, left, bottom, right):
        return tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]]) if top + left + bottom + right else x

    # ---- images
    def op_Conv(self, n, strides, pads, kernel_shape, group, dilations):
        x, w = self.get(n.input[0]), self.const[n.input[1]]
        same = strides == [1, 1] and all(k % 2 for k in kernel_shape) and pads == [k // 2 for k in kernel_shape] * 2
        x, mode = (x, "SAME") if same else (self.padded(x, *pads), "VALID")
        if group > 1:
            y = tf.nn.depthwise_conv2d(x, np.ascontiguousarray(w.transpose(2, 3, 0, 1)), [1, *strides, 1], mode)
        else:
            y = tf.nn.conv2d(x, np.ascontiguousarray(w.transpose(2, 3, 1, 0)), [1, *strides, 1], mode)
        return tf.nn.bias_add(y, self.const[n.input[2]]) if len(n.input) > 2 else y

    def op_ConvTranspose(self, n, kernel_shape, strides, pads):
        x, w, b = self.get(n.input[0]), self.const[n.input[1]], self.const[n.input[2]]
        h, wd = ((x.shape[i + 1] - 1) * strides[i] + kernel_shape[i] for i in (0, 1))
        y = tf.nn.conv2d_transpose(x, np.ascontiguousarray(w.transpose(2, 3, 1, 0)), [1, h, wd, w.shape[1]], strides, "VALID")
        return tf.nn.bias_add(y[:, pads[0] : h - pads[2], pads[1] : wd - pads[3], :], b)

    def op_MaxPool(self, n, kernel_shape, strides, pads, ceil_mode):
        x, p = self.get(n.input[0]), list(pads)
        for i, (k, s) in enumerate(zip(kernel_shape, strides, strict=False)):
            size = x.shape[i + 1] + p[i] + p[i + 2]
            p[i + 2] += -(size - k) % s if ceil_mode else 0
        return tf.nn.max_pool2d(self.padded(x, *p), kernel_shape, strides, "VALID")  # zero padding: all inputs come from a ReLU

    def op_GlobalAveragePool(self, n):
        return tf.reduce_mean(self.get(n.input[0]), [1, 2], keepdims=True)

    def op_Resize(self, n, mode, **_):
        x = self.get(n.input[0])
        size = [2 * x.shape[1], 2 * x.shape[2]]
        if mode == b"linear":
            return tf.raw_ops.ResizeBilinear(images=x, size=size, half_pixel_centers=True)
        return tf.raw_ops.ResizeNearestNeighbor(images=x, size=size)

    def op_DepthToSpace(self, n, blocksize, mode):
        assert self.net.sh[n.output[0]][1] == 1  # one channel: CRD and DCR are the same
        return tf.nn.depth_to_space(self.get(n.input[0]), blocksize)

    def op_PRelu(self, n):
        x, s = self.get(n.input[0]), self.const[n.input[1]].reshape(1, 1, -1)
        return tf.nn.relu(x) + tf.constant(-s) * tf.nn.relu(-x)  # the form that becomes one PRELU

    # ---- element by element
    def op_Clip(self, n):
        return tf.nn.relu6(self.get(n.input[0]))

    def op_Relu(self, n):
        return tf.nn.relu(self.get(n.input[0]))

    def op_HardSwish(self, n):
        x = self.get(n.input[0])
        return x * tf.nn.relu6(x + 3.0) * (1.0 / 6.0)

    def op_HardSigmoid(self, n, alpha, beta):
        return tf.nn.relu6(self.get(n.input[0]) + 3.0) * (1.0 / 6.0)

    def op_Sigmoid(self, n):
        return tf.sigmoid(self.get(n.input[0]))

    def op_Identity(self, n):
        return tf.identity(self.get(n.input[0]))

    def op_Mul(self, n):
        return tf.multiply(*self.ins(n))

    def op_Add(self, n):
        return tf.add(*self.ins(n))

    # ---- shapes
    def op_Flatten(self, n, axis):
        x = self.get(n.input[0])
        assert list(x.shape[1:3]) == [1, 1]
        return tf.reshape(x, [1, x.shape[3]])

    def op_Concat(self, n, axis):
        return tf.concat(self.ins(n), 3)

    def op_Split(self, n, axis):
        return tf.split(self.get(n.input[0]), list(self.const[n.input[1]]), axis=3)

    def op_Reshape(self, n):
        """Channel shuffle (NCHW -> N2CHW -> NCHW) and image to tokens are written for NHWC."""
        x, name, shape = self.get(n.input[0]), n.input[0], list(self.net.sh[n.output[0]])
        if name in self.image:
            shape = [shape[0], shape[3], shape[4], shape[1], shape[2]] if len(shape) == 5 else [shape[0], shape[2], shape[1]]
        elif len(x.shape) == 5:
            shape = [shape[0], shape[2], shape[3], shape[1]]
            self.image.add(n.output[0])
        return tf.reshape(x, shape)

    def op_Transpose(self, n, perm):
        x = self.get(n.input[0])
        if len(perm) == 5:
            return tf.transpose(x, [0, 1, 2, 4, 3])
        return x if list(x.shape) == list(self.net.sh[n.output[0]]) and perm == [0, 2, 1] else tf.transpose(x, perm)

    def op_Squeeze(self, n):
        return tf.squeeze(self.get(n.input[0]), list(self.const[n.input[1]]))

    def op_ReduceMean(self, n, axes, keepdims):
        return tf.reduce_mean(self.get(n.input[0]), [1, 2] if n.input[0] in self.image else axes, keepdims=bool(keepdims))

    def op_Gather(self, n, axis):
        return tf.gather(*self.ins(n), axis=axis)

    # ---- matrices
    def op_Gemm(self, n, transB):
        x, w, b = self.ins(n)
        return tf.matmul(x, w, transpose_b=True) + b

    def op_MatMul(self, n):
        x, y = self.ins(n)
        if len(y.shape) > 2:
            return tf.matmul(x, y)
        return tf.reshape(tf.matmul(tf.reshape(x, [-1, x.shape[-1]]), y), [*x.shape[:-1], y.shape[-1]])  # a fully connected layer

    def op_Softmax(self, n, axis):
        return tf.nn.softmax(self.get(n.input[0]), axis)

    def op_LayerNormalization(self, n, axis, epsilon):
        x, g, b = self.ins(n)
        d = x - tf.reduce_mean(x, -1, keepdims=True)
        return d * tf.math.rsqrt(tf.reduce_mean(d * d, -1, keepdims=True) + epsilon) * g + b

    # ---- recurrent: x [T, 1, in], weights [1, gates * hidden, in or hidden], biases [1, 2 * gates * hidden]
    def recurrent(self, n):
        x, w, r = self.get(n.input[0]), self.const[n.input[1]][0], self.const[n.input[2]][0]
        bw, br = np.split(self.const[n.input[3]][0], 2)
        return tf.unstack(tf.matmul(x, np.broadcast_to(w.T, (x.shape[0], *w.T.shape))) + bw), r.T, br, self.get(n.input[5])[0]

    def op_GRU(self, n, hidden_size, linear_before_reset):
        xs, r, br, h = self.recurrent(n)
        ys = []
        for x in xs:
            (xz, xr, xh), (hz, hr, hh) = tf.split(x, 3, 1), tf.split(tf.matmul(h, r) + br, 3, 1)
            z = tf.sigmoid(xz + hz)
            h = (1 - z) * tf.tanh(xh + tf.sigmoid(xr + hr) * hh) + z * h
            ys.append(h)
        return tf.stack(ys)[:, None], h[None]

    def op_LSTM(self, n, hidden_size):
        xs, r, br, h = self.recurrent(n)
        c, ys = self.get(n.input[6])[0], []
        for x in xs:
            i, o, f, g = tf.split(x + tf.matmul(h, r) + br, 4, 1)
            c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
            h = tf.sigmoid(o) * tf.tanh(c)
            ys.append(h)
        return tf.stack(ys)[:, None], h[None], c[None]


def convert(name, int8=False):
    """The bytes of the TensorFlow Lite file."""
    g = Graph(*make_models.build(name))
    specs = g.specs()
    f = tf.function(g.run, input_signature=specs, autograph=False).get_concrete_function()
    c = tf.lite.TFLiteConverter.from_concrete_functions([freeze(f)])
    if int8:
        r = np.random.RandomState(3)

        def sample(s):
            if s.dtype == tf.int32:
                return r.randint(0, 4096, s.shape).astype(np.int32)
            return (r.random_sample(s.shape) * 2 - 1).astype(np.float32)

        c.optimizations = [tf.lite.Optimize.DEFAULT]
        c.representative_dataset = lambda: ([sample(s) for s in specs] for _ in range(50))
        c.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    return c.convert()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--out", required=True)
    p.add_argument("--models", default=",".join(make_models.MODELS))
    p.add_argument("--int8", action="store_true")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    for name in a.models.split(","):
        path = os.path.join(a.out, name + ("_int8" if a.int8 else "") + ".tflite")
        data = convert(name, a.int8)
        with open(path, "wb") as f:
            f.write(data)
        print(f"{os.path.basename(path)}: {len(data)} bytes", flush=True)


if __name__ == "__main__":
    main()
