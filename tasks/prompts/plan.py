"""The plan of a corpus: which prompts are written, drawn by seed from the families. A plan in which
a family would repeat itself is refused.
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
BARE = "bare"
"""The control arm's template: the passages, if any, and the question; not a word of ours."""


class Family(Spec):
    """A kind of prompt and its share of the corpus."""

    name: str = Field(pattern=r"^[\w .,:+/()-]{1,80}$")
    """Name of the family; no prompt contains it. Letters, digits and a few signs that have no
    meaning in a page or a table.
    """
    share: float = Field(gt=0)
    """Weight of the family; the weights of all families need not add up to one."""
    ground: Literal["passages", "questions"] = "passages"
    """passages: a question form is asked of a passage. questions: ready questions of one or more
    categories are asked.
    """
    template: str = "closed_qa"
    """A built-in template's name, or the path of a .jinja file."""
    forms: tuple[str, ...] = ("What do the passages say about {topic}?",)
    """Forms of question; {topic} is replaced by the heading of the passage."""
    context: int = Field(2, ge=0, le=16)
    """Neighbouring passages shown beside the one asked about, in random order."""
    context_from: Literal["document", "corpus"] = "document"
    """document: neighbours of the same document only, so that train and validation share no
    document. corpus: neighbours of any document.
    """
    categories: tuple[str, ...] = ()
    """Categories to draw from: of questions, or of the documents whose passages are asked about;
    passages of any document when empty.
    """
    general: bool = False
    """Count this family as general reasoning. A corpus needs some of it; without it the student
    forgets how to reason.
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
    """Number of prompts to write; the control arm is not counted."""
    families: tuple[Family, ...] = (Family(name="closed_qa", share=1),)
    """What the prompts are made of."""
    control: float = Field(0.08, ge=0, le=0.5)
    """Share of further prompts, beside the rows, asked bare: no instruction, no system prompt. How
    the same teacher writes then is the baseline of style that leaks are measured against. 0.05 to
    0.1 serves; 0 leaves the control arm out.
    """
    saturation: float = Field(0.6, gt=0, le=1)
    """Share of a family's possible prompts that may be drawn; above it the plan is refused. The
    control arm does not count.
    """
    seed: int = Field(0, ge=0)
    """Seed of the plan."""


@dataclass(frozen=True)
class PassageView:
    """What a template may see of a passage."""

    section: str
    heading: str
    text: str


@dataclass(frozen=True)
class Visible:
    """All that a prompt is rendered from; nothing of the producer's is in reach."""

    question: str
    passages: tuple[PassageView, ...]


@dataclass(frozen=True)
class Producer:
    """What only the producer may know: family, cell, and a canary that must never come back."""

    family: str
    cell: str
    canary: str


@dataclass(frozen=True)
class Planned:
    """One row of the plan, its two sides kept apart."""

    producer: Producer
    visible: Visible
    template: str
    passage_ids: tuple[str, ...]
    question_id: str
    general: bool
    control: bool = False


@dataclass(frozen=True)
class Passage:
    """A row of PASSAGES as the plan needs it."""

    passage_id: str
    document_id: str
    section: str
    heading: str
    text: str
    neighbours: tuple[str, ...]
    category: str = ""


@dataclass(frozen=True)
class Question:
    """A row of QUESTIONS as the plan needs it."""

    question_id: str
    text: str
    category: str


def plan(
    spec: PromptSpec, passages: Sequence[Passage], questions: Sequence[Question]
) -> Iterator[Planned]:
    """Yield every row of the plan, family by family, then the control arm's; PlanOverdrawn when one
    family is asked for too much.

    The control arm is drawn from what the quotas leave, so it takes no prompt from the plan; where
    little is left it is smaller.
    """
    counts, bare = quotas(spec), control_quotas(spec)
    _refuse_overdrawn(spec, counts, passages, questions)
    by_id = {passage.passage_id: passage for passage in passages}
    topics = Topics(passages)
    control: list[Iterator[Planned]] = []
    for family in spec.families:
        asked, spare = counts[family.name], bare[family.name]
        draw = (
            _ask_passages(spec, family, passages, by_id, topics, most=asked + spare)
            if family.ground == "passages"
            else _ask_questions(spec, family, questions, most=asked + spare)
        )
        yield from islice(draw, asked)
        control.append(draw)
    for one in chain.from_iterable(control):
        yield replace(one, template=BARE, control=True)


def quotas(spec: PromptSpec) -> dict[str, int]:
    """Return rows per family. BadRecipe when two families carry the same name."""
    return _by_name(spec, spec.rows)


def control_quotas(spec: PromptSpec) -> dict[str, int]:
    """Return the control arm's rows per family."""
    return _by_name(spec, control_rows(spec))


def control_rows(spec: PromptSpec) -> int:
    """Return the rows of the control arm; a share asked for is never rounded to none."""
    return max(1, round(spec.control * spec.rows)) if spec.control else 0


def apportion(rows: int, families: Sequence[Family]) -> list[int]:
    """Return rows for each family: shares of the whole, the largest remainders rounded up."""
    total = sum(family.share for family in families)
    exact = [rows * family.share / total for family in families]
    counts = [int(value) for value in exact]
    by_remainder = sorted(
        range(len(families)), key=lambda place: (counts[place] - exact[place], families[place].name)
    )
    for place in by_remainder[: rows - sum(counts)]:
        counts[place] += 1
    return counts


def _by_name(spec: PromptSpec, rows: int) -> dict[str, int]:
    names = [family.name for family in spec.families]
    if len(set(names)) < len(names):
        raise BadRecipe(f"two families carry the same name: {names}")
    return dict(zip(names, apportion(rows, spec.families), strict=True))


def capacity(family: Family, passages: Sequence[Passage], questions: Sequence[Question]) -> int:
    """Return how many different prompts a family can make."""
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
            overdrawn.append(
                f"{family.name}: {counts[family.name]} rows asked, {int(spec.saturation * room)} allowed of {room} possible"
            )
    if overdrawn:
        raise PlanOverdrawn(
            f"at saturation {spec.saturation} the plan would repeat itself ({'; '.join(overdrawn)}); "
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
    """Yield the prompts of the cells that are drawn; only the cells are held."""
    cells = [
        (passage, number)
        for passage in _within(family, passages)
        for number in range(len(family.forms))
    ]
    cells.sort(
        key=lambda cell: digest(str(spec.seed), family.name, cell[0].passage_id, str(cell[1]))
    )
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
