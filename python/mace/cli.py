"""The command `mace`: convert, run, info, bench, explain."""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import mace
from mace.model import MACE_MAGIC, read_file

console = Console(stderr=True)
NUMPY_LACKS = ("bfloat16", "int4", "uint4", "unknown")


class Group(click.Group):
    """Turns MACE's errors into one line and exit status 1, and suggests the nearest command. (A wrong command line is click's
    UsageError: exit status 2.)"""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; what fails in it ends the program with status 1."""
        try:
            super().invoke(ctx)
            return None
        except mace.MaceError as error:
            click.echo(f"mace: {error}", err=True)
        except MemoryError as error:
            click.echo(f"mace: out of memory{f': {error}' if str(error) else ''}", err=True)
        sys.exit(1)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command of that name. An unknown one is refused here, not by click: only some versions of click add a suggestion."""
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), 1)
            raise click.UsageError(f"No such command '{name}'." + (f" Did you mean '{near[0]}'?" if near else ""), ctx)
        return super().resolve_command(ctx, args)


@contextlib.contextmanager
def progress(text: str, quiet: bool = False) -> Iterator[None]:
    """A spinner with the elapsed time on a terminal; silent elsewhere."""
    if quiet or not console.is_terminal:
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        bar.add_task(text)
        yield


def write_atomically(path: str, data: bytes) -> None:
    """Writes under a temporary name in the same folder, then renames: never a partial file. A symbolic link is
    followed; anything there but a regular file (a folder, a device, a FIFO) is refused."""
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise mace.IoError(f"{path} is not a regular file: it is left alone")
    folder = os.path.dirname(path)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".mace_", delete=False) as file:
            temporary = file.name
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise mace.IoError(f"{path}: {error.strerror or error}") from None


def parse_states(states: Sequence[str]) -> list[tuple[str, str]]:
    """The values of --state, OUTPUT:INPUT each, as pairs of names. The last colon divides: names may hold colons."""
    pairs = []
    for state in states:
        output, colon, name = state.rpartition(":")
        if not (output and colon and name):
            raise click.UsageError(f"--state={state}: expected OUTPUT:INPUT, for example --state=h1_out:h0")
        pairs.append((output, name))
    return pairs


def parse_shapes(shapes: Sequence[str]) -> dict[str, list[int]]:
    """The values of --input_shape, NAME:D,D,... each, by name; no dimension behind the colon is a scalar's shape."""
    result = {}
    for text in shapes:
        name, colon, dims = text.rpartition(":")
        try:
            if not (name and colon):
                raise ValueError
            result[name] = [int(dim) for dim in dims.split(",")] if dims else []
            if any(not 0 <= dim < 2**63 for dim in result[name]):
                raise ValueError
        except ValueError:
            raise click.UsageError(f"--input_shape={text}: expected NAME:D,D,..., for example x:1,3,352,800") from None
    return result


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Flags that every command which loads a model has."""
    for option in reversed((
        click.argument("model", type=click.Path()),
        click.option("--num_threads", type=click.IntRange(0, 256), default=1, show_default=True, help="0: one per core."),
        click.option("--state", "states", multiple=True, metavar="OUTPUT:INPUT", help="Feed an output back (repeatable)."),
        click.option("--isa", type=click.Choice(mace.ISAS), default=None, help="Use at most this instruction set."),
        click.option("--reference_kernels", is_flag=True, help="Only the plain reference kernels (slow)."),
    )):  # fmt: skip
        function = option(function)
    return function


def load(
    model: str,
    num_threads: int,
    states: Sequence[str],
    isa: str | None,
    reference_kernels: bool,
    verify: str = "default",
) -> mace.Model:
    """The model that a command works on, with a spinner; the conversion's warnings go to standard error."""
    with progress(f"loading {os.path.basename(model)}"):
        loaded = mace.load(model, num_threads, states=parse_states(states), isa=isa, reference_kernels=reference_kernels, verify=verify)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    return loaded


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(mace.__version__, prog_name="mace")
def cli() -> None:
    """MACE, the mobile AI compute engine.

    \b
    mace convert model.onnx -o model.mace      make the file that a device runs
    mace run model.mace --input_dir in --output_dir out
    mace info model.mace                       inputs, outputs, operators
    mace bench model.onnx                      time one model
    mace explain model.onnx                    which kernel computes what, and why

    \b
    Exit status: 0 on success; 1 where the work failed (a file, the model, memory);
    2 where the command line is wrong (an unknown flag or command, a bad value).
    """


