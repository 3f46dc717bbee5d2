"""Draws the plots of docs/performance.md from results files. Needs matplotlib; bench/performance_page.py runs it with the peers' Python.

build/bench/peers_venv/bin/python bench/plots.py ratios RESULTS.json OUTPUT.png
build/bench/peers_venv/bin/python bench/plots.py history OUTPUT.png RESULTS.json...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

COLOURS = {"onnxruntime": "C0", "openvino": "C4", "ncnn": "C2", "mnn": "C1", "litert": "C3", "best": "black"}
FINE_TICKS = (0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8)
COARSE_TICKS = (0.1, 0.125, 0.17, 0.25, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32)


def ratio_axis(axis, limits, values: list[float]) -> None:
    """A logarithmic axis with ticks that a person reads: twice as fast is as far from 1 as twice as slow."""
    low, high = min([0.92, *values]) / 1.02, max([1.08, *values]) * 1.02
    ticks = FINE_TICKS if high / low < 2 else COARSE_TICKS
    limits(low, high)
    axis.set_major_locator(FixedLocator([tick for tick in ticks if low <= tick <= high]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FormatStrFormatter("%g"))


def draw_ratios(results: dict, output: str) -> None:
    """Every ratio with its interval: a group of lines a network, right of 1 MACE is faster."""
    networks = results["networks"]
    peers = [name for name in results["engines"] if name != "mace"]
    figure, axes = pyplot.subplots(figsize=(8.5, 0.62 * len(networks) + 1.4), layout="constrained")
    axes.set_xscale("log")
    ends = []
    for row, peer in enumerate(peers):
        found = [(i, n["engines"][peer]) for i, n in enumerate(networks) if n["engines"].get(peer, {}).get("status") == "ok"]
        found = [(i, e) for i, e in found if "ratio" in e]
        if not found:
            continue
        places = [i + (row - (len(peers) - 1) / 2) * 0.15 for i, _ in found]
        errors = [[e["ratio"] - e["lower"] for _, e in found], [e["upper"] - e["ratio"] for _, e in found]]
        style = {"fmt": "o", "ms": 4, "capsize": 2, "color": COLOURS.get(peer)}
        axes.errorbar([e["ratio"] for _, e in found], places, xerr=errors, label=f"{peer} {results['engines'][peer]['version']}", **style)
        ends += [end for _, e in found for end in (e["lower"], e["upper"])]
    axes.axvline(1, color="grey", lw=1)
    ratio_axis(axes.xaxis, axes.set_xlim, ends)
    axes.set_yticks(range(len(networks)), [n["name"] for n in networks])
    axes.invert_yaxis()
    threads = results["settings"]["num_threads"]
    axes.set_xlabel("time of the peer / time of MACE, median and 95 % interval (right of 1: MACE is faster)")
    machine = f"{results['machine']['cpu']}, {threads} thread{'s' if threads > 1 else ''}"
    axes.set_title(f"{machine}, commit {results['commit']}, {results['date'][:10]}", fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8, loc="best")
    figure.savefig(output, dpi=110, metadata={"Software": None})


def draw_history(files: list[dict], output: str) -> None:
    """The geometric mean beside each peer, a point a results file, oldest first."""
    figure, axes = pyplot.subplots(figsize=(8.5, 4), layout="constrained")
    axes.set_yscale("log")
    names = list(dict.fromkeys(name for results in files for name in results["means"]))
    values = []
    for name in names:
        points = [(i, r["means"][name]["ratio"]) for i, r in enumerate(files) if name in r["means"]]
        style = {"marker": "o", "ms": 4, "color": COLOURS.get(name), "ls": "--" if name == "best" else "-"}
        axes.plot(*zip(*points, strict=True), label="fastest of each network" if name == "best" else name, **style)
        values += [value for _, value in points]
    axes.axhline(1, color="grey", lw=1)
    ratio_axis(axes.yaxis, axes.set_ylim, values)
    axes.set_xticks(range(len(files)), [f"{r['date'][:10]}\n{r['commit']}" for r in files], fontsize=7, rotation=30)
    axes.set_ylabel("geometric mean of peer / MACE")
    axes.set_title(f"{files[-1]['machine']['cpu']}, threads: {files[-1]['settings']['num_threads']}", fontsize=10)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(output, dpi=110, metadata={"Software": None})


def main() -> int:
    """Draws one plot."""
    what, *rest = sys.argv[1:]
    if what == "ratios":
        draw_ratios(json.loads(Path(rest[0]).read_text()), rest[1])
    else:
        draw_history([json.loads(Path(name).read_text()) for name in rest[1:]], rest[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
