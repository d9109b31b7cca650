#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""differential.py MESSAGES [COUNT [SEED]] - our parser beside Node's llhttp and h11

Makes COUNT byte strings of a few good messages, by changes that a seed decides, and
has all three take them apart; MESSAGES is the program build/tests/http-messages. What
we accept and another refuses must be one of the reasons in EXPLAINED; what two accept
must be the same: method, target, version, fields, body. Where we are stricter is
counted by our reason, and printed. Exit status 1: something is not explained.
"""
import collections
import json
import random
import struct
import subprocess
import sys
from pathlib import Path

try:
    import h11
except ImportError:
    h11 = None

NEXT = b"GET /next HTTP/1.1\r\nHost: n\r\n\r\n"
REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n",
    b"GET /a/b?c=d&e=%20f HTTP/1.1\r\nHost: a.example:8080\r\nAccept: */*\r\n"
    b"User-Agent: x (y; z) w/1.0\r\nCookie: a=b; c=d\r\n\r\n",
    b"HEAD /h HTTP/1.1\r\nHost: [::1]:80\r\nX-Empty:\r\nX-Blanks: \t a b \t\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    b"PUT /p HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n",
    b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n",
    b"PATCH /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nTrailer: X\r\n\r\n"
    b"a\r\n0123456789\r\n000\r\nX-Sum: 1\r\nX-Other: 2\r\n\r\n",
    b"GET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    b"GET /o HTTP/1.0\r\n\r\n",
    b"GET /o HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET http://b.example/c?d HTTP/1.1\r\nHost: b.example\r\n\r\n",
    b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n",
    b"DELETE /d HTTP/1.1\r\nHost: a\r\nX-A: \xe9\r\nx_y~!#$%&'*+-.^`|: 1\r\n\r\n",
    b"POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
]
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: s\r\n\r\nhello",
    b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil close",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi",
    b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
]
LINES = [
    b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: 5, 5",
    b"Content-Length: +5", b"Content-Length: 5 ", b"Content-Length: 0x5",
    b"Content-Length: 99999999999999999999", b"Content-Length:", b"content-length:5",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, gzip",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding:",
    b"Transfer-Encoding: xchunked", b"Transfer-Encoding:\x0bchunked",
    b"Transfer-Encoding : chunked", b"TRANSFER-ENCODING: CHUNKED",
    b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: chunked;a=b",
    b"Host: b", b"Host:", b"Host: a b", b"host: a/b", b"Connection: close",
    b"Connection: keep-alive", b"Connection: upgrade", b"Upgrade: websocket",
    b" folded", b"\tfolded", b"X: a\x00b", b"X: a\x7fb", b"X: a\rb", b"X: a\nb",
    b"X\x00: a", b": a", b"X", b"X Y: z", b"X\t: y", b"\x80: a", b"X: \x80\xff", b"",
    b"Expect: 200-ok", b"X: " + b"y" * 300, b"A:b", b"A: b \t ", b"A:\t\tb",
]
BYTES = [b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b";", b",", b"=", b"\"", b"\\",
         b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff", b"#", b"?", b"/", b"@", b"*", b"0",
         b"1", b"a", b"g", b"-", b"+", b"HTTP/1.1", b"\x1b", b"[", b"]", b"%"]

# Why another may refuse what we accept: who, what it says, why we do not.
EXPLAINED = [
    ("llhttp", "HPE_INVALID_METHOD", "it knows a list of methods; any token is one"),
    ("llhttp", "in chunk extensions", "blanks around = and ; are part of the grammar"),
    ("llhttp", "character in Content-Length", "a tab behind the value is part of the line, "
     "not of the number; its number is the same"),
    ("llhttp", "behind Upgrade", "in HTTP/1.0 Upgrade means nothing"),
    ("h11", "behind Upgrade", "without Connection: upgrade nobody wants to upgrade"),
    ("h11", "behind HTTP/1.0", "it has no keep-alive for HTTP/1.0"),
    ("h11", "no request line received", "an empty line may come before a request"),
    ("h11", "without a pending proposal", "who has asked for 101 is known to the client"),
]


def change(rng, text):
    """One change of a message."""
    kind = rng.randrange(9)
    at = rng.randrange(len(text) + 1)
    end = min(len(text), at + rng.choice([1, 1, 1, 2, 5, 20]))
    if kind == 0:
        return text[:at] + rng.choice(BYTES) + text[at:]
    if kind == 1:
        return text[:at] + rng.choice(BYTES) + text[at + 1:]
    if kind == 2:
        return text[:at] + text[end:]
    if kind == 3:
        return text[:at] + bytes([rng.randrange(256)]) + text[at + 1:]
    lines = text.split(b"\r\n")
    line = rng.randrange(len(lines))
    if kind in (4, 5, 6):
        lines.insert(max(1, line), rng.choice(LINES))
    elif kind == 7:
        lines.insert(line, rng.choice(lines))
    else:
        lines[line] = lines[line].swapcase()
    return b"\r\n".join(lines)


def samples(count, seed):
    """Pairs of "q" or "s" and bytes; the good ones first."""
    rng = random.Random(seed)
    good = [("q", text) for text in REQUESTS] + [("s", text) for text in RESPONSES]
    yield from good
    for _ in range(count - len(good)):
        kind, text = rng.choice(good)
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            text = change(rng, text)
        if kind == "q" and rng.randrange(2):
            text += NEXT
        yield kind, text


def packed(all_samples):
    return b"".join(kind.encode() + struct.pack(">I", len(text)) + text
                    for kind, text in all_samples)


def by_program(command, data):
    out = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def by_h11(kind, text):
    """As messages.c does it."""
    ours = h11.SERVER if kind == "q" else h11.CLIENT
    conn = h11.Connection(ours)
    messages, message, ended = [], None, False
    try:
        if kind == "s":
            conn.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
            conn.send(h11.EndOfMessage())
        conn.receive_data(text)
        while True:
            event = conn.next_event()
            if event is h11.NEED_DATA and not ended:
                ended = True
                conn.receive_data(b"")
            elif event in (h11.NEED_DATA, h11.PAUSED) or isinstance(
                    event, h11.ConnectionClosed):
                break
            elif isinstance(event, h11.InformationalResponse):
                messages.append(h11_message(event))
            elif isinstance(event, (h11.Request, h11.Response)):
                message = h11_message(event)
            elif isinstance(event, h11.Data):
                message["body"] += bytes(event.data).hex()
            elif isinstance(event, h11.EndOfMessage):
                messages.append(message)
                if kind == "s" or conn.their_state is not h11.DONE:
                    break
                conn.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
                conn.send(h11.EndOfMessage())
                if conn.our_state is not h11.DONE:
                    break
                conn.start_next_cycle()
    except h11.RemoteProtocolError as error:
        early = ended and not isinstance(error, KeyError) and "closed" in str(error)
        return {"messages": messages, "end": "more" if early else str(error)}
    return {"messages": messages, "end": "done"}


def h11_message(event):
    return {
        "method": getattr(event, "method", b"").hex(),
        "target": getattr(event, "target", b"").hex(),
        "status": getattr(event, "status_code", 0),
        "minor": int(event.http_version[2:]), "body": "",
        "fields": [{"name": name.hex(), "value": value.hex()}
                   for name, value in event.headers.raw_items()],
    }


def value_of(field):
    """h11 gives this one in lower case."""
    coding = bytes.fromhex(field["name"]).lower() == b"transfer-encoding"
    return bytes.fromhex(field["value"]).lower().hex() if coding else field["value"]


def form(message):
    return (message["method"], message["target"], message["status"], message["minor"],
            [(field["name"], value_of(field)) for field in message["fields"]],
            message["body"])


def why(outcome):
    """Why there are no more messages: in words, and by what the last one was."""
    if outcome["end"] != "done" or not outcome["messages"]:
        return outcome["end"]
    last = outcome["messages"][-1]
    upgrade = any(bytes.fromhex(field["name"]).lower() == b"upgrade"
                  for field in last["fields"])
    return "behind Upgrade" if upgrade else f"behind HTTP/1.{last['minor']}"


def closes(message):
    """Whether it said so itself: llhttp, not we, lets keep-alive win over that."""
    return any(bytes.fromhex(field["name"]).lower() == b"connection" and
               bytes.fromhex(field["value"]).lower() == b"close"
               for field in message["fields"])


class Findings:
    def __init__(self):
        self.failed = 0
        self.stricter = collections.Counter()
        self.looser = collections.Counter()
        self.same = 0

    def fail(self, text, what, *details):
        self.failed += 1
        if self.failed <= 10:
            print(what, repr(text), *details, sep="\n    ")

    def compare(self, who, text, ours, theirs):
        """What one has of it and what the other has."""
        a, b = ours["messages"], theirs["messages"]
        for mine, other in zip(a, b):
            if form(mine) != form(other):
                self.fail(text, f"{who} reads it otherwise", form(mine), form(other))
                return
            self.same += 1
        if len(a) > len(b):
            self.accepted(who, text, a[len(b):], why(theirs))
        elif len(a) < len(b) and ours["end"] == "done" and not closes(a[-1]):
            self.fail(text, f"{who} finds more", form(b[len(a)]))
        elif len(a) < len(b):
            self.stricter[f"{who}: {ours['end']}"] += 1

    def accepted(self, who, text, more, end):
        for name, reason, _ in EXPLAINED:
            if name == who and reason in end:
                self.looser[f"{who}: {end}"] += 1
                return
        self.fail(text, f"{who} refuses it: {end}", form(more[0]))


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 6000
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    all_samples = list(samples(count, seed))
    data = packed(all_samples)
    findings = Findings()
    ours = by_program([program], data)
    script = Path(__file__).with_name("messages.js")
    node = by_program(["node", str(script)], data)
    for (kind, text), mine, other in zip(all_samples, ours, node):
        findings.compare("llhttp", text, mine, other)
        if h11:
            if kind == "s": # of responses h11 is asked for one
                mine["messages"] = mine["messages"][:1]
            findings.compare("h11", text, mine, by_h11(kind, text))
    for title, counter in (("stricter than", findings.stricter),
                           ("accepted, and explained", findings.looser)):
        print(title)
        for what, n in counter.most_common():
            print(f"    {n:5} {what}")
    print(f"{count} samples, {findings.same} messages are the same, "
          f"{findings.failed} are not explained")
    for text, mine in zip(all_samples[:len(REQUESTS) + len(RESPONSES)], ours):
        if mine["end"] != "done":
            findings.fail(text, "a good one is refused", mine["end"])
    return 1 if findings.failed else 0


sys.exit(main())
