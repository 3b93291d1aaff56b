"""Words and n-grams of a text: every comparison of texts uses these functions."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORD = re.compile(r"[^\W_]+")
_LETTERS_AND_DIGITS = "".join(
    chr(code).lower() if chr(code).isalnum() else " " for code in range(128)
)
"""Of every ASCII character its lower case if it is a letter or a digit, else a blank."""
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters and marks of reading direction; a terminal would obey them."""


def plain_text(text: str) -> str:
    """Return the text with a space in place of every control character except tab and newline.

    >>> plain_text("a\\x07b")
    'a b'
    """
    return _CONTROL.sub(" ", text)


def words(text: str) -> list[str]:
    """Return the words of a text in order: runs of letters and digits, NFKC, in lower case.

    >>> words("The fee: 40 credits!")
    ['the', 'fee', '40', 'credits']
    """
    if text.isascii():  # much faster, with the same words
        return text.translate(_LETTERS_AND_DIGITS).split()
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield every run of n consecutive tokens; nothing if there are fewer than n.

    >>> list(ngrams(["a", "b", "c"], 2))
    [('a', 'b'), ('b', 'c')]
    """
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def has_digit(word: str) -> bool:
    """Return whether a word has a digit."""
    # Most words have only letters; isalpha() is faster than a look at each character.
    return not word.isalpha() and any(char.isdigit() for char in word)


def repeated_share(tokens: list[str], n: int) -> float:
    """Return the share of n-grams that repeat an earlier one of the same text; 0 for fewer than n.

    >>> repeated_share("so it is so it is".split(), 3)
    0.25
    """
    total = len(tokens) - n + 1
    if total <= 0:
        return 0.0
    return 1.0 - len(set(ngrams(tokens, n))) / total


def laps(tokens: list[str], n: int) -> tuple[int, int]:
    """Return (repetitions, tokens) of the loop with the most repetitions, (1, 0) without a loop.

    A loop is a stretch of text that repeats without a break; its n-grams show where it repeats.
    tokens: length of all its repetitions together. Stretches without any word of letters do not
    count.

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
