#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_steps.sh - backtraces end at the entry, at each instruction of the switch
. "$(dirname "$0")/common.sh"

debug -ex "break probed_main" -ex run -x "$SOURCE/tests/gdb/steps.py" "$BUILD/tests/gdb-probed"
case $said in
*"not permitted"*) skip "ptrace is forbidden here" ;;
esac
expect "instructions of heph_coro_entry heph_coro_go heph_coro_jump heph_coro_swap; 0 bad"
