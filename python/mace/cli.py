"""The command `mace`: convert, run, info, bench, explain, check."""

from __future__ import annotations

import io
import json
import math
import os
import re
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import click
import numpy as np

import mace
from mace.arrays import as_bytes, read_inputs
from mace.check_command import check
from mace.conversion import folder_of
from mace.element_types import BITS, numpy_dtype
from mace.errors import named
from mace.files import MACE_MAGIC, read_file, resolve_output, write_atomically
from mace.pipeline_file import PipelineFileError, read_pipeline_file
from mace.terminal import (
    FileName,
    Group,
    Seconds,
    Size,
    print_table,
    print_values,
    progress,
    run_program,
    say,
    tell_repairs,
    telling_problems,
    warn,
)


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
            if not (name and colon) or "_" in dims:  # int() takes 1_0
                raise ValueError
            if name in result:
                raise click.UsageError(f"--input_shape names {name!r} twice")
            result[name] = [int(dim) for dim in dims.split(",")] if dims else []
            if any(not 0 <= dim < 2**63 for dim in result[name]):
                raise ValueError
        except ValueError:
            raise click.UsageError(f"--input_shape={text}: expected NAME:D,D,..., for example x:1,3,352,800") from None
    return result


def parse_input_tensors(texts: Sequence[str]) -> dict[str, list[int] | None] | None:
    """The values of --input_tensor, NAME or NAME:D,D,... each. TensorFlow's NAME:0 is a name; a dimension of -1 is the model's own."""
    result: dict[str, list[int] | None] = {}
    for text in texts:
        name, colon, dims = text.rpartition(":")
        has_shape = colon and dims != "0" and re.fullmatch(r"(-?[0-9]+(,-?[0-9]+)*)?", dims, re.ASCII)
        name, shape = (name, [int(dim) for dim in dims.split(",")] if dims else []) if has_shape else (text, None)
        if not name or (shape and any(not -1 <= dim < 2**63 for dim in shape)):
            raise click.UsageError(f"--input_tensor={text}: expected NAME or NAME:D,D,..., for example conv1:1,-1,32,32")
        if name in result:
            raise click.UsageError(f"--input_tensor names {name!r} twice")
        result[name] = shape
    return result or None


def parse_metadata(texts: Sequence[str]) -> dict[str, str]:
    """The values of --metadata, KEY=VALUE each."""
    result = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise click.UsageError(f"--metadata={text}: expected KEY=VALUE, for example --metadata=author=me")
        if key in result:
            raise click.UsageError(f"--metadata names {key!r} twice")
        result[key] = value
    return result


weights_option = click.option("--weights", type=FileName(), default=None, help="A Caffe model's .caffemodel; MODEL is its prototxt.")


def parse_passes(text: str | None, optimize: bool = True) -> dict[str, list[str]]:
    """The value of --passes, beside that of --optimize: options of mace.convert."""
    if text is None:
        return {}
    if not optimize:
        raise click.UsageError("--passes and --no_optimize: the latter runs no passes at all; leave one of them out")
    names = text.split(",")
    without = [name[1:] for name in names if name.startswith("-")]
    if (without and len(without) < len(names)) or not all(name.lstrip("-") for name in names):
        raise click.UsageError(f"--passes={text}: expected names of passes, all of them or none with a minus, for example -scale_folding")
    if unknown := sorted({name.lstrip("-") for name in names} - set(mace.passes())):
        raise click.UsageError(f"--passes={text}: no pass is called {', '.join(unknown)}; `mace passes` lists them")
    return {"without_passes": without} if without else {"only_passes": names}


optimize_option = click.option("--optimize/--no_optimize", default=True, help="Run the graph passes.")
passes_option = click.option(
    "--passes", default=None, metavar="[-]NAME,...", help="Run only these passes (`mace passes` lists them), or all but those with a minus."
)


