import asyncio
import os
import random
import sqlite3
from pathlib import Path

import pytest

from tasks import rows
from tasks.errors import EngineLost, StoreUnreachable
from tasks.inference.complete import ask_all
from tasks.inference.engine import Ask, Completion, EnginePlacement, NamedModel, TeacherSpec
from tasks.inference.journal import Journal, today
from tasks.manifest import MANIFEST
from tasks.spec import Spec
from tasks.store import Key, Made, Table, publish
from tasks.traces.baseline import baseline, distinct_traces, earlier
from tasks.traces.generate import Generated, TraceSpec, generate, plan_traces, reject_reason
from tests.support.builders import prompts_table, silent

SCRIPTED = TraceSpec(samples=3)
TEACHER = NamedModel("teacher", TeacherSpec(engine="scripted"), EnginePlacement(window=8))
ANSWER = Completion("k", "<think>a</think>b", "stop", 1, 2)


def run(
    folder: Path,
    spec: TraceSpec = SCRIPTED,
    *models: NamedModel,
    prompts: int = 20,
    **settings: int,
) -> Generated:
    placed = {name: value for name, value in settings.items() if name != "shard_rows"}
    placement = TEACHER.placement.model_copy(update=placed)
    return generate(
        prompts_table(prompts),
        spec,
        [one._replace(placement=placement) for one in models or (TEACHER,)],
        journals=folder,
        progress=silent,
        shard_rows=settings.get("shard_rows", 512),
    )


def changed(**settings: object) -> NamedModel:
    """Return the teacher with other settings."""
    return TEACHER._replace(model=TEACHER.model.model_copy(update=settings))


def test_the_journal_gives_back_what_it_was_given_and_keeps_the_first_answer(
    tmp_path: Path,
) -> None:
    book = Journal(tmp_path / "j.sqlite")
    book.append(ANSWER)
    book.append(Completion("k", "another", "stop", 1, 2))
    book.close()
    again = Journal(tmp_path / "j.sqlite")
    assert again.read("k") == ANSWER
    assert again.finished(["k", "x"]) == {"k"}
    with pytest.raises(KeyError):
        again.read("x")


def test_a_used_answer_is_remembered_longer_and_a_journal_of_an_earlier_version_is_read_on(
    tmp_path: Path,
) -> None:
    with sqlite3.connect(tmp_path / "j.sqlite") as old:
        old.execute(
            "CREATE TABLE completions (key TEXT PRIMARY KEY, text TEXT, finish_reason TEXT, prompt_tokens INTEGER, completion_tokens INTEGER)"
        )
        old.executemany(
            "INSERT INTO completions VALUES (?, ?, 'stop', 1, 2)", [(key, key) for key in "abc"]
        )
    book = Journal(tmp_path / "j.sqlite")
    assert book.forget(before=today(), spared="") == 3
    with sqlite3.connect(tmp_path / "j.sqlite") as a_day_later:
        a_day_later.execute("UPDATE completions SET used = used - 1")
    assert book.finished("a") == {"a"}
    assert book.forget(before=today(), spared="b") == 2
    assert book.finished("abc") == {"a", "b"}
    book.close()


def test_an_appended_answer_is_there_for_another_process_at_once(tmp_path: Path) -> None:
    book = Journal(tmp_path / "j.sqlite")
    book.append(ANSWER)
    with sqlite3.connect(tmp_path / "j.sqlite") as other:
        assert other.execute("SELECT count(*) FROM completions").fetchone() == (1,)
    book.close()


def test_a_journal_that_cannot_be_written_is_a_transient_error(tmp_path: Path) -> None:
    (tmp_path / "j.sqlite").write_bytes(b"this is no database, whatever its name says" * 100)
    with pytest.raises(StoreUnreachable, match="cannot be opened"):
        Journal(tmp_path / "j.sqlite")


def test_every_sample_of_every_prompt_is_a_trace_or_a_reject(tmp_path: Path) -> None:
    made = run(tmp_path)
    assert made.traces.num_rows + made.rejected.num_rows == made.requests == 60
    assert set(made.rejected["reason"].to_pylist()) <= {"cut_answer"}
    assert made.traces.schema == rows.TRACES


