#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_installed.sh - the shared library, stripped: gdb loads the script that was
# installed for it, from where its directory of scripts is said to be
. "$(dirname "$0")/common.sh"

unset LD_LIBRARY_PATH # meson test's: it leads to the one that is not stripped
library=$BUILD/libheph.so.1
[ -f "$library" ] || skip "there is no shared library in this build"
mkdir -p "$tmp/scripts$tmp"
strip -o "$tmp/libheph.so.1" "$library" || skip "there is no strip"
cp "$BUILD/heph-gdb.py" "$tmp/scripts$tmp/libheph.so.1-gdb.py"
${CC:-cc} -g -O2 -D_GNU_SOURCE -I "$SOURCE/include" "$SOURCE/tests/gdb/crowd.c" \
	"$tmp/libheph.so.1" -Wl,-rpath,"$tmp" -pthread -o "$tmp/crowd" 2>"$tmp/errors" ||
	skip "no program can be built here: $(cat "$tmp/errors")"
crowd=$tmp/crowd

HEPH_SLOTS=1
export HEPH_SLOTS
run_crowd 3 -iex "set auto-load scripts-directory $tmp/scripts" -ex "info auto-load" -ex "heph actors" \
	-ex "heph bt -full 4096" -ex "heph inbox lazybones" -ex "heph bt own"
expect "14 actors" "in read_page (" "book = {2, 4, 6, 4}" '$0 = {page = 1, title = "a title' \
	"libheph.so.1-gdb.py" "in sleep_long ("

# The commands are there only with the library.
debug -ex "heph actors" "$BUILD/../no-such-program"
expect 'Undefined command: "heph"'
