#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pictures.py [--check] [NAME...] - draws docs/pictures/*.svg from *.dot

The sources say what there is; the layout is dot's, and how it looks is said here,
once. What a node or an edge is, is its class: actor, data (what waits to be
taken), out (not ours), again (a second way), bad, dim, text. A picture has its own
ground, and follows the dark mode of who looks at it. --check draws nothing and
fails if a picture is not of its source, for which the picture has a checksum.
"""
import glob
import hashlib
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FONT = "DejaVu Sans"
OPTIONS = [f"-Gfontname={FONT}", f"-Nfontname={FONT}", f"-Efontname={FONT}", "-Gfontsize=12",
           "-Nfontsize=12", "-Efontsize=11", "-Nshape=box", "-Nstyle=rounded", "-Nheight=0.4",
           "-Nmargin=0.14,0.08", "-Gstyle=rounded", "-Gbgcolor=#ffffff", "-Gpad=0.2",
           "-Earrowsize=0.7", "-Gnewrank=true"]

# name: (ground, line, text) in the light and in the dark
LIGHT = {"node": ("#f4f4f4", "#777777", "#222222"), "actor": ("#e3f0fa", "#0072b2", "#222222"),
         "data": ("#ffffff", "#777777", "#222222"), "out": ("#fdf0d9", "#b87700", "#222222"),
         "again": ("#e2f4ee", "#00795a", "#222222"), "bad": ("#fbe6dc", "#c24e00", "#222222"),
         "dim": ("#ffffff", "#aaaaaa", "#666666"), "text": ("none", "none", "#444444"),
         "cluster": ("#fafafa", "#bbbbbb", "#555555"), "edge": ("none", "#666666", "#444444")}
DARK = {"node": ("#2a2d31", "#8d939b", "#dddddd"), "actor": ("#14334a", "#56b4e9", "#e6e6e6"),
        "data": ("#17191c", "#8d939b", "#dddddd"), "out": ("#40300f", "#e69f00", "#e6e6e6"),
        "again": ("#0c3a2d", "#2fc39a", "#e6e6e6"), "bad": ("#4a230e", "#ff8a4a", "#e6e6e6"),
        "dim": ("#17191c", "#666666", "#999999"), "text": ("none", "none", "#bbbbbb"),
        "cluster": ("#1d2023", "#555555", "#aaaaaa"), "edge": ("none", "#9a9fa6", "#bbbbbb")}
GROUND = "#17191c"


def rules(colours):
    """Classes after kinds: who has one is more than its kind."""
    text = ""
    for name, (ground, line, letters) in colours.items():
        where = f"g.{name}"
        if name in ("again", "bad"):
            text += f"g.edge{where[1:]} path {{ fill: none; stroke: {line} }}\n" \
                    f"g.edge{where[1:]} polygon {{ fill: {line}; stroke: {line} }}\n"
            where = f"g.node{where[1:]}"
        elif name not in ("node", "cluster", "edge"):
            where = f"g.node{where[1:]}"
        head = f"{where} polygon {{ fill: {line}; stroke: {line} }}\n" if name == "edge" else ""
        shapes = "path" if name == "edge" else "path, {0} polygon, {0} polyline".format(where)
        text += f"{where} {shapes} {{ fill: {ground}; stroke: {line} }}\n{head}" \
                f"{where} text {{ fill: {letters} }}\n"
    return text


def checksum(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:16]


def spaced(line):
    """What stands at an edge does not touch it."""
    if "->" not in line:
        return line
    return re.sub(r'label="([^"]+)"', lambda m: 'label="{}"'.format("\\n".join(
        f"  {text.strip()}  " for text in m[1].split("\\n"))), line)


def draw(source):
    with open(source, encoding="utf-8") as file:
        text = "".join(spaced(line) for line in file)
    svg = subprocess.run(["dot", "-Tsvg"] + OPTIONS, input=text, check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    svg = svg[svg.index("<svg"):]
    svg = re.sub(r"<!--.*?-->\n?", "", svg, flags=re.S)
    svg = re.sub(r"<title>.*?</title>\n", "", svg)
    # Around a table there is a shape that should not be seen.
    svg = re.sub(r'(<g id="node\d+" class="[^"]*">\n)<path [^>]*/>\n(?=<polygon)', r"\1", svg)
    # The ground: the first polygon, without a class.
    svg = re.sub(r'<polygon fill="#?\w+"', '<polygon class="ground" fill="#ffffff"', svg, count=1)
    style = "<style>\n" + rules(LIGHT) + "@media (prefers-color-scheme: dark) {\n" \
        f".ground {{ fill: {GROUND} }}\n{rules(DARK)}}}\n</style>\n"
    first = svg.index(">", svg.index("<svg")) + 1
    svg = f"<!-- of {os.path.basename(source)} {checksum(source)}, by scripts/pictures.py -->\n" + \
        svg[:first] + "\n" + style + svg[first:].lstrip("\n")
    with open(source[:-4] + ".svg", "w", encoding="utf-8") as file:
        file.write(svg)


def check(source):
    svg = source[:-4] + ".svg"
    if not os.path.exists(svg):
        return f"{svg} is missing: run make pictures"
    with open(svg, encoding="utf-8") as file:
        if f" {checksum(source)}," not in file.readline():
            return f"{svg} is not of its source: run make pictures"
    return None


def main():
    os.chdir(ROOT)
    names = [a for a in sys.argv[1:] if a != "--check"]
    sources = [s for s in sorted(glob.glob("docs/pictures/*.dot"))
               if not names or os.path.basename(s)[:-4] in names]
    if "--check" in sys.argv:
        found = [check(source) for source in sources]
        found += [f"{svg} has no source" for svg in glob.glob("docs/pictures/*.svg")
                  if not os.path.exists(svg[:-4] + ".dot")]
        print("\n".join(text for text in found if text), end="")
        sys.exit(any(found))
    for source in sources:
        draw(source)
        print(source[:-4] + ".svg")


main()
