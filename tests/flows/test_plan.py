"""What is told of a recipe before anything is embedded or asked."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.plan import bands, names, shares, wording
from flows.plan.capacity import overdrawn, thin_control
from flows.plan.cost import Speed, cost, measured, too_much
from flows.plan.fault import Fault, RecipeFaults, did_you_mean, percent, refuse, unknown
from flows.plan.plan import OF_SETTINGS, Check, of_settings, of_supply, outlook
from flows.plan.supply import NEAR, Supply, read, stand_ins
from flows.plan.tokens import counter
from flows.plan.window import REFUSED_SHARE, lengths, too_long
from flows.recipes.corpus import Recipe
from flows.recipes.load import load_recipe, read_recipe
from flows.recipes.models import teachers
from tasks.errors import BadRecipe
from tasks.inference.chat import prompt_tokens
from tasks.inference.engine import TeacherSpec
from tasks.inference.models import POCKET, resolve
from tasks.prompts.plan import PassageView, Planned, Producer, Question, Visible
from tests.support.builders import passage, write_rulebook

BENCH = {"path": "builtin:patent_irac", "category": "bench", "held_out": True}
RECIPES = sorted((Path(__file__).parents[2] / "deployments" / "recipes").glob("*.yaml"))


TWO_TEACHERS: dict[str, Any] = {
    "models__second": {"temperature": 0.1},
    "traces__models": ["teacher", "second"],
}


def sound(**changes: Any) -> Recipe:
    """Return a recipe without a fault, laid over with changes, each a dotted path with __ for dots."""
    tree: dict[str, Any] = {
        "name": "sound",
        "documents": {"sources": [{"path": "builtin:handbook", "category": "manual"}]},
        "questions": {"problems": {"addition": 60}},
        "prompts": {
            "rows": 40,
            "control": 0.5,
            "families": [
                {"name": "rules", "share": 88, "categories": ["manual"], "forms": ["What is {topic}?"]},
                {"name": "sums", "share": 12, "ground": "questions", "template": "plain", "categories": ["addition"],
                 "general": True},
            ],
        },
        "models": {"teacher": {}},
        "traces": {"samples": 2},
        "corpus": {"suite": {"min_rows": 10, "general_min": 0.1, "general_max": 0.15}},
    }  # fmt: skip
    for path, value in changes.items():
        _set(tree, path.split("__"), value)
    return Recipe.model_validate(tree)


def _set(tree: Any, path: list[str], value: Any) -> None:
    *above, last = path
    for part in above:
        tree = tree[int(part)] if isinstance(tree, list) else tree.setdefault(part, {})
    if isinstance(tree, list):
        tree[int(last)] = value
    else:
        tree[last] = value


def only(check: Check, recipe: Recipe) -> Fault:
    (fault,) = check(recipe)
    return fault


def test_a_sound_recipe_has_no_fault_and_no_warning() -> None:
    assert of_settings(sound()) == []
    found = outlook(sound(), Path("no-such-store"))
    assert found.faults == ()


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_that_ships_has_no_fault_but_corpora_and_a_model_that_are_not_here(
    path: Path,
) -> None:
    stopping = [fault for fault in of_settings(load_recipe(path)) if fault.stops]
    others = {fault.where for fault in stopping if not fault.where.endswith(".path")}
    assert others <= ({"models.trial.model"} if path.stem == "trial" else set())


@pytest.mark.parametrize(
    ("check", "changes", "where", "says", "stops"),
    [
        (
            bands.bands,
            {"corpus__suite__think_min": 900, "corpus__suite__think_max": 800},
            "corpus.suite.think_min",
            "900 is larger than think_max 800",
            True,
        ),
        (
            bands.bands,
            {"corpus__suite__general_min": 0.2},
            "corpus.suite.general_min",
            "0.2 is larger than general_max 0.15",
            True,
        ),
        (
            bands.bands,
            {"grounding": {"min_words": 200}},
            "grounding.min_words",
            "200 is larger than max_words 150",
            True,
        ),
        (
            bands.think_bands,
            {"corpus__suite__think_min": 30_000, "corpus__suite__think_max": 40_000},
            "corpus.suite",
            "no row can pass both",
            True,
        ),
        (
            bands.think_bands,
            {"corpus__suite__think_min": 100},
            "corpus.suite.think_min",
            "set corpus.suite.think_min to 40",
            True,
        ),
        (
            bands.think_bands,
            {"corpus__suite__think_max": 9000},
            "corpus.suite.think_max",
            "one row outside the suite's band fails",
            True,
        ),
        (
            bands.reachable_thoughts,
            {"verdicts": {"structure": {"think_min": 2000}}},
            "models.teacher.max_tokens",
            "about 1,600 characters",
            False,
        ),
        (
            bands.reachable_thoughts,
            {"verdicts": {"structure": {"think_min": 9000}}},
            "models.teacher.max_tokens",
            "wants think blocks of 9,000",
            True,
        ),
        (
            bands.windows,
            {"models__teacher": {"max_tokens": 1024}},
            "models.teacher.max_tokens",
            "leaves no room for a prompt",
            True,
        ),
        (
            bands.windows,
            {"models__judge": {"max_tokens": 5000}, "coherence": {"share": 0.1, "model": "judge"}},
            "models.judge.max_tokens",
            "leaves no room",
            True,
        ),
        (
            bands.windows,
            {"models__large": {"max_tokens": 5000}, "measure": {"candidates": ["large"]}},
            "models.large.max_tokens",
            "leaves no room",
            True,
        ),
        (
            bands.windows,
            {"probe": {"asked": {"max_tokens": 5000}}},
            "probe.asked.max_tokens",
            "leaves no room",
            True,
        ),
        (
            bands.training_window,
            {"train": {"encode": {"max_length": 64}}},
            "train.encode.max_length",
            "the training accepts 64",
            False,
        ),
        (
            bands.training_batch,
            {"train": {"batch": 10}, "placement": {"train": {"micro_batch": 4}}},
            "placement.train.micro_batch",
            "not a multiple",
            True,
        ),
        (
            shares.families_there,
            {"prompts__families": []},
            "prompts.families",
            "no family is named",
            True,
        ),
        (
            shares.same_names,
            {"prompts__families__1__name": "rules"},
            "prompts.families",
            "2 families are named 'rules'",
            True,
        ),
        (
            shares.family_shares,
            {"prompts__families__1__share": 1},
            "prompts.families.1.share",
            "'sums' gets no prompt",
            True,
        ),
        (
            shares.family_shares,
            {"prompts__families__1__share": 0.12, "prompts__rows": 2000},
            "prompts.families",
            "run from 0.12 to 88",
            False,
        ),
        (
            shares.quota_names,
            {"corpus__quotas": {"rulse": 0.9}},
            "corpus.quotas.rulse",
            "did you mean rules?; known: rules, sums",
            True,
        ),
        (
            shares.quota_names,
            {"verdicts": {"evidence": {"open": ["claims"]}}},
            "verdicts.evidence.open.0",
            "unknown family 'claims'",
            True,
        ),
        (
            shares.quota_shares,
            {"corpus__quotas": {"rules": 80}},
            "corpus.quotas.rules",
            "80 is not between 0 and 1",
            True,
        ),
        (
            shares.quota_shares,
            {"corpus__quotas": {"rules": 0}},
            "corpus.quotas.rules",
            "0 is not between 0 and 1",
            True,
        ),
        (
            shares.quota_shares,
            {"corpus__quotas": {"rules": 0.5, "sums": 0.1}},
            "corpus.quotas",
            "add up to 0.60",
            True,
        ),
        (
            shares.general_rows,
            {"prompts__families__1__general": False},
            "corpus.suite.general_min",
            "no family is marked general",
            True,
        ),
        (
            shares.general_rows,
            {"prompts__families__0__general": True},
            "corpus.suite.general_max",
            "all families are general",
            True,
        ),
        (
            shares.general_rows,
            {"prompts__families__1__share": 4},
            "corpus.suite.general_min",
            "4.3 % of the prompts are general",
            False,
        ),
        (
            shares.general_rows,
            {"prompts__families__1__share": 60},
            "corpus.suite.general_max",
            "left out (over_quota)",
            False,
        ),
        (
            shares.checked_rows,
            {"corpus__suite__verified_min": 0.5},
            "corpus.suite.verified_min",
            "12 % of the prompts",
            False,
        ),
        (
            shares.checked_rows,
            {"corpus__suite__verified_min": 0.5, "prompts__families": [{"name": "b", "share": 1}]},
            "corpus.suite.verified_min",
            "0 % of",
            True,
        ),
        (
            shares.enough_rows,
            {"corpus__suite__min_rows": 41},
            "corpus.suite.min_rows",
            "40 prompts give at most 40",
            True,
        ),
        (
            shares.enough_rows,
            {"corpus__suite__min_rows": 30, "prompts__families__1__share": 88},
            "corpus.suite.min_rows",
            "leaves at most 23",
            True,
        ),
        (
            shares.enough_rows,
            {"corpus__suite__min_rows": 39},
            "corpus.suite.min_rows",
            "39 of at most 40 rows must pass",
            False,
        ),
        (
            shares.wanted_rows,
            {"measure": {"accepted_rows": 500}},
            "measure.accepted_rows",
            "at most 40",
            False,
        ),
        (
            names.problem_names,
            {"questions__problems": {"additon": 60}},
            "questions.problems.additon",
            "did you mean addition?",
            True,
        ),
        (
            names.problem_names,
            {"questions__problems": {"addition": 10**9}},
            "questions.problems.addition",
            "without repetition",
            True,
        ),
        (
            names.problem_names,
            {"probe": {"questions": {"problems": {"dates": 3}}}},
            "probe.questions.problems.dates",
            "did you mean date?",
            True,
        ),
        (
            names.categories,
            {"prompts__families__0__categories": ["manaul"]},
            "prompts.families.0.categories.0",
            "did you mean manual?; known: manual",
            True,
        ),
        (
            names.categories,
            {"prompts__families__1__categories": []},
            "prompts.families.1.categories",
            "names no category; known: addition",
            True,
        ),
        (
            names.categories,
            {"prompts__families__1__categories": ["date"]},
            "prompts.families.1.categories.0",
            "add it to the problems",
            True,
        ),
        (
            names.categories,
            {"prompts__families__1__categories": ["bench"], "questions__sources": [BENCH]},
            "prompts.families.1.categories.0",
            "are held out, so none can be asked",
            True,
        ),
        (
            names.unused,
            {
                "documents__sources": [
                    {"path": "builtin:handbook", "category": one} for one in ("manual", "papers")
                ]
            },
            "documents.sources.1.category",
            "'papers'; they are read without use",
            False,
        ),
        (
            names.unused,
            {"questions__problems": {"addition": 60, "date": 4}},
            "questions",
            "category 'date'",
            False,
        ),
        (
            names.places_there,
            {"documents__sources__0__path": "builtin:handbok"},
            "documents.sources.0.path",
            "did you mean builtin:handbook?",
            True,
        ),
        (
            names.places_there,
            {"documents__sources__0__path": str(POCKET / "READM.md")},
            "documents.sources.0.path",
            "did you mean README.md?",
            True,
        ),
        (
            names.models_there,
            {"models__teacher": {"model": "./no/such"}},
            "models.teacher.model",
            "the folder no/such is not there",
            True,
        ),
        (
            names.models_there,
            {"models__teacher": {"model": "builtin:poket"}},
            "models.teacher.model",
            "did you mean builtin:pocket?",
            True,
        ),
        (
            names.models_there,
            {"models__teacher": {"engine": "endpoint"}},
            "models.teacher.model",
            "does not serve builtin:pocket",
            True,
        ),
        (
            names.embeddings,
            {"corpus__embedding": "other"},
            "corpus.embedding",
            "only vectors of the same model",
            True,
        ),
        (
            names.rubrics,
            {"coherence": {"share": 0.1, "rubric": "my.jinja"}},
            "coherence.rubric",
            "is not there",
            True,
        ),
        (
            names.neighbours,
            {"prompts__families__0__context": 9},
            "prompts.families.0.context",
            "keeps 4",
            False,
        ),
        (
            names.engine_and_address,
            {"placement": {"models": {"teacher": {"base_url": "http://a/v1"}}}},
            "placement.models.teacher.base_url",
            "set it to endpoint",
            False,
        ),
        (
            names.unused_names,
            {"models__idle": {}},
            "models.idle",
            "no section uses this model",
            False,
        ),
        (
            names.one_chosen,
            {**TWO_TEACHERS, "measure__budget_hours": 8},
            "measure.budget_hours",
            "traces.models names 2",
            True,
        ),
        (
            names.repeated_teachers,
            {"models__second": {}, "traces__models": ["teacher", "second"]},
            "traces.models.1",
            "'second' gives the same answers as 'teacher'",
            True,
        ),
        (
            names.surprised_teachers,
            {"models__teacher": {"engine": "scripted"}, "audit__surprise__traces": 10},
            "audit.surprise.traces",
            "the scripted engine has no model",
            True,
        ),
        (
            names.surprised_teachers,
            {"prompts__control": 0, "audit__surprise__traces": 10},
            "audit.surprise.traces",
            "surprise needs control prompts",
            True,
        ),
        (
            names.surprised_teachers,
            {**TWO_TEACHERS, "audit__surprise__traces": 10},
            "audit.surprise.traces",
            "scored by the model that wrote them",
            True,
        ),
        (
            wording.forms,
            {"prompts__families__0__forms": ["Of {topics}, {topic}?"]},
            "prompts.families.0.forms.0",
            "{topics}; did you mean topic?",
            True,
        ),
        (
            wording.forms,
            {"prompts__families__0__forms": ["Of {{topic}}?"]},
            "prompts.families.0.forms.0",
            "has two braces",
            True,
        ),
        (
            wording.forms,
            {"prompts__families__0__forms": ["Of {topic}?"] * 2},
            "prompts.families.0.forms",
            "the same form twice",
            False,
        ),
        (
            wording.ignored_forms,
            {"prompts__families__1__forms": ["Of {topic}?"]},
            "prompts.families.1.forms",
            "its forms are not used",
            False,
        ),
        (
            wording.templates,
            {"prompts__families__0__template": "closed"},
            "prompts.families.0.template",
            "unknown template 'closed'",
            True,
        ),
        (
            wording.templates,
            {"prompts__families__0__template": "my.jinja"},
            "prompts.families.0.template",
            "does not exist",
            True,
        ),
        (
            wording.templates,
            {"prompts__families__0__template": "plain"},
            "prompts.families.0.template",
            "shows no passages",
            False,
        ),
    ],
)
def test_a_fault_of_the_settings_is_told_with_its_place(
    check: Check, changes: dict[str, Any], where: str, says: str, stops: bool
) -> None:
    fault = only(check, sound(**changes))
    assert (fault.where, fault.stops) == (where, stops)
    assert says in fault.says
    assert check in OF_SETTINGS


@pytest.mark.parametrize("form", ["Solve \\frac{a}{bc} for {topic}.", "x^{ab}_{cd} of {topic}?"])
def test_braces_of_a_formula_are_no_field(form: str) -> None:
    assert list(wording.forms(sound(prompts__families__0__forms=[form]))) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{{ passages[0].text }}", "does not show the question"),
        ("{{ question }} {{ topic }}", "uses topic, which nothing fills"),
        ("{{ qestion }} {{ passages }}", "did you mean question?"),
        (
            "{{ question }} {% for one in passages %}{{ one.title }}{% endfor %}",
            "section, heading, text",
        ),
        ("{{ question", "does not parse"),
    ],
)
def test_a_template_of_ones_own_is_tried_before_the_night(
    tmp_path: Path, text: str, says: str
) -> None:
    path = tmp_path / "own.jinja"
    path.write_text(text)
    fault = only(wording.templates, sound(prompts__families__0__template=str(path)))
    assert fault.stops and says in fault.says


def supply(**changes: Any) -> Supply:
    usual: dict[str, Any] = {
        "documents": 2,
        "passages": tuple(passage(n, category="manual") for n in range(100)),
        "questions": tuple(Question(f"q{n}", f"{n}?", "addition") for n in range(30)),
        "probe_questions": tuple(
            Question(f"{name}{n}", "?", name)
            for name in ("addition", "equation", "date", "irac", "rulebook")
            for n in range(30)
        ),
        "answered": frozenset(f"q{n}" for n in range(30)),
    }
    return Supply(**usual | changes)


@pytest.mark.parametrize(
    ("changes", "given", "where", "says"),
    [
        (
            {"prompts__rows": 90},
            {},
            "prompts.families.0",
            "79 rows asked, 60 allowed of 100 possible (100 passages of manual x 1 forms",
        ),
        (
            {"prompts__families__1__share": 88},
            {},
            "prompts.families.1",
            "20 rows asked, 18 allowed of 30 possible (30 questions of addition",
        ),
        (
            {},
            {"passages": ()},
            "prompts.families.0",
            "there is no section of manual in 2 documents",
        ),
        (
            {"probe": {"prompts": {"rows": 200}}},
            {},
            "probe.prompts.families.2",
            "75 rows asked, 30 allowed of 30",
        ),
    ],
)
def test_an_overdrawn_family_is_told_from_counts_with_what_would_fit(
    changes: dict[str, Any], given: dict[str, Any], where: str, says: str
) -> None:
    faults = list(overdrawn(sound(**changes), supply(**given)))
    assert where in [fault.where for fault in faults]
    fault = next(one for one in faults if one.where == where)
    assert fault.stops and says in fault.says


def test_the_rows_that_an_overdrawn_fault_names_would_fit() -> None:
    fault = next(overdrawn(sound(prompts__rows=90), supply()))
    rows = int(fault.says.partition("set prompts.rows to ")[2].split()[0])
    assert rows < 90
    assert list(overdrawn(sound(prompts__rows=rows), supply())) == []


def test_what_was_not_read_is_not_judged() -> None:
    recipe = sound(documents__sources__0__path="hub:a/b", prompts__rows=40)
    found = read(recipe, Path("no-such-store"))
    assert [one.reason for one in found.supply.unread] == ["it comes from a hub"]
    assert list(overdrawn(recipe, found.supply)) == []


def test_a_control_arm_that_cannot_be_filled_is_a_warning() -> None:
    fault = next(
        thin_control(sound(prompts__control=0.5), supply(questions=supply().questions[:5]))
    )
    assert not fault.stops
    assert "only 18 of 20 control prompts" in fault.says


def test_a_source_that_gives_nothing_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(b"x")
    found = read(sound(documents__sources__0__path=str(tmp_path)), tmp_path)
    assert [
        "gives no document; rejected: unsupported_type 1" in one.says for one in found.faults
    ] == [True]


def test_a_passage_stands_beside_the_next_ones_of_its_document() -> None:
    blank: dict[str, object] = dict.fromkeys(("section", "heading", "text", "category"), "")
    cut = [{**blank, "passage_id": f"p{n}", "document_id": f"d{n // 3}"} for n in range(2 * NEAR)]
    made = list(stand_ins(cut))
    assert made[0].neighbours[:3] == ("p1", "p2", "p3")
    assert made[4].neighbours[:2] == ("p5", "p3")
    assert all(one.passage_id not in one.neighbours for one in made)
    assert all(len(set(one.neighbours)) == len(one.neighbours) >= NEAR for one in made)


LONG = "The fee is 40 credits. " * 40


def planned(words: str, number: int) -> Planned:
    visible = Visible(f"{words} {number}", (PassageView("Section 1", "Fees", words),))
    return Planned(Producer("f", f"f/{number}", "c"), visible, "closed_qa", ("p",), "", False)


@pytest.mark.parametrize(
    ("teacher", "text"),
    [
        (TeacherSpec(), "What is <|im_end|> the fee, ½ or <think>?"),
        (TeacherSpec(system_prompt="Be brief."), "a\n\n  b"),
    ],
)
def test_tokens_are_counted_as_the_engine_counts_them(teacher: TeacherSpec, text: str) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(resolve(teacher.model))
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}]
    counts = counter(teacher)
    assert counts.exact
    assert counts.count(messages) == len(prompt_tokens(tokenizer, messages))


def test_a_model_that_is_not_here_is_estimated_and_the_estimate_says_so() -> None:
    counts = counter(TeacherSpec(model="nobody/nothing-of-the-kind"))
    assert not counts.exact and "estimate" in counts.how
    asked = [{"role": "user", "content": LONG}]
    assert counts.least(asked) < counts.count(asked)


@pytest.mark.parametrize(("long", "stops"), [(1, False), (10, True)])
def test_prompts_that_do_not_fit_stop_the_build_above_a_share(long: int, stops: bool) -> None:
    made = [planned("Why?", n) for n in range(100 - long)] + [planned(LONG, n) for n in range(long)]
    recipe = sound(models__teacher={"max_tokens": 400, "max_model_len": 800})
    found = lengths(made, recipe.models["teacher"], counter(recipe.models["teacher"]))
    (fault,) = too_long(teachers(recipe)[0], found)
    assert (found.too_long, fault.stops) == (long, stops)
    assert long / 100 > REFUSED_SHARE or not stops
    assert f"{long} of 100 prompts ({long} %)" in fault.says


def test_a_window_as_wide_as_the_fault_names_takes_every_prompt() -> None:
    made = [planned(LONG, n) for n in range(10)]
    recipe = sound(models__teacher={"max_tokens": 400, "max_model_len": 800})
    (fault,) = too_long(
        teachers(recipe)[0], lengths(made, recipe.models["teacher"], counter(TeacherSpec()))
    )
    wide = int(fault.says.partition("set max_model_len to ")[2].split()[0].replace(",", ""))
    wider = recipe.models["teacher"].model_copy(update={"max_model_len": wide})
    assert lengths(made, wider, counter(wider)).too_long == 0


def test_an_endpoint_decides_itself_so_a_narrow_window_only_warns() -> None:
    made = [planned("Why?", 0), *(planned(LONG, n) for n in range(1, 10))]
    recipe = sound(models__teacher={"engine": "endpoint", "model": "m", "max_tokens": 900})
    teacher = recipe.models["teacher"]
    (fault,) = too_long(teachers(recipe)[0], lengths(made, teacher, counter(teacher)))
    assert not fault.stops and "the server cuts or rejects them" in fault.says


def test_a_window_of_an_endpoint_that_holds_no_prompt_at_all_stops_the_build() -> None:
    recipe = sound(models__teacher={"engine": "endpoint", "model": "m", "max_model_len": 410})
    teacher = teachers(recipe)[0]
    count = counter(teacher.model)
    (fault,) = too_long(
        teacher, lengths([planned(LONG, n) for n in range(9)], teacher.model, count)
    )
    assert fault.stops and "no prompt fits" in fault.says
    mixed = [planned("Why?", 1), *(planned(LONG, n) for n in range(9))]
    wide = teacher._replace(model=teacher.model.model_copy(update={"max_model_len": 600}))
    (fault,) = too_long(wide, lengths(mixed, wide.model, count))
    assert not fault.stops


def test_the_scripted_teacher_rejects_as_many_as_the_plan_says(tmp_path: Path) -> None:
    import asyncio

    from tasks.inference.engine import Ask
    from tasks.inference.scripted import ScriptedEngine

    teacher = TeacherSpec(engine="scripted", max_tokens=400, max_model_len=500)
    made = [planned("word " * n, n) for n in range(20, 80)]
    found = lengths(made, teacher, counter(teacher))
    engine = ScriptedEngine(teacher)
    from flows.plan.window import conversation

    answers = [
        asyncio.run(engine.ask(Ask(str(n), tuple(conversation(one, teacher)), n)))
        for n, one in enumerate(made)
    ]
    rejected = sum(one.finish_reason == "prompt_too_long" for one in answers)
    assert 0 < rejected < len(made)
    assert found.too_long == rejected


def test_hours_come_from_the_measurement_in_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = sound(measure={"budget_hours": 0.001})
    assert measured(recipe, tmp_path) is None
    assert cost(recipe, supply(), tmp_path, control=3).hours is None
    monkeypatch.setattr("flows.plan.cost.measured", lambda recipe, root: Speed(100, 360, "a Spark"))
    found = cost(recipe, supply(), tmp_path, control=3)
    assert found.requests == (40 + 3) * 2
    assert found.hours == pytest.approx(86 * 360 / 100 / 3600)
    assert ["more than the budget" in one.says for one in too_much(recipe, found)] == [True]
    assert ["are free" in one.says for one in too_much(sound(), found._replace(disk=10**18))] == [
        True
    ]


def test_the_outlook_of_a_rulebook_reads_samples_and_counts(tmp_path: Path) -> None:
    recipe = sound(
        documents__sources__0__path=str(write_rulebook(tmp_path / "rules")), prompts__rows=12
    )
    found = outlook(recipe, tmp_path / "mill")
    assert found.supply and found.cost and found.lengths
    assert (found.supply.documents, len(found.supply.passages)) == (4, 20)
    assert len(found.samples) == 10
    assert {one.family for one in found.samples} == {"rules", "sums"}
    assert found.lengths.counted == found.cost.prompts + found.cost.control
    assert not (tmp_path / "mill").exists()


def test_faults_of_what_was_read_stop_the_same_as_faults_of_the_settings() -> None:
    recipe = sound(prompts__rows=90)
    with pytest.raises(RecipeFaults, match=r"rules.*60 allowed"):
        refuse(recipe.name, of_supply(recipe, supply()))
    refuse(recipe.name, [Fault("a", "b", stops=False)])


def test_one_fault_is_one_line_and_several_are_a_list() -> None:
    assert RecipeFaults("recipe 'a'", ["x: y"]).lines == ("recipe 'a': x: y",)
    assert RecipeFaults("recipe 'a'", ["x", "y"]).lines == ("recipe 'a' has 2 faults:", "x", "y")


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        (
            "name: a\nprompts:\n  row: 3\n",
            [],
            "line 3: prompts.row: unknown setting; did you mean rows?",
        ),
        (
            "name: a\nrows: 3\n",
            [],
            "line 2: rows: unknown setting here; rows is set as prompts.rows",
        ),
        (
            "name: a\nzzz: 3\n",
            [],
            "line 2: zzz: unknown setting; known here: name, kind, models, documents",
        ),
        (
            "name: a\nprompts:\n  families:\n    - {share: 3}\n",
            [],
            "line 4: prompts.families.0.name: is missing",
        ),
        (
            "name: a\nprompts:\n  rows: 3\n  seed: 1\n  rows: 4\n",
            [],
            "line 5: prompts.rows is set twice, first in line 3",
        ),
        ("name: a\nmodels: {teacher: {engine: vlm}}\n", [], "did you mean vllm?"),
        (
            "name: a\nmodels: {teacher: {max_token: 3}}\n",
            [],
            "line 2: models.teacher.max_token: unknown setting; did you mean max_tokens?",
        ),
        (
            "name: a\nmax_tokens: 3\n",
            [],
            "unknown setting here; max_tokens is set as models.NAME.max_tokens",
        ),
        (
            "name: a\ntraces:\n  models: [techer]\n",
            [],
            "line 3: traces.models.0: unknown model 'techer'; did you mean teacher?",
        ),
        (
            "name: a\nplacement: {models: {judge: {window: 3}}}\n",
            [],
            "line 2: placement.models.judge: unknown model 'judge'; known: teacher",
        ),
        (
            "name: a\ncoherence:\n  teacher: {temperature: 0}\n",
            [],
            "line 3: coherence.teacher: was renamed; write the model under models.judge",
        ),
        (
            "name: a\nprompts: {rows: few}\n",
            [],
            "line 2: prompts.rows: a whole number is needed (got few)",
        ),
        (
            "name: a\n",
            ["prompts.row=3"],
            "--set prompts.row: prompts.row: unknown setting; did you mean rows?",
        ),
        ("name: a\nprompts: {rows: 3}\n", ["prompts.rows=0"], "--set prompts.rows: prompts.rows"),
    ],
)
def test_a_wrong_setting_is_told_with_its_line(
    tmp_path: Path, text: str, settings: list[str], says: str
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(BadRecipe) as caught:
        load_recipe(path, settings)
    assert says in str(caught.value)


def test_a_fault_between_settings_is_placed_at_the_nearest_key_that_is_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: a\ncorpus:\n  suite:\n    general_max: 0.1\n")
    written = read_recipe(path, ["prompts.rows=7"])
    assert written.origin.place("corpus.suite.general_max") == "line 4"
    assert written.origin.place("corpus.suite.general_min") == "line 3"
    assert written.origin.place("prompts.rows") == "--set prompts.rows"
    assert written.origin.place("prompts.families") == ""


def test_names_and_shares_are_told_as_one_reads_them() -> None:
    assert unknown("family", "rulse", ["sums", "rules"]) == (
        "unknown family 'rulse'; did you mean rules?; known: rules, sums"
    )
    assert unknown("family", "a", []) == "unknown family 'a'; none is defined"
    assert did_you_mean("xyz", ["rules"]) == ""
    assert [percent(share) for share in (0.15, 1, 0.046, 0)] == ["15 %", "100 %", "4.6 %", "0 %"]


def test_a_changed_recipe_of_the_table_is_one_change_away_from_a_sound_one() -> None:
    tree = yaml.safe_load(json.dumps(sound().model_dump(mode="json")))
    assert Recipe.model_validate(copy.deepcopy(tree)) == sound()


def test_the_tokenizer_that_the_teacher_names_counts_for_an_endpoint() -> None:
    served = TeacherSpec(engine="endpoint", model="qwen3:8b", tokenizer=str(POCKET))
    counts = counter(served)
    assert counts.exact and str(POCKET) in counts.how
    asked = [{"role": "user", "content": LONG}]
    assert counts.count(asked) == counter(TeacherSpec()).count(asked)
