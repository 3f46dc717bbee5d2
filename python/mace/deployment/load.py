"""A deployment file, read, checked and with its defaults: all that is wrong is told at once, with file, line and key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mace.deployment.locations import Node, read_yaml
from mace.deployment.problems import MAX_SHOWN, DeploymentError, Problem
from mace.deployment.schema import DeploymentKeys, GraphKeys, ModelKeys, Thresholds, check_model_name

Path = tuple[str | int, ...]
Keys = TypeVar("Keys", bound=BaseModel)
LIST_OF_ONE = "default_graph"
MAX_SUGGESTED, MAX_SUGGESTED_LENGTH = 1000, 200  # names to choose from and their characters: suggestions take time


@dataclass
class Source:
    """A file that the deployment names: path or URL, with the checksum it must have ("" where none is asked for)."""

    name: str
    checksum: str
    path: Path


@dataclass
class Tensor:
    """An input, output or check tensor as the deployment file describes it. `path` leads to its name in the file."""

    name: str
    shape: tuple[int, ...]
    format: str
    format_given: bool
    dtype: str | None
    alias: str
    range: tuple[float, float] | None
    path: Path
    shape_path: Path


@dataclass
class SubGraph:
    """A sub-graph with what it inherits from its model."""

    name: str
    keys: GraphKeys
    path: Path
    inputs: list[Tensor]
    outputs: list[Tensor]
    checks: list[Tensor]
    order: int


@dataclass
class ModelSpec:
    """One model. `inputs` and `outputs` are what a program sees; `joins` are pairs of tensors (from, to) of the source: the first takes
    the second's place."""

    name: str
    keys: ModelKeys
    path: Path
    source: Source
    weights: Source | None
    subgraphs: list[SubGraph]
    inputs: list[Tensor]
    outputs: list[Tensor]
    joins: list[tuple[str, str]] = field(default_factory=list)

    @property
    def checks(self) -> list[Tensor]:
        """What --validate compares in place of the outputs; empty where it compares these."""
        return [tensor for graph in self.subgraphs for tensor in graph.checks]

    def data(self, kind: str) -> list[Source]:
        """The files of validation_inputs_data or validation_outputs_data; empty where the file names none."""
        key = f"validation_{kind}s_data"
        own = self.subgraphs[0] if len(self.subgraphs) == 1 else None
        names = getattr(own.keys if own else self.keys, key) or []
        inherited = own is None or getattr(self.keys, key) is names
        return [Source(name, "", (*(self.path if inherited else own.path), key, index)) for index, name in enumerate(names)]

    @property
    def runtimes(self) -> list[str]:
        """The runtime of every sub-graph."""
        return [graph.keys.runtime or "cpu" for graph in self.subgraphs]


