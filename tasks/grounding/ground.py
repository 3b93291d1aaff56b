"""From documents to passages that know their neighbours."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.grounding.chunk import Chunk, chunks, citable
from tasks.grounding.common import parent_of, shared
from tasks.grounding.index import IndexSpec, PassageIndex
from tasks.grounding.matter import Book, Matter, matter_of, spread
from tasks.inference.embedding import Vectors, embed
from tasks.spec import Spec, digest
from tasks.store import Made


class GroundingSpec(Spec):
    """How documents become passages."""

    max_words: int = Field(150, ge=20, le=2000)
    """Words of a passage at most; sections are never joined, long ones are cut at paragraphs, then
    sentences.
    """
    min_words: int = Field(6, ge=1)
    """A shorter passage is left out."""
    asked_all_the_same: tuple[Matter, ...] = ()
    """Kinds of matter that make passages although no question suits them as a rule; all others are
    rejected under their name.
    """
    neighbours: int = Field(4, ge=0, le=64)
    """Number of nearest other passages that are kept with each passage."""
    index: IndexSpec = IndexSpec()
    """Embedding model and search."""


def ground(documents: pa.Table, spec: GroundingSpec, *, scratch: Path | None = None) -> Made:
    """Return PASSAGES with the index beside them.

    A document without a passage, or a passage seen before, is rejected. scratch: a folder in which
    embeddings outlive a stopped run.
    """
    passages, faults = _cut(documents.to_pylist(), spec)
    texts = [_embedded_text(row) for row in passages]
    vectors = _vectors(texts, spec, scratch)
    index = PassageIndex.build(vectors, spec.index)
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


class _Cut(NamedTuple):
    """A passage of a document, and why it is rejected, "" when it is not."""

    row: dict[str, object]
    reason: str
    detail: str


def _cut(
    documents: list[dict[str, str]], spec: GroundingSpec
) -> tuple[list[dict[str, object]], list[tuple[str, str, str]]]:
    passages: dict[str, dict[str, object]] = {}
    faults: list[tuple[str, str, str]] = []
    for document in documents:
        found = list(_passages(document, spec))
        if not found:
            said = f"{document['source']}: no stretch of {spec.min_words} words"
            faults.append((document["document_id"], "no_passage", said))
        for row, reason, detail in found:
            key = digest(str(row["section"]), str(row["heading"]), str(row["text"]))
            fault = reason or ("duplicate_passage" if key in passages else "")
            if fault:
                faults.append((str(row["passage_id"]), fault, detail))
            else:
                passages[key] = row
    return list(passages.values()), faults


def _passages(document: dict[str, str], spec: GroundingSpec) -> Iterator[_Cut]:
    text = document["text"]
    found = list(
        chunks(text, title=document["title"], max_words=spec.max_words, min_words=spec.min_words)
    )
    paths = [chunk.above for chunk in found]
    book = Book.of(paths)
    in_common = shared({(*chunk.above[:-1], chunk.heading) for chunk in found})
    kinds = [matter_of(one.above, text[one.start : one.end], book) for one in found]
    for chunk, matter in zip(found, spread(kinds, paths), strict=True):
        reason = matter if matter and matter not in spec.asked_all_the_same else ""
        section, heading = _named(chunk, in_common)
        row = _row(document, chunk, section, heading)
        yield _Cut(row, reason, f"{document['source']}: {section}")


def _named(chunk: Chunk, in_common: frozenset[str]) -> tuple[str, str]:
    """Return a passage's section and heading: "Options (sphinx-build)" where "Options" alone could
    be any section.
    """
    numbered = chunk.section != citable(chunk.heading)
    if not chunk.heading:
        return chunk.section, ""
    parent = parent_of((*chunk.above[:-1], chunk.heading), chunk.heading, in_common)
    heading = f"{chunk.heading} ({parent})" if parent else chunk.heading
    section = chunk.section if numbered else citable(heading)
    return section, "" if heading == section else heading


def _row(document: dict[str, str], chunk: Chunk, section: str, heading: str) -> dict[str, object]:
    return {
        "passage_id": digest(document["document_id"], str(chunk.start), str(chunk.end))[:16],
        "document_id": document["document_id"],
        "title": document["title"],
        "section": section,
        "heading": heading,
        "start": chunk.start,
        "end": chunk.end,
        "text": document["text"][chunk.start : chunk.end],
        "neighbours": [],
        "source": document["source"],
        "licence": document["licence"],
        "category": document["category"],
    }


def _vectors(texts: list[str], spec: GroundingSpec, scratch: Path | None) -> Vectors:
    if not texts:
        return np.zeros((0, 1), np.float32)
    return embed(texts, spec.index.model, scratch=scratch)


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
    """Return the rows of PASSAGES that these DOCUMENTS give, without neighbours: nothing is
    embedded.
    """
    return _cut(documents.to_pylist(), spec)[0]
