#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_notify.sh - tells what happens, in new directories too, until SIGINT
. "$(dirname "$0")/lib.sh"

mkdir "$tmp/dir"
exec {said}< <(exec env --default-signal=INT \
	"$BUILD/examples/notify" "$tmp/dir" 2>"$tmp/stderr")
server=$!
pids+=("$server")

# says TEXT...: the next lines are these
says() {
	local line
	for text; do
		read -r line <&"$said" || fail "it ended: $(cat "$tmp/stderr")"
		equal "what it says" "$line" "$text"
	done
}

says "watching"
mkdir "$tmp/dir/new"
says "created: $tmp/dir/new/"
mv "$tmp/dir/new" "$tmp/dir/old"
says "moved from: $tmp/dir/new/" "moved to: $tmp/dir/old/"
mkfifo "$tmp/dir/old/file"
says "created: $tmp/dir/old/file"
rm "$tmp/dir/old/file"
says "deleted: $tmp/dir/old/file"
rmdir "$tmp/dir/old"
says "deleted: $tmp/dir/old/"
stop INT
equal "the rest" "$last" ""

! "$BUILD/examples/notify" "$tmp/none" >/dev/null 2>"$tmp/err" || fail "no such directory"
grep -q "none: No such file" "$tmp/err" || fail "it says what is missing"
