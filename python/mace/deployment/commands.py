"""The commands of tools/converter.py: convert, run, benchmark, check."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from mace.deployment.check import check_file
from mace.deployment.devices import check_devices
from mace.deployment.documents import markdown_table
from mace.deployment.files import Files
from mace.deployment.flags import COMMON_FLAGS, CONVERT_FLAGS, FILE_FLAGS, JSON_FLAGS, RUN_FLAGS, Abis, Flag, with_flags
from mace.deployment.layers import OFF, parse_layers
from mace.deployment.load import Deployment, load_deployment
from mace.deployment.problems import DeploymentError, NotBuiltYetError
from mace.deployment.report import package
from mace.deployment.run import Result, Runner, RunOptions, convert_one, write_models
from mace.deployment.schema import NO_EFFECT, NOT_BUILT_YET
from mace.deployment.support import abi_warnings, deployment_lacks, model_lacks, model_warnings, refuse_flags
from mace.errors import MaceError
from mace.terminal import FileName, Group, print_table, run_program, say, warn

PROGRAM = "converter.py"
MARKDOWN_HEADINGS = ("file", "platform", "runtime", "parses", "converts", "what stands in the way")


class ConverterGroup(Group):
    """Deployment files that are wrong, or ask for what is not built yet, end the program with status 2: one line each problem."""

    checkout = ""  # the folder that holds tools/ and build/, where there is one

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command."""
        try:
            return click.Group.invoke(self, ctx)
        except DeploymentError as error:
            for problem in error.problems:
                say(f"{PROGRAM}: {problem}", err=True)
            sys.exit(2)
        except MaceError as error:
            say(f"{PROGRAM}: {error}", err=True)
        except MemoryError as error:
            say(f"{PROGRAM}: out of memory{f': {error}' if str(error) else ''}", err=True)
        sys.exit(1)