@cli.command(epilog="Example: mace convert gru.onnx --state=h1_out:h0 -o gru.mace")
@click.argument("model", type=click.Path())
@click.option("-o", "--output", required=True, type=click.Path(), help="The .mace file to write.")
@click.option("--state", "states", multiple=True, metavar="OUTPUT:INPUT", help="Feed an output back (repeatable).")
@click.option("--optimize/--no_optimize", default=True, help="Run the graph passes.")
@click.option("--json", "as_json", is_flag=True, help="Print a report as JSON.")
def convert(model: str, output: str, states: Sequence[str], optimize: bool, as_json: bool) -> None:
    """Converts a trained MODEL (ONNX, TensorFlow Lite) to a .mace file."""
    if os.path.exists(output) and os.path.exists(model) and os.path.samefile(output, model):
        raise mace.InvalidArgumentError(f"-o {output}: is the model itself, which would be lost")
    begin = time.perf_counter()
    with progress(f"converting {os.path.basename(model)}"):
        try:
            data, details = mace.convert(model, parse_states(states), optimize=optimize)
        except mace.MaceError as error:
            text = str(error)
            raise type(error)(text if text.startswith(model) else f"{model}: {text}") from None
        write_atomically(output, data)
    seconds = time.perf_counter() - begin
    for warning in details["warnings"]:
        click.echo(f"warning: {warning}", err=True)
    if as_json:
        click.echo(json.dumps({"output": output, "bytes": len(data), "seconds": seconds, **details}))
    else:
        click.echo(f"{output}: {len(data)} bytes, {sum(details['operators'].values())} nodes, {seconds:.2f} s")


def read_inputs(folder: str, infos: Sequence[mace.TensorInfo]) -> list[np.ndarray | None]:
    """in_0.npy, in_1.npy, ... of a folder in model order; None where an optional input has no file. Errors name the file."""
    arrays: list[np.ndarray | None] = []
    for i, info in enumerate(infos):
        path = os.path.join(folder, f"in_{i}.npy")
        if not os.path.exists(path):
            if not info.optional:
                raise mace.NotFoundError(f"{path}: no such file (input {info})")
            arrays.append(None)
            continue
        if not os.path.isfile(path):
            raise mace.IoError(f"{path} is not a regular file")
        try:
            arrays.append(np.load(path, allow_pickle=False))
        except (ValueError, OSError, EOFError, OverflowError) as error:
            raise mace.DataLossError(f"{path}: not a readable .npy file: {error}") from None
    if os.path.exists(extra := os.path.join(folder, f"in_{len(infos)}.npy")):
        raise mace.InvalidArgumentError(f"{extra}: the model has {len(infos)} inputs")
    return arrays


