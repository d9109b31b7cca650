#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_snippets.sh - the programs in the documentation do what it says they do
#
# snippets.py says how the pages are marked. With --write it puts into the pages
# what the programs really say.
set -eu
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
python=$(command -v python3) || {
	echo "skipped: there is no python3"
	exit 77
}
exec "$python" tests/docs/snippets.py "$BUILD" "$@"
