"""The flags of tools/converter.py, as tables: those of the original's converter.py, those that articles on MACE show, and our own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

import click

from mace.deployment.schema import NO_EFFECT, NOT_BUILT_YET, WORKS, parse_abis
from mace.terminal import FileName

GPU = "Of the GPU."
DSP = "Of Qualcomm's accelerators."
APU = "Of MediaTek's accelerators."


class Flag(click.Option):
    """A flag and what MACE does with it. `reason` says why it is not built yet, or why it has no effect."""

    def __init__(self, *names: Any, status: str = WORKS, reason: str = "", **options: Any) -> None:
        super().__init__(*names, **options)
        self.status = status
        self.reason = reason

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The flag and its help, which says what MACE does not do."""
        names, text = super().get_help_record(ctx) or ("", "")
        text = re.sub(r"  \[-?[0-9]+<=x<=[0-9]+\]", "", text)  # the metavar says it
        notes = {NO_EFFECT: " (no effect)", NOT_BUILT_YET: " (not built yet)"}
        return names, text + notes.get(self.status, "")


class Switch(click.ParamType):
    """On or off, as --flag, --flag=true, 1, on, O1, O2, O3, or --flag=false, 0, off, O0."""

    name = "0|1"
    on = frozenset(("1", "true", "on", "yes", "o1", "o2", "o3"))
    off = frozenset(("0", "false", "off", "no", "o0", "none"))

    def convert(self, value: Any, param: Any, ctx: Any) -> bool:
        """Whether it is on."""
        if isinstance(value, bool):
            return value
        if value.lower() not in self.on | self.off:
            self.fail(f"{value!r}: expected 0 or 1 (also true, false, O0 to O3)", param, ctx)
        return value.lower() in self.on


class Kind(Switch):
    """Off, or anything else."""

    def convert(self, value: Any, param: Any, ctx: Any) -> bool:
        """Whether it is on."""
        return value if isinstance(value, bool) else value.lower() not in self.off


