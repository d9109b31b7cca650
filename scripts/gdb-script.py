#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""gdb-script.py SCRIPT SECTION PART... - the parts of heph-gdb.py in one file

SCRIPT becomes that file, SECTION an assembler file that puts it into the
section .debug_gdb_scripts, from which gdb loads it together with the program
(entries of kind 4: the text of a Python script, after a line with its name).
"""
import sys

NAME = "heph-gdb.py"


def quoted(line):
    # The assembler's strings know few escapes; octal always works.
    return "".join(
        char if char.isalnum() or char in " _()=.,:;+-*/[]{}<>" else "\\%03o" % byte
        for byte in line.encode()
        for char in [chr(byte)]
    )


def main():
    script, section, *parts = sys.argv[1:]
    text = "# SPDX-License-Identifier: MIT\n"
    for part in parts:
        with open(part, encoding="ascii") as file:
            text += "\n" + file.read().replace("# SPDX-License-Identifier: MIT\n", "")
    with open(script, "w", encoding="ascii") as file:
        file.write(text)
    with open(section, "w", encoding="ascii") as file:
        # Somebody refers to this, so that the linker takes the rest.
        file.write("\t.section .rodata\n\t.globl heph_gdb_script\n")
        file.write("\t.hidden heph_gdb_script\nheph_gdb_script:\n\t.byte 0\n")
        file.write('\t.section .debug_gdb_scripts, "MS", %progbits, 1\n')
        file.write("\t.byte 4\n\t.ascii \"%s\\n\"\n" % quoted(NAME))
        for line in text.splitlines():
            file.write('\t.ascii "%s\\n"\n' % quoted(line))
        file.write("\t.byte 0\n")
        file.write('\t.section .note.GNU-stack, "", %progbits\n')


main()
