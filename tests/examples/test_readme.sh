#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_readme.sh - the examples do what examples/README.md says, as `make run` runs them
. "$(dirname "$0")/lib.sh"
need python3

# shellcheck disable=SC2154
cd "$tests/../.." || exit 1
python3 tests/examples/readme.py "$BUILD"
