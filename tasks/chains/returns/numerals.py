"""Whole numbers as a model writes them: "4", "4.0", "four"."""

import re

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBER = rf"(?:[-+−–]?(?<![\w.])[0-9](?:[0-9.,]*[0-9])?(?![\w])|\b(?:{'|'.join(WORDS)})\b)"
_WHOLE = re.compile(r"([-+−–]?)([0-9]{1,9})(?:\.0{1,3})?")


def whole(written: str) -> int | None:
    """Return the whole number that is written; None for any other number.

    >>> whole("4"), whole("4.0"), whole("four"), whole("4.5"), whole("1,000")
    (4, 4, 4, None, None)
    """
    if written.lower() in WORDS:
        return WORDS.index(written.lower())
    found = _WHOLE.fullmatch(written)
    if not found:
        return None
    size = int(found[2])
    return -size if found[1] in {"-", "−", "–"} else size
