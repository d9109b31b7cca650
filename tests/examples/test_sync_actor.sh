#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_sync_actor.sh - says what it says, and ends well
. "$(dirname "$0")/lib.sh"

equal "the output" "$("$BUILD/examples/sync_actor")" \
	"$(printf 'Got a message: Hello world\nBye')"
