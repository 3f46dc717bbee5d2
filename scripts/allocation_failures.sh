#!/bin/bash
# allocation_failures.sh full|quick: makes allocations of load, plan and run of the probe models fail, one at a time (see
# tests/oom/oom_test.cc). full: every allocation of six models and a seeded 2,000 of all_minilm_l6_v2_fp16w; quick: a seeded 200 of
# each. One line per model; the exit status says whether all is well.
set -euo pipefail
case "${1:-}" in
  full) limit=0 limit_of_minilm=2000 ;;
  quick) limit=200 limit_of_minilm=200 ;;
  *) echo "usage: allocation_failures.sh full|quick" >&2; exit 2 ;;
esac
: "${MACE_TEST_MODELS:?set it to the folder of models and goldens}"
probes=build/probes
mkdir -p $probes
[ -f $probes/gru_stream.onnx ] || .venv/bin/python "$MACE_TEST_MODELS/make_models.py" --out $probes --models gru_stream >/dev/null
# The inputs of gru_stream; those of the text detector cut to 64 x 64 pixels: its allocations do not depend on the size.
[ -f $probes/inputs_ready ] || .venv/bin/python - "$MACE_TEST_MODELS" $probes <<'PYTHON'
import pathlib, sys
import numpy as np

models, probes = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(models))
import make_models

def save(name, array):
    (probes / name).mkdir(exist_ok=True)
    np.save(probes / name / "in_0.npy", np.ascontiguousarray(array))

save("gru_stream", make_models.inputs_of(make_models.build("gru_stream")[0])["input"])  # the state is left out
save("ppocrv4_det", np.load(models / "onnx/ppocrv4_det/cases/chips/in_0.npy")[:, :, :64, :64])
(probes / "inputs_ready").touch()
PYTHON

wheel=$(ls -t build/wheel/mace_engine-*.whl 2>/dev/null | head -n 1)  # a newer converter may write another file
failed=0
probe() {  # probe NAME MODEL INPUT_DIR LIMIT [STEPS]
  local name=$1 model=$2 mace_file=$probes/$1.mace begin=$SECONDS result=0
  [ "$mace_file" -nt "$model" ] && [ "$mace_file" -nt "$wheel" ] || .venv/bin/mace convert "$model" -o "$mace_file" >/dev/null
  build/tests/oom/oom_test "$mace_file" "$3" "$4" 1 "${5:-0}" || result=$?
  [ $result -eq 0 ] || { echo "$name: FAILED, exit status $result"; failed=$((failed + 1)); }
  echo "$name: $((SECONDS - begin)) s"
}
onnx=$MACE_TEST_MODELS/onnx
tflite=$MACE_TEST_MODELS/tflite
for name in mobilenet_v1_0.25_128_float mobilenet_v1_0.25_128_int8_qdq; do
  probe $name "$onnx/$name/$name.onnx" "$onnx/$name/cases/cat" $limit
done
probe ppocrv4_det "$onnx/ppocrv4_det/ch_PP-OCRv4_det_infer.onnx" $probes/ppocrv4_det $limit
probe gru_stream $probes/gru_stream.onnx $probes/gru_stream $limit
name=mobilenet_v1_0.25_128_quant
probe $name "$tflite/$name/$name.tflite" "$tflite/$name/cases/cat" $limit
name=keyword_scrambled
probe $name "$tflite/$name/$name.tflite" "$tflite/$name/cases/random8" $limit 8
name=all_minilm_l6_v2_fp16w
probe $name "$onnx/$name/$name.onnx" "$onnx/$name/cases/single" $limit_of_minilm
[ $failed -eq 0 ] || { echo "$failed of 7 models failed" >&2; exit 1; }
