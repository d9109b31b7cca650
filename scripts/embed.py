#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py OUT FILE... - a C file with the texts of files: struct embedded embedded[]

Each has the file's name and its text; the last one has no name.
"""
import os
import sys


def quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return "\n".join(f'\t\t"{line}\\n"' for line in escaped.splitlines()) or '\t\t""'


out, files = sys.argv[1], sys.argv[2:]
with open(out, "w", encoding="utf-8") as file:
    file.write('#include "new.h"\n\nconst struct embedded embedded[] = {\n')
    for path in files:
        with open(path, encoding="utf-8") as text:
            file.write(f'\t{{ "{os.path.basename(path)}",\n{quoted(text.read())} }},\n')
    file.write("\t{ 0, 0 },\n};\n")
