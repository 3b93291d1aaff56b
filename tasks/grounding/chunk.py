"""Documents, cut into passages along their sections, with offsets that point at the exact text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

_HASHES = re.compile(r"^(?P<hashes>#{1,6})[ \t]+(?P<title>\S[^\n]{0,299})$", re.MULTILINE)
_UNDERLINED = re.compile(
    r"^(?P<title>\S[^\n]{0,118})\n(?P<rule>[=\-~^*\"+])(?P=rule){2,}[ \t]*$", re.MULTILINE
)
_NUMBERED = re.compile(
    r"(?:\A|\n\n)(?P<title>(?:(?:Section|Chapter|Part|Rule|Article|§)[ \t]*)?"
    r"\d+(?:\.\d+)*\.?[ \t]+[A-Z][^\n]{1,90}[^\n.:;,])(?=\n\n|\n*\Z)"
)
_OUTLINE = re.compile(
    r"^(?P<title>\d+(?:\.\d+)+\.?[ \t]+[A-Z][^\n]{1,90}[^\n.:;,\d])(?=\n(?![ \t]*[a-z])|\Z)",
    re.MULTILINE,
)
_FENCED = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)", re.MULTILINE | re.DOTALL)
_LABEL = re.compile(
    r"^(?P<label>(?:(?:Section|Chapter|Part|Rule|Article|Appendix|§)[ \t]*)?"
    r"(?:\d+|[A-Z])(?:[.\-]\d+)*(?:\([a-z0-9]+\))*)[.:)]?[ \t]+(?P<heading>\S.*)$"
)
_LINKED = re.compile(r"!?\[(?P<words>[^\]\n]*)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^}\n]*\}$")
_MARKED = re.compile(
    r"(?<!\w)(?P<mark>``?|\*\*?|__)(?=\S)(?P<words>[^`*\n]+?)(?<=\S)(?P=mark)(?!\w)"
)
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")
_PARAGRAPH = re.compile(r"\n[ \t]*\n+")
_ROUND = str.maketrans("[]", "()")
LABEL_CHARACTERS = 80
"""Most characters of a citation in brackets."""
WORD_CHARACTERS = 200
"""A longer run without spaces is not a word but an encoded picture, a key or noise. No passage
holds it.
"""


class Heading(NamedTuple):
    """A heading.

    section: its label in a citation. topic: its words without the number. start, end: its place in
    the text. title: all its words. level: 1 for the highest.
    """

    section: str
    topic: str
    start: int
    end: int
    title: str = ""
    level: int = 1


@dataclass(frozen=True)
class Chunk:
    """The place of a passage: [start, end) in the document's text, under one heading. above: all
    headings above it, the document's title first.
    """

    section: str
    heading: str
    start: int
    end: int
    above: tuple[str, ...] = ()


def chunks(text: str, *, title: str, max_words: int, min_words: int) -> Iterator[Chunk]:
    """Yield the passages of a document in order. None crosses a section or has more than max_words
    words.

    Passages with fewer than min_words words are left out.
    """
    for heading, above, start, end in _sections(text, title):
        for chunk_start, chunk_end in _pack(text, start, end, max_words):
            if len(text[chunk_start:chunk_end].split()) >= min_words:
                yield Chunk(heading.section, heading.topic, chunk_start, chunk_end, above)


def headings(text: str) -> list[Heading]:
    """Return all headings: Markdown hashes, underlined lines, numbered lines in a paragraph of
    their own, and outline numbers (2.1) even in running text.
    """
    found = {}
    prose = _FENCED.sub(lambda code: " " * len(code[0]), text)
    rules: list[str] = []
    for pattern in (_OUTLINE, _NUMBERED, _UNDERLINED, _HASHES):
        for match in pattern.finditer(prose):
            title = without_markup(match["title"].rstrip(" \t#") or match["title"])
            section, topic = label(title)
            level = _level(match, section, rules)
            heading = Heading(section, topic, match.start(), match.end(), title, level)
            found[match.start("title")] = heading
    return _without_overlap(sorted(found.values(), key=lambda heading: heading.start))


def without_markup(title: str) -> str:
    """Return a heading without the marks of Markdown and reStructuredText. Links become their
    words.
    """
    words = _LINKED.sub(lambda link: link["words"], title)
    words = _ATTRIBUTES.sub("", words)
    return _MARKED.sub(lambda marked: marked["words"], words).strip() or title


def _level(match: re.Match[str], section: str, rules: list[str]) -> int:
    """Return a heading's level. rules: the underlines found so far, the highest level first,
    because reStructuredText defines levels by their order.
    """
    marks = match.groupdict()
    if marks.get("hashes"):
        return len(marks["hashes"])
    if rule := marks.get("rule"):
        if rule not in rules:
            rules.append(rule)
        return rules.index(rule) + 1
    return section.rstrip(".").count(".") + 1


def label(title: str) -> tuple[str, str]:
    """Return (section, topic) of a heading. "Section 214. Late fees" has the section "Section 214";
    a heading without a number is its own section.
    """
    title = " ".join(title.split())
    match = _LABEL.match(title)
    if not match:
        return citable(title), title
    return " ".join(match["label"].split()), match["heading"]


def citable(title: str) -> str:
    """Return a heading as it can stand in a citation in brackets: without brackets, and
    shortened.
    """
    words = title.translate(_ROUND)
    if len(words) <= LABEL_CHARACTERS:
        return words
    cut = words[: LABEL_CHARACTERS - 2]
    return f"{cut.rpartition(' ')[0] or cut} …"


def _without_overlap(ordered: list[Heading]) -> list[Heading]:
    kept: list[Heading] = []
    for heading in ordered:
        if not kept or heading.start >= kept[-1].end:
            kept.append(heading)
    return kept


def _sections(text: str, title: str) -> Iterator[tuple[Heading, tuple[str, ...], int, int]]:
    """Yield (heading, all headings from the title down to it, start, end) of every section. Text
    before the first heading belongs to the title.
    """
    above: list[Heading] = []
    marks = [Heading(citable(title), "", 0, 0, title, 0), *headings(text)]
    for mark, after in pairwise([*marks, Heading("", "", len(text), len(text))]):
        above = [one for one in above if one.level < mark.level] + [mark]
        yield mark, tuple(one.title for one in above), mark.end, after.start


def _pack(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    """Yield spans of whole paragraphs, or sentences, or words, each as long as max_words allows."""
    first, words = -1, 0
    last = start
    for piece_start, piece_end in _pieces(text, start, end, max_words):
        size = len(text[piece_start:piece_end].split())
        if first >= 0 and (words + size > max_words or text[last:piece_start].strip()):
            yield first, last
            first, words = -1, 0
        first, last, words = (piece_start if first < 0 else first), piece_end, words + size
    if first >= 0:
        yield first, last


def _pieces(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    for paragraph in _spans(_PARAGRAPH, text, start, end):
        words = text[slice(*paragraph)].split()
        if len(words) <= max_words and max(map(len, words)) <= WORD_CHARACTERS:
            yield paragraph
            continue
        for sentence in _spans(_SENTENCE_END, text, *paragraph):
            yield from _cut(text, *sentence, max_words)


def _cut(text: str, start: int, end: int, max_words: int) -> Iterator[tuple[int, int]]:
    """Yield runs of at most max_words words. A run also ends at what is too long to be a word."""
    run: list[re.Match[str]] = []
    for word in re.finditer(r"\S+", text[start:end]):
        noise = word.end() - word.start() > WORD_CHARACTERS
        if run and (noise or len(run) == max_words):
            yield start + run[0].start(), start + run[-1].end()
            run = []
        if not noise:
            run.append(word)
    if run:
        yield start + run[0].start(), start + run[-1].end()


def _spans(
    separator: re.Pattern[str], text: str, start: int, end: int
) -> Iterator[tuple[int, int]]:
    """Yield the parts between separators that are not blank, without surrounding white space."""
    low = start
    cuts = [(match.start(), match.end()) for match in separator.finditer(text, start, end)]
    for cut_start, cut_end in [*cuts, (end, end)]:
        part = text[low:cut_start]
        if part.strip():
            yield low + len(part) - len(part.lstrip()), low + len(part.rstrip())
        low = cut_end
