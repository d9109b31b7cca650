#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_counter.sh - an actor and a thread see the same total
. "$(dirname "$0")/lib.sh"

for _ in 1 2 3 4 5; do
	equal "the output" "$("$BUILD/examples/counter")" \
		"an actor sees 42"$'\n'"a thread sees 42"
done
