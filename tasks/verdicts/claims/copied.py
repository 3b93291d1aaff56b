"""Stretches that follow the label of a section: "[Section 7] Fees. It costs …", "Section 7 says
that …".
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from operator import ne
from typing import NamedTuple

from tasks.verdicts.claims.alignment import (
    SAME_LETTERS,
    Run,
    is_critical,
    is_other_word,
    runs,
    turns,
)
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sentences import Sentence, sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.tokens import may_hold, normed, norms, tokens

_SAYS = re.compile(
    r"\W*(?:(?:clearly|also|explicitly|itself|only|then)\s+)?"
    r"(?:says|said|states|reads|provides|notes|specifies|explains|tells us|adds|holds)\b"
    r"(?:\s+that\b)?",
    re.IGNORECASE,
)
_GOES_ON = re.compile(
    r"(?:so|thus|therefore|hence|then|this|that|these|those|now|but|however|since|because|which"
    r"|here"
    r"|and|i|we|in|for|from|as|also|let|if|with|ok|okay|there|there's|it's|that's|note|hmm|wait"
    r"|also|good|clear|simple|let's|the answer|the question)\b",
    re.IGNORECASE,
)
"""How a sentence begins that goes on reasoning after a quotation."""
_POINTING = frozenset(
    """it this that these those other others else passage passages section sections question answer
    here there i we my""".split()
)
"""Words of a sentence that speaks about a quotation: "Nothing else bears on it."."""
ALIKE = 0.6
"""Likeness to a sentence of the section from which a sentence is meant as a copy of it."""
REWORDED = 0.8
"""Likeness from which a reported sentence is the section's own, word by word."""
LEAST = 3
_BEHIND_A_LABEL = frozenset("]:.-—–")
"""Marks behind a label that a copied line may follow."""
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
            yield from _reported(mention.source, mention.rest[said.end() :], whole)
        else:
            yield from _copied(mention, sources, whole)


def _mentions(text: str, sources: Sequence[Source]) -> Iterator[_Mention]:
    spelt = {one.label: one for one in sources if one.label_norms}
    if not spelt:
        return
    longest_first = sorted(spelt, key=len, reverse=True)
    found = [one for one in _labels(text, longest_first) if _is_a_label(one, text)]
    known = {normed(label): one for label, one in spelt.items()}
    for number, match in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(text)
        line = text[match.end() : end].split("\n", 1)[0]
        before = text[: match.start()].rstrip(" \t*-")
        label = match[1] or match[2]
        begins = not before or before[-1] in "\n:"
        yield _Mention(known[normed(label)], line, begins_a_line=begins)


def _is_a_label(found: re.Match[str], text: str) -> bool:
    """Return whether a label stands there, and not a word that is spelt like one: "Rule: …", "the
    rule says".
    """
    behind = text[found.end() :]
    return (
        bool(found[1]) or not found[2].isalpha() or behind[:1] == ":" or bool(_SAYS.match(behind))
    )


def _labels(text: str, labels: Sequence[str]) -> Iterator[re.Match[str]]:
    """Yield where a text has one of the labels, from left to right; of several that begin at one
    place, one in brackets comes first, then the first one of the labels.
    """
    due = [_pattern(one) for one in labels if _may_be_named(one, text)]
    ahead = [(form, form.search(text)) for form in due]
    while found := [(form, one) for form, one in ahead if one]:
        first = min((one for _, one in found), key=lambda one: (one.start(), not one[1]))
        yield first
        end = first.end()
        ahead = [
            (form, one if one.start() >= end else form.search(text, end)) for form, one in found
        ]


def _may_be_named(label: str, text: str) -> bool:
    return all(may_hold(text, word.lower()) for word in label.split())


@lru_cache(maxsize=4096)
def _pattern(label: str) -> re.Pattern[str]:
    """Match a label in brackets, or in the open where it is more than a number."""
    spelt = r"\W+".join(map(re.escape, label.split()))
    bare = "((?!))" if label.isdigit() else rf"(?<!\w)({spelt})\b(?![-.]\d)"
    return re.compile(rf"\[\s*({spelt})\s*(?=\])|{bare}", re.IGNORECASE)


def _reported(source: Source, rest: str, whole: Source) -> Iterator[Copy]:
    """Yield what a text reports of a section, where it runs along the section's own words."""
    first = next(iter(sentences(rest)), None)
    if first is None:
        return
    if _is_reworded(normed(first.text), source, whole):
        yield Copy(first.text, is_exact=False)
        return
    for run in runs(first.text, source, least=LEAST + 1, seed=2):
        if run.tokens[0].start <= tokens(first.text).end(0) + 8:
            altered = _alters(run, whole)
            yield Copy(first.text, not altered)
        return


