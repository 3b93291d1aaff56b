"""Faults of lower and upper bounds: a band that is empty, and two bands that contradict each other."""

from collections.abc import Iterator

from flows.plan.fault import Fault
from flows.recipes.corpus import Recipe
from flows.recipes.models import asked_models, teachers

USUAL_CHARACTERS, MOST_CHARACTERS = 4, 8
"""Characters of a token of English: usual, and more than any text has on average."""


def bands(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every lower bound above its upper bound."""
    suite, grounding = recipe.corpus.suite, recipe.grounding
    yield from _empty("corpus.suite", "think_min", suite.think_min, "think_max", suite.think_max)
    yield from _empty(
        "corpus.suite", "general_min", suite.general_min, "general_max", suite.general_max
    )
    yield from _empty(
        "grounding", "min_words", grounding.min_words, "max_words", grounding.max_words
    )


def think_bands(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault when a think block can pass the gate and then fail the suite.

    The suite judges the corpus as a whole: one row outside its band fails all rows.
    """
    suite, gate = recipe.corpus.suite, recipe.verdicts.structure
    if suite.think_min > suite.think_max:
        return
    kept = f"verdicts.structure keeps think blocks of {gate.think_min:,} to {gate.think_max:,}"
    due = f"corpus.suite accepts {suite.think_min:,} to {suite.think_max:,} characters"
    if gate.think_min > suite.think_max or gate.think_max < suite.think_min:
        yield Fault("corpus.suite", f"{kept}, {due}: no row can pass both; use one band for both")
    elif gate.think_min < suite.think_min:
        yield Fault("corpus.suite.think_min", _wider(kept, due, "think_min", gate.think_min))
    elif gate.think_max > suite.think_max:
        yield Fault("corpus.suite.think_max", _wider(kept, due, "think_max", gate.think_max))


def reachable_thoughts(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault when max_tokens ends every answer before its think block is long enough."""
    think_min = recipe.verdicts.structure.think_min
    for name, model, _ in teachers(recipe):
        if think_min <= USUAL_CHARACTERS * model.max_tokens:
            continue
        yield Fault(
            f"models.{name}.max_tokens",
            f"{model.max_tokens:,} tokens are about "
            f"{USUAL_CHARACTERS * model.max_tokens:,} characters, "
            f"but verdicts.structure.think_min wants think blocks of {think_min:,}: "
            "raise max_tokens or lower think_min",
            stops=think_min > MOST_CHARACTERS * model.max_tokens,
        )


def windows(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every model whose completion alone fills its window."""
    for where, teacher in asked_models(recipe).items():
        if teacher.max_tokens >= teacher.max_model_len and teacher.engine != "endpoint":
            yield Fault(
                f"{where}.max_tokens",
                f"max_tokens {teacher.max_tokens:,} leaves no room for a prompt "
                f"in max_model_len {teacher.max_model_len:,}, which holds prompt and completion; "
                "lower max_tokens or raise max_model_len",
            )


def training_window(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning when rows may be longer than the training accepts, where one is set up."""
    if "train" not in recipe.model_fields_set:
        return
    asked = [one.model for one in teachers(recipe)]
    longest, due = max(one.max_model_len for one in asked), recipe.train.encode.max_length
    band = recipe.verdicts.structure
    written = (band.think_max + band.answer_max) // USUAL_CHARACTERS
    prompt = max(one.max_model_len - one.max_tokens for one in asked)
    if due < min(longest, written + max(0, prompt) // 2):
        yield Fault(
            "train.encode.max_length",
            f"the teacher's rows may have up to {longest:,} tokens, the training takes {due:,}; "
            "longer rows are left out, and the training stops when they are many",
            stops=False,
        )


def training_batch(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault when a batch cannot be cut into equal parts."""
    batch, micro = recipe.train.batch, recipe.placement.train.micro_batch
    if batch % min(micro, batch):
        yield Fault(
            "placement.train.micro_batch",
            f"train.batch {batch} is not a multiple of micro_batch {micro}; "
            "choose a micro_batch that divides it",
        )


def _empty(where: str, low: str, least: float, high: str, most: float) -> Iterator[Fault]:
    if least > most:
        yield Fault(
            f"{where}.{low}",
            f"{low} {least:,} is larger than {high} {most:,}; nothing can lie between them",
        )


def _wider(kept: str, due: str, name: str, value: int) -> str:
    return (
        f"{kept}, {due}: one row outside the suite's band fails the whole corpus; "
        f"set corpus.suite.{name} to {value} or narrow verdicts.structure"
    )
