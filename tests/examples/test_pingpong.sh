#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_pingpong.sh - as many messages as were asked for
. "$(dirname "$0")/lib.sh"

said=$("$BUILD/examples/pingpong" 100000)
equal "the count" "${said%%$'\n'*}" "100000 round trips, 200000 messages"
[[ $said == *" ns per message" ]] || fail "no time: $said"

said=$("$BUILD/examples/pingpong" 0)
equal "the count of none" "${said%%$'\n'*}" "0 round trips, 0 messages"

if "$BUILD/examples/pingpong" many 2>/dev/null; then
	fail "takes anything for a number"
fi
