#!/bin/bash
# lint.sh BIN: ruff over Python, clang-format over C++, file lengths, the order of dependence between folders, links and names of tests
# in documents. Exit status 1 names what is wrong.
set -euo pipefail
bin=$1
"$bin/ruff" check -q python tests bench examples scripts tools
"$bin/ruff" format -q --check python tests bench examples scripts tools
git ls-files '*.cc' '*.h' | xargs clang-format-19 --dry-run -Werror
long=$(git ls-files '*.cc' '*.h' '*.py' | xargs wc -l | awk '$2 != "total" && $1 > 600')
if [ -n "$long" ]; then
  echo "files over 600 lines:" "$long" >&2
  exit 1
fi
"$bin/python" scripts/check_layers.py
"$bin/python" scripts/check_docs.py
echo "lint: clean"
