"""The plan of a corpus: which prompts are written, drawn by seed from the families. A plan in which
a family would repeat prompts is refused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Literal

from pydantic import Field, field_validator

from tasks.errors import BadRecipe, PlanOverdrawn
from tasks.prompts.topics import Topics
from tasks.spec import Spec, digest, draw_seed

TOPIC = "{topic}"
"""The slot of a question form."""
BARE = "bare"
"""Template of the control arm: only the passages, if any, and the question."""


class Family(Spec):
    """A kind of prompt and its share of the corpus."""

    name: str = Field(pattern=r"^[\w .,:+/()-]{1,80}$")
    """Name of the family. No prompt contains it. Letters, digits and a few signs without a meaning
    in pages and tables.
    """
    share: float = Field(gt=0)
    """Weight of the family. The weights need not add up to one."""
    ground: Literal["passages", "questions"] = "passages"
    """passages: a question form is applied to a passage. questions: ready questions of some
    categories are asked.
    """
    template: str = "closed_qa"
    """Name of a built-in template, or path of a .jinja file."""
    forms: tuple[str, ...] = ("What do the passages say about {topic}?",)
    """Forms of the question. {topic} is replaced by the heading of the passage."""
    context: int = Field(2, ge=0, le=16)
    """Number of neighbouring passages that are shown with the passage in question, in random
    order.
    """
    context_from: Literal["document", "corpus"] = "document"
    """document: neighbours of the same document only, so that training and validation share no
    document. corpus: neighbours of any document.
    """
    categories: tuple[str, ...] = ()
    """Categories to draw from: of questions, or of the documents with the passages. Empty: passages
    of all documents.
    """
    general: bool = False
    """Count this family as general reasoning. A corpus needs some of it, or the student loses its
    general reasoning.
    """

    @field_validator("forms")
    @classmethod
    def _asks_about_a_topic(cls, forms: tuple[str, ...]) -> tuple[str, ...]:
        if lacking := [form for form in forms if TOPIC not in form]:
            raise ValueError(f"a form needs the slot {TOPIC}: {lacking}")
        return forms


class PromptSpec(Spec):
    """The plan of a corpus."""

    rows: int = Field(200, ge=1)
    """Number of prompts to write, without the control arm."""
    families: tuple[Family, ...] = (Family(name="closed_qa", share=1),)
    """The kinds of prompts."""
    control: float = Field(0.08, ge=0, le=0.5)
    """Number of control prompts as a share of the rows. They are written in addition, without
    instruction and system prompt. The audit compares the corpus with their answers, to find leaks.
    0.05 to 0.1 is enough; 0 leaves the control arm out.
    """
    saturation: float = Field(0.6, gt=0, le=1)
    """Largest share of a family's possible prompts that may be drawn. A plan above it is refused.
    The control arm does not count.
    """
    seed: int = Field(0, ge=0)
    """Seed of the plan."""


@dataclass(frozen=True)
class PassageView:
    """The parts of a passage that a template may use."""

    section: str
    heading: str
    text: str


@dataclass(frozen=True)
class Visible:
    """Everything from which a prompt is rendered. It holds no producer-only value."""

    question: str
    passages: tuple[PassageView, ...]


@dataclass(frozen=True)
class Producer:
    """Values that only the producer may know. canary: a text that must never occur in a trace."""

    family: str
    cell: str
    canary: str


@dataclass(frozen=True)
class Planned:
    """One row of the plan, with its two sides separate."""

    producer: Producer
    visible: Visible
    template: str
    passage_ids: tuple[str, ...]
    question_id: str
    general: bool
    control: bool = False


@dataclass(frozen=True)
class Passage:
    """The columns of PASSAGES that the plan needs."""

    passage_id: str
    document_id: str
    section: str
    heading: str
    text: str
    neighbours: tuple[str, ...]
    category: str = ""


@dataclass(frozen=True)
class Question:
    """The columns of QUESTIONS that the plan needs."""

    question_id: str
    text: str
    category: str


def plan(
    spec: PromptSpec, passages: Sequence[Passage], questions: Sequence[Question]
) -> Iterator[Planned]:
    """Yield the rows of the plan, family by family, then those of the control arm.

    Raises PlanOverdrawn if a family has too few possible prompts. The control arm is drawn from
    prompts that the plan does not use, and is smaller if few are left.
    """
    counts, bare = quotas(spec), control_quotas(spec)
    _refuse_overdrawn(spec, counts, passages, questions)
    by_id = {passage.passage_id: passage for passage in passages}
    topics = Topics(passages)
    control: list[Iterator[Planned]] = []
    for family in spec.families:
        asked, spare = counts[family.name], bare[family.name]
        if family.ground == "passages":
            draw = _ask_passages(spec, family, passages, by_id, topics, most=asked + spare)
        else:
            draw = _ask_questions(spec, family, questions, most=asked + spare)
        yield from islice(draw, asked)
        control.append(draw)
    for one in chain.from_iterable(control):
        yield replace(one, template=BARE, control=True)


def quotas(spec: PromptSpec) -> dict[str, int]:
    """Return family name → rows. Raises BadRecipe if two families have the same name."""
    return _by_name(spec, spec.rows)


def control_quotas(spec: PromptSpec) -> dict[str, int]:
    """Return family name → rows of the control arm."""
    return _by_name(spec, control_rows(spec))


def control_rows(spec: PromptSpec) -> int:
    """Return the number of rows of the control arm. A share above 0 gives at least one."""
    return max(1, round(spec.control * spec.rows)) if spec.control else 0


def apportion(rows: int, families: Sequence[Family]) -> list[int]:
    """Return the number of rows of each family, by its share. The largest remainders are rounded
    up.
    """
    total = sum(family.share for family in families)
    exact = [rows * family.share / total for family in families]
    counts = [int(value) for value in exact]
    order = [(counts[place] - exact[place], one.name, place) for place, one in enumerate(families)]
    for _, _, place in sorted(order)[: rows - sum(counts)]:
        counts[place] += 1
    return counts


def _by_name(spec: PromptSpec, rows: int) -> dict[str, int]:
    names = [family.name for family in spec.families]
    if len(set(names)) < len(names):
        raise BadRecipe(f"two families have the same name: {names}")
    return dict(zip(names, apportion(rows, spec.families), strict=True))


def capacity(family: Family, passages: Sequence[Passage], questions: Sequence[Question]) -> int:
    """Return the number of different prompts that a family can make."""
    if family.ground == "passages":
        return len(_within(family, passages)) * len(set(family.forms))
    return sum(question.category in family.categories for question in questions)


def _within(family: Family, passages: Sequence[Passage]) -> list[Passage]:
    return [
        passage
        for passage in passages
        if not family.categories or passage.category in family.categories
    ]


def _refuse_overdrawn(
    spec: PromptSpec,
    counts: dict[str, int],
    passages: Sequence[Passage],
    questions: Sequence[Question],
) -> None:
    overdrawn = []
    for family in spec.families:
        room = capacity(family, passages, questions)
        if counts[family.name] > spec.saturation * room:
            allowed = f"{int(spec.saturation * room)} allowed of {room} possible"
            overdrawn.append(f"{family.name}: {counts[family.name]} rows asked, {allowed}")
    if overdrawn:
        families = "; ".join(overdrawn)
        raise PlanOverdrawn(
            f"at saturation {spec.saturation} the plan would repeat itself ({families}); "
            "give more documents, forms or questions, or ask for fewer rows"
        )


def _ask_passages(
    spec: PromptSpec,
    family: Family,
    passages: Sequence[Passage],
    by_id: dict[str, Passage],
    topics: Topics,
    *,
    most: int,
) -> Iterator[Planned]:
    """Yield the prompts of the drawn cells. A cell is a passage and a form; only cells are held in
    memory.
    """

    def drawn(cell: tuple[Passage, int]) -> str:
        passage, number = cell
        return digest(str(spec.seed), family.name, passage.passage_id, str(number))

    numbers = range(len(family.forms))
    cells = [(passage, number) for passage in _within(family, passages) for number in numbers]
    cells.sort(key=drawn)
    del cells[most:]
    for passage, number in cells:
        yield _asked_passage(spec, family, passage, number, by_id, topics.of(passage))


def _asked_passage(
    spec: PromptSpec,
    family: Family,
    passage: Passage,
    number: int,
    by_id: dict[str, Passage],
    topic: str,
) -> Planned:
    cell = f"{family.name}/{passage.passage_id}/{number}"
    shown = [passage, *_context(family, passage, by_id)]
    shown.sort(key=lambda one: draw_seed(spec.seed, cell, one.passage_id))
    visible = Visible(
        question=family.forms[number].replace(TOPIC, topic),
        passages=tuple(PassageView(one.section, one.heading, one.text) for one in shown),
    )
    return Planned(
        _producer(spec, family, cell),
        visible,
        family.template,
        tuple(one.passage_id for one in shown),
        question_id="",
        general=family.general,
    )


def _context(family: Family, passage: Passage, by_id: dict[str, Passage]) -> list[Passage]:
    near = (by_id[other] for other in passage.neighbours if other in by_id)
    allowed = (
        other
        for other in near
        if family.context_from == "corpus" or other.document_id == passage.document_id
    )
    return list(islice(allowed, family.context))


def _ask_questions(
    spec: PromptSpec, family: Family, questions: Sequence[Question], *, most: int
) -> Iterator[Planned]:
    drawn = [question for question in questions if question.category in family.categories]
    drawn.sort(key=lambda question: digest(str(spec.seed), family.name, question.question_id))
    for question in drawn[:most]:
        yield Planned(
            _producer(spec, family, f"{family.name}/{question.question_id}"),
            Visible(question.text, ()),
            family.template,
            (),
            question_id=question.question_id,
            general=family.general,
        )


def _producer(spec: PromptSpec, family: Family, cell: str) -> Producer:
    return Producer(family.name, cell, f"canary-{digest('canary', str(spec.seed), cell)[:16]}")
