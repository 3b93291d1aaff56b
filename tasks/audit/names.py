"""Names of rows in texts: runs of letters and digits such as `doc-17b`, found in many texts at
once.
"""

import re
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from tasks.audit.tokens import Flags, Places, bytes_of

MIN_CHARACTERS = 6
NAME = re.compile(rf"(?=[\w\-]*\d)(?=[\w\-]*[A-Za-z])[\w\-]{{{MIN_CHARACTERS},}}")
"""A name holds at least one digit and one letter."""


def _class_of(characters: str) -> Flags:
    """Return (256,) which bytes of UTF-8 may belong to one of these characters. Bytes of multi-byte
    characters always may.
    """
    return np.array([byte >= 0x80 or chr(byte) in characters for byte in range(256)])


_DIGITS = "0123456789"
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_IN_NAME, _DIGIT = _class_of(_LETTERS + _DIGITS + "_-"), _class_of(_DIGITS)
_LETTER = _class_of(_LETTERS) & (np.arange(256) < 0x80)


def names_in(texts: pa.Array) -> Iterator[tuple[int, list[str]]]:
    """Yield (index of the text, names) for every text that holds names, in the order of the texts.

    texts: string array without nulls.
    """
    offsets, spelled = bytes_of(texts)
    starts, ends = _runs(offsets, spelled)
    raw, rows = spelled.tobytes(), np.searchsorted(offsets, starts, "right") - 1
    held: dict[int, list[str]] = {}
    for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
        held.setdefault(row, []).extend(NAME.findall(raw[start:end].decode()))
    yield from ((row, names) for row, names in held.items() if names)


def _runs(
    offsets: Places, spelled: np.ndarray[tuple[int], np.dtype[np.uint8]]
) -> tuple[Places, Places]:
    """Return the first byte of every run that may hold a name, and the byte after its end. A run
    lies within one text.
    """
    inside = _IN_NAME[spelled]
    is_edge = np.zeros(len(spelled) + 1, bool)
    is_edge[1:-1] = inside[1:] != inside[:-1]
    is_edge[offsets] = True
    edges = np.flatnonzero(is_edge)
    starts, ends = edges[:-1], edges[1:]
    long = inside[starts] & (ends - starts >= MIN_CHARACTERS)
    starts, ends = starts[long], ends[long]
    for kind in (_DIGIT, _LETTER):
        seen = np.append(0, np.cumsum(kind[spelled], dtype=np.int32))
        kept = seen[ends] > seen[starts]
        starts, ends = starts[kept], ends[kept]
    return starts, ends
