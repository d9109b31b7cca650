#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readme.py BUILD - examples/README.md says what the examples do

Each example that was built has a section there, and each section is that of an example;
its first sentence is that of the program's head comment, which also says how it is
called ("usage: NAME", or a line that begins with NAME). Each block of text that
begins with a command is a session: the test types what follows "$ ". In the
first command "make run EXAMPLE=NAME ARGS=..." stands for scripts/example.sh. A line
"# from ..." parts a server from what is asked of it; "^C" is SIGINT. "..." in an
expected text stands for anything, alone in a line for any lines. Servers listen on
free ports, and the one of the page stands for that.
"""
import concurrent.futures
import glob
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

PAGE = "examples/README.md"
LIMIT = 20 * int(os.environ.get("SLOW") or 1)
RUN = re.compile(r"make run EXAMPLE=(\w+)(?: ARGS=(\"[^\"]*\"|\S+))?")
NEEDS = {"cluster_kv": "nats-server", "https": "openssl"}
failures = []


def complain(what):
    failures.append(what)


def load_map():
    spec = importlib.util.spec_from_file_location("map", "scripts/map.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fits(expected, got):
    pattern = ""
    for line in expected:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(p) for p in line.split("...")) + r"[ \t]*\n"
    return re.fullmatch(pattern, "".join(line + "\n" for line in got)) is not None


class Session:
    """A block of the page: steps, each a command or ^C, and what comes after it."""

    def __init__(self, name, lines, first):
        self.name, self.lines, self.first = name, lines, first
        self.steps = []
        for number, line in enumerate(lines):
            if line.startswith("$ ") or line == "^C" or line.startswith("# from"):
                self.steps.append((line, []))
            elif self.steps:
                self.steps[-1][1].append(line)
        self.port = next((m.group(1) for line in lines
                          for m in [re.match(r"listening on .*:(\d+)$", line)] if m), None)

    def missing(self):
        needs = [NEEDS[self.name]] if self.name in NEEDS else []
        needs += [w for step, _ in self.steps for w in ("nc", "curl", "redis-cli")
                  if re.search(rf"(^\$ |\| ){w} ", step)]
        path = os.environ["PATH"] + ":/usr/sbin"
        return next((n for n in needs if not shutil.which(n, path=path)), None)

    def compare(self, step, expected, got):
        if not fits(expected, got):
            complain(f"{self.name}: after {step}\n" + "\n".join(got) +
                     "\nis what was said, but the page has\n" + "\n".join(expected))


def shell(command, build):
    command = RUN.sub(lambda m: f"exec scripts/example.sh {m.group(1)} "
                      + (m.group(2) or "").strip('"'), command)
    return command.replace("build/example", build + "/example")


def play(session, build):
    env = dict(os.environ, BUILD=build)
    if session.port:
        env["ADDRESS"] = "127.0.0.1:0"
    begin, expected = session.steps[0]
    command = shell(begin[2:], build)
    if session.port:
        command = command.replace(":" + session.port, ":0")
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(["env", "--default-signal=INT", "bash", "-c", command], env=env,
                                  text=True, stdout=subprocess.PIPE, stderr=log,
                                  stdin=subprocess.DEVNULL, start_new_session=True)
        timer = threading.Timer(LIMIT, lambda: os.killpg(server.pid, signal.SIGKILL))
        timer.start()
        try:
            act(session, server, expected, build)
        finally:
            timer.cancel()
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
            server.wait()
        if server.returncode:
            log.seek(0)
            complain(f"{session.name} ends with {server.returncode}\n{log.read()}")


def act(session, server, expected, build):
    port = None

    def here(line):
        line = line.replace(build + "/example", "build/example")
        return line.replace(port, session.port) if port else line

    if len(session.steps) == 1 and not session.port:
        out, _ = server.communicate()
        session.compare(session.steps[0][0], expected,
                        [here(line) for line in out.rstrip("\n").split("\n")])
        return
    got = [server.stdout.readline().rstrip("\n") for _ in expected]
    if session.port:
        port = got[0].rsplit(":", 1)[-1]
    session.compare(session.steps[0][0], expected, [here(line) for line in got])
    interrupted = None
    for step, expected in session.steps[1:]:
        if step.startswith("# "):
            continue
        if step == "^C":
            interrupted = expected
            continue
        command = shell(step[2:], build).replace(session.port, port)
        done = subprocess.run(["bash", "-c", command], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                              timeout=LIMIT)
        session.compare(step, expected,
                        [here(line) for line in done.stdout.rstrip("\n").split("\n")])
    os.killpg(server.pid, signal.SIGINT)
    out, _ = server.communicate()
    if interrupted is not None:
        session.compare("^C", interrupted, out.rstrip("\n").split("\n"))


def read():
    """Sections {name: text} and sessions of the page."""
    sections, sessions, name, block = {}, [], None, None
    with open(PAGE, encoding="utf-8") as page:
        lines = page.read().split("\n")
    for number, line in enumerate(lines):
        if line.startswith("#") and block is None:
            name = line[4:] if line.startswith("### ") else None
            if name:
                sections[name] = ""
        elif line.startswith("```"):
            if block and block[0].startswith("$ "):
                sessions.append(Session(name, block, number))
            block = [] if block is None else None
        elif block is not None:
            block.append(line)
        elif name:
            sections[name] += line + " "
    return sections, sessions


def sources():
    """The source of each example."""
    found = {}
    for path in glob.glob("examples/*.c") + glob.glob("examples/http/*.c") + \
            glob.glob("examples/remote/*.c") + glob.glob("examples/cxx/*.cpp"):
        found[os.path.splitext(os.path.basename(path))[0]] = path
    found["redis"] = "examples/redis/main.c"
    return found


def main():
    build = os.path.abspath(sys.argv[1])
    sections, sessions = read()
    code, programs = load_map(), sources()
    for name in sorted(set(programs) ^ set(sections)):
        complain(f"{name} is " + ("no example" if name in sections else f"not in {PAGE}"))
    for name in set(programs) & set(sections):
        first = code.says(programs[name])
        if first[:1].upper() + first[1:] not in re.sub(r"\s+", " ", sections[name]):
            complain(f"{name}: the page does not say: {first}")
    for name, path in programs.items():
        if not re.search(rf"(usage: |^  +){name}( |$)", code.head(path), re.M):
            complain(f"{path} does not say how it is called: usage: {name} ...")
    for name in sorted(set(sections) - {s.name for s in sessions}):
        complain(f"{name} has no session")

    played = []
    for session in sessions:
        run = RUN.search(session.steps[0][0])
        if not run or run.group(1) != session.name:
            complain(f"the session of {session.name} does not run it")
        elif session.missing():
            print(f"skipped: {session.name}: there is no {session.missing()}")
        elif not os.access(f"{build}/examples/{session.name}", os.X_OK):
            print(f"skipped: {session.name} was not built")
        else:
            played.append(session)
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda s: play(s, build), played))
    for failure in failures:
        print("FAIL:", failure)
    print(f"{len(sections)} examples, {len(played)} sessions, {len(failures)} failures")
    return 1 if failures else 0


sys.exit(main())
