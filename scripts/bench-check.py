#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench-check.py [--update] [BENCH...] - instructions for each operation

Runs the benches that bench/bounds.txt lists under callgrind, each with N and
with 2 N: what the second run needs more is what N operations cost, without
starting and ending. Unlike times these counts hardly depend on the machine or
on what else it does. One that is above its bound fails; one that is well below
it is told, so that the bound can be lowered.

  --update      writes what was counted into bench/bounds.txt
  BUILD=build   where the benches are built

Ends with "N passed, N failed".
"""
import concurrent.futures
import json
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# On valgrind actors have stacks of their own unless the number is said.
ENVIRONMENT = dict(os.environ, HEPH_SLOTS="1024")
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
BOUNDS = os.path.join(ROOT, "bench", "bounds.txt")
TRIES = 3  # of a count that is too high
TIMEOUT = 60


class Bound:
    """A line of the file: NAME N SIZE INSTRUCTIONS TOLERANCE."""

    def __init__(self, line):
        self.name, n, self.size, most, tolerance = line.split()
        self.n, self.most = int(n), float(most)
        self.tolerance = float(tolerance.rstrip("%"))

    def above(self, counted):
        return counted > self.most * (1 + self.tolerance / 100)

    def below(self, counted):
        return counted < self.most * (1 - self.tolerance / 100)

    def line(self):
        return (f"{self.name:<18} {self.n:>7} {self.size:>5} "
                f"{self.most:>12.1f} {self.tolerance:>8g}%")


def compiler():
    """What the benches were built with: counts depend on it."""
    with open(os.path.join(BUILD, "compile_commands.json"),
              encoding="utf-8") as file:
        words = json.load(file)[0]["command"].split()
    cc = words[1] if words[0].endswith("ccache") else words[0]
    return " ".join(subprocess.check_output([cc, option], text=True).strip()
                    for option in ("-dumpmachine", "-dumpversion"))


def command(bound, n):
    """NAME is one of build/bench/bench, LAYER/NAME a program of its own."""
    if "/" in bound.name:
        program = [os.path.join(BUILD, "bench", bound.name.replace("/", "-"))]
    else:
        program = [os.path.join(BUILD, "bench", "bench"), bound.name]
    return program + [str(n)] + ([bound.size] if bound.size != "-" else [])


def run(bound, n):
    """Returns how many instructions and how many operations there were."""
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"] +
        command(bound, n), env=ENVIRONMENT,
        capture_output=True, text=True, timeout=TIMEOUT, check=False)
    spent = re.search(r"Collected : (\d+)", done.stderr)
    ops = re.search(r" n=(\d+) ", done.stdout)
    if done.returncode != 0 or not spent or not ops:
        raise RuntimeError(f"{bound.name} failed:\n{done.stdout}{done.stderr}")
    return int(spent[1]), int(ops[1])


def count(bound):
    """Instructions per operation. A disturbance, such as a worker that waits in
    vain for a moment, only ever adds: the least of several runs counts."""
    runs = []
    while True:
        runs.append((run(bound, bound.n), run(bound, 2 * bound.n)))
        (few, ops), (many, more_ops) = (min(column) for column in zip(*runs))
        counted = (many - few) / (more_ops - ops)
        if not bound.above(counted) or len(runs) == TRIES:
            return counted


def read_bounds():
    """The lines as they are, and the bounds among them by number."""
    with open(BOUNDS, encoding="utf-8") as file:
        lines = file.read().splitlines()
    bounds = {i: Bound(line) for i, line in enumerate(lines)
              if line and not line.startswith(("#", "compiler "))}
    return lines, bounds


def update(lines, bounds, counts):
    for i, counted in counts.items():
        bounds[i].most = counted
        lines[i] = bounds[i].line()
    lines = [f"compiler {compiler()}" if line.startswith("compiler ") else line
             for line in lines]
    with open(BOUNDS, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def verdict(bound, counted):
    if bound.above(counted):
        return "FAIL", "  above the bound"
    if bound.below(counted):
        return "ok", "  the bound can be lowered"
    return "ok", ""


def report(bounds, counts, updating):
    """Prints the table; returns how many are above their bound."""
    failed = 0
    print(f"      {'instructions for each':<21} {'N':>7} {'SIZE':>5} "
          f"{'counted':>9} {'bound':>9}")
    for i, counted in counts.items():
        bound = bounds[i]
        word, remark = ("new", "") if updating else verdict(bound, counted)
        failed += word == "FAIL"
        change = 100 * (counted / bound.most - 1) if bound.most else 0
        print(f"{word:<5} {bound.name:<21} {bound.n:>7} {bound.size:>5} "
              f"{counted:>9.1f} {bound.most:>9.1f} {change:>+6.1f}%{remark}")
    return failed


def measure(bounds, wanted):
    chosen = {i: bound for i, bound in bounds.items()
              if not wanted or bound.name in wanted}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        counts = pool.map(count, chosen.values())
        return dict(zip(chosen, counts))


def main(words):
    updating = "--update" in words
    wanted = [word for word in words if word != "--update"]
    lines, bounds = read_bounds()
    try:
        counts = measure(bounds, wanted)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(error)
        print("0 passed, 1 failed")
        return 1
    failed = report(bounds, counts, updating)
    if updating:
        update(lines, bounds, counts)
    elif f"compiler {compiler()}" not in lines:
        print(f"note: the bounds are of another compiler than {compiler()}: "
              "nothing fails")
        failed = 0
    elif failed:
        print("If a path has become longer for a good reason: "
              "make bench-check UPDATE=1, and say the reason in the commit.")
    print(f"{len(counts) - failed} passed, {failed} failed")
    return failed != 0


sys.exit(main(sys.argv[1:]))
