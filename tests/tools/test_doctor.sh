#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_doctor.sh - heph doctor, where io_uring works and where it does not
set -u
BUILD=${BUILD:-build}
heph=$BUILD/tools/heph
without=$BUILD/tests/tool-without
unset HEPH_DRIVER HEPH_URING_FEATURES

fail() {
	echo "test_doctor: $*" >&2
	echo "$said" >&2
	exit 1
}

# run CODE COMMAND...: what it says is in $said.
run() {
	code=$1
	shift
	said=$("$@" 2>&1)
	is=$?
	[ $is = "$code" ] || fail "$*: ended with $is, not with $code"
}

expect() {
	for text; do
		case $said in
		*"$text"*) ;;
		*) fail "it does not say: $text" ;;
		esac
	done
}

said=$("$heph" doctor)
case $? in
0) works=yes && expect "driver             uring" ;;
1) works=no && expect "driver             epoll" ;;
*) fail "ended with another code" ;;
esac
expect "kernel             Linux " io_uring_disabled memlock "seccomp " container \
	"HEPH_DRIVER        not set" "multishot_accept" needed

run 1 env HEPH_DRIVER=epoll "$heph" doctor
expect "driver             epoll" "because            HEPH_DRIVER=epoll"
run 2 env HEPH_DRIVER=libuv "$heph" doctor
expect "driver             none" "only uring and epoll"
run 0 "$heph" doctor --seccomp
expect io_uring_setup io_uring_enter io_uring_register SCMP_ACT_ALLOW
if command -v python3 >/dev/null; then
	echo "$said" | python3 -m json.tool >/dev/null || fail "that is no JSON"
fi

run 0 "$heph" doctor --help
expect "usage: heph doctor"
run 64 "$heph" doctor --what
run 64 "$heph" what
expect "there is no command 'what'"
run 64 "$heph"
run 0 "$heph" --help
expect doctor
run 0 "$heph" --version
expect "heph "

# Forbidden: 77 if there are no filters.
"$without" io_uring_setup EPERM true
[ $? = 77 ] && exit 0
run 1 "$without" io_uring_setup EPERM "$heph" doctor
expect "driver             epoll" "io_uring_setup: Operation not permitted" \
	"seccomp            a filter" "A seccomp filter forbids it" \
	"SystemCallFilter=" "no  read"
run 1 "$without" io_uring_setup ENOSYS "$heph" doctor
expect "io_uring_setup: Function not implemented"
run 2 "$without" io_uring_setup EPERM env HEPH_DRIVER=uring "$heph" doctor
expect "driver             none" "HEPH_DRIVER=uring, but io_uring_setup"
[ $works = yes ] || exit 0
run 1 "$without" io_uring_enter EPERM "$heph" doctor
expect "io_uring_enter: Operation not permitted"
run 0 env HEPH_URING_FEATURES=none "$heph" doctor
expect "HEPH_URING_FEATURES forbids it"
