#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_tree.sh - our trees start and stop their children as Erlang's do
set -eu
here=$(cd "$(dirname "$0")" && pwd)
BUILD=${BUILD:-build}
for program in erl erlc; do
	command -v "$program" >/dev/null || {
		echo "skipped: there is no $program"
		exit 77
	}
done
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

erlc -o "$tmp" "$here/tree.erl"
erl -noshell -kernel logger_level none -pa "$tmp" \
	-eval "tree:main([\"$here/scenarios\"])" >"$tmp/erlang"
HEPH_LOG=off "$BUILD/tests/erlang-tree" "$here/scenarios" >"$tmp/ours"
diff -u "$tmp/erlang" "$tmp/ours"
[ "$(grep -c . "$tmp/ours")" -gt 300 ] # and not by both being empty