def test_the_table_is_the_same_whatever_the_window_the_shards_and_the_order_of_completion(
    tmp_path: Path,
) -> None:
    first = run(tmp_path / "a")
    assert run(tmp_path / "b", window=1, shard_rows=3).traces.equals(first.traces)
    assert run(tmp_path / "c", window=64, replicas=3, shard_rows=7).traces.equals(first.traces)


def test_a_finished_row_is_never_asked_again(tmp_path: Path) -> None:
    first = run(tmp_path)
    again = run(tmp_path)
    assert again.requests == 0
    assert again.traces.equals(first.traces)
    assert run(tmp_path, prompts=25).requests == 15


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0.5},
        {"system_prompt": "Be brief."},
        {"model": "other"},
        {"revision": "2"},
    ],
)
def test_what_would_change_an_answer_makes_new_rows(
    tmp_path: Path, change: dict[str, object]
) -> None:
    run(tmp_path)
    assert run(tmp_path, SCRIPTED, changed(**change)).requests == 60


def test_another_seed_makes_new_rows_and_another_name_of_the_same_model_none(
    tmp_path: Path,
) -> None:
    run(tmp_path)
    assert run(tmp_path, SCRIPTED.model_copy(update={"seed": 1})).requests == 60
    renamed = run(tmp_path, SCRIPTED, TEACHER._replace(name="professor"))
    assert renamed.requests == 0
    assert set(renamed.traces["model"].to_pylist()) == {"professor"}


def test_every_named_model_answers_every_prompt_under_its_own_name(tmp_path: Path) -> None:
    other = changed(temperature=0.5)._replace(name="other")
    alone = run(tmp_path / "a")
    both = run(tmp_path / "b", SCRIPTED, TEACHER, other)
    assert both.requests == 120
    own = [row for row in both.traces.to_pylist() if row["model"] == "teacher"]
    assert own == alone.traces.to_pylist()
    assert both.traces["model"].to_pylist().count("other") == 60 - sum(
        " other, " in detail for detail in both.rejected["detail"].to_pylist()
    )
    assert len(set(both.traces["trace_id"].to_pylist())) == both.traces.num_rows


def test_more_samples_ask_only_for_the_new_ones_and_placement_asks_for_none(tmp_path: Path) -> None:
    run(tmp_path)
    assert run(tmp_path, SCRIPTED.model_copy(update={"samples": 5})).requests == 40
    assert run(tmp_path, window=3, replicas=2).requests == 0


@pytest.mark.parametrize(
    ("finish", "text", "reason"),
    [
        ("stop", "a", ""),
        ("length", "a", "cut_answer"),
        ("prompt_too_long", "", "prompt_too_long"),
        ("refused", "", "refused_by_endpoint"),
        ("stop", " \n", "empty_answer"),
    ],
)
def test_an_answer_that_is_none_is_rejected_with_a_reason(
    finish: str, text: str, reason: str
) -> None:
    assert reject_reason(Completion("k", text, finish, 1, 1)) == reason


def test_a_prompt_that_does_not_fit_is_a_rejected_row_not_a_dead_job(tmp_path: Path) -> None:
    made = run(tmp_path, SCRIPTED, changed(max_model_len=16, max_tokens=15))
    assert set(made.rejected["reason"].to_pylist()) == {"prompt_too_long"}


class Stumbling:
    """An engine that answers out of order, notes how many rows it held at once, and dies at a given
    row.
    """

    def __init__(self, die_at: int = -1) -> None:
        self.in_flight = self.most = self.asked = 0
        self.die_at = die_at

    async def ask(self, ask: Ask) -> Completion:
        self.asked += 1
        if self.asked == self.die_at:
            raise EngineLost("the engine died")
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        for _ in range(random.Random(ask.seed).randrange(20)):
            await asyncio.sleep(0)
        self.in_flight -= 1
        return Completion(ask.key, "x", "stop", 1, 1)

    async def close(self) -> None:
        pass


def test_the_control_arm_is_asked_without_the_system_prompt_and_the_rest_with_it() -> None:
    ordered = changed(system_prompt="Be brief.")
    asked = [
        [message["role"] for message in row.ask.messages]
        for row in plan_traces(
            prompts_table(3, control=1), TraceSpec(samples=1), ordered, shard_rows=2
        )
    ]
    assert asked == [["system", "user"], ["system", "user"], ["user"]]


