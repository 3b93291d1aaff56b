"""Words and n-grams, cut the same way wherever texts are compared; and text without what is no
text.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, and those that turn the reading direction: nothing that a text says, all that
a terminal obeys.
"""


def plain_text(text: str) -> str:
    """Return the text with a blank for every control character but tab and newline.

    >>> plain_text("a\\x07b")
    'a b'
    """
    return _CONTROL.sub(" ", text)


def words(text: str) -> list[str]:
    """Return the lower-cased alphanumeric words of a text (NFKC), in order; punctuation never glues
    to a word.

    >>> words("The fee: 40 credits!")
    ['the', 'fee', '40', 'credits']
    """
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield every run of n consecutive tokens; nothing when there are fewer."""
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def has_digit(word: str) -> bool:
    """Whether a word holds a digit."""
    # No letter is a digit, and most words are letters alone: they need no look at each character.
    return not word.isalpha() and any(char.isdigit() for char in word)


def repeated_share(tokens: list[str], n: int) -> float:
    """Return the share of n-grams that already occurred earlier in the same text, 0 for texts
    shorter than n.

    >>> repeated_share("so it is so it is".split(), 3)
    0.25
    """
    total = len(tokens) - n + 1
    if total <= 0:
        return 0.0
    return 1.0 - len(set(ngrams(tokens, n))) / total


def laps(tokens: list[str], n: int) -> tuple[int, int]:
    """Return how often a stretch of the text is said in a row, at most, and how many tokens that
    takes; stretches that n-grams tell apart.

    >>> laps("we add one we add one we add one".split(), 3)
    (3, 9)
    """
    last: dict[tuple[str, ...], int] = {}
    lag, run, best = 0, 0, (1, 0)
    for place, gram in enumerate(ngrams(tokens, n)):
        distance = place - last.get(gram, place)
        run = run + 1 if distance and distance == lag else int(distance > 0)
        lag, last[gram] = distance, place
        if run and any(word.isalpha() for word in gram):
            best = max(best, ((run + n - 1) // lag + 1, run + n - 1 + lag))
    return best
