#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""man.py MAN3 [MAN7] - makes the manual pages of sections 3 and 7 in those folders

They are made from the comments in include/heph: a paragraph of a header that
begins with a comment and declares something is a page, named after the first
name in it; the other names are pages that refer to it. A comment may begin with
the use of a typed verb, "heph_send(ctx, ref, message): waits ...": then the page
is that verb's. A type or constant is told of on the page of the next function,
if TYPES does not say another one, and is a page that refers to it. Examples are
programs of the guide, which its tests run.

A page of section 7 has the begin of a page of the guide, the first comments of
some headers, and a list of what they declare: see CONCEPTS.

--check writes nothing, and fails if something public of C has no page or no
summary in man-*.txt.
"""
import errno
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Headers that have the others, and come first in a text.
FIRST = ["typed", "message", "call", "group", "actor", "refs", "tree", "own", "time", "timer", "io"]
WHOLE = ["heph", "http", "remote"]


def headers():
    found = sorted(path[len(f"{ROOT}/include/heph/"):-2]
                   for place in ("", "http/", "remote/")
                   for path in glob.glob(f"{ROOT}/include/heph/{place}*.h"))
    rest = [name for name in found if name not in FIRST + WHOLE + ["types"]]
    return FIRST + rest


HEADERS = headers()
# Those with typed macros, and the macro that declares their types.
TYPED = {"typed": "HEPH_ACTOR", "inbox": "HEPH_CHAN", "oneshot": "HEPH_ONESHOT"}
# Those whose macros are all on a page of the header.
MACROS = {"remote/codec": "HEPH_CODEC", "remote/actor": "HEPH_REMOTE"}
# Headers without functions: the page that all of them is on.
PLAIN = {"types": "heph_types", "standard": "heph_standard", "timers": "heph_timers",
         "sched": "heph_scheduler", "http/middleware": "heph_http_middlewares"}

# What the line NAME says.
SUMMARY = {}
for path in glob.glob(f"{ROOT}/scripts/man-*.txt"):
    with open(path, encoding="utf-8") as lines:
        SUMMARY.update(line.rstrip("\n").split(": ", 1) for line in lines
                       if not line.startswith("#"))

# Structs and constants that belong to a page: words of their definition.
TYPES = {
    "HEPH_ACTOR": ["struct heph_actor {", "#define HEPH_REF(", "struct heph_empty {"],
    "heph_spawn": ["#define HEPH_OPTIONS__", "HEPH_HERE =", "HEPH_STACK_OWN =",
                   "HEPH_PHASE_MAX =", "enum { HEPH_LOW", "enum heph_verdict {",
                   "#define HEPH_UNLIMITED", "struct heph_restarts {",
                   "enum heph_restart_type {", "HEPH_ARG_MAX ="],
    "heph_systemd": ["struct heph_systemd_arg {", "struct heph_systemd_msg {"],
    "heph_http_serve": ["struct heph_http_options {"],
    "heph_supervise": ["enum heph_strategy {", "struct heph_tree {"],
    "heph_tree_count": ["enum heph_child_state {", "struct heph_child_info {"],
    "heph_join": ["struct heph_exit {"],
    "heph_monitor": ["struct heph_down {"],
    "heph_scope_open": ["struct heph_scope {"],
    "heph_new": ["struct heph_config {"],
    "heph_config_from_file": ["struct heph_config_text {"],
    "heph_host_info": ["#define HEPH_VERSION", "struct heph_host {"],
    "heph_stats": ["struct heph_stats {"],
    "heph_type_stats": ["struct heph_type_stats {"],
    "heph_inbox_info": ["struct heph_inbox_info {"],
    "heph_fd_give": ["struct heph_fd_handle {"],
    "heph_send": ["HEPH_INBOX_DEFAULT ="],
    "heph_call_all": ["struct heph_call_results {"],
    "heph_start_call": ["struct heph_pending {"],
    "heph_address_parse": ["struct heph_address {"],
    "heph_serve": ["#define HEPH_SERVE_OPTIONS__"],
    "heph_serve_stats": ["struct heph_serve_stats {"],
    "heph_serve_packets": ["#define HEPH_PACKETS_OPTIONS__"],
    "heph_packet_drop": ["struct heph_packet {"],
    "heph_packets_stats": ["struct heph_packets_stats {"],
    "heph_socket_set": ["enum heph_socket_option {"],
    "heph_socket_recvmsg": ["struct heph_socket_msg {", "struct heph_packet_info {", "struct heph_packet_error {"],
    "heph_call_error": ["struct heph_call_failure {"],
    "heph_actor_info": ["struct heph_actor_info {"],
    "heph_state_name": ["enum heph_actor_state {", "enum heph_wait_kind {"],
    "heph_inspect": ["struct heph_inspect_filter {", "typedef bool heph_inspect_fn"],
    "heph_find_cycles": ["struct heph_cycle {", "typedef bool heph_cycle_fn"],
    "heph_histogram_at": ["struct heph_histogram {"],
    "heph_worker_stats": ["struct heph_worker_stats {"],
    "heph_each_type": ["struct heph_type_metrics {", "typedef bool heph_type_fn"],
    "heph_node_start": ["typedef struct heph_node {", "struct heph_node_config {"],
    "heph_node_export": ["HEPH_MAY_STOP ="],
    "heph_node_watch": ["enum heph_peer_event {", "struct heph_node_event {"],
    "heph_node_stats": ["struct heph_node_stats {"],
    "heph_node_peers": ["struct heph_peer_info {"],
    "heph_tcp_tls_new": ["struct heph_tcp_config {"],
    "heph_udp_new": ["struct heph_udp_key {", "struct heph_udp_config {"],
    "heph_udp_stats": ["struct heph_udp_stats {"],
    "heph_sim_net_new": ["struct heph_sim_net_config {"],
    "heph_nats_connect": ["typedef struct heph_nats {", "struct heph_nats_config {"],
    "heph_nats_stats": ["struct heph_nats_stats {"],
    "heph_cluster_join": ["typedef struct heph_cluster {", "struct heph_cluster_config {"],
    "heph_cluster_watch": ["enum heph_member_event {", "struct heph_member {"],
    "heph_cluster_lease": ["struct heph_lease {"],
    "heph_cluster_durable": ["struct heph_delivery {", "struct heph_durable_config {"],
    "heph_cluster_stats": ["struct heph_cluster_stats {"],
}

# Verbs of typed.h whose use is told in no comment that begins with it.
USES = {
    "heph_send_timer": "heph_send_timer(ctx, &timer, ref, length, message)",
    "heph_expect_where": "heph_expect_where(test, ref, &msg, member, value)",
    "heph_expect_within": "heph_expect_within(test, length, ref, &msg)",
    "heph_on_msg": "heph_on_msg(in, &msg)",
    "heph_on_msg_where": "heph_on_msg_where(in, &msg, member, value)",
    "heph_carry_reply": "heph_carry_reply(to->member, from->member);",
    "heph_map_owning": "heph_map_owning(ctx, &ret_ref, target, fn, drop[, value])",
    "heph_on_chan": "heph_on_chan(rx, &value)",
    "heph_chan_new_managed": "heph_chan_new_managed(NAME, capacity, &manager, "
                             "&tx, &rx)",
    "HEPH_CHAN": "HEPH_CHAN(NAME, struct type[, drop]);",
    "HEPH_ONESHOT": "HEPH_ONESHOT(NAME, struct type[, drop]);",
    "heph_on_oneshot": "heph_on_oneshot(rx, &value)",
    "heph_peer_member": "heph_peer_member(NAME, member)",
    "heph_serve_on_each": "heph_serve_on_each(ctx, listener, NAME, member"
                          "[, argument][, .option = ...])",
    "HEPH_ACTOR": "HEPH_ACTOR(NAME, struct NAME_msg, struct NAME_arg);",
    "HEPH_ACTOR_MAIN": "HEPH_ACTOR_MAIN(NAME, NAME_main[, .drop = ...]"
                       "[, .drop_arg = ...]);",
    "HEPH_PENDING": "HEPH_PENDING(type) pending;",
    "HEPH_REPLY": "HEPH_REPLY(type) member;",
}

# Verbs that are told of on the page of another one.
PARTS = {
    "heph_send_after": ["heph_send_timer"],
    "heph_expect": ["heph_expect_within", "heph_expect_where"],
    "heph_serve": ["heph_peer_member"],
    "heph_chan_new": ["heph_chan_new_managed"],
    "heph_map": ["heph_carry_reply", "heph_map_owning"],
    "heph_wait": ["heph_on_msg", "heph_on_msg_where", "heph_on_chan", "heph_on_oneshot"],
}

# Programs of the guide that show the use of something, GUIDE PAGE:PROGRAM.
EXAMPLES = {
    "HEPH_ACTOR": "quick-start:hello",
    "HEPH_CHAN": "channels:chan",
    "HEPH_CODEC": "codecs:order",
    "HEPH_ONESHOT": "channels:oneshot",
    "heph_attach": "runtime:thread",
    "heph_call": "messages:calls",
    "heph_embed_new": "embedding:embedded",
    "heph_forward": "calls:forward",
    "heph_group_add": "groups:groups",
    "heph_hold": "links:hold",
    "heph_http_fetch": "http-client:asks",
    "heph_http_serve": "http-server:hello",
    "heph_link": "links:link",
    "heph_map": "references:adapt",
    "heph_monitor": "links:monitor",
    "heph_node_start": "remote:two",
    "heph_notify_open": "files:watch",
    "heph_process_start": "processes:talk",
    "heph_read": "io:frames",
    "heph_recv_where": "messages:where",
    "heph_register": "references:names",
    "heph_resolve": "names:resolve",
    "heph_run_on_each": "runtime:each",
    "heph_scope_open": "links:scope",
    "heph_send_after": "timers:timers",
    "heph_serve": "sockets:upper",
    "heph_spawn": "failure:restart",
    "heph_start_call": "calls:pending",
    "heph_supervise": "supervision:tree",
    "heph_test_new": "testing:tested",
    "heph_tls_accept": "tls:greet",
    "heph_wait": "waiting:several",
    "heph_within": "waiting:deadline",
}

# What macros are made of is told of on the page of the macro.
WITHIN = {"heph_raw_span_end": "heph_span_end", "heph_raw_span_text": "heph_span_end"}

# Headers whose first comment holds for each of their functions.
NOTES = ["message", "watch", "own", "time", "io", "address", "socket", "socket_msg", "file", "notify",
         "http/value", "http/uri", "http/accept", "http/auth", "http/forwarded", "http/multipart", "http/form"]


# Actors that the libraries have: filled in below.
OWN = {}

# ---- reading the headers ----------------------------------------------------------


class Paragraph:
    """Lines of a header between two empty ones: a comment, then code."""

    def __init__(self, header, text):
        self.header = header
        match = re.match(r"\s*/\*(.*?)\*/[ \t]*\n?(.*)", text, re.S)
        self.comment = clean(match.group(1)) if match else ""
        self.code = (match.group(2) if match else text).strip("\n")
        self.use = None
        use = re.match(r"(heph_\w+)(\(.*?\)(?:\[.*?\])*):\s+", self.comment, re.S)
        if use and use.group(1) == "heph_spawn" and header != "actor":
            OWN[re.search(r"\w+, (\w+)", use.group(2)).group(1)] = self
            use = None
        if use:
            self.use = use.group(1)
            USES.setdefault(self.use, re.sub(r"\s+", " ", use.group(1) + use.group(2)))
            self.comment = self.comment[use.end():]
            self.comment = self.comment[:1].upper() + self.comment[1:]

    def types(self):
        """The types, constants and objects that are defined here."""
        found = re.findall(r"^(?:typedef )?(?:struct|enum|union) (heph_\w+)\s*\{", self.code, re.M)
        found += re.findall(r"^\} (heph_\w+);", self.code, re.M)
        found += re.findall(r"^typedef [^;{}()]*?\b(heph_\w+)\s*[;(]", self.code, re.M)
        found += re.findall(r"\bextern const [^;]*?\b(heph_\w+);", self.code)
        found += re.findall(r"^#define (HEPH_[A-Z0-9_]+)\b", self.code, re.M)
        return [name for name in dict.fromkeys(found)
                if not name.endswith("__") and not name.endswith("_H")]

    def has_types(self):
        return bool(self.types() or re.search(r"^enum \{", self.code, re.M))

    def names(self):
        """The functions and macros that are declared here."""
        found = re.findall(r"^#define (heph_[a-z0-9_]+)\(", self.code, re.M)
        found = [name for name in found if not name.endswith("__")]
        for statement in re.split(r";|\n\{.*?\n\}", self.code, flags=re.S):
            match = re.search(r"(?:HEPH_API|static inline)\b.*?\b(heph_\w+)\(",
                              statement, re.S)
            if match and not match.group(1).endswith("__"):
                found.append(match.group(1))
        return list(dict.fromkeys(found))


def clean(comment):
    """The text of a comment without its stars."""
    lines = [re.sub(r"^\s*\*? ?", "", line) if number else line.strip()
             for number, line in enumerate(comment.split("\n"))]
    if re.match(r"---- .*-$", lines[0]):  # the title of a part of the header
        lines.pop(0)
    return "\n".join(line.rstrip() for line in lines).strip()


def paragraphs(header):
    path = f"{ROOT}/include/heph/{header}.h"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = text.split("\n", 1)[1]  # without the licence
    text = re.sub(r"/\* ---- .*? -+ \*/\n", "\n", text)
    out, now, depth = [], [], 0
    for line in text.split("\n"):
        depth += line.count("/*") - line.count("*/")
        if not line.startswith('extern "C"'):
            depth = max(depth + line.count("{") - line.count("}"), 0)
        if line.strip() or depth > 0:
            now.append(line)
            continue
        if now:
            out.append(Paragraph(header, "\n".join(now)))
        now = []
    return out


def verbs():
    """The typed macros."""
    text = ""
    for header in [*TYPED, "test"]:
        with open(f"{ROOT}/include/heph/{header}.h", encoding="utf-8") as file:
            text += file.read()
    return [name for name in re.findall(r"^#define (heph_\w+|HEPH_\w+)\(", text, re.M)
            if not name.endswith("__") and name not in ("HEPH_REF", "heph_chan_same", "heph_oneshot_same",
                                                        "heph_chan_id")]


# ---- pages ---------------------------------------------------------------------------


class Page:
    def __init__(self, name, header, text):
        self.name, self.header, self.text = name, header, text
        self.others, self.synopsis, self.notes = [], [], ""
        self.types = []  # pairs of a text and code


def declaration(code, name):
    """The declaration of a function in C, or the use of a macro."""
    macro = re.search(rf"^#define ({name}\([^)]*\))", code, re.M)
    if macro:
        return macro.group(1)
    for statement in re.split(r";|\n\{.*?\n\}", code, flags=re.S):
        match = re.search(rf"(?:HEPH_API|static inline)\s+(.*\b{name}\(.*)", statement,
                          re.S)
        if not match:
            continue
        text = re.sub(r"\s*__attribute__\(\(.*?\)\)\)*$", "", match.group(1), flags=re.S)
        text = re.sub(r"\b(HEPH_MUST|HEPH_NORETURN)\s+", "", text)
        return re.sub(r"\s+", " ", text).strip() + ";"
    return None


def typed_name(name, known):
    typed = name.replace("heph_raw_", "heph_")
    return typed if typed != name and typed in known else None


def build():
    """All pages, by name; and of which page another name is a part."""
    known = set(verbs())
    all_paragraphs = [p for header in ["types"] + HEADERS for p in paragraphs(header)]
    pages, part_of, before = {}, {}, ""

    for paragraph in all_paragraphs:
        names = paragraph.names()
        names = [n for n in names if n not in known]
        names = [n for n in names if n not in WITHIN]
        if paragraph.header == "typed" or not names:
            continue
        first = paragraph.use or typed_name(names[0], known) or names[0]
        text = re.sub(r"^[Tt]he same\b", f"The same as {before}()", paragraph.comment)
        page = pages.setdefault(first, Page(first, paragraph.header, text))
        before = first
        if first in USES:
            page.synopsis.append(USES[first])
        for name in names:
            if name not in USES or f"#define {name}(" not in paragraph.code:
                page.synopsis.append(declaration(paragraph.code, name))
            if name != first:
                page.others.append(name)
                part_of[name] = first
    add_typed(pages, part_of, all_paragraphs)
    add_types(pages, part_of, all_paragraphs, known)
    part_of.update(WITHIN)
    pages["heph_stats"].text = next(p.comment for p in all_paragraphs
                                    if "struct heph_stats {" in p.code)
    for page in pages.values():
        if page.header in NOTES:
            head = next(p for p in all_paragraphs if p.header == page.header)
            page.notes = head.comment.split("\n", 1)[1].strip("\n")
    return pages, part_of, known


def add_typed(pages, part_of, all_paragraphs):
    """Pages whose text is the head of typed.h, or another page's."""
    for header, name in TYPED.items():
        head = next(p for p in all_paragraphs if p.header == header)
        page = pages[name] = Page(name, header, head.comment.split("\n", 1)[1].strip("\n"))
        page.synopsis = [USES[name]]
    actor = pages["HEPH_ACTOR"]
    actor.synopsis.append(USES["HEPH_ACTOR_MAIN"])
    actor.others, part_of["HEPH_ACTOR_MAIN"] = ["HEPH_ACTOR_MAIN"], "HEPH_ACTOR"
    for name in ("HEPH_REPLY", "HEPH_PENDING"):
        member = next(p for p in all_paragraphs if f"#define {name}(" in p.code)
        pages[name] = Page(name, "typed", member.comment)
        pages[name].synopsis = [USES[name]]
    for name, others in PARTS.items():
        for number, other in enumerate(others):
            pages[name].others.append(other)
            pages[name].synopsis.insert(number + 1, USES[other])
            part_of[other] = name
    use = next((p.comment for p in all_paragraphs if p.header == "typed" and
                p.comment.startswith("heph_spawn(")), None)
    if use:
        pages["heph_spawn"].synopsis.insert(0, re.sub(r"\s+", " ", use))


