"""How fast is MACE beside a peer, or beside itself on another form of the network?

Each engine runs in a process of its own. In every round both get the same new input and run it one after the other, the
order alternating; the round's ratio is peer time / MACE time (above 1: MACE is faster). Printed is the median over the rounds with
its bootstrap 95 % interval. A target is met when the median reaches it and the interval's lower end is at least 0.97 of it.
The peer is onnxruntime for .onnx and LiteRT for .tflite files, or with --baseline MACE on that file.

  python bench/ratio.py net.onnx [more.onnx ...] --target 0.667
  python bench/ratio.py det.onnx --input_shape x:1,3,352,800 --num_threads 2 --rounds 40 --json result.json
  python bench/ratio.py net.tflite --peer_python build/bench/peers_venv/bin/python --isa avx2
  python bench/ratio.py net_int8.onnx --baseline net.onnx --target 1    # integers never slower than floats
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path

from engines import ENGINES
from intervals import bootstrap_median, meets
from outputs import compare as compare_outputs
from outputs import outputs_of, parse_shape
from processes import Worker, WorkerError


def peer_of(path: str, arguments: argparse.Namespace) -> str:
    """The engine that `path` is compared with."""
    if arguments.baseline:
        return "mace"
    return arguments.peer or ("litert" if path.endswith(".tflite") else "onnxruntime")


def compare(path: str, arguments: argparse.Namespace) -> dict:
    """All rounds of one model: times, their ratio with its interval, the largest difference of outputs."""
    shapes = dict(arguments.input_shape)
    peer_engine = peer_of(path, arguments)
    python, peer_isa = (arguments.mace_python, arguments.isa) if peer_engine == "mace" else (arguments.peer_python, None)
    ours, peer = Worker(arguments.mace_python, "mace"), Worker(python, peer_engine)
    ours_load_ms = ours.load(path, arguments.num_threads, shapes, arguments.isa)["load_ms"]
    peer_load_ms = peer.load(arguments.baseline or path, arguments.num_threads, shapes, peer_isa)["load_ms"]
    # Two forms of a network may take other types of inputs, and answer differently: that is no matter of speed.
    difference = None
    if not arguments.baseline or arguments.tolerance is not None:
        difference, _ = compare_outputs(outputs_of(ours, seed=0), outputs_of(peer, seed=0))
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
        "ratio": median, "lower": lower, "upper": upper, "difference": difference, "mace_load_ms": ours_load_ms,
        "peer_load_ms": peer_load_ms, "ratios": ratios,
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
    parser.add_argument("--input_shape", action="append", default=[], type=parse_shape, metavar="NAME:D,D")
    parser.add_argument("--target", type=float, help="exit status 1 where a model does not meet this ratio")
    parser.add_argument("--tolerance", type=float, help="largest difference of outputs over their range (default: 1e-3)")
    parser.add_argument("--mace_python", default=sys.executable, help="interpreter that has mace")
    parser.add_argument("--peer_python", default=sys.executable, help="interpreter that has the peer")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    arguments = parser.parse_args()
    results, missed = [], []
    for path in arguments.models:
        try:
            result = compare(path, arguments)
        except WorkerError as error:
            raise SystemExit(f"ratio: {path}: {error}") from None
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
