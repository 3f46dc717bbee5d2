"""Writes the measured part of docs/performance.md, between its markers, and the plots beside it, from the files of bench/results.

The newest file of one thread is the page's first part, the newest of another number of threads on the same CPU the second; the history
takes all files of that CPU with one thread.

  .venv/bin/python bench/performance_page.py
  .venv/bin/python bench/performance_page.py --results_dir bench/results --docs_dir docs --plots_python build/bench/peers_venv/bin/python
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path
from typing import Any

from results import ALONE_SHARE, ResultsError, read, write_text

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- measured: begin (bench/performance_page.py) -->", "<!-- measured: end -->"


def table(headings: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table and an empty line."""
    lines = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines] + [""]


def entry_of(network: dict, engine: str) -> dict:
    """What one engine did on one network."""
    return network["engines"].get(engine, {"status": "n/a", "reason": "not measured"})


def ratio_cell(entry: dict) -> str:
    """1.12 [1.08, 1.16]: bold where MACE is surely slower, for the reader looks for that."""
    if "ratio" not in entry:
        return "n/a"
    text = f"{entry['ratio']:.2f} [{entry['lower']:.2f}, {entry['upper']:.2f}]"
    if entry["status"] == "wrong":
        return f"{text} WRONG OUTPUT"
    return f"**{text}**" if entry["upper"] < 1 else text


def time_cell(entry: dict) -> str:
    """Milliseconds."""
    return f"{entry['ms']:.1f}" if "ms" in entry else "n/a"


def start_cell(entry: dict) -> str:
    """Load ms + first result ms, peak MiB."""
    if "load_ms" not in entry:
        return "n/a"
    return f"{entry['load_ms']:.0f} + {entry['first_ms']:.0f}, {entry['peak_bytes'] / 2**20:.0f}"


def list_losses(results: dict) -> list[str]:
    """Every pair where the peer is faster: those that the interval is sure of, then the others."""
    lines = []
    for certain, heading in ((True, "MACE is slower than:"), (False, "Not decided, but the median says that MACE is slower than:")):
        found = [loss for loss in results["losses"] if loss["certain"] == certain]
        listed = [f"- {x['engine']} on {x['network']}: {x['ratio']:.3f} [{x['lower']:.3f}, {x['upper']:.3f}]" for x in found]
        lines += [heading, "", *listed, ""] if found else []
    return lines or ["No peer is faster on any network.", ""]


def alone_lines(results: dict) -> list[str]:
    """Each engine's time alone over its time beside the others."""
    shares = {
        (n["name"], engine): e["alone_over_interleaved"]
        for n in results["networks"]
        for engine, e in n["engines"].items()
        if "alone_over_interleaved" in e
    }
    if not shares:
        return []
    outside = [f"{engine} on {network} ({s:.2f})" for (network, engine), s in shares.items() if abs(s - 1) > ALONE_SHARE]
    text = f"Time alone / time beside the others: {min(shares.values()):.2f} to {max(shares.values()):.2f} over {len(shares)} pairs; "
    return [
        text + (f"more than {ALONE_SHARE:.0%} off: {', '.join(outside)}." if outside else f"none is more than {ALONE_SHARE:.0%} off."),
        "",
    ]


def reasons(results: dict) -> list[str]:
    """What could not be measured, and why."""
    found = [
        f"- {engine} on {n['name']}: {e['reason']}" for n in results["networks"] for engine, e in n["engines"].items() if "reason" in e
    ]
    return ["n/a:", *found, ""] if found else []


def part(results: dict, source: str, plot: str | None) -> list[str]:
    """One results file."""
    engines, networks, machine = list(results["engines"]), results["networks"], results["machine"]
    peers = [name for name in engines if name != "mace"]
    threads = results["settings"]["num_threads"]
    lines = [
        f"## {threads} thread{'s' if threads > 1 else ''}", "",
        f"{machine['cpu']} ({machine['family_model_stepping']}), {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB, "
        f"{machine['system']}; {' '.join(machine['features'])}.",
        f"Commit {results['commit']}{' with changes' if results['changed'] else ''}, {results['date']}, took {results['seconds'] / 60:.0f} "
        f"minutes, load average before {results['load_average_before']:.2f}; every round is in {source}.", "",
        "Time of the peer / time of MACE, median with its 95 % interval (above 1: MACE is faster; bold: surely slower):", "",
    ]  # fmt: skip
    rows = [[n["name"], *(ratio_cell(entry_of(n, peer)) for peer in peers)] for n in networks]
    known = results["means"]
    rows.append(["geometric mean", *(f"{known[p]['ratio']:.3f} of {known[p]['networks']}" if p in known else "n/a" for p in peers)])
    lines += table(["network", *peers], rows)
    if "best" in known:
        lines += [f"Beside the fastest peer of each network: {known['best']['ratio']:.3f} (geometric mean).", ""]
    if plot:
        lines += [f"![ratios with their intervals]({plot})", ""]
    lines += list_losses(results)
    lines += ["Median time in ms:", ""]
    lines += table(["network", *engines], [[n["name"], *(time_cell(entry_of(n, e)) for e in engines)] for n in networks])
    lines += [
        "Load ms + first result ms, peak MiB over what the process had after the import (fresh processes, files in the page cache):",
        "",
    ]
    lines += table(["network", *engines], [[n["name"], *(start_cell(entry_of(n, e)) for e in engines)] for n in networks])
    lines += alone_lines(results) + reasons(results)
    settings = results["settings"]
    rounds = [n["rounds"] for n in networks]
    lines += [
        f"Settings (N is {threads}); {min(rounds)} to {max(rounds)} rounds in {settings['blocks']} blocks, at least {settings['min_ms']:g} "
        f"ms a turn, outputs within {settings['tolerance']:g} of onnxruntime's:", "",
    ]  # fmt: skip
    return lines + table(["engine", "version", "settings"], [[n, e["version"], e["settings"]] for n, e in results["engines"].items()])