def add_types(pages, part_of, all_paragraphs, known):
    """What is no function: on the page that TYPES says, or that of the next function."""
    for header, name in PLAIN.items():
        head = next(p for p in all_paragraphs if p.header == header)
        pages[name] = Page(name, header, head.comment.split("\n", 1)[1].strip("\n"))
    for name, paragraph in OWN.items():
        use, _, text = paragraph.comment.partition("):")
        text = text.strip()
        pages[name] = Page(name, paragraph.header, text[:1].upper() + text[1:])
        pages[name].synopsis = [re.sub(r"\s+", " ", use) + ")"]
    for header, name in MACROS.items():
        head = next(p for p in all_paragraphs if p.header == header)
        pages[name] = Page(name, header, head.comment.split("\n", 1)[1].strip("\n"))
    told = {mark: name for name, marks in TYPES.items() for mark in marks}
    of_header = {}
    for page in pages.values():
        of_header.setdefault(page.header, page.name)
    owners, after = {}, {}
    for paragraph in reversed(all_paragraphs):  # the page of the next function
        for name in reversed(paragraph.names()):
            name = paragraph.use or part_of.get(name, name)
            if name in pages:
                after[paragraph.header] = name
        owners[paragraph] = after.get(paragraph.header)
    for paragraph in all_paragraphs:
        if not paragraph.has_types() and "#define HEPH_OPTIONS__" not in paragraph.code:
            continue
        mark = next((m for m in told if m in paragraph.code), None)
        if not mark and (paragraph.header == "typed" or
                         all(name in known for name in paragraph.types() or ["enum"])):
            continue
        macros = MACROS.get(paragraph.header) if "#define" in paragraph.code else None
        owner = told.get(mark) or macros or PLAIN.get(paragraph.header) or \
            owners[paragraph] or of_header[paragraph.header]
        code = definition(paragraph.code)
        if code:
            functions = paragraph.names()
            pages[owner].types.append(("" if functions else paragraph.comment, code))
        for name in paragraph.types():
            if name not in pages and name not in known:
                part_of.setdefault(name, owner)
    part_of["heph_options"] = "heph_spawn"
    for name, kind in (("HEPH_SERVE_OPTIONS__", "heph_serve"),
                       ("HEPH_PACKETS_OPTIONS__", "heph_serve_packets")):
        part_of[kind + "_options" if "packets" not in kind else "heph_packets_options"] = kind


