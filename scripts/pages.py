# SPDX-License-Identifier: MIT
"""pages.py - the pages of the documentation, for check-links.py and site.py

What Markdown is here: fenced blocks, `code`, [text](target), ![text](picture),
headings with "#". Nothing else of it matters to those who ask.
"""
import glob
import os
import re
import subprocess

COMMENT = re.compile(r"<!--.*?-->", re.S)
CODE = re.compile(r"(?<!`)(`+)(?!`)((?:(?!\n\s*\n).)+?)(?<!`)\1(?!`)", re.S)
TEXT = r"(?:(?!\n\s*\n)(?:[^\[\]]|\[[^\[\]]*\]))*"
LINK = re.compile(rf"(!?)\[((?:!\[{TEXT}\]\([^)]*\)|{TEXT}))\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)", re.S)
# An entry of an index: a row of a table or an item of a list that begins with a link.
ENTRY = re.compile(r"^\s*(?:\||[-*]|\d+\.)\s*\[([^\]]+)\]\(([\w-]+\.md)\)")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def files():
    """All that belongs to the project; in a tarball that is all that is there."""
    done = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = done.stdout.split("\n") if done.returncode == 0 else \
        [p for p in glob.glob("**", recursive=True) if not p.startswith("build")]
    return sorted({p for p in found if os.path.isfile(p)})


def outside_fences(text):
    """Yields (line, whether it is outside of fenced blocks)."""
    fence = None
    for line in text.split("\n"):
        mark = re.match(r" {0,3}(`{3,}|~{3,})", line)
        if fence is None and mark:
            fence = mark[1]
            yield line, False
        elif fence is not None:
            if mark and mark[1].startswith(fence) and not line.strip(" `~"):
                fence = None
            yield line, False
        else:
            yield line, True


def blank(match):
    return re.sub(r"[^\n]", " ", match[0])


def prose(text):
    """The text with blocks of code and comments blanked, and "x" for each character of
    `code`; all else is in its place."""
    text = "\n".join(line if outside else " " * len(line)
                     for line, outside in outside_fences(text))
    text = COMMENT.sub(blank, text)
    return CODE.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), text)


def links(text):
    """Yields (match, whether it is a picture) for each link; pictures in links too."""
    plain = prose(text)
    for match in LINK.finditer(plain):
        yield match, bool(match[1])
        yield from ((inner, True) for inner in
                    LINK.finditer(plain, match.start(2), match.end(2)) if inner[1])


def headings(text):
    """Yields (level, text) of each heading."""
    plain = COMMENT.sub(blank, text)
    for line, outside in outside_fences(plain):
        match = re.match(r"(#{1,6}) +(.*?)(?: +#+)? *$", line)
        if outside and match:
            yield len(match[1]), match[2]


def title(path):
    return next((text for level, text in headings(read(path)) if level == 1),
                os.path.basename(path))


def anchors(text):
    """What can stand behind "#" in a link: as everybody makes it of a heading."""
    found = {}
    for _, heading in headings(text):
        heading = LINK.sub(r"\2", heading).replace("`", "").replace("*", "")
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        found[anchor] = found.get(anchor, -1) + 1
    return set(found) | {f"{a}-{n}" for a, last in found.items() for n in range(1, last + 1)}


def index(path):
    """The pages that an index lists: [(heading or None, title, path)], in its order."""
    group, found = None, []
    for line, outside in outside_fences(COMMENT.sub(blank, read(path))):
        heading, entry = re.match(r"##+ +(.*)", line), ENTRY.match(line)
        if outside and heading:
            group = heading[1].strip()
        elif outside and entry:
            found.append((group, entry[1], os.path.join(os.path.dirname(path), entry[2])))
    return found
