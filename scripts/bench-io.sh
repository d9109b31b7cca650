#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench-io.sh [--update] [PART...] - an echo server of ours beside the same one on
# plain epoll and on libuv, in turn on this machine; and cp beside coreutils'
#
#   echo    messages per CPU second of the server, and how long they took
#   idle    memory of connections on which nothing happens
#   calls   system calls of a message, seen by strace
#   cp      a file copied by examples/cp and by cp
#
#   --update     replace the tables in docs/benchmarks.md
#   REPEAT=5     rounds; in each, everything runs once in every system
#   SECS=2       of a run of echo
#   CONNS="1 64 1000" BYTES="64 16384" IDLE=10000 FILE_MB=1024
#   SYSTEMS="heph-uring heph-epoll epoll libuv", BUILD=build
#   SERVER_CPU=0 LOAD_CPU=1  cores of the server and of what it is measured with
#   DISK=dir     for cp, on a disk; /dev/shm is the other place
#
# All parts by default. The lines of all runs stay in $BUILD/io. What is missing is
# left out.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
REPEAT=${REPEAT:-5}
SECS=${SECS:-2}
CONNS=${CONNS:-1 64 1000}
BYTES=${BYTES:-64 16384}
IDLE=${IDLE:-10000}
FILE_MB=${FILE_MB:-1024}
SYSTEMS=${SYSTEMS:-heph-uring heph-epoll epoll libuv}
SERVER_CPU=${SERVER_CPU:-0}
LOAD_CPU=${LOAD_CPU:-1}
out=$BUILD/io
DISK=${DISK:-$out}
bench=$BUILD/bench
doc=docs/benchmarks.md
update=
command="REPEAT=$REPEAT SECS=$SECS scripts/bench-io.sh${*:+ $*}"

usage() {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--update) update=yes ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
[ $# -gt 0 ] || set -- echo idle calls cp

# ---- servers -----------------------------------------------------------------

missing() { # SYSTEM WHAT
	echo "bench-io: $1 is left out: $2" >&2
}

# The program of a system, and its environment.
program_of() { # SYSTEM
	case $1 in
	heph-*) echo "env HEPH_DRIVER=${1#heph-} $bench/echo_heph" ;;
	epoll) echo "$bench/echo_epoll" ;;
	libuv) echo "$bench/echo_uv" ;;
	*) usage ;;
	esac
}

# Messages that do not fit a small buffer on the stack.
bulk() { # SYSTEM BYTES
	case $1:$2 in
	heph-*:?????*) echo bulk ;;
	esac
}

say_value() { # KEY FILE
	sed -n "s/.*\\b$1=\\([0-9.]*\\).*/\\1/p" "$2" | head -n 1
}

server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :' EXIT

# Starts one: sets $server and $port. Words before it, such as strace, may be given.
start() { # SYSTEM BYTES [WORD...]
	program=$(program_of "$1") what=$(bulk "$1" "$2")
	shift 2
	: >"$out/server"
	# shellcheck disable=SC2086 # lists of words
	"$@" taskset -c "$SERVER_CPU" $program $what >"$out/server" 2>"$out/server.log" &
	server=$!
	port=
	tries=0
	while [ -z "$port" ] && [ $((tries += 1)) -le 200 ]; do
		kill -0 "$server" 2>/dev/null || break
		sleep 0.05
		port=$(say_value port "$out/server")
	done
	[ "$port" ]
}

# Ends it as its user would: PID is the server's own, if it is not the child.
finish() { # [PID]
	kill "${1:-$server}" 2>/dev/null || :
	wait "$server" || :
	server=
}

load() { # PID CONNECTIONS BYTES SECONDS
	timeout 120 taskset -c "$LOAD_CPU" "$bench/echo_load" "$1" "$port" "$2" "$3" "$4"
}

# Leaves those in $systems that can run.
prepare() {
	mkdir -p "$out"
	systems=
	for system in $SYSTEMS; do
		program=$(program_of "$system")
		[ -x "${program##* }" ] || {
			missing "$system" "no ${program##* }; run make build"
			continue
		}
		if ! start "$system" 64; then
			missing "$system" "$(tail -n 1 "$out/server.log")"
			server=
			continue
		fi
		finish
		case $system:$(cat "$out/server.log") in
		heph-uring:*) ;;
		heph-*:*"driver is ${system#heph-}"*) ;;
		heph-*)
			missing "$system" "this library has no such driver"
			continue
			;;
		esac
		systems="$systems $system"
	done
}

# ---- what is measured -------------------------------------------------------------

run_echo() {
	: >"$out/echo"
	for round in $(seq "$REPEAT"); do
		for bytes in $BYTES; do
			for conns in $CONNS; do
				for system in $systems; do
					start "$system" "$bytes"
					load "$server" "$conns" "$bytes" "$SECS" >"$out/said"
					finish
					echo "echo system=$system round=$round" \
						"$(cat "$out/said")" \
						"$(grep -v '^port' "$out/server" | tr '\n' ' ')" |
						tee -a "$out/echo"
				done
			done
		done
	done
}

