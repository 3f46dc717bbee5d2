"""Measures engines beside each other: rounds interleaved, processes restarted between blocks of rounds, each engine once alone.

    check    every engine on every network: converts, loads, compares outputs with the reference, takes a first time
    blocks   for each block, for each network: fresh processes of all engines, then rounds in which each engine runs once
    alone    in some of the blocks: one fresh process at a time: load, first result, peak memory, rounds in a row

The blocks of a network are spread over the whole run, so that what changes from minute to minute is between its blocks, where the
interval (bench/intervals.py) sees it.
"""

from __future__ import annotations

import math
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from model_files import ModelFiles, Unavailable
from outputs import compare, outputs_of
from processes import WorkerError

REFERENCE = "onnxruntime"
LEAST_ROUNDS = 24  # of a network that is slow; figures that are quoted take at least 20
SLOW_S = 30.0  # a network whose rounds take longer gets fewer of them
LONG_MS = 100.0  # from here on a cold cache is no matter
CHECK_SEEDS = (0, 1)


@dataclass
class Settings:
    """What a person can set."""

    rounds: int = 40
    blocks: int = 8
    num_threads: int = 1
    isa: str | None = None
    min_ms: float = 20.0
    alone: int = 3
    tolerance: float = 1e-3
    shapes: dict[str, list[int]] = field(default_factory=dict)


@dataclass
class Lane:
    """One engine on one network: what is known about it, and every time measured."""

    engine: str
    reason: str = ""
    log: str = ""
    path: str = ""
    version: str = ""
    probe_ms: float = 0.0
    start_s: float = 0.0
    repeats: int = 1
    difference: float | None = None
    cosine: float | None = None
    blocks: list[list[float]] = field(default_factory=list)
    alone: list[list[float]] = field(default_factory=list)
    alone_blocks: list[int] = field(default_factory=list)
    import_ms: list[float] = field(default_factory=list)
    load_ms: list[float] = field(default_factory=list)
    first_ms: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)

    @property
    def warm(self) -> int:
        """Runs before a timed one: the others have had the caches since this engine's last round."""
        return 1 if self.probe_ms < LONG_MS else 0

    def turn_s(self, cold: bool = True) -> float:
        """About how long a round of this engine takes."""
        return ((self.warm if cold else 0) + self.repeats) * self.probe_ms / 1e3 + 0.006


@dataclass
class Network:
    """One network with its engines."""

    name: str
    source: str = ""
    sha256: str = ""
    shapes: dict[str, list[int]] = field(default_factory=dict)
    specs: list = field(default_factory=list)
    rounds: int = 0  # in each block
    lanes: list[Lane] = field(default_factory=list)

    def running(self) -> list[Lane]:
        """The engines that can run it."""
        return [lane for lane in self.lanes if not lane.reason]


def rotated(items: Sequence[Any], turn: int, backwards: bool) -> list[Any]:
    """The order of a turn: who was first goes last; in every other block backwards, so that not always the same one comes before."""
    first = turn % len(items) if items else 0
    order = [*items[first:], *items[:first]]
    return order[::-1] if backwards else order


def rounds_per_block(rounds: int, blocks: int, round_s: float) -> int:
    """Rounds in each block: `rounds` over all, fewer where they would take long, but never under LEAST_ROUNDS because of that."""
    wanted = math.ceil(rounds / blocks)
    least = math.ceil(min(rounds, LEAST_ROUNDS) / blocks)
    return max(least, min(wanted, int(SLOW_S / max(blocks * round_s, 1e-9))))


def alone_blocks(blocks: int, alone: int) -> list[int]:
    """In which blocks engines run alone too: spread evenly."""
    count = min(alone, blocks)
    return [round((i + 0.5) * blocks / count - 0.5) for i in range(count)] if count else []


