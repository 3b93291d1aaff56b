import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tasks.errors import BadRecipe, BaseMoved, TrainerLost
from tasks.train.adapter import ADAPTER, adapter_table, modules
from tasks.train.checkpoints import FINISHED, STATE, start
from tasks.train.child import Tell, in_child
from tasks.train.lora import Trained, flops_per_token, refuse_unsound, total_steps, train
from tasks.train.publish import Merge, Merged, PublishSpec, merge, refuse_other
from tasks.train.spec import TrainSpec
from tasks.train.student import Agreement, Tensor, isolation
from tests.support.builders import silent
from tests.support.students import SPEC, job, write_examples

ADAPTER_FILE = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_examples(tmp_path_factory.mktemp("rows"))


@pytest.fixture(scope="module")
def whole(rows: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, Path]:
    """A training of twelve steps that nothing disturbed."""
    work = tmp_path_factory.mktemp("whole")
    return in_child(train, job(rows, work), silent), work


def weights(work: Path) -> bytes:
    return (work / STATE / ADAPTER_FILE).read_bytes()


@pytest.mark.slow
def test_a_training_moves_the_named_projections_and_nothing_else(
    whole: tuple[Trained, Path],
) -> None:
    trained, _ = whole
    assert (trained.step, trained.steps, len(trained.log)) == (12, 12, 12)
    assert trained.steps == total_steps(SPEC, 48)
    by_part = {
        part: [one for one in trained.tensors if one.part == part] for part in ("base", "adapter")
    }
    assert not any(one.moved for one in by_part["base"])
    assert all(one.moved and one.norm > 0 for one in by_part["adapter"])
    assert {one.kind for one in by_part["adapter"]} == set(SPEC.lora.targets)
    assert len(by_part["adapter"]) == 6 * 4 * 2
    lines = modules(one._asdict() for one in trained.tensors)
    adapted = {line["module"] for line in lines if line["part"] == "adapter"}
    assert adapted == set(SPEC.lora.targets)
    assert trained.tokens_per_second > 0 and trained.utilisation > 0


@pytest.mark.slow
def test_a_training_killed_under_way_goes_on_from_its_last_checkpoint_to_the_same_weights(
    rows: Path, whole: tuple[Trained, Path], tmp_path: Path
) -> None:
    def kill(*, done: int, total: int, tokens: int) -> None:
        if done == 6:
            (child,) = [
                one
                for one in psutil.Process().children()
                if "spawn_main" in " ".join(one.cmdline())
            ]
            child.kill()

    with pytest.raises(TrainerLost, match="exit code -9"):
        in_child(train, job(rows, tmp_path), kill)
    steps: list[int] = []
    in_child(train, job(rows, tmp_path), lambda *, done, total, tokens: steps.append(done))
    assert steps[0] == 5
    assert weights(tmp_path) == weights(whole[1])


@pytest.mark.slow
def test_a_training_killed_after_its_last_step_trains_no_further(
    rows: Path, whole: tuple[Trained, Path]
) -> None:
    before, steps = weights(whole[1]), []
    again = in_child(train, job(rows, whole[1]), lambda *, done, total, tokens: steps.append(done))
    assert (again.step, again.log, steps) == (12, whole[0].log, [])
    assert [one.sha256 for one in again.tensors] == [one.sha256 for one in whole[0].tensors]
    assert weights(whole[1]) == before


@pytest.mark.slow
def test_a_training_in_two_stretches_is_the_training_in_one(
    rows: Path, whole: tuple[Trained, Path], tmp_path: Path
) -> None:
    first = in_child(train, job(rows, tmp_path / "first", until=7), silent)
    second = in_child(
        train, job(rows, tmp_path / "second", begin=tmp_path / "first" / STATE), silent
    )
    assert (first.step, first.steps, second.step) == (7, 12, 12)
    assert second.log == whole[0].log
    assert weights(tmp_path / "second") == weights(whole[1])


@pytest.mark.slow
def test_the_merged_model_is_the_student_and_differs_from_the_base_in_the_named_projections_alone(
    rows: Path, whole: tuple[Trained, Path], tmp_path: Path
) -> None:
    made = adapter_table(whole[0], whole[1], SPEC.student.model)
    made.attach(tmp_path)
    assert (
        '"base_model_name_or_path": "builtin:pocket"'
        in (tmp_path / ADAPTER / "adapter_config.json").read_text()
    )
    merged: Merged = in_child(
        merge, Merge(SPEC, tmp_path / ADAPTER, rows, 8, tmp_path / "model"), silent
    )
    assert (
        merged.agreement.kl < 1e-3
        and merged.agreement.same_top > 0.99
        and merged.agreement.tokens > 200
    )
    assert {one.kind for one in merged.tensors if one.moved} == set(SPEC.lora.targets)
    from transformers import AutoTokenizer, GenerationConfig

    assert GenerationConfig.from_pretrained(tmp_path / "model").eos_token_id == 2
    assert (
        "<|im_start|>assistant" in AutoTokenizer.from_pretrained(tmp_path / "model").chat_template
    )


