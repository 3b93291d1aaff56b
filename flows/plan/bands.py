"""Faults of bounds: an empty band, and two bands that contradict each other."""

from collections.abc import Iterator

from flows.plan.fault import Fault
from flows.recipes.corpus import Recipe
from flows.recipes.models import asked_models, teachers

USUAL_CHARACTERS = 4
"""Characters per token of usual English text."""
MOST_CHARACTERS = 8
"""Characters per token; no text has more on average."""


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
    """Yield a fault if a think block can pass the gate and then fail the suite.

    The suite judges the whole corpus: one row outside its band fails the corpus.
    """
    suite, gate = recipe.corpus.suite, recipe.verdicts.structure
    if suite.think_min > suite.think_max:
        return
    kept = f"verdicts.structure keeps think blocks of {gate.think_min:,} to {gate.think_max:,}"
    accepted = f"corpus.suite accepts {suite.think_min:,} to {suite.think_max:,} characters"
    if gate.think_min > suite.think_max or gate.think_max < suite.think_min:
        says = f"{kept}, {accepted}: no row can pass both; use one band for both"
        yield Fault("corpus.suite", says)
    elif gate.think_min < suite.think_min:
        yield Fault("corpus.suite.think_min", _wider(kept, accepted, "think_min", gate.think_min))
    elif gate.think_max > suite.think_max:
        yield Fault("corpus.suite.think_max", _wider(kept, accepted, "think_max", gate.think_max))


def reachable_thoughts(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if max_tokens is too small for the shortest think block that is accepted."""
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
    """Yield a fault for every model whose max_tokens fill its whole context window."""
    for where, teacher in asked_models(recipe).items():
        if teacher.max_tokens >= teacher.max_model_len and teacher.engine != "endpoint":
            yield Fault(
                f"{where}.max_tokens",
                f"max_tokens {teacher.max_tokens:,} leaves no room for a prompt "
                f"in max_model_len {teacher.max_model_len:,}, which holds prompt and completion; "
                "lower max_tokens or raise max_model_len",
            )


def training_window(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning if rows may be longer than a configured training accepts."""
    if "train" not in recipe.model_fields_set:
        return
    models = [one.model for one in teachers(recipe)]
    longest = max(one.max_model_len for one in models)
    accepted = recipe.train.encode.max_length
    band = recipe.verdicts.structure
    written = (band.think_max + band.answer_max) // USUAL_CHARACTERS
    prompt = max(one.max_model_len - one.max_tokens for one in models)
    if accepted < min(longest, written + max(0, prompt) // 2):
        yield Fault(
            "train.encode.max_length",
            f"the teacher's rows may have up to {longest:,} tokens, "
            f"the training accepts {accepted:,}; "
            "longer rows are left out, and the training stops if there are many",
            stops=False,
        )


def training_batch(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if a batch cannot be divided into equal micro-batches."""
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


def _wider(kept: str, accepted: str, name: str, value: int) -> str:
    return (
        f"{kept}, {accepted}: one row outside the suite's band fails the whole corpus; "
        f"set corpus.suite.{name} to {value} or narrow verdicts.structure"
    )
