#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""follow.py ROOT USER PAGE... - does what pages say, in a root, and compares

A page is followed from its first line to its last one, as somebody would who
types what is there and nothing else:

    ```c                        first line /* file: NAME */ (or # file: NAME): the
                                block is written to that file of the folder in
                                which the terminal is; further blocks with that
                                name are added to it
    ```console                  what a terminal shows: "$ " and a command, and the
                                lines it says. ^C alone in a line is that key
    <!-- another terminal -->   before such a block: the last command of the block
                                before runs on; this one is typed elsewhere, and
                                the next one without this comment is typed where
                                that command still runs

A command must say what stands there ("..." is anything, alone in a line any lines)
and end with 0, or its terminal shows that it does not. Every command runs as USER,
in one shell for each terminal, that begins in the folder of USER. There is no
exception for any command; the rules are those of tests/docs/snippets.py.
"""
import fcntl
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../docs"))
from snippets import ELSEWHERE, fits  # noqa: E402

LIMIT = 300  # of one command: some of them install packages
FILE = re.compile(r"(?:/\*|#|//) file: (\S+?)(?: \*/)?")
PROMPT = re.compile(r"\x1e(\d+)\x1f")  # no program says this


class Wrong(Exception):
    """What the page says is not what happens."""


class Terminal:
    """A shell in the root, at a pseudo-terminal that echoes nothing."""

    def __init__(self, root, user, folder):
        ours, theirs = os.openpty()
        mode = termios.tcgetattr(theirs)
        mode[1] &= ~termios.ONLCR
        mode[3] &= ~(termios.ECHO | termios.ECHOCTL)
        termios.tcsetattr(theirs, termios.TCSANOW, mode)

        def lead():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        env = {"HOME": f"/home/{user}", "USER": user, "LOGNAME": user, "TERM": "dumb",
               "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "80"}
        self.shell = subprocess.Popen(
            [shutil.which("chroot"), f"--userspec={user}", root, "sh", "-c",
             'cd "$1" && exec env PS1="$2" PS2= bash --noprofile --norc --noediting -i',
             "sh", folder, "\x1e$?\x1f"],
            stdin=theirs, stdout=theirs, stderr=theirs, env=env, preexec_fn=lead)
        os.close(theirs)
        self.fd, self.seen, self.root = ours, "", root
        self.until_prompt()

    def folder(self):
        """Where the shell is, as the root names it and as we do."""
        real = os.readlink(f"/proc/{self.shell.pid}/cwd")
        return real[len(os.path.realpath(self.root)):] or "/", real

    def read(self, until):
        """More of what is shown; False if nothing came in time."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self.fd], [], [], left)[0]:
            return False
        self.seen += os.read(self.fd, 65536).decode(errors="replace").replace("\r\n", "\n")
        return True

    def until_prompt(self):
        """What was said up to the next prompt, and the status there."""
        until = time.monotonic() + LIMIT
        while not (found := PROMPT.search(self.seen)):
            if not self.read(until):
                raise Wrong(f"does not end within {LIMIT} s; it said\n{self.seen}")
        said, self.seen = self.seen[:found.start()], self.seen[found.end():]
        return said, int(found.group(1))

    def until_said(self, expected):
        """Waits for what a command says that goes on running."""
        until = time.monotonic() + LIMIT
        while not fits(expected, self.seen):
            if PROMPT.search(self.seen) or not self.read(until):
                raise Wrong(f"does not go on after what it says, which is\n{self.seen}")
        self.seen = ""

    def type(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        self.shell.send_signal(signal.SIGHUP)
        os.close(self.fd)
        self.shell.wait()


def blocks(path):
    """Each block that is to be followed: (line, info, lines, whether elsewhere)."""
    found, lines, info, elsewhere = [], None, "", False
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("```"):
                if lines is None:
                    lines, info = [], line[3:].strip()
                    continue
                found.append((number - len(lines), info, lines, elsewhere))
                lines, elsewhere = None, False
            elif lines is not None:
                lines.append(line)
            elif line.strip() == ELSEWHERE:
                elsewhere = True
            elif line.startswith("<!-- output of ") or line.startswith("<!-- session of "):
                raise Wrong(f"{path}:{number}: an output that no command shows")
    return found


def steps(lines):
    """A block of a terminal, as (what is typed, what is said then)."""
    found = []
    for line in lines:
        if line.startswith("$ ") or line == "^C":
            found.append((line, []))
        elif found:
            found[-1][1].append(line)
        else:
            raise Wrong(f"no command says: {line}")
    return [(typed, "".join(s + "\n" for s in said)) for typed, said in found]


class Reader:
    def __init__(self, root, user):
        self.root, self.user, self.files, self.commands = root, user, 0, 0
        self.terminals = [Terminal(root, user, f"/home/{user}")]

    def write_file(self, name, lines):
        path = os.path.join(self.terminals[0].folder()[1], name)
        new = not os.path.exists(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))
        owner = os.stat(f"{self.root}/home/{self.user}")
        os.chown(path, owner.st_uid, owner.st_gid)
        self.files += new

    def do(self, where, terminal, typed, expected, goes_on):
        self.commands += 1
        begun = time.monotonic()
        try:
            terminal.type("\x03" if typed == "^C" else typed[2:] + "\n")
            said, status = expected, 0
            if goes_on:
                terminal.until_said(expected)
            else:
                said, status = terminal.until_prompt()
        except Wrong as wrong:
            raise Wrong(f"{where}: {typed}: {wrong}") from None
        if not fits(expected, said):
            raise Wrong(f"{where}: {typed}: says\n{said}but the page says\n{expected}")
        if status != 0 and typed != "^C":
            raise Wrong(f"{where}: {typed}: ends with {status}; it said\n{said}")
        print(f"{where}: {time.monotonic() - begun:5.1f} s  {typed}", flush=True)

    def follow(self, page):
        found = [b for b in blocks(page)
                 if b[1] == "console" or b[2] and FILE.fullmatch(b[2][0])]
        for n, (line, info, lines, elsewhere) in enumerate(found):
            where = f"{page}:{line}"
            if info != "console":
                self.write_file(FILE.fullmatch(lines[0]).group(1), lines)
                continue
            if elsewhere and len(self.terminals) == 1:
                self.terminals.append(
                    Terminal(self.root, self.user, self.terminals[0].folder()[0]))
            terminal = self.terminals[1 if elsewhere else 0]
            todo = steps(lines)
            goes_on = n + 1 < len(found) and found[n + 1][3] and not elsewhere
            for i, (typed, said) in enumerate(todo):
                self.do(where, terminal, typed, said, goes_on and i == len(todo) - 1)

    def close(self):
        for terminal in self.terminals:
            terminal.close()


def main(root, user, pages):
    reader, begun = None, time.monotonic()
    try:
        for page in pages:
            reader = Reader(root, user)  # each page begins anew, in new terminals
            reader.follow(page)
            print(f"{page}: {reader.commands} commands, {reader.files} files, "
                  f"{time.monotonic() - begun:.0f} s")
            if reader.commands == 0:
                raise Wrong(f"{page}: has no commands")
            reader.close()
    except Wrong as wrong:
        print("\n".join(str(wrong).split("\n")[:2] + ["..."] + str(wrong).split("\n")[2:][-40:]))
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
