"""Fluency: text that is not language: loops, run-together words, mojibake, drift into another
script.
"""

import re
from collections import Counter

from tasks.ngrams import ngrams, repeated_share, words
from tasks.text_faults import FluencySpec, foreign_share, mojibake
from tasks.verdicts.case import Case, Verdict, verdict

_LONG_WORD = re.compile(r"[^\W\d_]{3,}")
_NOT_PROSE = re.compile(r"https?://\S+|\\[a-zA-Z]+|`[^`]*`")
LOOP_NGRAM, LOOP_WINDOW = 8, 400


def fluency(case: Case, spec: FluencySpec) -> Verdict:
    """Judge think block and answer together; the score is the larger share of repeated 8-grams."""
    text = f"{case.think}\n{case.answer}" if case.think else case.raw
    tokens = words(text)
    repeated = repeated_share(tokens, LOOP_NGRAM)
    if len(tokens) > LOOP_WINDOW:
        repeated = max(repeated, repeated_share(tokens[-LOOP_WINDOW:], LOOP_NGRAM))
    return verdict("fluency", _fault(text, tokens, repeated, spec), repeated)


def _fault(text: str, tokens: list[str], repeated: float, spec: FluencySpec) -> str | None:
    # Most texts repeat too little for one 8-gram to stand there so often: nothing is counted.
    may_echo = repeated * len(tokens) >= spec.echoes
    if repeated > spec.repeated or (may_echo and _most_echoed(tokens) > spec.echoes):
        return "loop"
    if _runs_together(text, spec.longest_word):
        return "run_together"
    if mojibake(text):
        return "mojibake"
    return "script_drift" if foreign_share(text, spec.scripts) > spec.foreign else None


def _runs_together(text: str, longest: int) -> bool:
    """Return whether a word has more letters than the longest may have."""
    # A word is no longer than the stretch between blanks that it stands in: most texts need no
    # search.
    if max(map(len, text.split()), default=0) <= longest:
        return False
    return any(len(word) > longest for word in _LONG_WORD.findall(_NOT_PROSE.sub(" ", text)))


def _most_echoed(tokens: list[str]) -> int:
    counted = Counter(ngrams(tokens[-LOOP_WINDOW:], LOOP_NGRAM))
    return max(counted.values(), default=0)
