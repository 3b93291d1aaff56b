"""What a think block settles on, compared with an answer: names, dates, sections, sentences."""

import re
from collections.abc import Iterator

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import label_in
from tasks.verdicts.claims.asked import topic
from tasks.verdicts.claims.families import akin
from tasks.verdicts.claims.framing import FRAMING, matter
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sentences import sentences
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.support import content, content_of, told
from tasks.verdicts.claims.tokens import NEGATIONS, normed
from tasks.verdicts.claims.values import MEASURES, MONTH_STEMS, MONTHS, TIME, values

_NAME = re.compile(r"[^\W\d_a-z][\w'’-]+(?:[ \t]+[^\W\d_a-z][\w'’-]+)+")
"""Two or more words with capitals in a row."""
LEAST_SAID = 2
"""Words of content from which a sentence says something of its own."""


def thinks_of_another_name(think: str, answer: str, case: Case) -> bool:
    """Return whether the think block has a name that differs from the answer's in one word, and the
    prompt does not hold it.
    """
    whole = Source.of("", "", case.prompt)
    given = {name for name in _names(answer) if whole.holds(name)}
    if not given:
        return False
    strange = (name for name in _names(think) if not whole.holds(name))
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
    """Return whether the think block lacks the answer's date and has one that the prompt lacks."""
    given, thought = _dates(answer), _dates(think)
    if not given or not thought or given & thought:
        return False
    return bool(given - _dates(case.question) and thought - _dates(case.prompt))


_MONTH = re.compile("|".join(one.title() for one in sorted(MONTHS)))


def _dates(text: str) -> set[tuple[str, str]]:
    if not _MONTH.search(text):
        return set()
    return {(one.text, one.units[0]) for one in values(text) if one.dated in MONTH_STEMS}


def thinks_of_another_section(think: str, answer: str, case: Case) -> bool:
    """Return whether the think block finds the answer in one section, and the answer cites another.

    The sentence of the think block that shares most with question and answer names one section. The
    answer does not cite it, and no sentence that names what it cites shares anything.
    """
    said = (matter(answer) | matter(case.question)) - NEGATIONS
    named = [
        (len(said & content(one.text)), labels, bool(_CONTRASTS & {*normed(one.text)}))
        for one in sentences(think)
        if (labels := _labels(one.text, case))
    ]
    cited = _labels(case.answer, case)
    if not cited or any(shared and labels & cited for shared, labels, _ in named):
        return False
    plain = [(shared, labels) for shared, labels, contrasts in named if not contrasts]
    best = max((shared for shared, _ in plain), default=0)
    found = [labels for shared, labels in plain if shared == best]
    if not best or len(found) != 1 or len(found[0]) != 1:
        return False
    return best >= LEAST_SAID or _speaks_more_of(think, found[0], cited, case)


def _speaks_more_of(think: str, named: frozenset[str], cited: frozenset[str], case: Case) -> bool:
    """Return whether the think block has more words that only the named section holds than words
    that only the cited ones hold.
    """
    ours, theirs = (
        content_of(one.whole for one in case.passages if one.section in labels)
        for labels in (named, cited)
    )
    thought = content(think)
    return len(thought & (ours - theirs)) > len(thought & (theirs - ours))


_CONTRASTS = NEGATIONS | frozenset("but other others different though while whereas".split())
"""Words of a sentence that may name a section to set it aside."""


def _labels(text: str, case: Case) -> frozenset[str]:
    return frozenset(one.section for one in case.passages if label_in(one.section, text))


def rests_on_another_sentence(think: str, answer: str, case: Case) -> bool:
    """Return whether the answer repeats a sentence of which the think block has no word, and the
    think block speaks of another one, of which the answer has none.

    Words of the question and of the headings tell no sentences apart.
    """
    asked = content_of((case.question, *(one.heading for one in case.passages))) | NEGATIONS
    said, thought = matter(answer) - asked, content(think) - asked
    if not case.passages or not said or akin(said, thought - FRAMING):
        return False
    shown = [own for one in told(case.passages) if (own := content(one) - asked)]
    own = max((akin(said, one) for one in shown), key=len, default=frozenset())
    words = [one for one in own - TIME - MEASURES if not one[0].isdigit()]
    if len(words) < LEAST_SAID and not _has_a_strange_number(think, answer, case.question):
        return False
    others = (akin(thought, one) for one in shown if not akin(said, one))
    return any(len(one) >= LEAST_SAID and one - FRAMING for one in others)


def _has_a_strange_number(think: str, answer: str, question: str) -> bool:
    """Return whether an answer with no word of its question has only numbers that the think block
    lacks.
    """
    numbers, known = _numbers(answer), {*normed(think)} | content(question)
    return bool(numbers) and not numbers & known and not akin(matter(answer), topic(question))


def _numbers(text: str) -> frozenset[str]:
    return frozenset(one.text for one in values(text) if one.kind == "number" and one.units)
