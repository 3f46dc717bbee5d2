"""Judges MACE against the goldens of MACE_TEST_MODELS with that folder's check.py --strict, and prints one line per model.

  python tests/golden/run_goldens.py --through python|mace_run [--mace_run "qemu-aarch64-static build-arm64/mace_run"]

All models of ONNX, TensorFlow and TensorFlow Lite must pass in all their cases: as many as their model.json names. Without
MACE_TEST_MODELS it says so and ends with status 77, "skipped"; with it, a model that is missing is a failure. No other engine may
be importable from the interpreter that runs this (it checks).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# The generated networks whose goldens mace_run meets as well as Python.
GENERATED_PROBE = "onnx/generated/gru_stream"
# Cases that cannot be met, and why. They are judged and printed all the same.
UNREACHABLE = {
    "onnx/mobilenet_v1_0.25_128_int8_qoperator": "its golden was made with 16-bit sums that saturate; exact sums differ (docs/status.md)",
}
SKIPPED = 77  # what .ci/run counts as skipped
OTHER_ENGINES = ("onnxruntime", "ai_edge_litert", "tensorflow", "torch", "openvino", "ncnn", "MNN", "cv2")


def probes_of(root: Path) -> list[str]:
    """Every model folder of ONNX, TensorFlow and TensorFlow Lite, and one generated network. Collections of single operators are left
    out, but that of TensorFlow, which no other test reads."""
    found = []
    for form in ("onnx", "tensorflow", "tflite"):
        for description in sorted((root / form).glob("*/model.json")):
            name = f"{form}/{description.parent.name}"
            collection = json.loads(description.read_text()).get("collection") and form != "tensorflow"
            if name != "onnx/generated" and not collection:
                found.append(name)
    return [*found, GENERATED_PROBE]


def expected_cases(root: Path, probe: str, all_generated: bool) -> int:
    """How many cases the folder of a probe model holds: its report alone does not tell
    whether check.py judged all of them."""
    form, _, name = probe.partition("/")
    folder, _, network = name.partition("/")
    cases = json.loads((root / form / folder / "model.json").read_text())["cases"]
    return len(cases) if all_generated or not network else sum(case["name"] == network for case in cases)


def judge(rows: list[dict], probe: str, expected: int) -> list[dict]:
    """The failures of a probe model: cases that failed, and a row of its own where not exactly `expected` were judged."""
    failed = [row for row in rows if not row["ok"]]
    if expected == 0 or len(rows) != expected:
        failed.append({"case": probe, "ok": False, "text": f"{len(rows)} cases were judged, its model.json has {expected}"})
    return failed


def run_check(check: Path, only: str, arguments: argparse.Namespace, generated: Path, report: Path) -> None:
    command = [sys.executable, str(check), "run", "--strict", "--only", only, "--generated", str(generated), "--json", str(report)]
    if arguments.through == "python":
        command += ["--module", "mace"]
    else:
        convert = f"{Path(sys.executable).parent / 'mace'} convert {{files}} -o {{out}}/m.mace"
        run = f"{arguments.mace_run} --model_file {{out}}/m.mace --input_dir {{case}} --output_dir {{out}} --steps {{steps}}"
        command += ["--command", f"{convert} && {run}"]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # judged by its report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--through", choices=("python", "mace_run"), required=True)
    parser.add_argument("--mace_run", default="build/mace_run", help="the command that runs it")
    parser.add_argument("--generated", type=Path, required=True, help="folder of the networks that make_models.py wrote")
    parser.add_argument("--all_generated", action="store_true", help="judge all 19 generated networks, not only the probe")
    parser.add_argument("--only", metavar="TEXT", action="append", help="only models whose name holds this; may be repeated")
    parser.add_argument("--json", type=Path, help="write every case with its metrics")
    arguments = parser.parse_args()
    root = os.environ.get("MACE_TEST_MODELS")
    if not root:
        print("goldens skipped: MACE_TEST_MODELS is not set")
        return SKIPPED
    found = [name for name in OTHER_ENGINES if importlib.util.find_spec(name)]
    if found:
        print(f"goldens: run this where no other engine can be imported; found {found}")
        return 1
    failed, everything = [], []
    probes = [p for p in probes_of(Path(root)) if not arguments.only or any(text in p for text in arguments.only)]
    if not probes:
        print(f"goldens: no model of {root} is named like {arguments.only}")
        return 1
    for probe in probes:
        generated = probe.startswith("onnx/generated/")
        model = "onnx/generated" if generated else probe
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            run_check(Path(root) / "check.py", model, arguments, arguments.generated, report)
            rows = json.loads(report.read_text()) if report.exists() else []
        every = generated and arguments.all_generated
        rows = [row for row in rows if row["case"].startswith(f"{model}/") and (every or not generated or row["case"] == probe)]
        wrong = judge(rows, probe, expected_cases(Path(root), probe, every))
        reason = UNREACHABLE.get(probe) if wrong else None
        verdict = f"({reason})" if reason else ""
        word = "ok  " if not wrong else "miss" if reason and all(row["case"] != probe for row in wrong) else "FAIL"
        print(f"{word} {model if every else probe}: {sum(r['ok'] for r in rows)} of {len(rows)} cases {verdict}".rstrip(), flush=True)
        everything += rows
        if reason:  # that cases are missing is no less a failure
            wrong = [row for row in wrong if row["case"] == probe]
        failed += wrong
    for row in failed:
        print(f"  {row['case']}: {row['text']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1))
    print(f"{sum(r['ok'] for r in everything)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
