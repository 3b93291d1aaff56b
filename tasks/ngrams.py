"""Words and n-grams, cut the same way wherever texts are compared."""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")


def words(text: str) -> list[str]:
    """Return the lower-cased alphanumeric words of a text (NFKC), in order; punctuation never glues to a word."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).lower())


def ngrams(tokens: list[str], n: int) -> Iterator[tuple[str, ...]]:
    """Yield every run of n consecutive tokens; nothing when there are fewer."""
    return zip(*(tokens[i:] for i in range(n)), strict=False)


def repeated_share(tokens: list[str], n: int) -> float:
    """Return the share of n-grams that already occurred earlier in the same text, 0 for texts shorter than n."""
    total = len(tokens) - n + 1
    if total <= 0:
        return 0.0
    return 1.0 - len(set(ngrams(tokens, n))) / total
