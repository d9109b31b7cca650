#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-remote.py [--update] [WORK...] - calls between two processes, beside Erlang's

Each round runs each work once over each way, in turn. WORK is

  call_1    calls from one actor, one after another; 64 bytes there and back
  call_16   from 16 actors of one process, to one actor of another
  call_64   from 64
  cast_1    messages one way, from one actor
  cast_16   from 16

all of them by default. A way is one of ours, build/bench/remote-calls over a Unix
socket, TCP, TLS, encrypted datagrams or NATS, or two nodes of Erlang, over TCP or
TLS, a gen_server between them. What is told: operations for each second of CPU
time, of both processes together and of NATS's, if it is in between; and how long
most calls took. Medians.

  --update          replaces the table in docs/benchmarks.md
  ROUNDS=5 N=60000  so many rounds of so many calls; ten times as many casts
  WAYS="erlang unix tcp erlang-tls tls udp nats"
  ERL_FLAGS="..."   of both nodes of Erlang; by default one scheduler each, as ours
                    have one worker, and no busy waiting, which costs it CPU time
  BUILD=build

Erlang is Debian's erlang-base, and erlang-ssl for TLS. What is missing is left out.
"""
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
DOC = os.path.join(ROOT, "docs", "benchmarks.md")
OURS = os.path.join(BUILD, "bench", "remote-calls")
ROUNDS = int(os.environ.get("ROUNDS", "5"))
N = int(os.environ.get("N", "60000"))
WAYS = os.environ.get("WAYS", "erlang unix tcp erlang-tls tls udp nats").split()
QUIET = "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"
ERL_FLAGS = os.environ.get("ERL_FLAGS", QUIET).split()
LIMIT = 120
SIZE = 64
WORKS = ["call_1", "call_16", "call_64", "cast_1", "cast_16"]
TITLES = {"erlang": "Erlang, TCP", "erlang-tls": "Erlang, TLS", "unix": "Unix socket",
          "tcp": "TCP", "tls": "TLS", "udp": "UDP, encrypted", "nats": "NATS"}


def cpu_of(pid):
    """Seconds that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


# ---- certificates ---------------------------------------------------------------


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_certificates(directory):
    """A CA, and a certificate for each name."""
    def path(name):
        return os.path.join(directory, name)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=bench",
            "-keyout", path("ca.key"), "-out", path("ca.pem"))
    for name in ("serve", "ask", "localhost"):
        openssl("req", "-x509", *key, "-days", "2", "-subj", f"/CN={name}",
                "-addext", f"subjectAltName=DNS:{name}",
                "-addext", "basicConstraints=critical,CA:FALSE",
                "-CA", path("ca.pem"), "-CAkey", path("ca.key"),
                "-keyout", path(f"{name}.key"), "-out", path(f"{name}.pem"))
    options = (f'{{certfile, "{path("localhost.pem")}"}}, '
               f'{{keyfile, "{path("localhost.key")}"}}, '
               f'{{cacertfile, "{path("ca.pem")}"}}, {{verify, verify_peer}}')
    with open(path("erlang.conf"), "w", encoding="ascii") as file:
        file.write(f"[{{server, [{options}, {{fail_if_no_peer_cert, true}}]}},\n"
                   f" {{client, [{options}]}}].\n")


# ---- the ways --------------------------------------------------------------------


class Way:
    """One that runs: who serves, and how to ask."""

    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        self.processes = []

    def start(self, args, says=None, **more):
        process = subprocess.Popen(args, stdout=subprocess.PIPE if says else
                                   subprocess.DEVNULL, text=True, **more)
        self.processes.append(process)
        if says:
            line = process.stdout.readline().strip()
            if not line.startswith(says):
                raise OSError(f"{args[0]} says '{line}'")
            return line[len(says):]
        return process

    def stop(self):
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes = []

    def extra_cpu(self):
        return 0

    def ask(self, work):
        """The line that a run prints, as {name: number}."""
        kind, concurrency = work.split("_")
        count = N if kind == "call" else 10 * N
        before = self.extra_cpu()
        done = subprocess.run(self.command(kind) + [str(count), concurrency, str(SIZE)],
                              env=self.env, stdout=subprocess.PIPE, text=True,
                              timeout=LIMIT, check=True)
        print(f"{done.stdout.strip()} way={self.name}", flush=True)
        got = dict(re.findall(r"(\w+)=([\d.]+)", done.stdout))
        numbers = {key: float(value) for key, value in got.items()}
        # The broker worked for the warm-up, too.
        numbers["cpu_ns_per_op"] += (self.extra_cpu() - before) * 1e9 / (1.1 * count)
        return numbers


