#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh [NAME...] - what the tests cannot see, one line for each check
#
# Ends with "N passed, N failed". The details of a check are shown if it fails,
# and remarks that do not make it fail always.
set -u
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# check NAME COMMAND...
check() {
	name=$1
	shift
	case " $only " in
	"  " | *" $name "*) ;;
	*) return ;;
	esac
	if "$@" >"$log" 2>&1; then
		echo "ok    $name"
		grep '^note:' "$log" | sed 's/^/      /'
		passed=$((passed + 1))
	else
		echo "FAIL  $name"
		sed 's/^/      /' "$log"
		failed=$((failed + 1))
	fi
}

only=$*
check style scripts/check-style.sh
check layers scripts/check-layers.sh
check headers scripts/check-headers.sh
check wrong-uses scripts/check-fail.sh
check parity scripts/check-parity.py
check man scripts/check-man.sh
check gcc env CC=gcc scripts/build.sh build-gcc all -Dwerror=true
check clang env CC=clang scripts/build.sh build-clang all -Dwerror=true
check symbols scripts/check-symbols.sh build-gcc
check aarch64 scripts/check-aarch64.sh

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
