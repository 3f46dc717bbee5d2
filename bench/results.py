"""The results of a measurement as one JSON file: every round, what follows from them, machine, versions and settings."""

from __future__ import annotations

import json
import math
import os
import statistics
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engines import SETTINGS
from interleave import Lane, Network, Settings, alone_over_interleaved
from intervals import bootstrap_median, geometric_mean

FORMAT = 1
ALONE_SHARE = 0.10  # each engine alone is expected to be this near to its figure beside the others


class ResultsError(Exception):
    """A results file that cannot be read: one sentence."""


def summarise_lane(lane: Lane, ours: Lane | None, tolerance: float) -> dict[str, Any]:
    """One engine on one network."""
    if lane.reason or not any(lane.blocks):
        return {"status": "n/a", "reason": lane.reason or "not measured", "log": lane.log}
    wrong = lane.difference is not None and not lane.difference <= tolerance
    entry: dict[str, Any] = {
        "status": "wrong" if wrong else "ok",
        "ms": statistics.median(time for block in lane.blocks for time in block),
        "least_ms": min(time for block in lane.blocks for time in block),
        # JSON knows no infinity
        "difference": None if lane.difference is None or not math.isfinite(lane.difference) else lane.difference,
        "cosine": lane.cosine, "repeats": lane.repeats, "warm": lane.warm, "blocks": lane.blocks, "version": lane.version,
    }  # fmt: skip
    if ours is not None and ours is not lane:
        ratios = [[peer / own for peer, own in zip(p, o, strict=True)] for p, o in zip(lane.blocks, ours.blocks, strict=True)]
        ratio, lower, upper = bootstrap_median(ratios)
        entry |= {"ratio": ratio, "lower": lower, "upper": upper}
    if lane.alone:
        share = alone_over_interleaved(lane)
        assert share is not None
        entry |= {
            "alone_ms": statistics.median(time for block in lane.alone for time in block), "alone_over_interleaved": share,
            "alone_outside": abs(share - 1) > ALONE_SHARE, "alone": lane.alone, "alone_blocks": lane.alone_blocks,
            "import_ms": statistics.median(lane.import_ms), "load_ms": statistics.median(lane.load_ms),
            "first_ms": statistics.median(lane.first_ms), "peak_bytes": int(statistics.median(lane.peak_bytes)),
        }  # fmt: skip
    return entry


def summarise_network(network: Network, tolerance: float) -> dict[str, Any]:
    """One network."""
    ours = next((lane for lane in network.running() if lane.engine == "mace"), None)
    engines = {lane.engine: summarise_lane(lane, ours, tolerance) for lane in network.lanes}
    rounds = network.rounds * max((len(lane.blocks) for lane in network.lanes), default=0)
    return {"name": network.name, "sha256": network.sha256, "rounds": rounds, "engines": engines}


def losses(networks: Sequence[dict]) -> list[dict]:
    """Every pair of network and peer where the peer is faster, the worst first; `certain` where the whole interval says so."""
    found = [
        {"network": n["name"], "engine": engine, "ratio": e["ratio"], "lower": e["lower"], "upper": e["upper"], "certain": e["upper"] < 1}
        for n in networks
        for engine, e in n["engines"].items()
        if e.get("status") == "ok" and e.get("ratio", 1) < 1
    ]
    return sorted(found, key=lambda loss: loss["ratio"])


def means(networks: Sequence[dict]) -> dict[str, dict]:
    """The geometric mean of the ratios to each peer, over the networks that it runs rightly; "best" is beside the fastest peer of each
    network, whichever that is."""
    ratios: dict[str, list[float]] = {}
    for network in networks:
        known = {name: e["ratio"] for name, e in network["engines"].items() if e.get("status") == "ok" and "ratio" in e}
        for name, ratio in known.items():
            ratios.setdefault(name, []).append(ratio)
        if known:
            ratios.setdefault("best", []).append(min(known.values()))
    return {name: {"ratio": geometric_mean(values), "networks": len(values)} for name, values in ratios.items()}


def summarise(networks: Sequence[Network], settings: Settings, facts: dict[str, Any]) -> dict[str, Any]:
    """Everything; `facts` are machine, commit and dates."""
    rows = [summarise_network(network, settings.tolerance) for network in networks]
    engines = list(dict.fromkeys(lane.engine for network in networks for lane in network.lanes))
    versions = {lane.engine: lane.version for network in networks for lane in network.lanes if lane.version}
    return {
        "format": FORMAT, **facts, "settings": asdict(settings),
        "engines": {name: {"version": versions.get(name, ""), "settings": SETTINGS.get(name, "")} for name in engines},
        "networks": rows, "means": means(rows), "losses": losses(rows),
    }  # fmt: skip


def read(path: Path) -> dict[str, Any]:
    """A results file. Raises ResultsError."""
    try:
        results = json.loads(path.read_text())
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: is no JSON ({error})") from None
    if not isinstance(results, dict) or results.get("format") != FORMAT or not has_networks(results.get("networks")):
        raise ResultsError(f"{path}: is no results file of bench/peers.py (format {FORMAT})")
    return results


def has_networks(networks: Any) -> bool:
    """Whether it is a list of what summarise_network makes: named, and each ratio a number with its interval."""
    try:
        return isinstance(networks, list) and all(
            isinstance(network["name"], str)
            and ("ratio" not in entry or all(math.isfinite(entry[key]) for key in ("ratio", "lower", "upper")))
            for network in networks
            for entry in network["engines"].values()
        )
    except (TypeError, KeyError, AttributeError):
        return False


def write_text(path: Path, text: str) -> None:
    """Writes a file: complete or not at all."""
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text(text)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def check_folder(folder: Path) -> None:
    """Raises ResultsError where no results could be written; makes nothing."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise ResultsError(f"{folder}: results cannot be written there")


def write(path: Path, results: dict[str, Any]) -> None:
    """Writes a results file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps(results, separators=(",", ":")) + "\n")


def file_name(results: dict[str, Any]) -> str:
    """<date>_<commit>_<cpu slug>.json; a tree that differs from its commit and more threads than one are named too."""
    threads = results["settings"]["num_threads"]
    dirty = "-changed" if results["changed"] else ""
    isa = results["settings"]["isa"]
    limits = (f"_{threads}threads" if threads != 1 else "") + (f"_{isa}" if isa else "")
    return f"{results['date'][:10]}_{results['commit']}{dirty}_{results['machine']['slug']}{limits}.json"


def free_path(folder: Path, name: str) -> Path:
    """A path that is not there yet: a second run of a commit gets _run2."""
    path, stem = folder / name, name.removesuffix(".json")
    for run in range(2, 1000):
        if not path.exists():
            return path
        path = folder / f"{stem}_run{run}.json"
    raise ResultsError(f"{folder}: holds too many runs of {name}")
