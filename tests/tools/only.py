#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""only.py PROFILE [-NAME...] COMMAND... - runs a command that may do so much only

PROFILE is one of containers, in JSON, with rules that allow without conditions.
"-NAME" leaves out what a rule allows whose comment begins with "NAME:", or the
one system call of that name. What is not allowed fails with the error of the
profile. Ends with 77 if there are no filters here.
"""
import ctypes
import json
import os
import re
import struct
import subprocess
import sys

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
ALLOW, ERRNO = 0x7FFF0000, 0x00050000


def numbers():
    """The system calls of this machine, by name."""
    text = subprocess.run(
        [os.environ.get("CC") or "cc", "-E", "-dM", "-include", "asm/unistd.h",
         "-x", "c", "/dev/null"],
        check=True, capture_output=True, text=True).stdout
    return {name: int(number) for name, number
            in re.findall(r"^#define __NR_(\w+) (\d+)$", text, re.M)}


def allowed(profile, without):
    """The names; says so if one of `without` is none."""
    names, known = set(), set()
    for rule in profile["syscalls"]:
        group = rule["comment"].split(":")[0]
        assert rule["action"] == "SCMP_ACT_ALLOW", group
        known |= {group, *rule["names"]}
        if group not in without:
            names |= set(rule["names"])
    if without - known:
        sys.exit(f"only.py: the profile has no {sorted(without - known)}")
    return names - without


def program(wanted, err):
    def step(code, jt, jf, k):
        return struct.pack("HBBI", code, jt, jf, k)

    steps = [step(LOAD, 0, 0, 0)]
    for number in wanted:
        steps += [step(EQUAL, 0, 1, number), step(RETURN, 0, 0, ALLOW)]
    return steps + [step(RETURN, 0, 0, ERRNO | err)]


def main():
    args = sys.argv[1:]
    path = args.pop(0)
    without = set()
    while args[0].startswith("-"):
        without.add(args.pop(0)[1:])
    with open(path) as file:
        profile = json.load(file)
    known = numbers()
    names = allowed(profile, without)
    if os.uname().machine == "x86_64" and names - known.keys():
        sys.exit(f"only.py: unknown: {sorted(names - known.keys())}")
    steps = program(sorted(known[name] for name in names if name in known),
                    profile["defaultErrnoRet"])
    code = ctypes.create_string_buffer(b"".join(steps))
    filter_ = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code)))
    prctl = ctypes.CDLL(None).prctl
    zero = ctypes.c_ulong(0)
    if (prctl(PR_SET_NO_NEW_PRIVS, ctypes.c_ulong(1), zero, zero, zero) != 0 or
            prctl(PR_SET_SECCOMP, ctypes.c_ulong(SECCOMP_MODE_FILTER),
                  filter_, zero, zero) != 0):
        sys.exit(77)
    os.execvp(args[0], args)


main()
