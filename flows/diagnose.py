"""The diagnosis: each layer looked at in its turn, cheapest first; what has not run yet is run,
until one is found guilty.
"""

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
from flows.train_student import stretches
from tasks.audit.traces import corpus_leaks
from tasks.errors import GateBroken, RenderBroken
from tasks.inference.warm import WARM
from tasks.probe.diagnosis import Diagnosis, Evidence, diagnose
from tasks.probe.weigh import metrics_of
from tasks.train.adapter import adapter_of
from tasks.train.task import encode_examples


class Diagnosed(BaseModel):
    """The layer at fault and the looks that led to it. looks: layer, whether it is guilty, what was
    seen.
    """

    layer: str
    looks: list[tuple[str, bool, str]]
    do: str


@flow(name="diagnose-student")
def diagnose_student(
    recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()
) -> Diagnosed:
    """Name the layer that is at fault in the recipe's student, running what has not run, from the
    cheapest check to the dearest.
    """
    recipe = with_room_for_adapter(laid_over(recipe, settings))
    root, clock = root.absolute(), Clock()
    with WARM:
        try:
            built = build(recipe, root, clock)
        except GateBroken as exc:
            return told(diagnose(Evidence(leaked=str(exc))))
        return told(look(recipe, built, root, clock))


def look(recipe: Recipe, built: Built, root: Path, clock: Clock) -> Diagnosis:
    """Return the diagnosis of a student made from this build."""
    seen = Evidence(rendered=rendered(recipe, built, root, clock))
    if not seen.rendered:
        seen = seen._replace(leaked=corpus_leaks(built.corpus, built.baselines, recipe.audit))
    if seen.rendered or seen.leaked:
        return diagnose(seen)
    *_, last = stretches(recipe, built, root, clock)
    probed = probe(recipe, built, adapter_of(last.adapter), root, clock)
    seen = seen._replace(metrics=metrics_of(probed.weighed), general=general_share(built))
    if not all(one.passed for one in seen.metrics or ()):
        seen = seen._replace(nats=nats_alone(recipe, probed, root))
    return diagnose(
        seen, general=[family.name for family in recipe.probe.prompts.families if family.general]
    )


def rendered(recipe: Recipe, built: Built, root: Path, clock: Clock) -> str:
    """Return what the render check says against the corpus, "" when nothing."""
    try:
        clock.run(encode_examples, built.corpus, recipe.train.student, recipe.train.encode, root)
    except RenderBroken as exc:
        return str(exc)
    return ""


def general_share(built: Built) -> float:
    """Return the share of general reasoning in the corpus."""
    return float(pc.mean(built.corpus.read(["general"])["general"].cast("int8")).as_py())


def nats_alone(recipe: Recipe, probed: Probed, root: Path) -> float | None:
    """Return how unlikely the student's weights, asked alone, find an answer that fails in the
    probe; None when none does or it cannot be asked.
    """
    failing = [
        row["answer_id"]
        for row in probed.weighed.read().to_pylist()
        if row["model"] == "student" and row["faults"]
    ]
    if not failing or recipe.probe.asked.engine != "vllm":
        return None
    return reproduce(
        root, failing[0], recipe.verdicts, {STUDENT: recipe.placement.probe}
    ).recorded_nats


def told(found: Diagnosis) -> Diagnosed:
    """Return a diagnosis in its written form."""
    return Diagnosed(
        layer=found.layer,
        looks=[(one.layer, one.guilty, one.says) for one in found.findings],
        do=found.do,
    )