# Bytes of memory that is the process's alone.
private() { # PID
	awk '/^Private_(Dirty|Clean)/ { kb += $2 } END { print kb * 1024 }' \
		"/proc/$1/smaps_rollup"
}

# The load writes one line when all connections have been served once.
run_idle() {
	: >"$out/idle"
	for system in $systems; do
		start "$system" 64
		load "$server" 1 64 0.1 >"$out/said" # all that is made at first use
		before=$(private "$server")
		: >"$out/said"
		load "$server" "$IDLE" 64 0 >"$out/said" &
		loader=$!
		until [ -s "$out/said" ] || ! kill -0 $loader 2>/dev/null; do
			sleep 0.2
		done
		sleep 1
		after=$(private "$server")
		finish
		wait $loader || :
		echo "idle system=$system connections=$IDLE before=$before after=$after" \
			"bytes_each=$(((after - before) / IDLE))" | tee -a "$out/idle"
	done
}

# strace slows the server down, so more messages wait for each turn of its loop: the
# runtime's own count, of a run without it, stands beside.
run_calls() {
	: >"$out/calls"
	command -v strace >/dev/null || {
		missing calls "no strace; run scripts/deps.sh test"
		return 0
	}
	for conns in $CONNS; do
		for system in $systems; do
			start "$system" 64
			load "$server" "$conns" 64 "$SECS" >"$out/said"
			finish
			own=$(say_value system_calls "$out/server")
			all=$(say_value all "$out/said")
			start "$system" 64 strace -q -f -c -o "$out/strace"
			real=$(pgrep -P "$server" | head -n 1)
			load "$real" "$conns" 64 "$SECS" >"$out/said"
			finish "$real"
			traced=$(awk '$NF == "total" { print $(NF == 6 ? 4 : NF - 1) }' "$out/strace")
			echo "calls system=$system connections=$conns" \
				"strace_calls=$traced strace_messages=$(say_value all "$out/said")" \
				"own_calls=${own:--} messages=$all" | tee -a "$out/calls"
			sed 's/^/    /' "$out/strace" >>"$out/calls.strace"
		done
	done
}

# Seconds that a command takes, elapsed and of CPU.
timed() { # COMMAND...
	/usr/bin/env TIMEFORMAT='secs=%3R user=%3U sys=%3S' bash -c 'time "$@"' - "$@" 2>&1
}

run_cp() {
	: >"$out/cp"
	copy=$BUILD/examples/cp
	[ -x "$copy" ] || {
		missing cp "no $copy"
		return 0
	}
	for place in /dev/shm "$DISK"; do
		dir=$(mktemp -d "$place/bench-io.XXXXXX")
		head -c "${FILE_MB}M" /dev/urandom >"$dir/from"
		sync "$dir/from"
		for round in $(seq "$REPEAT"); do
			for system in heph coreutils; do
				case $system in
				heph) program=$copy ;;
				*) program="cp --reflink=never --sparse=never" ;;
				esac
				# shellcheck disable=SC2086 # a list of words
				echo "cp system=$system round=$round place=$place" \
					"$(timed taskset -c "$SERVER_CPU" $program "$dir/from" "$dir/to")" |
					tee -a "$out/cp"
				cmp "$dir/from" "$dir/to"
				rm "$dir/to"
				sync "$dir"
			done
		done
		rm -r "$dir"
	done
}

# ---- the tables ---------------------------------------------------------------------

about() {
	cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
	echo "$(date +%Y-%m-%d), Linux $(uname -r | cut -d- -f1) on" \
		"$(nproc) CPUs (${cpu:-$(uname -m)}), libuv" \
		"$(pkg-config --modversion libuv 2>/dev/null || echo '-')."
	echo "Medians of $REPEAT interleaved rounds: \`$command\`."
}

