"""The command `mace check`: is what MACE computes what the source's own framework computes?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

import click

from mace.conversion import folder_of
from mace.errors import named
from mace.files import read_file, resolve_output, write_atomically
from mace.tensorflow_source import frozen, needs_tensorflow
from mace.terminal import Command, FileName, print_table, progress, say


def source_bytes(path: str, signature: str | None) -> bytes:
    """A model's bytes; what only TensorFlow can read is frozen by it first, as mace.convert does."""
    if not needs_tensorflow(path):
        return read_file(path)
    with named(path):
        return frozen(path, signature if os.path.isdir(path) else None)


@click.command(cls=Command, epilog="Example: mace check det.onnx --input_shape=x:1,3,352,800 --html=det.html --reproducer=small")
@click.argument("model", type=FileName())
@click.option("--weights", type=FileName(), default=None, help="A Caffe model's .caffemodel; MODEL is its prototxt.")
@click.option("--against", type=FileName(), default=None, metavar="OTHER", help="Run this model by MACE in place of MODEL.")
@click.option("--signature", default=None, metavar="NAME", help="SavedModel: the signature to read.")
@click.option("--input_dir", "input_dirs", multiple=True, type=FileName(), help="Holds in_0.npy, in_1.npy, ... (repeatable).")
@click.option("--seed", "seeds", multiple=True, type=click.IntRange(0, 2**32 - 1), help="Of generated inputs (repeatable). Default: 0.")
@click.option("--input_shape", "shapes", multiple=True, metavar="NAME:D,D", help="Shape of a dynamic input (repeatable).")
@click.option("--passes", default=None, metavar="[-]NAME,...", help="Judge the model with these passes only, or all but those.")
@click.option("--num_threads", type=click.IntRange(0, 256), default=1, show_default=True, help="MACE's; 0: one per core.")
@click.option("--reproducer", type=FileName(), default=None, metavar="DIR", help="Write the smallest model that shows a difference.")
@click.option("--html", type=FileName(), default=None, metavar="FILE", help="Write a report.")
@click.option("--verbose", is_flag=True, help="Print every node.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def check(
    model: str, weights: str | None, against: str | None, signature: str | None, input_dirs: Sequence[str], seeds: Sequence[int],
    shapes: Sequence[str], passes: str | None, num_threads: int, reproducer: str | None, html: str | None, verbose: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compares MACE with MODEL's own framework, node by node.

    onnxruntime, ai-edge-litert, tensorflow-cpu or opencv-python-headless computes
    every tensor of MODEL; MACE computes each node from those values, and the whole.

    \b
    Exit status: 0 where all agree; 1 where a difference was found (the first
    wrong node, or the pass that breaks the model, is named) or the work failed; 2
    where the command line is wrong.
    """
    from mace.arrays import read_inputs
    from mace.checking.candidate import Candidate
    from mace.checking.check import Checker, reference_for
    from mace.checking.report import SHORT_HEADINGS, page, summary, table_rows, uncompared, values_of
    from mace.checking.reproducer import write_reproducer
    from mace.checking.sources import open_source
    from mace.cli import input_shapes, parse_passes, parse_shapes
    from mace.model import load

    if input_dirs and (seeds or shapes):
        raise click.UsageError("--input_dir is given: --seed and --input_shape are those of generated inputs")
    if signature is not None and not os.path.isdir(model):
        raise click.UsageError("--signature is given: MODEL must be a SavedModel's folder")
    given, options = parse_shapes(shapes), parse_passes(passes)
    for output in filter(None, (html,)):
        resolve_output(output, follow_links=True)  # before the work
    title = os.path.basename(os.path.normpath(model))
    weight_data = read_file(weights) if weights else None
    with progress(f"checking {title}", as_json):
        data = source_bytes(model, signature)
        other = source_bytes(against, signature) if against else b""
    own = Candidate(data, folder_of(model), weight_data, num_threads)
    with progress(f"checking {title}", as_json), named(model):
        reference, details = reference_for(data, own, open_source, folder_of(model), weight_data)
        loaded = load(own.convert(optimize=False)[0])
        for folder in input_dirs:
            arrays = read_inputs(folder, reference.infos)
            feeds = {info.name: array for info, array in zip(reference.infos, arrays, strict=True) if array is not None}
            if missing := [info.name for info in reference.infos if info.name not in feeds]:
                raise click.UsageError(f"--input_dir={folder}: has no file for {', '.join(missing)}; the source's runtime needs it")
            reference.add(feeds)
        if not input_dirs:
            fixed = input_shapes(loaded, given)
            for seed in seeds or (0,):
                reference.add_generated(fixed, seed)
        candidate = own
        if against:
            is_same_kind = os.path.splitext(against)[1] == os.path.splitext(model)[1]  # another .prototxt, for the same weights
            candidate = Candidate(other, folder_of(against), weight_data if is_same_kind else None, num_threads)
        result = Checker(reference, candidate, options).check(title)
    written = []
    if reproducer and result.culprits:
        is_onnx = details["format"] == "onnx" and not candidate.is_converted
        written = write_reproducer(reproducer, result, result.culprits[0], candidate, is_onnx)
    if html:
        facts = {"model": model, "format": details["format"], **({"against": against} if against else {})}
        write_atomically(html, page(result, facts))
    if as_json:
        say(json.dumps({**values_of(result), "reproducer": written}))
    else:
        print_table(list(SHORT_HEADINGS), table_rows(result, verbose))
        say(f"{summary(result)} ({result.seconds:.1f} s)")
        for text in uncompared(result) if result.culprits else ():
            say(f"not judged: {text}")
        for culprit in result.culprits[1:]:
            say(f"also: {culprit.text}")
        for path in written:
            say(f"wrote {path}")
    if not result.agrees:
        sys.exit(1)
