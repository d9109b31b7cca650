#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_rest.sh - items are made, read, changed, listed and removed; what is wrong is
# refused; a request that has begun is answered although the server is asked to end
. "$(dirname "$0")/lib.sh"
need curl
[ -x "$BUILD/examples/rest" ] || { echo "skipped: built without jansson"; exit 77; }

start rest 127.0.0.1:0
url=http://$address/items

# call STATUS ARGUMENT...: the body is in $body
call() {
	local expected=$1 got
	shift
	got=$(curl -sS -o "$tmp/body" -D "$tmp/head" -w '%{http_code}' "$@")
	body=$(cat "$tmp/body" 2>/dev/null)
	equal "the status of $*" "$got" "$expected"
}

call 200 "$url"
equal "no items" "$body" "[]"
call 201 -d '{"name":"tea","price":350}' "$url"
equal "the item" "$body" '{"id":1,"name":"tea","price":350}'
grep -qi '^location: /items/1' "$tmp/head" || fail "no Location"
grep -qi '^content-type: application/json' "$tmp/head" || fail "no type"
call 201 -d '{"name":"milk","price":99}' "$url"
call 200 "$url/1"
equal "the first" "$body" '{"id":1,"name":"tea","price":350}'
call 200 -X PUT -d '{"name":"black tea","price":375}' "$url/1"
call 200 "$url/1"
equal "changed" "$body" '{"id":1,"name":"black tea","price":375}'
call 204 -X DELETE "$url/1"
call 404 "$url/1"
call 404 -X DELETE "$url/1"
call 404 -X PUT -d '{"name":"x","price":1}' "$url/1"
call 200 "$url"
equal "those that are left" "$body" '[{"id":2,"name":"milk","price":99}]'

call 404 "$url/0"
call 404 "$url/99999"
call 404 "$url/18446744073709551615"
call 404 "$url/18446744073709551616"
call 404 "$url/x"
call 400 -d '{"name":"tea"}' "$url"
call 400 -d 'no json' "$url"
call 400 -d '{"name":7,"price":1}' "$url"
call 400 -d '{"name":"0123456789012345678901234567890123456789","price":1}' "$url"
call 400 "$url?after=x"
call 405 -X PATCH "$url/2"
call 413 -H 'Expect:' --data-binary @<(head -c 2000000 /dev/zero) "$url"

# A page has 16.
for i in $(seq 1 20); do
	echo "url=$url"
	echo "output=/dev/null"
	echo "data={\"name\":\"n$i\",\"price\":$i}"
	echo next
done >"$tmp/many"
sed -i '$d' "$tmp/many"
curl -sS -o /dev/null -K "$tmp/many"
call 200 "$url"
equal "a page" "$(grep -o '"id"' "$tmp/body" | wc -l)" 16
call 200 "$url?after=17"
equal "the next page" "$(grep -o '"id"' "$tmp/body" | wc -l)" 5

# The body of this one is there only after the server was asked to end.
exec {conn}<>"/dev/tcp/127.0.0.1/$port"
printf 'POST /items HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 22\r\n\r\n' >&"$conn"
read -r line <&"$conn"
equal "go on" "${line%$'\r'}" "HTTP/1.1 100 Continue"
kill -TERM "$server"
printf '{"name":"x","price":1}' >&"$conn"
reply=$(cat <&"$conn")
case $reply in
*"HTTP/1.1 201"*) ;;
*) fail "a request that had begun: $reply" ;;
esac
status=0
wait "$server" || status=$?
equal "the status at the end ($(cat "$tmp/stderr"))" "$status" 0