def definition(code):
    """Types and constants as they stand, without functions and what is private; or the
    members that a macro lists."""
    for options, name in (("HEPH_OPTIONS__", "heph_options"),
                          ("HEPH_SERVE_OPTIONS__", "heph_serve_options"),
                          ("HEPH_PACKETS_OPTIONS__", "heph_packets_options")):
        if f"#define {options}" in code:
            code = re.search(rf"#define {options}(.*?[^\\])\n(?=\n|struct)",
                             code + "\n\n", re.S).group(1)
            lines = "\n".join(line.rstrip("\\ \t") for line in code.split("\n")).rstrip()
            lines = re.sub(r"^(\s*(?:\w+ )+\**\w+)(\s+/\*[^\n]*)$", r"\1;\2",
                           lines.rstrip(), flags=re.M) if ";" in lines else lines
            return f"struct {name} {{" + lines + ("" if lines.rstrip().endswith((";", "*/"))
                                                  else ";") + "\n};"
    if re.search(r"^\tHEPH_\w+__;", code, re.M):
        return ""
    code = re.sub(r"^#(?:ifn?def|if|endif|else|undef|include|error)\b.*\n?", "", code, flags=re.M)
    code = re.sub(r'^(?:extern "C" \{|\})\n?$', "", code, flags=re.M)
    code = re.sub(r"^struct \w+;\n", "", code, flags=re.M)
    code = re.sub(r"^enum(?: \w+__)? \{[^a-z}]*__\b[^a-z}]*\};[^\n]*\n?", "", code, flags=re.M)
    # A macro with arguments: how it is used.
    code = re.sub(r"^#define (\w+)(\([^)]*\))?((?:.*\\\n)*.*)$", macro, code, flags=re.M)
    # Functions are in the synopsis.
    code = re.sub(r"^(?:HEPH_(?:API|MUST)\s+)*(?:HEPH_API|static inline)\b(?! extern)[^;{]*(?:;|\n\{.*?\n\})\n?",
                  "", code, flags=re.M | re.S)
    code = re.sub(r"^HEPH_API extern", "extern", code, flags=re.M)
    return code.strip("\n")


