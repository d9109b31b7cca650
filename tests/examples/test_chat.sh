#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_chat.sh - lines go to everybody, over TCP and Unix sockets; slow readers
. "$(dirname "$0")/lib.sh"
need socat

# enter NAME WHERE: connects a client, into ${NAME}_in and ${NAME}_out
enter() {
	local name=$1 to from
	mkfifo "$tmp/$name.to" "$tmp/$name.from"
	socat - "$2" <"$tmp/$name.to" >"$tmp/$name.from" 2>/dev/null &
	pids+=($!)
	exec {to}>"$tmp/$name.to" {from}<"$tmp/$name.from"
	declare -g "${name}_in=$to" "${name}_out=$from"
	hears "$name" "* your name?"
	says "$name" "$name"
}

# says NAME LINE
says() {
	local to=$1_in
	printf '%s\n' "$2" >&"${!to}"
}

# hears NAME LINE: that is the next line that comes to it
hears() {
	local from=$1_out line
	read -r line <&"${!from}" || fail "$1 hears nothing, not '$2'"
	equal "what $1 hears" "$line" "$2"
}

# gone NAME: it is disconnected, after whatever it still hears
gone() {
	local from=$1_out
	cat <&"${!from}" >"$tmp/$1.rest"
}

start chat 127.0.0.1:0 "unix:$tmp/chat"
read -r line <&"$said"
equal "the second line" "$line" "listening on unix:$tmp/chat"
tcp="TCP:127.0.0.1:$port"
unix="UNIX-CONNECT:$tmp/chat"

# Both kinds of sockets are in one room.
enter anna "$tcp"
says anna /who
hears anna "* anna"
enter ben "$unix"
hears anna "* ben is here"
says anna "hello, ben"
hears ben "anna: hello, ben"
says ben "hello"
hears anna "ben: hello"

# A name that is taken, and ones that cannot be.
mkfifo "$tmp/other"
{
	printf 'anna\n\n/x\ntwo words\n%s\n' "$(printf 'x%.0s' {1..21})"
	cat "$tmp/other"
} | socat - "$tcp" >"$tmp/refused" &
pids+=($!)
exec {other}>"$tmp/other"
until [ "$(grep -c "not that one" "$tmp/refused")" = 5 ]; do :; done
exec {other}>&-

# A line that is too long ends the connection, and the others hear of that.
enter carl "$unix"
hears anna "* carl is here"
hears ben "* carl is here"
says carl "$(head -c 600 /dev/zero | tr '\0' x)"
hears carl "* that line was too long"
gone carl
hears anna "* carl has left"
hears ben "* carl has left"

# Who does not read keeps nobody waiting: the lines in between are lost, and told.
enter slow "$unix"
hears anna "* slow is here"
hears ben "* slow is here"
# Anna, who reads, loses none: there are never more on their way to her than fit.
text=$(head -c 400 /dev/zero | tr '\0' y)
for first in {1..2945..32}; do
	for n in {0..31}; do
		echo "$text $((first + n))"
	done >&"$ben_in"
	for n in {0..31}; do
		hears anna "ben: $text $((first + n))"
	done
done
says anna "to all"
hears ben "anna: to all"
heard=0 last=
while [[ $last != "* "*" lines were lost" ]]; do
	read -r last <&"$slow_out" || fail "slow hears no more after $heard"
	heard=$((heard + 1))
	[ $((heard % 16)) != 0 ] || says anna again
done
[ "$heard" -lt 2976 ] || fail "nothing was lost"

# Who leaves, leaves; and a stop tells the others.
says ben /quit
gone ben
says anna "last words"
stop TERM
while read -r line <&"$anna_out"; do
	last=$line
done
equal "the last line of all" "$last" "* the room is closed"
[ ! -e "$tmp/chat" ] || fail "the file of the Unix socket is still there"

if "$BUILD/examples/chat" nonsense 2>"$tmp/nonsense"; then
	fail "listens on nonsense"
fi
grep -q nonsense "$tmp/nonsense" || fail "does not say what is wrong"

# Sockets that a service manager passes.
command -v systemd-socket-activate >/dev/null || exit 0
exec {log}< <(exec systemd-socket-activate --listen="$tmp/passed" \
	"$BUILD/examples/chat" 2>&1)
pids+=($!)
until [ -S "$tmp/passed" ]; do :; done
enter dora "UNIX-CONNECT:$tmp/passed"
says dora /who
hears dora "* dora"
