"""The source's nodes as parts that MACE can compute alone: what each is fed, and which can be computed at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mace.checking.sources import Node


@dataclass(frozen=True)
class Region:
    """A node; `absorbed` are nodes in front of it whose results cannot be seen or fed. Tensors by name."""

    node: Node
    absorbed: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]

    @property
    def label(self) -> str:
        """The node's name, or its first output's where it has none."""
        return self.node.name or self.node.outputs[0]

    @property
    def op(self) -> str:
        """The operators."""
        return "+".join([*(node.op for node in self.absorbed), self.node.op])


class Planner:
    """Makes regions of nodes. `inputs` are the model's own."""

    def __init__(self, nodes: Sequence[Node], inputs: Iterable[str]) -> None:
        self._nodes, self._inputs = nodes, set(inputs)
        self._producer = {name: node for node in nodes for name in node.outputs}

    def region(self, node: Node, visible: Collection[str]) -> Region:
        """The node with what has to be computed in front of it, where only visible tensors and the model's inputs can be fed."""
        inputs: dict[str, None] = {}
        absorbed: dict[int, Node] = {}
        ahead, seen = list(reversed(node.inputs)), set()
        while ahead:
            name = ahead.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._inputs or name in visible:
                inputs[name] = None
            elif name in self._producer and self._producer[name] is not node:
                producer = self._producer[name]
                absorbed[id(producer)] = producer
                ahead += reversed(producer.inputs)
        order = [each for each in self._nodes if id(each) in absorbed]
        return Region(node, tuple(order), tuple(inputs), tuple(name for name in node.outputs if name in visible))

    def regions(self, visible: Collection[str]) -> list[Region]:
        """All nodes that have a visible output."""
        return [self.region(node, visible) for node in self._nodes if not visible_outputs(node, visible).isdisjoint(visible)]


def visible_outputs(node: Node, visible: Collection[str]) -> set[str]:
    """The outputs of a node that can be compared."""
    return {name for name in node.outputs if name in visible}


def batches(regions: Sequence[Region]) -> list[list[Region]]:
    """Regions that can be computed at once, each from the reference's values: none reads what another of its batch computes. Greedy
    colouring in the order of the graph: a chain needs two batches, whatever its length."""
    colours: dict[str, int] = {}
    result: list[list[Region]] = []
    read: list[set[str]] = []
    for region in regions:
        taken = {colours[name] for name in region.inputs if name in colours}
        colour = 0
        while colour in taken or (colour < len(read) and not read[colour].isdisjoint(region.outputs)):
            colour += 1
        if colour == len(result):
            result.append([])
            read.append(set())
        result[colour].append(region)
        read[colour].update(region.inputs)
        colours.update(dict.fromkeys(region.outputs, colour))
    return result
