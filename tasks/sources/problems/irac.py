"""Decisions by issue, rule, application and conclusion (IRAC): a rule with conditions, and the
facts of a claim.
"""

from dataclasses import dataclass
from random import Random

from tasks.sources.problems.lexicon import ITEMS, NAMES, with_article
from tasks.sources.problems.problem import Problem, text_problem

FORMS = (
    "Rule: {rule}\nFacts: {facts}\n"
    "Is the claim allowed or rejected? Use IRAC and give one fact that decides it.",
    "Apply the rule to the facts.\nRule: {rule}\nFacts: {facts}\n"
    "Decide: allowed or rejected? Name one deciding fact.",
)


@dataclass(frozen=True)
class Measure:
    """A condition with a limit."""

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
    """A condition of the rule, the fact that decides it, and the step that shows how ("" if none is
    needed).
    """

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
"""Counts only rules with one measure, at least 70 limits and 20 counts, for each applicant and
item.
"""


def comparison(count: int, bound: int) -> str:
    """Return how two numbers of two digits compare, the tens first, as columns are subtracted."""
    steps: list[str] = []
    tens = ("Tens", count // 10, bound // 10)
    ones = ("Ones", count % 10, bound % 10)
    for place, left, right in (tens, ones):
        if left < right:
            steps.append(f"{place}: {left} is below {right}. {count} is less than {bound}.")
            return " ".join(steps)
        steps.append(f"{place}: {left} - {right} = {left - right}.")
        if left > right:
            return " ".join([*steps, f"{count} is more than {bound}."])
    return " ".join([*steps, f"{count} and {bound} are equal."])


def measured(rng: Random, measure: Measure) -> Condition:
    """Return a condition with a limit, and a count near it."""
    bound = rng.randint(15, 84)
    count = min(99, max(10, bound + rng.randint(-20, 20)))
    holds = count <= bound if measure.at_most else count >= bound
    fact = measure.fact.format(count=count)
    step = f"{fact} {comparison(count, bound)}"
    return Condition(measure.condition.format(bound=bound), fact, holds, step)


def formal(rng: Random, formality: Formality) -> Condition:
    """Return a formality, met in two of three cases."""
    holds = rng.random() < 0.66
    return Condition(formality.condition, formality.met if holds else formality.missed, holds, "")


def outcome(condition: Condition) -> str:
    """Return whether the condition holds, and its fact, so that the conclusion can repeat both."""
    return f"{'Holds' if condition.holds else 'Fails'}: {condition.fact}"


def draw_conditions(rng: Random) -> list[Condition]:
    """Return one to three different conditions."""
    count = rng.choice((1, 2, 2, 2, 3))
    measures = rng.randint(count // 3, min(2, count))
    conditions = [measured(rng, measure) for measure in rng.sample(MEASURES, measures)]
    conditions += [
        formal(rng, formality) for formality in rng.sample(FORMALITIES, count - measures)
    ]
    rng.shuffle(conditions)
    return conditions


def reckoning(conditions: list[Condition], *, alternative: bool, allowed: bool) -> str:
    """Return the sentence that combines the conditions."""
    if len(conditions) == 1:
        return f"The condition {'holds' if allowed else 'fails'}."
    if alternative:
        return "One condition is enough, and one holds." if allowed else "No condition holds."
    return "All conditions hold." if allowed else "Every condition must hold, and one fails."


def _applied(condition: Condition) -> str:
    parts = [f"Asked: {condition.text}.", condition.step, outcome(condition)]
    return " ".join(filter(None, parts))


def irac(rng: Random) -> Problem:
    """Return a problem: whether a rule allows a claim, and one fact that decides it."""
    conditions = draw_conditions(rng)
    name = rng.choice(NAMES)
    item = with_article(rng.choice(ITEMS))
    alternative = len(conditions) > 1 and rng.random() < 0.35
    allowed = (any if alternative else all)(condition.holds for condition in conditions)
    deciding = [condition for condition in conditions if condition.holds is allowed]
    joined = (" or " if alternative else " and ").join(condition.text for condition in conditions)
    rule = f"A claim is allowed only if {joined}."
    shuffled = rng.sample(conditions, len(conditions))
    facts = " ".join([f"{name} claims {item}.", *(condition.fact for condition in shuffled)])
    verdict = "Allowed" if allowed else "Rejected"
    applied = "\n".join(map(_applied, conditions))
    think = (
        f"Issue: whether the claim of {name} on {item} is allowed.\n"
        f"Rule: {rule}\nApplication:\n{applied}\n"
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
