#!/bin/bash
# The kernels for vectors of run-time length: SVE at two vector lengths, RVV at two, under qemu-user.
set -euo pipefail
qemu_sve="qemu-aarch64-static -L /usr/aarch64-linux-gnu"
cmake -G Ninja -S . -B build-arm64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake -DMACE_BUILD_HOST=OFF >/dev/null
cmake --build build-arm64 --target mace_kernels_test mace_simd_test >/dev/null
cmake -G Ninja -S . -B build-riscv64 -DCMAKE_TOOLCHAIN_FILE=cmake/riscv64-linux-gnu.cmake -DMACE_BUILD_HOST=OFF >/dev/null
cmake --build build-riscv64 --target mace_kernels_test mace_simd_test >/dev/null
filter='*Elementwise*:*Unary*:*Binary*:*Depthwise*'
for vector in max max,sve-default-vector-length=16; do
  $qemu_sve -cpu $vector "$(find build-arm64 -name mace_simd_test -type f)" | tail -n 1
  $qemu_sve -cpu $vector "$(find build-arm64 -name mace_kernels_test -type f)" --gtest_filter="$filter" | tail -n 1
done
for vlen in 128 256; do
  qemu="qemu-riscv64-static -cpu rv64,v=true,vlen=$vlen,vext_spec=v1.0"
  $qemu "$(find build-riscv64 -name mace_simd_test -type f)" | tail -n 1
  $qemu "$(find build-riscv64 -name mace_kernels_test -type f)" --gtest_filter="$filter" | tail -n 1
done
