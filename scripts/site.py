#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""site.py [DIR] - makes a web site of the documentation, in DIR or build/site

Lays the pages out in DIR-pages as Sphinx wants them, then runs it with
docs/site/conf.py. What is in the site, and in which order, comes from the pages:

  *.md, docs/*.md                            themselves
  docs/guide, docs/design                    in the order of the README.md there
  examples/                                  each program, with what it says of itself
  man/, include/heph                         the manual pages, those of a header together
  all else that a page links to              as it is in the source, with colours

Needs Debian's packages furo, python3-myst-parser and mandoc.
"""
import html
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import man  # noqa: E402
import pages  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
GUIDE, DESIGN = "docs/guide", "docs/design"
LIBRARIES = {"": "libheph", "http/": "libheph-http", "remote/": "libheph-remote"}
OTHERS = {"tls.h": "libheph-tls", "http.h": "libheph-http", "remote.h": "libheph-remote"}


class Site:
    """What there is: pages by where they come from, sources by path."""

    def __init__(self, stage):
        self.stage = stage
        self.pages = {}      # path in the project: name of the page
        self.sources = set()  # paths that are shown as they are
        self.names = {}      # name of a call: page and anchor in the reference
        self.tree = []       # the navigation: [(caption, [(title, page)])]
        self.below = {}      # the same below a page: {page: [(title, page)]}
        self.all_files = set(pages.files())

    def write(self, name, text):
        path = f"{self.stage}/{name}.md"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def add_source(self, path):
        """A file or a folder, with all that is in it."""
        self.sources.add(path)
        if os.path.isdir(path):
            self.sources.update(f for f in self.all_files if f.startswith(path + "/"))


def page_name(path):
    """README.md is the index of its folder."""
    return re.sub(r"(^|/)README$", r"\1index", path[:-len(".md")])


# ---- a page of the project ------------------------------------------------------


def link_target(site, path, target):
    """What stands in the site where the page at `path` has a link to `target`."""
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return target
    name, _, anchor = target.partition("#")
    file = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if file in site.pages:
        here = os.path.dirname(site.pages[path])
        to = os.path.relpath(site.pages[file], here or ".") + ".md"
        return to + ("#" + anchor if anchor else "")
    if not os.path.exists(file):
        sys.exit(f"{path}: leads nowhere: {target}")
    site.add_source(file)
    return f"source:{file}"


def picture_target(site, path, target):
    file = os.path.normpath(os.path.join(os.path.dirname(path), target))
    copy = f"{site.stage}/{file}"
    os.makedirs(os.path.dirname(copy), exist_ok=True)
    shutil.copyfile(file, copy)
    return os.path.relpath(file, os.path.dirname(site.pages[path]) or ".")


def with_links(site, path, text):
    """The targets of links, exchanged; from the last to the first, for the places."""
    changes = [(m.start(3), m.end(3),
                (picture_target if picture else link_target)(site, path, m[3]))
               for m, picture in pages.links(text)]
    for start, end, target in sorted(changes, reverse=True):
        text = text[:start] + target + text[end:]
    return text


def with_calls(site, text):
    """The first `heph_call` of each section leads to its page of the manual."""
    plain, seen, out, at = pages.prose(text), set(), [], 0
    in_link = [(m.start(), m.end()) for m, _ in pages.links(text)]
    heads = [m.span() for m in re.finditer(r"^#.*$", plain, re.M)]
    for match in re.finditer(r"(?<!`)`(\w+)(?:\([^`)]*\))?`(?!`)|^#", text, re.M):
        place = match.start()
        if match[0] == "#":
            if plain[place] == "#":
                seen.clear()
            continue
        if plain[place] != "x" or match[1] not in site.names or match[1] in seen or \
                any(a <= place < b for a, b in in_link + heads):
            continue
        seen.add(match[1])
        out += [text[at:place], f"[{match[0]}](call:{match[1]})"]
        at = match.end()
    return "".join(out) + text[at:]


def converted(site, path):
    """A page as Sphinx wants it: no comments, plain names of languages."""
    text = with_calls(site, with_links(site, path, pages.read(path)))
    lines = [re.sub(r"^(```\w+) .*", r"\1", line) if not outside else line
             for line, outside in pages.outside_fences(text)]
    text = "\n".join(lines)
    plain, out, at = pages.prose(re.sub(r"<!--|-->", "%%%%", text)), [], 0
    for match in pages.COMMENT.finditer(text):
        if plain[match.start():match.start() + 2].strip():
            out.append(text[at:match.start()])
            at = match.end()
    return "".join(out) + text[at:]


def toctree(entries):
    """What gives Sphinx the order of pages; the navigation is made in conf.py."""
    lines = "\n".join(f"{title} </{name}>" for title, name in entries)
    return f"\n```{{toctree}}\n:hidden:\n\n{lines}\n```\n"


# ---- the reference --------------------------------------------------------------


def mandoc(paths):
    done = subprocess.run(["mandoc", "-T", "html", "-O", "fragment"] + paths, check=True,
                          stdout=subprocess.PIPE, text=True)
    return re.split(r'<table class="head">.*?</table>\n?', done.stdout, flags=re.S)[1:]


def without_anchors(text):
    text = re.sub(r'<table class="foot">.*?</table>', "", text, flags=re.S)
    text = re.sub(r'<a class="permalink"[^>]*>(.*?)</a>', r"\1", text, flags=re.S)
    text = re.sub(r"(<(?:dt|h1|h2|section|code|b)\b[^>]*?) id=\"[^\"]*\"", r"\1", text)
    text = re.sub(r"(?<=\n)<br/>\n", "", text)
    return text


def with_references(site, text):
    """name(3) and name(7) lead to their pages."""
    def link(match):
        name, section = match[1], match[2]
        target = f"call:{name}" if name in site.names else f"man:{name}.{section}"
        if target.startswith("man:") and f"man/{name}.{section}" not in site.all_files:
            return match[0]
        return f'<a href="{target}"><b>{name}</b></a>({section})'
    return re.sub(r"<b>(\w+)</b>\((\d)\)", link, text)


def raw(text):
    return "\n````{raw} html\n<div class=\"man\">\n" + re.sub(r"\n\s*\n", "\n", text) + \
        "\n</div>\n````\n"


def man_sections(text):
    """Yields (heading, text) of a manual page."""
    for part in re.split(r'<section class="Sh">\n', text)[1:]:
        heading, body = re.match(r'<h1 class="Sh"[^>]*>(.*?)</h1>\n(.*)', part, re.S).groups()
        yield html.unescape(" ".join(heading.split())), re.sub(
            r"</section>\s*(</div>\s*)?$", "", body)


def read_manual(directory):
    """{header: {name of a page: names that are on it}}, in the order of man.py"""
    subprocess.run(["scripts/man.py", directory], check=True, stdout=subprocess.DEVNULL)
    headers, others = {}, {}
    order = [f"{name}.h" for name in man.HEADERS]
    for file in sorted(os.listdir(directory)):
        text, name = pages.read(f"{directory}/{file}"), file[:-2]
        made = re.match(r'\.\\" Made by \S+ from include/heph/(\S+)', text)
        same = re.match(r"\.so man3/(\S+)\.3", text)
        if made:
            headers.setdefault(made[1], {})[name] = []
        elif same:
            others.setdefault(same[1], []).append(name)
    for named in headers.values():
        for name in named:
            named[name] = others.get(name, [])
    return dict(sorted(headers.items(), key=lambda item: order.index(item[0])
                       if item[0] in order else len(order)))


def header_says(header):
    """What the first comment of a header says it is."""
    text = pages.read(f"include/heph/{header}")
    match = re.search(r"\* (?:heph/)?\S+\.h - (.*?)(?:\n \*\n|\n \*/|\*/)", text, re.S)
    return " ".join(match[1].replace("\n *", " ").split()) if match else ""


