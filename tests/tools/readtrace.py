#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""readtrace.py FILE - reads a trace of format 0.1.0, and nothing else

Written from the description of the format alone, and strict: one wrong byte, a
counter with a gap, and it fails. As a module it offers read(path), a list of
events, each a dict; as a program it prints them, one a line, as JSON.
"""
import json
import struct
import sys

METADATA, EVENT = 0x75D11D4D, 0xC1FC1FB7
NUMBERS = {1: ">Q", 2: ">q", 3: ">d"}


class Packet:
    """What is left of one."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def bytes(self, n):
        assert self.at + n <= len(self.data), "a packet that is too short"
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack(form, self.bytes(struct.calcsize(form)))[0]

    def text(self):
        return self.bytes(self.number(">H")).decode()

    def value(self, kind):
        return self.text() if kind == 4 else self.number(NUMBERS[kind])

    def attribute(self):
        name, kind = self.text(), self.number(">B")
        if not kind & 0x80:
            return name, self.value(kind)
        kind &= 0x7F
        assert kind, "an array of nothing"
        return name, [self.value(kind) for _ in range(self.number(">H"))]

    def rest(self):
        return len(self.data) - self.at


def epoch(packet):
    assert len(packet.data) == 23 and packet.number(">H") == 5
    assert packet.bytes(5) == b"epoch"
    return packet.number(">Q")


def event(packet):
    found = {
        "stream": packet.number(">I"), "counter": packet.number(">I"),
        "substream": packet.number(">Q"), "start": packet.number(">Q"),
        "end": packet.number(">Q"), "description": packet.text(),
        "attributes": {},
    }
    while packet.rest():
        name, value = packet.attribute()
        found["attributes"][name] = value
    assert found["start"] <= found["end"]
    return found


def packets(data):
    at = 0
    while at < len(data):
        magic, size = struct.unpack_from(">II", data, at)
        assert at + size <= len(data), f"offset {at}: cut off"
        packet = Packet(data[at:at + size])
        packet.at = 8
        yield magic, packet
        at += size


def read(path, gaps=False):
    with open(path, "rb") as file:
        data = file.read()
    events, counters, epochs = [], {}, 0
    for magic, packet in packets(data):
        if magic == METADATA:
            assert epoch(packet) > 10**18
            epochs += 1
            continue
        assert magic == EVENT, f"magic {magic:x}"
        found = event(packet)
        wanted = counters.get(found["stream"], 0)
        assert gaps or found["counter"] == wanted, \
            f"stream {found['stream']}: {found['counter']}, not {wanted}"
        counters[found["stream"]] = found["counter"] + 1
        events.append(found)
    assert epochs == 1, f"{epochs} epochs"
    return events


if __name__ == "__main__":
    for line in read(sys.argv[1]):
        print(json.dumps(line))
