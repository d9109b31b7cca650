# SPDX-License-Identifier: MIT
# 2_actors.py - actors, as they are read from memory
class HephActor:
    """The control block of an actor, as it was read."""

    WAITS = (
        ("msg", "a message"),
        ("room", "room in an inbox"),
        ("call", "an answer"),
        ("op", "an operation"),
        ("watch", "the end of an actor"),
        ("child", "the end of a child"),
        ("signal", "a signal"),
        ("request", "another worker"),
        ("park", "another thread"),
        ("verdict", "its supervisor"),
        ("drain", "the end of all"),
    )

    def __init__(self, world, thread, address, data):
        self.world = world
        self.layout = world.layout
        self.thread = thread
        self.address = address
        self.data = data
        self.id = self.get("self.id")

    def get(self, name):
        return self.layout.pick(self.data, name)

    def has(self, flag):
        return bool(self.get("self.flags") & self.layout["flag." + flag])

    @property
    def what(self):
        return "actor %d" % self.id

    @property
    def type(self):
        return self.world.type(self.thread, self.get("self.kind"))

    @property
    def name(self):
        ext = self.get("self.ext")
        if ext:
            name = self.layout.read(ext, "ext.name", "the extension of " + self.what)
            if name:
                return HephMemory.text(name, "the name of " + self.what)
        return self.type.name

    @property
    def safe_name(self):
        try:
            return self.name
        except HephError:
            return "?"

    @property
    def running(self):
        return self.thread.current == self.address

    @property
    def state(self):
        if self.running:
            state = "running"
        else:
            state = "waiting" if self.get("self.waiting") else "ready"
        if self.has("finishing"):
            state += ", ending"
        elif self.has("stop"):
            state += ", stopped"
        elif self.has("failed"):
            state += ", failed"
        return state

    def left(self):
        """The time until its deadline, in words."""
        index = (self.address - self.thread.selves) // self.layout["self"]
        alarm = self.thread.alarms + index * self.layout["alarm"]
        deadline = self.layout.read(alarm, "alarm.deadline", "the deadline of " + self.what)
        return HephTime.words(deadline - self.thread.time())

    def operations(self):
        """What it has in flight."""
        ext = self.get("self.ext")
        if not ext:
            return []
        head = ext + self.layout["ext.operations"]
        what = "the operations of " + self.what
        texts = []
        node = self.layout.read(head, "list.next", what)
        while node != head and len(texts) < 8:
            texts.append(self.operation(node - self.layout["op.node"], what))
            node = self.layout.read(node, "list.next", what)
        return texts

    def operation(self, op, what):
        layout = self.layout
        kind = layout.read(op, "op.kind", what)
        if kind >= layout["op_types.n"]:
            raise HephError("%s: one of the unknown kind %d at 0x%x" % (what, kind, op))
        type_ = layout["op_types"] + kind * layout["op_type"]
        name = HephMemory.text(layout.read(type_, "op_type.name", what), what)
        file = layout.read(op, "op.file", what)
        if not file:
            return name
        number = layout.read(file, "file.number", what)
        return "%s of descriptor %d" % (name, number)

    def reasons(self):
        """What it waits for, in words."""
        waiting = self.get("self.waiting")
        if not waiting or self.running:
            return ""
        bits = self.layout.group("wait.")
        texts = [text for name, text in self.WAITS if waiting & bits[name]]
        try:
            if waiting & bits["op"]:
                doing = ", ".join(self.operations())
                texts[texts.index("an operation")] = doing or "an operation"
            text = " or ".join(texts)
            if not waiting & bits["time"]:
                return text or "a stop"
            return "%s, %s at most" % (text, self.left()) if text else self.left()
        except HephError as error:
            return "%s (%s)" % (" or ".join(texts), error)

    @property
    def place(self):
        """The worker that it is on, in words."""
        return self.thread.place


