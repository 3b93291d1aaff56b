"""Kinds of text that do not suit questions: contents, indexes, change histories, licences and
others.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, get_args

TextKind = Literal[
    "navigation", "contents", "index", "changelog", "licence_text", "footnotes", "no_prose"
]
KINDS: tuple[TextKind, ...] = get_args(TextKind)
"""All kinds of text that do not suit questions."""

_CONTENTS = re.compile(
    r"(?:table of |short |brief |detailed |summary of )?contents|toc|"
    r"list of (?:figures|tables|examples|listings)"
)
_INDEX = re.compile(
    r"(?:[\w,/]+ ){0,6}(?:index|indices)(?:[:,] .{0,20})?|[a-z]|symbols|non-alphabetical"
)
_NAVIGATION = re.compile(
    r"on this page|(?:site )?navigation|related (?:topics|pages|articles)|see also|"
    r"further reading|external links|quick links"
)
_CHANGES = re.compile(
    r"change ?logs?|release notes?.*|(?:release|revision|version|document|change) history|"
    r"history of changes|upgrading checklist|"
    r"(?:what.?s new|changes|news) (?:in|since|from|between|for)\b.*\d.*"
)
_NEWS = re.compile(r"(?:major |old(?:er)? )?news|changes|what.?s new")
"""Names of a change history, if they stand above a whole document."""
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = (
    r"(?:\d{4}-\d\d-\d\d|\d{1,2}[./]\d{1,2}[./]\d{2,4}|"
    rf"(?:\d{{1,2}}\.? )?{_MONTH}(?: \d{{1,2}}(?:st|nd|rd|th)?,?)?,? (?:19|20)\d\d|"
    r"(?:19|20)\d\d|unreleased|in development|not yet released)"
)
_VERSION = r"\d+(?:\.\d+)+[\w.+~-]*"
_RELEASE = re.compile(
    rf"(?:[\w-]+ ){{0,3}}v?{_VERSION}[ (\[:,–—-]+"
    rf"(?:(?:released?|dated?|of|on)[: ]*){{0,2}}{_DATE}[)\].]*"
)
_VERSION_ALONE = re.compile(rf"(?:version|release|v)?\.? ?{_VERSION}")
_LICENCE_NAME = re.compile(
    r"(?:the )?(?:gnu .*|.* public|apache|mit|bsd|mozilla .*|creative commons .*|"
    r".* free documentation) licen[cs]e\b.*|.*terms and conditions for (?:use|copying).*|"
    r"how to (?:use|apply) (?:this licen[cs]e|these terms).*"
)
_LICENCE_HEADING = re.compile(
    r"licen[cs](?:e|es|ing)(?: (?:terms|text|agreement|information))?|"
    r"copying(?: (?:conditions|permissions?))?|copyright(?: .*)?|legal notices?|"
    r"appendix:? how to apply.*"
)
_PHRASES = """
    permission is hereby granted; permission is granted to; permission notice; verbatim cop;
    redistribution and use in source; redistributions of source code; without warranty of any
    kind; merchantability; fitness for a particular purpose; this license; this licence; licensor;
    gnu general public license; gnu lesser general public; gnu free documentation license; free
    software foundation; invariant sections; cover texts; transparent copy; opaque cop; derivative
    work; all rights reserved; the above copyright notice; covered work; as published by the free
    software; sublicense; corresponding source; work based on the; in no event shall; creative
    commons
