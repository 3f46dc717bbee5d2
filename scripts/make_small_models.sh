#!/bin/bash
# Writes the small seeded models of tests/models to build/small_models, and converts each to .mace. Needs `make build`.
set -euo pipefail
out=build/small_models
writer=build/tests/models/write_tflite_models
[ $out/.ready -nt $writer ] && [ $out/.ready -nt tests/models/make_small_models.py ] && exit 0
mkdir -p $out
.venv/bin/python tests/models/make_small_models.py --out $out
$writer $out
for model in $out/*.onnx $out/*.tflite; do
  .venv/bin/mace convert "$model" -o "${model%.*}.mace" >/dev/null
done
touch $out/.ready
