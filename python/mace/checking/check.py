"""The whole check: the reference's values, each node alone, the model as it is converted, and where the two lead."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import mace
from mace.checking.bisect import BadPass, first_bad_pass
from mace.checking.candidate import Candidate
from mace.checking.feeds import INTEGER_ENDS, generated
from mace.checking.judge import Difference, whole_tolerance
from mace.checking.nodes import NodeJudge, NodeVerdict, Verdict, comparable, compare_tensor
from mace.checking.onnx_cut import find_name
from mace.checking.sources import Source
from mace.errors import FailedPreconditionError, InvalidArgumentError, MaceError
from mace.model import TensorInfo

Values = dict[str, np.ndarray]


@dataclass
class Culprit:
    """What is to blame: a `node`, a `pass`, the `kernels` of the plan, or the `whole` where all parts are right."""

    kind: str
    name: str
    text: str
    node: NodeVerdict | None = None
    bad_pass: BadPass | None = None


@dataclass
class CheckResult:
    """What a check found. `samples` are the reference's values, `whole` the verdicts on the model's outputs, `missing` those outputs that
    the reference has no value of (of some sample), `lacking` the source's outputs that the candidate lacks."""

    model: str
    runtime: str
    nodes: list[NodeVerdict] = field(default_factory=list)
    whole: list[Verdict] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)
    samples: list[Values] = field(default_factory=list)
    inputs: tuple[TensorInfo, ...] = ()
    culprits: list[Culprit] = field(default_factory=list)
    unjudged: int = 0
    seconds: float = 0.0

    @property
    def agrees(self) -> bool:
        """Whether all outputs were compared and nothing was found."""
        return not self.culprits and not self.missing and not self.lacking


class Reference:
    """The source's values of all tensors, kept, so that several candidates can be judged by them."""

    def __init__(self, source: Source, infos: Sequence[TensorInfo], outputs: Sequence[str]) -> None:
        self.source, self.infos, self.outputs = source, tuple(infos), tuple(outputs)
        self.nodes = source.nodes()
        self.inputs = list(dict.fromkeys(alias for info in infos for alias in aliases(info.name)))
        self.samples: list[Values] = []

    def add(self, feeds: Mapping[str, np.ndarray]) -> None:
        """Runs the source. Where it cannot compute all tensors at once, those that it can are taken; the outputs must be among them."""
        computed = self.source.computed()
        outputs = [name for name in (find_name(each, set(computed)) for each in self.outputs) if name not in feeds]
        asked = list(dict.fromkeys([*(name for name in computed if name not in feeds), *outputs]))
        try:
            values = self.source.run(feeds, asked)
        except FailedPreconditionError:
            values = self.source.run(feeds, outputs)
            values |= self._run_in_parts(feeds, [name for name in asked if name not in values])
        values |= {alias: array for name, array in feeds.items() for alias in aliases(name)}
        values = {name: np.asarray(value) if isinstance(value, np.generic) else value for name, value in values.items()}
        self.samples.append({name: value for name, value in values.items() if comparable(value)})

    def _run_in_parts(self, feeds: Mapping[str, np.ndarray], names: list[str]) -> Values:
        """Those of the tensors that the source can compute."""
        try:
            return self.source.run(feeds, names)
        except FailedPreconditionError:
            middle = len(names) // 2
            return {} if not middle else self._run_in_parts(feeds, names[:middle]) | self._run_in_parts(feeds, names[middle:])

    def add_generated(self, shapes: Mapping[str, Sequence[int]], seed: int) -> None:
        """Runs the source on seeded numbers; smaller integers where it refuses them."""
        for end in INTEGER_ENDS:
            feeds = generated(self.infos, shapes, seed, end)
            try:
                return self.add(feeds)
            except FailedPreconditionError:
                if end == INTEGER_ENDS[-1] or not any("int" in info.dtype for info in self.infos):
                    raise
        return None


def aliases(name: str) -> tuple[str, str]:
    """A tensor's name with and without TensorFlow's :0."""
    return name, name.removesuffix(":0") if name.endswith(":0") else f"{name}:0"


