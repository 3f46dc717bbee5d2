#!/bin/bash
# bench.sh BIN: MACE beside onnxruntime on the networks of tests/models or of $MODELS; the peer has a venv of its own.
set -euo pipefail
bin=$1
peers=build/peers_venv
[ -x $peers/bin/python ] || "$bin/python" -m venv $peers
$peers/bin/pip install -q --disable-pip-version-check onnx onnxruntime numpy
"$bin/python" bench/ratio.py ${MODELS:-$(ls build/small_models/*.onnx)} --mace_python "$bin/python" --peer_python $peers/bin/python ${BENCH_OPTIONS:-}
