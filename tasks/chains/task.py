"""The tasks of the chains: ITEMS of one step, and QUESTIONS of all chains."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from prefect import task

from tasks.chains.chain import Ask, Chain, Placed, Step, Where
from tasks.chains.give import Giver, GiveSpec, give_questions, newest
from tasks.chains.item import Item
from tasks.chains.prompt import template_text
from tasks.chains.roots import root_items
from tasks.chains.step import made_of, run
from tasks.chains.world import World
from tasks.held_out import DecontaminationSpec
from tasks.inference.complete import JOURNALS, teacher_digest
from tasks.inference.engine import NamedModel
from tasks.spec import Spec, digest
from tasks.stage import STAGE, settle
from tasks.store import Key, Made, Table

ITEMS_VERSION = 2
GIVEN_VERSION = 1


@dataclass(frozen=True)
class Levels:
    """The items on which a step works: one table, or the levels of a repeated block.

    tables: the oldest level first. every_level: all levels are used, else the newest of each line.
    """

    tables: tuple[Table, ...] = ()
    every_level: bool = False

    def __bool__(self) -> bool:
        return bool(self.tables)

    def items(self) -> list[Item]:
        """Return the items."""
        return newest([table.read() for table in self.tables], every_level=self.every_level)


class StepSpec(Spec):
    """The settings in the identity of ITEMS."""

    step: Step
    """The step, without the name of its model."""
    level: int
    """The repetition of a block."""
    seed: int
    """Seed of the chain."""
    begins: str
    """The roots of a first step, "" for any other."""
    where: Where
    """Which roots a first step begins with."""
    every_level: bool
    """The step works on all levels of a repeated block."""


@task(**STAGE)
def run_step(
    chain: Chain,
    place: Placed,
    parents: Levels,
    passages: Table,
    questions: Table,
    named: NamedModel | None,
    root: Path,
) -> Table:
    """Return ITEMS of one step of a chain.

    parents: the items of the step before; none for a first step, which begins with passages or
    questions. named: the model of a step that asks. Raises ChainDry if no item is kept.
    """
    key = step_key(chain, place, parents, passages, questions, named)

    def make() -> Made:
        world = World(passages.read())
        items = _items(chain, parents, passages, questions)
        stepped = run(items, place, chain.seed, world, named, journals=root / JOURNALS)
        return made_of(stepped, place, chain, items)

    return settle(root, key, make, on_gpu=isinstance(place.step, Ask))


def _items(chain: Chain, parents: Levels, passages: Table, questions: Table) -> list[Item]:
    """Return the items that a step works on."""
    if parents:
        return parents.items()
    return root_items(passages.read(), questions.read(), chain.begins, chain.where, chain.seed)


def step_key(
    chain: Chain,
    place: Placed,
    parents: Levels,
    passages: Table,
    questions: Table,
    named: NamedModel | None,
) -> Key:
    """Return the Key of ITEMS. The chain's name, its method and its other steps are not in it."""
    inputs = {f"parents {number}": table.digest for number, table in enumerate(parents.tables)}
    inputs["passages"] = passages.digest
    if not parents and chain.begins == "questions":
        inputs["questions"] = questions.digest
    step = place.step
    if isinstance(step, Ask):
        assert named is not None
        inputs["prompt"] = digest(template_text(step.ask))
        inputs["model"] = teacher_digest(named.model)
        step = step.model_copy(update={"model": None})
    spec = StepSpec(
        step=step,
        level=place.level,
        seed=chain.seed,
        begins="" if parents else chain.begins,
        where=Where() if parents else chain.where,
        every_level=len(parents.tables) > 1 and parents.every_level,
    )
    return Key("items", ITEMS_VERSION, spec, inputs)


@task(**STAGE, name="give_questions")
def give(
    questions: Table,
    probe_questions: Table,
    items: Mapping[str, Levels],
    chains: Mapping[str, Giver],
    decontamination: DecontaminationSpec,
    root: Path,
) -> Table:
    """Return QUESTIONS: the ready ones, and those of all chains.

    items: name of a chain → its last items. chains: by name.
    """
    inputs = {"questions": questions.digest, "probe_questions": probe_questions.digest}
    for name, levels in items.items():
        inputs |= {f"{name} {number}": table.digest for number, table in enumerate(levels.tables)}
    spec = GiveSpec(chains=dict(chains), decontamination=decontamination)

    def make() -> Made:
        given = {name: levels.items() for name, levels in items.items()}
        return give_questions(questions.read(), probe_questions.read(), given, spec)

    return settle(root, Key("questions", GIVEN_VERSION, spec, inputs), make)
