#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh [NAME...] - what the tests cannot see, one line for each check
#
# Ends with "N passed, N failed". The details of a check are shown if it fails,
# and remarks that do not make it fail always. Those that keep one core busy run
# beside those that keep all.
set -u
cd "$(dirname "$0")/.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
only=$*
: >"$tmp/results"
exec 9>"$tmp/lock"

# check NAME COMMAND...
check() {
	name=$1
	shift
	case " $only " in
	"  " | *" $name "*) ;;
	*) return ;;
	esac
	result=FAIL
	"$@" >"$tmp/$name" 2>&1 9>&- && result=ok
	flock 9
	echo "$result" >>"$tmp/results"
	if [ "$result" = ok ]; then
		echo "ok    $name"
		grep '^note:' "$tmp/$name" | sed 's/^/      /'
	else
		echo "FAIL  $name"
		sed 's/^/      /' "$tmp/$name"
	fi
	flock -u 9
}

# Its own description of the file: a lock is between those.
apart() {
	exec 9>"$tmp/lock"
	"$@"
}

alone() {
	check style scripts/check-style.sh
	check layers scripts/check-layers.sh
	check parity scripts/check-parity.py
	check man scripts/check-man.sh
	check links scripts/check-links.py
	check pictures scripts/pictures.py --check
	check site sh -c 'scripts/site.py build/site && scripts/check-links.py --site build/site'
	check map scripts/map.py --check
	check readme scripts/readme-bench.py --check
	check version scripts/check-version.sh
}

built() {
	check symbols scripts/check-symbols.sh "$1"
	check abi scripts/check-abi.sh "$1"
	check install scripts/check-install.sh "$1"
}

# Where warnings of the everyday build are errors there is no need for another one.
gcc="build-gcc all -Dwerror=true"
[ -z "${WERROR-}" ] || gcc="build all"
apart alone &
check gcc env CC=gcc scripts/build.sh $gcc
apart built "${gcc%% *}" &
check options scripts/check-options.sh
check headers scripts/check-headers.sh
check wrong-uses scripts/check-fail.sh
check clang env CC=clang scripts/build.sh build-clang all -Dwerror=true \
	-Doptimization=0 -Dlibrary_optimization=2
wait

failed=$(grep -c FAIL "$tmp/results")
echo "$(grep -c ok "$tmp/results") passed, $failed failed"
[ "$failed" = 0 ]
