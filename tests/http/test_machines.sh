#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_machines.sh - scanning as AArch64 has it, cross-compiled and run under qemu,
# and as machines without vectors have it
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
flags="-std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -g -static -I$root/include -I$root/src"

check() { # RUN COMPILER...
	run=$1
	shift
	"$@" $flags "$root/tests/unit/http/scans.c" "$root/src/http/scan.c" -o "$tmp/scans"
	$run "$tmp/scans" || { echo "FAIL: $*"; exit 1; }
}

for o in -O0 -O2 -O3; do
	check "" "${CC:-cc}" $o -U__SSE2__ -U__aarch64__
	if command -v aarch64-linux-gnu-gcc qemu-aarch64 >/dev/null; then
		check qemu-aarch64 aarch64-linux-gnu-gcc $o
	fi
done
