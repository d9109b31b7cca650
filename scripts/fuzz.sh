#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzz.sh DIR SECONDS - runs each fuzzer for that long; F=text: only those whose
# name contains it
#
# Starts from fuzz/corpus/NAME. New inputs go to DIR/corpus/NAME; an input that
# fails stays in DIR, and its path is printed.
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$1 seconds=$2 failed=0

for program in "$dir"/fuzz/fuzz_*"${F:-}"*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	name=${program##*/fuzz_}
	found=$dir/corpus/$name
	mkdir -p "$found"
	kept=
	[ -d "fuzz/corpus/$name" ] && kept=fuzz/corpus/$name
	echo "fuzz $name: $seconds s"
	if ! "$program" -max_total_time="$seconds" -timeout=10 -verbosity=0 \
		-artifact_prefix="$dir/$name-" "$found" $kept; then
		echo "fuzz $name: FAILED"
		failed=$((failed + 1))
	fi
done
[ "$failed" = 0 ]
