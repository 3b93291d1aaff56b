"""Headings that say too little alone: "Options" of which program? They are told apart by the
heading above them.
"""

import re
from collections.abc import Iterable, Sequence

_WORDS = """
    advanced; arguments; attributes; author; authors; background; basic usage; basics; bugs;
    conclusion; conclusions; configuration; constants; copyright; defaults; definition;
    definitions; deprecated; description; details; diagnostics; directives; discussion;
    discussions; environment; environment variables; errors; example; examples; exceptions; exit
    status; exit codes; faq; features; fields; files; flags; functions; general; general remarks;
    get started; getting started; history; how it works; installation; interface; the interface;
    introduction; limitations; methods; miscellaneous; name; note; notes; operation; options;
    other; others; other options; output; overview; parameter; parameters; prerequisites;
    problems; properties; purpose; reference; remarks; reporting bugs; requirements; resources;
    result; results; return value; return values; returns; roles; rules; scope; settings; setup;
    standards; summary; synopsis; syntax; terms; tips; tools; troubleshooting; types; usage;
    values; variables; version; warnings
"""
COMMON = frozenset(" ".join(_WORDS.split()).split("; "))
"""Headings that many sections bear, in lower case."""
PARENT_CHARACTERS = 60
_NUMBER = re.compile(
    r"^(?:(?:section|chapter|part|appendix)\s+)?"
    r"(?:\d+(?:\.\d+)*[.:)]?|[A-Z](?:\.\d+)+[.:)]?|[A-Z][.:)])\s+(?=\S)",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\s+[–—|-]\s+|:\s+")
Path = tuple[str, ...]
"""The headings over a passage, the document's title first, its own last."""


def shared(paths: Iterable[Path]) -> frozenset[str]:
    """Return the headings, in lower case, that stand in one document under different headings."""
    parents: dict[str, set[Path]] = {}
    for path in paths:
        parents.setdefault(path[-1].lower(), set()).add(path[:-1])
    return frozenset(heading for heading, above in parents.items() if len(above) > 1)


def parent_of(path: Sequence[str], topic: str, in_common: frozenset[str]) -> str:
    """Return the words that tell a heading from others of the same words: the nearest heading above
    it that says more; "" if it needs none.

    topic: the heading without its number. in_common: headings that stand more than once in its
    document.
    """
    if topic.strip().lower() not in COMMON and path[-1].lower() not in in_common:
        return ""
    for heading in reversed(path[:-1]):
        words = _NUMBER.sub("", " ".join(heading.split()))
        if words.lower() not in COMMON and words.lower() != topic.lower() and words:
            return _short(words)
    return ""


def _short(words: str) -> str:
    """Return a heading's first part where it is long: what stands before a dash or a colon."""
    first = _BREAK.split(words)[0]
    short = words if len(words) <= PARENT_CHARACTERS // 2 else first
    return (
        short if len(short) <= PARENT_CHARACTERS else short[:PARENT_CHARACTERS].rpartition(" ")[0]
    )
