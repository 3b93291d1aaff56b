from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from flows.build_corpus import Summary, build_corpus
from flows.recipes.corpus import Recipe
from flows.recipes.load import load_recipe
from tasks.errors import BadRecipe
from tasks.grounding.chunk import chunks
from tasks.prompts.plan import Passage, Planned, Question, control_quotas, plan, quotas
from tasks.prompts.write import prompt_of
from tasks.sources.collect import documents, questions
from tasks.verdicts.gates import judge_case
from tests.support.builders import case
from tests.support.patent_sources import stand_ins

FOLDER = Path(__file__).parents[2] / "deployments" / "recipes"
RECIPES = sorted(FOLDER.glob("*.yaml"))
FAMILIES = {
    "a1_claims": 30,
    "a2_definiteness": 25,
    "a4_office_action": 20,
    "e1_plain_english": 15,
    "e2_multiple_choice": 10,
}
SCRIPTED = (
    "models.teacher.engine=scripted", "traces.samples=3", "coherence.share=0",
    # It solves no problem and thinks as long as the passage it quotes.
    "verdicts.structure.think_min=40", "corpus.suite.think_min=40", "corpus.suite.general_min=0", "corpus.suite.min_rows=20",
    "corpus.suite.family_missing=warn",
)  # fmt: skip
"""What a teacher without a model cannot do; all else is as on the Spark."""


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_parses_and_is_called_like_its_file(path: Path) -> None:
    assert load_recipe(path).name == path.stem


