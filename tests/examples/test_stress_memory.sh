#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_stress_memory.sh - a hundred thousand idle actors, until a signal comes
. "$(dirname "$0")/lib.sh"
n=${N:-100000}

for signal in INT TERM; do
	exec {said}< <(exec env --default-signal=INT HEPH_LOG=off \
		"$BUILD/examples/stress_memory" "$n" 2>"$tmp/stderr")
	pid=$!
	pids+=("$pid")
	read -r line <&"$said" || fail "$(cat "$tmp/stderr")"
	equal "the actors" "${line%% in *}" "spawned $n actors"
	kill -$signal "$pid"
	status=0
	wait "$pid" || status=$?
	equal "the status after SIG$signal ($(cat "$tmp/stderr"))" "$status" 0
	last=$(cat <&"$said")
	equal "the last line" "${last%% in *}" "freed"
	exec {said}<&-
done

status=0
"$BUILD/examples/stress_memory" 0 2>/dev/null || status=$?
equal "the status for no actors" "$status" 2
