"""From the sources a recipe names to the tables DOCUMENTS and QUESTIONS."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tasks import rows
from tasks.errors import PlanOverdrawn, unknown_name
from tasks.ngrams import plain_text, words
from tasks.progress import counted
from tasks.sources import problems
from tasks.sources.datasets import HUB, Record, read_hub, read_rows
from tasks.sources.pages import PageReader
from tasks.sources.places import Place, digest_line, places
from tasks.sources.readers import ROWS, Document, Fault, PageText, document_of, is_text, read_file
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


def content_digest(sources: Iterable[Source]) -> str:
    """Return a digest of every local file the sources name, so that a changed file makes a new
    table.
    """
    lines: list[str] = []
    for source in sources:
        lines += [] if source.path.startswith(HUB) else map(digest_line, places(source.path))
    return digest(*lines)


def documents(spec: DocumentSpec) -> Made:
    """Return every document of every source, and a fault for everything else that was found."""
    accepted: dict[str, tuple[Document, str]] = {}
    faults: list[tuple[str, str, str]] = []
    for item, category in counted(_found(spec), unit="document"):
        if isinstance(item, Fault):
            faults.append((item.source, item.reason, item.detail))
        elif item.sha256 in accepted:
            faults.append(
                (
                    item.source,
                    "duplicate_document",
                    f"same text as {accepted[item.sha256][0].source}",
                )
            )
        else:
            accepted[item.sha256] = item, category
    table = rows.table_of(
        [_document_row(document, category) for document, category in accepted.values()],
        rows.DOCUMENTS,
    )
    return Made(
        {"documents": table},
        rows.DOCUMENTS,
        rows.rejected(faults),
        rows_in=len(accepted) + len(faults),
    )


def _found(spec: DocumentSpec) -> Iterator[tuple[Item, str]]:
    with PageReader() as pages:
        for source in spec.sources:
            yield from (
                (item, source.category) for item in _items(source, spec.max_bytes, pages.read)
            )


def questions(spec: QuestionSpec) -> Made:
    """Return the procedural problems and the questions of every source; a question seen before is
    rejected.
    """
    accepted: dict[str, dict[str, object]] = {}
    faults: list[tuple[str, str, str]] = []
    for item in (
        *_problems(spec),
        *(item for source in spec.sources for item in _questions(source, spec.max_bytes)),
    ):
        if isinstance(item, Fault):
            faults.append((item.source, item.reason, item.detail))
        elif (key := " ".join(words(str(item["text"])))) in accepted:
            faults.append((str(item["source"]), "duplicate_question", str(item["text"])[:200]))
        else:
            accepted[key] = item
    table = rows.table_of(list(accepted.values()), rows.QUESTIONS)
    made = len(accepted) + len(faults)
    return Made(
        {"questions": table},
        rows.QUESTIONS,
        rows.rejected(faults),
        rows_in=made,
        may_be_empty=not made,
    )


def _items(source: DocumentSource, max_bytes: int, pages: PageText) -> Iterator[Item]:
    if source.path.startswith(HUB):
        columns = [*source.text, source.title]
        yield from (
            _of_record(record, source)
            for record in _limited(_hub(source, columns), source.max_rows)
        )
        return
    for path, name, fault in places(source.path):
        if fault:
            yield fault
        elif path.suffix.lower() in ROWS:
            found = _limited(read_rows(path, source=name, max_bytes=max_bytes), source.max_rows)
            yield from (
                item if isinstance(item, Fault) else _of_record(item, source) for item in found
            )
        else:
            yield from read_file(
                path, source=name, licence=source.licence, max_bytes=max_bytes, pages=pages
            )


def _questions(source: QuestionSource, max_bytes: int) -> Iterator[dict[str, object] | Fault]:
    if source.path.startswith(HUB):
        found: Iterable[Record | Fault] = _hub(source, [source.question, source.answer])
    else:
        found = (item for place in places(source.path) for item in _rows_of(place, max_bytes))
    for item in _limited(found, source.max_rows):
        yield item if isinstance(item, Fault) else _question_of(item, source)


def _rows_of(place: Place, max_bytes: int) -> Iterable[Record | Fault]:
    return (
        [place.fault]
        if place.fault
        else read_rows(place.path, source=place.name, max_bytes=max_bytes)
    )


def _problems(spec: QuestionSpec) -> Iterator[dict[str, object]]:
    for family, count in sorted(spec.problems.items()):
        if family not in problems.FAMILIES:
            raise unknown_name("family of problems", family, problems.FAMILIES)
        room = int(problems.capacity(family) * spec.saturation)
        if count > room:
            raise PlanOverdrawn(
                f"{count} problems of {family!r} asked; it can make {room} without repeating itself (saturation {spec.saturation})"
            )
        for number in range(count):
            problem = problems.draw(family, draw_seed(spec.seed, family, number))
            held_out = (
                draw_seed(spec.seed, "held out", family, number) < spec.held_out_share * 2**31
            )
            yield {
                "question_id": digest(problem.prompt)[:16],
                "text": problem.prompt,
                "accepted": list(problem.accepted),
                "answer_type": problem.answer_type,
                "category": family,
                "split": "held_out" if held_out else "train",
                "source": f"builtin:problems/{family}",
                "licence": "Apache-2.0",
            }


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
        return Fault(
            record.source,
            "missing_text",
            f"columns {list(source.text)} of {_names(record)} hold no text",
        )
    labelled = (
        [f"{label} {value}" for label, value in zip(source.labels, values, strict=True)]
        if source.labels
        else values
    )
    return document_of(
        _title(record, source), "\n\n".join(map(str, labelled)), record.source, source.licence
    )


def _title(record: Record, source: DocumentSource) -> str:
    own = record.values.get(source.title)
    place = (
        f"{source.untitled} {record.source.rpartition('#')[2]}"
        if source.untitled
        else record.source
    )
    return str(own or place)


def _question_of(record: Record, source: QuestionSource) -> dict[str, object] | Fault:
    text, answer = record.values.get(source.question), record.values.get(source.answer)
    if not isinstance(text, str) or not text.strip():
        return Fault(
            record.source,
            "missing_question",
            f"column {source.question!r} of {_names(record)} holds no text",
        )
    accepted = (
        []
        if answer is None
        else [str(one) for one in (answer if isinstance(answer, list) else [answer])]
    )
    if not is_text(text + "".join(accepted)):
        return Fault(record.source, "bad_encoding", "holds halves of characters (lone surrogates)")
    return {
        "question_id": digest(text)[:16],
        "text": plain_text(text),
        "accepted": accepted,
        "answer_type": source.answer_type,
        "category": source.category,
        "split": "held_out" if source.held_out else "train",
        "source": record.source,
        "licence": source.licence,
    }


def _names(record: Record) -> str:
    """Return a row's columns for a sentence."""
    return ascii(sorted(record.values))[:200]


def _document_row(document: Document, category: str) -> dict[str, object]:
    names = ("document_id", "title", "text", "source", "licence", "sha256")
    return {name: getattr(document, name) for name in names} | {"category": category}
