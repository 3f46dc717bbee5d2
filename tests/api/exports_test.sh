#!/bin/sh
# exports_test.sh NM HEADER LIBRARY: the library exports exactly the functions that mace_c.h declares.
set -eu
declared=$(sed -n 's/^MACE_API .*[ *]\(mace_[a-z_0-9]*\)(.*/\1/p' "$2" | sort)
exported=$("$1" -D --defined-only "$3" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort)
[ -n "$declared" ] || { echo "no MACE_API in $2"; exit 1; }
if [ "$declared" != "$exported" ]; then
  echo "declared in $2:"; echo "$declared"
  echo "exported by $3:"; echo "$exported"
  exit 1
fi
echo "$exported" | wc -l
