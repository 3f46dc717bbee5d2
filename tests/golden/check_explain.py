"""The float probe models run no reference kernel, and in the CNNs a layout Transpose stands only at the graph's edges. Quantized
models run no reference kernel either, and nearly all their multiply-adds on integer kernels.

python tests/golden/check_explain.py --generated DIR
"""

from __future__ import annotations

import argparse
import json
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
# Integers from end to end: no value is a float.
INTEGER_PROBES = [
    "tflite/mobilenet_v1_0.25_128_quant/mobilenet_v1_0.25_128_quant.tflite",
    "tflite/keyword_scrambled/keyword_scrambled.tflite",
]
# Quantized models: at least so much of their multiply-adds on integer kernels, and no reference kernel at all.
LEAST_INTEGER_SHARE = 0.95
QUANTIZED = {
    "tflite/deeplabv3_mnv2_pascal_quant": {},
    "tflite/hello_world_int8": {"serving_default_dense_input:0": [1, 1]},
    "tflite/keras_lstm_mnist_ptq": {},
    "tflite/keyword_scrambled": {},
    "tflite/micro_speech": {},
    "tflite/mobilenet_v1_0.25_128_int8": {},
    "tflite/mobilenet_v1_0.25_128_quant": {},
    "tflite/mobilenet_v1_0.75_192_quant": {},
    "tflite/mobilenet_v2_inat_insect_quant": {},
    "tflite/posenet_mnv1_075_353x481": {},
    "tflite/split_concat": {},
    "tflite/tf2_mobilenet_v2_1.0_224_ptq": {},
    "tflite/traffic_ssd_lstm": {},
    "onnx/mobilenet_v1_0.25_128_int8_qdq": {"input": [1, 3, 128, 128]},
    "onnx/mobilenet_v1_0.25_128_int8_qoperator": {"input": [1, 3, 128, 128]},
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--generated", type=Path, required=True)
    arguments = parser.parse_args()
    root = os.environ.get("MACE_TEST_MODELS")
    if not root:
        print("check_explain skipped: MACE_TEST_MODELS is not set")
        return 77  # what .ci/run counts as skipped
    wrong = 0
    for name, shapes, is_cnn in FLOAT_PROBES:
        path = Path(root) / name if "/" in name else arguments.generated / name
        model = mace.load(path)
        model.prepare(shapes)
        explained = model.explain()
        steps = explained["steps"]
        reference = [node for step in steps if step["is_reference"] for node in step["nodes"]]
        inner = explained["plan"]["inner_transpose_steps"] if is_cnn else 0
        print(f"{path.stem}: {len(steps)} steps, {len(reference)} reference nodes, {inner} inner Transposes")
        for node in reference:
            print(f"  reference: {node}")
        wrong += len(reference) + inner
    for name in INTEGER_PROBES:
        model = mace.load(Path(root) / name)
        model.prepare({})
        nodes = [node for step in model.explain()["steps"] for node in step["nodes"]]
        floats = [node for node in nodes if any("float" in output["dtype"] for output in node["outputs"])]
        print(f"{Path(name).stem}: {len(floats)} float nodes")
        wrong += len(floats)
    for name, shapes in QUANTIZED.items():
        folder = Path(root) / name
        model = mace.load(folder / json.loads((folder / "model.json").read_text())["files"][0])
        model.prepare(shapes)
        plan = model.explain()["plan"]
        total, integer = plan["multiply_adds"], plan["integer_multiply_adds"]
        share = integer / total if total else 1.0
        print(f"{name}: {100 * share:.1f} % of {total} multiply-adds in integer rows, {plan['reference_steps']} reference steps")
        wrong += plan["reference_steps"] + (share < LEAST_INTEGER_SHARE)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
