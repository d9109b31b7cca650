#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""redis_diff.py OURS THEIRS SEED ROUNDS

Sends the same bytes to two servers that talk like Redis, and compares the bytes
that they answer. A server is HOST:PORT or the path of a socket. Each stream
starts with no keys. A whole one ends with a command that is recognised when it
is answered; one that may be broken with the end of the sending half, and then
what comes back until the other end closes is the answer.
"""

import random
import socket
import sys
import threading
import time

LIMIT = 20  # seconds without a byte: it hangs
SLOW = 0.2  # seconds, after which fewer may be left of a time to live
TRIES = 10
END = b"the end of the stream"


def connect(server):
    if "/" in server:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(server)
    else:
        host, port = server.rsplit(":", 1)
        sock = socket.create_connection((host, int(port)))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(LIMIT)
    return sock


def send_all(sock, chunks, pause, whole):
    try:
        for chunk in chunks:
            sock.sendall(chunk)
            if pause:
                time.sleep(pause)
        if not whole:
            sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it closed early: that shows in the answer


def read_all(sock, end):
    answer = b""
    while not (end and answer.endswith(end)):
        try:
            part = sock.recv(1 << 20)
        except ConnectionResetError:
            break
        except TimeoutError:
            return answer + b"<silence>"
        if not part:
            break
        answer += part
    return answer


def ask(server, chunks, pause=0.0, whole=True):
    """What the server answers to these bytes, sent in these pieces."""
    if whole:
        chunks = chunks + [command("ECHO", END)]
    with connect(server) as sock:
        sender = threading.Thread(target=send_all, args=(sock, chunks, pause, whole))
        sender.start()
        answer = read_all(sock, b"$%d\r\n%s\r\n" % (len(END), END) if whole else None)
        sender.join()
    return answer


def command(*words):
    """A command as an array of strings."""
    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
    return b"*%d\r\n" % len(words) + b"".join(
        b"$%d\r\n%s\r\n" % (len(w), w) for w in words)


def commands(text):
    """One command for each line, of words."""
    return b"".join(command(*line.split()) for line in text.strip().splitlines())


# ---- streams written by hand -------------------------------------------------

VALID = {
    "strings": """
        SET a 1
        GET a
        GET nothing
        SET a 2 NX
        SET b 2 XX
        SET b 2 NX
        SET a 3 GET
        SET c 3 GET
        SET c 4 NX GET
        SET d 4 XX GET
        SET a 5 nx xx
        SET a 5 EX
        SET a 5 EX 10 PX 10
        SET a 5 EX 10 KEEPTTL
        SET a 5 KEEPTTL EX 10
        SET a 5 WRONG
        SETNX a 1
        SETNX e 1
        GETSET a 9
        GETSET f 9
        GETDEL f
        GETDEL f
        APPEND a xyz
        APPEND g xyz
        STRLEN a
        STRLEN nothing
        TYPE a
        TYPE nothing
        MSET a 1 b 2 c 3
        MSET a 1 b
        MGET a b nothing c
        EXISTS a b c nothing a
        EXISTS a
        DEL a b nothing a
        DEL nothing
        UNLINK c
        TOUCH d e
        DBSIZE
        FLUSHALL WRONG
        FLUSHALL ASYNC
        DBSIZE
    """,
    "numbers": """
        INCR n
        INCR n
        DECR n
        INCRBY n 40
        DECRBY n 1
        GET n
        SET n abc
        INCR n
        SET n 9223372036854775807
        INCR n
        INCRBY n 1
        DECRBY n -1
        DECRBY n -9223372036854775808
        SET n -9223372036854775808
        DECR n
        INCRBY n -1
        INCRBY n 9223372036854775808
        INCRBY n 1x
        INCRBY n +1
        INCRBY n -0
        INCRBY n 01
        SET n 01
        INCR n
        SET n -0
        INCR n
        SET n 00000000000000000000001
        INCR n
        INCRBY n 1.5
    """,
    "expiry": """
        SET a 1 EX 100
        TTL a
        SET a 1
        TTL a
        SET a 1 PX 100000
        TTL a
        SET a 2 KEEPTTL
        TTL a
        PERSIST a
        PERSIST a
        PERSIST nothing
        TTL a
        PTTL a
        TTL nothing
        PTTL nothing
        EXPIRE a 100
        TTL a
        EXPIRE a 200 NX
        EXPIRE a 200 XX
        TTL a
        EXPIRE a 100 GT
        EXPIRE a 300 GT
        EXPIRE a 400 LT
        EXPIRE a 50 LT
        EXPIRE a 50 NX XX
        EXPIRE a 50 NX GT
        EXPIRE a 50 GT LT
        EXPIRE a 50 WRONG
        EXPIRE a abc
        EXPIRE a abc WRONG
        EXPIRE nothing 10
        PEXPIRE a 1000000
        TTL a
        EXPIRE a 9223372036854775807
        EXPIRE a -9223372036854775808
        PEXPIRE a 9223372036854775807
        TTL a
        EXPIRE a 0
        GET a
        SET a 1
        EXPIRE a -1
        GET a
        SET a 1 EX 0
        SET a 1 EX -1
        SET a 1 EX abc
        SET a 1 PX 0
        SET a 1 EX 9223372036854775807
        SET a 1 PX 9223372036854775807
        SET a 1 EX 9223372036854775
        SET a 1 PXAT 1
        GET a
        SET a 1 EXAT 99999999999
        EXISTS a
        SETEX a 100 v
        TTL a
        SETEX a 0 v
        SETEX a x v
        PSETEX a 100000 v
        TTL a
        PSETEX a -5 v
        INCR m
        EXPIRE m 100
        INCR m
        TTL m
        APPEND m 1
        TTL m
        GETSET m 1
        TTL m
    """,
    "connection": """
        PING
        PING hello
        PING a b
        ping
        PiNg
        ECHO hello
        ECHO
        SELECT 0
        SELECT 1
        SELECT -1
        SELECT abc
        CLIENT SETNAME x
        CLIENT SETNAME
        CLIENT
        CLIENT WRONG
        CONFIG
        CONFIG WRONG
        CONFIG GET
        CONFIG GET save
        CONFIG GET appendonly
        CONFIG GET nothing
        HELLO 4
        HELLO abc
        HELLO 1
    """,
    "errors": """
        GET
        GET a b
        SET a
        DEL
        MGET
        MSET
        MSET a
        INCRBY a
        EXPIRE a
        TTL
        DBSIZE x
        APPEND a
        STRLEN
        foo
        foo a
        foo a b c
        GETT a
    """,
}

# Each of these ends its connection, or is never complete.
BROKEN = [
    b"*abc\r\n", b"*\r\n", b"*1x\r\n", b"*99999999999\r\n", b"* 1\r\n",
    b"*1\r\n:1\r\n", b"*1\r\nx\r\n", b"*1\r\n\r\n", b"*1\r\n4\r\nPING\r\n",
    b"*1\r\n$abc\r\n", b"*1\r\n$-1\r\n", b"*1\r\n$\r\n", b"*1\r\n$+4\r\nPING\r\n",
    b"*1\r\n$04\r\nPING\r\n", b"*01\r\n$4\r\nPING\r\n",
    b"*1\r\n$999999999999\r\n", b"*2\r\n$4\r\nPING\r\n", b"*1\r\n$4\r\nPI",
    b"*1\r\n$4\r", b"*1\r", b"*", b"PING", b"PING\r", b"$4\r\nPING\r\n",
    b"SET a \"b\r\n", b"SET a 'b\r\n", b"SET a \"b\"c\r\n", b"SET a 'b'c\r\n",
    b"SET a \"b\\\r\n", b"GET \"\r\n", b"GET '\r\n",
    b"x" * 70000, b"x" * 200000 + b"\r\n", b"PING " + b"x" * 200000 + b"\r\n",
    b"*" + b"1" * 70000, b"*1\r\n$" + b"1" * 70000,
    b"*1\r\n" + b"x" * 70000, b"*1\r\n" + b"x" * 200000 + b"\r\n",
    b"*1" + b"0" * 30 + b"\r\n", command("QUIT", "now"), b"QUIT\r\n",
    command("PING") + command("QUIT") + command("PING"),
    command("PING") * 5 + b"*1\r\n:\r\n" + command("PING"),
    command("SET", "a", "1") * 3 + b"GET 'a\r\n",
]

# Lines, and arrays that are well-formed but odd.
ODD = [
    b"PING\r\n", b"PING\n", b"\r\n", b"\n", b"\r\n\r\nPING\r\n", b"   \r\n",
    b"  PING  \r\n", b"PING hello\r\n", b"PING 'a b'\r\n", b"PING \"a b\"\r\n",
    b"PING \"a\\n\\r\\t\\b\\a\\x41\\x0g\\\\\\\"\\q\"\r\n", b"PING 'a\\'b\\n'\r\n",
    b"PING \"\"\r\n", b"PING ''\r\n", b"PING a\"b c\"\r\n", b"PING a'b c'\r\n",
    b"PING \"\\xff\\x00\\x1\"\r\n", b"P\"ING\"\r\n", b"PING\ta\r\n", b"PING\x0ba\r\n",
    b"PING \x0ca\r\n", b"PING\r\r\n", b"PI\rNG\r\n", b"\"\" a\r\n",
    b"SET a b\r\nGET a\r\nSET \"\" x\r\nGET ''\r\n",
    b"*0\r\n", b"*-1\r\n", b"*-5\r\nPING\r\n", b"*0\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
    b"*1\r\n$0\r\n\r\n", b"*2\r\n$0\r\n\r\n$1\r\na\r\n",
    b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", b"*1\rx$4\rxPINGxx",
    b"*3\r\n$3\r\nSET\r\n$0\r\n\r\n$0\r\n\r\n*2\r\n$3\r\nGET\r\n$0\r\n\r\n",
    command("SET", b"\x00\xff\r\n", b"\r\n\x00" * 5) + command("GET", b"\x00\xff\r\n"),
    command("foo", b"a\r\nb", b"c\x00d"), command(b"f\r\no", b"a"),
    # Not "get" and a NUL: for redis-server that is GET if the two fall into one bucket.
    command("GET" + "x" * 300, "y" * 300, "z"),
    command("foo", "x" * 100, "y" * 100, "z" * 100), command("foo", *range(100)),
    command("foo", "x" * 127, "y"), command("foo", "x" * 124, "y", "z"),
    command("SET", "big", b"x" * 1000000) + command("GET", "big") * 3 + command("STRLEN", "big"),
    command("SET", "big", b"x" * 100000) + command("GET", "big") * 40 + command("PING"),
    command("MSET", *[x for i in range(500) for x in (b"k%d" % i, b"v" * i)])
    + command("MGET", *[b"k%d" % i for i in range(502)]) + command("DBSIZE")
    + command("DEL", *[b"k%d" % i for i in range(0, 500, 2)]) + command("DBSIZE"),
    b"".join(command("SET", i, i * i) for i in range(5000))
    + b"".join(command("GET", i) for i in range(5001)) + command("DBSIZE"),
    command("INCR", "n") * 20000,
]


# ---- streams made by chance --------------------------------------------------

KEYS = [b"a", b"b", b"c", b"key:1", b"key:2", b"", b"\x00\r\n", b"n", b"m"]
VALUES = [b"", b"1", b"-1", b"0", b"41", b"abc", b"\r\n", b"9223372036854775807",
          b"-9223372036854775808", b"9223372036854775808", b"1 ", b" 1", b"007",
          b"\xff\x00\xfe", b"x" * 100, b"y" * 5000]
NUMBERS = [b"0", b"1", b"-1", b"100", b"5000", b"abc", b"", b"9223372036854775807",
           b"-9223372036854775808", b"9223372036854776"]
TIMES = [b"0", b"-1", b"1000000", b"9000000", b"abc", b"9223372036854775807",
         b"-9223372036854775808", b"9223372036854776"]  # none that passes meanwhile
OPTIONS = [b"NX", b"XX", b"nx", b"GET", b"KEEPTTL", b"EX", b"PX", b"1000000", b"0",
           b"GT", b"LT", b"what"]
# k: key, v: value, n: number, t: time, o: option; upper case: some of them
SHAPES = [
    "GET k", "SET k v", "SET k v O", "SETNX k v", "GETSET k v", "GETDEL k", "APPEND k v",
    "STRLEN k", "TYPE k", "INCR k", "DECR k", "INCRBY k n", "DECRBY k n", "DEL K",
    "EXISTS K", "MGET K", "MSET k v k v k v", "MSET k v k", "EXPIRE k t", "EXPIRE k t O",
    "PEXPIRE k t O", "TTL k", "PERSIST k", "SETEX k t v", "DBSIZE", "PING v", "ECHO v",
    "FLUSHALL", "GET", "SET k", "UNLINK K", "what K"]


def random_command(rng):
    kinds = {"k": KEYS, "v": VALUES, "n": NUMBERS, "t": TIMES, "o": OPTIONS}
    name, *shape = rng.choice(SHAPES).split()
    words = [rng.choice([name, name.lower()])]
    for kind in shape:
        times = rng.randint(1, 4) if kind.isupper() else 1
        words += [rng.choice(kinds[kind.lower()]) for _ in range(times)]
    return command(*words)


def quoted(word):
    return b'"' + b"".join(b"\\x%02x" % byte for byte in word) + b'"'


def random_line(rng):
    words = [rng.choice([b"GET", b"SET", b"APPEND", b"STRLEN", b"EXISTS", b"PING"])]
    words += [quoted(rng.choice(KEYS + VALUES[:12])) for _ in range(rng.randint(0, 3))]
    return rng.choice([b" ", b"  ", b"\t"]).join(words) + rng.choice([b"\r\n", b"\n"])


def random_stream(rng):
    return b"".join(random_line(rng) if rng.random() < 0.15 else random_command(rng)
                    for _ in range(rng.randint(1, 60)))


def broken(rng, stream):
    """With some wrong bytes, but no zeros: in a header redis-server waits for
    ever after one, and we do not."""
    stream = bytearray(stream.replace(b"\0", b"z"))
    for _ in range(rng.randint(1, 3)):
        stream[rng.randrange(len(stream))] = rng.choice(b"*$:\r\n0123456789-x \"'")
    return bytes(stream)


def random_chunks(rng, stream):
    if rng.random() < 0.3:
        return [stream]
    n = rng.randint(1, 12)
    cuts = sorted(rng.randrange(len(stream) + 1) for _ in range(n))
    return [stream[a:b] for a, b in zip([0] + cuts, cuts + [len(stream)])]


# ---- comparing ---------------------------------------------------------------

def short(data):
    return repr(data) if len(data) < 600 else f"{data[:400]!r}...{data[-150:]!r}"


def where(a, b):
    n = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    return f"byte {n}: {a[max(0, n - 40):n + 60]!r} and {b[max(0, n - 40):n + 60]!r}"


class Comparison:
    def __init__(self, ours, theirs):
        self.servers = ours, theirs
        self.passed = self.failed = 0

    def ask_both(self, chunks, pause, whole):
        """Their answers; again if they differ because one of them took long."""
        for _ in range(TRIES):
            answers, took = [], []
            for server in self.servers:
                ask(server, [command("FLUSHALL")])
                began = time.monotonic()
                answers.append(ask(server, chunks, pause, whole))
                took.append(time.monotonic() - began)
            if answers[0] == answers[1] or max(took) < SLOW:
                break
        return answers

    def same(self, name, chunks, pause=0.0, whole=True):
        answers = self.ask_both(chunks, pause, whole)
        if answers[0] == answers[1] and not answers[0].endswith(b"<silence>"):
            self.passed += 1
            return
        self.failed += 1
        print(f"{name}: the answers differ")
        print("  sent  ", short(b"".join(chunks)))
        print("  ours  ", short(answers[0]))
        print("  theirs", short(answers[1]))
        print("  first ", where(*answers))


def main():
    ours, theirs = sys.argv[1:3]
    seed, rounds = (int(word) for word in sys.argv[3:5])
    both = Comparison(ours, theirs)

    for name, text in VALID.items():
        stream = commands(text)
        both.same(name, [stream])
        both.same(name + ", a line at a time", [commands(line) for line in
                                                text.strip().splitlines()], 0.0005)
    for i, stream in enumerate(BROKEN + ODD):
        whole = i >= len(BROKEN)
        both.same(f"stream {i}", [stream], 0, whole)
        if len(stream) < 60:  # the pause lets the server see each byte alone
            both.same(f"stream {i}, byte by byte",
                      [stream[k:k + 1] for k in range(len(stream))], 0.0005, whole)
    for i in range(rounds):
        rng = random.Random(f"{seed} {i}")
        stream = random_stream(rng)
        whole = rng.random() < 0.6
        if not whole:
            stream = broken(rng, stream)
        both.same(f"seed {seed}, round {i}", random_chunks(rng, stream), 0.0002, whole)
    print(f"seed {seed}: {both.passed} the same, {both.failed} different")
    return both.failed > 0


if __name__ == "__main__":
    sys.exit(main())
