#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_redis_diff.sh [SEED] [ROUNDS] - ours answers as redis-server does, byte
# by byte, to what is right, wrong, and cut in pieces
. "$(dirname "$0")/lib.sh"
need redis-server python3

redis-server --port 0 --unixsocket "$tmp/socket" --save '' --appendonly no \
	--databases 1 >"$tmp/theirs" 2>&1 &
pids+=($!)
disown
start redis 127.0.0.1:0 3
until [ -S "$tmp/socket" ]; do
	kill -0 "${pids[0]}" || fail "redis-server: $(tail -n 3 "$tmp/theirs")"
done
"$tests/redis_diff.py" "$address" "$tmp/socket" "${1:-1}" "${2:-300}" || fail "see above"
stop TERM
