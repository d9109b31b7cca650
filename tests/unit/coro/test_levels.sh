#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_levels.sh - the switch under every compiler, level of optimisation and
# treatment of frame pointers: what is live at a switch differs in each
set -eu
here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$here/../../../src" && pwd)
cpu=$(uname -m)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
flags="-std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -g -I$src"

try() {
	out=$tmp/$1
	"$@" $flags "$here/plain.c" "$src/coro/coro.c" \
		"$src/coro/switch_$cpu.S" -o "$out" -pthread ||
		{ echo "FAIL to build: $*"; exit 1; }
	"$out" || { echo "FAIL: $*"; exit 1; }
}

# Flags for the instruction sets that this machine has.
isa() {
	grep -qw avx2 /proc/cpuinfo && echo -mavx2
	grep -qw avx512vl /proc/cpuinfo && echo -march=x86-64-v4
	true
}

try_all() {
	for o in -O0 -O1 -O2 -O3 -Os; do
		try "$1" $o -fno-omit-frame-pointer -fPIE -pie
	done
	for o in -O0 -O1 -O2; do
		try "$1" $o -fomit-frame-pointer -fno-pie -no-pie
	done
	try "$1" -O2 -static
	try "$1" -O2 -fstack-protector-all -fstack-clash-protection
	try "$1" -O2 -mno-red-zone
	try "$1" -O2 -flto
	try "$1" -O3 -funroll-loops -ffast-math
	[ "$cpu" = x86_64 ] || return 0
	try "$1" -O2 -fcf-protection=full
	for i in $(isa); do
		try "$1" -O0 "$i"
		try "$1" -O3 "$i"
	done
}

jobs=
for cc in gcc clang; do
	command -v "$cc" >/dev/null || continue
	try_all "$cc" &
	jobs="$jobs $!"
done
[ -n "$jobs" ] || exit 77
status=0
for job in $jobs; do
	wait "$job" || status=1
done
exit $status
