"""Which passing traces make the corpus: the best of each prompt, within the shares the recipe
allows.
"""

from collections.abc import Iterable
from itertools import groupby

from tasks.corpus.candidate import Candidate, Rejection
from tasks.spec import digest

Selection = tuple[list[Candidate], list[Rejection]]
CONTROL = "control_arm"
"""Reason of a row of the control arm that the recipe does not accept."""


def accepted_arms(found: list[Candidate], *, control: bool) -> Selection:
    """Keep the rows of the plan, and the control arm's only where the recipe accepts them."""
    if control:
        return found, []
    detail = "answers a bare prompt of the control arm; corpus.control: true would accept it"
    return [one for one in found if not one.control], [
        Rejection(one.trace_id, CONTROL, detail) for one in found if one.control
    ]


def best_of_n(found: Iterable[Candidate]) -> Selection:
    """Keep one trace a prompt: verified first, then best grounded, then least repetitive, then the
    earliest sample.
    """
    kept, rejected = [], []
    for prompt_id, several in groupby(
        sorted(found, key=lambda one: one.prompt["prompt_id"]),
        key=lambda one: one.prompt["prompt_id"],
    ):
        best, *others = sorted(several, key=_rank)
        kept.append(best)
        rejected += [
            Rejection(other.trace_id, "not_best_of_n", f"{prompt_id}: {best.trace_id} is kept")
            for other in others
        ]
    return kept, rejected


def within_share(
    found: list[Candidate], *, share: float, belongs: Iterable[str], reason: str = "over_quota"
) -> Selection:
    """Keep so many rows of the families that belong together that they make at most `share` of what
    is kept.

    Which ones go is drawn by row, not by order, so a rebuild drops the same.
    """
    families = set(belongs)
    inside = [one for one in found if one.family in families]
    room = (
        int(share * (len(found) - len(inside)) / (1 - share) + 1e-9) if share < 1 else len(inside)
    )
    if len(inside) <= room:
        return found, []
    dropped = {
        one.trace_id for one in sorted(inside, key=lambda one: digest("quota", one.trace_id))[room:]
    }
    detail = (
        f"{', '.join(sorted(families))}: {len(inside)} rows, {room} allowed at a share of {share}"
    )
    return [one for one in found if one.trace_id not in dropped], [
        Rejection(trace_id, reason, detail) for trace_id in sorted(dropped)
    ]


def _rank(one: Candidate) -> tuple[float, float, float, int]:
    scores = one.scores
    return (
        -scores.get("correctness", 0),
        -scores.get("grounding", 0),
        scores.get("fluency", 0),
        int(one.trace["sample"]),
    )
