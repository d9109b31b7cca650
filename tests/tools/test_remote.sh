#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_remote.sh - heph remote ping, list and tap over each transport, and what goes
# wrong: nobody there, not welcome, another key, another name, no answer
LIMIT=${LIMIT:-$((50 * ${SLOW:-1}))}
. "$(dirname "$0")/../examples/lib.sh"
heph=$BUILD/tools/heph
shop=$BUILD/tests/remote-shop
[ -x "$shop" ] || {
	echo "skipped: built without libheph-remote"
	exit 77
}
unset HEPH_REMOTE_KEY HEPH_REMOTE_SECRET

# run CODE ARGUMENT...: what heph remote says is in $told
run() {
	local code=$1 is=0
	shift
	told=$("$heph" remote "$@" 2>&1) || is=$?
	[ $is = "$code" ] || fail "remote $*: ended with $is, not with $code: $told"
}

expect() {
	local text
	for text; do
		case $told in
		*"$text"*) ;;
		*) fail "it does not say '$text': $told" ;;
		esac
	done
}

# serve ARGUMENT...: a shop, whose address is in $address; it ends with the next one
serve() {
	local line
	[ -z "${shop_pid-}" ] || {
		kill -TERM "$shop_pid"
		wait "$shop_pid" || fail "the shop: $(cat "$tmp/shop.error")"
	}
	exec {said}< <(exec "$shop" "$@" 2>"$tmp/shop.error")
	shop_pid=$!
	pids+=("$shop_pid")
	read -r line <&"$said" || fail "the shop: $(cat "$tmp/shop.error")"
	address=${line#listening on }
}

# asks OPTION... URL: all three commands work
asks() {
	run 0 ping -n 3 -i 0.01 "$@"
	expect "shop: " "3 pings: fastest"
	run 0 ping --json -n 1 --peer shop "$@"
	expect '{"peer":"shop","round_trip_ns":'
	run 0 list "$@"
	expect NAME "front door" door
	run 0 list --json "$@"
	expect '{"name":"front door","type":"door","schema":"'
}

# ---- the command line ------------------------------------------------------------------------

run 64
expect "usage: heph remote"
run 0 --help
expect "usage: heph remote" --key-file
run 64 dance unix:/x
expect "no command 'remote dance'"
run 64 ping
run 64 ping unix:/x more
expect "what is 'more' for"
run 64 ping --count 0 unix:/x
run 64 ping --timeout never unix:/x
expect "--timeout needs seconds"
run 64 ping tcp://127.0.0.1:1
expect tls:// tcp-plain://
run 64 ping http://127.0.0.1:1
expect "no address of a node" nats://
for url in tls:// tcp-plain://x udp://127.0.0.1 nats://127.0.0.1:1 nats://127.0.0.1:1/; do
	run 64 ping "$url"
done
run 64 ping tls://127.0.0.1:1
expect --cert
run 64 ping --cert "$tmp/none" --key "$tmp/none" --ca "$tmp/none" tls://127.0.0.1:1
expect certificate
run 64 ping udp://127.0.0.1:1
expect --key-file HEPH_REMOTE_SECRET
echo abc >"$tmp/short"
run 64 ping --key-file "$tmp/short" udp://127.0.0.1:1
expect "64 hexadecimal digits"
run 64 ping --key-file "$tmp/none" udp://127.0.0.1:1
expect "$tmp/none"

# ---- streams ------------------------------------------------------------------------------------

run 2 ping "unix:$tmp/nobody"
expect "unix:$tmp/nobody: No such file"
run 2 ping --timeout 0.3 tcp-plain://127.0.0.1:1
expect "refused"

serve -l -t tcp "unix:$tmp/shop"
asks "unix:$tmp/shop"
expect "door"
run 1 ping --peer store "unix:$tmp/shop"
expect "another one"

# What passes.
"$heph" remote tap -n 2 "unix:$tmp/shop" >"$tmp/tap" 2>"$tmp/tap.error" &
tap=$!
pids+=("$tap")
until grep -q "shop at" "$tmp/tap.error"; do :; done
while kill -0 "$tap" 2>/dev/null; do
	"$shop" tcp "unix:$tmp/shop" visit
done
wait "$tap"
grep -q "4711" "$tmp/tap" || fail "the tap does not show the call: $(cat "$tmp/tap")"
equal "the lines of the tap" "$(wc -l <"$tmp/tap")" 2

serve tcp 127.0.0.1:0
run 1 list "tcp-plain://$address"
expect "not .listed"
run 1 tap "tcp-plain://$address"
expect "not .tapped"

# One that is no node, and says nothing.
if command -v socat >/dev/null; then
	socat "UNIX-LISTEN:$tmp/mute,fork" EXEC:"sleep 60" &
	pids+=($!)
	until [ -S "$tmp/mute" ]; do :; done
	run 2 ping --timeout 0.3 "unix:$tmp/mute"
	expect "$tmp/mute: "
fi

# ---- TLS ------------------------------------------------------------------------------------------

if command -v openssl >/dev/null; then
	key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
	for ca in ca other; do
		# shellcheck disable=SC2086 # a list of words
		openssl req -x509 $key -subj "/CN=$ca" -keyout "$tmp/$ca.key" \
			-out "$tmp/$ca.pem" 2>"$tmp/openssl"
	done
	for name in shop admin stranger; do
		ca=ca
		[ $name != stranger ] || ca=other
		# shellcheck disable=SC2086 # a list of words
		openssl req -x509 $key -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
			-addext basicConstraints=critical,CA:FALSE -CA "$tmp/$ca.pem" \
			-CAkey "$tmp/$ca.key" -keyout "$tmp/$name.key" \
			-out "$tmp/$name.pem" 2>>"$tmp/openssl"
	done
	who=(--ca "$tmp/ca.pem" --cert "$tmp/admin.pem" --key "$tmp/admin.key")
	serve -l "tls=$tmp" 127.0.0.1:0
	asks "${who[@]}" --name admin "tls://$address"
	run 0 ping -n 1 "${who[@]}" "tls://$address" # the name is in the certificate
	expect "its name is proven"
	# It is not the one that it says, and one that nobody trusts.
	run 1 ping --timeout 2 "${who[@]}" --name boss "tls://$address"
	expect "the other side says: its keys are not those of that name" \
		'this side is "boss"'
	run 2 ping --timeout 1 --ca "$tmp/ca.pem" --cert "$tmp/stranger.pem" \
		--key "$tmp/stranger.key" --name stranger "tls://$address"
	run 1 ping "${who[@]}" --name admin --peer store "tls://$address"
	expect "this side says: it is another node than was wanted"
fi

# ---- datagrams -----------------------------------------------------------------------------------

serve -l "udp=open sesame" 127.0.0.1:0
echo "open sesame" >"$tmp/secret"
asks --secret-file "$tmp/secret" "udp://$address"
expect "door"
HEPH_REMOTE_SECRET="open sesame" run 0 ping -n 1 "udp://$address"
expect "it has the key"
HEPH_REMOTE_SECRET="close sesame" run 2 ping --timeout 1 "udp://$address"
expect "no answer"

hex=$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')
serve -l "key=$hex" 127.0.0.1:0
echo "$hex" >"$tmp/key"
asks --key-file "$tmp/key" "udp://$address"
HEPH_REMOTE_KEY=$hex run 0 ping -n 1 "udp://$address"
tr 0123456789abcdef 123456789abcdef0 <"$tmp/key" >"$tmp/wrong"
run 2 ping --timeout 1 --key-file "$tmp/wrong" "udp://$address"

serve -l udp-plain 127.0.0.1:0
asks "udp-plain://$address"

# ---- NATS ------------------------------------------------------------------------------------------

PATH=$PATH:/usr/sbin
command -v nats-server >/dev/null || exit 0
nats-server -a 127.0.0.1 -p -1 --ports_file_dir "$tmp" >"$tmp/nats" 2>&1 &
pids+=($!)
until url=$(grep -ho 'nats://[^"]*' "$tmp"/nats-server_*.ports 2>/dev/null); do :; done
if ! "$heph" remote ping --timeout 0.3 "$url/nobody" 2>&1 | grep -q "without NATS"; then
	serve -l "nats=$url" shop
	asks "$url/shop"
	run 2 ping --timeout 2 "$url/nobody"
	run 2 ping --timeout 0.5 nats://127.0.0.1:1/shop
fi
