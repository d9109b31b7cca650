#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# test_trace.sh - heph trace convert: whole, damaged, cut off and appended files
. "$(dirname "$0")/../examples/lib.sh"
need python3
heph=$(cd "$BUILD" && pwd)/tools/heph
tools=$(cd "$(dirname "$0")" && pwd)
cd "$tmp"

# run CODE COMMAND...: what it says is in $said.
run() {
	local code=$1 is=0
	shift
	said=$("$@" 2>&1) || is=$?
	[ $is = "$code" ] || fail "$*: ended with $is, not with $code: $said"
}

expect() {
	for text; do
		case $said in
		*"$text"*) ;;
		*) fail "it does not say '$text' but: $said" ;;
		esac
	done
}

# Makes traces, and knows what must come out; named here is what converts them.
python3 "$tools/maketraces.py" make

run 64 "$heph" trace
run 64 "$heph" trace what
expect "there is no 'trace what'"
run 0 "$heph" trace --help
expect convert
run 0 "$heph" trace convert --help
expect "usage: heph trace convert"
run 64 "$heph" trace convert
run 64 "$heph" trace convert --what good.bin.log
run 64 "$heph" trace convert good.bin.log a b
run 2 "$heph" trace convert nothing
expect "nothing: No such file"

run 0 "$heph" trace convert good.bin.log
equal "what it says" "$said" "good.json: 6 events of 3 streams"
run 2 "$heph" trace convert good.bin.log
expect "good.json exists: --force overwrites it"
run 0 "$heph" trace convert --force good.bin.log
"$heph" trace convert - <good.bin.log >good2.json 2>/dev/null
cmp good.json good2.json
mkdir -p a.b .c
cp good.bin.log a.b/plain
cp good.bin.log .c/.hidden
run 0 "$heph" trace convert a.b/plain
run 0 "$heph" trace convert .c/.hidden
[ -f a.b/plain.json ] && [ -f .c/.hidden.json ] || fail "other names: $(find .)"

run 1 "$heph" trace convert damaged.trace
expect "damaged.trace: offset 23: no packet begins here: 5 bytes are left out" \
	"a packet that is too small: 42 bytes" "a packet that is too large" \
	"an event with a damaged attribute" "an option that is not known" \
	"an event that ends before it begins" \
	"an event whose description is longer than it" \
	"damaged in 8 places"
run 1 "$heph" trace convert cut.trace
expect "the file ends within a packet"
run 0 "$heph" trace convert appended.trace
run 0 "$heph" trace convert gap.trace
expect "gap.trace: 6 events are missing"
run 0 "$heph" trace convert empty.trace
run 1 "$heph" trace convert noise.trace
expect "damaged in 1 places"

# A full disk, and a file that cannot be read.
run 2 "$heph" trace convert --force good.bin.log /dev/full
expect "/dev/full: No space left"
mkdir directory
run 2 "$heph" trace convert directory
expect "directory: Is a directory"

# Memory does not grow with the file: 45 MB, in 64 MB of addresses with all
# libraries. A sanitizer needs more than that.
limit="ulimit -v 65536"
bash -c "$limit; '$heph' --version" >/dev/null 2>&1 || limit=true
run 0 bash -c "$limit; '$heph' trace convert long.trace"
expect "long.json: 400000 events of 1 streams"

python3 "$tools/maketraces.py" check
