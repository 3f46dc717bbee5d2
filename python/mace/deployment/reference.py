"""What a model should give: its source, run by another engine in this process (onnxruntime for ONNX, ai-edge-litert for TensorFlow
Lite), also for tensors inside it. Both engines are optional: who compares installs them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from mace.deployment.onnx_cut import OnnxSource, find_name
from mace.errors import FailedPreconditionError, InvalidArgumentError


class Reference(Protocol):
    """A source model behind another engine. Arrays are in the source's layout."""

    def computed(self) -> list[str]:
        """The tensors that are computed from the inputs, in an order in which each comes after those it needs."""

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """The values of any tensors of the source."""


def _import(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise FailedPreconditionError(
            f"comparing needs {package}, which is not installed: pip install {package} (or name validation_outputs_data)"
        ) from None


class OnnxReference:
    """ONNX by onnxruntime. `graphs` are the sub-graphs in their order: (inputs, outputs) of each; `joins` as in ModelSpec."""

    def __init__(
        self, data: bytes, inputs: Sequence[str], graphs: Sequence[tuple[Sequence[str], Sequence[str]]], joins: Sequence[tuple[str, str]]
    ) -> None:
        self._engine = _import("onnxruntime", "onnxruntime")
        self._source = OnnxSource(data)
        resolve = self._source.resolve
        self._inputs = [resolve(name) for name in inputs]
        self._graphs = [([resolve(name) for name in each[0]], [resolve(name) for name in each[1]]) for each in graphs]
        self._joined = {resolve(to): resolve(source) for source, to in joins}

    def computed(self) -> list[str]:
        """See Reference."""
        if len(self._graphs) == 1:
            return self._source.computed(self._inputs)
        found: list[str] = []
        for inputs, outputs in self._graphs:
            chosen = self._source.needed(inputs, outputs)[1]
            found += [name for name in self._source.computed(inputs) if name in chosen and name not in found]
        return found

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """See Reference."""
        resolve = self._source.resolve
        values = {resolve(name): array for name, array in feeds.items()}
        asked, outputs = list(outputs), [resolve(name) for name in outputs]
        for inputs, own_outputs in self._graphs:
            if len(self._graphs) == 1:
                wanted = list(outputs)
            else:
                inner = self._source.needed(inputs, own_outputs)[1] | set(own_outputs)
                wanted = list(dict.fromkeys([*own_outputs, *(name for name in outputs if name in inner and name not in inputs)]))
            fed = {name: values[self._joined.get(name, name)] for name in inputs}
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
        try:
            session = self._engine.InferenceSession(data, options, providers=["CPUExecutionProvider"])
            known = {each.name for each in session.get_inputs()}
            results = session.run(outputs, {name: array for name, array in feeds.items() if name in known})
        except Exception as error:
            raise FailedPreconditionError(f"onnxruntime cannot run the source: {str(error).splitlines()[0]}") from None
        return dict(zip(outputs, results, strict=True))


class TfliteReference:
    """TensorFlow Lite by ai-edge-litert's reference kernels. The model is not cut: it is fed at its own inputs."""

    def __init__(self, data: bytes, inputs: Sequence[str]) -> None:
        engine = _import("ai_edge_litert.interpreter", "ai-edge-litert")
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
                    raise FailedPreconditionError(f"ai-edge-litert cannot load the source: {str(error).splitlines()[0]}") from None
        self._tensors = {each["name"]: each["index"] for each in self._interpreter.get_tensor_details()}
        own = {"input": self._interpreter.get_input_details(), "output": self._interpreter.get_output_details()}
        for kind, details in own.items():  # nameless ones are called as in a conversion
            self._tensors |= {f"{kind}_{i}": each["index"] for i, each in enumerate(details) if not each["name"]}
        self._fed = {name: self._tensors.get(find_name(name, self._tensors), -1) for name in inputs}
        if set(self._fed.values()) != {each["index"] for each in own["input"]}:
            names = ", ".join(each["name"] or f"input_{i}" for i, each in enumerate(own["input"]))
            raise FailedPreconditionError(
                f"ai-edge-litert can be fed at the model's own inputs only ({names}); name validation_outputs_data"
            )

    def computed(self) -> list[str]:
        """See Reference."""
        names = {index: name for name, index in self._tensors.items()}
        known, found = set(self._fed.values()), []
        for operator in self._interpreter._get_ops_details():
            if known.isdisjoint(operator["inputs"]):
                continue
            found += [names[index] for index in operator["outputs"] if index in names and index not in known]
            known.update(operator["outputs"])
        return found

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """See Reference."""
        found = {name: self._tensors.get(find_name(name, self._tensors), -1) for name in outputs}
        missing = [name for name, index in found.items() if index < 0]
        if missing:
            raise InvalidArgumentError(f"the source has no tensor {', '.join(missing)}")
        try:
            for name, array in feeds.items():
                self._interpreter.resize_tensor_input(self._fed[name], array.shape)
            self._interpreter.allocate_tensors()
            for name, array in feeds.items():
                self._interpreter.set_tensor(self._fed[name], array)
            self._interpreter.invoke()
            return {name: self._interpreter.get_tensor(index) for name, index in found.items()}
        except Exception as error:
            raise FailedPreconditionError(f"ai-edge-litert cannot run the source: {str(error).splitlines()[0]}") from None
