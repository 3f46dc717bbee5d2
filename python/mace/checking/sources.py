"""What a model should give: its source, run by its own framework's runtime in this process (onnxruntime for ONNX, ai-edge-litert for
TensorFlow Lite, TensorFlow, OpenCV for Caffe), also for tensors inside it. All are optional: who compares installs them."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from mace.checking.onnx_cut import OnnxSource, find_name
from mace.errors import FailedPreconditionError, InvalidArgumentError


@dataclass(frozen=True)
class Node:
    """A node of the source; tensors by name. `hybrid`: floats meet integer weights, which the framework multiplies as integers;
    `quantized`: the integers that it gives stand for real numbers."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    hybrid: bool = False
    quantized: bool = False


class Source(Protocol):
    """A source model behind another engine. Arrays are in the source's layout."""

    runtime: str  # the engine and its version

    def nodes(self) -> list[Node]:
        """The nodes that depend on the inputs, each behind those it needs."""

    def computed(self) -> list[str]:
        """The tensors that are computed from the inputs, in an order in which each comes after those it needs, as far as the engine can
        give them."""

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """The values of any tensors of the source."""


def import_engine(module: str, package: str, why: str = "comparing needs", instead: str = "") -> Any:
    """The engine's module; where it is not installed, an error with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError:
        raise FailedPreconditionError(f"{why} {package}, which is not installed: pip install {package}{instead}") from None


def version_of(package: str) -> str:
    """A package's name and version."""
    from importlib import metadata  # takes 20 ms

    try:
        return f"{package} {metadata.version(package)}"
    except metadata.PackageNotFoundError:
        return package


def first_line(error: BaseException) -> str:
    """What an engine complains about."""
    return next(iter(str(error).splitlines()), type(error).__name__)


class OnnxReference:
    """ONNX by onnxruntime, each node as written: nothing is fused. `graphs` are the sub-graphs of a deployment in their order (inputs and
    outputs of each), `joins` pairs (from, to) of tensors between them; `folder` is where external data lie."""

    def __init__(
        self,
        data: bytes,
        inputs: Sequence[str],
        graphs: Sequence[tuple[Sequence[str], Sequence[str]]] = (),
        joins: Sequence[tuple[str, str]] = (),
        folder: str | None = None,
    ) -> None:
        self._engine = import_engine("onnxruntime", "onnxruntime")
        self.runtime = version_of("onnxruntime")
        self._source, self._folder = OnnxSource(data), folder
        resolve = self._source.resolve
        self._inputs = [resolve(name) for name in inputs]
        graphs = graphs or [(inputs, ())]
        self._graphs = [([resolve(name) for name in each[0]], [resolve(name) for name in each[1]]) for each in graphs]
        self._joined = {resolve(to): resolve(source) for source, to in joins}

    @property
    def source(self) -> OnnxSource:
        """The file, for cutting."""
        return self._source

    def nodes(self) -> list[Node]:
        """See Source."""
        known, quantized, found = set(self._inputs), set(), []
        for node in self._source.nodes:
            integers = "Quant" in node.op or "QLinear" in node.op or "Integer" in node.op or not quantized.isdisjoint(node.inputs)
            if integers:  # what moves such integers gives such integers
                quantized.update(node.outputs)
            if not known.isdisjoint(node.inputs):
                outputs = tuple(name for name in node.outputs if name)
                found.append(Node(node.name, node.op, tuple(filter(None, node.inputs)), outputs, quantized=integers))
                known.update(outputs)
        return found

    def computed(self) -> list[str]:
        """See Source."""
        if len(self._graphs) == 1:
            return self._source.computed(self._inputs)
        found: list[str] = []
        for inputs, outputs in self._graphs:
            chosen = self._source.needed(inputs, outputs)[1]
            found += [name for name in self._source.computed(inputs) if name in chosen and name not in found]
        return found

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """See Source."""
        resolve = self._source.resolve
        values = {resolve(name): array for name, array in feeds.items()}
        asked, outputs = list(outputs), [resolve(name) for name in outputs]
        for inputs, own_outputs in self._graphs:
            if len(self._graphs) == 1:
                wanted = list(outputs)
            else:
                inner = self._source.needed(inputs, own_outputs)[1] | set(own_outputs)
                wanted = list(dict.fromkeys([*own_outputs, *(name for name in outputs if name in inner and name not in inputs)]))
            fed = {name: values[self._joined.get(name, name)] for name in inputs if self._joined.get(name, name) in values}
            values.update(self._run_graph(fed, [name for name in wanted if name not in fed]))
        missing = [name for name in outputs if name not in values]
        if missing:
            raise InvalidArgumentError(f"no sub-graph computes {', '.join(missing)}")
        return {name: values[resolve(name)] for name in asked}

    def _run_graph(self, feeds: Mapping[str, np.ndarray], outputs: list[str]) -> dict[str, np.ndarray]:
        if not outputs:
            return {}
        data = self._source.cut({name: array.dtype.name for name, array in feeds.items()}, outputs)
        options = self._engine.SessionOptions()
        options.log_severity_level = 4
        options.graph_optimization_level = self._engine.GraphOptimizationLevel.ORT_DISABLE_ALL
        if self._folder:
            options.add_session_config_entry("session.model_external_initializers_file_folder_path", self._folder)
        try:
            session = self._engine.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            known = {each.name for each in session.get_inputs()}
            results = session.run(outputs, {name: array for name, array in feeds.items() if name in known})
        except Exception as error:
            raise FailedPreconditionError(f"onnxruntime cannot run the source: {first_line(error)}") from None
        return dict(zip(outputs, results, strict=True))


