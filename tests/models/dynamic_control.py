"""Networks whose sizes depend on data, and whose control flow does: see make_dynamic_models.py."""

import numpy as np
from make_small_models import Builder
from onnx import TensorProto, helper

FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL


def random(seed):
    return np.random.default_rng(seed)


class Body(Builder):
    """A subgraph. The names in it differ from those of the graphs around it, whose values it may use."""

    def constant(self, array):
        name = super().constant(array)
        self.constants[-1].name = f"{self.name}_{name}"
        return self.constants[-1].name

    def node(self, op, inputs, outputs=1, **attributes):
        super().node(op, inputs, outputs, **attributes)
        node = self.nodes[-1]
        names = [f"{self.name}_{name}" for name in node.output]
        node.output[:] = names
        return names[0] if outputs == 1 else names

    def graph(self):
        return helper.make_graph(self.nodes, self.name, self.inputs, self.outputs, self.constants)

    def loop_inputs(self):
        """The iteration and the condition that a Loop gives its body."""
        self.input(f"{self.name}_i", [], INT64)
        return self.input(f"{self.name}_go", [], BOOL)


def branch(name, make, shape):
    """A branch of an If: `make(body)` gives its one output."""
    b = Body(name)
    b.output(make(b), shape)
    return b.graph()


# --- Sizes that depend on data ---


def detector():
    """image [1, 3, h, w] to the best boxes: a head with a box and class scores for each cell, NonMaxSuppression, TopK of what is left."""
    classes = 4
    b = Builder("detector")
    x = b.input("image", [1, 3, "height", "width"])
    for inputs, outputs in ((3, 8), (8, 16)):
        x = b.node("Relu", [b.node("Conv", [x, b.weights(outputs, inputs, 3, 3), b.weights(outputs)], pads=[1, 1, 1, 1], strides=[2, 2])])
    cells = b.node("Slice", [b.node("Shape", [x]), b.ints(2), b.ints(4)])
    sides = [b.node("Gather", [cells, b.constant(np.int64(axis))], axis=0) for axis in (0, 1)]
    zero, one = b.constant(np.int64(0)), b.constant(np.int64(1))
    ranges = [b.node("Range", [zero, side, one]) for side in sides]
    grid = [
        b.node("Reshape", [b.node("Expand", [b.node("Unsqueeze", [r, b.ints(axis)]), cells]), b.ints(1, -1, 1)])
        for r, axis in zip(ranges, (1, 0), strict=True)
    ]
    centres = b.node("Cast", [b.node("Concat", grid, axis=2)], to=FLOAT)

    def head(channels):
        y = b.node("Conv", [x, b.weights(channels, 16, 1, 1), b.weights(channels)])
        return b.node("Transpose", [b.node("Reshape", [y, b.ints(0, channels, -1)])], perm=[0, 2, 1])

    places = b.node("Add", [centres, b.node("Tanh", [head(2)])])
    sizes = b.node("Exp", [head(2)])
    boxes = b.node("Concat", [b.node("Sub", [places, sizes]), b.node("Add", [places, sizes])], axis=2)
    scores = b.node("Transpose", [b.node("Sigmoid", [head(classes)])], perm=[0, 2, 1])
    limits = [b.constant(np.int64(20)), b.constant(np.float32(0.3)), b.constant(np.float32(0.55))]
    chosen = b.node("NonMaxSuppression", [boxes, scores, *limits])  # [count, 3]: batch, class, box
    count = b.node("Slice", [b.node("Shape", [chosen]), b.ints(0), b.ints(1)])
    k = b.node("Min", [count, b.ints(10)])
    best, order = b.node("TopK", [b.node("GatherND", [scores, chosen]), k], outputs=2)
    kept = b.node("Gather", [chosen, order], axis=0)
    places = b.node("Squeeze", [b.node("Slice", [kept, b.ints(2), b.ints(3), b.ints(1)]), b.ints(1)])
    labels = b.node("Squeeze", [b.node("Slice", [kept, b.ints(1), b.ints(2), b.ints(1)]), b.ints(1)])
    b.output(b.node("Gather", [b.node("Squeeze", [boxes, b.ints(0)]), places], axis=0), ["found", 4])
    b.output(best, ["found"])
    b.output(labels, ["found"], INT64)
    return b.model()


