#!/bin/bash
# make_peers.sh PYTHON DIR: environments of the bench, apart from the project's own: DIR/peers_venv with the engines that MACE is
# compared with, DIR/tensorflow_venv with what converts networks for LiteRT (1.5 GB). Made once; made again when this script changes.
set -uo pipefail
python=$1 dir=$2
status=0
[ "$dir/.ready" -nt "$0" ] && exit 0
mkdir -p "$dir"
install() {  # install VENV REQUIREMENT...: a peer that does not install is a column of "n/a", not the end
  local venv=$1
  shift
  "$venv/bin/pip" install -q --disable-pip-version-check "$@" && return
  echo "make_peers: $* cannot be installed; what needs it will be n/a" >&2
  status=1
}
for name in peers_venv tensorflow_venv; do
  [ -x "$dir/$name/bin/python" ] || "$python" -m venv "$dir/$name" || exit 1
done
echo "make_peers: installing the peers into $dir (once, some minutes)" >&2
install "$dir/peers_venv" "numpy>=1.26" "onnx>=1.15" "packaging" "matplotlib>=3.7"
install "$dir/peers_venv" "onnxruntime>=1.32"
# Without dependencies: openvino's only other one is a package that reports the use of tools, pnnx's is PyTorch, which it does not need.
install "$dir/peers_venv" --no-deps "openvino>=2026.4"
install "$dir/peers_venv" --no-deps "pnnx>=20261020"
install "$dir/peers_venv" "ncnn>=1.0.20261020"
install "$dir/peers_venv" "MNN>=3.6.1"
install "$dir/peers_venv" "ai-edge-litert>=2.3"
install "$dir/tensorflow_venv" "numpy>=1.26" "onnx>=1.15" "tensorflow-cpu>=2.21"
[ $status -eq 0 ] && touch "$dir/.ready"
exit 0
