"""How fast is MACE beside a peer, or beside itself on another form of the network?

Each engine runs in a process of its own. In every round both get the same new input and run it one after the other, the
order alternating; the round's ratio is peer time / MACE time (above 1: MACE is faster). Printed is the median over the rounds with
its bootstrap 95 % interval. A target is met when the median reaches it and the interval's lower end is at least 0.97 of it.
The peer is onnxruntime for .onnx and LiteRT for .tflite files, or with --baseline MACE on that file.

  python bench/ratio.py net.onnx [more.onnx ...] --target 0.667
  python bench/ratio.py det.onnx --input_shape x:1,3,352,800 --num_threads 2 --rounds 40 --json result.json
  python bench/ratio.py net.tflite --peer_python LITERT_VENV/bin/python --isa avx2
  python bench/ratio.py net_int8.onnx --baseline net.onnx --target 1    # integers never slower than floats
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from engines import ENGINES


class Worker:
    """One engine's process: bench/worker.py under its own interpreter."""

    def __init__(self, python: str, engine: str, path: str, num_threads: int, shapes: dict, isa: str | None = None) -> None:
        """Starts the process and loads the model; shapes are those of dynamic inputs."""
        script = str(Path(__file__).parent / "worker.py")
        self.engine = engine
        self.process = subprocess.Popen([python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer = self.ask(do="load", engine=engine, path=os.path.abspath(path), num_threads=num_threads, shapes=shapes, isa=isa)
        self.load_ms = answer["load_ms"]

    def ask(self, **command: object) -> dict:
        """Sends one command (bench/worker.py lists them) and waits for the answer. Ends the program where the worker has died."""
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"ratio: the worker of {self.engine} died (exit status {self.process.wait()}); see above")
        return json.loads(line)

    def close(self) -> None:
        """The worker ends when its input does."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()


def bootstrap_median(ratios: list[float], resamples: int = 10000, seed: int = 1) -> tuple[float, float, float]:
    """(median, lower, upper): the median with its percentile-bootstrap 95 % interval."""
    values = np.asarray(ratios)
    rng = np.random.RandomState(seed)
    medians = np.median(values[rng.randint(0, len(values), (resamples, len(values)))], axis=1)
    return float(np.median(values)), float(np.percentile(medians, 2.5)), float(np.percentile(medians, 97.5))


def meets(target: float, median: float, lower: float) -> bool:
    """Whether a ratio meets a target: its median reaches it, and its interval ends not far below."""
    return median >= target and lower >= 0.97 * target


def largest_difference(ours: Worker, peer: Worker, seed: int) -> float:
    """Largest difference of the outputs over the largest magnitude, on one input: a fast wrong answer is no answer."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = []
        for role, worker in (("ours", ours), ("peer", peer)):
            file = os.path.join(folder, role + ".npz")
            worker.ask(do="outputs", seed=seed, file=file)
            with np.load(file) as arrays:
                outputs.append([arrays[name].astype(np.float64) for name in arrays.files])
        worst = 0.0
        for a, b in zip(*outputs, strict=True):
            if a.shape != b.shape:
                return float("inf")
            scale = float(np.abs(b).max()) if b.size else 0.0
            worst = max(worst, float(np.abs(a - b).max()) / (scale or 1.0) if b.size else 0.0)
        return worst


def peer_of(path: str, arguments: argparse.Namespace) -> str:
    """The engine that `path` is compared with."""
    if arguments.baseline:
        return "mace"
    return arguments.peer or ("litert" if path.endswith(".tflite") else "onnxruntime")


def compare(path: str, arguments: argparse.Namespace) -> dict:
    """All rounds of one model: times, their ratio with its interval, the largest difference of outputs."""
    shapes = {}
    for text in arguments.input_shape:
        name, _, dims = text.rpartition(":")
        shapes[name] = [int(d) for d in dims.split(",")]
    peer_engine = peer_of(path, arguments)
    python, peer_isa = (arguments.mace_python, arguments.isa) if peer_engine == "mace" else (arguments.peer_python, None)
    ours = Worker(arguments.mace_python, "mace", path, arguments.num_threads, shapes, arguments.isa)
    peer = Worker(python, peer_engine, arguments.baseline or path, arguments.num_threads, shapes, peer_isa)
    # Two forms of a network may take other types of inputs, and answer differently: that is no matter of speed.
    difference = None if arguments.baseline and arguments.tolerance is None else largest_difference(ours, peer, seed=0)
    for seed in range(3):
        ours.ask(do="run", seed=seed, repeats=1)
    probe = max(ours.ask(do="run", seed=3, repeats=1)["ms"], 1e-3)
    peer.ask(do="run", seed=3, repeats=3)
    repeats = max(1, round(arguments.min_ms / probe))  # short models: several runs a round, so that the clock's noise is small
    rounds = []
    for i in range(arguments.rounds):
        pair = {}
        for role, worker in (("mace", ours), ("peer", peer)) if i % 2 == 0 else (("peer", peer), ("mace", ours)):
            pair[role] = worker.ask(do="run", seed=1000 + i, repeats=repeats)["ms"]
        rounds.append(pair)
    ours.close()
    peer.close()
    ratios = [pair["peer"] / pair["mace"] for pair in rounds]
    median, lower, upper = bootstrap_median(ratios)
    return {
        "model": Path(path).stem, "peer": f"mace {Path(arguments.baseline).stem}" if arguments.baseline else peer_engine,
        "isa": arguments.isa, "num_threads": arguments.num_threads, "rounds": arguments.rounds, "repeats": repeats,
        "mace_ms": statistics.median(p["mace"] for p in rounds), "peer_ms": statistics.median(p["peer"] for p in rounds),
        "ratio": median, "lower": lower, "upper": upper, "difference": difference, "mace_load_ms": ours.load_ms,
        "peer_load_ms": peer.load_ms, "ratios": ratios,
    }  # fmt: skip


def main() -> int:
    """Compares each model; 1 where outputs differ or a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help=".onnx and .tflite files")
    against = parser.add_mutually_exclusive_group()
    against.add_argument("--peer", choices=[name for name in ENGINES if name != "mace"], help="default: by the file's name")
    against.add_argument("--baseline", metavar="FILE", help="compare with MACE on this file (times; outputs only with --tolerance)")
    parser.add_argument("--rounds", type=int, default=20, help="at least 20 for a figure that is quoted")
    parser.add_argument("--num_threads", type=int, default=1)
    parser.add_argument("--isa", help="instruction set that MACE is limited to, for example avx2; the peer is not")
    parser.add_argument("--min_ms", type=float, default=20.0, help="run a model several times a round up to this long")
    parser.add_argument("--input_shape", action="append", default=[], metavar="NAME:D,D")
    parser.add_argument("--target", type=float, help="exit status 1 where a model does not meet this ratio")
    parser.add_argument("--tolerance", type=float, help="largest difference of outputs over their range (default: 1e-3)")
    parser.add_argument("--mace_python", default=sys.executable, help="interpreter that has mace")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter that has the peer")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    arguments = parser.parse_args()
    results, missed = [], []
    for path in arguments.models:
        result = compare(path, arguments)
        results.append(result)
        difference = result["difference"]
        wrong = difference is not None and not difference <= (1e-3 if arguments.tolerance is None else arguments.tolerance)
        slow = arguments.target is not None and not meets(arguments.target, result["ratio"], result["lower"])
        if wrong or slow:
            missed.append(result["model"])
        print(
            f"{result['model']:<28} mace {result['mace_ms']:8.2f} ms  {result['peer']} {result['peer_ms']:8.2f} ms  "
            f"ratio {result['ratio']:.3f} [{result['lower']:.3f}, {result['upper']:.3f}]"
            f"{'' if difference is None else f'  difference {difference:.1e}'}"
            f"{'  WRONG OUTPUT' if wrong else ''}{'  MISSES THE TARGET' if slow else ''}",
            flush=True,
        )
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(results, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
