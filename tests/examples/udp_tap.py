#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# udp_tap.py HOST:PORT FILE - passes datagrams on to that address, and back to whom
# they are from, and writes all that passes into the file. With FORGE in the
# environment each is also passed with a bit changed, and once more.
# Prints "listening on ADDRESS" first; ends by a signal.
import os
import selectors
import socket
import sys

host, port = sys.argv[1].rsplit(':', 1)
log = open(sys.argv[2], 'wb', buffering=0)
forge = 'FORGE' in os.environ
front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
front.bind(('127.0.0.1', 0))
selector = selectors.DefaultSelector()
selector.register(front, selectors.EVENT_READ)
backs, clients = {}, {}  # by the client's address; by the socket
print('listening on 127.0.0.1:%d' % front.getsockname()[1], flush=True)


def back_of(client):
    if client not in backs:
        back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        back.connect((host, int(port)))
        selector.register(back, selectors.EVENT_READ)
        backs[client], clients[back] = back, client
    return backs[client]


def variants(data):
    if forge:
        changed = bytearray(data)
        changed[len(data) // 2] ^= 4
        yield bytes(changed)
        yield data
    yield data


while True:
    for key, _ in selector.select():
        try:
            data, sender = key.fileobj.recvfrom(65536)
            log.write(data)
            for variant in variants(data):
                if key.fileobj is front:
                    back_of(sender).send(variant)
                else:
                    front.sendto(variant, clients[key.fileobj])
        except ConnectionRefusedError:
            pass
