"""How near answers are to the passages, for the report."""

from pathlib import Path

import numpy as np

from tasks.corpus.candidate import Candidate
from tasks.inference.embedding import VECTORS, embed
from tasks.spec import digest

SIMILAR_ROWS, SIMILAR_AT_ONCE = 2000, 256
"""Rows whose similarity to the passages is measured for the report, and how many at a time."""


def similarities(kept: list[Candidate], passages: Path, model: str) -> list[float]:
    """Return the cosine of answers to their nearest passage: near 1 is copying, near 0 is off the
    documents. Of many rows a sample is measured, drawn by row.
    """
    grounded = [one for one in kept if one.prompt["passage_ids"]]
    drawn = {one.trace_id for one in sorted(grounded, key=_draw_order)[:SIMILAR_ROWS]}
    answers = [str(one.trace["answer"]) for one in grounded if one.trace_id in drawn]
    if not answers:
        return []
    anchors = np.load(passages / VECTORS)
    vectors = embed(answers, model)
    nearest = [
        (vectors[low : low + SIMILAR_AT_ONCE] @ anchors.T).max(axis=1)
        for low in range(0, len(vectors), SIMILAR_AT_ONCE)
    ]
    return [round(float(value), 4) for value in np.concatenate(nearest)]


def _draw_order(one: Candidate) -> str:
    return digest("similarity", one.trace_id)
