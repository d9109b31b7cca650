#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_my_ip.sh - tells each caller its address; an address that cannot be
. "$(dirname "$0")/lib.sh"

# ask HOST: what the server says until it closes
ask() {
	local conn
	exec {conn}<>"/dev/tcp/$1/$port"
	cat <&"$conn"
	exec {conn}<&-
}

for signal in INT TERM; do
	start my_ip 127.0.0.1:0
	for _ in 1 2 3; do
		equal "the address" "$(ask 127.0.0.1)" 127.0.0.1
	done
	stop $signal
done

start my_ip "[::1]:0"
equal "the address" "$(ask ::1)" ::1
stop TERM

if "$BUILD/examples/my_ip" nonsense 2>"$tmp/nonsense"; then
	fail "listens on nonsense"
fi
grep -q nonsense "$tmp/nonsense" || fail "does not say what is wrong"