def macro(match):
    name, arguments, rest = match.groups()
    if name.endswith("__") or name.endswith("_H") or name.startswith("heph_"):
        return ""
    if arguments:
        note = re.search(r"/\*.*?\*/", rest)
        return f"{name}{arguments}" + (" " + note.group(0) if note else "")
    return match.group(0) if "\\\n" not in rest else f"#define {name} ..."


# ---- troff ------------------------------------------------------------------------------


def escape(text):
    text = text.replace("\\", "\\e")
    text = text.replace("-", "\\-") if text.startswith("-E") else text
    return text


def inline(text):
    """A line of prose: `code`, names with () or _, errors."""
    out = escape(text)
    out = re.sub(r"`([^`]+)`", lambda m: "\\fB" + m.group(1) + "\\fR", out)
    out = re.sub(r"(?<![\\\w])-(E[A-Z0-9]{2,})\b", r"\\fB\\-\1\\fR", out)
    out = re.sub(r"\b(heph_[a-z_]+)\(\)", r"\\fB\1\\fR()", out)
    out = re.sub(r"(?<![\\f\w])(HEPH_[A-Z_]+)\b", r"\\fB\1\\fR", out)
    return "\\&" + out if out[:1] in ".'" else out


def verbatim(lines):
    out = [".PP", ".in +4n", ".EX"]
    for line in lines:
        line = line.replace("\\", "\\e").replace("-", "\\-").expandtabs(8)
        out.append("\\&" + line if line[:1] in ".'" else line)
    return out + [".EE", ".in"]


