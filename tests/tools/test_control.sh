#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_control.sh - heph ps, top, tree, show, log, trace, stop against a server that
# works
. "$(dirname "$0")/../examples/lib.sh"
need python3
heph=$BUILD/tools/heph
# Programs put their sockets there, and heph looks only there.
export HEPH_CONTROL=$tmp/heph/

if [ "$("$heph" ps 2>&1 | head -n 1)" = "heph: there is no command 'ps'" ]; then
	echo "skipped: built without jansson"
	exit 77
fi

# run CODE COMMAND...: what it says is in $told
run() {
	local code=$1 is=0
	shift
	told=$("$@" 2>&1) || is=$?
	[ $is = "$code" ] || fail "$*: ended with $is, not with $code: $told"
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

# ---- no program ----------------------------------------------------------------------

run 2 "$heph" ps
expect "there is no program with a control socket" "HEPH_CONTROL=auto"
run 2 "$heph" ps nobody
expect "no program 'nobody'"
run 2 "$heph" ps $$
expect "process $$ has no control socket"
run 2 "$heph" ps --socket "$tmp/none"
expect "there is no such control socket"
run 64 "$heph" ps --dance
run 64 "$heph" ps --worker x
expect "--worker needs a number"
run 64 "$heph" ps --columns id,dance
expect "no column 'dance'"
run 64 "$heph" ps a b
run 64 "$heph" show
run 64 "$heph" stop
run 64 "$heph" trace on
run 64 "$heph" top --sort dance
for command in ps top tree show log "trace on" stop cycles metrics; do
	run 0 "$heph" $command --help # shellcheck disable=SC2086
	expect "usage: heph ${command% on}" --socket
done

# ---- one program ---------------------------------------------------------------------

start redis 127.0.0.1:0
one=$server
socket=$tmp/heph/redis.$one
equal "the mode of the socket" "$(stat -c %a "$socket")" 600
equal "the mode of its directory" "$(stat -c %a "$tmp/heph")" 700

run 0 "$heph" ps
expect "ID  NAME" "WORKER  STATE"
equal "the lines of ps" "$("$heph" ps | tail -n +2 | wc -l)" \
	"$("$heph" ps --json | wc -l)"
run 0 "$heph" ps redis --columns name,id,type --sort name
run 0 "$heph" ps "$one" --limit 1
equal "the lines with a limit" "$(echo "$told" | wc -l)" 2
run 1 "$heph" ps --state happy
expect "'state' must be one of running, ready"
run 0 "$heph" tree
run 0 "$heph" log
equal "the level" "$told" info
run 0 "$heph" log debug
run 0 "$heph" log
equal "the new level" "$told" debug
run 1 "$heph" log loud
run 0 "$heph" cycles
expect "no actors wait for each other"
run 0 "$heph" metrics
expect "# TYPE"

# All of them are JSON, and agree on an actor.
python3 - "$heph" <<'END'
import json, subprocess, sys

def heph(*args):
    return subprocess.run([sys.argv[1], *args], check=True, text=True,
                          stdout=subprocess.PIPE).stdout

actors = [json.loads(line) for line in heph("ps", "--json").splitlines()]
assert actors
ids = {actor["id"] for actor in actors}
for actor in actors:
    assert actor["parent"] is None or actor["parent"] in ids, actor
    assert actor["state"] in ("running", "ready", "waiting"), actor
    shown = json.loads(heph("show", "--json", str(actor["id"])))["actor"]
    assert shown["name"] == actor["name"] and shown["type"] == actor["type"]
    assert actor["name"] in heph("show", f"{actor['name']}#{actor['id']}")
tree = heph("tree")
for actor in actors:
    assert f"{actor['name']}#{actor['id']} " in tree, (actor, tree)
END
run 1 "$heph" show nobody-at-all
expect "there is no actor 'nobody-at-all'"
run 1 "$heph" stop 1
expect "there is no actor 1"

# ---- under load ----------------------------------------------------------------------

if command -v redis-benchmark >/dev/null; then
	redis-benchmark -p "$port" -c 20 -n 100000000 -t set,get -P 8 \
		>"$tmp/benchmark" 2>&1 &
	load=$!
	pids+=("$load")
	# Until its connections are there.
	until [ "$("$heph" ps --type conn | wc -l)" -ge 20 ]; do :; done
	for _ in 1 2 3; do
		run 0 "$heph" ps --json
	done
	rates() {
		"$heph" top --batch 1 --interval 0.2 --limit 50 >"$tmp/top"
		grep -q "^worker 0 .*messages/s" "$tmp/top" || fail "$(cat "$tmp/top")"
		grep -q "STATE .*MESSAGES/s" "$tmp/top" || fail "$(cat "$tmp/top")"
		python3 - "$tmp/top" <<-'END'
			import re, sys
			text = open(sys.argv[1]).read()
			total = re.search(r" ([\d,]+) messages/s, sorted", text)
			sys.exit(int(total.group(1).replace(",", "")) == 0)
		END
	}
	until rates; do :; done
	kill "$load"
	wait "$load" 2>/dev/null || true
fi

sorted_by() {
	"$heph" top --batch 1 --interval 0.05 --limit 100 --sort "$1" |
		sed '1,/MESSAGES/d' | awk -v n="$2" 'NF { print $n }' >"$tmp/got"
	LC_ALL=C sort ${3-} "$tmp/got" | cmp -s - "$tmp/got" || fail "top --sort $1: $(cat "$tmp/got")"
}
sorted_by name 9
sorted_by id 1 -n

# ---- on a terminal -------------------------------------------------------------------

run 64 "$heph" top </dev/null
expect "needs a terminal"
python3 - "$heph" <<'END'
import os, pty, select, sys

pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.environ["LINES"] = "24"
    os.environ["COLUMNS"] = "120"
    os.execv(sys.argv[1], [sys.argv[1], "top", "--interval", "0.1"])
text = b""

def until(*wanted):
    global text
    while not all(w in text for w in wanted):
        select.select([fd], [], [])
        text += os.read(fd, 65536)
    text = b""

until(b"redis (", b"worker 0", b"MESSAGES/s")
os.write(fd, b"nR p") # by name, the other way around, now
until(b"paused")
os.write(fd, b"pq")
try:
    while os.read(fd, 65536):
        pass
except OSError:
    pass
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
END

# ---- two programs --------------------------------------------------------------------

rm -f "$tmp/second"
(exec "$BUILD/examples/redis" 127.0.0.1:0 >"$tmp/second" 2>&1) &
two=$!
pids+=("$two")
until grep -q listening "$tmp/second" 2>/dev/null; do sleep 0.01; done
run 2 "$heph" ps
expect "which one?" "$one" "$two"
run 2 "$heph" ps redis
expect "which one?"
run 0 "$heph" ps "$two"
run 0 "$heph" ps --socket "$socket"
run 0 "$heph" stop --program "$two" --all
expect "all actors were asked to stop"
wait "$two" || fail "the second ended with $?"
[ ! -e "$tmp/heph/redis.$two" ] || fail "its socket is still there"

# ---- one that dies, and one that is stopped -------------------------------------------

rm -f "$tmp/second"
(exec "$BUILD/examples/redis" 127.0.0.1:0 >"$tmp/second" 2>&1) &
two=$!
until grep -q listening "$tmp/second" 2>/dev/null; do sleep 0.01; done
kill -KILL "$two"
wait "$two" 2>/dev/null || true
[ -S "$tmp/heph/redis.$two" ] || fail "it has left no socket"
run 0 "$heph" ps redis
run 2 "$heph" ps --socket "$tmp/heph/redis.$two"
expect "its program has ended"
# The next program that starts clears up.
rm -f "$tmp/second"
(exec "$BUILD/examples/redis" 127.0.0.1:0 >"$tmp/second" 2>&1) &
three=$!
pids+=("$three")
until grep -q listening "$tmp/second" 2>/dev/null; do sleep 0.01; done
[ ! -e "$tmp/heph/redis.$two" ] || fail "the dead socket is still there"
run 0 "$heph" stop -p "$three" --all
wait "$three" || fail "the third ended with $?"

# A path that is taken: the program says so and does not start.
run 1 env HEPH_CONTROL="$socket" "$BUILD/examples/redis" 127.0.0.1:0
expect "another program listens there" "control=$socket"

# ---- other users -----------------------------------------------------------------------

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$heph" "$tmp/heph-tool"
	chmod 711 "$tmp" "$tmp/heph"
	run 2 setpriv --reuid 12345 --regid 12345 --clear-groups \
		"$tmp/heph-tool" ps --socket "$socket"
	expect "no permission: it is for root"
fi

stop INT
[ ! -e "$socket" ] || fail "the socket is still there"
