"""From the sources a recipe names to the tables DOCUMENTS and QUESTIONS."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import Field

from tasks import rows
from tasks.errors import BadRecipe, PlanOverdrawn, unknown_name
from tasks.ngrams import words
from tasks.sources import problems
from tasks.sources.datasets import HUB, Record, read_hub, read_rows
from tasks.sources.readers import ROWS, Document, Fault, files_under, read_file
from tasks.spec import Spec, digest, draw_seed
from tasks.store import Made

BUILTIN = {"builtin:handbook": Path(__file__).parent / "samples"}
Item = Document | Fault
T = TypeVar("T")


class Source(Spec):
    """A file, a folder, a hub data set or a built-in sample."""

    path: str
    """builtin:handbook, a file or folder (.txt .md .html .pdf .jsonl .parquet), or hub:owner/name."""
    licence: str = ""
    """Licence of what has no licence of its own."""
    revision: str = ""
    """Hub revision."""
    split: str = "train"
    """Hub split."""
    max_rows: int = Field(0, ge=0)
    """Rows at most of a data set; 0 for all."""


class DocumentSource(Source):
    """Where documents come from."""

    text: tuple[str, ...] = ("text",)
    """Columns of a data set that make the text, joined by a blank line (BigPatent: description; PatentMatch: text, text_b)."""
    title: str = "title"
    """Column of a data set that holds the title; may be absent."""


class DocumentSpec(Spec):
    """The documents a corpus is grounded in."""

    sources: tuple[DocumentSource, ...] = (DocumentSource(path="builtin:handbook"),)
    """Read in this order; a text seen before is rejected."""
    max_bytes: int = Field(200 * 2**20, ge=1)
    """A larger file is rejected."""


class QuestionSource(Source):
    """Where ready questions come from."""

    question: str = "question"
    """Column of the question."""
    answer: str = "answer"
    """Column of the known answer (a text or a list of right ones); may be absent."""
    answer_type: str = Field("text", pattern="^(number|text)$")
    """number: compared by value (math-verify). text: compared as text."""
    category: str = "general"
    """Category given to these questions; families draw by it."""
    held_out: bool = False
    """Questions of a benchmark: never asked, and the corpus is cleaned of them."""


class QuestionSpec(Spec):
    """Questions with or without known answers."""

    sources: tuple[QuestionSource, ...] = ()
    """Files and data sets of questions."""
    problems: dict[str, int] = Field(default_factory=dict)
    """Procedural problems to draw: family → how many."""
    held_out_share: float = Field(0.1, ge=0, lt=1)
    """Share of the procedural problems kept for measuring: never asked, and the corpus is cleaned of them."""
    saturation: float = Field(0.6, gt=0, le=1)
    """Share of the distinct problems of a family that may be drawn."""
    seed: int = Field(0, ge=0)
    """Seed of the problems."""
    max_bytes: int = Field(200 * 2**20, ge=1)
    """A larger file is rejected."""


def content_digest(sources: Iterable[Source]) -> str:
    """Return a digest of every local file the sources name, so that a changed file makes a new table."""
    lines = []
    for source in sources:
        for path in [] if source.path.startswith(HUB) else files_under(_locate(source.path)):
            with path.open("rb") as file:
                lines.append(f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}")
    return digest(*lines)


def documents(spec: DocumentSpec) -> Made:
    """Return every document of every source, and a fault for everything else that was found."""
    accepted: dict[str, Document] = {}
    faults: list[tuple[str, str, str]] = []
    for item in (item for source in spec.sources for item in _items(source, spec.max_bytes)):
        if isinstance(item, Fault):
            faults.append((item.source, item.reason, item.detail))
        elif item.sha256 in accepted:
            faults.append((item.source, "duplicate_document", f"same text as {accepted[item.sha256].source}"))
        else:
            accepted[item.sha256] = item
    table = rows.table_of([_document_row(document) for document in accepted.values()], rows.DOCUMENTS)
    return Made({"documents": table}, rows.DOCUMENTS, rows.rejected(faults), rows_in=len(accepted) + len(faults))


def questions(spec: QuestionSpec) -> Made:
    """Return the procedural problems and the questions of every source; a question seen before is rejected."""
    accepted: dict[str, dict[str, object]] = {}
    faults: list[tuple[str, str, str]] = []
    for item in (*_problems(spec), *(item for source in spec.sources for item in _questions(source, spec.max_bytes))):
        if isinstance(item, Fault):
            faults.append((item.source, item.reason, item.detail))
        elif (key := " ".join(words(str(item["text"])))) in accepted:
            faults.append((str(item["source"]), "duplicate_question", str(item["text"])[:200]))
        else:
            accepted[key] = item
    table = rows.table_of(list(accepted.values()), rows.QUESTIONS)
    made = len(accepted) + len(faults)
    return Made({"questions": table}, rows.QUESTIONS, rows.rejected(faults), rows_in=made, may_be_empty=not made)


def _items(source: DocumentSource, max_bytes: int) -> Iterator[Item]:
    if source.path.startswith(HUB):
        columns = [*source.text, source.title]
        yield from (_of_record(record, source) for record in _limited(_hub(source, columns), source.max_rows))
        return
    for path, name in _named_files(source.path):
        if path.suffix.lower() in ROWS:
            found = _limited(read_rows(path, source=name, max_bytes=max_bytes), source.max_rows)
            yield from (item if isinstance(item, Fault) else _of_record(item, source) for item in found)
        else:
            yield read_file(path, source=name, licence=source.licence, max_bytes=max_bytes)


def _questions(source: QuestionSource, max_bytes: int) -> Iterator[dict[str, object] | Fault]:
    if source.path.startswith(HUB):
        found: Iterable[Record | Fault] = _hub(source, [source.question, source.answer])
    else:
        found = (item for path, name in _named_files(source.path) for item in read_rows(path, source=name, max_bytes=max_bytes))
    for item in _limited(found, source.max_rows):
        yield item if isinstance(item, Fault) else _question_of(item, source)


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
            held_out = draw_seed(spec.seed, "held out", family, number) < spec.held_out_share * 2**31
            yield {
                "question_id": digest(problem.prompt)[:16], "text": problem.prompt, "accepted": list(problem.accepted),
                "answer_type": problem.answer_type, "category": family, "split": "held_out" if held_out else "train",
                "source": f"builtin:problems/{family}", "licence": "Apache-2.0",
            }  # fmt: skip


def _named_files(path: str) -> Iterator[tuple[Path, str]]:
    root = _locate(path)
    for found in files_under(root):
        yield found, found.name if root.is_file() else f"{root.name}/{found.relative_to(root).as_posix()}"


def _locate(path: str) -> Path:
    if path.startswith("builtin:"):
        if path not in BUILTIN:
            raise unknown_name("built-in source", path, BUILTIN)
        return BUILTIN[path]
    found = Path(path).expanduser()
    if not found.exists():
        raise BadRecipe(
            f"source {path!r} is not there (looked for {found.absolute()}); give a file, a folder, hub:owner/name or {', '.join(BUILTIN)}"
        )
    return found


def _hub(source: Source, columns: list[str]) -> Iterator[Record]:
    return read_hub(source.path.removeprefix(HUB), revision=source.revision, split=source.split, columns=columns)


def _limited(items: Iterable[T], most: int) -> Iterator[T]:
    for number, item in enumerate(items):
        if most and number >= most:
            return
        yield item


def _of_record(record: Record, source: DocumentSource) -> Item:
    values = [record.values.get(column) for column in source.text]
    if not all(isinstance(value, str) and value.strip() for value in values):
        return Fault(record.source, "missing_text", f"columns {list(source.text)} of {sorted(record.values)} hold no text")
    title = record.values.get(source.title)
    return Document(str(title or record.source), "\n\n".join(map(str, values)), record.source, source.licence)


def _question_of(record: Record, source: QuestionSource) -> dict[str, object] | Fault:
    text, answer = record.values.get(source.question), record.values.get(source.answer)
    if not isinstance(text, str) or not text.strip():
        return Fault(record.source, "missing_question", f"column {source.question!r} of {sorted(record.values)} holds no text")
    accepted = [] if answer is None else [str(one) for one in (answer if isinstance(answer, list) else [answer])]
    return {
        "question_id": digest(text)[:16], "text": text, "accepted": accepted, "answer_type": source.answer_type,
        "category": source.category, "split": "held_out" if source.held_out else "train", "source": record.source,
        "licence": source.licence,
    }  # fmt: skip


def _document_row(document: Document) -> dict[str, object]:
    names = ("document_id", "title", "text", "source", "licence", "sha256")
    return {name: getattr(document, name) for name in names}
