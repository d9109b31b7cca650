#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_signals.sh - actors in all three places take signals, and shut down on two
. "$(dirname "$0")/lib.sh"
kinds="sync thread-local thread-safe"

# await PATTERN: until three lines match it
await() {
	until [ "$(grep -c "$1" "$tmp/out")" = 3 ]; do
		kill -0 "$pid" || fail "it ended: $(cat "$tmp/out" "$tmp/err")"
		sleep 0.01
	done
}

# expected FORMAT: it for each kind, sorted
expected() {
	for kind in $kinds; do
		printf "$1\n" "$kind"
	done | LC_ALL=C sort
}

for signal in INT TERM; do
	: >"$tmp/out"
	env --default-signal=INT "$BUILD/examples/signals" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	pids+=("$pid")
	await "^Got a message: "
	kill -USR1 "$pid"
	await "got 1 signals"
	kill -$signal "$pid"
	status=0
	wait "$pid" || status=$?
	equal "the status after SIG$signal" "$status" 0
	equal "the output" "$(LC_ALL=C sort "$tmp/out")" "$(
		expected "Got a message: Hello %s actor"
		expected "shutting down the %s actor"
		expected "the %s actor got 1 signals, of process $$"
	)"
done
