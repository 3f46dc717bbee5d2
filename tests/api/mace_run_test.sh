#!/bin/sh
# mace_run_test.sh MACE_RUN WRITE_TEST_MODELS WORK_DIR: the program from outside.
set -u
mace_run=$1
work=$3
rm -rf "$work" && mkdir -p "$work"
"$2" "$work" || exit 1
failures=0
fail() { echo "FAILED: $1"; failures=$((failures + 1)); }
# succeeds ARGUMENTS...; fails TEXT ARGUMENTS...: the work fails, with status 1 and TEXT on standard error; refuses TEXT
# ARGUMENTS...: the command line is wrong, with status 2 and TEXT. `mace` ends with the same (tests/python/test_cli.py).
succeeds() { "$mace_run" "$@" >"$work/stdout" 2>"$work/stderr" || fail "mace_run $*: $(cat "$work/stderr")"; }
fails() { ends_with 1 "$@"; }
refuses() { ends_with 2 "$@"; }
ends_with() {
  wanted=$1 text=$2
  shift 2
  "$mace_run" "$@" >"$work/stdout" 2>"$work/stderr"
  status=$?
  [ "$status" -eq "$wanted" ] || fail "mace_run $*: expected exit status $wanted, got $status"
  grep -q -e "$text" "$work/stderr" || fail "mace_run $*: expected '$text' in: $(cat "$work/stderr")"
}
floats() { tail -c +129 "$1" | od -An -v -t f4 | tr -s ' \n' ' '; }

succeeds --model_file "$work/affine.mace" --input_dir "$work/affine" --output_dir "$work/out"
[ "$(floats "$work/out/out_0.npy")" = " 1 3 5 7 9 11 13 15 " ] || fail "affine: $(floats "$work/out/out_0.npy")"
succeeds --model_file "$work/accumulator.mace" --input_dir "$work/accumulator" --output_dir "$work/out" \
  --steps 3 --round 2 --num_threads 2
[ "$(floats "$work/out/out_0.npy")" = " 11 22 14 26 19 32 " ] || fail "steps: $(floats "$work/out/out_0.npy")"
succeeds --model_file "$work/affine.mace" --input_dir "$work/affine" --round 3 --json --explain --profile
grep -q '"median_ms"' "$work/stdout" && grep -q '"arena_bytes"' "$work/stdout" || fail "--json"
succeeds --model_file "$work/affine.mace" --input_dir "$work/affine" --explain --verify=full --reference_kernels
grep -q '"is_reference":true' "$work/stdout" || fail "--reference_kernels"
succeeds --help
grep -q 'Examples:' "$work/stdout" || fail "--help has no examples"
cp "$work/stdout" "$work/help"

refuses "did you mean --model_file" --model_fil "$work/affine.mace"
refuses "did you mean --num_threads" --model_file "$work/affine.mace" --num_thread=2
refuses "model_file" --input_dir "$work/affine"
fails "net.mace" --model_file "$work/net.mace" --input_dir "$work/affine"
fails "input_dir" --model_file "$work/affine.mace"
fails "empty/in_0.npy: no such file (input x: float32\[batch, 4\])" --model_file "$work/affine.mace" --input_dir "$work/empty"
fails "accumulator/in_0.npy.*expects float32 \[batch, 4\]" --model_file "$work/affine.mace" --input_dir "$work/accumulator"
fails "in_0.npy.*--steps 5" --model_file "$work/accumulator.mace" --input_dir "$work/accumulator" --steps 5
refuses "num_threads" --model_file "$work/affine.mace" --input_dir "$work/affine" --num_threads 1000
grep -q 'Exit status:.* 2 ' "$work/help" || fail "--help does not tell the exit statuses"
refuses "isa" --model_file "$work/affine.mace" --input_dir "$work/affine" --isa mmx
refuses "steps" --model_file "$work/affine.mace" --input_dir "$work/affine" --steps many
# Every instruction set is told by --help. Those of this architecture are accepted, whatever the CPU has.
case $(uname -m) in
  x86_64) isas="scalar sse4 avx2 avx512" ;;
  aarch64) isas="scalar neon sve" ;;
  *) isas="scalar" ;;
esac
for isa in scalar sse4 avx2 avx512 neon sve rvv; do
  case " $isas " in
    *" $isa "*) succeeds --model_file "$work/affine.mace" --input_dir "$work/affine" --isa "$isa" ;;
    *) fails "another architecture" --model_file "$work/affine.mace" --input_dir "$work/affine" --isa "$isa" ;;
  esac
  grep -q -e "--isa.*$isa" "$work/help" || fail "--help does not tell that --isa may be $isa"