@cli.command(epilog="Example: mace run net.mace --input_dir case --output_dir out; reads case/in_0.npy, writes out/out_0.npy")
@model_options
@click.option("--input_dir", required=True, type=click.Path(), help="Holds in_0.npy, in_1.npy, ... in model order.")
@click.option("--output_dir", required=True, type=click.Path(), help="Gets out_0.npy, out_1.npy, ...")
@click.option("--steps", type=click.IntRange(0), default=0, help="Walk along axis 0 of every array, keeping state.")
@click.option("--json", "as_json", is_flag=True, help="Print a report as JSON.")
def run(model, num_threads, states, isa, reference_kernels, input_dir, output_dir, steps, as_json) -> None:
    """Runs MODEL on arrays from files."""
    import io

    loaded = load(model, num_threads, states, isa, reference_kernels)
    arrays = read_inputs(input_dir, loaded.inputs)
    begin = time.perf_counter()
    if steps:
        for i, array in enumerate(arrays):
            if array is not None and (array.ndim == 0 or array.shape[0] != steps):
                shape = list(array.shape)
                raise mace.InvalidArgumentError(f"in_{i}.npy: axis 0 must have {steps} steps, its shape is {shape}")
        each = [loaded([None if a is None else a[s] for a in arrays]) for s in range(steps)]
        outputs = [np.stack([result[info.name] for result in each]) for info in loaded.outputs]
    else:
        outputs = list(loaded(arrays).values())
    seconds = time.perf_counter() - begin
    try:
        os.makedirs(output_dir, exist_ok=True)
    except OSError as error:
        raise mace.IoError(f"{output_dir}: {error.strerror}") from None
    for i, array in enumerate(outputs):
        buffer = io.BytesIO()
        np.save(buffer, array)
        write_atomically(os.path.join(output_dir, f"out_{i}.npy"), buffer.getvalue())
    report = [{"name": info.name, "dtype": info.dtype, "shape": list(a.shape)} for info, a in zip(loaded.outputs, outputs, strict=True)]
    if as_json:
        click.echo(json.dumps({"seconds": seconds, "outputs": report}))
    else:
        for i, row in enumerate(report):
            click.echo(f"{os.path.join(output_dir, f'out_{i}.npy')}: {row['name']} {row['dtype']}{row['shape']}")


