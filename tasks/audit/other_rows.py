"""Content of other rows in a trace: a long run of words that only another row's prompt holds, or
the id of another row.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Batch
from tasks.audit.finding import Example, Finding, RowNotes, excerpt_of, quote_tokens
from tasks.audit.names import NAME, names_in
from tasks.audit.tokens import Hashes, Places, Tokens, ngram_hashes

RUN_TOKENS = 16
"""Tokens in a row that a trace must share with another row's prompt."""
OWN_ORDER = 4
"""Order of the n-grams that are compared with the row's own prompt."""
MIN_FOREIGN = 8
"""Tokens of the run that must lie in no 4-gram of the row's own prompt. Prompts made from one
template differ only in a few words.
"""
CELL_BITS = 23
"""The table of runs has 2**CELL_BITS hashed cells."""
NOBODY = np.uint64(0)
"""Owner of a cell that no prompt uses."""
MANY = np.uint64(1)
"""Owner of a cell that several prompts use."""


class OtherRowDetector:
    """Finds traces that quote another row's prompt or name another row's id."""

    def __init__(self) -> None:
        self._owners: _Owners | None = None
        self._ids: set[str] = set()
        self._quoting, self._naming = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Learn which prompt is the only one with each run of tokens, and all ids that look like
        names.
        """
        self._ids.update(value for value in batch.texts("id") if NAME.fullmatch(value))
        if len(batch.prompt_tokens.hashes):
            self._owners = self._owners or _Owners()
            self._owners.claim(batch.prompt_tokens, batch.prompt_digests)

    def look(self, batch: Batch) -> None:
        """Note the rows that quote another row's prompt or name another row."""
        if self._owners is not None:
            for row in np.unique(self._quoted(batch)[1]):
                self._quoting.note("", batch.first_row + int(row))
        if self._ids:
            prompts, ids = batch.texts("prompt"), batch.texts("id")
            for place, names in names_in(batch.rows.column("think")):
                named = self._ids.intersection(names)
                if any(found != ids[place] and found not in prompts[place] for found in named):
                    self._naming.note("", batch.first_row + place)

    def findings(self) -> list[Finding]:
        """Return one finding for the quotations and one for the ids."""
        both = ((self._quoting, self._quote_prompt), (self._naming, self._quote_name))
        return [
            Finding("other_row", rows, quote, rows)
            for notes, quote in both
            for _, rows in notes.widest_first()
        ]

    def _quoted(self, batch: Batch) -> tuple[Places, Places]:
        """Return the first token and the row of every run that only another row's prompt holds.

        Runs that nearly match the row's own prompt are left out.
        """
        if self._owners is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places, rows = self._owners.quoted(batch.tokens, batch.prompt_digests)
        foreign = [
            _foreign_tokens(batch, int(first), int(row)) >= MIN_FOREIGN
            for first, row in zip(places, rows, strict=True)
        ]
        kept = np.flatnonzero(foreign)
        return places[kept], rows[kept]

    def _quote_prompt(self, batch: Batch, row: int) -> Example:
        places, rows = self._quoted(batch)
        first = int(places[rows == row].min())
        return quote_tokens(batch, row, first, first + RUN_TOKENS)

    def _quote_name(self, batch: Batch, row: int) -> Example:
        text, own = batch.texts("think")[row], batch.texts("id")[row]
        match = next(one for one in NAME.finditer(text) if one[0] in self._ids and one[0] != own)
        return excerpt_of(text, match.start(), match.end())


class _Owners:
    """The one prompt that holds each run of prompt tokens.

    The table has hashed cells. Each cell keeps a second hash (mark), so that two runs in one cell
    are told apart.
    """

    def __init__(self) -> None:
        self._prompt = np.zeros(1 << CELL_BITS, np.uint64)
        self._mark = np.zeros(1 << CELL_BITS, np.uint32)

    def claim(self, tokens: Tokens, prompts: Hashes) -> None:
        """Record the prompt as owner of its runs. A run in a second prompt gets the owner MANY."""
        hashes, places = ngram_hashes(tokens, RUN_TOKENS)
        if not len(hashes):
            return
        cells, owners = _cells(hashes), prompts[tokens.texts[places]]
        order = np.lexsort((owners, cells))
        cells, owners, marks = cells[order], owners[order], _marks(hashes[order])
        first = np.flatnonzero(np.diff(cells, prepend=-1))
        last = np.append(first[1:], len(cells)) - 1
        shared = owners[first] != owners[last]
        cells, owners, marks = cells[first], owners[first], marks[first]
        taken = shared | ((self._prompt[cells] != NOBODY) & (self._prompt[cells] != owners))
        self._prompt[cells] = np.where(taken, MANY, owners)
        self._mark[cells] = marks

    def quoted(self, tokens: Tokens, prompts: Hashes) -> tuple[Places, Places]:
        """Return the first token and the text of every run that only another row's prompt holds."""
        hashes, places = ngram_hashes(tokens, RUN_TOKENS)
        cells, texts = _cells(hashes), tokens.texts[places]
        owners = self._prompt[cells]
        foreign = (owners > MANY) & (owners != prompts[texts])
        foreign &= self._mark[cells] == _marks(hashes)
        return places[foreign], texts[foreign]


def _foreign_tokens(batch: Batch, first: int, row: int) -> int:
    """Return the number of tokens of the run that lie in no 4-gram of the row's prompt."""
    low, high = batch.prompt_tokens.bounds[row : row + 2]
    own = set(_grams(batch.prompt_tokens.hashes[low:high].tolist()))
    run = batch.tokens.hashes[first : first + RUN_TOKENS].tolist()
    held = [place for place, gram in enumerate(_grams(run)) if gram in own]
    return RUN_TOKENS - len({place + ahead for place in held for ahead in range(OWN_ORDER)})


def _grams(hashes: list[int]) -> list[tuple[int, ...]]:
    places = range(len(hashes) - OWN_ORDER + 1)
    return [tuple(hashes[place : place + OWN_ORDER]) for place in places]


def _cells(hashes: Hashes) -> Places:
    return (hashes >> np.uint64(64 - CELL_BITS)).astype(np.int64)


def _marks(hashes: Hashes) -> NDArray[np.uint32]:
    return (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
