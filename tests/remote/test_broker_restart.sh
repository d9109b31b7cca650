#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_broker_restart.sh - a broker that is killed and restarted under load, and so are
# consumers: every stored message is handled, what is handled twice is marked, nothing hangs
#
# N=100000 for the long form; KILLS, of the broker, and DEATHS, of consumers.
set -eu
BUILD=${BUILD:-build}
program=$BUILD/tests/remote-broker_restart
command -v nats-server >/dev/null || [ -x /usr/sbin/nats-server ] || {
	echo "skipped: there is no nats-server"
	exit 77
}
[ -x "$program" ] || {
	echo "skipped: built without NATS"
	exit 77
}
N=${N:-3000}
# restart MESSAGES BROKER_KILLS CONSUMER_KILLS
restart() {
	HEPH_LOG=${HEPH_LOG:-off} timeout --kill-after=3 "${LIMIT:-$((50 + N / 200))}" \
		"$program" "$@"
}
restart $((N / 2)) "${KILLS:-2}" 0 # no mark may be missing
restart "$N" "${KILLS:-2}" "${DEATHS:-1}"
