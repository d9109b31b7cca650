#!/bin/sh
# SPDX-License-Identifier: MIT
#
# build.sh DIR TARGETS [meson options] - configures where needed, then builds
#
# TARGETS is a list in quotes: "all", "programs" (library, examples, bench),
# "tests", or "" to configure only. Other files, libraries or options than last
# time configure again; the compiler, $CC, counts when DIR is new. One at a time
# for each DIR; others wait.
set -eu
cd "$(dirname "$0")/.."
dir=$1 targets=$2
shift 2
[ "$dir" != build ] || set -- "$@" ${WERROR:+-Dwerror=true}

# It links several times as fast, which tells where there are hundreds of programs.
if [ "$dir" != build-install ] && command -v ld.lld >/dev/null; then
	export CC_LD=lld CXX_LD=lld
fi
case ${CC-} in # the same for C++
*clang*) export CXX="${CXX-clang++}" ;;
*gcc*) export CXX="${CXX-g++}" ;;
esac

seen() {
	find src tests examples bench fuzz tools -name '*.c' -o -name '*.cpp' -o -name '*.S' \
		-o -name '*.sh' -o -name '*.py' | LC_ALL=C sort
	for library in liburing libcares jansson ncursesw cmocka libuv glib-2.0 openssl zlib \
		libcbor libsodium libnats libprotobuf-c libbrotlienc libbrotlidec libzstd; do
		echo "$library $(pkg-config --modversion $library 2>&1 | head -n 1)"
	done
	ls /usr/include/valgrind/memcheck.h /usr/include/*/sys/sdt.h 2>&1 || true
	echo "$@"
}

# Shows what a command said only if it failed.
quietly() {
	if ! "$@" >"$dir/configure.log" 2>&1; then
		cat "$dir/configure.log" >&2
		return 1
	fi
}

mkdir -p "$dir"
exec 9>"$dir/.lock"
flock 9

seen "$@" >"$dir/.seen.new"
if [ ! -f "$dir/build.ninja" ]; then
	echo "configure $dir"
	quietly meson setup "$@" "$dir"
elif ! cmp -s "$dir/.seen.new" "$dir/.seen"; then
	echo "configure $dir again: other files, libraries or options"
	quietly meson setup --reconfigure "$@" "$dir"
fi
quietly ninja -C "$dir" build.ninja
mv "$dir/.seen.new" "$dir/.seen"

if [ -n "$targets" ]; then
	if ninja -C "$dir" -n $targets | grep -q 'no work to do'; then
		exit 0
	fi
	echo "build $dir: $targets"
	ninja -C "$dir" --quiet $targets
fi
