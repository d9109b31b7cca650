#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_seccomp.sh - programs do their work where only the system calls of
# share/seccomp/heph.json are allowed, with both drivers
LIMIT=${LIMIT:-$((50 * ${SLOW:-1}))}
. "$(dirname "$0")/../examples/lib.sh"
need python3
only="$tests/only.py"
profile=$SOURCE/share/seccomp/heph.json
real=$(realpath "$BUILD")

# may CODE [-NAME...] COMMAND...: what it says is in $told
may() {
	local code=$1 is=0
	shift
	told=$("$only" "$profile" "$@" 2>&1) || is=$?
	[ $is = "$code" ] || fail "$*: ended with $is, not with $code: $told"
}

status=0
"$only" "$profile" true || status=$?
[ "$status" != 77 ] || {
	echo "skipped: there are no filters here"
	exit 77
}
equal "a program that needs next to nothing" "$status" 0

# The filter is there: without a call that is needed it fails, with the error of
# the profile, and a name that is none is told.
may 1 -eventfd2 "$real/examples/hello"
[[ $told == *err=ENOSYS* ]] || fail "another error: $told"
may 1 -nothing true

# Each driver does without the calls of the other one.
unset HEPH_DRIVER HEPH_URING_FEATURES
if "$real/tools/heph" doctor >/dev/null; then
	may 0 -epoll env HEPH_DRIVER=uring "$real/examples/hello"
	drivers="uring epoll"
else
	drivers=epoll
fi
may 0 -uring "$real/examples/hello"
[[ $told == *"driver is epoll, because io_uring cannot be used"* ]] ||
	fail "it says nothing of its driver: $told"
may 1 -uring "$real/tools/heph" doctor

# The tests of the examples, with programs in a box.
mkdir -p "$tmp/build/examples"
for path in "$real"/*; do
	[ "${path##*/}" = examples ] || ln -s "$path" "$tmp/build/"
done
for path in "$real"/examples/*; do
	[ -f "$path" ] && [ -x "$path" ] || continue
	box=$tmp/build/examples/${path##*/}
	printf '#!/bin/sh\nexec "%s" "%s" $BOX "%s" "$@"\n' \
		"$(realpath "$only")" "$profile" "$path" >"$box"
	chmod +x "$box"
done

# boxed NAME: what its test finds, or 77
boxed() {
	local is=0
	LIMITED='' LIMIT=$((25 * ${SLOW:-1})) BUILD=$tmp/build \
		bash "$SOURCE/tests/examples/test_$1.sh" >"$tmp/said" 2>&1 || is=$?
	[ $is = 0 ] || [ $is = 77 ] || fail "$1 ($HEPH_DRIVER${BOX-}): $(cat "$tmp/said")"
}

for HEPH_DRIVER in $drivers; do
	export HEPH_DRIVER
	boxed echo
done
boxed my_ip_service

# With epoll each operation on files is a call of its own.
may 0 "$real/examples/cp" "$SOURCE/LICENSE" "$tmp/copy"
cmp "$SOURCE/LICENSE" "$tmp/copy" || fail "cp makes another file"
may 0 "$real/examples/walk" "$SOURCE/docs"
[[ $told == *" files in "* ]] || fail "walk: $told"

# A server needs no more than its own.
export BOX="-uring -files -changes -processes -control -loop"
boxed echo

# Seen through the control socket.
unset BOX
if "$real/tools/heph" --help | grep -q "^  ps "; then
	BUILD=$tmp/build HEPH_CONTROL=$tmp/heph/ start echo 127.0.0.1:0
	told=$(HEPH_CONTROL=$tmp/heph/ "$real/tools/heph" ps)
	[[ $told == *server* ]] || fail "heph ps: $told"
	stop TERM
fi
