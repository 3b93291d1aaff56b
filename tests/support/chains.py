"""What tests of chains share: passages of the handbook, and a run of a chain without a flow."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pytest

from tasks import rows
from tasks.chains.chain import Ask, Chain, Draw, Placed, Repeat, StepOrRepeat, placed
from tasks.chains.check import ROOTS
from tasks.chains.give import GiveSpec, give_questions, givers
from tasks.chains.item import Item
from tasks.chains.library import chain_of
from tasks.chains.roots import root_items
from tasks.chains.step import made_of, run
from tasks.chains.world import World
from tasks.held_out import DecontaminationSpec
from tasks.inference.engine import Ask as Request
from tasks.inference.engine import Completion, NamedModel, TeacherSpec
from tasks.inference.scripted import ScriptedEngine
from tests.support.handbook import SAMPLES

SCRIPTED = NamedModel("teacher", TeacherSpec(engine="scripted"))
_SECTION = re.compile(r"## (Section \d+)\. ([^\n]+)\n\n([^\n]+)\n")


class Text(NamedTuple):
    """A passage to write."""

    heading: str
    text: str
    document: str = "d"
    category: str = ""


def handbook(most: int = 40) -> pa.Table:
    """Return PASSAGES of the built-in handbook."""
    found = [
        Text(heading, text, path.stem)
        for path in sorted(SAMPLES.glob("*.md"))
        for _, heading, text in _SECTION.findall(path.read_text(encoding="utf-8") + "\n")
    ]
    return passages(found[:most])


def passages(texts: Sequence[Text]) -> pa.Table:
    """Return PASSAGES with these texts; each has the next one as its neighbour."""
    return rows.table_of([_passage(texts, number) for number in range(len(texts))], rows.PASSAGES)


def _passage(texts: Sequence[Text], number: int) -> dict[str, object]:
    one, following = texts[number], (number + 1) % len(texts)
    return {
        "passage_id": f"p{number}",
        "document_id": one.document,
        "title": "Handbook",
        "section": f"Section {number + 1}",
        "heading": one.heading,
        "start": 0,
        "end": len(one.text),
        "text": one.text,
        "neighbours": [f"p{following}"] if following != number else [],
        "source": "test",
        "licence": "CC0-1.0",
        "category": one.category,
    }


class Ran(NamedTuple):
    """What came of a chain. after: the items after each step. lost: the reasons of each step.
    answers: all that the model answered. questions: QUESTIONS.
    """

    after: dict[str, list[Item]]
    lost: dict[str, list[str]]
    answers: int
    questions: pa.Table

    @property
    def items(self) -> list[Item]:
        """The items of the last step."""
        return list(self.after.values())[-1]


def ran(
    chain: Chain,
    table: pa.Table,
    journals: Path,
    *,
    before: Callable[[Placed], None] = lambda place: None,
) -> Ran:
    """Return what a chain makes of all passages of a table, or of two ready questions. A chain that
    continues another one begins with its items. before: called before each step.
    """
    world = World(table)
    items = _begin(chain, table, journals, before)
    after: dict[str, list[Item]] = {}
    lost: dict[str, list[str]] = {}
    answers = 0
    for place in placed(chain):
        before(place)
        done = run(items, place, chain.seed, world, SCRIPTED, journals=journals)
        made = made_of(done, place, chain, items)
        items = list({one.item_id: one for one in done.made}.values())
        after[place.place] = items
        lost[place.place] = made.rejected["reason"].to_pylist()
        answers += done.answered.answers if done.answered else 0
    own = {chain.name: givers(_line(chain))[chain.name]}
    spec = GiveSpec(chains=own, decontamination=DecontaminationSpec())
    given = give_questions(no_questions(), no_questions(), {chain.name: items}, spec)
    return Ran(after, lost, answers, given.parts["questions"])


def _line(chain: Chain) -> list[Chain]:
    """Return a chain behind all that it continues."""
    before = [] if chain.begins in ROOTS else _line(chain_of(chain.begins))
    return [*before, chain]


def _begin(
    chain: Chain, table: pa.Table, journals: Path, before: Callable[[Placed], None]
) -> list[Item]:
    if chain.begins in ROOTS:
        return root_items(table, two_questions(), chain.begins, chain.where, chain.seed)
    first = chain_of(chain.begins)
    return ran(first, table, journals, before=before).items


def without_tests(chain: Chain) -> Chain:
    """Return a chain without the steps that reject: all that its model writes goes on."""
    steps: list[StepOrRepeat] = []
    for one in chain.steps:
        if isinstance(one, Repeat):
            within = tuple(step for step in one.steps if isinstance(step, Ask | Draw))
            steps.append(one.model_copy(update={"steps": within}))
        elif isinstance(one, Ask | Draw):
            steps.append(one)
    return chain.model_copy(update={"steps": tuple(steps)})


def asks(chain: Chain) -> list[Placed]:
    """Return the steps of a chain that ask."""
    return [place for place in placed(chain) if isinstance(place.step, Ask)]


def no_questions() -> pa.Table:
    """Return QUESTIONS without a row."""
    return rows.table_of([], rows.QUESTIONS)


def two_questions() -> pa.Table:
    """Return QUESTIONS with two ready ones."""
    return rows.table_of([_sum(2), _sum(7)], rows.QUESTIONS)


def _sum(number: int) -> dict[str, object]:
    return {
        "question_id": f"q{number}",
        "text": f"What is {number} and 11?",
        "accepted": [f"{number + 11}"],
        "answer_type": "number",
        "category": "sums",
        "split": "train",
        "source": "test",
        "licence": "CC0-1.0",
        "passage_ids": [],
        "lineage": [],
        "notes": [],
    }


def answered_by(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str, int], str]) -> None:
    """Let a function of (prompt, seed) write all answers of the scripted engine."""

    async def ask(engine: ScriptedEngine, asked: Request) -> Completion:
        prompt = asked.prompt or asked.messages[-1]["content"]
        text = answer(prompt, asked.seed)
        return Completion(asked.key, text, "stop", len(prompt.split()), len(text.split()))

    monkeypatch.setattr(ScriptedEngine, "ask", ask)
