#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_words.sh - an example in C++ counts the words of a file and of a pipe
. "$(dirname "$0")/lib.sh"

[ -x "$BUILD/examples/words" ] || {
	echo "skipped: built without C++"
	exit 77
}

for _ in $(seq 100); do
	echo "the quick brown fox jumps over the lazy dog"
	echo "the end"
done >"$tmp/text"
expected="300 the
100 brown
100 dog
100 end
100 fox
100 jumps
100 lazy
100 over
100 quick"
equal "of a file" "$("$BUILD/examples/words" "$tmp/text")" "$expected"
equal "of a pipe" "$(cat "$tmp/text" | "$BUILD/examples/words")" "$expected"
equal "of nothing" "$("$BUILD/examples/words" /dev/null)" ""
if "$BUILD/examples/words" "$tmp/none" 2>/dev/null; then
	fail "a file that is not there is no error"
fi
