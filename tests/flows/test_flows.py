from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import load_dataset
from prefect import State

from flows.build_corpus import Summary, build_corpus
from flows.ending import ending_in
from flows.plan.fault import RecipeFaults
from flows.recipes.corpus import Recipe
from flows.reproduce import reproduce
from tasks import rows
from tasks.corpus.assemble import assemble
from tasks.corpus.describe import About
from tasks.corpus.upstream import Upstream
from tasks.critique.coherence import CoherenceSpec
from tasks.errors import EndpointUnreachable, PlanOverdrawn, SchemaMismatch, SuiteFailed
from tasks.prompts.family import Family
from tasks.spec import Spec
from tasks.store import Key, Made, Table, once, publish, tables
from tasks.verdicts.gates import VerdictSpec
from tests.support.builders import recipe, write_rulebook
from tests.support.builds import corpus_bytes
from tests.support.left import artifacts_of, run_of, runs_of

pytestmark = pytest.mark.usefixtures("prefect_server")


def with_suite(rulebook: Path, **suite: object) -> Recipe:
    return recipe(rulebook, corpus={"validation": 0.2, "suite": suite})


def test_two_builds_into_two_roots_are_the_same_bytes_wherever_and_however_fast_they_ran(
    tmp_path: Path, rulebook: Path
) -> None:
    build_corpus(recipe(rulebook), tmp_path / "a")
    build_corpus(
        recipe(rulebook, placement={"models": {"teacher": {"window": 3, "replicas": 2}}}),
        tmp_path / "b",
    )
    assert corpus_bytes(tmp_path / "a") == corpus_bytes(tmp_path / "b")
    assert {
        "train.parquet",
        "validation.parquet",
        "rejected.parquet",
        "card.md",
        "report.html",
    } <= corpus_bytes(tmp_path / "a").keys()


def test_two_models_answer_the_same_prompts_and_each_row_names_its_own(
    tmp_path: Path, rulebook: Path
) -> None:
    models = {name: {"engine": "scripted", "model": f"a {name} model"} for name in ("one", "two")}
    made = recipe(rulebook, models=models, traces={"models": ["two", "one"], "samples": 1})
    told = build_corpus(made, tmp_path)
    (traces,) = tables(tmp_path, "traces")
    answered = traces.table.read(["prompt_id", "model"]).to_pylist()
    by_model = Counter(row["model"] for row in answered)
    assert by_model["one"] == by_model["two"] > 20
    corpus = tables(tmp_path, "corpus")[0].table.read()
    by_trace = {row["trace_id"]: row["model"] for row in traces.table.read().to_pylist()}
    for row in corpus["provenance"].to_pylist():
        assert row["teacher"] == f"a {by_trace[row['trace_id']]} model"
    assert "a one model, a two model" in Path(told.card).read_text()
    second = next(row for row in traces.table.read().to_pylist() if row["model"] == "one")
    again = reproduce(tmp_path, second["trace_id"], made.verdicts, {})
    assert again.recorded == second["raw"]


def test_a_row_of_a_store_whose_models_had_no_names_is_refused_in_one_sentence(
    tmp_path: Path,
) -> None:
    row: dict[str, object] = dict.fromkeys(rows.TRACES.names, "")
    numbers = ("sample", "prompt_tokens", "completion_tokens", "seed")
    row |= dict.fromkeys(numbers, 0) | {"trace_id": "abcdef123456", "parsed": False}
    made = Made({"traces": rows.table_of([row], rows.TRACES)}, rows.TRACES, rows.rejected([]), 1)
    publish(tmp_path, Key("traces", 3, Spec(), {"teacher": "t"}), made)
    with pytest.raises(SchemaMismatch, match="older version, which gave models no names"):
        reproduce(tmp_path, "abcdef", VerdictSpec(), {})


Ran = tuple[Recipe, Path, State[Summary]]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, prefect_server: str) -> Ran:
    folder = tmp_path_factory.mktemp("built")
    made = recipe(write_rulebook(folder / "rules"))
    return made, folder / "mill", build_corpus(made, folder / "mill", return_state=True)


@pytest.fixture(scope="module")
def built(ran: Ran) -> tuple[Recipe, Path, Summary]:
    made, root, state = ran
    return made, root, state.result()


def test_the_summary_accounts_for_every_row(built: tuple[Recipe, Path, Summary]) -> None:
    stages = {line.stage: line for line in built[2].stages}
    assert list(stages) == [
        "documents",
        "questions",
        "passages",
        "prompts",
        "traces",
        "baselines",
        "audits",
        "verdicts",
        "gates",
        "coherence",
        "corpus",
    ]
    assert all(
        line.rows_in == line.rows_out + sum(line.rejected.values()) for line in stages.values()
    )
    assert stages["traces"].rows_in == built[2].requests == (24 + 2) * 3
    assert stages["corpus"].rows_out == built[2].rows
    assert built[2].baseline_rows == stages["baselines"].rows_out
    assert built[2].yield_ == pytest.approx(built[2].rows / 24, abs=1e-3)


