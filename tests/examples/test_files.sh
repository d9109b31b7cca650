#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# test_files.sh - cat, cp, read_file and walk do what the programs of the system do
. "$(dirname "$0")/lib.sh"
need cmp find

# files of all sizes
for size in 0 1 4095 4096 70000 3000001; do
	head -c "$size" /dev/urandom >"$tmp/$size"
done

"$BUILD/examples/cat" "$tmp/1" "$tmp/3000001" - "$tmp/0" <"$tmp/70000" >"$tmp/out"
cat "$tmp/1" "$tmp/3000001" "$tmp/70000" | cmp - "$tmp/out" || fail "cat to a file"
"$BUILD/examples/cat" "$tmp/3000001" "$tmp/4096" | cat >"$tmp/out"
cat "$tmp/3000001" "$tmp/4096" | cmp - "$tmp/out" || fail "cat to a pipe"
cat "$tmp/3000001" | "$BUILD/examples/cat" >>"$tmp/out"
cat "$tmp/3000001" "$tmp/4096" "$tmp/3000001" | cmp - "$tmp/out" || fail "cat appends"
! "$BUILD/examples/cat" "$tmp/none" "$tmp/1" >"$tmp/out" 2>"$tmp/err" || fail "status of cat"
cmp "$tmp/1" "$tmp/out" || fail "cat goes on"
grep -q "none: No such file" "$tmp/err" || fail "cat says what it has not found"

mkdir "$tmp/dir"
for size in 0 1 4095 4096 70000 3000001; do
	"$BUILD/examples/cp" "$tmp/$size" "$tmp/dir" || fail "cp of $size bytes"
	cmp "$tmp/$size" "$tmp/dir/$size" || fail "cp of $size bytes"
done
"$BUILD/examples/cp" "$tmp/1" "$tmp/dir/70000"
cmp "$tmp/1" "$tmp/dir/70000" || fail "cp over a file"
! "$BUILD/examples/cp" "$tmp/none" "$tmp/new" 2>/dev/null || fail "cp of nothing"

equal "read_file" "$("$BUILD/examples/read_file" "$tmp/70000" "$0" | sort)" \
	"$(for file in "$tmp/70000" "$0"; do
		echo "$file: $(stat -c %s "$file") bytes, $(tr -cd '\n' <"$file" | wc -c) lines"
	done | sort)"

mkdir -p "$tmp/tree"/{a,b,c}/{d,e}/{f,g,h}/i "$tmp/tree/ö x"
for dir in "$tmp/tree"/* "$tmp/tree"/*/*/*; do
	cp "$tmp/4095" "$tmp/70000" "$dir/" 2>/dev/null
done
ln -s ../.. "$tmp/tree/a/up"
equal "walk" "$("$BUILD/examples/walk" "$tmp/tree")" \
	"$(find "$tmp/tree" -type f -printf '%s\n' |
		awk '{ n += $1 } END { printf "%d bytes in %d files", n, NR }') in $(
		find "$tmp/tree" -type d | wc -l) directories"
! "$BUILD/examples/walk" "$tmp/none" >/dev/null 2>&1 || fail "walk of nothing"
