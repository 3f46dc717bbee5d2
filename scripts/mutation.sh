#!/bin/bash
# mutation.sh COUNT [SEED]: that many damaged models through parse, import, verify, optimise, write, load, plan and run in one
# process. Fails where one crashes, hangs or takes too much memory; build/mutation_failures then holds it.
set -euo pipefail
scripts/make_small_models.sh
files=(build/small_models/*.onnx build/small_models/*.tflite build/small_models/*.mace tests/data/*.mace)
# Small ones only: thousands of runs of a large network take hours and find no more.
if [ -n "${MACE_TEST_MODELS:-}" ]; then
  files+=("$MACE_TEST_MODELS"/tflite/{keyword_scrambled,hello_world_int8}/*.tflite)
fi
mkdir -p build/mutation_failures
build/tests/mutation/mutate_models --count "$1" --seed "${2:-1}" --failures build/mutation_failures "${files[@]}"
