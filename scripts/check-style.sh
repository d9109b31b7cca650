#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-style.sh - cheap things that a layout program does not see
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C

# Reads lines "FILE:LINE:text" and complains about each.
complain() {
	cut -c 1-140 | sed "s|^|$1: |" >>"$found"
}

found=$(mktemp)
all=$(mktemp)
trap 'rm -f "$found" "$all"' EXIT
git ls-files --cached --others --exclude-standard |
	while IFS= read -r file; do
		[ -f "$file" ] && echo "$file"
	done >"$all"

code=$(grep '\.[ch]$' "$all")
# What `heph new` makes is its user's.
commented=$(grep -E '\.([chS]|sh)$|^Makefile$|meson\.build$' "$all" | grep -v '^share/new/')
text=$(grep -vE '^fuzz/corpus/|\.(png|bin|gz|xz)$' "$all")

for file in $commented; do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done | complain "no SPDX line"

grep -InHE '[[:blank:]]+$' $text /dev/null | complain "space at the end"
grep -InHE '(^|[;{},)]|else)[[:blank:]]*//' $code /dev/null | complain "// comment"
grep -InHE '^ +	' $code /dev/null | complain "space before tab"
grep -InHE '^ {8}' $code /dev/null | complain "spaces for a tab"
# Written so that it does not find itself.
grep -InHE '/(work|root|home)/[A-Za-z]' $text /dev/null | complain "path of a machine"
# Of the layers below, src/base/log.h says it.
for file in $(grep -lE '\bheph_log(_[a-z]+)?\("?' $(echo "$code" | grep -E '^src/(tls|http|remote)/.*\.c$') /dev/null); do
	grep -q '^#define HEPH_LOG_TARGET' "$file" || echo "$file"
done | complain "writes to the log without HEPH_LOG_TARGET"
for file in $code; do
	[ -z "$(tail -c 1 "$file")" ] || echo "$file"
done | complain "no newline at the end"

for file in $code; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 600 ] || echo "note: $file has $lines lines; is it one noun?"
done
cat "$found"
[ ! -s "$found" ]
