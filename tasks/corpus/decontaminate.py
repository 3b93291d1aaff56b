"""Decontamination: no row holds a held-out question, or a part of one that is in that question
alone.
"""

from collections import Counter

from tasks.corpus.candidate import Candidate, Rejection
from tasks.corpus.select import Selection
from tasks.held_out import DecontaminationSpec, HeldOut, found_in


def without_contaminated(
    found: list[Candidate], benchmarks: HeldOut, spec: DecontaminationSpec
) -> tuple[Selection, Counter[str]]:
    """Return the rows whose prompt and completion hold no held-out question, and benchmark → number
    of hits.
    """
    kept, rejected = [], []
    hits: Counter[str] = Counter()
    for one in found:
        hit = found_in(one.conversation, benchmarks, spec)
        if hit:
            hits[hit[0]] += 1
            rejected.append(Rejection(one.trace_id, "contaminated", f"{hit[0]}: {hit[1]}"))
        else:
            kept.append(one)
    return (kept, rejected), hits
