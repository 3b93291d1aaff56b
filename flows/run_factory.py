"""The flow run-factory: measure, build, train, probe, publish; a failed gate stops the run."""

from pathlib import Path

from prefect import flow
from pydantic import BaseModel

from flows.build_corpus import Summary, build, summary
from flows.clock import Clock
from flows.ending import telling
from flows.measure_teacher import with_teacher
from flows.probe import probe, student_spec
from flows.probe_student import Probing, probing
from flows.recipes.corpus import Recipe
from flows.recipes.load import Overlay, Root, laid_over
from flows.recipes.models import teachers, with_room_for_adapter
from flows.seen import PROMOTED, announce, announce_broken, leave_links, remember_tables
from flows.train_student import Training, teach, training
from tasks.inference.warm import WARM
from tasks.probe.task import refuse_failed_probe
from tasks.probe.weigh import PAGE
from tasks.train.adapter import adapter_of
from tasks.train.publish import Provenance
from tasks.train.task import publish_student


class Promoted(BaseModel):
    """A published student: its path, and the results of build, training and probe."""

    student: str
    corpus: Summary
    training: Training
    probe: Probing


@flow(name="run-factory", on_failure=[announce_broken])
def run_factory(recipe: Recipe, root: Root = Path("mill"), settings: Overlay = ()) -> Promoted:
    """Choose the teacher, build the corpus, train and probe the student, and publish it.

    Finished steps are not repeated. Raises GateBroken if a gate fails.
    """
    recipe, root, clock = laid_over(recipe, settings), root.absolute(), Clock()
    with telling(clock), WARM:
        return promoted(recipe, root, clock)


def promoted(recipe: Recipe, root: Path, clock: Clock) -> Promoted:
    """Return the published student of a recipe. Raises GateBroken if a gate fails."""
    recipe = with_room_for_adapter(with_teacher(recipe, root))
    built = build(recipe, root, clock)
    corpus = summary(recipe, built, root, clock)
    taught = teach(recipe, built, root, clock)
    trained = training(taught, clock)
    probed = probe(recipe, built, adapter_of(taught.adapter), root, clock)
    refuse_failed_probe(probed.weighed)
    compared = probing(probed.weighed, clock)
    about = Provenance(
        name=recipe.name,
        corpus=built.corpus.fingerprint,
        corpus_rows=built.corpus.rows,
        teacher=", ".join(one.model.model for one in teachers(recipe)),
        answers=probed.weighed.fingerprint,
        page=probed.weighed.path / PAGE,
        metrics=[one.sentence() for one in compared.metrics],
    )
    student = clock.run(
        publish_student,
        taught.adapter,
        taught.examples,
        probed.prompts,
        recipe.train,
        recipe.publish,
        student_spec(recipe),
        recipe.placement.probe,
        about,
        root,
    )
    remember_tables(root, recipe.name, clock.tables, builds=recipe.placement.keep.builds)
    leave_links(root, {"probe": compared.page})
    announce(PROMOTED, recipe.name, student.fingerprint, student=str(student.path))
    return Promoted(student=str(student.path), corpus=corpus, training=trained, probe=compared)
