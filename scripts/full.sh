#!/bin/bash
# Everything too slow for CI: run by hand; write commit and date of a good run into docs/status.md.
set -euo pipefail
: "${MACE_TEST_MODELS:?set it to the folder of models and goldens}"
scripts/check_binaries.sh build
scripts/goldens.sh
scripts/arm64_smoke.sh
scripts/instruction_sets_smoke.sh
scripts/scalable_smoke.sh sve
scripts/scalable_smoke.sh rvv
scripts/sanitize.sh address,undefined
scripts/sanitize.sh thread mace_core_test mace_api_session_test
scripts/mutation.sh 20000
scripts/fuzz_smoke.sh 300
scripts/allocation_failures.sh full
scripts/make_peers.sh python3 build/bench
.venv/bin/python bench/ratio.py build/generated/{mobilenet_v1_1.0_224,mobilenet_v2_1.0_224,resnet50_224}.onnx --target 0.667 \
  --mace_python .venv/bin/python --peer_python build/bench/peers_venv/bin/python
