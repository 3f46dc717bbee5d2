#!/bin/bash
# install_packages.sh "SUDO" PACKAGE...: installs those Debian packages that are missing; no network where none is.
set -euo pipefail
sudo=$1
shift
missing=()
for package in "$@"; do
  status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
  [ "$status" = "install ok installed" ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
if ! { $sudo apt-get update && $sudo apt-get install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "install_packages: apt-get failed (log above). These packages are needed: ${missing[*]}" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
