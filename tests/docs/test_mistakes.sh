#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_mistakes.sh - what the linker, the limits and the world say about mistakes,
# and that the page about errors has those texts
#
# The mistakes that a program can make by itself are in the page, and tested with
# it; wrong types are in tests/fail.
set -u
cd "$(dirname "$0")/../.."
BUILD=${BUILD:-build}
page=docs/guide/errors-you-will-meet.md
without=$BUILD/tests/tool-without
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
unset HEPH_DRIVER HEPH_URING_FEATURES HEPH_LOG_LEVEL HEPH_CONTROL
export LC_ALL=C

fail() {
	echo "FAIL: $*" >&2
	echo "$said" >&2
	exit 1
}

# fails COMMAND...: it must, and what it says is in $said.
fails() {
	said=$("$@" 2>&1) && fail "$* succeeds"
}

# says TEXT: it was said, and whoever looks for it finds the page.
says() {
	case $said in
	*"$1"*) ;;
	*) fail "it does not say: $1" ;;
	esac
	grep -qF -e "$1" "$page" || fail "$page does not have: $1"
}

there() {
	command -v "$1" >/dev/null
}

libraries="$BUILD/libheph.a -luring -pthread -lm"
if there pkg-config; then
	for name in libcares jansson; do
		libraries="$libraries $(pkg-config --libs $name 2>/dev/null)"
	done
fi

# compile COMPILER STANDARD SOURCE PROGRAM
compile() {
	# shellcheck disable=SC2086
	$1 -std=$2 -D_GNU_SOURCE -Iinclude "$3" -o "$4" $libraries
}

# ---- HEPH_ACTOR_MAIN was forgotten ----

body='
struct counter_msg { long add; };
HEPH_ACTOR(counter, struct counter_msg, void);
HEPH_ACTOR(quiet, void, void);
int use(heph_ctx ctx, counter_ref counter, counter_inbox in);
int main(void) { return 0; }
int use(heph_ctx ctx, counter_ref counter, counter_inbox in)
{ struct counter_msg msg; if (heph_recv(ctx, in, &msg) < 0) return -1; return heph_spawn(ctx, counter, &counter); }
'
echo "#include <heph/heph.h>$body" >"$tmp/forgot.c"
echo "#include <heph/heph.hpp>$body" | sed 's/&counter);/\&counter, {}, {});/' >"$tmp/forgot.cpp"
for compiler in gcc clang g++ clang++; do
	there $compiler || continue
	case $compiler in
	*++) fails compile $compiler c++17 "$tmp/forgot.cpp" "$tmp/forgot" ;;
	*) fails compile $compiler gnu17 "$tmp/forgot.c" "$tmp/forgot" ;;
	esac
	says "counter_actor_by_HEPH_ACTOR_MAIN'"
	case $said in *" error: "*forgot.c*) fail "$compiler: it does not compile" ;; esac
done

# ---- gcc, which says little itself ----

if there gcc && ! gcc --version | grep -q clang; then
	sed 's/&counter)/\&counter, { 1 }, .name = 5)/' "$tmp/forgot.c" >"$tmp/argument.c"
	sed 's/return heph_spawn.*/return heph_send(ctx, counter, ctx); }/' "$tmp/forgot.c" >"$tmp/message.c"
	fails compile gcc gnu17 "$tmp/message.c" "$tmp/message"
	says "wanted: a message of the type in HEPH_ACTOR(), or { .member = ... }"
	fails compile gcc gnu17 "$tmp/argument.c" "$tmp/argument"
	case $said in
	*"wanted: an argument of the type in HEPH_ACTOR(), then options"*) ;;
	*) fail "it does not say what argument is wanted" ;;
	esac
fi

# ---- limits, permissions, io_uring ----

cat >"$tmp/listen.c" <<'END'
#include <heph/heph.h>
static const char *address;
HEPH_ACTOR(app, void, void);
static int app_main(heph_ctx ctx) { heph_fd fd; return heph_listen(ctx, address, &fd); }
HEPH_ACTOR_MAIN(app, app_main);
int main(int argc, char **argv)
{
	const struct heph_config config = { .workers = 2 };
	address = argv[argc - 1];
	return heph_run(&config, app) < 0;
}
END
compile "${CC:-cc}" gnu17 "$tmp/listen.c" "$tmp/listen" || exit 1
said=$("$tmp/listen" 127.0.0.1:0 2>&1) || fail "it does not run at all"

