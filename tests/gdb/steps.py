# SPDX-License-Identifier: MIT
"""Goes through the switch, one instruction at a time, and looks at the backtrace at
each: it must end, at the entry of an actor or of a thread. Only where an actor is
begun, what is called when its function has returned stands in for its caller."""
import gdb

ENDS = ("heph_coro_entry", "clone3", "clone", "__clone3", "__clone", "thread_start")
SWITCH = ("heph_coro_jump", "heph_coro_swap", "heph_coro_go", "heph_coro_entry")


END = int(gdb.parse_and_eval("(unsigned long)&heph_life_ended"))


def name_at(pc):
    text = gdb.execute("info symbol 0x%x" % pc, to_string=True)
    return text.split()[0]


def look(seen):
    frame = gdb.newest_frame()
    pc = frame.pc()
    here = name_at(pc)
    if frame.older() and frame.older().pc() == END:
        return True
    names = []
    while frame is not None and len(names) < 100:
        names.append(name_at(frame.pc() - (1 if names else 0)))
        last = frame
        frame = frame.older()
    if last.unwind_stop_reason() not in (
        gdb.FRAME_UNWIND_OUTERMOST, gdb.FRAME_UNWIND_NO_REASON
    ):
        print("at 0x%x, in %s: %s" % (
            pc, here, gdb.frame_stop_reason_string(last.unwind_stop_reason())))
        return False
    if here not in ("heph_coro_go",) and names[-1] not in ENDS:
        print("at 0x%x, in %s, it ends in %s: %s" % (pc, here, names[-1], names))
        return False
    if here in SWITCH:
        seen.add((here, pc))
    return True


def main():
    seen = set()
    bad = 0
    for function in SWITCH:
        gdb.Breakpoint(function, internal=True)
    hits = {}
    while bad < 3:
        try:
            gdb.execute("continue", to_string=True)
        except gdb.error:
            break
        if not gdb.selected_thread() or gdb.selected_inferior().pid == 0:
            break
        here = name_at(gdb.newest_frame().pc())
        hits[here] = hits.get(here, 0) + 1
        if hits[here] > 12:
            if min(hits.get(name, 0) for name in SWITCH) > 2 or hits[here] > 400:
                break
            continue
        while bad < 3 and name_at(gdb.newest_frame().pc()) in SWITCH:
            bad += not look(seen)
            gdb.execute("stepi 1", to_string=True)
        bad += not look(seen)
    print("looked at %d instructions of %s; %d bad" % (
        len(seen), " ".join(sorted({name for name, _ in seen})), bad))


main()
