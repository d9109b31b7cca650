#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_namespaces.sh - three nodes in three network namespaces; one is cut off and
# healed, one is killed
LIMIT=${LIMIT:-$((55 * ${SLOW:-1}))}
. "$(dirname "$0")/namespaces.sh"

program=$BUILD/tests/remote-space
node a "$program" a 10.1.0.1:7000
says a listening*
node b "$program" b 10.1.0.2:7000 10.1.0.1:7000
says b listening*
node c "$program" c 10.1.0.3:7000 10.1.0.1:7000 10.1.0.2:7000
for peer in b c; do
	says a "up $peer"
done
says b "calls a: ok"
says c "calls b: ok"

# A short one: nothing is lost, nothing is doubled; a gap would be told.
cut b
says a "away b"
heal b
says a "again b"
says a "calls b: ok"
forget a b c

# A long one: the monitor fires, the calls end with a name; and later it is back.
cut b
says a "away b"
says a "store b: EHOSTDOWN"
says c "store b: EHOSTDOWN"
says b "store a: EHOSTDOWN"
heal b
says a "up b"
says a "calls b: ok"
says c "calls b: ok"

# One dies.
# shellcheck disable=SC2154 # node() sets it
kill -KILL "$c_pid"
says a "store c: EHOSTDOWN"
says b "store c: EHOSTDOWN"
finish a b
