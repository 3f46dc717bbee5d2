"""From a checked deployment to .mace files: reads the source, cuts and joins it, fixes its shapes to those of the deployment file and
stores a layout step where the file describes a tensor in another layout than the source has it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import mace
from mace.conversion import folder_of
from mace.deployment.files import Files
from mace.deployment.load import Deployment, ModelSpec, Tensor
from mace.deployment.problems import DeploymentError, Problem
from mace.errors import MaceError
from mace.model import TensorInfo

DIGEST = "deployment_digest"  # a key of metadata
MAX_QUOTED = 120  # characters of a name in a message of the importer
NATURAL = {"onnx": "NCHW", "caffe": "NCHW", "tflite": "NHWC", "tensorflow": "NHWC"}  # the layout of pictures in the source
ORDER = {("NHWC", "NCHW"): (0, 3, 1, 2), ("NCHW", "NHWC"): (0, 2, 3, 1)}


@dataclass(frozen=True)
class SourceBytes:
    """A model's source: its bytes and where they lie; the weights of a Caffe model are a file of their own."""

    data: bytes
    path: str
    weights: bytes | None = None


@dataclass
class Bound:
    """A tensor of the deployment file beside the source's tensor of that name. `order` gives the source's axes from the file's, None
    where the two have the same layout; `shape` is the source's."""

    tensor: Tensor
    name: str  # in the .mace file
    dtype: str
    shape: tuple[int, ...]
    order: tuple[int, ...] | None

    def to_source(self, array: np.ndarray) -> np.ndarray:
        """An array as a program feeds it, in the source's layout."""
        return np.ascontiguousarray(array if self.order is None else array.transpose(self.order)).reshape(self.shape)

    def from_source(self, array: np.ndarray) -> np.ndarray:
        """The source's array as a program gets it."""
        return array if self.order is None else np.ascontiguousarray(array.transpose(np.argsort(self.order)))

    def steps(self, for_input: bool) -> list[Any]:
        """The layout step to store with the model, if any."""
        if self.order is None:
            return []
        from mace.pipeline import Layout

        ours, source = next(pair for pair, order in ORDER.items() if order == self.order)
        return [Layout(ours, source) if for_input else Layout(source, ours)]


@dataclass
class Converted:
    """A model's .mace file."""

    data: bytes
    details: dict[str, Any]
    inputs: list[Bound]
    outputs: list[Bound]
    warnings: list[str] = field(default_factory=list)


def _dims(shape: Sequence[int | str | None]) -> str:
    return f"[{', '.join('?' if dim is None else str(dim) for dim in shape)}]"


def _fits(shape: Sequence[int], source: Sequence[int | str | None]) -> bool:
    """Whether the source's tensor can have the shape; a symbol has one value."""
    if len(shape) != len(source):
        return False
    symbols: dict[str, int] = {}
    return all(
        want == have if isinstance(have, int) else have is None or symbols.setdefault(have, want) == want
        for want, have in zip(shape, source, strict=True)
    )


def digest_of(spec: ModelSpec) -> str:
    """What a .mace file was made from, in its metadata: the source's bytes, and what the deployment file says of its edges."""
    edges = [[(t.name, t.shape, t.format) for t in tensors] for tensors in (spec.inputs, spec.outputs)]
    obfuscate = [bool(graph.keys.obfuscate) for graph in spec.subgraphs]
    facts = [spec.keys.model_sha256_checksum, spec.keys.weight_sha256_checksum, edges, spec.joins, obfuscate]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read_source(files: Files, spec: ModelSpec) -> SourceBytes:
    """The files of a model's source, with their checksums checked."""
    data, path = files.read(spec.source)
    return SourceBytes(data, path, files.read(spec.weights)[0] if spec.weights else None)


