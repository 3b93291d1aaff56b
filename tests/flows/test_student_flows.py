"""Training, probing and publishing as flows: real LoRA on the pocket teacher's weights, answers by
the scripted engine.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from flows.diagnose import diagnose_student
from flows.recipes.corpus import Recipe
from flows.reproduce import reproduce
from flows.run_factory import Promoted, run_factory
from flows.train_student import progress, refuse_collapsed, train_student
from tasks.errors import GateBroken, RenderBroken
from tasks.probe.metrics import Metric
from tasks.store import tables
from tests.support.builders import recipe, write_rulebook
from tests.support.builds import TRACEMILL

pytestmark = [pytest.mark.usefixtures("prefect_server"), pytest.mark.random_order(disabled=True)]
"""The tests of this file tell one story, on one store and one server: they keep their order."""
TRAIN = {
    "learning_rate": 1e-3,
    "batch": 4,
    "epochs": 2,
    "precision": "fp32",
    "encode": {"max_length": 1024},
}
PROBE = {
    "questions": {"problems": {"addition": 8, "rulebook": 8}, "held_out_share": 0, "seed": 5},
    "prompts": {
        "rows": 12, "control": 0, "saturation": 1,
        "families": [
            {"name": "general_reasoning", "share": 1, "ground": "questions", "template": "plain", "categories": ["addition"], "general": True},
            {"name": "strategy", "share": 1, "ground": "questions", "template": "plain", "categories": ["rulebook"]},
        ],
    },
    "asked": {"engine": "scripted"},
    "gates": {"content": {"quality": 0}},
}  # fmt: skip
GUIDE = Path(__file__).parents[2] / "flows" / "README.md"
PLACEMENT = {"train": {"micro_batch": 4, "activation_checkpointing": False}}


def small(rulebook: Path, **changes: object) -> Recipe:
    return recipe(rulebook, **{"train": TRAIN, "probe": PROBE, "placement": PLACEMENT} | changes)


@pytest.fixture(scope="module")
def factory(
    tmp_path_factory: pytest.TempPathFactory, prefect_server: str
) -> tuple[Recipe, Path, Promoted]:
    folder = tmp_path_factory.mktemp("factory")
    made = small(write_rulebook(folder / "rules"))
    return made, folder / "mill", run_factory(made, folder / "mill")


def test_a_promoted_student_is_a_folder_that_says_where_it_comes_from(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    _, root, promoted = factory
    student = Path(promoted.student)
    assert {"adapter", "model", "card.md", "probe.html", "student.json"} <= {
        path.name for path in student.iterdir()
    }
    assert (root / "promoted" / "small").resolve() == student
    about = json.loads((student / "student.json").read_text())
    assert about["corpus"] == promoted.corpus.fingerprint
    assert about["merged"]["kl"] < 0.02
    assert promoted.corpus.fingerprint in (student / "card.md").read_text()
    moved = pq.read_table(student / "tensors.parquet").filter(pc.field("moved"))
    assert {name.rpartition(".")[2] for name in moved["module"].to_pylist()} == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
    }


def test_the_training_tells_what_it_saw_what_moved_and_how_it_went(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    training = factory[2].training
    assert training.step == training.steps > 2
    assert {line["part"] for line in training.moved} == {"base", "adapter"}
    assert str(training.rendered[0]["learnt ends"]).endswith("<|im_end|>")
    assert training.speed is not None
    assert Path(training.curve).read_text().startswith("<svg")


def test_the_probe_asks_both_models_the_same_and_keeps_every_answer(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    probe = factory[2].probe
    (answers,) = [one.table for one in tables(factory[1], "answers")]
    asked = answers.read().to_pylist()
    assert {row["question_id"] for row in asked if row["model"] == "student"} == {
        row["question_id"] for row in asked if row["model"] == "baseline"
    }
    assert len(asked) == 24
    assert Path(probe.page).is_file()
    assert {"presence", "unleaked", "correct: strategy"} <= {one.name for one in probe.metrics}


def test_what_is_measured_on_is_not_taught(factory: tuple[Recipe, Path, Promoted]) -> None:
    (answers,) = [one.table for one in tables(factory[1], "answers")]
    asked = set(answers.read(["prompt"])["prompt"].to_pylist())
    (corpus,) = [one.table for one in tables(factory[1], "corpus")]
    assert not asked & set(corpus.read(["prompt"])["prompt"].to_pylist())


def test_the_finished_factory_again_trains_nothing_and_publishes_the_same(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    made, root, first = factory
    again = run_factory(made, root)
    assert (again.student, again.training.adapter, again.training.speed) == (
        first.student,
        first.training.adapter,
        first.training.speed,
    )
    assert len(tables(root, "adapters")) == len(tables(root, "students")) == 1
    assert not list((root / "training").iterdir())


def test_a_failed_gate_stops_the_line_names_the_metric_and_keeps_the_answers(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    made, root, _ = factory
    strict = made.model_copy(
        update={
            "probe": made.probe.model_validate(
                PROBE | {"gates": {"emission": {"think_length": 1.5}}}
            )
        }
    )
    with pytest.raises(
        GateBroken,
        match=r"the probe's emission gate: think_length fails: .* Nothing was published; read .*report\.html",
    ):
        run_factory(strict, root)
    assert len(tables(root, "students")) == 1
    assert len(tables(root, "answers")) == 2


def test_the_earliest_checkpoint_that_passes_wins(factory: tuple[Recipe, Path, Promoted]) -> None:
    made, root, first = factory
    probed = made.model_copy(update={"train": made.train.model_copy(update={"probe_every": 2})})
    won = train_student(probed, root)
    assert won.steps == first.training.steps
    assert won.step < won.steps
    assert won.step >= 0.5 * won.steps > won.step - 2
    stretches = {progress(one.table)[0] for one in tables(root, "adapters")}
    assert stretches == {*range(2, won.step + 1, 2), first.training.steps}


def test_no_checkpoint_passes_is_said_with_the_metric(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    made, root, first = factory
    hopeless = PROBE | {"gates": {"emission": {"think_length": 1.5}}, "floor": 0}
    probed = made.model_copy(
        update={
            "train": made.train.model_copy(update={"probe_every": first.training.steps}),
            "probe": made.probe.model_validate(hopeless),
        }
    )
    with pytest.raises(
        GateBroken,
        match=f"no checkpoint passes the probe; the last, at step {first.training.steps}: think_length fails",
    ):
        train_student(probed, root)


def test_a_collapse_ends_the_training_at_once_and_names_the_metric() -> None:
    held = Metric(
        "emission", "closure", 1.0, 0.9, 0.9, 0.8, 1.0, 0.9, passed=True, sure=0.6, questions=20
    )
    gone = Metric(
        "emission", "presence", 1.0, 0.3, 0.3, 0.2, 0.4, 0.9, passed=False, sure=1.0, questions=20
    )
    refuse_collapsed([held], 40, 0.5)
    with pytest.raises(
        GateBroken,
        match=r"training stopped at step 40, below the floor of 0\.5 x baseline: presence fails",
    ):
        refuse_collapsed([held, gone], 40, 0.5)


def test_a_sound_student_has_no_layer_at_fault(factory: tuple[Recipe, Path, Promoted]) -> None:
    made, root, _ = factory
    found = diagnose_student(made, root)
    assert found.layer == "none"
    assert [layer for layer, _, _ in found.looks] == [
        "rendering",
        "corpus",
        "base model",
        "training mixture",
    ]


def test_rows_that_do_not_fit_are_a_fault_of_the_rendering_and_nothing_is_trained(
    factory: tuple[Recipe, Path, Promoted],
) -> None:
    made, root, _ = factory
    short = made.model_copy(
        update={"train": made.train.model_validate(TRAIN | {"encode": {"max_length": 32}})}
    )
    before = len(tables(root, "adapters"))
    with pytest.raises(RenderBroken, match="too_long in"):
        train_student(short, root)
    found = diagnose_student(short, root)
    assert (found.layer, len(found.looks)) == ("rendering", 1)
    assert len(tables(root, "adapters")) == before


Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def tracemill(factory: tuple[Recipe, Path, Promoted], prefect_server: str) -> Command:
    """Run a command on the finished factory: all it needs is there."""
    made, root, _ = factory
    path = root.parent / "small.yaml"
    path.write_text(yaml.safe_dump(made.model_dump(mode="json")))

    def run(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        whole = [str(TRACEMILL), command, str(path), *arguments, "--root", str(root)]
        own = os.environ | {"COLUMNS": "200", "PREFECT_API_URL": prefect_server}
        return subprocess.run(
            whole, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=own, check=False
        )

    return run


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            "run",
            (
                "render check",
                "isolation",
                "student against baseline",
                "passed: the student passes every metric",
                "student      ",
            ),
        ),
        ("train", ("render check", "isolation", "loss curve")),
        ("probe", ("think_length", "correct: general_reasoning", "side by side")),
        ("diagnose", ("sound     rendering", "sound     corpus", "none: nothing to do")),
    ],
)
def test_every_command_ends_with_what_one_wants_to_know(
    tracemill: Command, command: str, says: tuple[str, ...]
) -> None:
    done = tracemill(command)
    assert done.returncode == 0, done.stderr
    assert all(one in done.stdout for one in says), done.stdout


def test_the_readmes_commands_for_a_student_are_the_ones_run_here() -> None:
    commands = re.findall(
        r"^\.venv/bin/tracemill (\w+) deployments/recipes/pocket\.yaml",
        GUIDE.read_text(),
        re.MULTILINE,
    )
    assert [one for one in commands if one not in ("build", "plan")] == [
        "run",
        "train",
        "probe",
        "reproduce",
        "diagnose",
    ]


def test_a_failed_probe_is_exit_code_1_and_names_the_metric(tracemill: Command) -> None:
    done = tracemill("probe", "--set", "probe.gates.emission.think_length=1.5")
    assert done.returncode == 1
    assert "emission: think_length fails" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("failed")


def test_one_row_is_found_by_the_id_of_its_answer_of_its_trace_or_of_the_corpus_row(
    factory: tuple[Recipe, Path, Promoted], tracemill: Command
) -> None:
    made, root, _ = factory
    (answers,), (corpus,) = (
        [one.table.read() for one in tables(root, stage)][:1] for stage in ("answers", "corpus")
    )
    student = next(row for row in answers.to_pylist() if row["model"] == "student")
    row = corpus.to_pylist()[0]
    for row_id, prompt, raw in (
        (student["answer_id"][:12], student["prompt"], student["raw"]),
        (row["row_id"], row["prompt"], row["messages"][-1]["content"]),
        (row["provenance"]["trace_id"], row["prompt"], row["messages"][-1]["content"]),
    ):
        again = reproduce(root, row_id, made.verdicts, made.placement.models)
        assert prompt in again.prompt
        assert (again.recorded, again.shown) == (raw, raw)
        assert again.verdicts["structure"] == ("passed", "passed")
    done = tracemill("reproduce", student["answer_id"][:12])
    assert done.returncode == 0, done.stderr
    assert "answered then" in done.stdout and student["prompt"] in done.stdout


@pytest.mark.parametrize(
    ("row_id", "says"),
    [("abc", "'abc' is too short"), ("ffffffffffff", "has an id that begins with 'ffffffffffff'")],
)
def test_a_row_that_nothing_has_is_said(tracemill: Command, row_id: str, says: str) -> None:
    done = tracemill("reproduce", row_id)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
