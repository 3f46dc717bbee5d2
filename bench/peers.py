"""MACE beside onnxruntime, OpenVINO, ncnn, MNN and LiteRT.

Every engine runs in a process of its own. In each round all of them get the
same new input and run one after the other, in an order that changes; the
round's ratio is the peer's time / MACE's time. The processes are restarted
between blocks of rounds. Printed is the median with its bootstrap 95 %
interval over blocks and rounds, beside load time, first result, peak memory,
each engine's time alone, and how far its outputs are from onnxruntime's.

A run of the default networks and peers is kept in bench/results and written
into docs/performance.md with its plots; other runs are printed.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import performance_page
import report
import results as results_files
from engines import PEERS
from interleave import LEAST_ROUNDS, Bench, Network, Settings
from machine import commit_of, describe, load_average
from model_files import DEFAULT_MODELS, ModelFiles, Pythons, Unavailable
from onnx_inputs import InputError, read_interface
from outputs import parse_shape
from processes import Worker
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = """examples:
  make bench                                  everything, about 15 minutes
  make bench BENCH_OPTIONS=--quick            a smoke test of everything
  make bench BENCH_OPTIONS="--num_threads 2"  with two threads

  in the checkout, where `make bench` has run once:
  .venv/bin/python bench/peers.py resnet18_224 resnet50_224
  .venv/bin/python bench/peers.py my.onnx --input_shape x:1,3,352,800
  .venv/bin/python bench/peers.py --peers onnxruntime,ncnn --isa avx2
  .venv/bin/python bench/compare_runs.py first.json second.json

