"""Linear equations in one unknown with a whole solution."""

from random import Random

from tasks.sources.problems.columns import addition_steps, division_steps, subtraction_steps
from tasks.sources.problems.problem import Problem, number_problem

FORMS = (
    "Solve for x: {equation}",
    "Find x if {equation}.",
    "What is x when {equation}?",
    "Which number x satisfies {equation}?",
)
OPENERS = (
    "The equation is {equation}.",
    "I bring {equation} into steps.",
    "Start from {equation}.",
)

CAPACITY = len(FORMS) * 8 * 38 * 60
"""Forms, factors 2 to 9, solutions 2 to 39, added constants 1 to 60."""


def equation(rng: Random) -> Problem:
    """Return a problem: an equation kx + c = d or kx - c = d."""
    factor, unknown = rng.randint(2, 9), rng.randint(2, 39)
    multiple = factor * unknown
    if rng.random() < 0.5:
        constant = rng.randint(1, 60)
        text = f"{factor}x + {constant} = {multiple + constant}"
        steps = f"Subtract {constant} from both sides. "
        steps += subtraction_steps(multiple + constant, constant)
    else:
        constant = rng.randint(1, min(60, multiple - 1))
        text = f"{factor}x - {constant} = {multiple - constant}"
        steps = f"Add {constant} to both sides. "
        steps += addition_steps(multiple - constant, constant)
    division = f"So {factor}x = {multiple}. {division_steps(multiple, factor)} So x = {unknown}."
    think = f"{rng.choice(OPENERS).format(equation=text)} {steps} {division}"
    return number_problem(
        rng,
        family="equation",
        prompt=rng.choice(FORMS).format(equation=text),
        think=think,
        value=unknown,
    )
