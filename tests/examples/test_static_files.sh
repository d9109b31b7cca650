#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_static_files.sh - curl reads files: whole, in parts, again, compressed; and
# what is compressed is what other decoders read
. "$(dirname "$0")/lib.sh"
need curl gzip

www=$tmp/www
mkdir -p "$www/sub/deep" "$www/empty" "$www/.hidden"
printf '<h1>hello</h1>\n' >"$www/index.html"
printf 'secret\n' >"$tmp/outside"
printf 'x\n' >"$www/.hidden/x"
printf '0123456789' >"$www/ten.txt"
: >"$www/nothing.txt"
printf 'a\n' >"$www/sub/a & <b>.txt"
printf 'js\n' >"$www/sub/app.js"
seq 1 200000 >"$www/numbers.txt"
head -c 3000000 /dev/urandom >"$www/noise.bin"
ln -s ../outside "$www/out"
ln -s sub/app.js "$www/in.js"
mkfifo "$www/pipe"
printf 'plain\n' >"$www/pre.txt"
printf 'compressed beforehand\n' | gzip -c >"$www/pre.txt.gz"
find "$www" -exec touch -h -d '2020-02-03 04:05:06 UTC' {} +

start static_files 127.0.0.1:0 "$www"
url=http://$address

# get ARGUMENT...: the body to $tmp/body, the head to $tmp/head, sets $status
get() {
	: >"$tmp/body"
	status=$(curl -s --max-time 10 --path-as-is -o "$tmp/body" -D "$tmp/head" \
		-w '%{http_code}' "$@") || fail "curl $*: $?"
}

# field NAME: of the last head
field() {
	sed -n "s/^$1: \(.*\)\r$/\1/Ip" "$tmp/head"
}

# expect STATUS ARGUMENT...
expect() {
	local wanted=$1
	shift
	get "$@"
	equal "the status of $*" "$status" "$wanted"
}

# --- whole files -------------------------------------------------------------------
expect 200 "$url/"
equal "index" "$(cat "$tmp/body")" "<h1>hello</h1>"
equal "type" "$(field content-type)" "text/html; charset=utf-8"
equal "nosniff" "$(field x-content-type-options)" nosniff
equal "ranges" "$(field accept-ranges)" bytes
equal "date" "$(field last-modified)" "Mon, 03 Feb 2020 04:05:06 GMT"
for file in ten.txt nothing.txt numbers.txt noise.bin sub/app.js; do
	expect 200 "$url/$file"
	cmp "$tmp/body" "$www/$file" || fail "$file differs"
	equal "the length of $file" "$(field content-length)" "$(stat -c %s "$www/$file")"
	expect 200 -I "$url/$file"
	equal "the length by HEAD" "$(field content-length)" "$(stat -c %s "$www/$file")"
done
expect 200 "$url/in.js"
expect 200 "$url/sub/a%20%26%20%3Cb%3E.txt?query"

# --- what is not there ---------------------------------------------------------------
for path in none sub/none ten.txt/x out pipe .hidden/x .hidden/ sub/%5c..%5cten.txt; do
	expect 404 "$url/$path"
done
expect 400 "$url/../outside"
expect 400 "$url/sub/%2e%2e/%2e%2e/outside"
expect 400 "$url/ten.txt%00"
for path in ..%2foutside %2e%2e%2foutside sub%2f..%2f..%2foutside ////etc/passwd; do
	get "$url/$path"
	case $status in
	400 | 404) ;;
	*) fail "$path: $status" ;;
	esac
done
expect 405 -X DELETE "$url/ten.txt"
grep -qi '^allow:.*GET' "$tmp/head" || fail "no Allow"

# --- directories -----------------------------------------------------------------------
expect 308 "$url/sub?a=b"
equal "location" "$(field location)" "/sub/?a=b"
get "$url//sub"
case $(field location) in
//*) fail "leads to another host" ;;
esac
expect 200 "$url/sub/"
grep -qF 'href="./a%20%26%20%3Cb%3E.txt">a &amp; &lt;b&gt;.txt<' "$tmp/body" ||
	fail "the list: $(cat "$tmp/body")"
grep -qF 'href="./deep/">deep/<' "$tmp/body" || fail "no deep/ in the list"
expect 200 "$url/empty/"

# --- conditions ------------------------------------------------------------------------
expect 200 "$url/ten.txt"
tag=$(field etag)
date=$(field last-modified)
old="Sun, 02 Feb 2020 04:05:06 GMT"
[ "${tag#\"}" != "$tag" ] || fail "no strong tag: $tag"
expect 304 -H "If-None-Match: $tag" "$url/ten.txt"
equal "tag of 304" "$(field etag)" "$tag"
equal "length of 304" "$(wc -c <"$tmp/body")" 0
expect 304 -H "If-None-Match: \"x\", W/$tag" "$url/ten.txt"
expect 304 -H "If-None-Match: *" -I "$url/ten.txt"
expect 200 -H 'If-None-Match: "x"' "$url/ten.txt"
expect 304 -H "If-Modified-Since: $date" "$url/ten.txt"
expect 200 -H "If-Modified-Since: $old" "$url/ten.txt"
expect 200 -H "If-None-Match: \"x\"" -H "If-Modified-Since: $date" "$url/ten.txt"
expect 412 -H 'If-Match: "x"' "$url/ten.txt"
expect 200 -H "If-Match: $tag" "$url/ten.txt"
expect 412 -H "If-Match: W/$tag" "$url/ten.txt"
expect 412 -H "If-Unmodified-Since: $old" "$url/ten.txt"
expect 200 -H "If-Unmodified-Since: $date" "$url/ten.txt"
expect 412 -H 'If-Match: "x"' -H "If-None-Match: $tag" "$url/ten.txt"
expect 200 -H "If-Modified-Since: nonsense" "$url/ten.txt"

