#!/bin/bash
# Writes the small seeded models of tests/models to build/small_models, and converts each to .mace.
set -euo pipefail
out=build/small_models
[ -f $out/.ready ] && exit 0
mkdir -p $out
.venv/bin/python tests/models/make_small_models.py --out $out
for model in $out/*.onnx $out/*.tflite; do
  [ -f "$model" ] && .venv/bin/mace convert "$model" -o "${model%.*}.mace" >/dev/null
done
touch $out/.ready
