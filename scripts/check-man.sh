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
scripts/man.py "$dir/man3" || exit 1
cp -r man "$dir/man7"

# Warnings are printed; a page that only refers to another one has none.
if command -v groff >/dev/null; then
	for page in "$dir"/man3/*.3 "$dir"/man7/*.7; do
		head -c 4 "$page" | grep -q '^\.so ' && continue
		said=$(groff -man -Tutf8 -Kutf8 -ww -z "$page" 2>&1)
		[ -z "$said" ] || {
			echo "$said" | sed "s|$dir/||"
			failed=1
		}
	done
fi
if command -v mandoc >/dev/null; then
	# No date: pages are made from the headers, whenever.
	said=$(cd "$dir" && mandoc -Tlint -Wwarning man3/*.3 man7/*.7 2>&1 |
		grep -vE 'missing date|operating system|\.so is fragile')
	[ -z "$said" ] || {
		echo "$said"
		failed=1
	}
fi

# What a page refers to exists.
for page in "$dir"/man3/*.3 "$dir"/man7/*.7; do
	sed -nE 's/^\.BR (heph_[a-z_]+|HEPH_[A-Z_]+) \(3\).*/\1/p; s|^\.so man3/(.*)\.3|\1|p' \
		"$page" | while read -r name; do
		[ -f "$dir/man3/$name.3" ] || echo "$page refers to $name" | sed "s|$dir/||"
	done
done >"$dir/missing"
cat "$dir/missing"
[ ! -s "$dir/missing" ] && [ $failed = 0 ]
