"""No note and no answer reaches a prompt for a trace, even if the model repeats all that it sees.

Each answer of the engine is a mark of its own and every word of the prompt. A mark in a prompt for
a trace that the question does not carry is a leak.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.chains.chain import Ask, Chain, Placed
from tasks.chains.check import faults, written_by
from tasks.chains.item import Item
from tasks.chains.library import built_in, chain_of
from tasks.chains.returns.choices import Choice
from tasks.chains.returns.json_objects import Json
from tasks.chains.returns.lines import Lines
from tasks.chains.returns.ratings import Scores
from tasks.chains.returns.scores import Score
from tasks.chains.returns.sections import Fields
from tasks.chains.returns.verdicts import Verdict
from tasks.ngrams import words
from tasks.prompts.family import Family, PromptSpec
from tasks.prompts.write import write
from tasks.spec import digest
from tests.support.chains import Ran, Text, answered_by, handbook, passages, ran, without_tests

MARK = re.compile(r"\bmark[0-9a-f]{16}\b")


class Echo:
    """An engine that repeats all it sees, in the form that the step reads."""

    def __init__(self) -> None:
        self._step: Ask | None = None

    def at(self, place: Placed) -> None:
        """Note which step asks next."""
        self._step = place.step if isinstance(place.step, Ask) else None

    def answer(self, prompt: str, seed: int) -> str:
        """Return the words of the prompt, behind a mark for each field of the answer."""
        assert self._step
        seen = " ".join(words(prompt))
        said = {
            name: f"mark{digest(name, prompt, str(seed))[:16]} {seen}"
            for name in self._step.returns.names
        }
        match self._step.returns:
            case Lines():
                return "".join(f"1. {text}?\n" for text in said.values())
            case Fields():
                labels = ((name.replace("_", " ").upper(), text) for name, text in said.items())
                return "\n".join(f"{label} 1: {text}" for label, text in labels)
            case Json(shape=shape):
                plain = {"integer": 1, "number": 1.5, "boolean": True}
                return json.dumps({one: plain.get(kind, said[one]) for one, kind in shape.items()})
            case Verdict():
                return "\n".join(f"{name}: yes" for name in said)
            case Score(score=(low, _)):
                return f"Score: {low}"
            case Scores() as scores:
                low = scores.scores.range[0]
                return "\n".join(f"[{n}] Score: {low}" for n in range(1, scores.scores.of + 1))
            case Choice():
                return "1"
            case _:
                return next(iter(said.values()))


def echoed(chain: Chain, table: pa.Table, monkeypatch: pytest.MonkeyPatch, journals: Path) -> Ran:
    """Return what a chain makes with an engine that repeats all it sees, and without its tests."""
    echo = Echo()
    answered_by(monkeypatch, echo.answer)
    return ran(without_tests(chain), table, journals, before=echo.at)


def prompts_of(made: Ran, chain: Chain, table: pa.Table) -> list[dict[str, Any]]:
    """Return all prompts for traces that families can make of a chain's questions."""
    found: list[dict[str, Any]] = []
    if not made.questions.num_rows:
        return found
    for sees, shown in (("passages", "passages"), ("passages", "nothing"), ("nothing", "nothing")):
        family = Family.model_validate(
            {"name": "own", "share": 1, "ground": "chain", "chain": chain.name}
            | {"teacher_sees": sees, "shown": shown}
        )
        count = (made.questions.num_rows + 1) // 2
        spec = PromptSpec(rows=count, families=(family,), saturation=1, control=0.5)
        found += write(table, made.questions, spec).parts["prompts"].to_pylist()
    return found


def leaks(made: Ran, chain: Chain, table: pa.Table) -> Iterator[str]:
    """Yield what a prompt for a trace holds although its question does not carry it."""
    questions = {row["question_id"]: row for row in made.questions.to_pylist()}
    items = {one.item_id: one for one in made.items}
    texts = {row["passage_id"]: f"{row['heading']} {row['text']}" for row in table.to_pylist()}
    for row in prompts_of(made, chain, table):
        several = (*row["messages"], *row["row_messages"])
        prompt = "\n".join(message["content"] for message in several)
        asked = questions[row["question_id"]]
        carried = f"{asked['text']} {' '.join(texts[one] for one in row['passage_ids'])}"
        yield from sorted(set(MARK.findall(prompt)) - set(MARK.findall(asked["text"])))
        yield from [row["canary"]] if row["canary"] in prompt else []
        item = items[asked["lineage"][-1]]
        yield from (one for one in secrets(item) if held(one, prompt) and not held(one, carried))
        if not chain.gives.question_from_gold:
            yield from (one for one in golds(item) if held(one, asked["text"]))


