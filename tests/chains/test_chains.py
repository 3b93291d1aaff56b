"""The mechanism of chains: draws, asks, tests and groups, and what they may not do."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from pydantic import ValidationError

from tasks import rows
from tasks.chains.chain import Ask, Chain, Draw, Gather, Keep, Placed, Where, placed
from tasks.chains.check import ROOTS, faults
from tasks.chains.draw import draw
from tasks.chains.gather import gather
from tasks.chains.give import Giver, GiveSpec, give_questions, newest
from tasks.chains.item import Item, Value, items_of, table_of
from tasks.chains.library import UseChain, built_in, chain_of
from tasks.chains.roots import root_items
from tasks.chains.step import made_of, run
from tasks.chains.world import World
from tasks.errors import BadRecipe, ChainDry, UnknownName
from tasks.held_out import DecontaminationSpec
from tasks.inference.engine import NamedModel, TeacherSpec

SCRIPTED = NamedModel("teacher", TeacherSpec(engine="scripted"))
TEXTS = (
    "A renewal costs 40 credits. Examiner Marta Lind decides on renewals within 30 days.",
    "Appeals cost 90 credits. Examiner Marta Lind hears appeals on the first Monday.",
    "A transfer of rights costs 15 credits. Examiner Paul Orr records it in the register.",
    "Late replies cost 25 credits for each week. Examiner Paul Orr may waive this fee.",
)


def passages(texts: Sequence[str] = TEXTS) -> pa.Table:
    return rows.table_of(
        [
            {
                "passage_id": f"p{number}",
                "document_id": f"d{number // 2}",
                "title": "Handbook",
                "section": f"Section {number + 1}",
                "heading": text.split(" cost")[0],
                "start": 0,
                "end": len(text),
                "text": text,
                "neighbours": [f"p{other}" for other in range(len(texts)) if other != number],
                "source": "test",
                "licence": "CC0-1.0" if number % 2 else "CC-BY-4.0",
                "category": "odd" if number % 2 else "even",
            }
            for number, text in enumerate(texts)
        ],
        rows.PASSAGES,
    )


def no_questions() -> pa.Table:
    return rows.table_of([], rows.QUESTIONS)


def roots(table: pa.Table | None = None) -> list[Item]:
    return root_items(table or passages(), no_questions(), "passages", Where(), 0)


def chain(*steps: object, **changes: object) -> Chain:
    usual = {"name": "own", "steps": list(steps), "gives": {"question": "question.text"}}
    return Chain.model_validate(usual | changes)


ASK = {"name": "question", "ask": "inspired", "returns": {"lines": 3}}
BENT = {"name": "bent", "draw": {"reader": ["a newcomer", "an expert"], "depth": ["is short"]}}
SEES = ["passage.title", "passage.heading", "passage.text", "bent.reader", "bent.depth"]


def stepped(one: Chain, items: Sequence[Item], world: World, journals: Path) -> list[list[Item]]:
    """Return the items after each step of a chain."""
    after = []
    for place in placed(one):
        made = run(items, place, one.seed, world, SCRIPTED, journals=journals)
        items = made.made
        after.append(list(items))
    return after


def test_a_draw_depends_on_the_item_alone() -> None:
    step = Draw.model_validate({"name": "d", "draw": {"a": ["x", "y", "z"], "b": {"u": 1, "v": 3}}})
    world, items = World(passages()), roots()
    forward = {own[0].item_id: own[0].values for own in draw(items, step, 7, world)}
    backward = {own[0].item_id: own[0].values for own in draw(items[::-1], step, 7, world)}
    alone = draw(items[2:3], step, 7, world)[0][0]
    assert forward == backward and forward[alone.item_id] == alone.values


@pytest.mark.parametrize("count", [3, 10, 17])
def test_exact_shares_are_exact(count: int) -> None:
    weights = {"a": 1.0, "b": 2.0, "c": 4.0}
    step = Draw(name="d", draw={"kind": weights}, exact=True)
    several = passages([f"Fact {number} is known." for number in range(count)])
    made = draw(roots(several), step, 1, World(several))
    drawn = [own[0].text("d.kind") for own in made]
    for value, weight in weights.items():
        assert abs(drawn.count(value) - count * weight / 7) < 1


def test_paths_join_passages_that_share_a_name_and_know_their_answer() -> None:
    step = Draw.model_validate({"name": "hop", "draw": {"path": {"kind": "paths", "most": 9}}})
    world = World(passages())
    made = draw(roots(), step, 0, world)
    first = {one.text("hop.answer") for one in made[0]}
    assert first == {"90 credits"}
    for own in made:
        for one in own:
            start, end = (world.passage(one_id)["text"] for one_id in one.passage_ids)
            assert one.text("hop.bridge") in start and one.text("hop.bridge") in end
            assert one.text("hop.answer") in end and one.text("hop.answer") not in start
            assert one.values["hop.answer"].role == "gold"


def test_near_names_occur_in_no_document() -> None:
    step = Draw.model_validate({"name": "n", "draw": {"name": {"kind": "near_names", "most": 3}}})
    world = World(passages())
    made = [one.text("n.name") for own in draw(roots(), step, 0, world) for one in own]
    assert made and not any(world.occurs(name) for name in made)


def test_a_chain_makes_the_same_items_in_any_order_and_asks_nothing_twice(tmp_path: Path) -> None:
    one = chain(BENT, ASK | {"sees": SEES})
    world, items = World(passages()), roots()
    made = stepped(one, items, world, tmp_path)[-1]
    again = stepped(one, items[::-1], world, tmp_path / "other")[-1]
    assert made and {item.item_id for item in made} == {item.item_id for item in again}
    place = list(placed(one))[1]
    parents = stepped(chain(BENT), items, world, tmp_path)[-1]
    second = run(parents, place, one.seed, world, SCRIPTED, journals=tmp_path)
    assert second.answered and second.answered.answers and not second.answered.requests


def test_an_answer_that_cannot_be_read_is_asked_again_and_then_rejected(tmp_path: Path) -> None:
    texts = [f"Form {number} costs {number} credits and is due in May." for number in range(60)]
    table = passages(texts)
    world, items = World(table), roots(table)
    for attempts in (1, 3):
        one = chain(BENT, ASK | {"sees": SEES, "attempts": attempts})
        parents = stepped(chain(BENT), items, world, tmp_path)[-1]
        made = run(parents, list(placed(one))[1], 0, world, SCRIPTED, journals=tmp_path)
        lost = {item.reason for item in made.lost}
        assert all(reason.startswith("unparsed_") for reason in lost)
        assert len({item.parent for item in made.made}) + len(made.lost) == len(items)
        assert bool(made.lost) == (attempts == 1)


def test_a_model_that_never_answers_in_form_is_not_asked_for_everything(tmp_path: Path) -> None:
    table = passages([f"Item {number} is blue." for number in range(100)])
    one = chain(
        {"name": "question", "ask": "inspired", "sees": SEES, "returns": {"json": {"a": "string"}}}
    )
    place = next(iter(placed(one)))
    made = run(roots(table), place, 0, World(table), SCRIPTED, journals=tmp_path)
    reasons = [lost.reason for lost in made.lost]
    assert reasons.count("not_asked") == 68 and len(reasons) == 100
    with pytest.raises(ChainDry, match="step 'question' kept none of 100 items") as caught:
        raise made_of(made, place, one, roots(table)).refused or AssertionError
    assert "not_asked" in str(caught.value) and "unparsed_" in str(caught.value)


def item(number: int, text: str, *, root: str = "p0", **values: str) -> Item:
    written = {"question.text": Value(text, "note")}
    written |= {name.replace("__", "."): Value(one, "note") for name, one in values.items()}
    return Item(f"i{number:02}", (root,), (root,), (), ("CC0-1.0",), written)


@pytest.mark.parametrize(
    ("test", "good", "bad"),
    [
        ({"test": "one_question"}, "What does a renewal cost?", "It costs 40 credits."),
        ({"test": "one_question"}, "Who decides on appeals?", "Who decides? When is it due?"),
        ({"test": "one_question"}, "When is a reply due?", "And when is it due?"),
        ({"test": "no_document_words"}, "What does a renewal cost?", "What does the passage say?"),
        ({"test": "no_document_words"}, "Who hears appeals?", "According to the text, who hears?"),
        ({"test": "no_document_words"}, "What is a table of fees for?", "What is in Table 2?"),
        ({"test": "words", "least": 3, "most": 6}, "What does it cost?", "What?"),
        ({"test": "numbers_from_passage"}, "Who takes 40 credits?", "Who takes 41 credits?"),
        ({"test": "names_from_passage"}, "What does Marta Lind do?", "What does Marta Bloom do?"),
        ({"test": "copied", "most": 0.5}, "What is the price of it?", TEXTS[0]),
        ({"test": "present"}, "renewal costs 40", "renewal costs 50"),
        ({"test": "absent", "of": "question.text"}, "Examiner Ada Vale", "Examiner Marta Lind"),
        ({"test": "absent", "of": "question.text"}, "Examiner Ada Vale", "Examiner Marta Linde"),
        ({"test": "no_labels", "words": ["deepen"]}, "Who decides?", "Deepen: who decides?"),
    ],
)
def test_each_test_keeps_the_good_and_drops_the_bad(
    test: dict[str, object], good: str, bad: str
) -> None:
    step = Keep.model_validate({"name": "k", "keep": [test]})
    world = World(passages())
    made = run(
        [item(0, good), item(1, bad)],
        Placed("k", step),
        0,
        world,
        None,
        journals=Path(),
    )
    assert [one.item_id for one in made.made] == ["i00"]
    assert [(one.reason, bool(one.detail)) for one in made.lost] == [(f"test_{test['test']}", True)]


def test_groups_are_capped_by_draw_and_keep_their_order() -> None:
    step = Gather(name="g", gather="cap", by="passage", most=2)
    items = [item(n, f"Question {n}?", root=f"p{n % 2}") for n in range(8)]
    world = World(passages())
    kept = gather(items, step, 3, world).kept
    assert [one.item_id for one in kept] == sorted(one.item_id for one in kept)
    assert [one.passage_ids[0] for one in kept].count("p0") == 2
    other = gather(items[::-1], step, 3, world).kept
    assert {one.item_id for one in kept} == {one.item_id for one in other}


def test_of_two_twins_exactly_one_stays() -> None:
    step = Gather(name="g", gather="distinct", by="all", of="question.text", alike=0.7)
    items = [item(0, "What does a renewal cost today?"), item(1, "What does a renewal cost now?")]
    gathered = gather([*items, item(2, "Who hears appeals?")], step, 0, World(passages()))
    assert len(gathered.kept) == 2 and gathered.lost[0].reason == "alike"


@pytest.mark.parametrize(
    ("votes", "kept"),
    [(["40", "40", "41"], "40"), (["40", "41"], None), (["", "", "40"], "40"), (["", ""], None)],
)
def test_a_majority_needs_its_share_and_abstentions_are_no_votes(
    votes: list[str], kept: str | None
) -> None:
    step = Gather(name="g", gather="majority", by="passage", of="question.text", margin=1)
    items = [item(number, vote) for number, vote in enumerate(votes)]
    gathered = gather(items, step, 0, World(passages()))
    assert [one.text("question.text") for one in gathered.kept] == ([kept] if kept else [])
    assert len(gathered.kept) + len(gathered.lost) == len(items)


def test_a_level_that_fails_leaves_its_parent_usable() -> None:
    base = [item(0, "A?"), item(1, "B?")]
    way = base[0].child("way", {"direction": Value("deepen", "note")})
    grown = way.child("question", {"text": Value("A, in detail?", "note")})
    levels = [table_of(base), table_of([grown])]
    newer = [one.text("question.text") for one in newest(levels, every_level=False)]
    assert sorted(newer) == ["A, in detail?", "B?"]
    assert len(newest(levels, every_level=True)) == 3


def test_items_survive_their_table() -> None:
    items = [item(0, "A?", hop__answer="40"), *roots()]
    assert items_of(table_of(items)) == items


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": [ASK | {"sees": ["passage.colour"]}]}, "unknown value 'passage.colour'"),
        ({"steps": [ASK | {"sees": ["passage.text"]}]}, "is hidden"),
        ({"steps": [BENT], "gives": {"question": "bent.reader"}}, "drawn note"),
        ({"steps": [BENT, BENT], "gives": {"question": "bent.reader"}}, "two steps"),
        ({"from": "nowhere"}, "unknown 'nowhere'"),
        ({"from": "own"}, "begins with itself"),
        ({"name": "questions"}, "is what a chain can begin with"),
        ({"from": "questions"}, "unknown value 'passage."),
        (
            {"from": "questions", "gives": {"question": "question.text", "shown": "passages"}},
            "no passages to show",
        ),
    ],
)
def test_a_chain_with_a_fault_is_refused_with_its_place(
    changes: dict[str, object], says: str
) -> None:
    good = chain(BENT, ASK | {"sees": SEES})
    assert list(faults([good])) == []
    tree = {"name": "own", "steps": [BENT, ASK | {"sees": SEES}]}
    bad = Chain.model_validate(tree | {"gives": {"question": "question.text"}} | changes)
    found = [fault for _, fault in faults([bad])]
    assert any(says in fault.says for fault in found), found
    assert all(fault.where for fault in found)


def test_a_call_that_saw_the_answer_cannot_write_the_question_not_even_through_another() -> None:
    hop = {"name": "hop", "draw": {"path": {"kind": "paths"}}}
    hint = {"name": "hint", "ask": "inspired", "sees": [*SEES, "hop.answer"]}
    asked = ASK | {"sees": [*SEES, "hint.text"]}
    bad = chain(BENT, hop, hint, asked)
    assert any("sees the known answer" in fault.says for _, fault in faults([bad]))
    allowed = chain(
        BENT, hop, hint, asked, gives={"question": "question.text", "question_from_gold": True}
    )
    assert list(faults([allowed])) == []


def test_what_a_chain_hides_stays_hidden_from_the_chain_that_continues_it() -> None:
    hop = {"name": "hop", "draw": {"path": {"kind": "paths"}}}
    hint = {"name": "hint", "ask": "inspired", "sees": [*SEES, "hop.answer"]}
    first = chain(BENT, hop, hint, ASK | {"sees": SEES}, name="first")
    again = ASK | {"sees": [*SEES, "hint.text"]}
    assert list(faults([first])) == []
    leaking = chain(again, **{"from": "first"})
    assert any("sees the known answer" in fault.says for _, fault in faults([first, leaking]))
    note = chain(ASK | {"sees": SEES}, **{"from": "first", "gives": {"question": "bent.reader"}})
    assert any("drawn note" in fault.says for _, fault in faults([first, note]))
    sound = chain(ASK | {"sees": SEES}, **{"from": "first"})
    assert list(faults([first, sound])) == []


def test_unknown_chains_steps_and_files_are_told() -> None:
    with pytest.raises(UnknownName, match="inspired"):
        chain_of("inspierd")
    with pytest.raises(BadRecipe, match="does not exist"):
        chain_of("missing/own.yaml")
    with pytest.raises(BadRecipe, match="has no step questoin"):
        chain_of(UseChain(use="inspired", change={"questoin": {"samples": 2}}))
    with pytest.raises(ValidationError, match="a step has a name and one of: draw, ask, keep"):
        chain(BENT, {"name": "x", "aks": "inspired"})


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_chain_passes_the_check_and_names_its_method(name: str) -> None:
    one = chain_of(name)
    assert one.name == name and one.method
    before = [] if one.begins in ROOTS else [chain_of(one.begins)]
    assert list(faults([*before, one])) == []


def test_a_chain_gives_questions_with_lineage_licences_and_without_what_is_held_out() -> None:
    held = {
        "question_id": "h",
        "text": "Which bridge did the two northern trains meet at around noon yesterday?",
        "accepted": [],
        "answer_type": "text",
        "category": "bench",
        "split": "train",
        "source": "",
        "licence": "",
        "passage_ids": [],
        "lineage": [],
        "notes": [],
    }
    probe = rows.table_of([held], rows.QUESTIONS)
    items = [
        item(0, "What does a renewal cost?", bent__reader="a newcomer"),
        item(1, "what does a renewal COST?"),
        item(2, str(held["text"])),
        item(3, " "),
        item(4, "Does it cost 40 credits?", hop__answer="40 credits"),
    ]
    gives = chain(
        BENT,
        ASK | {"sees": SEES},
        gives={"question": "question.text", "gold": "hop.answer", "question_from_gold": True},
    ).gives
    own = Giver(gives=gives, drawn=("bent.reader",))
    spec = GiveSpec(chains={"own": own}, decontamination=DecontaminationSpec())
    made = give_questions(no_questions(), probe, {"own": items}, spec)
    (kept,) = made.parts["questions"].to_pylist()
    assert kept["lineage"] == ["p0", "i00"] and kept["passage_ids"] == ["p0"]
    assert kept["licence"] == "CC0-1.0" and kept["notes"] == ["a newcomer"]
    assert made.rejected["reason"].to_pylist() == [
        "duplicate_question",
        "contaminated",
        "empty_question",
        "gives_the_answer_away",
    ]


def test_a_threshold_or_a_better_parser_asks_nothing_again(tmp_path: Path) -> None:
    one = chain(BENT, ASK | {"sees": SEES})
    world, items = World(passages()), roots()
    stepped(one, items, world, tmp_path)
    fewer = chain(BENT, ASK | {"sees": SEES, "returns": {"lines": 1}})
    parents = stepped(chain(BENT), items, world, tmp_path)[-1]
    made = run(parents, list(placed(fewer))[1], 0, world, SCRIPTED, journals=tmp_path)
    assert made.made and made.answered and made.answered.requests == 0


def test_the_funnel_of_a_step_counts_everything(tmp_path: Path) -> None:
    one = chain(BENT, ASK | {"sees": SEES})
    world = World(passages())
    parents = stepped(chain(BENT), roots(), world, tmp_path)[-1]
    place = list(placed(one))[1]
    made = made_of(run(parents, place, 0, world, SCRIPTED, journals=tmp_path), place, one, parents)
    made.attach(tmp_path)
    funnel = json.loads((tmp_path / "funnel.json").read_text())
    assert funnel["offered"] == 4 and funnel["asked"] >= 4 and funnel["tokens"] > 0
    assert funnel["made"] == made.rows
    assert isinstance(place.step, Ask)
