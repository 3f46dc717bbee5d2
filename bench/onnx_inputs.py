"""What an ONNX file says about its inputs and outputs, for every script that makes inputs for it. Needs onnx."""

from __future__ import annotations

from pathlib import Path

import onnx

NUMPY_TYPES = {
    "FLOAT": "float32", "DOUBLE": "float64", "FLOAT16": "float16", "INT64": "int64", "INT32": "int32", "UINT8": "uint8", "INT8": "int8",
    "BOOL": "bool",
}  # fmt: skip


class InputError(Exception):
    """An input that cannot be made, or that is not there: one sentence that names the file."""


def read_interface(path: Path, shapes: dict[str, list[int]]) -> tuple[list[tuple[str, str, list[int]]], list[str]]:
    """(name, NumPy type and shape of every input, names of the outputs); a dimension that the file leaves open is 1, or what `shapes`
    says."""
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # protobuf's own class is no part of onnx's interface
        raise InputError(f"{path}: is no ONNX file ({' '.join(str(error).split())[:100]})") from None
    constants = {tensor.name for tensor in graph.initializer}
    inputs = []
    for value in graph.input:
        if value.name in constants:
            continue
        tensor = value.type.tensor_type
        name = onnx.TensorProto.DataType.Name(tensor.elem_type)
        if name not in NUMPY_TYPES:
            raise InputError(f"{path}: input {value.name} is {name}: expected one of {', '.join(NUMPY_TYPES)}")
        inputs.append((value.name, NUMPY_TYPES[name], shapes.get(value.name) or [d.dim_value or 1 for d in tensor.shape.dim]))
    if unknown := shapes.keys() - {name for name, _, _ in inputs}:
        raise InputError(f"{path}: no input is called {', '.join(sorted(unknown))}")
    return inputs, [value.name for value in graph.output]
