#!/bin/sh
# SPDX-License-Identifier: MIT
# test_http_values.sh - dates, URIs, queries, cookies and credentials as Python's
command -v python3 >/dev/null || exit 77
for library in "$BUILD"/libheph-http.so.?; do
	[ -e "$library" ] || exit 77
	# What is linked with a sanitizer stops a process that was not.
	if nm -D "$library" | grep -q '__[at]san_init\|__ubsan'; then
		echo "skipped: a sanitizer's library"
		exit 77
	fi
	exec python3 "$SOURCE/tests/tools/http_values.py" "$library"
done