def held(text: str, prompt: str) -> bool:
    """Return whether the words of a text stand in a row in a prompt."""
    return f" {' '.join(words(text))} " in f" {' '.join(words(prompt))} "


def secrets(item: Item) -> list[str]:
    """Return the notes and answers of an item. A single short word says nothing."""
    notes = (one.text for one in item.values.values() if one.role != "visible")
    return [one for one in notes if len(words(one)) > 1 or MARK.search(one)]


def golds(item: Item) -> list[str]:
    """Return the marks of the known answers of an item."""
    known = (one.text for one in item.values.values() if one.role == "gold")
    return [found[0] for one in known if (found := MARK.match(one))]


@pytest.mark.parametrize("name", built_in())
def test_no_built_in_chain_leaks(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chain, table = chain_of(name), handbook(12)
    made = echoed(chain, table, monkeypatch, tmp_path)
    assert made.items
    if chain.gives.question_from_gold:
        # A question that repeats its answer is rejected.
        assert made.questions.num_rows == 0
    else:
        assert made.questions.num_rows and prompts_of(made, chain, table)
    assert list(leaks(made, chain, table)) == []


SMALL = passages(
    [
        Text("Renewals", "A renewal costs 40 credits. Examiner Marta Lind decides in 30 days."),
        Text("Appeals", "An appeal costs 90 credits. Examiner Marta Lind hears it in 12 weeks."),
        Text("Transfers", "A transfer costs 15 credits. Examiner Paul Orr records it."),
        Text("Replies", "A late reply costs 25 credits. Examiner Paul Orr may waive this fee."),
    ]
)
FOUND: st.SearchStrategy[Any] = st.sampled_from(
    [
        {"kind": "paths"},
        {"kind": "neighbours"},
        {"kind": "near_names"},
        {"kind": "changed_facts"},
        {"kind": "root"},
    ]
)
RETURNS: st.SearchStrategy[Any] = st.sampled_from(
    [
        "text",
        "turn",
        {"lines": 2},
        {"fields": ["text", "answer"]},
        {"json": {"text": "string", "answer": "string"}},
        {"verdict": ["clear"]},
        {"score": [1, 5]},
    ]
)
ROLES = st.sampled_from(["note", "gold"])


@st.composite
def chains(draw: st.DrawFn, folder: Path) -> Chain:
    """Draw a chain of up to five steps that draw and ask, of which each sees anything before it."""
    steps: list[dict[str, Any]] = []
    tree: dict[str, Any] = {"name": "own", "gives": {"question": "passage.text"}}
    for number in range(draw(st.integers(1, 5))):
        known = _known(tree, steps)
        if draw(st.booleans()):
            marks = [f"mark{digest(str(number), str(one))[:16]}" for one in range(3)]
            value = draw(st.just(marks) | FOUND)
            step: dict[str, Any] = {
                "name": f"drawn{number}",
                "draw": {"value": value},
                "role": draw(ROLES),
            }
        else:
            sees = draw(st.lists(st.sampled_from(known), max_size=4, unique=True))
            step = {"name": f"asked{number}", "ask": _template(folder, sees), "sees": sees}
            step |= {"returns": draw(RETURNS), "role": draw(ROLES)}
            step |= {"samples": draw(st.integers(1, 2))}
        steps.append(step)
    known = _known(tree, steps)
    asked = [one for one in known if one.startswith("asked")] or known
    gives = {
        "question": draw(st.sampled_from(asked)),
        "gold": draw(st.none() | st.sampled_from(known)),
        "shown": draw(st.sampled_from(["passages", "nothing"])),
        "question_from_gold": draw(st.booleans()),
    }
    return Chain.model_validate(tree | {"steps": steps, "gives": gives})


def _known(tree: dict[str, Any], steps: list[dict[str, Any]]) -> list[str]:
    """Return the values that a step after these ones may name."""
    roots = ["passage.text", "passage.heading"]
    if not steps:
        return roots
    written = written_by([Chain.model_validate(tree | {"steps": steps})]).known
    return [*roots, *(one for one in written if not one.startswith("passage"))]


def _template(folder: Path, sees: list[str]) -> str:
    """Return the path of a prompt that shows these values."""
    text = "Repeat it.\n" + "\n".join(f"{{{{ {one} }}}}" for one in sees)
    path = folder / f"{digest(text)[:16]}.jinja"
    path.write_text(text)
    return str(path)


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_no_chain_that_passes_the_check_leaks(
    data: st.DataObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    with TemporaryDirectory() as folder:
        chain = data.draw(chains(Path(folder)))
        if list(faults([chain])):
            return
        made = echoed(chain, SMALL, monkeypatch, Path(folder))
        assert list(leaks(made, chain, SMALL)) == []