def tensor(name: str, sha: str, *, part: str = "base") -> Tensor:
    return Tensor(name, name.partition(".lora")[0].removesuffix(".weight"), part, 4, 1.0, sha)


SOUND = {
    "l.q_proj.weight": tensor("l.q_proj.weight", "a"),
    "l.up_proj.weight": tensor("l.up_proj.weight", "b"),
    "l.q_proj.lora_A.weight": tensor("l.q_proj.lora_A.weight", "c", part="adapter"),
}
TRAINED = SOUND | {"l.q_proj.lora_A.weight": tensor("l.q_proj.lora_A.weight", "d", part="adapter")}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            {"l.up_proj.weight": tensor("l.up_proj.weight", "x")},
            "base tensors changed: l.up_proj.weight",
        ),
        (
            {"l.up_proj.lora_A.weight": tensor("l.up_proj.lora_A.weight", "e", part="adapter")},
            "modules adapted: l.up_proj",
        ),
        (
            {"l.k_proj.weight": tensor("l.k_proj.weight", "k")},
            "base tensors changed: l.k_proj.weight",
        ),
        (
            {"l.q_proj.lora_A.weight": tensor("l.q_proj.lora_A.weight", "c", part="adapter")},
            "adapters that did not move: l.q_proj",
        ),
    ],
)
def test_what_must_not_move_and_what_must_is_held(change: dict[str, Tensor], says: str) -> None:
    assert [row.moved for row in isolation(SOUND, TRAINED, ["q_proj"])] == [False, False, True]
    with pytest.raises(BaseMoved, match=says):
        isolation(SOUND, TRAINED | change, ["q_proj"])


def test_a_checkpoint_that_was_being_written_is_not_gone_on_from(tmp_path: Path) -> None:
    for step, finished in ((4, True), (8, False), (10, False)):
        (tmp_path / f"checkpoint-{step}").mkdir()
        if finished:
            (tmp_path / f"checkpoint-{step}" / FINISHED).touch()
    assert start(job(tmp_path, tmp_path)) == str(tmp_path / "checkpoint-4")
    assert not (tmp_path / "checkpoint-8").exists()
    assert start(job(tmp_path, tmp_path / "none", begin=tmp_path / "before")) == str(
        tmp_path / "before"
    )
    assert start(job(tmp_path, tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (TrainSpec(packing=True), "packed rows would see each other"),
        (TrainSpec(batch=6), r"not a multiple of placement\.train\.micro_batch 4"),
    ],
)
def test_settings_that_would_not_train_what_they_say_are_refused(
    spec: TrainSpec, says: str
) -> None:
    with pytest.raises(BadRecipe, match=says):
        refuse_unsound(spec, 4, "sdpa")
    refuse_unsound(TrainSpec(packing=True), 4, "flash_attention_2")
    refuse_unsound(TrainSpec(batch=2), 4, "sdpa")


def test_a_merge_that_is_another_model_is_refused() -> None:
    refuse_other(Agreement(0.001, 0.99, 100), PublishSpec())
    with pytest.raises(
        BaseMoved, match=r"by 0\.5000 nats per token over 100 tokens, allowed are 0\.02"
    ):
        refuse_other(Agreement(0.5, 0.4, 100), PublishSpec())


def test_learnt_weights_cost_six_flop_a_token_frozen_ones_four_and_embeddings_none() -> None:
    counted = SOUND | {"model.embed_tokens.weight": tensor("model.embed_tokens.weight", "e")}
    assert flops_per_token(counted) == 4 * 4 + 4 * 4 + 6 * 4


def _explode(job: object, tell: Tell) -> None:
    raise BadRecipe(f"no {job}") if job == "good" else ValueError(f"no {job}")


@pytest.mark.parametrize(
    ("job", "kind", "says"),
    [("good", BadRecipe, "no good"), ("use", RuntimeError, "ValueError: no use")],
)
def test_an_error_inside_comes_out_as_it_was(job: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        in_child(_explode, job, silent)


def sleep(job: Path, tell: Tell) -> None:
    job.write_text(str(os.getpid()))
    time.sleep(600)


SLEEPING = """
import sys
from pathlib import Path
from tasks.train.child import in_child
from tests.train.test_training import sleep
in_child(sleep, Path(sys.argv[1]), print)
"""


@pytest.mark.slow
def test_no_training_outlives_the_one_who_started_it(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", SLEEPING, str(tmp_path / "pid")], start_new_session=True
    )
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert parent.poll() is None
        time.sleep(0.02)
    child = psutil.Process(int((tmp_path / "pid").read_text()))
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    child.wait(timeout=30)
    assert not child.is_running()
