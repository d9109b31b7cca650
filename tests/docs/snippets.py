#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snippets.py BUILD [--write] [TEXT...] - runs the programs of the documentation

BUILD is the folder of a build, or "installed": then it is the library that pkg-config
finds. Looks at all *.md files that belong to the project, or those with TEXT in their
path. Each block of C is a program, or says that it is none:

    ```c                        and the first line is  /* file: NAME.c */
                                blocks of one page with the same name are
                                pieces of one file
    ```cpp                      the same in C++: /* file: NAME.cpp */
    ```erlang                   a module: %% file: NAME.erl. All of a page are
                                compiled together; main() of those that have
                                an output is run, where Erlang is installed
    ```c fragment               only to be read (and cpp)
    ```c wrong N                case N of tests/fail/wrong.c, which must not
                                compile; its lines stand there

A comment before a block of text says what that is:

    <!-- output of NAME -->     what the program writes to standard output
    <!-- errors of NAME -->     and to standard error
    <!-- session of NAME -->    commands after "$ ", and what they say while
                                the program runs; then it gets SIGINT. Port
                                7007 stands for any free one
    <!-- gcc of N -->           what a compiler says about case N
    <!-- clang of N -->

A block of what a terminal shows is followed word for word by
tests/first-hour/follow.py, and is such a text here:

    ```console                  what stands after "$ ./NAME" is the output of
                                that program
    <!-- another terminal -->   before one: the session of the program which the
                                block before has started

and comments without a block say how a program is treated:

    <!-- debug: NAME -->        linked with a library with HEPH_DEBUG=1
    <!-- status of NAME: N -->  it ends with N, otherwise 0; -N is signal N
    <!-- env of NAME: A=B ... -->
    <!-- libraries of NAME: libuv -lcaf_core ... -->  names of pkg-config, and
                                others: where one is missing it is not tried

