#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_embed.sh - lines come back in capital letters, from within a foreign loop
. "$(dirname "$0")/lib.sh"

# Each answer is awaited before the next line: the loop must go on by itself.
mkfifo "$tmp/in"
exec {out}< <(exec "$BUILD/examples/embed" <"$tmp/in")
exec {in}>"$tmp/in"
for word in one two three; do
	echo "$word" >&"$in"
	read -r line <&"$out" || fail "nothing came back"
	equal "the line" "$line" "${word^^}"
done
exec {in}>&-
equal "what it said at its end" "$(cat <&"$out")" "3 lines"

# It can also have everything to do at the end.
equal "the output" "$(printf 'a\nb\nc\n' | "$BUILD/examples/embed")" "A
B
C
3 lines"