A file of your own runs on LiteRT where NAME.tflite (pictures NHWC) stands
beside NAME.onnx. Exit status: 0; 1 where MACE fails or computes something
else than onnxruntime; 2 for a wrong command line or a file that is no model.
"""
QUOTED_ROUNDS = 20
BUSY = 0.4  # programs that want to run beside the bench, from which on it is said
QUICK = {"rounds": 4, "blocks": 2, "alone": 1, "min_ms": 1.0}


def at_least(least: float, kind: type) -> Callable[[str], Any]:
    """A number with a lower end."""

    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not least <= value < 1e6:
            raise argparse.ArgumentTypeError(f"{text!r}: expected a number from {least:g} up")
        return value

    return convert


def peer_list(text: str) -> list[str]:
    """Names of peers, divided by commas."""
    names = [name for name in text.split(",") if name]
    if unknown := [name for name in names if name not in PEERS]:
        raise argparse.ArgumentTypeError(f"no peer is called {unknown[0]!r}: expected some of {','.join(PEERS)}")
    return list(dict.fromkeys(names))


def make_parser() -> argparse.ArgumentParser:
    """All flags; the help fits a terminal of 80 columns."""

    class Formatter(argparse.RawDescriptionHelpFormatter):
        def __init__(self, prog: str) -> None:
            super().__init__(prog, max_help_position=26, width=79)

    parser = argparse.ArgumentParser(prog="peers.py", description=__doc__, epilog=EXAMPLES, formatter_class=Formatter)
    parser.add_argument("models", nargs="*", metavar="MODEL", help="a default network's name or an .onnx file (default: all ten)")
    parser.add_argument("--peers", type=peer_list, default=list(PEERS), metavar="A,B", help=f"default: {','.join(PEERS)}")
    rounds_help = f"rounds of a network (default: 40); a slow one gets fewer, but never under {LEAST_ROUNDS} because of that"
    parser.add_argument("--rounds", type=at_least(1, int), metavar="N", help=rounds_help)
    parser.add_argument("--blocks", type=at_least(1, int), metavar="N", help="restarts of the processes (default: 8)")
    parser.add_argument("--num_threads", type=at_least(1, int), default=1, metavar="N", help="of every engine (default: 1)")
    isa_help = "instruction set that MACE is limited to, as avx2; the peers choose for themselves and cannot be limited so"
    parser.add_argument("--isa", metavar="NAME", help=isa_help)
    parser.add_argument("--min_ms", type=at_least(0, float), metavar="MS", help="repeat short models up to this in a round (default: 20)")
    alone_help = "blocks in which each engine runs alone too (default: 3); 0: no such check, no load times, no memory"
    parser.add_argument("--alone", type=at_least(0, int), metavar="N", help=alone_help)
    tolerance_help = "largest difference of outputs over their range (default: 1e-3)"
    parser.add_argument("--tolerance", type=at_least(0, float), default=1e-3, metavar="X", help=tolerance_help)
    shape_help = "shape of a dynamic input (repeatable)"
    parser.add_argument("--input_shape", action="append", default=[], type=parse_shape, metavar="NAME:D,D", help=shape_help)
    parser.add_argument("--quick", action="store_true", help="few rounds: does everything run? No figures to quote, nothing kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE too")
    parser.add_argument("--no_results", action="store_true", help="keep nothing in bench/results and docs")
    parser.add_argument("--no_plots", action="store_true", help="draw no plots")
    parser.add_argument("--results_dir", type=Path, default=ROOT / "bench" / "results", metavar="DIR", help="default: bench/results")
    parser.add_argument("--docs_dir", type=Path, default=ROOT / "docs", metavar="DIR", help="default: docs")
    parser.add_argument("--work_dir", type=Path, default=ROOT / "build" / "bench", metavar="DIR", help="default: build/bench")
    parser.add_argument("--mace_python", default=sys.executable, metavar="FILE", help="interpreter that has mace")
    parser.add_argument("--peer_python", metavar="FILE", help="the peers' (default: WORK_DIR/peers_venv)")
    parser.add_argument("--tensorflow_python", metavar="FILE", help="its converter's (default: WORK_DIR/tensorflow_venv)")
    return parser


def settings_of(options: argparse.Namespace) -> Settings:
    """Flags over those of --quick over the defaults."""
    limits = {"isa": options.isa, "tolerance": options.tolerance}
    settings = Settings(num_threads=options.num_threads, shapes=dict(options.input_shape), **limits)
    for name, value in QUICK.items():
        given = getattr(options, name)
        if given is not None or options.quick:
            setattr(settings, name, value if given is None else given)
    settings.blocks = min(settings.blocks, settings.rounds)
    return settings


def open_network(model: str, files: ModelFiles, shapes: dict[str, list[int]]) -> Network:
    """The network of a name or file. Raises InputError, Unavailable."""
    if model not in DEFAULT_MODELS and not model.endswith(".onnx"):
        raise InputError(f"{model}: is no default network and no .onnx file (defaults: {', '.join(DEFAULT_MODELS)})")
    source = files.source(model)
    names = [name for name, _, _ in read_interface(source, {})[0]]
    own = {} if model in DEFAULT_MODELS else {name: shape for name, shape in shapes.items() if name in names}
    inputs, _ = read_interface(source, own)
    return Network(source.stem, str(source), hashlib.sha256(source.read_bytes()).hexdigest(), own, inputs)


class Reporter:
    """Shows how far the work is: a bar on a terminal, a line a block elsewhere."""

    def __init__(self, console: Console) -> None:
        self.console, self.last = console, ""
        columns = (TextColumn("{task.description}", markup=False), BarColumn(20), TimeElapsedColumn(), TimeRemainingColumn())
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task = self.progress.add_task("", total=None)

    def __call__(self, seconds: float, text: str) -> None:
        """`seconds` more of the estimate are done; `text` is what is being done."""
        self.progress.update(self.task, advance=seconds, description=text)
        block = text.partition(":")[0]
        if not self.console.is_terminal and block != self.last:
            self.console.print(block, markup=False, highlight=False)
            self.last = block

    def begin(self, total_s: float) -> None:
        """The estimate is known."""
        self.progress.reset(self.task, total=total_s)


def measure(options: argparse.Namespace, settings: Settings, start: Callable[[str, str], Any] | None, console: Console) -> dict:
    """Runs everything; the results. `start` makes workers (tests have their own)."""
    peers_python = options.peer_python or str(options.work_dir.absolute() / "peers_venv" / "bin" / "python")
    tensorflow_python = options.tensorflow_python or str(options.work_dir.absolute() / "tensorflow_venv" / "bin" / "python")
    pythons = Pythons(options.mace_python, peers_python, tensorflow_python)
    files = ModelFiles(options.work_dir, pythons)

    def start_worker(engine: str, log: str) -> Worker:
        with open(files.logs / log, "ab") as output:
            return Worker(pythons.of_engine(engine), engine, output)

    for log in files.logs.glob("*_run.log"):
        log.unlink()
    begin, date = time.monotonic(), datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    if (load_before := load_average()) > BUSY:
        console.print(f"the machine is busy (load average {load_before:.1f}): figures will be off", markup=False, highlight=False)
    networks = [open_network(model, files, settings.shapes) for model in options.models or DEFAULT_MODELS]
    if unused := settings.shapes.keys() - {name for network in networks for name in network.shapes}:
        raise InputError(f"--input_shape: no model has an input called {', '.join(sorted(unused))}")
    reporter = Reporter(console)
    with reporter.progress:
        bench = Bench(settings, files, start or start_worker, reporter)
        for network in networks:
            bench.check(network, ["mace", *options.peers])
        failures = [lane for network in networks for lane in network.lanes if lane.engine == "mace" and lane.reason]
        if len(failures) == len(networks):
            raise Unavailable(f"MACE runs none of the networks: {failures[0].reason} (log: {failures[0].log})")
        total = bench.estimate_s(networks)
        reporter.begin(total)
        about = f"{total / 60:.0f} minutes" if total > 110 else f"{total:.0f} s"
        console.print(f"measuring for about {about} (checked in {time.monotonic() - begin:.0f} s)", markup=False, highlight=False)
        bench.measure(networks)
    commit, commit_date, changed = commit_of(ROOT)
    facts = {
        "date": date, "commit": commit, "commit_date": commit_date, "changed": changed, "machine": describe(),
        "load_average_before": load_before, "seconds": time.monotonic() - begin, "quick": options.quick,
    }  # fmt: skip
    return results_files.summarise(networks, settings, facts)


def keep(options: argparse.Namespace, results: dict, console: Console) -> None:
    """The results file of a whole run, and the page and plots that it belongs into."""
    path = results_files.free_path(options.results_dir, results_files.file_name(results))
    results_files.write(path, results)
    console.print(f"kept in {path}", markup=False, highlight=False)
    peers_python = options.peer_python or str(options.work_dir / "peers_venv" / "bin" / "python")
    plots_python = None if options.no_plots else peers_python
    for line in performance_page.update(options.results_dir, options.docs_dir, plots_python, path):
        console.print(line, markup=False, highlight=False)


def main(arguments: list[str] | None = None, start: Callable[[str, str], Any] | None = None) -> int:
    """Measures, prints, keeps."""
    options = make_parser().parse_args(arguments)
    settings = settings_of(options)
    progress, console = Console(stderr=True), Console(width=None if sys.stdout.isatty() else 110)
    try:
        if options.json and not options.json.absolute().parent.is_dir():
            raise InputError(f"--json={options.json}: the folder {options.json.parent} does not exist")
        if options.json and options.json.is_dir():
            raise InputError(f"--json={options.json}: is a folder, expected the name of a file")
        whole = not options.models and set(options.peers) == set(PEERS) and not options.quick and not options.no_results
        if whole:  # a run takes a quarter of an hour: better now
            results_files.check_folder(options.results_dir)
            performance_page.read_page(options.docs_dir / "performance.md")
        results = measure(options, settings, start, progress)
        report.print_all(results, console)
        if options.json:
            results_files.write(options.json, results)
        if whole and min(network["rounds"] for network in results["networks"]) < QUOTED_ROUNDS:
            console.print(f"not kept: figures take at least {QUOTED_ROUNDS} rounds", markup=False, highlight=False)
        elif whole:
            keep(options, results, console)
    except KeyboardInterrupt:
        print("peers: interrupted; nothing is kept", file=sys.stderr)
        return 130
    except (InputError, Unavailable, results_files.ResultsError) as error:
        print(f"peers: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
    except OSError as error:
        print(f"peers: {error.filename or 'output'}: {error.strerror}", file=sys.stderr)
        return 1
    return 0 if all(n["engines"]["mace"]["status"] == "ok" for n in results["networks"]) else 1


if __name__ == "__main__":
    sys.exit(main())
