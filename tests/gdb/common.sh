# SPDX-License-Identifier: MIT
#
# common.sh - for the tests of heph-gdb.py, which read this first
set -u
BUILD=${BUILD:-build}
SOURCE=${SOURCE:-.}
crowd=$BUILD/tests/gdb-crowd
name=$(basename "$0" .sh)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
said=

fail() {
	echo "$name: $*" >&2
	printf "%s\n" "$said" >&2
	exit 1
}

skip() {
	echo "$name: $*"
	exit 77
}

# What gdb says, with the commands that are its arguments, is in $said. The script
# comes out of the program itself.
debug() {
	said=$(timeout -s KILL 50 gdb -batch -nx -iex "set debuginfod enabled off" \
		-iex "set auto-load safe-path $BUILD:$tmp" -iex "set startup-with-shell off" \
		-ex "set pagination off" -ex "set width 0" "$@" 2>&1)
	case $said in
	*"Python Exception"* | *Traceback* | *"internal-error"*) fail "gdb is confused" ;;
	esac
}

# The same, when all actors of the crowd wait: run_crowd N GDB-ARGUMENTS...
run_crowd() {
	n=$1
	shift
	debug -ex "break all_wait" -ex run -x "$SOURCE/tests/gdb/settle.py" "$@" \
		--args "$crowd" "$n" wait
	case $said in
	*"not permitted"* | *"annot attach"*) skip "ptrace is forbidden here" ;;
	esac
}

expect() {
	for text; do
		case $said in
		*"$text"*) ;;
		*) fail "it does not say: $text" ;;
		esac
	done
}

# How many lines of $said match.
count() {
	echo "$said" | grep -c -e "$1"
}

gdb -batch -nx -ex "python print(gdb.VERSION)" >"$tmp/version" 2>&1 ||
	skip "there is no gdb"
grep -q '^[0-9]' "$tmp/version" || skip "this gdb has no Python"
