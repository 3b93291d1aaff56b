"""What a think block settles on, compared with an answer: names, dates, sections, sentences."""

import re
from collections.abc import Iterable, Iterator

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import label_in
from tasks.verdicts.claims.framing import matter
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content, content_of, told
from tasks.verdicts.claims.tokens import NEGATIONS, normed, stem
from tasks.verdicts.claims.values import MONTHS, Value, values

_NAME = re.compile(r"[^\W\d_a-z][\w'’-]+(?:[ \t]+[^\W\d_a-z][\w'’-]+)+")
"""Two or more words with capitals in a row."""
_MONTH_STEMS = frozenset(map(stem, MONTHS))
LEAST_SAID = 2
"""Words of content from which a sentence says something of its own."""
REPEATED = 0.6
"""Share of a passage's sentence in a text that repeats it."""
HARDLY = 0.5
"""Share of a sentence up to which a text does not repeat it."""


def thinks_of_another_name(think: str, answer: str, case: Case) -> bool:
    """Return whether the think block has a name one word off the answer's, which nothing shown
    holds.
    """
    whole = Source.of("", "", case.prompt)
    given = {name for name in _names(answer) if whole.holds(name)}
    strange = (name for name in _names(think) if given and not whole.holds(name))
    return any(_is_one_word_off(one, other) for one in strange for other in given)


def _names(text: str) -> Iterator[tuple[str, ...]]:
    for found in _NAME.finditer(text):
        name = tuple(one for one in normed(found[0]) if one not in FILLERS)
        if len(name) > 1:
            yield name


def _is_one_word_off(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    if len(one) != len(other):
        return False
    return sum(mine != yours for mine, yours in zip(one, other, strict=True)) == 1


def thinks_of_another_date(think: str, answer: str, case: Case) -> bool:
    """Return whether think block and answer have dates, and none in common."""
    given = _dates(values(answer)) - _dates(values(case.question))
    thought = _dates(values(think))
    return bool(given and thought) and not given & thought


def _dates(found: Iterable[Value]) -> set[tuple[str, str]]:
    return {(one.text, one.units[0]) for one in found if {*one.units[:1]} & _MONTH_STEMS}


def thinks_of_another_section(think: str, answer: str, case: Case) -> bool:
    """Return whether the think block finds the answer in one section, and the answer cites another.

    The sentence of the think block that shares most with question and answer names one section. The
    answer does not cite it, and no sentence that names what it cites shares anything.
    """
    said = (matter(answer) | matter(case.question)) - NEGATIONS
    named = [
        (len(said & content(sentence.text)), _labels(sentence.text, case))
        for sentence in sentences(think)
        if not _CONTRASTS & {*normed(sentence.text)}
    ]
    best = max((shared for shared, labels in named if labels), default=0)
    found = [labels for shared, labels in named if labels and shared == best]
    cited = _labels(case.answer, case)
    if best < LEAST_SAID or len(found) != 1 or len(found[0]) != 1 or not cited:
        return False
    return not found[0] & cited and not any(shared and labels & cited for shared, labels in named)


_CONTRASTS = NEGATIONS | frozenset("but other others different though while whereas only".split())
"""Words of a sentence that may name a section to set it aside."""


def _labels(text: str, case: Case) -> frozenset[str]:
    return frozenset(one.section for one in case.passages if label_in(one.section, text))


def repeats_another_sentence(think: str, answer: str, case: Case) -> bool:
    """Return whether the think block repeats one sentence of the passages, and the answer another.

    Words of the question and of the headings tell no sentences apart.
    """
    asked = content_of((case.question, *(one.heading for one in case.passages))) | NEGATIONS
    said, thought = content(answer), content(think)
    shown = [own for one in told(case.passages) if len(own := content(one) - asked) >= LEAST_SAID]
    fresh = _numbers(answer) - _numbers(think) - _numbers(case.question)
    given = any(_is_given(one, said, thought, fresh) for one in shown)
    repeated = [one for one in shown if _share(one, thought) >= REPEATED and not fresh & one]
    return given and any(_share(one, said) <= HARDLY for one in repeated)


def _is_given(
    one: frozenset[str], said: frozenset[str], thought: frozenset[str], fresh: frozenset[str]
) -> bool:
    """Return whether the answer, unlike the think block, repeats a sentence or gives its number."""
    if fresh & one:
        return _share(one, thought) <= HARDLY
    return _share(one, said) >= REPEATED and not one & thought


def _numbers(text: str) -> frozenset[str]:
    return frozenset(one.text for one in values(text) if one.kind == "number" and one.units)


def _share(words: frozenset[str], of: frozenset[str]) -> float:
    return len(words & of) / len(words)
