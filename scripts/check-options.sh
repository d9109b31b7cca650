#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-options.sh - the library can be built without what may be left out
#
# Without NATS, and without anything: it builds without a warning, what is installed
# then can be included, and nothing declares a function that no library has.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# without NAME OPTION...
without() {
	name=$1
	shift
	dir=build-without-$name
	CC=gcc scripts/build.sh "$dir" libs -Dtests=disabled -Dwerror=true -Doptimization=0 \
		-Ddebug=false -Dprefix=/usr $(printf -- '-D%s=disabled ' "$@") >"$tmp/log" 2>&1 &&
		DESTDIR=$tmp/$name meson install -C "$dir" --no-rebuild --quiet \
			--tags devel,runtime >>"$tmp/log" 2>&1 || {
		echo "without $name: cannot be built"
		tail -n 40 "$tmp/log"
		failed=1
		return
	}
	headers=$tmp/$name/usr/include/heph-1
	(cd "$headers" && find heph -name '*.h') | sed 's/.*/#include <&>/' >"$tmp/all.c"
	gcc -std=c11 -Wall -Wextra -Wpedantic -Wundef -Werror -fsyntax-only -I"$headers" \
		"$tmp/all.c" || failed=1
	scripts/check-symbols.sh --declared $(find "$headers" -name '*.h') >"$tmp/declared"
	nm -D --defined-only "$dir"/libheph*.so | awk 'NF == 3 && $2 != "A" { print $3 }' |
		sed 's/@.*//' | sort -u >"$tmp/exported"
	comm -23 "$tmp/declared" "$tmp/exported" | sed "s/^/without $name: declared, but not there: /" |
		grep . && failed=1
	[ -s "$tmp/declared" ] || failed=1
}

without nats nats
without all nats tls remote dns control compression valgrind probes
exit $failed