@cli.command(epilog="Example: mace info net.mace --json")
@click.argument("model", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(model: str, as_json: bool) -> None:
    """Shows inputs, outputs, operators and size of MODEL; checks every byte of a .mace file."""
    data = read_file(model)
    details: dict[str, Any] = {"format": "mace", "operators": None, "warnings": []}
    with progress(f"checking {os.path.basename(model)}"):
        if data[: len(MACE_MAGIC)] != MACE_MAGIC:
            data, details = mace.convert(data)
        loaded = mace.load(data, verify="full")
    tensors = {
        kind: [vars(t) | {"shape": list(t.shape)} for t in infos]
        for kind, infos in (("inputs", loaded.inputs), ("outputs", loaded.outputs))
    }
    if as_json:
        click.echo(json.dumps({"file": model, "bytes": os.path.getsize(model), **details, **tensors}))
        return
    click.echo(f"{model}: {details['format']}, {os.path.getsize(model)} bytes, no error found")
    for kind in ("inputs", "outputs"):
        click.echo(f"{kind}:")
        for tensor in getattr(loaded, kind):
            quantized = f"  scale {tensor.scale:g}, zero point {tensor.zero_point}" if tensor.scale else ""
            click.echo(f"  {tensor}{quantized}{'  (optional: has state)' if tensor.optional else ''}")
    if details["operators"]:
        click.echo("operators: " + ", ".join(f"{name} {count}" for name, count in sorted(details["operators"].items())))
    for warning in details["warnings"]:
        click.echo(f"warning: {warning}")


def random_inputs(loaded: mace.Model, shapes: dict[str, list[int]], seed: int) -> list[np.ndarray]:
    """Seeded inputs: floats in [-1, 1), integers in [0, 100), within the dtype's range. A dynamic dimension must be given."""
    rng = np.random.RandomState(seed)
    unknown = set(shapes) - {t.name for t in loaded.inputs}
    if unknown:
        raise mace.InvalidArgumentError(f"--input_shape: no input is called {sorted(unknown)}; {loaded._expected()}")
    arrays = []
    for tensor in loaded.inputs:
        shape = shapes.get(tensor.name)
        if shape is None:
            if not all(isinstance(d, int) for d in tensor.shape):
                raise mace.InvalidArgumentError(f"input {tensor} has dynamic dimensions: give --input_shape={tensor.name}:D,D,...")
            shape = list(tensor.shape)
        if tensor.dtype in NUMPY_LACKS:
            raise mace.UnsupportedError(f"input {tensor}: NumPy has no {tensor.dtype}")
        if tensor.dtype.startswith("float"):
            arrays.append((rng.random_sample(shape) * 2 - 1).astype(tensor.dtype))
        elif tensor.dtype == "bool":
            arrays.append(rng.randint(0, 2, shape).astype(bool))
        else:
            arrays.append(rng.randint(0, 100, shape).astype(tensor.dtype))
    return arrays


@cli.command(epilog="Example: mace bench det.onnx --input_shape=x:1,3,352,800 --num_threads=2 --rounds=50")
@model_options
@click.option("--input_shape", "shapes", multiple=True, metavar="NAME:D,D", help="Shape of a dynamic input (repeatable).")
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True, help="Timed runs.")
@click.option("--warmup", type=click.IntRange(0), default=3, show_default=True, help="Runs before them.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def bench(model, num_threads, states, isa, reference_kernels, shapes, rounds, warmup, as_json) -> None:
    """Times MODEL on seeded random inputs."""
    begin = time.perf_counter()
    loaded = load(model, num_threads, states, isa, reference_kernels)
    load_ms = (time.perf_counter() - begin) * 1e3
    inputs = random_inputs(loaded, parse_shapes(shapes), 0)
    begin = time.perf_counter()
    loaded(inputs)
    first_ms = (time.perf_counter() - begin) * 1e3
    times = []
    with progress(f"{warmup + rounds} runs", quiet=as_json):
        for i in range(warmup + rounds):
            begin = time.perf_counter()
            loaded(inputs)
            if i >= warmup:
                times.append((time.perf_counter() - begin) * 1e3)
    p90 = float(np.percentile(times, 90))
    result = {
        "model": model, "num_threads": num_threads, "rounds": rounds, "load_ms": load_ms, "first_run_ms": first_ms,
        "min_ms": min(times), "median_ms": statistics.median(times), "mean_ms": statistics.fmean(times), "p90_ms": p90,
        "max_ms": max(times),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(result))
        return
    table = Table("", "ms")
    for key, value in result.items():
        if key.endswith("_ms"):
            table.add_row(key[:-3].replace("_", " "), f"{value:.3f}")
    Console().print(f"{Path(model).name}, {num_threads} thread(s), {rounds} runs")
    Console().print(table)


@cli.command(epilog="Example: mace explain det.onnx --input_shape=x:1,3,352,800 --json")
@model_options
@click.option("--input_shape", "shapes", multiple=True, metavar="NAME:D,D", help="Shape of a dynamic input (repeatable).")
@click.option("--profile", is_flag=True, help="Run once on random inputs and add the measured times.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def explain(model, num_threads, states, isa, reference_kernels, shapes, profile, as_json) -> None:
    """Says which kernel computes which nodes of MODEL, and why."""
    loaded = load(model, num_threads, states, isa, reference_kernels)
    given = parse_shapes(shapes)
    times = None
    if profile:
        inputs = random_inputs(loaded, given, 0)
        loaded(inputs)
        loaded(inputs, profile=True)
        times = loaded.profile()
    else:
        loaded.prepare(given)
    plan = loaded.explain()
    if as_json:
        click.echo(json.dumps(plan if times is None else {**plan, "profile": times}))
        return
    table = Table("nodes", "kernel", "why", "M multiply-adds", "KiB", *([] if times is None else ["us"]))
    for i, step in enumerate(plan["steps"]):
        row = [
            ", ".join(f"{n['op']} {n['name']}".strip() for n in step["nodes"]),
            step["kernel"],
            step["reason"],
            f"{step['multiply_adds'] / 1e6:.2f}",
            f"{step['bytes'] / 1024:.1f}",
        ]
        if times is not None:
            row.append(f"{times['steps'][i]['nanoseconds'] / 1e3:.1f}")
        table.add_row(*row)
    Console().print(table)
    Console().print(plan["plan"])


def main() -> None:
    """Entry point. Exit status: 0 on success, 1 where the work failed, 2 where the command line is wrong."""
    cli(prog_name="mace")


if __name__ == "__main__":
    main()
