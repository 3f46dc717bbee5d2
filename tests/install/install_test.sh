#!/bin/sh
# install_test.sh CMAKE BUILD_DIR EXAMPLE_DIR WORK_DIR MODEL.mace CXX_COMPILER: installs into an empty prefix,
# moves it (nothing may remember where it was), builds the example against it with find_package, and runs it.
set -eu
cmake=$1 build=$2 example=$3 work=$4 model=$5 compiler=$6
rm -rf "$work" && mkdir -p "$work"
"$cmake" --install "$build" --component sdk --prefix "$work/first" >"$work/log"
mv "$work/first" "$work/prefix"
cp -r "$example" "$work/example"  # outside of MACE's tree
"$cmake" -S "$work/example" -B "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix" -DCMAKE_CXX_COMPILER="$compiler" >>"$work/log"
"$cmake" --build "$work/build" >>"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
"$work/build/hello" "$model"
"$work/build/hello_c" "$model"
# y = max(2 x + 1, 0) of ones, then with inputs from a file: float32 0, 1, 2, 3.
"$work/build/original_api" "$model" | tee "$work/original"
grep -q '^y: 3 3 3 3$' "$work/original"
printf '\000\000\000\000\000\000\200\077\000\000\000\100\000\000\100\100' >"$work/in_x"
"$work/build/original_api" "$model" "$work/in" | grep '^y: 1 3 5 7$'
"$work/prefix/bin/mace_run" --version
find "$work/prefix" -type f -o -type l | sort | sed "s|$work/prefix/||"
