# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - what the tests of the examples have in common; they source it first
#
# The programs are in $BUILD/examples. A test ends with 0, or 77 if something
# that it needs is not installed, and in any case after LIMIT seconds.
set -eu
LIMIT=${LIMIT:-$((25 * ${SLOW:-1}))}
if [ -z "${LIMITED-}" ]; then
	LIMITED=1 exec timeout --kill-after=3 "$LIMIT" bash "$0" "$@"
fi
BUILD=${BUILD:-build}
tests=$(dirname "$0")
tmp=$(mktemp -d)
pids=()

at_exit() {
	for pid in "${pids[@]}"; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	rm -rf "$tmp"
}
trap at_exit EXIT

fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# need PROGRAM...: skips the test if one is not there
need() {
	for program; do
		command -v "$program" >/dev/null || {
			echo "skipped: there is no $program"
			exit 77
		}
	done
}

# equal WHAT GOT EXPECTED
equal() {
	[ "$2" = "$3" ] || fail "$1: got '$2', expected '$3'"
}

# start PROGRAM [ARGUMENT...]: starts an example that serves, and sets $server,
# its process, $address, where it listens, and $port
start() {
	local program=$1 line
	shift
	# A shell has what it starts in the background ignore SIGINT.
	exec {said}< <(exec env --default-signal=INT \
		"$BUILD/examples/$program" "$@" 2>"$tmp/stderr")
	server=$!
	pids+=("$server")
	read -r line <&"$said" || fail "$program: $(cat "$tmp/stderr")"
	address=${line#listening on }
	port=${address##*:}
	equal "the first line" "$line" "listening on $address"
}

# stop SIGNAL: asks the server to end, sets $last to what it still said, and
# fails if its status is not 0
stop() {
	local status=0
	kill "-$1" "$server"
	last=$(cat <&"$said")
	wait "$server" || status=$?
	equal "the status after SIG$1 ($(cat "$tmp/stderr"))" "$status" 0
	exec {said}<&-
}
