#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_sensors.sh - readings arrive; nothing of them can be read on the way, but
# without encryption; what is forged or repeated on the way is refused; another
# secret is not heard
. "$(dirname "$0")/lib.sh"
need python3

# tap FILE: what passes goes to the file; sets $tap, where it listens
tap() {
	local line
	exec {tapped}< <(exec python3 "$tests/udp_tap.py" "$address" "$1")
	pids+=("$!")
	read -r line <&"$tapped" || fail "no tap"
	tap=${line#listening on }
}

# measure WHERE NAME: a sensor; sets $said_it
measure() {
	said_it=$("$BUILD/examples/sensors" measure "$1" "$2" 50 2>"$tmp/sensor") ||
		fail "$2: $(cat "$tmp/sensor" "$tmp/stderr")"
}

# Who would find it when it is there.
export SENSORS_PLAIN=1
start sensors collect 127.0.0.1:0
tap "$tmp/plain"
measure "$tap" greenhouse
stop TERM
grep -q greenhouse "$tmp/plain" || fail "nothing passes through the tap"
unset SENSORS_PLAIN

export SENSORS_SECRET="a leaf in the wind" FORGE=1
start sensors collect 127.0.0.1:0
tap "$tmp/sealed"
measure "$tap" greenhouse
grep -q "^greenhouse: [0-9]* readings, 1[0-9.]* to 2[0-9.]*, mean 2" <<<"$said_it" ||
	fail "no readings: $said_it"
lost=$(sed -n 's/^50 sent, \([0-9]*\) lost.*/\1/p' <<<"$said_it")
[ "${lost:-50}" -lt 25 ] || fail "lost: $said_it"
measure "$address" cellar
if SENSORS_SECRET=other timeout 1 "$BUILD/examples/sensors" measure "$address" thief 1 \
	>"$tmp/thief" 2>&1; then
	fail "a thief was heard"
fi
stop INT
[ "$(stat -c %s "$tmp/sealed")" -gt 5000 ] || fail "nothing passes through the tap"
for word in greenhouse collector readings cellar; do
	! grep -q "$word" "$tmp/sealed" || fail "'$word' can be read on the way"
done
grep -q "^greenhouse: [0-9]* readings" <<<"$last" || fail "the collector: $last"
grep -q "^cellar: 50 readings" <<<"$last" || fail "the collector: $last"
grep -Eq "^refused: [0-9]{2,} forged, [0-9]{2,} repeated" <<<"$last" ||
	fail "nothing was refused: $last"
! grep -q thief <<<"$last" || fail "a thief was heard: $last"

if "$BUILD/examples/sensors" collect nonsense 2>"$tmp/nonsense"; then
	fail "listens on nonsense"
fi
