#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-abi.sh DIR [--update] - what programs were compiled for is still there
#
# Compares the libraries in DIR with what abi/ says of them: functions that are
# gone, arguments and structs that have changed (libabigail). What is new does no
# harm. --update: from now on it is as it is in DIR; see docs/design/abi.md.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$1 failed=0
if ! command -v abidw >/dev/null; then
	echo "note: abidw is not here (abigail-tools)"
	exit 0
fi
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# What a struct of ours looks like inside is nobody's business. By the headers alone it
# cannot be told: libabigail knows them by name, and src/rt/runtime.h is heph/runtime.h.
structs() {
	grep -hoE '^(struct|union) heph_[a-z0-9_]+ \{' "$@" | cut -d ' ' -f 2 | sort -u
}
structs src/*/*.h >"$tmp/inside"
structs include/heph/*.h include/heph/*/*.h >"$tmp/public"
printf '[suppress_type]\n  name_regexp = ^(%s)$\n' \
	"$(comm -23 "$tmp/inside" "$tmp/public" | paste -sd '|')" >"$tmp/ours"

for lib in libheph libheph-tls libheph-http libheph-remote; do
	if [ ! -e "$dir/$lib.so.1" ]; then
		echo "note: $lib is not built"
		continue
	fi
	abidw --headers-dir include --drop-private-types --no-show-locs --no-corpus-path \
		--no-comp-dir-path "$dir/$lib.so.1" >"$tmp/new" || exit 1
	if [ "${2-}" = --update ]; then
		xz -9 <"$tmp/new" >"abi/$lib.xml.xz"
		continue
	fi
	xz -dc "abi/$lib.xml.xz" >"$tmp/old" || exit 1
	if ! abidiff --suppressions "$tmp/ours" --no-added-syms "$tmp/old" "$tmp/new" >"$tmp/diff" 2>&1; then
		echo "$lib: programs that were compiled before may not work any more:"
		cat "$tmp/diff"
		failed=1
	fi
done
exit $failed
