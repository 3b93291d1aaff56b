"""The flow diagnose-student: check layer after layer, the cheapest first, until one fails."""

from pathlib import Path

import pyarrow.compute as pc
from prefect import flow
from pydantic import BaseModel

from flows.build_corpus import Built, build
from flows.clock import Clock
from flows.probe import STUDENT, Probed, probe
from flows.recipes.corpus import Recipe
from flows.recipes.load import Overlay, Root, laid_over
from flows.recipes.models import with_room_for_adapter
from flows.reproduce import reproduce
from flows.train_student import checkpoints
from tasks.audit.traces import corpus_leaks
from tasks.errors import GateBroken, RenderBroken
from tasks.inference.warm import WARM
from tasks.probe.diagnosis import Diagnosis, Evidence, diagnose
from tasks.probe.weigh import metrics_of
from tasks.train.adapter import adapter_of
from tasks.train.task import encode_examples


class Diagnosed(BaseModel):
    """The layer at fault and the checks before it.

    looks: (layer, whether it is at fault, what the check found). do: what to do.
    """

    layer: str
    looks: list[tuple[str, bool, str]]
    do: str


@flow(name="diagnose-student")
def diagnose_student(
    recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()
) -> Diagnosed:
    """Find the layer at fault in a recipe's student, from the cheapest check to the most expensive.

    Missing tables are made first.
    """
    recipe = with_room_for_adapter(laid_over(recipe, settings))
    root, clock = root.absolute(), Clock()
    with WARM:
        try:
            built = build(recipe, root, clock)
        except GateBroken as exc:
            return diagnosed(diagnose(Evidence(leaked=str(exc))))
        return diagnosed(look(recipe, built, root, clock))


def look(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Diagnosis:
    """Return the diagnosis of the student of a build."""
    seen = Evidence(rendered=rendered(recipe, built, root, clock))
    if not seen.rendered:
        seen = seen._replace(leaked=corpus_leaks(built.corpus, built.baselines, recipe.audit))
    if seen.rendered or seen.leaked:
        return diagnose(seen)
    *_, last = checkpoints(recipe, built, root, clock)
    probed = probe(recipe, built, adapter_of(last.adapter), root, clock)
    seen = seen._replace(metrics=metrics_of(probed.weighed), general=general_share(built))
    if not all(one.passed for one in seen.metrics or ()):
        seen = seen._replace(nats=nats_alone(recipe, probed, root))
    return diagnose(
        seen, general=[family.name for family in recipe.probe.prompts.families if family.general]
    )


def rendered(recipe: Recipe, built: Built, root: Path, clock: Clock) -> str:
    """Return the faults that the render check finds in the corpus, "" for none."""
    try:
        clock.run(encode_examples, built.corpus, recipe.train.student, recipe.train.encode, root)
    except RenderBroken as exc:
        return str(exc)
    return ""


def general_share(built: Built) -> float:
    """Return the share of general reasoning in the corpus."""
    return float(pc.mean(built.corpus.read(["general"])["general"].cast("int8")).as_py())


def nats_alone(recipe: Recipe, probed: Probed, root: Path) -> float | None:
    """Return how unlikely a failed answer of the probe is under the student's weights.

    In nats per token. None if no answer failed, or if the engine is not vllm.
    """
    failing = [
        row["answer_id"]
        for row in probed.weighed.read().to_pylist()
        if row["model"] == "student" and row["faults"]
    ]
    if not failing or recipe.probe.asked.engine != "vllm":
        return None
    placements = {STUDENT: recipe.placement.probe}
    return reproduce(root, failing[0], recipe.verdicts, placements).recorded_nats


def diagnosed(found: Diagnosis) -> Diagnosed:
    """Return a diagnosis as the result of the flow."""
    return Diagnosed(
        layer=found.layer,
        looks=[(one.layer, one.guilty, one.says) for one in found.findings],
        do=found.do,
    )
