#!/bin/bash
# arm64_smoke.sh [kernels | goldens]: cross-compiles for arm64 and runs the kernel tests, and the probe models' goldens, under
# qemu-user. The goldens without MACE_TEST_MODELS (CONTRIBUTING.md): status 77, skipped.
set -euo pipefail
part=${1:-all}
if [ "$part" = goldens ] && [ -z "${MACE_TEST_MODELS:-}" ]; then
  echo "arm64 goldens skipped: MACE_TEST_MODELS is not set"
  exit 77
fi
cmake -G Ninja -S . -B build-arm64 -DCMAKE_TOOLCHAIN_FILE=cmake/aarch64-linux-gnu.cmake -DMACE_BUILD_HOST=OFF >/dev/null
cmake --build build-arm64 --target mace_run mace_kernels_test mace_simd_test >/dev/null
[ "$part" = goldens ] || ctest --test-dir build-arm64 --output-on-failure -R '^(mace_kernels_test|mace_simd_test)$'
if [ "$part" != kernels ] && [ -n "${MACE_TEST_MODELS:-}" ]; then
  build/clean_venv/bin/python tests/golden/run_goldens.py --through mace_run --generated build/generated \
    --only mobilenet_v1_0.25 --only ppocrv4_det --only minilm --only keyword --only lstm_mnist --only gru_stream --only split_concat \
    --mace_run "qemu-aarch64-static -L /usr/aarch64-linux-gnu build-arm64/mace_run"
fi
