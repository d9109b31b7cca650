#!/bin/sh
# SPDX-License-Identifier: MIT
#
# test_damage.sh - memory that is damaged: what is wrong is named, and no more
. "$(dirname "$0")/common.sh"
rounds=${ROUNDS:-25}

export HEPH_SLOTS=1
run_crowd 3 -x "$SOURCE/tests/gdb/damage.py"
expect "$rounds rounds are over"

# A few of which it is known what must be said.
run_crowd 3 \
	-ex "python w = HephWorld(); a = w.find('4096'); m = gdb.selected_inferior()" \
	-ex "python put = lambda at, n: m.write_memory(at, struct.pack('<Q', n))" \
	-ex "python put(a.address + w.layout['self.sp'], 0x1234)" -ex "heph bt 4096" \
	-ex "python put(a.address + w.layout['self.slot'], 8)" -ex "heph bt 4096" \
	-ex "python b = w.find('lazybones'); put(b.get('self.last'), 16)" \
	-ex "heph inbox lazybones" \
	-ex "python put(b.address + w.layout['self.ext'], 24)" -ex "heph actors" \
	-ex "python put(next(w.threads()).address + w.layout['worker.n_selves'], 2**31 - 1)" \
	-ex "heph actors"
expect "its stack pointer 0x1234 is not in " "the saved frames of actor 4096 cannot be read: 8 bytes at 0x8" \
	"the inbox of actor 5120 cannot be read: " "damaged: the extension of actor 5120 cannot be read" \
	"is damaged: it has 2147483647 control blocks" " far "