def as_floats(array: np.ndarray) -> np.ndarray:
    """Complex numbers as MACE has them, with one more axis of 2."""
    if array.dtype.kind != "c":
        return array
    return array.copy()[..., np.newaxis].view(array.real.dtype)


class TfliteReference:
    """TensorFlow Lite by ai-edge-litert's reference kernels. The model is not cut: it is fed at its own inputs."""

    def __init__(self, data: bytes, inputs: Sequence[str]) -> None:
        engine = import_engine("ai_edge_litert.interpreter", "ai-edge-litert")
        self.runtime = f"{version_of('ai-edge-litert')}, reference kernels"
        # The reference kernels, which define the integers: the optimised ones round in another way, and over a network that adds up (of
        # deeplabv3_mnv2_pascal_quant a similarity of 0.86 is left). They lack a few operators.
        for kind in (engine.OpResolverType.BUILTIN_REF, engine.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES):
            try:
                self._interpreter = engine.Interpreter(
                    model_content=data, experimental_op_resolver_type=kind, experimental_preserve_all_tensors=True
                )
                break
            except Exception as error:
                if "Didn't find op" not in str(error) or kind != engine.OpResolverType.BUILTIN_REF:
                    raise FailedPreconditionError(f"ai-edge-litert cannot load the source: {first_line(error)}") from None
                self.runtime = f"{version_of('ai-edge-litert')}, default kernels"
        self._told = ""  # what the interpreter complained about so far: it tells all of it again with each new complaint
        self._written = self._outputs_of_operators()
        self._details = {each["index"]: each for each in self._interpreter.get_tensor_details()}
        self._tensors = {each["name"]: index for index, each in self._details.items()}
        own = {"input": self._interpreter.get_input_details(), "output": self._interpreter.get_output_details()}
        for kind, details in own.items():  # nameless ones are called as in a conversion
            self._tensors |= {f"{kind}_{i}": each["index"] for i, each in enumerate(details) if not each["name"]}
        self._fed = {name: self._tensors.get(find_name(name, self._tensors), -1) for name in inputs}
        if set(self._fed.values()) != {each["index"] for each in own["input"]}:
            names = ", ".join(each["name"] or f"input_{i}" for i, each in enumerate(own["input"]))
            raise FailedPreconditionError(
                f"ai-edge-litert can be fed at the model's own inputs only ({names}); name validation_outputs_data"
            )

    def _outputs_of_operators(self) -> set[int]:
        return {int(i) for operator in self._interpreter._get_ops_details() for i in operator["outputs"]}

    def _complaint(self, error: Exception) -> str:
        """What is new in an error of a run, and what to do about it."""
        text = str(error)
        new, self._told = text.removeprefix(self._told).strip() or text, text
        advice = "give inputs that it takes, or mend the model; without the source's values there is nothing to compare with"
        if "variable != nullptr" in new:
            advice = (
                "it reads a variable before it has set it: convert it again, from a SavedModel or with the object that owns the variable"
            )
        return f"ai-edge-litert cannot run the source: {' '.join(new.split())} ({advice})"

    def nodes(self) -> list[Node]:
        """See Source."""
        # A tensor whose name is empty or not its own cannot be asked for: it gets a name that stands for it here only.
        own = Counter(each["name"] for each in self._details.values())
        names = {index: name if name and own[name] <= 1 else f"tensor {index}" for name, index in self._tensors.items()}
        names = {index: names.get(index, f"tensor {index}") for index in self._details} | {i: name for name, i in self._fed.items()}
        known, found = set(self._fed.values()), []
        for operator in self._interpreter._get_ops_details():
            inputs, outputs = ([i for i in operator[kind] if i >= 0] for kind in ("inputs", "outputs"))
            if known.isdisjoint(inputs):
                continue
            dtypes = [[np.dtype(self._details[i]["dtype"]) for i in kind if i in self._details] for kind in (inputs, outputs)]
            weighted = operator["op_name"] not in ("DEQUANTIZE", "GATHER", "EMBEDDING_LOOKUP", "CAST")
            hybrid = weighted and np.float32 in dtypes[1] and any(each.kind == "i" and each.itemsize == 1 for each in dtypes[0])
            quantized = any(len(self._details[i]["quantization_parameters"]["scales"]) for i in outputs if i in self._details)
            found.append(
                Node(
                    "", operator["op_name"], tuple(names[i] for i in inputs if i in names),
                    tuple(names[i] for i in outputs if i in names), hybrid, quantized,
                )
            )  # fmt: skip
            known.update(outputs)
        return found

    def computed(self) -> list[str]:
        """See Source."""
        fed = set(self._fed) | {name for name, index in self._tensors.items() if index in self._fed.values()}
        return [name for node in self.nodes() for name in node.outputs if name not in fed and name in self._tensors]

    def _as_litert(self, index: int, array: np.ndarray) -> np.ndarray:
        """The opposite of as_floats, where the tensor is complex."""
        dtype = np.dtype(self._details[index]["dtype"])
        return array if dtype.kind != "c" else np.ascontiguousarray(array).view(dtype)[..., 0]

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """See Source. Variables begin with their initial values."""
        found = {name: self._tensors.get(find_name(name, self._tensors), -1) for name in outputs}
        missing = [name for name, index in found.items() if index < 0]
        if missing:
            raise InvalidArgumentError(f"the source has no tensor {', '.join(missing)}")
        try:
            own = {index: self._as_litert(index, feeds[name]) for name, index in self._fed.items()}
            for index, array in own.items():
                self._interpreter.resize_tensor_input(index, array.shape)
            self._interpreter.allocate_tensors()
            self._interpreter.reset_all_variables()
            for index, array in own.items():
                self._interpreter.set_tensor(index, array)
            self._interpreter.invoke()
        except Exception as error:
            raise FailedPreconditionError(self._complaint(error)) from None
        values = {}
        unwritten = self._written - self._outputs_of_operators()  # a loop's outputs that nothing reads: allocating cut them off
        for name, index in found.items():
            if index in unwritten:
                continue
            try:
                values[name] = as_floats(self._interpreter.get_tensor(index))
            except ValueError:  # a branch that was not run, a resource's handle: it has no value
                continue
        return values


def open_source(format: str, data: bytes, inputs: Sequence[str], folder: str | None = None, weights: bytes | None = None) -> Source:
    """The source model of a format (as a conversion's details call it) behind its framework's runtime."""
    if format == "onnx":
        return OnnxReference(data, inputs, folder=folder)
    if format == "tflite":
        return TfliteReference(data, inputs)
    if format == "tensorflow":
        from mace.checking.sources_tensorflow import TensorflowReference

        return TensorflowReference(data, inputs)
    if format == "caffe":
        from mace.checking.sources_caffe import CaffeReference

        return CaffeReference(data, weights, inputs)
    raise InvalidArgumentError(f"no runtime is known for the format {format}: check the model that it was converted from")
