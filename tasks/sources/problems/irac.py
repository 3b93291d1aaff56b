"""Verdicts by issue, rule, application and conclusion: a rule with conditions and the facts of a
claim.
"""

from dataclasses import dataclass
from random import Random

from tasks.sources.problems.lexicon import ITEMS, NAMES, with_article
from tasks.sources.problems.problem import Problem, text_problem

FORMS = (
    "Rule: {rule}\nFacts: {facts}\nIs the claim allowed or rejected? Use IRAC and give one fact that decides it.",
    "Apply the rule to the facts.\nRule: {rule}\nFacts: {facts}\nDecide: allowed or rejected? Name one deciding fact.",
)


@dataclass(frozen=True)
class Measure:
    """A condition with a bound."""

    condition: str
    fact: str
    at_most: bool


@dataclass(frozen=True)
class Formality:
    """A condition that is met or not."""

    condition: str
    met: str
    missed: str


@dataclass(frozen=True)
class Condition:
    """A condition of the rule, the fact that decides it and the step, if any, that shows how."""

    text: str
    fact: str
    holds: bool
    step: str


MEASURES = (
    Measure("it has at most {bound} pages", "The claim has {count} pages.", at_most=True),
    Measure("it has at least {bound} drawings", "The claim has {count} drawings.", at_most=False),
    Measure("it was filed by day {bound}", "The claim was filed on day {count}.", at_most=True),
    Measure("it cites at least {bound} sources", "The claim cites {count} sources.", at_most=False),
    Measure("it lists at most {bound} parts", "The claim lists {count} parts.", at_most=True),
    Measure(
        "the applicant waited at least {bound} weeks",
        "The applicant waited {count} weeks.",
        at_most=False,
    ),
)
FORMALITIES = (
    Formality("the fee is paid", "The fee was paid.", "The fee was not paid."),
    Formality("the oath is signed", "The oath was signed.", "The oath was not signed."),
    Formality(
        "it includes an abstract",
        "The claim includes an abstract.",
        "The claim does not include an abstract.",
    ),
    Formality("the applicant is named", "The applicant was named.", "The applicant was not named."),
    Formality(
        "a translation is on file", "A translation is on file.", "No translation is on file."
    ),
    Formality(
        "the drawings are labeled", "The drawings were labeled.", "The drawings were not labeled."
    ),
)
CAPACITY = len(FORMS) * len(MEASURES) * 70 * 20 * len(NAMES) * len(ITEMS)
"""One measure with 70 bounds and 20 counts at least, for each applicant and item."""


def comparison(count: int, bound: int) -> str:
    """How two numbers of two digits compare, tens first, as columns are subtracted."""
    steps: list[str] = []
    for place, left, right in (
        ("Tens", count // 10, bound // 10),
        ("Ones", count % 10, bound % 10),
    ):
        if left < right:
            return " ".join(
                [*steps, f"{place}: {left} is below {right}. {count} is less than {bound}."]
            )
        steps.append(f"{place}: {left} - {right} = {left - right}.")
        if left > right:
            return " ".join([*steps, f"{count} is more than {bound}."])
    return " ".join([*steps, f"{count} and {bound} are equal."])


def measured(rng: Random, measure: Measure) -> Condition:
    """The condition with a bound, and a count near it."""
    bound = rng.randint(15, 84)
    count = min(99, max(10, bound + rng.randint(-20, 20)))
    holds = count <= bound if measure.at_most else count >= bound
    fact = measure.fact.format(count=count)
    return Condition(
        measure.condition.format(bound=bound), fact, holds, f"{fact} {comparison(count, bound)}"
    )


def formal(rng: Random, formality: Formality) -> Condition:
    """The formality, met in two cases of three."""
    holds = rng.random() < 0.66
    return Condition(formality.condition, formality.met if holds else formality.missed, holds, "")


def outcome(condition: Condition) -> str:
    """Whether the condition holds, with its fact behind, so that the conclusion can repeat both."""
    return f"{'Holds' if condition.holds else 'Fails'}: {condition.fact}"


def draw_conditions(rng: Random) -> list[Condition]:
    """One to three different conditions."""
    count = rng.choice((1, 2, 2, 2, 3))
    measures = rng.randint(count // 3, min(2, count))
    conditions = [measured(rng, measure) for measure in rng.sample(MEASURES, measures)]
    conditions += [
        formal(rng, formality) for formality in rng.sample(FORMALITIES, count - measures)
    ]
    rng.shuffle(conditions)
    return conditions


def reckoning(conditions: list[Condition], *, alternative: bool, allowed: bool) -> str:
    """The sentence that adds the conditions up."""
    if len(conditions) == 1:
        return f"The condition {'holds' if allowed else 'fails'}."
    if alternative:
        return "One condition is enough, and one holds." if allowed else "No condition holds."
    return "All conditions hold." if allowed else "Every condition must hold, and one fails."


def irac(rng: Random) -> Problem:
    """Whether a claim is allowed under a rule, and one fact that decides it."""
    conditions, name, item = (
        draw_conditions(rng),
        rng.choice(NAMES),
        with_article(rng.choice(ITEMS)),
    )
    alternative = len(conditions) > 1 and rng.random() < 0.35
    allowed = (any if alternative else all)(condition.holds for condition in conditions)
    deciding = [condition for condition in conditions if condition.holds is allowed]
    joined = (" or " if alternative else " and ").join(condition.text for condition in conditions)
    rule = f"A claim is allowed only if {joined}."
    told = rng.sample(conditions, len(conditions))
    facts = " ".join([f"{name} claims {item}.", *(condition.fact for condition in told)])
    verdict = "Allowed" if allowed else "Rejected"
    applied = "\n".join(
        " ".join(filter(None, [f"Asked: {condition.text}.", condition.step, outcome(condition)]))
        for condition in conditions
    )
    think = (
        f"Issue: whether the claim of {name} on {item} is allowed.\nRule: {rule}\nApplication:\n{applied}\n"
        f"{reckoning(conditions, alternative=alternative, allowed=allowed)}\n"
        f"Conclusion: {verdict.lower()}. {outcome(deciding[0])}"
    )
    answers = tuple(f"{verdict}. {condition.fact}" for condition in deciding)
    return text_problem(
        family="irac",
        prompt=rng.choice(FORMS).format(rule=rule, facts=facts),
        think=think,
        answer=answers[0],
        accepted=answers,
    )
