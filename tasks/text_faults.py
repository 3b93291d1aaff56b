"""Text that is no language: where it loops, is run together, wrongly decoded, or in another script."""

import unicodedata
from collections import Counter
from functools import lru_cache

from pydantic import Field

from tasks.spec import Spec


class FluencySpec(Spec):
    """Where text stops being language."""

    repeated: float = Field(0.5, ge=0, le=1)
    """Share of 8-grams of words that may repeat an earlier one, in the whole text and in its last
    400 words.
    """
    echoes: int = Field(8, ge=2)
    """Times one 8-gram may occur in the last 400 words."""
    longest_word: int = Field(40, ge=10)
    """Letters in a row without a space; German compounds stay below."""
    foreign: float = Field(0.05, ge=0, le=1)
    """Share of letters that may lie outside the scripts."""
    scripts: tuple[str, ...] = ("LATIN", "GREEK")
    """Unicode scripts the corpus is written in."""


def mojibake(text: str) -> bool:
    """Return whether text holds replacement characters, or byte sequences decoded in the wrong
    encoding (ftfy's heuristic).
    """
    from ftfy.badness import is_bad

    return "\ufffd" in text or any(is_bad(line) for line in text.splitlines() if not line.isascii())


def foreign_share(text: str, scripts: tuple[str, ...]) -> float:
    """Return the share of letters outside the scripts, 0 for a text without letters."""
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
