#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-man.sh - everything public has a manual page, and no page has warnings
set -u
cd "$(dirname "$0")/.." || exit 1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
failed=0

scripts/man.py --check || failed=1
scripts/man.py "$dir/man3" "$dir/man7" || exit 1
cp man/heph.7 "$dir/man7"
mkdir "$dir/man1"
cp man/heph.1 "$dir/man1"

# Warnings are printed; a page that only refers to another one has none.
if command -v groff >/dev/null; then
	for page in "$dir"/man[137]/*.[137]; do
		head -c 4 "$page" | grep -q '^\.so ' && continue
		said=$(groff -man -Tutf8 -Kutf8 -ww -z "$page" 2>&1)
		[ -z "$said" ] || {
			echo "$said" | sed "s|$dir/||"
			failed=1
		}
	done
fi
if command -v mandoc >/dev/null; then
	said=$(cd "$dir" && mandoc -Tlint -Wwarning man[137]/*.[137] 2>&1 |
		grep -vE 'operating system|\.so is fragile')
	[ -z "$said" ] || {
		echo "$said"
		failed=1
	}
fi

# What a page refers to exists.
for page in "$dir"/man[137]/*.[137]; do
	sed -nE 's/\\-/-/g; s/^\.BR (heph[-+a-z0-9_]*|HEPH_[A-Z_]+) \(([0-9])\).*/man\2\/\1.\2/p; s/^\.so //p' \
		"$page" | while read -r name; do
		[ -f "$dir/$name" ] || echo "$page refers to $name" | sed "s|$dir/||"
	done
done >"$dir/missing"
cat "$dir/missing"
[ ! -s "$dir/missing" ] && [ $failed = 0 ]