def detector_inputs(size):
    height, width = [(32, 48), (65, 40), (16, 16)][size]
    return {"image": random(size).standard_normal((1, 3, height, width)).astype(np.float32)}


def searches():
    """Unique, NonZero and Compress, and products with what they find."""
    b = Builder("searches")
    ids = b.input("ids", ["count"], INT64)
    x = b.input("x", ["count", 6])
    different, first, inverse, counts = b.node("Unique", [ids], outputs=4)
    b.output(different, ["different"], INT64)
    b.output(inverse, ["count"], INT64)
    b.output(counts, ["different"], INT64)
    b.output(b.node("MatMul", [b.node("Gather", [x, first], axis=0), b.weights(6, 3)]), ["different", 3])
    positive = b.node("Greater", [x, b.constant(np.float32(0))])
    found = b.node("NonZero", [positive])
    values = b.node("GatherND", [x, b.node("Transpose", [found], perm=[1, 0])])
    b.output(found, [2, "found"], INT64)
    b.output(b.node("Mul", [values, values]), ["found"])
    rows = b.node("Greater", [b.node("ReduceMean", [x], axes=[1], keepdims=0), b.constant(np.float32(0))])
    b.output(b.node("Softmax", [b.node("Compress", [x, rows], axis=0)], axis=-1), ["kept", 6])
    return b.model()


def searches_inputs(size):
    count = [12, 45, 1][size]
    rng = random(size)
    return {"ids": rng.integers(-5, 6, count), "x": rng.standard_normal((count, 6)).astype(np.float32)}


def ragged():
    """Reshape by a shape that is an input, and Expand by a size that is counted."""
    b = Builder("ragged")
    x = b.input("x", ["n", "m"])
    rows = b.input("rows", [1], INT64)
    shaped = b.node("Reshape", [x, b.node("Concat", [rows, b.ints(-1)], axis=0)])
    b.output(b.node("Softmax", [shaped], axis=-1), ["rows", "columns"])
    positive = b.node("Cast", [b.node("Greater", [x, b.constant(np.float32(0))])], to=INT64)
    count = b.node("Reshape", [b.node("ReduceSum", [positive], keepdims=0), b.ints(1)])
    sums = b.node("ReduceSum", [shaped, b.ints(1)], keepdims=1)
    b.output(b.node("Expand", [sums, b.node("Concat", [b.ints(1), count], axis=0)]), ["rows", "positive"])
    return b.model()


def ragged_inputs(size):
    n, m, rows = [(4, 6, 3), (10, 9, 15), (1, 7, 7)][size]
    x = random(size).standard_normal((n, m)).astype(np.float32)
    return {"x": x, "rows": np.array([rows])}


# --- Control flow ---


def nested():
    """An If in a Loop in an If; all of them use values of the graphs around them."""
    b = Builder("nested")
    x = b.input("x", ["n", 8])
    flag = b.input("flag", [], BOOL)
    trips = b.input("trips", [], INT64)
    weights = b.weights(8, 8)

    def loop(outer):
        body = Body("step")
        go = body.loop_inputs()
        state = body.input("step_state", ["n", 8])
        mean = body.node("ReduceMean", [state], keepdims=0)
        is_positive = body.node("Greater", [mean, body.constant(np.float32(0))])
        state = body.node(
            "If",
            [is_positive],
            then_branch=branch("shrink", lambda c: c.node("Tanh", [c.node("MatMul", ["step_state", weights])]), ["n", 8]),
            else_branch=branch("grow", lambda c: c.node("Add", ["step_state", c.node("Abs", [x])]), ["n", 8]),
        )
        body.output(body.node("Identity", [go]), [], BOOL)
        body.output(state, ["n", 8])
        return outer.node("Loop", [trips, "", x], body=body.graph())

    b.output(
        b.node(
            "If",
            [flag],
            then_branch=branch("iterate", loop, ["n", 8]),
            else_branch=branch("plain", lambda c: c.node("Mul", [x, c.constant(np.float32(2))]), ["n", 8]),
        ),
        ["n", 8],
    )
    return b.model()


