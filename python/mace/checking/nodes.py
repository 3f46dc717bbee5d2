"""Each node of the source by itself: fed with the reference's values, so that a wrong one does not blame those behind it, and rounding
does not add up."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from mace.checking.candidate import Candidate
from mace.checking.judge import Difference, Tolerance, measure, node_tolerance
from mace.checking.regions import Planner, Region, batches
from mace.checking.sources import Node
from mace.errors import MaceError

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Verdict:
    """What became of a tensor. `sample` is the number of the inputs that it was worst on."""

    tensor: str
    dtype: str
    shape: tuple[int, ...]
    difference: Difference
    tolerance: Tolerance
    sample: int = 0

    @property
    def is_right(self) -> bool:
        """Whether it is close enough."""
        return self.tolerance.accepts(self.difference)


@dataclass
class NodeVerdict:
    """What became of a node: a verdict a tensor, or why it could not be judged."""

    region: Region
    tensors: list[Verdict] = field(default_factory=list)
    trouble: str = ""

    @property
    def is_wrong(self) -> bool:
        """Whether a tensor is wrong."""
        return any(not each.is_right for each in self.tensors)


def compare_tensor(name: str, want: np.ndarray, got: np.ndarray, tolerance: Tolerance, sample: int) -> Verdict:
    """One tensor's verdict."""
    difference = measure(want, got)
    if want.dtype.name != got.dtype.name:
        difference = Difference(np.inf, 0.0, 0.0, 0.0, trouble=f"{got.dtype.name} in place of {want.dtype.name}")
    return Verdict(name, want.dtype.name, tuple(want.shape), difference, tolerance, sample)


def comparable(value: object) -> bool:
    """Whether a value of the reference can be fed and compared: no sequence, no strings."""
    if not isinstance(value, np.ndarray):
        return False
    return value.dtype.kind in "fiub" or value.dtype.name in ("bfloat16", "int4", "uint4", "int2", "uint2")


class NodeJudge:
    """Judges nodes. `samples` are the reference's values, the model's inputs among them: one mapping for each set of inputs."""

    def __init__(self, candidate: Candidate, nodes: Sequence[Node], inputs: Sequence[str], samples: Sequence[Values]) -> None:
        self._candidate, self._samples = candidate, samples
        self._planner = Planner(nodes, inputs)
        own = set(inputs)
        computed = [name for node in nodes for name in node.outputs]
        self._visible = {name for name in computed if name not in own and all(comparable(each.get(name)) for each in samples)}
        self._verdicts: dict[int, NodeVerdict] = {}

    def judge(self) -> list[NodeVerdict]:
        """A verdict for each node whose results can be seen, in the order of the graph."""
        while True:
            regions = self._planner.regions(self._visible)
            self._verdicts = {}
            before = len(self._visible)
            for batch in batches(regions):
                self._judge(batch)
                if len(self._visible) < before:
                    break  # a tensor that MACE's graph lacks: its node becomes a part of those behind it
            else:
                return [self._verdicts[id(region.node)] for region in regions]

    def _judge(self, batch: Sequence[Region]) -> None:
        try:
            found = self._compute(batch)
        except (MaceError, MemoryError) as error:
            if self._is_absent(str(error), batch):
                return
            if len(batch) > 1:
                self._judge(batch[: len(batch) // 2])
                self._judge(batch[len(batch) // 2 :])
                return
            found = self._judge_wider(batch[0], str(error).splitlines()[0] if str(error) else type(error).__name__)
        self._verdicts.update({id(each.region.node): each for each in found})

    def _is_absent(self, message: str, batch: Sequence[Region]) -> bool:
        """Whether the message says that MACE's graph lacks a tensor; it is not looked for again."""
        if "no tensor of this name" not in message or not (quoted := re.search(r"'(.+?)'", message, re.DOTALL)):
            return False
        names = {name for region in batch for name in (*region.inputs, *region.outputs) if name.startswith(quoted[1])}
        lacking = names & self._visible
        self._visible -= lacking
        return bool(lacking)

    def _judge_wider(self, region: Region, reason: str) -> list[NodeVerdict]:
        """A node that MACE cannot compute from these inputs, as it wants to know a shape or an axis beforehand: its integers are
        computed, too."""
        fed = self._samples[0]
        hidden = {name for name in region.inputs if name in self._visible and fed[name].dtype.kind in "iub"}
        if hidden:
            try:
                return self._compute([self._planner.region(region.node, self._visible - hidden)])
            except (MaceError, MemoryError):
                pass
        return [NodeVerdict(region, trouble=reason)]

    def _compute(self, batch: Sequence[Region]) -> list[NodeVerdict]:
        inputs = list(dict.fromkeys(name for region in batch for name in region.inputs))
        outputs = [name for region in batch for name in region.outputs]
        verdicts = [NodeVerdict(region) for region in batch]
        worst: dict[str, Verdict] = {}
        shapes, data = None, b""
        for number, values in enumerate(self._samples):
            feeds = {name: values[name] for name in inputs}
            if shapes != (now := [array.shape for array in feeds.values()]):
                shapes, data = now, self._candidate.cut(feeds, outputs)
            results = self._candidate.run(data, feeds)
            for region in batch:
                for name in region.outputs:
                    tolerance = node_tolerance(values[name].dtype, region.node.quantized, region.node.hybrid)
                    verdict = compare_tensor(name, values[name], results[name], tolerance, number)
                    if name not in worst or _badness(verdict) > _badness(worst[name]):
                        worst[name] = verdict
        for verdict in verdicts:
            verdict.tensors = [worst[name] for name in verdict.region.outputs]
        return verdicts


def _badness(verdict: Verdict) -> tuple[bool, float]:
    return not verdict.is_right, verdict.difference.relative