def _copied(mention: _Mention, sources: Sequence[Source], whole: Source) -> Iterator[Copy]:
    """Yield the sentences behind a label that copies a line of the prompt, one after the other."""
    if mention.rest[:1] not in _BEHIND_A_LABEL:
        return
    after = [one for one in sentences(mention.rest) if normed(one.text)]
    if not _is_a_copy(after, mention, sources):
        return
    if not _is_headed(after[0], sources):
        yield from _along(after[0], mention.source)
        return
    for number, sentence in enumerate(after):
        copy = _copy_of(sentence, mention.source, whole, is_heading=number == 0)
        if copy is None:
            return
        yield copy


def _copy_of(sentence: Sentence, source: Source, whole: Source, *, is_heading: bool) -> Copy | None:
    """Return the sentence as a copy, exact or not; None where the copy is over and the reasoning
    goes on.
    """
    spelt = normed(sentence.text)
    if is_heading:
        return Copy(sentence.text, spelt == source.heading_norms or not source.heading)
    if source.holds(spelt):
        return Copy(sentence.text, is_exact=True)
    if _is_elsewhere(spelt, whole):
        return Copy(sentence.text, is_exact=False)
    if _GOES_ON.match(sentence.text.lstrip("\"'“*_ ")):
        return None
    if len(spelt) <= LEAST:
        return Copy(sentence.text, is_exact=False) if _is_one_word_off(spelt, source) else None
    said = set(spelt) - FILLERS
    if _POINTING & set(spelt) and 2 * len(said & set(source.norms)) <= len(said):
        return None
    return Copy(sentence.text, is_exact=False)


def _is_one_word_off(spelt: tuple[str, ...], source: Source) -> bool:
    """Return whether a short sentence is one of the section's but for a single word."""
    alike = (one for one in source.sentences if len(one) == len(spelt) == LEAST)
    return any(sum(map(ne, spelt, one)) == 1 for one in alike)


def _along(sentence: Sentence, source: Source) -> Iterator[Copy]:
    """Yield the sentence where it runs along the section; what stands in quotation marks is left
    out.
    """
    plain = _UNMARKED.sub(" ", sentence.text)
    if _is_reworded(normed(plain), source):
        yield Copy(sentence.text, is_exact=False)
        return
    for run in runs(plain, source, least=LEAST + 1, seed=2):
        yield Copy(sentence.text, not _alters(run))


def _is_reworded(spelt: tuple[str, ...], source: Source, whole: Source | None = None) -> bool:
    """Return whether a sentence is one of the section's but for single words that stand for others.

    whole: the prompt, where the sentence is a report. A report may choose words of its own; those
    that the prompt holds elsewhere are taken from there.
    """
    for one in source.sentences:
        matcher = SequenceMatcher(None, spelt, one, autojunk=False)
        if matcher.quick_ratio() < REWORDED or matcher.ratio() < REWORDED:
            continue
        for kind, low, high, start, end in matcher.get_opcodes():
            if kind == "replace" and high - low == end - start == 1:
                ours, theirs = spelt[low], one[start]
                if ours in FILLERS or (whole and not whole.holds((ours,))):
                    continue
                if ours[:SAME_LETTERS] != theirs[:SAME_LETTERS]:
                    return True
    return False


_UNMARKED = re.compile(r'["“«][^"”»]*["”»]')


def _alters(run: Run, whole: Source | None = None) -> bool:
    others = (one for one in run.changes if not whole or whole.holds(norms(one.written)))
    return turns(run) or any(map(is_critical, run.changes)) or any(map(is_other_word, others))


def _is_headed(first: Sentence, sources: Sequence[Source]) -> bool:
    """Return whether a sentence is a heading, or as short as one."""
    spelt = normed(first.text)
    return len(spelt) <= TITLE or any(one.heading_norms == spelt for one in sources)


def _is_a_copy(after: Sequence[Sentence], mention: _Mention, sources: Sequence[Source]) -> bool:
    """Return whether what follows a label is given as the section's own words.

    It is where a heading follows, where the label begins a line that goes on much like the
    section, or where a short title stands before one of its sentences.
    """
    if not after:
        return False
    first, *others = [normed(one.text) for one in after]
    if any(one.heading_norms and one.heading_norms == first for one in sources):
        return True
    if mention.begins_a_line and len(first) >= LEAST:
        goes_on = after[0].text.lstrip(" ]:.*_-—–")[:1].islower()
        alike = not goes_on and _likeness(first, mention.source) >= ALIKE
        return mention.source.holds(first) or alike
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