limited() {
	ulimit "$1" "$2"
	"$tmp/listen" 127.0.0.1:0
}
fails limited -n 6
says 'msg="the runtime does not start"'
says 'err=EMFILE do="more descriptors: ulimit -n, LimitNOFILE=; or fewer workers"'
fails limited -v 100000
says 'err=ENOMEM do="more memory or address space: ulimit -v, vm.max_map_count; or fewer workers"'

fails "$tmp/listen" localhost:80
says 'err=EINVAL do="write 127.0.0.1:8080, [::1]:8080, :8080 or unix:/path, no names"'
fails "$tmp/listen" "unix:$tmp/there/is/none"
case $said in *"do=\"the directory of the Unix socket does not exist\""*) ;; *) fail "no advice" ;; esac

first=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)
as=
if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid=65534 --clear-groups --inh-caps=-all"
	chmod 755 "$tmp"
fi
# shellcheck disable=SC2086
if [ "$first" -gt 1 ] && $as true 2>/dev/null; then
	fails $as "$tmp/listen" 127.0.0.1:1
	says 'do="ports below net.ipv4.ip_unprivileged_port_start need CAP_NET_BIND_SERVICE;'
fi

if [ -x "$without" ] && said=$("$without" io_uring_setup EPERM "$tmp/listen" 127.0.0.1:0 2>&1); then
	says 'msg="driver is epoll, because io_uring cannot be used" target=heph.choose what=io_uring_setup err=EPERM guide=drivers'
fi

# ---- an empty context, in a shared library ----

cat >"$tmp/unset.c" <<'END'
#include <heph/heph.h>
#include <sys/resource.h>
static heph_ctx saved;
struct note_msg { int n; };
HEPH_ACTOR(note, struct note_msg, void);
static int note_main(heph_ctx ctx, note_inbox in) { struct note_msg msg; return heph_recv(heph_within(saved, 1), in, &msg); }
HEPH_ACTOR_MAIN(note, note_main);
int main(void) { setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }); return heph_run(NULL, note) < 0; }
END
if [ -e "$BUILD/libheph.so.1" ]; then
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -Iinclude "$tmp/unset.c" -o "$tmp/unset" "$BUILD/libheph.so.1" || exit 1
	fails env LD_LIBRARY_PATH="$BUILD" "$tmp/unset"
	says "heph: a call of Heph's was given an empty context, an empty inbox or NULL (guide: errors-you-will-meet)"
fi

# ---- who keeps a worker, or the program from its end ----

cat >"$tmp/hang.c" <<'END'
#include <heph/heph.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
struct sink_msg { int n; };
HEPH_ACTOR(sink, struct sink_msg, void);
HEPH_ACTOR(app, void, void);
static const char *how;
static int sink_main(heph_ctx ctx, sink_inbox in)
{
	struct sink_msg msg;
	int err = 0;
	if (strcmp(how, "room") == 0)
		return heph_sleep(ctx, HEPH_NEVER);
	while (err == 0)
		err = heph_recv(ctx, in, &msg);
	return err;
}
HEPH_ACTOR_MAIN(sink, sink_main);
static int app_main(heph_ctx ctx)
{
	volatile bool computes = strcmp(how, "stall") == 0;
	sink_ref sink;
	int err = 0;
	while (computes)
		;
	err = heph_spawn(ctx, sink, &sink, .inbox = 4 * (strcmp(how, "room") == 0));
	if (err == 0)
		err = heph_send(ctx, sink, { 1 });
	puts("ready");
	fflush(stdout);
	while (err == 0 && strcmp(how, "room") == 0)
		err = heph_send(ctx, sink, { 1 });
	return err < 0 ? err : heph_join(ctx, sink, NULL);
}
HEPH_ACTOR_MAIN(app, app_main);
int main(int argc, char **argv)
{
	const struct heph_config config = { .name = "app", .workers = 1, .stall = 20 * HEPH_MSEC,
		.run_limit = strcmp(argv[1], "stall") ? 0 : 200 * HEPH_MSEC };
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
	how = argv[argc - 1];
	return heph_run(&config, app) < 0;
}
END
compile "${CC:-cc}" gnu17 "$tmp/hang.c" "$tmp/hang" || exit 1

