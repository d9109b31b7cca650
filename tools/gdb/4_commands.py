# SPDX-License-Identifier: MIT
# 4_commands.py - the commands: heph actors, heph bt, heph inbox ...
class HephCommand(gdb.Command):
    """Errors become one line, whatever they are."""

    name = ""

    def __init__(self):
        super().__init__(self.name, gdb.COMMAND_STACK if "bt" in self.name else gdb.COMMAND_DATA)

    def invoke(self, text, from_tty):
        try:
            self.run(gdb.string_to_argv(text))
        except HephError as error:
            raise gdb.GdbError("heph: %s" % error)
        except gdb.GdbError:
            raise
        except gdb.error as error:
            raise gdb.GdbError("heph: gdb says: %s" % error)
        except (ValueError, TypeError, struct.error, RuntimeError, OSError) as error:
            raise gdb.GdbError("heph: memory that makes no sense, or a gdb too old: %s" % error)

    def usage(self):
        raise HephError("usage: " + self.__doc__.splitlines()[0].split(" - ")[0].rstrip("."))


class HephAll(gdb.Command):
    """heph - what an actor system does: heph actors, bt, apply, inbox, workers."""

    def __init__(self):
        super().__init__("heph", gdb.COMMAND_DATA, prefix=True)


class HephActors(HephCommand):
    """heph actors [-type PATTERN] [-name PATTERN] [-state TEXT] - all actors, or some.

    Patterns are those of file names: conn*, for example. For each of them: id, name,
    type, state, what it waits for and how long at most, worker (any/N: it moves, and
    was on that one; own: it has a thread of its own), messages in its inbox and how
    many there is room for."""

    name = "heph actors"
    HEADS = ("id", "name", "type", "state", "waits for", "worker", "inbox")
    LINES = 500  # written at a time

    def run(self, args):
        wanted = {}
        while args:
            if len(args) < 2 or args[0] not in ("-type", "-name", "-state"):
                self.usage()
            wanted[args[0][1:]] = args[1]
            args = args[2:]
        rows, n, widths = [], 0, None
        for actor in HephWorld().actors():
            try:
                if not self.matches(actor, wanted):
                    continue
                rows.append(self.row(actor))
            except HephError as error:
                rows.append(("%d" % actor.id, "?", "?", "damaged: %s" % error, "", "", ""))
            n += 1
            if len(rows) == self.LINES:
                widths = self.write(rows, widths)
                rows = []
        self.write(rows, widths)
        gdb.write("%d actor%s\n" % (n, "" if n == 1 else "s"))

    @staticmethod
    def matches(actor, wanted):
        return (
            fnmatch.fnmatchcase(actor.type.name, wanted.get("type", "*"))
            and wanted.get("state", "") in actor.state
            and ("name" not in wanted or fnmatch.fnmatchcase(actor.name, wanted["name"]))
        )

    @staticmethod
    def row(actor):
        inbox = ""
        if actor.type.msg_size:
            inbox = "%d/%d" % (actor.get("self.n"), actor.get("self.capacity"))
        return (
            "%d" % actor.id, actor.name, actor.type.name, actor.state,
            actor.reasons(), actor.place, inbox,
        )

    def write(self, rows, widths):
        if not rows:
            return widths
        head = widths is None
        if head:
            table = [self.HEADS] + rows
            widths = [max(len(row[i]) for row in table) for i in range(len(self.HEADS))]
        else:
            table = rows
        gdb.write(
            "".join(
                "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() + "\n"
                for row in table
            )
        )
        return widths


class HephBt(HephCommand):
    """heph bt [-full] ID|NAME|all - the backtrace of an actor, running or suspended.

    -full shows the local variables of each frame, too. ID and NAME are those that
    `heph actors` and log lines have. all: of all actors; a -type PATTERN may follow."""

    name = "heph bt"

    def run(self, args):
        full = "-full" in args
        args = [arg for arg in args if arg != "-full"]
        if args[:1] == ["all"]:
            if len(args) not in (1, 3) or args[1:2] not in ([], ["-type"]):
                self.usage()
            self.all(full, args[2] if len(args) == 3 else "*")
            return
        if len(args) != 1:
            self.usage()
        self.show(HephWorld().find(args[0]), full)

    def all(self, full, pattern):
        n = failed = 0
        for actor in HephWorld().actors():
            try:
                if not fnmatch.fnmatchcase(actor.type.name, pattern):
                    continue
                n += 1
                self.show(actor, full)
            except (HephError, gdb.error) as error:
                gdb.write("  %s\n" % error)
                failed += 1
            gdb.write("\n")
        gdb.write("%d actors" % n + (", %d of them damaged\n" % failed if failed else "\n"))

    def show(self, actor, full):
        waits = actor.reasons()
        gdb.write(
            "actor %s (type %s, id %d, worker %s): %s%s\n"
            % (actor.safe_name, actor.type.name, actor.id, actor.place, actor.state,
               " for " + waits if waits else "")
        )
        with HephView(actor) as frames:
            if not frames:
                gdb.write("  it has not begun to run\n")
            for number, frame in enumerate(frames):
                self.frame(number, frame, full)

    @staticmethod
    def frame(number, frame, full):
        frame.select()
        text = gdb.execute("with print frame-info location -- frame", to_string=True)
        gdb.write(re.sub(r"^#\d+ +", "#%-3d" % number, text))
        if not full or frame.find_sal().symtab is None:
            return
        for line in gdb.execute("info locals", to_string=True).splitlines():
            if line != "No locals.":
                gdb.write("        %s\n" % line)