class Checker:
    """Judges a candidate by a reference. `options` are those of the conversion to judge (passes)."""

    def __init__(self, reference: Reference, candidate: Candidate, options: dict[str, Any] | None = None) -> None:
        self._reference, self._candidate, self._options = reference, candidate, options or {}
        self._integers_inside = any(node.quantized or node.hybrid for node in reference.nodes)

    def check(self, model: str) -> CheckResult:
        """Everything."""
        begin = time.perf_counter()
        reference = self._reference
        result = CheckResult(model, reference.source.runtime, samples=reference.samples, inputs=reference.infos)
        if not self._candidate.is_converted:
            judge = NodeJudge(self._candidate, reference.nodes, reference.inputs, reference.samples)
            result.nodes = judge.judge()
        result.unjudged = sum(bool(each.trouble) for each in result.nodes)
        result.culprits = [self._of_node(each) for each in result.nodes if each.is_wrong]
        data, _ = self._candidate.convert(**self._options)
        result.whole = self._outputs(data)
        outputs = self._candidate.outputs(data)
        result.missing = [name for name in outputs if any(find_name(name, values) not in values for values in reference.samples)]
        result.lacking = [name for name in reference.outputs if find_name(name, outputs) not in outputs]
        if not result.culprits and not all(each.is_right for each in result.whole):
            result.culprits = [self._of_whole(result)]
        result.seconds = time.perf_counter() - begin
        return result

    def _of_node(self, verdict: NodeVerdict) -> Culprit:
        worst = max((each for each in verdict.tensors if not each.is_right), key=lambda each: each.difference.relative)
        region = verdict.region
        return Culprit("node", region.label, f"node {region.label} ({region.op}): {worst.tensor} is wrong: {describe(worst)}", verdict)

    def _outputs(self, data: bytes, reference_kernels: bool = False) -> list[Verdict]:
        worst: dict[str, Verdict] = {}
        for number, values in enumerate(self._reference.samples):
            feeds = {info.name: values[info.name] for info in self._reference.infos}
            results = self._candidate.run(data, feeds, reference_kernels=reference_kernels)
            for name, got in results.items():
                source = find_name(name, values)
                if source not in values:
                    continue
                verdict = compare_tensor(name, values[source], got, whole_tolerance(got.dtype, self._integers_inside), number)
                if name not in worst or (not verdict.is_right, verdict.difference.relative) > (
                    not worst[name].is_right, worst[name].difference.relative,
                ):  # fmt: skip
                    worst[name] = verdict
        if not worst:
            raise InvalidArgumentError(f"no output is called as one of the source ({', '.join(self._reference.outputs)})")
        return list(worst.values())

    def _is_right(self, data: bytes, reference_kernels: bool = False) -> bool:
        try:
            return all(each.is_right for each in self._outputs(data, reference_kernels))
        except MaceError:
            return False

    def _of_whole(self, result: CheckResult) -> Culprit:
        wrong = next(each for each in result.whole if not each.is_right)
        text = f"output {wrong.tensor} is wrong: {describe(wrong)}"
        if self._candidate.is_converted:
            return Culprit("whole", wrong.tensor, f"{text}; a .mace file cannot be cut to see where")
        plain, _ = self._candidate.convert(optimize=False)
        if self._is_right(plain):
            found = first_bad_pass(self._candidate, self._is_right, self._options)
            if found:
                return Culprit("pass", found.name, f"pass {found}: behind it {text}; each node alone is right", bad_pass=found)
        elif self._is_right(plain, reference_kernels=True):
            where = self._first_prefix(result)
            return Culprit("kernels", where, f"kernels that compute several nodes at once, at {where}: {text}; each node alone is right")
        unjudged = [each.region.label for each in result.nodes if each.trouble]
        if unjudged:
            names = ", ".join(unjudged[:3]) + (" ..." if len(unjudged) > 3 else "")
            return Culprit("whole", wrong.tensor, f"{text}; each node that could be judged is right, {len(unjudged)} could not ({names})")
        return Culprit("whole", wrong.tensor, f"{text}; each node alone is right: rounding adds up")

    def _first_prefix(self, result: CheckResult) -> str:
        """The first tensor that is wrong where the model ends at it."""
        values = self._reference.samples[0]
        feeds = {info.name: values[info.name] for info in self._reference.infos}
        for name in [each.tensor for node in result.nodes for each in node.tensors]:
            try:
                got = self._candidate.run(self._candidate.cut(feeds, [name]), feeds)[name]
            except MaceError:
                continue
            tolerance = whole_tolerance(got.dtype, self._integers_inside)
            if not compare_tensor(name, values[name], got, tolerance, 0).is_right:
                return name
        return "the outputs"


def describe(verdict: Verdict) -> str:
    """A difference in words."""
    found: Difference = verdict.difference
    if found.trouble:
        return found.trouble
    if verdict.dtype.startswith(("int", "uint", "bool")):
        return f"off by up to {found.largest:g}, {found.equal:.2%} of the elements equal (allowed: {verdict.tolerance})"
    relative = "inf" if math.isinf(found.relative) else f"{found.relative:.2g}"
    return f"off by up to {found.largest:.3g}, {relative} of the range, cosine {found.cosine:.7f} (allowed: {verdict.tolerance})"


def reference_for(
    data: bytes, candidate: Candidate, open_source: Any, folder: str | None, weights: bytes | None
) -> tuple[Reference, dict[str, Any]]:
    """The reference of a source's bytes; its inputs and outputs are those that MACE's conversion has."""
    converted, details = candidate.convert(optimize=False)
    model = mace.load(converted)
    source = open_source(details["format"], data, [info.name for info in model.inputs], folder, weights)
    return Reference(source, model.inputs, [info.name for info in model.outputs]), details