def test_the_corpus_opens_with_datasets_and_train_and_validation_share_no_document(
    built: tuple[Recipe, Path, Summary],
) -> None:
    corpus = load_dataset(built[2].corpus)
    assert set(corpus) == {"train", "validation"}
    assert sum(split.num_rows for split in corpus.values()) == built[2].rows
    documents = {
        name: {one for row in split for one in row["provenance"]["document_ids"]}
        for name, split in corpus.items()
    }
    assert not documents["train"] & documents["validation"]
    row = corpus["train"][0]
    assert row["messages"][-1]["content"] == f"<think>\n{row['think']}\n</think>\n\n{row['answer']}"


def test_the_finished_job_again_asks_for_nothing_and_shows_as_cached(
    built: tuple[Recipe, Path, Summary],
) -> None:
    made, root, first = built
    state = build_corpus(made, root, return_state=True)
    again = state.result()
    assert isinstance(again, Summary)
    assert (again.requests, again.fingerprint, again.rows) == (0, first.fingerprint, first.rows)
    flow_run, *stages = runs_of(run_of(state))
    assert flow_run.state_name == "Completed"
    cached = [stage for stage in stages if stage.state_name == "Cached"]
    assert len(cached) == len(again.stages)


def corpus_prompts(summary: Summary) -> set[str]:
    return {
        row["prompt_id"]
        for path in Path(summary.corpus).glob("[tv]*.parquet")
        for row in pq.read_table(path)["provenance"].to_pylist()
    }


def test_the_control_arm_is_left_out_of_the_corpus_unless_the_recipe_accepts_it(
    built: tuple[Recipe, Path, Summary],
) -> None:
    made, root, first = built
    (prompts,) = [pq.read_table(path) for path in (root / "prompts").glob("*/prompts.parquet")]
    bare = set(prompts.filter(pa.compute.field("control"))["prompt_id"].to_pylist())
    assert len(bare) == 2 and not bare & corpus_prompts(first)
    accepting = made.model_copy(update={"corpus": made.corpus.model_copy(update={"control": True})})
    accepted = build_corpus(accepting, root)
    assert accepted.requests == 0 and bare & corpus_prompts(accepted)
    assert accepted.yield_ == pytest.approx(accepted.rows / 26, abs=1e-3)
    for summary in (first, accepted):
        assert summary.stages[-1].rows_in == summary.stages[-2].rows_out
    aside = [summary.stages[-1].rejected.get("control_arm", 0) for summary in (first, accepted)]
    assert aside[0] > aside[1] == 0


def test_baselines_add_up_over_the_builds_of_a_recipe_and_an_old_build_again_sees_what_it_saw(
    tmp_path: Path, rulebook: Path
) -> None:
    def night(seed: int, **changes: object) -> Summary:
        return build_corpus(
            recipe(
                rulebook,
                models={"teacher": {"engine": "scripted"}},
                traces={"samples": 3, "seed": seed},
                **changes,
            ),
            tmp_path,
        )

    first, second = night(1), night(2)
    own = [
        next(line.rows_out for line in summary.stages if line.stage == "baselines")
        for summary in (first, second)
    ]
    assert [first.baseline_rows, second.baseline_rows] == [own[0], sum(own)]
    assert night(3, name="other").baseline_rows <= 6
    assert [night(1).baseline_rows, night(2).baseline_rows] == [
        first.baseline_rows,
        second.baseline_rows,
    ]


def test_a_judge_that_agrees_with_no_plant_is_not_believed_and_says_so(
    built: tuple[Recipe, Path, Summary],
) -> None:
    made, root, first = built
    judged = build_corpus(
        made.model_copy(update={"coherence": CoherenceSpec(share=1.0, plants=10)}),
        root,
    )
    line = next(line for line in judged.stages if line.stage == "coherence")
    assert (line.rows_in, line.rejected, judged.rows) == (line.rows_out, {}, first.rows)
    assert "agrees with 0 of 8 plants" in judged.judge
    assert "of 2 rows with faults of the gates' kinds it called 0 incoherent" in judged.judge
    assert "## How many planted faults the judge finds" in Path(judged.card).read_text()
    assert "0 of 1, 1 abstained" in Path(judged.card).read_text()
    assert "is not believed, so it abstains on all" in judged.judge
    assert judged.judge.split(" (")[0] in Path(judged.card).read_text()
    assert (first.judge, judged.requests) == ("", 0)


