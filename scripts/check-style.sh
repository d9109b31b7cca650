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
commented=$(grep -E '\.([chS]|sh)$|^Makefile$|meson\.build$' "$all")
text=$(grep -vE '^fuzz/corpus/|\.(png|bin|gz)$' "$all")

for file in $commented; do
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: MIT' || echo "$file"
done | complain "no SPDX line"

grep -InHE '[[:blank:]]+$' $text /dev/null | complain "space at the end"
grep -InHE '(^|[;{},)]|else)[[:blank:]]*//' $code /dev/null | complain "// comment"
grep -InHE '^ +	' $code /dev/null | complain "space before tab"
grep -InHE '^ {8}' $code /dev/null | complain "spaces for a tab"
# Written so that it does not find itself.
grep -InHE '/(work|root|home)/[A-Za-z]' $text /dev/null | complain "path of a machine"
for file in $code; do
	[ -z "$(tail -c 1 "$file")" ] || echo "$file"
done | complain "no newline at the end"

for file in $code; do
	lines=$(wc -l <"$file")
	[ "$lines" -le 600 ] || echo "note: $file has $lines lines; is it one noun?"
done
cat "$found"
[ ! -s "$found" ]
