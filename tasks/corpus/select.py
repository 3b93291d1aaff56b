"""Which passing traces the corpus takes: the best of each prompt, within the shares that the recipe
allows.
"""

from collections.abc import Iterable
from itertools import groupby

from tasks.corpus.candidate import Candidate, Rejection
from tasks.spec import digest

Selection = tuple[list[Candidate], list[Rejection]]
CONTROL = "control_arm"
"""Reason of a control arm row that the recipe does not accept."""


def accepted_arms(found: list[Candidate], *, control: bool) -> Selection:
    """Return the rows without those of the control arm, unless the recipe accepts them."""
    if control:
        return found, []
    detail = "answers a bare prompt of the control arm; corpus.control: true would accept it"
    return [one for one in found if not one.control], [
        Rejection(one.trace_id, CONTROL, detail) for one in found if one.control
    ]


def best_of_n(found: Iterable[Candidate]) -> Selection:
    """Return one trace per prompt: verified before others, then the best grounded, then the least
    repetitive, then the earliest sample.
    """
    kept, rejected = [], []
    for prompt_id, several in groupby(sorted(found, key=_prompt_id), key=_prompt_id):
        best, *others = sorted(several, key=_rank)
        kept.append(best)
        detail = f"{prompt_id}: {best.trace_id} is kept"
        rejected += [Rejection(other.trace_id, "not_best_of_n", detail) for other in others]
    return kept, rejected


def _prompt_id(one: Candidate) -> str:
    return str(one.prompt["prompt_id"])


def within_share(
    found: list[Candidate], *, share: float, belongs: Iterable[str], reason: str = "over_quota"
) -> Selection:
    """Return the rows, with at most `share` of them from the given families together.

    belongs: the families. The rows to leave out are drawn by their ids, so a rebuild leaves out the
    same rows.
    """
    families = set(belongs)
    inside = [one for one in found if one.family in families]
    others = len(found) - len(inside)
    room = int(share * others / (1 - share) + 1e-9) if share < 1 else len(inside)
    if len(inside) <= room:
        return found, []
    drawn = sorted(inside, key=lambda one: digest("quota", one.trace_id))
    dropped = {one.trace_id for one in drawn[room:]}
    names = ", ".join(sorted(families))
    detail = f"{names}: {len(inside)} rows, {room} allowed at a share of {share}"
    kept = [one for one in found if one.trace_id not in dropped]
    return kept, [Rejection(trace_id, reason, detail) for trace_id in sorted(dropped)]


def _rank(one: Candidate) -> tuple[float, float, float, int]:
    scores = one.scores
    return (
        -scores.get("correctness", 0),
        -scores.get("grounding", 0),
        scores.get("fluency", 0),
        int(one.trace["sample"]),
    )
