#!/bin/bash
# instruction_sets_smoke.sh [arm64 | x86_64]: the integer kernels' tests on emulated CPUs (qemu-user) that have an instruction set and on
# some that have not: each must run exactly the rows that its CPU has. arm64 needs build-arm64 (scripts/arm64_smoke.sh kernels), x86_64
# build/. qemu 7.2 knows no AVX-512 and no AVX-VNNI: those rows are tested wherever a CPU has them (docs/status.md says where).
set -euo pipefail
part=${1:-all}

check() {  # check TEST_PROGRAM "ROWS" EMULATOR...: runs the tests, fails unless exactly these rows ran and passed
  local program=$1 expected=$2 rows
  shift 2
  rows=$("$@" "$program" --gtest_filter='All/IntegerDepthwise.*:All/IntegerConv2d.*:KernelTable.*' |
    sed -nE 's/.*\[ +OK \] All\/IntegerConv2d\.NothingSaturates\/([a-z0-9]+) .*/\1/p' | tr '\n' ' ')
  echo "$* runs: $rows"
  if [ "$rows" != "$expected " ]; then
    echo "expected: $expected" >&2
    exit 1
  fi
}

if [ "$part" != x86_64 ]; then
  program=build-arm64/mace/kernels/mace_kernels_test
  emulator=(qemu-aarch64-static -L /usr/aarch64-linux-gnu -cpu)
  check $program "scalar neon" "${emulator[@]}" cortex-a53
  check $program "scalar neon dotprod" "${emulator[@]}" cortex-a76
  check $program "scalar neon dotprod i8mm sve" "${emulator[@]}" max
fi
if [ "$part" != arm64 ]; then
  program=build/mace/kernels/mace_kernels_test
  check $program "scalar sse4" qemu-x86_64-static -cpu Nehalem
  check $program "scalar sse4 avx2" qemu-x86_64-static -cpu Haswell
fi
