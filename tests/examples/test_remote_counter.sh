#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_remote_counter.sh - the same in one process and in two; who is not there
. "$(dirname "$0")/lib.sh"
[ -x "$BUILD/examples/remote_counter" ] || exit 77

# users WHAT ADDRESS TOTAL
uses() {
	equal "$1" "$("$BUILD/examples/remote_counter" use "$2")" "the total is $3"
}

equal "in one process" "$("$BUILD/examples/remote_counter")" "the total is 55"

start remote_counter serve "unix:$tmp/socket"
uses "over a Unix socket" "unix:$tmp/socket" 55
uses "the same counter again" "unix:$tmp/socket" 110
stop INT

start remote_counter serve 127.0.0.1:0
uses "over TCP" "$address" 55
stop TERM

if "$BUILD/examples/remote_counter" serve nonsense 2>"$tmp/said"; then
	fail "it serves at 'nonsense'"
fi
grep -q "remote_counter: " "$tmp/said" || fail "it does not say why"
