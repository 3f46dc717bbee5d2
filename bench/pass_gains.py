"""What each graph pass is worth: networks on which it fires, and nodes, constant bytes and time there with all passes and without that one.

  .venv/bin/python bench/pass_gains.py --write docs/passes.md       # nodes, bytes and times
  .venv/bin/python bench/pass_gains.py --quick                      # nodes and bytes only
  .venv/bin/python bench/pass_gains.py --only scale_folding --rounds 60

Networks: those of MACE_TEST_MODELS, those of bench/make_models.py (written to --generated where they are missing, two of them with
BatchNormalization too), those of bench/make_exported_models.py, and the small ones of scripts/make_small_models.sh where they are
built. Exit status 1 where a pass changes nothing on any of them: such a pass is to be removed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from intervals import bootstrap_median
from mace.cli import random_inputs
from machine import commit_of, describe

import mace

ROOT = Path(__file__).resolve().parents[1]
BATCH_NORMALIZED = ("mobilenet_v2_1.0_224", "resnet18_224")  # with BatchNormalization kept: what frameworks export while training
# Passes that cannot be judged by leaving them out, and why.
NOT_JUDGED = {
    "shape_inference": "always runs: the others need its types",
    "dead_code": "spares the others work: each of them drops what it finds unused, too",
}
OVERALL = ("mobilenet_v2_1.0_224", "mobilenet_v2_1.0_224_bn")
EXPLANATION = (
    "Networks are those of MACE_TEST_MODELS (format/name; collections: format/collection/name), of bench/make_models.py",
    "(`_bn`: with BatchNormalization) and of scripts/make_small_models.sh (small/name). *Fires on*: the number of networks that",
    "the pass changes. Nodes, KiB of constants and milliseconds (one thread) with all passes and without this one, on the networks",
    "where most changes; *ratio*: without / with. Passes can stand in for one another: what one leaves, another may find.",
)
OPEN_SIZE = 4  # of a dimension that is open, where there are no stored inputs
LEAST_MS = 2.0  # a round repeats what is faster


@dataclass
class Network:
    """A file that mace.load takes, and where inputs for it are."""

    name: str
    path: Path
    weights: Path | None = None
    case: Path | None = None
    is_small: bool = False  # of a few operators: shown where no other network changes

    def convert(self, **options: Any) -> Conversion:
        """Its .mace file under these options."""
        data, details = mace.convert(self.path, weights=self.weights, **options)
        return Conversion(data, details)

    def inputs(self, model: mace.Model) -> list[np.ndarray]:
        """Stored inputs, or seeded ones."""
        if self.case is not None:
            stored = [np.load(self.case / f"in_{i}.npy") for i in range(len(model.inputs))]
            steps = [a[0] if a.ndim == len(t.shape) + 1 else a for a, t in zip(stored, model.inputs, strict=True)]
            return steps
        open_axes = {t.name: [d if isinstance(d, int) else OPEN_SIZE for d in t.shape] for t in model.inputs}
        return random_inputs(model, open_axes, 0)


@dataclass
class Conversion:
    """What came out of a conversion."""

    data: bytes
    details: dict[str, Any]

    @property
    def nodes(self) -> int:
        return sum(self.details["operators"].values())

    @property
    def bytes(self) -> int:
        """Of constants, after the last pass that ran on the outermost graph."""
        return next((run["constant_bytes_after"] for run in reversed(self.details["passes"]) if not run["graph"]), 0)

    def fired(self) -> set[str]:
        return {run["name"] for run in self.details["passes"] if run["changed"]}


@dataclass
class Gain:
    """One pass on one network: with all passes, and without it."""

    network: Network
    nodes: tuple[int, int]
    bytes: tuple[int, int]
    ms: tuple[float, float] | None = None
    ratio: tuple[float, float, float] | None = None

    def share(self) -> float:
        """How much it changes, for choosing what to show: of nodes first, then of bytes."""
        nodes, bytes_ = abs(self.nodes[1] - self.nodes[0]), abs(self.bytes[1] - self.bytes[0])
        return nodes / max(self.nodes[1], 1) + bytes_ / max(self.bytes[1], 1)


@dataclass
class Pass:
    """What is known of a pass."""

    name: str
    text: str
    fires_on: list[str] = field(default_factory=list)
    gains: list[Gain] = field(default_factory=list)


def pass_texts(folder: Path = ROOT / "mace/passes") -> dict[str, str]:
    """What the headers say of each pass: the comment above its function."""
    functions = dict(re.findall(r'\{"(\w+)", (Run\w+)\}', (folder / "optimize.cc").read_text()))
    comments: dict[str, str] = {}
    for header in sorted(folder.glob("*.h")):
        for text, function in re.findall(r"((?:^// .*\n)+)Status (Run\w+)\(Graph\* graph\);", header.read_text(), re.MULTILINE):
            comments[function] = " ".join(line[3:] for line in text.splitlines())
    return {name: comments.get(function, "") for name, function in functions.items()}


def write_generated(folder: Path) -> list[Path]:
    """The networks of make_models.py, written where they are missing."""
    for options, missing in (((), not any(folder.glob("*.onnx"))), (("--bn",), not any(folder.glob("*_bn.onnx")))):
        if missing:
            only = ("--models", ",".join(BATCH_NORMALIZED)) if options else ()
            command = [sys.executable, str(ROOT / "bench/make_models.py"), "--out", str(folder), *options, *only]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.glob("*.onnx"))


def write_exported(folder: Path) -> list[Path]:
    """The networks of bench/make_exported_models.py, written where they are missing."""
    if not any(folder.glob("*.onnx")):
        command = [sys.executable, str(ROOT / "bench/make_exported_models.py"), "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.glob("*.onnx"))


def find_networks(generated: Path | None, models: Path | None, small: Path | None, exported: Path | None = None) -> list[Network]:
    """All of them, by name."""
    found: dict[str, Network] = {}
    for path in write_exported(exported) if exported else ():
        found[f"exported/{path.stem}"] = Network(f"exported/{path.stem}", path)
    for path in write_generated(generated) if generated else ():
        found[path.stem] = Network(path.stem, path)
    for description in sorted(models.glob("*/*/model.json")) if models else ():
        model = json.loads(description.read_text())
        if model.get("collection"):
            for path in sorted([*description.parent.glob("*.tflite"), *description.parent.glob("*.pb")]):
                name = f"{description.parent.parent.name}/{description.parent.name}/{path.stem}"
                found[name] = Network(name, path, is_small=True)
            continue
        if "generate" in model and not (description.parent / model["files"][-1]).exists():
            continue
        files = [description.parent / name for name in model["files"]]
        weights = next((path for path in files if path.suffix == ".caffemodel"), None)
        cases = model.get("cases") or []
        case = description.parent / "cases" / cases[0]["name"] if cases else None
        name = f"{description.parent.parent.name}/{description.parent.name}"
        found[name] = Network(name, files[0], weights, case)
    for path in sorted([*small.glob("*.onnx"), *small.glob("*.tflite")]) if small and small.is_dir() else ():
        found[f"small/{path.stem}"] = Network(f"small/{path.stem}", path, is_small=True)
    return list(found.values())


def structure(networks: Iterable[Network], names: Sequence[str], report: Callable[[str], None]) -> tuple[list[Pass], list[str]]:
    """Nodes and bytes of every pass on every network where it fires; and what could not be looked at."""
    texts = pass_texts()
    passes = {name: Pass(name, texts.get(name, "")) for name in names}
    problems = []
    for network in networks:
        try:
            whole = network.convert()
            fired = whole.fired() & set(names)
        except mace.MaceError as error:
            problems.append(f"{network.name}: {str(error).removeprefix(f'{network.path}: ')}")
            continue
        report(f"{network.name}: {whole.nodes} nodes, {len(fired)} passes")
        for name in sorted(fired):
            passes[name].fires_on.append(network.name)
            without = network.convert(without_passes=[name])
            gain = Gain(network, (whole.nodes, without.nodes), (whole.bytes, without.bytes))
            if without.data != whole.data and name not in NOT_JUDGED:
                passes[name].gains.append(gain)
    for entry in passes.values():
        entry.gains.sort(key=lambda gain: (gain.network.is_small, -gain.share()))
    return list(passes.values()), problems


class Turn:
    """A model with inputs, and how often a round runs it."""

    def __init__(self, network: Network, data: bytes) -> None:
        self.model = mace.load(data, num_threads=1)
        self.arrays = network.inputs(self.model)
        self.repeats = 1
        self.time()
        self.repeats = max(1, round(LEAST_MS / max(self.time(), 1e-3)))

    def time(self) -> float:
        """Milliseconds of one run, on average over a round."""
        begin = time.perf_counter()
        for _ in range(self.repeats):
            self.model(self.arrays)
        return (time.perf_counter() - begin) * 1e3 / self.repeats


def compare(network: Network, data: tuple[bytes, bytes], rounds: int) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Medians of both, in turns, and the ratio second / first with its interval. Who comes first changes from round to round."""
    turns = [Turn(network, bytes_) for bytes_ in data]
    times: list[tuple[float, float]] = []
    for i in range(rounds):
        first = i % 2
        one, other = turns[first].time(), turns[1 - first].time()
        times.append((other, one) if first else (one, other))
    ratio = bootstrap_median([second / first for first, second in times])
    return (statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)), ratio