def test_a_setting_is_laid_over_the_file() -> None:
    recipe = load_recipe(
        RECIPES[0],
        ["prompts.rows=7", "models.teacher.temperature=0.1", "documents.sources=[{path: /x}]"],
    )
    assert (
        recipe.prompts.rows,
        recipe.models["teacher"].temperature,
        recipe.documents.sources[0].path,
    ) == (7, 0.1, "/x")


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        ("name: [", [], "not YAML"),
        ("- a", [], "a mapping is needed"),
        ("nome: a", [], "nome: unknown setting; did you mean name"),
        ("name: A b", [], "name: does not have the right form; Name of the corpus: lower-case"),
        ("name: a", ["prompts.rows=0"], r"prompts.rows: must be at least 1 \(got 0\)"),
        ("name: a", ["prompts.rows"], "key.path=value"),
        ("name: a", ["name.rows=1"], "not a mapping"),
        ("name: a", ["verdicts.structure.think_min=30000"], "lies above think_max"),
    ],
)
def test_a_wrong_recipe_is_told_where_and_why(
    tmp_path: Path, text: str, settings: list[str], says: str
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(BadRecipe, match=says):
        load_recipe(path, settings)


def test_a_recipe_that_is_not_there_is_said() -> None:
    with pytest.raises(BadRecipe, match="cannot be read"):
        load_recipe(Path("no/such.yaml"))


def test_every_knob_says_what_it_does() -> None:
    def silent(schema: dict[str, object], place: str) -> list[str]:
        found = []
        for name, knob in schema.get("properties", {}).items():  # type: ignore[attr-defined]
            found += [] if "description" in knob else [f"{place}.{name}"]
        return found

    schema = Recipe.model_json_schema()
    assert [
        place
        for name, part in {"Recipe": schema, **schema["$defs"]}.items()
        for place in silent(part, name)
    ] == []


def planned(recipe: Recipe) -> Iterator[Planned]:
    """Yield the plan over everything the recipe reads, without the embeddings, which no draw
    depends on.
    """
    read = documents(recipe.documents).parts["documents"].to_pylist()
    size = recipe.grounding
    passages = [
        Passage(
            f"{row['document_id']}-{cut.start}",
            row["document_id"],
            cut.section,
            cut.heading,
            row["text"][cut.start : cut.end],
            (),
            row["category"],
        )
        for row in read
        for cut in chunks(
            row["text"], title=row["title"], max_words=size.max_words, min_words=size.min_words
        )
    ]
    asked = [
        row
        for row in questions(recipe.questions).parts["questions"].to_pylist()
        if row["split"] == "train"
    ]
    return plan(
        recipe.prompts,
        passages,
        [Question(row["question_id"], row["text"], row["category"]) for row in asked],
    )


@pytest.mark.slow
def test_the_patent_recipe_plans_five_thousand_rows_in_its_families_and_repeats_none(
    tmp_path: Path,
) -> None:
    recipe = load_recipe(FOLDER / "patent.yaml")
    assert (
        sum(rows for family, rows in quotas(recipe.prompts).items() if family in FAMILIES) == 5000
    )
    made = list(planned(stand_ins(recipe, tmp_path, sections=700, rows=2000)))
    rows = Counter(row.producer.family for row in made if not row.control)
    assert {family: count / 50 for family, count in rows.items() if family in FAMILIES} == FAMILIES
    assert rows["g1_reasoning"] == 650
    prompts = [prompt_of(row) for row in made if not row.control]
    assert len({str(prompt["prompt_id"]) for prompt in prompts}) == 5650
    text = {str(prompt["family"]): str(prompt["messages"]) for prompt in prompts}
    assert "Claim: " in text["a2_definiteness"] and "Prior art: " in text["a4_office_action"]
    assert "[Disclosure " in text["a1_claims"] and "[21" in text["e1_plain_english"]


def test_the_pilot_is_the_patent_recipe_but_for_its_size() -> None:
    pilot, patent = (
        load_recipe(FOLDER / f"{name}.yaml").model_dump() for name in ("pilot", "patent")
    )
    assert pilot["prompts"].pop("rows") == 50
    assert {pilot["prompts"].pop("control"), pilot.pop("name")} == {0.5, "pilot"}
    del (
        patent["prompts"]["rows"],
        patent["prompts"]["control"],
        patent["name"],
        pilot["corpus"]["suite"],
        patent["corpus"]["suite"],
    )
    assert pilot == patent


@pytest.mark.parametrize(
    ("cited", "reason"),
    [
        ("KSR Int'l Co. v. Teleflex Inc. and MPEP § 2143", ""),
        ("35 U.S.C. 112(b) and MPEP 2173.05(b)", ""),
        ("In re Packard", ""),
        ("Mayo Clinic v. Klein Electric, 564 U.S. 638 (2011)", "unresolved_citation"),
        ("MPEP 2999.01", "unresolved_citation"),
    ],
)
def test_the_patent_recipe_knows_an_authority_from_an_invented_one(cited: str, reason: str) -> None:
    spec = load_recipe(FOLDER / "patent.yaml").verdicts
    one = case(
        family="a4_office_action", answer=f"The rejection fails under {cited}. [Section 214]"
    )
    assert {found.gate: found.reason for found in judge_case(one, spec, frozenset(FAMILIES))}[
        "citations"
    ] == reason


@pytest.fixture(scope="module")
def on_the_spark(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: str
) -> dict[str, tuple[Recipe, Summary]]:
    """Both recipes built into one mill over the same stand-ins: the pilot first, as one would, then
    113 prompts of the patent recipe.
    """
    folder = tmp_path_factory.mktemp("spark")
    settings = {"pilot": [*SCRIPTED], "patent": [*SCRIPTED, "prompts.rows=113"]}
    recipes = {
        name: load_recipe(FOLDER / f"{name}.yaml", several) for name, several in settings.items()
    }
    sources = stand_ins(recipes["pilot"], folder, sections=14, rows=24)
    recipes = {
        name: one.model_copy(
            update={"documents": sources.documents, "questions": sources.questions}
        )
        for name, one in recipes.items()
    }
    return {name: (one, build_corpus(one, folder / "mill")) for name, one in recipes.items()}


@pytest.mark.parametrize("name", ["pilot", "patent"])
def test_a_recipe_for_the_spark_ends_in_a_corpus_with_every_family_at_its_share(
    on_the_spark: dict[str, tuple[Recipe, Summary]], name: str
) -> None:
    recipe, summary = on_the_spark[name]
    built = [
        row
        for path in Path(summary.corpus).glob("[tv]*.parquet")
        for row in pq.read_table(path).to_pylist()
    ]
    patents = [row for row in built if row["family"] in FAMILIES]
    found, due = Counter(row["family"] for row in patents), quotas(recipe.prompts)
    assert [family for family in FAMILIES if found[family] < 0.8 * due[family]] == []
    assert [
        family
        for family, share in FAMILIES.items()
        if abs(100 * found[family] / len(patents) - share) > 4
    ] == []
    assert {licence for row in patents for licence in row["provenance"]["licences"]} == {
        "US-public-domain",
        "CC-BY-4.0",
    }


def test_what_the_pilot_asked_is_not_asked_again_in_the_night(
    on_the_spark: dict[str, tuple[Recipe, Summary]],
) -> None:
    recipe, summary = on_the_spark["patent"]
    rows = sum(quotas(recipe.prompts).values()) + sum(control_quotas(recipe.prompts).values())
    assert summary.requests <= (rows - 50) * recipe.traces.samples
    mill = Path(summary.corpus).parents[1]
    assert [len(list((mill / stage).iterdir())) for stage in ("documents", "passages")] == [1, 1]
