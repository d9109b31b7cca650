#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-plots.py [--cpu] [--again] - measures what docs/plots shows

Runs scripts/bench-peers.sh and writes docs/plots/*.tsv: a line for each point,
a column for each system, the date and the machine on top. scripts/plot.sh makes
pictures of them.

  --cpu     CPU time, for a machine that is busy with other things; leaves out
            what CPU time says nothing about: latency, and two workers
  --again   from what the last run left, without measuring
  BUILD=build REPEAT=3
"""
import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PEERS = os.path.join(ROOT, os.environ.get("BUILD", "build"), "peers")
PLOTS = os.path.join(ROOT, "docs", "plots")
SYSTEMS = ["heph", "go", "erlang"]

RATIOS = """pingpong_local ring_local ring_million ring_random switch count_local
    rpc_local timer_set timers spawn_local spawn_burst spawn_alive alive_msg
    fan_in_local big_local pairs_local echo_local
    pingpong_forced count_forced rpc_forced fan_in big pairs echo_forced""".split()
ACTORS = [10 ** k for k in range(1, 7)]
BYTES = [8 << k for k in range(8)]
DEPTHS = [8, 64, 256, 512, 1024, 2048, 3072, 4096]
WORKERS = ["pairs", "big", "fan_in"]
SHARES = [("50", "p50"), ("90", "p90"), ("99", "p99"), ("99.9", "p999"),
          ("99.99", "p9999"), ("longest", "max")]
KEYS = {"ns_per_op", "cpu_ns_per_op", "rss_per_actor"} | {key for _, key in SHARES}


def sized(name, sizes):
    return [f"{name}:{size}" for size in sizes]


def measure(options):
    names = (RATIOS + sized("ring_local", ACTORS) + sized("memory_msg", BYTES) +
             sized("memory_depth", DEPTHS) + ["latency_local", "latency"])
    subprocess.run([os.path.join(ROOT, "scripts", "bench-peers.sh")] + options +
                   names, check=False)


def medians():
    """{(bench, system, key): median}; of Go's channels the better one."""
    seen = {}
    with open(os.path.join(PEERS, "lines"), encoding="utf-8") as file:
        for line in file:
            bench, *words = line.split()
            values = dict(word.split("=", 1) for word in words)
            for key in KEYS & values.keys():
                run = (bench, values["impl"], key)
                seen.setdefault(run, []).append(float(values[key]))
    least = {}
    for (bench, impl, key), values in seen.items():
        value = statistics.median_low(values)
        place = (bench, impl.split("-")[0], key)
        least[place] = min(value, least.get(place, value))
    return least


def date_and_machine(time):
    """The first lines of the table: date, machine, versions, rounds."""
    with open(os.path.join(PEERS, "table.md"), encoding="utf-8") as file:
        lines = file.read().split("\n\n")[0].splitlines()
    lines[-1] = lines[-1].split(":")[0] + "."
    if time == "cpu_ns_per_op":
        lines.append("CPU time: the machine was busy with other things.")
    return [f"# {line}" for line in lines]


def write(name, about, head, rows):
    """`rows` are pairs: what a line is called, and its values."""
    path = os.path.join(PLOTS, name + ".tsv")
    with open(path, "w", encoding="utf-8") as file:
        print("\n".join(about), file=file)
        print("# " + "\t".join(head), file=file)
        for title, values in rows:
            values = ["-" if v is None else f"{v:.6g}" for v in values]
            print("\t".join([str(title)] + values), file=file)
    print(os.path.relpath(path, ROOT))


def main(options):
    time = "cpu_ns_per_op" if "--cpu" in options else "ns_per_op"
    if "--again" not in options:
        measure(options)
    about = date_and_machine(time)
    found = medians()

    def row(bench, key):
        return [found.get((bench, system, key)) for system in SYSTEMS]

    def points(name, sizes, key):
        return [(size, row(f"{name}:{size}", key)) for size in sizes]

    def key_of(bench):
        return "cpu_ns_per_op" if bench == "timers" else time

    def faster(bench):
        """How many times as fast two workers are; by the clock."""
        one, two = row(bench + "_local", "ns_per_op"), row(bench, "ns_per_op")
        return [a / b if a and b else None for a, b in zip(one, two)]

    write("ratios", about, ["bench"] + SYSTEMS,
          [(bench, row(bench, key_of(bench))) for bench in RATIOS])
    write("actors", about, ["actors"] + SYSTEMS, points("ring_local", ACTORS, time))
    write("message", about, ["bytes"] + SYSTEMS,
          points("memory_msg", BYTES, "rss_per_actor"))
    write("depth", about, ["bytes"] + SYSTEMS,
          points("memory_depth", DEPTHS, "rss_per_actor"))
    if time == "cpu_ns_per_op":
        return
    write("workers", about, ["bench"] + SYSTEMS,
          [(bench, faster(bench)) for bench in WORKERS])
    write("latency", about,
          ["share"] + [f"{system}_{n}" for n in (1, 2) for system in SYSTEMS],
          [(share, row("latency_local", key) + row("latency", key))
           for share, key in SHARES])


main(sys.argv[1:])
