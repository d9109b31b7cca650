#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_namespaces_cluster.sh - a cluster in three network namespaces: a name moves when
# its node is cut off, and when it is killed; calls end in time; what was stored is
# handled, all of it
#
# N=100000 LIMIT=600 test_namespaces_cluster.sh is the long form.
LIMIT=${LIMIT:-$((55 * ${SLOW:-1}))}
. "$(dirname "$0")/namespaces.sh"
PATH=$PATH:/usr/sbin
need nats-server
N=${N:-3000}
PATIENCE=$LIMIT # of a line
program=$BUILD/tests/remote-member
[ -x "$program" ] || exit 77
[ "$("$program" 2>&1 || echo $?)" != 77 ] || exit 77

ip netns exec "$id-hub" nats-server -a 10.1.0.100 -p 4222 -js -sd "$tmp/store" \
	>"$tmp/nats" 2>&1 &
pids+=($!)
url=nats://10.1.0.100:4222
until grep -qs "Server is ready" "$tmp/nats"; do
	kill -0 $! || fail "nats-server: $(cat "$tmp/nats")"
done

node b "$program" b $url
says b member
says b "has store"
node c "$program" c $url
says c member
node a "$program" a $url "$N"
says a member
says a "store is b"
says a "up c"
forget a b c

# The one who has the name is cut off: it knows, the others know, the name moves.
cut b
says b cut
says a "calls: E*"
says a "down b"
says c "has store"
says a "store is c"
heal b
says b joined
says a "up b"
forget a b c

# The one who has it now dies.
# shellcheck disable=SC2154 # node() sets it
kill -KILL "$c_pid"
says a "calls: E*"
says b "has store"
says a "store is b"
says a "down c"

# All that was stored meanwhile is handled.
says a "stored $N"
says a "tallied $N"
finish a b
