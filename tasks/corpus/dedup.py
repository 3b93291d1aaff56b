"""Duplicates: exact duplicates, and near-duplicates that are compared exactly with a
representative.

One row per connected component of similar rows would remove nearly all rows of a templated corpus,
because similarity forms chains. So a row is a near-duplicate only if its exact Jaccard similarity
to a kept representative is high. Otherwise it is kept and becomes a representative.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from tasks.corpus.candidate import Candidate, Rejection
from tasks.corpus.select import Selection
from tasks.ngrams import has_digit, ngrams
from tasks.spec import Spec, digest

PERMUTATIONS = 128
"""Permutations of a MinHash sketch."""
BANDS = 32
"""Bands of a sketch for locality-sensitive hashing."""
SHINGLE = 3
"""Words of a shingle."""
SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""Odd multiplier that combines the three word numbers of a shingle into one number."""
Codes = NDArray[np.uint64]


class DedupSpec(Spec):
    """When two completions count as the same."""

    jaccard: float = Field(0.8, gt=0, le=1)
    """Smallest Jaccard similarity of 3-word shingles of near-duplicates; 1 removes only exact
    duplicates.
    """
    same_numbers: bool = True
    """Near-duplicates must hold the same numbers. A problem with other constants is another
    problem.
    """
    copies: int = Field(1, ge=1)
    """Most near-duplicate rows that are kept of one representative, itself included."""


def without_duplicates(found: list[Candidate], spec: DedupSpec) -> Selection:
    """Return the first row of each set of exact duplicates, and at most `copies` rows of
    near-duplicates.
    """
    kept, exact = _without_exact(found)
    kept, near = _without_near(kept, spec)
    return kept, exact + near


def _without_exact(found: list[Candidate]) -> Selection:
    first: dict[str, Candidate] = {}
    rejected = []
    for one in found:
        same = first.setdefault(digest(*one.words), one)
        if same is not one:
            detail = f"same words as {same.trace_id}"
            rejected.append(Rejection(one.trace_id, "exact_duplicate", detail))
    return list(first.values()), rejected


def _without_near(found: list[Candidate], spec: DedupSpec) -> Selection:
    """Return the rows without near-duplicates.

    Rows with different numbers are never compared, so each set of numbers is searched separately. A
    single row needs no search.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for place, one in enumerate(found):
        same[_numbers(one.words) if spec.same_numbers else ""].append(place)
    represented: dict[int, int] = {}
    for places in same.values():
        if len(places) > 1:
            represented |= _represented({place: found[place].words for place in places}, spec)
    return _few_copies(found, represented, spec)


def _few_copies(found: list[Candidate], represented: dict[int, int], spec: DedupSpec) -> Selection:
    """Return the representatives, with at most the allowed number of copies of each."""
    standing: Counter[int] = Counter()
    kept, rejected = [], []
    for place, one in enumerate(found):
        by = represented.get(place, place)
        standing[by] += 1
        if by != place and standing[by] > spec.copies:
            rejected.append(Rejection(one.trace_id, "near_duplicate", f"of {found[by].trace_id}"))
        else:
            kept.append(one)
    return kept, rejected


def _represented(texts: Mapping[int, list[str]], spec: DedupSpec) -> dict[int, int]:
    """Return text → the earliest representative that it nearly equals. Texts that are missing here
    are representatives.

    MinHash with banding (Broder 1997) finds candidates. Each of them is compared exactly.
    """
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=spec.jaccard, num_perm=PERMUTATIONS, num_bands=BANDS)
    numbers: defaultdict[str, int] = defaultdict(count().__next__)
    kept: list[tuple[int, Codes]] = []
    represented = {}
    for text, tokens in texts.items():
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update([" ".join(gram) for gram in ngrams(tokens, SHINGLE)] or tokens)
        own = _codes(tokens, numbers)
        near = [kept[number] for number in sorted(lsh.query(sketch))]
        match = _first_near(own, [codes for _, codes in near], spec.jaccard)
        if match is None:
            lsh.insert(len(kept), sketch)
            kept.append((text, own))
        else:
            represented[text] = near[match][0]
    return represented


def _codes(tokens: list[str], numbers: defaultdict[str, int]) -> Codes:
    """Return a number for each different shingle, sorted. Two shingles have the same number with a
    probability of about 2⁻⁶⁴. numbers: word → its number; new words are added.
    """
    ids = np.fromiter(map(numbers.__getitem__, tokens), np.uint64, len(tokens))
    if len(ids) < SHINGLE:
        return ids[:0]
    return np.unique((ids[:-2] * SPREAD + ids[1:-1]) * SPREAD + ids[2:])


def _first_near(own: Codes, others: Sequence[Codes], jaccard: float) -> int | None:
    """Return the index of the first of the others with enough shared shingles (exact Jaccard), or
    None.
    """
    sizes = np.fromiter(map(len, others), np.int64, len(others))
    # The Jaccard similarity is at most the smaller size divided by the larger size.
    large, small = np.maximum(sizes, len(own)), np.minimum(sizes, len(own))
    for place in np.flatnonzero((small > 0) & (small >= jaccard * large)):
        shared = _shared(own, others[place])
        if shared >= jaccard * (len(own) + sizes[place] - shared):
            return int(place)
    return None


def _shared(one: Codes, other: Codes) -> int:
    """Return the number of values that two sorted arrays share."""
    both = np.concatenate((one, other))
    both.sort(kind="stable")
    return int(np.count_nonzero(both[1:] == both[:-1]))


def _numbers(tokens: list[str]) -> str:
    """Return the words with a digit, sorted, with repetitions."""
    return " ".join(sorted(filter(has_digit, tokens)))
