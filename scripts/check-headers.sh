#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-headers.sh - every header compiles alone
#
# Public ones as C11 and as C++17, in the strictest mode; internal ones as the
# library is compiled, with gcc in its three debug levels. With gcc and with clang.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C

jobs() {
	strict="-Wall -Wextra -Wpedantic -Wundef -Werror -fsyntax-only -Iinclude"
	for header in include/heph/*.h include/heph/*/*.h; do
		name=${header#include/}
		for cc in gcc clang; do
			echo "$cc -x c -std=c11 $strict -Wshadow|<$name>"
		done
		for cc in g++ clang++; do
			echo "$cc -x c++ -std=c++17 $strict|<$name>"
		done
	done
	for header in include/heph/*.hpp include/heph/*/*.hpp; do
		for std in c++17 c++20; do
			for cc in g++ clang++; do
				echo "$cc -x c++ -std=$std $strict|<${header#include/}>"
				echo "$cc -x c++ -std=$std $strict -fno-exceptions -fno-rtti|<${header#include/}>"
			done
		done
	done
	flags="-x c -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Wno-unused-parameter
		-Wundef -Wmissing-prototypes -Werror -fsyntax-only -Iinclude -Isrc"
	for header in src/*/*.h; do
		[ -e "$header" ] || continue
		case $header in
		# The half of a header that depends on the machine; not alone.
		*_x86_64.h | *_aarch64.h) continue ;;
		esac
		for debug in 0 1 2; do
			echo gcc $flags "-DHEPH_DEBUG=$debug|\"${header#src/}\""
		done
		echo clang $flags "-DHEPH_DEBUG=0|\"${header#src/}\""
	done
}

compile='
	command=${1%%|*} header=${1#*|}
	out=$(printf "#include %s\n" "$header" | $command - 2>&1) && exit 0
	printf "%s: %s\n%s\n" "$header" "$command" \
		"$(printf "%s\n" "$out" | head -n 6 | sed "s/^/    /")"
	exit 1
'
jobs | tr '\n' '\0' | xargs -0 -P "$(nproc)" -n 1 sh -c "$compile" sh
