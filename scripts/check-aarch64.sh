#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-aarch64.sh - the layers that know no I/O compile for AArch64
set -u
cd "$(dirname "$0")/.." || exit 1
cc=aarch64-linux-gnu-gcc
if ! command -v $cc >/dev/null; then
	echo "note: skipped, there is no $cc"
	exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
for file in src/base/*.c src/coro/*.c src/coro/*_aarch64.S src/core/*.c; do
	[ -e "$file" ] || continue
	$cc -std=gnu17 -O2 -D_GNU_SOURCE -DHEPH_DEBUG=1 -DNVALGRIND -Wall -Wextra \
		-Wno-unused-parameter -Werror -ftls-model=initial-exec -fPIC \
		-Iinclude -Isrc -c "$file" -o "$tmp/out.o" || failed=1
done
[ "$failed" = 0 ]
