#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench-peers.sh [--best] [--cpu] [--update] [BENCH...] - our benchmarks and the
# same work done by Go and Erlang, in turn on this machine
#
#   --best     the best of the rounds, not the median
#   --cpu      compare CPU time: for a machine that is busy with other things
#   --update   replace the table in docs/benchmarks.md, and its rows in README.md
#   REPEAT=3   rounds; in each, every benchmark runs once in every system
#   N=count    the N of all runs, instead of one that suits each
#   BUILD=build, PEERS="heph go erlang"
#
# BENCH is NAME or NAME:SIZE. The lines of all runs stay in $BUILD/peers/lines.
# What is missing is left out.
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
REPEAT=${REPEAT:-3}
PEERS=${PEERS:-heph go erlang}
out=$BUILD/peers
doc=docs/benchmarks.md
pick=median
key=ns_per_op
update=
command="${N:+N=$N }REPEAT=$REPEAT scripts/bench-peers.sh${*:+ $*}"

all="pingpong_local pingpong_forced ring_local ring_million ring_random switch
	pairs_local pairs count_local count_forced rpc_local rpc_forced
	spawn_local spawn_burst spawn_alive alive_msg fan_in_local fan_in
	big_local big timers timer_set echo_local echo_forced
	latency_local latency"

usage() {
	sed -n '4,/^$/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

while [ $# -gt 0 ]; do
	case $1 in
	--best) pick=best ;;
	--cpu) key=cpu_ns_per_op ;;
	--update) update=yes ;;
	-*) usage ;;
	*) break ;;
	esac
	shift
done
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2086 # a list of words
	set -- $all
fi

# ---- the systems -------------------------------------------------------------

missing() { # SYSTEM WHAT
	echo "bench-peers: $1 is left out: $2" >&2
}

# Leaves those in $systems that can run.
prepare() {
	mkdir -p "$out"
	systems=
	for peer in $PEERS; do
		case $peer in
		heph)
			[ -x "$BUILD/bench/bench" ] || {
				missing heph "no $BUILD/bench/bench; run make build"
				continue
			}
			;;
		go)
			command -v go >/dev/null || {
				missing Go "not installed; run scripts/deps.sh all"
				continue
			}
			GO111MODULE=off GOCACHE=$(realpath "$out")/gocache \
				go build -o "$out/bench_go" bench/peers/bench.go
			;;
		erlang)
			command -v erlc >/dev/null || {
				missing Erlang "not installed; run scripts/deps.sh all"
				continue
			}
			erlc +inline -o "$out" bench/peers/bench.erl
			;;
		*) usage ;;
		esac
		systems="$systems $peer"
	done
}

# So that a run takes about half a second, if it can.
size() { # SYSTEM NAME[:SIZE]
	case $1:$2 in
	heph:spawn_local | go*:spawn_local) echo 2000000 ;;
	*:spawn_* | *:alive_msg | erlang:rpc_local) echo 1000000 ;;
	*:fan_in* | *:timers | *:memory_* | *:latency*) echo 100000 ;;
	heph:big*) echo 40000 ;;
	*:big*) echo 15000 ;;
	*:echo_*) echo 20000 ;;
	*:ring_million | *:ring_random | *:ring_local:1000000) echo 4000000 ;;
	heph:count_* | heph:switch | heph:*_local | heph:pairs*) echo 10000000 ;;
	heph:*_forced) echo 500000 ;;
	go-0:count_forced | go*:pingpong_forced) echo 20000 ;;
	go*:count_forced) echo 400000 ;;
	go*:rpc_forced) echo 10000 ;;
	erlang:pingpong_forced | erlang:rpc_forced) echo 100000 ;;
	*) echo 3000000 ;;
	esac
}

# Cores for a benchmark, the same in all systems.
threads() { # NAME
	case $1 in
	*_forced | fan_in | big | pairs | latency) echo 2 ;;
	*) echo 1 ;;
	esac
}

run_go() { # NAME CAPACITY N SIZE
	# shellcheck disable=SC2086 # SIZE may be empty
	GOMAXPROCS=$(threads "$1") timeout 120 "$out/bench_go" "$1" "$3" "$2" $4
}

# Go runs twice, without room in the channels and with; the better one counts.
capacities() { # NAME
	case $1 in
	big*) echo 240 ;;
	count_* | fan_in*) echo 0 1024 ;;
	latency*) echo 1024 ;;
	echo_* | timers | switch | memory_*) echo 0 ;;
	*) echo 0 16 ;;
	esac
}

run() { # SYSTEM NAME[:SIZE]
	name=${2%%:*}
	actors=${2#"$name"}
	actors=${actors#:}
	count=${N:-$(size "$1" "$2")}
	case $1 in
	heph)
		# shellcheck disable=SC2086 # SIZE may be empty
		"$BUILD/bench/bench" "$name" "$count" $actors
		;;
	go)
		for room in $(capacities "$name"); do
			run_go "$name" "$room" \
				"${N:-$(size "go-$room" "$2")}" "$actors" || return
		done
		;;
	erlang)
		t=$(threads "$name")
		# shellcheck disable=SC2086 # SIZE may be empty
		timeout 120 erl +S "$t:$t" +P 4000000 +sbwt medium -noshell \
			-pa "$out" -s bench main -extra "$name" "$count" $actors
		;;
	esac
}