class Heph(Way):
    def __init__(self, name, directory):
        super().__init__(name, directory)
        self.env = dict(os.environ, CERTS=directory, HEPH_LOG="off")
        self.broker = None
        where = {"unix": f"unix:{directory}/serve.sock",
                 "nats": ""}.get(name, "127.0.0.1:0")
        if name == "nats":
            where = self.start_broker()
        self.where = self.start([OURS, "serve", name, where], "listening on ",
                                env=self.env)
        if name == "nats":
            self.where = where

    def start_broker(self):
        server = shutil.which("nats-server", path=os.environ["PATH"] + ":/usr/sbin")
        if not server:
            raise OSError("there is no nats-server")
        port = free_port()
        self.broker = self.start([server, "-a", "127.0.0.1", "-p", str(port)],
                                 stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return f"nats://127.0.0.1:{port}"
            except OSError:
                time.sleep(0.02)
        raise OSError("nats-server does not listen")

    def extra_cpu(self):
        return cpu_of(self.broker.pid) if self.broker else 0

    def command(self, kind):
        return [OURS, kind, self.name, self.where]


class Erlang(Way):
    def __init__(self, name, directory):
        super().__init__(name, directory)
        if not shutil.which("erlc"):
            raise OSError("there is no erlc")
        subprocess.run(["erlc", "+inline", "-o", directory,
                        os.path.join(ROOT, "bench", "peers", "remote.erl")], check=True)
        port = free_port()
        self.env = dict(os.environ, ERL_EPMD_PORT=str(port), HOME=directory,
                        ERL_EPMD_ADDRESS="127.0.0.1")
        self.epmd = self.start(["epmd", "-port", str(port), "-address", "127.0.0.1"])
        self.node = f"serve{os.getpid()}@localhost"
        self.start(self.erl(self.node) + ["-s", "remote", "serve"], "listening on ",
                   env=self.env, stderr=subprocess.DEVNULL)

    def erl(self, name):
        secure = []
        if self.name == "erlang-tls":
            secure = ["-proto_dist", "inet_tls", "-ssl_dist_optfile",
                      os.path.join(self.directory, "erlang.conf")]
        return ["erl", *ERL_FLAGS, "-sname", name, "-setcookie", "bench", "-noshell",
                "-noinput", "-pa", self.directory, *secure]

    def command(self, kind):
        return self.erl(f"ask{os.getpid()}@localhost") + [
            "-s", "remote", "ask", "-extra", kind, self.node]


def start(name, directory):
    try:
        way = (Erlang if name.startswith("erlang") else Heph)(name, directory)
        return way
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"bench-remote: {name} is left out: {error}", file=sys.stderr)
        return None


# ---- the table --------------------------------------------------------------------


def median(runs, key):
    values = [run[key] for run in runs if key in run]
    return statistics.median(values) if values else None


def per_cpu(runs):
    cost = median(runs, "cpu_ns_per_op")
    return 1e9 / cost if cost else None


def cell(value, form="{:,.0f}"):
    return "-" if value is None else form.format(value)


def row(title, ways, value, form="{:,.0f}"):
    cells = " | ".join(cell(value(way), form) for way in ways)
    return f"| {title} | {cells} |"


def table(works, ways, got):
    lines = ["| | " + " | ".join(TITLES[way] for way in ways) + " |",
             "|---|" + "--:|" * len(ways)]
    for work in works:
        kind, concurrency = work.split("_")
        what = "calls" if kind == "call" else "messages one way"
        who = f"{what}, {concurrency} at a time" if kind == "call" else \
            f"{what}, {concurrency} sender{'s' if concurrency != '1' else ''}"
        lines.append(row(f"{who}: for each second of CPU", ways,
                         lambda way: per_cpu(got[work, way])))
        lines.append(row("for each second", ways,
                         lambda way: median(got[work, way], "rate")))
        if kind == "call":
            for share in ("p50", "p99"):
                lines.append(row(f"{share}, µs", ways, lambda way: (
                    lambda ns: ns and ns / 1000)(median(got[work, way], share)),
                    "{:,.1f}"))
    return lines


def compare(works, got):
    """Ours over TCP and TLS, each beside Erlang's."""
    lines = []
    for ours, theirs in (("tcp", "erlang"), ("tls", "erlang-tls")):
        said = []
        for work in works:
            a, b = got.get((work, ours)), got.get((work, theirs))
            if not a or not b:
                continue
            words = f"{work} {per_cpu(a) / per_cpu(b):.1f} × the operations of a CPU second"
            if work.startswith("call"):
                words += f", {median(a, 'p50') / median(b, 'p50'):.2f} of the p50"
            said.append(words)
        if said:
            lines += ["", f"{TITLES[ours]} beside {TITLES[theirs]}: " + "; ".join(said) + "."]
    return lines


def about(command):
    model = "unknown"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(": ", 1)[1].strip()
    return [f"{time.strftime('%Y-%m-%d')}, Linux {os.uname().release.split('-')[0]} on "
            f"{os.cpu_count()} CPUs ({model}). Erlang with `{' '.join(ERL_FLAGS)}`, ours with",
            f"one worker each; {SIZE} bytes. Medians of {ROUNDS} interleaved rounds: "
            f"`{command}`.", ""]


def update_doc(lines):
    with open(DOC, encoding="utf-8") as file:
        text = file.read()
    begin, end = "<!-- remote: begin -->\n", "<!-- remote: end -->"
    head, _, rest = text.partition(begin)
    _, _, tail = rest.partition(end)
    with open(DOC, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n".join(lines) + "\n" + end + tail)


def measure(works, ways):
    got = {(work, way.name): [] for work in works for way in ways}
    for _ in range(ROUNDS):
        for work in works:
            for way in ways:
                try:
                    got[work, way.name].append(way.ask(work))
                except (subprocess.SubprocessError, OSError) as error:
                    print(f"bench-remote: {work} over {way.name}: {error}", file=sys.stderr)
    return got


def main():
    args = sys.argv[1:]
    update = "--update" in args
    works = [arg for arg in args if arg != "--update"] or WORKS
    if any(work not in WORKS for work in works) or any(way not in TITLES for way in WAYS):
        sys.exit(__doc__)
    ways = []
    with tempfile.TemporaryDirectory() as directory:
        make_certificates(directory)
        try:
            ways += filter(None, (start(name, directory) for name in WAYS))
            got = measure(works, ways)
        finally:
            for way in ways:
                way.stop()
    names = [way.name for way in ways]
    lines = about(" ".join(["scripts/bench-remote.py", *sys.argv[1:]]).replace(" --update", ""))
    lines += table(works, names, got) + compare(works, got)
    print("\n" + "\n".join(lines))
    if update:
        update_doc(lines)


if __name__ == "__main__":
    main()
