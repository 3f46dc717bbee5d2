"""A part of an ONNX file as an ONNX file of its own, for the reference: other inputs, other outputs, and only what lies between. Works
on the protobuf's bytes (field numbers as in onnx.proto, https://github.com/onnx/onnx): comparing needs onnxruntime and nothing else."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mace.errors import DataLossError, InvalidArgumentError

MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_INPUT, GRAPH_OUTPUT, GRAPH_VALUE_INFO, GRAPH_SPARSE = 1, 5, 11, 12, 13, 15
NODE_INPUT, NODE_OUTPUT, NODE_NAME, NODE_OP, NODE_ATTRIBUTE, NODE_DOMAIN = 1, 2, 3, 4, 5, 7
ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS = 6, 11
TENSOR_NAME, VALUE_NAME, SPARSE_VALUES = 8, 1, 1
MAX_DEPTH = 16
ELEMENT_TYPES = {
    "float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11,
    "uint32": 12, "uint64": 13, "bfloat16": 16,
}  # fmt: skip


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
    raise DataLossError("not an ONNX file: a number is cut off")


def fields(data: memoryview) -> Iterator[tuple[int, memoryview, memoryview]]:
    """Number, content (empty where it is no length-delimited one) and all bytes of every field of a message."""
    at = 0
    while at < len(data):
        begin = at
        tag, at = _varint(data, at)
        kind, length = tag & 7, 0
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 1:
            at += 8
        elif kind == 5:
            at += 4
        elif kind == 2:
            length, at = _varint(data, at)
            at += length
        else:
            raise DataLossError("not an ONNX file: a field of an unknown kind")
        if at > len(data):
            raise DataLossError("not an ONNX file: a field is cut off")
        yield tag >> 3, data[at - length : at], data[begin:at]


def _text(data: memoryview, number: int) -> str:
    return next((bytes(content).decode(errors="replace") for each, content, _ in fields(data) if each == number), "")


def _number(value: int) -> bytes:
    result = bytearray()
    while value >= 0x80:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*result, value))


def message(number: int, content: bytes | bytearray) -> bytes:
    """A length-delimited field."""
    return _number(number << 3 | 2) + _number(len(content)) + content


def _value_info(name: str, dtype: str, shape: Sequence[int] | None) -> bytes:
    """ValueInfoProto of a tensor; None: of any rank."""
    tensor = _number(1 << 3) + _number(ELEMENT_TYPES.get(dtype, 1))  # TypeProto.Tensor.elem_type
    if shape is not None:
        tensor += message(2, b"".join(message(1, _number(1 << 3) + _number(dim)) for dim in shape))
    return message(VALUE_NAME, name.encode()) + message(2, message(1, tensor))


def find_name(name: str, names: Container[str]) -> str:
    """The one of the source's names that is meant: conv:0 also finds conv, and the other way round, as in a conversion."""
    if name in names:
        return name
    other = name.removesuffix(":0") if name.endswith(":0") else f"{name}:0"
    return other if other in names else name


@dataclass
class OnnxNode:
    """A node of the outermost graph."""

    inputs: list[str]  # also what its sub-graphs read from outside
    outputs: list[str]
    data: memoryview

    @property
    def name(self) -> str:
        """As the file calls it, which may be empty."""
        return _text(self.data, NODE_NAME)

    @property
    def op(self) -> str:
        """The operator, with its domain where it is not ONNX's own."""
        domain = _text(self.data, NODE_DOMAIN)
        return f"{domain}.{_text(self.data, NODE_OP)}" if domain not in ("", "ai.onnx") else _text(self.data, NODE_OP)


@dataclass
class _Graph:
    nodes: list[OnnxNode] = field(default_factory=list)
    constants: dict[str, memoryview] = field(default_factory=dict)
    inputs: dict[str, memoryview] = field(default_factory=dict)
    outputs: dict[str, memoryview] = field(default_factory=dict)
    types: dict[str, memoryview] = field(default_factory=dict)
    rest: list[memoryview] = field(default_factory=list)


def _node(data: memoryview, depth: int) -> OnnxNode:
    node = OnnxNode([], [], data)
    for number, content, _ in fields(data):
        if number == NODE_INPUT:
            node.inputs.append(bytes(content).decode(errors="replace"))
        elif number == NODE_OUTPUT:
            node.outputs.append(bytes(content).decode(errors="replace"))
        elif number == NODE_ATTRIBUTE:
            for each, graph, _ in fields(content):
                if each in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
                    node.inputs += _captured(graph, depth + 1)
    return node


def _captured(data: memoryview, depth: int) -> list[str]:
    """What a sub-graph may read from outside."""
    if depth > MAX_DEPTH:
        raise DataLossError("sub-graphs are nested too deeply")
    graph = _graph(data, depth)
    own = {*graph.constants, *graph.inputs, *(name for node in graph.nodes for name in node.outputs)}
    read = [name for node in graph.nodes for name in node.inputs] + list(graph.outputs)
    return [name for name in dict.fromkeys(read) if name and name not in own]


