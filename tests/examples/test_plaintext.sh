#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_plaintext.sh - says hello to all, on one worker and on two
. "$(dirname "$0")/lib.sh"
need curl

for workers in 1 2; do
	start plaintext 0 $workers
	for path in / /x "/x?y"; do
		equal "the text of $path" "$(curl -sS "http://$address$path")" \
			"Hello, World!"
	done
	curl -sSi "http://$address/" "http://$address/" >"$tmp/two"
	equal "two on one connection" "$(grep -o 'Hello, World!' "$tmp/two" | wc -l)" 2
	grep -q '^HTTP/1.1 200 OK' "$tmp/two" || fail "no status: $(cat "$tmp/two")"
	grep -qi '^content-length: 13' "$tmp/two" || fail "no length"
	grep -qi '^date: ' "$tmp/two" || fail "no date"
	stop TERM
done
