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
for defect in lost-wake double reorder; do
	"$dir"/tests/swarm_redis 200 "$first" $defect 2>/dev/null || failed=$((failed + 1))
done
[ "$failed" = 0 ]
