"""Random ONNX graphs that are evaluated while they are drawn.

Every node is computed at once by ONNX's reference evaluator, in float64 and in float32, and once more on slightly disturbed inputs. A
node is taken only where float32 suffices to compute it: a judge in float64 is then fair to any engine. So shapes, elements and ranges of
all values are known to what draws the next node.
"""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import judge
import numpy as np
import onnx
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

RTOL, ATOL = 1e-4, 1e-5  # of an element, and of the range of the whole result
MAX_ELEMENTS = 4096
MAX_MAGNITUDE = 1e4
# The newest opset that onnxruntime knows, unless a node needs a newer one.
USUAL_OPSET = 22


def tolerance(wanted: np.ndarray) -> np.ndarray:
    span = float(wanted.max() - wanted.min()) if wanted.size else 0.0
    return RTOL * np.abs(wanted) + ATOL * span


def difference(got: np.ndarray, wanted: np.ndarray) -> str | None:
    """What is wrong with `got`, or None."""
    if got.shape != wanted.shape:
        return f"shape {got.shape}, expected {wanted.shape}"
    if wanted.dtype.kind != "f":
        wrong = got != wanted
        return f"{int(wrong.sum())} of {wrong.size} elements differ" if wrong.any() else None
    wide = got.astype(np.float64)
    same = (wide == wanted) | (np.isnan(wide) & np.isnan(wanted))
    with np.errstate(all="ignore"):
        off = ~same & ~(np.abs(wide - wanted) <= tolerance(wanted))
    if not off.any():
        return None
    first = tuple(int(i) for i in np.argwhere(off)[0])
    return f"{int(off.sum())} of {off.size} elements differ, the first at {first}: {wide[first]} for {wanted[first]}"


@dataclass
class Value:
    name: str
    wide: np.ndarray  # float32 values as float64; all others as they are
    narrow: np.ndarray  # what arithmetic in float32 gives
    is_input: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.narrow.shape

    @property
    def rank(self) -> int:
        return self.narrow.ndim

    @property
    def kind(self) -> str:
        return self.narrow.dtype.name

    @property
    def magnitude(self) -> float:
        return float(np.abs(self.wide.astype(np.float64)).max()) if self.wide.size else 0.0


def widen_graph(graph: GraphProto) -> GraphProto:
    wide = GraphProto()
    wide.CopyFrom(graph)
    for info in (*wide.input, *wide.output, *wide.value_info):
        if info.type.tensor_type.elem_type == TensorProto.FLOAT:
            info.type.tensor_type.elem_type = TensorProto.DOUBLE
    for tensor in wide.initializer:
        widen_tensor(tensor)
    for node in wide.node:
        node.CopyFrom(widen(node))
    return wide


def widen_tensor(tensor: TensorProto) -> None:
    if tensor.data_type == TensorProto.FLOAT:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))


def widen(node: NodeProto) -> NodeProto:
    """The same node on float64 in place of float32."""
    wide = NodeProto()
    wide.CopyFrom(node)
    for attribute in wide.attribute:
        if attribute.type == AttributeProto.TENSOR:
            widen_tensor(attribute.t)
        elif attribute.type == AttributeProto.GRAPH:
            attribute.g.CopyFrom(widen_graph(attribute.g))
        elif attribute.name in ("to", "dtype", "output_datatype") and attribute.i == TensorProto.FLOAT:
            attribute.i = TensorProto.DOUBLE
    return wide


def free_names(node: NodeProto) -> set[str]:
    """What the node reads from outside: its inputs, and what its subgraphs capture."""
    names = {name for name in node.input if name}
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            inside = {info.name for info in attribute.g.input} | {tensor.name for tensor in attribute.g.initializer}
            for inner in attribute.g.node:
                names |= free_names(inner) - inside
                inside |= set(inner.output)
            names |= {info.name for info in attribute.g.output} - inside
    return names


def single_node_model(node: NodeProto, feeds: dict[str, np.ndarray], opset: int) -> ModelProto:
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.output if name]
    return helper.make_model(helper.make_graph([node], "node", infos, outputs), opset_imports=[helper.make_opsetid("", opset)])


def evaluate(node: NodeProto, feeds: dict[str, np.ndarray], opset: int) -> list[np.ndarray]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if (results := judge.evaluate(node, feeds)) is not None:
            return results
        results = ReferenceEvaluator(single_node_model(node, feeds, opset)).run(None, feeds)
    results = [np.asarray(result) for result in results]
    if node.op_type == "Loop":  # the evaluator joins what was scanned along its first axis, not along a new one
        body = next(attribute.g for attribute in node.attribute if attribute.name == "body")
        carried = len(body.input) - 2
        for i in range(carried, len(results)):
            row = [dim.dim_value for dim in body.output[i + 1].type.tensor_type.shape.dim]
            results[i] = results[i].reshape(-1, *row)
    return results


class Rejected(Exception):
    """A node that does not fit what there is: it is not taken."""