def nested_inputs(size):
    n, flag, trips = [(3, True, 4), (11, False, 2), (1, True, 7)][size]
    return {"x": random(size).standard_normal((n, 8)).astype(np.float32), "flag": np.array(flag), "trips": np.array(trips)}


def growing():
    """A Loop whose state gets a row more in each iteration, with an output of every iteration; it ends when a sum is large enough."""
    b = Builder("growing")
    x = b.input("x", ["n", 4])
    limit = b.input("limit", [])
    body = Body("append")
    body.loop_inputs()
    rows = body.input("append_rows", ["r", 4])
    mean = body.node("ReduceMean", [rows], axes=[0], keepdims=1)
    fresh = body.node("Add", [body.node("Abs", [mean]), body.constant(np.full((1, 4), 0.25, np.float32))])
    grown = body.node("Concat", [rows, fresh], axis=0)
    total = body.node("ReduceSum", [grown], keepdims=0)
    body.output(body.node("Less", [total, limit]), [], BOOL)
    body.output(grown, ["r_1", 4])
    body.output(body.node("Identity", [fresh]), [1, 4])
    body.output(body.node("Identity", [total]), [])
    ends = b.node("Loop", [b.constant(np.int64(50)), b.constant(np.array(True)), x], outputs=3, body=body.graph())
    b.output(b.node("Softmax", [ends[0]], axis=0), ["rows", 4])
    b.output(ends[1], ["iterations", 1, 4])
    b.output(ends[2], ["iterations"])
    return b.model()


def growing_inputs(size):
    n, limit = [(2, 12.0), (9, 40.0), (1, -100.0)][size]
    return {"x": random(size).standard_normal((n, 4)).astype(np.float32), "limit": np.array(limit, np.float32)}


def scan():
    """A Scan over time with two states; one of its inputs is read backwards, one output is stacked along axis 1."""
    b = Builder("scan")
    x = b.input("x", ["length", "batch", 6])
    body = Body("cell")
    slow, fast = (body.input(f"cell_{name}", ["batch", 6]) for name in ("slow", "fast"))
    ahead, behind = (body.input(f"cell_{name}", ["batch", 6]) for name in ("ahead", "behind"))
    gate = body.node("Sigmoid", [body.node("MatMul", [ahead, body.weights(6, 6)])])
    fast = body.node("Tanh", [body.node("Add", [body.node("MatMul", [fast, body.weights(6, 6)]), behind])])
    slow = body.node("Add", [body.node("Mul", [gate, slow]), fast])
    for value in (slow, body.node("Identity", [fast]), body.node("Mul", [slow, gate]), body.node("Identity", [slow])):
        body.output(value, ["batch", 6])
    size = b.node("Slice", [b.node("Shape", [x]), b.ints(1), b.ints(3)])
    zeros = b.node("ConstantOfShape", [size])
    ends = b.node(
        "Scan", [zeros, zeros, x, x], outputs=4, body=body.graph(), num_scan_inputs=2, scan_input_directions=[0, 1],
        scan_output_axes=[0, 1],
    )  # fmt: skip
    shapes = [["batch", 6], ["batch", 6], ["length", "batch", 6], ["batch", "length", 6]]
    for value, shape in zip(ends, shapes, strict=True):
        b.output(value, shape)
    return b.model()


def scan_inputs(size):
    length, batch = [(6, 2), (21, 1), (1, 4)][size]
    return {"x": random(size).standard_normal((length, batch, 6)).astype(np.float32)}