def tagged(lines):
    """A word, and what is to be said of it, which goes on below, far to the right."""
    return not lines[0].startswith(" ") and (
        re.match(r"\S+ {3,}\S", lines[0]) or
        (len(lines) > 1 and lines[1].startswith("        ")))


def prose(text):
    """Paragraphs; what is indented stays as it is."""
    out = []
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line.strip()]
        while lines:
            bullet = re.match(r"( {0,3})- (.*)", lines[0])
            if bullet:
                lines.pop(0)
                out += [".IP \\(bu 2", inline(bullet.group(2))]
                while lines and lines[0].startswith(bullet.group(1) + "  "):
                    out.append(inline(lines.pop(0).strip()))
                continue
            if tagged(lines):
                tag, _, rest = lines.pop(0).partition(" ")
                out += [".TP", ".B " + escape(tag), inline(rest.strip())]
                while lines and lines[0].startswith("        "):
                    out.append(inline(lines.pop(0).strip()))
                continue
            indented = lines[0].startswith("    ")
            part = []
            while lines and lines[0].startswith("    ") == indented and not \
                    (part and (tagged(lines) or re.match(r" {0,3}- ", lines[0]))):
                part.append(lines.pop(0))
            if indented:
                smallest = min(len(l) - len(l.lstrip()) for l in part)
                out += verbatim([l[smallest:] for l in part])
            else:
                out += [".PP"] + [inline(line.strip()) for line in part]
    return out