"..." in an expected text stands for anything, alone in a line for any lines.
--write replaces texts that do not fit. Links are checked by scripts/check-links.py.
"""
import concurrent.futures
import glob
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

LIMIT = 25 * int(os.environ.get("SLOW") or 1)
COMPILING = 8 * LIMIT  # templates of others take seconds on an idle machine
TRIES = 3  # some programs wait for milliseconds, and a machine may pause meanwhile
FLAGS = ["-Wall", "-Wextra", "-Werror", "-g", "-O1",
         "-Wno-unused-parameter", "-D_GNU_SOURCE", "-Iinclude"]
COMMANDS = {"c": ["gcc", "-std=gnu17"], "cpp": ["g++", "-std=c++17"]}
# What the compilers say is compared with these versions only: Debian 12's.
COMPILERS = {"gcc": "12", "clang": "14"}
PORT = "7007"
MARK = re.compile(r"<!-- (output|errors|session|gcc|clang|debug|status|env|libraries)"
                  r"(?: of|:) ([\w.]+)(?:: (.*?))? -->")
ELSEWHERE = "<!-- another terminal -->"
failures = []


def complain(where, what):
    failures.append(f"{where}: {what}")


class Block:
    """A fenced block: its info string, its lines, where they stand."""

    def __init__(self, info, first):
        self.info, self.first, self.lines = info, first, []

    def text(self):
        return "".join(line + "\n" for line in self.lines)


class Program:
    def __init__(self, page, name):
        self.page, self.name, self.source = page, name, ""
        self.language = "c"
        self.expect = {}  # kind: block
        self.status, self.env, self.debug = 0, {}, False
        self.libraries = []
        self.modules = []  # of Erlang: all programs of the page
        self.got = {}

    def __str__(self):
        return f"{self.page}: {self.name}"


class Page:
    def __init__(self, path):
        self.path = path
        with open(path, encoding="utf-8") as file:
            self.lines = file.read().split("\n")
        self.programs, self.wrong, self.said = {}, [], []
        self.started = None
        self.read()

    def program(self, name):
        return self.programs.setdefault(name, Program(self.path, name))

    def read(self):
        block, mark = None, None
        for number, line in enumerate(self.lines):
            if block is None and line.startswith("```"):
                block = Block(line[3:].strip(), number + 1)
            elif block is not None and line.startswith("```"):
                self.take(block, mark)
                block, mark = None, None
            elif block is not None:
                block.lines.append(line)
            elif line == ELSEWHERE:
                mark = ("session", self.started, number) if self.started else None
            elif MARK.fullmatch(line):
                mark = self.take_mark(line, number)
            elif line.strip():
                mark = None
        erlang = [p for p in self.programs.values() if p.language == "erlang"]
        for program in erlang:
            program.modules = erlang

    def take_mark(self, line, number):
        kind, name, value = MARK.fullmatch(line).groups()
        if kind == "status":
            self.program(name).status = int(value)
        elif kind == "env":
            self.program(name).env = dict(v.split("=", 1) for v in value.split())
        elif kind == "debug":
            self.program(name).debug = True
        elif kind == "libraries":
            self.program(name).libraries = value.split()
        else:
            return kind, name, number
        return None

    def take(self, block, mark):
        info = block.info.split()
        if mark:
            kind, name, _ = mark
            if kind in COMPILERS:
                self.said.append((kind, name, block))
            else:
                self.program(name).expect[kind] = block
        elif info and info[0] in (*COMMANDS, "erlang"):
            self.take_code(block, info[0], info[1:])
        elif info == ["console"]:
            self.take_terminal(block)

    def take_terminal(self, block):
        said = self.started = None
        for n, line in enumerate(block.lines):
            if line.startswith("$ ") or line == "^C":
                said = self.started = None
            elif said is not None:
                said.lines.append(line)
            if line.startswith("$ ./") and line[4:] in self.programs:
                self.started, said = line[4:], Block("", block.first + n + 1)
                self.program(self.started).expect["output"] = said

    def take_code(self, block, language, how):
        first = block.lines[0] if block.lines else ""
        file = re.fullmatch(rf"/\* file: (\w+)\.{language} \*/", first) or \
            re.fullmatch(r"%% file: (\w+)\.erl", first)
        if how[:1] == ["fragment"]:
            return
        if how[:1] == ["wrong"]:
            self.wrong.append((how[1], block))
        elif file:
            program = self.program(file.group(1))
            program.source += block.text()
            program.language = language
        else:
            complain(f"{self.path}:{block.first}",
                     f"{language} of no file, and no fragment")

    def write(self, changes):
        """changes: list of (block, new text)"""
        for block, text in sorted(changes, key=lambda c: -c[0].first):
            self.lines[block.first:block.first + len(block.lines)] = \
                text.rstrip("\n").split("\n")
        with open(self.path, "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines))


def fits(expected, got):
    """Whether `got` is what is expected, "..." being anything."""
    pattern = ""
    for line in expected.rstrip("\n").split("\n"):
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(re.escape(p) for p in line.split("...")) + r"[ \t]*\n"
    return re.fullmatch(pattern, got.rstrip("\n") + "\n") is not None


def run(args, limit=LIMIT, **more):
    return subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", timeout=limit,
                          stdin=subprocess.DEVNULL, **more)


# ---- programs -------------------------------------------------------------------


def cares():
    """How to link with the libraries that may be left out: for names, for JSON."""
    if not shutil.which("pkg-config"):
        return []
    return (run(["pkg-config", "--libs", "libcares"]).stdout.split() +
            run(["pkg-config", "--libs", "jansson"]).stdout.split())


def http(build, source):
    """The same for programs that use a library on top."""
    remote = "#include <heph/remote" in source
    if not remote and not re.search(r"#include <heph/(http|tls)", source):
        return []
    archives = [f"{build}/libheph-{name}.a" for name in ("remote", "http", "tls")]
    libraries = [run(["pkg-config", "--libs", name]).stdout.split()
                 for name in ("openssl", "zlib", "libbrotlienc", "libbrotlidec", "libzstd")]
    if remote:
        libraries += [run(["pkg-config", "--libs", name]).stdout.split()
                      for name in ("libcbor", "libsodium", "libnats")]
    return [a for a in archives if os.path.exists(a)] + sum(libraries, [])


def wanted(program):
    """How to compile and link with what the page says; None if it is not here."""
    plain = [name for name in program.libraries if name.startswith("-l")]
    named = [name for name in program.libraries if not name.startswith("-l")]
    if plain and run(["gcc", "-shared", "-o", os.devnull, *plain]).returncode:
        return None
    if not named:
        return plain
    done = run(["pkg-config", "--cflags", "--libs", *named]) \
        if shutil.which("pkg-config") else None
    return plain + done.stdout.split() if done and done.returncode == 0 else None


def installed(program):
    """The same with the library that is installed, as the guide says."""
    names = ["heph"] + [f"heph-{name}" for name in ("tls", "http", "remote")
                        if f"#include <heph/{name}" in program.source]
    return run(["pkg-config", "--cflags-only-I", "--libs"] + names).stdout.split()


def library_flags(build, program):
    if build == "installed":
        return installed(program)
    name = f"{build}/tests/docs/libheph-debug.a" if program.debug else f"{build}/libheph.a"
    return http(build, program.source) + [name, "-luring", "-pthread", "-lm"] + cares()


def sources():
    cpu = "aarch64" if os.uname().machine == "aarch64" else "x86_64"
    return sorted(f for layer in ("base", "coro", "core", "io", "rt")
                  for f in glob.glob(f"src/{layer}/*.c") + glob.glob(f"src/{layer}/*_{cpu}.S"))


def build_debug(build):
    """The library once more, with HEPH_DEBUG=1, if it is older than its files."""
    directory = f"{build}/tests/docs"
    archive = f"{directory}/libheph-debug.a"
    files = sources()
    newest = max(os.path.getmtime(f) for f in
                 files + glob.glob("src/*/*.h") + glob.glob("include/heph/*.h"))
    if os.path.exists(archive) and os.path.getmtime(archive) > newest:
        return
    os.makedirs(directory, exist_ok=True)

    def one(file):
        out = f"{directory}/{file.replace('/', '-')}.o"
        done = run(["gcc", "-std=gnu17", "-O1", "-g", "-D_GNU_SOURCE",
                    "-DHEPH_DEBUG=1", "-fno-omit-frame-pointer", "-Iinclude",
                    "-Isrc", "-c", file, "-o", out])
        if done.returncode:
            complain(file, done.stderr)
        return out

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(one, files))
    if os.path.exists(archive):
        os.unlink(archive)
    run(["ar", "rcs", archive] + objects)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return str(sock.getsockname()[1])


def compile_program(program, build, directory, port):
    source = f"{directory}/{program.name}.{program.language}"
    with open(source, "w", encoding="utf-8") as file:
        file.write(re.sub(rf"\b{PORT}\b", port, program.source))
    binary = f"{directory}/{program.name}"
    flags = [f for f in FLAGS if build != "installed" or f != "-Iinclude"]
    done = run(COMMANDS[program.language] + flags +
               [source, "-o", binary, "-rdynamic"] +
               library_flags(build, program) + wanted(program), COMPILING)
    if done.returncode:
        complain(program, "does not compile\n" + done.stderr)
        return None
    return binary


def listens(port):
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", int(port))) == 0


def converse(commands, port, env):
    """What a user sees who types the commands of a session."""
    seen = ""
    for line in commands:
        if not line.startswith("$ "):
            continue
        command = line[2:].replace(PORT, port)
        done = run(["sh", "-c", command + " 2>&1"], env=env)
        seen += line + "\n" + done.stdout.replace(port, PORT)
    return seen


def run_server(program, binary, env, port):
    # `heph` is the one that was built, and finds this program and no other one.
    tools = os.path.join(os.path.abspath(sys.argv[1]), "tools")
    env = dict(env, PATH=tools + ":" + env.get("PATH", ""),
               HEPH_CONTROL=os.path.dirname(binary) + "/control/")
    server = subprocess.Popen([binary], stdout=subprocess.PIPE, text=True,
                              stderr=subprocess.PIPE, env=env)
    try:
        until = time.monotonic() + LIMIT / 2
        while not listens(port) and time.monotonic() < until:
            time.sleep(0.02)
        program.got["session"] = converse(program.expect["session"].lines, port,
                                          env)
        server.send_signal(signal.SIGINT)
        out, err = server.communicate(timeout=LIMIT)
    finally:
        server.kill()
    return out.replace(port, PORT), err.replace(port, PORT), server.returncode


def run_program(program, binary, port):
    env = dict(os.environ, **program.env)
    if "session" in program.expect:
        return run_server(program, binary, env, port)
    # What it writes goes with the directory; again and again what it did is gone.
    with tempfile.TemporaryDirectory() as here:
        done = run([binary], env=env, cwd=here)
    return done.stdout, done.stderr, done.returncode


def says_so(program, status):
    """Whether the run did what the page says."""
    return status == program.status and all(
        fits(block.text(), program.got[kind])
        for kind, block in program.expect.items() if kind in program.got)


def compile_erlang(program, directory):
    """All modules of the page, and a script that runs main() of this one."""
    for module in program.modules:
        source = f"{directory}/{module.name}.erl"
        with open(source, "w", encoding="utf-8") as file:
            file.write(module.source)
    for module in program.modules:
        done = run(["erlc", "-Werror", "-o", directory, f"{directory}/{module.name}.erl"],
                   COMPILING)
        if done.returncode:
            complain(program, "does not compile\n" + done.stdout + done.stderr)
            return None
    script = f"{directory}/run"
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"#!/bin/sh\nexec erl -noinput -pa {directory} "
                   f"-eval '{program.name}:main(), init:stop().'\n")
    os.chmod(script, 0o755)
    return script


def lacks(program):
    """Whether something is missing here that it cannot be tried without."""
    if program.language == "erlang":
        return not shutil.which("erlc") or "output" not in program.expect
    return wanted(program) is None or \
        ("session" in program.expect and not shutil.which("nc"))


def try_program(program, build):
    port = free_port()
    if lacks(program):
        return
    with tempfile.TemporaryDirectory() as directory:
        if program.language == "erlang":
            binary = compile_erlang(program, directory)
        else:
            binary = compile_program(program, build, directory, port)
        if not binary:
            return
        for _ in range(TRIES):
            try:
                out, err, status = run_program(program, binary, port)
            except subprocess.TimeoutExpired:
                complain(program, f"does not end within {LIMIT} s")
                return
            out = out.replace(directory, "").replace("\0", "")
            err = err.replace(directory + "/", "./")
            program.got.update(output=out, errors=err)
            if says_so(program, status):
                break
    if status != program.status:
        complain(program, f"ends with {status}, not {program.status}\n{err}")
    if out and "output" not in program.expect and "session" not in program.expect:
        complain(program, "says more than the page\n" + out)


def compare_program(program):
    """The texts of the page that do not fit: (block, what it must say)."""
    wrong = []
    for kind, block in program.expect.items():
        got = program.got.get(kind)
        if got is not None and not fits(block.text(), got):
            wrong.append((block, got))
            complain(program, f"the {kind} is\n{got}but the page says\n{block.text()}")
    return wrong


# ---- wrong uses -----------------------------------------------------------------


def cases():
    """The lines of each case in tests/fail/wrong.c, and its text."""
    found, now = {}, []
    with open("tests/fail/wrong.c", encoding="utf-8") as file:
        for line in file:
            case = re.match(r"#(?:el)?if FAIL == (\d+)", line)
            if case:
                now = found.setdefault(case.group(1), [])
            elif line.startswith("#endif"):
                now = []
            else:
                now.append(line.strip())
    return found


def major(compiler):
    if not shutil.which(compiler):
        return None
    return run([compiler, "-dumpversion"]).stdout.split(".")[0].strip()


def compiler_says(compiler, case):
    done = run([compiler, "-std=gnu17", "-Iinclude", "-fno-caret-diagnostics"
                if compiler == "clang" else "-fno-diagnostics-show-caret",
                f"-DFAIL={case}", "-c", "tests/fail/wrong.c", "-o", "/dev/null"],
               env=dict(os.environ, LC_ALL="C"))
    said = re.sub(r"tests/fail/wrong\.c:\d+(:\d+)?", "app.c:20", done.stderr)
    said = re.sub(r"include/heph/(\w+\.h):\d+(:\d+)?", r"<heph/\1>", said)
    return "".join(line + "\n" for line in said.split("\n")
                   if re.search(r": (error|warning): ", line))


def try_wrong(page, known):
    for case, block in page.wrong:
        for line in block.lines:
            if line.strip() and line.strip() not in known.get(case, []):
                complain(f"{page.path}:{block.first}",
                         f"case {case} of wrong.c has no line: {line}")


def try_said(page, versions):
    changes = []
    for compiler, case, block in page.said:
        if versions[compiler] != COMPILERS[compiler]:
            continue
        said = compiler_says(compiler, case)
        if not fits("...\n" + block.text() + "...", said):
            changes.append((block, said))
            complain(f"{page.path}:{block.first}", f"{compiler} says\n{said}")
    return changes


# ---- all ------------------------------------------------------------------------


def pages(texts):
    paths = run(["git", "ls-files", "--cached", "--others", "--exclude-standard",
                 "*.md"]).stdout.split() or \
        ["README.md", "CONTRIBUTING.md"] + glob.glob("docs/**/*.md", recursive=True)
    return [Page(path) for path in sorted(set(paths)) if os.path.exists(path) and
            (not texts or any(text in path for text in texts))]


def main():
    build, texts = sys.argv[1], [a for a in sys.argv[2:] if a != "--write"]
    all_pages = pages(texts)
    programs = [p for page in all_pages for p in page.programs.values()]
    known, versions = cases(), {c: major(c) for c in COMPILERS}

    for program in programs:
        if not program.source:
            complain(program, "there is no such program")
    programs = [p for p in programs if p.source]
    if any(program.debug for program in programs):
        build_debug(build)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda program: try_program(program, build), programs))
    for page in all_pages:
        changes = [c for p in page.programs.values() for c in compare_program(p)]
        try_wrong(page, known)
        changes += try_said(page, versions)
        if "--write" in sys.argv and changes:
            page.write(changes)

    for failure in failures:
        print("FAIL:", failure)
    print(f"{len(all_pages)} pages, {len(programs)} programs, "
          f"{sum(len(page.said) for page in all_pages)} texts of compilers, "
          f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