class Bench:
    """One measurement. `start(engine, log name)` makes a worker (bench/processes.py); `report(seconds, text)` hears of progress."""

    def __init__(
        self, settings: Settings, files: ModelFiles, start: Callable[[str, str], Any], report: Callable[[float, str], None]
    ) -> None:
        self.settings, self.files, self.start, self.report = settings, files, start, report

    def load(self, lane: Lane, network: Network) -> Any:
        """A worker that has begun to load; its answer is still to be taken."""
        worker = self.start(lane.engine, f"{network.name}_{lane.engine}_run.log")
        isa = self.settings.isa if lane.engine == "mace" else None
        worker.tell_load(lane.path, self.settings.num_threads, {}, isa, network.specs)
        return worker

    def failed(self, lane: Lane, network: Network, error: Exception) -> None:
        """The engine runs this network no more."""
        log = getattr(error, "log", None) or self.files.logs / f"{network.name}_{lane.engine}_run.log"
        lane.reason, lane.log = str(error)[:240], os.path.relpath(log)
        lane.blocks, lane.alone = [], []

    # ---- check
    def check(self, network: Network, engines: Sequence[str]) -> None:
        """Converts for each engine, loads, compares the outputs, takes a first time. The reference is first, listed or not."""
        reference = None
        listed = {engine: Lane(engine) for engine in engines}
        for engine in dict.fromkeys([REFERENCE, *engines]):
            lane = listed.get(engine) or Lane(engine)
            self.report(0.0, f"checking: {network.name} on {engine}")
            try:
                lane.path = str(self.files.converted(engine, Path(network.source), network.shapes))
                outputs = self.check_lane(lane, network)
            except (Unavailable, WorkerError) as error:
                self.failed(lane, network, error)
                continue
            if engine == REFERENCE:
                reference = outputs
            if reference is not None:
                pairs = [compare(ours, theirs) for ours, theirs in zip(outputs, reference, strict=True)]
                lane.difference, lane.cosine = max(d for d, _ in pairs), min(c for _, c in pairs)
        network.lanes = list(listed.values())
        round_s = sum(lane.turn_s() for lane in network.running())
        network.rounds = rounds_per_block(self.settings.rounds, self.settings.blocks, round_s)

    def check_lane(self, lane: Lane, network: Network) -> list[list]:
        """Outputs for each seed of the check; sets the lane's first time and its repeats."""
        begin = time.perf_counter()
        worker = self.load(lane, network)
        try:
            lane.version = worker.answer()["version"]
            lane.start_s = time.perf_counter() - begin
            outputs = [outputs_of(worker, seed) for seed in CHECK_SEEDS]
            lane.probe_ms = max(min(worker.ask(do="run", seed=2, repeats=1)["ms"] for _ in range(2)), 1e-3)
        finally:
            worker.close()
        lane.repeats = max(1, round(self.settings.min_ms / lane.probe_ms))
        return outputs

    # ---- how long
    def block_s(self, network: Network) -> float:
        """About how long one block of a network takes."""
        lanes = network.running()
        return sum(lane.start_s + 0.1 + 3 * lane.probe_ms / 1e3 + network.rounds * lane.turn_s() for lane in lanes)

    def alone_s(self, network: Network) -> float:
        """About how long all its engines alone take, once."""
        return sum(lane.start_s + 3 * lane.probe_ms / 1e3 + network.rounds * lane.turn_s(cold=False) for lane in network.running())

    def estimate_s(self, networks: Sequence[Network]) -> float:
        """About how long everything after the check takes."""
        alone = len(alone_blocks(self.settings.blocks, self.settings.alone))
        return sum(self.settings.blocks * self.block_s(n) + alone * self.alone_s(n) for n in networks)

    # ---- blocks
    def measure(self, networks: Sequence[Network]) -> None:
        """All blocks of all networks."""
        alone = alone_blocks(self.settings.blocks, self.settings.alone)
        for block in range(self.settings.blocks):
            for network in networks:
                what = f"block {block + 1} of {self.settings.blocks}: {network.name}"
                self.report(0.0, what)
                expected = self.block_s(network)
                self.interleave(network, block)
                self.report(expected, what)
                if block in alone:
                    expected = self.alone_s(network)
                    for lane in network.running():
                        self.report(0.0, f"{what}, {lane.engine} alone")
                        self.run_alone(lane, network, block)
                    self.report(expected, what)

    def interleave(self, network: Network, block: int) -> None:
        """One block: fresh processes of all engines, rounds in which each runs once, in an order that changes."""
        lanes, workers = network.running(), {}
        try:
            for lane in lanes:
                workers[lane.engine] = self.load(lane, network)
            for lane in lanes:
                self.guarded(lane, network, lambda lane=lane: workers[lane.engine].answer())
            for lane in network.running():
                turn = {"do": "run", "seed": 999, "repeats": 1, "warm": 2 * lane.warm}
                self.guarded(lane, network, lambda lane=lane, turn=turn: workers[lane.engine].ask(**turn))
            for lane in network.running():
                lane.blocks.append([])
            for i in range(network.rounds):
                for lane in rotated(lanes, i, block % 2 == 1):
                    if not lane.reason:
                        answer = self.turn(lane, network, workers[lane.engine], block, i)
                        if answer is not None:
                            lane.blocks[-1].append(answer)
        finally:
            for worker in workers.values():
                worker.close()

    def turn(self, lane: Lane, network: Network, worker: Any, block: int, i: int) -> float | None:
        """One engine's time in one round; None where it failed."""
        if self.settings.num_threads > 1:
            time.sleep(0.03)  # until idle workers of the one before have stopped looking for work
        command = {"do": "run", "seed": 1000 * (block + 1) + i, "repeats": lane.repeats, "warm": lane.warm}
        answer = self.guarded(lane, network, lambda: worker.ask(**command))
        return answer["ms"] if answer else None

    def guarded(self, lane: Lane, network: Network, work: Callable[[], dict]) -> dict | None:
        """The answer; None where the engine failed, which then runs this network no more."""
        try:
            return work()
        except WorkerError as error:
            self.failed(lane, network, error)
            return None

    # ---- alone
    def run_alone(self, lane: Lane, network: Network, block: int) -> None:
        """One fresh process, nothing else resident: import, load, first result, peak memory, then all rounds in a row."""
        worker = self.load(lane, network)
        try:
            answer = worker.answer()
            first_ms = worker.ask(do="run", seed=999, repeats=1)["ms"]
            memory = worker.ask(do="memory")
            worker.ask(do="run", seed=999, repeats=1, warm=lane.warm)
            seeds = (1000 * (block + 1) + i for i in range(network.rounds))
            lane.alone.append([worker.ask(do="run", seed=seed, repeats=lane.repeats)["ms"] for seed in seeds])
        except WorkerError as error:
            self.failed(lane, network, error)
            return
        finally:
            worker.close()
        lane.alone_blocks.append(block)
        lane.import_ms.append(answer["import_ms"])
        lane.load_ms.append(answer["load_ms"])
        lane.first_ms.append(first_ms)
        lane.peak_bytes.append(memory["peak_bytes"] - memory["import_peak_bytes"])


def alone_over_interleaved(lane: Lane) -> float | None:
    """Time alone over time beside the others, in the same blocks, so that the hours of the machine cancel; None without."""
    if not lane.alone or not lane.alone_blocks:
        return None
    pairs = zip(lane.alone, lane.alone_blocks, strict=True)
    return statistics.median(statistics.median(times) / statistics.median(lane.blocks[block]) for times, block in pairs)
