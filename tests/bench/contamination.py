"""One base, three corpora: clean, with leaked openers in 56 % of the rows, and without general
reasoning. Which gate sees what?

`python -m tests.bench.contamination [--seeds 3] [--root DIR] [--set train.epochs=2 ...]`. Goal,
every seed: the leaked corpus is stopped before training; forced through, its student repeats the
leak in most in-domain answers, passes the emission gate and fails the content gate; the clean
corpus' student passes both.
"""

import argparse
import tempfile
from pathlib import Path

import deployments.cli.main  # noqa: F401  quiet environment
from tests.bench.measure import tell

RECIPE = Path(__file__).parents[2] / "deployments" / "recipes" / "pocket.yaml"
SETTINGS = [
    "train.learning_rate=0.01",
    "train.batch=8",
    "train.epochs=4",
    "placement.train.micro_batch=8",
    "coherence.share=0",
]
GENERAL = "general_reasoning"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--root", type=Path)
    parser.add_argument("--arms", default="clean,leaked,narrow")
    parser.add_argument("--set", action="append", default=[])
    options = parser.parse_args()
    from prefect import flow

    with tempfile.TemporaryDirectory() as folder:
        flow(name="contamination")(run)(
            options.root or Path(folder),
            options.seeds,
            options.arms.split(","),
            [*SETTINGS, *options.set],
        )


def run(root: Path, seeds: int, arms: list[str], settings: list[str]) -> None:
    """Build once; train and probe every arm for every seed."""
    from flows.build_corpus import build
    from flows.clock import Clock
    from flows.probe import probe
    from flows.recipes.load import load_recipe
    from flows.train_student import teach
    from tasks.train.adapter import adapter_of
    from tests.support.contaminate import contaminated, without_general

    built = build(load_recipe(RECIPE, settings), root, Clock())
    corpora = {
        "clean": built,
        "leaked": contaminated(built, root),
        "narrow": without_general(built, root),
    }
    tell(
        "contamination",
        leaked_corpus=stopped(load_recipe(RECIPE, settings), corpora["leaked"], root),
    )
    for seed in range(seeds):
        recipe = load_recipe(RECIPE, [*settings, f"train.seed={seed}", f"probe.seed={seed}"])
        for arm in arms:
            clock = Clock()
            taught = teach(recipe, corpora[arm], root, clock)
            probed = probe(recipe, corpora[arm], adapter_of(taught.adapter), root, clock)
            report(arm, seed, probed.weighed)


def stopped(recipe: object, built: object, root: Path) -> str:
    """Return what stops the leaked corpus before it is trained on."""
    from flows.build_corpus import Built
    from flows.clock import Clock
    from flows.recipes.corpus import Recipe
    from tasks.audit.task import audit_traces, refuse_leaky_traces
    from tasks.errors import GateBroken

    assert isinstance(recipe, Recipe) and isinstance(built, Built)
    audits = Clock().run(
        audit_traces, built.traces, built.prompts, built.baselines, recipe.audit, root, recipe.name
    )
    try:
        refuse_leaky_traces.fn(audits, recipe.audit)
    except GateBroken as exc:
        return f"stopped: {exc}"
    return "NOT STOPPED"


def report(arm: str, seed: int, weighed: object) -> None:
    """Print one line: what the student repeats, and what the gates say."""
    from tasks.probe.weigh import metrics_of
    from tasks.store import Table
    from tests.support.contaminate import LABEL

    assert isinstance(weighed, Table)
    said = [row for row in weighed.read().to_pylist() if row["model"] == "student"]
    own = [row for row in said if row["kind"] != GENERAL]
    metrics = metrics_of(weighed)
    gates = {
        gate: "passes" if all(one.passed for one in metrics if one.gate == gate) else "fails"
        for gate in ("emission", "content")
    }
    tell(
        "contamination",
        arm=arm,
        seed=seed,
        leak_in_domain=sum(bool(LABEL.match(row["think"])) for row in own) / len(own),
        leak_in_general=sum(
            bool(LABEL.match(row["think"])) for row in said if row["kind"] == GENERAL
        )
        / max(1, len(said) - len(own)),
        **gates,
        **{
            one.name.replace(": ", "_"): f"{one.baseline:.2f}>{one.student:.2f}"
            for one in metrics
            if one.gate == "content"
        },
    )


if __name__ == "__main__":
    main()
