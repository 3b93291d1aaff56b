"""The plan of a corpus: which prompts are written, drawn by seed from the families. A plan in which
a family would repeat prompts is refused.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice

from tasks.errors import BadRecipe, PlanOverdrawn
from tasks.prompts.family import BARE, CHAIN, SECTION, TOPIC, Family, PromptSpec
from tasks.prompts.topics import Topics
from tasks.spec import digest, draw_seed


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
    """Values that only the producer may know. canary: a text that must never occur in a trace.
    notes: what the steps of a chain wrote down on the way to the question.
    """

    family: str
    cell: str
    canary: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Planned:
    """One row of the plan, with its two sides separate. closed_book: the row of the corpus hides
    the passages.
    """

    producer: Producer
    visible: Visible
    template: str
    passage_ids: tuple[str, ...]
    question_id: str
    general: bool
    control: bool = False
    closed_book: bool = False


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
    source: str = ""
    passage_ids: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


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
            draw = _ask_questions(spec, family, questions, by_id, most=asked + spare)
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
    return len(_asked_by(family, questions))


def _asked_by(family: Family, questions: Sequence[Question]) -> list[Question]:
    """Return the questions of a family's chain, or the ready ones of its categories."""
    if family.ground == "chain":
        return [one for one in questions if one.source == f"{CHAIN}{family.chain}"]
    ready = (one for one in questions if not one.source.startswith(CHAIN))
    return [one for one in ready if one.category in family.categories]


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
    shown = _shown(spec, family, cell, [passage], by_id)
    return Planned(
        _producer(spec, family, cell),
        Visible(_worded(family.forms[number], topic, passage), _views(shown)),
        family.template,
        tuple(one.passage_id for one in shown),
        question_id="",
        general=family.general,
        closed_book=family.closed_book,
    )


def _worded(form: str, topic: str, passage: Passage) -> str:
    """Return the question of a form. The slots are filled at once, so that a heading with a slot in
    it stays as it is.
    """
    filled = {TOPIC: topic, SECTION: passage.section}
    return re.sub(r"\{topic\}|\{section\}", lambda slot: filled[slot[0]], form)


def _shown(
    spec: PromptSpec,
    family: Family,
    cell: str,
    roots: Sequence[Passage],
    by_id: dict[str, Passage],
) -> list[Passage]:
    """Return the passages that the teacher sees: the roots and their context, in random order."""
    if family.teacher_sees == "nothing" or not roots:
        return []
    near = [one for one in _context(family, roots[0], by_id) if one not in roots]
    return sorted([*roots, *near], key=lambda one: draw_seed(spec.seed, cell, one.passage_id))


def _views(shown: Sequence[Passage]) -> tuple[PassageView, ...]:
    return tuple(PassageView(one.section, one.heading, one.text) for one in shown)


def _context(family: Family, passage: Passage, by_id: dict[str, Passage]) -> list[Passage]:
    near = (by_id[other] for other in passage.neighbours if other in by_id)
    allowed = (
        other
        for other in near
        if family.context_from == "corpus" or other.document_id == passage.document_id
    )
    return list(islice(allowed, family.context))


def _ask_questions(
    spec: PromptSpec,
    family: Family,
    questions: Sequence[Question],
    by_id: dict[str, Passage],
    *,
    most: int,
) -> Iterator[Planned]:
    drawn = _asked_by(family, questions)
    drawn.sort(key=lambda question: digest(str(spec.seed), family.name, question.question_id))
    for question in drawn[:most]:
        cell = f"{family.name}/{question.question_id}"
        roots = [by_id[one] for one in question.passage_ids if one in by_id]
        shown = _shown(spec, family, cell, roots, by_id)
        yield Planned(
            _producer(spec, family, cell, question.notes),
            Visible(question.text, _views(shown)),
            family.template,
            tuple(one.passage_id for one in shown),
            question_id=question.question_id,
            general=family.general,
            closed_book=family.closed_book and bool(shown),
        )


def _producer(spec: PromptSpec, family: Family, cell: str, notes: tuple[str, ...] = ()) -> Producer:
    canary = f"canary-{digest('canary', str(spec.seed), cell)[:16]}"
    return Producer(family.name, cell, canary, notes)
