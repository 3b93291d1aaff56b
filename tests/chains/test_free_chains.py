"""The built-in chains that need no document, and code_to_text: what they keep, and planted faults."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks import rows
from tasks.chains.bound import bound
from tasks.chains.chain import Ask, Chain, Keep, Repeat, Where, placed
from tasks.chains.check import ROOTS, faults
from tasks.chains.give import newest
from tasks.chains.item import Item, Value, table_of
from tasks.chains.library import UseChain, chain_of
from tasks.chains.prompt import prompt_text
from tasks.chains.returns import Unparsed
from tasks.chains.roots import ROOTS_OF_NOTHING, root_items
from tasks.chains.step import run
from tasks.chains.world import World
from tasks.inference.engine import NamedModel, TeacherSpec
from tests.chains.test_chains import chain, no_questions, passages
from tests.support.builders import recipe
from tests.support.chain_stages import run_chains

SCRIPTED = NamedModel("teacher", TeacherSpec(engine="scripted"))
FREE = (
    "self_instruct",
    "evol_instruct",
    "evol_complexity",
    "magpie",
    "open_qa",
    "writing",
    "math",
    "python",
    "dialogue",
)
CHAINED = (
    "open_qa",
    "magpie",
    "python",
    "self_instruct",
    "evol_instruct",
    "dialogue",
    "code_to_text",
)
PROGRAM = """def fee(days):
    return 5 * days


def main():
    for days in (1, 4):
        print(days, fee(days))


