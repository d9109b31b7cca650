#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_own_timers.sh - a sleep goes through the timers of the program
. "$(dirname "$0")/lib.sh"

equal "the output" "$("$BUILD/examples/own_timers")" "Adding timer...
Waking timer...
Hello, World!"
