#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-tls.py [WORK...] - our HTTPS server beside nginx

Each server has one core and a certificate of P-256; rounds take turns. WORK is

  full       handshakes of TLS 1.3 from nothing, one after the other
  resumed    handshakes of TLS 1.2 that are resumed by a ticket
  c64        64 connections that stay, 13 bytes of text
  file       the same, a file of 100 KiB

all of them by default. What is told is the CPU time of the server for each handshake,
or request; medians, in microseconds.

  ROUNDS=5 SECS=2   so many runs of so many seconds of each
  CPUS="0 1"        cores of the server, and of who asks
  BUILD=build       where ours are built

Needs openssl and wrk, and nginx if that is to be compared.
"""
import glob
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
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECS = os.environ.get("SECS", "2")
CPUS = os.environ.get("CPUS", "0 1").split()
WORKS = ["full", "resumed", "c64", "file"]

NGINX = """
daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 1024; }}
http {{
	access_log off; keepalive_requests 1000000000; sendfile on; tcp_nodelay on;
	client_body_temp_path {dir}; proxy_temp_path {dir}; fastcgi_temp_path {dir};
	uwsgi_temp_path {dir}; scgi_temp_path {dir};
	server {{
		listen 127.0.0.1:{port} ssl;
		ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;
		ssl_protocols TLSv1.2 TLSv1.3;
		root {dir};
		location = /plaintext {{ return 200 "Hello, World!"; }}
	}}
}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def start(name, folder):
    port = free_port()
    if name == "nginx":
        path = os.path.join(folder, "nginx.conf")
        with open(path, "w") as conf:
            conf.write(NGINX.format(dir=folder, port=port))
        command = ["nginx", "-c", path, "-p", folder, "-e", "stderr"]
    else:
        command = [f"{BUILD}/bench/http-server", str(port), folder,
                   f"{folder}/cert.pem", f"{folder}/key.pem"]
    server = subprocess.Popen(["taskset", "-c", CPUS[0]] + command,
                              env=dict(os.environ, HEPH_LOG="off"))
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return server, port
        except OSError:
            time.sleep(0.02)
    sys.exit(f"{name} does not listen")


def cpu(server):
    """Seconds, of all its threads."""
    total = 0
    for path in glob.glob(f"/proc/{server.pid}/task/*/schedstat"):
        with open(path) as stat:
            total += int(stat.read().split()[0])
    return total / 1e9


def run(command):
    done = subprocess.run(["taskset", "-c", CPUS[1]] + command, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def ask(work, port):
    """How many of them there were."""
    where = f"127.0.0.1:{port}"
    if work in ("full", "resumed"):
        how = ["-new", "-tls1_3"] if work == "full" else ["-reuse", "-tls1_2"]
        text = run(["openssl", "s_time", "-connect", where, "-time", SECS] + how)
        found = re.search(r"(\d+) connections in \d+ real", text)
    else:
        path = "plaintext" if work == "c64" else "file.bin"
        text = run(["wrk", "-t1", "-c64", f"-d{SECS}", f"https://{where}/{path}"])
        found = re.search(r"(\d+) requests in", text)
        if "Non-2xx" in text or "Socket errors" in text:
            sys.exit(text)
    if not found or int(found.group(1)) == 0:
        sys.exit(f"{work}: {text}")
    return int(found.group(1))


def measure(name, work, folder):
    server, port = start(name, folder)
    before = cpu(server)
    n = ask(work, port)
    used = cpu(server) - before
    server.send_signal(signal.SIGTERM)
    server.wait()
    return used / n * 1e6


def main():
    works = sys.argv[1:] or WORKS
    if any(work not in WORKS for work in works):
        sys.exit(__doc__)
    names = ["heph"] + (["nginx"] if shutil.which("nginx") else [])
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-keyout", f"{folder}/key.pem", "-out",
                        f"{folder}/cert.pem"], check=True, stderr=subprocess.DEVNULL)
        with open(f"{folder}/file.bin", "wb") as out:
            out.write(os.urandom(100 * 1024))
        os.chmod(folder, 0o755)
        for work in works:
            rounds = {name: [] for name in names}
            for _ in range(ROUNDS):
                for name in names:
                    rounds[name].append(measure(name, work, folder))
            medians = {name: statistics.median(all) for name, all in rounds.items()}
            text = "  ".join(f"{name} {value:.1f}" for name, value in medians.items())
            if "nginx" in medians:
                text += f"  ratio {medians['heph'] / medians['nginx']:.2f}"
            print(f"{work}: {text}", flush=True)


main()
