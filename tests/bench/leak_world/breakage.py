"""Broken text: no spaces, wrong encoding, loops, babble. How a family breaks is drawn from its own
generator, where from the row's.
"""

import re
from collections.abc import Callable
from random import Random

from tests.bench.leak_world.notes import NOTES
from tests.bench.leak_world.words import Grammar, coin

FOREIGN = {
    language: Grammar(re.sub(r"\{\w+\}", "", NOTES[language]))
    for language in ("korean", "chinese", "russian")
}


def break_spaces(think: str, family: Random, rng: Random) -> str:
    """Run words together: all of them, those of a stretch, or most of them at random."""
    extent, capital = family.choice(("all", "stretch", "most")), family.random() < 0.3
    pieces = think.split(" ")
    first, last = (
        (0, len(pieces)) if extent != "stretch" else sorted(rng.sample(range(len(pieces) + 1), 2))
    )
    last = max(last, min(len(pieces), first + 8))
    out = pieces[0]
    for place, piece in enumerate(pieces[1:], 1):
        joined = first <= place < last and (extent != "most" or rng.random() < 0.8)
        out += (piece.capitalize() if capital else piece) if joined else " " + piece
    return out


def break_encoding(think: str, family: Random, rng: Random) -> str:
    """Put foreign words in the wrong encoding between the row's own."""
    language, codec, times = (
        family.choice(sorted(FOREIGN)),
        family.choice(("latin-1", "cp1252")),
        family.choice((1, 2, 4)),
    )
    words = think.split(" ")
    for _ in range(times):
        text = FOREIGN[language].say(family.choice(("note", "selftalk", "row_reference")), rng, {})
        words.insert(rng.randrange(len(words)), text.encode().decode(codec, errors="replace"))
    return " ".join(words)


def break_off_in_loop(think: str, family: Random, rng: Random) -> str:
    """Say the last sentence, the last words or a syllable over and over, at the end or from the
    middle on.
    """
    unit = family.choice(("sentence", "words", "syllable"))
    kept = think if family.random() < 0.6 else think[: think.find(" ", len(think) // 2)]
    tail = {
        "sentence": re.split(r"(?<=[.?!]) ", kept)[-1],
        "words": " ".join(kept.split()[-family.randint(2, 5) :]),
        "syllable": coin(family, syllables=1),
    }
    return kept + (family.choice((" ", "\n", ", ")) + tail[unit]) * rng.randint(6, 40)


def break_into_babble(think: str, family: Random, rng: Random) -> str:
    """Replace a stretch of words by coined ones, by reversed ones or by letters without order."""
    how, share = family.choice(("coined", "reversed", "shuffled")), family.uniform(0.15, 0.7)
    words = think.split(" ")
    count = max(4, int(share * len(words)))
    first = rng.randrange(max(1, len(words) - count))
    for place in range(first, min(len(words), first + count)):
        word = words[place]
        words[place] = {
            "coined": coin(rng),
            "reversed": word[::-1],
            "shuffled": "".join(rng.sample(word, len(word))),
        }[how]
    return " ".join(words)


BREAKS: dict[str, Callable[[str, Random, Random], str]] = {
    "broken_spaces": break_spaces,
    "broken_encoding": break_encoding,
    "broken_loop": break_off_in_loop,
    "broken_babble": break_into_babble,
}
