#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_seccomp.sh - the guide has the groups of the seccomp profile, and no others
set -eu
cd "$(dirname "$0")/../.."
page=docs/guide/production.md
profile=share/seccomp/heph.json
command -v python3 >/dev/null || {
	echo "skipped: there is no python3"
	exit 77
}

expected=$(python3 - $profile <<'END'
import json, sys
with open(sys.argv[1]) as file:
    for rule in json.load(file)["syscalls"]:
        group, what = rule["comment"].split(": ", 1)
        print(f"| `{group}` | {what} | {', '.join(rule['names'])} |")
END
)
rows=$(sed -n '/^<!-- groups of/,/^$/p' $page | grep '^| `')
[ -n "$expected" ] && [ "$rows" = "$expected" ] || {
	echo "$profile (<) and $page (>) differ:"
	diff <(echo "$expected") <(echo "$rows")
	exit 1
}

# `heph doctor` prints what the profile has for io_uring.
for name in io_uring_setup io_uring_enter io_uring_register; do
	grep -q "\"$name\"" $profile && grep -q "$name" tools/doctor.c || {
		echo "$profile, tools/doctor.c: one has no $name"
		exit 1
	}
done
