"""PyTorch modules as a source: ``torch.export`` and PyTorch's own ONNX exporter make an ONNX model of the module, which is converted as
any other. Needs the extra ``torch``: ``pip install mace-engine[torch]``."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import re
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mace.errors import InvalidArgumentError, MaceError, UnsupportedError
from mace.model import Model, load

OPSET = 20
MAX_IN_MEMORY = 2 << 30  # what one protobuf message may hold
LARGEST_ERROR = 1e-2  # of an output's largest value: float16 modules stay below it
NEEDED = ("torch", "onnx", "onnxscript")


def _import_torch() -> Any:
    missing = []
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise UnsupportedError(
            f"from_torch needs {', '.join(missing)}: pip install 'mace-engine[torch]' (torch==2.13.0, onnx and onnxscript)"
        )
    return importlib.import_module("torch")


def _arguments(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Positional and keyword arguments of forward: a tuple of them, a mapping by name, or a single tensor."""
    if isinstance(example_inputs, Mapping):
        if not all(isinstance(name, str) for name in example_inputs):
            raise InvalidArgumentError("example_inputs: a mapping has forward's arguments by their names")
        return (), dict(example_inputs)
    if isinstance(example_inputs, (tuple, list)):
        return tuple(example_inputs), {}
    return (example_inputs,), {}


def _leaves(torch: Any, name: str, value: Any) -> list[tuple[str, Any]]:
    """The tensors in an argument (or a result) with their names: itself, or its name with the places inside it."""
    if isinstance(value, torch.Tensor):
        return [(name, value)]
    if isinstance(value, Mapping):
        return [leaf for key, each in value.items() for leaf in _leaves(torch, f"{name}_{key}" if name else str(key), each)]
    if isinstance(value, (tuple, list)):
        return [leaf for index, each in enumerate(value) for leaf in _leaves(torch, f"{name}_{index}" if name else f"output_{index}", each)]
    return []  # None, numbers: part of the program


def _distinct(names: Sequence[str]) -> list[str]:
    taken: set[str] = set()
    result = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            candidate, number = f"{name}_{number}", number + 1
        taken.add(candidate)
        result.append(candidate)
    return result


def _input_names(torch: Any, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[str]:
    signature = inspect.signature(module.forward)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError as error:
        raise InvalidArgumentError(f"example_inputs do not fit {type(module).__name__}.forward{signature}: {error}") from None
    names: list[tuple[str, Any]] = []
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            for key, each in value.items():
                names += _leaves(torch, key, each)
        else:
            names += _leaves(torch, name, value)
    return _distinct([name for name, _ in names])


def _output_names(torch: Any, result: Any, inputs: Sequence[str]) -> list[str]:
    names = ["output"] if isinstance(result, torch.Tensor) else [name for name, _ in _leaves(torch, "", result)]
    return _distinct([*inputs, *names])[len(inputs) :]


def to_onnx(
    module: Any,
    example_inputs: Any,
    dynamic_shapes: Any = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    opset: int = OPSET,
) -> bytes:
    """The ONNX model of a ``torch.nn.Module`` (or of what ``torch.export.export`` gave) in evaluation mode, as bytes.

    ``example_inputs`` are forward's arguments: a tensor, a tuple, or a mapping by name. ``dynamic_shapes`` as ``torch.export.export``
    takes it. Inputs are called as forward's arguments, outputs as the keys of a dict, ``output``, or ``output_0``, ``output_1`` ... of a
    tuple. Weights of more than 2 GB go to files in ``folder``, which must be given to :func:`mace.convert` too.
    Raises :class:`mace.UnsupportedError` where PyTorch cannot export the module, or is not installed.
    """
    return _exported(_import_torch(), module, example_inputs, dynamic_shapes, folder, opset)[0]


def _exported(torch: Any, module: Any, example_inputs: Any, dynamic_shapes: Any, folder: Any, opset: int) -> tuple[bytes, Any]:
    """The ONNX model, and what the module gives for the example inputs."""
    args, kwargs = _arguments(example_inputs)
    is_program = isinstance(module, torch.export.ExportedProgram)
    if not is_program and not isinstance(module, torch.nn.Module):
        raise InvalidArgumentError(f"expected a torch.nn.Module, got {type(module).__name__}")
    runner = module.module() if is_program else module
    was_training = runner.training and not is_program
    try:
        if was_training:
            runner.eval()
        inputs = None if is_program else _input_names(torch, module, args, kwargs)
        program = _export(torch, module, args, kwargs, dynamic_shapes, opset)
        with torch.no_grad():
            result = runner(*args, **kwargs)
    finally:
        if was_training:
            runner.train()
    _rename(program.model.graph, inputs, _output_names(torch, result, inputs or []))
    return _bytes_of(program, folder), result


def _export(torch: Any, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], dynamic_shapes: Any, opset: int) -> Any:
    try:
        if not isinstance(module, torch.export.ExportedProgram):
            module = torch.export.export(module, args, kwargs or None, dynamic_shapes=dynamic_shapes)
        program = torch.onnx.export(module, dynamo=True, opset_version=opset, verbose=False, optimize=True)
    except Exception as error:
        lines = [line for line in re.sub(r"\x1b\[[0-9;]*m", "", str(error)).splitlines() if line.strip()]
        text = " ".join(lines)[:2000] if lines else type(error).__name__
        raise UnsupportedError(f"PyTorch cannot export the module: {text}") from error
    if program is None:
        raise UnsupportedError("PyTorch's exporter gave no program")
    return program


