"""Which layer is at fault when a gate fails: what was seen at each, from the cheapest to look at to
the dearest, and what it points to.

Two trainings of two hours were once thrown away because the dearest layer was suspected first: rows
without an end, then forgetting; it was the corpus. So a layer is only blamed when those before it
are sound.
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
LEAST_GENERAL, LEAST_BASE, UNLIKELY_NATS = 0.05, 0.5, 2.0


class Evidence(NamedTuple):
    """What was seen at each layer. None: not looked at.

    rendered: what the render check says against the ids, "" when nothing. leaked: what the audit
    says against the corpus, "" when nothing. general: share of general reasoning in the corpus.
    nats: how unlikely the student's own weights, asked alone, find an answer that the probe holds
    against it, nats a token.
    """

    rendered: str | None = None
    leaked: str | None = None
    metrics: Sequence[Metric] | None = None
    general: float | None = None
    nats: float | None = None


class Finding(NamedTuple):
    """A look at one layer. guilty: the evidence points here."""

    layer: Layer
    guilty: bool
    says: str


class Diagnosis(NamedTuple):
    """The layer to mend, every look that led there, and what to do."""

    layer: Layer
    findings: list[Finding]
    do: str


DO: dict[Layer, str] = {
    "rendering": "mend tokenizer, chat template or generation config; a training before that is lost",
    "corpus": "mend what leaks and build again; the trainer only repeats what it was given",
    "base model": "choose another base, or a probe that the base can answer; a student cannot keep what its base never had",
    "serving": "look at the engine: which weights, adapter and template it serves; the probe did not see this student",
    "training mixture": "put 10 to 15 % general reasoning into the corpus (prompts.families with general: true) and train again",
    "training": "lower train.learning_rate or train.epochs, or probe checkpoints (train.probe_every) so that the earliest good one wins",
    "none": "nothing to mend",
}


def diagnose(seen: Evidence, *, general: Sequence[str] = ()) -> Diagnosis:
    """Return the first layer that the evidence points to, cheapest first; layers not looked at are
    left out. general: kinds of general reasoning.
    """
    findings = [one for one in _findings(seen, frozenset(general)) if one]
    guilty: Layer = next((one.layer for one in findings if one.guilty), "none")
    upto = next((place for place, one in enumerate(findings, 1) if one.guilty), len(findings))
    return Diagnosis(guilty, findings[:upto], DO[guilty])


def _findings(seen: Evidence, general: frozenset[str]) -> list[Finding | None]:
    failed = [one for one in seen.metrics or () if not one.passed]
    return [
        _rendering(seen),
        _corpus(seen),
        _base(seen, failed),
        _serving(seen),
        _mixture(seen, failed, general),
        _training(failed),
    ]


def _rendering(seen: Evidence) -> Finding | None:
    if seen.rendered is None:
        return None
    sound = "rows render as they should: the end-of-text token is learnt once and generation stops at it, the prompt is outside the loss"
    return Finding("rendering", bool(seen.rendered), seen.rendered or sound)


def _corpus(seen: Evidence) -> Finding | None:
    if seen.leaked is None:
        return None
    return Finding(
        "corpus",
        bool(seen.leaked),
        seen.leaked or "the audit finds no producer state in the corpus",
    )


def _base(seen: Evidence, failed: Sequence[Metric]) -> Finding | None:
    if seen.metrics is None:
        return None
    poor = [
        one
        for one in seen.metrics
        if one in failed and one.name != "think_length" and one.baseline < LEAST_BASE
    ]
    if poor:
        return Finding(
            "base model",
            guilty=True,
            says=f"the base itself reaches only {poor[0].baseline:.2f} in {poor[0].name}",
        )
    return Finding(
        "base model", guilty=False, says="the base answers the probe well enough to lose something"
    )


def _serving(seen: Evidence) -> Finding | None:
    if seen.nats is None:
        return None
    foreign = seen.nats > UNLIKELY_NATS
    says = "never wrote" if foreign else "did write"
    return Finding(
        "serving",
        foreign,
        f"asked alone, the student's weights {says} what failed ({seen.nats:.2f} nats a token)",
    )


def _mixture(seen: Evidence, failed: Sequence[Metric], general: frozenset[str]) -> Finding | None:
    if seen.general is None:
        return None
    forgotten = [one for one in failed if one.name.removeprefix("correct: ") in general]
    held = f"{100 * seen.general:.0f} % of the corpus is general reasoning"
    if forgotten and seen.general < LEAST_GENERAL:
        return Finding(
            "training mixture",
            guilty=True,
            says=f"general reasoning is forgotten ({forgotten[0].sentence()}), and {held}",
        )
    return Finding("training mixture", guilty=False, says=held)


def _training(failed: Sequence[Metric]) -> Finding | None:
    return (
        Finding("training", guilty=True, says=f"all before it is sound, and {failed[0].sentence()}")
        if failed
        else None
    )
