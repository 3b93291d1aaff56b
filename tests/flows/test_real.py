"""A whole factory run with the real engine: fenced, repeated, and once with the leak that cost two
nights.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.build_corpus import build
from flows.clock import Clock
from flows.diagnose import look
from flows.probe import probe
from flows.recipes.load import load_recipe
from flows.train_student import teach
from tasks.audit.task import audit_traces, refuse_leaky_traces
from tasks.errors import GateBroken
from tasks.inference.warm import WARM
from tasks.probe.weigh import metrics_of
from tasks.store import Table, tables
from tasks.train.adapter import adapter_of
from tests.support.builds import TRACEMILL, corpus_bytes
from tests.support.contaminate import LABEL, contaminated
from tests.support.handbook import untrue

pytestmark = [pytest.mark.vllm, pytest.mark.random_order(disabled=True)]
"""The tests of this file tell one story, on one store and one server: they keep their order."""
FENCES = Path(__file__).parents[1] / "support" / "fences"
POCKET = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"


@pytest.fixture(scope="module", autouse=True)
def ray_ends_with_the_module() -> Iterator[None]:
    yield
    import ray

    WARM.release()
    ray.shutdown()


SETTINGS = [
    "prompts.rows=60", "traces.samples=2", "prompts.control=0.2", "corpus.suite.min_rows=5", "coherence.share=0",
    "train.learning_rate=0.01", "train.batch=4", "train.epochs=8", "placement.train.micro_batch=4",
]  # fmt: skip
"""A build of a minute, and a training that learns what is in it: the pocket recipe learns next to
nothing, as its student is its teacher.
"""


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a whole factory run behind the fence: corpus, student, probe, promoted."""
    root = tmp_path_factory.mktemp("factory")
    _fenced("run", root)
    return root


def test_a_whole_factory_run_needs_no_network_and_its_clean_student_passes_both_gates(
    factory: Path,
) -> None:
    """Inside a fence that notes every attempt to leave, in an empty network where the system lets
    us make one.
    """
    attempts = factory / "attempts.txt"
    assert not attempts.exists(), attempts.read_text()
    student = factory / "promoted" / "pocket"
    assert {"adapter", "model", "probe.html", "card.md"} <= {
        path.name for path in student.iterdir()
    }
    (weighed,) = (one.table for one in tables(factory, "answers"))
    metrics = metrics_of(weighed)
    assert all(one.passed for one in metrics)
    assert {"presence", "unleaked", "correct: general_reasoning", "correct: strategy"} <= {
        one.name for one in metrics
    }
    assert not _leaks(weighed)


def test_every_handbook_row_is_true_and_quotes_its_section_word_for_word(factory: Path) -> None:
    (corpus,) = (one.table for one in tables(factory, "corpus"))
    asked = [row for row in corpus.read().to_pylist() if row["family"] == "handbook_qa"]
    assert len(asked) >= 15
    assert [
        fault for row in asked if (fault := untrue(row["prompt"], row["think"], row["answer"]))
    ] == []


def test_a_build_with_the_real_teacher_repeats_itself(factory: Path, tmp_path: Path) -> None:
    _fenced("build", tmp_path / "again")
    assert corpus_bytes(tmp_path / "again") == corpus_bytes(factory)


def test_a_leaked_corpus_is_stopped_and_its_student_passes_the_gate_that_counts_tags_and_fails_the_one_that_reads(
    factory: Path, prefect_server: str
) -> None:
    """56 % of the rows, as in the night that was lost; the base model's answers are there already."""
    recipe = load_recipe(POCKET, SETTINGS)
    clock = Clock()
    leaked = contaminated(build(recipe, factory, clock), factory)
    audits = clock.run(
        audit_traces,
        leaked.traces,
        leaked.prompts,
        leaked.baselines,
        recipe.audit,
        factory,
        recipe.name,
    )
    with pytest.raises(GateBroken, match="producer state in the traces"):
        refuse_leaky_traces.fn(audits, recipe.audit)

    forced = teach(recipe, leaked, factory, clock)
    weighed = probe(recipe, leaked, adapter_of(forced.adapter), factory, clock).weighed
    assert _leaks(weighed) > 0.5
    failed = {one.gate: one.name for one in metrics_of(weighed) if not one.passed}
    assert "emission" not in failed
    assert "unleaked" in {one.name for one in metrics_of(weighed) if not one.passed}
    assert look(recipe, leaked, factory, clock).layer == "corpus"


def _leaks(weighed: Table) -> float:
    """Return the share of the student's in-domain answers that begin with a producer's label."""
    said = [
        row["think"]
        for row in weighed.read().to_pylist()
        if row["model"] == "student" and row["kind"] != "general_reasoning"
    ]
    return sum(bool(LABEL.match(thought)) for thought in said) / len(said)


def _fenced(command: str, root: Path) -> None:
    root.mkdir(exist_ok=True)
    own = os.environ | {
        "PYTHONPATH": str(FENCES),
        "FENCE_LOG": str(root / "attempts.txt"),
        "PREFECT_HOME": str(root / "prefect"),
    }
    for name in [name for name in own if name.startswith("PREFECT_API")]:
        del own[name]
    whole = [
        *_empty_network(),
        TRACEMILL,
        command,
        POCKET,
        "--root",
        root,
        *(part for one in SETTINGS for part in ("--set", one)),
    ]
    done = subprocess.run(
        [*map(str, whole)],
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _empty_network() -> list[str]:
    """Return a prefix that runs a command in a network namespace with loopback alone, or nothing
    where that is not allowed.
    """
    prefix = [
        "unshare",
        "--net",
        "--map-root-user",
        "sh",
        "-c",
        'ip link set lo up 2>/dev/null || ifconfig lo up; exec "$@"',
        "sh",
    ]
    usable = (
        shutil.which("unshare")
        and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0
    )
    return prefix if usable else []
