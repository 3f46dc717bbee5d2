"""Runs ONNX's own backend test suite on MACE, and on onnxruntime beside it, and writes docs/onnx-conformance.md.

    .venv/bin/python tests/onnx/conformance.py                         # MACE and onnxruntime, the table on standard output
    .venv/bin/python tests/onnx/conformance.py --write docs/onnx-conformance.md
    .venv/bin/python tests/onnx/conformance.py --only 'softmax|reduce_' --backends mace --failures   # while working on operators

A test that is skipped has failed. Exit status 1 where MACE passes less than --least of the tests in scope, or no more than onnxruntime.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import re
import sys
import tempfile
import unittest
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

# Names that hold one of these words are out of scope: training, sequences, optional values, strings, pictures, 8- and 4-bit floats, the
# operators of ai.onnx.ml. The models of the kind "real" are downloaded, but for the "light" ones, which come with the package.
OUT_OF_SCOPE = (
    "adagrad", "adam", "momentum", "training", "gradient", "sequence", "optional", "string", "strnorm", "image_decoder", "tfidf", "regex",
    "label_encoder", "float8", "float4", "ai_onnx_ml",
)  # fmt: skip
BACKENDS = {"mace": "mace.onnx_backend", "onnxruntime": "onnxruntime.backend"}


@functools.cache
def light_models() -> set[str]:
    """Of the kind "real": those that the package itself holds."""
    from onnx.backend.test.loader import load_model_tests

    return {test.name for test in load_model_tests(kind="real") if test.url and "/light/" in test.url}


def is_in_scope(name: str, category: str) -> bool:
    lowered = name.lower().replace("reversesequence", "")
    if category == "OnnxBackendRealModelTest" and name not in light_models():
        return False
    return not any(word in lowered for word in OUT_OF_SCOPE)


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


class Verdicts(unittest.TestResult):
    """What became of each test: "passed", or why not, in one line."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        super().__init__()
        self.verdicts: dict[str, str] = {}
        self._progress = progress

    @staticmethod
    def key(test: unittest.TestCase) -> str:
        return test.id().rsplit(".", 1)[-1].removesuffix("_cpu")

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.verdicts[self.key(test)] = "passed"
        self._progress(self.key(test))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self.verdicts[self.key(test)] = f"skipped: {reason}"

    def _fail(self, test: unittest.TestCase, error) -> None:
        text = " ".join(str(error[1]).split())
        self.verdicts[self.key(test)] = f"{error[0].__name__}: {text[:300]}"

    addError = addFailure = _fail


def run(backend_name: str, only: re.Pattern | None, progress: Callable[[str], None]) -> dict[str, dict[str, str]]:
    """Verdicts by category and test name."""
    import onnx.backend.test

    backend = importlib.import_module(BACKENDS[backend_name])
    suite = onnx.backend.test.BackendTest(backend, __name__)
    results = {}
    for category, case in suite.test_cases.items():
        chosen = unittest.TestSuite()
        for test in flatten(unittest.defaultTestLoader.loadTestsFromTestCase(case)):
            name = Verdicts.key(test)
            if test.id().endswith("_cpu") and is_in_scope(name, category) and (only is None or only.search(name)):
                chosen.addTest(test)
        verdicts = Verdicts(progress)
        chosen.run(verdicts)
        if verdicts.verdicts:
            results[category.removeprefix("OnnxBackend").removesuffix("Test")] = verdicts.verdicts
    return results


def counts(results: dict[str, dict[str, str]]) -> tuple[int, int]:
    verdicts = [verdict for tests in results.values() for verdict in tests.values()]
    return sum(verdict == "passed" for verdict in verdicts), len(verdicts)


def document(all_results: dict[str, dict[str, dict[str, str]]], versions: dict[str, str]) -> str:
    names = list(all_results)
    lines = [
        "# ONNX conformance",
        "",
        f"ONNX's backend test suite ({versions['onnx']}; node, simple, PyTorch-converted, PyTorch-operator and light models), written by "
        "`tests/onnx/conformance.py --write docs/onnx-conformance.md`. A skipped test has failed. Out of scope are the tests whose names "
        f"hold one of these words: {', '.join(OUT_OF_SCOPE)} (reversesequence is in scope), and the models that are downloaded.",
        "",
        "| backend | passed | of | share |",
        "|---|---|---|---|",
    ]
    for name in names:
        passed, total = counts(all_results[name])
        lines.append(f"| {versions[name]} | {passed} | {total} | {100 * passed / max(total, 1):.2f} % |")
    for category in all_results[names[0]]:
        lines += ["", f"## {category}", "", f"| test | {' | '.join(names)} |", "|---|" + "---|" * len(names)]
        for test in all_results[names[0]][category]:
            cells = [all_results[name].get(category, {}).get(test, "not run") for name in names]
            cells = ["passed" if cell == "passed" else "**" + cell[:160].replace("|", "\\|").replace("*", "\\*") + "**" for cell in cells]
            lines.append(f"| {test} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=re.compile, help="a regular expression: only tests whose name it finds")
    parser.add_argument("--backends", nargs="+", choices=sorted(BACKENDS), default=["mace", "onnxruntime"])
    parser.add_argument("--write", type=Path, help="the document to write")
    parser.add_argument("--json", type=Path, help="write the verdicts as JSON")
    parser.add_argument("--failures", action="store_true", help="print each failed test of MACE with its reason")
    parser.add_argument("--least", type=float, default=0.95, help="the share that MACE has to pass (0.95)")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    import onnx

    versions = {"onnx": f"onnx {onnx.__version__}"}
    all_results = {}
    for name in arguments.backends:
        module = importlib.import_module(name)
        versions[name] = f"{name} {getattr(module, '__version__', '')}".strip()

        def progress(test: str, name: str = name) -> None:
            if sys.stderr.isatty():
                print(f"\r\033[K{name}: {test}", end="", file=sys.stderr, flush=True)

        all_results[name] = run(name, arguments.only, progress)
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        passed, total = counts(all_results[name])
        print(f"{versions[name]}: {passed} of {total} passed ({100 * passed / max(total, 1):.2f} %)")
    if arguments.failures:
        for category, tests in all_results.get("mace", {}).items():
            for test, verdict in tests.items():
                if verdict != "passed":
                    print(f"{category} {test}: {verdict}")
    if arguments.json:
        arguments.json.write_text(json.dumps(all_results, indent=1))
    if arguments.write:
        arguments.write.write_text(document(all_results, versions))
    if "mace" not in all_results:
        return 0
    passed, total = counts(all_results["mace"])
    is_ahead = "onnxruntime" not in all_results or passed > counts(all_results["onnxruntime"])[0]
    return 0 if total > 0 and passed >= arguments.least * total and is_ahead else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ONNX_HOME"] = folder  # where the suite puts the inputs of light models
        sys.exit(main())
