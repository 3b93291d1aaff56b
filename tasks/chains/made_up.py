"""What no document has: names made from two names, and facts with one value changed.

That they are absent is proved by search: the words occur nowhere in the passages, and no name of
the passages is spelt almost like them.
"""

import re
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from tasks.chains.item import Item
from tasks.chains.paths import SENTENCE, UNITS
from tasks.chains.world import World, is_word, names_in

TRIES = 64
"""Names or numbers that are tried before a passage gives none."""
_AMOUNT = re.compile(rf"\b(?P<number>\d+)(?P<unit>\s+(?:{UNITS}))\b")
_VOWELS = re.compile("[AEIOUYaeiouy]+")
_FACTORS = (2, 3, 5, 7, 11)


class ChangedFact(NamedTuple):
    """A fact of a passage with one value changed.

    fact: its sentence. truth: the value in it. claim: the sentence with the other value. untrue:
    the other value, which no document has.
    """

    claim: str
    untrue: str
    fact: str
    truth: str


def near_names(item: Item, rng: Random, world: World) -> Iterator[str]:
    """Yield names that no document has: the begin of a name of the item's passages with the end of
    another name.
    """
    own = [one for row in world.roots(item) for one in names_in(row["text"])]
    own = [one for one in own if is_word(one.rpartition(" ")[2])]
    # "Examiner Lind" reads more like a name than "Lind" or "Register".
    own = [one for one in own if " " in one] or own
    if not own or not world.last_words:
        return
    tried = set()
    for _ in range(TRIES):
        made = _near(rng.choice(own), rng, world)
        if made not in tried and made[:1].isupper() and is_absent(made, world):
            yield made
        tried.add(made)


def _near(name: str, rng: Random, world: World) -> str:
    """Return a name with another last word: one of another name, or one blended of two."""
    begin, _, last = name.rpartition(" ")
    other = rng.choice(world.last_words)
    if not begin or rng.random() < 0.5:
        other = _blended(last, other)
    return f"{begin} {other}".strip()


def _blended(one: str, other: str) -> str:
    """Return a word up to its first vowel with what follows the first vowel of another word.

    >>> _blended("Lind", "Hobbs")
    'Libbs'
    """
    begin, end = _VOWELS.search(one), _VOWELS.search(other)
    return one[: begin.end()] + other[end.end() :].lower() if begin and end else one + other


def is_absent(text: str, world: World) -> bool:
    """Return whether a text occurs nowhere in the passages, and no name is almost like it."""
    return not world.occurs(text) and not world.nearest_name(text)


def changed_facts(item: Item, rng: Random, world: World) -> Iterator[ChangedFact]:
    """Yield facts of the item's first passage with a changed value, in random order."""
    text = str(world.passage(item.passage_ids[0])["text"])
    found = []
    for sentence in SENTENCE.split(text):
        fact = sentence.strip()
        amounts = (one[0] for one in _AMOUNT.finditer(fact))
        names = (one for one in names_in(fact) if " " in one and is_word(one.rpartition(" ")[2]))
        found += [(fact, one) for one in (*amounts, *names) if fact.count(one) == 1]
    rng.shuffle(found)
    for fact, truth in found:
        untrue = _another(truth, rng, world) if world.last_words or truth[0].isdigit() else ""
        if untrue:
            yield ChangedFact(fact.replace(truth, untrue), untrue, fact, truth)


def _another(truth: str, rng: Random, world: World) -> str:
    """Return a value of the same kind that no document has, "" if none is found."""
    amount = _AMOUNT.fullmatch(truth)
    for _ in range(TRIES):
        made = _other_amount(amount, rng) if amount else _near(truth, rng, world)
        if made != truth and is_absent(made, world):
            return made
    return ""


def _other_amount(amount: re.Match[str], rng: Random) -> str:
    """Return an amount of the same unit, from half of the number to twelve times as much."""
    number = int(amount["number"])
    made = max(1, rng.randint(number // 2, number + rng.choice(_FACTORS) * (number + 1)))
    return f"{made}{amount['unit']}"
