#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-parity.py - the table of what Heph's tests assert, and ours

tests/heph-parity.md: each test of ours that it names exists, no row is empty,
and the list of names at its end is that of the rows. A test of ours is

    `tests/api/test_x.c: function`    a function in that file that is run
    `tests/examples/test_x.sh`        the whole file

or, where there can be none, "no: " and the reason.
"""
import os
import re
import sys

TABLE = "tests/heph-parity.md"
ROW = re.compile(r"\| `([\w:./]+)` \| (.*?) \| (.*?) \|")
RUN = re.compile(r"cmocka_unit_test\w*\(\s*(\w+)")
failures = []


def complain(what):
    failures.append(what)


def tests_in(path, cache={}):
    """The functions that a file of tests runs; None: there is no such file."""
    if path not in cache:
        cache[path] = None
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                cache[path] = set(RUN.findall(file.read()))
    return cache[path]


def check_test(name, test):
    path, _, function = test.partition(": ")
    found = tests_in(path)
    if found is None:
        complain(f"{name}: there is no {path}")
    elif function and function not in found:
        complain(f"{name}: {path} does not run {function}")
    elif not function and not path.endswith(".sh"):
        complain(f"{name}: which function of {path}?")


def check_row(name, behaviour, ours):
    if not behaviour.strip() or not ours.strip():
        complain(f"{name}: something is empty")
    elif ours.startswith("no: "):
        if len(ours) < 10:
            complain(f"{name}: no reason")
    else:
        tests = re.findall(r"`([^`]+)`", ours)
        if "<br>".join(f"`{t}`" for t in tests) != ours:
            complain(f"{name}: neither tests nor a reason: {ours}")
        for test in tests:
            check_test(name, test)


def names_of(text):
    """The list at the end: "FILE:" and then the names in it."""
    block = re.search(r"^## The names\n.*?^```text\n(.*?)^```", text, re.S | re.M)
    names, file = [], ""
    for line in (block.group(1) if block else "").splitlines():
        if line.startswith(" "):
            names += [f"{file}::{name}" for name in line.split()]
        else:
            file = line.rstrip(":")
    return names


def main():
    os.chdir(os.path.join(os.path.dirname(__file__), ".."))
    with open(TABLE, encoding="utf-8") as file:
        text = file.read()
    rows = []
    for line in text.splitlines():
        match = ROW.fullmatch(line)
        if match:
            rows.append(match.group(1))
            check_row(*match.groups())
        elif line.startswith("|") and "Heph's test" not in line and \
                not line.startswith("|---"):
            complain(f"not a row: {line}")
    names = names_of(text)
    for name in sorted(set(names) - set(rows)):
        complain(f"{name}: has no row")
    for name in sorted(set(rows) - set(names)):
        complain(f"{name}: is not in the list of names")
    for name in sorted({n for n in rows if rows.count(n) > 1}):
        complain(f"{name}: has several rows")
    if not rows:
        complain("there are no rows")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
