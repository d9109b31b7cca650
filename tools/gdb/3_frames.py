# SPDX-License-Identifier: MIT
# 3_frames.py - the frames of actors that wait, as a backtrace
class HephStack:
    """The frames of a suspended actor: its registers, and its bytes if they are put
    away. All addresses in them are those of its slot."""

    MAX = 1 << 30

    def __init__(self, actor):
        layout = actor.layout
        self.actor = actor
        self.layout = layout
        self.sp = actor.get("self.sp")
        self.image = None
        slot = actor.get("self.slot")
        if actor.has("away"):
            saved = slot
            word = layout.read(saved, "saved.slot_and_known", "the saved frames of " + actor.what)
            slot, known = word & ~15, (word & 15) * 8
        self.slot = slot
        self.check()
        if actor.has("away"):
            self.image = self.read_saved(saved + layout["saved.bytes"], known)
            frame = self.image[: layout["frame"]]
        else:
            frame = HephMemory.bytes(self.sp, layout["frame"], "the frames of " + actor.what)
        self.registers = {
            name: layout.pick(frame, "frame." + name) for name in layout.group("frame.")
        }
        self.begun = self.registers["then"] != layout["coro.entry"]

    def check(self):
        layout, what = self.layout, "the stack of " + self.actor.what
        low = layout.read(self.slot, "slot.low", what)
        stacks = layout.read(self.slot, "slot.stacks", what)
        size = layout.read(stacks, "stacks.size", what)
        if size > self.MAX or not low <= self.slot < low + size:
            raise HephError("%s is damaged: 0x%x to 0x%x" % (what, low, low + size))
        if not low <= self.sp <= self.slot - layout["frame"] or self.sp % 8:
            raise HephError(
                "%s is damaged: its stack pointer 0x%x is not in 0x%x to 0x%x"
                % (self.actor.what, self.sp, low, self.slot)
            )

    def read_saved(self, at, known):
        """As slot.c puts them away: without what is known in the middle."""
        layout, what = self.layout, "the saved frames of " + self.actor.what
        top = (self.slot - self.actor.type.arg_size) & ~15
        below, above = top - self.sp - known, self.slot - top
        if below < 0 or known > layout["coro.known"]:
            raise HephError("%s are damaged: %d bytes at 0x%x" % (what, below, at))
        words = [0] * 6 + [layout["coro.returned"], layout["coro.end"], self.actor.address]
        middle = struct.pack("<9Q", *words)[layout["coro.known"] - known :]
        return (
            HephMemory.bytes(at, below, what)
            + (middle if known else b"")
            + HephMemory.bytes(at + below, above, what)
        )


class HephOverlay:
    """Shows gdb bytes at an address where the program has others at the moment, as a
    section that cannot be written to of a file that belongs there. Nothing is
    written to the program, so it works with a core file, too."""

    NAMES = b"\0.heph\0.shstrtab\0"
    HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
    SECTION = struct.Struct("<IIQQQQIIQQ")
    MACHINES = {"i386": 62, "aarch64": 183}

    def __init__(self, address, data):
        self.trusted = gdb.parameter("trust-readonly-sections")
        with tempfile.NamedTemporaryFile(prefix="heph-gdb-", delete=False) as file:
            self.path = file.name
            file.write(self.elf(address, data))
        try:
            gdb.execute("add-symbol-file " + self.path, to_string=True)
        except gdb.error:
            os.unlink(self.path)
            raise
        self.trust(True)

    @staticmethod
    def trust(yes):
        gdb.execute("set trust-readonly-sections " + ("on" if yes else "off"))

    def remove(self):
        self.trust(self.trusted)
        gdb.execute("remove-symbol-file " + self.path, to_string=True)
        os.unlink(self.path)

    @classmethod
    def machine(cls):
        name = gdb.selected_inferior().architecture().name().split(":")[0]
        return cls.MACHINES.get(name, 62)

    @classmethod
    def elf(cls, address, data):
        data += b"\0" * (-len(data) % 8)
        names = cls.NAMES + b"\0" * (-len(cls.NAMES) % 8)
        at = cls.HEADER.size
        return (
            cls.HEADER.pack(
                b"\x7fELF\2\1\1", 2, cls.machine(), 1, 0, 0, at + len(data) + len(names),
                0, at, 0, 0, cls.SECTION.size, 3, 2,
            )
            + data
            + names
            + bytes(cls.SECTION.size)
            + cls.SECTION.pack(1, 1, 2, address, at, len(data), 0, 0, 8, 0)
            + cls.SECTION.pack(7, 3, 0, 0, at + len(data), len(cls.NAMES), 0, 0, 1, 0)
        )


class HephFrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class HephUnwinder(gdb.unwinder.Unwinder):
    """While it is set, what called the innermost function of the thread is not what
    did, but the suspended actor: so gdb shows the actor's frames as it shows all."""

    def __init__(self):
        super().__init__("heph")
        self.enabled = False
        self.clear()

    def clear(self):
        self.stack = None
        self.enabled = False
        gdb.invalidate_cached_frames()

    def set(self, stack):
        frame = gdb.newest_frame()
        while frame.type() == gdb.INLINE_FRAME and frame.older():
            frame = frame.older()
        self.names = HephRegisters()
        self.at = (
            int(frame.read_register(self.names.sp)),
            int(frame.read_register(self.names.pc)),
        )
        self.stack = stack
        self.enabled = True
        gdb.invalidate_cached_frames()

    def __call__(self, pending):
        if self.stack is None:
            return None
        here = (
            int(pending.read_register(self.names.sp)),
            int(pending.read_register(self.names.pc)),
        )
        if here != self.at:
            return None
        stack = self.stack
        layout = stack.layout
        # A frame must lie below those that called it.
        info = pending.create_unwind_info(
            HephFrameId(self.names.value(stack.sp), self.names.value(here[1]))
        )
        for name, value in stack.registers.items():
            if name != "then":
                info.add_saved_register(
                    self.names.pc if name == "pc" else name, self.names.value(value)
                )
        info.add_saved_register(self.names.sp, self.names.value(stack.sp + layout["frame"]))
        return info


class HephRegisters:
    """The names of two, and values as gdb wants them."""

    def __init__(self):
        x86 = gdb.selected_inferior().architecture().name().startswith("i386")
        self.sp, self.pc = ("rsp", "rip") if x86 else ("sp", "pc")
        self.type = gdb.lookup_type("unsigned long")

    def value(self, number):
        return gdb.Value(struct.pack("<Q", number), self.type)


class HephView:
    """with HephView(actor) as frames: gdb sees the frames of an actor, the innermost
    first. Afterwards all is as it was."""

    FRAMES_MAX = 200
    unwinder = HephUnwinder()

    def __init__(self, actor):
        self.actor = actor
        self.overlay = None

    def __enter__(self):
        self.thread = gdb.selected_thread()
        if self.thread is None:
            raise HephError("no thread is selected")
        self.level = self.level_of(gdb.selected_frame())
        try:
            return self.running() if self.actor.running else self.suspended()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *unused):
        self.unwinder.clear()
        if self.overlay:
            self.overlay.remove()
        self.thread.switch()
        frame = gdb.newest_frame()
        for _ in range(self.level):
            frame = frame.older()
        frame.select()

    @staticmethod
    def level_of(frame):
        level = 0
        while frame.newer():
            frame = frame.newer()
            level += 1
        return level

    def frames_from(self, frame):
        frames = []
        while frame is not None and frame.is_valid() and len(frames) < self.FRAMES_MAX:
            frames.append(frame)
            frame = frame.older()
        return frames

    def running(self):
        tid = self.actor.thread.kernel_thread()
        for thread in gdb.selected_inferior().threads():
            if tid and thread.ptid[1] == tid:
                thread.switch()
                return self.frames_from(gdb.newest_frame())
        raise HephError(
            "%s runs on the thread %d of the kernel, which gdb does not know"
            % (self.actor.what, tid)
        )

    def suspended(self):
        stack = HephStack(self.actor)
        if not stack.begun:
            return []
        if stack.image is not None:
            self.overlay = HephOverlay(stack.sp, stack.image)
        self.unwinder.set(stack)
        frame = gdb.newest_frame()
        sp = stack.sp + stack.layout["frame"]
        names = self.unwinder.names
        for _ in range(self.FRAMES_MAX):
            if frame is None:
                raise HephError("gdb cannot unwind the frames of %s" % self.actor.what)
            if (
                frame.pc() == stack.registers["pc"]
                and int(frame.read_register(names.sp)) == sp
            ):
                return self.frames_from(frame)
            frame = frame.older()
        raise HephError("gdb cannot unwind the frames of %s" % self.actor.what)


gdb.unwinder.register_unwinder(None, HephView.unwinder, replace=True)
