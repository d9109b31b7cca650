# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# namespaces.sh - three network namespaces, a, b and c, with a hub between them; for the
# tests that source it
#
# Needs root, and a kernel that allows namespaces. Their names have our pid in them,
# and they go when the test ends, however it ends.
. "$(dirname "$0")/../examples/lib.sh"
need ip
[ "$(id -u)" = 0 ] || {
	echo "skipped: only root makes namespaces"
	exit 77
}
id=heph$$
names="a b c"

remove_all() {
	at_exit
	for name in hub $names; do
		ip netns delete "$id-$name" 2>/dev/null || true
	done
}
trap remove_all EXIT

# A hub with a bridge, and a cable from it to each of the others.
ip netns add "$id-hub" 2>"$tmp/error" || {
	echo "skipped: $(cat "$tmp/error")"
	exit 77
}
ip -n "$id-hub" link add bridge type bridge 2>"$tmp/error" || {
	echo "skipped: $(cat "$tmp/error")"
	exit 77
}
ip -n "$id-hub" address add 10.1.0.100/24 dev bridge
ip -n "$id-hub" link set bridge up
ip -n "$id-hub" link set lo up
n=0
for name in $names; do
	n=$((n + 1))
	ip netns add "$id-$name"
	ip -n "$id-$name" link add eth0 type veth peer name "to-$name" netns "$id-hub"
	ip -n "$id-hub" link set "to-$name" master bridge up
	ip -n "$id-$name" address add "10.1.0.$n/24" dev eth0
	ip -n "$id-$name" link set eth0 up
	ip -n "$id-$name" link set lo up
done

# node NAME COMMAND...: starts one there; its lines come from $NAME_out
node() {
	local name=$1 out
	shift
	exec {out}< <(exec ip netns exec "$id-$name" env HEPH_LOG=off "$@" 2>"$tmp/$name.error")
	declare -g "${name}_out=$out" "${name}_pid=$!"
	pids+=($!)
	: >"$tmp/$name.said"
}

# says NAME LINE: it has said that, and it was not asked for before; or says it now.
# The lines are patterns.
says() {
	local name=$1 out=$1_out line
	# shellcheck disable=SC2094 # what changes the file leaves the loop
	while IFS= read -r line; do
		# shellcheck disable=SC2053 # a pattern
		if [[ $line == $2 ]]; then
			sed -i "0,/^$line\$/{/^$line\$/d}" "$tmp/$name.said"
			return
		fi
	done <"$tmp/$name.said"
	while read -r -t "${PATIENCE:-20}" line <&"${!out}"; do
		case $line in
		late* | gap*) fail "$name says: $line" ;;
		esac
		# shellcheck disable=SC2053 # a pattern
		[[ $line != $2 ]] || return 0
		echo "$line" >>"$tmp/$name.said"
	done
	fail "$name does not say '$2', but: $(cat "$tmp/$name.said" "$tmp/$name.error")"
}

# Whatever they have said, it does not count from now on, unless it is said once.
forget() {
	for name; do
		sed -i '/^stored\|^tallied/!d' "$tmp/$name.said"
	done
}

cut() { ip -n "$id-hub" link set "to-$1" down; }
heal() { ip -n "$id-hub" link set "to-$1" up; }

# finish NAME...: they are asked to end, and have nothing to complain about
finish() {
	local name pid out
	for name; do
		pid=${name}_pid
		kill -TERM "${!pid}"
	done
	for name; do
		pid=${name}_pid out=${name}_out
		! grep -e ^late -e ^gap <&"${!out}" || fail "$name says so at its end"
		wait "${!pid}" || fail "$name ended badly: $(cat "$tmp/$name.error")"
	done
}