def test_a_trace_that_the_judge_calls_incoherent_is_not_in_the_corpus(
    built: tuple[Recipe, Path, Summary], tmp_path: Path
) -> None:
    made, root, first = built
    upstream = {
        stage: table_of(root, stage)
        for stage in ("traces", "prompts", "verdicts", "passages", "gates")
    }
    upstream["gate_checks"] = upstream.pop("gates")
    upstream["questions"], upstream["probe_questions"] = (
        one.table for one in tables(root, "questions")[:2]
    )
    kept = pq.read_table(Path(first.corpus, "train.parquet"))["provenance"][0].as_py()
    said = [
        {
            "trace_id": kept["trace_id"],
            "gate": "coherence",
            "state": "failed",
            "reason": "incoherent_think",
            "score": 0.0,
        }
    ]
    opinions = Made(
        {"coherence": rows.table_of(said, rows.VERDICTS)},
        rows.VERDICTS,
        rows.rejected([]),
        rows_in=1,
    )
    told = once(tmp_path, Key("coherence", 1, made.coherence, {}), lambda: opinions)
    without = assemble(
        Upstream(**upstream, coherence=told),
        made.corpus,
        About(name="small", teachers={"teacher": "t"}, judge=""),
        docs=tmp_path / "docs",
    )
    traces = {
        row["trace_id"]
        for stream in without.streams.values()
        for part in stream.tables()
        for row in part["provenance"].to_pylist()
    }
    assert len(traces) >= first.rows - 1
    assert kept["trace_id"] not in traces


def table_of(root: Path, stage: str) -> Table:
    """Return the newest finished table of a stage."""
    return tables(root, stage)[-1].table


def test_what_lies_below_a_change_is_made_again_and_nothing_else(
    built: tuple[Recipe, Path, Summary],
) -> None:
    made, root, first = built
    again = build_corpus(with_suite(Path(made.documents.sources[0].path), min_rows=2), root)
    assert again.requests == 0
    assert again.fingerprint != first.fingerprint
    assert len(list((root / "verdicts").iterdir())) == 1


def test_a_part_that_is_gone_is_made_again_without_asking_the_teacher(
    tmp_path: Path, rulebook: Path
) -> None:
    whole = build_corpus(recipe(rulebook), tmp_path)
    before = corpus_bytes(tmp_path)
    for stage in ("traces", "corpus"):
        for part in (tmp_path / stage).rglob("t*.parquet"):
            part.unlink()
    again = build_corpus(recipe(rulebook), tmp_path)
    assert (again.requests, again.rows) == (0, whole.rows)
    assert corpus_bytes(tmp_path) == before


def test_every_stage_leaves_a_table_of_its_rows(
    ran: Ran,
) -> None:
    artifacts = artifacts_of(run_of(ran[2]))
    assert {
        "documents",
        "questions",
        "passages",
        "prompts",
        "traces",
        "baselines",
        "verdicts",
        "corpus",
    } <= {artifact.key for artifact in artifacts}


def test_a_corpus_that_fails_its_expectations_fails_the_run_and_is_not_published(
    tmp_path: Path, rulebook: Path
) -> None:
    sums = {
        "name": "sums",
        "share": 0.2,
        "ground": "questions",
        "template": "plain",
        "categories": ["addition"],
    }
    made = with_suite(rulebook, verified_min=1.0)
    families = (*made.prompts.families, Family.model_validate(sums))
    wider = made.prompts.model_copy(update={"families": families})
    state = build_corpus(made.model_copy(update={"prompts": wider}), tmp_path, return_state=True)
    with pytest.raises(SuiteFailed, match="verified") as caught:
        state.result()
    assert list((tmp_path / "corpus").glob("[!.]*")) == []
    ending = ending_in(caught.value)
    assert ending is not None
    assert [line.stage for line in ending.stages][-3:] == ["gates", "coherence", "corpus"]
    for line in ending.stages:
        assert line.rows_in == line.rows_out + sum(line.rejected.values())
    assert all(pq.read_table(path).num_rows for _, path in ending.rejects)
    assert ending.rejects[-1][0] == "corpus"
    (left,) = (one for one in artifacts_of(run_of(state)) if one.key == "ending")
    assert f"rejected rows of corpus: {tmp_path}" in str(left.description)


def test_an_overdrawn_plan_is_refused_at_once_and_not_tried_again(
    tmp_path: Path, rulebook: Path
) -> None:
    says = "'closed_qa': 24 rows asked, 12 allowed of 20 possible"
    with pytest.raises(RecipeFaults, match=says):
        build_corpus(recipe(rulebook, prompts={"rows": 24}), tmp_path)
    assert not (tmp_path / "passages").exists()


def test_rejected_rows_carry_their_reasons_beside_the_corpus(
    built: tuple[Recipe, Path, Summary],
) -> None:
    rejected = pq.read_table(built[2].rejected)
    assert rejected.column_names == rows.REJECTED.names
    line = next(line for line in built[2].stages if line.stage == "corpus")
    assert rejected.num_rows == sum(line.rejected.values())


def test_a_transient_error_is_tried_again_and_a_terminal_one_is_not() -> None:
    from prefect import flow, task

    from tasks.stage import STAGE

    tried: list[str] = []

    @task(**{**STAGE, "retry_delay_seconds": [0, 0, 0]})  # type: ignore[call-overload, unused-ignore]
    def fails(error: type[Exception]) -> None:
        tried.append(error.__name__)
        raise error("no")

    @flow
    def both() -> None:
        for error in (EndpointUnreachable, PlanOverdrawn):
            fails(error, return_state=True)

    both(return_state=True)
    assert (tried.count("EndpointUnreachable"), tried.count("PlanOverdrawn")) == (4, 1)
