#!/bin/bash
# sanitize.sh address,undefined | thread [TEST...]: builds the unit tests (or those named) with that sanitizer and runs them.
# fuzz_smoke.sh takes its targets from the same build, so that CI compiles the library with sanitizers once.
# WITHOUT_ISAS="sse4;avxvnni" leaves out kernels of these instruction sets (CMake option MACE_WITHOUT_ISAS).
set -euo pipefail
cd "$(dirname "$0")/.."
kind=$1
shift
export ASAN_OPTIONS=allocator_may_return_null=1 TSAN_OPTIONS=allocator_may_return_null=1  # tests ask for impossible sizes: they must get a Status
build=build-sanitize-${kind%%,*}
scripts/configure_sanitized.sh "$kind" "$build"
cmake --build "$build" ${1:+--target "$@"} | tail -n 40
tests=$(printf '|%s' "$@")
ctest --test-dir "$build" --output-on-failure -j 2 ${1:+-R "^(${tests#|})\$"}
