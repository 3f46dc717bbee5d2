"""run and benchmark: feeds a converted model to mace_run, prints its times, and compares its outputs with the source's."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import mace
from mace.arrays import read_npy
from mace.deployment.accuracy import load_validator, measure_accuracy
from mace.deployment.compare import Comparison, compare
from mace.deployment.convert import Bound, Converted, LayerConverter, SourceBytes, check_same, convert_checks, convert_model, read_source
from mace.deployment.feeds import Data, save_arrays, to_source
from mace.deployment.files import Files
from mace.deployment.layers import compare_layers
from mace.deployment.load import Deployment, ModelSpec, Source, threshold_of
from mace.deployment.problems import DeploymentError
from mace.deployment.program import find_program, run_program
from mace.deployment.reference import OnnxReference, Reference, TfliteReference
from mace.deployment.report import append_report
from mace.errors import FailedPreconditionError, NotFoundError
from mace.files import locked_folder, write_all_atomically, write_atomically
from mace.terminal import progress, warn


@dataclass
class RunOptions:
    """What the command line asks for. `flags` go to mace_run as they are, `environment` is its environment beside ours."""

    output: str
    checkout: str
    flags: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    validate: bool = False
    layers: str = ""
    benchmark: bool = False
    input_dir: str = ""
    output_dir: str = ""
    report: bool = False
    report_dir: str = ""
    quiet: bool = False
    num_threads: int = 1


@dataclass
class Result:
    """What a run of one model found. `failures` are the reasons why the program ends with status 1."""

    model: str
    times: dict[str, float]
    report: dict[str, Any]
    tables: str = ""
    comparisons: list[Comparison] = field(default_factory=list)
    threshold: float | None = None
    layers: list[Comparison] = field(default_factory=list)
    layers_file: str = ""
    accuracy: Any = None
    failures: list[str] = field(default_factory=list)

    def values(self) -> dict[str, Any]:
        """For JSON."""
        result: dict[str, Any] = {"model": self.model, **self.times, "mace_run": self.report, "failures": self.failures}
        if self.threshold is not None:
            result |= {"validation": [each.values() for each in self.comparisons], "threshold": self.threshold}
        if self.layers_file:
            result |= {"layers": [each.values() for each in self.layers], "log": self.layers_file}
        if self.accuracy is not None:
            plain = isinstance(self.accuracy, (int, str)) or (isinstance(self.accuracy, float) and math.isfinite(self.accuracy))
            result["accuracy"] = self.accuracy if plain else str(self.accuracy)
        return result


def model_file(output: str, library_name: str, model: str) -> str:
    """Where convert writes a model and run finds it."""
    return os.path.join(output, library_name, "model", f"{model}.mace")


def reference_of(spec: ModelSpec, data: bytes) -> Reference:
    """The source model behind another engine."""
    inputs = [tensor.name for tensor in spec.inputs]
    if spec.keys.platform == "tflite":
        return TfliteReference(data, inputs)
    if spec.keys.platform == "caffe":
        raise FailedPreconditionError(
            f"{spec.name}: no reference for Caffe models here; give validation_outputs_data (mace check compares with OpenCV)"
        )
    graphs = [([t.name for t in graph.inputs], [t.name for t in graph.outputs]) for graph in spec.subgraphs]
    return OnnxReference(data, inputs, graphs, spec.joins)


class Runner:
    """Runs one model of a deployment."""

    def __init__(self, deployment: Deployment, spec: ModelSpec, files: Files, options: RunOptions) -> None:
        self._deployment, self._spec, self._files, self._options = deployment, spec, files, options
        self._data = Data(deployment, files)
        self._program = find_program(options.checkout)
        library = deployment.keys.library_name
        self._path = model_file(options.output, library, spec.name)
        self._scratch = os.path.join(options.output, library, "_tmp", spec.name)

    def run(self) -> Result:
        """All that the options ask for. Other runs of the same model wait: they use the same files."""

        def waiting() -> None:
            warn(f"{self._spec.name}: another run uses {self._scratch}; waiting for its end")

        with locked_folder(self._scratch, waiting):
            return self._run()

    def _run(self) -> Result:
        if not os.path.exists(self._path):
            raise NotFoundError(f"{self._path}: no such file; run `converter.py convert --config={self._deployment.file}` first")
        model = mace.load(self._path, num_threads=max(0, self._options.num_threads))
        check_same(self._deployment, self._spec, self._path, model)
        if self._options.input_dir:
            return self._run_folder()
        arrays = self._data.feeds(self._spec, model.inputs)
        tables = self._options.benchmark and not self._options.quiet
        outputs, result = self._run_program(self._path, arrays, "", self._options.flags, tables=tables)
        if self._options.validate:
            self._validate(result, model, arrays, outputs)
            self._measure_accuracy(result, model)
        if self._options.layers:
            self._compare_layers(result, arrays)
        self._write_report(result)
        return result

    def _run_program(
        self, path: str, arrays: list[np.ndarray], folder: str, flags: Sequence[str], quiet: bool = False, tables: bool = False
    ) -> tuple[list[np.ndarray], Result]:
        inputs, outputs = (os.path.join(self._scratch, folder, each) for each in ("inputs", "outputs"))
        save_arrays(inputs, "in", arrays)
        save_arrays(outputs, "out", [])
        arguments = [f"--model_file={path}", f"--input_dir={inputs}", f"--output_dir={outputs}", f"--model_name={self._spec.name}", *flags]
        outcome = run_program(
            self._program, arguments, log=os.path.join(self._scratch, folder, "mace_run.log"), title=f"running {self._spec.name}",
            environment=self._options.environment, quiet=quiet or self._options.quiet, tables=tables,
        )  # fmt: skip
        count = len([name for name in os.listdir(outputs) if name.startswith("out_")])
        results = [read_npy(os.path.join(outputs, f"out_{i}.npy")) for i in range(count)]
        return results, Result(self._spec.name, _times(outcome.report), outcome.report, outcome.text if tables else "")

    def _run_folder(self) -> Result:
        """--input_dir: mace_run finds the files that are named after the inputs."""
        arguments = [
            f"--model_file={self._path}",
            f"--input_dir={self._options.input_dir}",
            f"--model_name={self._spec.name}",
            *self._options.flags,
        ]
        arguments += ["--input_data_format=NONE", "--output_data_format=NONE"]  # the model has the file's layouts
        if self._options.output_dir:
            arguments.append(f"--output_dir={self._options.output_dir}")
        outcome = run_program(
            self._program, arguments, log=os.path.join(self._scratch, "mace_run.log"), title=f"running {self._spec.name}",
            environment=self._options.environment, quiet=self._options.quiet,
        )  # fmt: skip
        result = Result(self._spec.name, _times(outcome.report), outcome.report)
        self._write_report(result)
        return result

    def _source(self) -> SourceBytes:
        return read_source(self._files, self._spec)

    def _validate(self, result: Result, model: mace.Model, arrays: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        result.threshold = threshold_of(self._spec)
        names = [info.name for info in model.outputs]
        if self._spec.checks:
            converted = convert_checks(self._deployment, self._spec, self._source())
            outputs, expected = self._run_and_expect(converted, arrays, "check")
            names = [tensor.name for tensor in self._spec.checks]
        elif not (expected := self._data.expected(self._spec, model.outputs)):
            converted = convert_model(self._deployment, self._spec, self._source())
            expected = self._expected(converted, arrays)
        result.comparisons = [compare(*each) for each in zip(names, expected, outputs, strict=True)]
        for each in result.comparisons:
            if not each.similarity >= result.threshold:
                text = f"{self._spec.name}: {each.name}: similarity {each.similarity:.6f} is below the threshold {result.threshold:g}"
                result.failures.append(text)

    def _expected(self, converted: Converted, arrays: list[np.ndarray]) -> list[np.ndarray]:
        reference = reference_of(self._spec, self._source().data)
        with progress(f"running the source of {self._spec.name}", self._options.quiet):
            values = reference.run(to_source(arrays, converted.inputs), [bound.tensor.name for bound in converted.outputs])
        return [bound.from_source(values[bound.tensor.name]) for bound in converted.outputs]

    def _run_and_expect(self, converted: Converted, arrays: list[np.ndarray], folder: str) -> tuple[list[np.ndarray], list[np.ndarray]]:
        path = os.path.join(self._scratch, folder, f"{self._spec.name}.mace")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_atomically(path, converted.data)
        outputs, _ = self._run_program(path, arrays, folder, ())
        return outputs, self._expected(converted, arrays)

    def _measure_accuracy(self, result: Result, model: mace.Model) -> None:
        script = next((graph.keys.accuracy_validation_script for graph in self._spec.subgraphs), None)
        if not script:
            return
        own = any(keys.accuracy_validation_script for keys in self._spec.keys.subgraphs.values())
        path = self._spec.subgraphs[0].path if own else self._spec.path
        validator = load_validator(self._deployment, Source(script, "", (*path, "accuracy_validation_script")), self._files)
        result.accuracy = measure_accuracy(validator, model, self._options.quiet)

    def _compare_layers(self, result: Result, arrays: list[np.ndarray]) -> None:
        source = self._source()
        converter = LayerConverter(self._deployment, self._spec, source)
        feeds = to_source(arrays, converter.inputs)

        def run(path: str) -> list[np.ndarray]:
            wanted = {bound.tensor.name: array for bound, array in zip(converter.inputs, arrays, strict=True)}
            return self._run_program(path, list(wanted.values()), "layers", (), quiet=True)[0]

        result.layers, result.layers_file, failures = compare_layers(
            reference_of(self._spec, source.data), converter, feeds, self._options.layers, os.path.join(self._scratch, "layers"), run,
            quiet=self._options.quiet,
        )  # fmt: skip
        least = threshold_of(self._spec)
        result.failures += failures
        result.failures += [
            f"{self._spec.name}: layer {each.name}: similarity {each.similarity:.6f} is below the threshold {least:g}"
            for each in result.layers
            if not each.similarity >= least
        ]

    def _write_report(self, result: Result) -> None:
        if not self._options.report:
            return
        folder = self._options.report_dir or os.path.join(self._options.output, self._deployment.keys.library_name)
        times = [f"{result.times[key]:.3f}" if key in result.times else "" for key in ("init_ms", "warmup_ms", "run_avg_ms")]
        append_report(os.path.join(folder, "report.csv"), [[self._spec.name, "host", "", "host", "cpu", *times, "False"]])


def _times(report: Mapping[str, Any]) -> dict[str, float]:
    """mace_run's times under the report's names."""
    names = {"init_ms": "load_ms", "warmup_ms": "first_ms", "run_avg_ms": "average_ms"}
    return {ours: float(report[theirs]) for ours, theirs in names.items() if isinstance(report.get(theirs), (int, float))}


@dataclass
class Output:
    """A converted model that is not written yet."""

    path: str
    converted: Converted
    summary: dict[str, Any]


def write_models(outputs: Sequence[Output]) -> None:
    """Writes all files, or none."""
    for each in outputs:
        os.makedirs(os.path.dirname(each.path), exist_ok=True)
    write_all_atomically([(each.path, each.converted.data) for each in outputs])


def convert_one(deployment: Deployment, spec: ModelSpec, files: Files, output: str, optimize: bool, quiet: bool) -> Output:
    """Converts one model; nothing is written, so that of several models all are, or none."""
    path = model_file(output, deployment.keys.library_name, spec.name)
    source = read_source(files, spec)
    with progress(f"converting {spec.name}", quiet):
        converted = convert_model(deployment, spec, source, optimize=optimize)
    if os.path.exists(path) and os.path.samefile(path, source.path):
        raise DeploymentError([deployment.problem(spec.source.path, f"{path} is the source itself, which would be lost")])

    def described(bounds: Sequence[Bound]) -> list[dict[str, Any]]:
        return [{"name": each.name, "dtype": each.dtype, "shape": list(each.tensor.shape if each.order else each.shape)} for each in bounds]

    summary = {
        "model": spec.name, "file": path, "bytes": len(converted.data), "inputs": described(converted.inputs),
        "outputs": described(converted.outputs), "operators": converted.details["operators"], "warnings": converted.warnings,
    }  # fmt: skip
    return Output(path, converted, summary)
