"""Other rows in a trace: a long run of words that only another row's prompt holds, or another row's
id.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.audit.batch import Batch
from tasks.audit.found import Found, RowNotes, Seen, seen, spell_tokens
from tasks.audit.names import NAME, names_in
from tasks.audit.tokens import Hashes, Places, Tokens, ngram_hashes

RUN_TOKENS = 16
"""Tokens in a row that a trace must share with another row's prompt."""
OWN_ORDER, LEAST_FOREIGN = 4, 8
"""Of the run, so many tokens must lie in no 4-gram of the row's own prompt: prompts of one template
differ in little.
"""
CELL_BITS = 23
NOBODY, MANY = np.uint64(0), np.uint64(1)


class BleedDetector:
    """References to other rows, by what they quote or whom they name; with which words they refer
    does not matter.
    """

    def __init__(self) -> None:
        self._owners: _Owners | None = None
        self._ids: set[str] = set()
        self._quoting, self._naming = RowNotes(), RowNotes()

    def learn(self, batch: Batch) -> None:
        """Learn which prompt alone holds each run of tokens, and every telling id."""
        self._ids.update(value for value in batch.texts("id") if NAME.fullmatch(value))
        if len(batch.prompt_tokens.hashes):
            self._owners = self._owners or _Owners()
            self._owners.claim(batch.prompt_tokens, batch.prompt_digests)

    def look(self, batch: Batch) -> None:
        """Note rows that quote another row's prompt, or name another row."""
        if self._owners is not None:
            for row in np.unique(self._quoted(batch)[1]):
                self._quoting.note("", batch.first_row + int(row))
        if self._ids:
            prompts, ids = batch.texts("prompt"), batch.texts("id")
            for place, names in names_in(batch.rows.column("think")):
                named = self._ids.intersection(names)
                if any(found != ids[place] and found not in prompts[place] for found in named):
                    self._naming.note("", batch.first_row + place)

    def found(self) -> list[Found]:
        """Return one finding for quotations, one for names."""
        both = ((self._quoting, self._spell_quotation), (self._naming, self._spell_name))
        return [
            Found("other_row", rows, spell, rows)
            for notes, spell in both
            for _, rows in notes.widest_first()
        ]

    def _quoted(self, batch: Batch) -> tuple[Places, Places]:
        """Return first token and row of every run that another row's prompt alone holds, and the
        own prompt not nearly.
        """
        if self._owners is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        places, rows = self._owners.quoted(batch.tokens, batch.prompt_digests)
        foreign = [
            _foreign_tokens(batch, int(first), int(row)) >= LEAST_FOREIGN
            for first, row in zip(places, rows, strict=True)
        ]
        kept = np.flatnonzero(foreign)
        return places[kept], rows[kept]

    def _spell_quotation(self, batch: Batch, row: int) -> Seen:
        places, rows = self._quoted(batch)
        first = int(places[rows == row].min())
        return spell_tokens(batch, row, first, first + RUN_TOKENS)

    def _spell_name(self, batch: Batch, row: int) -> Seen:
        text, own = batch.texts("think")[row], batch.texts("id")[row]
        match = next(one for one in NAME.finditer(text) if one[0] in self._ids and one[0] != own)
        return seen(text, match.start(), match.end())


class _Owners:
    """For each run of prompt tokens, the one prompt that holds it; hashed cells, each with a mark
    to tell a chance neighbour.
    """

    def __init__(self) -> None:
        self._prompt = np.zeros(1 << CELL_BITS, np.uint64)
        self._mark = np.zeros(1 << CELL_BITS, np.uint32)

    def claim(self, tokens: Tokens, prompts: Hashes) -> None:
        """Give every run to its prompt, or to nobody once a second prompt asks for it."""
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
        """Return first token and text of every run that another row's prompt alone holds."""
        hashes, places = ngram_hashes(tokens, RUN_TOKENS)
        cells, texts = _cells(hashes), tokens.texts[places]
        owners = self._prompt[cells]
        foreign = (
            (owners > MANY) & (owners != prompts[texts]) & (self._mark[cells] == _marks(hashes))
        )
        return places[foreign], texts[foreign]


def _foreign_tokens(batch: Batch, first: int, row: int) -> int:
    """Return how many tokens of the run lie in no 4-gram of the row's prompt."""
    asked = batch.prompt_tokens.hashes[slice(*batch.prompt_tokens.bounds[row : row + 2])].tolist()
    run = batch.tokens.hashes[first : first + RUN_TOKENS].tolist()
    own = {tuple(asked[place : place + OWN_ORDER]) for place in range(len(asked) - OWN_ORDER + 1)}
    held = [
        place
        for place in range(RUN_TOKENS - OWN_ORDER + 1)
        if tuple(run[place : place + OWN_ORDER]) in own
    ]
    return RUN_TOKENS - len({place + ahead for place in held for ahead in range(OWN_ORDER)})


def _cells(hashes: Hashes) -> Places:
    return (hashes >> np.uint64(64 - CELL_BITS)).astype(np.int64)


def _marks(hashes: Hashes) -> NDArray[np.uint32]:
    return (hashes & np.uint64(0xFFFFFFFF)).astype(np.uint32)