# --- ranges ----------------------------------------------------------------------------
# part RANGE EXPECTED CONTENT-RANGE
part() {
	expect 206 -H "Range: bytes=$1" "$url/ten.txt"
	equal "the range $1" "$(cat "$tmp/body")" "$2"
	equal "Content-Range of $1" "$(field content-range)" "bytes $3/10"
}
part 0-3 0123 0-3
part 7- 789 7-9
part -2 89 8-9
part -99 0123456789 0-9
part 3-999 3456789 3-9
part 9-9 9 9-9
expect 416 -H "Range: bytes=10-" "$url/ten.txt"
equal "Content-Range of 416" "$(field content-range)" "bytes */10"
expect 416 -H "Range: bytes=0-" "$url/nothing.txt"
for range in "bytes=5-2" "lines=1-2" "bytes=a-b" "bytes=" "bytes=0-9,0-9,0-9"; do
	expect 200 -H "Range: $range" "$url/ten.txt"
	equal "all" "$(cat "$tmp/body")" 0123456789
done
expect 206 -H "Range: bytes=0-1" -H "If-Range: $tag" "$url/ten.txt"
expect 206 -H "Range: bytes=0-1" -H "If-Range: $date" "$url/ten.txt"
expect 200 -H "Range: bytes=0-1" -H 'If-Range: "x"' "$url/ten.txt"
expect 200 -H "Range: bytes=0-1" -H "If-Range: W/$tag" "$url/ten.txt"
expect 200 -H "Range: bytes=0-1" -H "If-Range: $old" "$url/ten.txt"
expect 304 -H "Range: bytes=0-1" -H "If-None-Match: $tag" "$url/ten.txt"
expect 200 -I -H "Range: bytes=0-1" "$url/ten.txt"
expect 206 -H "Range: bytes=0-1,5-6,-1" "$url/ten.txt"
boundary=$(field content-type)
boundary=${boundary#multipart/byteranges; boundary=}
parts=
for part in "0-1:01" "5-6:56" "9-9:9"; do
	parts="$parts
--$boundary
Content-Type: text/plain; charset=utf-8
Content-Range: bytes ${part%:*}/10

${part#*:}"
done
equal "parts" "$(tr -d '\r' <"$tmp/body")" "$parts
--$boundary--"
expect 206 -r 100000-2900000 "$url/noise.bin"
tail -c +100001 "$www/noise.bin" | head -c 2800001 | cmp - "$tmp/body" || fail "a large part"
head -c 1000000 "$www/noise.bin" >"$tmp/half"
curl -s -C - -o "$tmp/half" "$url/noise.bin" || fail "resume"
cmp "$tmp/half" "$www/noise.bin" || fail "resumed"

# --- compression --------------------------------------------------------------------------
for coding in gzip br zstd; do
	expect 200 -H "Accept-Encoding: $coding" "$url/numbers.txt"
	equal "the coding" "$(field content-encoding)" "$coding"
	equal "Vary" "$(field vary)" Accept-Encoding
	case $(field etag) in
	W/*) ;;
	*) fail "a strong tag with $coding" ;;
	esac
	[ "$(wc -c <"$tmp/body")" -lt 700000 ] || fail "$coding: nothing saved"
	case $coding in
	br) decoder=brotli ;;
	*) decoder=$coding ;;
	esac
	if command -v "$decoder" >/dev/null; then
		"$decoder" -dc <"$tmp/body" | cmp - "$www/numbers.txt" || fail "$coding differs"
	fi
	expect 304 -H "Accept-Encoding: $coding" -H "If-None-Match: $(field etag)" \
		"$url/numbers.txt"
done
expect 200 --compressed "$url/numbers.txt"
cmp "$tmp/body" "$www/numbers.txt" || fail "curl --compressed"
for accept in "identity" "gzip;q=0" "*;q=0" ""; do
	expect 200 -H "Accept-Encoding: $accept" "$url/numbers.txt"
	equal "no coding for $accept" "$(field content-encoding)" ""
done
expect 200 -H "Accept-Encoding: gzip" "$url/ten.txt"
equal "too short" "$(field content-encoding)" ""
expect 200 -H "Accept-Encoding: gzip" "$url/noise.bin"
equal "not worth it" "$(field content-encoding)" ""
expect 206 -H "Accept-Encoding: gzip" -r 0-99999 "$url/numbers.txt"
equal "a part" "$(field content-encoding)" ""
expect 200 -I -H "Accept-Encoding: gzip" "$url/numbers.txt"
equal "by HEAD" "$(field content-encoding)" gzip
expect 200 -H "Accept-Encoding: gzip, br" "$url/pre.txt"
equal "beforehand" "$(gzip -dc <"$tmp/body")" "compressed beforehand"
equal "its coding" "$(field content-encoding)" gzip
expect 200 "$url/pre.txt"
equal "plain" "$(cat "$tmp/body")" plain

# --- many on a connection, and the end -------------------------------------------------------
equal "connections for three files" \
	"$(curl -s -w '%{num_connects} ' -o /dev/null "$url/ten.txt" -o /dev/null \
		"$url/numbers.txt" -o /dev/null "$url/noise.bin")" "1 0 0 "
stop TERM
case $last in
*" 0 with 5xx") ;;
*) fail "it says: $last" ;;
esac
