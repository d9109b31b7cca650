#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_setup.sh - options from a file and from the environment, and what is wrong
. "$(dirname "$0")/lib.sh"
unset HEPH_WORKERS HEPH_GRACE HEPH_NAME HEPH_SPIN

# line KEY: what the example says of that option
line() {
	sed -n "s/^$1 = //p" "$tmp/out"
}

# wrong EXPECTED COMMAND...: it fails and says that
wrong() {
	local expected=$1 status=0
	shift
	"$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	equal "the status" "$status" 2
	equal "the error" "$(grep '^setup: ' "$tmp/err")" "setup: $expected"
	equal "the output" "$(cat "$tmp/out")" ""
}

cat >"$tmp/app.conf" <<-END
	# how it runs
	workers = 3
	grace = 7s   # per shutdown
	name = configured
END

HEPH_LOG=off "$BUILD/examples/setup" >"$tmp/out"
equal "workers, by the program" "$(line workers)" 1
equal "grace, by the program" "$(line grace)" 5s
equal "name, of the program" "$(line name)" setup
equal "a default" "$(line inbox)" 64
equal "the last line" "$(tail -n 1 "$tmp/out" | grep -c '^the store ends after')" 1
grep -q '^# heph [0-9.]* on Linux ' "$tmp/out" || fail "$(head -n 1 "$tmp/out")"

HEPH_LOG=off "$BUILD/examples/setup" "$tmp/app.conf" >"$tmp/out"
equal "workers, by the file" "$(line workers)" 3
equal "grace, by the file" "$(line grace)" 7s
equal "name, by the file" "$(line name)" configured
equal "those who greet" "$(grep '^Hello' "$tmp/out" | LC_ALL=C sort)" \
	"$(printf 'Hello from worker %s\n' 0 1 2)"

HEPH_LOG=off HEPH_WORKERS=2 HEPH_SPIN=off \
	"$BUILD/examples/setup" "$tmp/app.conf" >"$tmp/out"
equal "workers, by the environment" "$(line workers)" 2
equal "spin, by the environment" "$(line spin)" off
equal "grace, by the file still" "$(line grace)" 7s

# What it prints is such a file, and says the same.
grep -v '^\(#\|Hello\|the store\)' "$tmp/out" >"$tmp/same.conf"
HEPH_LOG=off "$BUILD/examples/setup" "$tmp/same.conf" | grep ' = ' >"$tmp/again"
equal "what it prints, read again" "$(cat "$tmp/again")" "$(cat "$tmp/same.conf")"

wrong "HEPH_WORKERS = many: must be 0 to 512, or all" \
	env HEPH_WORKERS=many "$BUILD/examples/setup"
wrong "there is no HEPH_GRCE; did you mean HEPH_GRACE?" \
	env HEPH_GRCE=1s "$BUILD/examples/setup"
echo "wrokers = 2" >>"$tmp/app.conf"
wrong "$tmp/app.conf:5: there is no wrokers; did you mean workers?" \
	"$BUILD/examples/setup" "$tmp/app.conf"
wrong "$tmp/none: No such file or directory" "$BUILD/examples/setup" "$tmp/none"