def model_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Flags that every command which loads a model has."""
    for option in reversed((
        optimize_option,
        passes_option,
        click.argument("model", type=FileName()),
        weights_option,
        click.option("--num_threads", type=click.IntRange(0, 256), default=1, show_default=True, help="0: one per core."),
        click.option("--state", "states", multiple=True, metavar="OUTPUT:INPUT", help="Feed an output back (repeatable)."),
        click.option("--isa", type=click.Choice(mace.ISAS), default=None, help="Use at most this instruction set."),
        click.option("--memory_limit", type=Size(), default=0, help="Most bytes of intermediate results and packed weights: 512M."),
        click.option("--reference_kernels", is_flag=True, help="Only the plain reference kernels (slow)."),
    )):  # fmt: skip
        function = option(function)
    return function


timeout_option = click.option(
    "--timeout", type=Seconds(), default=None, help="Most seconds that one run (with --steps: one step) may take."
)
shapes_option = click.option("--input_shape", "shapes", multiple=True, metavar="NAME:D,D", help="Shape of a dynamic input (repeatable).")


def load(model: str, *, states: Sequence[str], passes: str | None, **options: Any) -> mace.Model:
    """The model that a command works on, with a spinner; the conversion's warnings go to standard error."""
    options |= parse_passes(passes, options["optimize"])
    with progress(f"loading {os.path.basename(model)}"):
        loaded = mace.load(model, states=parse_states(states), **options)
    for warning in loaded.warnings:
        warn(warning)
    tell_repairs(loaded.repairs)
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
    mace check model.onnx                      is it right, node by node?

    \b
    Exit status: 0 on success; 1 where the work failed (a file, the model,
    memory); 2 where the command line is wrong (an unknown flag or command, a bad
    value).
    """


@cli.command(epilog="Example: mace convert gru.onnx --state=h1_out:h0 -o gru.mace")
@click.argument("model", type=FileName())
@click.option("-o", "--output", required=True, type=FileName(), help="The .mace file to write.")
@click.option("--state", "states", multiple=True, metavar="OUTPUT:INPUT", help="Feed an output back (repeatable).")
@click.option("--signature", default=None, metavar="NAME", help="TensorFlow Lite, SavedModel: the signature to read.")
@click.option("--input_tensor", "inputs", multiple=True, metavar="NAME[:D,D]", help="Cut: begin at this tensor (repeatable).")
@click.option("--output_tensor", "outputs", multiple=True, metavar="NAME", help="Cut: end at this tensor (repeatable).")
@click.option("--strip_names", is_flag=True, help="Keep the names of inputs, outputs and states only.")
@click.option("--metadata", multiple=True, metavar="KEY=VALUE", help="Store a text with the model (repeatable).")
@weights_option
@click.option("--strict", is_flag=True, help="Refuse a model that has to be repaired.")
@click.option("--custom_operator", "custom_operators", multiple=True, metavar="NAME", help="The application brings it (repeatable).")
@optimize_option
@passes_option
@click.option("--pipeline", type=FileName(), default=None, metavar="FILE.yml", help="Store steps around the model (docs/pipelines.md).")
@click.option("--json", "as_json", is_flag=True, help="Print a report as JSON.")
def convert(
    model: str, output: str, states: Sequence[str], inputs: Sequence[str], outputs: Sequence[str], metadata: Sequence[str],
    pipeline: str | None, passes: str | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Converts a trained MODEL (ONNX, TensorFlow Lite, TensorFlow, Caffe) to a .mace file.

    --input_tensor and --output_tensor name any tensors of MODEL: what lies outside of
    them is dropped. The result has them in the order given. Of the shape D,D,... a
    dimension of -1 is the model's own.
    """
    options |= parse_passes(passes, options["optimize"])
    options |= {"inputs": parse_input_tensors(inputs), "outputs": outputs or None, "metadata": parse_metadata(metadata)}
    if os.path.exists(output) and os.path.exists(model) and os.path.samefile(output, model):
        raise mace.InvalidArgumentError(f"-o {output}: is the model itself, which would be lost")
    try:
        options |= read_pipeline_file(pipeline) if pipeline else {}
    except PipelineFileError as error:
        raise click.UsageError(f"--pipeline {error}") from None
    resolve_output(output, follow_links=True)  # before the work
    begin = time.perf_counter()
    with telling_problems(as_json), progress(f"converting {os.path.basename(model)}"):
        data, details = mace.convert(model, parse_states(states), **options)
        write_atomically(output, data)
    seconds = time.perf_counter() - begin
    for warning in details["warnings"]:
        warn(warning)
    tell_repairs(details["repairs"])
    if as_json:
        say(json.dumps({"output": output, "bytes": len(data), "seconds": seconds, **details}))
    else:
        say(f"{output}: {len(data)} bytes, {sum(details['operators'].values())} nodes, {seconds:.2f} s")