@dataclass
class Deployment:
    """A deployment file."""

    file: str
    root: Node
    keys: DeploymentKeys
    models: list[ModelSpec]

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at a key of the file."""
        return problem_at(self.file, self.root, path, message)


def problem_at(file: str, root: Node, path: Path, message: str) -> Problem:
    """A problem at the key that a path leads to. The key is shown with the list index that follows it."""
    names = [i for i, step in enumerate(path) if isinstance(step, str)]
    key = f"{path[names[-1]]}{''.join(f'[{step}]' for step in path[names[-1] + 1 :])}" if names else ""
    return Problem(file, root.line_of(path), key, message)


def without_empty(node: Node) -> None:
    """A key without a value counts as one that is not there."""
    if isinstance(node.value, list):
        for item in node.value:
            without_empty(item)
    elif isinstance(node.value, dict):
        for name in [name for name, item in node.value.items() if item.value is None]:
            del node.value[name]
        for item in node.value.values():
            without_empty(item)


def _message(error: Any, names: list[str]) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        key = str(error["loc"][-1])
        near = difflib.get_close_matches(key.lower(), names, 1, 0.6)
        return f"unknown key; {f'did you mean {near[0]}?' if near else 'remove it (docs/deployment_files.md lists the keys)'}"
    if kind == "missing":
        return "is required; add it"
    if kind == "literal_error":
        expected = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        return f"expected one of {expected}, got {given!r}"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in ("model_type", "dict_type"):
        return "expected a map of keys and values"
    return error["msg"][:1].lower() + error["msg"][1:]


def _names_at(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys of the map that holds a key."""
    current: Any = model
    for step in loc[:-1]:
        fields = getattr(current, "model_fields", None)
        if fields is None or step not in fields:
            continue  # the name of a model, sub-graph or device
        found = [part for part in _parts(fields[step].annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        current = found[0] if found else None
    return list(getattr(current, "model_fields", {}))


def _parts(annotation: Any) -> list[Any]:
    parts = [annotation]
    for argument in getattr(annotation, "__args__", ()):
        parts += _parts(argument)
    return parts


def check_keys(file: str, root: Node, model: type[Keys]) -> Keys:
    """The values of the file as a pydantic model; all problems at once."""
    if not isinstance(root.value, dict):
        names = ", ".join(model.model_fields)
        raise DeploymentError([Problem(file, root.line, "", f"expected a map with the keys {names}")])
    try:
        return model.model_validate(root.plain())
    except ValidationError as error:
        found = error.errors(include_url=False)
        found.sort(key=lambda each: root.line_of(tuple(each["loc"])))
        shown = [(tuple(each["loc"]), each) for each in found[:MAX_SHOWN]]  # suggestions take time
        problems = [problem_at(file, root, loc, _message(each, _names_at(model, loc))) for loc, each in shown]
        raise DeploymentError(problems, len(found) - len(shown)) from None


class _Checker:
    """Collects what is wrong beyond what single keys say."""

    def __init__(self, file: str, root: Node, keys: DeploymentKeys) -> None:
        self.file, self.root, self.keys = file, root, keys
        self.problems: list[Problem] = []

    def add(self, path: Path, message: str) -> None:
        self.problems.append(problem_at(self.file, self.root, path, message))

    def suggestion(self, name: str, names: Iterable[str]) -> str:
        """ "did you mean ...?" where a name is near; "" after as many problems as are told."""
        if len(self.problems) >= MAX_SHOWN or len(name) > MAX_SUGGESTED_LENGTH:
            return ""
        known = [each for each in islice(names, MAX_SUGGESTED) if len(each) <= MAX_SUGGESTED_LENGTH]
        near = difflib.get_close_matches(name, known, 1)
        return f"did you mean {near[0]}?" if near else ""

    def deployment(self) -> Deployment:
        models = [self.model(name, keys) for name, keys in self.keys.models.items()]
        if not models:
            self.add(("models",), "is empty; add a model")
        if self.keys.model_graph_format != "code" and self.keys.model_data_format == "code":
            self.add(("model_data_format",), "code needs model_graph_format: code; write file")
        if self.problems:
            raise DeploymentError(sorted(self.problems, key=lambda problem: problem.line))
        return Deployment(self.file, self.root, self.keys, [model for model in models if model])

    def model(self, name: str, keys: ModelKeys) -> ModelSpec | None:
        path: Path = ("models", name)
        before = len(self.problems)
        try:
            check_model_name(name)
        except ValueError as error:
            self.add(path, str(error))
        weights = None
        if keys.weight_file_path:
            weights = Source(keys.weight_file_path, keys.weight_sha256_checksum or "", (*path, "weight_file_path"))
            if not keys.weight_sha256_checksum:
                self.add(weights.path, "needs weight_sha256_checksum; add it (sha256sum prints it)")
            if keys.platform in ("onnx", "tflite"):
                self.add(weights.path, f"a model of platform {keys.platform} has its weights in model_file_path; remove it")
        elif keys.platform == "caffe":
            self.add((*path, "platform"), "a Caffe model needs weight_file_path, its .caffemodel; add it and weight_sha256_checksum")
        if not keys.subgraphs:
            self.add((*path, "subgraphs"), "is empty; add a sub-graph")
            return None
        graphs = [self.graph(path, keys, each, own) for each, own in keys.subgraphs.items()]
        if len(self.problems) > before:
            return None
        graphs.sort(key=lambda graph: graph.order)
        spec = ModelSpec(
            name, keys, path, Source(keys.model_file_path, keys.model_sha256_checksum, (*path, "model_file_path")), weights, graphs, [], []
        )
        if len(graphs) == 1:
            spec.inputs, spec.outputs = graphs[0].inputs, graphs[0].outputs
        else:
            self.join(spec)
        for kind in ("input", "output"):
            data, expected = spec.data(kind), len(getattr(spec, f"{kind}s"))
            if data and expected and len(data) != expected:
                where = data[0].path[:-1]
                self.add(where, f"{len(data)} file(s) for {expected} {kind} tensor(s); give one for each")
        return spec

    def graph(self, model_path: Path, model: ModelKeys, name: str, own: GraphKeys) -> SubGraph:
        path: Path = (*model_path, "subgraphs", name)
        several = len(model.subgraphs) > 1
        values = {}
        for each in GraphKeys.model_fields:
            value, where = getattr(own, each), path
            if value is None and not (several and each in ("input_tensors", "output_tensors")):
                value, where = getattr(model, each), model_path
            values[each] = (value, (*where, each))
        tensors = {kind: self.tensors(values, kind, path) for kind in ("input", "output", "check")}
        keys = GraphKeys.model_construct(**{each: value for each, (value, _) in values.items()})
        return SubGraph(name, keys, path, tensors["input"], tensors["output"], tensors["check"], keys.order or 0)

    def tensors(self, values: dict[str, tuple[Any, Path]], kind: str, path: Path) -> list[Tensor]:
        (names, at), (shapes, shapes_at) = values[f"{kind}_tensors"], values[f"{kind}_shapes"]
        for key, value, other in ((f"{kind}_tensors", names, shapes), (f"{kind}_shapes", shapes, names)):
            if value is None and (kind != "check" or other is not None):
                self.add((*path, key), "is required; add it")
        if names is None or shapes is None:
            return []
        if not names and kind != "check":
            self.add(at, "is empty; name a tensor of the source")
        seen: set[str] = set()
        for index, name in enumerate(names):
            if not name or "\0" in name or not _is_text(name):
                self.add((*at, index), f"{name!r} is no name of a tensor; correct it")
            if name in seen:
                self.add((*at, index), f"{name!r} is there twice; remove one")
            seen.add(name)
        if len(shapes) != len(names):
            self.add(shapes_at, f"{len(shapes)} shape(s) for {len(names)} tensor(s); give one for each, such as 1,224,224,3")

        def each(key: str, default: Any) -> list[Any]:
            value, where = values.get(f"{kind}_{key}", (None, path))
            if value is None:
                return [default] * len(names)
            if len(value) == 1 and key != "aliases":
                return value * len(names)
            if len(value) != len(names):
                what = "one for each" if key == "aliases" else "one for each or one for all"
                self.add(where, f"{len(value)} value(s) for {len(names)} {kind} tensor(s); give {what}")
            return value

        columns = [each("data_formats", None), each("data_types", None), each("aliases", ""), each("ranges", None)]
        for index, layout in enumerate(columns[0]):
            if layout == "OIHW":
                self.add((*values[f"{kind}_data_formats"][1], index), "OIHW is a layout of weights; write NONE, NHWC or NCHW")
        return [
            Tensor(name, shape, layout or "NHWC", layout is not None, dtype, alias, limits, (*at, index), (*shapes_at, index))
            for index, (name, shape, layout, dtype, alias, limits) in enumerate(zip(names, shapes, *columns, strict=False))
        ]

    def join(self, spec: ModelSpec) -> None:
        """Makes one model of several sub-graphs."""
        fed = self.visible(spec, "input")
        got = self.visible(spec, "output")
        if fed is None or got is None:
            return
        spec.inputs, spec.outputs = fed, got
        for graph in spec.subgraphs:
            for key in ("validation_inputs_data", "validation_outputs_data"):
                if getattr(spec.keys.subgraphs[graph.name], key) is not None:
                    self.add((*graph.path, key), "a model of several sub-graphs has its files in one list; move them to the model")
        visible = {tensor.name for tensor in fed}
        # The model's inputs, which several sub-graphs may read under names of their own, and outputs of earlier sub-graphs.
        known = {name: tensor for tensor in fed for name in (tensor.name, tensor.alias) if name}
        for graph in spec.subgraphs:
            for tensor in graph.inputs:
                if tensor.name in visible:
                    continue
                source = known.get(tensor.alias) or known.get(tensor.name)
                if source is None:
                    advice = self.suggestion(tensor.alias or tensor.name, known) or "add it to input_tensors of the model, or an alias"
                    self.add(
                        tensor.path,
                        f"{tensor.alias or tensor.name!r} of sub-graph {graph.name} is no input of the model and no output of a sub-graph "
                        f"of lower order; {advice}",
                    )
                elif (source.shape, source.format) != (tensor.shape, tensor.format):
                    self.add(
                        tensor.shape_path,
                        f"{tensor.name} is joined to {source.name}, whose shape is {_dims(source.shape)} ({source.format}), "
                        f"not {_dims(tensor.shape)} ({tensor.format}); make them equal",
                    )
                elif source.name != tensor.name:
                    spec.joins.append((source.name, tensor.name))
            for tensor in graph.outputs:
                for name in {tensor.name, tensor.alias or tensor.name}:
                    known[name] = tensor

    def visible(self, spec: ModelSpec, kind: str) -> list[Tensor] | None:
        """The model's own inputs or outputs: sub-graphs' ones that the model names, by name or alias."""
        key = f"{kind}_tensors"
        names = getattr(spec.keys, key)
        path: Path = (*spec.path, key)
        if names is None:
            self.add(path, f"is required in a model of several sub-graphs: the {kind}s that a program sees; add it")
            return None
        known: dict[str, Tensor] = {}  # by name and by alias; of several the first
        for graph in spec.subgraphs:
            for tensor in graph.inputs if kind == "input" else graph.outputs:
                known.setdefault(tensor.name, tensor)
                known.setdefault(tensor.alias, tensor)
        known.pop("", None)
        found: dict[str, Tensor] = {}
        for index, name in enumerate(names):
            match = known.get(name)
            if match is None:
                advice = self.suggestion(name, known) or "name one"
                self.add((*path, index), f"no sub-graph has an {kind} {name!r}; {advice}")
            elif match.name in found:
                self.add((*path, index), f"{name!r} is there twice{'' if name == match.name else f', also as {match.name}'}; remove one")
            else:
                found[match.name] = match
        return list(found.values())


def _is_text(name: str) -> bool:
    """Whether it has no lone surrogate, which YAML can write as an escape."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _dims(shape: tuple[int, ...]) -> str:
    return ",".join(map(str, shape))


def _subgraphs_as_map(file: str, root: Node) -> None:
    """A list of one sub-graph, as most files have it, becomes a map."""
    models = root.value.get("models") if isinstance(root.value, dict) else None
    for name, model in models.value.items() if models and isinstance(models.value, dict) else ():
        graphs = model.value.get("subgraphs") if isinstance(model.value, dict) else None
        if graphs is None or not isinstance(graphs.value, list):
            continue
        if len(graphs.value) != 1:
            message = f"a list has one sub-graph, this one has {len(graphs.value)}; for several write a map of name to sub-graph"
            raise DeploymentError([problem_at(file, root, ("models", name, "subgraphs"), message)])
        graph = graphs.value[0]
        graphs.value, graphs.key_lines = {LIST_OF_ONE: graph}, {LIST_OF_ONE: graph.line}


def _lower_thresholds(file: str, node: Node, path: Path = ()) -> None:
    """Names of runtimes in validation_threshold count in upper and lower case."""
    for name, item in node.value.items() if isinstance(node.value, dict) else ():
        here = (*path, name)
        if name != "validation_threshold" or not isinstance(item.value, dict):
            _lower_thresholds(file, item, here)
            continue
        lowered: dict[str, Node] = {}
        for each, value in item.value.items():
            if each.lower() in lowered:
                raise DeploymentError([Problem(file, item.key_lines[each], each, "is there twice, in upper and lower case; remove one")])
            lowered[each.lower()] = value
        item.key_lines = {each.lower(): item.key_lines[each] for each in item.value}
        item.value = lowered


def load_deployment(file: str) -> Deployment:
    """Reads and checks a deployment file. Raises :class:`DeploymentError`."""
    root = read_yaml(file)
    without_empty(root)
    _subgraphs_as_map(file, root)
    _lower_thresholds(file, root)
    return _Checker(file, root, check_keys(file, root, DeploymentKeys)).deployment()


def threshold_of(spec: ModelSpec) -> float:
    """The least similarity that --validate accepts: the CPU's, which every runtime is on host."""
    given = next((graph.keys.validation_threshold for graph in spec.subgraphs if graph.keys.validation_threshold), None)
    return (given or Thresholds()).cpu
