"""The passages and questions of a recipe, read without embedding anything."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from flows.plan import stored
from flows.plan.fault import Fault
from flows.recipes.corpus import Recipe
from tasks import rows
from tasks.errors import MillError
from tasks.grounding.ground import GroundingSpec, cut
from tasks.prompts.plan import Passage, Question
from tasks.sources.collect import documents, questions
from tasks.sources.datasets import HUB
from tasks.sources.readers import files_under
from tasks.sources.spec import DocumentSource, DocumentSpec, QuestionSource, QuestionSpec
from tasks.store import Made, Table

MOST_BYTES = 64 * 2**20
"""Largest size of a source that is read before the build; a plan should take ten seconds."""
NEAR = 16
"""Following passages that replace the nearest ones in a plan; a family shows at most so many."""


class Unread(NamedTuple):
    """A source that only the build reads. where: its setting. category: category of its texts."""

    where: str
    path: str
    category: str
    reason: str


class Supply(NamedTuple):
    """The passages and questions that families can use.

    answered: ids of the questions with a known answer. unread: sources that are not included.
    exact: the neighbours of passages are the nearest ones; else they are the following ones.
    """

    documents: int
    passages: tuple[Passage, ...]
    questions: tuple[Question, ...]
    probe_questions: tuple[Question, ...]
    answered: frozenset[str]
    unread: tuple[Unread, ...] = ()
    exact: bool = False

    def whole(self, categories: Sequence[str], kind: str) -> bool:
        """Return whether every source of these categories was read; no category means all."""
        return not any(
            one.where.startswith(kind) and (not categories or one.category in categories)
            for one in self.unread
        )


class Read(NamedTuple):
    """The supply of a recipe, and the faults found while reading it."""

    supply: Supply
    faults: tuple[Fault, ...]


def read(recipe: Recipe, root: Path) -> Read:
    """Return the supply of a recipe.

    Documents and passages come from the store if an earlier build has left them there. Else local
    sources are read; only the build reads data sets of a hub and large files.
    """
    asked = _questions("questions", recipe.questions)
    probe = _questions("probe.questions", recipe.probe.questions)
    found = _passages(recipe, root)
    supply = Supply(
        documents=found.documents,
        passages=found.passages,
        questions=tuple(train(asked.table)),
        probe_questions=tuple(train(probe.table)),
        answered=answered(asked.table),
        unread=(*found.unread, *asked.unread, *probe.unread),
        exact=found.exact,
    )
    return Read(supply, (*found.faults, *asked.faults, *probe.faults))


def of_tables(
    found: pa.Table, asked: pa.Table, probe: pa.Table, grounding: GroundingSpec
) -> Supply:
    """Return the supply of DOCUMENTS and QUESTIONS; passages are cut, but not embedded."""
    return Supply(
        documents=found.num_rows,
        passages=tuple(stand_ins(cut(found, grounding))),
        questions=tuple(train(asked)),
        probe_questions=tuple(train(probe)),
        answered=answered(asked),
    )


def stand_ins(cut_rows: Sequence[Mapping[str, object]]) -> Iterator[Passage]:
    """Yield passages; their neighbours are the next ones of their document, then of the corpus."""
    ids = [str(row["passage_id"]) for row in cut_rows]
    own: dict[str, list[str]] = defaultdict(list)
    for row, passage_id in zip(cut_rows, ids, strict=True):
        own[str(row["document_id"])].append(passage_id)
    following = {one: near for several in own.values() for one, near in _following(several)}
    for row, (passage_id, beside) in zip(cut_rows, _following(ids), strict=True):
        yield _passage(row, tuple(dict.fromkeys([*following[passage_id], *beside])))


def _following(ids: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield every id with the NEAR ids that follow it; the first id follows the last."""
    ring = [*ids, *ids[:NEAR]]
    for number, one in enumerate(ids):
        near = ring[number + 1 : number + 1 + NEAR]
        yield one, [other for other in near if other != one]


def train(table: pa.Table) -> Iterator[Question]:
    """Yield the questions of the train split."""
    for row in table.select(["question_id", "text", "category", "split"]).to_pylist():
        if row["split"] == "train":
            yield Question(row["question_id"], row["text"], row["category"])


def answered(table: pa.Table) -> frozenset[str]:
    """Return the ids of the questions of the train split that have a known answer."""
    chosen = table.select(["question_id", "accepted", "split"]).to_pylist()
    return frozenset(
        row["question_id"] for row in chosen if row["accepted"] and row["split"] == "train"
    )


class _Found(NamedTuple):
    documents: int
    passages: tuple[Passage, ...]
    unread: tuple[Unread, ...] = ()
    faults: tuple[Fault, ...] = ()
    exact: bool = False


