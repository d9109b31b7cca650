#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-symbols.sh DIR - the names that the libraries in DIR define
#
# The shared library exports what the public headers declare, no more and no
# less; all global names of the static library begin with heph_.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
dir=$1 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Each declaration on one line; its name is the last word before the "(".
cat include/heph/*.h | sed 's|/\*.*\*/||' | grep -v '^#define' | tr '\n\t' '  ' |
	grep -o 'HEPH_API [^;]*;' | sed 's/__attribute__.*//; s/[(;].*//; s/.*[ *]//' |
	sort -u >"$tmp/declared"
nm -D --defined-only "$dir/libheph.so" | awk '{ print $3 }' | sort -u >"$tmp/exported"

complain() {
	sed "s/^/$1: /" "$2"
	[ ! -s "$2" ] || failed=1
}

comm -23 "$tmp/exported" "$tmp/declared" >"$tmp/extra"
comm -13 "$tmp/exported" "$tmp/declared" >"$tmp/missing"
complain "exported, but in no public header" "$tmp/extra"
complain "declared, but not there" "$tmp/missing"

nm -g --defined-only "$dir/libheph.a" | awk 'NF == 3 { print $3 }' |
	grep -v -e '^heph_' -e '^_\.stapsdt\.base$' | sort -u >"$tmp/foreign"
complain "global, but not heph_" "$tmp/foreign"

# A writable and executable stack is what a forgotten section note gives.
if readelf -lW "$dir/libheph.so" | grep -q 'GNU_STACK.*RWE'; then
	echo "the shared library asks for an executable stack"
	failed=1
fi
[ "$failed" = 0 ]
