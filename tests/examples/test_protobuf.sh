#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_protobuf.sh - real bytes of Protobuf, beside those that protoc makes
. "$(dirname "$0")/lib.sh"
need "$BUILD/examples/protobuf"
proto=$tests/../../examples/remote/shop.proto
example=$BUILD/examples/protobuf

"$example" write >"$tmp/order.bin"
said=$("$example" read <"$tmp/order.bin")
equal "the order" "$said" 'order{id=1152921504606846976 customer="Jørgen" lines=2}
     2 tea
   300 milk
less 25%'

# What is no such message is refused, and so is the beginning of one.
for bytes in '\377\377\377' '\10' '\22\100x'; do
	# shellcheck disable=SC2059
	if printf "$bytes" | "$example" read >/dev/null 2>"$tmp/why"; then
		fail "takes $bytes"
	fi
	grep -q "no shop.Order" "$tmp/why" || fail "does not say why: $(cat "$tmp/why")"
done
if head -c 20 "$tmp/order.bin" | "$example" read >/dev/null 2>&1; then
	fail "takes a part of an order"
fi
if "$example" 2>/dev/null; then
	fail "needs no argument"
fi

# Google's own program reads what we write, and we read what it writes.
need protoc
protoc() { command protoc --proto_path="$(dirname "$proto")" "$@" "$proto"; }
protoc --decode=shop.Order <"$tmp/order.bin" >"$tmp/order.txt"
grep -q '^id: 1152921504606846976$' "$tmp/order.txt" || fail "the id: $(cat "$tmp/order.txt")"
grep -q 'rebate: 0.25' "$tmp/order.txt" || fail "the rebate: $(cat "$tmp/order.txt")"
equal "the lines" "$(grep -c '^lines {$' "$tmp/order.txt")" 2
protoc --encode=shop.Order <"$tmp/order.txt" >"$tmp/again.bin"
cmp "$tmp/order.bin" "$tmp/again.bin" || fail "other bytes than protoc's"
said=$(echo 'id: 5 customer: "x"' | protoc --encode=shop.Order | "$example" read)
equal "its order" "$said" 'order{id=5 customer="x" lines=0}'
