#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-fail.sh [FAIL] - the wrong uses in tests/fail/wrong.c and wrong.cpp do
# not compile
#
# With no flags but -std=gnu17 or -std=c++17 and where the headers are, as -I and
# as -isystem, with gcc and with clang; and they fail for the reason written
# beside them. Without any wrong use the file compiles without a warning.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
file=${FILE:-tests/fail/wrong.c}
strict="-Werror=incompatible-pointer-types -Werror=int-conversion"

cases() {
	sed -n 's/^#\(el\)\{0,1\}if FAIL == \([0-9]*\).*/\2/p' $file | sort -nu
}

# The command for a compiler's name.
command_of() {
	case $file,$1 in
	*.c,*) echo "$1 -std=gnu17" ;;
	*,gcc) echo "g++ -std=c++17" ;;
	*,clang) echo "clang++ -std=c++17" ;;
	esac
}

# Prints "CASE COMPILER HOW" for each compilation.
compilations() {
	for case in ${1:-$(cases)}; do
		for cc in gcc clang; do
			echo "$case $cc -Iinclude"
			echo "$case $cc -isystem include"
		done
	done
}

# try CASE COMPILER HOW...: one compilation
try() {
	case=$1 cc=$2
	shift 2
	notes=$(sed -n "s|^#.*if FAIL == $case /\* ||p" $file | head -n 1 |
		sed 's| \*/ /\* |\n|g; s| \*/$||')
	text=$(echo "$notes" | sed -nE "s/^((warn|strict|user) )?($cc|expect): //p")
	kind=$(echo "$notes" | sed -nE 's/^(warn|strict|user) .*/\1/p')

	said=$($(command_of "$cc") "$@" -DFAIL="$case" -c $file -o /dev/null 2>&1)
	result=$?
	if [ "$case" = 0 ]; then
		[ $result = 0 ] && [ -z "$said" ] && return
		complain "must compile without a word"
		return
	fi
	if [ -z "$text" ]; then
		complain "has no expected text beside it"
		return
	fi
	case "$kind $cc $1" in
	"warn gcc -isystem" | "user gcc -isystem") return ;;
	esac
	case $kind in
	warn | strict) wanted=0 ;;
	*) wanted=1 ;;
	esac
	if [ $result != $wanted ]; then
		complain "must $([ $wanted = 0 ] && echo "be a warning, is an error" || echo "not compile")"
	elif ! echo "$said" | grep -qE -e "$text"; then
		complain "does not say: $text"
	elif [ "$kind" = strict ] &&
		$(command_of "$cc") $strict "$@" -DFAIL="$case" -c $file -o /dev/null 2>/dev/null; then
		complain "compiles with the flags of heph.pc"
	fi
}

complain() {
	what=$(echo "$notes" | head -n 1)
	printf '%s\n%s\n' "$cc $how, FAIL=$case ($what): $1" \
		"$(echo "$said" | grep -E 'error|warning' | head -n 4 | sed 's/^/    /')"
	failed=1
}

if [ "${1:-}" = --one ]; then
	failed=0
	shift
	how=$3
	try "$@"
	exit $failed
fi
if [ -z "${FILE:-}" ]; then
	FILE=tests/fail/wrong.c "$0" "$@" && FILE=tests/fail/wrong.cpp "$0" "$@"
	exit
fi
compilations "$@" | xargs -P "$(nproc)" -L 1 "$0" --one
