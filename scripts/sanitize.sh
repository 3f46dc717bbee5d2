#!/bin/bash
# sanitize.sh address,undefined | thread: builds the unit tests with that sanitizer and runs them (thread: the pool and the sessions).
set -euo pipefail
kind=$1
build=build-sanitize-${kind%%,*}
cmake -G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" \
  -DMACE_SANITIZE="$kind" -DMACE_BUILD_TOOLS=OFF >/dev/null
if [ "$kind" = thread ]; then
  cmake --build "$build" --target mace_core_test mace_api_test >/dev/null
  ctest --test-dir "$build" --output-on-failure -R '^(mace_core_test|mace_api_test)$'
else
  cmake --build "$build" >/dev/null
  ctest --test-dir "$build" --output-on-failure -j 2 -LE 'interpose|install'
fi
