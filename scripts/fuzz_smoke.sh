#!/bin/bash
# fuzz_smoke.sh SECONDS: every libFuzzer target for that long, from the seeds in tests/fuzz/seeds.
set -euo pipefail
cmake -G Ninja -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=RelWithDebInfo -DMACE_BUILD_FUZZERS=ON \
  -DMACE_BUILD_TESTS=OFF -DMACE_BUILD_TOOLS=OFF >/dev/null
cmake --build build-fuzz --target mace_fuzzers >/dev/null
for target in build-fuzz/tests/fuzz/fuzz_*; do
  [ -x "$target" ] && [ -f "$target" ] || continue
  name=$(basename "$target")
  mkdir -p "build-fuzz/corpus/$name"
  seeds=()
  [ -d "tests/fuzz/seeds/$name" ] && seeds=("tests/fuzz/seeds/$name")
  "$target" -max_total_time="$1" -timeout=5 -rss_limit_mb=1024 -seed=1 -print_final_stats=1 "build-fuzz/corpus/$name" "${seeds[@]}" 2>&1 | tail -n 3
done
