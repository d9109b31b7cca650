#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_route.sh - each route is answered by its function, and others by none
. "$(dirname "$0")/lib.sh"
need curl

start route 127.0.0.1:0
url=http://$address
equal "/" "$(curl -sS "$url/")" Index
equal "/ with a query" "$(curl -sS "$url/?a=b")" Index
equal "/other_page" "$(curl -sS "$url/other_page")" "Other page!"
equal "/hello" "$(curl -sS "$url/hello/you")" "Hello, you!"
equal "/hello, decoded" "$(curl -sS "$url/hello/a%20b%2Fc")" "Hello, a b/c!"
equal "POST" "$(curl -sS -X POST "$url/post")" POST
equal "PATCH" "$(curl -sS -X PATCH "$url/post")" POST
equal "the fallback" "$(curl -sS "$url/nowhere/at/all")" "Page not found"
equal "its status" "$(curl -sS -o /dev/null -w '%{http_code}' "$url/nowhere")" 404
equal "HEAD" "$(curl -sS -I -o /dev/null -w '%{http_code}' "$url/other_page")" 200
curl -sS -i -X PUT "$url/post" >"$tmp/put"
head -n 1 "$tmp/put" | grep -q 405 || fail "PUT /post: $(cat "$tmp/put")"
grep -qi '^allow:.*POST' "$tmp/put" || fail "405 without Allow: $(cat "$tmp/put")"
curl -sS -i -X OPTIONS "$url/other_page" >"$tmp/options"
grep -qi '^allow:.*GET.*HEAD' "$tmp/options" || fail "OPTIONS: $(cat "$tmp/options")"
stop TERM