"""
_LICENCE_WORDS = tuple(" ".join(_PHRASES.split()).split("; "))
"""Phrases of licences that are rare in manuals. A passage needs several of them, or one of them
below a heading that announces a licence.
"""
_NOTES = re.compile(r"(?:foot|end) ?notes?")
_LINK = re.compile(r"\[(?P<words>[^\]\n]+)\]\([^)\n]*\)")
_TO_PAGE = re.compile(r"[ .\t…](?P<page>\d{1,4}|[ivxlc]{1,6})$")
_TO_PAGES = re.compile(r",? (?:\d{1,4}(?:[–-]\d{1,4})?, ?)*\d{1,4}(?:[–-]\d{1,4})?$")
ENTRY_CHARACTERS = 160
"""Most characters of an entry of contents or of an index."""
_CHANGE = re.compile(
    r"^(?:[-*+•] *)?(?:\[?#\d+|(?:bug|issue|pr|gh|cve)[- ]*#?\d+|closes:|(?:bugs? )?fixed\b|"
    r"fixes\b|added\b|removed\b|deprecated\b|improved\b|"
    r"updated\b|changed\b|dropped\b|renamed\b)",
    re.IGNORECASE,
)
_SIGNS = re.compile(r"[{}()\[\]=_;<>|\\/*&%$#@^~`+\"]")
_PROSE = re.compile(r"(?:[^\W\d_]+(?:['’-][^\W\d_]+)*[,;:]? +){5}[^\W\d_]+")
"""Six words in a row."""
LINES = 4
"""Fewest lines of a list."""
MOST = 0.6
"""Share of the lines of a list that must be of its kind."""
CODE_SIGNS = 0.08
"""Smallest share of signs in code."""
WHOLE: tuple[TextKind, ...] = ("contents", "index", "changelog", "licence_text")
"""Kinds that a whole section can have."""
NEARLY_ALL = 0.75
"""Share of a section's passages of one kind from which on the whole section is of this kind."""
RELEASES = 3
"""A document with so many headings that are only version numbers is a change history."""


class Under(NamedTuple):
    """The headings above a passage in lower case, the document's title first and its own last:
    without and with their numbers.
    """

    headings: tuple[str, ...]
    numbered: tuple[str, ...]

    def any(self, *patterns: re.Pattern[str]) -> bool:
        """Return whether one of the headings fully matches one of the patterns."""
        return any(pattern.fullmatch(one) for one in self.headings for pattern in patterns)


class Book(NamedTuple):
    """What is known of a passage's document. headings: in lower case. versions: it is a change
    history by its headings.
    """

    headings: frozenset[str]
    versions: bool

    @classmethod
    def of(cls, paths: Sequence[Sequence[str]]) -> "Book":
        """Return the book for the headings of all passages, each with those above it."""
        own = {path[-1] for path in paths}
        every = {heading for path in paths for heading in path}
        lowered = frozenset(_lowered(heading) for heading in every)
        releases = sum(map(is_version, own))
        return cls(lowered | set(map(_without_number, lowered)), releases >= RELEASES)


def kind_of(headings: Sequence[str], text: str, book: Book) -> TextKind | None:
    """Return the kind of a passage, None for normal text.

    headings: those above it, the document's title first, its own last. book: its document.
    """
    numbered = tuple(_lowered(heading) for heading in headings)
    under = Under(tuple(map(_without_number, numbered)), numbered)
    for kind, holds in TESTS:
        if holds(under, text):
            return kind
    if _mostly(_lines(text), lambda line: _lowered(line) in book.headings, share=0.8):
        return "contents"
    return "changelog" if book.versions and any(map(is_version, headings)) else None


def with_whole_sections(
    kinds: Sequence[TextKind | None], paths: Sequence[Sequence[str]]
) -> list[TextKind | None]:
    """Return the kinds of a document's passages. If nearly all passages of a section are of one
    kind, all of them get it.
    """
    found = list(kinds)
    below: dict[tuple[str, ...], list[int]] = {}
    for place, path in enumerate(paths):
        for depth in range(1, len(path) + 1):
            below.setdefault(tuple(path[:depth]), []).append(place)
    for places in below.values():
        kind, count = Counter(kinds[place] for place in places).most_common(1)[0]
        if kind in WHOLE and count >= LINES and count >= NEARLY_ALL * len(places):
            for place in places:
                found[place] = found[place] or kind
    return found


def is_version(heading: str) -> bool:
    """Return whether a heading is only a version number."""
    return _VERSION_ALONE.fullmatch(_lowered(heading)) is not None


