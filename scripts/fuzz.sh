#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh DIR SECONDS - runs each fuzzer for that long, as many at a time as there
# are cores; F=text: only those whose name contains it
#
# Starts from fuzz/corpus/NAME. New inputs go to DIR/corpus/NAME; an input that
# fails stays in DIR, and its path is printed.
set -u
cd "$(dirname "$0")/.." || exit 1

if [ "$1" != --one ]; then
	for program in "$1"/fuzz/fuzz_*"${F:-}"*; do
		[ -f "$program" ] && [ -x "$program" ] && echo "$program"
	done | xargs -r -P "$(nproc)" -I '{}' scripts/fuzz.sh --one "$1" "$2" '{}'
	exit
fi

dir=$2 seconds=$3 program=$4
name=${program##*/fuzz_}
found=$dir/corpus/$name
said=$dir/fuzz-$name.log
mkdir -p "$found"
kept=
[ -d "fuzz/corpus/$name" ] && kept=fuzz/corpus/$name
if "$program" -max_total_time="$seconds" -timeout=10 -verbosity=0 \
	-artifact_prefix="$dir/$name-" "$found" $kept >"$said" 2>&1; then
	echo "fuzz $name: $seconds s"
else
	cat "$said"
	echo "fuzz $name: FAILED"
	exit 1
fi
