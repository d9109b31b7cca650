#!/bin/sh
# SPDX-License-Identifier: MIT
# test_http_names.sh - the numbers of names are those that src/http/names.txt makes
command -v python3 >/dev/null || exit 77
exec python3 "$SOURCE/scripts/http-names.py" --check
