"""Random ONNX graphs over all operators that are in scope (no training, sequences, strings, pictures), judged in float64.

.venv/bin/python tests/onnx/operator_graphs.py --graphs 3000               # prints the histogram; exit status 1 where a graph failed
.venv/bin/python tests/onnx/operator_graphs.py --graphs 3000 --onnxruntime # what onnxruntime gets wrong besides, each case reduced
.venv/bin/python tests/onnx/operator_graphs.py --only Conv --seed 7        # while working on one operator
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import graph_elementwise
import graph_layers
import graph_movement
import graph_spatial
import numpy as np
import onnx.printer
from graph_builder import Evaluation, RandomGraph, Rejected, difference, free_names, single_node_model
from onnx import ModelProto

OPERATORS = {**graph_elementwise.OPERATORS, **graph_movement.OPERATORS, **graph_layers.OPERATORS, **graph_spatial.OPERATORS}
MOST_NODES = 30
OLDER_OPSETS = (28, 27, 26, 25, 24, 23, 22, 21, 18)  # onnxruntime has most operators in one of these
# In the default domain, and not drawn: deprecated operators, which no graph of a present opset may hold (the conformance suite has them).
DEPRECATED = ("Scatter", "Upsample")

Loader = Callable[[bytes], Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]]


def draw_graph(seed: int | list[int], nodes: int | None = None, only: str | None = None) -> RandomGraph:
    """At most `nodes` nodes (or a number that is drawn): a graph of fewer begins in the same way. `only`: every other node is of this
    operator."""
    rng = np.random.default_rng(seed)

    def integer(low: int, high: int) -> int:
        return int(rng.integers(low, high, endpoint=True))

    g = RandomGraph(integer)
    names = sorted(OPERATORS)
    drawn = integer(1, MOST_NODES)
    wanted = drawn if nodes is None else nodes
    for _ in range(3 * wanted):
        if len(g.nodes) >= wanted:
            break
        name = only if only is not None and g.flag() else g.choice(names)
        try:
            OPERATORS[name](g)
        except Rejected:
            continue
    if not g.nodes:
        g.add("Identity", [g.value()])
    del g.nodes[MOST_NODES:]
    return g


def symbols_of(g: RandomGraph) -> dict[int, str]:
    """Half of the sizes of the inputs become named dimensions, open to change from run to run."""
    sizes = sorted({size for name in g.inputs for size in g.values[name].shape if size > 1})
    return {size: f"n{size}" for size in sizes if g.flag()}


class Case:
    """A model, and what it gives at one or two sizes of its inputs."""

    def __init__(self, g: RandomGraph) -> None:
        self.graph = g
        self.integers_compared = 0  # results that judge() has compared byte by byte
        symbols = symbols_of(g)
        self.model: ModelProto = g.model(symbols)
        self.runs: list[tuple[dict[str, np.ndarray], dict[str, np.ndarray], Evaluation]] = []
        names = g.results()
        self._add(g, names)
        for size in symbols:
            if (other := g.at_other_size(size, size + 2)) is not None:
                self._add(other, names)
                break

    def _add(self, evaluation: Evaluation, names: list[str]) -> None:
        feeds = {name: evaluation.values[name].narrow for name in self.graph.inputs}
        self.runs.append((feeds, {name: evaluation.values[name].wide for name in names}, evaluation))

    def failure(self, load: Loader) -> str | None:
        """What an engine gets wrong, or None. It is loaded once."""
        try:
            run = load(self.model.SerializeToString())
        except Exception as error:
            return f"loading: {type(error).__name__}: {error}"
        for i, (feeds, wanted, evaluation) in enumerate(self.runs):
            try:
                got = run(feeds)
            except Exception as error:
                if i > 0 and self.is_refused_by_others(evaluation, load):
                    continue
                return f"run {i}: {type(error).__name__}: {error}"
            for name, array in wanted.items():
                what = difference(np.asarray(got[name]), array)
                if what is not None:
                    return f"run {i}: '{name}': {what}"
        return None

    def integer_results(self) -> list[str]:
        """Results that come from integers and booleans alone, whatever else is in the graph."""
        values, unpredictable = self.graph.values, self.graph.unpredictable

        def is_float(name: str) -> bool:
            return name in unpredictable or np.asarray(values[name].narrow).dtype.kind not in "biu"

        floats = {name for name in values if is_float(name)}
        for node in self.graph.nodes:
            if any(name in floats for name in free_names(node)):
                floats |= set(node.output)
        return [name for name in self.graph.results() if name not in floats]

    def judge(self, load_with: Loader, load_without: Loader) -> str | None:
        """What is wrong with the graph passes or without them, or differs between the two where only integers are computed."""
        for what, load in (("with passes", load_with), ("without passes", load_without)):
            if (failure := self.failure(load)) is not None:
                return f"{what}: {failure}"
        names = self.integer_results()
        self.integers_compared = len(names)
        if not names:
            return None
        data = self.model.SerializeToString()
        runs = [load(data) for load in (load_with, load_without)]
        for i, (feeds, _, _) in enumerate(self.runs):
            try:
                first, second = (run(feeds) for run in runs)
            except Exception:
                if i > 0:
                    continue  # failure() has judged whether this size may be refused
                raise
            for name in names:
                a, b = np.asarray(first[name]), np.asarray(second[name])
                if a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes():
                    return f"run {i}: '{name}': integers differ with and without passes"
        return None

    def is_refused_by_others(self, evaluation: Evaluation, load) -> bool:
        """The judge computes by NumPy's rules and takes sizes that ONNX forbids (updates larger than their indices): such another size does
        not count where onnxruntime refuses, for another reason than that it lacks the operator, the very node that the engine refuses."""
        for node in self.graph.nodes:
            inputs = {name: evaluation.values[name].narrow for name in sorted(free_names(node))}
            if not refusals(node, inputs, load, (self.graph.opset,)):
                continue
            errors = refusals(node, inputs, load_onnxruntime, OLDER_OPSETS)
            return bool(errors) and not all("NOT_IMPLEMENTED" in error or "type inference" in error for error in errors)
        return False

    def alone(self, node, evaluation: Evaluation, load, opsets: tuple[int, ...] = ()) -> str | None:
        """What an engine gets wrong of one node, on what float32 gives it."""
        inputs = {name: evaluation.values[name].narrow for name in sorted(free_names(node))}
        judge = Evaluation()
        for name, array in inputs.items():
            judge.put(name, array)
        try:
            judge.run(node, self.graph.opset, is_random=any(name in self.graph.unpredictable for name in node.output))
        except Rejected:
            return None
        error = None
        for opset in opsets or (self.graph.opset,):
            model = single_node_model(node, inputs, opset)
            for info in model.graph.output:
                info.type.tensor_type.elem_type = onnx.helper.np_dtype_to_tensor_dtype(judge.values[info.name].narrow.dtype)
            try:
                got = load(model.SerializeToString())(inputs)
            except Exception as exception:
                error = error or f"{type(exception).__name__}: {str(exception)[:300]}"
                continue
            for name in got:
                if (
                    name not in self.graph.unpredictable
                    and (what := difference(np.asarray(got[name]), judge.values[name].wide)) is not None
                ):
                    return describe(node, inputs, f"'{name}': {what}")
            return None
        return describe(node, inputs, error)

    def reduced(self, load) -> str:
        """The first node that fails alone, on the values that the judge gives it; else the whole graph."""
        for _, _, evaluation in self.runs:
            for node in self.graph.nodes:
                if (what := self.alone(node, evaluation, load)) is not None:
                    return what
        return "no node fails alone:\n" + onnx.printer.to_text(self.model)


def refusals(node, inputs: dict[str, np.ndarray], load, opsets: tuple[int, ...]) -> list[str]:
    """What an engine says of the node alone in each of these opsets; nothing where it runs it in one of them."""
    errors = []
    for opset in opsets:
        try:
            load(single_node_model(node, inputs, opset).SerializeToString())(inputs)
        except Exception as error:
            errors.append(str(error))
            continue
        return []
    return errors


def describe(node, inputs: dict[str, np.ndarray], what: str) -> str:
    shown = ", ".join(f"{name} {array.dtype.name}{list(array.shape)}" for name, array in inputs.items())
    small = "; ".join(f"{name} = {array.tolist()}" for name, array in inputs.items() if array.size <= 8)
    return f"{onnx.printer.to_text(node).strip()}\n    inputs: {shown}\n    {small}\n    {what}"


def load_mace(data: bytes):
    import mace

    return mace.load(data)


def load_unoptimized(data: bytes):
    import mace

    return mace.load(data, optimize=False)


def load_onnxruntime(data: bytes):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(names, feeds), strict=True))


class Tally:
    """What many graphs gave."""

    def __init__(self) -> None:
        self.graphs = self.runs = 0
        self.histogram: Counter[str] = Counter()
        self.rejections: Counter[str] = Counter()
        self.failures: list[str] = []
        self.theirs: Counter[str] = Counter()  # what onnxruntime fails at, or lacks
        self.cases: list[str] = []  # two of each of these, reduced to one node

    def add(self, case: Case) -> None:
        self.graphs += 1
        self.runs += len(case.runs)
        self.histogram += case.graph.histogram
        self.rejections += case.graph.rejections

    def add_onnxruntime(self, case: Case) -> None:
        for node in case.graph.nodes:
            what = case.alone(node, case.graph, load_onnxruntime, OLDER_OPSETS)
            if what is None:
                continue
            kind = f"{'lacks' if 'NOT_IMPLEMENTED' in what or 'is not supported' in what else 'fails at'} {node.op_type}"
            self.theirs[kind] += 1
            if self.theirs[kind] <= 2 and kind.startswith("fails"):
                self.cases.append(what)

    def occurrences(self) -> str:
        return ", ".join(f"{name} {self.histogram[name]}" for name in sorted(set(OPERATORS) | set(self.histogram)))

    def document(self, seed: int) -> str:
        lines = [
            "# Random ONNX graphs",
            "",
            f"Written by `tests/onnx/operator_graphs.py --graphs {self.graphs} --seed {seed} --onnxruntime --write "
            f"docs/onnx-random-graphs.md`: graphs of 1 to {MOST_NODES} nodes over every operator of ONNX's default domain that is in "
            "scope, with open dimensions, most of them run at two sizes on one loaded model. Results are judged in float64 (rtol 1e-4, "
            "atol 1e-5 of the range).",
            "",
            f"MACE: {self.graphs} graphs, {sum(self.histogram.values())} nodes, {self.runs} runs, {len(self.failures)} failures.",
            "",
            f"How often each operator occurred: {self.occurrences()}.",
            "",
            "## onnxruntime on the same nodes, one by one",
            "",
            "Each node is tried in the opsets from 28 down to 18 until one is accepted. "
            + "; ".join(f"{kind} ({count} nodes)" for kind, count in self.theirs.most_common())
            + ". Of what it fails at, two cases each at most. Where engines disagree about an edge that ONNX leaves open, the judge is "
            "tests/onnx/judge.py, ONNX's reference evaluator or the text of the specification:",
            "",
        ]
        for case in self.cases:
            lines += ["```", *(line[:200] for line in case.splitlines() if line.strip()), "```", ""]
        return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=sorted(OPERATORS), help="every other node is of this operator")
    parser.add_argument("--least", type=int, default=0, help="how often every operator has to occur")
    parser.add_argument("--onnxruntime", action="store_true", help="list what onnxruntime gets wrong of single nodes, two of each operator")
    parser.add_argument("--no_mace", action="store_true", help="only draw graphs (and ask onnxruntime)")
    parser.add_argument("--rejections", action="store_true", help="why nodes were not taken")
    parser.add_argument("--write", type=Path, help="the document to write")
    arguments = parser.parse_args()
    tally = Tally()
    for i in range(arguments.graphs):
        case = Case(draw_graph([arguments.seed, i], only=arguments.only))
        tally.add(case)
        if sys.stderr.isatty():
            print(f"\r{i + 1} of {arguments.graphs} graphs", end="", file=sys.stderr, flush=True)
        if not arguments.no_mace and (what := case.judge(load_mace, load_unoptimized)) is not None:
            tally.failures.append(what)
            print(f"graph {i}: {what}\n  {case.reduced(load_mace)}", flush=True)
        if arguments.onnxruntime:
            tally.add_onnxruntime(case)
    print(f"{tally.graphs} graphs, {sum(tally.histogram.values())} nodes, {tally.runs} runs, {len(tally.failures)} failures")
    print("how often each operator occurred:", tally.occurrences())
    if arguments.onnxruntime:
        print("\n".join(tally.cases))
        print("onnxruntime:", ", ".join(f"{kind} {count}" for kind, count in tally.theirs.most_common()))
    for text, count in tally.rejections.most_common(80) if arguments.rejections else ():
        print(count, text)
    if arguments.write:
        arguments.write.write_text(tally.document(arguments.seed))
    rare = [name for name in sorted(OPERATORS) if tally.histogram[name] < arguments.least]
    if rare:
        print(f"fewer than {arguments.least}: {', '.join(rare)}")
    return 1 if tally.failures or rare else 0


if __name__ == "__main__":
    sys.exit(main())