def test_the_baseline_is_every_trace_of_the_control_arm_that_thinks(tmp_path: Path) -> None:
    prompts = prompts_table(60, control=20)
    traces = generate(prompts, SCRIPTED, [TEACHER], journals=tmp_path, progress=silent).traces
    made = baseline(traces, prompts, "small")
    kept, bare = made.parts["baselines"].to_pylist(), {f"q{number:06d}" for number in range(40, 60)}
    due = {row["trace_id"]: row for row in traces.to_pylist() if row["prompt_id"] in bare}
    assert made.rows_in == len(due) == len(kept) + made.rejected.num_rows
    assert {row["trace_id"] for row in kept} == {
        trace_id for trace_id, row in due.items() if row["think"]
    }
    assert (
        set(made.rejected["reason"].to_pylist())
        == {row["fault"] for row in due.values() if not row["think"]}
        != set()
    )
    assert kept[0]["prompt"] == "row-000040: explain."
    assert (made.schema, {row["recipe"] for row in kept}) == (rows.BASELINES, {"small"})


def test_without_a_control_arm_the_baseline_is_an_empty_table(tmp_path: Path) -> None:
    made = baseline(run(tmp_path).traces, prompts_table(20), "small")
    assert publish(tmp_path, Key("baselines", 1, Spec(), {}), made).rows == 0


def kept_baseline(root: Path, night: int, *, traces: range | None = None, **inputs: str) -> Table:
    """Publish the baseline of a night, of ten traces unless told, as if it had been finished at
    that time.
    """
    made = [
        {"trace_id": f"t{number}", "prompt": "q", "think": "t", "answer": "a", "recipe": "r"}
        for number in traces or range(10 * night, 10 * night + 10)
    ]
    key = Key("baselines", 1, Spec(), {"traces": str(night), "recipe": "r", "models": "t"} | inputs)
    table = publish(
        root,
        key,
        Made(
            {"b": rows.table_of(made, rows.BASELINES)},
            rows.BASELINES,
            rows.rejected([]),
            len(made),
            may_be_empty=True,
        ),
    )
    os.utime(table.path / MANIFEST, ns=(night, night))
    return table


def test_earlier_baselines_are_those_of_the_same_recipe_and_teacher_newest_first(
    tmp_path: Path,
) -> None:
    nights = [kept_baseline(tmp_path, night) for night in range(4)]
    kept_baseline(tmp_path, 4, recipe="other")
    kept_baseline(tmp_path, 5, models="other")
    own = kept_baseline(tmp_path, 6)
    assert earlier(tmp_path, own, batch=100) == tuple(nights[::-1])
    assert earlier(tmp_path, nights[1], batch=100) == (nights[0],)
    assert earlier(tmp_path, nights[0], batch=100) == ()


@pytest.mark.parametrize(("batch", "tables"), [(1, 0), (2, 1), (3, 2), (5, 3)])
def test_as_many_earlier_baselines_are_taken_as_hold_eight_times_the_batch(
    tmp_path: Path, batch: int, tables: int
) -> None:
    *_, own = [kept_baseline(tmp_path, night) for night in range(4)]
    assert len(earlier(tmp_path, own, batch=batch)) == tables


def test_a_baseline_trace_that_two_builds_share_counts_once(tmp_path: Path) -> None:
    half = kept_baseline(tmp_path, 0, traces=range(15, 25))
    kept_baseline(tmp_path, 1, traces=range(20, 25))
    own = kept_baseline(tmp_path, 2)
    assert earlier(tmp_path, own, batch=10) == (half,)
    assert distinct_traces((own, half)) == 15
    assert distinct_traces(()) == 0


def asks(count: int) -> list[Ask]:
    return [
        row.ask
        for row in plan_traces(prompts_table(count), TraceSpec(samples=1), TEACHER, shard_rows=16)
    ]


def test_the_window_is_full_across_shards_and_never_fuller() -> None:
    engine = Stumbling()
    kept: list[Completion] = []
    asyncio.run(ask_all(asks(100), engine, window=16, keep=kept.append))
    assert (engine.most, engine.asked, len({one.key for one in kept})) == (16, 100, 100)


def test_a_lost_engine_ends_the_work_with_its_own_error_and_keeps_what_was_finished() -> None:
    kept: list[Completion] = []
    with pytest.raises(EngineLost, match="the engine died"):
        asyncio.run(ask_all(asks(100), Stumbling(die_at=60), window=4, keep=kept.append))
    assert 50 < len(kept) < 60
