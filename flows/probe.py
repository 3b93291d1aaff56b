"""The probe: base model and student answer the same questions, and their answers are compared."""

from dataclasses import dataclass
from pathlib import Path

from flows.build_corpus import Built
from flows.clock import Clock
from flows.recipes.corpus import Recipe
from flows.recipes.models import judge as judge_of
from tasks.audit.task import audit_traces
from tasks.critique.task import judge_coherence
from tasks.inference.engine import Adapter, NamedModel, TeacherSpec
from tasks.inference.opening import rank_of
from tasks.probe.answers import Asked
from tasks.probe.task import join_answers, keep_style, weigh_answers
from tasks.prompts.task import write_prompts
from tasks.store import Table
from tasks.traces.generate import TraceSpec
from tasks.traces.task import generate_traces
from tasks.verdicts.task import judge_traces

STUDENT = "student"
"""Name of the trained model in TRACES, with and without its adapter."""


@dataclass(frozen=True)
class Probed:
    """The tables of a probe.

    student: the student's answers as TRACES. weighed: ANSWERS, with the metrics and the page.
    """

    prompts: Table
    student: Table
    weighed: Table


def probe(
    recipe: Recipe,
    built: Built,
    adapter: Adapter,
    root: Path,
    clock: Clock,
    *,
    rows: int | None = None,
) -> Probed:
    """Return the probe of a student; a student that fails raises nothing.

    rows: number of questions, None for the recipe's number.
    """
    spec, placement = recipe.probe, recipe.placement.probe
    plan = spec.prompts.model_copy(update={"rows": min(rows, spec.prompts.rows)} if rows else {})
    prompts = clock.run(write_prompts, built.passages, built.probe_questions, plan, root)
    asking = TraceSpec(models=(STUDENT,), samples=spec.samples, seed=spec.seed, keep_cut=True)
    # One engine serves both models, so it is loaded with room for the adapter.
    placement = placement.model_copy(update={"adapter_rank": rank_of(adapter)})
    model = (NamedModel(STUDENT, student_spec(recipe), placement),)
    base = clock.run(generate_traces, prompts, asking, model, root)
    student = clock.run(generate_traces, prompts, asking, model, root, adapter)
    style = clock.run(keep_style, base, prompts, root, recipe.name)
    audits = clock.run(
        audit_traces, student, prompts, (style, *built.baselines), recipe.audit, root, recipe.name
    )
    both = clock.run(join_answers, base, student, root)
    structure = spec.structure or recipe.verdicts.structure
    gates = recipe.verdicts.model_copy(update={"structure": structure})
    verdicts = clock.run(
        judge_traces, both, prompts, built.passages, built.probe_questions, audits, gates, root
    )
    coherence = clock.run(
        judge_coherence,
        both,
        prompts,
        built.passages,
        built.probe_questions,
        verdicts,
        spec.coherence,
        judge_of(recipe, spec.coherence),
        root,
    )
    asked = Asked(
        prompts=prompts,
        questions=built.probe_questions,
        base=base,
        student=student,
        verdicts=verdicts,
        coherence=coherence,
    )
    return Probed(prompts, student, clock.run(weigh_answers, asked, spec.gates, root, recipe.name))


def student_spec(recipe: Recipe) -> TeacherSpec:
    """Return the trained model with the sampling of the probe, for base model and student."""
    student = recipe.train.student
    own = {
        "model": student.model,
        "revision": student.revision,
        "trust_remote_code": student.trust_remote_code,
    }
    return recipe.probe.asked.model_copy(update=own)
