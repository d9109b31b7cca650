#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# example.sh NAME [ARGUMENT...] - runs an example, from `make run EXAMPLE=NAME`
#
# Without arguments it gets such that show something; what it needs besides, such as
# a server to talk to, is started and ended with it. Files go to $BUILD/example-*.
# ADDRESS is where servers listen, if not where they do by themselves.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
name=$1
shift
bin=$BUILD/examples
program=$bin/$name
[ -x "$program" ] || {
	echo "there is no example $name; these are there:" >&2
	find "$bin" -maxdepth 1 -type f -executable -printf '%f\n' | sort | tr '\n' ' ' >&2
	echo >&2
	exit 1
}
[ $# = 0 ] || exec "$program" "$@"

pids=()
tmp=
at_exit() {
	for pid in "${pids[@]}"; do
		kill -INT "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$tmp"
}

# What follows starts more than the example itself.
several() {
	tmp=$(mktemp -d)
	trap at_exit EXIT
	# Those that were started end first, and then we.
	trap : INT
}

# beside PROGRAM ARGUMENT...: a server in the background; sets $address and $server
beside() {
	local program=$1 line
	shift
	exec {said}< <(exec env --default-signal=INT "$bin/$program" "$@" 2>"$tmp/log")
	server=$!
	pids+=("$server")
	read -r line <&"$said" || { cat "$tmp/log" >&2; exit 1; }
	address=${line#listening on }
}

# Says which NAME is missing.
need() {
	command -v "$1" >/dev/null || {
		echo "$name needs $1: make deps" >&2
		exit 77
	}
}

# ---- those that need something besides ------------------------------------------------

show_cp() {
	"$program" LICENSE "$BUILD/example-copy"
	cmp LICENSE "$BUILD/example-copy" && echo "$BUILD/example-copy is as LICENSE is"
}

show_notify() {
	local dir=$BUILD/example-notify line
	several
	rm -rf "$dir"
	mkdir "$dir"
	exec {said}< <(exec env --default-signal=INT "$program" "$dir")
	pids+=("$!")
	read -r line <&"$said"
	echo "$line"
	mkdir "$dir/new"
	mv "$dir/new" "$dir/old"
	rmdir "$dir/old"
	for _ in created from to deleted; do
		read -r line <&"$said"
		echo "$line"
	done
}

show_tracing() {
	rm -f "$BUILD/example-relays.trace" "$BUILD/example-relays.json"
	"$program" "$BUILD/example-relays.trace"
	"$BUILD/tools/heph" trace convert "$BUILD/example-relays.trace"
}

show_http_client() {
	several
	beside plaintext 127.0.0.1:0
	"$program" "http://$address/"
	echo
}

show_http_get() {
	several
	beside route 127.0.0.1:0
	"$program" "http://$address/hello/you"
}

show_https() {
	local dir=$BUILD/example-certs
	need openssl
	mkdir -p "$dir"
	[ -s "$dir/cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -days 365 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
		-keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$dir/log"
	exec "$program" "${ADDRESS:-127.0.0.1:7890}" "$dir/cert.pem" "$dir/key.pem"
}

show_reverse_proxy() {
	several
	beside route 127.0.0.1:0
	"$program" "${ADDRESS:-127.0.0.1:7890}" "http://$address"
}

show_upload() {
	rm -rf "$BUILD/example-uploads"
	mkdir "$BUILD/example-uploads"
	exec "$program" "$BUILD/example-uploads" ${ADDRESS:+"$ADDRESS"}
}

show_protobuf() {
	"$program" write >"$BUILD/example-order.bin"
	"$program" read <"$BUILD/example-order.bin"
}

# Ben's process, as ben sees it; anna comes, says something and leaves.
show_remote_chat() {
	local line
	several
	beside remote_chat room "unix:$tmp/room"
	mkfifo "$tmp/to"
	exec {heard}< <(exec env --default-signal=INT "$program" join "$address" ben <"$tmp/to")
	pids+=("$!")
	exec {to}>"$tmp/to"
	read -r line <&"$heard"
	echo "$line"
	printf 'hello, ben\n/quit\n' | "$program" join "$address" anna >"$tmp/anna"
	for _ in comes says leaves; do
		read -r line <&"$heard"
		echo "$line"
	done
	echo /quit >&"$to"
}

show_sensors() {
	export SENSORS_SECRET=${SENSORS_SECRET:-leaf}
	several
	beside sensors collect 127.0.0.1:0
	"$program" measure "$address" greenhouse 100
	kill -INT "$server"
	cat <&"$said"
}

show_cluster_kv() {
	local url
	PATH=$PATH:/usr/sbin
	need nats-server
	several
	nats-server -a 127.0.0.1 -p -1 -js -sd "$tmp/store" --ports_file_dir "$tmp" >"$tmp/nats" 2>&1 &
	pids+=("$!")
	until [ -s "$tmp/nats-server_$!.ports" ]; do
		kill -0 "$!"
		sleep 0.01
	done
	url=$(grep -o 'nats://[^"]*' "$tmp/nats-server_$!.ports")
	for i in 0 1 2; do
		env --default-signal=INT "$program" "$url" node "$i" 3 >"$tmp/node$i" 2>"$tmp/log$i" &
		pids+=("$!")
	done
	until [ "$(cat "$tmp"/node? | grep -c leads)" -ge 4 ]; do
		sleep 0.02
	done
	printf 'put tea 350\nget tea\nget milk\n' | "$program" "$url" client somebody
}

# ---- all of them -----------------------------------------------------------------------

case $name in
cat | words) exec "$program" LICENSE ;;
read_file) exec "$program" LICENSE examples/hello.c ;;
walk) exec "$program" src ;;
stress_memory) exec "$program" 1000000 ;;
static_files) exec "$program" "${ADDRESS:-127.0.0.1:8080}" docs ;;
my_ip_service) exec env ${ADDRESS:+"PORT=${ADDRESS##*:}"} "$program" ;;
echo | my_ip | chat | redis | http_my_ip | plaintext | rest | route)
	exec "$program" ${ADDRESS:+"$ADDRESS"}
	;;
*)
	if [ "$(type -t "show_$name")" = function ]; then
		"show_$name"
	else
		exec "$program"
	fi
	;;
esac
