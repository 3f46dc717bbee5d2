#!/bin/bash
# fuzz_smoke.sh SECONDS: every libFuzzer target for that long, from the small seed models.
set -euo pipefail
cmake -G Ninja -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMACE_BUILD_FUZZERS=ON \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DMACE_SANITIZE=address,undefined,fuzzer-no-link \
  -DMACE_BUILD_TESTS=OFF -DMACE_BUILD_TOOLS=OFF >/dev/null
targets=(fuzz_mace_loader fuzz_onnx_importer fuzz_tflite_importer)
cmake --build build-fuzz --target "${targets[@]}" >/dev/null
scripts/make_small_models.sh
for target in "${targets[@]}"; do
  corpus=build-fuzz/corpus/$target
  mkdir -p "$corpus"
  log=build-fuzz/$target.log status=0
  "build-fuzz/tests/fuzz/$target" -max_total_time="$1" -timeout=5 -rss_limit_mb=1024 -seed=1 -print_final_stats=1 \
    -artifact_prefix=build-fuzz/ "$corpus" build/small_models >"$log" 2>&1 || status=$?
  grep -E 'ERROR|SUMMARY|runtime error|number_of_executed_units|peak_rss_mb' "$log" || true
  [ $status -eq 0 ] || { echo "$target found a failure: see $log" >&2; exit 1; }
done
