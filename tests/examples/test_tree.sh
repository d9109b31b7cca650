#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_tree.sh - both children fail now and then, and nothing is lost
. "$(dirname "$0")/lib.sh"

"$BUILD/examples/tree" >"$tmp/out" 2>"$tmp/log"
equal "what the store got" "$(grep -o 'numbers: .*' "$tmp/out" | tr '\n' ' ')" \
	"$(printf 'numbers: %d ' {0..12})"
equal "what the poller said" "$(grep poller "$tmp/out" | tr '\n' ' ')" \
	"poller: again from 5 poller: again from 10 "
equal "the end" "$(tail -n 1 "$tmp/out")" "all children have ended: 0"
equal "failures" "$(grep -c 'its supervisor decides' "$tmp/log")" 4
equal "restarts" "$(grep -c 'restarting a child' "$tmp/log")" 4
