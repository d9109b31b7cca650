# SPDX-License-Identifier: MIT
# 5_values.py - how values of our types are printed
class HephError_:
    """The name of an errno."""

    @staticmethod
    def words(number):
        import errno

        name = errno.errorcode.get(-number) if number < 0 else None
        return "%d" % number if name is None else "-" + name


class HephAddress:
    """struct heph_addr, and references: which actor it is."""

    def __init__(self, value):
        fields = [field.name for field in value.type.strip_typedefs().fields()]
        address = value["addr"] if "id" not in fields else value
        self.numbers = [int(address[name]) for name in ("id", "slot", "node")]

    def to_string(self):
        return self.words(*self.numbers) if self.numbers[0] else "nobody"

    @staticmethod
    def words(id_, slot, node):
        """Looks at one control block, so that many can be printed."""
        try:
            world = HephWorld()
            for runtime in world.runtimes():
                if runtime.node != node:
                    continue
                actor = HephAddress.at(world, runtime, id_, slot)
                if actor is None:
                    return "id %d, ended" % id_
                return "%s (type %s, id %d)" % (actor.safe_name, actor.type.name, id_)
        except HephError:
            pass
        return "id %d" % id_

    @staticmethod
    def at(world, runtime, id_, slot):
        layout = world.layout
        number = id_ % layout["thread_bits"]
        if number == layout["solo"] % layout["thread_bits"]:
            threads = [it for it in runtime.solos() if it.first == slot]
        else:
            threads = [it for it in runtime.workers() if it.number == number]
        for thread in threads:
            if not thread.first <= slot < thread.n:
                return None
            at = thread.selves + slot * layout["self"]
            actor = HephActor(
                world, thread, at, HephMemory.bytes(at, layout["self"], "actor %d" % id_)
            )
            return actor if actor.id == id_ else None
        return None


class HephDescriptor:
    """heph_fd: the number that the kernel has for it."""

    def __init__(self, value):
        self.slot = int(value["slot"])
        self.turn = int(value["turn"])

    def to_string(self):
        if not self.turn:
            return "none"
        try:
            world = HephWorld()
            for runtime in world.runtimes():
                number = self.number(world.layout, runtime)
                if number is not None:
                    return "descriptor %d (slot %d)" % (number, self.slot)
        except HephError:
            pass
        return "closed (slot %d, turn %d)" % (self.slot, self.turn)

    def number(self, layout, runtime):
        files = layout.read(runtime.address, "heph.files", "the descriptors")
        table = HephMemory.word(files, "the table of descriptors")
        at = table + self.slot * layout["file"]
        if layout.read(at, "file.turn", "a descriptor") != self.turn:
            return None
        return layout.read(at, "file.number", "a descriptor")


class HephContext:
    """heph_ctx: whose, and how long it waits at most."""

    def __init__(self, value):
        self.self_ = int(value["self"])
        self.deadline = int(value["deadline"])

    def to_string(self):
        shield = ", shielded" if self.deadline & 1 else ""
        deadline = self.deadline & ~1
        until = "" if deadline == HephTime.NEVER else ", until %d ns" % deadline
        return self.whose() + until + shield

    def whose(self):
        try:
            layout = HephLayout()
            data = HephMemory.bytes(self.self_, layout["self"], "a context")
            id_ = layout.pick(data, "self.id")
            if not layout.pick(data, "self.kind"):
                return "a thread"
            world = HephWorld()
            thread = HephThread(
                world, layout.pick(data, "self.thread"),
                True if id_ % layout["thread_bits"] == layout["solo"] % layout["thread_bits"]
                else None,
            )
            actor = HephActor(world, thread, self.self_, data)
            return "%s (id %d)" % (actor.safe_name, id_)
        except HephError:
            return "0x%x, which is no actor" % self.self_


class HephMoment:
    """heph_time: nanoseconds, and in words."""

    def __init__(self, value):
        self.time = int(value)

    def to_string(self):
        words = HephTime.words(self.time)
        return words if words == "never" or words.endswith(" ns") else (
            "%d ns (%s)" % (self.time, words)
        )


class HephExit:
    """struct heph_exit: the error by its name."""

    def __init__(self, value):
        self.err = int(value["err"])
        self.note = value["note"].string(errors="replace") if self.err else ""

    def to_string(self):
        err = HephError_.words(self.err) if self.err else "0"
        return err + (': "%s"' % self.note if self.note else "")


class HephErr(gdb.Function):
    """$heph_err(NUMBER): the name of a result: $heph_err(-62) is -ETIME."""

    def __init__(self):
        super().__init__("heph_err")

    def invoke(self, number):
        return HephError_.words(int(number))


class HephPrinters(gdb.printing.PrettyPrinter):
    """By the names of types, so that they work for every actor's own ones."""

    BY_NAME = {
        "heph_addr": HephAddress,
        "heph_ref": HephAddress,
        "heph_fd": HephDescriptor,
        "heph_ctx": HephContext,
        "heph_exit": HephExit,
    }

    def __init__(self):
        super().__init__("heph")

    def __call__(self, value):
        try:
            return self.printer(value)
        except gdb.error:  # a part of it is optimised out, or cannot be read
            return None

    def printer(self, value):
        if value.type.name == "heph_time":
            return HephMoment(value)
        type_ = value.type.strip_typedefs().unqualified()
        if type_.code != gdb.TYPE_CODE_STRUCT:
            return None
        name = type_.tag or ""
        printer = self.BY_NAME.get(name)
        if printer is None and name.endswith("_ref") and self.is_ref(type_):
            printer = HephAddress
        return printer(value) if printer else None

    @staticmethod
    def is_ref(type_):
        fields = type_.fields()
        return len(fields) == 1 and fields[0].type.code == gdb.TYPE_CODE_UNION and any(
            field.name == "msg_t" for field in fields[0].type.fields()
        )


HephErr()
gdb.printing.register_pretty_printer(None, HephPrinters(), replace=True)
