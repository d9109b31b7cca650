#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_remote_chat.sh - a room and its users in processes of their own: lines to all
# and to one, who leaves, who dies; over Unix sockets and over TLS
# shellcheck disable=SC2154 # enter() sets the variables of users
. "$(dirname "$0")/lib.sh"
[ -x "$BUILD/examples/remote_chat" ] || exit 77

# enter NAME: starts a process for a user, $NAME_pid, $NAME_in, $NAME_out
enter() {
	local name=$1 to from
	mkfifo "$tmp/$name.to" "$tmp/$name.from"
	"$BUILD/examples/remote_chat" "${options[@]}" join "$address" "$name" \
		<"$tmp/$name.to" >"$tmp/$name.from" 2>"$tmp/$name.error" &
	pids+=($!)
	declare -g "${name}_pid=$!"
	exec {to}>"$tmp/$name.to" {from}<"$tmp/$name.from"
	declare -g "${name}_in=$to" "${name}_out=$from"
	rm "$tmp/$name.to" "$tmp/$name.from"
	hears "$name" "* welcome, $name"
}

# says NAME LINE
says() {
	local to=$1_in
	printf '%s\n' "$2" >&"${!to}"
}

# hears NAME LINE: that is the next line that comes to it
hears() {
	local from=$1_out line
	read -r line <&"${!from}" || fail "$1 hears nothing, not '$2': $(cat "$tmp/$1.error")"
	equal "what $1 hears" "$line" "$2"
}

# talk: three processes, and what they say
talk() {
	enter anna
	says anna /who
	hears anna "* anna"
	enter ben
	hears anna "* ben is here"
	says anna "hello, ben"
	hears ben "anna: hello, ben"
	says ben "hello"
	hears anna "ben: hello"

	# To one alone: the room gives the reference away, and takes no part.
	enter carl
	hears anna "* carl is here"
	hears ben "* carl is here"
	says anna "/to carl not for ben"
	hears carl "anna, to you: not for ben"
	says carl "/to nobody x"
	hears carl "* there is no nobody"

	# A name that is taken.
	if "$BUILD/examples/remote_chat" "${options[@]}" join "$address" ben \
		</dev/null >"$tmp/said" 2>&1; then
		fail "there are two who are called ben"
	fi

	# Who leaves, and who dies.
	says carl /quit
	wait "$carl_pid"
	hears anna "* carl has left"
	hears ben "* carl has left"
	kill -KILL "$ben_pid"
	hears anna "* ben was lost"
	says anna "/to ben x"
	hears anna "* there is no ben"
}

options=()
start remote_chat room "unix:$tmp/room"
talk
stop INT
if wait "$anna_pid"; then
	fail "anna's process ended well, but the room is gone"
fi
grep -q "the room is gone" "$tmp/anna.error" || fail "anna does not hear why"

# ---- TLS ---------------------------------------------------------------------------------

command -v openssl >/dev/null || exit 0
key="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
# shellcheck disable=SC2086 # a list of words
openssl req -x509 $key -subj /CN=ca -keyout "$tmp/ca.key" -out "$tmp/ca.pem" 2>"$tmp/openssl"
for name in room anna ben carl; do
	# shellcheck disable=SC2086 # a list of words
	openssl req -x509 $key -subj "/CN=$name" -addext "subjectAltName=DNS:$name" \
		-addext basicConstraints=critical,CA:FALSE \
		-CA "$tmp/ca.pem" -CAkey "$tmp/ca.key" \
		-keyout "$tmp/$name.key" -out "$tmp/$name.pem" 2>>"$tmp/openssl"
done
cp "$tmp/ben.pem" "$tmp/eve.pem"
cp "$tmp/ben.key" "$tmp/eve.key"

options=(-t "$tmp")
start remote_chat -t "$tmp" room 127.0.0.1:0
talk
# Ben's certificate is not that of somebody called eve.
if "$BUILD/examples/remote_chat" -t "$tmp" join "$address" eve </dev/null \
	>"$tmp/said" 2>&1; then
	fail "eve came in with ben's certificate"
fi
stop TERM