def add_manual(site, directory):
    headers = read_manual(directory)
    for header, named in headers.items():
        page = "reference/" + header[:-2]
        for name, others in named.items():
            for each in [name] + others:
                site.names[each] = f"{page}#{name.lower().replace('_', '-')}"
    return headers


def write_manual(site, headers, directory):
    libraries = {}
    for header, named in headers.items():
        folder = header.rpartition("/")[0]
        library = OTHERS.get(header) or LIBRARIES[folder + "/" if folder else ""]
        libraries.setdefault(library, []).append(header)
        text = f"# {header}\n\n{header_says(header)}\n\n" \
               f"[The header](source:include/heph/{header})\n"
        parts = mandoc([f"{directory}/{name}.3" for name in named])
        for (name, others), part in zip(named.items(), parts):
            text += f"\n({name.lower().replace('_', '-')})=\n## {name}\n"
            for heading, body in man_sections(without_anchors(part)):
                body = with_references(site, body)
                if heading == "NAME":
                    says = re.sub(r"<[^>]*>", "", body).partition(" - ")[2]
                    text += "\n" + raw(f'<p class="what">{says.strip()}</p>' + (
                        "<p>Also here: " + ", ".join(f"<b>{o}</b>" for o in others) + "</p>"
                        if others else ""))
                else:
                    text += raw(f"<h3>{heading.capitalize()}</h3>\n{body}")
        site.write("reference/" + header[:-2], text)

    others = sorted((f for f in site.all_files if re.fullmatch(r"man/[\w-]+\.\d", f)),
                    key=lambda f: (f != "man/heph.7", f))
    text = "# Reference\n\nThe manual pages. Those of section 3 are made from the comments in " \
           "the headers, and are\ntogether here by header; `man NAME` shows them one by one.\n\n"
    for path in others:
        name = os.path.basename(path)
        shown = re.sub(r"(.*)\.(\d)$", r"\1(\2)", name)
        page = f"# {shown}\n"
        for heading, body in man_sections(without_anchors(mandoc([path])[0])):
            page += f"\n## {heading.capitalize()}\n" + raw(with_references(site, body))
        site.write(f"man/{name}", page)
        says = re.search(r"\\- (.*)", pages.read(path))
        text += f"- [{shown}](/man/{name}.md): {says[1] if says else ''}\n"
    for library, held in libraries.items():
        text += f"\n## {library}\n\n| header | what is in it |\n|---|---|\n"
        for header in held:
            text += f"| [{header}](/reference/{header[:-2]}.md) | {header_says(header)} |\n"
    entries = [(re.sub(r"(.*)\.(\d)$", r"\1(\2)", os.path.basename(p)),
                f"man/{os.path.basename(p)}") for p in others]
    entries += [(h, f"reference/{h[:-2]}") for held in libraries.values() for h in held]
    site.below["reference/index"] = entries
    site.write("reference/index", text + toctree(entries))


