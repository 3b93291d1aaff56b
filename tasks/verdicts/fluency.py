"""Fluency: text that is not language: loops, run-together words, mojibake, drift into another script."""

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from pydantic import Field

from tasks.ngrams import ngrams, repeated_share, words
from tasks.spec import Spec
from tasks.verdicts.case import Case, Verdict, verdict

_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_NOT_PROSE = re.compile(r"https?://\S+|\\[a-zA-Z]+|`[^`]*`")
LOOP_NGRAM, LOOP_WINDOW = 8, 400


class FluencySpec(Spec):
    """Where text stops being language."""

    repeated: float = Field(0.5, ge=0, le=1)
    """Share of 8-grams of words that may repeat an earlier one, in the whole text and in its last 400 words."""
    echoes: int = Field(8, ge=2)
    """Times one 8-gram may occur in the last 400 words."""
    longest_word: int = Field(40, ge=10)
    """Letters in a row without a space; German compounds stay below."""
    foreign: float = Field(0.05, ge=0, le=1)
    """Share of letters that may lie outside the scripts."""
    scripts: tuple[str, ...] = ("LATIN", "GREEK")
    """Unicode scripts the corpus is written in."""


def fluency(case: Case, spec: FluencySpec) -> Verdict:
    """Judge think block and answer together; the score is the larger share of repeated 8-grams."""
    text = f"{case.think}\n{case.answer}" if case.think else case.raw
    tokens = words(text)
    repeated = max(
        repeated_share(tokens, LOOP_NGRAM), repeated_share(tokens[-LOOP_WINDOW:], LOOP_NGRAM)
    )
    return verdict("fluency", _fault(text, tokens, repeated, spec), repeated)


def _fault(text: str, tokens: list[str], repeated: float, spec: FluencySpec) -> str | None:
    if repeated > spec.repeated or _most_echoed(tokens) > spec.echoes:
        return "loop"
    if any(len(word) > spec.longest_word for word in _LONG_WORD.findall(_NOT_PROSE.sub(" ", text))):
        return "run_together"
    if mojibake(text):
        return "mojibake"
    return "script_drift" if foreign_share(text, spec.scripts) > spec.foreign else None


def _most_echoed(tokens: list[str]) -> int:
    counted = Counter(ngrams(tokens[-LOOP_WINDOW:], LOOP_NGRAM))
    return max(counted.values(), default=0)


def mojibake(text: str) -> bool:
    """Return whether text holds replacement characters, or byte sequences decoded in the wrong encoding (ftfy's heuristic)."""
    from ftfy.badness import is_bad

    return "\ufffd" in text or any(is_bad(line) for line in text.splitlines() if not line.isascii())


def foreign_share(text: str, scripts: tuple[str, ...]) -> float:
    """Return the share of letters outside the scripts, 0 for a text without letters."""
    letters = [char for char in text if char.isalpha()]
    return sum(_script(char) not in scripts for char in letters) / len(letters) if letters else 0.0


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """Return the first word of the character's Unicode name, which is its script for letters."""
    return "LATIN" if char.isascii() else unicodedata.name(char, "UNKNOWN").split()[0]