done
refuses "verify" --model_file "$work/affine.mace" --input_dir "$work/affine" --verify=some
cp "$work/affine/in_0.npy" "$work/affine/in_1.npy"
fails "in_1.npy.*only 1" --model_file "$work/affine.mace" --input_dir "$work/affine"
mv "$work/affine/in_1.npy" "$work/affine/in_7.npy"
fails "in_7.npy.*only 1" --model_file "$work/affine.mace" --input_dir "$work/affine"
rm "$work/affine/in_7.npy"
head -c 140 "$work/affine/in_0.npy" >"$work/empty/in_0.npy"
fails "empty/in_0.npy" --model_file "$work/affine.mace" --input_dir "$work/empty"
fails "mace_run: $work/affine.mace/out: Not a directory" --model_file "$work/affine.mace" --input_dir "$work/affine" \
  --output_dir "$work/affine.mace/out"
# Empty names, flags given twice, limits.
refuses "the name is empty" --model_file "" --input_dir "$work/affine"
refuses "the name is empty" --model_file "$work/affine.mace" --input_dir "$work/affine" --output_dir ""
refuses "isa" --model_file "$work/affine.mace" --input_dir "$work/affine" --isa scalar --isa scalar
refuses "json" --model_file "$work/affine.mace" --input_dir "$work/affine" --json --json
for limit in 1G 64M 1024k 1048576 0; do
  succeeds --model_file "$work/affine.mace" --input_dir "$work/affine" --memory_limit "$limit"
done
fails "memory_limit, 1 bytes" --model_file "$work/affine.mace" --input_dir "$work/affine" --memory_limit 1
fails "deadline" --model_file "$work/affine.mace" --input_dir "$work/affine" --timeout 1e-9
succeeds --model_file "$work/affine.mace" --input_dir "$work/affine" --timeout 60
for limit in 1T -1 "" k 1.5G 99999999999999999999 99999999999G; do
  refuses "memory_limit" --model_file "$work/affine.mace" --input_dir "$work/affine" "--memory_limit=$limit"
done
for timeout in 0 -1 nan inf soon; do
  refuses "timeout" --model_file "$work/affine.mace" --input_dir "$work/affine" "--timeout=$timeout"
done
refuses "json" --model_file "$work/affine.mace" --input_dir "$work/affine" --json=1
# Only a regular file is replaced.
mkdir "$work/odd" && echo kept >"$work/target" && ln -s "$work/target" "$work/odd/out_0.npy"
fails "out_0.npy is a symbolic link" --model_file "$work/affine.mace" --input_dir "$work/affine" --output_dir "$work/odd"
[ "$(cat "$work/target")" = kept ] || fail "a link was followed"
rm "$work/odd/out_0.npy" && mkfifo "$work/odd/out_0.npy"
fails "out_0.npy is not a regular file" --model_file "$work/affine.mace" --input_dir "$work/affine" --output_dir "$work/odd"
[ "$(ls -A "$work/odd")" = out_0.npy ] || fail "left: $(ls -A "$work/odd")"
# What does not print cannot forge lines.
fails 'no\\nmace_run: all good' --model_file "$work/no
mace_run: all good" --input_dir "$work/affine"
[ "$(wc -l <"$work/stderr")" -eq 1 ] || fail "more than one line: $(cat "$work/stderr")"
refuses 'mmx\\nmace_run: all good' --model_file "$work/affine.mace" --isa "mmx
mace_run: all good"
# Standard output that cannot be written, or is closed.
for arguments in "--model_file $work/affine.mace --input_dir $work/affine" --help --version; do
  if [ -w /dev/full ]; then
    "$mace_run" $arguments >/dev/full 2>"$work/stderr"
    status=$?
    [ "$status" -eq 1 ] || fail "mace_run $arguments >/dev/full: exit status $status"
    [ "$(wc -l <"$work/stderr")" -eq 1 ] || fail "not one line: $(cat "$work/stderr")"
  fi
  "$mace_run" $arguments >&- 2>"$work/stderr"
  status=$?
  [ "$status" -eq 1 ] || fail "mace_run $arguments >&-: exit status $status"
done
[ "$failures" -eq 0 ] && echo "all good"
exit "$failures"
