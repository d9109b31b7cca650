#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-install.sh DIR - what is installed from DIR can be used as users do
#
# By pkg-config, shared and static, and by CMake: a program for each library is
# compiled against the installed headers alone, and run. Then as part of another
# project of Meson, where nothing is installed.
set -eu
cd "$(dirname "$0")/.."
dir=$(cd "$1" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
at=$tmp/root

DESTDIR=$at meson install -C "$dir" --no-rebuild --quiet --tags devel,runtime,man
prefix=$(meson introspect "$dir" --buildoptions |
	python3 -c 'import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
version=$(meson introspect "$dir" --projectinfo |
	python3 -c 'import json, sys; print(json.load(sys.stdin)["version"])')
lib=$(dirname "$(find "$at" -name libheph.so)")
export PKG_CONFIG_PATH="$lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$at"
export LD_LIBRARY_PATH="$lib"

# Our libraries find each other.
if [ "$prefix" != /usr ]; then
	for it in "$lib"/libheph-*.so; do
		readelf -d "$it" | grep -qF '[$ORIGIN]' || {
			echo "$it does not look for the others beside it"
			exit 1
		}
	done
fi

# What pkg-config says of our own places is below $at, and what of others is not.
words() {
	pkg-config "$@" | sed "s|$at/usr/lib|/usr/lib|g; s|$at/usr/include|/usr/include|g"
}

cat >"$tmp/heph.c" <<'C'
#include <heph/heph.h>

#include <stdio.h>

HEPH_ACTOR(hello, void, void);

static int hello_main(heph_ctx ctx)
{
	printf("%s\n", heph_name(ctx));
	return 0;
}
HEPH_ACTOR_MAIN(hello, hello_main);

int main(void)
{
	return heph_run(NULL, hello) < 0;
}
C
cat >"$tmp/heph-tls.c" <<'C'
#include <heph/heph.h>
#include <heph/tls.h>

#include <stdio.h>

int main(void)
{
	struct heph_tls *tls;

	if (heph_tls_client_new(&tls, .verify = HEPH_TLS_VERIFY_NONE) < 0)
		return 1;
	heph_tls_free(tls);
	return puts("hello") < 0;
}
C
cat >"$tmp/heph-http.c" <<'C'
#include <heph/http.h>

#include <stdio.h>

int main(void)
{
	return puts(heph_http_reason(200)[0] == 'O' ? "hello" : "?") < 0;
}
C
cat >"$tmp/heph-remote.c" <<'C'
#include <heph/remote.h>

#include <stdio.h>

struct point {
	int x, y;
};
HEPH_CODEC(point, struct point, HEPH_FIELD(x), HEPH_FIELD(y));

int main(void)
{
	struct point point = { 1, 2 };
	char text[64];

	heph_codec_print(point_codec(), &point, text, sizeof(text));
	return puts(text[0] == 'p' ? "hello" : text) < 0;
}
C

failed=0
try() {
	what=$1
	shift
	if ! "$@" >"$tmp/log" 2>&1; then
		echo "$what: cannot be built: $*"
		cat "$tmp/log"
		failed=1
	elif [ "$("$tmp/program")" != hello ]; then
		echo "$what: says something else"
		failed=1
	fi
}

for pc in "$lib"/pkgconfig/*.pc; do
	name=$(basename "$pc" .pc)
	try "$name" cc -Wall -Werror "$tmp/$name.c" -o "$tmp/program" $(words --cflags --libs "$name")
	# -l:lib.a, or the linker would take the shared ones.
	static=$(words --static --libs "$name" | sed 's/-l\(heph[a-z-]*\)/-l:lib\1.a/g')
	try "$name, static" cc "$tmp/$name.c" -o "$tmp/program" $(words --cflags "$name") $static
done

# All headers that are there can be included, whatever the library was built without.
(cd "$at$prefix"/include/heph-1 && find heph -name '*.h' | sort) | sed 's/.*/#include <&>/' >"$tmp/all.c"
cc -Wall -Werror -fsyntax-only $(words --cflags heph) "$tmp/all.c" || failed=1

# quietly WHAT COMMAND: shows what was said if it fails
quietly() {
	what=$1
	shift
	if ! "$@" >"$tmp/log" 2>&1; then
		echo "$what:"
		cat "$tmp/log"
		failed=1
	fi
}

if command -v g++ >/dev/null; then
	sed 's/<heph.heph.h>/<heph\/heph.hpp>/; s/NULL/nullptr/; s/<stdio.h>/<cstdio>/' \
		"$tmp/heph.c" >"$tmp/heph.cpp"
	try "heph.hpp" g++ -std=c++17 -Wall -Werror "$tmp/heph.cpp" -o "$tmp/program" \
		$(words --cflags --libs heph | sed 's/-Werror=[a-z-]*//g')
fi

for page in man1/heph.1 man3/heph_send.3 man3/heph_options.3 man7/heph.7 man7/heph-messages.7; do
	[ -s "$at$prefix/share/man/$page" ] || {
		echo "$page is not installed"
		failed=1
	}
done

if command -v cmake >/dev/null; then
	mkdir "$tmp/cmake"
	{
		echo 'cmake_minimum_required(VERSION 3.18)'
		echo 'project(hello C)'
		echo "find_package(Heph \${WANTED} REQUIRED COMPONENTS \${PARTS})"
		echo 'enable_testing()'
		for pc in "$lib"/pkgconfig/*.pc; do
			name=$(basename "$pc" .pc)
			for kind in "" -static; do
				echo "add_executable($name$kind $tmp/$name.c)"
				echo "target_link_libraries($name$kind Heph::${name#heph-}$kind)"
				echo "add_test(NAME $name$kind COMMAND $name$kind)"
			done
		done
	} >"$tmp/cmake/CMakeLists.txt"
	parts=$(cd "$lib/pkgconfig" && ls heph-*.pc 2>/dev/null | sed 's/heph-\(.*\).pc/\1/' | paste -sd';')
	with_cmake() {
		rm -rf "$tmp/cmake/build"
		cmake -S "$tmp/cmake" -B "$tmp/cmake/build" -DCMAKE_PREFIX_PATH="$at$prefix" \
			-DWANTED="$1" -DPARTS="$2"
	}
	quietly CMake with_cmake "$version" "$parts"
	quietly CMake cmake --build "$tmp/cmake/build"
	quietly CMake ctest --test-dir "$tmp/cmake/build"
	! ldd "$tmp/cmake/build/heph-static" | grep libheph || failed=1
	# What is not there is said to be missing.
	for bad in "99 " "$version;nothing"; do
		if with_cmake "${bad%[; ]*}" "${bad#*[; ]}" >"$tmp/log" 2>&1; then
			echo "CMake finds what is not there: $bad"
			failed=1
		fi
	done
fi

# A project with this one in it, by a wrap.
mkdir -p "$tmp/meson/subprojects"
ln -s "$PWD" "$tmp/meson/subprojects/heph-$version"
cat >"$tmp/meson/subprojects/heph.wrap" <<WRAP
[wrap-file]
directory = heph-$version

[provide]
dependency_names = heph, heph-tls, heph-http, heph-remote
WRAP
{
	echo "project('hello', 'c', default_options: ['c_std=gnu17', 'werror=true'])"
	for pc in "$lib"/pkgconfig/*.pc; do
		name=$(basename "$pc" .pc)
		echo "test('$name', executable('$name-hello', '$name.c', dependencies: dependency('$name')))"
	done
} >"$tmp/meson/meson.build"
cp "$tmp"/heph*.c "$tmp/meson/"
for kind in shared static; do
	quietly "Meson, $kind" env -u PKG_CONFIG_PATH -u PKG_CONFIG_SYSROOT_DIR -u LD_LIBRARY_PATH \
		meson setup --wrap-mode forcefallback "-Ddefault_library=$kind" --buildtype plain \
		"$tmp/meson/$kind" "$tmp/meson"
	# All four once is enough.
	quietly "Meson, $kind" env -u LD_LIBRARY_PATH meson test -C "$tmp/meson/$kind" \
		$([ $kind = static ] || echo heph)
	if ldd "$tmp/meson/$kind/heph-hello" | grep -q libheph; then
		found=shared
	else
		found=static
	fi
	[ "$found" = "$kind" ] || {
		echo "Meson, $kind: is $found"
		failed=1
	}
done

# Nothing of the place where it was built is in what is installed as text.
if grep -rIl -F -e "$PWD" -e "$tmp" "$at" | grep .; then
	echo "these name the place where they were built"
	failed=1
fi

exit $failed