def measure(passes: Sequence[Pass], rounds: int, most: int, report: Callable[[str], None]) -> list[str]:
    """Times of each pass on the networks that it changes most; what could not be run."""
    problems = []
    for entry in passes:
        del entry.gains[most:]
        for gain in entry.gains:
            data = (gain.network.convert().data, gain.network.convert(without_passes=[entry.name]).data)
            try:
                gain.ms, gain.ratio = compare(gain.network, data, rounds)
            except (mace.MaceError, OSError) as error:
                problems.append(f"the time of {gain.network.name}: {error}")
                continue
            report(f"{entry.name} on {gain.network.name}: {gain.ms[0]:.3f} ms, without {gain.ms[1]:.3f} ms")
    return problems


def stem_model(fused: bool) -> bytes:
    """Convolution, ReLU and MaxPool as ResNet begins. Not `fused`: somebody reads one element of both values between them, so that
    they have to be written to memory (a plan joins only what nobody else reads)."""
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.RandomState(0)
    constants = [
        numpy_helper.from_array((rng.randn(64, 3, 7, 7) / 12).astype(np.float32), "w"),
        numpy_helper.from_array(rng.randn(64).astype(np.float32), "b"),
        *(numpy_helper.from_array(np.array(v, np.int64), n) for n, v in (("zeros", [0] * 4), ("ones", [1] * 4))),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w", "b"], ["conv"], strides=[2, 2], pads=[3, 3, 3, 3]),
        helper.make_node("Relu", ["conv"], ["relu"]),
        helper.make_node("MaxPool", ["relu"], ["y"], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    ]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64, 56, 56])]
    for name in () if fused else ("conv", "relu"):
        nodes.append(helper.make_node("Slice", [name, "zeros", "ones"], [f"{name}_corner"]))
        outputs.append(helper.make_tensor_value_info(f"{name}_corner", TensorProto.FLOAT, [1, 1, 1, 1]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 224, 224])]
    graph = helper.make_graph(nodes, "stem", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8).SerializeToString()


