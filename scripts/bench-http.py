#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-http.py [--update] [WORK...] - our HTTP server beside nginx, h2o and the floor

Each server has one core and each round runs each of them once, in turn. WORK is

  c1         one connection, 13 bytes of text
  c64        64 connections
  pipe       64 connections, 16 requests at a time
  json       64 connections, an object of 1 KiB
  file       64 connections, a file of 100 KiB
  idle       memory of 10,000 connections that have been served once

all of them by default. What is told is the CPU time of the server for each
request, and how long most took; medians. The floor (bench/http/floor.c) parses
nothing and answers a constant: what the kernel costs.

  --update          replaces the table in docs/benchmarks.md
  ROUNDS=9 SECS=2   so many runs of so many seconds of each
  SERVERS="heph nginx h2o floor"
  HEPH="PROGRAM ARGS"  another one in place of build/bench/http-server; {port} and
                    {dir} in it are filled in
  CPUS="0 1"        cores of the server, and of wrk, which asks
  RT=1              at a real-time priority, on a machine that does other things
  BUILD=build       where ours are built

Needs wrk (Debian's package), and those of nginx and h2o that are there.
"""
import glob
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
DOC = os.path.join(ROOT, "docs", "benchmarks.md")
ROUNDS = int(os.environ.get("ROUNDS", "9"))
SECS = int(os.environ.get("SECS", "2"))
CPUS = os.environ.get("CPUS", "0 1").split()
WANTED = os.environ.get("SERVERS", "heph nginx h2o floor").split()
IDLE = 10000
JSON = '{"text":"' + " " * 1013 + '"}'

WORKS = {  # path, connections, requests at a time
    "c1": ("/plaintext", 1, 1),
    "c64": ("/plaintext", 64, 1),
    "pipe": ("/plaintext", 64, 16),
    "json": ("/json", 64, 1),
    "file": ("/file.bin", 64, 1),
}
TITLES = {
    "c1": "1 connection",
    "c64": "64 connections",
    "pipe": "64, 16 at a time",
    "json": "64, JSON of 1 KiB",
    "file": "64, file of 100 KiB",
}

PIPE = """
init = function(args)
  local all = {}
  for i = 1, 16 do all[i] = wrk.format(nil, nil) end
  whole = table.concat(all)
end
request = function() return whole end
"""

NGINX = """
daemon off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/nginx.log;
worker_rlimit_nofile 65536;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  keepalive_requests 1000000000;
  keepalive_timeout 300;
  client_body_temp_path {dir}/t1;
  proxy_temp_path {dir}/t2;
  fastcgi_temp_path {dir}/t3;
  uwsgi_temp_path {dir}/t4;
  scgi_temp_path {dir}/t5;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    root {dir};
    location = /plaintext {{ default_type text/plain; return 200 "Hello, World!"; }}
    location = /json {{ default_type application/json; }}
  }}
}}
"""

H2O = """
num-threads: 1
max-connections: 16384
http1-request-timeout: 300
listen: {{ host: 127.0.0.1, port: {port} }}
hosts:
  default:
    paths:
      "/": {{ file.dir: {dir} }}
