# SPDX-License-Identifier: MIT
"""Overwrites what the commands read, at places that a seed chooses, and runs all of
them: each must end, with lines of text alone."""
import os
import random
import struct

import gdb

COMMANDS = (
    "heph actors",
    "heph workers",
    "heph bt -full 4096",
    "heph bt here",
    "heph bt all",
    "heph inbox lazybones",
    "heph apply 4096 -frame 1 print book",
)
# Addresses of nothing, of the first page, too large, odd; and small numbers.
VALUES = (0, 1, 8, 0xFF, 0x1000, 0xFFFF, 2**31, 2**47 - 8, 2**63, 2**64 - 1)


def places(world):
    """What is read: address and size."""
    layout = world.layout
    for runtime in world.runtimes():
        yield runtime.address + layout["heph.workers"], 8
        yield runtime.address + layout["heph.solos"], 8
        yield runtime.address + layout["heph.threads"], 16
        for thread in runtime.threads():
            for name in ("selves", "kinds", "n_selves", "first_self", "alarms"):
                yield thread.address + layout["worker." + name], 8
            yield thread.address + layout["thread.current"], 8
            for actor in thread.actors():
                yield actor.address, layout["self"]
                yield actor.get("self.slot"), 32
                yield actor.get("self.sp"), 96
                for member in ("self.last", "self.ext"):
                    if actor.get(member):
                        yield actor.get(member), 64


def run(inferior, rng, all_places):
    changed = []
    for _ in range(rng.randint(1, 3)):
        at, size = rng.choice(all_places)
        at += rng.randrange(0, size, 8)
        value = rng.choice(VALUES) if rng.random() < 0.7 else rng.getrandbits(64)
        try:
            changed.append((at, bytes(inferior.read_memory(at, 8))))
            inferior.write_memory(at, struct.pack("<Q", value))
        except gdb.error:
            pass
    for command in COMMANDS:
        try:
            gdb.execute(command, to_string=True)
        except gdb.GdbError:
            pass
        except gdb.error as error:
            # What a command of the script ends with is a gdb.error, too.
            if not str(error).startswith("heph:"):
                raise
    for at, data in reversed(changed):
        inferior.write_memory(at, data)


def main():
    rounds = int(os.environ.get("ROUNDS", "25"))
    inferior = gdb.selected_inferior()
    good = gdb.execute("heph bt all", to_string=True)
    all_places = list(places(HephWorld()))
    rng = random.Random(int(os.environ.get("SEED", "1")))
    for number in range(rounds):
        print("round %d" % number, flush=True)
        run(inferior, rng, all_places)
    if gdb.execute("heph bt all", to_string=True) != good:
        raise gdb.GdbError("the last backtraces are not as the first ones")
    print("%d rounds are over" % rounds)


main()
