#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_rpc.sh - one question, one answer
. "$(dirname "$0")/lib.sh"

equal "the output" "$("$BUILD/examples/rpc")" "Got a RPC request: Ping
Got a RPC response: Pong"
