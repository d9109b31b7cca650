#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_gdb.sh - gdb's backtrace in a coroutine ends at the entry, cleanly
set -eu
here=$(cd "$(dirname "$0")" && pwd)
src=$(cd "$here/../../../src" && pwd)
command -v gdb >/dev/null || exit 77
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

cat >"$tmp/commands" <<END
set pagination off
set debuginfod enabled off
break stop_here
run
bt
continue
bt
continue
bt
continue
bt
END

try() {
	"$@" -std=gnu17 -D_GNU_SOURCE -g -I"$src" "$here/gdb_target.c" \
		"$src/coro/coro.c" "$src/coro/switch_$(uname -m).S" \
		-o "$tmp/target"
	gdb -nx -batch -x "$tmp/commands" "$tmp/target" >"$tmp/out" 2>&1 || true
	if grep -qiE 'ptrace|Could not trace' "$tmp/out"; then
		exit 77 # not allowed here
	fi
	check "$*"
}

# Four times the frames stop_here, middle, body, heph_coro_entry, and nothing
# below.
check() {
	names='stop_here\|middle\|body\|heph_coro_entry'
	sed -n "s/^#\([0-9]*\) .*\($names\).*/\1 \2/p" "$tmp/out" \
		>"$tmp/frames"
	for i in 1 2 3 4; do
		printf '0 stop_here\n1 middle\n2 body\n3 heph_coro_entry\n'
	done >"$tmp/expected"
	frames=$(grep -c '^#' "$tmp/out")
	if [ "$frames" -ne 16 ] ||
		! cmp -s "$tmp/frames" "$tmp/expected" ||
		grep -qiE 'corrupt|previous frame|cannot access' "$tmp/out"; then
		cat "$tmp/out"
		echo "FAIL: $1"
		exit 1
	fi
}

for cc in gcc clang; do
	command -v "$cc" >/dev/null || continue
	try "$cc" -O0
	try "$cc" -O2
	try "$cc" -O2 -fomit-frame-pointer
done