def split_returns(text):
    """The sentence that begins with "Returns", and the rest."""
    match = re.search(r"(?:^|(?<=[.\n] )|(?<=\n))Returns\b[^.]*:\n\n(?: {4}.*(?:\n|$))+", text) or \
        re.search(r"(?:^|(?<=[.\n] )|(?<=\n))Returns\b.*?\.(?=\s+[A-Z`]|\s*$)", text, re.S)
    if not match:
        return None, text
    rest = (text[:match.start()].rstrip(" ") + "\n" +
            text[match.end():].lstrip(" ")).strip("\n")
    return match.group(0), rest


def include(header):
    """The header that a program includes for this one."""
    if "/" in header:
        return header.split("/")[0]
    with open(f"{ROOT}/include/heph/heph.h", encoding="utf-8") as file:
        return "heph" if f"<heph/{header}.h>" in file.read() else header


def library(header):
    """The library that it is in."""
    return {"http": "heph-http", "remote": "heph-remote", "tls": "heph-tls"}.get(
        header.split("/")[0], "heph")


def synopsis(page):
    name = library(page.header).replace("-", "\\-")
    out = [".SH LIBRARY", f"lib{name}",
           f".RI ( \\-l{name} )",
           ".SH SYNOPSIS", ".nf", f".B #include <heph/{include(page.header)}.h>", ".PP",
           f".B cc ... $(pkg\\-config \\-\\-cflags \\-\\-libs {name})", ".PP"]
    for line in dict.fromkeys(page.synopsis):
        wrapped = re.sub(r"(.{1,68})(?: |$)", r"\1\n", line).strip("\n").split("\n")
        for number, part in enumerate(wrapped):
            part = part.replace("\\", "\\e").replace("-", "\\-")
            out.append(".BI \"" + ("    " if number else "") +
                       part.replace('"', "\\(dq") + "\"")
    return out + [".fi"]


def see_also(page, pages):
    near = [p.name for p in pages.values() if p.header == page.header and p is not page]
    lines = [f".BR {name} (3)," for name in sorted(near, key=str.lower)]
    lines += [f".BR {name} (7),".replace("-", "\\-") for name in concepts_of(page.header)]
    return [".SH SEE ALSO"] + lines + [".BR heph (7)"]


COMMON = {
    "ETIME": "The deadline of the context has passed.",
    "ECANCELED": "The actor was asked to stop.",
    "ENOMEM": "There is no memory.",
    "ESRCH": "The actor is gone.",
    "EBADF": "The descriptor is none, was closed, or is another actor's.",
    "EINVAL": "An argument or option cannot be that.",
}


