"""Writes small TensorFlow Lite files for tests, with the schema of the ai-edge-litert package, and runs them there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="ai-edge-litert is not installed")
flatbuffers = pytest.importorskip("flatbuffers")

# NumPy's dtype names, and int4, to the numbers of the file format.
ELEMENT_TYPES = {
    "float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "bool": 6, "int16": 7, "int8": 9, "float64": 10, "uint32": 15,
    "int4": 17, "uint64": 12, "resource": 13,
}  # fmt: skip


def packed_bytes(data: np.ndarray, dtype: str) -> np.ndarray:
    """The bytes of a tensor's buffer; of int4 two elements (given as int8) share a byte, the first one in its low half."""
    if dtype != "int4":
        return np.frombuffer(np.ascontiguousarray(data, dtype=dtype).tobytes(), np.uint8)
    nibbles = np.asarray(data, np.int8).reshape(-1).view(np.uint8) & 15
    nibbles = np.append(nibbles, np.zeros(len(nibbles) % 2, np.uint8))
    return nibbles[0::2] | nibbles[1::2] << 4


class TfliteWriter:
    """Tensors are known by their numbers, operators by the names of the schema's BuiltinOperator ("CONV_2D").

    writer = TfliteWriter()
    x = writer.add_tensor([1, 4], "int8", [0.5], [3])
    y = writer.add_tensor([1, 4], "int8", [0.25], [0])
    writer.add_operator("ADD", [x, x], [y], "AddOptions", fusedActivationFunction=1)
    model = writer.finish([x], [y])

    A further subgraph is a writer of its own, which shares the file: body = writer.new_subgraph(); body.set_edges([a], [b]); the
    operators that run it name body.index.
    """

    def __init__(self, main: TfliteWriter | None = None) -> None:
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._codes: list = [] if main is None else main._codes
        self._buffers = [schema.BufferT()] if main is None else main._buffers
        self._signatures: list = [] if main is None else main._signatures
        self._subgraphs: list = [] if main is None else main._subgraphs
        self.index = len(self._subgraphs)
        self._graph.name = f"subgraph_{self.index}" if self.index else "main"
        self._subgraphs.append(self._graph)

    def new_subgraph(self) -> TfliteWriter:
        """A further subgraph of the file; finish() is called on the first one alone."""
        return TfliteWriter(self)

    def set_edges(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """The inputs and outputs of the subgraph."""
        self._graph.inputs, self._graph.outputs = list(inputs), list(outputs)

    def add_tensor(
        self,
        shape: Sequence[int],
        dtype: str,
        scales: Sequence[float] = (),
        zero_points: Sequence[int] = (),
        axis: int = 0,
        data: np.ndarray | None = None,
        is_variable: bool = False,
        name: str | None = None,
        shape_signature: Sequence[int] | None = None,
        sparsity: object = None,
    ) -> int:
        """A tensor, constant where `data` is given. No scales: not quantized; zero points may be left out: 0. `sparsity` (the schema's
        SparsityParametersT) says where the elements of `data` belong."""
        tensor = schema.TensorT()
        tensor.shape = [int(d) for d in shape]
        tensor.type = ELEMENT_TYPES[dtype]
        tensor.name = f"t{len(self._graph.tensors)}" if name is None else name
        tensor.isVariable = is_variable
        tensor.shapeSignature = None if shape_signature is None else list(shape_signature)
        tensor.buffer = 0
        tensor.hasRank = True
        tensor.sparsity = sparsity
        if len(scales) > 0:
            quantization = schema.QuantizationParametersT()
            quantization.scale = [float(s) for s in scales]
            points = list(zero_points) if len(zero_points) > 0 else [0] * len(scales)
            quantization.zeroPoint = [int(z) for z in points]
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = packed_bytes(np.asarray(data), dtype)
            tensor.buffer = len(self._buffers)
            self._buffers.append(buffer)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def add_constant(self, data: np.ndarray, scales: Sequence[float] = (), zero_points: Sequence[int] = (), axis: int = 0) -> int:
        """A constant of the array's shape and dtype."""
        return self.add_tensor(data.shape, data.dtype.name, scales, zero_points, axis, data)

    def add_operator(
        self,
        builtin: str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: str | None = None,
        *,
        custom_code: str | None = None,
        custom_options: bytes | None = None,
        intermediates: Sequence[int] = (),
        version: int = 1,
        **fields: object,
    ) -> None:
        """An operator; `options` names a table of the schema, `fields` its fields as the schema's Python spells them; input -1: absent.
        For CUSTOM: its name is `custom_code`."""
        number = getattr(schema.BuiltinOperator, builtin)
        code = schema.OperatorCodeT()
        code.deprecatedBuiltinCode, code.builtinCode, code.version = min(number, 127), number, version
        code.customCode = custom_code
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._codes)
        self._codes.append(code)
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        operator.intermediates = list(intermediates) or None
        if options is not None:
            table = getattr(schema, options + "T")()
            for field, value in fields.items():
                if not hasattr(table, field):
                    raise AttributeError(f"{options} has no field {field}")
                setattr(table, field, value)
            if hasattr(schema.BuiltinOptions, options):
                operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, options), table
            else:
                operator.builtinOptions2Type, operator.builtinOptions2 = getattr(schema.BuiltinOptions2, options), table
        elif fields:
            raise TypeError("fields without options")
        if custom_options is not None:
            operator.customOptions = np.frombuffer(custom_options, np.uint8)
        self._graph.operators.append(operator)

    def add_signature(self, key: str, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> None:
        """Names for inputs and outputs of the subgraph."""
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = key, self.index
        for field, names in (("inputs", inputs), ("outputs", outputs)):
            maps = []
            for name, tensor in names.items():
                entry = schema.TensorMapT()
                entry.name, entry.tensorIndex = name, tensor
                maps.append(entry)
            setattr(signature, field, maps)
        self._signatures.append(signature)

    def finish(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        self.set_edges(inputs, outputs)
        model = schema.ModelT()
        model.version, model.description = 3, "made by a test"
        model.operatorCodes, model.subgraphs, model.buffers = self._codes, self._subgraphs, self._buffers
        model.signatureDefs = self._signatures or None
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


class Rejected(Exception):
    """LiteRT does not take the model, or these inputs."""


def litert_interpreter(model: bytes, reference: bool = True) -> object:
    """An interpreter with the reference kernels, tensors allocated; for operators without one with the kernels that there are."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kinds = [OpResolverType.BUILTIN_REF, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES][0 if reference else 1 :]
    for kind in kinds:
        try:
            interpreter = Interpreter(model_content=model, num_threads=1, experimental_op_resolver_type=kind)
            interpreter.allocate_tensors()
            return interpreter
        except (RuntimeError, ValueError) as error:
            if "Didn't find op" not in str(error) or kind == kinds[-1]:
                raise Rejected(str(error)) from error
    raise AssertionError


def run_litert(model: bytes, steps: Sequence[Sequence[np.ndarray]], reference: bool = True) -> list[list[np.ndarray]]:
    """The outputs of each step (a list of inputs), in the order of the subgraph; variables live from step to step."""
    interpreter = litert_interpreter(model, reference)
    results = []
    try:
        for arrays in steps:
            for detail, array in zip(interpreter.get_input_details(), arrays, strict=True):
                interpreter.set_tensor(detail["index"], array)
            interpreter.invoke()
            results.append([interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()])
    except (RuntimeError, ValueError) as error:
        raise Rejected(str(error)) from error
    return results
