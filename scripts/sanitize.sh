#!/bin/bash
# sanitize.sh address,undefined | thread: builds the unit tests with that sanitizer and runs them (thread: the pool and the sessions).
set -euo pipefail
kind=$1
export ASAN_OPTIONS=allocator_may_return_null=1  # tests ask for impossible sizes: they must get a Status
build=build-sanitize-${kind%%,*}
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
  -DMACE_SANITIZE="$kind" -DMACE_BUILD_TOOLS=OFF >/dev/null
if [ "$kind" = thread ]; then
  cmake --build "$build" --target mace_core_test mace_api_session_test | tail -n 40
  ctest --test-dir "$build" --output-on-failure -R '^(mace_core_test|mace_api_session_test)$'
else
  cmake --build "$build" | tail -n 40
  ctest --test-dir "$build" --output-on-failure -j 2
fi
