#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-links.py [DIR | --site DIR] - nothing in the documentation leads nowhere

In all Markdown files of the project, or of DIR: what relative links and pictures
name exists, and so do the headings that they name; a picture has a text for those
who do not see it. Each page of docs/guide and docs/design is in the README.md there,
the guide's once; each picture of docs/pictures is shown somewhere.

--site: the same for a built site, which loads nothing from other hosts either.
"""
import glob
import html.parser
import os
import re
import sys
import urllib.parse

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import pages  # noqa: E402

failures = []


def complain(where, what):
    failures.append(f"{where}: {what}")


# ---- Markdown -------------------------------------------------------------------


def anchors(path, cache={}):
    if path not in cache:
        cache[path] = pages.anchors(pages.read(path))
    return cache[path]


def check_target(path, where, target, seen):
    name, _, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
    seen.add(file)
    if os.path.isabs(name) or file.startswith("..") or not os.path.exists(file):
        complain(where, f"leads nowhere: {target}")
    elif anchor and file.endswith(".md") and anchor not in anchors(file):
        complain(where, f"no such heading: {target}")


def check_page(path, seen):
    text = pages.read(path)
    for match, picture in pages.links(text):
        where = f"{path}:{text.count(chr(10), 0, match.start()) + 1}"
        if picture and not match[2].strip():
            complain(where, f"a picture without a text: {match[3]}")
        if re.match(r"[a-z]+:", match[3]):
            if picture:
                complain(where, f"a picture on another host: {match[3]}")
            continue
        check_target(path, where, match[3], seen)


def check_index(directory, once):
    """Each page of a directory is listed, and each one that is listed is there."""
    readme = f"{directory}/README.md"
    if not os.path.exists(readme):
        return
    listed = [path for _, _, path in pages.index(readme)]
    linked = {os.path.normpath(os.path.join(directory, m[3].partition("#")[0]))
              for m, _ in pages.links(pages.read(readme))}
    for path in sorted(glob.glob(f"{directory}/*.md")):
        if path == readme:
            continue
        if path not in (listed if once else linked):
            complain(readme, f"does not list {os.path.basename(path)}")
        elif once and listed.count(path) > 1:
            complain(readme, f"lists {os.path.basename(path)} more than once")


def check_sources():
    seen = set()
    for path in pages.files():
        if path.endswith(".md"):
            check_page(path, seen)
    check_index("docs/guide", once=True)
    check_index("docs/design", once=False)
    for path in glob.glob("docs/pictures/*.svg"):
        if path not in seen:
            complain(path, "no page shows it")


# ---- the site -------------------------------------------------------------------


class Html(html.parser.HTMLParser):
    """What a page refers to, and what can be referred to in it."""

    LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src",
             "source": "src", "object": "data"}

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.loads, self.textless = set(), [], [], []
        self.feed(pages.read(path))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.update(attrs[name] for name in ("id", "name") if attrs.get(name))
        if tag == "a" and attrs.get("href"):
            self.links.append(attrs["href"])
        if tag in self.LOADS and attrs.get(self.LOADS[tag]):
            self.loads.append(attrs[self.LOADS[tag]])
        if tag == "img" and not attrs.get("alt"):
            self.textless.append(attrs.get("src"))


def check_reference(root, path, parsed, link):
    url = urllib.parse.urlsplit(link)
    name = urllib.parse.unquote(url.path)
    target = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
    where = os.path.relpath(path, root)
    if not (target + "/").startswith(root + "/") or not os.path.isfile(target):
        complain(where, f"leads nowhere: {link}")
    elif url.fragment and target in parsed and \
            urllib.parse.unquote(url.fragment) not in parsed[target].ids:
        complain(where, f"no such place: {link}")


def check_site(root):
    root = os.path.abspath(root)
    found = sorted(glob.glob(f"{root}/**/*.html", recursive=True))
    parsed = {path: Html(path) for path in found}
    if f"{root}/index.html" not in parsed:
        complain(root, "there is no index.html")
    for path, page in parsed.items():
        for link in set(page.links + page.loads):
            if re.match(r"[a-z][a-z+.-]*:|//", link):
                if link in page.loads and not link.startswith("data:"):
                    complain(os.path.relpath(path, root), f"loads {link}")
            else:
                check_reference(root, path, parsed, link)
        for picture in page.textless:
            complain(os.path.relpath(path, root), f"a picture without a text: {picture}")
    for path in glob.glob(f"{root}/**/*.css", recursive=True):
        for link in re.findall(r"url\(['\"]?(\w+:)?//|@import", pages.read(path)):
            complain(os.path.relpath(path, root), f"loads from elsewhere: {link}")


def main():
    if sys.argv[1:2] == ["--site"]:
        check_site(sys.argv[2])
    else:
        os.chdir(sys.argv[1] if sys.argv[1:] else
                 os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        check_sources()
    for failure in failures:
        print(failure)
    sys.exit(bool(failures))


main()