def _passages(recipe: Recipe, root: Path) -> _Found:
    """Return the passages, from the store if it has them, else from the sources."""
    try:
        kept = stored.documents(recipe, root) if (root / "documents").is_dir() else None
    except (MillError, OSError):
        kept = None
    if kept is None:
        table, unread, faults = _documents(recipe.documents)
        made = tuple(stand_ins(cut(table, recipe.grounding)))
        return _Found(table.num_rows, made, tuple(unread), tuple(faults))
    if known := stored.passages(recipe, root, kept):
        return _Found(kept.rows, tuple(_whole(known)), exact=True)
    return _Found(kept.rows, tuple(stand_ins(cut(kept.read(), recipe.grounding))))


def _whole(table: Table) -> Iterator[Passage]:
    names = ["passage_id", "document_id", "section", "heading", "text", "category", "neighbours"]
    for row in table.read(names).to_pylist():
        yield _passage(row, tuple(row["neighbours"]))


class _Asked(NamedTuple):
    table: pa.Table
    unread: tuple[Unread, ...]
    faults: tuple[Fault, ...]


def _documents(spec: DocumentSpec) -> tuple[pa.Table, list[Unread], list[Fault]]:
    """Return (DOCUMENTS, unread sources, faults); each text is there once."""
    unread: list[Unread] = []
    faults: list[Fault] = []
    if not spec.sources:
        says = "the list of sources is empty; name a source or remove the list"
        faults.append(Fault("documents.sources", says))
    tables: list[pa.Table] = []
    for number, source in enumerate(spec.sources):
        where = f"documents.sources.{number}"
        if reason := _waits(source):
            unread.append(Unread(where, source.path, source.category, reason))
            continue
        try:
            made = documents(spec.model_copy(update={"sources": (source,)}))
        except MillError as exc:
            faults.append(Fault(where, str(exc)))
            continue
        tables.append(made.parts["documents"])
        faults += _empty(where, source.path, made, "document")
    whole = pa.concat_tables(tables) if tables else rows.table_of([], rows.DOCUMENTS)
    return _distinct(whole), unread, faults


def _questions(where: str, spec: QuestionSpec) -> _Asked:
    unread = tuple(
        Unread(f"{where}.sources.{number}", source.path, source.category, reason)
        for number, source in enumerate(spec.sources)
        if (reason := _waits(source))
    )
    kept = tuple(source for source in spec.sources if not _waits(source))
    try:
        made = questions(spec.model_copy(update={"sources": kept}))
    except MillError as exc:
        return _Asked(rows.table_of([], rows.QUESTIONS), unread, (Fault(where, str(exc)),))
    faults = [
        fault
        for number, source in enumerate(spec.sources)
        if source in kept
        for fault in _empty(
            f"{where}.sources.{number}",
            source.path,
            questions(spec.model_copy(update={"sources": (source,), "problems": {}})),
            "question",
        )
    ]
    return _Asked(made.parts["questions"], unread, tuple(faults))


def _waits(source: DocumentSource | QuestionSource) -> str:
    """Return why only the build reads a source, "" if it is read now."""
    if source.path.startswith(HUB):
        return "it comes from a hub"
    path = Path(source.path).expanduser()
    if source.path.startswith("builtin:") or not path.exists():
        return ""
    size = sum(one.stat().st_size for one in files_under(path) if one.is_file())
    return f"it has {size / 2**20:,.0f} MiB" if size > MOST_BYTES else ""


def _empty(where: str, path: str, made: Made, what: str) -> Iterable[Fault]:
    """Return the fault of a source without accepted rows, with the reasons and one example."""
    if any(part.num_rows for part in made.parts.values()):
        return ()
    if not made.rejected.num_rows:
        return (Fault(where, f"{path!r} gives no {what}: there is no file"),)
    counts = Counter(made.rejected["reason"].to_pylist())
    reasons = ", ".join(f"{reason} {count}" for reason, count in counts.most_common())
    first = made.rejected.slice(0, 1).to_pylist()[0]["detail"]
    return (Fault(where, f"{path!r} gives no {what}; rejected: {reasons} ({first})"),)


def _distinct(table: pa.Table) -> pa.Table:
    """Return the documents with each text once, as the build does."""
    first: dict[str, int] = {}
    for number, sha in enumerate(table["sha256"].to_pylist()):
        first.setdefault(sha, number)
    return table.take(list(first.values())) if len(first) < table.num_rows else table


def _passage(row: Mapping[str, object], neighbours: tuple[str, ...]) -> Passage:
    names = ("passage_id", "document_id", "section", "heading", "text", "category")
    return Passage(**{name: str(row[name]) for name in names}, neighbours=neighbours)
