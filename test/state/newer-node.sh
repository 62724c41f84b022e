#!/usr/bin/env bash
# Installs a newer Node beside the one in use, into the tests' cache folder, so that
# the state is also tested on the SQLite built into Node.
#
# Promises: what is there is not installed again; prints the path of the binary.
# Refuses: to touch the Node in use or anything else on the system.
set -euo pipefail

version=22.23.3
cache=${WINNOW_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/winnow-test-servers}
folder=$cache/node-$version

case $(uname -s) in
  Linux) system=linux ;;
  Darwin) system=darwin ;;
  *) echo "no package with a Node binary is known for $(uname -s)" >&2; exit 1 ;;
esac
case $(uname -m) in
  x86_64) machine=x64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) echo "no package with a Node binary is known for $(uname -m)" >&2; exit 1 ;;
esac

package=node-$system-$machine
binary=$folder/node_modules/$package/bin/node
if [ ! -x "$binary" ]; then
  mkdir -p "$folder"
  npm install --prefix "$folder" --no-save --no-audit --no-fund --loglevel error "$package@$version" >&2
fi
"$binary" --version >&2
echo "$binary"
