#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_http_my_ip.sh - tells each caller its address; what it does not answer
. "$(dirname "$0")/lib.sh"
need curl

status() {
	curl -sS -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' "$@"
}

for signal in INT TERM; do
	start http_my_ip 127.0.0.1:0
	equal "the address" "$(curl -sS "http://$address/")" 127.0.0.1
	equal "of HEAD" "$(status -I "http://$address/")" 200
	equal "another path" "$(status "http://$address/x")" 404
	equal "another method" "$(status -X DELETE "http://$address/")" 405
	grep -qi '^allow: GET, HEAD' "$tmp/head" || fail "405 without Allow"
	equal "a body" "$(status -d x "http://$address/")" 413
	stop $signal
done

start http_my_ip "[::1]:0"
equal "the address" "$(curl -sS -g "http://$address/")" ::1
stop TERM

if "$BUILD/examples/http_my_ip" nonsense 2>"$tmp/nonsense"; then
	fail "listens on nonsense"
fi
grep -q nonsense "$tmp/nonsense" || fail "does not say what is wrong"