def _graph(data: memoryview, depth: int = 0) -> _Graph:
    graph = _Graph()
    for number, content, whole in fields(data):
        if number == GRAPH_NODE:
            graph.nodes.append(_node(content, depth))
        elif number == GRAPH_INITIALIZER:
            graph.constants[_text(content, TENSOR_NAME)] = whole
        elif number == GRAPH_SPARSE:
            values = next((each for n, each, _ in fields(content) if n == SPARSE_VALUES), content[:0])
            graph.constants[_text(values, TENSOR_NAME)] = whole
        elif number == GRAPH_INPUT:
            graph.inputs[_text(content, VALUE_NAME)] = content
        elif number == GRAPH_OUTPUT:
            graph.outputs[_text(content, VALUE_NAME)] = content
        elif number == GRAPH_VALUE_INFO:
            graph.types[_text(content, VALUE_NAME)] = content
        else:
            graph.rest.append(whole)
    return graph


class OnnxSource:
    """An ONNX file that can be cut."""

    def __init__(self, data: bytes) -> None:
        view = memoryview(data)
        self._other = [whole for number, _, whole in fields(view) if number != MODEL_GRAPH]
        graphs = [content for number, content, _ in fields(view) if number == MODEL_GRAPH]
        self._graph = _graph(memoryview(b"".join(graphs)))
        self._names = {*self._graph.inputs, *(name for node in self._graph.nodes for name in node.outputs)}

    def resolve(self, name: str) -> str:
        """The source's tensor of a name."""
        return find_name(name, self._names)

    @property
    def nodes(self) -> list[OnnxNode]:
        """The nodes in the order of the file, in which each stands behind those it needs."""
        return self._graph.nodes

    def computed(self, inputs: Iterable[str]) -> list[str]:
        """The tensors that nodes compute from these inputs, in the order of the file."""
        known, found = set(inputs), []
        for node in self._graph.nodes:
            if known.isdisjoint(node.inputs):
                continue
            for name in node.outputs:
                if name and name not in known:
                    known.add(name)
                    found.append(name)
        return found

    def needed(self, inputs: Iterable[str], outputs: Iterable[str]) -> tuple[list[int], set[str]]:
        """The nodes between inputs and outputs, by index, and the names of all that is read."""
        fed = set(inputs)
        producers = {name: i for i, node in enumerate(self._graph.nodes) for name in node.outputs if name}
        chosen: set[int] = set()
        reached: set[str] = set()
        ahead = list(outputs)
        while ahead:
            name = ahead.pop()
            if not name or name in reached:
                continue
            reached.add(name)
            if name in fed or name not in producers:
                continue
            if producers[name] not in chosen:
                chosen.add(producers[name])
                ahead += self._graph.nodes[producers[name]].inputs
        return sorted(chosen), reached

    def _unused(self, name: str) -> str:
        while name in self._names or name in self._graph.constants:
            name += "_"
        return name

    def cut(self, inputs: Mapping[str, str], outputs: Sequence[str], shapes: Mapping[str, Sequence[int]] | None = None) -> bytes:
        """An ONNX file with these inputs (name to dtype) and outputs; `shapes` fixes those of inputs. Raises
        :class:`mace.InvalidArgumentError` where an output needs an input that is not among them."""
        graph = self._graph
        chosen, reached = self.needed(inputs, outputs)
        made = {name for i in chosen for name in graph.nodes[i].outputs}
        missing = [name for name in reached if name not in made and name not in inputs and name not in graph.constants]
        if missing:
            raise InvalidArgumentError(f"{', '.join(outputs)} needs {', '.join(sorted(missing))}, which is not among the inputs")
        clash = made & set(inputs)
        result = bytearray()
        for i in chosen:
            node = graph.nodes[i]
            if clash.isdisjoint(node.outputs):
                result += message(GRAPH_NODE, bytes(node.data))
                continue
            renamed = bytearray()  # a node of several outputs, one of which is fed: nobody reads that one
            for number, content, whole in fields(node.data):
                name = bytes(content).decode(errors="replace")
                fed = number == NODE_OUTPUT and name in inputs
                # A name of its own: onnxruntime 1.x crashes where Split lacks an output.
                renamed += message(NODE_OUTPUT, self._unused(name).encode()) if fed else whole
            result += message(GRAPH_NODE, renamed)
        for name, whole in graph.constants.items():
            if name in reached and name not in inputs:
                result += whole
        for name, dtype in inputs.items():
            info = graph.inputs.get(name) or graph.types.get(name) or graph.outputs.get(name)
            if info is None or (shapes and name in shapes):
                info = memoryview(_value_info(name, dtype, (shapes or {}).get(name)))
            result += message(GRAPH_INPUT, bytes(info))
        for name in outputs:
            result += message(GRAPH_OUTPUT, bytes(graph.outputs.get(name) or message(VALUE_NAME, name.encode())))
        for name, info in graph.types.items():
            if name in made and name not in inputs and name not in outputs:
                result += message(GRAPH_VALUE_INFO, bytes(info))
        for whole in graph.rest:
            result += whole
        return b"".join(map(bytes, self._other)) + message(MODEL_GRAPH, result)