def percent(ratio: tuple[float, float, float]) -> str:
    """What of the time is saved: the ratio is without / with."""
    middle, upper, lower = (100 * (1 - 1 / value) for value in (ratio[0], ratio[2], ratio[1]))
    return f"{middle:.1f} % [{lower:.1f}, {upper:.1f}]"


def claims(networks: Sequence[Network], rounds: int) -> list[str]:
    """The two figures that articles about the original name."""
    rows = []
    for network in networks:
        if network.name in OVERALL:
            data = (network.convert().data, network.convert(optimize=False).data)
            ms, ratio = compare(network, data, rounds)
            rows.append([f"all passes on {network.name}", "27 %", f"{ms[0]:.3f}", f"{ms[1]:.3f}", percent(ratio)])
    stem = Network("stem", Path())
    ms, ratio = compare(stem, (mace.convert(stem_model(True))[0], mace.convert(stem_model(False))[0]), rounds)
    what = "Conv+ReLU+MaxPool (7x7, 64 channels, 224x224), values between them kept out of memory"
    rows.append([what, "18 %", f"{ms[0]:.3f}", f"{ms[1]:.3f}", percent(ratio)])
    head = ["what", "articles claim", "ms with", "ms without", "time saved [95 % interval]"]
    return ["## Two claims", "", *table(head, rows)]


