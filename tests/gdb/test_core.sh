#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_core.sh - a core file of a killed server: 1,000 suspended actors, all of
# whose frames are put away; with debug information, and without any
. "$(dirname "$0")/common.sh"
N=1000

# What a core file shows.
look() {
	debug -ex "heph actors" -ex "heph bt all -type reader" -ex "heph bt -full 513024" \
		-ex "heph bt crowd" -ex "heph inbox lazybones" -ex "heph workers" \
		-ex "heph apply 513024 -frame 1 print book" "$1" "$tmp/core"
	expect "1011 actors" "$N actors" "actor crowd (type crowd, id 1024, worker 0): running"
	[ "$(count ' reader .* waiting  a message ')" = $N ] ||
		fail "not all readers are listed"
}

# Those of the kernel go where its core_pattern says; gdb writes one elsewhere.
make_core() {
	(
		cd "$tmp" && ulimit -c unlimited &&
			HEPH_SLOTS=1 "$1" $N abort >/dev/null 2>&1
	)
	for file in "$tmp"/core*; do
		[ -f "$file" ] && mv "$file" "$tmp/core.new" && mv "$tmp/core.new" "$tmp/core" && return
	done
	echo "$name: the kernel wrote no core file here: gdb does"
	export HEPH_SLOTS=1
	debug -ex run -ex "generate-core-file $tmp/core" --args "$1" $N abort
	unset HEPH_SLOTS
	[ -f "$tmp/core" ] || skip "core files and ptrace are forbidden here"
}

make_core "$crowd"
look "$crowd"
expect "in all_wait (" '$0 = {page = 1, title = "a title' "book = {499, 998, 1497, 4}" \
	"= {499, 998, 1497, 4}"
[ "$(count 'in read_page (.*crowd.c:')" -ge $N ] || fail "not all have a backtrace"
[ "$(count 'in read_book (.*crowd.c:')" -ge $N ] || fail "not all have a backtrace"
[ "$(count 'in heph_coro_entry ()')" -ge $N ] || fail "not all end at the entry"

# Nothing but what is needed to run; the script is the one that is installed.
N=50
strip -o "$tmp/bare" "$crowd" || skip "there is no strip"
rm -f "$tmp/core"
make_core "$tmp/bare"
debug -ex "source $BUILD/heph-gdb.py" -ex "heph actors" -ex "heph bt all -type reader" \
	-ex "heph bt crowd" -ex "heph inbox lazybones" -ex "heph workers" \
	"$tmp/bare" "$tmp/core"
expect "61 actors" "$N actors" "16 bytes: 01 00 00 00 61 20 74 69 74 6c 65 00"
[ "$(count '^#0 *0x[0-9a-f]* in ')" -ge $N ] || fail "not all have a backtrace"
[ "$(count '^#3 *0x[0-9a-f]* in ')" -ge $N ] || fail "backtraces are too short"