class HephApply(HephCommand):
    """heph apply ID|NAME [-frame N] COMMAND... - a command of gdb in an actor's frame.

    In the innermost one, or that with the number N of `heph bt`. For example
    heph apply 4097 -frame 1 print *request"""

    name = "heph apply"

    def invoke(self, text, from_tty):
        self.text = text
        super().invoke(text, from_tty)

    def run(self, args):
        found = re.match(r"\s*(\S+)\s+(?:-frame\s+(\d+)\s+)?(\S.*)", self.text)
        if not found or found.group(3).startswith("-frame"):
            self.usage()
        actor = HephWorld().find(found.group(1))
        number = int(found.group(2) or 0)
        with HephView(actor) as frames:
            if number >= len(frames):
                raise HephError("%s has %d frames" % (actor.what, len(frames)))
            frames[number].select()
            gdb.execute(found.group(3))


class HephInbox(HephCommand):
    """heph inbox ID|NAME - the messages that an actor has not received yet.

    The oldest first, by their type in C if it is known, else as bytes."""

    name = "heph inbox"
    SHOWN = 100
    BYTES = 64

    def run(self, args):
        if len(args) != 1:
            self.usage()
        actor = HephWorld().find(args[0])
        type_ = actor.type
        if not type_.msg_size:
            raise HephError("%s takes no messages" % actor.what)
        gdb.write(
            "actor %s (type %s, id %d): %d of %d, %d received\n"
            % (actor.safe_name, type_.name, actor.id, actor.get("self.n"),
               actor.get("self.capacity"),
               actor.get("self.received_high") << 32 | actor.get("self.received"))
        )
        c_type = type_.c_type("drop")
        for number, (at, size) in enumerate(self.messages(actor)):
            gdb.write("$%d = %s\n" % (number, self.shown(at, size, c_type)))

    def messages(self, actor):
        layout = actor.layout
        last = actor.get("self.last")
        n = actor.get("self.n")
        what = "the inbox of " + actor.what
        at = layout.read(last, "msg.next", what) if last else 0
        for number in range(min(n, self.SHOWN)):
            if not at:
                return
            size = layout.read(at, "msg.size", what)
            if size != actor.type.msg_size:
                raise HephError(
                    "%s is damaged: the message %d, at 0x%x, has %d bytes, not %d"
                    % (what, number, at, size, actor.type.msg_size)
                )
            yield at + layout["msg.data"], size
            if at == last:
                return
            at = layout.read(at, "msg.next", what)
        if n > self.SHOWN:
            gdb.write("and %d more\n" % (n - self.SHOWN))

    def shown(self, at, size, c_type):
        if c_type is not None and c_type.sizeof == size:
            value = gdb.Value(at).cast(c_type.pointer()).dereference()
            return value.format_string()
        data = HephMemory.bytes(at, min(size, self.BYTES), "a message")
        return "%d bytes: %s%s" % (
            size, " ".join("%02x" % byte for byte in data), " ..." if size > len(data) else ""
        )


class HephWorkers(HephCommand):
    """heph workers - the workers, and what they do."""

    name = "heph workers"

    def run(self, args):
        if args:
            self.usage()
        for runtime in HephWorld().runtimes():
            gdb.write(
                "runtime %d %s: %d workers, driver %s\n"
                % (runtime.node, runtime.name, runtime.n, runtime.driver)
            )
            for thread in runtime.workers():
                self.worker(thread)
            for thread in runtime.solos():
                if not thread.moves:
                    self.own(thread)

    @staticmethod
    def place(thread):
        for it in gdb.selected_inferior().threads():
            if thread.tid and it.ptid[1] == thread.tid:
                return "thread %d (LWP %d)" % (it.num, thread.tid)
        return "LWP %d" % thread.tid

    def worker(self, thread):
        layout = thread.world.layout
        doing = "looks for work"
        if thread.current:
            doing = "runs " + self.current(thread)
        elif thread.asleep:
            doing = "sleeps"
        counted = ", ".join(
            "%d %s" % (layout.read(thread.address, "thread." + name, "a worker"), name)
            for name in ("spawned", "received", "displaced")
        )
        gdb.write(
            "worker %d  %s: %s; %d actors, %d shared stacks; %s\n"
            % (thread.number, self.place(thread), doing, thread.alive,
               layout.read(thread.address, "worker.slots", "a worker"), counted)
        )

    def own(self, thread):
        for actor in thread.actors():
            gdb.write(
                "own       %s: %s (id %d), %s\n"
                % (self.place(thread), actor.safe_name, actor.id, actor.state)
            )

    @staticmethod
    def current(thread):
        for actor in thread.actors():
            if actor.running:
                return "%s (id %d)" % (actor.safe_name, actor.id)
        return "an actor that is damaged, at 0x%x" % thread.current


for command in (HephAll, HephActors, HephBt, HephApply, HephInbox, HephWorkers):
    command()