def choose(files: dict[Path, dict], newest: Path | None) -> tuple[list[Path], list[Path]]:
    """(files of the page, one for each number of threads; files of the history). Only whole runs of MACE without a limit count, on the
    CPU of `newest` (default: the newest file)."""
    ordered = sorted(files, key=lambda path: (files[path]["date"], path.name))
    ordered = [path for path in ordered if not files[path]["settings"]["isa"] and not files[path].get("quick")]
    if not ordered:
        return [], []
    last = newest if newest in ordered else ordered[-1]
    same = [path for path in ordered if files[path]["machine"]["slug"] == files[last]["machine"]["slug"]]
    shown = {files[path]["settings"]["num_threads"]: path for path in same}
    if last in same:
        shown[files[last]["settings"]["num_threads"]] = last
    return [shown[threads] for threads in sorted(shown)], [p for p in same if files[p]["settings"]["num_threads"] == 1]


def draw(python: str, arguments: list[str], output: Path) -> str:
    """Runs bench/plots.py; what is wrong in one line, or an empty string."""
    output.parent.mkdir(parents=True, exist_ok=True)
    command = [python, str(Path(__file__).parent / "plots.py"), *arguments]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.SubprocessError) as error:
        words = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        return f"no plot {output}: {words[-1] if words else 'no message'}"
    return ""


def read_page(page: Path) -> tuple[str, str]:
    """What stands before and behind the measured part. Raises ResultsError."""
    try:
        text = page.read_text()
    except OSError as error:
        raise ResultsError(f"{page}: {error.strerror}") from None
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ResultsError(f"{page}: lacks the markers {BEGIN} and {END}")
    return before, after


def update(results_dir: Path, docs_dir: Path, plots_python: str | None, newest: Path | None = None) -> list[str]:
    """Writes page and plots; lines that say what was done. Without `plots_python` plots stay as they are, and the page shows those that
    are there."""
    files: dict[Path, dict[str, Any]] = {path: read(path) for path in sorted(results_dir.glob("*.json"))}
    page = docs_dir / "performance.md"
    shown, history = choose(files, newest)
    if not shown:
        return [f"{results_dir}: no results, {page} stays as it is"]
    said, lines = [], []
    for path in shown:
        threads = files[path]["settings"]["num_threads"]
        plot = docs_dir / "performance" / f"ratios_{threads}.png"
        if plots_python and (problem := draw(plots_python, ["ratios", str(path), str(plot)], plot)):
            said.append(problem)
        lines += part(files[path], f"{results_dir.name}/{path.name}", f"performance/{plot.name}" if plot.exists() else None)
    plot = docs_dir / "performance" / "history.png"
    if plots_python and history and (problem := draw(plots_python, ["history", str(plot), *map(str, history)], plot)):
        said.append(problem)
    if history and plot.exists():
        lines += ["## History", "", f"![geometric means over the commits](performance/{plot.name})", ""]
    before, after = read_page(page)
    write_text(page, f"{before}{BEGIN}\n\n" + "\n".join(lines).rstrip() + f"\n\n{END}{after}")
    return [*said, f"wrote {page}"]


def main(arguments: list[str] | None = None) -> int:
    """Writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results_dir", type=Path, default=ROOT / "bench" / "results", metavar="DIR", help="default: bench/results")
    parser.add_argument("--docs_dir", type=Path, default=ROOT / "docs", metavar="DIR", help="holds performance.md (default: docs)")
    plots_help = "Python with matplotlib; default: the peers'. An empty text: draw no plots"
    default = str(ROOT / "build" / "bench" / "peers_venv" / "bin" / "python")
    parser.add_argument("--plots_python", default=default, metavar="FILE", help=plots_help)
    options = parser.parse_args(arguments)
    try:
        for line in update(options.results_dir, options.docs_dir, options.plots_python or None):
            print(line)
    except ResultsError as error:
        print(f"performance_page: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
