"""The static check of a chain, before anything is asked: what each step may see, and what it gives.

A chain passes only if each value that a step uses is written before it, if no known answer is seen
by the call that writes the question, and if nothing but a question reaches a prompt for a trace.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jinja2 import TemplateError

from tasks.chains.chain import (
    Ask,
    Chain,
    Draw,
    FromChangedFacts,
    FromItems,
    FromNearNames,
    FromNeighbours,
    FromPaths,
    FromRoot,
    FromValue,
    Gather,
    Keep,
    Placed,
    Repeat,
    placed,
)
from tasks.chains.draw import roles_of
from tasks.chains.item import Role
from tasks.chains.prompt import PASSAGE, PASSAGE_FIELDS, PASSAGES, template_text
from tasks.errors import MillError
from tasks.templates import paths

ROOTS = ("passages", "questions", "nothing")
"""What a chain can begin with, apart from another chain."""


class ChainFault(NamedTuple):
    """A fault of a chain. where: its place below the chain. says: what is wrong, what to do."""

    where: str
    says: str


_FROM_PASSAGES = FromPaths | FromNeighbours | FromNearNames | FromChangedFacts | FromRoot
"""What is drawn from passages."""
Known = dict[str, Role]
"""The values that are written so far, and their roles."""


class Written(NamedTuple):
    """What is written so far. from_gold: values written by calls that saw a known answer, or a
    value written so. drawn: values that code has drawn.
    """

    known: Known
    from_gold: frozenset[str] = frozenset()
    drawn: frozenset[str] = frozenset()

    def after(self, place: Placed) -> "Written":
        """Return what is written after one more step. A value that is written again counts as
        seen or drawn if it ever was.
        """
        new = writes(place)
        read = _read_by(place)
        seen = any(self.known.get(one) == "gold" or one in self.from_gold for one in read)
        return Written(
            self.known | new,
            self.from_gold | (frozenset(new) if seen else frozenset()),
            self.drawn | (frozenset(new) if isinstance(place.step, Draw) else frozenset()),
        )


def faults(chains: Sequence[Chain]) -> Iterator[tuple[int, ChainFault]]:
    """Yield (number of the chain, fault) for all faults of some chains."""
    names = [chain.name for chain in chains]
    for number, chain in enumerate(chains):
        if names.count(chain.name) > 1:
            yield number, ChainFault("name", f"two chains have the name {chain.name!r}")
        if chain.name in ROOTS:
            yield number, ChainFault("name", f"{chain.name!r} is what a chain can begin with")
        if chain.begins in ROOTS:
            found: Iterator[ChainFault] = _of_chain(chain, _roots(chain.begins))
        elif chain.begins not in names:
            says = f"unknown {chain.begins!r}; a chain begins with {_listed((*ROOTS, *names))}"
            found = iter([ChainFault("from", says)])
        elif _circular(chain, chains):
            found = iter([ChainFault("from", f"chain {chain.name!r} begins with itself")])
        else:
            found = _of_chain(chain, written_by(_before(chain, chains)))
        yield from ((number, one) for one in found)


def in_order(chains: Sequence[Chain]) -> list[Chain]:
    """Return the chains so that each one comes after the one that it continues."""
    done: list[Chain] = []
    while len(done) < len(chains):
        names = {one.name for one in done}
        ready = [one for one in chains if one not in done and one.begins in {*ROOTS, *names}]
        done += ready
        assert ready, "the static check refuses circles"
    return done


def _before(chain: Chain, chains: Sequence[Chain]) -> list[Chain]:
    """Return a chain's predecessors, the first one first."""
    found: list[Chain] = []
    while chain.begins not in ROOTS:
        chain = next(one for one in chains if one.name == chain.begins)
        found.insert(0, chain)
    return found


def _circular(chain: Chain, chains: Sequence[Chain]) -> bool:
    by_name = {one.name: one for one in chains}
    seen = {chain.name}
    while chain.begins in by_name:
        chain = by_name[chain.begins]
        if chain.name in seen:
            return True
        seen.add(chain.name)
    return False


def _roots(begins: str) -> Written:
    if begins == "questions":
        return Written({"question.text": "visible", "question.answer": "gold"})
    names = (PASSAGE, PASSAGES) if begins == "passages" else ()
    return Written({f"{name}.{field}": "visible" for name in names for field in PASSAGE_FIELDS})


def written_by(chains: Sequence[Chain]) -> Written:
    """Return what is written after some chains, each continuing the one before."""
    written = _roots(chains[0].begins)
    for place in (place for chain in chains for place in placed(chain)):
        written = written.after(place)
    return written


def writes(place: Placed) -> Known:
    """Return the values that a step writes, and their roles."""
    step = place.step
    match step:
        case Draw():
            written = roles_of(step)
        case Ask():
            written = {field: step.role_of(field) for field in step.returns.names}
        case _:
            written = {}
    return {f"{step.name}.{field}": role for field, role in written.items()}


