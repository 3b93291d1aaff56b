"""Stretches that follow the label of a section: "[Section 7] Fees. It costs …", "Section 7 says that …"."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from tasks.verdicts.claims.alignment import is_critical, is_other_word, runs
from tasks.verdicts.claims.sentences import Sentence, sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.tokens import norms, tokens

_SAYS = re.compile(
    r"\W*(?:(?:clearly|also|explicitly|itself|only|then)\s+)?"
    r"(?:says|said|states|reads|provides|notes|specifies|explains|tells us|adds|holds)\b"
    r"(?:\s+that\b)?",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"(?:so|thus|therefore|hence|then|this|that|these|those|now|but|however|since|because|which|here"
    r"|and|i|we|in|for|from|as|also|let|if|with|ok|okay|the answer|the question)\b",
    re.IGNORECASE,
)
"""How a sentence begins that goes on reasoning after a quotation."""
ALIKE = 0.6
"""Likeness to a sentence of the section from which a sentence is meant as a copy of it."""
LEAST = 3
TITLE = 4
"""Words of a title at most."""


class Copy(NamedTuple):
    """A stretch that is given as the words of a section, and whether it is."""

    text: str
    is_exact: bool


class _Mention(NamedTuple):
    """A section's label in a text, and what follows it up to the line's end or the next label."""

    source: Source
    rest: str
    begins_a_line: bool


def copies(text: str, sources: Sequence[Source], whole: Source) -> Iterator[Copy]:
    """Yield every stretch of the text that is given as a section's words. whole: the prompt."""
    for mention in _mentions(text, sources):
        said = _SAYS.match(mention.rest)
        if said:
            yield from _reported(mention.source, mention.rest[said.end() :])
        else:
            yield from _copied(mention, sources, whole)


def _mentions(text: str, sources: Sequence[Source]) -> Iterator[_Mention]:
    spelt = {one.label: one for one in sources if one.label_norms}
    if not spelt:
        return
    found = list(_pattern(tuple(sorted(spelt, key=len, reverse=True))).finditer(text))
    known = {norms(tokens(label)): one for label, one in spelt.items()}
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        line = text[match.end() : end].split("\n", 1)[0]
        before = text[: match.start()].rstrip(" \t*-")
        label = match[1] or match[2]
        begins = not before or before[-1] in "\n:"
        yield _Mention(known[norms(tokens(label))], line, begins_a_line=begins)


def _pattern(labels: tuple[str, ...]) -> re.Pattern[str]:
    """Match a label in brackets, or in the open where it is more than a number."""
    spelt = [r"\W+".join(map(re.escape, label.split())) for label in labels]
    bare = [one for one, label in zip(spelt, labels, strict=True) if not label.isdigit()]
    bracketed = rf"\[\s*({'|'.join(spelt)})\s*(?=\])"
    if not bare:
        return re.compile(rf"{bracketed}|((?!))", re.IGNORECASE)
    return re.compile(rf"{bracketed}|(?<!\w)({'|'.join(bare)})\b(?![-.]\d)", re.IGNORECASE)


def _reported(source: Source, rest: str) -> Iterator[Copy]:
    """Yield what a text reports of a section, where it runs along the section's own words."""
    first = next(iter(sentences(rest)), None)
    if first is None:
        return
    words = tokens(first.text)
    for run in runs(words, source, least=LEAST + 1, seed=2):
        if run.tokens[0].start <= words[0].end + 8:
            altered = any(is_critical(one) or is_other_word(one) for one in run.changes)
            yield Copy(first.text, not altered)
        return


def _copied(mention: _Mention, sources: Sequence[Source], whole: Source) -> Iterator[Copy]:
    """Yield the sentences behind a label that copies a line of the prompt, one after the other."""
    after = [one for one in sentences(mention.rest) if tokens(one.text)]
    if not _is_a_copy(after, mention, sources):
        return
    for number, sentence in enumerate(after):
        spelt = norms(tokens(sentence.text))
        exact = mention.source.holds(spelt)
        if number == 0 and mention.source.heading and len(spelt) < LEAST:
            exact = spelt == mention.source.heading_norms
        meant = exact or _is_elsewhere(spelt, whole)
        if not meant and _GOES_ON.match(sentence.text.lstrip("\"'“*_ ")):
            return
        yield Copy(sentence.text, exact)
        if not meant and _likeness(spelt, mention.source) < ALIKE:
            return


def _is_a_copy(after: Sequence[Sentence], mention: _Mention, sources: Sequence[Source]) -> bool:
    """Return whether what follows a label is given as the section's own words.

    It is where a heading follows, where the label begins a line that goes on much like the
    section, or where a short title stands before one of its sentences.
    """
    if not after or mention.rest[:1] not in ("]", ":", ".", "-", "—", "–"):
        return False
    first, *others = [norms(tokens(one.text)) for one in after]
    if any(one.heading_norms and one.heading_norms == first for one in sources):
        return True
    if mention.begins_a_line and len(first) >= LEAST:
        return mention.source.holds(first) or _likeness(first, mention.source) >= ALIKE
    titled = len(first) <= TITLE and bool(others) and len(others[0]) >= LEAST
    return titled and mention.source.holds(others[0])


def _is_elsewhere(spelt: tuple[str, ...], whole: Source) -> bool:
    """Return whether the prompt holds a sentence, so that it is copied from somewhere."""
    return len(spelt) > LEAST and whole.holds(spelt)


def _likeness(spelt: tuple[str, ...], source: Source) -> float:
    return max(
        (SequenceMatcher(None, spelt, one, autojunk=False).ratio() for one in source.sentences),
        default=0.0,
    )
