"""Headings that need a parent: "Options" alone does not say of which program. The heading above is
added to them.
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
"""Headings that many sections have, in lower case."""
PARENT_CHARACTERS = 60
"""Most characters of an added parent heading."""
_NUMBER = re.compile(
    r"^(?:(?:section|chapter|part|appendix)\s+)?"
    r"(?:\d+(?:\.\d+)*[.:)]?|[A-Z](?:\.\d+)+[.:)]?|[A-Z][.:)])\s+(?=\S)",
    re.IGNORECASE,
)
_BREAK = re.compile(r"\s+[–—|-]\s+|:\s+")
Path = tuple[str, ...]
"""The headings above a passage, the document's title first and its own heading last."""


def shared(paths: Iterable[Path]) -> frozenset[str]:
    """Return the headings, in lower case, that occur in one document below different parents."""
    parents: dict[str, set[Path]] = {}
    for path in paths:
        parents.setdefault(path[-1].lower(), set()).add(path[:-1])
    return frozenset(heading for heading, above in parents.items() if len(above) > 1)


def parent_of(path: Sequence[str], topic: str, in_common: frozenset[str]) -> str:
    """Return the words to add to a heading: the nearest heading above it that is not common, "" if
    it needs none.

    topic: the heading without its number. in_common: headings that occur several times in the
    document.
    """
    if topic.strip().lower() not in COMMON and path[-1].lower() not in in_common:
        return ""
    for heading in reversed(path[:-1]):
        words = _NUMBER.sub("", " ".join(heading.split()))
        if words and words.lower() not in COMMON and words.lower() != topic.lower():
            return _short(words)
    return ""


def _short(words: str) -> str:
    """Return a heading, or its part before a dash or colon if the heading is long."""
    short = words if len(words) <= PARENT_CHARACTERS // 2 else _BREAK.split(words)[0]
    if len(short) <= PARENT_CHARACTERS:
        return short
    return short[:PARENT_CHARACTERS].rpartition(" ")[0]
