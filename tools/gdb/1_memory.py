# SPDX-License-Identifier: MIT
"""heph: what an actor system does, for gdb 12 and later

    help heph        the commands
    heph actors      all actors, or some
    heph bt ID       the backtrace of one, wherever it is

Reads memory alone: nothing is called in the program, so it works with a core
file as well. What the structs look like is told by a table in the library
(struct heph_gdb_layout), so that no debug information of it is needed. Values
and lines of your own code need that of your own program, as always.
"""
import fnmatch
import os
import re
import struct
import tempfile

import gdb
import gdb.printing
import gdb.unwinder


class HephError(Exception):
    """Something is not as it should be; the text says what and where."""


class HephMemory:
    """Reads the memory of the program, or of its core file."""

    WORD = 8

    @staticmethod
    def bytes(address, size, what):
        if size == 0:
            return b""
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except (gdb.error, OverflowError, ValueError):
            raise HephError("%s cannot be read: %d bytes at 0x%x" % (what, size, address))

    @classmethod
    def number(cls, address, size, what):
        return int.from_bytes(cls.bytes(address, size, what), "little")

    @classmethod
    def word(cls, address, what):
        return cls.number(address, cls.WORD, what)

    @classmethod
    def text(cls, address, what, limit=256):
        """A string in C, as far as it is one."""
        found = b""
        while len(found) < limit and b"\0" not in found:
            at = address + len(found)
            found += cls.bytes(at, min(64, 4096 - at % 4096), what)
        found = found[:limit].split(b"\0")[0]
        return "".join(
            chr(byte) if 32 <= byte < 127 else "\\x%02x" % byte for byte in found
        )


class HephLayout:
    """The library's own table of its structs: names, offsets, sizes."""

    MAGIC = b"heph gdb layout\0"
    VERSION = 1
    ENTRY = struct.Struct("<22sHQ")
    MAX = 1000
    SECTION = re.compile(
        r"^\s*0x([0-9a-f]+) - 0x([0-9a-f]+) is \.(?:data\.rel\.ro\S*|rodata)", re.M
    )

    def __init__(self):
        self.values = {}
        self.sizes = {}
        self.groups = {}
        address = self.find()
        head = HephMemory.bytes(address, 32, "heph's table of structs")
        version, n, entries = struct.unpack_from("<IIQ", head, 16)
        if version != self.VERSION or n > self.MAX:
            raise HephError(
                "this heph-gdb.py is of another version than the library:"
                " %d, not %d" % (self.VERSION, version)
            )
        size = n * self.ENTRY.size
        table = HephMemory.bytes(entries, size, "heph's table of structs")
        for name, size, value in self.ENTRY.iter_unpack(table):
            name = name.split(b"\0")[0].decode()
            self.values[name] = value
            self.sizes[name] = size

    @classmethod
    def is_at(cls, address):
        try:
            return HephMemory.bytes(address, 16, "") == cls.MAGIC
        except HephError:
            return False

    @classmethod
    def find(cls):
        space = gdb.current_progspace()
        if gdb.selected_inferior().pid == 0:
            raise HephError("there is no program that runs, and no core file")
        address = getattr(space, "heph_layout", None)
        if address is None or not cls.is_at(address):
            address = cls.by_name() or cls.by_magic()
        if address is None:
            raise HephError("there is no libheph in this program")
        space.heph_layout = address
        return address

    @classmethod
    def by_name(cls):
        try:
            address = int(gdb.parse_and_eval("(unsigned long)&heph_gdb_layout"))
        except gdb.error:
            return None
        return address if cls.is_at(address) else None

    @classmethod
    def by_magic(cls):
        """In what was stripped: among the constants."""
        for found in cls.SECTION.finditer(gdb.execute("info files", to_string=True)):
            begin, end = (int(text, 16) for text in found.groups())
            try:
                hit = gdb.selected_inferior().search_memory(begin, end - begin, cls.MAGIC)
            except gdb.error:
                continue
            if hit is not None and cls.is_at(hit):
                return hit
        return None

    def __getitem__(self, name):
        try:
            return self.values[name]
        except KeyError:
            raise HephError("the library's table of structs has no %s" % name)

    def read(self, struct_at, name, what):
        """A member of a struct at an address."""
        return HephMemory.number(struct_at + self[name], self.sizes[name], what)

    def pick(self, data, name):
        """The same, of bytes that were read."""
        at = self[name]
        return int.from_bytes(data[at : at + self.sizes[name]], "little")

    def group(self, prefix):
        """Those whose names begin so, by the rest of the name."""
        if prefix not in self.groups:
            self.groups[prefix] = {
                name[len(prefix) :]: value
                for name, value in self.values.items()
                if name.startswith(prefix)
            }
        return self.groups[prefix]
