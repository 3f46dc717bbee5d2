"""A frozen TensorFlow graph by TensorFlow itself (tensorflow-cpu)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mace.checking.sources import Node, first_line, import_engine, version_of
from mace.errors import FailedPreconditionError, InvalidArgumentError

# What lies between these is computed once a turn, or in one branch only: TensorFlow cannot give it.
FRAME_BEGIN, FRAME_END = ("Enter", "RefEnter"), ("Exit", "RefExit")
BRANCH_BEGIN, BRANCH_END = ("Switch", "RefSwitch", "_SwitchN"), ("Merge", "RefMerge")


class TensorflowReference:
    """TensorFlow: a tensor is called `node:i`."""

    def __init__(self, data: bytes, inputs: Sequence[str]) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # its notes about the machine
        self._engine: Any = import_engine("tensorflow", "tensorflow-cpu").compat.v1
        self.runtime = version_of("tensorflow-cpu")
        try:
            definition = self._engine.GraphDef.FromString(data)
            self._graph = self._engine.Graph()
            with self._graph.as_default():
                self._engine.import_graph_def(definition, name="")
        except Exception as error:
            raise FailedPreconditionError(f"TensorFlow cannot load the source: {first_line(error)}") from None
        self._inputs = {self._tensor(name).name for name in inputs}

    def _tensor(self, name: str) -> Any:
        try:
            return self._graph.get_tensor_by_name(name if ":" in name else f"{name}:0")
        except (KeyError, ValueError):
            raise InvalidArgumentError(f"the source has no tensor {name}") from None

    def _order(self) -> list[Any]:
        """All operations, each behind those it needs; a loop's back edges are left out."""
        ready: list[Any] = []
        state: dict[str, bool] = {}
        for root in self._graph.get_operations():
            stack = [(root, False)]
            while stack:
                operation, is_done = stack.pop()
                if is_done:
                    state[operation.name] = True
                    ready.append(operation)
                elif operation.name not in state:
                    state[operation.name] = False
                    stack.append((operation, True))
                    stack += [(each.op, False) for each in operation.inputs if each.op.type not in ("NextIteration", "RefNextIteration")]
        return ready

    def nodes(self) -> list[Node]:
        """See Source. What is in a loop's or a branch's middle has no outputs."""
        known, inside, found = set(self._inputs), set(), []
        for operation in self._order():
            names = tuple(each.name for each in operation.inputs)
            outputs = tuple(each.name for each in operation.outputs)
            if known.isdisjoint(names):
                continue
            within = any(name in inside for name in names)
            if operation.type in (*FRAME_BEGIN, *BRANCH_BEGIN) or (within and operation.type not in (*FRAME_END, *BRANCH_END)):
                inside.update(outputs)
            known.update(outputs)
            found.append(Node(operation.name, operation.type, names, outputs))
        self._inside = inside
        return found

    def computed(self) -> list[str]:
        """See Source."""
        names = [name for node in self.nodes() for name in node.outputs if name not in self._inputs]
        return [name for name in names if name not in self._inside]

    def run(self, feeds: Mapping[str, np.ndarray], outputs: Sequence[str]) -> dict[str, np.ndarray]:
        """See Source."""
        try:
            with self._engine.Session(graph=self._graph) as session:
                fed = {self._tensor(name): array for name, array in feeds.items()}
                values = session.run({name: self._tensor(name) for name in outputs}, fed)
        except InvalidArgumentError:
            raise
        except Exception as error:
            raise FailedPreconditionError(f"TensorFlow cannot run the source: {first_line(error)}") from None
        return {name: np.asarray(value) for name, value in values.items()}
