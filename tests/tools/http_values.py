#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""http_values.py LIBRARY - libheph-http's values beside those of Python

Calls the shared library itself, with texts made by a seeded generator, and
compares: dates with email.utils, URIs and queries with urllib.parse, cookies with
http.cookies, credentials with base64. What both can read must mean the same.
"""
import base64
import ctypes
import email.utils
import http.cookies
import os
import random
import string
import sys
import urllib.parse

SEED = int(os.environ.get("SEED") or 7)
ROUNDS = 3000


class Str(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]

    def bytes(self):
        return ctypes.string_at(self.data, self.size) if self.data else None


class Uri(ctypes.Structure):
    _fields_ = [(name, Str) for name in
                ("scheme", "userinfo", "host", "port", "path", "query", "fragment")
                ] + [("is_ipv6", ctypes.c_bool)]


kept = []  # what the library's views point into


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    buffer = ctypes.create_string_buffer(data, len(data) + 1)
    kept.append(buffer)
    del kept[:-8]
    return Str(ctypes.addressof(buffer), len(data))


def room(size=4096):
    buffer = ctypes.create_string_buffer(size)
    kept.append(buffer)
    return buffer


def same(what, ours, theirs):
    if ours != theirs:
        sys.exit(f"{what}: {ours!r}, and Python says {theirs!r} (SEED={SEED})")


def word(rng, letters, most=8, least=0):
    return "".join(rng.choice(letters) for _ in range(rng.randint(least, most)))


def dates(library, rng):
    for _ in range(ROUNDS):
        seconds = rng.randint(0, 253402300799)
        written = ctypes.create_string_buffer(30)
        library.heph_http_date_write(ctypes.c_int64(seconds), written)
        same("a date", written.value.decode(), email.utils.formatdate(seconds, usegmt=True))
        got = ctypes.c_int64()
        same("reading", library.heph_http_date_read(text(written.value), ctypes.byref(got)), 0)
        same("seconds", got.value, seconds)


def percents(library, rng):
    for _ in range(ROUNDS):
        data = bytes(rng.randrange(256) for _ in range(rng.randint(0, 40)))
        got = Str()
        encode, decode = library.heph_http_percent_encode, library.heph_http_percent_decode
        same("encoding", encode(text(data), b"/", room(), ctypes.c_size_t(4096), ctypes.byref(got)), 0)
        encoded = got.bytes()
        same("encoded", encoded.decode(), urllib.parse.quote(data, safe="/"))
        same("decoding", decode(text(encoded), room(), ctypes.c_size_t(4096), ctypes.byref(got)), 0)
        same("decoded", got.bytes() or b"", urllib.parse.unquote_to_bytes(encoded))


def queries(library, rng):
    for _ in range(ROUNDS):
        query = word(rng, "ab=&+%41%20;", 30).replace("%", "%2")
        pairs, at = [], ctypes.c_size_t(0)
        name, value = Str(), Str()
        whole = text(query)

        def decoded(part):
            got = Str()
            err = library.heph_http_query_decode(part, room(), ctypes.c_size_t(4096),
                                                 ctypes.byref(got))
            return None if err else (got.bytes() or b"").decode("utf-8", "replace")

        while library.heph_http_query_next(whole, ctypes.byref(at), ctypes.byref(name),
                                           ctypes.byref(value)) > 0:
            pairs.append((decoded(name), decoded(value)))
        if all(None not in pair for pair in pairs):  # Python keeps what is malformed
            same(f"pairs of {query}", pairs,
                 urllib.parse.parse_qsl(query, keep_blank_values=True))


def uris(library, rng):
    base, reference, target = Uri(), Uri(), Uri()
    base_text = "http://u@a.example:81/b/c/d;p?q"
    kept_base = ctypes.create_string_buffer(base_text.encode())
    assert library.heph_http_uri_read(Str(ctypes.addressof(kept_base), len(base_text)),
                                      ctypes.byref(base)) == 0
    both = 0
    for _ in range(ROUNDS):
        relative = "/".join(rng.choice(["..", ".", "x", "yz", "a;b"])
                            for _ in range(rng.randint(1, 6)))
        # Python leaves dots alone behind a host, which section 5.2.2 does not.
        relative = rng.choice(["", "/"]) + relative if rng.random() < .8 else \
            rng.choice(["", "//h:8/x/y"])
        relative += rng.choice(["", "?k=v", "#f", "?k#f"])
        if library.heph_http_uri_read(text(relative), ctypes.byref(reference)):
            continue
        same("resolving", library.heph_http_uri_resolve(
            ctypes.byref(base), ctypes.byref(reference), room(), ctypes.c_size_t(4096),
            ctypes.byref(target)), 0)
        whole = Str()
        same("writing", library.heph_http_uri_write(
            ctypes.byref(target), room(), ctypes.c_size_t(4096), ctypes.byref(whole)), 0)
        same(f"resolved {relative}", whole.bytes().decode(),
             urllib.parse.urljoin(base_text, relative))
        split = urllib.parse.urlsplit(whole.bytes().decode())
        same("the host", target.host.bytes().decode(), split.hostname)
        same("the path", target.path.bytes().decode(), split.path)
        same("the query", (target.query.bytes() or b"").decode(), split.query)
        same("the port", library.heph_http_uri_port(ctypes.byref(target)), split.port)
        both += 1
    assert both > ROUNDS / 2


def cookies(library, rng):
    letters = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
    for _ in range(ROUNDS // 10):
        # Some names mean something to Python: those with "$", "path" ...
        pairs = {"c" + word(rng, string.digits + "-_."): word(rng, letters, 8, 1)
                 for _ in range(3)}
        jar = http.cookies.SimpleCookie()
        line = "; ".join(f"{k}={v}" for k, v in pairs.items())
        jar.load(line)
        for key, morsel in jar.items():
            got = Str()
            same("a cookie", library.heph_http_cookie_get(
                text(line), key.encode(), ctypes.byref(got)), 1)
            same("its value", got.bytes().decode(), morsel.value)


def credentials(library, rng):
    letters = string.ascii_letters + string.digits + " -_:äß"
    for _ in range(ROUNDS // 10):
        user, password = word(rng, letters).replace(":", ""), word(rng, letters, 20)
        got, other = Str(), Str()
        same("writing", library.heph_http_basic_write(
            text(user), text(password), room(), ctypes.c_size_t(4096), ctypes.byref(got)), 0)
        expected = base64.b64encode(f"{user}:{password}".encode()).decode()
        same("credentials", got.bytes().decode(), "Basic " + expected)
        same("reading", library.heph_http_basic_read(
            text("basic " + expected), room(), ctypes.c_size_t(4096), ctypes.byref(got),
            ctypes.byref(other)), 1)
        same("the user", got.bytes().decode(), user)
        same("the password", (other.bytes() or b"").decode(), password)


def main():
    try:
        library = ctypes.CDLL(sys.argv[1])
    except OSError as error:
        print(f"skipped: {error}")  # a sanitizer's library cannot be loaded
        return 77
    library.heph_http_date_write.restype = None
    for compare in (dates, percents, queries, uris, cookies, credentials):
        compare(library, random.Random(SEED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
