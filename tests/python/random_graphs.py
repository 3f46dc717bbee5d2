"""Random ONNX networks: shapes are followed while nodes are drawn, so that each network is valid as it is made."""

from __future__ import annotations

import networks
import numpy as np
from hypothesis import strategies as st
from onnx import ModelProto, helper

UNARY = ("Relu", "Sigmoid", "HardSwish", "HardSigmoid", "Tanh", "LeakyRelu", "Neg", "Abs", "Erf", "Identity")
MAX_ELEMENTS = 6000


class RandomGraph:
    """Values are names with concrete shapes. Every drawn node reads earlier values and adds its outputs."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.nodes: list = []
        self.constants: dict[str, np.ndarray] = {}
        self.feeds: dict[str, np.ndarray] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.seed = draw(st.integers(0, 10_000))

    def integer(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def choice(self, options: object) -> object:
        return self.draw(st.sampled_from(list(options)))

    def random(self, *shape: int) -> np.ndarray:
        self.seed += 1
        return networks.random(self.seed, *shape)

    def constant(self, value: np.ndarray) -> str:
        name = f"k{len(self.constants)}"
        self.constants[name] = np.asarray(value)
        return name

    def input(self, *shape: int) -> str:
        name = f"x{len(self.feeds)}"
        self.feeds[name] = self.random(*shape)
        self.shapes[name] = tuple(shape)
        return name

    def node(self, op: str, inputs: list[str], *shapes: tuple[int, ...], **attributes: object) -> str:
        outputs = [f"v{len(self.shapes) + i}" for i in range(len(shapes))]
        self.nodes.append(helper.make_node(op, inputs, outputs, name=f"n{len(self.nodes)}", **attributes))
        for name, shape in zip(outputs, shapes, strict=True):
            self.shapes[name] = tuple(int(d) for d in shape)
        return outputs[0]

    def value(self, rank: int | None = None) -> str | None:
        """One of the values, the latest ones more often."""
        names = [name for name, shape in self.shapes.items() if rank is None or len(shape) == rank]
        return self.choice(names[-1:] * 3 + names[-4:] * 2 + names) if names else None

    # --- A method an operator. None, or nothing appended, where it does not fit what there is.
    def convolution(self) -> None:
        x = self.value(4)
        if x is None:
            return
        n, c, h, w = self.shapes[x]
        kind = self.choice(("dense", "dense", "pointwise", "depthwise", "grouped"))
        groups = {"depthwise": c, "grouped": self.choice([g for g in (1, 2, 3, 4) if c % g == 0])}.get(kind, 1)
        outputs = c * self.integer(1, 2) if kind == "depthwise" else groups * self.integer(1, 20 // groups)
        pads = [0, 0, 0, 0] if kind == "pointwise" else [self.integer(0, 2) for _ in range(4)]
        strides = [1, 1] if self.integer(0, 2) else [self.integer(1, 3), self.integer(1, 2)]
        kernel, dilations = [], []
        for size in (h + pads[0] + pads[2], w + pads[1] + pads[3]):
            kernel.append(1 if kind == "pointwise" else self.integer(1, min(4, size)))
            dilations.append(self.choice((1, 1, 2)) if 2 * (kernel[-1] - 1) + 1 <= size else 1)
        spatial = [(size + pads[i] + pads[i + 2] - dilations[i] * (kernel[i] - 1) - 1) // strides[i] + 1 for i, size in enumerate((h, w))]
        fan = c // groups * kernel[0] * kernel[1]
        inputs = [x, self.constant(self.random(outputs, c // groups, *kernel) / np.float32(np.sqrt(fan)))]
        if self.integer(0, 1):
            inputs.append(self.constant(self.random(outputs)))
        self.node("Conv", inputs, (n, outputs, *spatial), group=groups, pads=pads, strides=strides, dilations=dilations)

    def unary(self) -> None:
        x = self.value()
        self.node(self.choice(UNARY), [x], self.shapes[x])

    def clip(self) -> None:
        x = self.value()
        low = self.choice((-1.0, 0.0))
        bounds = [self.constant(np.float32(low)), self.constant(np.float32(low + self.choice((1.0, 6.0))))]
        self.node("Clip", [x, *bounds], self.shapes[x])

    def prelu(self) -> None:
        x = self.value(4)
        if x is not None:
            shape = self.choice(((self.shapes[x][1], 1, 1), (1,), (1, 1, self.shapes[x][3])))
            self.node("PRelu", [x, self.constant(self.random(*shape))], self.shapes[x])

    def operand(self, shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
        """What broadcasts with `shape`: a constant or a value, of the same shape or with axes of size 1."""
        kind = self.choice(("same", "same", "scalar", "channel", "spatial", "image", "last", "any"))
        if kind == "scalar":
            other: tuple[int, ...] = self.choice(((), (1,), (1,) * len(shape)))
        elif kind == "last":
            other = shape[-1:]
        elif kind == "any":
            other = tuple(d if self.integer(0, 1) else 1 for d in shape)[self.integer(0, len(shape)) :]
        elif len(shape) == 4 and kind != "same":
            n, c, h, w = shape
            other = {"channel": (1, c, 1, 1), "spatial": (1, 1, h, w), "image": (n, c, 1, 1)}[kind]
        else:
            other = shape
        found = [name for name, s in self.shapes.items() if s == other]
        if found and self.integer(0, 3):
            return self.choice(found), other
        if other and self.integer(0, 3) == 0 and len(self.feeds) < 3:
            return self.input(*other), other
        return self.constant(self.random(*other)), other

    def binary(self) -> None:
        x = self.value()
        op = self.choice(("Add", "Add", "Mul", "Mul", "Sub", "Div", "Max", "Min"))
        other, shape = self.operand(self.shapes[x])
        if op == "Div":
            shape = self.shapes[x] if self.integer(0, 1) else self.shapes[x][-1:]
            other = self.constant(np.abs(self.random(*shape)) + np.float32(0.5))
        pair = [x, other] if op == "Div" or self.integer(0, 1) else [other, x]
        self.node(op, pair, np.broadcast_shapes(self.shapes[x], shape))

    def gate(self) -> None:
        """x * f(x), and squeeze and excitation."""
        x = self.value()
        shape = self.shapes[x]
        if len(shape) == 4 and self.integer(0, 1):
            pooled = self.node("GlobalAveragePool", [x], (*shape[:2], 1, 1))
            weights = self.constant(self.random(shape[1], shape[1], 1, 1) / np.float32(shape[1]))
            mixed = self.node("Conv", [pooled, weights], (*shape[:2], 1, 1))
            gate = self.node(self.choice(("Sigmoid", "HardSigmoid")), [mixed], (*shape[:2], 1, 1))
        else:
            gate = self.node(self.choice(("Sigmoid", "HardSigmoid", "Tanh")), [x], shape)
        self.node("Mul", [x, gate] if self.integer(0, 1) else [gate, x], shape)

    def normalization(self) -> None:
        x = self.choice([name for name, shape in self.shapes.items() if len(shape) >= 2] or [None])
        if x is None:
            return
        c = self.shapes[x][1]
        values = [self.random(c), self.random(c), self.random(c), np.abs(self.random(c)) + np.float32(0.5)]
        self.node("BatchNormalization", [x, *map(self.constant, values)], self.shapes[x])

    def pool(self) -> None:
        x = self.value(4)
        if x is None:
            return
        n, c, h, w = self.shapes[x]
        op = self.choice(("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool"))
        if op.startswith("Global"):
            self.node(op, [x], (n, c, 1, 1))
            return
        kernel = [self.integer(1, min(3, h)), self.integer(1, min(3, w))]
        strides = [self.integer(1, 2), self.integer(1, 3)]
        # The evaluator mixes the ends of the two axes up where pads[1] and pads[2] differ.
        shared = self.integer(0, min(kernel) - 1)
        pads = [self.integer(0, kernel[0] - 1), shared, shared, self.integer(0, kernel[1] - 1)]
        spatial = [(size + pads[i] + pads[i + 2] - kernel[i]) // strides[i] + 1 for i, size in enumerate((h, w))]
        extra = {"count_include_pad": self.integer(0, 1)} if op == "AveragePool" else {}
        self.node(op, [x], (n, c, *spatial), kernel_shape=kernel, strides=strides, pads=pads, **extra)

    def concat(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        axis = self.choice((min(1, len(shape) - 1), self.integer(0, len(shape) - 1)))
        rest = shape[:axis] + shape[axis + 1 :]
        fit = [name for name, s in self.shapes.items() if len(s) == len(shape) and s[:axis] + s[axis + 1 :] == rest]
        parts = [x] + [self.choice(fit) for _ in range(self.integer(0, 2))]
        if self.integer(0, 2) == 0:
            size = self.integer(1, 3)
            parts.append(self.constant(self.random(*shape[:axis], size, *shape[axis + 1 :])))
        parts = list(self.draw(st.permutations(parts)))
        total = sum(self.shapes[p][axis] if p in self.shapes else self.constants[p].shape[axis] for p in parts)
        self.node("Concat", parts, (*shape[:axis], total, *shape[axis + 1 :]), axis=axis)

    def split(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        axes = [a for a, d in enumerate(shape) if d >= 2]
        if not axes:
            return
        axis = self.choice(axes)
        first = self.integer(1, shape[axis] - 1)
        sizes = [first, shape[axis] - first]
        self.node(
            "Split",
            [x, self.constant(np.array(sizes, np.int64))],
            *((*shape[:axis], size, *shape[axis + 1 :]) for size in sizes),
            axis=axis - len(shape) if self.integer(0, 1) else axis,
        )

    def transpose(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        perm = list(self.draw(st.permutations(range(len(shape)))))
        if len(shape) == 4:
            perm = self.choice((perm, [0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2]))
        self.node("Transpose", [x], tuple(shape[p] for p in perm), perm=perm)

    def reshape(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        count = int(np.prod(shape))
        if self.integer(0, 2) == 0:
            axis = self.integer(0, len(shape))
            rows = int(np.prod(shape[:axis]))
            self.node("Flatten", [x], (rows, count // rows), axis=axis)
            return
        target: list[int] = []
        left = count
        for _ in range(self.integer(0, 3)):
            target.append(self.choice([d for d in range(1, left + 1) if left % d == 0]))
            left //= target[-1]
        target.append(left)
        if self.integer(0, 1):
            merged = [(*shape[:2], -1), (shape[0], -1), (*shape[:1], 1, *shape[1:])]
            target = [int(d) for d in self.choice(merged)][:5]
            known = int(np.prod([d for d in target if d > 0]))
            if target.count(-1) == 0 and known != count:
                return
            result = tuple(count // known if d == -1 else d for d in target)
        else:
            result = tuple(target)
        self.node("Reshape", [x, self.constant(np.array(target, np.int64))], result)

    def resize(self) -> None:
        x = self.value(4)
        if x is None:
            return
        n, c, h, w = self.shapes[x]
        factors = [self.integer(1, 3), self.integer(1, 3)]
        scales = self.constant(np.array([1, 1, *factors], np.float32))
        mode, coordinates = self.choice((("nearest", "asymmetric"), ("linear", "half_pixel"), ("linear", "align_corners")))
        attributes = {"mode": mode, "coordinate_transformation_mode": coordinates, "nearest_mode": "floor"}
        self.node("Resize", [x, "", scales], (n, c, h * factors[0], w * factors[1]), **attributes)

    def softmax(self) -> None:
        x = self.value()
        self.node("Softmax", [x], self.shapes[x], axis=self.integer(-len(self.shapes[x]), len(self.shapes[x]) - 1))

    def matmul(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        if len(shape) < 2:
            return
        depth, columns = shape[-1], self.integer(1, 20)
        scale = np.float32(np.sqrt(depth))
        if len(shape) == 2 and self.integer(0, 1):
            transposed = self.integer(0, 1)
            weights = self.random(*((columns, depth) if transposed else (depth, columns))) / scale
            inputs = [x, self.constant(weights), self.constant(self.random(*self.choice(((columns,), (1,), (shape[0], 1)))))]
            self.node("Gemm", inputs, (shape[0], columns), transB=transposed, alpha=self.choice((1.0, 0.5)))
            return
        others = [name for name, s in self.shapes.items() if len(s) == len(shape) and s[-2] == depth and s[:-2] == shape[:-2]]
        if others and self.integer(0, 1):
            other = self.choice(others)
            scaled = self.node("Mul", [x, self.constant(np.float32(1) / scale)], shape)
            self.node("MatMul", [scaled, other], (*shape[:-1], self.shapes[other][-1]))
            return
        self.node("MatMul", [x, self.constant(self.random(depth, columns) / scale)], (*shape[:-1], columns))

    def reduce(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        axes = self.draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, max_size=2, unique=True))
        if len(shape) == 4 and self.integer(0, 1):
            axes = [2, 3]
        keep = self.integer(0, 1) or len(axes) == len(shape)
        result = tuple(1 if a in axes else d for a, d in enumerate(shape) if keep or a not in axes)
        self.node(self.choice(("ReduceMean", "ReduceMean", "ReduceMax")), [x], result, axes=axes, keepdims=int(keep))

    def transposed_convolution(self) -> None:
        x = self.value(4)
        if x is None:
            return
        n, c, h, w = self.shapes[x]
        kernel, outputs = self.integer(1, 3), self.integer(1, 8)
        stride = self.choice((kernel, self.integer(1, 3)))
        pad = self.integer(0, (kernel - 1) // 2)
        spatial = [stride * (size - 1) + kernel - 2 * pad for size in (h, w)]
        if min(spatial) < 1:
            return
        weights = self.constant(self.random(c, outputs, kernel, kernel) / np.float32(np.sqrt(c)))
        inputs = [x, weights] + ([self.constant(self.random(outputs))] if self.integer(0, 1) else [])
        self.node("ConvTranspose", inputs, (n, outputs, *spatial), strides=[stride] * 2, pads=[pad] * 4)

    def layer_normalization(self) -> None:
        x = self.value()
        c = self.shapes[x][-1]
        values = [self.constant(self.random(c)), self.constant(self.random(c))]
        self.node("LayerNormalization", [x, *values], self.shapes[x], axis=-1, epsilon=1e-2)

    def slice(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        axis = self.integer(0, len(shape) - 1)
        start = self.integer(0, shape[axis] - 1)
        end = self.integer(start + 1, shape[axis])
        step = self.integer(1, 2)
        bounds = [self.constant(np.array([v], np.int64)) for v in (start, end, axis, step)]
        self.node("Slice", [x, *bounds], (*shape[:axis], -(-(end - start) // step), *shape[axis + 1 :]))

    def pad(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        pads = [self.integer(0, 1) for _ in range(2 * len(shape))]
        result = tuple(d + pads[i] + pads[i + len(shape)] for i, d in enumerate(shape))
        self.node("Pad", [x, self.constant(np.array(pads, np.int64))], result)

    def axes_of_one(self) -> None:
        x = self.value()
        shape = self.shapes[x]
        ones = [i for i, d in enumerate(shape) if d == 1]
        if ones and len(shape) > 1 and self.integer(0, 1):
            axis = self.choice(ones)
            self.node("Squeeze", [x, self.constant(np.array([axis], np.int64))], shape[:axis] + shape[axis + 1 :])
        elif len(shape) < 5:
            axis = self.integer(0, len(shape))
            self.node("Unsqueeze", [x, self.constant(np.array([axis], np.int64))], (*shape[:axis], 1, *shape[axis:]))


STEPS = (
    *("convolution",) * 4, *("binary",) * 5, *("unary",) * 3,
    *("normalization", "pool", "concat", "split", "transpose", "reshape", "matmul") * 2,
    "clip", "prelu", "gate", "resize", "softmax", "reduce", "transposed_convolution", "layer_normalization", "slice", "pad", "axes_of_one",
)  # fmt: skip


@st.composite
def random_graphs(draw: st.DrawFn) -> tuple[ModelProto, dict[str, np.ndarray]]:
    graph = RandomGraph(draw)
    batch = draw(st.sampled_from((1, 1, 1, 2)))
    graph.input(batch, draw(st.integers(1, 17)), draw(st.integers(1, 9)), draw(st.integers(1, 9)))
    for _ in range(draw(st.integers(1, 12))):
        if max(int(np.prod(s)) for s in graph.shapes.values()) > MAX_ELEMENTS or len(graph.nodes) >= 12:
            break
        getattr(graph, draw(st.sampled_from(STEPS)))()
    if not graph.nodes:
        graph.unary()
    made = [name for name in graph.shapes if name not in graph.feeds]
    outputs = [made[-1], *draw(st.lists(st.sampled_from(made), max_size=2))]
    outputs = list(dict.fromkeys(outputs))
    extra = draw(st.sampled_from(("none", "none", "none", "input", "same")))
    if extra == "input":  # an output that is an input
        graph.nodes.append(helper.make_node("Identity", ["x0"], ["out_input"]))
        outputs.append("out_input")
    if extra == "same":  # two outputs with the same value
        graph.nodes.append(helper.make_node("Identity", [made[-1]], ["out_same"]))
        outputs.append("out_same")
    dynamic = draw(st.booleans())
    inputs = {name: ("float32", [f"{name}_{i}" for i in range(a.ndim)] if dynamic else list(a.shape)) for name, a in graph.feeds.items()}
    return networks.model(graph.nodes, inputs, outputs, graph.constants), graph.feeds
