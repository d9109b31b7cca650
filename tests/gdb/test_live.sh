#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_live.sh - what gdb shows of a process that runs, with many stacks and with
# one for all, so that frames are put away
. "$(dirname "$0")/common.sh"

# What all of them show; $1 readers come first, and 1024 is the crowd.
look() {
	run_crowd 3 -ex "heph actors" -ex "heph actors -type read* -state wait" \
		-ex "heph actors -name lazy*" -ex "heph workers" \
		-ex "heph bt -full 4096" -ex "heph bt here" -ex "heph bt stack" \
		-ex "heph bt any" -ex "heph bt own" -ex "heph bt far" -ex "heph bt piper" \
		-ex "heph bt crowd" -ex "heph bt unborn" -ex "heph inbox lazybones" \
		-ex "heph apply 3072 -frame 1 print book" -ex "heph apply 3072 -frame 1 print *first@3" \
		-ex "heph apply 2048 -frame 2 print *arg" -ex "heph apply asker -frame 1 bt 1" \
		-ex "print shown" -ex 'print $heph_err(-62)' \
		-ex "frame function all_wait" -ex "print *arg" -ex "info locals"
	expect "14 actors" "3 actors" "1 actor
" \
		"lazybones  lazy     waiting  3600 s " " 3/5" "a stop" "an answer" \
		"reader   waiting  a message " " of descriptor " "unborn     unborn   ready" \
		"any/" " own
" "worker 0  thread " "runs crowd (id 1024)" \
		"actor reader (type reader, id 4096, worker 0): waiting for a message" \
		"in read_page (" "in read_book (" "book = {2, 4, 6, 4}" "page = -1" \
		"actor here (type sleeper" "actor stack (type sleeper" \
		"actor any (type sleeper" "actor own (type sleeper" "actor far (type sleeper" \
		"actor crowd (type crowd, id 1024, worker 0): running" "it has not begun to run" \
		"3 of 5, 0 received" '$0 = {page = 1, title = "a title' '$2 = {page = 3, ' \
		"= {1, 2, 3, 4}" "= {1, 2, 3}
" "= {number = 0}" "= {n = 3, end = false"
	expect "lazy = lazybones (type lazy, id 5120)" "ended = id 1055744, ended" \
		"nobody = nobody" "fd = descriptor " "closed = closed (slot 9, turn 9)" \
		"length = 1500000000 ns (1.5 s)" "never = never" 'exit = -ENOENT: "no book"' \
		'"-ETIME"' "ctx=crowd (id 1024)"
	[ "$(count 'in sleep_long (.*depth=2.*crowd.c:')" = 5 ] ||
		fail "sleepers are not three calls deep"
	[ "$(count 'in heph_coro_entry ()')" -ge 8 ] ||
		fail "backtraces do not end at the entry"
	case $said in
	*"Backtrace stopped"* | *"corrupt stack"*) fail "a backtrace does not end" ;;
	esac
}

unset HEPH_SLOTS HEPH_DRIVER
look
export HEPH_SLOTS=1
look
case $said in
*" 0 displaced
"*"0 displaced"*) fail "nobody was displaced" ;;
esac
HEPH_DRIVER=epoll
export HEPH_DRIVER
look
expect "driver epoll"
unset HEPH_DRIVER HEPH_SLOTS

# What is wrong is said in one line.
run_crowd 1 -ex "heph bt 99" -ex "heph bt nobody" -ex "heph bt sleeper" -ex "heph bt" \
	-ex "heph inbox crowd" -ex "heph actors -what" -ex "heph apply here" \
	-ex "heph apply here -frame 90 bt" -ex "heph workers x" -ex "heph actors -type none"
expect "heph: no actor has the id 99" "heph: no actor has the name nobody" \
	"heph: usage: heph bt [-full] ID|NAME|all" "heph: actor 1024 takes no messages" \
	"heph: usage: heph actors [-type" "heph: usage: heph apply" "frames
" "heph: usage: heph workers" "0 actors"
debug -ex "heph actors" "$crowd"
expect "heph: there is no program that runs, and no core file"
