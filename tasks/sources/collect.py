"""The tables DOCUMENTS and QUESTIONS, from the sources in a recipe."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import NamedTuple, TypeVar

from tasks import rows
from tasks.errors import PlanOverdrawn, unknown_name
from tasks.ngrams import plain_text, words
from tasks.progress import counted
from tasks.sources import problems
from tasks.sources.datasets import HUB, Record, read_hub, read_rows
from tasks.sources.pages import PageReader
from tasks.sources.places import Place, digest_line, places
from tasks.sources.readers import (
    LONE_SURROGATES,
    ROWS,
    Document,
    Fault,
    PageText,
    document_of,
    is_text,
    read_file,
)
from tasks.sources.spec import (
    DocumentSource,
    DocumentSpec,
    QuestionSource,
    QuestionSpec,
    Source,
)
from tasks.spec import digest, draw_seed
from tasks.store import Made

Item = Document | Fault
T = TypeVar("T")


class Question(NamedTuple):
    """A row of QUESTIONS. accepted: the right answers, [] if none is known."""

    question_id: str
    text: str
    accepted: list[str]
    answer_type: str
    category: str
    split: str
    source: str
    licence: str


def content_digest(sources: Iterable[Source]) -> str:
    """Return a digest of all local files of the sources, so that a changed file gives a new
    table.
    """
    lines: list[str] = []
    for source in sources:
        lines += [] if source.path.startswith(HUB) else map(digest_line, places(source.path))
    return digest(*lines)


def documents(spec: DocumentSpec) -> Made:
    """Return DOCUMENTS. Everything else that was found in the sources is rejected with a reason."""
    accepted: dict[str, tuple[Document, str]] = {}
    faults: list[tuple[str, str, str]] = []
    for item, category in counted(_found(spec), unit="document"):
        if isinstance(item, Fault):
            faults.append((item.source, item.reason, item.detail))
        elif item.sha256 in accepted:
            first, _ = accepted[item.sha256]
            detail = f"same text as {first.source}"
            faults.append((item.source, "duplicate_document", detail))
        else:
            accepted[item.sha256] = item, category
    made = [_document_row(document, category) for document, category in accepted.values()]
    return Made(
        {"documents": rows.table_of(made, rows.DOCUMENTS)},
        rows.DOCUMENTS,
        rows.rejected(faults),
        rows_in=len(accepted) + len(faults),
    )


def _found(spec: DocumentSpec) -> Iterator[tuple[Item, str]]:
    with PageReader() as pages:
        for source in spec.sources:
            for item in _items(source, spec.max_bytes, pages.read):
                yield item, source.category


def questions(spec: QuestionSpec) -> Made:
    """Return QUESTIONS: procedural problems, and the questions of all sources. Repeated questions
    are rejected.
    """
    accepted: dict[str, Question] = {}
    faults: list[tuple[str, str, str]] = []
    asked = [_questions(source, spec.max_bytes) for source in spec.sources]
    for item in chain(_problems(spec), *asked):
        if isinstance(item, Fault):
            faults.append((item.source, item.reason, item.detail))
        elif (key := " ".join(words(item.text))) in accepted:
            faults.append((item.source, "duplicate_question", item.text[:200]))
        else:
            accepted[key] = item
    own: dict[str, list[str]] = {"passage_ids": [], "lineage": [], "notes": []}
    lines = [question._asdict() | own for question in accepted.values()]
    made = len(accepted) + len(faults)
    return Made(
        {"questions": rows.table_of(lines, rows.QUESTIONS)},
        rows.QUESTIONS,
        rows.rejected(faults),
        rows_in=made,
        may_be_empty=not made,
    )


def _items(source: DocumentSource, max_bytes: int, pages: PageText) -> Iterator[Item]:
    if source.path.startswith(HUB):
        records = _hub(source, [*source.text, source.title])
        for record in _limited(records, source.max_rows):
            yield _of_record(record, source)
        return
    for path, name, fault in places(source.path):
        if fault:
            yield fault
        elif path.suffix.lower() in ROWS:
            found = read_rows(path, source=name, max_bytes=max_bytes)
            for item in _limited(found, source.max_rows):
                yield item if isinstance(item, Fault) else _of_record(item, source)
        else:
            licence = source.licence
            yield from read_file(
                path, source=name, licence=licence, max_bytes=max_bytes, pages=pages
            )


def _questions(source: QuestionSource, max_bytes: int) -> Iterator[Question | Fault]:
    if source.path.startswith(HUB):
        found: Iterable[Record | Fault] = _hub(source, [source.question, source.answer])
    else:
        found = (item for place in places(source.path) for item in _rows_of(place, max_bytes))
    for item in _limited(found, source.max_rows):
        yield item if isinstance(item, Fault) else _question_of(item, source)


def _rows_of(place: Place, max_bytes: int) -> Iterable[Record | Fault]:
    if place.fault:
        return [place.fault]
    return read_rows(place.path, source=place.name, max_bytes=max_bytes)


def _problems(spec: QuestionSpec) -> Iterator[Question]:
    for family, count in sorted(spec.problems.items()):
        if family not in problems.FAMILIES:
            raise unknown_name("family of problems", family, problems.FAMILIES)
        room = int(problems.capacity(family) * spec.saturation)
        if count > room:
            raise PlanOverdrawn(
                f"the recipe asks for {count} problems of {family!r}; the family has only {room} "
                f"different ones (saturation {spec.saturation})"
            )
        for number in range(count):
            yield _problem(spec, family, number)


def _problem(spec: QuestionSpec, family: str, number: int) -> Question:
    problem = problems.draw(family, draw_seed(spec.seed, family, number))
    drawn = draw_seed(spec.seed, "held out", family, number)
    return Question(
        question_id=digest(problem.prompt)[:16],
        text=problem.prompt,
        accepted=list(problem.accepted),
        answer_type=problem.answer_type,
        category=family,
        split="held_out" if drawn < spec.held_out_share * 2**31 else "train",
        source=f"builtin:problems/{family}",
        licence="Apache-2.0",
    )


def _hub(source: Source, columns: list[str]) -> Iterator[Record]:
    name = source.path.removeprefix(HUB)
    return read_hub(
        name, config=source.config, revision=source.revision, split=source.split, columns=columns
    )


def _limited(items: Iterable[T], most: int) -> Iterator[T]:
    for number, item in enumerate(items):
        if most and number >= most:
            return
        yield item


def _of_record(record: Record, source: DocumentSource) -> Item:
    values = [record.values.get(column) for column in source.text]
    if not all(isinstance(value, str) and value.strip() for value in values):
        detail = f"columns {list(source.text)} of {_names(record)} hold no text"
        return Fault(record.source, "missing_text", detail)
    if source.labels:
        pairs = zip(source.labels, values, strict=True)
        values = [f"{label} {value}" for label, value in pairs]
    text = "\n\n".join(map(str, values))
    return document_of(_title(record, source), text, record.source, source.licence)


def _title(record: Record, source: DocumentSource) -> str:
    own = record.values.get(source.title)
    _, _, number = record.source.rpartition("#")
    place = f"{source.untitled} {number}" if source.untitled else record.source
    return str(own or place)


def _question_of(record: Record, source: QuestionSource) -> Question | Fault:
    text = record.values.get(source.question)
    if not isinstance(text, str) or not text.strip():
        detail = f"column {source.question!r} of {_names(record)} holds no text"
        return Fault(record.source, "missing_question", detail)
    accepted = _accepted(record.values.get(source.answer))
    if not is_text(text + "".join(accepted)):
        return Fault(record.source, "bad_encoding", LONE_SURROGATES)
    return Question(
        question_id=digest(text)[:16],
        text=plain_text(text),
        accepted=accepted,
        answer_type=source.answer_type,
        category=source.category,
        split="held_out" if source.held_out else "train",
        source=record.source,
        licence=source.licence,
    )


def _accepted(answer: object) -> list[str]:
    if answer is None:
        return []
    return [str(one) for one in (answer if isinstance(answer, list) else [answer])]


def _names(record: Record) -> str:
    """Return the names of a row's columns, for a message."""
    return ascii(sorted(record.values))[:200]


def _document_row(document: Document, category: str) -> dict[str, object]:
    names = ("document_id", "title", "text", "source", "licence", "sha256")
    return {name: getattr(document, name) for name in names} | {"category": category}