class Evaluation:
    """Both values of every name, node by node."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self._noise = np.random.default_rng(0)

    def put(self, name: str, array: np.ndarray, is_input: bool = False) -> Value:
        wide = array.astype(np.float64) if array.dtype == np.float32 else array
        self.values[name] = Value(name, wide, array, is_input)
        return self.values[name]

    def _disturbed(self, value: Value) -> tuple[np.ndarray, np.ndarray]:
        """What roundings may make of it, and the opposite. No two elements change alike, so that one of them turns every tie."""
        if value.narrow.dtype != np.float32 or np.array_equal(value.wide, value.narrow):
            return value.wide, value.wide
        step = 3e-6 * max(value.magnitude, 1e-6)
        noise = step * self._noise.choice((-1.0, 1.0), value.shape) * self._noise.uniform(0.5, 1, value.shape)
        return value.wide + noise, value.wide - noise

    def run(self, node: NodeProto, opset: int, is_random: bool = False) -> list[Value]:
        """Computes `node`; raises Rejected where float32 does not suffice."""
        names = sorted(free_names(node))
        inputs = [self.values[name] for name in names]
        try:
            narrow = evaluate(node, {v.name: v.narrow for v in inputs}, opset)
            if is_random:
                wide, disturbed = [a.astype(np.float64) if a.dtype == np.float32 else a for a in narrow], []
            else:
                wide = evaluate(widen(node), {v.name: v.wide for v in inputs}, opset)
                if node.op_type in ("Constant", "ConstantOfShape"):  # lists of floats, and the default
                    wide = [a.astype(np.float64) if a.dtype == np.float32 else a for a in wide]
                feeds = {v.name: self._disturbed(v) for v in inputs}
                chooses = any(a.dtype.kind != "f" for a in narrow)  # the opposite matters to nothing else
                disturbed = [evaluate(widen(node), {k: v[i] for k, v in feeds.items()}, opset) for i in range(1 + chooses)]
        except Exception as error:
            raise Rejected(f"{node.op_type}: the reference evaluator: {type(error).__name__}: {error}") from error
        outputs = [name for name in node.output if name]
        for i, array in enumerate(narrow):
            if array.size > MAX_ELEMENTS or array.ndim > 6 or array.dtype == object:
                raise Rejected("too large")
            if not is_random:
                for others in disturbed:
                    self._check(node, array, wide[i], others[i])
        for name, array, exact in zip(outputs, narrow, wide, strict=True):
            self.values[name] = Value(name, exact, array)
        return [self.values[name] for name in outputs]

    @staticmethod
    def _check(node: NodeProto, narrow: np.ndarray, wide: np.ndarray, disturbed: np.ndarray) -> None:
        if narrow.shape != wide.shape or narrow.shape != disturbed.shape:
            raise Rejected("float32 and float64 differ in shape")
        if narrow.dtype == np.float32 and wide.dtype != np.float64:
            raise Rejected(f"{node.op_type}: the reference evaluator computes in {wide.dtype}")
        if narrow.dtype.kind != "f":
            if not (np.array_equal(narrow, wide) and np.array_equal(wide, disturbed)):
                raise Rejected("a rounding decides")
            return
        finite = np.isfinite(wide)
        if not finite.all() or np.abs(wide).max(initial=0) > MAX_MAGNITUDE:
            raise Rejected("not finite, or large")
        if 0 < np.abs(wide).max(initial=0) < 1e-10:
            raise Rejected("nothing but rounding is left")
        allowed = tolerance(wide)
        if (np.abs(narrow - wide) > 0.1 * allowed).any() or (np.abs(disturbed - wide) > allowed).any():
            raise Rejected("float32 does not suffice")


class RandomGraph(Evaluation):
    """A graph that grows node by node. `integer(low, high)` draws a number, both ends included."""

    def __init__(self, integer: Callable[[int, int], int]) -> None:
        super().__init__()
        self.integer = integer
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self.inputs: list[str] = []
        self.fixed: set[str] = set()  # inputs that keep their size: operands, weights
        self.opset = USUAL_OPSET
        self.histogram: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.unpredictable: set[str] = set()  # values of random operators: never compared, read by what makes them 0
        self._names = itertools.count()
        self._rng = np.random.default_rng(integer(0, 2**31))

    # --- Drawing
    def choice(self, options: Iterable):
        options = list(options)
        return options[self.integer(0, len(options) - 1)]

    def flag(self, one_in: int = 2) -> bool:
        return self.integer(1, one_in) == one_in

    def name(self, prefix: str = "v") -> str:
        return f"{prefix}{next(self._names)}"

    def array(self, shape: Sequence[int], kind: str = "float32", low: float = -4, high: float = 4) -> np.ndarray:
        if kind == "bool":
            return self._rng.integers(0, 2, shape).astype(bool)
        if kind.startswith("float"):
            return self._rng.uniform(low, high, shape).astype(kind)
        return self._rng.integers(int(max(low, 0 if kind.startswith("u") else low)), int(high), shape, endpoint=True).astype(kind)

    def shape(self, rank: int | None = None, low: int = 1, high: int = 6) -> tuple[int, ...]:
        rank = self.integer(0, 4) if rank is None else rank
        return tuple(self.integer(low, high) for _ in range(rank))

    # --- Values
    def constant(self, array: np.ndarray) -> Value:
        array = np.asarray(array)
        name = self.name("k")
        self.constants[name] = array
        return self.put(name, array)

    def input(self, shape: Sequence[int], kind: str = "float32", low: float = -4, high: float = 4) -> Value:
        name = self.name("x")
        self.inputs.append(name)
        return self.put(name, self.array(shape, kind, low, high), is_input=True)

    def operand(self, array: np.ndarray) -> Value:
        """A small operand (axes, a shape, k): mostly a constant, sometimes known only when the graph runs."""
        array = np.asarray(array)
        if self.integer(0, 3) > 0:
            return self.constant(array)
        name = self.name("x")
        self.inputs.append(name)
        self.fixed.add(name)
        return self.put(name, array, is_input=True)

    def value(
        self, kind: str = "float32", rank: int | None = None, least_rank: int = 0, where: Callable[[Value], bool] | None = None,
        shape: Sequence[int] | None = None, low: float = -4, high: float = 4,
    ) -> Value:  # fmt: skip
        """A value that there is, the latest ones more often, or a new input."""
        found = [
            v
            for v in self.values.values()
            if v.kind == kind and v.rank >= least_rank and (rank is None or v.rank == rank) and v.name not in self.constants
            and v.name not in self.unpredictable
            and v.wide.size > 0 and (shape is None or v.shape == tuple(shape)) and (where is None or where(v))
            and (kind != "float32" or v.magnitude <= 50)
        ]  # fmt: skip
        if found and self.integer(0, 4) > 0:
            return self.choice(found[-1:] * 2 + found[-5:] + found)
        if shape is None:
            shape = self.shape(self.integer(least_rank, max(least_rank, 4)) if rank is None else rank)
        fresh = self.input(shape, kind, low, high)
        if where is not None and not where(fresh):
            raise Rejected("no such value")
        return fresh

    def within(self, low: float, high: float, rank: int | None = None, least_rank: int = 0, shape: Sequence[int] | None = None) -> Value:
        """A float32 value whose elements lie between these bounds, by a Clip where need be."""
        x = self.value(rank=rank, least_rank=least_rank, shape=shape)
        if x.wide.size and (x.wide.min() < low or x.wide.max() > high):
            (x,) = self.add("Clip", [x, self.constant(np.float32(low)), self.constant(np.float32(high))])
        return x

    def add(
        self,
        op: str,
        inputs: Sequence[Value | None],
        outputs: int | Sequence[bool] = 1,
        opset: int = 0,
        is_random: bool = False,
        **attributes,
    ) -> list[Value]:
        """Appends a node. `outputs`: how many, or which of them are there. Raises Rejected."""
        present = [True] * outputs if isinstance(outputs, int) else list(outputs)
        names = [self.name() if there else "" for there in present]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        node = helper.make_node(op, ["" if v is None else v.name for v in inputs], names, name=self.name("n"), **attributes)
        while node.input and not node.input[-1]:
            node.input.pop()
        needed = max(self.opset, opset)
        try:
            results = self.run(node, needed, is_random)
        except Rejected as error:
            self.rejections[f"{op}: {error}"[:160]] += 1
            raise
        self.nodes.append(node)
        self.opset = needed
        if is_random:
            self.unpredictable.update(result.name for result in results)
        self.count(node)
        return results

    def count(self, node: NodeProto) -> None:
        self.histogram[node.op_type] += 1
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                for inner in attribute.g.node:
                    self.count(inner)

    # --- The finished graph
    def results(self) -> list[str]:
        """What nothing reads, and a few values besides."""
        read = set().union(*(free_names(node) for node in self.nodes)) if self.nodes else set()
        names = [name for node in self.nodes for name in node.output if name]
        return [name for i, name in enumerate(names) if (name not in read or i % 7 == 3) and name not in self.unpredictable]

    def model(self, symbols: dict[int, str]) -> ModelProto:
        """`symbols`: the sizes that become named dimensions of the inputs."""
        infos = []
        for name in self.inputs:
            array = self.values[name].narrow
            dims = [size if name in self.fixed else symbols.get(size, size) for size in array.shape]
            infos.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), dims))
        outputs = []
        for name in self.results():
            array = self.values[name].narrow
            info = onnx.ValueInfoProto(name=name)
            info.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(array.dtype)
            outputs.append(info)
        initializers = [numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = helper.make_graph(self.nodes, "random", infos, outputs, initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)

    def feeds(self) -> dict[str, np.ndarray]:
        return {name: self.values[name].narrow for name in self.inputs}

    def at_other_size(self, old: int, new: int) -> Evaluation | None:
        """The same graph on inputs whose dimensions of size `old` have the size `new`; None where it does not fit."""
        other = Evaluation()
        for name, array in self.constants.items():
            other.put(name, array)
        for name in self.inputs:
            array = self.values[name].narrow
            shape = [new if size == old and name not in self.fixed else size for size in array.shape]
            other.put(name, np.resize(array, shape), is_input=True)
        try:
            for node in self.nodes:
                other.run(node, self.opset)
        except Rejected:
            return None
        return other