@cli.command(epilog="Example: mace run net.mace --input_dir case --output_dir out; reads case/in_0.npy, writes out/out_0.npy")
@model_options
@click.option("--input_dir", required=True, type=FileName(), help="Holds in_0.npy, in_1.npy, ... in model order.")
@click.option("--output_dir", required=True, type=FileName(), help="Gets out_0.npy, out_1.npy, ...")
@click.option("--steps", type=click.IntRange(0), default=0, help="Walk along axis 0 of every array, keeping state.")
@click.option("--verify", type=click.Choice(("default", "full")), default="default", help="full: also check the hashes of the weights.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print a report as JSON.")
def run(model: str, input_dir: str, output_dir: str, steps: int, timeout: float | None, as_json: bool, **options: Any) -> None:
    """Runs MODEL on arrays from files."""
    loaded = load(model, **options)
    arrays = read_inputs(input_dir, loaded.inputs, steps)
    begin = time.perf_counter()
    outputs = run_steps(loaded, arrays, steps, timeout) if steps else list(loaded(arrays, timeout=timeout).values())
    seconds = time.perf_counter() - begin
    try:
        os.makedirs(output_dir, exist_ok=True)
    except OSError as error:
        raise mace.IoError(f"{output_dir}: {error.strerror}") from None
    paths = [os.path.join(output_dir, f"out_{i}.npy") for i in range(len(outputs))]
    for path, array in zip(paths, outputs, strict=True):
        buffer = io.BytesIO()
        np.save(buffer, as_bytes(array))
        write_atomically(path, buffer.getbuffer(), follow_links=False)
    report = [{"name": info.name, "dtype": info.dtype, "shape": list(a.shape)} for info, a in zip(loaded.outputs, outputs, strict=True)]
    if as_json:
        say(json.dumps({"seconds": seconds, "outputs": report}))
        return
    for path, row in zip(paths, report, strict=True):
        say(f"{path}: {row['name']} {row['dtype']}{row['shape']}")


def run_steps(loaded: mace.Model, arrays: Sequence[np.ndarray | None], steps: int, timeout: float | None) -> list[np.ndarray]:
    """Walks along axis 0 of every array; the outputs of all steps, stacked."""
    each = []
    for step in range(steps):
        each.append(loaded([None if a is None else a[step] for a in arrays], timeout=timeout))
        for name, result in each[-1].items():
            if result.shape != each[0][name].shape:
                raise mace.InvalidArgumentError(f"output '{name}' has another shape at step {step} and cannot be stacked")
    return [np.stack([result[info.name] for result in each]) for info in loaded.outputs]


@cli.command(epilog="Example: mace info net.mace --json")
@click.argument("model", type=FileName())
@weights_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(model: str, weights: str | None, as_json: bool) -> None:
    """Shows inputs, outputs, operators and size of MODEL; checks every byte of a .mace file."""
    data = read_file(model)
    details: dict[str, Any] = {"format": "mace", "operators": None, "warnings": [], "repairs": []}
    with telling_problems(as_json), progress(f"checking {os.path.basename(model)}"), named(model):
        if data[: len(MACE_MAGIC)] != MACE_MAGIC:
            data, details = mace.convert(data, folder=folder_of(model), weights=weights)
            weights = None
        loaded = mace.load(data, verify="full", weights=weights)
    tensors = {
        kind: [vars(t) | {"shape": list(t.shape)} for t in infos]
        for kind, infos in (("inputs", loaded.inputs), ("outputs", loaded.outputs))
    }
    if as_json:
        say(json.dumps({"file": model, "bytes": os.path.getsize(model), **details, **tensors, "metadata": loaded.metadata}))
        return
    say(f"{model}: {details['format']}, {os.path.getsize(model)} bytes, no error found")
    for kind in ("inputs", "outputs"):
        say(f"{kind}:")
        for tensor in getattr(loaded, kind):
            quantized = f"  scale {tensor.scale:g}, zero point {tensor.zero_point}" if tensor.scale else ""
            say(f"  {tensor}{quantized}{'  (optional: has state)' if tensor.optional else ''}")
    if loaded.metadata:
        say("metadata:")
    for key, text in loaded.metadata.items():
        say(f"  {shortened(key)}: {shortened(text)}")
    if details["operators"]:
        say("operators: " + ", ".join(f"{name} {count}" for name, count in sorted(details["operators"].items())))
    for warning in details["warnings"]:
        say(f"warning: {warning}")
    if details["repairs"]:
        rows = [[repair["node"] or "the model", repair["reason"], repair["action"]] for repair in details["repairs"]]
        print_table(["node", "reason", "repaired by"], rows)


