#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""maketraces.py make|check - traces, whole and damaged, and their JSON

`make` writes them into the current directory; `check` looks at the .json files
that were made of them.
"""
import json
import struct
import sys

SECOND = 10**9
EPOCH = 1700000000 * SECOND


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(data)) + data


def packet(magic, body):
    return struct.pack(">II", magic, len(body) + 8) + body


def epoch(value=EPOCH, name="epoch"):
    return packet(0x75D11D4D, text(name) + struct.pack(">Q", value))


def event(stream, counter, start, end, what, attributes=b"", substream=0):
    return packet(0xC1FC1FB7, struct.pack(">IIQQQ", stream, counter, substream,
                                          start, end) + text(what) + attributes)


def attribute(name, kind, value):
    return text(name) + bytes([kind]) + value


def array(name, kind, *values):
    return attribute(name, kind | 0x80,
                     struct.pack(">H", len(values)) + b"".join(values))


def number(value, form=">Q"):
    return struct.pack(form, value)


NASTY = b'"\\\n\x00\x7f\xc3\xa4\xff\xc0\x80\xed\xa0\x80\xf4\x90\x80\x80\xe2\x82'
NASTY_READ = '"\\\n\x00\x7fä' + "\ufffd" * 12
LARGE = 2**64 - 1

ATTRIBUTES = b"".join([
    attribute("u", 1, number(2**53)), attribute("large", 1, number(LARGE)),
    attribute("i", 2, number(-5, ">q")), attribute("least", 2, number(-2**63, ">q")),
    attribute("f", 3, number(0.1, ">d")),
    attribute("nan", 3, number(float("nan"), ">d")),
    attribute("inf", 3, number(float("-inf"), ">d")),
    attribute("s", 4, text(NASTY)), attribute(NASTY, 4, text("")),
    array("us", 1, number(1), number(2)), array("is", 2, number(-1, ">q")),
    array("fs", 3, number(1.5, ">d")), array("ss", 4, text("a"), text('"')),
    array("none", 4),
])

GOOD = [
    epoch(),
    event(1, 0, 10, 20, "start", attribute("stream", 4, text("worker 0"))),
    event(1, 1, 1001, 2003, NASTY, ATTRIBUTES, substream=7),
    event(1, 2, 3000, 3000, "Running actor",
          attribute("id", 1, number(2**40 + 3)) + attribute("name", 4, text("me"))),
    event(2, 0, 5, 6, "x"),
    event(1, 3, 4000, 5000, "Calling", attribute("call", 4, text("a.b")),
          substream=2**40 + 3),
    event(0, 0, 0, 0, ""),
]
DAMAGED = [
    epoch(), b"noise", event(1, 0, 1, 2, "one"),
    packet(0xC1FC1FB7, b"")[:4] + struct.pack(">I", 41) + bytes(34),
    event(1, 1, 1, 2, "two"),
    struct.pack(">II", 0xC1FC1FB7, 2**30), event(1, 2, 1, 2, "three"),
    event(1, 3, 1, 2, "bad", attribute("a", 5, number(1))),
    event(1, 3, 1, 2, "bad", attribute("a", 0x80, number(1))),
    event(1, 3, 1, 2, "four"), epoch(name="other"),
    event(1, 4, 2, 1, "back"), event(1, 4, 1, 2, "five"),
    packet(0xC1FC1FB7, bytes(32) + b"\xff\xff"), event(1, 5, 1, 2, "six"),
    event(1, 6, 3, 1, "back"), event(1, 6, 1, 2, "seven"), epoch(name="epoc"),
]
FILES = {
    "good.bin.log": GOOD,
    "damaged.trace": DAMAGED,
    "cut.trace": [epoch(), event(1, 0, 1, 2, "one"), event(1, 1, 1, 2, "two")[:-1]],
    "appended.trace": GOOD + [epoch(EPOCH + SECOND), event(1, 0, 0, 1, "again")],
    "gap.trace": [epoch(), event(1, 2**32 - 2, 0, 1, "a"), event(1, 5, 0, 1, "b")],
    "empty.trace": [],
    "noise.trace": [b"\xc1\xfc\x1f" * 100000],
}


def make():
    for name, parts in FILES.items():
        with open(name, "wb") as file:
            file.write(b"".join(parts))
    with open("long.trace", "wb") as file:
        for first in range(0, 400000, 1000):
            file.write(b"".join(
                event(1, n, n, n + 1, "Running actor",
                      attribute("id", 1, number(n)) +
                      attribute("name", 4, text("an actor whose name is long")))
                for n in range(first, first + 1000)))


def load(name):
    with open(name, encoding="utf-8") as file:
        return json.load(file)


def shown(data):
    return [e for e in data["traceEvents"] if e["ph"] == "X"]


def named(data, what):
    return {(e["pid"], e["tid"]): e["args"]["name"] for e in data["traceEvents"]
            if e["name"] == what}


def check_good():
    data = load("good.json")
    events = shown(data)
    assert data["displayTimeUnit"] == "ns"
    assert data["otherData"]["epoch_ns"] == str(EPOCH)
    assert named(data, "process_name") == {
        (1, 0): "worker 0", (2, 0): "stream 2", (0, 0): "stream 0"}
    nasty = events[1]
    assert (nasty["pid"], nasty["tid"]) == (1, 7)
    assert (nasty["ts"], nasty["dur"]) == (1.001, 1.002)
    assert nasty["name"] == NASTY_READ, nasty["name"]
    args = nasty["args"]
    assert args.pop("f") == 0.1
    assert args == {
        "u": 2**53, "large": str(LARGE), "i": -5, "least": str(-2**63),
        "nan": "NaN", "inf": "-Infinity", "s": NASTY_READ, NASTY_READ: "",
        "us": [1, 2], "is": [-1], "fs": [1.5], "ss": ["a", '"'], "none": []}
    assert events[2]["name"] == "Running actor me"
    assert events[4]["name"] == "Calling a.b"
    tid = events[4]["tid"]
    assert tid < 2**31
    assert named(data, "thread_name")[(1, tid)] == f"me {2**40 + 3}"
    assert "args" not in events[3]


def check_others():
    assert [e["name"] for e in shown(load("damaged.json"))] == \
        ["one", "two", "three", "four", "five", "six", "seven"]
    assert load("damaged.json")["otherData"]["damaged"] == 8
    assert [e["name"] for e in shown(load("cut.json"))] == ["one"]
    last = shown(load("appended.json"))[-1]
    assert last["name"] == "again" and last["ts"] == 1000000
    names = named(load("appended.json"), "process_name")
    assert names[(last["pid"], 0)] == "stream 1 (run 2)"
    assert load("gap.json")["otherData"]["missing"] == 6
    assert shown(load("empty.json")) == [] == shown(load("noise.json"))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    else:
        check_good()
        check_others()
