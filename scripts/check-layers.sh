#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-layers.sh - includes point one way only
#
# base < coro < core < io < rt: a file includes its own layer and those to the
# left; tls, http and remote use what is public alone. What users, benches and tests
# of the interface include is <heph/...> alone; tests/unit/LAYER and bench/LAYER may see the inside of their layer.
set -u
cd "$(dirname "$0")/.." || exit 1
export LC_ALL=C
layers="base coro core io rt"
failed=0

wrong() {
	echo "$1"
	failed=1
}

# Prints FILE:LINE:WHAT for each include of the files given: "x.h" or <x.h>.
includes() {
	[ $# = 0 ] ||
		grep -nH '^[[:space:]]*#[[:space:]]*include' "$@" /dev/null |
		sed 's/^\([^:]*:[0-9]*\):[^"<]*\(["<][^">]*[">]\).*/\1:\2/'
}

files() {
	find "$@" -name '*.[chS]' 2>/dev/null | sort
}

allowed=
for layer in $layers; do
	allowed="$allowed $layer"
	for line in $(includes $(files "src/$layer") | tr -d ' '); do
		where=${line%:*} what=${line##*:}
		case $what in
		\"*/*)
			its=${what#\"}
			its=${its%%/*}
			case " $allowed " in
			*" $its "*) ;;
			*) wrong "$where: $layer must not include $what" ;;
			esac
			;;
		\"*) wrong "$where: write the layer: \"$layer/${what#\"}" ;;
		'<heph/types.h>' | '<heph/log.h>' | '<heph/timers.h>') ;;
		'<heph/address.h>') ;;
		'<heph/'*)
			case $layer in
			base | coro) wrong "$where: $layer must not include $what" ;;
			esac
			;;
		'<liburing'* | '<ares'*)
			[ "$layer" = io ] || wrong "$where: only io includes $what"
			;;
		'<valgrind/'* | '<sanitizer/'*)
			[ "$layer" = coro ] || wrong "$where: only coro includes $what"
			;;
		esac
	done
done

# The libraries that stand on it use what is public, and TLS is below HTTP.
for line in $(includes $(files src/tls src/http src/remote) | tr -d ' '); do
	what=${line##*:}
	case $line in
	src/tls/*:\"tls/* | src/http/*:\"http/* | src/remote/*:\"remote/*) ;;
	*:\"*) wrong "${line%:*}: only <heph/...> is public, not $what" ;;
	src/tls/*:'<heph/http'* | src/remote/*:'<heph/http'*) wrong "${line%:*}: only http includes $what" ;;
	*:'<openssl/'*)
		case $line in
		src/tls/*) ;;
		*) wrong "${line%:*}: only tls includes $what" ;;
		esac
		;;
	esac
done

for file in $(find src -mindepth 1 -maxdepth 1); do
	case " $layers tls http remote " in
	*" ${file#src/} "*) ;;
	*) wrong "$file: is not a layer" ;;
	esac
done

for line in $(includes $(files include) | tr -d ' '); do
	case ${line##*:} in
	\"*) wrong "${line%:*}: write <heph/...>" ;;
	esac
done

for line in $(includes $(files examples tests/api tools) bench/*.[ch] | tr -d ' '); do
	what=${line##*:}
	for layer in $layers; do
		case $what in
		\"$layer/* | \"*/src/* | '<liburing'*)
			wrong "${line%:*}: only <heph/...> is public, not $what"
			break
			;;
		esac
	done
done

for layer in $layers; do
	for line in $(includes $(files "tests/unit/$layer" "bench/$layer") | tr -d ' '); do
		what=${line##*:} above=
		for other in $layers; do
			case $what in
			\"$other/*)
				[ -z "$above" ] ||
					wrong "${line%:*}: a test or bench of $layer must not include $what"
				;;
			esac
			[ "$other" = "$layer" ] && above=yes
		done
	done
done
[ "$failed" = 0 ]