def shortened(text: str, limit: int = 60) -> str:
    """The beginning of a long text, and how long it is."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def input_shapes(loaded: mace.Model, given: dict[str, list[int]]) -> dict[str, list[int]]:
    """The shape of every input: as given by --input_shape, or as the model has it. A dynamic dimension must be given."""
    unknown = set(given) - {t.name for t in loaded.inputs}
    if unknown:
        raise mace.InvalidArgumentError(f"--input_shape: no input is called {sorted(unknown)}; {loaded._expected()}")
    shapes = {}
    for tensor in loaded.inputs:
        shape = given.get(tensor.name)
        if shape is None:
            shape = [d for d in tensor.shape if isinstance(d, int)]
            if len(shape) != len(tensor.shape):
                raise mace.InvalidArgumentError(f"input {tensor} has dynamic dimensions: give --input_shape={tensor.name}:D,D,...")
        if len(shape) != len(tensor.shape):
            raise mace.InvalidArgumentError(f"--input_shape: input {tensor} has {len(tensor.shape)} dimensions, {len(shape)} are given")
        if math.prod(dim for dim in shape if dim) * 8 >= 2**63:
            raise mace.InvalidArgumentError(f"--input_shape: the size of {tensor.name}, {shape}, does not fit in 64 bits")
        shapes[tensor.name] = shape
    return shapes


def random_inputs(loaded: mace.Model, given: dict[str, list[int]], seed: int) -> list[np.ndarray]:
    """Seeded inputs: floats in [-1, 1), integers in [0, 100), within the dtype's range. A dynamic dimension must be given."""
    rng = np.random.RandomState(seed)
    shapes = input_shapes(loaded, given)
    arrays = []
    for tensor in loaded.inputs:
        shape = shapes[tensor.name]
        dtype = numpy_dtype(tensor.dtype)
        if "float" in tensor.dtype:
            arrays.append((rng.random_sample(shape) * 2 - 1).astype(dtype))
        elif tensor.dtype == "bool":
            arrays.append(rng.randint(0, 2, shape).astype(bool))
        else:
            bits = BITS.get(tensor.dtype, 8) - (not tensor.dtype.startswith("u"))
            arrays.append(rng.randint(0, min(100, 2**bits), shape).astype(dtype))
    return arrays


