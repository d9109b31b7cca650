#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_probes.sh - the static probes: that they are there, are hit, and say what
# docs/guide/probes.md says
. "$(dirname "$0")/common.sh"
probed=$BUILD/tests/gdb-probed
all="answer call exit io_complete io_submit panic receive restart run send spawn"

command -v readelf >/dev/null || skip "there is no readelf"
said=$(readelf -n "$probed" | sed -n '/Provider: heph$/{n;s/.*Name: //p}' | sort -u | tr '\n' ' ')
[ -n "$said" ] || skip "the library was built without probes (no sys/sdt.h)"
[ "$said" = "$all " ] || fail "these are not all: $all"
for probe in $all; do
	grep -q -e "^| *\`$probe\`" "$SOURCE/docs/guide/probes.md" ||
		fail "docs/guide/probes.md does not tell of $probe"
done

# on PROBE PRINTF-ARGUMENTS...: a line that begins with the name for each hit.
i=0
commands=$tmp/commands
on() {
	i=$((i + 1))
	probe=$1
	shift
	printf 'break -probe-stap heph:%s\ncommands\nsilent\nprintf "%s %s\\n", %s\ncontinue\nend\n' \
		"$probe" "$probe" "$1" "$2" >>"$commands"
}
on spawn '%d %s %d' '$_probe_arg0, (char *)$_probe_arg1, $_probe_arg2'
on exit '%d %s %d' '$_probe_arg0, (char *)$_probe_arg1, $_probe_arg2'
on send '%d %d %d' '$_probe_arg0, $_probe_arg1, $_probe_arg2'
on receive '%d' '$_probe_arg0'
on run '%d %d %d' '$_probe_arg0, $_probe_arg1, $_probe_arg2'
on call '%d %s %d' '$_probe_arg0, (char *)$_probe_arg1, $_probe_arg2'
on answer '%d %d' '$_probe_arg0, $_probe_arg1'
on restart '%d %s %d' '$_probe_arg0, (char *)$_probe_arg1, $_probe_arg2'
on panic '%d %s %s' '$_probe_arg0, (char *)$_probe_arg1, (char *)$_probe_arg2'
on io_submit '%d %s %d' '$_probe_arg0, (char *)$_probe_arg1, $_probe_arg2'
on io_complete '%d %s %d %d' '$_probe_arg0, (char *)$_probe_arg1, $_probe_arg2, $_probe_arg3'

debug -ex "info probes stap heph" -x "$commands" -ex run "$probed"
case $said in
*"not permitted"*) skip "ptrace is forbidden here" ;;
esac
expect "spawn 1024 probed 0" "spawn 2048 oracle 0" "spawn 3072 reader 0" \
	"spawn 4096 fragile 0" "send 3072 24 1024" "receive 2048" "receive 3072" \
	"call 2048 reply 1024" "answer 1024 0" "run 1024 0 0" "run 3072 " " 1024 " \
	"panic 4096 check failed: lives++ " "restart 4096 fragile 0" \
	"exit 4096 fragile -2" "exit 2048 oracle 0" "exit 3072 reader 0" \
	"exit 1024 probed 0" "io_submit 1024 " "io_complete 1024 " "exited normally"
case $said in
*"receive 1024"*) fail "who takes no messages has received one" ;;
esac
