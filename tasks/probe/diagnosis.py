"""Which layer causes a failed gate: what was observed at each layer, from the cheapest to the most
expensive to examine.

A layer is named as the cause only if all layers before it are sound. Otherwise a long training is
repeated although the fault lies in the corpus.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from tasks.probe.metrics import Metric

Layer = Literal[
    "rendering", "corpus", "base model", "serving", "training mixture", "training", "none"
]
LOOKS: tuple[Layer, ...] = (
    "rendering",
    "corpus",
    "base model",
    "serving",
    "training mixture",
    "training",
)
"""The layers in the order in which they are examined."""
MIN_GENERAL = 0.05
"""Smallest share of general reasoning in a sound corpus."""
MIN_BASE = 0.5
"""Smallest share that the base model itself must reach in a metric."""
UNLIKELY_NATS = 2.0
"""Mean nats per token above which a model did not write a text."""


class Evidence(NamedTuple):
    """The observations at each layer. None: this layer was not examined.

    rendered: faults that the render check found in the token ids, "" if none. leaked: producer
    state that the audit found in the corpus, "" if none. metrics: of the probe. general: share of
    general reasoning in the corpus. nats: mean surprisal of a failed answer under the student's
    weights alone, in nats per token.
    """

    rendered: str | None = None
    leaked: str | None = None
    metrics: Sequence[Metric] | None = None
    general: float | None = None
    nats: float | None = None


class LayerCheck(NamedTuple):
    """The examination of one layer. guilty: the evidence shows a fault in it."""

    layer: Layer
    guilty: bool
    says: str


class Diagnosis(NamedTuple):
    """The faulty layer, all findings up to it, and what to do."""

    layer: Layer
    findings: list[LayerCheck]
    do: str


DO: dict[Layer, str] = {
    "rendering": "correct the tokenizer, the chat template or the generation config; "
    "training is useless before that",
    "corpus": "remove the cause of the leak and build again; "
    "the student only learns what the corpus holds",
    "base model": "choose another base model, or a probe that it can answer; "
    "a student cannot keep what its base model never had",
    "serving": "check which weights, adapter and template the engine serves; "
    "the probe did not measure this student",
    "training mixture": "put 10 to 15 % general reasoning into the corpus "
    "(prompts.families with general: true) and train again",
    "training": "lower train.learning_rate or train.epochs, or probe checkpoints "
    "(train.probe_every) to keep the earliest good one",
    "none": "nothing to do",
}
"""Layer → what to do if it is at fault."""


def diagnose(seen: Evidence, *, general: Sequence[str] = ()) -> Diagnosis:
    """Return the first faulty layer, the cheapest first. Layers without observations are left out.

    general: kinds of questions that measure general reasoning.
    """
    findings = [one for one in _findings(seen, frozenset(general)) if one]
    guilty: Layer = next((one.layer for one in findings if one.guilty), "none")
    upto = next((place for place, one in enumerate(findings, 1) if one.guilty), len(findings))
    return Diagnosis(guilty, findings[:upto], DO[guilty])


def _findings(seen: Evidence, general: frozenset[str]) -> list[LayerCheck | None]:
    failed = [one for one in seen.metrics or () if not one.passed]
    return [
        _rendering(seen),
        _corpus(seen),
        _base(seen, failed),
        _serving(seen),
        _mixture(seen, failed, general),
        _training(failed),
    ]


def _rendering(seen: Evidence) -> LayerCheck | None:
    if seen.rendered is None:
        return None
    sound = (
        "rows render correctly: the end-of-text token is learned once, generation stops at it, "
        "and the prompt is outside the loss"
    )
    return LayerCheck("rendering", bool(seen.rendered), seen.rendered or sound)


def _corpus(seen: Evidence) -> LayerCheck | None:
    if seen.leaked is None:
        return None
    sound = "the audit finds no producer state in the corpus"
    return LayerCheck("corpus", bool(seen.leaked), seen.leaked or sound)


def _base(seen: Evidence, failed: Sequence[Metric]) -> LayerCheck | None:
    if seen.metrics is None:
        return None
    shares = [one for one in failed if one.name != "think_length"]
    poor = [one for one in shares if one.baseline < MIN_BASE]
    if poor:
        says = f"the base model itself reaches only {poor[0].baseline:.2f} in {poor[0].name}"
        return LayerCheck("base model", guilty=True, says=says)
    says = "the base model answers the probe well enough for a comparison"
    return LayerCheck("base model", guilty=False, says=says)


def _serving(seen: Evidence) -> LayerCheck | None:
    if seen.nats is None:
        return None
    foreign = seen.nats > UNLIKELY_NATS
    likely = "unlikely" if foreign else "likely"
    says = f"the failed answer is {likely} under the student's own weights"
    return LayerCheck("serving", foreign, f"{says} ({seen.nats:.2f} nats per token)")


def _mixture(
    seen: Evidence, failed: Sequence[Metric], general: frozenset[str]
) -> LayerCheck | None:
    if seen.general is None:
        return None
    forgotten = [one for one in failed if one.name.removeprefix("correct: ") in general]
    held = f"{100 * seen.general:.0f} % of the corpus is general reasoning"
    if forgotten and seen.general < MIN_GENERAL:
        says = f"general reasoning is lost ({forgotten[0].sentence()}), and {held}"
        return LayerCheck("training mixture", guilty=True, says=says)
    return LayerCheck("training mixture", guilty=False, says=held)


def _training(failed: Sequence[Metric]) -> LayerCheck | None:
    if not failed:
        return None
    says = f"all layers before it are sound, and {failed[0].sentence()}"
    return LayerCheck("training", guilty=True, says=says)