main()
"""
SEEDS = (
    "How does a river delta grow over the centuries?",
    "Explain why bread dough rises in a warm kitchen.",
    "Which tax does a small shop owe on imported tea?",
    "A train leaves at nine and covers 240 km by noon. How fast is it on average?",
    "Compare oak and pine as material for a garden fence.",
    "Why do cats see better at dusk than people do?",
    "What limits the height of a brick chimney?",
    "Write a polite note that moves a dentist's appointment.",
)


def questions(texts: Sequence[str] = SEEDS) -> pa.Table:
    return rows.table_of(
        [
            {
                "question_id": f"q{number}",
                "text": text,
                "accepted": ["80 km/h"] if "train" in text else [],
                "answer_type": "text",
                "category": "own",
                "split": "train",
                "source": "test",
                "licence": "CC0-1.0",
                "passage_ids": [],
                "lineage": [],
                "notes": [],
            }
            for number, text in enumerate(texts)
        ],
        rows.QUESTIONS,
    )


class Finished(NamedTuple):
    """What a chain made. asked: answers that were read. lost: reasons of all rejections."""

    items: list[Item]
    asked: int
    lost: list[str]
    requests: int


def finished(
    one: Chain, journals: Path, table: pa.Table | None = None, *, turned: bool = False
) -> Finished:
    """Run a chain with the scripted engine as the flow does: level by level, step by step."""
    table = table or passages()
    world = World(table)
    current = root_items(table, questions(), one.begins, one.where, one.seed)
    every = one.gives.levels == "all"
    levels: list[list[Item]] = []
    block, asked, requests, lost = 0, 0, 0, list[str]()
    for number, place in enumerate(placed(one)):
        if place.block != block:
            current = newest(list(map(table_of, levels)), every_level=every) if block else current
            block, levels = place.block, [current] if number or one.begins not in ROOTS else []
        items = current[::-1] if turned else current
        made = run(items, place, one.seed, world, SCRIPTED, journals=journals)
        current = list({item.item_id: item for item in made.made}.values())
        lost += [fault.reason for fault in made.lost]
        asked += made.answered.answers if made.answered else 0
        requests += made.answered.requests if made.answered else 0
        levels += [current] if place.ends else []
    items = newest(list(map(table_of, levels)), every_level=every) if block else current
    return Finished(items, asked, lost, requests)


@pytest.mark.parametrize("name", FREE)
def test_a_chain_without_documents_gives_questions_of_its_own(name: str, tmp_path: Path) -> None:
    one = chain_of(name)
    made = finished(one, tmp_path)
    texts = [item.text(one.gives.question) for item in made.items]
    assert texts and len(set(texts)) == len(texts) and not set(texts) & set(SEEDS)
    assert one.gives.shown == "nothing"
    most = bound(one, len(SEEDS) if one.begins == "questions" else ROOTS_OF_NOTHING * 10)
    assert made.asked <= most.calls and len(texts) <= most.items
    print(f"{name}: {made.asked / len(texts):.2f} calls per question, {len(texts)} questions")


@pytest.mark.parametrize("name", FREE)
def test_the_order_of_the_items_decides_nothing_and_nothing_is_asked_twice(
    name: str, tmp_path: Path
) -> None:
    one = chain_of(name)
    forward = finished(one, tmp_path)
    backward = finished(one, tmp_path, turned=True)
    assert {item.item_id for item in forward.items} == {item.item_id for item in backward.items}
    assert backward.requests == 0


class Fault(NamedTuple):
    """A test of a chain with a text that it keeps, and texts with a planted fault."""

    chain: str
    step: str
    values: dict[str, str]
    field: str
    good: str
    bad: tuple[tuple[str, str], ...]


YES = {"fit.clear": "yes", "fit.useful": "yes", "fit.harmless": "yes"}
EVOLVED = {"way.direction": "add one condition", "way.before": "How does a river delta grow?"}
EVOLUTION = (
    ("Rewritten: How does a river delta grow in a cold climate?", "test_no_labels"),
    ("How does a river delta grow?", "test_overlap"),
    ("How does a delta grow?", "test_grown"),
    ("Which spice makes a curry taste of smoke and citrus tonight?", "test_overlap"),
    ("How does a river delta grow? And who owns the new land there?", "test_one_request"),
    ("How does a river delta grow" + " and grow" * 30 + "?", "test_grown"),
    ("It grows wherever the river brings more sand than the sea removes.", "test_one_request"),
)
OPENING = {
    "opening.text": "How does a river delta grow over the centuries?",
    "opening.style": "asks in few words",
    "reply.text": "A delta grows because the river brings sand and mud to the sea each spring.",
}
PROBLEM = {"level.name": "primary school", "subtopic.text": "division with remainder"}
FAULTS = (
    Fault(
        "self_instruct",
        "clean",
        {},
        "question.text",
        "Which metals rust in sea water?",
        (
            ("Rust?", "test_words"),
            ("Describe what this picture shows about rust.", "test_lacks_words"),
            ("Metals rust in sea water.", "test_one_request"),
            ("1. Name a metal.\n2. Explain what rust is.", "test_one_request"),
        ),
    ),
    *(
        Fault(
            name,
            "grown",
            EVOLVED,
            "question.text",
            "How does a river delta grow where the tide is stronger than the river?",
            EVOLUTION,
        )
        for name in ("evol_instruct", "evol_complexity")
    ),
    Fault(
        "evol_instruct",
        "gained",
        {"gain.clear": "yes", "gain.answerable": "yes"},
        "gain.more",
        "yes",
        (("no", "test_verdict"),),
    ),
    Fault(
        "magpie",
        "clean",
        {},
        "question.text",
        "Can you explain how vaccines are tested before they are sold?",
        (
            ("I'm happy to help you with that. What is your question?", "test_user_turn"),
            ("Sure, here is a list of vaccines.", "test_user_turn"),
            ("hello there, my dear friend", "test_user_turn"),
            ("Can you tell me what the attached letter means?", "test_lacks_words"),
        ),
    ),
    Fault("magpie", "fits", YES, "fit.self_contained", "yes", (("no", "test_verdict"),)),
    Fault(
        "open_qa",
        "clean",
        {},
        "draft.text",
        "Why did salt roads decline?",
        (
            ("Salt roads declined in the end.", "test_one_question"),
            ("According to the text, why did salt roads decline?", "test_no_document_words"),
        ),
    ),
    Fault(
        "open_qa",
        "checked",
        {"draft.text": "Why did salt roads decline?"},
        "question.text",
        "I write a school report on trade. Why did the salt roads decline after 1800?",
        (
            ("Revised: Why did the salt roads of the Alps decline after 1800?", "test_lacks_words"),
            ("Salt roads did decline, and here is why they did so.", "test_one_request"),
            ("Name three winter birds that stay in northern gardens all year.", "test_overlap"),
        ),
    ),
    Fault(
        "writing",
        "clean",
        {},
        "draft.text",
        "Write a poem about wells for children.",
        (
            ("A poem about wells for children.", "test_one_request"),
            ("Write a poem about this picture for children.", "test_lacks_words"),
        ),
    ),
    Fault(
        "writing",
        "checked",
        {"draft.text": "Write a poem about wells for children."},
        "question.text",
        "Write a poem of twelve lines about wells for children aged six.",
        (("Write a poem about wells for children.", "test_words"),),
    ),
    Fault(
        "math",
        "clean",
        PROBLEM,
        "question.text",
        "Anna shares 17 apples among 5 friends. How many apples remain?",
        (
            ("Look at the diagram. How many apples remain?", "test_lacks_words"),
            ("How many apples remain? The answer is 2.", "test_lacks_words"),
            ("Anna shares 17 apples among 5 friends.", "test_one_request"),
        ),
    ),
    Fault(
        "math",
        "kinds",
        {"kind.taught": "yes"},
        "kind.mathematics",
        "yes",
        (("no", "test_verdict"),),
    ),
    Fault(
        "python",
        "clean",
        PROBLEM,
        "question.text",
        "Write a Python function that takes a list and returns its median.",
        (
            ("Write a Python function that sorts the attached table.", "test_lacks_words"),
            ("A Python function that takes a list.", "test_one_request"),
        ),
    ),
    Fault(
        "python",
        "kinds",
        {"kind.in_language": "yes"},
        "kind.programming",
        "yes",
        (("no", "test_verdict"),),
    ),
    Fault(
        "dialogue",
        "clean",
        OPENING,
        "question.text",
        "Which plants hold the mud of a young delta in place?",
        (
            ("Thanks, that was very helpful! Which plants hold mud?", "test_user_turn"),
            ("Can you explain what you said about spring floods?", "test_user_turn"),
            ("What does it do to the ships of a harbour?", "test_user_turn"),
            ("Briefly, which plants hold the mud of a delta in place?", "test_no_labels"),
            ("How does a river delta grow over many centuries?", "test_overlap"),
            ("As an AI, I can say that mangroves hold mud. Any more questions?", "test_user_turn"),
            (
                "Is it right that the river brings sand and mud to the sea each spring?",
                "test_copied",
            ),
        ),
    ),
    Fault(
        "code_to_text",
        "program",
        {},
        "code.text",
        PROGRAM,
        (
            ("A fee is due for each day.", "test_python"),
            ("x = 1\n", "test_runs"),
            ("import random\nprint(random.random())\n", "test_runs"),
            ("print(open('/etc/hostname').read())\n", "test_runs"),
            ("print(1 / 0)\n", "test_runs"),
        ),
    ),
    Fault(
        "code_to_text",
        "rebuilt",
        {"code.text": PROGRAM},
        "tutorial.text",
        f"It prints.\n\n```python\n{PROGRAM}```\n\nThe output:\n```text\n1 5\n4 20\n```\n",
        (
            ("There is a function and a loop.", "test_python"),
            ("Now:\n```python\ndef fee(days:\n```\n", "test_python"),
            ("Now:\n```python\nprint(1, 5)\nprint(4, 21)\n```\n", "test_runs"),
            ("Now:\n```python\nimport socket\nprint(1, 5)\nprint(4, 20)\n```\n", "test_runs"),
        ),
    ),
    Fault(
        "code_to_text",
        "clean",
        {},
        "question.text",
        "Explain step by step how to build a program that lists fees for several days.",
        (
            ("def fee(days): return 5 * days", "test_one_request"),
            ("Explain the program in the passage step by step, please.", "test_no_document_words"),
        ),
    ),
)


def keep_of(one: Chain, name: str) -> Keep:
    """Return a step of a chain that tests items."""
    steps = [place.step for place in placed(one) if place.step.name == name]
    assert isinstance(steps[0], Keep)
    return steps[0]


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{one.chain} {one.step}" for one in FAULTS])
def test_a_planted_fault_is_rejected_with_its_reason_and_the_good_text_stays(fault: Fault) -> None:
    one = chain_of(fault.chain)
    world = World(passages([PROGRAM]) if one.begins == "passages" else passages())
    roots = ("p0",) if one.begins == "passages" else ()
    step = keep_of(one, fault.step)
    texts = [fault.good, *(text for text, _ in fault.bad)]
    items = [
        Item(
            f"i{number}",
            (),
            roots,
            (),
            (),
            {
                name: Value(written, "note")
                for name, written in (fault.values | {fault.field: text}).items()
            },
        )
        for number, text in enumerate(texts)
    ]
    place = next(place for place in placed(one) if place.step is step)
    made = run(items, place, 0, world, None, journals=Path())
    told = {lost.item.item_id: (lost.reason, lost.detail) for lost in made.lost}
    assert "i0" not in told, told
    expected = {f"i{number}": reason for number, (_, reason) in enumerate(fault.bad, 1)}
    assert {name: reason for name, (reason, _) in told.items()} == expected, told


def test_every_chain_of_this_file_has_a_planted_fault() -> None:
    assert {one.chain for one in FAULTS} == {*FREE, "code_to_text"}


def test_code_becomes_a_lesson_only_if_its_blocks_print_the_same(tmp_path: Path) -> None:
    one = chain_of("code_to_text")
    texts = (PROGRAM, "The fee is due in May.", "x = 1\n", "print(sum([1, 2]))\n")
    made = finished(one, tmp_path, passages(texts))
    assert sorted(item.passage_ids[0] for item in made.items) == ["p0", "p3"]
    assert made.lost.count("test_python") == 1 and made.lost.count("test_runs") == 1
    assert all(item.values["tutorial.text"].role == "gold" for item in made.items)
    assert all(item.licences for item in made.items)


def test_free_chains_run_as_stages_and_end_with_the_same_bytes(tmp_path: Path) -> None:
    asked, code = tmp_path / "questions.jsonl", tmp_path / "code.jsonl"
    asked.write_text("".join(json.dumps({"question": text}) + "\n" for text in SEEDS))
    code.write_text(json.dumps({"title": "Fees", "text": PROGRAM}) + "\n")
    source = {"path": str(asked), "question": "question", "category": "own"}
    few = [{"use": name, "where": {"most": 3}} for name in CHAINED[:3]]
    made = recipe(
        tmp_path,
        documents={"sources": [{"path": str(code), "licence": "MIT"}]},
        grounding={"max_words": 1000, "asked_all_the_same": ["no_prose"]},
        questions={"sources": [source], "problems": {}, "held_out_share": 0},
        chains=[*few, *CHAINED[3:]],
    )
    one = run_chains(made, tmp_path / "one")
    assert one == run_chains(made, tmp_path / "two")
    tables = [pq.read_table(path) for path in (tmp_path / "one").glob("questions/*/*.parquet")]
    rows_given = max(tables, key=lambda table: table.num_rows).to_pylist()
    by_chain = {row["source"] for row in rows_given}
    assert {f"chain:{name}" for name in CHAINED} <= by_chain
    told = {row["licence"] for row in rows_given if row["source"] == "chain:code_to_text"}
    assert told == {"MIT"}


def test_rounds_read_a_closed_table_and_no_question_is_like_a_seed_or_another(
    tmp_path: Path,
) -> None:
    from tasks.chains.gather import rouge_l
    from tasks.ngrams import words

    one = chain_of("self_instruct")
    texts = [item.text("question.text") for item in finished(one, tmp_path).items]
    for number, text in enumerate(texts):
        others = (*SEEDS, *texts[:number])
        assert all(rouge_l(words(text), words(other)) < 0.7 for other in others)


def test_a_new_question_that_is_like_a_seed_is_dropped_and_the_seed_is_not() -> None:
    one = chain_of("self_instruct")
    place = next(place for place in placed(one) if place.step.name == "pool")
    root = Item("q0", (), (), ("q0",), (), {"question.text": Value(SEEDS[0], "visible")})
    for number in range(20):
        text = f"How does a river delta grow over {number} centuries?"
        new = root.child("seed", {}).child("question", {"text": Value(text, "note")})
        made = run([new, root], place, number, World(passages()), None, journals=Path())
        assert [item.item_id for item in made.made] == ["q0"]


def test_a_direction_depends_on_the_item_alone_and_differs_between_levels() -> None:
    one = chain_of("evol_instruct")
    ways = [place for place in placed(one) if place.step.name == "way"]
    items = root_items(passages(), questions(), "questions", Where(), 0)
    world = World(passages())

    def directions(several: Sequence[Item], level: int) -> dict[str, str]:
        made = run(several, ways[level], 0, world, None, journals=Path()).made
        return {item.parent: item.text("way.direction") for item in made}

    assert directions(items, 0) == directions(items[::-1], 0)
    assert directions(items[:1], 0).items() <= directions(items, 0).items()
    assert directions(items, 0) != directions(items, 1)


def test_evol_complexity_has_the_directions_of_evol_instruct_without_breadth() -> None:
    def ways(name: str) -> set[str]:
        block = chain_of(name).steps[0]
        assert isinstance(block, Repeat) and block.steps[0].name == "way"
        return set(block.steps[0].model_dump()["draw"]["direction"])

    assert ways("evol_complexity") < ways("evol_instruct")


@pytest.mark.parametrize(
    ("family", "header"),
    [
        ("chatml", "<|im_start|>user\n"),
        ("llama3", "<|start_header_id|>user<|end_header_id|>\n\n"),
        ("gemma", "<start_of_turn>user\n"),
        ("phi3", "<|user|>\n"),
        ("mistral", "[INST] "),
        ("unknown", ""),
    ],
)
def test_magpie_sends_the_header_of_a_user_turn_and_nothing_else(family: str, header: str) -> None:
    change = {"header": {"draw": {"family": [family]}}}
    one = chain_of(UseChain.model_validate({"use": "magpie", "change": change}))
    world = World(passages())
    places = list(placed(one))
    items = root_items(passages(), no_questions(), "nothing", Where(most=1), 0)
    (item,) = run(items, places[0], 0, world, None, journals=Path()).made
    step = places[1].step
    assert isinstance(step, Ask) and step.raw
    assert prompt_text(item, step, world) == header


@pytest.mark.parametrize(
    "answer",
    ["What is rust?<|im_end|>\n<|im_start|>assistant\nIron oxide.", "<think>A user asks", ""],
)
def test_a_turn_with_template_tokens_or_a_cut_thought_is_not_read(answer: str) -> None:
    step = list(placed(chain_of("magpie")))[1].step
    assert isinstance(step, Ask) and isinstance(step.returns.parse(answer), Unparsed)


def test_roots_of_nothing_are_counted_and_grow_without_changing() -> None:
    few = root_items(passages(), no_questions(), "nothing", Where(most=3), 0)
    more = root_items(passages(), no_questions(), "nothing", Where(most=5), 0)
    assert more[:3] == few and len({item.item_id for item in more}) == 5
    assert len(root_items(passages(), no_questions(), "nothing", Where(), 0)) == ROOTS_OF_NOTHING


def test_a_topic_is_asked_once_even_if_it_is_named_twice(tmp_path: Path) -> None:
    for name in ("open_qa", "math", "python"):
        one = chain_of(name)
        gathers = [place.step.name for place in placed(one)]
        for asked, distinct in (("topic", "topics"), ("subtopic", "subtopics")):
            assert gathers.index(distinct) == gathers.index(asked) + 1
        place = next(place for place in placed(one) if place.step.name == "subtopics")
        twice = [
            Item(f"i{number}", (), (), (), (), {"subtopic.text": Value(text, "note")})
            for number, text in enumerate(["Salt roads", "salt roads", "Toll bridges"])
        ]
        made = run(twice, place, 0, World(passages()), None, journals=tmp_path)
        assert len(made.made) == 2 and [lost.reason for lost in made.lost] == ["alike"]


@pytest.mark.parametrize("kind", ["items", "value"])
def test_a_known_answer_cannot_be_drawn_as_a_note(kind: str) -> None:
    steps = [
        {"name": "hint", "draw": {"text": {"kind": kind, "of": "question.answer"}}},
        {"name": "question", "ask": "evolve", "sees": ["question.text", "way.direction"]},
    ]
    bad = chain(*steps, **{"from": "questions"})
    assert any("is a known answer" in fault.says for _, fault in faults([bad]))


def test_a_bound_counts_the_levels_of_a_block() -> None:
    assert bound(chain_of("evol_complexity"), 10).items == 10
    capped = bound(chain_of("self_instruct"), 100)
    assert capped.items == 100 + 200 + 200 and capped.calls == 2 * (50 + 50)
