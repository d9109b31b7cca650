#!/bin/sh
# SPDX-License-Identifier: MIT
#
# stress.sh DIR SECONDS - runs each stress test for that long; S=text: only
# those whose name contains it
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$1 seconds=$2 failed=0

for program in "$dir"/tests/stress_*"${S:-}"*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	name=${program##*/stress_}
	echo "stress $name: $seconds s"
	if ! timeout $((seconds * 4 + 30)) "$program" "$seconds"; then
		echo "stress $name: FAILED"
		failed=$((failed + 1))
	fi
done
[ "$failed" = 0 ]