# plain: numbers are N, and so much space is one.
plain() {
	sed -E 's/[0-9]+/N/g; s/[[:space:]]+/ /g; s/^ //; s/ $//'
}
plain <"$page" >"$tmp/page"

# shows TEXT: as says, but for the numbers.
shows() {
	text=$(echo "$1" | plain)
	echo "$said" | plain | grep -qF -e "$text" || fail "it does not say: $text"
	grep -qF -e "$text" "$tmp/page" || fail "$page does not have: $text"
}

fails "$tmp/hang" stall
shows "heph: actor app (type app, id 1024, worker 0) has run for 1 ms without waiting; it is at:"

# lists HOW TEXT: what Ctrl-\ says once it says TEXT.
lists() {
	mkfifo "$tmp/ready"
	"$tmp/hang" "$1" >"$tmp/ready" 2>"$tmp/said" &
	pid=$!
	read -r _ <"$tmp/ready"
	rm "$tmp/ready"
	said=
	for _ in $(seq 100); do
		kill -QUIT $pid
		until said=$(cat "$tmp/said") && [ -n "$said" ]; do sleep 0.01; done
		case $said in *"$2"*"2 actors"*) break ;; esac
		sleep 0.05
	done
	kill -INT $pid
	wait $pid || fail "it does not end well"
}

lists message "waits for a message"
shows "heph: runtime app, process 1, 1 workers, driver "
shows "ID NAME TYPE WORKER PARENT INBOX RECEIVED STACK DOES"
shows "1024 app app 0 0 - 0 1 waits for the end of sink#1"
shows "2048 sink sink 0 1024 0/64 1 1 waits for a message"
lists room "waits for room"
shows "waits for room in the inbox of sink#2048"
case $said in *"  4/4  "*) ;; *) fail "the inbox is not full" ;; esac

# ---- the configuration ----

cat >"$tmp/config.c" <<'END'
#include <heph/heph.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	struct heph_config config = { 0 };
	struct heph_config_text text = { 0 };
	int err = argc > 1 ? heph_config_from_file(&config, argv[1], &text) : heph_config_from_env(&config, &text);
	if (err < 0)
		fprintf(stderr, "%s\n", text.error);
	return err < 0;
}
END
compile "${CC:-cc}" gnu17 "$tmp/config.c" "$tmp/config" || exit 1
printf '# ours\nworkers = 2\nwokers = 3\n' >"$tmp/app.conf"
fails env -C "$tmp" ./config app.conf
says "app.conf:3: there is no wokers; did you mean workers?"
printf 'grace = soon\n' >"$tmp/app.conf"
fails env -C "$tmp" ./config app.conf
says "app.conf:1: grace = soon: must be"
fails env HEPH_WORKRES=2 "$tmp/config"
says "there is no HEPH_WORKRES; did you mean HEPH_WORKERS?"
fails env HEPH_WORKERS=many "$tmp/config"
says "HEPH_WORKERS = many: must be"
said=$(HEPH_LOG=syslog "$tmp/listen" 127.0.0.1:0 2>&1)
says 'msg="HEPH_LOG is not logfmt, journal or off" value=syslog'

# ---- TLS, nodes, HTTP ----