def table(headings: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table and an empty line."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines] + [""]


def gain_row(entry: Pass, gain: Gain) -> list[str]:
    numbers = [*(str(n) for n in gain.nodes), *(f"{b / 1024:.1f}" for b in gain.bytes)]
    row = [f"`{entry.name}`", str(len(entry.fires_on)), gain.network.name, *numbers]
    if gain.ms is None or gain.ratio is None:
        return [*row, "", "", ""]
    ratio = f"{gain.ratio[0]:.3f} [{gain.ratio[1]:.3f}, {gain.ratio[2]:.3f}]"
    return [*row, f"{gain.ms[0]:.3f}", f"{gain.ms[1]:.3f}", ratio]


def grouped(problems: Sequence[str], shown: int = 4) -> list[str]:
    """Those of one reason in one line."""
    names: dict[str, list[str]] = {}
    for problem in problems:
        name, _, reason = problem.partition(": ")
        names.setdefault(reason, []).append(name)
    return [f"- {', '.join(of[:shown])}{f' and {len(of) - shown} more' if len(of) > shown else ''}: {why}" for why, of in names.items()]


def idle(passes: Sequence[Pass]) -> list[Pass]:
    """Those that change nothing on any network."""
    return [entry for entry in passes if not entry.gains and entry.name not in NOT_JUDGED]


def document(passes: Sequence[Pass], problems: Sequence[str], measured: list[str], rounds: int) -> str:
    commit, when, changed = commit_of(ROOT)
    about = describe()
    rows = [gain_row(entry, gain) for entry in passes for gain in entry.gains]
    lines = [
        "# Graph passes",
        "",
        "Written by `bench/pass_gains.py --write docs/passes.md`. Passes run when a model is converted ([design](design/28-passes.md)).",
        "`mace convert --passes=-NAME` leaves one out, `mace explain --show_passes` says what each did, `mace.passes()` lists them.",
        "",
        *table(["pass", "what it does"], [[f"`{entry.name}`", entry.text] for entry in passes]),
        "## What each is worth",
        "",
        *EXPLANATION,
        f"Times are medians of {rounds} rounds in turns, the ratio has its 95 % interval.",
        f"Measured on {about['cpu']} ({about['cores']} cores), commit {commit}{' and changes' if changed else ''}, {when[:10]}.",
        "",
        *table(
            ["pass", "fires on", "network", "nodes", "without", "KiB", "without", "ms", "without", "ratio"],
            rows,
        ),
    ]
    lines += ["Not judged by leaving them out: " + "; ".join(f"`{name}` {why}" for name, why in NOT_JUDGED.items()) + ".", ""]
    nothing = [f"`{entry.name}`" for entry in idle(passes)]
    lines += [f"**Without effect on any network: {', '.join(nothing)}.**", ""] if nothing else []
    lines += measured
    lines += ["Not looked at:", "", *grouped(problems), ""] if problems else []
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    models = os.environ.get("MACE_TEST_MODELS")
    parser.add_argument("--models", type=Path, default=Path(models) if models else None, help="default: MACE_TEST_MODELS")
    parser.add_argument("--generated", type=Path, default=ROOT / "build/generated", help="where the networks of make_models.py are")
    parser.add_argument("--small", type=Path, default=ROOT / "build/small_models", help="where those of make_small_models.sh are")
    parser.add_argument("--exported", type=Path, default=ROOT / "build/exported", help="where those of make_exported_models.py are")
    parser.add_argument("--only", help="names of passes, with commas between")
    parser.add_argument("--networks", default="", help="only networks whose names hold this")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--most", type=int, default=2, help="networks that a pass is timed on")
    parser.add_argument("--quick", action="store_true", help="nodes and bytes, no times")
    parser.add_argument("--write", type=Path, help="the page to write")
    given = parser.parse_args(arguments)
    names = given.only.split(",") if given.only else mace.passes()
    if unknown := set(names) - set(mace.passes()):
        parser.error(f"no pass is called {', '.join(sorted(unknown))}; there are {', '.join(mace.passes())}")
    networks = [n for n in find_networks(given.generated, given.models, given.small, given.exported) if given.networks in n.name]

    def report(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    passes, problems = structure(networks, names, report)
    measured: list[str] = []
    if not given.quick:
        problems += measure(passes, given.rounds, given.most, report)
        measured = [] if given.only or given.networks else claims(networks, given.rounds)
    text = document(passes, problems, measured, given.rounds)
    if given.write:
        given.write.write_text(text)
    else:
        print(text)
    return 1 if idle(passes) else 0


if __name__ == "__main__":
    sys.exit(main())
