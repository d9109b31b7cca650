#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_models.sh - spin(1) looks through all that the models can do
#
# The models as they are must hold; with a bug in them, one of those below, spin
# must find it: a check that cannot fail shows nothing.
set -u
cd "$(dirname "$0")" || exit 1
models=$PWD
command -v spin >/dev/null || {
	echo "skipped: there is no spin"
	exit 77
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# Each line: ok or bug, the model, what is defined; with LIVE it must get somewhere
# as well, under weak fairness. FULL=1: larger ones as well,
# which take a minute.
larger=
[ -z "${FULL:-}" ] || larger='
ok chan CAP=1 M=2
ok chan CAP=2 M=2
ok chan CAP=1 M=2 CLOSE
ok chan CAP=2 M=2 CLOSE
'
cases=$larger'
ok chan CAP=1
ok chan CAP=2
ok chan CAP=1 CLOSE
ok chan CAP=2 CLOSE
ok oneshot
ok room CAP=1
ok room CAP=2
ok room CAP=1 LIVE
ok room CAP=2 LIVE
ok sleep
ok sleep KERNEL
bug chan CAP=1 BUG_NO_SECOND_LOOK
bug chan CAP=2 M=2 BUG_NO_SECOND_LOOK
bug chan CAP=1 BUG_NOT_REQUEUED
bug chan CAP=1 BUG_NOT_ASKED
bug chan CAP=1 BUG_NO_FINISH
bug chan CAP=1 BUG_LAST_SENDER
bug chan CAP=1 BUG_LOOK_TOO_EARLY
bug chan CAP=1 BUG_NO_RECEIVER_LOOK
bug chan CAP=1 CLOSE BUG_CLOSE
bug oneshot BUG_NO_SWAP
bug oneshot BUG_NO_SECOND_LOOK
bug oneshot BUG_NO_FINISH
bug room CAP=1 BUG_NOT_WANTED
bug room CAP=1 BUG_NO_SECOND_LOOK
bug room CAP=1 BUG_PLACE_FIRST
bug room CAP=1 BUG_TELLS_FIRST
bug room CAP=2 BUG_SILENT_READER
bug room CAP=1 BUG_TWO_WINDOWS
bug room CAP=1 LIVE BUG_PASSED_OVER
bug room CAP=2 LIVE BUG_PASSED_OVER
bug sleep BUG_LOOKS_FIRST
bug sleep BUG_NO_SECOND_LOOK
bug sleep KERNEL BUG_LOOKS_FIRST
bug sleep KERNEL BUG_NO_SECOND_LOOK
'

# run WANTED MODEL DEFINES... - in a directory of its own
one='
	wanted=$1 model=$2
	shift 2
	name="$model $*"
	dir=$(mktemp -d -p "$TMP") && cd "$dir" || exit 1
	flags=
	for define; do
		flags="$flags -D$define"
	done
	how=-DSAFETY options=
	case " $* " in *" LIVE "*) how="-DNFAIR=3" options="-a -f" ;; esac
	spin $flags -a "$MODELS/$model.pml" >log 2>&1 &&
		${CC:-cc} -O0 -w $how -DMEMLIM=1024 -o pan pan.c >>log 2>&1 &&
		./pan -m100000 $options >>log 2>&1 || { echo "cannot run: $name"; cat log; exit 1; }
	grep -q "max search depth too small\|out of memory\|memory exceeded" log && {
		echo "not all seen: $name"
		exit 1
	}
	if grep -q "errors: 0" log; then is=ok; else is=bug; fi
	states=$(sed -n "s/^ *\([0-9.e+]*\) states, stored.*/\1/p" log)
	echo "$wanted: $name: $(sed -n "s/^pan:1: //p" log | cut -c 1-60) ($states states)"
	[ $is = $wanted ] || { echo "WRONG: $name is $is"; cat log; exit 1; }
'
export TMP="$tmp" MODELS="$models"
echo "$cases" | grep . | xargs -P "$(nproc)" -I '{}' sh -c 'set -- {}; '"$one" sh
