#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""http-names.py [--check]: makes C of src/http/names.txt

Writes include/heph/http/name.h, the enum, and src/http/nametable.h, a perfect hash
of the names: a bucket decides what is xored to a hash so that each name has a
slot of its own, with the first salt for which that can be. With --check it only says whether they are as they would be.
"""
import os
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
HEADER = 'include/heph/http/name.h'
TABLE = 'src/http/nametable.h'
MASK = (1 << 64) - 1
BUCKETS, SLOTS = 128, 512

HEAD = '''/* SPDX-License-Identifier: MIT */
/*
 * name.h - the names of fields that are registered, as numbers
 *
 * Those of IANA's registry and some that are common without it: to find out in one
 * step which of many a name is. Made by scripts/http-names.py of
 * src/http/names.txt.
 */
#ifndef HEPH_HTTP_NAME_H
#define HEPH_HTTP_NAME_H

#include <heph/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum heph_http_name {
	HEPH_HTTP_NAME_OTHER, /* not one of these */
'''

TAIL = '''	HEPH_HTTP_NAMES,
};

/* The number of a name of `size` bytes; letters in any case. Any thread. */
HEPH_API enum heph_http_name heph_http_name_of(const char *name, size_t size);

/* "Content-Type"; NULL for HEPH_HTTP_NAME_OTHER and what is no number of a name.
 * Any thread. */
HEPH_API const char *heph_http_name_text(enum heph_http_name name);

#ifdef __cplusplus
}
#endif
#endif
'''


def names():
    with open(os.path.join(ROOT, 'src/http/names.txt')) as file:
        lines = [line.strip() for line in file]
    found = [line for line in lines if line and not line.startswith('#')]
    assert len({name.lower() for name in found}) == len(found), 'a name is there twice'
    assert all(c.isalnum() or c == '-' for name in found for c in name)
    return found


def constant(name):
    return 'HEPH_HTTP_NAME_' + name.upper().replace('-', '_')


def hash_of(name, salt):
    """As heph_http_name_of() does."""
    data = bytes(c | 0x20 for c in name.encode())
    size = len(data)
    if size >= 8:
        first, last = data[:8], data[-8:]
    elif size >= 4:
        first, last = data[:4], data[-4:]
    else:
        first, last = bytes([data[0], data[size // 2], data[-1]]), b''
    n = int.from_bytes(first, 'little') * 0x9e3779b97f4a7c15 & MASK
    n = (n << 29 | n >> 35) & MASK
    n ^= int.from_bytes(last, 'little')
    n = (n + size + salt) * 0xd6e8feb86659fd93 & MASK
    return n ^ n >> 32


def spread(hashes):
    """Finds what is xored in each bucket; None: nothing."""
    buckets = [[] for _ in range(BUCKETS)]
    for number, n in enumerate(hashes):
        buckets[n % BUCKETS].append((n >> 7, number + 1))
    slots, moved = [0] * SLOTS, [0] * BUCKETS
    for at in sorted(range(BUCKETS), key=lambda b: -len(buckets[b])):
        for move in range(SLOTS):
            places = {(n ^ move) % SLOTS for n, _ in buckets[at]}
            if len(places) == len(buckets[at]) and not any(slots[p] for p in places):
                break
        else:
            return None
        moved[at] = move
        for n, number in buckets[at]:
            slots[(n ^ move) % SLOTS] = number
    return moved, slots


def numbers(values):
    lines = []
    for at in range(0, len(values), 12):
        lines.append('\t' + ', '.join(str(v) for v in values[at:at + 12]) + ',\n')
    return ''.join(lines)


def table(found):
    for salt in range(0, 100000, 64):
        places = spread([hash_of(name, salt) for name in found])
        if places:
            break
    moved, slots = places
    longest = max(len(name) for name in found)
    size = (longest + 8) // 8 * 8
    out = '''/* SPDX-License-Identifier: MIT */
/* nametable.h - made by scripts/http-names.py; see heph_http_name_of() */
#ifndef HTTP_NAMETABLE_H
#define HTTP_NAMETABLE_H

#include <stdint.h>

enum { NAME_LONGEST = %d, NAME_BUCKETS = %d, NAME_SLOTS = %d, NAME_SALT = %d };

static const uint16_t name_moves[NAME_BUCKETS] = {
%s};

static const uint16_t name_slots[NAME_SLOTS] = {
%s};

static const uint8_t name_sizes[] = {
%s};

/* Each with nuls up to its end, so that whole words can be compared. */
static const char name_texts[][%d] = {
	"",
%s};

#endif
'''
    texts = ''.join('\t"%s",\n' % name for name in found)
    sizes = [0] + [len(name) for name in found]
    return out % (longest, BUCKETS, SLOTS, salt, numbers(moved), numbers(slots), numbers(sizes), size, texts)


def main():
    found = names()
    made = {
        HEADER: HEAD + ''.join('\t%s,\n' % constant(name) for name in found) + TAIL,
        TABLE: table(found),
    }
    old = False
    for path, text in made.items():
        path = os.path.join(ROOT, path)
        if sys.argv[1:] != ['--check']:
            with open(path, 'w') as file:
                file.write(text)
            continue
        with open(path) as file:
            if file.read() != text:
                print(path + ': is not what scripts/http-names.py makes of src/http/names.txt')
                old = True
    return 1 if old else 0


if __name__ == '__main__':
    sys.exit(main())
