#!/bin/bash
# configure_sanitized.sh KIND BUILD: the one configuration that sanitize.sh and fuzz_smoke.sh share.
# Clang, because only it has libFuzzer, and because g++ 12 takes minutes for single kernels with sanitizers.
set -euo pipefail
fuzzers=OFF kind=$1
if [ "$kind" = address,undefined ]; then
  fuzzers=ON kind+=,fuzzer-no-link
fi
# --fresh: where the cache knows another compiler CMake starts anew and forgets every other -D, the sanitizer too.
cmake --fresh -G Ninja -S . -B "$2" -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_BUILD_TYPE=RelWithDebInfo \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="-O1 -g1" -DMACE_SANITIZE="$kind" -DMACE_BUILD_FUZZERS=$fuzzers -DMACE_BUILD_TOOLS=OFF \
  -DMACE_WITHOUT_ISAS="${WITHOUT_ISAS:-}" >/dev/null
grep -qx "MACE_SANITIZE:STRING=$kind" "$2/CMakeCache.txt" || { echo "$2 would be built without -fsanitize=$kind" >&2; exit 1; }