class _Converter:
    def __init__(self, deployment: Deployment, spec: ModelSpec, source: SourceBytes, optimize: bool) -> None:
        self._deployment, self._spec, self._source, self._optimize = deployment, spec, source, optimize
        self._folder = folder_of(source.path)
        self.platform = spec.keys.platform
        self.warnings: list[str] = []
        self._inputs: list[Bound] | None = None

    def _fail(self, path: tuple[str | int, ...], message: str) -> DeploymentError:
        return DeploymentError([self._deployment.problem(path, message)])

    def _convert(self, outputs: list[str], **options: Any) -> tuple[bytes, dict[str, Any]]:
        try:
            return mace.convert(
                self._source.data, outputs=outputs, joins=self._spec.joins, folder=self._folder, weights=self._source.weights, **options
            )
        except MaceError as error:
            quoted = re.search("'(.+?)'", str(error))  # a tensor that the source lacks is named by its line
            for tensor in [tensor for graph in self._spec.subgraphs for tensor in (*graph.inputs, *graph.outputs, *graph.checks)]:
                if quoted and quoted[1] == tensor.name[:MAX_QUOTED] and isinstance(error, (mace.InvalidArgumentError, mace.NotFoundError)):
                    raise self._fail(tensor.path, str(error)) from None
            raise type(error)(f"{self._spec.name}: {error}") from None

    def _bind(self, tensor: Tensor, info: TensorInfo) -> Bound:
        """Finds the layout in which the source's tensor has the shape that the deployment file says."""
        if tensor.dtype is not None and tensor.dtype != info.dtype:
            kind = "input" if tensor.path[-2] == "input_tensors" else "output"
            path = (*tensor.path[:-2], f"{kind}_data_types")
            raise self._fail(path, f"{tensor.name} is {info.dtype} in the source, {tensor.dtype} here; write {info.dtype}")
        natural = NATURAL[self.platform]
        order = ORDER.get((tensor.format, natural)) if len(tensor.shape) == 4 else None
        as_is = _fits(tensor.shape, info.shape)
        turned = order is not None and _fits([tensor.shape[axis] for axis in order], info.shape)
        # Where both fit, what the file says counts; the default says nothing of a tensor whose shape is the source's.
        fixed = all(isinstance(dim, int) for dim in info.shape)
        if turned and order and (not as_is or tensor.format_given or not fixed):
            return Bound(tensor, info.name, info.dtype, tuple(tensor.shape[axis] for axis in order), order)
        if as_is:
            return Bound(tensor, info.name, info.dtype, tensor.shape, None)
        if all(isinstance(dim, int) for dim in info.shape) and [d for d in tensor.shape if d != 1] == [d for d in info.shape if d != 1]:
            self.warnings.append(f"{tensor.name} is {_dims(info.shape)}, not {_dims(tensor.shape)} as the deployment file says")
            return Bound(tensor, info.name, info.dtype, tuple(int(dim or 1) for dim in info.shape), None)
        also = f" ({tensor.format}; the source is {natural})" if order else ""
        message = (
            f"{tensor.name} is {_dims(info.shape)} in the source, {_dims(tensor.shape)}{also} here; correct the shape or the data format"
        )
        raise self._fail(tensor.shape_path, message)

    def inputs(self) -> list[Bound]:
        """The model's inputs beside the source's."""
        if self._inputs is None:
            tensors = self._spec.inputs
            outputs = [tensor.name for tensor in self._spec.outputs]
            probe, _ = self._convert(outputs, inputs={tensor.name: None for tensor in tensors}, optimize=False)
            self._inputs = [self._bind(tensor, info) for tensor, info in zip(tensors, mace.load(probe).inputs, strict=True)]
        return self._inputs

    def to_outputs(self, tensors: list[Tensor]) -> Converted:
        """The model that computes these tensors."""
        inputs = self.inputs()
        names = [tensor.name for tensor in tensors]
        shapes = {bound.tensor.name: list(bound.shape) for bound in inputs}
        probe, _ = self._convert(names, inputs=shapes, optimize=False)
        infos = mace.load(probe).outputs
        outputs = [self._bind(tensor, info) for tensor, info in zip(tensors, infos, strict=True)]
        return self._finish(names, inputs, outputs)

    def to_names(self, names: list[str]) -> Converted:
        """The model that computes tensors which the deployment file does not describe: they have the source's layout."""
        return self._finish(names, self.inputs(), [])

    def _finish(self, names: list[str], inputs: list[Bound], outputs: list[Bound]) -> Converted:
        steps: dict[str, Any] = {}
        before = {bound.name: bound.steps(True) for bound in inputs if bound.order}
        after = {bound.name: bound.steps(False) for bound in outputs if bound.order}
        if before:
            steps["preprocess"] = before
        if after:
            steps["postprocess"] = after
        obfuscate = any(graph.keys.obfuscate for graph in self._spec.subgraphs)
        shapes = {bound.tensor.name: list(bound.shape) for bound in inputs}
        metadata = {DIGEST: digest_of(self._spec)}
        data, details = self._convert(names, inputs=shapes, optimize=self._optimize, strip_names=obfuscate, metadata=metadata, **steps)
        return Converted(data, details, inputs, outputs, [*self.warnings, *details["warnings"]])


def convert_model(deployment: Deployment, spec: ModelSpec, source: SourceBytes, *, optimize: bool = True) -> Converted:
    """The .mace file of a model."""
    return _Converter(deployment, spec, source, optimize).to_outputs(spec.outputs)


def convert_checks(deployment: Deployment, spec: ModelSpec, source: SourceBytes) -> Converted:
    """The model that computes check_tensors in place of the outputs."""
    return _Converter(deployment, spec, source, True).to_outputs(spec.checks)


class LayerConverter:
    """Makes one model per tensor of the source, for --layers."""

    def __init__(self, deployment: Deployment, spec: ModelSpec, source: SourceBytes) -> None:
        self._converter = _Converter(deployment, spec, source, True)

    @property
    def inputs(self) -> list[Bound]:
        """The models' inputs."""
        return self._converter.inputs()

    def channels_last(self, array: np.ndarray) -> np.ndarray:
        """A picture of the source with its channels last, where comparing looks for the largest of them."""
        is_nchw = NATURAL[self._converter.platform] == "NCHW" and array.ndim == 4
        return array.transpose(0, 2, 3, 1) if is_nchw else array

    def convert(self, name: str) -> bytes:
        """The .mace file that computes this tensor."""
        return self._converter.to_names([name]).data


def check_same(deployment: Deployment, spec: ModelSpec, path: str, model: mace.Model) -> None:
    """That a .mace file has the inputs and outputs of this deployment file as it is now."""
    for kind, tensors, infos in (("input", spec.inputs, model.inputs), ("output", spec.outputs, model.outputs)):
        shapes_differ = any(
            [dim for dim in tensor.shape if dim != 1] != [dim for dim in info.shape if dim != 1]
            for tensor, info in zip(tensors, infos, strict=False)
        )
        names_differ = [tensor.name for tensor in tensors] != [info.name for info in infos]
        if len(infos) != len(tensors) or names_differ or shapes_differ:
            message = f"{path} has other {kind}s ({'; '.join(map(str, infos))}); convert again"
            raise DeploymentError([Problem(deployment.file, deployment.root.line_of(spec.path), spec.name, message)])
    if model.metadata.get(DIGEST) != digest_of(spec):
        message = f"{path} was made from another source, or with other formats, than the file says now; convert again"
        raise DeploymentError([Problem(deployment.file, deployment.root.line_of(spec.path), spec.name, message)])