class HephType:
    """A type of actors: struct heph_actor."""

    def __init__(self, layout, address):
        self.address = address
        what = "the type of actors at 0x%x" % address
        self.name = HephMemory.text(layout.read(address, "actor.name", what), what)
        self.msg_size = layout.read(address, "actor.msg_size", what)
        self.arg_size = layout.read(address, "actor.arg_size", what)
        self.entry = layout.read(address, "actor.entry", what)

    def c_type(self, what):
        """The type in C of its messages or argument; None: it is not known here.
        HEPH_ACTOR_MAIN() leaves the two in the types of its own functions."""
        block = gdb.block_for_pc(self.entry)
        if block is None:
            return None
        for symbol in block.static_block:
            if symbol.name != self.name + "_hooks__":
                continue
            hook = symbol.type.strip_typedefs()[what].type
            parameter = hook.target().fields()[0].type
            type_ = parameter.target()
            return None if type_.strip_typedefs().code == gdb.TYPE_CODE_VOID else type_
        return None


class HephThread:
    """A worker, or what an actor that is on none has in its place."""

    SELVES_MAX = 1 << 27
    AT_ONCE = 1 << 13  # control blocks

    def __init__(self, world, address, solos=None):
        layout = world.layout
        what = "the worker at 0x%x" % address
        self.address = address
        self.world = world
        self.solo = solos is not None
        self.number = layout.read(address, "thread.number", what)
        self.current = layout.read(address, "thread.current", what)
        self.moves = bool(layout.read(address, "thread.moves", what))
        self.tid = layout.read(address, "thread.tid", what)
        self.asleep = layout.read(address, "thread.asleep", what)
        self.kinds = layout.read(address, "worker.kinds", what)
        self.n_kinds = layout.read(address, "worker.n_kinds", what)
        self.selves = layout.read(address, "worker.selves", what)
        self.alarms = layout.read(address, "worker.alarms", what)
        self.now = layout.read(address, "worker.now", what)
        self.alive = layout.read(address, "worker.alive", what)
        self.first = layout.read(address, "worker.first_self", what)
        self.n = layout.read(address, "worker.n_selves", what)
        if self.solo:
            self.n = self.first + 1
        if self.n > self.SELVES_MAX or self.first > self.n:
            raise HephError("%s is damaged: it has %d control blocks" % (what, self.n))

    def runner(self):
        """The worker that has run a mover at last."""
        layout = self.world.layout
        address = layout.read(self.address, "solo.runner", "a moving actor")
        return HephThread(self.world, address) if address else None

    def time(self):
        """When it, or who runs it, has looked at the clock at last."""
        runner = self.runner() if self.solo and self.moves else None
        return max(self.now, runner.now if runner else 0)

    @property
    def place(self):
        if not self.solo:
            return str(self.number)
        if not self.moves:
            return "own"
        runner = self.runner()
        return "any/%d" % runner.number if runner else "any"

    def kernel_thread(self):
        runner = self.runner() if self.solo and self.moves else self
        return runner.tid if runner else 0

    def actors(self):
        """Those that live; of the table much is read at once."""
        size = self.world.layout["self"]
        at = self.world.layout["self.id"]
        what = "the control blocks of worker %s" % self.number
        for first in range(self.first, self.n, self.AT_ONCE):
            begin = self.selves + first * size
            n = min(self.AT_ONCE, self.n - first)
            data = HephMemory.bytes(begin, n * size, what)
            for i in range(0 if first else 1, n):  # the block 0 is nobody's
                block = data[i * size : (i + 1) * size]
                if block[at : at + 8] != b"\0\0\0\0\0\0\0\0":
                    yield HephActor(self.world, self, begin + i * size, block)


