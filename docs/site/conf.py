# SPDX-License-Identifier: MIT
"""How Sphinx makes the site from what scripts/site.py has laid out."""
import html
import json
import os
import posixpath
import re

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound

project = "Heph in C"
html_title = project
extensions = ["myst_parser"]
exclude_patterns = [".*"]
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]

myst_heading_anchors = 6
myst_url_schemes = ["http", "https", "mailto", "source", "call", "man"]

html_theme = "furo"
html_static_path = ["heph.css", "heph.js"]
html_css_files = ["heph.css"]
html_js_files = ["heph.js"]
html_copy_source = False
html_show_copyright = False
html_use_index = False
html_domain_indices = False
html_permalinks_icon = "#"
pygments_style = "tango"
pygments_dark_style = "monokai"
html_theme_options = {
    "top_of_page_button": None,
    "light_css_variables": {"color-brand-primary": "#00568a", "color-brand-content": "#00568a"},
    "dark_css_variables": {"color-brand-primary": "#6db9e8", "color-brand-content": "#6db9e8"},
}

# Names of files without the ending that pygments knows.
LANGUAGES = {".hpp": "x.cpp", ".h": "x.c", ".service": "x.ini", ".socket": "x.ini", ".in": "x.txt"}
about = {}


def lexer(path):
    try:
        ending = os.path.splitext(path)[1]
        return get_lexer_for_filename(LANGUAGES.get(ending, os.path.basename(path)))
    except ClassNotFound:
        return TextLexer()


def site_target(target):
    """source:PATH, call:NAME or man:NAME as a page and a place in it."""
    kind, _, name = target.partition(":")
    if kind == "source":
        return f"source/{name}", ""
    if kind == "man":
        return f"man/{name}", ""
    page, _, anchor = about["names"][name].partition("#")
    return page, "#" + anchor


def uri(app, docname, target):
    page, anchor = site_target(target)
    return app.builder.get_relative_uri(docname, page) + anchor


def resolve(app, doctree, docname):
    """Links into the source and the manual, from wherever they are."""
    for node in doctree.findall(nodes.reference):
        if re.match(r"(source|call|man):", node.get("refuri", "")):
            node["refuri"], node["internal"] = uri(app, docname, node["refuri"]), True
    for node in doctree.findall(nodes.raw):
        text = re.sub(r'href="((?:call|man):[^"]+)"',
                      lambda m: f'href="{uri(app, docname, m[1])}"', node.astext())
        node.children = [nodes.Text(text)]
        node.rawsource = text


def listing(path):
    """A folder: what of it is here."""
    inside = sorted({p[len(path) + 1:].split("/")[0] for p in about["sources"]
                     if p.startswith(path + "/")})
    here = posixpath.basename(path)
    return "<ul>" + "".join(
        f'<li><a href="{here}/{name}.html"><code>{html.escape(name)}</code></a></li>'
        for name in inside) + "</ul>"


def source_body(path):
    parts = path.split("/")
    up = "".join(
        f'<a href="{"../" * (len(parts) - 1 - i)}{part}.html">{part}</a>/'
        if "/".join(parts[:i + 1]) in about["sources"] else f"{part}/"
        for i, part in enumerate(parts[:-1]))
    head = f"<h1>{html.escape(parts[-1])}</h1><p><code>{up}{html.escape(parts[-1])}</code></p>"
    full = os.path.join(about["root"], path)
    if os.path.isdir(full):
        return head + listing(path)
    with open(full, encoding="utf-8", errors="replace") as file:
        return head + highlight(file.read(), lexer(path), HtmlFormatter(wrapcode=True))


def source_pages(app):
    """Not documents: they are in the site, but not in its index of words."""
    folders = {"/".join(p.split("/")[:n]) for p in about["sources"]
               for n in range(2, p.count("/") + 1)}
    about["sources"] = sorted(set(about["sources"]) | folders)
    for path in about["sources"]:
        yield f"source/{path}", {"title": path, "body": source_body(path)}, "page.html"


def entry(link, page, current, title, inside=""):
    here = " current current-page" if page == current else " current" if inside else ""
    return f'<li class="toctree-l1{here}"><a class="reference internal" ' \
           f'href="{link(page)}">{html.escape(title)}</a>{inside}</li>'


def navigation(app, current):
    """As the theme would make it, for a hundredth of the time."""
    def link(page):
        return "#" if page == current else app.builder.get_relative_uri(current, page)

    text = ""
    for caption, entries in about["tree"]:
        text += f'<p class="caption"><span class="caption-text">{caption}</span></p><ul>'
        for title, page in entries:
            below = about["below"].get(page, [])
            open_ = page == current or current in [name for _, name in below]
            text += entry(link, page, current, title, "<ul>" + "".join(
                entry(link, name, current, t) for t, name in below) + "</ul>"
                if below and open_ else "")
        text += "</ul>"
    return text


def page_context(app, pagename, context):
    context["toctree"] = lambda **_: navigation(app, pagename)


def setup(app):
    with open(os.path.join(app.srcdir, "site.json"), encoding="utf-8") as file:
        about.update(json.load(file))
    app.connect("doctree-resolved", lambda app, doctree, name: resolve(app, doctree, name))
    # Before the theme asks for it.
    app.connect("html-page-context", lambda app, name, _, context, __:
                page_context(app, name, context), priority=100)
    app.connect("html-collect-pages", lambda app: source_pages(app))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