def _rename(graph: Any, inputs: Sequence[str] | None, outputs: Sequence[str]) -> None:
    """Calls the graph's edges as the module's arguments and results. What the exporter left out (an argument that is not read) is
    matched by its own name."""
    if inputs is not None and len(inputs) == len(graph.inputs):
        for value, name in zip(graph.inputs, inputs, strict=True):
            value.name = name
    if len(outputs) == len(graph.outputs):
        taken = {value.name for value in graph.inputs}
        edges = set(map(id, graph.outputs))
        for node in graph:
            for value in node.outputs:
                if value is not None and id(value) not in edges and value.name in outputs:
                    value.name = f"{value.name}_inner"
        for value, name in zip(graph.outputs, outputs, strict=True):
            if not value.is_graph_input() and name not in taken:
                value.name = name


def _bytes_of(program: Any, folder: str | os.PathLike[str] | None) -> bytes:
    size = sum(value.const_value.nbytes for value in program.model.graph.initializers.values() if value.const_value is not None)
    if size < MAX_IN_MEMORY - (64 << 20) and folder is None:
        return bytes(program.model_proto.SerializeToString())
    if folder is None:
        raise InvalidArgumentError(f"the weights take {size} bytes, more than an ONNX file holds: give a folder for them")
    path = os.path.join(os.fspath(folder), "model.onnx")
    program.save(path, external_data=True)
    with open(path, "rb") as file:
        return file.read()


def from_torch(
    module: Any,
    example_inputs: Any,
    dynamic_shapes: Any = None,
    num_threads: int = 1,
    *,
    strict: bool = False,
    states: Sequence[tuple[str, str]] = (),
    **options: Any,
) -> Model:
    """Loads a ``torch.nn.Module``: :func:`mace.torch_source.to_onnx`, then :func:`mace.load`, whose other options ``options`` are.

    What it computes from ``example_inputs`` is compared with the module once: where they differ (PyTorch's exporter may lose something
    without a word), a warning says which output does. A module that draws random numbers differs always.

    >>> m = mace.from_torch(torch.nn.Linear(4, 2), torch.zeros(1, 4))
    >>> y = m({"input": np.zeros((1, 4), np.float32)})["output"]
    """
    torch = _import_torch()
    with contextlib.ExitStack() as stack:
        fits = _weight_bytes(torch, module) < MAX_IN_MEMORY - (64 << 20)
        folder = None if fits else stack.enter_context(tempfile.TemporaryDirectory())
        data, expected = _exported(torch, module, example_inputs, dynamic_shapes, folder, OPSET)
        source = data if folder is None else os.path.join(folder, "model.onnx")
        model = load(source, num_threads, strict=strict, states=states, **options)
    if not states:
        _compare(torch, example_inputs, expected, model)
    return model


def _compare(torch: Any, example_inputs: Any, expected: Any, model: Model) -> None:
    """Warns of outputs for the example inputs that are not the module's."""
    tensors = [tensor for _, tensor in _leaves(torch, "", expected)]
    arrays = [tensor.detach().cpu() for _, tensor in _leaves(torch, "", _arguments(example_inputs))]
    if len(arrays) != len(model.inputs) or len(tensors) != len(model.outputs):
        return  # arguments that are not read, results that are arguments
    try:
        results = model([array.numpy() for array in arrays])
    except (MaceError, TypeError) as error:  # numpy has no such type, or another shape is wanted
        warnings.warn(f"from_torch could not run the example inputs: {error}", stacklevel=3)
        return
    for (name, result), tensor in zip(results.items(), tensors, strict=True):
        difference = _difference(result.astype(np.float64), tensor.detach().cpu().double().numpy(), tensor.is_floating_point())
        if difference:
            text = f"from_torch: output '{name}' {difference} the module's for the example inputs"
            warnings.warn(f"{text}: PyTorch's exporter lost something, or the module draws random numbers", stacklevel=3)


def _difference(got: np.ndarray, want: np.ndarray, is_float: bool) -> str:
    """What is different, or nothing."""
    if got.shape != want.shape:
        return f"has the shape {list(got.shape)}, not {list(want.shape)} as"
    if not is_float:
        wrong = int(np.count_nonzero(got != want))
        return f"has {wrong} of {want.size} elements that are not" if wrong else ""
    finite = np.isfinite(want)
    if not np.array_equal(got[~finite], want[~finite], equal_nan=True) or not np.isfinite(got[finite]).all():
        return "has infinities or NaNs elsewhere than"
    scale = float(np.abs(want[finite]).max(initial=0.0))
    error = float(np.abs(got[finite] - want[finite]).max(initial=0.0))
    return f"is off by {error:.3g} of {scale:.3g} from" if error > LARGEST_ERROR * max(scale, 1e-6) else ""


def _weight_bytes(torch: Any, module: Any) -> int:
    if isinstance(module, torch.export.ExportedProgram):
        tensors = list(module.state_dict.values())
    elif isinstance(module, torch.nn.Module):
        tensors = [*module.parameters(), *module.buffers()]
    else:
        tensors = []
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if isinstance(tensor, torch.Tensor))
