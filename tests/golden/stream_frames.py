"""gru_stream as ten runs of one frame with kept state equals the one ten-frame run, through Python and through mace_run.

The one-frame network is written by make_models.py of MACE_TEST_MODELS with t=1: its weights depend on the names only.

  python tests/golden/stream_frames.py [--mace_run build/mace_run]
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import mace

FRAMES = 10


def write_networks(folder: Path) -> tuple[Path, Path, dict[str, np.ndarray]]:
    sys.path.insert(0, os.environ["MACE_TEST_MODELS"])
    import make_models
    import onnx

    paths = []
    for t in (FRAMES, 1):
        net = make_models.Net("gru_stream")
        make_models.rnn_stream(net, "GRU", t=t)
        paths.append(folder / f"gru_{t}.onnx")
        onnx.save(net.model(), paths[-1])
    return paths[0], paths[1], make_models.inputs_of(make_models.build("gru_stream")[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mace_run", default="build/mace_run")
    arguments = parser.parse_args()
    if not os.environ.get("MACE_TEST_MODELS"):
        print("stream_frames skipped: MACE_TEST_MODELS is not set")
        return 77  # what .ci/run counts as skipped
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole_path, frame_path, feeds = write_networks(folder)
        zeros = np.zeros_like(feeds["h0"])
        whole = mace.load(whole_path)({"input": feeds["input"], "h0": zeros})
        differences = {}
        for declared in (True, False):  # the pair declared, and found as fed back
            model = mace.load(frame_path, states=[("h1_out", "h0")] if declared else [])
            frames = [model({"input": feeds["input"][i : i + 1]}) for i in range(FRAMES)]
            prob = np.concatenate([frame["prob"] for frame in frames])
            differences[f"python, declared={declared}"] = max(
                np.abs(prob - whole["prob"]).max(), np.abs(frames[-1]["h1_out"] - whole["h1_out"]).max()
            )
            model.reset_state()
            again = model({"input": feeds["input"][:1]})["prob"]
            differences[f"python after reset, declared={declared}"] = np.abs(again - whole["prob"][:1]).max()
        data, _ = mace.convert(frame_path, [("h1_out", "h0")])
        (folder / "frame.mace").write_bytes(data)
        (folder / "in").mkdir()
        np.save(folder / "in" / "in_0.npy", feeds["input"][:, None])
        command = [*shlex.split(arguments.mace_run), "--model_file", str(folder / "frame.mace"), "--steps", str(FRAMES)]
        subprocess.run([*command, "--input_dir", str(folder / "in"), "--output_dir", str(folder / "out")], check=True)
        prob = np.load(folder / "out" / "out_0.npy").reshape(whole["prob"].shape)
        differences["mace_run"] = np.abs(prob - whole["prob"]).max()
    for through, difference in differences.items():
        print(f"{through}: largest difference {difference:.2e}")
    # One frame and ten frames may go through different row counts of the same kernels: equal up to float rounding.
    return 0 if all(d <= 1e-6 for d in differences.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
