#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-symbols.sh DIR - the names that the libraries in DIR define
#
# --declared HEADER...: prints the names that these declare instead.
#
# The shared library exports what the public headers declare, no more and no
# less; all global names of the static library begin with heph_.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
dir=$1 failed=0
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Each declaration on one line; its name is the last word before the "(". Middleware
# is declared by a macro, three functions at a time.
declared() {
	cat "$@" | grep -v '##' | sed 's/^HEPH_HTTP_FUNCTIONS__(\([a-z_]*\));/\
HEPH_API heph_http_run_\1();\
HEPH_API heph_http_start_\1();\
HEPH_API heph_http_stop_\1();/' | sed 's|/\*.*\*/||' | grep -v '^#define' | tr '\n\t' '  ' |
		grep -o 'HEPH_API [^;]*;' | sed 's/__attribute__.*//; s/[(;].*//; s/.*[ *]//' |
		sort -u
}

# --declared HEADER...: only prints them
if [ "$dir" = --declared ]; then
	shift
	declared "$@"
	exit
fi

complain() {
	sed "s/^/$1: /" "$2"
	[ ! -s "$2" ] || failed=1
}

# library NAME HEADER...
library() {
	name=$1
	shift
	if [ ! -e "$dir/$name.so" ]; then
		echo "note: $name is not built"
		return
	fi
	declared "$@" >"$tmp/declared"
	nm -D --defined-only "$dir/$name.so" | awk '$2 != "A" { print $3 }' |
		sed 's/@.*//' | sort -u >"$tmp/exported"
	# Each has a version (scripts/symbols.map).
	nm -D --defined-only "$dir/$name.so" | awk '$2 != "A" && $3 !~ /@@HEPH_[0-9]/ { print $3 }' \
		>"$tmp/plain"
	complain "$name: exported without a version" "$tmp/plain"
	comm -23 "$tmp/exported" "$tmp/declared" >"$tmp/extra"
	comm -13 "$tmp/exported" "$tmp/declared" >"$tmp/missing"
	complain "$name: exported, but in no public header" "$tmp/extra"
	complain "$name: declared, but not there" "$tmp/missing"

	nm -g --defined-only "$dir/$name.a" | awk 'NF == 3 { print $3 }' |
		grep -v -e '^heph_' -e '^_\.stapsdt\.base$' | sort -u >"$tmp/foreign"
	complain "$name: global, but not heph_" "$tmp/foreign"

	# A writable and executable stack is what a forgotten section note gives.
	if readelf -lW "$dir/$name.so" | grep -q 'GNU_STACK.*RWE'; then
		echo "$name asks for an executable stack"
		failed=1
	fi
}

library libheph $(ls include/heph/*.h | grep -v -e '/tls\.h$' -e '/http\.h$' -e '/remote\.h$')
library libheph-tls include/heph/tls.h
library libheph-http include/heph/http/*.h
library libheph-remote include/heph/remote/*.h
[ "$failed" = 0 ]