def split(text, at):
    """The parts between those characters that are not in parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if depth == 0 and character in at:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


def errors(returns):
    """What is returned if all is well, and pairs of an error and its meaning; None if
    the text is not of that form."""
    flat = " ".join(returns.split()).rstrip(".")
    match = re.match(r"(Returns[^()]*?|Returns .*?\))[;,] (-E[A-Z].*)$", flat)
    if not match or "-E" in match.group(1):
        return None
    found = []
    for item in split(match.group(2), ";,"):
        one = re.fullmatch(r"-(E[A-Z0-9]+)(?: \((.*)\))?", item)
        if not one or not hasattr(errno, one.group(1)):
            return None
        why = one.group(2) or COMMON.get(one.group(1)) or \
            os.strerror(getattr(errno, one.group(1)))
        found.append((one.group(1), why[:1].upper() + why[1:].rstrip(".") + "."))
    return match.group(1), found


def returned(returns):
    """The sections about results."""
    parts = errors(returns)
    if not parts:
        return [".SH RETURN VALUE"] + prose(returns)[1:]
    out = [".SH RETURN VALUE", inline(parts[0]) + ", or a negative error number.",
           ".SH ERRORS"]
    for name, why in parts[1]:
        out += [".TP", f".B \\-{name}", inline(why)]
    return out


def attributes(page):
    """Who may call it, and whether it waits, as far as the text tells."""
    returns, text = split_returns(page.text)
    use = " ".join(page.synopsis)
    context = "heph_ctx ctx" in use or "(ctx" in use
    out = []
    if re.search(r"\b[Dd]o(?:es)? not wait\b", text) and "-ETIME" not in page.text:
        waits = "no"
    elif "-ETIME" in page.text or re.match(r"Waits?\b", text):
        waits = "yes, the actor alone; until the deadline of the context, or a stop"
    else:
        waits = "no" if not context and "heph_" in use else None
    if re.search(r"\bAny thread\b", page.text):
        thread = "any, also without a runtime" if not context else "any that has a context"
    else:
        thread = "the actor or thread that the context belongs to" if context else None
    for name, value in (("Waits", waits), ("Thread", thread)):
        if value:
            out += [".TP", f".B {name}", value]
    return [".SH ATTRIBUTES"] + out if out else []


def example(name):
    """A program of the guide: its lines."""
    page, _, program = EXAMPLES[name].partition(":")
    with open(f"{ROOT}/docs/guide/{page}.md", encoding="utf-8") as file:
        blocks = re.findall(r"```c\n/\* file: (\w+)\.c \*/\n(.*?)```", file.read(), re.S)
    found = [text for other, text in blocks if other == program]
    if not found:
        sys.exit(f"{name}: docs/guide/{page}.md has no program {program}.c")
    return "".join(found).rstrip("\n").split("\n")


def heading(name, section):
    """The line .TH: of the release, so that the same source makes the same page."""
    with open(f"{ROOT}/meson.build", encoding="utf-8") as file:
        version = re.search(r"version: '(.*?)'", file.read()).group(1)
    with open(f"{ROOT}/debian/changelog", encoding="utf-8") as file:
        date = re.search(r"^ -- .*>  \w+, (\d+) (\w+) (\d+)", file.read(), re.M)
    month = "JanFebMarAprMayJunJulAugSepOctNovDec".index(date.group(2)) // 3 + 1
    day = f"{date.group(3)}-{month:02}-{int(date.group(1)):02}"
    name = name.replace("-", "\\-")
    return f'.TH {name} {section} "{day}" "Heph {version}" "Heph"'


def render(page, pages):
    returns, text = split_returns(page.text)
    names = ", ".join([page.name] + [n for n in page.others if "_raw_" not in n])
    out = ['.\\" Made by scripts/man.py from include/heph/' + page.header + ".h",
           heading(page.name, 3), ".SH NAME",
           names + " \\- " + SUMMARY.get(page.name, page.name)]
    out += synopsis(page)
    if text.strip():
        out += [".SH DESCRIPTION"] + prose(text)[1:]
    if returns:
        out += returned(returns)
    out += attributes(page)
    if page.types:
        out += [".SH TYPES"]
        for number, (comment, code) in enumerate(page.types):
            part = (prose(comment) if comment else []) + verbatim(code.split("\n"))
            out += part[0 if number else 1:]
    if page.notes:
        out += [".SH NOTES"] + prose(page.notes)[1:]
    if page.name in EXAMPLES:
        out += [".SH EXAMPLES", "From the guide:"] + verbatim(example(page.name))
    out += see_also(page, pages)
    return "\n".join(out) + "\n"


# ---- section 7 --------------------------------------------------------------------------

# A page: what it is about, its page of the guide and others, and headers.
CONCEPTS = {
    "heph-actors": ("actors: what they are, own and end as",
                    "quick-start ownership stack-rule references names places",
                    "typed actor own refs standard"),
    "heph-messages": ("messages, calls and groups",
                      "messages waiting calls groups", "message call group"),
    "heph-channels": ("channels between actors, threads and runtimes",
                      "channels", "inbox oneshot"),
    "heph-contexts": ("contexts: who waits, and until when",
                      "waiting timers", "types time timer timers"),
    "heph-supervision": ("failures, supervisors, monitors, links and holds",
                         "supervision failure links", "tree watch"),
    "heph-runtime": ("runtimes: workers, configuration, systemd, other loops",
                     "runtime configuration scheduling embedding systemd drivers",
                     "runtime config embed sched drivers systemd activation"),
    "heph-io": ("input and output: descriptors, sockets, files, processes",
                "io sockets files processes names",
                "io lines net address resolve socket socket_msg packet file notify process "
                "str stream"),
    "heph-observing": ("looking into a program: logs, metrics, traces",
                       "observing logging metrics tracing probes control debugging",
                       "inspect metrics log trace"),
    "heph-testing": ("tests with a clock of their own, and simulated worlds",
                     "testing simulation", "test sim"),
    "heph-tls": ("TLS over connections", "tls", "tls"),
    "heph-http": ("HTTP servers and clients",
                  "http-server http-router http-files http-client http-values", "http/*"),
    "heph-remote": ("references that reach other processes",
                    "remote codecs transports cluster durable", "remote/*"),
    "heph-c++": ("the words of Heph for C++17", "cpp", ""),
}


def headers_of(concept):
    return [header for word in CONCEPTS[concept][2].split()
            for header in ["types", *HEADERS]
            if header == word or (word.endswith("*") and header.startswith(word[:-1]))]


def concepts_of(header):
    return [name for name in CONCEPTS if header in headers_of(name)]


def intro(page):
    """The paragraphs that a page of the guide begins with."""
    with open(f"{ROOT}/docs/guide/{page}.md", encoding="utf-8") as file:
        text = file.read().split("\n", 1)[1]
    out = []
    for block in text.strip().split("\n\n"):
        if re.match(r"[#|`<\-*]|\d+\.|    ", block):
            break
        # What makes sense only on that page.
        block = re.sub(r"^\[[^\]]*\]\([^)]*\) says[^.]*\.\s*|This page is about[^.]*\.\s*", "", block,
                       flags=re.M)
        block = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", block)
        out.append(re.sub(r"\*\*?([^*]+)\*\*?", r"\1", block))
    while out and out[-1].rstrip().endswith(":"):
        out.pop()
    return "\n\n".join(out)


def cxx_parts():
    """Pairs of a title and a text, of the headers for C++."""
    with open(f"{ROOT}/include/heph/heph.hpp", encoding="utf-8") as file:
        head = file.read()
    parts = [("", clean(re.findall(r"/\*(.*?)\*/", head, re.S)[1]).split("\n", 1)[1])]
    for path in sorted(glob.glob(f"{ROOT}/include/heph/cxx/*.hpp")):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        title, _, rest = clean(re.findall(r"/\*(.*?)\*/", text, re.S)[1]).partition("\n")
        title = re.sub(r"^\S+ - |; a part of heph.hpp", "", title)
        parts.append((title, rest.strip("\n")))
        for comment, name in re.findall(r"/\*((?:(?!\*/).)*)\*/\n(?:template <[^>]*>\s)?(?:class|struct) "
                                        r"(?:\[\[\w+\]\] )?(scope|hold|monitor|timer|scoped_\w+|result|clock)\b",
                                        text, re.S):
            if name != "scoped_ref":
                parts[-1] = (title, parts[-1][1] + f"\n\n`heph_cxx::{name}`:\n" + clean(comment))
    return parts


def render_concept(name, pages):
    what, guide, _ = CONCEPTS[name]
    out = ['.\\" Made by scripts/man.py from include/heph and docs/guide',
           heading(name, 7), ".SH NAME", f"{name} \\- {what}".replace("heph-", "heph\\-"),
           ".SH DESCRIPTION"]
    out += prose(intro(guide.split()[0]))[1:]
    listed = []
    if name == "heph-c++":
        out[4:4] = [".SH SYNOPSIS", ".nf", ".B #include <heph/heph.hpp>", ".fi"]
        for title, text in cxx_parts():
            if text.strip():
                out += [f".SS {title[:1].upper()}{title[1:]}"] if title else []
                out += prose(text)[1:]
    if name == "heph-contexts":
        context = next(p for p in paragraphs("types") if "struct heph_ctx {" in p.code)
        out += prose(context.comment)
    for header in headers_of(name):
        own = sorted((p for p in pages.values() if p.header == header),
                     key=lambda page: page.name.lower())
        head = next(iter(paragraphs(header))).comment
        title, _, text = head.partition("\n")
        title = re.sub(r"^\S+ - ", "", title)
        if not name.startswith(("heph-http", "heph-remote")) and header != "typed":
            out += [f".SS {title[:1].upper()}{title[1:]}"]
            out += prose(text.strip("\n"))[1:]
        if own:
            listed += [f".SS {title[:1].upper()}{title[1:]}"]
        for page in own:
            listed += [".TP", f".BR {page.name} (3)", SUMMARY.get(page.name, page.name)]
    if listed:
        out += [".SH FUNCTIONS, MACROS AND TYPES"] + listed
    out += [".SH SEE ALSO"]
    out += [f".BR {other} (7),".replace("-", "\\-") for other in CONCEPTS if other != name]
    out += [".BR heph (7),", ".BR heph (1)", ".PP",
            "The guide, docs/guide in the source: " + ", ".join(
                f"{page}.md" for page in guide.split()) + "."]
    return "\n".join(out) + "\n"


# ---- all ----------------------------------------------------------------------------------


def public():
    """Every name of a function, verb, type or constant that C programs may use."""
    names = set(verbs())
    for header in ["types", *HEADERS]:
        for paragraph in paragraphs(header):
            names |= set(paragraph.types())
    for header in HEADERS:
        with open(f"{ROOT}/include/heph/{header}.h", encoding="utf-8") as file:
            text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
        for match in re.finditer(r"\bHEPH_API\b[^;{]*?\b(heph_\w+)\(", text):
            names.add(match.group(1))
        names |= set(re.findall(r"^static inline [^(;]*?\b(heph_[a-z0-9_]+)\(", text, re.M))
        names |= set(re.findall(r"^#define (heph_[a-z0-9_]+)\(", text, re.M))
    return {n for n in names if not n.endswith("__")}


def check(pages, part_of):
    problems = [f"{name} has no page" for name in sorted(public())
                if name not in pages and name not in part_of]
    problems += [f"{name} has no summary in scripts/man.py" for name in sorted(pages)
                 if name not in SUMMARY]
    problems += [f"{name}: a summary, but no page" for name in sorted(SUMMARY)
                 if name not in pages and name not in part_of]
    problems += [f"{name} has no text" for name, page in sorted(pages.items())
                 if not page.text.strip()]
    for name, section in (("heph", 1), ("heph", 7)):
        with open(f"{ROOT}/man/{name}.{section}", encoding="utf-8") as file:
            text = file.read()
        if heading(name, section) not in text:
            problems.append(f"man/{name}.{section} should have {heading(name, section)}")
    with open(f"{ROOT}/man/heph.7", encoding="utf-8") as file:
        text = file.read().replace("\\-", "-")
        problems += [f"man/heph.7 does not name {name}(7)" for name in CONCEPTS
                     if f".BR {name} (7)" not in text]
    problems += [f"{header}.h is on no page of section 7" for header in HEADERS
                 if not concepts_of(header)]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


def write(directory, name, text):
    with open(f"{directory}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


def main():
    pages, part_of, _ = build()
    if sys.argv[1] == "--check":
        return check(pages, part_of)
    for directory in sys.argv[1:3]:
        os.makedirs(directory, exist_ok=True)
        for name in os.listdir(directory):
            os.unlink(f"{directory}/{name}")
    man3, man7 = sys.argv[1], sys.argv[2] if sys.argv[2:] else None
    for page in pages.values():
        write(man3, page.name + ".3", render(page, pages))
    for name, page in part_of.items():
        write(man3, name + ".3", f".so man3/{page}.3\n")
    for name in CONCEPTS if man7 else []:
        write(man7, name + ".7", render_concept(name, pages))
    for directory in sys.argv[1:3]:
        os.utime(directory)
    return 0


if __name__ == "__main__":
    sys.exit(main())