# ---- the examples ---------------------------------------------------------------


def example_says(path):
    match = re.search(r"\* ?\S+\.c - (.*?)(?:\n \*/|\n \*\n|\*/)", pages.read(path), re.S)
    return " ".join(match[1].replace("\n *", " ").split()) if match else ""


def write_examples(site):
    """A list of all, by folder; a program of several files is its folder."""
    groups = {}
    for path in sorted(f for f in site.all_files if re.match(r"examples/.*\.c$", f)):
        folder = os.path.dirname(path)
        if not os.path.exists(f"{folder}/main.c") or path.endswith("/main.c"):
            groups.setdefault("" if path.endswith("/main.c") else folder[9:], []).append(path)
    text = "# Examples\n\nProgram by program; what each one shows is said at its top.\n" \
           "`make run EXAMPLE=name` runs one.\n"
    for group, found in sorted(groups.items()):
        text += (f"\n## {group}\n" if group else "") + "\n| program | what it is |\n|---|---|\n"
        for path in sorted(found):
            target = os.path.dirname(path) if path.endswith("/main.c") else path
            site.add_source(target)
            name = os.path.basename(target).replace(".c", "")
            text += f"| [{name}](source:{target}) | {example_says(path)} |\n"
    site.write("examples/index", text)


# ---- all ------------------------------------------------------------------------


