#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_spawning.sh - greets from everywhere, in any order
. "$(dirname "$0")/lib.sh"

equal "the output" "$("$BUILD/examples/spawning" | LC_ALL=C sort)" \
	"$(printf 'Hello World, from %s\n' 'a thread of its own' 'a worker' \
		'a worker' 'any worker')"
