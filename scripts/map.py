#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""map.py [--check] - the lists of files in docs/design/map.md

Below each line <!-- files of FOLDER --> of that page it writes what is in the folder,
with the first sentence of each file's head comment. A .c and its .h, or a public header
and its .c, are one entry. With --check it writes nothing, and fails if the page
would be another one. In any case it fails if a file does not say what it is, or
is in a folder that the page does not have.
"""
import os
import re
import subprocess
import sys

PAGE = "docs/design/map.md"
MARK = re.compile(r"<!-- files of (\S+) -->")
END = "<!-- end of files -->"
# What is described as a folder, or is no source.
SKIP = re.compile(r"^(abi|debian|docs|fuzz/corpus|share/new|tests/fail|\.ci)/")
SOURCE = re.compile(r"\.(c|h|hpp|cpp|S|py|sh|js|erl|go|pml)$")
WIDEST = 120  # characters of a line
failures = []


def complain(what):
    failures.append(what)
    print(what, file=sys.stderr)


def tracked():
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    return sorted({f for f in out.split("\n")
                   if SOURCE.search(f) and not SKIP.match(f) and os.path.exists(f)})


def head(path):
    """The head comment, without its marks."""
    with open(path, encoding="utf-8") as file:
        text = file.read(8000)
    if path.endswith(".py"):
        found = re.match(r'(?:#[^\n]*\n)*"""(.*?)"""', text, re.S)
        return found.group(1) if found else hashes(text, "#")
    if path.endswith(".sh"):
        return hashes(text, "#")
    if path.endswith(".erl"):
        return hashes(text, "%")
    if path.endswith(".go") or path.endswith(".js"):
        text = re.sub(r"^#!.*\n", "", text)
        found = re.match(r"(?:\s*//[^\n]*\n|\s*/\*.*?\*/|\s*\"use strict\";|\s)*", text, re.S)
        return re.sub(r"^\s*(//|/\*|\*/|\*)", "", found.group(0), flags=re.M) \
            .replace("*/", "").replace("SPDX-License-Identifier: MIT", "")
    # Before it there may be the licence, and what switches something on.
    found = re.match(r"(?:\s*/\*\s*SPDX[^\n]*\*/\n|#(?:if|ifndef|define|pragma)[^\n]*\n|\n)*"
                     r"\s*/\*(?!\s*SPDX)(.*?)\*/", text, re.S)
    return re.sub(r"^\s*\*", "", found.group(1), flags=re.M) if found else ""


def hashes(text, mark):
    lines = []
    for line in text.split("\n"):
        if line.startswith("#!") or "SPDX" in line:
            continue
        if not line.startswith(mark):
            break
        lines.append(line.lstrip(mark))
    return "\n".join(lines)


def says(path):
    """The first sentence of what a file says that it is."""
    text = head(path).strip()
    first = re.split(r"\n[ \t]*\n", text)[0]
    first = " ".join(first.split())
    name = re.escape(os.path.basename(path))
    stem = re.escape(os.path.basename(path).rsplit(".", 1)[0])
    first = re.sub(rf"^(?:{name}|{stem})\b.*? - ", "", first)
    # A sentence; if that is long, what is before its first pause.
    for ends in (r"\.(?:\s|$)", r"[:;](?:\s|$)"):
        sentence = re.match(rf".{{12,}}?(?={ends})", first)
        if sentence and (len(first) > WIDEST or ends.startswith(r"\.")):
            first = sentence.group(0)
    return first.rstrip(".:;")


def about_test(path):
    """What a test without a comment is about: the noun that it is named after."""
    found = re.fullmatch(r"tests/unit/(\w+)/test_(\w+)\.c", path)
    if not found:
        return ""
    folder, noun = found.groups()
    for name in (f"src/{folder}/{noun}.c", f"src/{folder}/{noun}.h", f"include/heph/{noun}.h",
                 f"include/heph/{folder}/{noun}.h"):
        if os.path.exists(name):
            return f"of `{name}`"
    return ""


def public(path):
    """The public header that a file of the library belongs to."""
    found = re.fullmatch(r"src/(\w+)/(\w+)\.[ch]", path)
    if not found:
        return None
    folder, noun = found.groups()
    return next((h for h in (f"include/heph/{noun}.h", f"include/heph/{folder}/{noun}.h")
                 if os.path.exists(h)), None)


def entries(files):
    """Lines of the list, one for each noun."""
    nouns = {}
    for path in files:
        nouns.setdefault(path.rsplit(".", 1)[0], []).append(path)
    for stem, paths in nouns.items():
        paths.sort(key=lambda p: (not p.endswith(".h"), p))
        # The header of its own says it best, then the public one.
        texts = [says(p) for p in paths if not p.endswith((".c", ".cpp", ".S"))]
        if public(paths[0]):
            texts.append(says(public(paths[0])))
        texts += [says(p) for p in paths] + [about_test(paths[0])]
        text = next((t for t in texts if t), "")
        if not text:
            complain(f"{paths[0]} does not say what it is: give it a head comment")
        ends = ", ".join("." + p.rsplit(".", 1)[1] for p in sorted(paths))
        if len(paths) == 1:
            ends = ""
        name = os.path.basename(paths[0] if len(paths) == 1 else stem)
        yield f"| `{name}`{' ' + ends if ends else ''} | {text.replace('|', '&#124;')} |"


def main():
    check = "--check" in sys.argv
    files = tracked()
    with open(PAGE, encoding="utf-8") as page:
        old = page.read()
    new, inside, seen = [], False, set()
    for line in old.rstrip("\n").split("\n"):
        if inside and line != END:
            continue
        inside = False
        new.append(line)
        mark = MARK.fullmatch(line)
        if mark:
            folder = mark.group(1)
            here = [f for f in files if os.path.dirname(f) == folder]
            seen.add(folder)
            if not here:
                complain(f"{PAGE}: there is no file in {folder}")
            new += ["| | |", "|---|---|"] + list(entries(here))
            inside = True
    for folder in sorted({os.path.dirname(f) for f in files} - seen):
        complain(f"{PAGE} has no line <!-- files of {folder} -->")
    text = "\n".join(new) + "\n"
    if check and text != old:
        complain(f"{PAGE} is not what the files say: run scripts/map.py")
    elif text != old:
        with open(PAGE, "w", encoding="utf-8") as page:
            page.write(text)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
