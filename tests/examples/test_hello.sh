#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_hello.sh - says what it says, and ends well
. "$(dirname "$0")/lib.sh"

equal "the output" "$("$BUILD/examples/hello")" "Hello, World!"
