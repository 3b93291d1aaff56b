"""Faults of text: wrongly decoded characters, foreign scripts, and the settings of fluency."""

import unicodedata
from collections import Counter
from functools import lru_cache

from pydantic import Field

from tasks.spec import Spec


class FluencySpec(Spec):
    """Bounds beyond which a text is not fluent."""

    repeated: float = Field(0.5, ge=0, le=1)
    """Largest share of 8-grams of words that repeat an earlier one, in the whole text and in its
    last 400 words.
    """
    echoes: int = Field(8, ge=2)
    """Most occurrences of one 8-gram in the last 400 words."""
    longest_word: int = Field(40, ge=10)
    """Most letters in a row without a space; German compounds have fewer."""
    foreign: float = Field(0.05, ge=0, le=1)
    """Largest share of letters outside `scripts`."""
    scripts: tuple[str, ...] = ("LATIN", "GREEK")
    """Unicode scripts of the corpus."""


def mojibake(text: str) -> bool:
    """Return whether a text has replacement characters or was decoded in the wrong encoding.

    Wrong encodings are found with the heuristic of ftfy.
    """
    from ftfy.badness import is_bad

    return "\ufffd" in text or any(is_bad(line) for line in text.splitlines() if not line.isascii())


def foreign_share(text: str, scripts: tuple[str, ...]) -> float:
    """Return the share of letters outside the scripts; 0 for a text without letters.

    scripts: first words of Unicode names, such as LATIN.

    >>> foreign_share("abcд", ("LATIN",))
    0.25
    """
    foreign = 0 if "LATIN" in scripts else 1
    if text.isascii():
        return float(foreign) if any(map(str.isalpha, text)) else 0.0
    counted = Counter(filter(str.isalpha, text))
    outside = sum(count for char, count in counted.items() if _script(char) not in scripts)
    return outside / counted.total() if counted else 0.0


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """Return the first word of the character's Unicode name, which is its script for letters."""
    return "LATIN" if char.isascii() else unicodedata.name(char, "UNKNOWN").split()[0]