class Abis(click.ParamType):
    """ABIs with commas between them."""

    name = "ABI,ABI"

    def convert(self, value: Any, param: Any, ctx: Any) -> list[str]:
        """Their names."""
        try:
            return value if isinstance(value, list) else parse_abis(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Ratio(click.ParamType):
    """A share, 0 to 1."""

    name = "0..1"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """The number."""
        number = float(value) if re.fullmatch(r"[0-9]+(\.[0-9]*)?|\.[0-9]+", str(value)) else math.nan
        if not 0 <= number <= 1:
            self.fail(f"{value!r}: expected a number from 0 to 1", param, ctx)
        return number


def flag(*names: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """An entry of the tables below."""
    return names, options


def later(*names: str, reason: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """A flag that is an error."""
    return names, {"status": NOT_BUILT_YET, "reason": reason, **options}


def idle(*names: str, reason: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """A flag without effect."""
    return names, {"status": NO_EFFECT, "reason": reason, **options}


def number(least: int, most: int, **options: Any) -> dict[str, Any]:
    """Options of a flag with a number."""
    return {"type": click.IntRange(least, most), "metavar": f"{least}..{most}" if most < 1000 else "N", **options}


FORMAT = {"type": click.Choice(("file", "code")), "default": None}
SWITCH = {"is_flag": False, "flag_value": "1", "type": Switch()}

FILE_FLAGS = (
    flag("--config", "--config_file", "config", required=True, type=FileName(), metavar="FILE", help="The deployment file."),
    flag("--output", type=FileName(), metavar="DIR", default="build", show_default=True, help="Where <library_name>/ and downloads/ go."),
)  # fmt: skip
COMMON_FLAGS = (
    flag("--target_abis", type=Abis(), metavar="ABI,ABI", default=None, help="In place of the file's; host works."),
    idle("--target_socs", default=None, metavar="SOC,SOC", help="In place of the file's.", reason="the GPU is not tuned yet"),
    flag("--model_graph_format", **FORMAT, help="In place of the file's; file works."),
    flag("--model_data_format", **FORMAT, help="In place of the file's; file works."),
    flag("--devices_to_run", default="", metavar="NAME,NAME", help="Devices of --device_yml; host works."),
    idle("--debug_mode", is_flag=True, help="Keep symbols.", reason="mace_run is as it was built"),
    later("--address_sanitizer", is_flag=True, help="Build with AddressSanitizer.", reason="scripts/sanitize.sh builds and tests so"),
    later("--quantize_stat", is_flag=True, help="Log ranges of activations.", reason="ranges of activations are not logged"),
)  # fmt: skip
CONVERT_FLAGS = (
    flag("--optimize", **SWITCH, default="1", metavar="[0|1]", help="Run the graph passes.  [default: 1]"),
    flag("--no_optimize", is_flag=True, help="The same as --optimize=0."),
    later("--quantize", is_flag=False, flag_value="1", type=Kind(), default="0", metavar="[TYPE]", help="Make an integer model.",
          reason="MACE makes no integer models; quantize before (ONNX QDQ, TensorFlow Lite)"),
    later("--quantize_algorithm", default=None, metavar="NAME", help="How --quantize finds ranges.",
          reason="MACE makes no integer models; quantize before (ONNX QDQ, TensorFlow Lite)"),
    later("--enable_micro", is_flag=True, help="Also make a package for microcontrollers.", reason="MACE Micro is not there"),
)  # fmt: skip
RUN_FLAGS = (
    flag("--round", **number(1, 2**30 - 1), default=1, help="Timed runs.  [default: 1]"),
    flag("--restart_round", **number(1, 2**30 - 1), default=1, help="Load, run and release so often.  [default: 1]"),
    flag("--num_threads", **number(-1, 256), default=-1, help="-1, 0: one per core.  [default: -1]"),
    flag("--cpu_affinity_policy", **number(0, 4), default=None, help="0 none, 1 big cores, 2 little, 3 fastest, 4 slowest."),
    flag("--validate", is_flag=True, help="Compare with the source; status 1 below the threshold."),
    flag("--layers", default="-1", metavar="START:END", help="Compare these layers, each in a model of its own.  [default: -1, none]"),
    flag("--benchmark", is_flag=True, help="Measure every operator."),
    flag("--input_dir", default="", metavar="DIR", help="Run on its files, named <input name>*."),
    flag("--output_dir", default="", metavar="DIR", help="Where their results go."),
    flag("--report", is_flag=True, help="Append the times to report.csv."),
    flag("--report_dir", default="", metavar="DIR", help="Its folder.  [default: the library's]"),
    flag("--runtime_failure_ratio", type=Ratio(), default="0", metavar="0..1", help="Let this share of allocations fail."),
    flag("--vlog_level", **number(0, 5), default=0, help="1 and more: also messages of level INFO.  [default: 0]"),
    flag("--device_yml", default="", metavar="FILE", help="Devices.  [default: devices.yml, if there]"),
    flag("--fake_warmup", is_flag=True, help="Plan and pack before the first run."),
    idle("--mace_lib_type", type=click.Choice(("static", "dynamic")), default="static", help="Of mace_run.",
         reason="mace_run is as it was built"),
    idle("--gpu_perf_hint", **number(0, 3), default=3, help=GPU, reason="there is no GPU runtime yet"),
    idle("--gpu_priority_hint", **number(0, 3), default=3, help=GPU, reason="there is no GPU runtime yet"),
    idle("--gpu_out_of_range_check", is_flag=True, help=GPU, reason="there is no GPU runtime yet"),
    idle("--disable_tuning", is_flag=True, help=GPU, reason="there is no GPU runtime yet"),
    idle("--opencl_cache_reuse_policy", **number(0, 2), default=1, help=GPU, reason="there is no GPU runtime yet"),
    idle("--cl_binary_to_code", is_flag=True, help=GPU, reason="there is no GPU runtime yet"),
    idle("--accelerator_cache_policy", **number(0, 3), default=0, help=DSP, reason="there are no accelerator runtimes yet"),
    idle("--accelerator_binary_file", default="", metavar="FILE", help=DSP, reason="there are no accelerator runtimes yet"),
    idle("--accelerator_storage_file", default="", metavar="FILE", help=DSP, reason="there are no accelerator runtimes yet"),
    idle("--apu_boost_hint", **number(0, 100), default=100, help=APU, reason="there are no accelerator runtimes yet"),
    idle("--apu_preference_hint", **number(0, 2), default=1, help=APU, reason="there are no accelerator runtimes yet"),
    idle("--use_system_libhexagon_nn", is_flag=True, help=DSP, reason="there are no accelerator runtimes yet"),
    idle("--caffe_env", type=click.Choice(("docker", "local")), default="docker", help="Where Caffe runs.",
         reason="Caffe is not the reference"),
)  # fmt: skip
JSON_FLAGS = (flag("--json", "as_json", is_flag=True, help="Print a report as JSON."),)


def with_flags(*tables: Sequence[tuple[tuple[str, ...], dict[str, Any]]]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the flags of these tables."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for names, options in reversed([entry for table in tables for entry in table]):
            function = click.option(*names, cls=Flag, **options)(function)
        return function

    return decorate