@cli.command(epilog="Example: mace bench det.onnx --input_shape=x:1,3,352,800 --num_threads=2 --rounds=50")
@model_options
@shapes_option
@click.option("--rounds", type=click.IntRange(1), default=30, show_default=True, help="Timed runs.")
@click.option("--warmup", type=click.IntRange(0), default=3, show_default=True, help="Runs before them.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def bench(model: str, shapes: Sequence[str], rounds: int, warmup: int, timeout: float | None, as_json: bool, **options: Any) -> None:
    """Times MODEL on seeded random inputs."""
    begin = time.perf_counter()
    loaded = load(model, **options)
    load_ms = (time.perf_counter() - begin) * 1e3
    inputs = random_inputs(loaded, parse_shapes(shapes), 0)
    begin = time.perf_counter()
    loaded(inputs, timeout=timeout)
    first_ms = (time.perf_counter() - begin) * 1e3
    times = []
    with progress(f"{warmup + rounds} runs", quiet=as_json):
        for i in range(warmup + rounds):
            begin = time.perf_counter()
            loaded(inputs, timeout=timeout)
            if i >= warmup:
                times.append((time.perf_counter() - begin) * 1e3)
    p90 = float(np.percentile(times, 90))
    result = {
        "model": model, "num_threads": options["num_threads"], "rounds": rounds, "load_ms": load_ms, "first_run_ms": first_ms,
        "min_ms": min(times), "median_ms": statistics.median(times), "mean_ms": statistics.fmean(times), "p90_ms": p90,
        "max_ms": max(times),
    }  # fmt: skip
    if as_json:
        say(json.dumps(result))
        return
    say(f"{os.path.basename(model)}, {options['num_threads']} thread(s), {rounds} runs")
    print_table(["", "ms"], [[key[:-3].replace("_", " "), f"{value:.3f}"] for key, value in result.items() if key.endswith("_ms")])


def explain_rows(steps: list[dict[str, Any]], times: list[dict[str, Any]] | None, indent: str = "") -> list[list[str]]:
    """A row a step; those of the bodies of control nodes stand under theirs."""
    rows = []
    for i, step in enumerate(steps):
        rows.append([
            indent + ", ".join(f"{n['op']} {n['name']}".strip() for n in step["nodes"]),
            step["kernel"],
            step["reason"],
            f"{step['multiply_adds'] / 1e6:.2f}",
            f"{step['bytes'] / 1024:.1f}",
        ])  # fmt: skip
        if times is not None:
            rows[-1].append(f"{times[i]['nanoseconds'] / 1e3:.1f}")
        for j, body in enumerate(step.get("bodies", ())):
            timed = None if times is None else times[i]["bodies"][j]
            runs = "" if timed is None else f", {timed['runs']} runs"
            rows.append([f"{indent}  {body['name']}{runs}:", *[""] * (len(rows[-1]) - 1)])
            rows += explain_rows(body["steps"], None if timed is None else timed["steps"], indent + "    ")
    return rows


def pass_table(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What each pass did, summed over its runs: how often it ran, and changed a graph; nodes and bytes of constants that it added."""
    rows: dict[str, dict[str, Any]] = {}
    for record in runs:
        row = rows.setdefault(record["name"], {"name": record["name"], "runs": 0, "fired": 0, "nodes": 0, "bytes": 0, "ms": 0.0})
        row["runs"] += 1
        row["fired"] += record["changed"]
        row["nodes"] += record["nodes_after"] - record["nodes_before"]
        row["bytes"] += record["constant_bytes_after"] - record["constant_bytes_before"]
        row["ms"] += record["seconds"] * 1e3
    return list(rows.values())


@cli.command(name="passes", epilog="Example: mace convert net.onnx --passes=-scale_folding -o net.mace")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_passes(as_json: bool) -> None:
    """Lists the graph passes (docs/passes.md)."""
    for line in [json.dumps(mace.passes())] if as_json else mace.passes():
        say(line)


@cli.command(epilog="Example: mace explain det.onnx --input_shape=x:1,3,352,800 --json")
@model_options
@shapes_option
@click.option("--profile", is_flag=True, help="Run once on random inputs and add the measured times.")
@click.option("--show_passes", is_flag=True, help="Instead: what each graph pass did to MODEL.")
@timeout_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def explain(
    model: str, shapes: Sequence[str], profile: bool, show_passes: bool, timeout: float | None, as_json: bool, **options: Any
) -> None:
    """Says which kernel computes which nodes of MODEL, and why."""
    loaded = load(model, **options)
    if show_passes:
        if not loaded.pass_runs and options["optimize"]:
            raise mace.InvalidArgumentError(
                f"{model}: it is a .mace file, whose passes ran when it was converted: --show_passes wants the model that it was made of"
            )
        print_passes(loaded, as_json)
        return
    given = parse_shapes(shapes)
    times = None
    if profile:
        inputs = random_inputs(loaded, given, 0)
        loaded(inputs, timeout=timeout)
        loaded(inputs, timeout=timeout, profile=True)
        times = loaded.profile()
    else:
        loaded.prepare(input_shapes(loaded, given))
        if not loaded.explain()["plan"]["complete"]:  # only a run tells the sizes of what follows
            loaded(random_inputs(loaded, given, 0), timeout=timeout)
    plan = loaded.explain()
    if as_json:
        say(json.dumps(plan if times is None else {**plan, "profile": times}))
        return
    rows = explain_rows(plan["steps"], None if times is None else times["steps"])
    print_table(["nodes", "kernel", "why", "M multiply-adds", "KiB", *([] if times is None else ["us"])], rows)
    totals = plan["plan"]
    if work := totals["multiply_adds"]:
        share = 100 * totals["integer_multiply_adds"] / work
        references = f"{totals['reference_steps']} of {totals['steps']} steps on reference kernels"
        say(f"integer rows: {share:.1f} % of {work / 1e6:.1f} M multiply-adds, {references}")
    print_values(totals)


def print_passes(loaded: mace.Model, as_json: bool) -> None:
    """The table of --show_passes."""
    rows = pass_table(loaded.pass_runs)
    if as_json:
        say(json.dumps({"passes": rows, "runs": loaded.pass_runs}))
        return
    table = [
        [row["name"], str(row["runs"]), str(row["fired"]), f"{row['nodes']:+d}", f"{row['bytes']:+d}", f"{row['ms']:.2f}"] for row in rows
    ]
    print_table(["pass", "runs", "fired", "nodes", "bytes", "ms"], table)


cli.add_command(check)


def main() -> None:
    """Entry point. Exit status: 0 on success, 1 where the work failed, 2 where the command line is wrong."""
    run_program(cli, "mace")


if __name__ == "__main__":
    main()
