#!/bin/bash
# scalable_smoke.sh sve|rvv: the kernels for vectors of run-time length, at two vector lengths each, under qemu-user.
set -euo pipefail
filter='*Elementwise*Unary*:*Elementwise*Binary*:*Depthwise*'
case $1 in
  sve)
    cmake -G Ninja -S . -B build-arm64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake -DMACE_BUILD_HOST=OFF >/dev/null
    cmake --build build-arm64 --target mace_kernels_test mace_simd_test | tail -n 40
    for cpu in max max,sve-default-vector-length=16; do
      for program in mace_simd_test mace_kernels_test; do
        qemu-aarch64-static -L /usr/aarch64-linux-gnu -cpu $cpu build-arm64/mace/kernels/$program --gtest_filter="${filter}:*Simd*" | tail -n 1
      done
    done
    ;;
  rvv)
    cmake -G Ninja -S . -B build-riscv64 -DCMAKE_TOOLCHAIN_FILE=cmake/riscv64-linux-gnu.cmake -DMACE_BUILD_HOST=OFF >/dev/null
    cmake --build build-riscv64 --target mace_kernels_test mace_simd_test | tail -n 40
    for vlen in 128 256; do
      for program in mace_simd_test mace_kernels_test; do
        qemu-riscv64-static -cpu rv64,v=true,vlen=$vlen,vext_spec=v1.0 build-riscv64/mace/kernels/$program --gtest_filter="${filter}:*Simd*" | tail -n 1
      done
    done
    ;;
  *)
    echo "scalable_smoke.sh: expected sve or rvv" >&2
    exit 2
    ;;
esac
