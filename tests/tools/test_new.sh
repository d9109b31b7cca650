#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What `heph new` makes is built as its README says, tested, and run.
set -eu
tmp=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$tmp"' EXIT
heph=$BUILD/tools/heph
cd "$tmp"

fails() {
	want=$1 text=$2 code=0
	shift 2
	"$@" >out 2>&1 || code=$?
	if [ $code != "$want" ] || ! grep -q -- "$text" out; then
		echo "$*: ended with $code instead of $want, and said:"
		cat out
		exit 1
	fi
}
fails 64 'cannot be a name' "$heph" new Visitors
fails 64 'cannot be a name' "$heph" new ../x
fails 64 "'heph' is taken" "$heph" new heph
fails 64 "'test' is taken" "$heph" new test
fails 64 usage: "$heph" new
fails 0 usage: "$heph" new --help
mkdir there
fails 1 'File exists' "$heph" new there

"$heph" new visitors >out
grep -q 'visitors/src/main.c' out
grep -q export out && {
	echo "this one is not in a prefix of its own"
	exit 1
}

# In a prefix of its own it tells where the library is.
for lib in lib lib64 "lib/$(gcc -dumpmachine)"; do
	mkdir -p "own/$lib/pkgconfig"
	: >"own/$lib/pkgconfig/heph.pc"
done
mkdir own/bin
cp "$heph" own/bin
own/bin/heph new elsewhere >out
grep -q "^export PKG_CONFIG_PATH=$tmp/own/lib.*/pkgconfig$" out
grep -rq '@name@' visitors && {
	echo "a @name@ was left"
	exit 1
}
cd visitors
cat >../heph.pc <<PC
Name: heph
Description: as it was built here
Version: 0.1.0
Libs: -L$BUILD -lheph -Wl,-rpath,$BUILD
Cflags: -I$SOURCE/include -Werror=incompatible-pointer-types -Werror=int-conversion
PC
export PKG_CONFIG_PATH="$tmp"
meson setup build >../log 2>&1 && meson compile -C build >>../log 2>&1 &&
	meson test -C build >>../log 2>&1 || {
	cat ../log
	exit 1
}
if grep -q 'warning:' ../log; then
	cat ../log
	exit 1
fi

# It listens where the kernel likes, and says so in the log.
build/visitors unix:sock 2>../err &
server=$!
for try in $(seq 200); do
	[ ! -S sock ] || break
	sleep 0.05 # until it listens
done
[ "$(nc -NU sock </dev/null)" = "you are visitor 1" ]
[ "$(nc -NU sock </dev/null)" = "you are visitor 2" ]
kill -TERM $server
wait $server
server=
echo ok
