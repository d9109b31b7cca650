#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_configuration.sh - the guide has a row for each option, and no other
set -eu
cd "$(dirname "$0")/../.."
page=docs/guide/configuration.md

keys=$(sed -n 's/^.*{ AT(\([a-z_]*\), .*/\1/p' src/rt/option.c | LC_ALL=C sort)
rows=$(sed -n 's/^| `\([a-z_]*\)` | `HEPH_\([A-Z_]*\)` | .*/\1 \2/p' $page | LC_ALL=C sort)
expected=$(for key in $keys; do echo "$key ${key^^}"; done)
[ -n "$keys" ] && [ "$rows" = "$expected" ] || {
	echo "src/rt/option.c (<) and $page (>) differ:"
	diff <(echo "$expected") <(echo "$rows") || true
	exit 1
}

# The variables of others, which heph_config_from_env() leaves alone.
others=$(sed -n '/^static const char \*const others/,/^};/p' src/rt/configread.c |
	grep -o '"[A-Z_]*"' | tr -d '"')
[ -n "$others" ]
for other in $others; do
	grep -q "^|.*\`HEPH_$other\`.* |" $page || {
		echo "$page: there is no HEPH_$other"
		exit 1
	}
done

# One version, in two places.
version=$(sed -n 's/^#define HEPH_VERSION "\(.*\)"$/\1/p' include/heph/config.h)
grep -q "^  version: '$version',$" meson.build || {
	echo "include/heph/config.h and meson.build: another version"
	exit 1
}
