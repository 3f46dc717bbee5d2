#!/bin/bash
# make_venv.sh PYTHON VENV: a virtual environment with what building, testing and the demo need from PyPI.
set -euo pipefail
python=$1 venv=$2
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/pip" install -q --disable-pip-version-check "scikit-build-core>=0.10" "nanobind>=2.2" \
  "numpy>=1.23" "click>=8.1" "rich>=13" "pyyaml>=6" "pydantic>=2" "jinja2>=3" "pillow>=10.1" "scipy>=1.9" \
  "pytest>=7" "hypothesis>=6" "onnx>=1.15" "onnxruntime>=1.17" "ai-edge-litert>=2" "opencv-python-headless==4.14.0.94" "ruff>=0.4"
