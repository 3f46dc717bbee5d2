#!/bin/bash
# sanitize.sh address,undefined | thread [TEST...]: builds the unit tests (or those named) with that sanitizer and runs them.
set -euo pipefail
kind=$1
shift
export ASAN_OPTIONS=allocator_may_return_null=1 TSAN_OPTIONS=allocator_may_return_null=1  # tests ask for impossible sizes: they must get a Status
build=build-sanitize-${kind%%,*}
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
  -DMACE_SANITIZE="$kind" -DMACE_BUILD_TOOLS=OFF >/dev/null
cmake --build "$build" ${1:+--target "$@"} | tail -n 40
tests=$(printf '|%s' "$@")
ctest --test-dir "$build" --output-on-failure -j 2 ${1:+-R "^(${tests#|})\$"}
