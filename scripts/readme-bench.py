#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readme-bench.py [--check] - the numbers in README.md, out of docs/benchmarks.md

Between the lines <!-- benchmarks: begin --> and end of README.md it writes some
rows of the table that scripts/bench-peers.sh --update puts into docs/benchmarks.md,
with what is said there of date, machine and command. With --check it writes
nothing and fails if README.md has something else.
"""
import sys

FROM, TO = "docs/benchmarks.md", "README.md"
ROWS = {
    "pingpong_local": "a message between two actors of one worker, ns",
    "pingpong_forced": "the same between two workers, ns",
    "count_local": "one of many messages in a row, ns",
    "rpc_local": "a call and its answer, ns",
    "ring_million": "a hop around a million actors, ns",
    "fan_in": "one of the messages from 100 actors to one, two workers, ns",
    "spawn_local": "spawn an actor, a message to it, its end, ns",
    "spawn_alive, bytes each": "memory of an idle actor, bytes",
    "timers, CPU": "a sleep of one of 100,000 actors, ns of CPU",
    "echo_local": "64 bytes over TCP and back, one worker, ns",
    "echo_forced": "the same, client and server on two workers, ns",
    "latency, p50": "a request through four actors on two workers, p50, ns",
    "latency, p99": "its p99, ns",
}


def between(path, name):
    """The text before, in and behind a marked part of a page."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    if begin not in text or end not in text:
        sys.exit(f"{path} has no part {name}")
    before, rest = text.split(begin)
    inside, behind = rest.split(end)
    return before + begin, inside, end + behind


def cells(line):
    return [cell.strip() for cell in line.strip("|").split("|")]


def number(text):
    return f"{int(text):,}" if text.isdigit() else text


def main():
    _, source, _ = between(FROM, "peers")
    about = [line for line in source.split("\n") if line and line[0] != "|"]
    table = [cells(line) for line in source.split("\n") if line.startswith("|")]
    titles = table[0][1:]
    rows = {row[0]: row[1:] for row in table[2:]}
    new = "".join(line + "\n" for line in about) + "\n"
    new += "| | " + " | ".join(titles) + " |\n|---|" + "--:|" * len(titles) + "\n"
    for name, what in ROWS.items():
        if name not in rows:
            sys.exit(f"{FROM} has no row {name}")
        new += f"| {what} | " + " | ".join(map(number, rows[name])) + " |\n"
    before, old, behind = between(TO, "benchmarks")
    if "--check" not in sys.argv:
        with open(TO, "w", encoding="utf-8") as file:
            file.write(before + new + behind)
    elif new != old:
        sys.exit(f"{TO} has other numbers than {FROM}: run scripts/readme-bench.py")


main()
