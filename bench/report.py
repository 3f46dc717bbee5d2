"""What `make bench` prints: a table, what follows from it, and the settings behind it."""

from __future__ import annotations

from typing import Any

from results import ALONE_SHARE
from rich.console import Console
from rich.table import Table
from rich.text import Text

COLUMNS = ("engine", "ms", "ratio", "95 % interval", "alone", "load", "first", "MiB", "difference")


def number(value: float | None, form: str, absent: str = "-") -> str:
    """A number, or a dash where there is none."""
    return absent if value is None else format(value, form)


def milliseconds(value: float | None) -> str:
    """Three digits or so."""
    return number(value, ".2f" if value is not None and value < 100 else ".0f")


def cells(engine: str, entry: dict[str, Any]) -> list[str]:
    """One engine's row."""
    if entry["status"] == "n/a":
        return [engine, f"n/a: {entry['reason']}"]
    interval = f"[{entry['lower']:.3f}, {entry['upper']:.3f}]" if "ratio" in entry else ""
    alone = entry.get("alone_over_interleaved")
    difference = entry["difference"]
    shown = number(difference, ".0e" if difference else ".0f") if difference is not None or entry["status"] == "ok" else "all"
    return [
        engine, milliseconds(entry["ms"]), number(entry.get("ratio"), ".3f", ""), interval,
        "-" if alone is None else f"{alone:.2f}{' !' if entry['alone_outside'] else ''}",
        number(entry.get("load_ms"), ".0f"), number(entry.get("first_ms"), ".0f"),
        number(entry["peak_bytes"] / 2**20 if "peak_bytes" in entry else None, ".0f"),
        f"{shown} WRONG" if entry["status"] == "wrong" else shown,
    ]  # fmt: skip


def print_table(results: dict[str, Any], console: Console) -> None:
    """All networks, an engine a row. Reasons are below the table: they are longer than its columns."""
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for i, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if i == 0 else "right", no_wrap=True)
    reasons = []
    for network in results["networks"]:
        table.add_row(Text(f"{network['name']}", style="bold"))
        for engine, entry in network["engines"].items():
            row = cells(engine, entry)
            if entry["status"] == "n/a":
                reasons.append(f"{network['name']}, {engine}: {row[1]}" + (f" (log: {entry['log']})" if entry["log"] else ""))
                row = [engine, "n/a"]
            slower = entry.get("ratio", 1) < 1 or (entry["status"] != "ok" and engine == "mace")
            table.add_row(*(Text(f"  {cell}" if i == 0 else cell, style="red" if slower else "") for i, cell in enumerate(row)))
    console.print(table)
    for reason in reasons:
        console.print(Text(reason))


def lines(results: dict[str, Any]) -> list[str]:
    """What follows from the table, and what was set."""
    settings, machine = results["settings"], results["machine"]
    said = ["ratio: peer's time / MACE's time, median over the rounds; above 1 MACE is faster."]
    for name, mean in results["means"].items():
        peer = "the fastest peer of each network" if name == "best" else name
        said.append(f"geometric mean beside {peer}: {mean['ratio']:.3f} over {mean['networks']} networks")
    for loss in results["losses"]:
        certain = "" if loss["certain"] else " (the interval holds 1)"
        said.append(f"slower than {loss['engine']} on {loss['network']}: {loss['ratio']:.3f}{certain}")
    if not results["losses"]:
        said.append("no peer is faster on any network")
    ours = [(n["name"], n["engines"]["mace"]) for n in results["networks"]]
    if unseen := [name for name, entry in ours if entry["status"] == "ok" and entry["difference"] is None]:
        said.append(f"outputs are compared with nothing, for onnxruntime does not run here: {', '.join(unseen)}")
    outside = [
        f"{engine} on {n['name']} ({e['alone_over_interleaved']:.2f})"
        for n in results["networks"] for engine, e in n["engines"].items() if e.get("alone_outside")
    ]  # fmt: skip
    if any("alone_ms" in e for n in results["networks"] for e in n["engines"].values()):
        rest = f": {', '.join(outside)}" if outside else ""
        said.append(f"alone (time alone / time beside the others) more than {ALONE_SHARE:.0%} off: {len(outside)}{rest}")
    for name, engine in results["engines"].items():
        said.append(f"{name} {engine['version'] or '?'}: {engine['settings']}")
    isa = f", MACE limited to {settings['isa']} (the peers are not: they choose for themselves)" if settings["isa"] else ""
    rounds = {n["rounds"] for n in results["networks"]}
    said.append(
        f"{settings['num_threads']} thread(s), {min(rounds, default=0)} to {max(rounds, default=0)} rounds in {settings['blocks']} blocks, "
        f"at least {settings['min_ms']:g} ms a turn{isa}"
    )
    said.append(f"{machine['cpu']} ({machine['family_model_stepping']}), {machine['cores']} cores, {machine['system']}")
    said.append(f"commit {results['commit']}{' with changes' if results['changed'] else ''}, {results['date']}, {results['seconds']:.0f} s")
    return said


def print_all(results: dict[str, Any], console: Console) -> None:
    """Table and text."""
    print_table(results, console)
    for line in lines(results):
        console.print(Text(line))