@click.group(cls=ConverterGroup, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Converts and runs the models of a deployment file.

    \b
    converter.py convert --config=net.yml          make the .mace files
    converter.py run --config=net.yml --validate   run, compare with the source
    converter.py benchmark --config=net.yml        time every operator
    converter.py check *.yml                       which files can be converted

    \b
    Exit status: 0 on success; 1 where the work failed or --validate found too
    little similarity; 2 where the command line or the deployment file is wrong,
    or asks for what is not built yet.
    """


def _look_at_flags(ctx: click.Context) -> None:
    """Refuses given flags that are not built yet; says which have no effect."""
    given = click.core.ParameterSource.COMMANDLINE
    refused = []
    for flag in ctx.command.params:
        if not isinstance(flag, Flag) or flag.name is None or ctx.get_parameter_source(flag.name) != given:
            continue
        if flag.status == NOT_BUILT_YET and ctx.params[flag.name] is not False:
            refused.append((flag.opts[0], flag.reason))
        elif flag.status == NO_EFFECT:
            warn(f"{flag.opts[0]} has no effect: {flag.reason}")
    refuse_flags(refused)


def _load(config: str, values: dict[str, Any]) -> Deployment:
    """The deployment, where nothing in it stands in the way."""
    deployment = load_deployment(config)
    abis = values["target_abis"] or deployment.keys.target_abis
    formats = [values[key] or getattr(deployment.keys, key) or "file" for key in ("model_graph_format", "model_data_format")]
    problems = deployment_lacks(deployment, abis, *formats)
    for spec in deployment.models:
        problems += model_lacks(deployment, spec)
    if problems:
        raise NotBuiltYetError(problems)
    for warning in abi_warnings(abis):
        warn(warning)
    for spec in deployment.models:
        for warning in model_warnings(spec):
            warn(warning)
    return deployment


@cli.command(epilog="Example: converter.py convert --config_file=net.yml --target_abis=host")
@with_flags(FILE_FLAGS, CONVERT_FLAGS, COMMON_FLAGS, JSON_FLAGS)
@click.pass_context
def convert(ctx: click.Context, config: str, output: str, as_json: bool, **values: Any) -> None:
    """Makes DIR/<library_name>/model/<model>.mace of every model."""
    _look_at_flags(ctx)
    check_devices(values["devices_to_run"], "")
    deployment = _load(config, values)
    files = Files(deployment, os.path.join(output, "downloads"))
    optimize = values["optimize"] and not values["no_optimize"]
    outputs = [convert_one(deployment, spec, files, output, optimize, as_json) for spec in deployment.models]
    write_models(outputs)
    for each in outputs:
        for warning in each.summary["warnings"]:
            warn(f"{each.summary['model']}: {warning}")
    summaries = [each.summary for each in outputs]
    if as_json:
        say(json.dumps({"library_name": deployment.keys.library_name, "models": summaries}))
        return
    for each in summaries:
        say(f"{each['file']}: {each['bytes']} bytes, {sum(each['operators'].values())} nodes")
        for kind in ("inputs", "outputs"):
            for tensor in each[kind]:
                say(f"  {kind[:-1]} {tensor['name']}: {tensor['dtype']}{tensor['shape']}")


@cli.command(epilog="Example: converter.py run --config=net.yml --round=20 --validate --report")
@with_flags(FILE_FLAGS, RUN_FLAGS, COMMON_FLAGS, JSON_FLAGS)
@click.pass_context
def run(ctx: click.Context, **values: Any) -> None:
    """Runs the converted models with mace_run and packs the library."""
    _run(ctx, values)


@cli.command(epilog="Example: converter.py benchmark --config=net.yml --round=20 --num_threads=1")
@with_flags(FILE_FLAGS, RUN_FLAGS, COMMON_FLAGS, JSON_FLAGS)
@click.pass_context
def benchmark(ctx: click.Context, **values: Any) -> None:
    """The same as run --benchmark: also times every operator."""
    _run(ctx, {**values, "benchmark": True})


def _run(ctx: click.Context, values: dict[str, Any]) -> None:
    _look_at_flags(ctx)
    layers = values["layers"] if values["layers"] != OFF else ""
    if layers:
        parse_layers(layers)
    if values["input_dir"] and (values["validate"] or layers):
        raise click.UsageError("--input_dir: --validate and --layers compare one set of inputs, which validation_inputs_data names")
    if values["output_dir"] and not values["input_dir"]:
        raise click.UsageError("--output_dir needs --input_dir; the outputs of a run are in DIR/<library_name>/_tmp/<model>/outputs")
    check_devices(values["devices_to_run"], values["device_yml"])
    output, as_json = values["output"], values["as_json"]
    deployment = _load(values["config"], values)
    options = RunOptions(
        output, cli.checkout, _program_flags(values), {"MACE_CPP_MIN_LOG_LEVEL": "INFO"} if values["vlog_level"] else {},
        values["validate"], layers, values["benchmark"], values["input_dir"], values["output_dir"],
        values["report"] or bool(values["report_dir"]), values["report_dir"], as_json, values["num_threads"],
    )  # fmt: skip
    files = Files(deployment, os.path.join(output, "downloads"))
    results = [Runner(deployment, spec, files, options).run() for spec in deployment.models]
    library = deployment.keys.library_name
    packed = package(os.path.join(output, library), library)
    if as_json:
        say(json.dumps({"library_name": library, "package": packed, "models": [result.values() for result in results]}))
    else:
        _print(results, packed)
    failures = [failure for result in results for failure in result.failures]
    for failure in failures:
        say(f"{PROGRAM}: {failure}", err=True)
    if failures:
        sys.exit(1)


def _program_flags(values: dict[str, Any]) -> list[str]:
    """mace_run's flags."""
    defaults = {"round": 1, "restart_round": 1, "cpu_affinity_policy": None, "runtime_failure_ratio": 0.0}
    flags = [f"--num_threads={values['num_threads']}"]
    flags += [f"--{name}={values[name]}" for name, default in defaults.items() if values[name] != default]
    return flags + [f"--{name}" for name in ("benchmark", "fake_warmup") if values[name]]


def _print(results: Sequence[Result], packed: str) -> None:
    def ms(result: Result, key: str) -> str:
        return f"{result.times[key]:.3f}" if key in result.times else "n/a"

    for each in results:
        for line in each.tables.splitlines():
            say(line)
    print_table(
        ["model", "runtime", "init ms", "first run ms", "average ms"],
        [[each.model, "cpu", ms(each, "init_ms"), ms(each, "warmup_ms"), ms(each, "run_avg_ms")] for each in results],
    )
    headings = ["output", "similarity", "SQNR", "pixel accuracy"]
    for each in results:
        for title, found in ((f"{each.model}: threshold {each.threshold:g}" if each.threshold else "", each.comparisons),
                             (f"{each.model}: layers, {each.layers_file}", each.layers)):  # fmt: skip
            if found:
                say(title)
                print_table(headings, [[c.name, f"{c.similarity:.6f}", f"{c.sqnr:.4g}", f"{c.pixel_accuracy:.4f}"] for c in found])
        if each.accuracy is not None:
            say(f"{each.model}: accuracy {each.accuracy}")
    say(f"package: {packed}")


@cli.command(epilog="Example: converter.py check --target_abis=host zoo/*.yml")
@click.argument("files", nargs=-1, required=True, type=FileName())
@click.option("--target_abis", cls=Flag, type=Abis(), metavar="ABI,ABI", default=None, help="In place of the files'; host works.")
@click.option("--json", "as_json", cls=Flag, is_flag=True, help="Print as JSON.")
@click.option("--markdown", cls=Flag, is_flag=True, help="Print as a table of Markdown.")
def check(files: Sequence[str], target_abis: list[str] | None, as_json: bool, markdown: bool) -> None:
    """Says of deployment FILES whether they can be converted; downloads
    nothing. Exit status 2 where a file is wrong."""
    rows = [row for file in files for row in check_file(file, target_abis)]
    if as_json:
        say(json.dumps([row.values() for row in rows]))
    elif markdown:
        for line in markdown_table(MARKDOWN_HEADINGS, [row.markdown() for row in rows]).splitlines():
            say(line)
    else:
        print_table(["file", "model", "platform", "runtime", "verdict"], [row.cells() for row in rows])
        for kind in sorted({row.kind for row in rows}):
            say(f"{kind}: {sum(row.kind == kind for row in rows)}")
    if any(row.kind == "error" for row in rows):
        sys.exit(2)


def main(checkout: str = "") -> None:
    """The program. `checkout` is the folder that holds tools/ and build/, "" where there is none."""
    ConverterGroup.checkout = checkout
    run_program(cli, PROGRAM)
