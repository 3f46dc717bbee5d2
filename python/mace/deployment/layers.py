"""--layers: one truncated model per tensor of the source, each compared with the source's own value of that tensor."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping

import click
import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mace.checking.sources import Source
from mace.deployment.compare import Comparison, compare
from mace.deployment.convert import LayerConverter
from mace.deployment.report import to_csv
from mace.errors import MaceError
from mace.files import write_atomically
from mace.terminal import console

COLUMNS = ("output_name", "similarity", "sqnr", "pixel_accuracy")
OFF = "-1"


def parse_layers(text: str) -> slice | int:
    """start:end (either may be missing), or an index, as Python counts."""
    match = re.fullmatch(r"(-?[0-9]{1,9})|(-?[0-9]{0,9}):(-?[0-9]{0,9})", text, re.ASCII)
    if not match or (text.strip("-:") == "" and "-" in text):
        raise click.UsageError(f"--layers={text}: expected start:end or an index, for example 0:10, 5: or 3")
    if match[1]:
        return int(match[1])
    return slice(*(int(part) if part else None for part in (match[2], match[3])))


def choose(names: list[str], text: str) -> list[str]:
    """The tensors that --layers asks for."""
    which = parse_layers(text)
    if isinstance(which, slice):
        chosen = names[which]
    elif -len(names) <= which < len(names):
        chosen = [names[which]]
    else:
        chosen = []
    if not chosen:
        raise click.UsageError(f"--layers={text}: the model has {len(names)} layers, counted from 0; none is chosen")
    return chosen


def compare_layers(
    reference: Source, converter: LayerConverter, feeds: Mapping[str, np.ndarray], text: str, folder: str,
    run: Callable[[str], list[np.ndarray]], quiet: bool = False,
) -> tuple[list[Comparison], str, list[str]]:  # fmt: skip
    """Compares the chosen layers: what was found, the CSV file that holds it, and the layers that could not be run, with the reason."""
    names = choose(reference.computed(), text)
    values = reference.run(feeds, names)
    found, failures = [], []
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "layer.mace")
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as bar:
        task = bar.add_task("layers", total=len(names))
        for name in names:
            try:
                write_atomically(path, converter.convert(name))
                found.append(compare(name, converter.channels_last(values[name]), converter.channels_last(run(path)[0])))
            except MaceError as error:
                failures.append(f"layer {name}: {error}")
            bar.advance(task)
    rows = [[each.name, f"{each.similarity:.9f}", f"{each.sqnr:.6g}", f"{each.pixel_accuracy:.6f}"] for each in found]
    log = os.path.join(folder, "log.csv")
    write_atomically(log, to_csv([COLUMNS, *rows]))
    return found, log, failures
