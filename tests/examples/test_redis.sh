#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_redis.sh - the programs that come with Redis are content with ours
. "$(dirname "$0")/lib.sh"
need redis-cli redis-benchmark

cli() {
	redis-cli -p "$port" "$@"
}

session() {
	cli >"$tmp/got" <<-'END'
		PING
		SET name Hephaestus
		GET name
		APPEND name !
		STRLEN name
		GET nothing
		MSET a 1 b 2 c 3 d 4
		MGET a b c d e
		EXISTS a b c d e
		INCRBY a 41
		DECR a
		DEL a b e
		DBSIZE
		SET lock me NX EX 100
		SET lock you NX EX 100
		TTL lock
		PERSIST lock
		TTL lock
		TYPE lock
		INCR name
		GET
		EXPIRE c -1
		GETDEL d
		DBSIZE
		FLUSHALL
		DBSIZE
	END
	cat >"$tmp/expected" <<-'END'
		PONG
		OK
		Hephaestus
		11
		11

		OK
		1
		2
		3
		4

		4
		42
		41
		2
		3
		OK

		100
		1
		-1
		string
		ERR value is not an integer or out of range

		ERR wrong number of arguments for 'get' command

		1
		4
		2
		OK
		0
	END
	sed -i 's/^9[0-9]$/100/' "$tmp/got" # of the 100 s some may be over
	diff "$tmp/expected" "$tmp/got" || fail "the session went wrong"
}

big_value() {
	head -c 3000000 /dev/urandom >"$tmp/sent"
	equal "SET" "$(cli -x SET big <"$tmp/sent")" OK
	cli GET big | head -c 3000000 | cmp - "$tmp/sent" || fail "other bytes"
	equal "DEL" "$(cli DEL big)" 1
}

# The sweep removes keys that nobody asks for.
expiry() {
	equal "SET" "$(cli SET short lived PX 30)" OK
	equal "SET" "$(cli SET long lived)" OK
	until [ "$(cli DBSIZE)" = 1 ]; do :; done
	equal "GET" "$(cli GET short)" ""
	cli FLUSHALL >"$tmp/flushed"
}

# A connection that was silent has no buffers, and gets some again.
silence() {
	local conn line
	exec {conn}<>"/dev/tcp/127.0.0.1/$port"
	for pause in 1.2 0 1.2; do
		sleep $pause # silence is what this is about
		printf 'PING\r\n' >&"$conn"
		read -r line <&"$conn" || fail "silent for ever"
		equal "the reply" "$line" $'+PONG\r'
	done
	exec {conn}>&-
}

benchmark() { # P
	redis-benchmark -p "$port" -q -t set,get,incr,mset -n 4000 \
		-c 20 -r 500 -P "$1" >"$tmp/bench" 2>&1 ||
		fail "redis-benchmark -P $1: $(tail -n 3 "$tmp/bench")"
	tr '\r' '\n' <"$tmp/bench" >"$tmp/lines"
	if grep -iE 'error|warning' "$tmp/lines"; then
		fail "redis-benchmark -P $1 complains"
	fi
	equal "benchmarks with -P $1" \
		"$(grep -c 'requests per second' "$tmp/lines")" 4
}

for workers in 1 2; do
	start redis 127.0.0.1:0 $workers
	session
	big_value
	expiry
	benchmark 1
	benchmark 16
	stop TERM
	[[ $last =~ ^actors\ [0-9]+,\ messages\ [0-9]+,\ restarts\ 0,\ connections\ [0-9]+,\ commands\ ([0-9]+)$ ]] ||
		fail "the last line: $last"
	[ "${BASH_REMATCH[1]}" -ge 32000 ] || fail "too few commands: $last"
done

start redis 127.0.0.1:0
silence
exec {idle}<>"/dev/tcp/127.0.0.1/$port"
stop INT # although somebody is connected

if "$BUILD/examples/redis" 127.0.0.1:0 many 2>"$tmp/usage"; then
	fail "takes anything for a number of workers"
fi
grep -q usage "$tmp/usage" || fail "no usage"