# ---- the table ---------------------------------------------------------------

about() {
	cpu=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
	echo "$(date +%Y-%m-%d), Linux $(uname -r | cut -d- -f1) on" \
		"$(nproc) CPUs (${cpu:-$(uname -m)})."
	command -v go >/dev/null &&
		echo "Go $(go version | sed 's/^go version go\([^ ]*\).*/\1/')," \
			"with its defaults."
	command -v erl >/dev/null &&
		echo "Erlang/OTP $(erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')" \
			"with \`+sbwt medium\`."
	case $pick in
	best) what="The best" ;;
	*) what="Medians" ;;
	esac
	echo "$what of $REPEAT interleaved rounds: \`$command\`."
}

table() { # BENCH...
	awk -v pick=$pick -v time=$key -v benches="$*" '
	function value(line, key,    i, n, words, pair) {
		n = split(line, words, " ")
		for (i = 1; i <= n; i++) {
			split(words[i], pair, "=")
			if (pair[1] == key)
				return pair[2]
		}
		return ""
	}
	function keep(line, bench, impl, key,    v) {
		v = value(line, key)
		if (v != "")
			got[bench, impl, key] = got[bench, impl, key] " " v
	}
	# The median of a list, or the least.
	function one(list,    n, v, i, k, t) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++)
			for (k = i; k > 1 && v[k - 1] + 0 > v[k] + 0; k--) {
				t = v[k]; v[k] = v[k - 1]; v[k - 1] = t
			}
		if (n == 0)
			return ""
		return pick == "best" ? v[1] + 0 : v[int((n + 1) / 2)] + 0
	}
	# Go: the better one of its channels.
	function of(bench, peer, key,    i, v, least) {
		least = ""
		for (i in impls)
			if (i == peer || index(i, peer "-") == 1) {
				v = one(got[bench, i, key])
				if (v != "" && (least == "" || v < least))
					least = v
			}
		return least
	}
	function number(v) {
		if (v == "")
			return "-"
		return sprintf(v < 100 ? "%.1f" : "%.0f", v)
	}
	function ratio(a, b) {
		if (a == "" || b == "" || b == 0)
			return "-"
		a /= b
		return sprintf(a < 0.1 ? "%.3f" : a < 10 ? "%.2f" : "%.0f", a)
	}
	# What is looked at, if it is not the time of an operation.
	function rows(bench) {
		if (bench == "timers") {
			row(bench, "timers, CPU", "cpu_ns_per_op")
		} else if (bench ~ /^latency/) {
			row(bench, bench ", p50", "p50")
			row(bench, bench ", p99", "p99")
			row(bench, bench ", p99.9", "p999")
		} else if (bench ~ /^memory/) {
			row(bench, bench ", bytes", "rss_per_actor")
		} else {
			row(bench, bench, time)
		}
	}
	function row(bench, title, key,    h, g, e) {
		h = of(bench, "heph", key)
		g = of(bench, "go", key)
		e = of(bench, "erlang", key)
		if (h g e != "")
			printf "| %-24s | %9s | %9s | %9s | %9s | %13s |\n", title,
				number(h), number(g), number(e),
				ratio(h, g), ratio(h, e)
	}
	{
		impl = value($0, "impl")
		impls[impl]
		keep($0, $1, impl, "ns_per_op")
		keep($0, $1, impl, "cpu_ns_per_op")
		keep($0, $1, impl, "rss_per_actor")
		keep($0, $1, impl, "avg_late_us")
		keep($0, $1, impl, "p50")
		keep($0, $1, impl, "p99")
		keep($0, $1, impl, "p999")
	}
	END {
		printf "| %-24s | %9s | %9s | %9s | %9s | %13s |\n",
			time == "ns_per_op" ? "ns for each" : "ns of CPU for each",
			"Heph", "Go", "Erlang", "Heph / Go", "Heph / Erlang"
		print "|---|--:|--:|--:|--:|--:|"
		n = split(benches, name, " ")
		for (i = 1; i <= n; i++)
			rows(name[i])
		row("timers", "timers, us late", "avg_late_us")
		row("spawn_alive", "spawn_alive, bytes each", "rss_per_actor")
	}' "$out/lines"
}

update_doc() { # FILE
	awk -v file="$1" '
	/<!-- peers: begin -->/ {
		print
		while ((getline line < file) > 0)
			print line
		inside = 1
	}
	/<!-- peers: end -->/ { inside = 0 }
	!inside || /<!-- peers: end -->/ { if (!/peers: begin/) print }
	' "$doc" >"$out/doc"
	cat "$out/doc" >"$doc"
}

# ---- all of it ---------------------------------------------------------------

prepare
: >"$out/lines"
failed=0
for round in $(seq "$REPEAT"); do
	for bench; do
		for system in $systems; do
			if ! run "$system" "$bench" >"$out/said"; then
				echo "$bench impl=$system failed, round $round" >&2
				failed=1
			fi
			sed "s/^[^ ]*/$bench/" "$out/said" | tee -a "$out/lines"
		done
	done
done
{
	about
	echo
	table "$@"
} >"$out/table.md"
echo
cat "$out/table.md"
if [ "$update" ]; then
	update_doc "$out/table.md"
	scripts/readme-bench.py
fi
exit $failed
