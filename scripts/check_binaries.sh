#!/bin/bash
# check_binaries.sh BUILD: libmace.so exports the functions of mace_c.h and nothing else; objects built for an instruction set define no
# weak symbol outside its namespace (the linker might keep such a copy for everyone); GEMM inner loops keep their accumulators in registers.
set -euo pipefail
build=$1
declared=$(grep -oE 'MACE_API [^;(]*\bmace_[a-z_]+\(' include/mace/mace_c.h | grep -oE 'mace_[a-z_]+\($' | tr -d '(' | sort)
exported=$(nm -D --defined-only "$build/libmace.so" | awk '$2 != "A" {print $3}' | sed 's/@.*//' | sort)
if ! diff <(echo "$declared") <(echo "$exported"); then
  echo "libmace.so must export exactly what mace_c.h declares (< declared, > exported)" >&2
  exit 1
fi
echo "exports: $(echo "$exported" | wc -l) functions, as mace_c.h declares"
objects=0 bad=0
for isa in $(sed -nE 's/^MACE_ISA\(([a-z0-9]+),.*/\1/p' mace/simd/isa.def); do
  folder=$build/mace/kernels/CMakeFiles/mace_kernels_$isa.dir
  [ -d "$folder" ] || continue
  while read -r object; do
    objects=$((objects + 1))
    weak=$(nm "$object" | awk '$2 ~ /^[WwVvu]$/ && NF == 3 {print $3}' | grep -v "isa_$isa" || true)
    if [ -n "$weak" ]; then
      echo "$object defines weak symbols outside isa_$isa: $weak" >&2
      bad=1
    fi
  done < <(find "$folder" -name '*.o')
done
[ $objects -gt 0 ] || { echo "no instruction-set object found in $build" >&2; exit 1; }
[ $bad -eq 0 ] || exit 1
echo "weak symbols: none outside their namespace in $objects objects"
ctest --test-dir "$build" --output-on-failure -R kernel_inner_loops
