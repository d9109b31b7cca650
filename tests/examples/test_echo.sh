#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_echo.sh - what comes back is what was sent, on many connections
. "$(dirname "$0")/lib.sh"

start echo 127.0.0.1:0

# Several at once, in turn, on whatever worker they are.
conns=()
for _ in 1 2 3 4 5 6 7 8; do
	exec {conn}<>"/dev/tcp/127.0.0.1/$port"
	conns+=("$conn")
done
for round in 1 2 3; do
	for conn in "${conns[@]}"; do
		echo "round $round of $conn" >&"$conn"
	done
	for conn in "${conns[@]}"; do
		read -r line <&"$conn" || fail "no line came back"
		equal "the line" "$line" "round $round of $conn"
	done
done
for conn in "${conns[@]}"; do
	exec {conn}>&-
done

# More than fits the buffers in between.
head -c 2000000 /dev/urandom >"$tmp/sent"
exec {conn}<>"/dev/tcp/127.0.0.1/$port"
cat "$tmp/sent" >&"$conn" &
head -c 2000000 <&"$conn" >"$tmp/received"
cmp "$tmp/sent" "$tmp/received" || fail "other bytes came back"
exec {conn}>&-

stop TERM
