#!/bin/sh
# SPDX-License-Identifier: MIT
#
# swarm.sh DIR SEEDS [FIRST] - runs each world of the swarm with so many seeds; then
# worlds with a defect, which must be found within 200. S=text: only those whose
# name contains it
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$1 seeds=$2 first=${3:-1} failed=0

for program in "$dir"/tests/swarm_*"${S:-}"*; do
	[ -f "$program" ] && [ -x "$program" ] || continue
	printf 'swarm %s: ' "${program##*/swarm_}"
	timeout $((seeds + 60)) "$program" "$seeds" "$first" || failed=$((failed + 1))
done
finds() {
	program=$1
	shift
	for defect; do
		"$dir"/tests/swarm_"$program" 200 "$first" "$defect" 2>/dev/null || failed=$((failed + 1))
	done
}
finds redis lost-wake double reorder
[ ! -x "$dir"/tests/swarm_remote ] || finds remote double reorder loses doubles forgets deaf
[ "$failed" = 0 ]
