#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_upload.sh - files come as bodies and as parts of forms, whole; broken ones
# leave nothing; memory does not grow with them
. "$(dirname "$0")/lib.sh"
need curl cmp
mkdir "$tmp/in" "$tmp/out"

start upload "$tmp/in" 127.0.0.1:0
url=http://$address

# send STATUS ARGUMENT...
send() {
	local expected=$1 got
	shift
	got=$(curl -sS -o "$tmp/body" -w '%{http_code}' "$@") || true
	equal "the status of $*" "$got" "$expected"
}

head -c 20000000 /dev/urandom >"$tmp/out/big"
printf 'one\r\n--\r\n' >"$tmp/out/one.txt"
: >"$tmp/out/empty"

send 201 -T "$tmp/out/big" "$url/big"
cmp "$tmp/out/big" "$tmp/in/big"
send 201 -T "$tmp/out/big" -H "Transfer-Encoding: chunked" "$url/chunked"
cmp "$tmp/out/big" "$tmp/in/chunked"
send 201 -T "$tmp/out/empty" "$url/empty"
cmp "$tmp/out/empty" "$tmp/in/empty"
send 409 -T "$tmp/out/one.txt" "$url/big"
cmp "$tmp/out/big" "$tmp/in/big"

send 201 -F "text=no file" -F "a=@$tmp/out/one.txt" -F "b=@$tmp/out/big;filename=again" \
	-F "c=@$tmp/out/empty;filename=nothing" "$url/"
equal "how many" "$(cat "$tmp/body")" "files: 3"
cmp "$tmp/out/one.txt" "$tmp/in/one.txt"
cmp "$tmp/out/big" "$tmp/in/again"
cmp "$tmp/out/empty" "$tmp/in/nothing"

# Names that lead elsewhere.
for name in ../x .hidden a/b "" "a|b"; do
	send 400 -F "a=@$tmp/out/one.txt;filename=\"$name\"" "$url/"
done
send 400 -T "$tmp/out/one.txt" "$url/a%2Fb"
equal "files outside" "$(ls "$tmp")" "body
in
out
stderr"

# What is no form, and one that does not end.
send 400 -d a=b "$url/"
send 400 -H 'Content-Type: multipart/form-data; boundary=x' --data-binary \
	$'--x\r\nContent-Disposition: form-data; name=a; filename=cut\r\n\r\nhalf' "$url/"
[ ! -e "$tmp/in/cut" ] || fail "half a part is left"

# A client that goes away in the middle.
exec {conn}<>"/dev/tcp/127.0.0.1/$port"
printf 'PUT /gone HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf' >&"$conn"
for _ in $(seq 1 100); do
	[ -e "$tmp/in/gone" ] && break
	sleep 0.02
done
[ -e "$tmp/in/gone" ] || fail "it was not begun"
exec {conn}<&-
for _ in $(seq 1 100); do
	[ -e "$tmp/in/gone" ] || break
	sleep 0.02
done
[ ! -e "$tmp/in/gone" ] || fail "half a body is left"

# 60 MB went through it.
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$server/status")
limit=40000
case $(readlink "/proc/$server/exe") in *asan*) limit=400000 ;; esac
[ "$peak" -lt $limit ] || fail "it had $peak kB"
stop TERM
