"""Judges MACE against the goldens of MACE_TEST_MODELS with that folder's check.py --strict, and prints one line per model.

  python tests/golden/run_goldens.py --through python|mace_run [--mace_run "qemu-aarch64-static build-arm64/mace_run"]

The probe models must pass in all their cases. Without MACE_TEST_MODELS it says so and does nothing; with it, a model that is
missing is a failure. No other engine may be importable from the interpreter that runs this (it checks).
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

PROBES = [
    "onnx/mobilenet_v1_0.25_128_float",
    "onnx/ppocrv4_det",
    "onnx/all_minilm_l6_v2_fp16w",
    "onnx/generated/gru_stream",
    "onnx/mobilenet_v1_0.25_128_int8_qdq",
    "tflite/mobilenet_v1_0.25_128_quant",
    "tflite/keyword_scrambled",
]
OTHER_ENGINES = ("onnxruntime", "ai_edge_litert", "tensorflow", "torch", "openvino", "ncnn", "MNN", "cv2")


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
    parser.add_argument("--json", type=Path, help="write every case with its metrics")
    arguments = parser.parse_args()
    root = os.environ.get("MACE_TEST_MODELS")
    if not root:
        print("goldens skipped: MACE_TEST_MODELS is not set")
        return 0
    found = [name for name in OTHER_ENGINES if importlib.util.find_spec(name)]
    if found:
        print(f"goldens: run this where no other engine can be imported; found {found}")
        return 1
    failed, everything = [], []
    for model in dict.fromkeys("onnx/generated" if m.startswith("onnx/generated") else m for m in PROBES):
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.json"
            run_check(Path(root) / "check.py", model, arguments, arguments.generated, report)
            rows = json.loads(report.read_text()) if report.exists() else []
        prefix = tuple(f"{m}" for m in PROBES)
        rows = [r for r in rows if r["case"].startswith(prefix) or (arguments.all_generated and "/generated/" in r["case"])]
        everything += rows
        good = sum(r["ok"] for r in rows)
        print(f"{'ok  ' if rows and good == len(rows) else 'FAIL'} {model}: {good} of {len(rows)} cases", flush=True)
        failed += [r for r in rows if not r["ok"]] + ([] if rows else [{"case": model, "text": "no case was judged"}])
    for row in failed:
        print(f"  {row['case']}: {row['text']}")
    if arguments.json:
        arguments.json.write_text(json.dumps(everything, indent=1))
    print(f"{len(everything) - sum(not r['ok'] for r in everything)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
