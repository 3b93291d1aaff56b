"""From documents to passages that know their neighbours."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.grounding.chunk import Chunk, chunks
from tasks.grounding.index import IndexSpec, PassageIndex
from tasks.inference.embedding import embed
from tasks.spec import Spec, digest
from tasks.store import Made


class GroundingSpec(Spec):
    """How documents become passages."""

    max_words: int = Field(150, ge=20, le=2000)
    """Words of a passage at most; sections are never joined, long ones are cut at paragraphs, then sentences."""
    min_words: int = Field(6, ge=1)
    """A shorter passage is left out."""
    neighbours: int = Field(4, ge=0, le=64)
    """Nearest other passages kept with each."""
    index: IndexSpec = IndexSpec()
    """Embedding model and search."""


def ground(documents: pa.Table, spec: GroundingSpec, *, scratch: Path | None = None) -> Made:
    """Return PASSAGES with the index beside them.

    A document without a passage, or a passage seen before, is rejected. scratch: a folder in which
    embeddings outlive a stopped run.
    """
    passages, faults = _cut(documents.to_pylist(), spec)
    index = PassageIndex.build(
        embed([_embedded_text(row) for row in passages], spec.index.model, scratch=scratch),
        spec.index,
    )
    for row, nearest in zip(passages, _neighbours(index, passages, spec.neighbours), strict=True):
        row["neighbours"] = nearest
    table = rows.table_of(passages, rows.PASSAGES)
    return Made(
        {"passages": table},
        rows.PASSAGES,
        rows.rejected(faults),
        rows_in=len(passages) + len(faults),
        attach=index.save,
    )


def _cut(
    documents: list[dict[str, str]], spec: GroundingSpec
) -> tuple[list[dict[str, object]], list[tuple[str, str, str]]]:
    passages: dict[str, dict[str, object]] = {}
    faults: list[tuple[str, str, str]] = []
    for document in documents:
        found = list(
            chunks(
                document["text"],
                title=document["title"],
                max_words=spec.max_words,
                min_words=spec.min_words,
            )
        )
        if not found:
            faults.append(
                (
                    document["document_id"],
                    "no_passage",
                    f"{document['source']}: no stretch of {spec.min_words} words",
                )
            )
        for chunk in found:
            row = _row(document, chunk)
            key = digest(chunk.section, chunk.heading, str(row["text"]))
            if key in passages:
                faults.append(
                    (
                        str(row["passage_id"]),
                        "duplicate_passage",
                        f"{document['source']}: {chunk.section}",
                    )
                )
            else:
                passages[key] = row
    return list(passages.values()), faults


def _row(document: dict[str, str], chunk: Chunk) -> dict[str, object]:
    return {
        "passage_id": digest(document["document_id"], str(chunk.start), str(chunk.end))[:16], "document_id": document["document_id"],
        "title": document["title"], "section": chunk.section, "heading": "" if chunk.heading == chunk.section else chunk.heading,
        "start": chunk.start, "end": chunk.end, "text": document["text"][chunk.start : chunk.end], "neighbours": [],
        "source": document["source"], "licence": document["licence"], "category": document["category"],
    }  # fmt: skip


def _embedded_text(row: dict[str, object]) -> str:
    return f"{row['heading'] or row['section']}. {row['text']}"


def _neighbours(index: PassageIndex, passages: list[dict[str, object]], k: int) -> list[list[str]]:
    """Return the ids of the k nearest other passages, nearest first."""
    if not passages:
        return []
    labels, _ = index.search(index.vectors, k + 1)
    own = np.arange(len(passages))[:, None]
    return [
        [str(passages[label]["passage_id"]) for label in row[row != number][:k]]
        for number, row in zip(own, labels, strict=True)
    ]


def cut(documents: pa.Table, spec: GroundingSpec) -> list[dict[str, object]]:
    """Return the rows of PASSAGES that these DOCUMENTS give, without neighbours: nothing is embedded."""
    return _cut(documents.to_pylist(), spec)[0]
