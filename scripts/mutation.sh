#!/bin/bash
# mutation.sh COUNT: that many damaged models through parse, verify, optimise, write, load, plan and run in one process.
set -euo pipefail
scripts/make_small_models.sh
files=(build/small_models/*.onnx build/small_models/*.mace)
for file in build/small_models/*.tflite; do
  [ -f "$file" ] && files+=("$file")
done
if [ -n "${MACE_TEST_MODELS:-}" ]; then
  files+=("$MACE_TEST_MODELS"/tflite/keyword_scrambled/*.tflite "$MACE_TEST_MODELS"/tflite/mobilenet_v1_0.25_128_quant/*.tflite
    "$MACE_TEST_MODELS"/onnx/mobilenet_v1_0.25_128_int8_qdq/*.onnx)
fi
mkdir -p build/mutation_failures
build/tests/mutation/mutate_models --count "$1" --seed 1 --failures build/mutation_failures "${files[@]}"
