#!/bin/bash
# The probe models and the generated networks against their goldens, through Python and mace_run, in a virtual environment that holds
# nothing but the wheel and its dependencies (no other engine). Without MACE_TEST_MODELS (CONTRIBUTING.md): status 77, skipped.
set -euo pipefail
if [ -z "${MACE_TEST_MODELS:-}" ]; then
  echo "goldens skipped: MACE_TEST_MODELS is not set"
  exit 77
fi
clean=build/clean_venv
[ -x $clean/bin/python ] || python3 -m venv $clean
$clean/bin/pip install -q --disable-pip-version-check --force-reinstall --no-deps build/wheel/mace_engine-*.whl
$clean/bin/pip install -q --disable-pip-version-check "numpy>=1.23" "click>=8.1" "rich>=13"
[ -f build/generated/lstm_stream.onnx ] || .venv/bin/python "$MACE_TEST_MODELS/make_models.py" --out build/generated
for network in mobilenet_v1_random squeezenet_1.1_random; do  # Caffe models whose weights are not stored
  [ -f build/generated/$network.caffemodel ] ||
    .venv/bin/python "$MACE_TEST_MODELS/make_caffe.py" "$MACE_TEST_MODELS/caffe/$network/deploy.prototxt" build/generated/$network.caffemodel
done
$clean/bin/python tests/golden/run_goldens.py --through python --generated build/generated --all_generated
$clean/bin/python tests/golden/run_goldens.py --through mace_run --generated build/generated
.venv/bin/python tests/golden/stream_frames.py
.venv/bin/python tests/golden/check_explain.py --generated build/generated
