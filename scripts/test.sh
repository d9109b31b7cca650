#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test.sh DIR [SUITE... | -SUITE...] - runs the tests of suites built in DIR, but
# for those that are in a suite with a '-' as well
#
#   T=text     only the tests whose name contains it
#   WITHOUT=f  not those whose names begin the lines of that file
#   WRAP=...   a command in front of each test: valgrind, for example
#   SLOW=n     time limits are n times as long
set -eu
cd "$(dirname "$0")/.."
dir=$1
shift

suites=
for suite; do
	case $suite in
	-*) suites="$suites --no-suite ${suite#-}" ;;
	*) suites="$suites --suite $suite" ;;
	esac
done

names=
if [ -n "${T-}${WITHOUT-}" ]; then
	names=$(meson test -C "$dir" --list --no-rebuild $suites 2>/dev/null |
		sed 's|^heph:[^/]* / ||' | grep -F -e "${T-}" |
		awk 'FILENAME != "-" { without[$1]; next } !($1 in without)' "${WITHOUT:-/dev/null}" -)
	[ -n "$names" ] || {
		echo "no test has '${T-}' in its name" >&2
		exit 1
	}
fi

# Many of them wait more than they compute; less so under a sanitizer.
each=5
[ -z "${SLOW-}" ] || each=3
exec meson test -C "$dir" --no-rebuild --print-errorlogs \
	--num-processes $(($(nproc) * each / 2)) \
	--timeout-multiplier "${SLOW:-1}" ${WRAP:+--wrapper "$WRAP"} $suites $names
