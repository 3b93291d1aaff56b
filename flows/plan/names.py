"""Faults of names: categories, problems, models and paths that do not exist."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from flows.plan import chains
from flows.plan.fault import Fault, did_you_mean, unknown
from flows.plan.shares import planned
from flows.recipes.corpus import Recipe
from flows.recipes.models import asked_models, judges, teachers, unused_models
from tasks.prompts.family import Family
from tasks.sources import problems
from tasks.sources.datasets import HUB
from tasks.sources.places import BUILTIN
from tasks.sources.spec import QuestionSpec, Source
from tasks.spec import canonical, digest


def problem_names(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every unknown family of problems, and for too many problems of a family."""
    for where, spec in question_specs(recipe):
        for name, count in spec.problems.items():
            place = f"{where}.problems.{name}"
            if name not in problems.FAMILIES:
                yield Fault(place, unknown("family of problems", name, problems.FAMILIES))
            elif count < 1:
                yield Fault(place, f"{count} problems; give a count of at least 1 or remove it")
            elif count > (room := int(problems.capacity(name) * spec.saturation)):
                yield Fault(
                    place,
                    f"{count:,} problems wanted; {name} can make {room:,} without repetition "
                    f"(saturation {spec.saturation:g})",
                )


def categories(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every category without a source, and for one that is all held out."""
    documents = {source.category for source in recipe.documents.sources}
    specs = dict(question_specs(recipe))
    for where, spec in planned(recipe):
        asked = specs["questions" if where == "prompts" else "probe.questions"]
        for number, family in enumerate(spec.families):
            if family.ground == "chain":
                continue
            known = documents if family.ground == "passages" else asked_categories(asked)
            yield from _of_family(f"{where}.families.{number}", family, known, held_out(asked))


def unused(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning for documents and questions that no family asks about."""
    families = recipe.prompts.families
    on_passages = [one for one in families if one.ground == "passages"]
    everything = any(not one.categories or one.context_from == "corpus" for one in on_passages)
    drawn = {name for one in on_passages for name in one.categories}
    held = {source.category for source in recipe.documents.sources}
    for number, source in enumerate(recipe.documents.sources):
        # If a family names an unknown category, that may be a misspelt name of this one.
        if on_passages and not everything and drawn <= held and source.category not in drawn:
            yield _unused(f"documents.sources.{number}.category", source.category, "documents")
    asked = {name for one in families if one.ground == "questions" for name in one.categories}
    known = asked_categories(recipe.questions)
    asked |= chains.begun_with(recipe, known) if asked <= known else set()
    for name in sorted(known - asked) if asked <= known else ():
        yield _unused("questions", name, "questions")


def places_there(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every source whose file, folder or built-in sample does not exist."""
    for where, source in sources(recipe):
        path = source.path
        if path.startswith("builtin:") and path not in BUILTIN:
            yield Fault(f"{where}.path", unknown("built-in source", path, BUILTIN))
        elif not path.startswith((HUB, "builtin:")) and not Path(path).expanduser().exists():
            yield Fault(f"{where}.path", _not_there(path))


def models_there(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a missing model folder, and for a model that its engine cannot serve."""
    for where, teacher in asked_models(recipe).items():
        if where == "probe.asked":
            continue
        path = Path(teacher.model).expanduser()
        local = teacher.model.startswith(("/", "./", "../", "~"))
        if local and teacher.engine == "vllm" and not path.is_dir():
            yield Fault(f"{where}.model", f"the folder {path} is not there")
        if teacher.model.startswith("builtin:") and teacher.model != "builtin:pocket":
            yield Fault(
                f"{where}.model", unknown("built-in model", teacher.model, ["builtin:pocket"])
            )
        if teacher.engine == "endpoint" and teacher.model == "builtin:pocket":
            yield Fault(
                f"{where}.model",
                "the engine is an endpoint, which does not serve builtin:pocket; "
                "name the model as the server does",
            )


def embeddings(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if passages and answers are embedded by different models."""
    passages, answers = recipe.grounding.index.model, recipe.corpus.embedding
    if passages != answers:
        yield Fault(
            "corpus.embedding",
            f"answers are embedded by {answers!r}, passages by {passages!r} "
            "(grounding.index.model); only vectors of the same model can be compared",
        )


def rubrics(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a judge's rubric whose file does not exist."""
    for where, spec in judges(recipe).items():
        if spec.rubric.endswith(".jinja") and not Path(spec.rubric).is_file():
            yield Fault(f"{where}.rubric", _not_there(spec.rubric))


def neighbours(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning if a family shows more passages than grounding keeps as neighbours."""
    kept = recipe.grounding.neighbours
    for where, spec in planned(recipe):
        for number, family in enumerate(spec.families):
            if family.ground == "passages" and family.context > kept:
                yield Fault(
                    f"{where}.families.{number}.context",
                    f"family {family.name!r} shows {family.context} neighbouring passages, but "
                    f"grounding.neighbours keeps {kept}; raise grounding.neighbours",
                    stops=False,
                )


def engine_and_address(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning if a model has the address of a server, but its engine is no endpoint."""
    for name, placement in recipe.placement.models.items():
        engine = recipe.models[name].engine
        if "base_url" in placement.model_fields_set and engine != "endpoint":
            yield Fault(
                f"placement.models.{name}.base_url",
                f"the address is not used: models.{name}.engine is {engine}; "
                "set it to endpoint to use that server",
                stops=False,
            )


def unused_names(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning for every model that no section names."""
    for name in unused_models(recipe):
        yield Fault(
            f"models.{name}",
            "no section uses this model; name it in traces.models, coherence.model or "
            "measure.candidates, or remove it",
            stops=False,
        )


def one_chosen(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if several models answer and a budget of hours must choose one of them."""
    measure, several = recipe.measure, len(recipe.traces.models)
    if several > 1 and measure.budget_hours and not measure.candidates:
        yield Fault(
            "measure.budget_hours",
            f"a budget of hours chooses one teacher, but traces.models names {several}; "
            "name the candidates in measure.candidates, or set budget_hours to 0",
        )


def repeated_teachers(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for two teachers with the same settings: their answers would be the same."""
    seen: dict[str, str] = {}
    for number, name in enumerate(recipe.traces.models):
        settings = digest(canonical(recipe.models[name].model_dump(mode="json")))
        if settings in seen:
            yield Fault(
                f"traces.models.{number}",
                f"{name!r} gives the same answers as {seen[settings]!r}; remove one, "
                "or raise traces.samples for more answers",
            )
        seen[settings] = name


def surprised_teachers(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if the recipe wants scores of traces that its teachers cannot give."""
    first, *more = teachers(recipe)
    if recipe.audit.surprise.traces and first.model.engine == "scripted":
        yield Fault(
            "audit.surprise.traces",
            "the scripted engine has no model to score traces with; set it to 0, or "
            f"models.{first.name}.engine to vllm or endpoint",
        )
    if recipe.audit.surprise.traces and more:
        yield Fault(
            "audit.surprise.traces",
            f"traces are scored by the model that wrote them, but traces.models names "
            f"{len(recipe.traces.models)}; set it to 0 or name one model",
        )
    if recipe.audit.surprise.traces and not recipe.prompts.control:
        yield Fault(
            "audit.surprise.traces",
            "surprise needs control prompts for comparison; set prompts.control to 0.08",
        )


def question_specs(recipe: Recipe) -> tuple[tuple[str, QuestionSpec], ...]:
    """Return (setting, QuestionSpec) for every set of questions of a recipe."""
    return ("questions", recipe.questions), ("probe.questions", recipe.probe.questions)


def asked_categories(spec: QuestionSpec) -> set[str]:
    """Return the categories with at least one question that is not held out."""
    drawn = {name for name, count in spec.problems.items() if count > 0}
    return drawn | {source.category for source in spec.sources if not source.held_out}


def held_out(spec: QuestionSpec) -> set[str]:
    """Return the categories of held-out sources."""
    return {source.category for source in spec.sources if source.held_out}


def sources(recipe: Recipe) -> Iterator[tuple[str, Source]]:
    """Yield (setting, source) for every source of a recipe."""
    for number, document in enumerate(recipe.documents.sources):
        yield f"documents.sources.{number}", document
    for where, spec in question_specs(recipe):
        for number, question in enumerate(spec.sources):
            yield f"{where}.sources.{number}", question


def _of_family(
    where: str, family: Family, known: Iterable[str], kept_back: set[str]
) -> Iterator[Fault]:
    kind = "documents" if family.ground == "passages" else "questions"
    names = set(known)
    if family.ground == "questions" and not family.categories:
        yield Fault(
            f"{where}.categories",
            f"family {family.name!r} asks ready questions but names no category; "
            f"known: {', '.join(sorted(names)) or 'none, define questions first'}",
        )
    for number, name in enumerate(family.categories):
        place = f"{where}.categories.{number}"
        if name in kept_back - names and kind == "questions":
            says = f"all questions of category {name!r} are held out, so none can be asked"
            yield Fault(place, says)
        elif name in problems.FAMILIES and kind == "questions" and name not in names:
            yield Fault(
                place,
                f"no question of category {name!r} is defined; "
                f"add it to the problems of questions, for example {name}: 60",
            )
        elif name not in names:
            yield Fault(place, unknown(f"category of {kind}", name, names))


def _unused(where: str, category: str, kind: str) -> Fault:
    return Fault(
        where,
        f"no family asks about the {kind} of category {category!r}; they are read without use",
        stops=False,
    )


def _not_there(path: str) -> str:
    """Return the sentence for a path that does not exist, with the nearest name in its folder."""
    looked = Path(path).expanduser().absolute()
    beside = [one.name for one in looked.parent.iterdir()] if looked.parent.is_dir() else []
    return (
        f"{path!r} is not there (looked for {looked}){did_you_mean(looked.name, beside)}; "
        "give a file, a folder, hub:owner/name or a built-in source"
    )
