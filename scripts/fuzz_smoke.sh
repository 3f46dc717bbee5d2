#!/bin/bash
# fuzz_smoke.sh SECONDS: every libFuzzer target for that long, from the small seed models.
set -euo pipefail
cd "$(dirname "$0")/.."
build=build-sanitize-address
scripts/configure_sanitized.sh address,undefined "$build"
targets=(fuzz_caffe_importer fuzz_mace_loader fuzz_onnx_importer fuzz_tensorflow_importer fuzz_tflite_importer)
cmake --build "$build" --target "${targets[@]}" >/dev/null
scripts/make_small_models.sh
for target in "${targets[@]}"; do
  corpus=$build/corpus/$target
  mkdir -p "$corpus"
  log=$build/$target.log status=0
  "$build/tests/fuzz/$target" -max_total_time="$1" -timeout=5 -rss_limit_mb=1024 -seed=1 -print_final_stats=1 \
    -artifact_prefix=$build/ "$corpus" build/small_models >"$log" 2>&1 || status=$?
  grep -E 'ERROR|SUMMARY|runtime error|number_of_executed_units|peak_rss_mb' "$log" || true
  [ $status -eq 0 ] || { echo "$target found a failure: see $log" >&2; exit 1; }
done
