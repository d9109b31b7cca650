#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_differential.sh - what we make of thousands of messages, and what llhttp (of
# Node) and h11 (of Python) make of them; see differential.py
set -u
BUILD=${BUILD:-build}
here=$(dirname "$0")

command -v node >/dev/null || {
	echo "skipped: no node"
	exit 77
}
python=python3 # Debian's own has Debian's h11
[ -x /usr/bin/python3 ] && python=/usr/bin/python3
exec "$python" "$here/differential.py" "$BUILD/tests/http-messages" 6000 7