tables() {
	cat "$out/echo" "$out/idle" "$out/calls" "$out/cp" 2>/dev/null |
		awk -v systems="$systems" -v conns="$CONNS" -v sizes="$BYTES" '
	function value(key,    i, pair) {
		for (i = 1; i <= NF; i++) {
			split($i, pair, "=")
			if (pair[1] == key)
				return pair[2]
		}
		return ""
	}
	function keep(row, key,    v) {
		v = value(key)
		if (v != "" && v != "-")
			got[row, key] = got[row, key] " " v
	}
	function median(row, key,    n, v, i, k, t) {
		n = split(got[row, key], v, " ")
		for (i = 2; i <= n; i++)
			for (k = i; k > 1 && v[k - 1] + 0 > v[k] + 0; k--) {
				t = v[k]; v[k] = v[k - 1]; v[k - 1] = t
			}
		return n ? v[int((n + 1) / 2)] + 0 : ""
	}
	function ratio(a, b) {
		return a == "" || !b ? "-" : sprintf("%.2f", a / b)
	}
	function micro(ns) {
		return sprintf(ns < 100000 ? "%.1f" : "%.0f", ns / 1000)
	}
	/^echo/ {
		row = value("system") "/" value("connections") "/" value("bytes")
		keep(row, "per_cpu_sec"); keep(row, "rate")
		keep(row, "p50"); keep(row, "p99")
		echoes++
	}
	/^idle/ {
		idle[value("system")] = value("bytes_each")
		idles = value("connections")
	}
	/^calls/ {
		row = value("system") "/" value("connections")
		n = value("strace_messages")
		if (n > 0)
			traced[row] = value("strace_calls") / n
		n = value("messages")
		if (n > 0 && value("own_calls") != "-")
			own[row] = value("own_calls") / n
		calls++
	}
	/^cp/ {
		row = value("system") "/" value("place")
		keep(row, "secs"); keep(row, "user"); keep(row, "sys")
		places[value("place")]
		copies++
	}
	function echo_table(    b, c, s, nb, nc, ns, size, conn, name, row, uv) {
		print "| bytes | connections | server | messages per CPU second |" \
			" / libuv | messages per second | p50, us | p99, us | p99 / libuv |"
		print "|--:|--:|---|--:|--:|--:|--:|--:|--:|"
		nb = split(sizes, size, " ")
		nc = split(conns, conn, " ")
		ns = split(systems, name, " ")
		for (b = 1; b <= nb; b++)
			for (c = 1; c <= nc; c++)
				for (s = 1; s <= ns; s++) {
					row = name[s] "/" conn[c] "/" size[b]
					uv = "libuv/" conn[c] "/" size[b]
					printf "| %s | %s | %s | %.0f | %s | %.0f | %s | %s | %s |\n",
						size[b], conn[c], name[s],
						median(row, "per_cpu_sec"),
						ratio(median(row, "per_cpu_sec"),
							median(uv, "per_cpu_sec")),
						median(row, "rate"),
						micro(median(row, "p50")),
						micro(median(row, "p99")),
						ratio(median(row, "p99"),
							median(uv, "p99"))
				}
	}
	function idle_table(    s, ns, name) {
		printf "\n| server | memory of each of %d idle connections, bytes |\n", idles
		print "|---|--:|"
		ns = split(systems, name, " ")
		for (s = 1; s <= ns; s++)
			if (name[s] in idle)
				printf "| %s | %d |\n", name[s], idle[name[s]]
	}
	function counted(row) {
		return row in own ? sprintf("%.3f", own[row]) : "-"
	}
	function calls_table(    c, s, nc, ns, conn, name, row) {
		print "\n| connections | server | system calls of a message, with strace |" \
			" as the runtime counts, without |"
		print "|--:|---|--:|--:|"
		nc = split(conns, conn, " ")
		ns = split(systems, name, " ")
		for (c = 1; c <= nc; c++)
			for (s = 1; s <= ns; s++) {
				row = name[s] "/" conn[c]
				if (row in traced)
					printf "| %s | %s | %.3f | %s |\n",
						conn[c], name[s], traced[row], counted(row)
			}
	}
	function cp_table(    place, row, theirs) {
		print "\n| copied on | with | seconds | / coreutils | CPU seconds |"
		print "|---|---|--:|--:|--:|"
		for (place in places) {
			theirs = "coreutils/" place
			cp_row("heph/" place, place == "/dev/shm" ? "tmpfs" : "disk",
				"examples/cp", theirs)
			cp_row(theirs, place == "/dev/shm" ? "tmpfs" : "disk", "cp", theirs)
		}
	}
	function cp_row(row, place, title, theirs) {
		printf "| %s | %s | %.3f | %s | %.3f |\n", place, title,
			median(row, "secs"),
			ratio(median(row, "secs"), median(theirs, "secs")),
			median(row, "user") + median(row, "sys")
	}
	END {
		if (echoes)
			echo_table()
		if (idles)
			idle_table()
		if (calls)
			calls_table()
		if (copies)
			cp_table()
	}'
}

update_doc() { # FILE
	awk -v file="$1" '
	/<!-- io: begin -->/ {
		print
		while ((getline line < file) > 0)
			print line
		inside = 1
	}
	/<!-- io: end -->/ { inside = 0 }
	!inside || /<!-- io: end -->/ { if (!/io: begin/) print }
	' "$doc" >"$out/doc"
	cat "$out/doc" >"$doc"
}

# ---- all of it ------------------------------------------------------------------------

prepare
rm -f "$out/echo" "$out/idle" "$out/calls" "$out/cp" "$out/calls.strace"
for part; do
	case $part in
	echo | idle | calls | cp) "run_$part" ;;
	*) usage ;;
	esac
done
{
	about
	echo
	tables
} >"$out/table.md"
echo
cat "$out/table.md"
if [ "$update" ]; then
	update_doc "$out/table.md"
fi
