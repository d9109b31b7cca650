#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# demo.sh - what `make run` shows: the Redis example at work
#
# Starts $BUILD/examples/redis on a free port and on all cores, talks to it with
# redis-cli, loads it with redis-benchmark, and stops it with SIGTERM. Ends with
# 0 if all of that went well. REQUESTS is how many, without pipelining.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
REQUESTS=${REQUESTS:-40000}
server=
tmp=$(mktemp -d)

at_exit() {
	if [ -n "$server" ]; then
		kill -KILL "$server" 2>/dev/null || true
	fi
	rm -rf "$tmp"
}
trap at_exit EXIT

fail() {
	echo "demo: $*" >&2
	cat "$tmp/stderr" >&2 2>/dev/null || true
	exit 1
}

# Sets $server, its process, and $port.
start() {
	local line
	exec {said}< <(exec "$BUILD/examples/redis" 127.0.0.1:0 2>"$tmp/stderr")
	server=$!
	read -r -t 10 line <&"$said" || fail "the server did not start"
	port=${line##*:}
	echo "$BUILD/examples/redis: $line, $(nproc) workers, process $server"
}

# show COMMAND...: a command of redis-cli, and what it says
show() {
	local reply
	reply=$(timeout 10 redis-cli -p "$port" "$@") || fail "redis-cli $*: $reply"
	echo "    > $*"
	printf '    %s\n' "${reply//$'\n'/$'\n    '}"
}

# benchmark TITLE OPTION...
benchmark() {
	local title=$1
	shift
	echo "$title"
	timeout 60 redis-benchmark -p "$port" -q -t set,get,incr,mset -r 100000 \
		"$@" >"$tmp/bench" 2>&1 ||
		fail "redis-benchmark: $(tail -n 3 "$tmp/bench")"
	tr '\r' '\n' <"$tmp/bench" >"$tmp/lines"
	if grep -i error "$tmp/lines" >&2; then
		fail "redis-benchmark got errors"
	fi
	sed -n 's/^\(.*\): \([0-9]*\)[.0-9]* requests per second.*/\1|\2/p' \
		"$tmp/lines" | while IFS='|' read -r name rate; do
		printf '    %-16s %9d requests per second\n' "$name" "$rate"
	done
	[ "$(grep -c 'requests per second' "$tmp/lines")" = 4 ] ||
		fail "redis-benchmark did not finish: $(tail -n 3 "$tmp/lines")"
}

stop() {
	local status=0 last
	kill -TERM "$server"
	last=$(cat <&"$said")
	wait "$server" || status=$?
	server=
	[ "$status" = 0 ] || fail "the server ended with status $status"
	[[ $last == *commands* ]] || fail "no last words: '$last'"
	echo "stopped in good order by SIGTERM"
	echo "    $last"
}

[ -x "$BUILD/examples/redis" ] ||
	fail "there is no $BUILD/examples/redis: run make build"
for program in redis-cli redis-benchmark; do
	command -v $program >/dev/null ||
		fail "there is no $program: install redis-tools"
done

start
echo
echo "redis-cli"
show SET greeting "hello from an actor" EX 60
show GET greeting
show INCRBY counter 42
show MSET one 1 two 2 three 3
show MGET one two three
show TTL greeting
echo
benchmark "redis-benchmark, 50 connections" -n "$REQUESTS"
echo
benchmark "redis-benchmark, 50 connections, 16 requests at a time" \
	-n $((REQUESTS * 10)) -P 16
echo
echo "what the server counted"
redis-cli -p "$port" INFO | tr -d '\r' | grep -E '^(workers|total_|keyspace_|keys)' |
	sed 's/^/    /' || fail "no INFO"
echo
stop
