"""Faults of shares and counts: the prompts cannot make the corpus that the suite wants."""

from collections import Counter
from collections.abc import Iterator

from flows.plan.fault import Fault, percent, unknown
from flows.recipes.corpus import Recipe
from tasks.prompts.family import Family, PromptSpec
from tasks.prompts.plan import apportion, control_rows

MIXED = 100
"""Ratio of two shares, one of them below 1, above which percent and fractions may be mixed."""
HARDLY = 0.9
"""Share of the possible rows above which min_rows is hard to reach."""
CAPPED = 1.5
"""Ratio of a share to its upper bound above which the plan warns: a third of the rows is lost."""


def families_there(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a plan without families."""
    for where, spec in planned(recipe):
        if not spec.families:
            yield Fault(f"{where}.families", "no family is named; a plan needs at least one")


def same_names(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every name that several families have."""
    for where, spec in planned(recipe):
        counts = Counter(family.name for family in spec.families)
        for name, count in counts.items():
            if count > 1:
                yield Fault(
                    f"{where}.families",
                    f"{count} families are named {name!r}; give each its own name",
                )


def family_shares(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for a family without prompts, and a warning for shares of different scales."""
    for where, spec in planned(recipe):
        counts = apportion(spec.rows, spec.families)
        for number, (family, count) in enumerate(zip(spec.families, counts, strict=True)):
            if not count:
                yield Fault(
                    f"{where}.families.{number}.share",
                    f"family {family.name!r} gets no prompt: a share of {family.share:g} "
                    f"among {_total(spec):g} is less than one of {spec.rows:,} rows; "
                    "raise the share or the rows",
                )
        yield from _mixed_scales(where, spec)


def quota_names(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for every unknown name of a family in quotas and gates."""
    names = [family.name for family in recipe.prompts.families]
    for name in recipe.corpus.quotas:
        if name not in names:
            yield Fault(f"corpus.quotas.{name}", unknown("family", name, names))
    for number, name in enumerate(recipe.verdicts.evidence.open):
        if name not in names:
            yield Fault(f"verdicts.evidence.open.{number}", unknown("family", name, names))


def quota_shares(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault for quotas that no corpus can fulfil."""
    quotas = recipe.corpus.quotas
    for name, share in quotas.items():
        if not 0 < share <= 1:
            yield Fault(
                f"corpus.quotas.{name}",
                f"a share of {share:g} is not between 0 and 1 (0.2 is 20 %)",
            )
    capped = all(family.name in quotas for family in recipe.prompts.families)
    if capped and sum(quotas.values()) < 1 - 1e-9:
        yield Fault(
            "corpus.quotas",
            f"every family has a quota, and they add up to {sum(quotas.values()):.2f}: "
            "no corpus can fulfil that; let them add up to 1 or leave one family out",
        )


def general_rows(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if the families cannot give the share of general rows that the suite wants."""
    suite, share = recipe.corpus.suite, general_share(recipe)
    if suite.general_min and not share:
        yield Fault(
            "corpus.suite.general_min",
            f"the suite wants {percent(suite.general_min)} general rows, but no family is marked "
            "general: true; mark one or set general_min to 0",
        )
    elif share == 1 and suite.general_max < 1:
        yield Fault(
            "corpus.suite.general_max",
            f"all families are general, and at most {percent(suite.general_max)} of the rows may "
            "be: no row would be left; set general_max to 1, or general: false for a family",
        )
    elif share < suite.general_min:
        yield Fault(
            "corpus.suite.general_min",
            f"{percent(share)} of the prompts are general, the suite wants "
            f"{percent(suite.general_min)} of the rows; raise the share of a general family",
            stops=False,
        )
    elif suite.general_min <= suite.general_max and share > CAPPED * suite.general_max:
        yield Fault(
            "corpus.suite.general_max",
            f"{percent(share)} of the prompts are general, at most {percent(suite.general_max)} of "
            "the rows may be; the rest is asked and then left out (over_quota)",
            stops=False,
        )


def checked_rows(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if fewer prompts have a known answer than the suite wants."""
    wanted = recipe.corpus.suite.verified_min
    known = _share_of(recipe, [one for one in recipe.prompts.families if one.ground != "passages"])
    if wanted > known:
        yield Fault(
            "corpus.suite.verified_min",
            f"the suite wants {percent(wanted)} rows with a checked answer; {percent(known)} of "
            "the prompts ask ready questions, and only those can have one",
            stops=not known,
        )


def enough_rows(recipe: Recipe) -> Iterator[Fault]:
    """Yield a fault if the suite wants more rows than the plan can give."""
    most, wanted = most_rows(recipe), recipe.corpus.suite.min_rows
    capped = most < recipe.prompts.rows
    reason = ", of which the cap on general rows leaves at most" if capped else " give at most"
    if wanted > most:
        yield Fault(
            "corpus.suite.min_rows",
            f"the suite wants {wanted:,} rows; {recipe.prompts.rows:,} prompts{reason} {most:,} "
            "(one per prompt): no build can pass; raise prompts.rows or lower min_rows",
        )
    elif wanted > HARDLY * most:
        yield Fault(
            "corpus.suite.min_rows",
            f"{wanted:,} of at most {most:,} rows must pass every gate; few teachers do that: "
            "raise prompts.rows or lower min_rows",
            stops=False,
        )


def wanted_rows(recipe: Recipe) -> Iterator[Fault]:
    """Yield a warning if measure.accepted_rows exceeds the rows that the prompts can give."""
    wanted, most = recipe.measure.accepted_rows, most_rows(recipe)
    if wanted > most:
        yield Fault(
            "measure.accepted_rows",
            f"{wanted:,} rows are wanted, the {recipe.prompts.rows:,} prompts give at most "
            f"{most:,}; raise prompts.rows",
            stops=False,
        )


def most_rows(recipe: Recipe) -> int:
    """Return the most rows of a corpus: one per prompt, general ones up to general_max."""
    spec, suite = recipe.prompts, recipe.corpus.suite
    control = control_rows(spec) if recipe.corpus.control else 0
    rows = spec.rows + control
    other = rows * (1 - general_share(recipe))
    if suite.general_max >= 1:
        return rows
    return min(rows, int(other / (1 - suite.general_max) + 1e-9))


def general_share(recipe: Recipe) -> float:
    """Return the share of the prompts that are general."""
    return _share_of(recipe, [one for one in recipe.prompts.families if one.general])


def planned(recipe: Recipe) -> tuple[tuple[str, PromptSpec], ...]:
    """Return (setting, PromptSpec) for every plan of a recipe."""
    return ("prompts", recipe.prompts), ("probe.prompts", recipe.probe.prompts)


def _share_of(recipe: Recipe, families: list[Family]) -> float:
    total = _total(recipe.prompts)
    return sum(family.share for family in families) / total if total else 0.0


def _total(spec: PromptSpec) -> float:
    return sum(family.share for family in spec.families)


def _mixed_scales(where: str, spec: PromptSpec) -> Iterator[Fault]:
    shares = [family.share for family in spec.families]
    if shares and min(shares) < 1 and max(shares) > MIXED * min(shares):
        yield Fault(
            f"{where}.families",
            f"the shares run from {min(shares):g} to {max(shares):g}; shares are weights, "
            "so write all of them as percent or all as fractions",
            stops=False,
        )