def _of_chain(chain: Chain, written: Written) -> Iterator[ChainFault]:
    """Yield the faults of a chain. written: what its roots have."""
    yield from _same_names(chain)
    passages = f"{PASSAGE}.text" in written.known
    for place in placed(chain):
        if place.level <= 1:
            yield from _of_step(place, written.known, chain)
        written = written.after(place)
    yield from _of_gives(chain, written)
    if chain.gives.shown == "passages" and not passages:
        says = f"the chain has no passages to show, because it begins with {chain.begins}"
        yield ChainFault("gives.shown", f"{says}; set shown: nothing")


def _read_by(place: Placed) -> list[str]:
    """Return the values from which a step writes its own."""
    match place.step:
        case Ask() as step:
            return list(step.sees)
        case Draw() as step:
            several = step.draw.values()
            return [one.of for one in several if isinstance(one, FromItems | FromValue)]
        case _:
            return []


def _same_names(chain: Chain) -> Iterator[ChainFault]:
    for steps in (chain.steps, *(one.steps for one in chain.steps if isinstance(one, Repeat))):
        names = [one.name for one in steps if not isinstance(one, Repeat)]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield ChainFault("steps", f"two steps have the name {name!r}")
        for name in sorted({PASSAGE, PASSAGES} & set(names)):
            yield ChainFault("steps", f"a step cannot have the name {name!r} of the root passages")


def _of_step(place: Placed, known: Known, chain: Chain) -> Iterator[ChainFault]:
    step, where = place.step, f"steps.{place.step.name}"
    match step:
        case Draw():
            for field, drawing in step.draw.items():
                if isinstance(drawing, FromItems | FromValue):
                    yield from _unknown(f"{where}.draw.{field}", [drawing.of], known)
                    if known.get(drawing.of) == "gold":
                        says = f"{drawing.of!r} is a known answer, which cannot be drawn as a note"
                        yield ChainFault(f"{where}.draw.{field}", says)
                lacking = "passage.text" not in known
                if isinstance(drawing, _FROM_PASSAGES) and lacking:
                    says = f"{drawing.kind} needs passages; the chain begins with {chain.begins}"
                    yield ChainFault(f"{where}.draw.{field}", says)
        case Ask():
            roles = step.role if isinstance(step.role, dict) else {}
            for field in sorted(set(roles) - set(step.returns.names)):
                says = f"the answer has no field {field!r}; it has {_listed(step.returns.names)}"
                yield ChainFault(f"{where}.role", says)
            yield from _unknown(f"{where}.sees", step.sees, known)
            yield from _of_prompt(where, step)
        case Keep():
            for test in step.keep:
                values = [
                    value
                    for name in ("of", "other", "what", "source")
                    if (value := getattr(test, name, ""))
                ]
                yield from _unknown(f"{where}.{test.test}", _whole(values, known), known)
        case Gather():
            yield from _unknown(f"{where}.of", _whole([step.of or ""], known), known)


def _whole(values: Sequence[str], known: Known) -> list[str]:
    """Return paths; the name of a step that has written something stands for its values."""
    steps = {path.partition(".")[0] for path in known}
    return [one for one in values if one and one not in steps]


def _unknown(where: str, used: Sequence[str], known: Known) -> Iterator[ChainFault]:
    for path in used:
        if path not in known:
            yield ChainFault(where, f"unknown value {path!r}; known here: {_listed(known)}")


def _of_prompt(where: str, step: Ask) -> Iterator[ChainFault]:
    """Yield a fault for each value that a prompt uses and the step does not see."""
    try:
        used = paths(template_text(step.ask))
    except (MillError, TemplateError) as exc:
        yield ChainFault(f"{where}.ask", str(exc))
        return
    for path in sorted(used):
        if path not in step.sees and not any(one.startswith(f"{path}.") for one in step.sees):
            says = (
                f"prompt {step.ask!r} uses {path!r}, which is hidden; it sees {_listed(step.sees)}"
            )
            yield ChainFault(f"{where}.ask", says)


def _of_gives(chain: Chain, written: Written) -> Iterator[ChainFault]:
    gives, known = chain.gives, written.known
    if gives.question in written.from_gold and not gives.question_from_gold:
        says = f"the call that writes {gives.question!r} sees the known answer, itself or through"
        says += " another step; hide it, or set question_from_gold: true"
        yield ChainFault("gives.question", says)
    yield from _unknown("gives.question", [gives.question], known)
    if gives.question in written.drawn:
        says = f"{gives.question!r} is a drawn note; a question is written by a step that asks"
        yield ChainFault("gives.question", says)
    if known.get(gives.question) == "gold":
        yield ChainFault("gives.question", f"{gives.question!r} is the known answer")
    if gives.gold:
        yield from _unknown("gives.gold", [gives.gold], known)
        if known.get(gives.gold, "gold") != "gold":
            says = f"{gives.gold!r} is no known answer; set role: gold at the step that writes it"
            yield ChainFault("gives.gold", says)


def _listed(names: Sequence[str] | Known) -> str:
    return ", ".join(dict.fromkeys(names)) or "nothing"