"""


# ---- servers ------------------------------------------------------------------

class Server:
    """One that runs."""

    def __init__(self, name, directory):
        self.name = name
        with socket.socket() as any_port:
            any_port.bind(("127.0.0.1", 0))
            self.port = any_port.getsockname()[1]
        command = self.command(directory)
        self.log = open(os.path.join(directory, name + ".out"), "wb")
        self.process = subprocess.Popen(
            realtime() + ["taskset", "-c", CPUS[0]] + command,
            stdout=self.log, stderr=self.log)
        self.wait()

    def command(self, directory):
        if self.name == "floor":
            return [f"{BUILD}/bench/http-floor", str(self.port)]
        if self.name == "heph":
            text = os.environ.get("HEPH",
                                  f"{BUILD}/bench/http-server {{port}} {{dir}}")
            return text.format(port=self.port, dir=directory).split()
        text = {"nginx": NGINX, "h2o": H2O}[self.name]
        config = os.path.join(directory, self.name + ".conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(text.format(port=self.port, dir=directory))
        return [program(self.name), "-c", config]

    def wait(self):
        until = time.time() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if self.process.poll() is not None or time.time() > until:
                    sys.exit(f"bench-http: {self.name} does not run; see "
                             f"{self.log.name}")
                time.sleep(0.05)

    def pids(self, pid=None):
        pid = pid or self.process.pid
        all_of_it = [pid]
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                all_of_it += self.pids(int(child))
        return all_of_it

    def cpu(self):
        """Nanoseconds."""
        spent = 0
        for pid in self.pids():
            for path in glob.glob(f"/proc/{pid}/task/*/schedstat"):
                with open(path, encoding="ascii") as file:
                    spent += int(file.read().split()[0])
        return spent

    def memory(self):
        """Bytes that are its alone."""
        size = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                size += sum(int(line.split()[1]) for line in file
                            if line.startswith("Private_"))
        return size * 1024

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def realtime():
    return ["chrt", "-f", "10"] if os.environ.get("RT") else []


def program(name):
    return shutil.which(name) or shutil.which("/usr/sbin/" + name)


def there(name):
    if name in ("heph", "floor") or program(name):
        return True
    print(f"bench-http: no {name}", file=sys.stderr)
    return False


# ---- asking ----------------------------------------------------------------------

def microseconds(text):
    number = float(re.match(r"[\d.]+", text)[0])
    return number * {"us": 1, "ms": 1e3}.get(text[-2:], 1e6)


def ask(server, work, script):
    """None: it did not work out."""
    path, connections, at_a_time = WORKS[work]
    command = realtime() + ["taskset", "-c", CPUS[1], "wrk", "-t1",
                            f"-c{connections}", f"-d{SECS}s", "--latency"]
    command += ["-s", script] if at_a_time > 1 else []
    before = server.cpu()
    said = subprocess.run(command + [f"http://127.0.0.1:{server.port}{path}"],
                          capture_output=True, text=True, timeout=SECS + 60,
                          check=False).stdout
    spent = server.cpu() - before
    if "Non-2xx" in said or "Socket errors" in said:
        print(f"bench-http: {server.name} {work}: {said}", file=sys.stderr)
    requests = re.search(r"(\d+) requests in", said)
    p50 = re.search(r" 50%\s+([\d.]+\w+)", said)
    p99 = re.search(r" 99%\s+([\d.]+\w+)", said)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not (requests and p50 and p99 and int(requests[1])):
        return None
    return {"cpu": spent / 1000 / int(requests[1]), "rate": float(rate[1]),
            "p50": microseconds(p50[1]), "p99": microseconds(p99[1])}


def measure(servers, works, script):
    """Medians by server and work, and the same as ratios of each round."""
    runs = {(server.name, work): [] for server in servers for work in works}
    for number in range(ROUNDS):
        for work in works:
            for server in servers:
                if server.name == "floor" and work in ("json", "file"):
                    continue
                run = ask(server, work, script)
                if run:
                    runs[server.name, work].append(run)
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
    return {key: {what: statistics.median(run[what] for run in of)
                  for what in of[0]}
            for key, of in runs.items() if of}


def idle(server):
    """Bytes of memory for each connection on which nothing happens."""
    request = b"GET /plaintext HTTP/1.1\r\nHost: bench\r\n\r\n"
    held = []
    for stage in (100, IDLE):
        while len(held) < stage:
            held.append(socket.create_connection(("127.0.0.1", server.port)))
            held[-1].sendall(request)
            held[-1].recv(4096)
        time.sleep(2)
        if stage != IDLE:
            before = server.memory()
    each = (server.memory() - before) / (IDLE - 100)
    for connection in held:
        connection.close()
    return each


# ---- telling ---------------------------------------------------------------------

def ratio(results, key, work, what, name):
    theirs = results.get((name, work))
    return f"{results[key][what] / theirs[what]:.2f}" if theirs else "-"


def whole(number):
    """wrk does not always know."""
    return f"{number:.0f}" if number else "-"


def table(names, works, results, memory):
    cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo")
           if line.startswith("model name")][:1]
    yield (f"{time.strftime('%Y-%m-%d')}, Linux {os.uname().release.split('-')[0]}"
           f" on {os.cpu_count()} CPUs ({cpu[0] if cpu else os.uname().machine}).")
    yield (f"Medians of {ROUNDS} interleaved rounds of {SECS} s: "
           f"`RT={os.environ.get('RT', '')} scripts/bench-http.py{' ' if any(a[0] != '-' for a in sys.argv[1:]) else ''}"
           f"{' '.join(a for a in sys.argv[1:] if a[0] != '-')}`.")
    yield ""
    if works:
        yield ("| work | server | CPU us per request | / nginx | / floor | "
               "requests per second | p50, us | p99, us |")
        yield "|---|---|--:|--:|--:|--:|--:|--:|"
    for work in works:
        for name in names:
            it = results.get((name, work))
            if it:
                key = (name, work)
                yield (f"| {TITLES[work]} | {name} | {it['cpu']:.2f} | "
                       f"{ratio(results, key, work, 'cpu', 'nginx')} | "
                       f"{ratio(results, key, work, 'cpu', 'floor')} | "
                       f"{it['rate']:.0f} | {whole(it['p50'])} | "
                       f"{whole(it['p99'])} |")
    if memory:
        yield ""
        yield f"| server | memory of each of {IDLE:,} idle connections, bytes |"
        yield "|---|--:|"
        for name, each in memory.items():
            yield f"| {name} | {each:.0f} |"


def update(lines):
    with open(DOC, encoding="utf-8") as file:
        text = file.read()
    begin, end = "<!-- http: begin -->\n", "<!-- http: end -->"
    head, rest = text.split(begin)
    with open(DOC, "w", encoding="utf-8") as file:
        file.write(head + begin + "\n".join(lines) + "\n" + end +
                   rest.split(end)[1])


def prepare(directory):
    os.chmod(directory, 0o755)
    for name, text in (("plaintext", "Hello, World!"), ("json", JSON),
                       ("pipe.lua", PIPE), ("file.bin", "x" * 102400)):
        with open(os.path.join(directory, name), "w", encoding="ascii") as file:
            file.write(text)
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))


def main():
    words = [word for word in sys.argv[1:] if word != "--update"]
    if any(word not in WORKS and word != "idle" for word in words):
        sys.exit(__doc__)
    if not shutil.which("wrk"):
        sys.exit("bench-http: no wrk; scripts/deps.sh all installs it")
    works = [work for work in WORKS if not words or work in words]
    names = [name for name in WANTED if there(name)]
    memory = {}
    with tempfile.TemporaryDirectory() as directory:
        prepare(directory)
        servers = [Server(name, directory) for name in names]
        try:
            if not words or "idle" in words:
                for server in servers:
                    if server.name != "floor":
                        memory[server.name] = idle(server)
            results = (measure(servers, works, f"{directory}/pipe.lua")
                       if works else {})
        finally:
            for server in servers:
                server.stop()
    lines = list(table(names, works, results, memory))
    print("\n".join(lines))
    if "--update" in sys.argv:
        update(lines)


if __name__ == "__main__":
    main()
