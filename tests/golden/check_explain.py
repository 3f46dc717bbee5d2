"""The float probe models run no reference kernel, and in the CNNs a layout Transpose stands only at the graph's edges.

  python tests/golden/check_explain.py --generated DIR
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import mace

# model, input shapes, is it a CNN
FLOAT_PROBES = [
    ("onnx/mobilenet_v1_0.25_128_float/mobilenet_v1_0.25_128_float.onnx", {"input": [1, 3, 128, 128]}, True),
    ("onnx/ppocrv4_det/ch_PP-OCRv4_det_infer.onnx", {"x": [1, 3, 352, 800]}, True),
    (
        "onnx/all_minilm_l6_v2_fp16w/all_minilm_l6_v2_fp16w.onnx",
        {name: [4, 8] for name in ("input_ids", "attention_mask", "token_type_ids")},
        False,
    ),
    ("gru_stream.onnx", {}, False),
]
# The files' own float parts: none. What is not an integer there is a defect.
INTEGER_PROBES = [
    "tflite/mobilenet_v1_0.25_128_quant/mobilenet_v1_0.25_128_quant.tflite",
    "tflite/keyword_scrambled/keyword_scrambled.tflite",
]


def inner_transposes(steps: list[dict]) -> list[str]:
    """Names of Transpose nodes with a computing step both before and after them."""
    moves = [any(node["op"] == "Transpose" for node in step["nodes"]) and len(step["nodes"]) == 1 for step in steps]
    first, last = moves.index(False), len(moves) - 1 - moves[::-1].index(False)
    return [node["name"] for step, move in zip(steps[first:last], moves[first:last], strict=True) if move for node in step["nodes"]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generated", type=Path, required=True)
    arguments = parser.parse_args()
    root = os.environ.get("MACE_TEST_MODELS")
    if not root:
        print("check_explain skipped: MACE_TEST_MODELS is not set")
        return 0
    wrong = 0
    for name, shapes, is_cnn in FLOAT_PROBES:
        path = Path(root) / name if "/" in name else arguments.generated / name
        model = mace.load(path)
        model.prepare(shapes)
        steps = model.explain()["steps"]
        reference = [node for step in steps if step["is_reference"] for node in step["nodes"]]
        inner = inner_transposes(steps) if is_cnn else []
        print(f"{path.stem}: {len(steps)} steps, {len(reference)} reference nodes, {len(inner)} inner Transposes")
        for node in reference:
            print(f"  reference: {node}")
        for node in inner:
            print(f"  Transpose: {node}")
        wrong += len(reference) + len(inner)
    for name in INTEGER_PROBES:
        model = mace.load(Path(root) / name)
        model.prepare({})
        floats = [n for step in model.explain()["steps"] for n in step["nodes"] if any("float" in d for d in n.get("dtypes", []))]
        print(f"{Path(name).stem}: {len(floats)} float nodes")
        wrong += len(floats)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