def _lowered(heading: str) -> str:
    return " ".join(heading.split()).strip(" .:[]*_¶#").lower()


def _without_number(words: str) -> str:
    return re.sub(
        r"^(?:(?:appendix|chapter|part|section)\s+)?"
        r"(?:\d+(?:\.\d+)*|[a-z](?:\.\d+)*)[.:)]?\s+(?=[a-z])",
        "",
        words,
    )


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _mostly(lines: Sequence[str], test: Callable[[str], object], *, share: float = MOST) -> bool:
    return len(lines) >= LINES and sum(bool(test(line)) for line in lines) >= share * len(lines)


def _navigation(under: Under, text: str) -> bool:
    linked = sum(_count_words(link["words"]) for link in _LINK.finditer(text))
    words = _count_words(_LINK.sub(lambda link: link["words"], text))
    if len(_LINK.findall(text)) >= LINES and linked >= 0.8 * words:
        return True
    return bool(under.headings) and _NAVIGATION.fullmatch(under.headings[-1]) is not None


def _contents(under: Under, text: str) -> bool:
    lines = _lines(text)
    if under.any(_CONTENTS):
        return sum(map(_is_short, lines)) >= MOST * len(lines)
    entries = [found for line in lines if (found := _entry(_TO_PAGE, line))]
    pages = [int(found["page"]) for found in entries if found["page"].isdecimal()]
    rising = sum(one <= other for one, other in pairwise(pages)) >= 0.9 * (len(pages) - 1)
    return len(pages) > LINES and len(pages) >= MOST * len(lines) and rising


def _entry(ends: re.Pattern[str], line: str) -> re.Match[str] | None:
    """Return the page numbers at the end of a line, if words stand before them; else None."""
    found = ends.search(line) if len(line) <= ENTRY_CHARACTERS else None
    return found if found and any(map(str.isalnum, line[: found.start()])) else None


def _index(under: Under, text: str) -> bool:
    lines = _lines(text)
    entries = [found for line in lines if (found := _entry(_TO_PAGES, line))]
    terms = [found.string[: found.start()].lower() for found in entries]
    paged = len(terms) > LINES and len(terms) >= MOST * len(lines)
    sorted_terms = sum(one <= other for one, other in pairwise(terms)) >= 0.8 * (len(terms) - 1)
    named = bool(under.headings) and any(map(_INDEX.fullmatch, under.headings[-2:]))
    return (paged and sorted_terms) or (named and (paged or not _has_prose(text)))


def _changelog(under: Under, text: str) -> bool:
    named = under.any(_CHANGES) or any(map(_NEWS.fullmatch, under.headings[:2]))
    released = any(map(_RELEASE.fullmatch, under.numbered))
    return named or released or _mostly(_lines(text), _CHANGE.match)


def _licence_text(under: Under, text: str) -> bool:
    plain = " ".join(text.lower().split())
    phrases = sum(phrase in plain for phrase in _LICENCE_WORDS)
    announced = phrases >= 1 and under.any(_LICENCE_HEADING)
    return phrases >= 3 or announced or under.any(_LICENCE_NAME)


def _footnotes(under: Under, text: str) -> bool:
    return under.any(_NOTES)


def _no_prose(under: Under, text: str) -> bool:
    """Return whether a text is code or a table of signs: many signs, and no six words in a row."""
    dense = "".join(text.split())
    return len(_SIGNS.findall(dense)) >= CODE_SIGNS * len(dense) and not _has_prose(text)


def _count_words(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _has_prose(text: str) -> bool:
    return _PROSE.search(" ".join(text.split())) is not None


def _is_short(line: str) -> bool:
    return len(line.split()) <= 10 and not line.endswith(".")


TESTS: tuple[tuple[TextKind, Callable[[Under, str], bool]], ...] = (
    ("navigation", _navigation),
    ("contents", _contents),
    ("index", _index),
    ("changelog", _changelog),
    ("licence_text", _licence_text),
    ("footnotes", _footnotes),
    ("no_prose", _no_prose),
)