cat >"$tmp/net.c" <<'END'
#include <heph/heph.h>
#include <heph/http.h>
#include <heph/remote.h>
#include <heph/tls.h>
#include <stdio.h>
#include <string.h>
static char **args;
HEPH_ACTOR(app, void, void);
static int transport(char **files, struct heph_transport **ret)
{
	if (!files[0])
		return heph_tcp_plain_new(ret, 0);
	return heph_tcp_tls_new(ret, .cert_file = files[0], .key_file = files[1], .ca_file = files[2]);
}
/* PATH ADDRESS NAME: connects to it, while a node listens at the path */
static int meet(heph_ctx ctx)
{
	struct heph_transport *theirs, *ours;
	heph_node there, here;
	int err = heph_node_start(ctx, &there, .name = "shop");
	if (err == 0)
		err = heph_node_start(ctx, &here, .name = "web", .attempts = 1);
	if (err == 0)
		err = transport(args + 5, &theirs);
	if (err == 0)
		err = transport(args[5] ? args + 8 : args + 5, &ours);
	if (err == 0)
		err = heph_node_listen(ctx, there, theirs, args[2], NULL);
	return err < 0 ? err : heph_node_connect(heph_within(ctx, 20 * HEPH_SEC), here, ours, args[3], args[4]);
}
static int app_main(heph_ctx ctx)
{
	struct heph_tls *tls;
	int err;
	if (strcmp(args[1], "http") == 0)
		return heph_http_serve(ctx, args[2], .handler = NULL);
	if (strcmp(args[1], "meet") == 0)
		return meet(ctx);
	err = heph_tls_server_new(&tls, .cert = { .file = args[2], .key_file = args[3] });
	fprintf(stderr, "%s\n", heph_tls_error_text());
	return err;
}
HEPH_ACTOR_MAIN(app, app_main);
int main(int argc, char **argv)
{
	const struct heph_config config = { .workers = 1 };
	args = argv;
	return heph_run(&config, app) < 0 || argc < 2;
}
END

# of NAME: a certificate and a key of it, which it has signed itself.
of() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-keyout "$tmp/$1.key" -out "$tmp/$1.pem" -subj "/CN=$1" \
		-addext "subjectAltName=DNS:$1" 2>/dev/null
}

libs="$BUILD/libheph-remote.so.1 $BUILD/libheph-http.so.1 $BUILD/libheph-tls.so.1 $BUILD/libheph.so.1"
# shellcheck disable=SC2086
if ls $libs >/dev/null 2>&1 && there openssl && of shop && of web && of other; then
	"${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -Iinclude "$tmp/net.c" -o "$tmp/net" $libs || exit 1
	cat "$tmp/shop.pem" "$tmp/web.pem" >"$tmp/ours.pem"
	net() {
		rm -f "$tmp/socket"
		fails env -C "$tmp" LD_LIBRARY_PATH="$(cd "$BUILD" && pwd)" ./net "$@"
	}
	net tls none.pem none.key
	says "none.pem: No such file or directory"
	net tls shop.pem web.key
	says "web.key: the key is not that of the certificate"
	net tls shop.key shop.key
	says "shop.key: there is no -----BEGIN CERTIFICATE----- in it"
	net http unix:socket
	case $said in *"do=\"workers cannot share a Unix socket: "*) ;; *) fail "no advice" ;; esac
	net http 127.0.0.1:0
	says 'wrong="neither .handler nor .router"'
	net meet unix:socket nowhere shop
	says 'err=EINVAL why="such an address cannot be: write 127.0.0.1:7000, [::1]:7000 or name:7000"'
	net meet unix:socket unix:another shop
	says 'why="nobody listens there"'
	net meet unix:socket unix:socket store
	says 'err=EACCES why="it is another node than was wanted"'
	net meet unix:socket unix:socket shop other.pem other.key other.pem other.pem other.key other.pem
	says 'err=EACCES why="its keys are not those of that name"'
	net meet unix:socket unix:socket shop shop.pem shop.key ours.pem other.pem other.key ours.pem
	says 'why="it has ended the connection; its log says why"'
	says "why=\"the peer's certificate: self-signed certificate\""
fi

# ---- a library that is missing where Heph is built ----

if there meson && there pkg-config; then
	fails env PKG_CONFIG_LIBDIR="$tmp" CMAKE_PREFIX_PATH="$tmp" meson setup "$tmp/build"
	case $said in *"Dependency liburing found: NO"*)
		says "ERROR: Problem encountered: liburing 2.3 or later is missing" ;;
	esac
fi
