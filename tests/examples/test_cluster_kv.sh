#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_cluster_kv.sh - three nodes, one is killed while a client writes, and the broker is
# away for longer than a lease, twice: all that was acknowledged is there
export HEPH_LOG=info
LIMIT=${LIMIT:-$((60 * ${SLOW:-1}))}
. "$(dirname "$0")/lib.sh"

# With what the nodes have said last.
fail() {
	echo "FAIL: $*" >&2
	tail -n 15 "$tmp"/error? >&2
	exit 1
}
[ -x "$BUILD/examples/cluster_kv" ] || exit 77
PATH=$PATH:/usr/sbin
need nats-server

# broker PORT: -1: any
broker() {
	nats-server -a 127.0.0.1 -p "$1" -js -sd "$tmp/store" --ports_file_dir "$tmp" >>"$tmp/nats" 2>&1 &
	nats=$!
	pids+=("$nats")
}
broker -1
until [ -s "$tmp/nats-server_$nats.ports" ]; do
	kill -0 "$nats" || fail "nats-server: $(cat "$tmp/nats")"
	sleep 0.01
done
url=$(grep -o 'nats://[^"]*' "$tmp/nats-server_$nats.ports")

for i in 0 1 2; do
	"$BUILD/examples/cluster_kv" "$url" node "$i" 3 >"$tmp/node$i" 2>"$tmp/error$i" &
	nodes[i]=$!
	pids+=("${nodes[i]}")
done
until [ "$(cat "$tmp"/node? | grep -c leads)" -ge 4 ]; do
	for i in 0 1 2; do
		kill -0 "${nodes[i]}" || fail "node $i: $(cat "$tmp/error$i")"
	done
	sleep 0.02
done

mkfifo "$tmp/to" "$tmp/from"
"$BUILD/examples/cluster_kv" "$url" client somebody <"$tmp/to" >"$tmp/from" 2>"$tmp/client" &
pids+=($!)
exec {to}>"$tmp/to" {from}<"$tmp/from"

# ask LINE: sets $answer
ask() {
	echo "$1" >&"$to"
	read -r answer <&"$from" || fail "client: $(cat "$tmp/client")"
}

ask "get nothing"
equal "what was never put" "$answer" -
for n in $(seq 1 60); do
	[ "$n" != 30 ] || kill -KILL "${nodes[1]}"
	ask "put key-$n value-$n"
	equal "put $n" "$answer" ok
done
ask "put key-7 other"
equal "put again" "$answer" ok
grep -h "leads" "$tmp"/node[02] | grep -q "shard 1" || fail "nobody leads shard 1"
for n in $(seq 1 60); do
	ask "get key-$n"
	[ "$n" != 7 ] || answer=${answer/other/value-7}
	equal "get $n" "$answer" "value-$n"
done

# cut_off COUNT: waits until both nodes that are left know that they are
cut_off() {
	for i in 0 2; do
		until [ "$(grep -c "cut off from the cluster" "$tmp/error$i")" -ge "$1" ]; do
			kill -0 "${nodes[i]}" || fail "node $i: $(cat "$tmp/error$i")"
			sleep 0.02
		done
	done
}
for round in 1 2; do
	kill -KILL "$nats"
	wait "$nats" || true
	cut_off "$round"
	broker "${url##*:}"
	ask "put round-$round $round"
	equal "put after restart $round" "$answer" ok
	for n in $(seq 1 60); do
		ask "get key-$n"
		[ "$n" != 7 ] || answer=${answer/other/value-7}
		equal "get $n after restart $round" "$answer" "value-$n"
	done
done
for i in 0 2; do
	kill -0 "${nodes[i]}" || fail "node $i: $(cat "$tmp/error$i")"
	! grep "actor failed.*actor=candidate" "$tmp/error$i" || fail "node $i lost a copy"
done
