#!/bin/sh
# SPDX-License-Identifier: MIT
#
# heph(1) has each command and each option that the program has, and no other; the
# program in heph(7) is one.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
heph=$BUILD/tools/heph
page=$SOURCE/man/heph.1
failed=0

complain() {
	echo "$*"
	failed=1
}

# Words for people: without the marks of troff.
sed -e 's/^\.[A-Z]* //; s/\\-/-/g; s/\\f.//g; s/"//g' "$page" >"$tmp/page"

"$heph" --help >"$tmp/help"
commands=$(sed -n 's/^  \([a-z]*\)  .*/\1/p' "$tmp/help")
[ -n "$commands" ] || complain "heph --help names no commands"
for command in $commands; do
	grep -q "^heph $command\b" "$tmp/page" || complain "heph.1: no heph $command"
	"$heph" "$command" --help >>"$tmp/options" 2>&1 ||
		complain "heph $command --help fails"
	case $command in
	trace)
		for action in convert on off status; do
			"$heph" trace $action --help >>"$tmp/options" 2>&1 || true
		done
		;;
	esac
done
sed -n 's/^heph \([a-z][a-z]*\)\b.*/\1/p' "$tmp/page" | sort -u | while read -r command; do
	echo "$commands" | grep -qx "$command" || echo "heph.1: there is no heph $command"
done >"$tmp/stale"

options() {
	grep -oE -e '(^|[^-a-z0-9])--[a-z][-a-z]+' "$1" | sed 's/^[^-]*//' | sort -u
}
shorts() {
	grep -oE -e '(^|[ ,])-[A-Za-z], --[a-z][-a-z]+' "$1" | sed 's/^[ ,]*//' | sort -u
}
for kind in options shorts; do
	$kind "$tmp/options" >"$tmp/there"
	echo "--version" >>"$tmp/there"
	[ "$(wc -l <"$tmp/there")" -gt 20 ] || complain "help has few $kind"
	$kind "$tmp/page" >"$tmp/told"
	sort -u -o "$tmp/there" "$tmp/there"
	comm -23 "$tmp/there" "$tmp/told" | grep -vx -e --version -e '.*--help' |
		sed 's/^/heph.1 does not tell of /' >>"$tmp/stale"
	comm -13 "$tmp/there" "$tmp/told" | grep -vx -e '.*--help' |
		sed 's/^/heph.1: there is no option /' >>"$tmp/stale"
done
if [ -s "$tmp/stale" ]; then
	cat "$tmp/stale"
	failed=1
fi

sed -n '/^\.EX$/,/^\.EE$/p' "$SOURCE/man/heph.7" | sed '/^\.E[XE]$/d; s/\\e/\\/g' >"$tmp/hello.c"
gcc -std=gnu17 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$SOURCE/include" \
	-o "$tmp/hello" "$tmp/hello.c" ${CFLAGS-} -L"$BUILD" -lheph -Wl,-rpath,"$BUILD" ||
	complain "the program in heph.7 does not compile"
[ "$("$tmp/hello")" = "Hello, World!" ] || complain "the program in heph.7 does not say so"
exit $failed
