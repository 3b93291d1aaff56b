"""Sums, differences, and short stories about them."""

from dataclasses import dataclass
from random import Random

from tasks.sources.problems.columns import addition_steps, subtraction_steps
from tasks.sources.problems.lexicon import ITEMS, NAMES
from tasks.sources.problems.problem import Problem, number_problem

ADDITION_FORMS = (
    "What is {left} + {right}?",
    "Compute {left} + {right}.",
    "Add {left} and {right}.",
    "Find the sum of {left} and {right}.",
)
SUBTRACTION_FORMS = (
    "What is {left} - {right}?",
    "Compute {left} - {right}.",
    "Subtract {right} from {left}.",
    "Find the difference of {left} and {right}.",
)
COLUMN_OPENERS = (
    "I work digit by digit.",
    "I write the numbers in columns.",
    "Column by column, from the right.",
    "Start with the ones.",
)

ADDITION_CAPACITY = len(ADDITION_FORMS) * 900 * 900
"""Counts only pairs of three-digit numbers."""
SUBTRACTION_CAPACITY = len(SUBTRACTION_FORMS) * 900 * 899 // 2
"""Counts only pairs of three-digit numbers, the larger one first."""


@dataclass(frozen=True)
class Story:
    """A situation with a sum or a difference. The slots are name, item, left and right. grows: it
    is a sum.
    """

    text: str
    opener: str
    closer: str
    grows: bool


STORIES = (
    Story(
        "{name} has {left} {item} claims and files {right} more. "
        "How many claims does {name} have now?",
        "{name} starts with {left} claims. Filing more means adding.",
        "So {name} has {value} claims.",
        grows=True,
    ),
    Story(
        "{name} has {left} {item} claims and withdraws {right}. How many claims are left?",
        "{name} starts with {left} claims. Withdrawing means subtracting.",
        "So {value} claims are left.",
        grows=False,
    ),
    Story(
        "Examiner {name} read {left} {item} files in May and {right} in June. "
        "How many files is that together?",
        "There are {left} files in May and {right} in June. Together means adding.",
        "So it is {value} files.",
        grows=True,
    ),
    Story(
        "There are {left} {item} cases on the desk of Examiner {name}. "
        "{right} of them are closed. How many cases are open?",
        "{left} cases are on the desk. Closed cases are taken away.",
        "So {value} cases are open.",
        grows=False,
    ),
    Story(
        "{name} paid {left} credits for a {item} drawing and {right} credits for a copy. "
        "How many credits did {name} pay in all?",
        "The drawing cost {left} and the copy {right}. In all means adding.",
        "So {name} paid {value} credits.",
        grows=True,
    ),
    Story(
        "{name} had {left} credits and paid {right} credits for a {item} search. "
        "How many credits remain?",
        "{name} had {left} credits. Paying means subtracting.",
        "So {value} credits remain.",
        grows=False,
    ),
)
STORY_CAPACITY = len(NAMES) * len(ITEMS) * 900 * 90 * 3
"""Counts only the three stories with a sum, with a three-digit and a two-digit number."""


def operand(rng: Random) -> int:
    """Return a number of two or, more often, three digits."""
    return rng.randint(100, 999) if rng.random() < 0.7 else rng.randint(10, 99)


def addition(rng: Random) -> Problem:
    """Return a problem: the sum of two numbers below a thousand."""
    left, right = operand(rng), operand(rng)
    prompt = rng.choice(ADDITION_FORMS).format(left=left, right=right)
    think = f"{rng.choice(COLUMN_OPENERS)} {addition_steps(left, right)}"
    return number_problem(rng, family="addition", prompt=prompt, think=think, value=left + right)


def subtraction(rng: Random) -> Problem:
    """Return a problem: the difference of two numbers below a thousand, never negative."""
    right, left = sorted((operand(rng), operand(rng)))
    prompt = rng.choice(SUBTRACTION_FORMS).format(left=left, right=right)
    think = f"{rng.choice(COLUMN_OPENERS)} {subtraction_steps(left, right)}"
    return number_problem(rng, family="subtraction", prompt=prompt, think=think, value=left - right)


def word_problem(rng: Random) -> Problem:
    """Return a problem: a story whose question needs one sum or one difference."""
    story, name, item = rng.choice(STORIES), rng.choice(NAMES), rng.choice(ITEMS)
    right, left = sorted((operand(rng), operand(rng)))
    value = left + right if story.grows else left - right
    steps = addition_steps(left, right) if story.grows else subtraction_steps(left, right)
    opener = story.opener.format(name=name, left=left, right=right)
    prompt = story.text.format(name=name, item=item, left=left, right=right)
    think = f"{opener} {steps} {story.closer.format(name=name, value=value)}"
    return number_problem(rng, family="word_problem", prompt=prompt, think=think, value=value)
