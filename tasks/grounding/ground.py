"""Passages from documents, with their embeddings and nearest neighbours."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import Field

from tasks import rows
from tasks.grounding.chunk import Chunk, chunks, citable
from tasks.grounding.index import IndexSpec, PassageIndex
from tasks.grounding.shared_headings import parent_of, shared
from tasks.grounding.text_kinds import Book, TextKind, kind_of, with_whole_sections
from tasks.inference.embedding import Vectors, embed
from tasks.spec import Spec, digest
from tasks.store import Made


class GroundingSpec(Spec):
    """How documents become passages."""

    max_words: int = Field(150, ge=20, le=2000)
    """Largest number of words of a passage. Sections are never joined. Long ones are cut at
    paragraphs, then at sentences.
    """
    min_words: int = Field(6, ge=1)
    """Smallest number of words of a passage. Shorter ones are left out."""
    asked_all_the_same: tuple[TextKind, ...] = ()
    """Kinds of text that become passages although they seldom suit questions. All other such kinds
    are rejected, with their name as the reason.
    """
    neighbours: int = Field(4, ge=0, le=64)
    """Number of nearest other passages that are recorded for each passage."""
    index: IndexSpec = IndexSpec()
    """Embedding model and search."""


def ground(documents: pa.Table, spec: GroundingSpec, *, scratch: Path | None = None) -> Made:
    """Return PASSAGES, with the index as files of the table.

    documents: DOCUMENTS. Documents without a passage and repeated passages are rejected. scratch:
    folder that keeps the embeddings of an interrupted run.
    """
    passages, faults = _cut(documents.to_pylist(), spec)
    vectors = _vectors([one.embedded_text for one in passages], spec, scratch)
    index = PassageIndex.build(vectors, spec.index)
    neighbours = _neighbours(index, passages, spec.neighbours)
    pairs = zip(passages, neighbours, strict=True)
    made = [passage.row(nearest) for passage, nearest in pairs]
    return Made(
        {"passages": rows.table_of(made, rows.PASSAGES)},
        rows.PASSAGES,
        rows.rejected(faults),
        rows_in=len(passages) + len(faults),
        attach=index.save,
    )


@dataclass(frozen=True)
class Passage:
    """A passage, before its neighbours are known. document: the row of DOCUMENTS."""

    document: dict[str, str]
    chunk: Chunk
    section: str
    heading: str

    @property
    def passage_id(self) -> str:
        """Return 16 hex digits over the document and the place in it."""
        start, end = str(self.chunk.start), str(self.chunk.end)
        return digest(self.document["document_id"], start, end)[:16]

    @property
    def text(self) -> str:
        """Return the text, as it stands in the document."""
        return self.document["text"][self.chunk.start : self.chunk.end]

    @property
    def embedded_text(self) -> str:
        """Return the text that is embedded: the heading, then the passage."""
        return f"{self.heading or self.section}. {self.text}"

    def row(self, neighbours: Sequence[str] = ()) -> dict[str, object]:
        """Return the passage as a row of PASSAGES."""
        return {
            "passage_id": self.passage_id,
            "document_id": self.document["document_id"],
            "title": self.document["title"],
            "section": self.section,
            "heading": self.heading,
            "start": self.chunk.start,
            "end": self.chunk.end,
            "text": self.text,
            "neighbours": list(neighbours),
            "source": self.document["source"],
            "licence": self.document["licence"],
            "category": self.document["category"],
        }


class _Cut(NamedTuple):
    """A passage of a document, and why it is rejected; reason is "" if it is kept."""

    passage: Passage
    reason: str
    detail: str


def _cut(
    documents: list[dict[str, str]], spec: GroundingSpec
) -> tuple[list[Passage], list[tuple[str, str, str]]]:
    passages: dict[str, Passage] = {}
    faults: list[tuple[str, str, str]] = []
    for document in documents:
        found = list(_passages(document, spec))
        if not found:
            detail = f"{document['source']}: no stretch of {spec.min_words} words"
            faults.append((document["document_id"], "no_passage", detail))
        for passage, reason, detail in found:
            key = digest(passage.section, passage.heading, passage.text)
            fault = reason or ("duplicate_passage" if key in passages else "")
            if fault:
                faults.append((passage.passage_id, fault, detail))
            else:
                passages[key] = passage
    return list(passages.values()), faults


def _passages(document: dict[str, str], spec: GroundingSpec) -> Iterator[_Cut]:
    text, title = document["text"], document["title"]
    cut = chunks(text, title=title, max_words=spec.max_words, min_words=spec.min_words)
    found = list(cut)
    paths = [chunk.above for chunk in found]
    book = Book.of(paths)
    in_common = shared({(*chunk.above[:-1], chunk.heading) for chunk in found})
    kinds = [kind_of(one.above, text[one.start : one.end], book) for one in found]
    for chunk, matter in zip(found, with_whole_sections(kinds, paths), strict=True):
        reason = matter if matter and matter not in spec.asked_all_the_same else ""
        section, heading = _named(chunk, in_common)
        passage = Passage(document, chunk, section, heading)
        yield _Cut(passage, reason, f"{document['source']}: {section}")


def _named(chunk: Chunk, in_common: frozenset[str]) -> tuple[str, str]:
    """Return section and heading of a passage: "Options (sphinx-build)" if "Options" alone is
    ambiguous.
    """
    numbered = chunk.section != citable(chunk.heading)
    if not chunk.heading:
        return chunk.section, ""
    parent = parent_of((*chunk.above[:-1], chunk.heading), chunk.heading, in_common)
    heading = f"{chunk.heading} ({parent})" if parent else chunk.heading
    section = chunk.section if numbered else citable(heading)
    return section, "" if heading == section else heading


def _vectors(texts: list[str], spec: GroundingSpec, scratch: Path | None) -> Vectors:
    if not texts:
        return np.zeros((0, 1), np.float32)
    return embed(texts, spec.index.model, scratch=scratch)


def _neighbours(index: PassageIndex, passages: list[Passage], k: int) -> list[list[str]]:
    """Return for each passage the ids of the k nearest other passages, the nearest first."""
    if not passages:
        return []
    labels, _ = index.search(index.vectors, k + 1)
    ids = [passage.passage_id for passage in passages]
    others = [row[row != own][:k] for own, row in enumerate(labels)]
    return [[ids[label] for label in row] for row in others]


def cut(documents: pa.Table, spec: GroundingSpec) -> list[dict[str, object]]:
    """Return the rows of PASSAGES for these DOCUMENTS, without neighbours. No text is embedded."""
    passages, _ = _cut(documents.to_pylist(), spec)
    return [passage.row() for passage in passages]
