"""Runs of a text along a source: equal tokens in a row, with small changes in between."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tasks.ngrams import ngrams
from tasks.verdicts.claims.polarity import FILLERS
from tasks.verdicts.claims.sources import Source
from tasks.verdicts.claims.tokens import Token, Tokens, normed, norms, stem, tokens
from tasks.verdicts.claims.values import MONEY, MONTHS, TIME

SEED = 3
STEPS = ((1, 1), (1, 0), (0, 1), (2, 1), (1, 2), (2, 2))
"""Changes that a run bridges: tokens of the text, tokens of the source."""
LEAST_WORDS = 4
AROUND = 2
SAME_LETTERS = 3
"""Letters that two forms of one word share at its beginning."""


class Change(NamedTuple):
    """Where a run leaves its source: the text's tokens, the source's, and the text's with two on
    either side.
    """

    written: tuple[Token, ...]
    due: tuple[Token, ...]
    around: tuple[Token, ...]


@dataclass(frozen=True)
class Run:
    """A stretch of a text that runs along a source. matched: how many of its tokens are equal."""

    tokens: tuple[Token, ...]
    changes: tuple[Change, ...]
    matched: int


def runs(text: str, source: Source, *, least: int, seed: int = SEED) -> Iterator[Run]:
    """Yield the runs of at least so many tokens along the source, from left to right.

    Each begins with `seed` equal tokens; of several places in the source the one with the longest
    run is taken. With the default seed a run needs four words besides numbers and fillers, so that
    a sum is not taken for a quotation.
    """
    grams = list(ngrams(normed(text), seed))
    index = source.shared_places(seed, grams)
    if not index:
        return
    found, place = tokens(text), 0
    for start, gram in enumerate(grams):
        if start < place or gram not in index:
            continue
        best = max((_run(found, source, start, one) for one in index[gram]), key=_matched)
        if len(best.tokens) >= least and (seed < SEED or _is_prose(best)):
            yield best
        place = start + len(best.tokens)


def _matched(run: Run) -> int:
    return run.matched


def is_critical(change: Change) -> bool:
    """Return whether a change alters a number, a name, a date, a unit or a negation."""
    written, due = change.written, change.due
    ours, theirs = _of(written, "number"), _of(due, "number")
    if ours != theirs and (ours or not written):
        return True
    for kind in ("unit", "month", "name"):
        ours, theirs = _of(written, kind), _of(due, kind)
        if ours and theirs and ours != theirs:
            return True
    return False


def turns(run: "Run") -> bool:
    """Return whether the changes of a run reverse its meaning; "unless" counts as "if not"."""
    turned = (one for one in run.changes if not _is_not_even(one))
    return sum(_negative(one.written) - _negative(one.due) for one in turned) % 2 == 1


def _is_not_even(change: Change) -> bool:
    """Return whether the change only adds or drops the "not" of "not even", which repeats a
    denial.
    """
    changed = norms(change.written + change.due)
    return changed == ("not",) and any(one.norm == "even" for one in change.around)


def _negative(found: Sequence[Token]) -> int:
    return sum(one.is_negation or one.norm == "unless" for one in found)


def is_other_word(change: Change) -> bool:
    """Return whether one word is replaced by another that is not a form of it; fillers do not
    count.
    """
    if len(change.written) != 1 or len(change.due) != 1:
        return False
    one, other = change.written[0].norm, change.due[0].norm
    return one not in FILLERS and one[:SAME_LETTERS] != other[:SAME_LETTERS]


def _run(text: Tokens, source: Source, place: int, start: int) -> Run:
    """Return the run that begins at these places of text and source."""
    here, there, matched = place, start, 0
    changes = list[Change]()
    while True:
        equal = _equal(text.norms, source.norms, here, there)
        here, there, matched = here + equal, there + equal, matched + equal
        step = _step(text, source, here, there)
        if step is None:
            return Run(text[place:here], tuple(changes), matched)
        written, due = step
        low, high = max(place, here - AROUND), here + written + AROUND
        changed, original = text[here : here + written], source.tokens[there : there + due]
        changes.append(Change(changed, original, text[low:high]))
        here, there = here + written, there + due


def _equal(ours: Sequence[str], theirs: Sequence[str], here: int, there: int) -> int:
    """Return how many tokens are equal from these places on."""
    count = 0
    for one, other in zip(ours[here:], theirs[there:], strict=False):
        if one != other:
            break
        count += 1
    return count


def _step(text: Tokens, source: Source, here: int, there: int) -> tuple[int, int] | None:
    """Return the smallest change behind which text and source go on together.

    A change lies within a sentence, and two equal tokens follow it. One is enough, and none at the
    end of both sentences, where a number or a name stands for another.
    """
    if text.is_last(here - 1) or source.tokens.is_last(there - 1):
        return None
    for written, due in STEPS:
        ahead = text.norms[here + written : here + written + AROUND]
        beyond = source.norms[there + due : there + due + AROUND]
        if len(ahead) == AROUND and ahead == beyond:
            return written, due
    if here < len(text) and there < len(source.norms) and _stands_for(text, source, here, there):
        return 1, 1
    return None


def _stands_for(text: Tokens, source: Source, here: int, there: int) -> bool:
    one, other = text[here], source.tokens[there]
    if not (_kinds(one) & _kinds(other)):
        return False
    if one.is_last and other.is_last:
        return True
    ahead, beyond = text.norms[here + 1 : here + 2], source.norms[there + 1 : there + 2]
    return bool(ahead) and ahead == beyond


def _is_prose(run: Run) -> bool:
    words = [token for token in run.tokens if not token.is_number and token.norm not in FILLERS]
    return len(words) >= LEAST_WORDS


def _of(found: Sequence[Token], kind: str) -> list[str]:
    return [token.norm for token in found if kind in _kinds(token)]


def _kinds(token: Token) -> set[str]:
    if token.is_number:
        return {"number"}
    if token.is_negation:
        return {"negation"}
    kinds = {"name"} if token.is_capitalised and token.norm not in FILLERS else set()
    if stem(token.norm) in TIME | MONEY:
        kinds.add("unit")
    if token.norm in MONTHS:
        kinds.add("month")
    return kinds
