#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_aarch64.sh - the switch on AArch64, cross-compiled and run under qemu
set -eu
here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$here/../../../src" && pwd)
cc=${AARCH64_CC:-aarch64-linux-gnu-gcc}
run=${AARCH64_RUN:-qemu-aarch64}
command -v "$cc" >/dev/null && command -v "$run" >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
flags="-std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -g -static -I$src"

for o in -O0 -O1 -O2 -O3 "-O2 -fomit-frame-pointer" \
	"-O2 -mbranch-protection=standard" "-O3 -march=armv8.2-a+sve"; do
	"$cc" $flags $o "$here/plain.c" "$src/coro/coro.c" \
		"$src/coro/switch_aarch64.S" -o "$tmp/plain" -pthread
	"$run" "$tmp/plain" || { echo "FAIL: $o"; exit 1; }
done
echo ok
