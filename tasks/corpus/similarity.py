"""The similarity of answers to passages, for the report."""

from pathlib import Path

import numpy as np

from tasks.corpus.candidate import Candidate
from tasks.inference.embedding import VECTORS, embed
from tasks.spec import digest

SIMILAR_ROWS = 2000
"""Most rows whose similarity is measured."""
SIMILAR_AT_ONCE = 256
"""Rows that are compared with all passages at a time."""


def similarities(kept: list[Candidate], passages: Path, model: str) -> list[float]:
    """Return the cosine of answers to their nearest passage: near 1 is a copy, near 0 is unrelated.

    passages: folder of the PASSAGES table. model: its embedding model. At most SIMILAR_ROWS rows
    are measured, drawn by their ids.
    """
    grounded = [one for one in kept if one.prompt["passage_ids"]]
    drawn = {one.trace_id for one in sorted(grounded, key=_draw_order)[:SIMILAR_ROWS]}
    answers = [str(one.trace["answer"]) for one in grounded if one.trace_id in drawn]
    if not answers:
        return []
    anchors = np.load(passages / VECTORS)
    vectors = embed(answers, model)
    starts = range(0, len(vectors), SIMILAR_AT_ONCE)
    parts = [vectors[low : low + SIMILAR_AT_ONCE] for low in starts]
    nearest = [(part @ anchors.T).max(axis=1) for part in parts]
    return [round(float(value), 4) for value in np.concatenate(nearest)]


def _draw_order(one: Candidate) -> str:
    return digest("similarity", one.trace_id)
