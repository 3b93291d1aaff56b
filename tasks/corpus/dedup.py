"""Duplicates: exact ones, and near ones verified against a representative.

Taking one row per connected component of similar rows deletes nearly all of a templated corpus, because similarity chains.
Here a row is a near-duplicate of a representative that was kept, by exact Jaccard, or it is kept and represents others.
"""

from collections import Counter

from pydantic import Field

from tasks.corpus.candidate import Candidate, Rejection
from tasks.corpus.select import Selection
from tasks.ngrams import ngrams
from tasks.spec import Spec

PERMUTATIONS, BANDS, SHINGLE = 128, 32, 3


class DedupSpec(Spec):
    """When two completions are the same."""

    jaccard: float = Field(0.8, gt=0, le=1)
    """Exact Jaccard similarity of 3-word shingles from which two completions are near-duplicates; 1 for exact ones alone."""
    same_numbers: bool = True
    """Near-duplicates must also hold the same numbers: a problem with other constants is another problem."""
    copies: int = Field(1, ge=1)
    """Rows a representative may stand for, itself included."""


def without_duplicates(found: list[Candidate], spec: DedupSpec) -> Selection:
    """Keep the first of every set of exact duplicates and at most `copies` of near ones."""
    kept, exact = _without_exact(found)
    kept, near = _without_near(kept, spec)
    return kept, exact + near


def _without_exact(found: list[Candidate]) -> Selection:
    first: dict[tuple[str, ...], Candidate] = {}
    rejected = []
    for one in found:
        same = first.setdefault(tuple(one.words), one)
        if same is not one:
            rejected.append(
                Rejection(one.trace_id, "exact_duplicate", f"same words as {same.trace_id}")
            )
    return list(first.values()), rejected


def _without_near(found: list[Candidate], spec: DedupSpec) -> Selection:
    """Candidates come from MinHash with banding (Broder 1997); every one is verified before it counts."""
    from rensa import RMinHash, RMinHashLSH

    lsh = RMinHashLSH(threshold=spec.jaccard, num_perm=PERMUTATIONS, num_bands=BANDS)
    representatives: list[Candidate] = []
    standing: Counter[str] = Counter()
    kept, rejected = [], []
    for one in found:
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=1)
        sketch.update([" ".join(gram) for gram in ngrams(one.words, SHINGLE)] or one.words)
        match = next(
            (
                rep
                for rep in (representatives[number] for number in sorted(lsh.query(sketch)))
                if near_duplicates(rep, one, spec)
            ),
            None,
        )
        if match is None:
            lsh.insert(len(representatives), sketch)
            representatives.append(one)
        standing[(match or one).trace_id] += 1
        if match and standing[match.trace_id] > spec.copies:
            rejected.append(Rejection(one.trace_id, "near_duplicate", f"of {match.trace_id}"))
        else:
            kept.append(one)
    return kept, rejected


def near_duplicates(one: Candidate, other: Candidate, spec: DedupSpec) -> bool:
    """Whether two completions are the same but for wording."""
    left, right = (set(ngrams(each.words, SHINGLE)) for each in (one, other))
    if not left or not right or len(left & right) < spec.jaccard * len(left | right):
        return False
    return not spec.same_numbers or _numbers(one) == _numbers(other)


def _numbers(one: Candidate) -> Counter[str]:
    return Counter(word for word in one.words if any(char.isdigit() for char in word))