class HephRuntime:
    """One of the runtimes of the process."""

    def __init__(self, world, node, address):
        layout = world.layout
        what = "the runtime at 0x%x" % address
        self.world = world
        self.node = node
        self.address = address
        self.n = layout.read(address, "heph.workers", what)
        if self.n > layout["thread_bits"]:
            raise HephError("%s is damaged: it has %d workers" % (what, self.n))
        self.name = HephMemory.text(address + layout["heph.name"], what, 32)
        driver = layout.read(address, "heph.driver", what)
        name = layout.read(driver, "driver.name", "the driver of " + what)
        self.driver = HephMemory.text(name, "the driver of " + what)

    def workers(self):
        table = self.address + self.world.layout["heph.threads"]
        for number in range(self.n):
            address = HephMemory.word(table + 8 * number, "the table of workers")
            if address:
                yield from self.thread(address)

    def thread(self, address, solos=None):
        """Nothing but a line of text if it is damaged, so that the others are seen."""
        try:
            yield HephThread(self.world, address, solos)
        except HephError as error:
            gdb.write("heph: %s\n" % error, gdb.STDERR)

    def solos(self):
        """Those of actors that live and move, or have their own thread."""
        layout = self.world.layout
        what = "the table of actors that move"
        solos = layout.read(self.address, "heph.solos", what)
        if not solos:
            return
        n = layout.read(solos, "solos.n", what)
        selves = layout.read(solos, "solos.selves", what)
        table = layout.read(solos, "solos.table", what)
        if n > layout["solos.max"]:
            raise HephError("%s is damaged: it has %d entries" % (what, n))
        size = layout["self"]
        data = HephMemory.bytes(selves, n * size, what)
        for slot in range(1, n):
            if layout.pick(data[slot * size : (slot + 1) * size], "self.id"):
                yield from self.thread(table + slot * layout["solo"], solos)

    def threads(self):
        yield from self.workers()
        yield from self.solos()


class HephWorld:
    """All runtimes of the process, as it stands still now."""

    def __init__(self):
        self.layout = HephLayout()
        self.types = {}

    def runtimes(self):
        layout = self.layout
        n = layout["places.n"]
        data = HephMemory.bytes(
            layout["places"], n * layout["place"], "the table of runtimes"
        )
        for node in range(n):
            place = data[node * layout["place"] : (node + 1) * layout["place"]]
            address = layout.pick(place, "place.heph")
            if address:
                yield HephRuntime(self, node, address)

    def threads(self):
        for runtime in self.runtimes():
            yield from runtime.threads()

    def actors(self):
        """Says what is wrong, and goes on with the others."""
        for runtime in self.runtimes():
            for thread in runtime.threads():
                try:
                    yield from thread.actors()
                except HephError as error:
                    gdb.write("heph: %s\n" % error, gdb.STDERR)

    def type(self, thread, number):
        key = (thread.kinds, number)
        found = self.types.get(key)
        if found is None:
            if number == 0 or number > thread.n_kinds:
                raise HephError(
                    "worker %s has no type %d of actors" % (thread.number, number)
                )
            kind = thread.kinds + number * self.layout["kind"]
            address = self.layout.read(kind, "kind.type", "a type of actors")
            found = self.types[key] = HephType(self.layout, address)
        return found

    def find(self, text):
        """The actor that is meant: by its id, or by a name that one has."""
        if re.fullmatch(r"\d+", text):
            wanted = int(text)
            for actor in self.actors():
                if actor.id == wanted:
                    return actor
            raise HephError("no actor has the id %d, or it has ended" % wanted)
        found = [actor for actor in self.actors() if actor.safe_name == text]
        if not found:
            raise HephError("no actor has the name %s" % text)
        if len(found) > 1:
            raise HephError(
                "%d actors have the name %s: give the id of one, such as %d"
                % (len(found), text, found[0].id)
            )
        return found[0]


class HephTime:
    """Times in nanoseconds, in words."""

    NEVER = (1 << 63) - 2
    UNITS = ((10**9, "s"), (10**6, "ms"), (10**3, "us"))

    @classmethod
    def signed(cls, value):
        return value - (1 << 64) if value >= 1 << 63 else value

    @classmethod
    def words(cls, value):
        if value == cls.NEVER:
            return "never"
        for size, unit in cls.UNITS:
            if abs(value) >= size:
                return "%.4g %s" % (value / size, unit)
        return "%d ns" % value