def collect(site):
    """Which pages there are; a page of the guide that its index lacks is an error."""
    guide, design = pages.index(f"{GUIDE}/README.md"), []
    for match, _ in pages.links(pages.read(f"{DESIGN}/README.md")):
        path = os.path.normpath(os.path.join(DESIGN, match[3].partition("#")[0]))
        if os.path.dirname(path) == DESIGN and path not in design:
            design.append(path)
    for folder, listed in (GUIDE, [p for _, _, p in guide]), (DESIGN, design):
        there = {f for f in site.all_files if re.fullmatch(folder + r"/[^/]+\.md", f)}
        for path in sorted(there ^ set(listed) - {f"{folder}/README.md"}):
            if path != f"{folder}/README.md":
                sys.exit(f"{folder}/README.md and {path}: one of them lacks the other")
    more = sorted((f for f in site.all_files if re.fullmatch(r"(docs/)?[^/]+\.md", f)
                   and f != "README.md"), key=lambda f: ("/" not in f, f))
    for path in ["README.md", f"{GUIDE}/README.md", f"{DESIGN}/README.md",
                 "examples/README.md"] + [p for _, _, p in guide] + design + more:
        if path in site.all_files:
            site.pages[path] = page_name(path)
    return guide, design, more


def plan(site, guide, design, more):
    """The navigation, from the order in which the pages are listed."""
    about = [("Guide", f"{GUIDE}/index"), ("Examples", "examples/index"),
             ("Reference", "reference/index"), ("Design", f"{DESIGN}/index")]
    about += [(pages.title(path), site.pages[path]) for path in more]
    site.tree.append(("Overview", about))
    for group in dict.fromkeys(group for group, _, _ in guide):
        site.tree.append((group or "Guide", [(title, site.pages[path])
                                             for g, title, path in guide if g == group]))
    site.below[f"{DESIGN}/index"] = [(pages.title(path).replace("`", ""), site.pages[path])
                                     for path in design]


def write_pages(site):
    for path, name in site.pages.items():
        text = converted(site, path)
        if path == "README.md":
            # One after the other: the guide with its pages, then all else.
            about, *groups = [entries for _, entries in site.tree]
            text += "".join(map(toctree, [about[:1]] + groups + [about[1:]]))
        text += toctree(site.below[name]) if name in site.below else ""
        site.write(name, text)


def sphinx(site, out):
    if not shutil.which("sphinx-build"):
        sys.exit("site.py: no sphinx-build: install furo and python3-myst-parser")
    with open(f"{site.stage}/site.json", "w", encoding="utf-8") as file:
        json.dump({"sources": sorted(site.sources), "names": site.names, "root": ROOT,
                   "tree": site.tree, "below": site.below}, file)
    done = subprocess.run(["sphinx-build", "-q", "-W", "--keep-going", "-j", "auto", "-E",
                           "-b", "html", "-c", "docs/site", "-d", f"{site.stage}/.doctrees",
                           site.stage, out])
    if done.returncode:
        sys.exit(done.returncode)


def mend_theme(static):
    """As Debian packs the theme, it takes a style from the root of the host, its script
    is a module that no page loads as one, and dark is only what was chosen as such."""
    path = f"{static}/styles/furo.css"
    text = pages.read(path)
    text = re.sub(r"@import url\(/javascript/(.*?)\);",
                  lambda m: pages.read(f"/usr/share/javascript/{m[1]}"), text)
    dark = re.search(r'body\[data-theme="dark"\] \{(\s*--color.*?)\}', text, re.S)
    if dark and "prefers-color-scheme" not in text:
        text += '@media screen and (prefers-color-scheme: dark) {\n' \
                'body:not([data-theme="light"]) {' + dark[1] + '} }\n'
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    path = f"{static}/scripts/furo.js"
    text = pages.read(path)
    module = re.search(r'^import Gumshoe from "\./(.*?)";\n', text, re.M)
    if module:
        text = pages.read(f"{static}/scripts/{module[1]}") + text.replace(module[0], "")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main():
    os.chdir(ROOT)
    out = sys.argv[1] if sys.argv[1:] else "build/site"
    stage = os.path.abspath(out) + "-pages"
    for directory in stage, out:
        shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(stage)
    site = Site(stage)
    plan(site, *collect(site))
    headers = add_manual(site, f"{stage}/.man3")
    write_pages(site)
    if "examples/README.md" not in site.pages:
        write_examples(site)
    write_manual(site, headers, f"{stage}/.man3")
    for folder in "include/heph", "examples":
        site.add_source(folder)
    sphinx(site, out)
    mend_theme(f"{out}/_static")
    for left in ".buildinfo", "objects.inv", ".doctrees":
        if os.path.isfile(f"{out}/{left}"):
            os.unlink(f"{out}/{left}")
    print(f"{out}/index.html")


main()
